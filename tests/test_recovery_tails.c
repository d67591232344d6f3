// What is at the end of a log after a crash, byte by byte; test_recovery.c has the plain cases.

#include "daemons/group/recovery.h"

#include "common/exits.h"
#include "tests/faults.h"
#include "tests/logs.h"

#include <sys/stat.h>
#include <unistd.h>

enum { SEGMENT = 65536, LARGE = 1 << 26, ROOM = 1 << 16, ZEROS = 300 };

static logs_t s_logs;

// The segment that is damaged: its bytes without zeros behind, and its batches.
static uint64_t s_first;
static uint8_t *s_bytes;
static size_t s_ends[512];
static size_t s_count;
static size_t s_size;

static void s_load_segment (uint64_t first)
{
    size_t size;
    free (s_bytes);
    s_first = first;
    s_bytes = logs_load (logs_segment (&s_logs, first), &size);
    s_count = logs_ends (s_bytes, size, s_ends, 512);
    s_size = s_ends[s_count];
}

// One segment with six batches, a job each.
static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, LARGE);
    for (int i = 0; i < 6; i++)
        logs_job (&s_logs, "batch", 1 + i % 2);
    logs_close (&s_logs);
    s_load_segment (1);
    ck_assert_uint_eq (s_count, 6);
}

static void s_teardown (void)
{
    faults_reset ();
    logs_free (&s_logs);
    free (s_bytes);
    s_bytes = NULL;
}

static void s_write (const void *bytes, size_t size)
{
    logs_save (logs_segment (&s_logs, s_first), bytes, size);
    logs_forget (&s_logs);
}

static uint64_t s_last_of (size_t batch)
{
    batch_t head;
    size_t at = s_ends[batch];
    ck_assert_int_eq (batch_peek (&head, span (s_bytes + at, s_size - at)), 0);
    return batch_last (&head);
}

static void s_remove_torn (void)
{
    char name[300];
    while (logs_files (&s_logs, "torn-", name))
        unlink (logs_file (&s_logs, name));
}

static void s_is (const char *path, const void *bytes, size_t size)
{
    size_t now_size;
    uint8_t *now = logs_load (path, &now_size);
    ck_assert_msg (now_size == size, "%s: %zu bytes, not %zu", path, now_size, size);
    ck_assert_msg (memcmp (now, bytes, size) == 0, "%s was changed", path);
    free (now);
}

// ---- Torn tails

// The segment ends whole with the batch before `batch`, and then has `size` bytes of `tail`.
static void s_tail_is_cut (size_t batch, const uint8_t *tail, size_t size)
{
    char name[300];
    size_t used = size;
    while (used > 0 && tail[used - 1] == 0)
        used--;
    logs_must_open (&s_logs, LARGE);
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_uint_eq (log_last (s_logs.log), s_last_of (batch - 1));
    ck_assert_uint_eq (s_logs.folded, s_last_of (batch - 1));
    ck_assert_int_eq (*log_notice (s_logs.log) != 0, used > 0);
    ck_assert_int_eq (logs_files (&s_logs, "torn-", name), used > 0);
    if (used > 0) {
        s_is (logs_file (&s_logs, name), tail, used);
        s_is (logs_segment (&s_logs, s_first), s_bytes, s_ends[batch]);
    }
    logs_job (&s_logs, "behind the cut", 1);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).gaps, 0);
    uint64_t last = log_last (s_logs.log);
    logs_close (&s_logs);
    logs_must_open (&s_logs, LARGE);
    ck_assert_uint_eq (log_last (s_logs.log), last);
    ck_assert_str_eq (log_notice (s_logs.log), "");
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, last);
    logs_close (&s_logs);
    s_remove_torn ();
}

typedef enum { CUT, CUT_AND_ZEROS, CUT_AND_GARBAGE } tear_t;

// Tears the segment at every byte of the last three batches.
static void s_tear_everywhere (tear_t tear, dice_t *chance)
{
    static uint8_t bytes[SEGMENT];
    for (size_t batch = 3; batch < 6; batch++)
        for (size_t cut = s_ends[batch]; cut < s_ends[batch + 1]; cut++) {
            size_t size = tear == CUT ? cut : s_size + ZEROS;
            memset (bytes, 0, sizeof bytes);
            memcpy (bytes, s_bytes, cut);
            if (tear == CUT_AND_GARBAGE)
                dice_fill (chance, bytes + cut, s_size - cut);
            if (tear == CUT_AND_GARBAGE && bytes[cut] == s_bytes[cut])
                bytes[cut] ^= 1; // or it may be whole
            s_write (bytes, size);
            s_tail_is_cut (batch, bytes + s_ends[batch], size - s_ends[batch]);
        }
}

