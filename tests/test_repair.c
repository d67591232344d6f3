// repair: damaged logs become sound, and lose nothing that was whole.

#include "daemons/group/repair.h"

#include "common/exits.h"
#include "daemons/group/audit.h"
#include "tests/faults.h"
#include "tests/logs.h"

#include <unistd.h>

enum { SMALL = 900, LAST = 61 };

static logs_t s_logs;
static uint64_t s_firsts[64];
static size_t s_segments;
static guid_t s_id;
static trouble_t s_trouble;
static char s_told[20000];

static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, SMALL);
    logs_jobs (&s_logs, "a message", 30, 2);
    s_id = *log_id (s_logs.log);
    logs_close (&s_logs);
    s_segments = logs_segments (&s_logs, s_firsts, 64);
    size_t size, ends[64];
    const char *path = logs_segment (&s_logs, s_firsts[s_segments - 1]);
    uint8_t *bytes = logs_load (path, &size);
    ck_assert_int_eq (truncate (path, (off_t)ends[logs_ends (bytes, size, ends, 64)]), 0);
    free (bytes);
}

static void s_teardown (void)
{
    faults_reset ();
    logs_free (&s_logs);
}

static void s_on_line (void *arg, const char *line)
{
    (void)arg;
    size_t used = strlen (s_told);
    snprintf (s_told + used, sizeof s_told - used, "%s\n", line);
}

static int s_repair (uint64_t *lost)
{
    int dir = open (s_logs.path, O_RDONLY | O_DIRECTORY);
    survey_t *survey = survey_new (dir, &s_id, NULL);
    int rc = -1;
    s_told[0] = 0;
    memset (&s_trouble, 0, sizeof s_trouble);
    if (survey) {
        repair_explain (survey, s_on_line, NULL);
        if (lost)
            *lost = survey->lost;
        rc = repair_run (dir, survey, s_on_line, NULL, &s_trouble);
    }
    survey_destroy (&survey);
    close (dir);
    return rc;
}

static audit_t s_audit (void)
{
    audit_t audit;
    audit_io_t io = {0};
    audit_run (&audit, s_logs.path, &io);
    return audit;
}

// Repairs; then all of it is there but `lost` records in `gaps` spans, and it can be written.
static void s_is_repaired (uint64_t lost, uint64_t gaps)
{
    uint64_t surveyed;
    int rc = s_repair (&surveyed);
    ck_assert_msg (rc == 0, "%s", s_trouble.text);
    ck_assert_uint_eq (surveyed, lost);
    audit_t audit = s_audit ();
    ck_assert_msg (audit.verdict == AUDIT_SOUND, "%s", audit.place);
    ck_assert_uint_eq (audit.lost, lost);
    ck_assert_int_eq (logs_files (&s_logs, "damaged-", NULL) > 0, lost > 0);
    logs_must_open (&s_logs, SMALL);
    ck_assert (!log_read_only (s_logs.log));
    ck_assert_uint_eq (log_last (s_logs.log), LAST);
    logs_read_t got = logs_read (&s_logs, 1, 4096);
    ck_assert_uint_eq (got.missing, lost);
    ck_assert_uint_eq (got.gaps, gaps);
    ck_assert_uint_eq (got.records + lost, LAST);
    for (uint64_t seq = 1; seq <= LAST; seq++) { // from wherever one reads
        logs_read_t part = logs_read (&s_logs, seq, 1);
        ck_assert_uint_eq (part.records + part.missing, LAST + 1 - seq);
    }
    logs_job (&s_logs, "it goes on", 1);
    logs_close (&s_logs);
    ck_assert_int_eq (s_audit ().verdict, AUDIT_SOUND);
    uint64_t again;
    ck_assert_int_eq (s_repair (&again), 0); // nothing to do
    ck_assert_uint_eq (again, 0);
    ck_assert_str_eq (s_told, "");
}

static void s_flip (uint64_t first, size_t at)
{
    size_t size;
    const char *path = logs_segment (&s_logs, first);
    uint8_t *bytes = logs_load (path, &size);
    bytes[at] ^= 4;
    logs_save (path, bytes, size);
    free (bytes);
}

