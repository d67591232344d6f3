// accept: a log in doubt goes on by an operator's word.

#include "daemons/group/accept.h"

#include "common/exits.h"
#include "daemons/group/folder.h"
#include "daemons/group/witness.h"
#include "tests/faults.h"
#include "tests/logs.h"

#include <unistd.h>

enum { SMALL = 900, LAST = 21 };

static logs_t s_logs;
static receipt_t s_lost; // what a client holds beyond the end
static accept_t s_accept;
static trouble_t s_trouble;

static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, SMALL);
    logs_jobs (&s_logs, "a message", 10, 2);
    s_lost = log_receipt_at (s_logs.log, LAST + 5, &log_receipt (s_logs.log)->chain);
    ck_assert_int_eq (log_set_doubt (s_logs.log, "a test"), 0);
    logs_close (&s_logs);
}

static void s_teardown (void)
{
    faults_reset ();
    logs_free (&s_logs);
}

static int s_run (void)
{
    memset (&s_trouble, 0, sizeof s_trouble);
    return accept_run (&s_accept, s_logs.path, &s_trouble);
}

START_TEST (accepted_log_is_in_doubt_no_more)
{
    uint64_t from;
    char why[FOLDER_DOUBT_MAX];
    ck_assert_msg (s_run () == 0, "%s", s_trouble.text);
    ck_assert_uint_eq (s_accept.head, LAST);
    ck_assert_uint_eq (s_accept.generation, 2);
    logs_must_open (&s_logs, SMALL);
    ck_assert_str_eq (log_doubt (s_logs.log), "");
    ck_assert_uint_eq (log_generation (s_logs.log), 2);
    ck_assert_int_eq (witness_judge (s_logs.log, &s_lost, &from, why), WITNESS_LOST);
    ck_assert_uint_eq (from, LAST + 1);
    logs_job (&s_logs, "it goes on", 1);
}
END_TEST

START_TEST (log_says_that_it_was_accepted)
{
    ck_assert_int_eq (s_run (), 0);
    logs_must_open (&s_logs, SMALL);
    ck_assert_uint_eq (log_last (s_logs.log), LAST + 2);
    segments_page_t page;
    record_why_t why;
    batch_t batch;
    record_t record;
    ck_assert_int_eq (log_read (s_logs.log, LAST + 1, UINT64_MAX, 4096, &page, &why),
                      SEGMENTS_PAGE);
    ck_assert_int_eq (batch_open (&batch, page.batches, log_id (s_logs.log)), 0);
    ck_assert_int_eq (batch_next (&batch, &record), 1);
    ck_assert_int_eq (record.kind, RECORD_OPEN);
    ck_assert_int_eq (batch_next (&batch, &record), 1);
    ck_assert_int_eq (record.kind, RECORD_ACCEPT);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_TO, 0), LAST);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_GENERATION, 0), 2);
    free (page.buffer);
}
END_TEST

// A log that was put back was opened less often than the one that is lost: the receipts of that are
// older than its new generation all the same, or they would put it in doubt for ever.
START_TEST (generation_rises_above_that_of_the_receipt)
{
    uint64_t from;
    char why[FOLDER_DOUBT_MAX];
    logs_must_open (&s_logs, SMALL);
    receipt_t lost = receipt_make (log_key (s_logs.log), log_id (s_logs.log), 7, LAST + 5,
                                   &log_receipt (s_logs.log)->chain);
    ck_assert_int_eq (witness_judge (s_logs.log, &lost, &from, why), WITNESS_DOUBT);
    ck_assert_int_eq (log_set_doubt (s_logs.log, why), 0);
    logs_close (&s_logs);
    ck_assert_int_eq (s_run (), 0);
    ck_assert_uint_eq (s_accept.generation, 8);
    logs_must_open (&s_logs, SMALL);
    ck_assert_uint_eq (log_generation (s_logs.log), 8);
    ck_assert_int_eq (witness_judge (s_logs.log, &lost, &from, why), WITNESS_LOST);
    ck_assert_uint_eq (from, LAST + 1);
}
END_TEST

START_TEST (open_log_cannot_be_accepted)
{
    logs_must_open (&s_logs, SMALL);
    ck_assert_int_eq (s_run (), -1);
    ck_assert_int_eq (s_trouble.exit, EXIT_NOT_NOW);
    ck_assert_str_ne (log_doubt (s_logs.log), "");
}
END_TEST

START_TEST (damaged_log_cannot_be_accepted)
{
    remove (logs_segment (&s_logs, 1));
    ck_assert_int_eq (s_run (), -1);
    ck_assert_int_eq (s_trouble.exit, EXIT_REFUSED);
    ck_assert_ptr_nonnull (strstr (s_trouble.text, "repair"));
    ck_assert_int_eq (access (logs_file (&s_logs, "doubt"), F_OK), 0);
}
END_TEST

// The doubt goes only when the log has the word.
START_TEST (failed_write_leaves_the_doubt)
{
    faults_set_space (0);
    ck_assert_int_eq (s_run (), -1);
    ck_assert_int_eq (s_trouble.exit, EXIT_NOT_NOW);
    ck_assert_int_eq (access (logs_file (&s_logs, "doubt"), F_OK), 0);
    faults_set_space (UINT64_MAX);
    faults_fail (FAULTS_FDATASYNC, 0, -1, EIO);
    ck_assert_int_eq (s_run (), -1);
    ck_assert_int_eq (s_trouble.exit, EXIT_SYNC);
    ck_assert_int_eq (access (logs_file (&s_logs, "doubt"), F_OK), 0);
    faults_fail (FAULTS_FDATASYNC, 0, 0, 0);
    faults_fail (FAULTS_UNLINKAT, 0, 1, EROFS);
    ck_assert_int_eq (s_run (), -1);
    ck_assert_int_eq (s_trouble.exit, EXIT_SYNC);
    ck_assert_int_eq (s_run (), 0); // once more is no harm
    ck_assert_int_lt (access (logs_file (&s_logs, "doubt"), F_OK), 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("accept");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, accepted_log_is_in_doubt_no_more);
    tcase_add_test (cases, log_says_that_it_was_accepted);
    tcase_add_test (cases, generation_rises_above_that_of_the_receipt);
    tcase_add_test (cases, open_log_cannot_be_accepted);
    tcase_add_test (cases, damaged_log_cannot_be_accepted);
    tcase_add_test (cases, failed_write_leaves_the_doubt);
    return kit_run (cases, "accept");
}
