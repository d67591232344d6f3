#include "common/listing.h"

#include "common/endpoint.h"
#include "common/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    ENDPOINTS_MAX = 16,
    ROWS_MAX = 100000,
    SIDES_MAX = 16 // of a conflict
};

typedef struct {
    lookup_row_t row;
    char *name;
    char *topic;
    char *endpoints[ENDPOINTS_MAX];
} entry_t;

struct listing {
    entry_t **entries; // by name
    size_t count;
    size_t room;
};

static void s_free (entry_t *self)
{
    for (size_t i = 0; i < self->row.endpoint_count; i++)
        free (self->endpoints[i]);
    free (self->name);
    free (self->topic);
    free (self);
}

// A copy with blanks in place of control characters.
static char *s_text (span_t bytes)
{
    bool valid = bytes.size > 0 && text_valid ((const char *)bytes.data, bytes.size);
    char *text = valid ? strndup ((const char *)bytes.data, bytes.size) : strdup ("");
    for (char *at = text; at && *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    return text;
}

static void s_add_endpoint (entry_t *self, const char *text)
{
    size_t *count = &self->row.endpoint_count;
    for (size_t i = 0; i < *count; i++)
        if (strcmp (self->endpoints[i], text) == 0)
            return;
    char *copy = *count < ENDPOINTS_MAX ? strdup (text) : NULL;
    if (copy)
        self->endpoints[(*count)++] = copy;
}

// Takes those that can be connected to; others are of a kind that is not known here.
static void s_add_endpoints (entry_t *self, span_t list)
{
    const char *at = (const char *)list.data, *end = at + list.size;
    while (at < end) {
        const char *blank = memchr (at, ' ', (size_t)(end - at));
        const char *stop = blank ? blank : end;
        endpoint_t endpoint;
        char text[ENDPOINT_TEXT];
        if (endpoint_parse (&endpoint, at, (size_t)(stop - at), ENDPOINT_CONNECT) == NULL)
            s_add_endpoint (self, endpoint_print_with_key (&endpoint, text));
        at = stop + 1;
    }
}

static bool s_name_valid (const wire_t *row)
{
    span_t name = wire_bytes (row, WIRE_F_NAME);
    guid_t log = wire_guid (row, WIRE_F_LOG);
    return guid_is_null (&log) ? text_legacy_name_valid ((const char *)name.data, name.size)
                               : text_name_valid ((const char *)name.data, name.size);
}

static entry_t *s_entry (const wire_t *row)
{
    entry_t *self = s_name_valid (row) ? calloc (1, sizeof *self) : NULL;
    if (!self)
        return NULL;
    self->name = s_text (wire_bytes (row, WIRE_F_NAME));
    self->topic = s_text (wire_bytes (row, WIRE_F_TOPIC));
    self->row.name = self->name;
    self->row.topic = self->topic;
    self->row.log = wire_guid (row, WIRE_F_LOG);
    self->row.generation = wire_number (row, WIRE_F_GENERATION);
    self->row.state = (wire_state_t)wire_number (row, WIRE_F_STATE);
    self->row.members = wire_number (row, WIRE_F_MEMBERS);
    self->row.online = wire_number (row, WIRE_F_ONLINE);
    self->row.seq = wire_number (row, WIRE_F_SEQ);
    self->row.endpoints = (const char *const *)self->endpoints;
    s_add_endpoints (self, wire_bytes (row, WIRE_F_ENDPOINTS));
    if (self->name && self->topic && self->row.endpoint_count > 0)
        return self;
    s_free (self);
    return NULL;
}

listing_t *listing_new (void)
{
    return calloc (1, sizeof (listing_t));
}

void listing_clear (listing_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        s_free (self->entries[i]);
    self->count = 0;
}

void listing_destroy (listing_t **self_p)
{
    if (!*self_p)
        return;
    listing_clear (*self_p);
    free ((*self_p)->entries);
    free (*self_p);
    *self_p = NULL;
}

// Where the name's first row is, or would be.
static size_t s_place (const listing_t *self, const char *name, bool *found)
{
    size_t low = 0, high = self->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp (name, self->entries[middle]->name);
        *found = *found || order == 0;
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int s_insert (listing_t *self, size_t place, entry_t *entry)
{
    if (self->count == self->room) {
        size_t room = self->room ? 2 * self->room : 64;
        entry_t **more = room <= 2 * ROWS_MAX ? realloc (self->entries, room * sizeof *more) : NULL;
        if (!more) {
            s_free (entry);
            return -1;
        }
        self->entries = more;
        self->room = room;
    }
    memmove (&self->entries[place + 1], &self->entries[place],
             (self->count - place) * sizeof self->entries[0]);
    self->entries[place] = entry;
    self->count++;
    return 0;
}

// Two entries of one log (or two without): which of them stays. The other one leaves its endpoints,
// when both speak of the same opening of the log.
static entry_t *s_merge (entry_t *old, entry_t *new)
{
    bool newer = new->row.generation > old->row.generation;
    entry_t *keep = newer ? new : old;
    const entry_t *drop = newer ? old : new;
    keep->row.conflict = old->row.conflict;
    if (old->row.generation != new->row.generation)
        return keep;
    for (size_t i = 0; i < drop->row.endpoint_count; i++)
        s_add_endpoint (keep, drop->endpoints[i]);
    if (drop->row.seq > keep->row.seq)
        keep->row.seq = drop->row.seq;
    return keep;
}

// Puts the better of both at the place; the other one is freed.
static int s_replace (listing_t *self, size_t place, entry_t *entry, bool merge)
{
    entry_t *old = self->entries[place], *keep = merge ? s_merge (old, entry) : entry;
    self->entries[place] = keep;
    s_free (keep == old ? entry : old);
    return 0;
}

int listing_add (listing_t *self, const wire_t *row)
{
    entry_t *entry = s_entry (row);
    if (!entry)
        return -1;
    bool found, legacy = guid_is_null (&entry->row.log);
    size_t first = s_place (self, entry->name, &found), end = first;
    for (; end < self->count && strcmp (self->entries[end]->name, entry->name) == 0; end++)
        if (guid_equal (&self->entries[end]->row.log, &entry->row.log))
            return s_replace (self, end, entry, true);
    if (found && guid_is_null (&self->entries[first]->row.log)) // so there is no other one
        return s_replace (self, first, entry, false);
    if ((found && legacy) || end - first == SIDES_MAX) {
        s_free (entry);
        return 0;
    }
    entry->row.conflict = found;
    for (size_t i = first; i < end; i++)
        self->entries[i]->row.conflict = true;
    return s_insert (self, end, entry);
}

size_t listing_count (const listing_t *self)
{
    return self->count;
}

const lookup_row_t *listing_row (const listing_t *self, size_t index)
{
    return index < self->count ? &self->entries[index]->row : NULL;
}

const lookup_row_t *listing_find (const listing_t *self, const char *name)
{
    bool found;
    size_t place = s_place (self, name, &found);
    return found ? &self->entries[place]->row : NULL;
}