// Damages batch `batch` of the segment; returns its records.
static uint64_t s_rot (size_t position, size_t batch)
{
    size_t size, ends[64];
    batch_t head;
    uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[position]), &size);
    ck_assert_uint_gt (logs_ends (bytes, size, ends, 64), batch + 1);
    ck_assert_int_eq (batch_peek (&head, span (bytes + ends[batch], size - ends[batch])), 0);
    free (bytes);
    s_flip (s_firsts[position], ends[batch + 1] - 3);
    return head.count;
}

START_TEST (sound_log_stays_as_it_is)
{
    uint64_t lost;
    ck_assert_int_eq (s_repair (&lost), 0);
    ck_assert_str_eq (s_told, "");
    ck_assert_int_eq (logs_files (&s_logs, "damaged-", NULL), 0);
}
END_TEST

START_TEST (files_get_their_names_again_before_anything_is_made_anew)
{
    char one[600], other[600], aside[600];
    uint64_t lost = s_rot (1, 1);
    snprintf (one, sizeof one, "%s", logs_segment (&s_logs, s_firsts[1]));
    snprintf (other, sizeof other, "%s", logs_segment (&s_logs, s_firsts[2]));
    snprintf (aside, sizeof aside, "%s", logs_file (&s_logs, "aside"));
    ck_assert (rename (one, aside) == 0 && rename (other, one) == 0 && rename (aside, other) == 0);
    ck_assert_int_eq (s_audit ().verdict, AUDIT_DAMAGED);
    s_is_repaired (lost, 1);
}
END_TEST

START_TEST (wrong_name_alone_is_something_to_repair)
{
    char from[600];
    snprintf (from, sizeof from, "%s", logs_segment (&s_logs, s_firsts[2]));
    ck_assert_int_eq (rename (from, logs_segment (&s_logs, s_firsts[2] + 1)), 0);
    audit_t audit = s_audit ();
    ck_assert_int_eq (audit.verdict, AUDIT_TORN);
    ck_assert_ptr_nonnull (strstr (audit.place, "not what its name says"));
    s_is_repaired (0, 0);
}
END_TEST

START_TEST (rot_becomes_holes)
{
    uint64_t lost = s_rot (0, 1);
    lost += s_rot (1, 1);
    lost += s_rot (s_segments - 1, 0);
    s_is_repaired (lost, 3);
}
END_TEST

START_TEST (first_batch_of_a_segment_is_replaced_by_a_hole)
{
    uint64_t lost = s_rot (1, 0);
    s_is_repaired (lost, 1);
}
END_TEST

START_TEST (missing_segments_become_holes)
{
    remove (logs_segment (&s_logs, s_firsts[0]));
    remove (logs_segment (&s_logs, s_firsts[2]));
    uint64_t lost = s_firsts[1] - 1 + s_firsts[3] - s_firsts[2];
    uint64_t surveyed;
    ck_assert_int_eq (s_repair (&surveyed), 0);
    ck_assert_uint_eq (surveyed, lost);
    ck_assert_int_eq (s_audit ().verdict, AUDIT_SOUND);
    logs_must_open (&s_logs, SMALL);
    logs_read_t got = logs_read (&s_logs, 1, 4096);
    ck_assert_uint_eq (got.missing, lost);
    ck_assert_uint_eq (got.gaps, 2);
}
END_TEST

START_TEST (header_is_made_again_exactly)
{
    for (size_t position = 0; position < s_segments; position++) {
        const char *path = logs_segment (&s_logs, s_firsts[position]);
        size_t size, now;
        uint8_t *bytes = logs_load (path, &size);
        s_flip (s_firsts[position], 30);
        ck_assert_int_eq (s_repair (NULL), 0);
        uint8_t *made = logs_load (logs_segment (&s_logs, s_firsts[position]), &now);
        ck_assert_uint_eq (now, size);
        ck_assert_mem_eq (made, bytes, size);
        free (bytes);
        free (made);
    }
    audit_t audit = s_audit ();
    ck_assert_int_eq (audit.verdict, AUDIT_SOUND);
    ck_assert_uint_eq (audit.lost, 0);
}
END_TEST

