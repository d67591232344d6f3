#include "daemons/group/intake.h"

#include "tests/faults.h"
#include "tests/intake_kit.h"

// ---- Order and durability

START_TEST (opening_is_a_job_of_its_own)
{
    intake_open (s_intake, s_now);
    ck_assert (!intake_idle (s_intake));
    s_until_idle ();
    ck_assert_uint_eq (log_last (s_log), 1);
    ck_assert_uint_eq (log_generation (s_log), 1);
    ck_assert_uint_eq (s_answered, 0);
}
END_TEST

START_TEST (answers_come_in_order_of_arrival)
{
    s_join_two ();
    fate_t *fates[] = {s_send (1, 1, 7), s_ask (WIRE_NICK, 2, "ann"), s_ask (WIRE_TOPIC, 1, "t"),
                       s_send (3, 1, 1), s_ask (WIRE_LEAVE, 2, ""),   s_send (2, 1, 1)};
    s_until_idle ();
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq (fates[i]->order, i + 1);
    s_is_stored (fates[0], 4);
    s_is_refused (fates[1], WIRE_ERR_NICK_TAKEN);
    s_is_stored (fates[2], 5);
    s_is_refused (fates[3], WIRE_ERR_NOT_MEMBER);
    s_is_stored (fates[4], 6);
    s_is_refused (fates[5], WIRE_ERR_NOT_MEMBER);
    ck_assert_int_eq (s_lefts, 1);
    ck_assert_uint_eq (s_left_seq, 6);
    ck_assert_uint_eq (s_durable_last, 6);
}
END_TEST

START_TEST (nothing_is_answered_before_it_is_durable)
{
    s_join_two ();
    faults_hold_syncs (true);
    fate_t *first = s_send (1, 1, 7), *refused = s_send (3, 1, 1);
    ck_assert (!s_turn (0));
    ck_assert (!s_turn (0));
    ck_assert_uint_eq (s_answered, 0); // what is refused waits too: it may rest on the job
    ck_assert_uint_eq (log_last (s_log), 3);
    fate_t *later = s_send (1, 2, 7);
    ck_assert (!s_turn (0));
    ck_assert_int_eq (intake_busy_since (s_intake), s_mono);
    faults_hold_syncs (false);
    s_until_idle ();
    s_is_stored (first, 4);
    s_is_refused (refused, WIRE_ERR_NOT_MEMBER);
    s_is_stored (later, 5);
    ck_assert_int_eq (intake_busy_since (s_intake), 0);
}
END_TEST

START_TEST (answers_that_rest_on_the_job_wait_for_it)
{
    s_join_two ();
    faults_hold_syncs (true);
    fate_t *join = s_ask (WIRE_JOIN, 3, "cat"), *again = s_ask (WIRE_JOIN, 3, "cat");
    fate_t *send = s_send (3, 1, 5), *repeat = s_send (3, 1, 5),
           *taken = s_ask (WIRE_JOIN, 4, "CAT");
    s_turn (0);
    ck_assert_uint_eq (s_answered, 0);
    ck_assert (!roster_is_member (s_roster, &(guid_t){{0x20, 3}}));
    faults_hold_syncs (false);
    s_until_idle ();
    s_is_stored (join, 4);
    ck_assert (!again->error && again->seq == 0 && !again->appended);
    ck_assert_str_eq (again->given, "cat");
    s_is_stored (send, 5);
    ck_assert (!repeat->error && repeat->seq == 5 && !repeat->appended);
    s_is_stored (taken, 6);
    ck_assert_str_eq (taken->given, "CAT-2");
}
END_TEST

START_TEST (what_appends_nothing_needs_no_job)
{
    s_join_two ();
    fate_t *again = s_ask (WIRE_JOIN, 1, "x"), *stranger = s_send (9, 1, 1);
    faults_forget ();
    ck_assert (s_turn (0));
    ck_assert_int_eq (again->answers + stranger->answers, 2);
    ck_assert_uint_eq (faults_calls (FAULTS_PWRITE), 0);
    ck_assert (intake_idle (s_intake));
}
END_TEST

START_TEST (one_turn_waits_for_a_fast_disk)
{
    s_join_two ();
    fate_t *fate = s_send (1, 1, 1);
    ck_assert (s_turn (30000));
    s_is_stored (fate, 4);
}
END_TEST

