#include "daemons/group/log.h"

#include "daemons/group/audit.h"
#include "tests/faults.h"
#include "tests/logs.h"

#include <czmq.h>

enum { SEGMENT = 65536, LARGE = 1 << 26, ROOM = 1 << 16 };

static logs_t s_logs;

static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, LARGE);
}

static void s_teardown (void)
{
    faults_reset ();
    logs_free (&s_logs);
}

static void s_reopen (uint64_t segment)
{
    logs_close (&s_logs);
    logs_must_open (&s_logs, segment);
}

static void s_is_sound (uint64_t segments)
{
    audit_t audit;
    audit_io_t io = {0};
    audit_run (&audit, s_logs.path, &io);
    ck_assert_msg (audit.verdict == AUDIT_SOUND, "%s", audit.place);
    ck_assert_uint_eq (audit.last, log_last (s_logs.log));
    if (segments > 0)
        ck_assert_uint_eq (audit.segments, segments);
}

// ---- Appending

START_TEST (new_log_is_empty)
{
    log_t *log = s_logs.log;
    ck_assert_uint_eq (log_last (log), 0);
    ck_assert_uint_eq (log_generation (log), 0);
    ck_assert_uint_eq (log_oldest (log), 1);
    ck_assert (!log_read_only (log) && !log_busy (log));
    ck_assert_str_eq (log_notice (log), "");
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, 0);
}
END_TEST

START_TEST (what_was_appended_is_read)
{
    logs_job (&s_logs, "one", 3);
    logs_job (&s_logs, "two", 1);
    ck_assert_uint_eq (log_last (s_logs.log), 5); // with OPEN
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, 5);
    s_reopen (LARGE);
    ck_assert_uint_eq (s_logs.folded, 5);
    ck_assert_uint_eq (log_last (s_logs.log), 5);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, 5);
    ck_assert_uint_eq (logs_read (&s_logs, 3, 1).records, 3);
}
END_TEST

START_TEST (nothing_is_read_before_it_is_durable)
{
    segments_page_t page;
    record_why_t why;
    logs_job (&s_logs, "one", 1);
    receipt_t before = *log_receipt (s_logs.log);
    faults_hold_syncs (true);
    logs_begin (&s_logs, "two", 1);
    log_done_t done;
    ck_assert_int_eq (log_finish (s_logs.log, 0, &done), 0);
    ck_assert (log_busy (s_logs.log));
    ck_assert_uint_eq (log_last (s_logs.log), 2);
    ck_assert_int_eq (log_read (s_logs.log, 3, UINT64_MAX, ROOM, &page, &why), SEGMENTS_NOTHING);
    ck_assert_int_eq (log_read (s_logs.log, 1, UINT64_MAX, ROOM, &page, &why), SEGMENTS_PAGE);
    ck_assert_uint_eq (page.last, 2);
    free (page.buffer);
    ck_assert_int_eq (memcmp (&before, log_receipt (s_logs.log), sizeof before), 0);
    faults_hold_syncs (false);
    ck_assert_int_eq (log_finish (s_logs.log, -1, &done), 1);
    ck_assert (done.first == 3 && done.last == 3 && !log_busy (s_logs.log));
    free (done.buffer);
    ck_assert_uint_eq (log_last (s_logs.log), 3);
}
END_TEST

START_TEST (finished_batches_are_those_on_disk)
{
    logs_begin (&s_logs, "one", 5);
    log_done_t done;
    segments_page_t page;
    record_why_t why;
    ck_assert_int_eq (log_finish (s_logs.log, -1, &done), 1);
    ck_assert_uint_ge ((size_t)(done.batches.data - done.buffer), LOG_HEADROOM);
    ck_assert_int_eq (log_read (s_logs.log, done.first, UINT64_MAX, ROOM, &page, &why),
                      SEGMENTS_PAGE);
    ck_assert (span_equal (page.batches, done.batches));
    ck_assert_uint_ge ((size_t)(page.batches.data - page.buffer), LOG_HEADROOM);
    free (done.buffer);
    free (page.buffer);
}
END_TEST

