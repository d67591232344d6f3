#include "daemons/group/uses.h"

#include "common/hash.h"

#include <czmq.h>

typedef struct {
    guid_t id;
    uint64_t now;
    uint64_t next;
    int64_t expires; // 0: never
} count_t;

struct uses {
    zhashx_t *counts; // by id
    zlistx_t *touched;
    int64_t time; // of the latest record
};

static void s_count_free (void **count_p)
{
    free (*count_p);
    *count_p = NULL;
}

uses_t *uses_new (void)
{
    uses_t *self = zmalloc (sizeof *self);
    self->counts = zhashx_new ();
    zhashx_set_key_hasher (self->counts, hash_guid);
    zhashx_set_key_comparator (self->counts, hash_guid_compare);
    zhashx_set_key_duplicator (self->counts, NULL);
    zhashx_set_key_destructor (self->counts, NULL);
    zhashx_set_destructor (self->counts, s_count_free);
    self->touched = zlistx_new ();
    return self;
}

void uses_destroy (uses_t **self_p)
{
    uses_t *self = *self_p;
    if (!self)
        return;
    zlistx_destroy (&self->touched);
    zhashx_destroy (&self->counts);
    free (self);
    *self_p = NULL;
}

uint64_t uses_count (const uses_t *self, const guid_t *invitation)
{
    const count_t *count = zhashx_lookup (self->counts, invitation->bytes);
    return count ? count->next : 0;
}

static count_t *s_count (uses_t *self, span_t id)
{
    count_t *count = zhashx_lookup (self->counts, id.data);
    if (!count) {
        count = zmalloc (sizeof *count);
        memcpy (count->id.bytes, id.data, GUID_SIZE);
        zhashx_insert (self->counts, count->id.bytes, count);
    }
    zlistx_add_end (self->touched, count);
    return count;
}

void uses_put (uses_t *self, const record_t *record)
{
    if (record->time > self->time)
        self->time = record->time;
    if (record->kind != RECORD_JOIN && record->kind != RECORD_STATE_INVITATION)
        return;
    span_t id = record_option (record, RECORD_OPT_INVITATION);
    uint64_t uses = record_option_number (record, RECORD_OPT_USES, 0);
    if (id.size != GUID_SIZE || uses == 0)
        return;
    uint64_t expires = record_option_number (record, RECORD_OPT_EXPIRES, 0);
    count_t *count = s_count (self, id);
    count->next = record->kind == RECORD_JOIN ? count->next + 1 : uses;
    count->expires = expires > INT64_MAX ? 0 : (int64_t)expires;
}

void uses_commit (uses_t *self)
{
    for (count_t *count = zlistx_first (self->touched); count; count = zlistx_next (self->touched))
        count->now = count->next;
    zlistx_purge (self->touched);
}

void uses_discard (uses_t *self)
{
    // Once counted, one stays in the table, with 0.
    for (count_t *count = zlistx_first (self->touched); count; count = zlistx_next (self->touched))
        count->next = count->now;
    zlistx_purge (self->touched);
}

void uses_state (const uses_t *self, void (*put) (void *arg, const record_t *record), void *arg)
{
    for (const count_t *count = zhashx_first (self->counts); count;
         count = zhashx_next (self->counts)) {
        bool over = count->expires > 0 && count->expires < self->time - USES_EXPIRED;
        if (count->now == 0 || over)
            continue;
        uint8_t bytes[GUID_SIZE + 32];
        writer_t options = writer (bytes, sizeof bytes);
        record_put_option (&options, RECORD_OPT_INVITATION, count->id.bytes, GUID_SIZE);
        record_put_number (&options, RECORD_OPT_USES, count->now);
        record_put_number (&options, RECORD_OPT_EXPIRES, (uint64_t)count->expires);
        record_t record = {.kind = RECORD_STATE_INVITATION,
                           .options = span (bytes, writer_used (&options))};
        put (arg, &record);
    }
}
