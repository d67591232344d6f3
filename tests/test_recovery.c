#include "daemons/group/recovery.h"

#include "common/exits.h"
#include "daemons/group/log.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <czmq.h>
#include <sys/stat.h>

#define SEGMENT "00000000000000000001.log"

// A log of one segment: job 1 with records 1 and 2, job 2 with two batches, 3 and 4, job 3 with 5.
static folder_t s_folder;
static uint8_t s_bytes[65536]; // of the segment, without zeros behind
static size_t s_size;
static size_t s_ends[8]; // offset behind the batch that ends with the record

typedef struct {
    uint64_t seen[16]; // sequences that were folded
    size_t count;
    bool opened;
    bool read_only;
    int exit;
    uint64_t last;
} opening_t;

static void s_fold (void *arg, const record_t *record)
{
    opening_t *self = arg;
    if (record->seq > 0 && self->count < 16)
        self->seen[self->count++] = record->seq;
}

static void s_state (void *arg, log_state_t *state)
{
    (void)arg, (void)state;
}

static log_t *s_open (opening_t *opening, trouble_t *trouble)
{
    log_fold_t fold = {opening, s_fold, s_state};
    return log_open (folder_path (&s_folder, "log"), 1 << 20, &fold, trouble);
}

static opening_t s_opening (void)
{
    opening_t opening = {.count = 0};
    trouble_t trouble = {0};
    log_t *log = s_open (&opening, &trouble);
    opening.opened = log != NULL;
    opening.exit = trouble.exit;
    if (log) {
        opening.last = log_last (log);
        opening.read_only = log_read_only (log);
    }
    log_destroy (&log);
    return opening;
}

static void s_job (log_t *log, int batches)
{
    record_t record = {.kind = RECORD_MESSAGE, .text = span_of ("hello"), .author = {{1}}};
    log_done_t done;
    log_begin (log, INT64_C (1795330800000000), 4096, false);
    for (; batches > 0; batches--) {
        ck_assert_int_eq (log_put (log, &record), 0);
        log_break (log);
    }
    log_commit (log);
    ck_assert_int_eq (log_finish (log, -1, &done), 1);
    ck_assert_int_eq (done.result, WRITER_DONE);
    free (done.buffer);
}

static void s_note_ends (void)
{
    segment_header_t header;
    batch_t batch;
    ck_assert_int_eq (segment_header_decode (&header, s_bytes), 0);
    s_size = SEGMENT_HEADER + header.state_size;
    s_ends[0] = s_size;
    while (batch_peek (&batch, span (s_bytes + s_size, sizeof s_bytes - s_size)) == 0) {
        s_size += batch.bytes.size;
        s_ends[batch_last (&batch)] = s_size;
    }
}

static const char *s_segment (void)
{
    return folder_path (&s_folder, "log/" SEGMENT);
}

static void s_setup (void)
{
    s_folder = folder_new ();
    opening_t opening = {.count = 0};
    trouble_t trouble;
    log_t *log = s_open (&opening, &trouble);
    ck_assert_msg (log != NULL, "%s", trouble.text);
    s_job (log, 1);
    s_job (log, 2);
    s_job (log, 1);
    log_destroy (&log);
    FILE *file = fopen (s_segment (), "rb");
    ck_assert_ptr_nonnull (file);
    ck_assert_uint_gt (fread (s_bytes, 1, sizeof s_bytes, file), 0);
    fclose (file);
    s_note_ends ();
    ck_assert_uint_ne (s_ends[5], 0);
}

static void s_teardown (void)
{
    folder_remove (&s_folder);
}

static void s_write (const uint8_t *bytes, size_t size)
{
    folder_write (&s_folder, "log/" SEGMENT, bytes, size);
}

static void s_is_still (const uint8_t *bytes, size_t size)
{
    static uint8_t now[sizeof s_bytes];
    FILE *file = fopen (s_segment (), "rb");
    ck_assert_ptr_nonnull (file);
    ck_assert_uint_eq (fread (now, 1, sizeof now, file), size);
    fclose (file);
    ck_assert (memcmp (now, bytes, size) == 0);
}

