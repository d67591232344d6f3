// A log with damage in an older segment, met while it is read.

#include "daemons/group/log.h"

#include "tests/faults.h"
#include "tests/logs.h"

#include <unistd.h>

enum { SEGMENT = 65536, ROOM = 1 << 16 };

static logs_t s_logs;

static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, SEGMENT);
}

static void s_teardown (void)
{
    faults_reset ();
    logs_free (&s_logs);
}

static void s_reopen (void)
{
    logs_close (&s_logs);
    logs_must_open (&s_logs, SEGMENT);
}

// A log of three segments; the bytes of the second, and where its batches end.
typedef struct {
    uint64_t firsts[64];
    uint8_t *bytes;
    size_t size;
    size_t ends[512];
    size_t count;
} older_t;

static older_t s_older (void)
{
    older_t self;
    while (logs_segments (&s_logs, self.firsts, 64) < 3)
        logs_job (&s_logs, "in one of many segments", 40);
    self.bytes = logs_load (logs_segment (&s_logs, self.firsts[1]), &self.size);
    self.count = logs_ends (self.bytes, self.size, self.ends, 512);
    return self;
}

static void s_damage (const older_t *older, size_t at, uint8_t mask)
{
    uint8_t byte = (uint8_t)(older->bytes[at] ^ mask);
    int fd = open (logs_segment (&s_logs, older->firsts[1]), O_WRONLY);
    ck_assert_int_eq (__real_pwrite (fd, &byte, 1, (off_t)at), 1);
    close (fd);
}

// A byte anywhere in an older segment's batches: one batch is a gap, every other is served, from
// wherever it is read.
START_TEST (damage_in_an_older_segment_is_a_gap_of_one_batch)
{
    older_t older = s_older ();
    uint64_t last = log_last (s_logs.log);
    dice_t chance = dice_new ("damage_in_an_older_segment_is_a_gap_of_one_batch");
    for (int i = 0; i < 60; i++) {
        size_t batch = dice (&chance, older.count);
        size_t at = older.ends[batch];
        at += i % 2 ? dice (&chance, BATCH_HEADER) : dice (&chance, older.ends[batch + 1] - at);
        s_damage (&older, at, (uint8_t)(1u << dice (&chance, 8)));
        s_reopen ();
        ck_assert (!log_read_only (s_logs.log));
        logs_read_t got = logs_read (&s_logs, 1, i % 3 ? ROOM : 1);
        ck_assert_msg (got.gaps == 1 && got.missing <= 40, "byte %zu of batch %zu: %d gaps", at,
                       batch, (int)got.gaps);
        ck_assert_uint_eq (got.records + got.missing, last);
        for (int j = 0; j < 10; j++) {
            uint64_t from = 1 + dice (&chance, last);
            logs_read_t part = logs_read (&s_logs, from, 1 + dice (&chance, ROOM));
            ck_assert_uint_eq (part.records + part.missing, last - from + 1);
            ck_assert_uint_le (part.gaps, 1);
            ck_assert_uint_le (part.missing, got.missing);
        }
        s_damage (&older, at, 0);
    }
    free (older.bytes);
}
END_TEST

START_TEST (time_behind_damage_is_found)
{
    older_t older = s_older ();
    uint64_t last = log_last (s_logs.log), middle = 0;
    batch_t batch;
    ck_assert_int_eq (
        batch_peek (&batch, span (older.bytes + older.ends[5], older.size - older.ends[5])), 0);
    middle = batch_last (&batch);
    s_damage (&older, older.ends[4] + 5, 0xff);
    s_reopen ();
    for (uint64_t seq = 2; seq <= last; seq++) {
        uint64_t may, found = logs_find_lost (&s_logs, s_logs.times[seq], &may);
        ck_assert_uint_le (found, seq + 40); // nothing that is there is skipped
        ck_assert_uint_le (may, seq);        // and nothing that is lost
        if (seq > middle && s_logs.times[seq] > s_logs.times[middle])
            ck_assert_int_eq (s_logs.times[found], s_logs.times[seq]);
    }
    free (older.bytes);
}
END_TEST

START_TEST (lost_end_of_an_older_segment_is_a_gap)
{
    older_t older = s_older ();
    uint64_t last = log_last (s_logs.log);
    ck_assert_int_eq (
        truncate (logs_segment (&s_logs, older.firsts[1]), (off_t)older.ends[older.count / 2]), 0);
    s_reopen ();
    logs_read_t got = logs_read (&s_logs, 1, ROOM);
    ck_assert_uint_eq (got.gaps, 1);
    ck_assert_uint_eq (got.records + got.missing, last);
    logs_job (&s_logs, "appending goes on", 1);
    free (older.bytes);
}
END_TEST

START_TEST (time_of_an_emptied_segment_is_found_to_be_lost)
{
    older_t older = s_older ();
    ck_assert_int_eq (truncate (logs_segment (&s_logs, older.firsts[0]), 0), 0);
    s_reopen ();
    logs_read (&s_logs, 1, ROOM);
    uint64_t may, is = logs_find_lost (&s_logs, s_logs.times[2], &may);
    ck_assert_uint_eq (is, older.firsts[1]);
    ck_assert_uint_eq (may, 1);
    free (older.bytes);
}
END_TEST

START_TEST (read_error_is_no_gap)
{
    older_t older = s_older ();
    s_reopen ();
    segments_page_t page;
    record_why_t why;
    faults_fail (FAULTS_PREAD, 0, 1, EIO);
    ck_assert_int_eq (log_read (s_logs.log, older.firsts[1], UINT64_MAX, ROOM, &page, &why),
                      SEGMENTS_FAILED);
    faults_fail (FAULTS_PREAD, 0, 0, 0);
    logs_read_t got = logs_read (&s_logs, 1, ROOM);
    ck_assert_uint_eq (got.gaps, 0);
    free (older.bytes);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("log_damage");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, damage_in_an_older_segment_is_a_gap_of_one_batch);
    tcase_add_test (cases, time_behind_damage_is_found);
    tcase_add_test (cases, lost_end_of_an_older_segment_is_a_gap);
    tcase_add_test (cases, time_of_an_emptied_segment_is_found_to_be_lost);
    tcase_add_test (cases, read_error_is_no_gap);
    return kit_run (cases, "log_damage");
}