START_TEST (tail_torn_at_any_byte_is_cut)
{
    s_tear_everywhere (CUT, NULL);
}
END_TEST

START_TEST (tail_torn_at_any_byte_with_zeros_behind_is_cut)
{
    s_tear_everywhere (CUT_AND_ZEROS, NULL);
}
END_TEST

START_TEST (tail_torn_at_any_byte_with_garbage_behind_is_cut)
{
    dice_t chance = dice_new ("tail_torn_at_any_byte_with_garbage_behind_is_cut");
    s_tear_everywhere (CUT_AND_GARBAGE, &chance);
}
END_TEST

// Nothing is cut if what is cut cannot be kept.
// The copy and its name are on the disk before anything is cut, and the cut before anything is
// written behind it.
START_TEST (cut_is_synced_behind_its_copy)
{
    static faults_event_t events[FAULTS_EVENTS];
    struct stat folder, synced = {0};
    s_write (s_bytes, s_size - 7);
    faults_forget ();
    logs_must_open (&s_logs, LARGE);
    ck_assert_int_eq (stat (s_logs.path, &folder), 0);
    size_t count = faults_events (events), cut = 0;
    while (cut < count && events[cut].call != FAULTS_FTRUNCATE)
        cut++;
    ck_assert_uint_lt (cut + 1, count);
    ck_assert (events[cut + 1].call == FAULTS_FSYNC && events[cut + 1].fd == events[cut].fd);
    size_t last = cut;
    while (events[--last].call != FAULTS_FSYNC)
        ;
    ck_assert_int_eq (fstat (events[last].fd, &synced), 0);
    ck_assert (synced.st_ino == folder.st_ino);
    size_t copy = last;
    while (events[--copy].call != FAULTS_FSYNC)
        ;
    ck_assert_int_eq (events[copy - 1].call, FAULTS_PWRITE); // of the copy
    ck_assert_int_eq (events[copy - 1].fd, events[copy].fd);
}
END_TEST

START_TEST (tail_that_cannot_be_kept_is_not_cut)
{
    s_write (s_bytes, s_size - 1);
    logs_must_open (&s_logs, LARGE); // how many calls of openat it takes
    logs_close (&s_logs);
    s_remove_torn ();
    s_write (s_bytes, s_size - 1);
    faults_forget ();
    logs_must_open (&s_logs, LARGE);
    int opens = (int)faults_calls (FAULTS_OPENAT);
    logs_close (&s_logs);
    s_remove_torn ();
    bool refused = false;
    for (int skip = 0; skip < opens; skip++) {
        s_write (s_bytes, s_size - 1);
        faults_fail (FAULTS_OPENAT, skip, 1, ENOSPC);
        bool opened = logs_open (&s_logs, LARGE);
        faults_fail (FAULTS_OPENAT, 0, 0, 0);
        logs_close (&s_logs);
        if (!opened)
            s_is (logs_segment (&s_logs, s_first), s_bytes, s_size - 1);
        refused = refused || (!opened && s_logs.trouble.exit == EXIT_NOT_NOW);
        s_remove_torn ();
    }
    ck_assert (refused);
}
END_TEST

// A segment that the daemon may only read, as one that was put back by another user.
START_TEST (tail_that_may_not_be_cut_is_told_so)
{
    s_write (s_bytes, s_size - 1);
    faults_forget ();
    logs_must_open (&s_logs, LARGE);
    int opens = (int)faults_calls (FAULTS_OPENAT);
    logs_close (&s_logs);
    s_remove_torn ();
    for (int skip = 0; skip < opens; skip++) {
        s_write (s_bytes, s_size - 1);
        faults_fail (FAULTS_OPENAT, skip, 1, EACCES);
        bool opened = logs_open (&s_logs, LARGE);
        faults_fail (FAULTS_OPENAT, 0, 0, 0);
        logs_close (&s_logs);
        if (!opened)
            ck_assert_msg (strstr (s_logs.trouble.text, strerror (EACCES)), "%s",
                           s_logs.trouble.text);
        s_remove_torn ();
    }
}
END_TEST

// ---- Damage

START_TEST (damage_before_what_was_durable_is_never_cut)
{
    static uint8_t bytes[SEGMENT];
    for (size_t at = s_ends[1]; at < s_ends[5]; at++) {
        memcpy (bytes, s_bytes, s_size);
        bytes[at] ^= 0x41;
        s_write (bytes, s_size);
        logs_must_open (&s_logs, LARGE);
        ck_assert_msg (log_read_only (s_logs.log), "byte %zu", at);
        ck_assert_uint_eq (log_last (s_logs.log), s_last_of (5));
        logs_read_t got = logs_read (&s_logs, 1, ROOM);
        ck_assert_msg (got.gaps == 1 && got.missing <= 2, "byte %zu", at);
        ck_assert_uint_eq (s_logs.folded, got.records);
        ck_assert (strstr (log_notice (s_logs.log), "damaged") != NULL);
        logs_close (&s_logs);
        s_is (logs_segment (&s_logs, s_first), bytes, s_size);
    }
    ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 0);
}
END_TEST