static int s_torn_files (bool remove_them)
{
    int count = 0;
    zdir_t *folder = zdir_new (folder_path (&s_folder, "log"), "-");
    zlist_t *files = zdir_list (folder);
    for (zfile_t *file = zlist_first (files); file; file = zlist_next (files))
        if (strstr (zfile_filename (file, NULL), "/torn-")) {
            count++;
            if (remove_them)
                remove (zfile_filename (file, NULL));
        }
    zlist_destroy (&files);
    zdir_destroy (&folder);
    return count;
}

START_TEST (what_was_written_is_read)
{
    opening_t opening = s_opening ();
    ck_assert (opening.opened && !opening.read_only);
    ck_assert_uint_eq (opening.last, 5);
    ck_assert_uint_eq (opening.count, 5);
    ck_assert_int_eq (s_torn_files (false), 0);
}
END_TEST

START_TEST (zeros_are_a_clean_end)
{
    static uint8_t longer[200000];
    memcpy (longer, s_bytes, s_size);
    s_write (longer, sizeof longer);
    opening_t opening = s_opening ();
    ck_assert (opening.opened && !opening.read_only);
    ck_assert_uint_eq (opening.last, 5);
    ck_assert_int_eq (s_torn_files (false), 0);
}
END_TEST

// A power cut at any byte of the file: what is whole counts, the rest is kept aside.
START_TEST (every_truncation_is_a_torn_tail)
{
    for (size_t cut = 0; cut < s_size; cut++) {
        uint64_t whole = 0;
        bool clean = false;
        for (uint64_t seq = 2; seq <= 5; seq++)
            if (s_ends[seq] <= cut) {
                whole = seq;
                clean = cut - s_ends[seq] < 4; // the first bytes of a size are zeros
            }
        s_write (s_bytes, cut);
        opening_t opening = s_opening ();
        ck_assert_msg (opening.opened && !opening.read_only, "cut at %zu", cut);
        ck_assert_msg (opening.last == whole, "cut at %zu: last is %d", cut, (int)opening.last);
        ck_assert_msg (s_torn_files (true) == !clean, "cut at %zu", cut);
    }
}
END_TEST

// The last job torn in any way: its batches may be there without those before them.
START_TEST (hole_in_the_last_job_is_a_torn_tail)
{
    static uint8_t bytes[sizeof s_bytes];
    memcpy (bytes, s_bytes, s_ends[4]);
    memset (bytes + s_ends[2], 0, 16); // of batch 3; batch 4 of the same job is whole
    s_write (bytes, s_ends[4]);
    opening_t opening = s_opening ();
    ck_assert (opening.opened && !opening.read_only);
    ck_assert_uint_eq (opening.last, 2);
    ck_assert_int_eq (s_torn_files (false), 1);
    s_is_still (s_bytes, s_ends[2]);
}
END_TEST

// Rot in a record that was durable: never cut, the others are still to be had.
START_TEST (rot_in_what_was_durable_is_damage)
{
    static uint8_t bytes[sizeof s_bytes];
    memcpy (bytes, s_bytes, s_size);
    for (size_t at = s_ends[2]; at < s_ends[4]; at++) {
        bytes[at] ^= (uint8_t)(1u << at % 8);
        s_write (bytes, s_size);
        opening_t opening = s_opening ();
        ck_assert_msg (opening.opened && opening.read_only, "byte %zu", at);
        ck_assert_msg (opening.last == 5 && opening.count == 4, "byte %zu", at);
        s_is_still (bytes, s_size);
        bytes[at] = s_bytes[at];
    }
    ck_assert_int_eq (s_torn_files (false), 0);
}
END_TEST

START_TEST (rot_in_the_last_batch_is_a_torn_tail)
{
    static uint8_t bytes[sizeof s_bytes];
    for (size_t at = s_ends[4]; at < s_size; at++) {
        memcpy (bytes, s_bytes, s_size);
        bytes[at] ^= (uint8_t)(1u << at % 8);
        s_write (bytes, s_size);
        opening_t opening = s_opening ();
        ck_assert_msg (opening.opened && !opening.read_only && opening.last == 4, "byte %zu", at);
        ck_assert_int_eq (s_torn_files (true), 1);
        s_is_still (s_bytes, s_ends[4]);
    }
}
END_TEST