START_TEST (every_opening_that_writes_raises_the_generation)
{
    for (uint64_t generation = 1; generation <= 4; generation++) {
        ck_assert_uint_eq (log_generation (s_logs.log), generation - 1);
        guid_t instance = *log_instance (s_logs.log);
        ck_assert (!log_raised (s_logs.log));
        logs_job (&s_logs, "one", 1);
        ck_assert (log_raised (s_logs.log));
        logs_job (&s_logs, "two", 1);
        ck_assert_uint_eq (log_generation (s_logs.log), generation);
        ck_assert_uint_eq (log_last (s_logs.log), 3 * generation);
        s_reopen (LARGE);
        ck_assert (!guid_equal (&instance, log_instance (s_logs.log)));
    }
    s_reopen (LARGE);
    s_reopen (LARGE); // one that writes nothing raises nothing
    ck_assert_uint_eq (log_generation (s_logs.log), 4);
}
END_TEST

START_TEST (open_record_says_generation_and_instance)
{
    guid_t instance = *log_instance (s_logs.log);
    segments_page_t page;
    record_why_t why;
    batch_t batch;
    record_t record;
    logs_job (&s_logs, "one", 1);
    ck_assert_int_eq (log_read (s_logs.log, 1, UINT64_MAX, ROOM, &page, &why), SEGMENTS_PAGE);
    ck_assert_int_eq (batch_open (&batch, page.batches, log_id (s_logs.log)), 0);
    ck_assert_int_eq (batch_next (&batch, &record), 1);
    ck_assert_int_eq (record.kind, RECORD_OPEN);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_GENERATION, 0), 1);
    span_t told = record_option (&record, RECORD_OPT_INSTANCE);
    ck_assert (span_equal (told, span (instance.bytes, GUID_SIZE)));
    free (page.buffer);
}
END_TEST

START_TEST (times_never_decrease)
{
    logs_job (&s_logs, "one", 1);
    s_logs.now = LOGS_NOW - INT64_C (3600000000); // the clock steps back
    logs_job (&s_logs, "two", 2);
    ck_assert_int_eq (log_time (s_logs.log), LOGS_NOW);
    s_logs.now = LOGS_NOW - 1; // or is set by a little
    logs_job (&s_logs, "and", 1);
    ck_assert_int_eq (log_time (s_logs.log), LOGS_NOW);
    s_logs.now = LOGS_NOW - 2;
    s_reopen (LARGE);
    ck_assert_int_eq (log_time (s_logs.log), LOGS_NOW);
    logs_job (&s_logs, "three", 1); // behind the record of the opening
    ck_assert_int_eq (log_time (s_logs.log), LOGS_NOW);
    s_logs.now = LOGS_NOW + 1;
    logs_job (&s_logs, "four", 1);
    ck_assert_int_eq (log_time (s_logs.log), LOGS_NOW + 1);
    s_is_sound (1);
}
END_TEST

START_TEST (cancelled_job_leaves_no_trace)
{
    record_t record = {.kind = RECORD_MESSAGE, .author = {{1}}, .text = span_of ("never")};
    log_begin (s_logs.log, s_logs.now, 100, false);
    ck_assert_int_eq (log_put (s_logs.log, &record), 0);
    log_cancel (s_logs.log);
    ck_assert (!log_busy (s_logs.log));
    ck_assert_uint_eq (log_last (s_logs.log), 0);
    logs_job (&s_logs, "one", 1);
    ck_assert_uint_eq (log_last (s_logs.log), 2);
    ck_assert_uint_eq (log_generation (s_logs.log), 1);
    s_is_sound (1);
}
END_TEST

