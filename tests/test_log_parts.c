// What a log does besides appending and reading: retention, doubt, receipts for any place, and what
// the rest of the system may do to it.

#include "daemons/group/log.h"

#include "tests/faults.h"
#include "tests/logs.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SMALL = 700, LARGE = 1 << 26, ROOM = 1 << 16 };

static logs_t s_logs;

static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, SMALL);
}

static void s_teardown (void)
{
    faults_reset ();
    logs_free (&s_logs);
}

static void s_job_of (record_t *record)
{
    log_begin (s_logs.log, s_logs.now += s_logs.tick, 4096, false);
    ck_assert_int_eq (log_put (s_logs.log, record), 0);
    log_commit (s_logs.log);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_DONE);
}

static void s_trim (uint64_t oldest, record_why_t why)
{
    uint8_t room[32];
    writer_t options = writer (room, sizeof room);
    record_put_number (&options, RECORD_OPT_OLDEST, oldest);
    record_put_number (&options, RECORD_OPT_WHY, why);
    record_t trim = {.kind = RECORD_TRIM, .options = span (room, writer_used (&options))};
    s_job_of (&trim);
}

static void s_accept (uint64_t head, uint64_t generation)
{
    uint8_t room[32];
    writer_t options = writer (room, sizeof room);
    lineage_options (&options, head, generation);
    record_t accept = {.kind = RECORD_ACCEPT, .options = span (room, writer_used (&options))};
    s_job_of (&accept);
}

// ---- Segments

START_TEST (segment_size_can_be_changed)
{
    uint64_t firsts[64];
    log_set_segment (s_logs.log, LARGE);
    logs_jobs (&s_logs, "a message", 10, 5);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), 1);
    log_set_segment (s_logs.log, SMALL);
    logs_job (&s_logs, "a message", 5);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), 2);
}
END_TEST

START_TEST (segment_is_closed_when_it_is_wanted)
{
    uint64_t firsts[64];
    log_set_segment (s_logs.log, LARGE);
    log_close_segment (s_logs.log); // there is none: the first one is as new as can be
    logs_job (&s_logs, "a message", 1);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), 1);
    logs_job (&s_logs, "a message", 1);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), 1);
    log_close_segment (s_logs.log);
    logs_job (&s_logs, "a message", 1);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), 2);
    logs_job (&s_logs, "a message", 1);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), 2);
    logs_close (&s_logs); // one that holds nothing yet needs no other
    logs_must_open (&s_logs, LARGE);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).gaps, 0);
}
END_TEST

// What is kept for a full disk is not for a new file.
START_TEST (reserve_begins_no_segment)
{
    uint64_t firsts[64];
    logs_jobs (&s_logs, "a message", 10, 5);
    size_t count = logs_segments (&s_logs, firsts, 64);
    do
        logs_job (&s_logs, "a message", 1);
    while (logs_segments (&s_logs, firsts, 64) == count);
    logs_jobs (&s_logs, "a message", 1, 20); // full
    count = logs_segments (&s_logs, firsts, 64);
    record_t leave = {.kind = RECORD_LEAVE, .author = {{1}}};
    log_begin (s_logs.log, s_logs.now, 4096, true);
    ck_assert_int_eq (log_put (s_logs.log, &leave), 0);
    log_commit (s_logs.log);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_DONE);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), count);
    logs_job (&s_logs, "a message", 1);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), count + 1);
}
END_TEST

// ---- The writer

START_TEST (descriptor_says_that_a_job_is_finished)
{
    log_done_t done;
    ck_assert_int_eq (log_finish (s_logs.log, 0, &done), 0); // there is none
    faults_skip_syncs (false);
    faults_hold_syncs (true);
    logs_begin (&s_logs, "a message", 1);
    ck_assert_int_eq (log_finish (s_logs.log, 0, &done), 0);
    ck_assert (log_busy (s_logs.log));
    faults_hold_syncs (false);
    struct pollfd readable = {.fd = log_fd (s_logs.log), .events = POLLIN};
    ck_assert_int_eq (poll (&readable, 1, 20000), 1);
    logs_finish (&s_logs);
    ck_assert (!log_busy (s_logs.log));
}
END_TEST