// What is not to be had again exactly is made from the records before, and an empty hole says so.
START_TEST (state_is_made_from_what_was_before)
{
    s_flip (s_firsts[2], SEGMENT_HEADER + 80);
    ck_assert_int_eq (s_repair (NULL), 0);
    audit_t audit = s_audit ();
    ck_assert_msg (audit.verdict == AUDIT_SOUND, "%s", audit.place);
    ck_assert_uint_eq (audit.lost, 0);
    ck_assert_int_eq (logs_files (&s_logs, "damaged-", NULL), 1);
    logs_must_open (&s_logs, SMALL);
    logs_read_t got = logs_read (&s_logs, 1, 1);
    ck_assert_uint_eq (got.records, LAST);
    ck_assert_uint_eq (got.gaps, 0);
}
END_TEST

// A batch behind a hole has the bytes and the chain that it had, so receipts for it stay right.
START_TEST (receipts_behind_a_hole_stay_right)
{
    logs_must_open (&s_logs, SMALL);
    receipt_t head = *log_receipt (s_logs.log);
    chain_t chain;
    logs_close (&s_logs);
    s_rot (1, 1);
    ck_assert_int_eq (s_repair (NULL), 0);
    logs_must_open (&s_logs, SMALL);
    ck_assert (receipt_genuine (&head, log_key (s_logs.log), &s_id));
    while (log_chain_at (s_logs.log, head.seq, &chain) == SEGMENTS_LATER)
        ;
    ck_assert (chain_equal (&chain, &head.chain));
}
END_TEST

START_TEST (what_was_there_is_kept)
{
    s_rot (1, 1);
    size_t size, now;
    char name[300];
    uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[1]), &size);
    ck_assert_int_eq (s_repair (NULL), 0);
    ck_assert_int_eq (logs_files (&s_logs, "damaged-", name), 1);
    uint8_t *kept = logs_load (logs_file (&s_logs, name), &now);
    ck_assert_uint_eq (now, size);
    ck_assert_mem_eq (kept, bytes, size);
    ck_assert_ptr_nonnull (strstr (s_told, name));
    free (bytes);
    free (kept);
}
END_TEST

START_TEST (torn_tail_is_cut_as_an_opening_does)
{
    FILE *file = fopen (logs_segment (&s_logs, s_firsts[s_segments - 1]), "ab");
    fputs ("half a batch", file);
    fclose (file);
    ck_assert_int_eq (s_audit ().verdict, AUDIT_TORN);
    uint64_t lost = s_rot (s_segments - 1, 0); // and damage in front of it
    s_is_repaired (lost, 1);
    ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 1);
}
END_TEST

START_TEST (damage_before_a_begun_segment_becomes_a_hole)
{
    size_t size, ends[64], newest = s_segments - 1;
    ck_assert_int_eq (truncate (logs_segment (&s_logs, s_firsts[newest]), SEGMENT_HEADER), 0);
    uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[newest - 1]), &size);
    size_t count = logs_ends (bytes, size, ends, 64);
    free (bytes);
    s_flip (s_firsts[newest - 1], ends[count] - 3);
    uint64_t lost;
    ck_assert_msg (s_repair (&lost) == 0, "%s", s_trouble.text);
    ck_assert_uint_gt (lost, 0);
    audit_t audit = s_audit ();
    ck_assert_msg (audit.verdict == AUDIT_SOUND, "%s", audit.place);
    ck_assert_uint_eq (audit.last, s_firsts[newest] - 1);
    ck_assert_int_eq (logs_files (&s_logs, "torn-", NULL), 1);
    logs_must_open (&s_logs, SMALL);
    logs_job (&s_logs, "it goes on", 1);
    logs_read_t got = logs_read (&s_logs, 1, 4096);
    ck_assert_uint_eq (got.missing, lost);
    logs_close (&s_logs);
    ck_assert_int_eq (s_audit ().verdict, AUDIT_SOUND);
}
END_TEST