START_TEST (what_does_not_fit_into_one_job_goes_into_the_next)
{
    static char large[60000];
    memset (large, 'x', sizeof large);
    s_join_two ();
    for (int i = 0; i < 50; i++) {
        pending_t *request = s_make (WIRE_SEND, 1, "");
        request->text = span (large, sizeof large);
        ck_assert_int_eq (s_add (request), WIRE_ERR_NONE);
    }
    uint32_t first = s_tags - 49;
    s_until_idle ();
    for (uint32_t i = 0; i < 50; i++)
        s_is_stored (&s_fates[first + i], 4 + i);
}
END_TEST

START_TEST (who_leaves_sees_nothing_behind_it)
{
    s_join_two ();
    s_ask (WIRE_LEAVE, 1, "");
    s_send (2, 1, 1);
    s_until_idle ();
    segments_page_t page;
    record_why_t why;
    batch_t batch;
    ck_assert_int_eq (log_read (s_log, 4, UINT64_MAX, 65536, &page, &why), SEGMENTS_PAGE);
    ck_assert_int_eq (batch_peek (&batch, page.batches), 0);
    ck_assert_uint_eq (batch_last (&batch), 4); // the leave ends its batch
    free (page.buffer);
}
END_TEST

// ---- Limits

START_TEST (more_than_max_pending_is_busy)
{
    s_join_two ();
    faults_hold_syncs (true);
    pending_t *one = s_make (WIRE_SEND, 1, "a");
    size_t size = pending_size (one);
    intake_set_limits (s_intake, 3 * size, 10);
    ck_assert_int_eq (s_add (one), WIRE_ERR_NONE);
    s_turn (0);
    s_ask (WIRE_SEND, 1, "b");
    s_ask (WIRE_SEND, 1, "c");
    ck_assert_int_eq (s_add (s_make (WIRE_SEND, 1, "d")), WIRE_ERR_BUSY); // the job counts too
    faults_hold_syncs (false);
    s_until_idle ();
    ck_assert_uint_eq (log_last (s_log), 6);
    s_ask (WIRE_SEND, 1, "e");
    s_until_idle ();
}
END_TEST

START_TEST (more_than_max_members_are_refused)
{
    s_join_two ();
    intake_set_limits (s_intake, 1 << 20, 3);
    fate_t *third = s_ask (WIRE_JOIN, 3, "c"), *fourth = s_ask (WIRE_JOIN, 4, "d");
    s_until_idle ();
    s_is_stored (third, 4);
    s_is_refused (fourth, WIRE_ERR_LIMIT);
}
END_TEST

// ---- A disk that takes no writes

START_TEST (undone_job_is_judged_again_and_refused_until_the_disk_works)
{
    s_join_two ();
    faults_fail (FAULTS_PWRITE, 0, -1, ENOSPC);
    fate_t *join = s_ask (WIRE_JOIN, 3, "cat"), *send = s_send (3, 1, 1), *old = s_send (1, 1, 1);
    fate_t *known = s_ask (WIRE_JOIN, 1, "ann");
    s_until_idle ();
    s_is_refused (join, WIRE_ERR_DISK_FULL);
    s_is_refused (send, WIRE_ERR_NOT_MEMBER); // the join did not happen
    s_is_refused (old, WIRE_ERR_DISK_FULL);
    ck_assert (known->answers == 1 && !known->error && known->seq == 0);
    ck_assert (s_troubles == 1 && s_trouble_error == ENOSPC);
    faults_fail (FAULTS_PWRITE, 0, 0, 0);
    s_mono += INTAKE_RETRY - 1;
    fate_t *early = s_send (1, 1, 1);
    s_until_idle ();
    s_is_refused (early, WIRE_ERR_DISK_FULL); // not tried yet
    s_mono++;
    fate_t *late = s_send (1, 1, 1);
    s_until_idle ();
    s_is_stored (late, 4);
    ck_assert (s_troubles == 2 && s_trouble_error == 0);
}
END_TEST

