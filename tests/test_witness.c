// witness: receipts that the log bears out, those that prove nothing, and those that convict it.

#include "daemons/group/witness.h"

#include "daemons/group/folder.h"
#include "tests/logs.h"

#include <czmq.h>

enum { LARGE = 1 << 26 };

static logs_t s_logs;
static char s_why[FOLDER_DOUBT_MAX];
static uint64_t s_from;

static void s_setup (void)
{
    logs_init (&s_logs);
    logs_must_open (&s_logs, LARGE);
    s_why[0] = 0;
}

static void s_teardown (void)
{
    logs_free (&s_logs);
}

static witness_verdict_t s_judge (const receipt_t *receipt)
{
    witness_verdict_t verdict;
    do
        verdict = witness_judge (s_logs.log, receipt, &s_from, s_why);
    while (verdict == WITNESS_LATER);
    return verdict;
}

START_TEST (every_receipt_that_was_given_agrees_with_the_log)
{
    receipt_t given[40];
    for (int i = 0; i < 40; i++) {
        logs_job (&s_logs, "text", 1 + i % 3);
        given[i] = *log_receipt (s_logs.log);
    }
    logs_close (&s_logs);
    logs_must_open (&s_logs, LARGE);
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq (s_judge (&given[i]), WITNESS_FINE);
}
END_TEST

START_TEST (forged_receipt_proves_nothing)
{
    logs_job (&s_logs, "text", 1);
    receipt_t receipt = *log_receipt (s_logs.log);
    receipt.seq += 1000;
    ck_assert_int_eq (s_judge (&receipt), WITNESS_FINE);
    receipt = *log_receipt (s_logs.log);
    receipt.chain.bytes[0] ^= 1;
    ck_assert_int_eq (s_judge (&receipt), WITNESS_FINE);
    uint8_t key[PROOF_KEY] = {0};
    receipt = receipt_make (key, log_id (s_logs.log), 1, 5000, &receipt.chain);
    ck_assert_int_eq (s_judge (&receipt), WITNESS_FINE);
}
END_TEST

START_TEST (receipt_beyond_the_end_is_a_loss_that_nobody_accepted)
{
    logs_job (&s_logs, "text", 1);
    chain_t chain = log_receipt (s_logs.log)->chain;
    receipt_t receipt = log_receipt_at (s_logs.log, log_last (s_logs.log) + 1, &chain);
    ck_assert_int_eq (s_judge (&receipt), WITNESS_DOUBT);
    ck_assert_ptr_nonnull (strstr (s_why, "record 3"));
    ck_assert_ptr_nonnull (strstr (s_why, "but the log ends with 2"));
}
END_TEST

START_TEST (another_chain_is_another_history)
{
    logs_jobs (&s_logs, "text", 5, 1);
    chain_t chain = log_receipt (s_logs.log)->chain;
    chain.bytes[7] ^= 1;
    receipt_t head = log_receipt_at (s_logs.log, log_last (s_logs.log), &chain);
    receipt_t middle = log_receipt_at (s_logs.log, 3, &chain);
    ck_assert_int_eq (s_judge (&head), WITNESS_DOUBT);
    ck_assert_int_eq (s_judge (&middle), WITNESS_DOUBT);
    ck_assert_ptr_nonnull (strstr (s_why, "another history"));
}
END_TEST

START_TEST (a_record_inside_a_batch_had_no_receipt)
{
    logs_job (&s_logs, "text", 5); // with OPEN one batch, 1 to 6
    logs_job (&s_logs, "more", 1);
    chain_t chain = log_receipt (s_logs.log)->chain;
    receipt_t receipt = log_receipt_at (s_logs.log, 4, &chain);
    ck_assert_int_eq (s_judge (&receipt), WITNESS_DOUBT);
}
END_TEST

START_TEST (receipts_below_the_oldest_kept_prove_nothing)
{
    logs_jobs (&s_logs, "text", 4, 1);
    chain_t chain = {{1}};
    receipt_t below = log_receipt_at (s_logs.log, 2, &chain);
    receipt_t at_the_edge = log_receipt_at (s_logs.log, 3, &chain);
    uint8_t bytes[32];
    writer_t options = writer (bytes, sizeof bytes);
    record_put_number (&options, RECORD_OPT_OLDEST, 4);
    record_put_number (&options, RECORD_OPT_WHY, RECORD_WHY_COUNT);
    record_t trim = {.kind = RECORD_TRIM, .options = span (bytes, writer_used (&options))};
    log_begin (s_logs.log, s_logs.now, 100, false);
    ck_assert_int_eq (log_put (s_logs.log, &trim), 0);
    log_commit (s_logs.log);
    log_done_t done;
    ck_assert_int_eq (log_finish (s_logs.log, -1, &done), 1);
    free (done.buffer);
    ck_assert_uint_eq (log_oldest (s_logs.log), 4);
    ck_assert_int_eq (s_judge (&below), WITNESS_FINE);
    ck_assert_int_eq (s_judge (&at_the_edge), WITNESS_DOUBT); // the chain before 4 is still known
}
END_TEST

