#include "daemons/group/announce.h"

#include "common/endpoint.h"
#include "common/frame.h"
#include "common/report.h"
#include "common/text.h"

enum {
    TICK_MS = 200,
    RETRY_MS = 1000, // until a registry that did not answer is asked again
    LEAST_RENEW_MS = 100,
    GOODBYE_MS = 500,   // that a goodbye may take to leave
    FRAME_MAX = 1 << 18 // the longest topic and the most readers
};

typedef struct {
    announce_t *owner;
    char *endpoint;
    zsock_t *socket;
    int64_t due;  // monotonic ms of the next announcement
    bool waiting; // an announcement is unanswered
    uint32_t tag;
    wire_error_t said; // what was reported last: NONE, or the refusal
    bool silent;       // that it does not answer was reported
    bool registered;
} registry_t;

struct announce {
    zloop_t *loop;
    announce_io_t io;
    const keypair_t *keys;
    registry_t **list;
    size_t count;
    int timer;
};

static void s_encode_claim (const announce_facts_t *facts, wire_t *message,
                            uint8_t claim[PROOF_CLAIM])
{
    claim_make (claim, facts->key, &facts->log, facts->generation, &facts->instance);
    wire_set_bytes (message, WIRE_F_CLAIM, span (claim, PROOF_CLAIM));
}

static void s_send (registry_t *self, const wire_t *message)
{
    uint8_t *bytes = malloc (FRAME_MAX);
    assert (bytes);
    writer_t out = writer (bytes, FRAME_MAX);
    wire_encode (message, &out);
    if (!out.failed)
        frame_send (self->socket, span (bytes, writer_used (&out)));
    free (bytes);
}

static void s_announce (registry_t *self)
{
    announce_facts_t facts;
    self->owner->io.facts (self->owner->io.arg, &facts);
    uint8_t claim[PROOF_CLAIM];
    wire_t message = wire (WIRE_ANNOUNCE, ++self->tag, NULL);
    wire_set_bytes (&message, WIRE_F_NAME, span_of (facts.name));
    wire_set_bytes (&message, WIRE_F_LOG, span (facts.log.bytes, GUID_SIZE));
    wire_set_bytes (&message, WIRE_F_INSTANCE, span (facts.instance.bytes, GUID_SIZE));
    wire_set (&message, WIRE_F_GENERATION, facts.generation);
    s_encode_claim (&facts, &message, claim);
    wire_set (&message, WIRE_F_STATE, facts.state);
    wire_set (&message, WIRE_F_MEMBERS, facts.members);
    wire_set (&message, WIRE_F_ONLINE, facts.online);
    wire_set (&message, WIRE_F_SEQ, facts.seq);
    wire_set_bytes (&message, WIRE_F_TOPIC, span_of (facts.topic));
    wire_set_bytes (&message, WIRE_F_ENDPOINTS, span_of (facts.endpoints));
    if (facts.hidden) {
        wire_set (&message, WIRE_F_HIDDEN, 1);
        wire_set_bytes (&message, WIRE_F_READERS, facts.readers);
    }
    s_send (self, &message);
}

static void s_withdraw (registry_t *self)
{
    announce_facts_t facts;
    self->owner->io.facts (self->owner->io.arg, &facts);
    wire_t message = wire (WIRE_WITHDRAW, ++self->tag, NULL);
    wire_set_bytes (&message, WIRE_F_NAME, span_of (facts.name));
    wire_set_bytes (&message, WIRE_F_LOG, span (facts.log.bytes, GUID_SIZE));
    wire_set_bytes (&message, WIRE_F_INSTANCE, span (facts.instance.bytes, GUID_SIZE));
    s_send (self, &message);
}

// ---- What a registry answers

static void s_granted (registry_t *self, uint64_t lease)
{
    int64_t renew = (int64_t)lease / 3;
    self->due = zclock_mono () + (renew > LEAST_RENEW_MS ? renew : LEAST_RENEW_MS);
    if (!self->registered)
        report_notice ("registered at %s", self->endpoint);
    self->registered = true;
    self->said = WIRE_ERR_NONE;
    self->silent = false;
}

static void s_check_superseded (registry_t *self, const wire_t *row)
{
    announce_facts_t facts;
    self->owner->io.facts (self->owner->io.arg, &facts);
    uint64_t generation = wire_number (row, WIRE_F_GENERATION);
    uint64_t least = facts.raised ? facts.generation : facts.generation + 1;
    guid_t instance = wire_guid (row, WIRE_F_INSTANCE);
    span_t claim = wire_bytes (row, WIRE_F_CLAIM);
    if (claim.data && generation >= least && !guid_equal (&instance, &facts.instance) &&
        claim_genuine (claim.data, facts.key, &facts.log, generation, &instance))
        self->owner->io.superseded (self->owner->io.arg, generation);
}

static void s_refused (registry_t *self, const wire_t *row)
{
    wire_error_t error = (wire_error_t)wire_number (row, WIRE_F_NUMBER);
    self->due = zclock_mono () + RETRY_MS;
    self->registered = false;
    self->silent = false;
    if (error != self->said) {
        span_t text = wire_bytes (row, WIRE_F_TEXT);
        char *shown = text_for_log ((const char *)text.data, text.size, 200);
        report_warning ("%s refuses this group, which serves on and keeps asking: %s",
                        self->endpoint, shown ? shown : "");
        free (shown);
    }
    self->said = error;
    if (error == WIRE_ERR_SUPERSEDED)
        s_check_superseded (self, row);
}