START_TEST (trouble_is_told_once_while_it_lasts)
{
    s_join_two ();
    faults_fail (FAULTS_PWRITE, 0, -1, EIO);
    for (int i = 0; i < 5; i++) {
        fate_t *fate = s_send (1, 1, 1);
        s_until_idle ();
        s_is_refused (fate, WIRE_ERR_WRITE_FAILED);
        s_mono += INTAKE_RETRY;
    }
    ck_assert (s_troubles == 1 && s_trouble_error == EIO);
}
END_TEST

START_TEST (leave_is_taken_from_a_full_disk)
{
    s_join_two ();
    faults_fail (FAULTS_PWRITE, 0, 1, ENOSPC);
    fate_t *send = s_send (1, 1, 1), *leave = s_ask (WIRE_LEAVE, 2, "");
    s_until_idle ();
    s_is_refused (send, WIRE_ERR_DISK_FULL);
    s_is_stored (leave, 4);
    ck_assert_int_eq (s_troubles, 1); // it is not over by that
}
END_TEST

// ---- The end

// A disk that takes nothing at all is not asked again and again for what may use the reserve.
START_TEST (leave_and_trim_are_refused_where_nothing_can_be_written)
{
    s_join_two ();
    faults_fail (FAULTS_PWRITE, 0, -1, EIO);
    fate_t *send = s_send (1, 1, 1), *leave = s_ask (WIRE_LEAVE, 2, "");
    ck_assert (intake_trim (s_intake, 2, RECORD_WHY_COUNT));
    for (int turn = 0; turn < 10 && !intake_idle (s_intake); turn++)
        intake_turn (s_intake, s_now, s_mono, -1);
    ck_assert (intake_idle (s_intake));
    s_is_refused (send, WIRE_ERR_WRITE_FAILED);
    s_is_refused (leave, WIRE_ERR_WRITE_FAILED);
    faults_fail (FAULTS_PWRITE, 0, 0, 0);
    s_mono += INTAKE_RETRY;
    ck_assert (intake_trim (s_intake, 2, RECORD_WHY_COUNT));
    leave = s_ask (WIRE_LEAVE, 2, "");
    s_until_idle ();
    ck_assert (!leave->error && leave->appended && s_trims == 1);
}
END_TEST

START_TEST (failed_sync_is_final)
{
    s_join_two ();
    faults_hold_syncs (true);
    fate_t *under_way = s_send (1, 1, 1);
    s_turn (0);
    fate_t *waiting = s_send (1, 2, 1);
    faults_fail (FAULTS_FDATASYNC, 0, 1, EIO);
    faults_hold_syncs (false);
    s_until_idle ();
    ck_assert_int_eq (s_finals, 1);
    ck_assert_int_eq (s_final_error, EIO);
    s_is_refused (under_way, WIRE_ERR_SYNC_FAILED);
    s_is_refused (waiting, WIRE_ERR_SYNC_FAILED);
    ck_assert_uint_lt (under_way->order, waiting->order);
    ck_assert_int_eq (s_add (s_make (WIRE_SEND, 1, "x")), WIRE_ERR_SYNC_FAILED);
    ck_assert (intake_idle (s_intake));
    ck_assert_uint_eq (log_last (s_log), 3);
}
END_TEST

START_TEST (stop_finishes_the_job_and_refuses_the_rest)
{
    s_join_two ();
    faults_hold_syncs (true);
    fate_t *under_way = s_send (1, 1, 1);
    s_turn (0);
    fate_t *waiting = s_send (1, 2, 1);
    intake_stop (s_intake);
    s_is_refused (waiting, WIRE_ERR_STOPPING);
    ck_assert_int_eq (under_way->answers, 0);
    ck_assert_int_eq (s_add (s_make (WIRE_SEND, 1, "x")), WIRE_ERR_STOPPING);
    ck_assert (!intake_idle (s_intake));
    faults_hold_syncs (false);
    s_until_idle ();
    s_is_stored (under_way, 4);
}
END_TEST

START_TEST (job_undone_after_the_stop_is_answered_once)
{
    s_join_two ();
    faults_fail (FAULTS_PWRITE, 0, -1, ENOSPC);
    fate_t *under_way = s_send (1, 1, 1);
    s_turn (0);
    intake_stop (s_intake);
    s_until_idle ();
    ck_assert_int_eq (under_way->answers, 1);
    ck_assert_int_ne (under_way->error, WIRE_ERR_NONE);
}
END_TEST