START_TEST (break_begins_a_new_batch)
{
    segments_page_t page;
    record_why_t why;
    batch_t batch;
    s_logs.batch = 1;
    logs_job (&s_logs, "one", 3);
    ck_assert_int_eq (log_read (s_logs.log, 1, UINT64_MAX, ROOM, &page, &why), SEGMENTS_PAGE);
    ck_assert_int_eq (batch_peek (&batch, page.batches), 0);
    ck_assert_uint_eq (batch_last (&batch), 2); // OPEN and the first
    free (page.buffer);
    ck_assert_int_eq (log_read (s_logs.log, 3, UINT64_MAX, 1, &page, &why), SEGMENTS_PAGE);
    ck_assert (page.first == 3 && page.last == 3);
    free (page.buffer);
    s_is_sound (1);
}
END_TEST

// A page is whole batches: those of a large job are not much larger than LOG_BATCH.
START_TEST (large_job_is_several_batches)
{
    enum { COUNT = 1000, SIZE = 150 };
    static char text[SIZE];
    memset (text, 'x', sizeof text);
    record_t record = {.kind = RECORD_MESSAGE, .text = span (text, sizeof text)};
    log_begin (s_logs.log, s_logs.now, COUNT * 2 * SIZE, false);
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq (log_put (s_logs.log, &record), 0);
    log_commit (s_logs.log);
    logs_finish (&s_logs);
    segments_page_t page;
    record_why_t why;
    ck_assert_int_eq (log_read (s_logs.log, 2, UINT64_MAX, LOG_JOB_MAX, &page, &why),
                      SEGMENTS_PAGE);
    ck_assert_uint_eq (page.last, 1 + COUNT);
    span_t left = page.batches;
    size_t count = 0;
    for (batch_t batch; left.size > 0; count++) {
        ck_assert_int_eq (batch_open (&batch, left, log_id (s_logs.log)), 0);
        ck_assert_uint_lt (batch.bytes.size, LOG_BATCH + 2 * SIZE);
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
        ck_assert (left.size == 0 || batch.bytes.size >= LOG_BATCH);
    }
    ck_assert_uint_gt (count, 5);
    free (page.buffer);
    s_is_sound (1);
}
END_TEST

START_TEST (job_is_full_at_its_limit)
{
    static char text[RECORD_TEXT_MAX];
    memset (text, 'x', sizeof text);
    record_t record = {.kind = RECORD_MESSAGE, .text = span (text, sizeof text)};
    int put = 0;
    log_begin (s_logs.log, s_logs.now, 100 << 20, false);
    while (log_put (s_logs.log, &record) == 0)
        put++;
    ck_assert_int_ge (put, 15);
    log_commit (s_logs.log);
    log_done_t done = logs_finish (&s_logs);
    ck_assert_int_eq (done.result, WRITER_DONE);
    ck_assert_uint_le (done.batches.size, LOG_JOB_MAX);
    ck_assert_uint_eq (log_last (s_logs.log), 1 + put);
    s_is_sound (1);
}
END_TEST

START_TEST (hint_too_small_is_only_a_smaller_job)
{
    static char text[RECORD_TEXT_MAX];
    memset (text, 'x', sizeof text);
    record_t record = {.kind = RECORD_MESSAGE, .text = span (text, sizeof text)};
    log_begin (s_logs.log, s_logs.now, 0, false);
    ck_assert_int_eq (log_put (s_logs.log, &record), 0);
    while (log_put (s_logs.log, &record) == 0)
        ;
    log_commit (s_logs.log);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_DONE);
    s_is_sound (1);
}
END_TEST

// ---- Segments