// Descriptors run out at any place of an opening: that is told, and nothing is left open.
START_TEST (opening_without_descriptors_is_told)
{
    struct rlimit limit, few;
    ck_assert_int_eq (getrlimit (RLIMIT_NOFILE, &limit), 0);
    logs_job (&s_logs, "a message", 1);
    logs_close (&s_logs);
    int lowest = dup (0), refused = 0;
    close (lowest);
    bool opened = false;
    for (rlim_t more = 0; !opened && more < 40; more++) {
        few = limit;
        few.rlim_cur = (rlim_t)lowest + more;
        ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &few), 0);
        opened = logs_open (&s_logs, SMALL);
        ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &limit), 0);
        refused += !opened;
        ck_assert (opened || (s_logs.trouble.exit != 0 && *s_logs.trouble.text));
    }
    ck_assert (opened && refused > 3);
}
END_TEST

// ---- Retention

START_TEST (list_for_retention_tells_times_and_sizes)
{
    size_t count;
    ck_assert_ptr_null (log_keep_list (s_logs.log, &count));
    ck_assert_uint_eq (count, 0);
    uint64_t firsts[64];
    while (logs_segments (&s_logs, firsts, 64) < 3)
        logs_job (&s_logs, "a message", 3);
    for (int reopened = 0; reopened < 2; reopened++) {
        keep_segment_t *list = log_keep_list (s_logs.log, &count);
        ck_assert_uint_eq (count, 3);
        for (size_t i = 0; i < 3; i++) {
            ck_assert_uint_eq (list[i].first, firsts[i]);
            ck_assert_int_eq (list[i].before, i ? s_logs.times[firsts[i] - 1] : 0);
            ck_assert_uint_gt (list[i].bytes, 200);
        }
        ck_assert_int_eq (list[2].begin, s_logs.times[firsts[2]]);
        free (list);
        logs_close (&s_logs);
        logs_must_open (&s_logs, SMALL);
    }
}
END_TEST

// The newest one's first batch is damaged: nobody knows its time, so it is that of what was before.
START_TEST (segment_whose_begin_is_lost_is_no_older_than_it_can_be)
{
    uint64_t firsts[64];
    size_t count, size, ends[64];
    while (logs_segments (&s_logs, firsts, 64) < 2)
        logs_job (&s_logs, "a message", 3);
    logs_jobs (&s_logs, "a message", 1, 3);
    logs_close (&s_logs);
    uint8_t *bytes = logs_load (logs_segment (&s_logs, firsts[1]), &size);
    ck_assert_uint_gt (logs_ends (bytes, size, ends, 64), 1);
    bytes[ends[0] + 110] ^= 1;
    logs_save (logs_segment (&s_logs, firsts[1]), bytes, size);
    free (bytes);
    logs_must_open (&s_logs, SMALL);
    ck_assert (log_read_only (s_logs.log));
    keep_segment_t *list = log_keep_list (s_logs.log, &count);
    ck_assert_uint_eq (count, 2);
    ck_assert_int_eq (list[1].begin, list[1].before);
    free (list);
}
END_TEST