// ---- Doubt and retention

START_TEST (log_in_doubt_takes_nothing_that_appends)
{
    s_join_two ();
    faults_hold_syncs (true);
    fate_t *under_way = s_send (1, 1, 1);
    s_turn (0);
    fate_t *waiting = s_send (1, 2, 1), *leave = s_ask (WIRE_LEAVE, 2, "");
    fate_t *known = s_ask (WIRE_JOIN, 1, "x");
    ck_assert (intake_trim (s_intake, 0, RECORD_WHY_AGE));
    ck_assert_int_eq (log_set_doubt (s_log, "a receipt"), 0);
    ck_assert_int_eq (s_add (s_make (WIRE_SEND, 1, "x")), WIRE_ERR_DOUBT);
    faults_hold_syncs (false);
    s_until_idle ();
    s_is_stored (under_way, 4); // was on its way
    s_is_refused (waiting, WIRE_ERR_DOUBT);
    s_is_refused (leave, WIRE_ERR_DOUBT);
    ck_assert (known->answers == 1 && !known->error);
    ck_assert_uint_eq (log_last (s_log), 4);
    ck_assert_int_eq (s_trims, 0);
}
END_TEST

START_TEST (trim_is_one_record_at_a_time)
{
    s_join_two ();
    ck_assert (intake_trim (s_intake, 2, RECORD_WHY_COUNT));
    ck_assert (!intake_trim (s_intake, 3, RECORD_WHY_COUNT));
    s_until_idle ();
    ck_assert (s_trims == 1 && s_trim_seq == 4);
    ck_assert_uint_eq (log_oldest (s_log), 2);
    ck_assert_int_eq (log_why (s_log), RECORD_WHY_COUNT);
    ck_assert (intake_trim (s_intake, 0, RECORD_WHY_AGE));
    s_until_idle ();
    ck_assert (s_trims == 2 && log_oldest (s_log) == 5 && log_why (s_log) == RECORD_WHY_AGE);
}
END_TEST

START_TEST (trim_works_on_a_full_disk)
{
    s_join_two ();
    faults_fail (FAULTS_PWRITE, 0, 1, ENOSPC);
    s_send (1, 1, 1);
    s_until_idle ();
    ck_assert (intake_trim (s_intake, 2, RECORD_WHY_SIZE));
    s_until_idle ();
    ck_assert_int_eq (s_trims, 1);
    ck_assert_uint_eq (log_oldest (s_log), 2);
}
END_TEST

static void s_add_rest (TCase *cases)
{
    tcase_add_test (cases, undone_job_is_judged_again_and_refused_until_the_disk_works);
    tcase_add_test (cases, trouble_is_told_once_while_it_lasts);
    tcase_add_test (cases, leave_is_taken_from_a_full_disk);
    tcase_add_test (cases, leave_and_trim_are_refused_where_nothing_can_be_written);
    tcase_add_test (cases, failed_sync_is_final);
    tcase_add_test (cases, stop_finishes_the_job_and_refuses_the_rest);
    tcase_add_test (cases, job_undone_after_the_stop_is_answered_once);
    tcase_add_test (cases, log_in_doubt_takes_nothing_that_appends);
    tcase_add_test (cases, trim_is_one_record_at_a_time);
    tcase_add_test (cases, trim_works_on_a_full_disk);
}

int main (void)
{
    TCase *cases = tcase_create ("intake");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, opening_is_a_job_of_its_own);
    tcase_add_test (cases, answers_come_in_order_of_arrival);
    tcase_add_test (cases, nothing_is_answered_before_it_is_durable);
    tcase_add_test (cases, answers_that_rest_on_the_job_wait_for_it);
    tcase_add_test (cases, what_appends_nothing_needs_no_job);
    tcase_add_test (cases, one_turn_waits_for_a_fast_disk);
    tcase_add_test (cases, what_does_not_fit_into_one_job_goes_into_the_next);
    tcase_add_test (cases, who_leaves_sees_nothing_behind_it);
    tcase_add_test (cases, more_than_max_pending_is_busy);
    tcase_add_test (cases, more_than_max_members_are_refused);
    s_add_rest (cases);
    return kit_run (cases, "intake");
}