START_TEST (log_goes_on_in_a_new_segment)
{
    uint64_t firsts[64];
    s_reopen (SEGMENT);
    logs_jobs (&s_logs, "in one of many segments", 60, 100);
    size_t count = logs_segments (&s_logs, firsts, 64);
    ck_assert_uint_ge (count, 4);
    ck_assert_uint_eq (log_last (s_logs.log), 6001);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, 6001);
    s_is_sound (count);
    for (size_t i = 0; i < count; i++) {
        size_t size;
        uint8_t *bytes = logs_load (logs_segment (&s_logs, firsts[i]), &size);
        segment_header_t header;
        batch_t batch;
        ck_assert_int_eq (segment_header_decode (&header, bytes), 0);
        ck_assert_int_eq (batch_peek (&batch, span (bytes + SEGMENT_HEADER, size)), 0);
        ck_assert_int_eq (batch.type, BATCH_TYPE_STATE);
        size_t at = SEGMENT_HEADER + header.state_size;
        ck_assert_int_eq (batch_peek (&batch, span (bytes + at, size - at)), 0);
        ck_assert (batch.opens && batch.first == firsts[i]);
        if (i + 1 < count) // what was written ahead is cut
            ck_assert_uint_lt (size, 3 * SEGMENT);
        free (bytes);
    }
    s_reopen (SEGMENT);
    ck_assert_uint_eq (log_last (s_logs.log), 6001);
    ck_assert_uint_eq (s_logs.folded, 6001 - firsts[count - 1] + 1);
    ck_assert_uint_ge (s_logs.state, 2); // the log's own, and JOIN
    ck_assert_uint_eq (log_generation (s_logs.log), 1);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, 6001);
}
END_TEST

// Opening must not depend on how long the log is: headers of all, and the newest.
START_TEST (opening_reads_the_headers_and_the_newest_segment)
{
    static faults_event_t events[FAULTS_EVENTS];
    uint64_t firsts[64];
    s_reopen (SEGMENT);
    logs_jobs (&s_logs, "in one of many segments", 100, 100);
    size_t count = logs_segments (&s_logs, firsts, 64);
    logs_close (&s_logs);
    faults_forget ();
    logs_must_open (&s_logs, SEGMENT);
    size_t all = faults_events (events);
    ck_assert_uint_lt (all, FAULTS_EVENTS);
    size_t headers = 0, batches = 0;
    int newest = events[all - 1].fd;
    for (size_t i = 0; i < all; i++) {
        if (events[i].call != FAULTS_PREAD)
            continue;
        newest = events[i].fd; // the last that is read
        headers += events[i].size == SEGMENT_HEADER;
    }
    for (size_t i = 0; i < all; i++)
        if (events[i].call == FAULTS_PREAD && events[i].fd != newest)
            batches += events[i].size > SEGMENT_HEADER; // less is the key
    ck_assert_uint_eq (headers, count);
    ck_assert_uint_eq (batches, 0);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, 10001);
}
END_TEST

START_TEST (pages_are_of_one_segment_and_hold_what_was_asked)
{
    uint64_t firsts[64];
    s_reopen (SEGMENT);
    s_logs.batch = 7;
    logs_jobs (&s_logs, "in one of many segments", 50, 100);
    size_t count = logs_segments (&s_logs, firsts, 64);
    ck_assert_uint_ge (count, 3);
    dice_t chance = dice_new ("pages_are_of_one_segment_and_hold_what_was_asked");
    for (int i = 0; i < 300; i++) {
        uint64_t seq = 1 + dice (&chance, log_last (s_logs.log));
        size_t max = 1 + dice (&chance, 100000);
        segments_page_t page;
        record_why_t why;
        segments_read_t rc;
        while ((rc = log_read (s_logs.log, seq, UINT64_MAX, max, &page, &why)) == SEGMENTS_LATER)
            ;
        ck_assert_int_eq (rc, SEGMENTS_PAGE);
        batch_t batch;
        ck_assert_int_eq (batch_peek (&batch, page.batches), 0);
        ck_assert (batch.first <= seq && seq <= batch_last (&batch)); // in its first batch
        ck_assert (page.batches.size <= max || page.batches.size == batch.bytes.size);
        for (size_t j = 1; j < count; j++)
            ck_assert (page.last < firsts[j] || page.first >= firsts[j]);
        free (page.buffer);
    }
    ck_assert_uint_eq (logs_read (&s_logs, 1, 1).records, 5001);
}
END_TEST

// ---- Times

