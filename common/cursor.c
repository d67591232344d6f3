#include "common/cursor.h"

cursor_t cursor (const guid_t *log, uint64_t next, uint64_t last)
{
    cursor_t self = {.log = *log, .next = next, .last = last};
    return self;
}

void cursor_skip (cursor_t *self, uint64_t to)
{
    if (to < self->next || to == UINT64_MAX)
        return;
    self->next = to + 1;
    self->seen = 0;
}

void cursor_feed (cursor_t *self, span_t batches)
{
    self->rest = batches;
    self->open = false;
    self->given = false;
    self->wrong = NULL;
    self->parted = false;
}

// Does the batch say that the log has another past than what was seen?
static bool s_parted (const cursor_t *self, const batch_t *batch)
{
    uint64_t last = batch_last (batch);
    if (self->seen == 0 || batch->first > self->seen + 1 || last < self->seen)
        return false;
    if (batch->first == self->seen + 1)
        return !chain_equal (&batch->chain, &self->chain);
    chain_t behind = chain_next (&batch->chain, batch->bytes);
    return last > self->seen || !chain_equal (&behind, &self->chain);
}

static const char *s_judge (cursor_t *self, batch_t *batch)
{
    if (batch_open (batch, self->rest, &self->log) < 0)
        return "a batch whose checksum or header is wrong";
    if (batch->type != BATCH_TYPE_RECORDS)
        return "a batch that holds no records";
    if (batch->first > self->next)
        return "records are missing before a batch";
    self->parted = s_parted (self, batch);
    if (self->parted)
        return "a batch that does not continue the one before it";
    return batch_sound (batch) ? NULL : "a batch whose records cannot be read";
}

// Opens the batch at the front of the rest. Returns 0, or -1.
static int s_open (cursor_t *self)
{
    self->wrong = s_judge (self, &self->batch);
    if (self->wrong)
        return -1;
    span_t bytes = self->batch.bytes;
    self->rest = span (self->rest.data + bytes.size, self->rest.size - bytes.size);
    if (batch_last (&self->batch) > self->seen) {
        self->seen = batch_last (&self->batch);
        self->chain = chain_next (&self->batch.chain, bytes);
    }
    self->open = true;
    return 0;
}

int cursor_next (cursor_t *self, record_t *record)
{
    if (self->given)
        self->next++;
    self->given = false;
    // What lies behind the last one wanted is nobody's business here.
    while (self->next <= self->last && (self->open || self->rest.size > 0)) {
        if (!self->open && s_open (self) < 0)
            return -1;
        while (batch_next (&self->batch, record) == 1) {
            if (record->seq != self->next)
                continue;
            self->given = true;
            return 1;
        }
        self->open = false;
    }
    return 0;
}