START_TEST (trimmed_segments_go_when_they_can)
{
    uint64_t firsts[64];
    while (logs_segments (&s_logs, firsts, 64) < 5)
        logs_job (&s_logs, "a message", 3);
    ck_assert_uint_eq (log_drop_trimmed (s_logs.log), 0);
    s_trim (firsts[3] + 1, RECORD_WHY_COUNT);
    ck_assert_uint_eq (log_oldest (s_logs.log), firsts[3] + 1);
    ck_assert_int_eq (log_why (s_logs.log), RECORD_WHY_COUNT);
    faults_fail (FAULTS_UNLINKAT, 0, 1, EACCES);
    ck_assert_uint_eq (log_drop_trimmed (s_logs.log), 0);
    unlink (logs_segment (&s_logs, firsts[0])); // somebody was faster
    ck_assert_uint_eq (log_drop_trimmed (s_logs.log), 3);
    ck_assert_uint_ge (logs_segments (&s_logs, firsts, 64), 2);
    // What is below the oldest is gone for that reason, though some of it is there.
    segments_page_t page;
    record_why_t why;
    uint64_t may, is;
    ck_assert_int_eq (log_read (s_logs.log, 2, UINT64_MAX, ROOM, &page, &why), SEGMENTS_GAP);
    ck_assert_uint_eq (page.from, 2);
    ck_assert_uint_eq (page.to, log_oldest (s_logs.log) - 1);
    ck_assert_int_eq (why, RECORD_WHY_COUNT);
    is = logs_find_lost (&s_logs, 0, &may);
    ck_assert_uint_eq (is, log_oldest (s_logs.log));
    ck_assert_uint_eq (may, log_oldest (s_logs.log));
}
END_TEST

// ---- Receipts and doubt

START_TEST (chain_is_known_where_a_batch_ends)
{
    chain_t chain;
    log_set_segment (s_logs.log, LARGE);
    logs_job (&s_logs, "a message", 3); // records 1 to 4
    receipt_t first = *log_receipt (s_logs.log);
    logs_job (&s_logs, "a message", 3);
    ck_assert_int_eq (log_chain_at (s_logs.log, 7, &chain), SEGMENTS_PAGE);
    ck_assert (chain_equal (&chain, &log_receipt (s_logs.log)->chain));
    ck_assert_int_eq (log_chain_at (s_logs.log, 4, &chain), SEGMENTS_PAGE);
    ck_assert (chain_equal (&chain, &first.chain));
    ck_assert_int_eq (log_chain_at (s_logs.log, 5, &chain), SEGMENTS_NOTHING);
    faults_fail (FAULTS_PREAD, 0, 1, EIO);
    ck_assert_int_eq (log_chain_at (s_logs.log, 4, &chain), SEGMENTS_FAILED);
}
END_TEST

START_TEST (doubt_lasts_until_it_is_taken_back)
{
    logs_job (&s_logs, "a message", 1);
    ck_assert_str_eq (log_doubt (s_logs.log), "");
    ck_assert_int_eq (log_set_doubt (s_logs.log, "a reason"), 0);
    ck_assert_str_eq (log_doubt (s_logs.log), "a reason");
    logs_close (&s_logs);
    logs_must_open (&s_logs, SMALL);
    ck_assert_str_eq (log_doubt (s_logs.log), "a reason");
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_int_eq (log_set_doubt (s_logs.log, ""), 0);
    logs_close (&s_logs);
    logs_must_open (&s_logs, SMALL);
    ck_assert_str_eq (log_doubt (s_logs.log), "");
}
END_TEST

// Whatever fails, it holds for this process, and is on disk as soon as that works.
START_TEST (doubt_that_cannot_be_written_is_owed)
{
    static const faults_call_t calls[] = {FAULTS_OPENAT, FAULTS_FSYNC, FAULTS_RENAMEAT};
    logs_job (&s_logs, "a message", 1);
    ck_assert_int_eq (log_write_doubt (s_logs.log), 0); // there is none
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        faults_fail (calls[i], 0, 2, EIO);
        errno = 0;
        ck_assert_int_eq (log_set_doubt (s_logs.log, "a reason"), -1);
        ck_assert_int_eq (errno, EIO);
        ck_assert_str_eq (log_doubt (s_logs.log), "a reason");
        ck_assert_int_ne (access (logs_file (&s_logs, "doubt"), F_OK), 0);
        ck_assert_int_eq (log_write_doubt (s_logs.log), -1); // it is still owed
        ck_assert_int_eq (log_write_doubt (s_logs.log), 1);
        ck_assert_int_eq (log_write_doubt (s_logs.log), 0); // and now no more
        logs_close (&s_logs);
        logs_must_open (&s_logs, SMALL);
        ck_assert_str_eq (log_doubt (s_logs.log), "a reason");
        ck_assert_int_eq (log_set_doubt (s_logs.log, ""), 0);
    }
}
END_TEST

