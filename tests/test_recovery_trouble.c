// Openings at which a system call fails, and damage of every kind at once; test_recovery.c has the
// plain cases.

#include "daemons/group/recovery.h"

#include "common/exits.h"
#include "daemons/group/lineage.h"
#include "daemons/group/repair.h"
#include "tests/faults.h"
#include "tests/logs.h"

#include <unistd.h>

enum { SMALL = 600, LARGE = 1 << 26, ROOM = 1 << 16, MANY = 70 };

static logs_t s_logs;
static uint64_t s_firsts[512];
static size_t s_segments;
static uint64_t s_last;

static void s_hear (void *arg, const char *line)
{
    (void)arg, (void)line;
}

// More segments than may be open at once.
static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, SMALL);
    while (logs_segments (&s_logs, s_firsts, 512) < MANY)
        logs_job (&s_logs, "in one of many", 2);
    logs_jobs (&s_logs, "in the newest", 2, 2);
    s_last = log_last (s_logs.log);
    logs_close (&s_logs);
    s_segments = logs_segments (&s_logs, s_firsts, 512);
}

static void s_teardown (void)
{
    faults_reset ();
    logs_free (&s_logs);
}

static void s_change (uint64_t first, size_t at)
{
    size_t size;
    uint8_t *bytes = logs_load (logs_segment (&s_logs, first), &size);
    ck_assert_uint_lt (at, size);
    bytes[at] ^= 0x10;
    logs_save (logs_segment (&s_logs, first), bytes, size);
    free (bytes);
}

// ---- Calls that fail

static void s_lay_nothing (void)
{
}

// Each call of the kind fails once: the log is opened all the same, and right, or it is not, and
// why is said. `lay` makes the folder's state anew.
static void s_fail_each (faults_call_t call, void (*lay) (void), uint64_t last, bool read_only)
{
    for (int skip = 0;; skip += skip < 120 ? 1 : 17) {
        lay ();
        faults_forget ();
        faults_fail (call, skip, 1, EIO);
        bool opened = logs_open (&s_logs, SMALL);
        size_t calls = faults_calls (call);
        faults_fail (call, 0, 0, 0);
        if (opened) {
            ck_assert_uint_eq (log_last (s_logs.log), last);
            ck_assert (log_read_only (s_logs.log) == read_only);
        } else {
            ck_assert_msg (s_logs.trouble.exit == EXIT_SYNC || s_logs.trouble.exit == EXIT_NOT_NOW,
                           "exit %d", s_logs.trouble.exit);
            ck_assert_str_ne (s_logs.trouble.text, "");
        }
        logs_close (&s_logs);
        if (calls <= (size_t)skip)
            break;
        ck_assert_msg (!opened || call == FAULTS_UNLINKAT || call == FAULTS_OPENAT,
                       "call %d of kind %d failed, and nothing was said", skip, (int)call);
    }
}

static void s_fail_all (void (*lay) (void), uint64_t last, bool read_only)
{
    static const faults_call_t calls[] = {FAULTS_OPENAT, FAULTS_PREAD,     FAULTS_PWRITE,
                                          FAULTS_FSYNC,  FAULTS_FTRUNCATE, FAULTS_RENAMEAT};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        s_fail_each (calls[i], lay, last, read_only);
}

static void s_lay_torn (void)
{
    static uint8_t bytes[1 << 16];
    static size_t size;
    const char *path = logs_segment (&s_logs, s_firsts[s_segments - 1]);
    if (size == 0) {
        uint8_t *now = logs_load (path, &size);
        while (size > 0 && now[size - 1] == 0)
            size--;
        memcpy (bytes, now, size);
        free (now);
        memset (bytes + size, 7, 99);
    }
    logs_save (path, bytes, size + 99);
    char name[300];
    while (logs_files (&s_logs, "torn-", name))
        unlink (logs_file (&s_logs, name));
}

static void s_lay_unfinished (void)
{
    char name[300];
    while (logs_files (&s_logs, "torn-", name))
        unlink (logs_file (&s_logs, name));
    logs_save (logs_segment (&s_logs, s_last + 1), "zchatlog", 8);
}

START_TEST (failing_calls_beside_a_torn_tail_are_told)
{
    s_fail_all (s_lay_torn, s_last, false);
}
END_TEST

START_TEST (failing_calls_beside_an_unfinished_segment_are_told)
{
    s_fail_all (s_lay_unfinished, s_last, false);
}
END_TEST