static void s_finds_all (void)
{
    uint64_t last = log_last (s_logs.log);
    ck_assert_uint_eq (logs_find (&s_logs, 0), 1);
    ck_assert_uint_eq (logs_find (&s_logs, LOGS_NOW - 1), 1);
    ck_assert_uint_eq (logs_find (&s_logs, log_time (s_logs.log) + 1), last + 1);
    ck_assert_uint_eq (logs_find (&s_logs, INT64_MAX), last + 1);
    int64_t before = 0;
    for (uint64_t seq = 2; seq <= last; seq++) {
        int64_t time = s_logs.times[seq];
        if (time > before && time > LOGS_NOW) {
            ck_assert_uint_eq (logs_find (&s_logs, time), seq);
            ck_assert_uint_eq (logs_find (&s_logs, time - 1), seq);
        }
        before = time > before ? time : before;
    }
}

START_TEST (times_are_found_in_every_segment)
{
    s_reopen (SEGMENT);
    logs_jobs (&s_logs, "in one of many segments", 60, 100);
    ck_assert_uint_eq (logs_find (&s_logs, LOGS_NOW), 1);
    s_finds_all ();
    s_reopen (SEGMENT);
    s_finds_all ();
}
END_TEST

START_TEST (first_of_equal_times_is_found)
{
    s_reopen (SEGMENT);
    s_logs.tick = 0;
    logs_jobs (&s_logs, "at the same time", 40, 100);
    s_logs.now += 5;
    logs_job (&s_logs, "later", 1);
    uint64_t last = log_last (s_logs.log);
    s_reopen (SEGMENT);
    ck_assert_uint_eq (logs_find (&s_logs, LOGS_NOW), 1);
    ck_assert_uint_eq (logs_find (&s_logs, LOGS_NOW + 1), last);
    ck_assert_uint_eq (logs_find (&s_logs, LOGS_NOW + 5), last);
}
END_TEST

START_TEST (back_goes_about_as_far_as_asked)
{
    s_reopen (SEGMENT);
    logs_jobs (&s_logs, "in one of many segments", 200, 100);
    uint64_t last = log_last (s_logs.log);
    ck_assert_uint_eq (log_back (s_logs.log, last, UINT64_MAX), 1);
    uint64_t before = last + 1;
    for (uint64_t bytes = 1; bytes < 1000000; bytes *= 2) {
        uint64_t seq = log_back (s_logs.log, last, bytes);
        ck_assert_uint_le (seq, last);
        ck_assert_uint_le (seq, before);
        ck_assert (seq == 1 || (last - seq + 1) * 35 + 2 * SEGMENT >= bytes);
        before = seq;
    }
    ck_assert_uint_eq (log_back (s_logs.log, 1, 10), 1);
}
END_TEST

// ---- Jobs that fail

// The log goes on as if the job had never been.
static void s_goes_on (uint64_t last, uint64_t generation)
{
    ck_assert_uint_eq (log_last (s_logs.log), last);
    ck_assert_uint_eq (log_generation (s_logs.log), generation);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, last);
    logs_job (&s_logs, "after", 2);
    ck_assert_uint_eq (log_last (s_logs.log), last + 2 + (generation == 0));
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, log_last (s_logs.log));
    s_is_sound (0);
    last = log_last (s_logs.log);
    s_reopen (LARGE);
    ck_assert_str_eq (log_notice (s_logs.log), "");
    ck_assert_uint_eq (log_last (s_logs.log), last);
}

START_TEST (undone_job_leaves_the_log_as_it_was)
{
    logs_jobs (&s_logs, "one", 3, 1);
    receipt_t before = *log_receipt (s_logs.log);
    faults_fail (FAULTS_PWRITE, 0, -1, ENOSPC);
    logs_begin (&s_logs, "never", 5);
    log_done_t done = logs_finish (&s_logs);
    ck_assert_int_eq (done.result, WRITER_UNDONE);
    ck_assert_int_eq (done.error, ENOSPC);
    faults_fail (FAULTS_PWRITE, 0, 0, 0);
    ck_assert_int_eq (memcmp (&before, log_receipt (s_logs.log), sizeof before), 0);
    s_goes_on (4, 1);
}
END_TEST

