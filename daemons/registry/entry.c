#include "daemons/registry/entry.h"

#include "common/guid.h"

#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char name[TEXT_NAME_MAX + 1];
    bool legacy;
    guid_t log;
    guid_t instance;
    uint64_t generation;
    uint8_t claim[ENTRY_CLAIM];
    uint64_t state;
    uint64_t members;
    uint64_t online;
    uint64_t seq;
    span_t topic; // owned
    char peer[INET6_ADDRSTRLEN];
    uint8_t key[ENTRY_KEY]; // zeros: none
    bool hidden;
    span_t readers; // owned
    char *told[2];  // endpoints as text, owned: for callers elsewhere, and on this machine
    size_t endpoint_count;
    endpoint_t endpoints[];
};

// The peer's address as an endpoint's host.
static bool s_take_peer (endpoint_t *endpoint, const char *peer)
{
    peer = endpoint_host_plain (peer);
    size_t size = strlen (peer);
    if (size == 0 || size > ENDPOINT_HOST_MAX)
        return false;
    memcpy (endpoint->host, peer, size + 1);
    return true;
}

static bool s_own_key (const endpoint_t *endpoint, const entry_caller_t *caller)
{
    return !endpoint->has_key || !caller->key ||
           memcmp (endpoint->key, caller->key, ENTRY_KEY) == 0;
}

// Reads the blank-separated endpoints. Returns their number as far as they count, or -1 with
// *error.
static int s_take_endpoints (endpoint_t *list, span_t text, const entry_caller_t *caller,
                             wire_error_t *error)
{
    const char *at = (const char *)text.data, *end = at + text.size;
    const char *peer = caller->peer;
    int count = 0;
    bool more = true;
    *error = WIRE_ERR_BAD_REQUEST;
    for (int seen = 0; more; seen++) {
        const char *blank = memchr (at, ' ', (size_t)(end - at));
        const char *stop = blank ? blank : end;
        endpoint_t *endpoint = &list[count];
        if (seen == ENTRY_ENDPOINT_COUNT ||
            endpoint_parse (endpoint, at, (size_t)(stop - at), ENDPOINT_ANNOUNCE) != NULL)
            return -1;
        if (endpoint_is_any (endpoint) && !s_take_peer (endpoint, peer))
            return -1;
        if (!s_own_key (endpoint, caller)) {
            *error = WIRE_ERR_WRONG_KEY;
            return -1;
        }
        if (!endpoint_is_loopback (endpoint) || endpoint_host_is_loopback (peer))
            count++;
        more = blank != NULL;
        at = more ? stop + 1 : end;
    }
    return count;
}

static void s_set_caller (entry_t *self, const entry_caller_t *caller)
{
    const char *peer = endpoint_host_plain (caller->peer);
    size_t size = strcspn (peer, "%"); // without a zone
    memcpy (self->peer, peer, size < sizeof self->peer ? size : sizeof self->peer - 1);
    if (caller->key)
        memcpy (self->key, caller->key, ENTRY_KEY);
}

// As text, first those with keys; loopback ones for callers on this machine only.
static char *s_print_endpoints (const entry_t *self, bool here)
{
    char *text = malloc (self->endpoint_count * ENDPOINT_TEXT + 1);
    if (!text)
        return NULL;
    char *at = text;
    *at = 0;
    for (size_t i = 0; i < 2 * self->endpoint_count; i++) {
        const endpoint_t *endpoint = &self->endpoints[i % self->endpoint_count];
        bool now = endpoint->has_key == (i < self->endpoint_count);
        if (!now || (endpoint_is_loopback (endpoint) && !here))
            continue;
        if (at > text)
            *at++ = ' ';
        endpoint_print_with_key (endpoint, at);
        at += strlen (at);
    }
    char *fit = realloc (text, (size_t)(at - text) + 1);
    return fit ? fit : text;
}