START_TEST (any_damage_is_repaired)
{
    dice_t chance = dice_new ("any_damage_is_repaired");
    for (int i = 0; i < 60; i++) {
        size_t position = dice (&chance, s_segments), size, ends[64];
        uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[position]), &size);
        size_t end = ends[logs_ends (bytes, size, ends, 64)];
        uint8_t *good = malloc (size);
        memcpy (good, bytes, size);
        for (size_t n = 1 + dice (&chance, 4); n > 0; n--) {
            size_t at = dice (&chance, end), many = dice (&chance, 40);
            for (size_t j = at; j < at + many && j < end; j++)
                bytes[j] = (uint8_t)dice_u64 (&chance);
        }
        logs_save (logs_segment (&s_logs, s_firsts[position]), bytes, size);
        free (bytes);
        int rc = s_repair (NULL);
        ck_assert_msg (rc == 0, "%s", s_trouble.text);
        audit_t audit = s_audit ();
        ck_assert_msg (audit.verdict == AUDIT_SOUND, "%s\n%s", audit.place, s_told);
        if (audit.last < LAST) { // the newest was torn
            logs_save (logs_segment (&s_logs, s_firsts[position]), good, size);
            free (good);
            continue;
        }
        logs_must_open (&s_logs, SMALL);
        logs_read_t got = logs_read (&s_logs, 1, 4096);
        ck_assert_uint_eq (got.records + got.missing, LAST);
        ck_assert_uint_eq (got.missing, audit.lost);
        logs_close (&s_logs);
        logs_save (logs_segment (&s_logs, s_firsts[position]), good, size);
        free (good);
    }
}
END_TEST

// Whatever call fails: the next repair makes it sound, and nothing more is lost.
START_TEST (repair_that_failed_is_repaired)
{
    static const faults_call_t calls[] = {FAULTS_PREAD, FAULTS_PWRITE, FAULTS_FSYNC, FAULTS_OPENAT};
    uint64_t lost = s_rot (0, 1);
    lost += s_rot (2, 1);
    for (size_t c = 0; c < 4; c++)
        for (int skip = 0;; skip++) {
            faults_fail (calls[c], skip, 1, calls[c] == FAULTS_PWRITE ? ENOSPC : EIO);
            int rc = s_repair (NULL);
            faults_fail (calls[c], 0, 0, 0);
            if (rc == 0)
                break;
            if (*s_trouble.text)
                ck_assert_int_eq (s_trouble.exit,
                                  calls[c] == FAULTS_PWRITE ? EXIT_NOT_NOW : EXIT_SYNC);
            ck_assert_int_eq (s_repair (NULL), 0);
            audit_t audit = s_audit ();
            ck_assert_msg (audit.verdict == AUDIT_SOUND && audit.lost == lost, "%s", audit.place);
            char name[300];
            while (logs_files (&s_logs, "damaged-", name) > 0) { // as it was
                size_t size;
                uint8_t *bytes = logs_load (logs_file (&s_logs, name), &size);
                uint64_t first = strtoull (name + 29, NULL, 10);
                logs_save (logs_segment (&s_logs, first), bytes, size);
                remove (logs_file (&s_logs, name));
                free (bytes);
            }
            ck_assert_int_eq (logs_files (&s_logs, "0", NULL), (int)s_segments);
        }
}
END_TEST