START_TEST (undone_first_job_leaves_no_segment)
{
    faults_fail (FAULTS_PWRITE, 0, -1, ENOSPC);
    logs_begin (&s_logs, "never", 5);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_UNDONE);
    ck_assert_int_eq (logs_files (&s_logs, "0", NULL), 0);
    faults_fail (FAULTS_PWRITE, 0, 0, 0);
    s_goes_on (0, 0);
}
END_TEST

START_TEST (undone_segment_change_leaves_the_old_segment)
{
    s_reopen (SEGMENT);
    uint64_t firsts[64];
    logs_jobs (&s_logs, "in one of many segments", 20, 100);
    while (logs_segments (&s_logs, firsts, 64) < 3) // up to a change
        logs_job (&s_logs, "in one of many segments", 100);
    size_t size;
    do {
        logs_job (&s_logs, "in one of many segments", 50);
        uint8_t *bytes = logs_load (logs_segment (&s_logs, firsts[2]), &size);
        size_t ends[512], count = logs_ends (bytes, size, ends, 512);
        size = ends[count] - ends[0];
        free (bytes);
    } while (size < SEGMENT);
    uint64_t last = log_last (s_logs.log);
    faults_fail (FAULTS_PWRITE, 1, 1, EIO);
    logs_begin (&s_logs, "never", 1);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_UNDONE);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), 3);
    s_goes_on (last, 1);
}
END_TEST

// Whoever put a folder back as another user finds out, and mends it without a restart.
START_TEST (segment_that_may_only_be_read_is_written_when_it_may_be)
{
    logs_jobs (&s_logs, "one", 3, 1);
    uint64_t last = log_last (s_logs.log);
    logs_close (&s_logs);
    int skip = 0, refused = 0;
    for (bool opened = false; refused == 0 && skip < 20; skip++) { // which of openat's calls it is
        faults_fail (FAULTS_OPENAT, skip, 1, EACCES);
        opened = logs_open (&s_logs, LARGE);
        faults_fail (FAULTS_OPENAT, 0, -1, EACCES);
        if (opened) {
            logs_begin (&s_logs, "never", 1);
            log_done_t done = logs_finish (&s_logs);
            refused = done.result == WRITER_UNDONE ? done.error : 0;
            last = log_last (s_logs.log);
        }
        faults_fail (FAULTS_OPENAT, 0, 0, 0);
        if (refused == 0)
            logs_close (&s_logs);
    }
    ck_assert_int_eq (refused, EACCES);
    logs_job (&s_logs, "after", 1);
    ck_assert_uint_eq (log_last (s_logs.log), last + 2); // and its OPEN
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, last + 2);
    s_is_sound (0);
}
END_TEST

START_TEST (failed_sync_is_final)
{
    logs_job (&s_logs, "one", 1);
    faults_fail (FAULTS_FDATASYNC, 0, 1, EIO);
    logs_begin (&s_logs, "never", 1);
    log_done_t done = logs_finish (&s_logs);
    ck_assert_int_eq (done.result, WRITER_FINAL);
    ck_assert_uint_eq (log_last (s_logs.log), 2);
    logs_begin (&s_logs, "never", 1);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_FINAL);
    ck_assert_uint_eq (log_last (s_logs.log), 2);
}
END_TEST

START_TEST (closing_waits_for_the_job_under_way)
{
    logs_job (&s_logs, "one", 1);
    logs_begin (&s_logs, "two", 1);
    s_reopen (LARGE);
    ck_assert_uint_eq (log_last (s_logs.log), 3);
}
END_TEST

static int s_descriptors (void)
{
    int count = 0;
    DIR *folder = opendir ("/proc/self/fd");
    ck_assert_ptr_nonnull (folder);
    while (readdir (folder))
        count++;
    closedir (folder);
    return count;
}

