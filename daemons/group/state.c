#include "daemons/group/state.h"

#include <czmq.h>
#include <sodium.h>

struct state {
    guid_t log;
    uint64_t first;
    uint8_t *bytes; // with room for the header in front
    size_t used;
    size_t room;
    bool in_batch;
    batch_writer_t batch;
};

state_t *state_new (const guid_t *log, uint64_t first)
{
    state_t *self = zmalloc (sizeof *self);
    self->log = *log;
    self->first = first;
    self->used = SEGMENT_HEADER;
    self->room = SEGMENT_HEADER + BATCH_MAX;
    self->bytes = malloc (self->room);
    assert (self->bytes);
    return self;
}

void state_destroy (state_t **self_p)
{
    if (!*self_p)
        return;
    free ((*self_p)->bytes);
    free (*self_p);
    *self_p = NULL;
}

static void s_end_batch (state_t *self)
{
    if (self->in_batch)
        self->used += batch_end (&self->batch, &self->log).size;
    self->in_batch = false;
}

static void s_begin_batch (state_t *self)
{
    if (self->room - self->used < BATCH_MAX) {
        self->room = 2 * self->room + BATCH_MAX;
        self->bytes = realloc (self->bytes, self->room);
        assert (self->bytes);
    }
    batch_t head = {.type = BATCH_TYPE_STATE, .first = self->first, .durable = self->first - 1};
    batch_begin (&self->batch, self->bytes + self->used, &head);
    self->in_batch = true;
}

void state_put (state_t *self, const record_t *record)
{
    if (self->in_batch && batch_add (&self->batch, record) > 0)
        return;
    s_end_batch (self);
    s_begin_batch (self);
    uint64_t seq = batch_add (&self->batch, record);
    assert (seq > 0); // one record of ours always fits into an empty batch
}

void state_put_log (state_t *self, uint64_t generation, uint64_t oldest, record_why_t why,
                    int64_t time)
{
    uint8_t bytes[64];
    writer_t options = writer (bytes, sizeof bytes);
    record_put_number (&options, RECORD_OPT_GENERATION, generation);
    record_put_number (&options, RECORD_OPT_OLDEST, oldest);
    record_put_number (&options, RECORD_OPT_WHY, why);
    record_t record = {
        .kind = RECORD_STATE_LOG, .time = time, .options = span (bytes, writer_used (&options))};
    state_put (self, &record);
}

span_t state_end (state_t *self, segment_header_t *header, uint8_t digest[BATCH_DIGEST])
{
    s_end_batch (self);
    header->version = SEGMENT_VERSION;
    header->log = self->log;
    header->first = self->first;
    header->state_size = (uint32_t)(self->used - SEGMENT_HEADER);
    segment_header_encode (header, self->bytes);
    crypto_generichash (digest, BATCH_DIGEST, self->bytes, self->used, NULL, 0);
    return span (self->bytes, self->used);
}