// Gives batch `number` of the log's only segment other texts and a right checksum.
static void s_edit (size_t number)
{
    static size_t ends[600];
    size_t size;
    const char *path = logs_segment (&s_logs, 1);
    uint8_t *bytes = logs_load (path, &size), made[BATCH_MAX];
    ck_assert_uint_gt (logs_ends (bytes, size, ends, 600), number);
    batch_t batch;
    record_t record;
    batch_writer_t out;
    span_t old = span (bytes + ends[number], ends[number + 1] - ends[number]);
    ck_assert_int_eq (batch_open (&batch, old, &s_id), 0);
    batch_t head = batch;
    batch_begin (&out, made, &head);
    while (batch_next (&batch, &record) == 1) {
        char text[100] = {0};
        memcpy (text, record.text.data, record.text.size);
        text[0] ^= 1;
        record.text = span (text, record.text.size);
        ck_assert_uint_gt (batch_add (&out, &record), 0);
    }
    memcpy (bytes + ends[number], batch_end (&out, &s_id).data, old.size);
    logs_save (path, bytes, size);
    free (bytes);
}

// A log with a long segment, which is the newest or not.
static void s_make_large (int records, bool older)
{
    folder_t log;
    logs_forget (&s_logs);
    snprintf (log.path, sizeof log.path, "%.200s", s_logs.path);
    folder_remove (&log);
    logs_must_open (&s_logs, 1 << 26);
    logs_jobs (&s_logs, "one of many, all in one segment", 250, records);
    s_id = *log_id (s_logs.log);
    logs_close (&s_logs);
    if (older) {
        logs_must_open (&s_logs, 1);
        logs_job (&s_logs, "in a segment behind it", 1);
        logs_close (&s_logs);
    }
    logs_forget (&s_logs);
}

// Wherever in the index a hole without records falls, nothing is missing.
START_TEST (empty_holes_hide_no_record)
{
    for (int round = 0; round < 12; round++) {
        s_make_large (7 + round / 2, round % 2);
        for (size_t batch = 60; batch < 240; batch += 2)
            s_edit (batch);
        uint64_t lost;
        ck_assert_msg (s_repair (&lost) == 0, "%s", s_trouble.text);
        ck_assert_uint_eq (lost, 0);
        audit_t audit = s_audit ();
        ck_assert_msg (audit.verdict == AUDIT_SOUND, "%s", audit.place);
        logs_must_open (&s_logs, 1 << 26);
        for (uint64_t seq = 1; seq <= audit.last; seq++) {
            segments_page_t page;
            record_why_t why;
            segments_read_t rc = log_read (s_logs.log, seq, UINT64_MAX, 1, &page, &why);
            ck_assert_int_eq (rc, SEGMENTS_PAGE);
            ck_assert (page.first <= seq && seq <= page.last);
            free (page.buffer);
        }
        logs_close (&s_logs);
    }
}
END_TEST

START_TEST (refused_survey_is_not_repaired)
{
    survey_t survey = {.refusal = "this is not ours"};
    ck_assert_int_eq (repair_run (-1, &survey, s_on_line, NULL, &s_trouble), -1);
    ck_assert_int_eq (s_trouble.exit, EXIT_REFUSED);
    ck_assert_str_eq (s_trouble.text, "this is not ours");
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("repair");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 20);
    tcase_add_test (cases, sound_log_stays_as_it_is);
    tcase_add_test (cases, files_get_their_names_again_before_anything_is_made_anew);
    tcase_add_test (cases, wrong_name_alone_is_something_to_repair);
    tcase_add_test (cases, rot_becomes_holes);
    tcase_add_test (cases, first_batch_of_a_segment_is_replaced_by_a_hole);
    tcase_add_test (cases, missing_segments_become_holes);
    tcase_add_test (cases, header_is_made_again_exactly);
    tcase_add_test (cases, state_is_made_from_what_was_before);
    tcase_add_test (cases, receipts_behind_a_hole_stay_right);
    tcase_add_test (cases, what_was_there_is_kept);
    tcase_add_test (cases, torn_tail_is_cut_as_an_opening_does);
    tcase_add_test (cases, damage_before_a_begun_segment_becomes_a_hole);
    tcase_add_test (cases, any_damage_is_repaired);
    tcase_add_test (cases, repair_that_failed_is_repaired);
    tcase_add_test (cases, empty_holes_hide_no_record);
    tcase_add_test (cases, refused_survey_is_not_repaired);
    return kit_run (cases, "repair");
}