// Header and STATE of segment 1 say nothing that its records do not say; so only the first batch
// can be lost.
START_TEST (rot_in_the_only_beginning_is_damage)
{
    static uint8_t bytes[sizeof s_bytes];
    memcpy (bytes, s_bytes, s_size);
    for (size_t at = 0; at < s_ends[2]; at++) {
        bytes[at] ^= (uint8_t)(1u << at % 8);
        s_write (bytes, s_size);
        opening_t opening = s_opening ();
        ck_assert_msg (opening.opened && opening.read_only, "byte %zu: exit %d", at, opening.exit);
        ck_assert_msg (opening.last == 5 && opening.count == (at < s_ends[0] ? 5 : 3),
                       "byte %zu: %d", at, (int)opening.count);
        s_is_still (bytes, s_size);
        bytes[at] = s_bytes[at];
    }
    ck_assert_int_eq (s_torn_files (false), 0);
}
END_TEST

START_TEST (unfinished_new_segment_is_set_aside)
{
    folder_write (&s_folder, "log/00000000000000000006.log", s_bytes, 40);
    opening_t opening = s_opening ();
    ck_assert (opening.opened && !opening.read_only);
    ck_assert_uint_eq (opening.last, 5);
    ck_assert_int_eq (s_torn_files (false), 1);
    ck_assert_int_ne (access (folder_path (&s_folder, "log/00000000000000000006.log"), F_OK), 0);
}
END_TEST

START_TEST (newest_sixteen_torn_tails_are_kept)
{
    for (int i = 0; i < 20; i++) {
        s_write (s_bytes, s_size - 1);
        ck_assert_uint_eq (s_opening ().last, 4);
    }
    ck_assert_int_eq (s_torn_files (false), RECOVERY_TORN_KEPT);
}
END_TEST

START_TEST (appending_goes_on_behind_a_cut)
{
    opening_t opening = {.count = 0};
    trouble_t trouble;
    s_write (s_bytes, s_size - 1);
    log_t *log = s_open (&opening, &trouble);
    ck_assert_ptr_nonnull (log);
    s_job (log, 1); // its OPEN record and a message
    ck_assert_uint_eq (log_last (log), 6);
    ck_assert_uint_eq (log_generation (log), 2);
    log_destroy (&log);
    opening = s_opening ();
    ck_assert (opening.opened && !opening.read_only);
    ck_assert_uint_eq (opening.last, 6);
}
END_TEST

START_TEST (second_opener_is_refused)
{
    opening_t opening = {.count = 0};
    trouble_t trouble;
    log_t *log = s_open (&opening, &trouble);
    opening_t second = s_opening ();
    ck_assert (!second.opened);
    ck_assert_int_eq (second.exit, EXIT_NOT_NOW);
    log_destroy (&log);
    ck_assert (s_opening ().opened);
}
END_TEST

START_TEST (key_is_never_made_anew_beside_segments)
{
    s_write (s_bytes, s_size);
    remove (folder_path (&s_folder, "log/key"));
    opening_t opening = s_opening ();
    ck_assert (!opening.opened);
    ck_assert_int_eq (opening.exit, EXIT_CONFIG);
    ck_assert_int_ne (access (folder_path (&s_folder, "log/key"), F_OK), 0);
    s_is_still (s_bytes, s_size);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("recovery");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 60);
    tcase_add_test (cases, what_was_written_is_read);
    tcase_add_test (cases, zeros_are_a_clean_end);
    tcase_add_test (cases, every_truncation_is_a_torn_tail);
    tcase_add_test (cases, hole_in_the_last_job_is_a_torn_tail);
    tcase_add_test (cases, rot_in_what_was_durable_is_damage);
    tcase_add_test (cases, rot_in_the_last_batch_is_a_torn_tail);
    tcase_add_test (cases, rot_in_the_only_beginning_is_damage);
    tcase_add_test (cases, unfinished_new_segment_is_set_aside);
    tcase_add_test (cases, newest_sixteen_torn_tails_are_kept);
    tcase_add_test (cases, appending_goes_on_behind_a_cut);
    tcase_add_test (cases, second_opener_is_refused);
    tcase_add_test (cases, key_is_never_made_anew_beside_segments);
    return kit_run (cases, "recovery");
}
