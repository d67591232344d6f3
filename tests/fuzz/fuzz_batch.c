// Any bytes: refused, or a batch whose records give exactly its bytes when they are written again.
// The checksum is set right first (if the header allows), else nothing would get behind it.

#include "common/batch.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const guid_t s_log = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

static void s_must (bool holds)
{
    if (!holds)
        abort ();
}

// Written from the description in batch.h, not with its code.
static void s_repair_checksum (uint8_t *bytes, size_t size)
{
    uint8_t seed[32];
    memcpy (seed, s_log.bytes, 16);
    memcpy (seed + 16, bytes + 16, 8);
    memcpy (seed + 24, bytes, 8);
    writer_t out = writer (bytes + 8, 8);
    writer_u64 (&out, XXH3_64bits_withSeed (bytes + 16, size - 16, XXH3_64bits (seed, 32)));
}

static void s_rewrite (batch_t *batch)
{
    static uint8_t room[BATCH_MAX];
    batch_writer_t out;
    record_t record;
    uint64_t seq = batch->first;
    int rc;
    batch_begin (&out, room, batch);
    while ((rc = batch_next (batch, &record)) == 1) {
        s_must (record.seq == seq);
        s_must (batch_add (&out, &record) == seq++);
    }
    s_must (rc == 0 && seq == batch_last (batch) + 1);
    s_must (span_equal (batch_end (&out, &s_log), batch->bytes));
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    batch_t batch;
    if (batch_peek (&batch, span (data, size)) < 0) {
        s_must (batch_open (&batch, span (data, size), &s_log) < 0);
        return 0;
    }
    s_must (batch.bytes.data == data && batch.bytes.size <= size && batch.durable < batch.first);
    uint8_t *copy = malloc (batch.bytes.size);
    s_must (copy != NULL);
    size = batch.bytes.size;
    memcpy (copy, data, size);
    s_repair_checksum (copy, size);
    s_must (batch_open (&batch, span (copy, size), &s_log) == 0);
    if (batch_sound (&batch))
        s_rewrite (&batch);
    free (copy);
    return 0;
}