static void s_take (registry_t *self, span_t frame)
{
    wire_t message, row;
    if (wire_decode (&message, frame) != WIRE_ERR_NONE)
        return;
    if (message.kind == WIRE_LEASE && message.tag == self->tag) {
        self->waiting = false;
        s_granted (self, wire_number (&message, WIRE_F_LEASE));
    } else if (message.kind == WIRE_ERROR) {
        span_t rows = wire_bytes (&message, WIRE_F_ROWS);
        reader_t in = reader (rows.data, rows.size);
        while (wire_next_row (&row, WIRE_ROW_ERROR, &in) == 1) {
            if (wire_number (&row, WIRE_F_TAG) != self->tag)
                continue;
            self->waiting = false;
            s_refused (self, &row);
        }
    }
}

static int s_readable (zloop_t *loop, zsock_t *socket, void *arg)
{
    (void)loop;
    frame_t frame;
    frame_init (&frame);
    for (int i = 0; i < 16 && frame_receive (socket, &frame); i++)
        s_take (arg, frame_body (&frame));
    frame_close (&frame);
    return 0;
}

// ---- Connections

static void s_disconnect (registry_t *self)
{
    if (!self->socket)
        return;
    zloop_reader_end (self->owner->loop, self->socket);
    zsock_destroy (&self->socket);
}

static zsock_t *s_open (const registry_t *self)
{
    endpoint_t to;
    char text[ENDPOINT_TEXT];
    if (endpoint_parse (&to, self->endpoint, strlen (self->endpoint), ENDPOINT_CONNECT) ||
        !to.has_key)
        return frame_connect (self->endpoint, NULL);
    frame_tunnel_t tunnel = {to.key, self->owner->keys};
    return tunnel.keys ? frame_connect (endpoint_print (&to, text), &tunnel) : NULL;
}

static void s_connect (registry_t *self)
{
    s_disconnect (self);
    self->socket = s_open (self);
    if (self->socket) {
        zloop_reader (self->owner->loop, self->socket, s_readable, self);
        zloop_reader_set_tolerant (self->owner->loop, self->socket);
    }
}

static void s_turn (registry_t *self, int64_t now)
{
    if (now < self->due)
        return;
    if (self->waiting) {
        // No answer: what lies in the old connection's queue must not arrive later.
        if (!self->silent)
            report_warning ("registry %s does not answer%s; this group keeps telling it",
                            self->endpoint,
                            strchr (self->endpoint, '?') ? ", or has another key" : "");
        self->silent = true;
        self->registered = false;
        s_disconnect (self);
    }
    if (!self->socket)
        s_connect (self);
    self->due = now + RETRY_MS;
    if (!self->socket)
        return;
    self->waiting = true;
    s_announce (self);
}

static int s_tick (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    announce_t *self = arg;
    for (size_t i = 0; i < self->count; i++)
        s_turn (self->list[i], zclock_mono ());
    return 0;
}

static void s_registry_destroy (registry_t **self_p)
{
    registry_t *self = *self_p;
    s_disconnect (self);
    free (self->endpoint);
    free (self);
    *self_p = NULL;
}

announce_t *announce_new (zloop_t *loop, const announce_io_t *io, const keypair_t *keys)
{
    announce_t *self = zmalloc (sizeof *self);
    self->loop = loop;
    self->io = *io;
    self->keys = keys;
    self->timer = zloop_timer (loop, TICK_MS, 0, s_tick, self);
    return self;
}

void announce_destroy (announce_t **self_p)
{
    announce_t *self = *self_p;
    if (!self)
        return;
    zloop_timer_end (self->loop, self->timer);
    for (size_t i = 0; i < self->count; i++)
        s_registry_destroy (&self->list[i]);
    free (self->list);
    free (self);
    *self_p = NULL;
}

static registry_t *s_take_old (announce_t *self, const char *endpoint)
{
    for (size_t i = 0; i < self->count; i++) {
        registry_t *one = self->list[i];
        if (one && streq (one->endpoint, endpoint)) {
            self->list[i] = NULL;
            return one;
        }
    }
    return NULL;
}

void announce_set_registries (announce_t *self, const char *const *endpoints, size_t count)
{
    registry_t **list = zmalloc ((count + 1) * sizeof (registry_t *));
    for (size_t i = 0; i < count; i++) {
        list[i] = s_take_old (self, endpoints[i]);
        if (list[i])
            continue;
        list[i] = zmalloc (sizeof (registry_t));
        list[i]->owner = self;
        list[i]->endpoint = strdup (endpoints[i]);
        assert (list[i]->endpoint);
    }
    for (size_t i = 0; i < self->count; i++) {
        if (!self->list[i])
            continue;
        if (self->list[i]->socket) {
            s_withdraw (self->list[i]);
            zsock_set_linger (self->list[i]->socket, GOODBYE_MS);
        }
        s_registry_destroy (&self->list[i]);
    }
    free (self->list);
    self->list = list;
    self->count = count;
    s_tick (self->loop, 0, self);
}

void announce_withdraw (announce_t *self)
{
    zloop_timer_end (self->loop, self->timer);
    for (size_t i = 0; i < self->count; i++) {
        registry_t *one = self->list[i];
        one->waiting = one->registered && one->socket;
        if (one->waiting)
            s_withdraw (one);
    }
}

size_t announce_waiting (const announce_t *self)
{
    size_t waiting = 0;
    for (size_t i = 0; i < self->count; i++)
        waiting += self->list[i]->waiting;
    return waiting;
}