START_TEST (several_holes_are_named_and_the_rest_is_served)
{
    s_bytes[s_ends[2] + 20] ^= 1;
    s_bytes[s_ends[4] + 70] ^= 1;
    s_write (s_bytes, s_size);
    logs_must_open (&s_logs, LARGE);
    ck_assert (log_read_only (s_logs.log));
    logs_read_t got = logs_read (&s_logs, 1, 1);
    ck_assert_uint_eq (got.gaps, 2);
    ck_assert_uint_eq (got.records, s_logs.folded);
}
END_TEST

// ---- A newest segment that never counted

// A log of some segments, the newest with two jobs in it.
static void s_make_segments (void)
{
    uint64_t firsts[64];
    logs_must_open (&s_logs, SEGMENT);
    size_t count = 1;
    while (count < 3) {
        logs_job (&s_logs, "in one of some segments", 100);
        count = logs_segments (&s_logs, firsts, 64);
    }
    logs_job (&s_logs, "in one of some segments", 1);
    logs_close (&s_logs);
    s_load_segment (firsts[2]);
    ck_assert_uint_ge (s_count, 2);
}

static void s_unfinished_is_set_aside (size_t size)
{
    char name[300];
    static uint8_t bytes[SEGMENT];
    memset (bytes, 0, sizeof bytes);
    memcpy (bytes, s_bytes, size);
    for (size_t zeros = 0; zeros <= ZEROS; zeros += ZEROS) {
        s_write (bytes, size + zeros);
        logs_must_open (&s_logs, SEGMENT);
        ck_assert (!log_read_only (s_logs.log));
        ck_assert_uint_eq (log_last (s_logs.log), s_first - 1);
        ck_assert_int_eq (logs_files (&s_logs, "torn-", name), 1);
        s_is (logs_file (&s_logs, name), bytes, size + zeros);
        ck_assert (strstr (log_notice (s_logs.log), name) != NULL);
        ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).gaps, 0);
        logs_job (&s_logs, "behind it", 1);
        uint64_t last = log_last (s_logs.log);
        logs_close (&s_logs);
        logs_must_open (&s_logs, SEGMENT);
        ck_assert_uint_eq (log_last (s_logs.log), last);
        ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).gaps, 0);
        logs_close (&s_logs);
        s_remove_torn ();
    }
}

START_TEST (unfinished_segment_is_set_aside_however_far_it_came)
{
    s_make_segments ();
    uint64_t firsts[64];
    size_t old_size;
    logs_segments (&s_logs, firsts, 64);
    uint8_t *old = logs_load (logs_segment (&s_logs, firsts[1]), &old_size);
    for (size_t size = 0; size < s_ends[1]; size++) {
        bool header = size <= SEGMENT_HEADER || (size >= s_ends[0] && size < s_ends[0] + 110);
        if (!header && size % 61)
            continue; // within records: not each byte
        logs_save (logs_segment (&s_logs, firsts[1]), old, old_size);
        s_unfinished_is_set_aside (size);
    }
    free (old);
}
END_TEST

START_TEST (unfinished_first_segment_is_set_aside)
{
    for (size_t size = 0; size < s_ends[1]; size += 5) {
        s_write (s_bytes, size);
        logs_must_open (&s_logs, LARGE);
        ck_assert_uint_eq (log_last (s_logs.log), 0);
        ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 1);
        logs_job (&s_logs, "from the beginning", 1);
        logs_close (&s_logs);
        s_remove_torn ();
    }
}
END_TEST

START_TEST (several_unfinished_segments_are_set_aside)
{
    s_make_segments ();
    uint64_t before = s_first;
    s_write (s_bytes, 50);
    s_first += 100;
    s_write (s_bytes, 0);
    logs_must_open (&s_logs, SEGMENT);
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_uint_eq (log_last (s_logs.log), before - 1);
    ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 2);
}
END_TEST

