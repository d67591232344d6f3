#include "daemons/group/seek.h"

void seek_lost (seek_t *self, uint64_t seq)
{
    if (!self->lost)
        self->lost = seq;
}

void seek_passed (seek_t *self)
{
    self->lost = 0;
}

void seek_found (seek_t *self, uint64_t seq)
{
    self->is = seq;
    self->may = self->lost ? self->lost : seq;
}

void seek_in_batch (seek_t *self, batch_t *batch)
{
    hole_t hole;
    uint64_t seq;
    int64_t time;
    if (self->lost >= hole_first (batch))
        self->lost = 0; // no sequence is missing
    if (hole_read (&hole, batch)) {
        if (hole.to >= hole.from)
            seek_lost (self, hole.from);
        return;
    }
    while (!self->is && batch_skip (batch, &seq, &time) == 1) {
        if (time >= self->time)
            seek_found (self, seq);
        else
            seek_passed (self);
    }
}

// The time of a batch's first record. False: it is no batch of records, or cannot be read.
static bool s_first_time (const batch_t *batch, int64_t *time)
{
    batch_t copy = *batch;
    uint64_t seq;
    hole_t hole;
    return batch->type == BATCH_TYPE_RECORDS && !hole_read (&hole, batch) &&
           batch_skip (&copy, &seq, time) == 1;
}

bool seek_in_batches (seek_t *self, span_t bytes, const guid_t *log)
{
    batch_t batch, before = {.count = 0};
    seek_t found = *self;
    bool past = false; // `batch` begins at or after the time, `before` did not
    while (bytes.size > 0 && !past) {
        int64_t time;
        if (batch_open (&batch, bytes, log) < 0 || !s_first_time (&batch, &time) ||
            (before.count > 0 && batch.first != batch_last (&before) + 1))
            return false;
        if (before.count > 0)
            found.lost = 0; // that one began before the time
        past = time >= found.time;
        if (!past)
            before = batch;
        bytes = span (bytes.data + batch.bytes.size, bytes.size - batch.bytes.size);
    }
    if (before.count > 0)
        seek_in_batch (&found, &before);
    if (!found.is && past)
        seek_in_batch (&found, &batch);
    *self = found;
    return true;
}
