// Any bytes: refused, or a record whose bytes are exactly those that were read.

#include "common/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void s_must (bool holds)
{
    if (!holds)
        abort ();
}

static bool s_same (const record_t *a, const record_t *b)
{
    return guid_equal (&a->author, &b->author) && a->send.counter == b->send.counter &&
           memcmp (a->send.device, b->send.device, RECORD_DEVICE) == 0 &&
           a->send.random == b->send.random && a->time == b->time && span_equal (a->text, b->text);
}

// What follows are the records of a batch: each is written again, and read as what it was.
static void s_follow (reader_t *in, int64_t base)
{
    record_origins_t origins = {0}, written = {0}, read = {0};
    const size_t room = 1 << 20;
    uint8_t *bytes = malloc (room);
    s_must (bytes != NULL);
    writer_t out = writer (bytes, room);
    reader_t back = reader (bytes, room);
    record_t record, again;
    while (record_decode (&record, base, &origins, in) == 0) {
        record_encode (&record, base, &written, &out);
        s_must (!out.failed && record_decode (&again, base, &read, &back) == 0);
        s_must (back.at == out.at && s_same (&record, &again));
    }
    free (bytes);
}

// The time base is the first 8 bytes, so that times near the end of time are tried too.
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    reader_t in = reader (data, size);
    int64_t base = (int64_t)reader_u64 (&in);
    const uint8_t *start = in.at;
    record_t record;
    if (in.failed || record_decode (&record, base, NULL, &in) < 0)
        return 0;
    size_t taken = (size_t)(in.at - start);
    s_must (record.time >= base && record_size (&record, base) == taken);
    uint8_t *again = malloc (taken);
    s_must (again != NULL);
    writer_t out = writer (again, taken);
    record_encode (&record, base, NULL, &out);
    s_must (!out.failed && writer_used (&out) == taken && memcmp (again, start, taken) == 0);
    free (again);
    for (uint64_t type = 0; type < 10; type++) {
        span_t value = record_option (&record, type);
        s_must (value.size <= record.options.size);
        record_option_number (&record, type, 0);
    }
    s_must (*record_kind_name (record.kind) != 0);
    s_follow (&in, base);
    return 0;
}
