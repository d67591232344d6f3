#include "common/rate.h"
#include "tests/kit.h"

static const rate_limit_t s_limit = {.rate = 10, .burst = 5};

static int s_take_all (rate_t *rate, const rate_limit_t *limit, int64_t now)
{
    int count = 0;
    while (count < 1000 && rate_take (rate, limit, now) == 0)
        count++;
    return count;
}

START_TEST (burst_is_taken_at_once_and_then_no_more)
{
    rate_t rate = {0};
    ck_assert_int_eq (s_take_all (&rate, &s_limit, 1000), 5);
    ck_assert_uint_eq (rate_take (&rate, &s_limit, 1000), 100);
}
END_TEST

START_TEST (what_was_told_to_wait_is_enough_and_no_more_than_needed)
{
    rate_t rate = {0};
    s_take_all (&rate, &s_limit, 1000);
    ck_assert_uint_eq (rate_take (&rate, &s_limit, 1099), 1);
    ck_assert_uint_eq (rate_take (&rate, &s_limit, 1100), 0);
    ck_assert_uint_eq (rate_take (&rate, &s_limit, 1100), 100);
}
END_TEST

START_TEST (refusals_cost_nothing)
{
    rate_t rate = {0};
    s_take_all (&rate, &s_limit, 1000);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_gt (rate_take (&rate, &s_limit, 1050), 0);
    ck_assert_uint_eq (rate_take (&rate, &s_limit, 1100), 0);
}
END_TEST

START_TEST (steady_rate_is_kept_over_a_long_time)
{
    rate_t rate = {0};
    int count = 0;
    for (int64_t now = 1000; now < 101000; now++)
        count += rate_take (&rate, &s_limit, now) == 0;
    ck_assert_int_eq (count, 5 - 1 + 1000);
}
END_TEST

START_TEST (silence_gives_back_the_burst_and_not_more)
{
    rate_t rate = {0};
    s_take_all (&rate, &s_limit, 1000);
    ck_assert_int_eq (s_take_all (&rate, &s_limit, 1000000), 5);
}
END_TEST

START_TEST (rate_of_zero_is_no_limit)
{
    rate_t rate = {0};
    const rate_limit_t none = {.rate = 0, .burst = 1};
    ck_assert_int_eq (s_take_all (&rate, &none, 1000), 1000);
}
END_TEST

START_TEST (burst_below_one_is_one)
{
    rate_t rate = {0};
    const rate_limit_t limit = {.rate = 10, .burst = 0};
    ck_assert_int_eq (s_take_all (&rate, &limit, 1000), 1);
}
END_TEST

START_TEST (lower_limit_at_a_reload_is_kept)
{
    rate_t rate = {0};
    const rate_limit_t high = {.rate = 1000, .burst = 1000}, low = {.rate = 1, .burst = 1};
    s_take_all (&rate, &high, 1000);
    ck_assert_uint_eq (rate_take (&rate, &low, 1000), 1000);
    ck_assert_uint_eq (rate_take (&rate, &low, 2000), 0);
}
END_TEST

START_TEST (idle_again_when_all_that_was_taken_is_over)
{
    rate_t rate = {0};
    ck_assert (rate_idle (&rate, 0));
    rate_take (&rate, &s_limit, 1000);
    ck_assert (!rate_idle (&rate, 1099));
    ck_assert (rate_idle (&rate, 1100));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("rate");
    tcase_add_test (cases, burst_is_taken_at_once_and_then_no_more);
    tcase_add_test (cases, what_was_told_to_wait_is_enough_and_no_more_than_needed);
    tcase_add_test (cases, refusals_cost_nothing);
    tcase_add_test (cases, steady_rate_is_kept_over_a_long_time);
    tcase_add_test (cases, silence_gives_back_the_burst_and_not_more);
    tcase_add_test (cases, rate_of_zero_is_no_limit);
    tcase_add_test (cases, burst_below_one_is_one);
    tcase_add_test (cases, lower_limit_at_a_reload_is_kept);
    tcase_add_test (cases, idle_again_when_all_that_was_taken_is_over);
    return kit_run (cases, "rate");
}