// The write of a segment failed, the file was removed, and the log went on in the one before; then
// the file comes back.
START_TEST (segment_that_the_log_went_on_without_is_set_aside)
{
    uint64_t firsts[64];
    size_t size;
    logs_must_open (&s_logs, LARGE);
    log_close_segment (s_logs.log);
    logs_jobs (&s_logs, "begins a segment", 1, 3);
    logs_close (&s_logs);
    ck_assert_uint_eq (logs_segments (&s_logs, firsts, 64), 2);
    uint8_t *bytes = logs_load (logs_segment (&s_logs, firsts[1]), &size);
    unlink (logs_segment (&s_logs, firsts[1]));
    logs_forget (&s_logs);
    logs_must_open (&s_logs, LARGE);
    logs_job (&s_logs, "acknowledged", 1);
    uint64_t last = log_last (s_logs.log);
    logs_close (&s_logs);
    logs_save (logs_segment (&s_logs, firsts[1]), bytes, size);
    logs_must_open (&s_logs, LARGE);
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_uint_eq (log_last (s_logs.log), last);
    ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 1);
    ck_assert (strstr (log_notice (s_logs.log), "unfinished segment"));
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, last);
    free (bytes);
}
END_TEST

// A segment is begun when all before it is durable, so its header says that it was.
START_TEST (what_a_begun_segment_rests_on_is_never_cut)
{
    uint64_t firsts[64];
    s_make_segments ();
    logs_segments (&s_logs, firsts, 64);
    size_t size, ends[512];
    uint8_t *old = logs_load (logs_segment (&s_logs, firsts[1]), &size);
    size_t count = logs_ends (old, size, ends, 512);
    for (int cut = 0; cut < 2; cut++) {
        s_write (s_bytes, SEGMENT_HEADER);
        old[ends[count] - 1] ^= 1;
        logs_save (logs_segment (&s_logs, firsts[1]), old, cut ? ends[count - 1] : ends[count]);
        old[ends[count] - 1] ^= 1;
        for (int again = 0; again < 3; again++) { // the begun one stays: it is the proof
            logs_must_open (&s_logs, SEGMENT);
            ck_assert (log_read_only (s_logs.log));
            ck_assert (strstr (log_notice (s_logs.log), cut ? "missing" : "damaged") != NULL);
            logs_close (&s_logs);
            ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 0);
        }
    }
    free (old);
}
END_TEST

// Its beginning is damaged, and a later batch says that it counted.
START_TEST (damaged_beginning_of_the_newest_segment_is_served_past)
{
    s_make_segments ();
    uint64_t last = s_last_of (s_count - 1), of_first = s_last_of (0) - s_first + 1;
    for (size_t at = 0; at < s_ends[1]; at += at < s_ends[0] ? 3 : 200) {
        s_bytes[at] ^= 0x10;
        s_write (s_bytes, s_size);
        logs_must_open (&s_logs, SEGMENT);
        ck_assert_msg (log_read_only (s_logs.log), "byte %zu", at);
        ck_assert_uint_eq (log_last (s_logs.log), last);
        logs_read_t got = logs_read (&s_logs, 1, ROOM);
        ck_assert_msg (got.missing == (at < s_ends[0] ? 0 : of_first),
                       "byte %zu: %d records are missing", at, (int)got.missing);
        logs_close (&s_logs);
        s_is (logs_segment (&s_logs, s_first), s_bytes, s_size);
        s_bytes[at] ^= 0x10;
    }
    ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 0);
}
END_TEST

// ---- Older segments' headers, and beginnings of which none is whole

static void s_flip (uint64_t first, size_t at)
{
    size_t size;
    uint8_t *bytes = logs_load (logs_segment (&s_logs, first), &size);
    bytes[at] ^= 0x10;
    logs_save (logs_segment (&s_logs, first), bytes, size);
    free (bytes);
}

static void s_exchange (uint64_t one, uint64_t other)
{
    char from[600], to[600], aside[600];
    snprintf (from, sizeof from, "%s", logs_segment (&s_logs, one));
    snprintf (to, sizeof to, "%s", logs_segment (&s_logs, other));
    snprintf (aside, sizeof aside, "%s", logs_file (&s_logs, "aside"));
    ck_assert (rename (from, aside) == 0 && rename (to, from) == 0 && rename (aside, to) == 0);
}

START_TEST (files_with_wrong_names_are_served_and_put_right)
{
    uint64_t firsts[64];
    s_make_segments ();
    logs_segments (&s_logs, firsts, 64);
    s_exchange (firsts[0], s_first);
    logs_save (logs_segment (&s_logs, s_first + 50), s_bytes, s_size); // and a copy of the newest
    logs_must_open (&s_logs, SEGMENT);
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_ptr_nonnull (strstr (log_notice (s_logs.log), "renamed"));
    ck_assert_ptr_nonnull (strstr (log_notice (s_logs.log), "set aside as damaged-"));
    uint64_t last = log_last (s_logs.log);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, last);
    log_close_segment (s_logs.log);
    logs_jobs (&s_logs, "it goes on", 60, 1); // over the number that the copy had
    logs_close (&s_logs);
    logs_must_open (&s_logs, SEGMENT);
    ck_assert_str_eq (log_notice (s_logs.log), "");
    ck_assert_uint_eq (log_last (s_logs.log), last + 61);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).gaps, 0);
}
END_TEST

