// export: all of a log, as lines.

#include "daemons/group/export.h"

#include "daemons/group/jsonl.h"
#include "tests/logs.h"

#include <errno.h>

enum { SMALL = 900, LAST = 61 };

static logs_t s_logs;
static char *s_text;
static size_t s_size;
static audit_t s_audit;

static void s_setup (void)
{
    logs_init (&s_logs);
    logs_must_open (&s_logs, SMALL);
    logs_jobs (&s_logs, "a \"message\"", 30, 2);
}

static void s_teardown (void)
{
    free (s_text);
    s_text = NULL;
    logs_free (&s_logs);
}

static void s_export (void)
{
    free (s_text);
    FILE *out = open_memstream (&s_text, &s_size);
    ck_assert_int_eq (export_run (s_logs.path, out, &s_audit, NULL), 0);
    fclose (out);
}

// The next line, without its newline; NULL at the end.
static jsonl_t *s_next (const char **at)
{
    const char *line = *at, *end = strchr (line, '\n');
    if (!end)
        return NULL;
    *at = end + 1;
    return jsonl_new (line, (size_t)(end - line));
}

typedef struct {
    uint64_t segments;
    uint64_t batches;
    uint64_t records;
    uint64_t state;
    bool ends;
} count_t;

// Counts lines, and holds the records against what was written.
static count_t s_count (void)
{
    count_t count = {0};
    const char *at = s_text;
    for (jsonl_t *line; (line = s_next (&at)); jsonl_destroy (&line)) {
        record_t record;
        ck_assert (!count.ends);
        count.segments += jsonl_has (line, "segment");
        count.batches += jsonl_has (line, "batch");
        count.ends = jsonl_has (line, "end");
        if (!jsonl_has (line, "kind"))
            continue;
        jsonl_record (line, &record, &record.seq);
        ck_assert_ptr_null (jsonl_wrong (line));
        count.state += record.seq == 0 && record.kind != RECORD_OPEN;
        if (record.seq > 0) {
            ck_assert_uint_eq (record.seq, ++count.records);
            logs_is_right (&s_logs, &record);
        }
    }
    ck_assert_int_eq (*at, 0); // whole lines only
    return count;
}

START_TEST (all_of_a_log_is_there)
{
    uint64_t firsts[64];
    size_t segments = logs_segments (&s_logs, firsts, 64);
    s_export (); // beside the one who writes
    ck_assert_int_eq (s_audit.verdict, AUDIT_SOUND);
    count_t count = s_count ();
    ck_assert_uint_eq (count.segments, segments);
    ck_assert_uint_eq (count.records, LAST);
    ck_assert_uint_ge (count.batches, 30 + segments);
    ck_assert_uint_eq (count.state, 2 * segments);
    ck_assert (count.ends);
}
END_TEST

START_TEST (it_begins_with_what_it_is)
{
    const char *at;
    s_export ();
    at = s_text;
    jsonl_t *line = s_next (&at);
    guid_t log = jsonl_guid (line, "log");
    chain_t chain, start = chain_start (&log);
    ck_assert_str_eq (jsonl_text (line, "format"), JSONL_FORMAT);
    ck_assert_uint_eq (jsonl_number (line, "version"), JSONL_VERSION);
    ck_assert_uint_eq (jsonl_number (line, "first"), 1);
    jsonl_hex (line, "chain", chain.bytes, CHAIN_SIZE);
    ck_assert_ptr_null (jsonl_wrong (line));
    ck_assert (guid_equal (&log, log_id (s_logs.log)) && chain_equal (&chain, &start));
    jsonl_destroy (&line);
}
END_TEST

START_TEST (it_ends_with_the_head)
{
    chain_t chain, wanted = log_receipt (s_logs.log)->chain;
    s_export ();
    char *last = s_text + s_size - 2;
    while (last[-1] != '\n')
        last--;
    jsonl_t *line = jsonl_new (last, strlen (last));
    ck_assert_uint_eq (jsonl_number (line, "end"), LAST);
    ck_assert_uint_eq (jsonl_number (line, "records"), LAST);
    jsonl_hex (line, "chain", chain.bytes, CHAIN_SIZE);
    ck_assert_ptr_null (jsonl_wrong (line));
    ck_assert (chain_equal (&chain, &wanted));
    jsonl_destroy (&line);
}
END_TEST

static void s_damage (uint64_t first, long at)
{
    FILE *file = fopen (logs_segment (&s_logs, first), "r+b");
    fseek (file, at, SEEK_SET);
    fputc ('!', file);
    fclose (file);
}

START_TEST (damage_ends_it_without_an_end)
{
    uint64_t firsts[64];
    logs_segments (&s_logs, firsts, 64);
    s_damage (firsts[1], 500);
    s_export ();
    ck_assert_int_eq (s_audit.verdict, AUDIT_DAMAGED);
    count_t count = s_count ();
    ck_assert (!count.ends);
    ck_assert_uint_ge (count.records, firsts[1] - 1);
    ck_assert_uint_lt (count.records, firsts[2] - 1);
}
END_TEST

START_TEST (torn_tail_is_left_out)
{
    uint64_t firsts[64];
    size_t size, ends[64], segments = logs_segments (&s_logs, firsts, 64);
    logs_close (&s_logs);
    const char *path = logs_segment (&s_logs, firsts[segments - 1]);
    uint8_t *bytes = logs_load (path, &size);
    s_damage (firsts[segments - 1], (long)ends[logs_ends (bytes, size, ends, 64)] + 3);
    free (bytes);
    s_export ();
    ck_assert_int_eq (s_audit.verdict, AUDIT_TORN);
    count_t count = s_count ();
    ck_assert (count.ends);
    ck_assert_uint_eq (count.records, LAST);
}
END_TEST

START_TEST (full_disk_is_an_error)
{
    FILE *full = fopen ("/dev/full", "w");
    ck_assert_int_eq (export_run (s_logs.path, full, &s_audit, NULL), -1);
    ck_assert_int_eq (errno, ENOSPC);
    fclose (full);
}
END_TEST

START_TEST (folder_without_a_log_gives_nothing)
{
    logs_close (&s_logs);
    FILE *out = open_memstream (&s_text, &s_size);
    ck_assert_int_eq (export_run (s_logs.folder.path, out, &s_audit, NULL), 0);
    fclose (out);
    ck_assert_int_eq (s_audit.verdict, AUDIT_FAILED);
    ck_assert_uint_eq (s_size, 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("export");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, all_of_a_log_is_there);
    tcase_add_test (cases, it_begins_with_what_it_is);
    tcase_add_test (cases, it_ends_with_the_head);
    tcase_add_test (cases, damage_ends_it_without_an_end);
    tcase_add_test (cases, torn_tail_is_left_out);
    tcase_add_test (cases, full_disk_is_an_error);
    tcase_add_test (cases, folder_without_a_log_gives_nothing);
    return kit_run (cases, "export");
}
