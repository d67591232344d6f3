#include "common/credit.h"

#include <check.h>

START_TEST (begins_with_the_window_of_the_head)
{
    credit_t credit = credit_begin ();
    ck_assert_uint_eq (credit.granted, CREDIT_AT_HEAD);
    ck_assert_uint_eq (credit.received, 0);
}
END_TEST

START_TEST (renewed_before_it_is_used_up)
{
    credit_t credit = credit_begin ();
    ck_assert (!credit_received (&credit, 1000, false));
    ck_assert (credit_received (&credit, CREDIT_AT_HEAD / 2, false));
    ck_assert_uint_eq (credit.granted, credit.received + CREDIT_AT_HEAD);
}
END_TEST

START_TEST (grows_behind_the_head_and_is_never_taken_back)
{
    credit_t credit = credit_begin ();
    ck_assert (credit_received (&credit, 1, true));
    ck_assert_uint_eq (credit.granted, credit.received + CREDIT_BEHIND);
    uint64_t granted = credit.granted;
    ck_assert (!credit_received (&credit, 1, false));
    ck_assert_uint_eq (credit.granted, granted);
}
END_TEST

START_TEST (frame_that_overshoots_is_made_up_for)
{
    credit_t credit = credit_begin ();
    ck_assert (credit_received (&credit, 3 * CREDIT_BEHIND, true));
    ck_assert_uint_eq (credit.granted, credit.received + CREDIT_BEHIND);
}
END_TEST

START_TEST (page_is_asked_for_with_room_for_it)
{
    credit_t credit = credit_begin ();
    credit_received (&credit, 5000, false);
    ck_assert_uint_eq (credit_ask (&credit, 100000), 5000 + CREDIT_AT_HEAD);
    ck_assert_uint_eq (credit_ask (&credit, 100000 + CREDIT_QUICK - 1), 5000 + 2 * CREDIT_AT_HEAD);
    ck_assert_uint_eq (credit_ask (&credit, 101500), 5000 + CREDIT_BEHIND);
    ck_assert_uint_eq (credit_ask (&credit, 101600), 5000 + CREDIT_BEHIND);
}
END_TEST

START_TEST (slow_page_is_followed_by_a_smaller_one)
{
    credit_t credit = credit_begin ();
    for (int n = 0; n < 4; n++)
        credit_ask (&credit, n);
    credit_received (&credit, credit.granted, false);
    ck_assert_uint_eq (credit_ask (&credit, 3 + CREDIT_QUICK), credit.received + CREDIT_BEHIND / 2);
    credit_received (&credit, CREDIT_BEHIND / 2, false);
    ck_assert_uint_eq (credit_ask (&credit, 99999), credit.received + CREDIT_AT_HEAD);
    credit_received (&credit, CREDIT_AT_HEAD, false);
    ck_assert_uint_eq (credit_ask (&credit, 199999), credit.received + CREDIT_AT_HEAD); // no less
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("credit");
    tcase_add_test (cases, begins_with_the_window_of_the_head);
    tcase_add_test (cases, renewed_before_it_is_used_up);
    tcase_add_test (cases, grows_behind_the_head_and_is_never_taken_back);
    tcase_add_test (cases, frame_that_overshoots_is_made_up_for);
    tcase_add_test (cases, page_is_asked_for_with_room_for_it);
    tcase_add_test (cases, slow_page_is_followed_by_a_smaller_one);
    Suite *suite = suite_create ("credit");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