START_TEST (files_with_wrong_names_stay_while_there_is_damage)
{
    uint64_t firsts[64], after[64];
    s_make_segments ();
    s_flip (s_first, s_ends[0] + 80);
    size_t count = logs_segments (&s_logs, firsts, 64);
    char from[600];
    snprintf (from, sizeof from, "%s", logs_segment (&s_logs, firsts[1]));
    ck_assert_int_eq (rename (from, logs_segment (&s_logs, firsts[1] + 1)), 0);
    logs_must_open (&s_logs, SEGMENT);
    ck_assert (log_read_only (s_logs.log));
    ck_assert_ptr_nonnull (strstr (log_notice (s_logs.log), "not what its name says"));
    ck_assert_uint_eq (logs_segments (&s_logs, after, 64), count);
    ck_assert_uint_eq (after[1], firsts[1] + 1);
}
END_TEST

// The newest segment's copy, and another one under a name that is free.
static void s_lay_wrong_names (const uint64_t *firsts)
{
    char from[600];
    snprintf (from, sizeof from, "%s", logs_segment (&s_logs, firsts[1]));
    ck_assert_int_eq (rename (from, logs_segment (&s_logs, firsts[1] + 1)), 0);
    logs_save (logs_segment (&s_logs, s_first + 50), s_bytes, s_size);
}

static void s_wrong_names_stay (faults_call_t call, int skip, int set_aside)
{
    faults_fail (call, skip, 1, EIO);
    ck_assert (!logs_open (&s_logs, SEGMENT));
    faults_fail (call, 0, 0, 0);
    ck_assert_int_eq (s_logs.trouble.exit, EXIT_SYNC);
    char wanted[200];
    snprintf (wanted, sizeof wanted, "files with wrong names cannot be put right: %s",
              strerror (EIO));
    ck_assert_str_eq (s_logs.trouble.text, wanted);
    ck_assert_int_eq (logs_files (&s_logs, "damaged-", NULL), set_aside);
}

// Whatever was done of it by then, the next opening does the rest.
START_TEST (files_that_cannot_be_put_right_are_told)
{
    uint64_t firsts[64], after[64];
    s_make_segments ();
    size_t count = logs_segments (&s_logs, firsts, 64);
    logs_must_open (&s_logs, SEGMENT);
    uint64_t last = log_last (s_logs.log);
    logs_close (&s_logs);
    s_lay_wrong_names (firsts);
    s_wrong_names_stay (FAULTS_RENAMEAT, 0, 0);
    ck_assert_uint_eq (logs_segments (&s_logs, after, 64), count + 1);
    s_wrong_names_stay (FAULTS_RENAMEAT, 1, 1); // the copy was set aside
    ck_assert_uint_eq (logs_segments (&s_logs, after, 64), count);
    ck_assert_uint_eq (after[1], firsts[1] + 1);
    faults_forget ();
    logs_must_open (&s_logs, SEGMENT);
    int syncs = (int)faults_calls (FAULTS_FSYNC);
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_ptr_nonnull (strstr (log_notice (s_logs.log), "renamed"));
    ck_assert_uint_eq (log_last (s_logs.log), last);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, last);
    ck_assert_uint_eq (logs_segments (&s_logs, after, 64), count);
    ck_assert_int_eq (memcmp (after, firsts, count * sizeof firsts[0]), 0);
    logs_close (&s_logs);
    s_lay_wrong_names (firsts);
    s_wrong_names_stay (FAULTS_FSYNC, syncs - 1, 2); // the names are there, but may go
    logs_must_open (&s_logs, SEGMENT);
    ck_assert_str_eq (log_notice (s_logs.log), "");
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, last);
}
END_TEST

// It is read at each opening, so it is seen at once, and not when somebody asks for its records.
START_TEST (header_of_an_older_segment_is_looked_at)
{
    uint64_t firsts[64];
    s_make_segments ();
    size_t count = logs_segments (&s_logs, firsts, 64);
    ck_assert_uint_ge (count, 3);
    for (size_t i = 0; i + 1 < count; i++)
        for (size_t at = 0; at < SEGMENT_HEADER; at += 5) {
            s_flip (firsts[i], at);
            logs_must_open (&s_logs, SEGMENT);
            ck_assert_msg (log_read_only (s_logs.log), "byte %zu", at);
            ck_assert_ptr_nonnull (strstr (log_notice (s_logs.log), "1 older segments"));
            ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).missing, 0);
            ck_assert_uint_eq (s_logs.state, 2); // of the newest segment
            logs_close (&s_logs);
            s_flip (firsts[i], at);
        }
    logs_must_open (&s_logs, SEGMENT);
    ck_assert (!log_read_only (s_logs.log));
}
END_TEST