static entry_t *s_new (span_t name, const endpoint_t *endpoints, size_t count, span_t topic)
{
    entry_t *self = calloc (1, sizeof *self + count * sizeof *endpoints);
    uint8_t *copy = topic.size > 0 ? malloc (topic.size) : NULL;
    if (!self || (topic.size > 0 && !copy)) {
        free (copy);
        free (self);
        return NULL;
    }
    memcpy (self->name, name.data, name.size);
    if (copy)
        memcpy (copy, topic.data, topic.size);
    self->topic = span (copy, topic.size);
    self->endpoint_count = count;
    if (count > 0)
        memcpy (self->endpoints, endpoints, count * sizeof *endpoints);
    self->told[false] = s_print_endpoints (self, false);
    self->told[true] = s_print_endpoints (self, true);
    if (!self->told[false] || !self->told[true])
        entry_destroy (&self);
    return self;
}

static wire_error_t s_judge (const wire_t *announce)
{
    span_t name = wire_bytes (announce, WIRE_F_NAME);
    span_t topic = wire_bytes (announce, WIRE_F_TOPIC);
    span_t endpoints = wire_bytes (announce, WIRE_F_ENDPOINTS);
    guid_t log = wire_guid (announce, WIRE_F_LOG);
    guid_t instance = wire_guid (announce, WIRE_F_INSTANCE);
    if (!text_name_valid ((const char *)name.data, name.size))
        return WIRE_ERR_BAD_NAME;
    if (topic.size > ENTRY_TOPIC_MAX)
        return WIRE_ERR_TOO_LONG;
    if (topic.size > 0 && !text_valid ((const char *)topic.data, topic.size))
        return WIRE_ERR_BAD_TEXT;
    span_t readers = wire_bytes (announce, WIRE_F_READERS);
    if (readers.size % 8 != 0 || readers.size > 8 * ENTRY_READERS)
        return WIRE_ERR_BAD_REQUEST;
    if (endpoints.size == 0 || endpoints.size > ENTRY_ENDPOINTS_MAX || guid_is_null (&log) ||
        guid_is_null (&instance))
        return WIRE_ERR_BAD_REQUEST;
    return WIRE_ERR_NONE;
}

static int s_set_readers (entry_t *self, const wire_t *announce)
{
    span_t readers = wire_bytes (announce, WIRE_F_READERS);
    self->hidden = wire_number (announce, WIRE_F_HIDDEN) != 0;
    if (!self->hidden || readers.size == 0)
        return 0;
    uint8_t *copy = malloc (readers.size);
    if (!copy)
        return -1;
    memcpy (copy, readers.data, readers.size);
    self->readers = span (copy, readers.size);
    return 0;
}

entry_t *entry_new (const wire_t *announce, const entry_caller_t *caller, wire_error_t *error)
{
    endpoint_t endpoints[ENTRY_ENDPOINT_COUNT];
    *error = s_judge (announce);
    if (*error != WIRE_ERR_NONE)
        return NULL;
    int count =
        s_take_endpoints (endpoints, wire_bytes (announce, WIRE_F_ENDPOINTS), caller, error);
    entry_t *self = count < 0 ? NULL
                              : s_new (wire_bytes (announce, WIRE_F_NAME), endpoints, (size_t)count,
                                       wire_bytes (announce, WIRE_F_TOPIC));
    if (count < 0)
        return NULL;
    *error = WIRE_ERR_LIMIT;
    if (!self || s_set_readers (self, announce) < 0) {
        entry_destroy (&self);
        return NULL;
    }
    *error = WIRE_ERR_NONE;
    s_set_caller (self, caller);
    self->log = wire_guid (announce, WIRE_F_LOG);
    self->instance = wire_guid (announce, WIRE_F_INSTANCE);
    self->generation = wire_number (announce, WIRE_F_GENERATION);
    span_t claim = wire_bytes (announce, WIRE_F_CLAIM);
    if (claim.size == ENTRY_CLAIM)
        memcpy (self->claim, claim.data, ENTRY_CLAIM);
    self->state = wire_number (announce, WIRE_F_STATE);
    self->members = wire_number (announce, WIRE_F_MEMBERS);
    self->online = wire_number (announce, WIRE_F_ONLINE);
    self->seq = wire_number (announce, WIRE_F_SEQ);
    return self;
}

entry_t *entry_new_legacy (span_t name, uint16_t port, const char *peer)
{
    endpoint_t endpoint = {.port = port};
    if (!text_legacy_name_valid ((const char *)name.data, name.size) || port == 0 ||
        !s_take_peer (&endpoint, peer))
        return NULL;
    entry_t *self = s_new (name, &endpoint, 1, span (NULL, 0));
    if (self) {
        const entry_caller_t caller = {peer, NULL};
        self->legacy = true;
        s_set_caller (self, &caller);
    }
    return self;
}

