#include "daemons/group/gather.h"

#include "tests/kit.h"

// A job that began at `begun` and took so long.
static void s_job (gather_t *gather, int64_t begun, int64_t took, size_t answered, size_t waiting)
{
    gather->begun = begun;
    gather_ended (gather, answered, waiting, begun + took, begun + took);
}

START_TEST (first_job_and_one_for_all_that_were_answered_wait_for_nobody)
{
    gather_t gather = {0};
    ck_assert_int_eq (gather_wait (&gather, 1, 1000), 0);
    gather_ended (&gather, 1, 0, 1100, 1100);
    ck_assert_int_eq (gather_wait (&gather, 1, 1110), 0);
    gather_ended (&gather, 1, 0, 1200, 1200);
    ck_assert_int_eq (gather_wait (&gather, 2, 1210), 0);
}
END_TEST

START_TEST (those_answered_and_those_that_waited_are_waited_for_as_long_as_the_job_took)
{
    gather_t gather = {0};
    s_job (&gather, 1000, 100, 8, 8);
    ck_assert_int_eq (gather_wait (&gather, 8, 1100), 100);
    ck_assert_int_eq (gather_wait (&gather, 15, 1130), 70);
    ck_assert_int_eq (gather_wait (&gather, 16, 1140), 0);
    gather_ended (&gather, 16, 0, 1240, 1240); // it began at 1140
    ck_assert_int_eq (gather_wait (&gather, 1, 1250), 90);
}
END_TEST

START_TEST (slow_disk_makes_nobody_wait_longer_than_the_most)
{
    gather_t gather = {0};
    s_job (&gather, 0, 30000000, 9, 0);
    ck_assert_int_eq (gather_wait (&gather, 1, 30000000), GATHER_DISK);
}
END_TEST

START_TEST (what_was_pushed_is_given_time_to_leave)
{
    gather_t gather = {.begun = 1000};
    gather_ended (&gather, 8, 0, 1100, 1130);
    ck_assert_int_eq (gather_wait (&gather, 1, 1130), 100 + 30 * GATHER_PUSH);
    gather = (gather_t){.begun = 1000};
    gather_ended (&gather, 8, 0, 1100, 1100 + GATHER_MAX);
    ck_assert_int_eq (gather_wait (&gather, 1, 1100 + GATHER_MAX), 100 + GATHER_MAX);
}
END_TEST

START_TEST (who_comes_later_than_that_waits_for_nobody)
{
    gather_t gather = {0};
    s_job (&gather, 1000, 100, 8, 0);
    ck_assert_int_eq (gather_wait (&gather, 1, 1200), 0);
    ck_assert_uint_eq (gather.vain, 0); // nobody had waited
}
END_TEST

// Whether the job is made to wait, in vain.
static bool s_waits (gather_t *gather, int64_t *now)
{
    s_job (gather, *now, 100, 8, 0);
    bool waits = gather_wait (gather, 1, *now + 100) > 0;
    if (waits)
        ck_assert_int_eq (gather_wait (gather, 1, *now + 200), 0);
    *now += 1000;
    return waits;
}

START_TEST (what_was_in_vain_is_tried_less_and_less_often)
{
    gather_t gather = {0};
    int64_t now = 0;
    for (unsigned skip = 1; skip <= 4 * GATHER_SKIP; skip *= 2) {
        ck_assert (s_waits (&gather, &now));
        for (unsigned i = 0; i < (skip < GATHER_SKIP ? skip : GATHER_SKIP); i++)
            ck_assert (!s_waits (&gather, &now));
    }
}
END_TEST

START_TEST (once_it_was_worth_it_it_is_tried_each_time)
{
    gather_t gather = {0};
    int64_t now = 0;
    for (unsigned skip = 1; skip <= 16; skip *= 2) {
        ck_assert (s_waits (&gather, &now));
        for (unsigned i = 0; i < skip; i++)
            ck_assert (!s_waits (&gather, &now));
    }
    for (int i = 0; i < 10; i++) {
        s_job (&gather, now, 100, 8, 0);
        ck_assert_int_gt (gather_wait (&gather, 1, now + 100), 0);
        ck_assert_int_eq (gather_wait (&gather, 8, now + 150), 0);
        now += 1000;
    }
    ck_assert (s_waits (&gather, &now));
    ck_assert (!s_waits (&gather, &now)); // begins anew: one
    ck_assert (s_waits (&gather, &now));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("gather");
    tcase_add_test (cases, first_job_and_one_for_all_that_were_answered_wait_for_nobody);
    tcase_add_test (cases,
                    those_answered_and_those_that_waited_are_waited_for_as_long_as_the_job_took);
    tcase_add_test (cases, slow_disk_makes_nobody_wait_longer_than_the_most);
    tcase_add_test (cases, what_was_pushed_is_given_time_to_leave);
    tcase_add_test (cases, who_comes_later_than_that_waits_for_nobody);
    tcase_add_test (cases, what_was_in_vain_is_tried_less_and_less_often);
    tcase_add_test (cases, once_it_was_worth_it_it_is_tried_each_time);
    return kit_run (cases, "gather");
}