// A crash may bring back what retention removed.
START_TEST (header_of_a_segment_that_was_given_up_is_not)
{
    uint64_t firsts[64];
    s_make_segments ();
    logs_segments (&s_logs, firsts, 64);
    size_t size;
    uint8_t *bytes = logs_load (logs_segment (&s_logs, firsts[0]), &size);
    logs_must_open (&s_logs, SEGMENT);
    uint8_t room[32];
    writer_t options = writer (room, sizeof room);
    record_put_number (&options, RECORD_OPT_OLDEST, firsts[1]);
    record_put_number (&options, RECORD_OPT_WHY, RECORD_WHY_AGE);
    record_t trim = {.kind = RECORD_TRIM, .options = span (room, writer_used (&options))};
    log_begin (s_logs.log, LOGS_NOW, 1000, false);
    ck_assert_int_eq (log_put (s_logs.log, &trim), 0);
    log_commit (s_logs.log);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_DONE);
    ck_assert_uint_eq (log_drop_trimmed (s_logs.log), 1);
    logs_close (&s_logs);
    logs_save (logs_segment (&s_logs, firsts[0]), bytes, size);
    s_flip (firsts[0], 30);
    logs_must_open (&s_logs, SEGMENT);
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_str_eq (log_notice (s_logs.log), "");
    free (bytes);
}
END_TEST

START_TEST (without_a_whole_beginning_the_oldest_is_begun_with)
{
    uint64_t firsts[64];
    s_make_segments ();
    size_t count = logs_segments (&s_logs, firsts, 64);
    for (size_t i = 0; i < count; i++)
        s_flip (firsts[i], i % 2 ? 30 : SEGMENT_HEADER + 20); // its header, or its STATE
    logs_must_open (&s_logs, SEGMENT);
    ck_assert (log_read_only (s_logs.log));
    uint64_t last = log_last (s_logs.log);
    ck_assert_uint_eq (s_logs.folded, last);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).missing, 0);
    ck_assert_uint_eq (log_generation (s_logs.log), 2);
    ck_assert_uint_eq (log_oldest (s_logs.log), 1);
}
END_TEST

// What it held before its first record is known only by STATE.
START_TEST (what_is_whole_of_the_only_state_is_known)
{
    uint64_t firsts[64];
    s_make_segments ();
    size_t count = logs_segments (&s_logs, firsts, 64);
    for (size_t i = 0; i + 1 < count; i++)
        remove (logs_segment (&s_logs, firsts[i]));
    for (int state = 0; state < 2; state++) {
        s_flip (s_first, state ? SEGMENT_HEADER + 20 : 30);
        logs_must_open (&s_logs, SEGMENT);
        ck_assert (log_read_only (s_logs.log));
        ck_assert_ptr_nonnull (strstr (log_notice (s_logs.log), "known in part"));
        ck_assert_uint_eq (s_logs.state, state ? 0 : 2);
        ck_assert_uint_eq (s_logs.folded, log_last (s_logs.log) - s_first + 1);
        ck_assert_uint_eq (log_oldest (s_logs.log), state ? s_first : 1);
        ck_assert_uint_eq (logs_read (&s_logs, s_first, ROOM).missing, 0);
        if (state)
            ck_assert_int_eq (log_why (s_logs.log), RECORD_WHY_DAMAGE);
        logs_close (&s_logs);
    }
}
END_TEST

// ---- What is not this log's, or not this program's

typedef enum { FOREIGN, NEWER } stranger_t;

// Gives the segment another log's id, or a version of the format to come.
static void s_make_strange (uint64_t first, stranger_t how)
{
    size_t size;
    segment_header_t header;
    uint8_t *bytes = logs_load (logs_segment (&s_logs, first), &size);
    ck_assert_int_eq (segment_header_decode (&header, bytes), 0);
    if (how == FOREIGN)
        header.log.bytes[0] ^= 1;
    else
        header.version = 2;
    segment_header_encode (&header, bytes);
    logs_save (logs_segment (&s_logs, first), bytes, size);
    free (bytes);
}