void entry_destroy (entry_t **self_p)
{
    entry_t *self = *self_p;
    if (self) {
        free ((void *)self->topic.data);
        free ((void *)self->readers.data);
        free (self->told[false]);
        free (self->told[true]);
    }
    free (self);
    *self_p = NULL;
}

const char *entry_name (const entry_t *self)
{
    return self->name;
}

bool entry_legacy (const entry_t *self)
{
    return self->legacy;
}

guid_t entry_log (const entry_t *self)
{
    return self->log;
}

guid_t entry_instance (const entry_t *self)
{
    return self->instance;
}

uint64_t entry_generation (const entry_t *self)
{
    return self->generation;
}

const uint8_t *entry_claim (const entry_t *self)
{
    return self->claim;
}

size_t entry_memory (const entry_t *self)
{
    return sizeof *self + self->endpoint_count * sizeof self->endpoints[0] + self->topic.size +
           self->readers.size + strlen (self->told[false]) + strlen (self->told[true]);
}

bool entry_same_log (const entry_t *self, const entry_t *other)
{
    return self->legacy == other->legacy && guid_equal (&self->log, &other->log);
}

bool entry_later (const entry_t *self, const entry_t *other)
{
    if (self->generation != other->generation)
        return self->generation > other->generation;
    return memcmp (self->instance.bytes, other->instance.bytes, GUID_SIZE) > 0;
}

const char *entry_peer (const entry_t *self)
{
    return self->peer;
}

const uint8_t *entry_key (const entry_t *self)
{
    return self->key;
}

bool entry_same_key (const entry_t *self, const entry_t *other)
{
    return memcmp (self->key, other->key, ENTRY_KEY) == 0;
}

bool entry_shown (const entry_t *self, const entry_caller_t *caller)
{
    uint8_t digest[crypto_generichash_BYTES];
    if (!self->hidden)
        return true;
    if (!caller->key)
        return false;
    guid_t uuid = guid_of_key (caller->key);
    crypto_generichash (digest, sizeof digest, uuid.bytes, GUID_SIZE, NULL, 0);
    for (size_t i = 0; i + 8 <= self->readers.size; i += 8)
        if (memcmp (self->readers.data + i, digest, 8) == 0)
            return true;
    return false;
}

static bool s_told (const endpoint_t *endpoint, const char *peer)
{
    return !endpoint_is_loopback (endpoint) || endpoint_host_is_loopback (peer);
}

const char *entry_endpoints (const entry_t *self, const char *peer)
{
    return self->told[endpoint_host_is_loopback (peer)];
}

uint16_t entry_plain_port (const entry_t *self, const char *peer)
{
    if (self->legacy)
        return self->endpoints[0].port; // all that its wire ever told
    uint16_t port = 0;
    if (self->hidden)
        return 0;
    for (size_t i = 0; i < self->endpoint_count; i++) {
        const endpoint_t *endpoint = &self->endpoints[i];
        if (endpoint->has_key || !s_told (endpoint, peer))
            continue;
        if (endpoint_is_loopback (endpoint))
            return endpoint->port;
        if (port == 0)
            port = endpoint->port;
    }
    return port;
}

void entry_describe (const entry_t *self, const char *endpoints, wire_t *row)
{
    *row = wire (WIRE_ROW_GROUP, 0, NULL);
    wire_set_bytes (row, WIRE_F_NAME, span_of (self->name));
    wire_set_bytes (row, WIRE_F_LOG, span (self->log.bytes, GUID_SIZE));
    wire_set (row, WIRE_F_GENERATION, self->generation);
    wire_set (row, WIRE_F_STATE, self->state);
    wire_set (row, WIRE_F_MEMBERS, self->members);
    wire_set (row, WIRE_F_ONLINE, self->online);
    wire_set (row, WIRE_F_SEQ, self->seq);
    wire_set_bytes (row, WIRE_F_TOPIC, self->topic);
    wire_set_bytes (row, WIRE_F_ENDPOINTS, span_of (endpoints));
}