START_TEST (failing_calls_beside_damage_are_told)
{
    s_change (s_firsts[s_segments - 1], SEGMENT_HEADER + 20);
    s_fail_all (s_lay_nothing, s_last, true);
}
END_TEST

START_TEST (failing_calls_where_no_beginning_is_whole_are_told)
{
    for (size_t i = 0; i < s_segments; i++)
        s_change (s_firsts[i], i % 3 ? 30 : SEGMENT_HEADER + 20);
    s_fail_all (s_lay_nothing, s_last, true);
}
END_TEST

// No beginning is whole, so all were looked at, and those that were closed for others are opened
// once more when they are replayed.
START_TEST (segment_that_cannot_be_opened_again_is_told)
{
    for (size_t i = 0; i < s_segments; i++)
        s_change (s_firsts[i], i % 3 ? 30 : SEGMENT_HEADER + 20);
    faults_forget ();
    logs_must_open (&s_logs, SMALL);
    ck_assert (log_read_only (s_logs.log));
    int opens = (int)faults_calls (FAULTS_OPENAT);
    logs_close (&s_logs);
    size_t again = s_segments - SEGMENTS_OPEN;
    ck_assert_uint_ge (again, MANY - SEGMENTS_OPEN);
    for (size_t i = 1; i <= again; i++) { // the newest one is never closed
        faults_fail (FAULTS_OPENAT, opens - (int)i, 1, EMFILE);
        ck_assert (!logs_open (&s_logs, SMALL));
        faults_fail (FAULTS_OPENAT, 0, 0, 0);
        ck_assert_int_eq (s_logs.trouble.exit, EXIT_SYNC);
        char wanted[200];
        snprintf (wanted, sizeof wanted, "segment %d cannot be read: %s",
                  (int)s_firsts[s_segments - 1 - i], strerror (EMFILE));
        ck_assert_str_eq (s_logs.trouble.text, wanted);
    }
    logs_must_open (&s_logs, SMALL);
    ck_assert_uint_eq (log_last (s_logs.log), s_last);
}
END_TEST

// Whether the log went on without the newest one is not to be said then.
START_TEST (segment_before_the_newest_that_cannot_be_opened_is_told)
{
    faults_forget ();
    logs_must_open (&s_logs, SMALL);
    int opens = (int)faults_calls (FAULTS_OPENAT);
    logs_close (&s_logs);
    faults_fail (FAULTS_OPENAT, opens - 1, 1, EMFILE);
    ck_assert (!logs_open (&s_logs, SMALL));
    ck_assert_int_eq (s_logs.trouble.exit, EXIT_SYNC);
    char wanted[200];
    snprintf (wanted, sizeof wanted, "segment %d cannot be read: %s", (int)s_firsts[s_segments - 2],
              strerror (EMFILE));
    ck_assert_str_eq (s_logs.trouble.text, wanted);
    logs_must_open (&s_logs, SMALL);
    ck_assert_uint_eq (log_last (s_logs.log), s_last);
}
END_TEST

// Evidence goes to the disk in parts, and what interrupts a write is no error.
START_TEST (torn_tail_is_copied_in_parts)
{
    s_lay_torn ();
    faults_shorten (FAULTS_PWRITE, 0, 5, 7);
    logs_must_open (&s_logs, SMALL);
    logs_close (&s_logs);
    s_lay_torn ();
    faults_fail (FAULTS_PWRITE, 0, 2, EINTR);
    logs_must_open (&s_logs, SMALL);
    char name[300];
    ck_assert_int_eq (logs_files (&s_logs, "torn-", name), 1);
    size_t size;
    uint8_t *bytes = logs_load (logs_file (&s_logs, name), &size);
    ck_assert_uint_eq (size, 99);
    free (bytes);
}
END_TEST

// ---- Much at once

START_TEST (notice_of_much_damage_is_cut_off)
{
    logs_free (&s_logs);
    logs_init (&s_logs);
    logs_must_open (&s_logs, LARGE);
    logs_jobs (&s_logs, "batch", 40, 1);
    logs_close (&s_logs);
    size_t size, ends[64];
    uint8_t *bytes = logs_load (logs_segment (&s_logs, 1), &size);
    size_t count = logs_ends (bytes, size, ends, 64);
    for (size_t i = 1; i + 1 < count; i += 2)
        bytes[ends[i] + 70] ^= 1;
    logs_save (logs_segment (&s_logs, 1), bytes, size);
    free (bytes);
    logs_must_open (&s_logs, LARGE);
    ck_assert_uint_eq (strlen (log_notice (s_logs.log)), 399);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).gaps, (count - 1) / 2);
}
END_TEST