static void s_is_refused_untouched (void)
{
    uint64_t firsts[64], after[64];
    uint8_t *bytes[64];
    size_t sizes[64];
    size_t count = logs_segments (&s_logs, firsts, 64);
    for (size_t i = 0; i < count; i++)
        bytes[i] = logs_load (logs_segment (&s_logs, firsts[i]), &sizes[i]);
    ck_assert (!logs_open (&s_logs, SEGMENT));
    ck_assert_int_eq (s_logs.trouble.exit, EXIT_CONFIG);
    ck_assert_str_ne (s_logs.trouble.text, "");
    ck_assert_uint_eq (logs_segments (&s_logs, after, 64), count);
    ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 0);
    for (size_t i = 0; i < count; i++) {
        s_is (logs_segment (&s_logs, firsts[i]), bytes[i], sizes[i]);
        free (bytes[i]);
    }
}

static void s_strangers_are_refused (stranger_t how)
{
    uint64_t firsts[64];
    for (size_t i = 0; i < 3; i++) {
        logs_free (&s_logs);
        logs_init (&s_logs);
        s_make_segments ();
        logs_segments (&s_logs, firsts, 64);
        s_make_strange (firsts[i], how);
        s_is_refused_untouched ();
        if (i == 2)
            continue;
        s_write (s_bytes, 40); // beside an unfinished one too
        s_is_refused_untouched ();
    }
}

START_TEST (segment_of_another_log_is_refused_untouched)
{
    s_strangers_are_refused (FOREIGN);
}
END_TEST

START_TEST (segment_of_a_format_to_come_is_refused_untouched)
{
    s_strangers_are_refused (NEWER);
}
END_TEST

// ---- Errors

// Every read of an opening fails once.
static void s_read_errors_change_nothing (size_t size)
{
    s_write (s_bytes, size);
    faults_forget ();
    logs_must_open (&s_logs, LARGE);
    logs_close (&s_logs);
    int reads = (int)faults_calls (FAULTS_PREAD);
    s_remove_torn ();
    ck_assert_int_gt (reads, 4);
    for (int skip = 0; skip < reads; skip++) {
        s_write (s_bytes, size);
        faults_fail (FAULTS_PREAD, skip, 1, EIO);
        bool opened = logs_open (&s_logs, LARGE);
        faults_fail (FAULTS_PREAD, 0, 0, 0);
        ck_assert_msg (!opened, "read %d of %d", skip, reads);
        ck_assert_int_eq (s_logs.trouble.exit, EXIT_SYNC);
        s_is (logs_segment (&s_logs, s_first), s_bytes, size);
        s_remove_torn (); // a copy that was begun
    }
}

START_TEST (read_error_is_no_end_of_the_log)
{
    s_read_errors_change_nothing (s_size);
}
END_TEST

START_TEST (read_error_beside_a_torn_tail_cuts_nothing)
{
    s_read_errors_change_nothing (s_size - 5);
}
END_TEST

START_TEST (read_error_in_an_unfinished_segment_sets_nothing_aside)
{
    s_read_errors_change_nothing (s_ends[0] + 20);
}
END_TEST

START_TEST (failed_sync_at_opening_opens_nothing)
{
    faults_fail (FAULTS_FSYNC, 0, 1, EIO);
    ck_assert (!logs_open (&s_logs, LARGE));
    ck_assert_int_eq (s_logs.trouble.exit, EXIT_SYNC);
    faults_fail (FAULTS_FSYNC, 0, 0, 0);
    logs_must_open (&s_logs, LARGE);
    ck_assert_uint_eq (log_last (s_logs.log), s_last_of (5));
}
END_TEST

// Its maker may have ended before the segment's name was on the disk.
START_TEST (folder_is_synced_before_its_segments_count)
{
    static faults_event_t events[FAULTS_EVENTS];
    struct stat folder, synced = {0};
    for (int skip = 0; skip < 2; skip++) {
        faults_fail (FAULTS_FSYNC, skip, 1, EIO);
        ck_assert (!logs_open (&s_logs, LARGE));
        ck_assert_int_eq (s_logs.trouble.exit, EXIT_SYNC);
    }
    faults_fail (FAULTS_FSYNC, 0, 0, 0);
    faults_forget ();
    logs_must_open (&s_logs, LARGE);
    ck_assert_int_eq (stat (s_logs.path, &folder), 0);
    size_t count = faults_events (events), at = 0;
    while (at < count && events[at].call != FAULTS_FSYNC)
        at++;
    ck_assert_uint_lt (at, count);
    ck_assert_int_eq (fstat (events[at].fd, &synced), 0);
    ck_assert (synced.st_ino == folder.st_ino);
}
END_TEST

// ---- A batch's image inside a message

