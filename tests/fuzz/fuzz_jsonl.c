// Records to lines of an export and back, without loss; lines of which bytes were changed are
// refused, or say the same record; any other line is read to its end.
//
// Input: a number of changes (4 at most), so many times place and byte, then a record's bytes.

#include "daemons/group/jsonl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const int64_t BASE = 1795330800000000;

static void s_must (bool holds)
{
    if (!holds)
        abort ();
}

static char *s_print (const record_t *record, uint64_t seq, size_t *size)
{
    char *line = NULL;
    FILE *out = open_memstream (&line, size);
    s_must (out != NULL);
    jsonl_put_record (out, record, seq);
    s_must (fclose (out) == 0 && *size > 0 && line[*size - 1] == '\n');
    return line;
}

// The record's encoding, for comparison.
static span_t s_encode (const record_t *record, uint8_t room[BATCH_MAX])
{
    writer_t out = writer (room, BATCH_MAX);
    record_encode (record, 0, NULL, &out);
    s_must (!out.failed);
    return span (room, writer_used (&out));
}

static void s_read (const char *line, size_t size, const record_t *record, uint64_t seq,
                    bool changed)
{
    static uint8_t one[BATCH_MAX], other[BATCH_MAX];
    record_t got;
    uint64_t got_seq;
    jsonl_t *json = jsonl_new (line, size);
    jsonl_record (json, &got, &got_seq);
    const char *wrong = jsonl_wrong (json);
    s_must (wrong ? changed && *wrong : true);
    if (!wrong) {
        s_must (span_equal (s_encode (record, one), s_encode (&got, other)));
        s_must (changed || got_seq == seq);
    }
    jsonl_destroy (&json);
}

static void s_read_any (const uint8_t *data, size_t size)
{
    record_t record;
    uint64_t seq;
    uint8_t bytes[32];
    jsonl_t *json = jsonl_new ((const char *)data, size);
    jsonl_record (json, &record, &seq);
    jsonl_number (json, "batch");
    jsonl_time (json, "base");
    jsonl_guid (json, "log");
    jsonl_hex (json, "chain", bytes, sizeof bytes);
    s_must (jsonl_text (json, "format") != NULL);
    jsonl_wrong (json);
    jsonl_destroy (&json);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    record_t record;
    s_read_any (data, size);
    size_t changes = size > 0 ? data[0] % 5 : 0;
    if (size < 1 + 3 * changes)
        return 0;
    reader_t in = reader (data + 1 + 3 * changes, size - 1 - 3 * changes);
    if (record_decode (&record, BASE, NULL, &in) < 0)
        return 0;
    size_t length;
    uint64_t seq = size;
    char *line = s_print (&record, seq, &length);
    s_read (line, length, &record, seq, false);
    for (size_t i = 0; i < changes; i++) {
        const uint8_t *change = data + 1 + 3 * i;
        line[(size_t)(change[0] << 8 | change[1]) % length] = (char)change[2];
    }
    s_read (line, length, &record, seq, changes > 0);
    free (line);
    return 0;
}