// Opened again, the log is accepted as ending with `head`.
static void s_accept (uint64_t head, uint64_t generation)
{
    uint8_t bytes[32];
    writer_t options = writer (bytes, sizeof bytes);
    lineage_options (&options, head, generation);
    record_t accept = {.kind = RECORD_ACCEPT, .options = span (bytes, writer_used (&options))};
    log_begin (s_logs.log, s_logs.now, 100, false); // OPEN comes first
    ck_assert_int_eq (log_put (s_logs.log, &accept), 0);
    log_commit (s_logs.log);
    log_done_t done;
    ck_assert_int_eq (log_finish (s_logs.log, -1, &done), 1);
    free (done.buffer);
    logs_close (&s_logs);
    logs_must_open (&s_logs, LARGE);
}

START_TEST (receipts_of_a_life_that_was_given_up_name_what_is_lost)
{
    logs_jobs (&s_logs, "text", 3, 1);
    receipt_t kept = *log_receipt (s_logs.log);
    uint64_t head = log_last (s_logs.log), old = log_generation (s_logs.log);
    receipt_t lost = log_receipt_at (s_logs.log, head + 7, &kept.chain);
    logs_close (&s_logs);
    logs_must_open (&s_logs, LARGE);
    s_accept (head, old + 1);
    logs_jobs (&s_logs, "new", 20, 1); // beyond where the lost ones were
    ck_assert_int_eq (s_judge (&lost), WITNESS_LOST);
    ck_assert_uint_eq (s_from, head + 1);
    ck_assert_int_eq (s_judge (&kept), WITNESS_FINE);
    ck_assert_int_eq (s_judge (log_receipt (s_logs.log)), WITNESS_FINE);
}
END_TEST

// A log that was put back goes on over the numbers of what it lost, until somebody notices.
START_TEST (receipts_of_another_history_that_was_accepted_are_no_doubt)
{
    logs_jobs (&s_logs, "text", 3, 1);
    chain_t chain = {{1}};
    uint64_t old = log_generation (s_logs.log);
    receipt_t other = log_receipt_at (s_logs.log, 3, &chain);
    ck_assert_int_eq (s_judge (&other), WITNESS_DOUBT);
    logs_close (&s_logs);
    logs_must_open (&s_logs, LARGE);
    s_accept (log_last (s_logs.log), old + 1);
    ck_assert_int_eq (s_judge (&other), WITNESS_LOST);
    ck_assert_uint_eq (s_from, 1); // the opening that record 3 lies in was another one
    receipt_t now = log_receipt_at (s_logs.log, 3, &chain); // that life has no excuse
    ck_assert_int_eq (s_judge (&now), WITNESS_DOUBT);
}
END_TEST

// The log was put back and went on, several times opened: what was written in any opening behind
// the receipt's is another history, and all of it is named.
START_TEST (what_is_lost_begins_where_the_log_was_opened_anew)
{
    logs_jobs (&s_logs, "text", 3, 1);
    chain_t chain = {{1}};
    uint64_t old = log_generation (s_logs.log), head = log_last (s_logs.log);
    receipt_t other = log_receipt_at (s_logs.log, head + 9, &chain);
    for (int i = 0; i < 2; i++) {
        logs_close (&s_logs);
        logs_must_open (&s_logs, i == 0 ? LARGE : 1); // one segment a job: STATE tells of openings
        logs_jobs (&s_logs, "new", 12, 1);
    }
    ck_assert_int_eq (s_judge (&other), WITNESS_DOUBT);
    logs_close (&s_logs);
    logs_must_open (&s_logs, LARGE);
    s_accept (log_last (s_logs.log), old + 3);
    ck_assert_uint_eq (log_generation (s_logs.log), old + 3);
    ck_assert_int_eq (s_judge (&other), WITNESS_LOST);
    ck_assert_uint_eq (s_from, head + 1);
}
END_TEST

START_TEST (generation_stays_through_segments_behind_an_accept)
{
    logs_jobs (&s_logs, "text", 3, 1);
    uint64_t old = log_generation (s_logs.log);
    logs_close (&s_logs);
    logs_must_open (&s_logs, LARGE);
    s_accept (log_last (s_logs.log), old + 1);
    for (int i = 0; i < 4; i++) {
        logs_jobs (&s_logs, "new", 4, 1);
        uint64_t now = log_generation (s_logs.log);
        ck_assert_uint_eq (now, old + 2 + (uint64_t)i);
        logs_close (&s_logs);
        logs_must_open (&s_logs, 1);
        ck_assert_uint_eq (log_generation (s_logs.log), now);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("witness");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, every_receipt_that_was_given_agrees_with_the_log);
    tcase_add_test (cases, forged_receipt_proves_nothing);
    tcase_add_test (cases, receipt_beyond_the_end_is_a_loss_that_nobody_accepted);
    tcase_add_test (cases, another_chain_is_another_history);
    tcase_add_test (cases, a_record_inside_a_batch_had_no_receipt);
    tcase_add_test (cases, receipts_below_the_oldest_kept_prove_nothing);
    tcase_add_test (cases, receipts_of_a_life_that_was_given_up_name_what_is_lost);
    tcase_add_test (cases, receipts_of_another_history_that_was_accepted_are_no_doubt);
    tcase_add_test (cases, what_is_lost_begins_where_the_log_was_opened_anew);
    tcase_add_test (cases, generation_stays_through_segments_behind_an_accept);
    return kit_run (cases, "witness");
}