START_TEST (owed_doubt_is_written_when_the_log_is_closed)
{
    logs_job (&s_logs, "a message", 1);
    faults_fail (FAULTS_OPENAT, 0, 1, ENOSPC);
    ck_assert_int_eq (log_set_doubt (s_logs.log, "a reason"), -1);
    logs_close (&s_logs);
    logs_must_open (&s_logs, SMALL);
    ck_assert_str_eq (log_doubt (s_logs.log), "a reason");
}
END_TEST

START_TEST (doubt_that_cannot_be_taken_back_is_there_again)
{
    logs_job (&s_logs, "a message", 1);
    ck_assert_int_eq (log_set_doubt (s_logs.log, "a reason"), 0);
    faults_fail (FAULTS_UNLINKAT, 0, 2, EIO);
    ck_assert_int_eq (log_set_doubt (s_logs.log, ""), -1);
    logs_close (&s_logs); // this tries again
    logs_must_open (&s_logs, SMALL);
    ck_assert_str_eq (log_doubt (s_logs.log), "a reason");
}
END_TEST

START_TEST (doubt_tells_the_generation_of_its_receipt)
{
    static const struct {
        const char *doubt;
        uint64_t generation;
    } table[] = {{"", 0},
                 {"a reason", 0},
                 {"a receipt for 7" LOG_DOUBT_GENERATION "12", 12},
                 {"a receipt for 7" LOG_DOUBT_GENERATION "12 was shown", 12},
                 {"a receipt" LOG_DOUBT_GENERATION "9223372036854775806 was", INT64_MAX - 1},
                 {"a receipt" LOG_DOUBT_GENERATION "unknown", 0}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        ck_assert_int_eq (log_set_doubt (s_logs.log, table[i].doubt), 0);
        for (int reopened = 0; reopened < 2; reopened++) {
            ck_assert_uint_eq (log_doubt_generation (s_logs.log), table[i].generation);
            logs_close (&s_logs);
            logs_must_open (&s_logs, SMALL);
        }
    }
}
END_TEST

// A receipt was shown of a generation that this log knows nothing of.
START_TEST (generation_is_raised_above_the_one_that_was_said)
{
    logs_job (&s_logs, "a message", 1);
    logs_close (&s_logs);
    logs_must_open (&s_logs, SMALL);
    log_raise (s_logs.log, 40);
    ck_assert (!log_raised (s_logs.log));
    logs_close (&s_logs); // nothing was written
    logs_must_open (&s_logs, SMALL);
    ck_assert_uint_eq (log_generation (s_logs.log), 1);
    log_raise (s_logs.log, 40);
    log_raise (s_logs.log, 39);        // it never goes down
    log_raise (s_logs.log, INT64_MAX); // nothing could be above that
    log_raise (s_logs.log, UINT64_MAX);
    logs_job (&s_logs, "a message", 1);
    ck_assert_uint_eq (log_generation (s_logs.log), 41);
    ck_assert_uint_eq (log_receipt (s_logs.log)->generation, 41);
    logs_close (&s_logs);
    logs_must_open (&s_logs, SMALL);
    ck_assert_uint_eq (log_generation (s_logs.log), 41);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, log_last (s_logs.log));
}
END_TEST

START_TEST (acceptance_is_known_in_every_later_segment)
{
    uint64_t firsts[64];
    logs_job (&s_logs, "a message", 3);
    uint64_t head = log_last (s_logs.log), generation = log_generation (s_logs.log) + 1;
    s_accept (head, generation);
    ck_assert_uint_eq (log_generation (s_logs.log), generation);
    logs_close (&s_logs); // whoever accepts does nothing else
    logs_must_open (&s_logs, SMALL);
    while (logs_segments (&s_logs, firsts, 64) < 3)
        logs_job (&s_logs, "a message", 3);
    for (int reopened = 0; reopened < 2; reopened++) {
        ck_assert_uint_eq (lineage_lost (log_lineage (s_logs.log), generation - 1, head + 5),
                           head + 1);
        ck_assert_uint_eq (lineage_lost (log_lineage (s_logs.log), generation, head + 5), 0);
        logs_close (&s_logs);
        logs_must_open (&s_logs, SMALL);
    }
}
END_TEST

