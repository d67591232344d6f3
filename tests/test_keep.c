// keep: what is due by age, size and count, and when the clock is not believed.

#include "daemons/group/keep.h"

#include "tests/kit.h"

#define SECOND INT64_C (1000000)
#define NONE   ((keep_limits_t){0})

// Three segments of 100 records and 1000 bytes; a record each second from 0 on.
static const keep_segment_t three[] = {
    {.first = 1, .before = 0, .begin = 0, .bytes = 1000},
    {.first = 101, .before = 99 * SECOND, .begin = 100 * SECOND, .bytes = 1000},
    {.first = 201, .before = 199 * SECOND, .begin = 200 * SECOND, .bytes = 1000},
};
enum { LAST = 300 };
static const int64_t last_time = 299 * SECOND;

static keep_verdict_t s_judge (keep_limits_t limits, int64_t now)
{
    return keep_judge (&limits, three, 3, LAST, last_time, now);
}

START_TEST (without_limits_nothing_goes)
{
    keep_verdict_t verdict = s_judge (NONE, INT64_MAX);
    ck_assert (!verdict.trim && !verdict.close && !verdict.all);
}
END_TEST

START_TEST (a_segment_goes_when_its_newest_record_is_too_old)
{
    keep_limits_t limits = {.age = 200 * SECOND};
    ck_assert (!s_judge (limits, 299 * SECOND).trim);
    keep_verdict_t verdict = s_judge (limits, 300 * SECOND);
    ck_assert (verdict.trim && !verdict.all);
    ck_assert_uint_eq (verdict.oldest, 101);
    ck_assert_int_eq (verdict.why, RECORD_WHY_AGE);
}
END_TEST

START_TEST (all_goes_when_the_last_record_is_too_old)
{
    keep_limits_t limits = {.age = 200 * SECOND};
    ck_assert (!s_judge (limits, 499 * SECOND).all);
    keep_verdict_t verdict = s_judge (limits, 500 * SECOND);
    ck_assert (verdict.trim && verdict.all && verdict.close);
}
END_TEST

START_TEST (size_removes_until_the_rest_fits)
{
    ck_assert (!s_judge ((keep_limits_t){.size = 3000}, 0).trim);
    keep_verdict_t verdict = s_judge ((keep_limits_t){.size = 2999}, 0);
    ck_assert_uint_eq (verdict.oldest, 101);
    ck_assert_int_eq (verdict.why, RECORD_WHY_SIZE);
    verdict = s_judge ((keep_limits_t){.size = 1}, 0);
    ck_assert_uint_eq (verdict.oldest, 201); // the newest one stays
    ck_assert (!verdict.all);
}
END_TEST

START_TEST (count_always_leaves_that_many)
{
    ck_assert (!s_judge ((keep_limits_t){.count = 201}, 0).trim);
    keep_verdict_t verdict = s_judge ((keep_limits_t){.count = 200}, 0);
    ck_assert_uint_eq (verdict.oldest, 101);
    ck_assert_int_eq (verdict.why, RECORD_WHY_COUNT);
    ck_assert_uint_eq (s_judge ((keep_limits_t){.count = 100}, 0).oldest, 201);
}
END_TEST

START_TEST (the_newest_segment_is_closed_at_an_eighth)
{
    ck_assert (!s_judge ((keep_limits_t){.count = 800}, 0).close);
    ck_assert (s_judge ((keep_limits_t){.count = 799}, 0).close);
    ck_assert (!s_judge ((keep_limits_t){.size = 8000}, 0).close);
    ck_assert (s_judge ((keep_limits_t){.size = 7999}, 0).close);
    ck_assert (!s_judge ((keep_limits_t){.age = 800 * SECOND}, 300 * SECOND).close);
    ck_assert (s_judge ((keep_limits_t){.age = 800 * SECOND}, 301 * SECOND).close);
}
END_TEST

START_TEST (a_clock_behind_the_log_is_not_trusted)
{
    keep_clock_t clock;
    keep_clock_begin (&clock, 100 * SECOND, 5 * SECOND, 100 * SECOND);
    ck_assert (keep_clock_trusted (&clock, 100 * SECOND, 5 * SECOND, 100 * SECOND));
    ck_assert (!keep_clock_trusted (&clock, 101 * SECOND, 6 * SECOND, 102 * SECOND));
    ck_assert (keep_clock_trusted (&clock, 102 * SECOND, 7 * SECOND, 102 * SECOND));
}
END_TEST

START_TEST (a_clock_that_stepped_is_not_trusted_for_a_while)
{
    keep_clock_t clock;
    int64_t year = 31536000 * SECOND;
    keep_clock_begin (&clock, 100 * SECOND, 5 * SECOND,
                      0); // it may be the first thing that happens
    ck_assert (!keep_clock_trusted (&clock, year, 6 * SECOND, 0));
    ck_assert (!keep_clock_trusted (&clock, year + 3599 * SECOND, 3605 * SECOND, 0));
    ck_assert (keep_clock_trusted (&clock, year + 3600 * SECOND, 3606 * SECOND, 0));
    ck_assert (!keep_clock_trusted (&clock, 4000 * SECOND, 3907 * SECOND, 0)); // and back
}
END_TEST

START_TEST (a_start_long_after_the_last_record_is_not_trusted_for_a_while)
{
    keep_clock_t clock;
    int64_t year = 31536000 * SECOND;
    keep_clock_begin (&clock, year, 5 * SECOND, year - 3600 * SECOND);
    ck_assert (keep_clock_trusted (&clock, year, 5 * SECOND, year));
    keep_clock_begin (&clock, year, 5 * SECOND, year - 3601 * SECOND);
    ck_assert (!keep_clock_trusted (&clock, year, 5 * SECOND, year));
    ck_assert (!keep_clock_trusted (&clock, year + 3599 * SECOND, 3604 * SECOND, year));
    ck_assert (keep_clock_trusted (&clock, year + 3600 * SECOND, 3605 * SECOND, year));
    keep_clock_begin (&clock, year, 5 * SECOND, 0); // a new log
    ck_assert (keep_clock_trusted (&clock, year, 5 * SECOND, year));
}
END_TEST

int main (void)
{
    TCase *rules = tcase_create ("keep");
    tcase_add_test (rules, without_limits_nothing_goes);
    tcase_add_test (rules, a_segment_goes_when_its_newest_record_is_too_old);
    tcase_add_test (rules, all_goes_when_the_last_record_is_too_old);
    tcase_add_test (rules, size_removes_until_the_rest_fits);
    tcase_add_test (rules, count_always_leaves_that_many);
    tcase_add_test (rules, the_newest_segment_is_closed_at_an_eighth);
    tcase_add_test (rules, a_clock_behind_the_log_is_not_trusted);
    tcase_add_test (rules, a_clock_that_stepped_is_not_trusted_for_a_while);
    tcase_add_test (rules, a_start_long_after_the_last_record_is_not_trusted_for_a_while);
    return kit_run (rules, "keep");
}
