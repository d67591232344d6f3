#include "tests/bench/batches.h"

#include "common/batch.h"
#include "tests/bench/fail.h"

int batches_check (const batches_t *self, uint64_t first, uint64_t last)
{
    const uint8_t *at = self->data;
    size_t left = self->size;
    uint64_t next = first;
    while (left > 0) {
        uint32_t size = left >= BATCH_HEADER ? get_u32 (at) : 0;
        if (size < BATCH_HEADER || size > left || get_u64 (at + 16) != next)
            return -1;
        next += get_u16 (at + 6);
        at += size;
        left -= size;
    }
    return next == last + 1 ? 0 : -1;
}

static uint64_t s_hex (const uint8_t *text)
{
    uint64_t value = 0;
    for (size_t n = 0; n < BATCHES_STAMP; n++) {
        unsigned digit =
            text[n] <= '9' ? (unsigned)(text[n] - '0') : (unsigned)(text[n] - 'a' + 10);
        if (digit > 15)
            return 0;
        value = value << 4 | digit;
    }
    return value;
}

static uint64_t s_count (batches_t *self, batch_t *batch)
{
    uint64_t seq;
    int64_t time;
    uint64_t count = 0;
    int more;
    while ((more = batch_skip (batch, &seq, &time)) > 0) {
        self->highest = seq;
        count += seq >= self->first && seq <= self->last;
    }
    if (more < 0)
        fail ("a batch that cannot be read");
    return count;
}

static uint64_t s_batch (batches_t *self, batch_t *batch, link_t *link,
                         void (*stamped) (link_t *, uint64_t))
{
    record_t record;
    uint64_t count = 0;
    int more;
    if (!stamped)
        return s_count (self, batch);
    while ((more = batch_next (batch, &record)) > 0) {
        self->highest = record.seq;
        if (record.seq < self->first || record.seq > self->last)
            continue;
        count++;
        uint64_t sent = record.text.size >= BATCHES_STAMP ? s_hex (record.text.data) : 0;
        if (sent)
            stamped (link, sent);
    }
    if (more < 0)
        fail ("a batch that cannot be read");
    return count;
}

uint64_t batches_walk (batches_t *self, link_t *link, void (*stamped) (link_t *link, uint64_t sent))
{
    span_t left = span (self->data, self->size);
    uint64_t count = 0;
    while (left.size > 0) {
        batch_t batch;
        if (batch_peek (&batch, left) < 0)
            fail ("bytes that are no batch");
        if (left.data == self->data)
            self->base_time = batch.base;
        count += s_batch (self, &batch, link, stamped);
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    }
    return count;
}
