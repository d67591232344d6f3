#include "daemons/group/hole.h"

#include <string.h>

static uint64_t s_own_first (uint64_t to)
{
    return to > 0 ? to : 1;
}

bool hole_read (hole_t *self, const batch_t *batch)
{
    if (batch->count != 1 || batch->type != BATCH_TYPE_RECORDS)
        return false;
    size_t skip = BATCH_HEADER + (batch->opens ? BATCH_DIGEST : 0);
    reader_t in = reader (batch->bytes.data + skip, batch->bytes.size - skip);
    reader_t kind = in;
    reader_varint (&kind);
    if (reader_u8 (&kind) != RECORD_HOLE)
        return false;
    record_t record;
    if (record_decode (&record, batch->base, NULL, &in) < 0)
        return false;
    span_t chain = record_option (&record, RECORD_OPT_CHAIN);
    self->from = record_option_number (&record, RECORD_OPT_FROM, 0);
    self->to = record_option_number (&record, RECORD_OPT_TO, UINT64_MAX);
    if (chain.size != CHAIN_SIZE || self->from < 1 || self->to > INT64_MAX)
        return false;
    memcpy (self->chain.bytes, chain.data, CHAIN_SIZE);
    return self->to >= self->from - 1 && batch->first == s_own_first (self->to);
}

uint64_t hole_first (const batch_t *batch)
{
    hole_t hole;
    return hole_read (&hole, batch) ? hole.from : batch->first;
}

uint64_t hole_last (const batch_t *batch)
{
    hole_t hole;
    return hole_read (&hole, batch) ? hole.to : batch_last (batch);
}

chain_t hole_chain_after (const batch_t *batch)
{
    hole_t hole;
    return hole_read (&hole, batch) ? hole.chain : chain_next (&batch->chain, batch->bytes);
}

span_t hole_write (const hole_t *self, const chain_t *before, int64_t time, const uint8_t *digest,
                   const guid_t *log, uint8_t out[BATCH_MAX])
{
    uint8_t bytes[64];
    writer_t options = writer (bytes, sizeof bytes);
    record_put_number (&options, RECORD_OPT_FROM, self->from);
    record_put_number (&options, RECORD_OPT_TO, self->to);
    record_put_option (&options, RECORD_OPT_CHAIN, self->chain.bytes, CHAIN_SIZE);
    record_t record = {
        .kind = RECORD_HOLE, .time = time, .options = span (bytes, writer_used (&options))};
    uint64_t first = s_own_first (self->to);
    batch_t head = {.type = BATCH_TYPE_RECORDS,
                    .first = first,
                    .base = time,
                    .durable = first - 1,
                    .chain = *before,
                    .digest = digest};
    batch_writer_t batch;
    batch_begin (&batch, out, &head);
    batch_add (&batch, &record);
    return batch_end (&batch, log);
}