// What somebody could send who knows the log: its next batches, with right checksums. The last one
// says that everything before it was durable.
static size_t s_image (const guid_t *log, uint64_t first, uint8_t *out)
{
    record_t record = {.kind = RECORD_MESSAGE, .time = LOGS_NOW, .text = span_of ("forged")};
    batch_t head = {
        .type = BATCH_TYPE_RECORDS, .first = first, .base = LOGS_NOW, .durable = first - 1};
    batch_writer_t batch;
    batch_begin (&batch, out, &head);
    batch_add (&batch, &record);
    return batch_end (&batch, log).size;
}

START_TEST (image_of_a_batch_in_a_text_is_only_text)
{
    static uint8_t image[BATCH_MAX];
    logs_must_open (&s_logs, LARGE);
    for (int i = 0; i < 3; i++) {
        uint64_t last = log_last (s_logs.log);
        record_t record = {.kind = RECORD_MESSAGE, .author = {{1}}};
        record.text =
            span (image, s_image (log_id (s_logs.log), last + 1 + 2 * (uint64_t)i, image));
        log_done_t done;
        log_begin (s_logs.log, s_logs.now, BATCH_MAX, false);
        ck_assert_int_eq (log_put (s_logs.log, &record), 0);
        log_commit (s_logs.log);
        ck_assert_int_eq (log_finish (s_logs.log, -1, &done), 1);
        free (done.buffer);
    }
    uint64_t last = log_last (s_logs.log);
    logs_close (&s_logs);
    logs_must_open (&s_logs, LARGE);
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_str_eq (log_notice (s_logs.log), "");
    ck_assert_uint_eq (s_logs.folded, last);
    ck_assert_uint_eq (logs_read (&s_logs, 1, ROOM).records, last);
    logs_close (&s_logs);
    s_load_segment (1);
    s_write (s_bytes, s_size - 1); // and torn: the image within the last batch says nothing new
    logs_must_open (&s_logs, LARGE);
    ck_assert_uint_eq (log_last (s_logs.log), last - 1);
}
END_TEST

static void s_add_rest (TCase *cases)
{
    tcase_add_test (cases, several_unfinished_segments_are_set_aside);
    tcase_add_test (cases, files_with_wrong_names_are_served_and_put_right);
    tcase_add_test (cases, files_with_wrong_names_stay_while_there_is_damage);
    tcase_add_test (cases, files_that_cannot_be_put_right_are_told);
    tcase_add_test (cases, segment_that_the_log_went_on_without_is_set_aside);
    tcase_add_test (cases, what_a_begun_segment_rests_on_is_never_cut);
    tcase_add_test (cases, damaged_beginning_of_the_newest_segment_is_served_past);
    tcase_add_test (cases, header_of_an_older_segment_is_looked_at);
    tcase_add_test (cases, header_of_a_segment_that_was_given_up_is_not);
    tcase_add_test (cases, without_a_whole_beginning_the_oldest_is_begun_with);
    tcase_add_test (cases, what_is_whole_of_the_only_state_is_known);
    tcase_add_test (cases, segment_of_another_log_is_refused_untouched);
    tcase_add_test (cases, segment_of_a_format_to_come_is_refused_untouched);
    tcase_add_test (cases, read_error_is_no_end_of_the_log);
    tcase_add_test (cases, read_error_beside_a_torn_tail_cuts_nothing);
    tcase_add_test (cases, read_error_in_an_unfinished_segment_sets_nothing_aside);
    tcase_add_test (cases, failed_sync_at_opening_opens_nothing);
    tcase_add_test (cases, folder_is_synced_before_its_segments_count);
    tcase_add_test (cases, image_of_a_batch_in_a_text_is_only_text);
}

int main (void)
{
    TCase *cases = tcase_create ("recovery_tails");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 60);
    tcase_add_test (cases, tail_torn_at_any_byte_is_cut);
    tcase_add_test (cases, tail_torn_at_any_byte_with_zeros_behind_is_cut);
    tcase_add_test (cases, tail_torn_at_any_byte_with_garbage_behind_is_cut);
    tcase_add_test (cases, cut_is_synced_behind_its_copy);
    tcase_add_test (cases, tail_that_cannot_be_kept_is_not_cut);
    tcase_add_test (cases, tail_that_may_not_be_cut_is_told_so);
    tcase_add_test (cases, damage_before_what_was_durable_is_never_cut);
    tcase_add_test (cases, several_holes_are_named_and_the_rest_is_served);
    tcase_add_test (cases, unfinished_segment_is_set_aside_however_far_it_came);
    tcase_add_test (cases, unfinished_first_segment_is_set_aside);
    s_add_rest (cases);
    return kit_run (cases, "recovery_tails");
}
