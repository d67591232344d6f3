#include "common/batch.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

enum { FLAG_OPENS = 1, CHECKSUM_AT = 8, AFTER_CHECKSUM = 16 };

static uint64_t s_checksum (span_t bytes, const guid_t *log, uint64_t first)
{
    uint8_t seed[32];
    writer_t out = writer (seed, sizeof seed);
    writer_bytes (&out, log->bytes, GUID_SIZE);
    writer_u64 (&out, first);
    writer_bytes (&out, bytes.data, CHECKSUM_AT);
    return XXH3_64bits_withSeed (bytes.data + AFTER_CHECKSUM, bytes.size - AFTER_CHECKSUM,
                                 XXH3_64bits (seed, sizeof seed));
}

static void s_rewind (batch_t *self)
{
    size_t skip = BATCH_HEADER + (self->opens ? BATCH_DIGEST : 0);
    self->records = reader (self->bytes.data + skip, self->bytes.size - skip);
    self->left = self->count;
    self->last_time = self->base;
    self->origins.count = 0;
}

int batch_peek (batch_t *self, span_t bytes)
{
    memset (self, 0, sizeof *self);
    reader_t in = reader (bytes.data, bytes.size);
    uint32_t size = reader_u32 (&in);
    self->type = reader_u8 (&in);
    uint8_t flags = reader_u8 (&in);
    self->count = reader_u16 (&in);
    reader_u64 (&in);
    self->first = reader_u64 (&in);
    uint64_t base = reader_u64 (&in);
    uint32_t lag = reader_u32 (&in);
    reader_copy (&in, self->chain.bytes, CHAIN_SIZE);
    self->opens = flags == FLAG_OPENS;
    self->digest = reader_bytes (&in, self->opens ? BATCH_DIGEST : 0).data;
    if (!self->opens)
        self->digest = NULL;
    bool known = self->type == BATCH_TYPE_RECORDS || (self->type == BATCH_TYPE_STATE && !flags);
    if (in.failed || !known || flags > FLAG_OPENS || size > bytes.size || size > BATCH_MAX)
        return -1;
    if (size < (size_t)(in.at - bytes.data) || self->count < 1 || self->count > BATCH_RECORDS)
        return -1;
    if (self->first < 1 || self->first > INT64_MAX || base > INT64_MAX || lag >= self->first)
        return -1;
    self->base = (int64_t)base;
    self->durable = self->first - 1 - lag;
    self->bytes = span (bytes.data, size);
    s_rewind (self);
    return 0;
}

int batch_open (batch_t *self, span_t bytes, const guid_t *log)
{
    if (batch_peek (self, bytes) < 0)
        return -1;
    reader_t in = reader (self->bytes.data + CHECKSUM_AT, 8);
    return reader_u64 (&in) == s_checksum (self->bytes, log, self->first) ? 0 : -1;
}

int batch_next (batch_t *self, record_t *record)
{
    if (self->left == 0)
        return reader_left (&self->records) == 0 ? 0 : -1;
    if (record_decode (record, self->base, &self->origins, &self->records) < 0)
        return -1;
    if (self->type == BATCH_TYPE_RECORDS && record->time < self->last_time)
        return -1;
    record->seq = self->first + (uint64_t)(self->count - self->left);
    self->last_time = record->time;
    self->left--;
    return 1;
}

int batch_skip (batch_t *self, uint64_t *seq, int64_t *time)
{
    if (self->left == 0)
        return reader_left (&self->records) == 0 ? 0 : -1;
    span_t body = reader_bytes (&self->records, (size_t)reader_varint (&self->records));
    reader_t in = reader (body.data, body.size);
    reader_u8 (&in); // kind
    reader_u8 (&in); // flags
    uint64_t delta = reader_varint (&in);
    if (self->records.failed || in.failed || self->base < 0 ||
        delta > (uint64_t)(INT64_MAX - self->base))
        return -1;
    int64_t at = self->base + (int64_t)delta;
    if (self->type == BATCH_TYPE_RECORDS && at < self->last_time)
        return -1;
    *seq = self->first + (uint64_t)(self->count - self->left);
    *time = self->last_time = at;
    self->left--;
    return 1;
}

int64_t batch_last_time (const batch_t *self)
{
    batch_t copy = *self;
    uint64_t seq;
    int64_t time = copy.base;
    int rc;
    s_rewind (&copy);
    while ((rc = batch_skip (&copy, &seq, &time)) == 1)
        ;
    return rc == 0 ? time : INT64_MAX;
}

bool batch_sound (batch_t *self)
{
    record_t record;
    int rc;
    while ((rc = batch_next (self, &record)) == 1)
        ;
    s_rewind (self);
    return rc == 0;
}

uint64_t batch_last (const batch_t *self)
{
    return self->first + self->count - 1;
}

void batch_begin (batch_writer_t *self, uint8_t *data, const batch_t *head)
{
    self->data = data;
    self->limit = BATCH_MAX;
    self->head = *head;
    self->head.opens = head->digest != NULL;
    self->head.count = 0;
    self->head.origins.count = 0;
    self->used = BATCH_HEADER + (self->head.opens ? BATCH_DIGEST : 0);
    self->last_time = head->base;
}

uint64_t batch_add (batch_writer_t *self, const record_t *record)
{
    assert (record->time >=
            (self->head.type == BATCH_TYPE_RECORDS ? self->last_time : self->head.base));
    if (self->head.count == BATCH_RECORDS)
        return 0;
    writer_t out = writer (self->data + self->used, self->limit - self->used);
    record_encode (record, self->head.base, &self->head.origins, &out);
    if (out.failed)
        return 0;
    self->used += writer_used (&out);
    self->last_time = record->time;
    self->head.count++;
    return batch_last (&self->head);
}

span_t batch_end (batch_writer_t *self, const guid_t *log)
{
    const batch_t *head = &self->head;
    writer_t out = writer (self->data, self->used);
    writer_u32 (&out, (uint32_t)self->used);
    writer_u8 (&out, (uint8_t)head->type);
    writer_u8 (&out, head->opens ? FLAG_OPENS : 0);
    writer_u16 (&out, head->count);
    writer_u64 (&out, 0);
    writer_u64 (&out, head->first);
    writer_u64 (&out, (uint64_t)head->base);
    writer_u32 (&out, (uint32_t)(head->first - 1 - head->durable));
    writer_bytes (&out, head->chain.bytes, CHAIN_SIZE);
    if (head->opens)
        writer_bytes (&out, head->digest, BATCH_DIGEST);
    assert (!out.failed && head->count > 0);
    span_t bytes = span (self->data, self->used);
    writer_t sum = writer (self->data + CHECKSUM_AT, 8);
    writer_u64 (&sum, s_checksum (bytes, log, head->first));
    return bytes;
}