START_TEST (any_number_of_torn_tails_is_thinned_out)
{
    char name[64];
    s_lay_torn ();
    for (int i = 0; i < 1100; i++) {
        snprintf (name, sizeof name, "torn-%020d-%020d", i, 1);
        logs_save (logs_file (&s_logs, name), "x", 1);
    }
    logs_must_open (&s_logs, SMALL);
    ck_assert_int_lt (logs_files (&s_logs, "torn-", NULL), 100);
}
END_TEST

START_TEST (headers_without_end_are_counted)
{
    for (size_t i = 2; i < 12; i++)
        s_change (s_firsts[i], 30);
    logs_must_open (&s_logs, SMALL);
    ck_assert (log_read_only (s_logs.log));
    char wanted[100];
    snprintf (wanted, sizeof wanted, "10 older segments have no header, the first is segment %d",
              (int)s_firsts[2]);
    ck_assert_str_eq (log_notice (s_logs.log), wanted);
}
END_TEST

// Two were begun at once: the later one says that the earlier one's first record was durable.
START_TEST (several_begun_segments_rest_on_the_newest)
{
    uint8_t bytes[SEGMENT_HEADER];
    size_t size;
    segment_header_t header;
    uint8_t *newest = logs_load (logs_segment (&s_logs, s_firsts[s_segments - 1]), &size);
    ck_assert_int_eq (segment_header_decode (&header, newest), 0);
    free (newest);
    for (uint64_t i = 1; i <= 2; i++) {
        header.first = s_last + i;
        segment_header_encode (&header, bytes);
        logs_save (logs_segment (&s_logs, s_last + i), bytes, sizeof bytes);
    }
    logs_must_open (&s_logs, SMALL);
    ck_assert (log_read_only (s_logs.log));
    ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 0);
}
END_TEST

// What an older segment ends with was durable, whatever else is damaged.
START_TEST (torn_end_of_an_older_segment_is_never_cut)
{
    size_t size, ends[64], older = s_segments - 2;
    uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[older]), &size);
    size_t count = logs_ends (bytes, size, ends, 64);
    ck_assert_uint_gt (count, 1); // or its beginning would be gone
    logs_save (logs_segment (&s_logs, s_firsts[older]), bytes, ends[count] - 5);
    free (bytes);
    s_change (s_firsts[s_segments - 1], SEGMENT_HEADER + 20);
    logs_must_open (&s_logs, SMALL);
    ck_assert (log_read_only (s_logs.log));
    ck_assert_uint_eq (log_last (s_logs.log), s_last);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).gaps, 1);
    ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 0);
}
END_TEST

// It may be all that says that what is before it was durable: the next opening needs it too.
START_TEST (torn_tail_beside_damage_is_left_where_it_is)
{
    size_t size, ends[64];
    uint64_t newest = s_firsts[s_segments - 1];
    s_change (newest, SEGMENT_HEADER + 20);
    uint8_t *bytes = logs_load (logs_segment (&s_logs, newest), &size);
    size_t count = logs_ends (bytes, size, ends, 64);
    ck_assert_uint_ge (count, 2);
    // The second batch says that the first was durable, but stands at the wrong place.
    size_t second = ends[2] - ends[1];
    memmove (bytes + ends[1] + 9, bytes + ends[1], second);
    memset (bytes + ends[1], 0xee, 9);
    logs_save (logs_segment (&s_logs, newest), bytes, ends[2] + 9);
    free (bytes);
    for (int i = 0; i < 2; i++) {
        logs_must_open (&s_logs, SMALL);
        ck_assert (log_read_only (s_logs.log));
        ck_assert_uint_ge (log_last (s_logs.log), newest);
        ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 0);
        logs_close (&s_logs);
    }
}
END_TEST

// ---- What is folded