// ---- Rot behind the back of a running log

static void s_rot (uint64_t first, off_t at)
{
    uint8_t byte;
    int fd = open (logs_segment (&s_logs, first), O_RDWR);
    ck_assert_int_eq (__real_pread (fd, &byte, 1, at), 1);
    byte ^= 1;
    ck_assert_int_eq (__real_pwrite (fd, &byte, 1, at), 1);
    close (fd);
}

START_TEST (newest_segment_that_rots_is_read_and_written_on)
{
    log_set_segment (s_logs.log, LARGE);
    logs_jobs (&s_logs, "several mebibytes of them", 30, 2000);
    uint64_t last = log_last (s_logs.log), lost = 0, from = 0;
    s_rot (1, 1000000);
    // Found by whoever reads; while the index is made again, appending goes on.
    segments_page_t page;
    record_why_t why;
    segments_read_t rc = SEGMENTS_PAGE;
    for (uint64_t seq = 1; rc == SEGMENTS_PAGE; seq = page.last + 1) {
        rc = log_read (s_logs.log, seq, UINT64_MAX, ROOM, &page, &why);
        free (page.buffer);
    }
    ck_assert_int_eq (rc, SEGMENTS_LATER);
    uint64_t may;
    ck_assert_int_eq (log_find (s_logs.log, INT64_MAX, &may, &from), SEGMENTS_LATER);
    logs_jobs (&s_logs, "behind it", 3, 7);
    logs_read_t got = logs_read (&s_logs, 1, ROOM);
    ck_assert_uint_eq (got.gaps, 1);
    lost = got.missing;
    ck_assert_uint_eq (got.records + lost, last + 21);
    ck_assert_uint_eq (logs_read (&s_logs, last + 1, ROOM).records, 21);
    logs_jobs (&s_logs, "and behind that", 3, 7);
    ck_assert_uint_eq (logs_read (&s_logs, last + 1, ROOM).records, 42);
    ck_assert (!log_read_only (s_logs.log));
}
END_TEST

static void s_add_more (TCase *cases)
{
    tcase_add_test (cases, list_for_retention_tells_times_and_sizes);
    tcase_add_test (cases, segment_whose_begin_is_lost_is_no_older_than_it_can_be);
    tcase_add_test (cases, trimmed_segments_go_when_they_can);
    tcase_add_test (cases, chain_is_known_where_a_batch_ends);
    tcase_add_test (cases, doubt_lasts_until_it_is_taken_back);
    tcase_add_test (cases, doubt_that_cannot_be_written_is_owed);
    tcase_add_test (cases, owed_doubt_is_written_when_the_log_is_closed);
    tcase_add_test (cases, doubt_that_cannot_be_taken_back_is_there_again);
    tcase_add_test (cases, doubt_tells_the_generation_of_its_receipt);
    tcase_add_test (cases, generation_is_raised_above_the_one_that_was_said);
    tcase_add_test (cases, acceptance_is_known_in_every_later_segment);
    tcase_add_test (cases, newest_segment_that_rots_is_read_and_written_on);
}

int main (void)
{
    TCase *cases = tcase_create ("log_parts");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, segment_size_can_be_changed);
    tcase_add_test (cases, segment_is_closed_when_it_is_wanted);
    tcase_add_test (cases, reserve_begins_no_segment);
    tcase_add_test (cases, descriptor_says_that_a_job_is_finished);
    tcase_add_test (cases, opening_without_descriptors_is_told);
    s_add_more (cases);
    return kit_run (cases, "log_parts");
}