START_TEST (closing_leaves_no_descriptor_open)
{
    logs_close (&s_logs);
    int before = s_descriptors ();
    logs_must_open (&s_logs, LARGE);
    logs_begin (&s_logs, "in a segment whose result is lost", 1);
    logs_close (&s_logs);
    ck_assert_int_eq (s_descriptors (), before);
}
END_TEST

// ---- Receipts

START_TEST (receipts_are_genuine_and_name_the_head)
{
    for (int i = 0; i < 5; i++) {
        const receipt_t *receipt = log_receipt (s_logs.log);
        ck_assert_uint_eq (receipt->seq, log_last (s_logs.log));
        ck_assert_uint_eq (receipt->generation, log_generation (s_logs.log));
        ck_assert (receipt_genuine (receipt, log_key (s_logs.log), log_id (s_logs.log)));
        logs_job (&s_logs, "one", 1);
    }
    chain_t chain = log_receipt (s_logs.log)->chain;
    s_reopen (LARGE);
    ck_assert (chain_equal (&chain, &log_receipt (s_logs.log)->chain));
}
END_TEST

START_TEST (receipts_go_with_the_chain_of_pages)
{
    s_reopen (SEGMENT);
    logs_jobs (&s_logs, "in one of many segments", 30, 100);
    segments_page_t page;
    record_why_t why;
    segments_read_t rc;
    chain_t chain = {{0}};
    for (uint64_t seq = 1; seq <= log_last (s_logs.log); seq = page.last + 1) {
        while ((rc = log_read (s_logs.log, seq, UINT64_MAX, 10000, &page, &why)) == SEGMENTS_LATER)
            ;
        ck_assert_int_eq (rc, SEGMENTS_PAGE);
        chain = page.chain;
        free (page.buffer);
    }
    ck_assert (chain_equal (&chain, &log_receipt (s_logs.log)->chain));
}
END_TEST

static void s_add_failures (TCase *cases)
{
    tcase_add_test (cases, undone_job_leaves_the_log_as_it_was);
    tcase_add_test (cases, segment_that_may_only_be_read_is_written_when_it_may_be);
    tcase_add_test (cases, undone_first_job_leaves_no_segment);
    tcase_add_test (cases, undone_segment_change_leaves_the_old_segment);
    tcase_add_test (cases, failed_sync_is_final);
    tcase_add_test (cases, closing_waits_for_the_job_under_way);
    tcase_add_test (cases, closing_leaves_no_descriptor_open);
}

int main (void)
{
    TCase *cases = tcase_create ("log");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, new_log_is_empty);
    tcase_add_test (cases, what_was_appended_is_read);
    tcase_add_test (cases, nothing_is_read_before_it_is_durable);
    tcase_add_test (cases, finished_batches_are_those_on_disk);
    tcase_add_test (cases, every_opening_that_writes_raises_the_generation);
    tcase_add_test (cases, open_record_says_generation_and_instance);
    tcase_add_test (cases, times_never_decrease);
    tcase_add_test (cases, cancelled_job_leaves_no_trace);
    tcase_add_test (cases, break_begins_a_new_batch);
    tcase_add_test (cases, large_job_is_several_batches);
    tcase_add_test (cases, job_is_full_at_its_limit);
    tcase_add_test (cases, hint_too_small_is_only_a_smaller_job);
    tcase_add_test (cases, log_goes_on_in_a_new_segment);
    tcase_add_test (cases, opening_reads_the_headers_and_the_newest_segment);
    tcase_add_test (cases, pages_are_of_one_segment_and_hold_what_was_asked);
    tcase_add_test (cases, times_are_found_in_every_segment);
    tcase_add_test (cases, first_of_equal_times_is_found);
    tcase_add_test (cases, back_goes_about_as_far_as_asked);
    tcase_add_test (cases, receipts_are_genuine_and_name_the_head);
    tcase_add_test (cases, receipts_go_with_the_chain_of_pages);
    s_add_failures (cases);
    return kit_run (cases, "log");
}