START_TEST (hole_in_the_newest_segment_is_gone_over)
{
    size_t size, ends[64];
    uint64_t newest = s_firsts[s_segments - 1];
    uint8_t *bytes = logs_load (logs_segment (&s_logs, newest), &size);
    ck_assert_uint_gt (logs_ends (bytes, size, ends, 64), 2);
    free (bytes);
    s_change (newest, ends[1] + 75);
    logs_must_open (&s_logs, SMALL);
    ck_assert (log_read_only (s_logs.log));
    guid_t id = *log_id (s_logs.log);
    int dir = open (s_logs.path, O_RDONLY | O_DIRECTORY);
    survey_t *survey = survey_new (dir, &id, NULL);
    logs_close (&s_logs);
    ck_assert_int_eq (repair_run (dir, survey, s_hear, NULL, &s_logs.trouble), 0);
    survey_destroy (&survey);
    close (dir);
    logs_must_open (&s_logs, SMALL);
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_uint_eq (log_last (s_logs.log), s_last);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).gaps, 1);
}
END_TEST

START_TEST (accepted_generation_is_the_logs)
{
    uint8_t room[64];
    writer_t options = writer (room, sizeof room);
    logs_must_open (&s_logs, SMALL);
    log_begin (s_logs.log, LOGS_NOW, 1000, false);
    lineage_options (&options, s_last, 77);
    record_t accept = {.kind = RECORD_ACCEPT, .options = span (room, writer_used (&options))};
    ck_assert_int_eq (log_put (s_logs.log, &accept), 0);
    log_commit (s_logs.log);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_DONE);
    ck_assert_uint_eq (log_generation (s_logs.log), 77);
    logs_close (&s_logs);
    logs_must_open (&s_logs, SMALL);
    ck_assert_uint_eq (log_generation (s_logs.log), 77);
}
END_TEST

// The only segment, of which the first of two STATE batches is damaged: the other one counts.
START_TEST (state_behind_damaged_state_is_known)
{
    size_t size, state;
    segment_header_t header;
    uint64_t newest = s_firsts[s_segments - 1];
    for (size_t i = 0; i + 1 < s_segments; i++)
        unlink (logs_segment (&s_logs, s_firsts[i]));
    uint8_t *bytes = logs_load (logs_segment (&s_logs, newest), &size);
    ck_assert_int_eq (segment_header_decode (&header, bytes), 0);
    state = header.state_size;
    uint8_t *more = malloc (size + state);
    memcpy (more, bytes, SEGMENT_HEADER + state);
    memcpy (more + SEGMENT_HEADER + state, bytes + SEGMENT_HEADER, size - SEGMENT_HEADER);
    more[SEGMENT_HEADER + 20] ^= 1;
    header.state_size *= 2;
    segment_header_encode (&header, more);
    logs_save (logs_segment (&s_logs, newest), more, size + state);
    free (bytes);
    free (more);
    logs_must_open (&s_logs, SMALL);
    ck_assert (log_read_only (s_logs.log));
    ck_assert_uint_eq (s_logs.state, 2);
    ck_assert_uint_eq (log_oldest (s_logs.log), 1); // it says so
}
END_TEST

static void s_add_failures (TCase *cases)
{
    tcase_add_test (cases, failing_calls_beside_a_torn_tail_are_told);
    tcase_add_test (cases, failing_calls_beside_an_unfinished_segment_are_told);
    tcase_add_test (cases, failing_calls_beside_damage_are_told);
    tcase_add_test (cases, failing_calls_where_no_beginning_is_whole_are_told);
    tcase_add_test (cases, segment_that_cannot_be_opened_again_is_told);
    tcase_add_test (cases, segment_before_the_newest_that_cannot_be_opened_is_told);
    tcase_add_test (cases, torn_tail_is_copied_in_parts);
}

int main (void)
{
    TCase *cases = tcase_create ("recovery_trouble");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 60);
    s_add_failures (cases);
    tcase_add_test (cases, notice_of_much_damage_is_cut_off);
    tcase_add_test (cases, any_number_of_torn_tails_is_thinned_out);
    tcase_add_test (cases, headers_without_end_are_counted);
    tcase_add_test (cases, several_begun_segments_rest_on_the_newest);
    tcase_add_test (cases, torn_end_of_an_older_segment_is_never_cut);
    tcase_add_test (cases, torn_tail_beside_damage_is_left_where_it_is);
    tcase_add_test (cases, hole_in_the_newest_segment_is_gone_over);
    tcase_add_test (cases, accepted_generation_is_the_logs);
    tcase_add_test (cases, state_behind_damaged_state_is_known);
    return kit_run (cases, "recovery_trouble");
}
