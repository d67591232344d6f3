#include "user/moment.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C (1000000)

// 2026-11-22 11:30:00.25 UTC.
static const int64_t NOW = INT64_C (1795347000) * SECOND + 250000;

static void s_zone (const char *zone)
{
    setenv ("TZ", zone, 1);
    tzset ();
}

static void s_in_berlin (void)
{
    // A rule instead of a name: the test needs no zone files.
    s_zone ("CET-1CEST,M3.5.0,M10.5.0/3");
}

static int64_t s_time (const char *text)
{
    moment_t moment;
    char error[MOMENT_ERROR] = "";
    ck_assert_msg (moment_parse (&moment, text, NOW, error) == 0, "%s: %s", text, error);
    ck_assert (!moment.is_seq);
    return moment.time;
}

// Seconds, for texts without a fraction.
static int64_t s_seconds (const char *text)
{
    int64_t time = s_time (text);
    ck_assert_int_eq (time % SECOND, 0);
    return time / SECOND;
}

static const char *s_error (const char *text)
{
    static char error[MOMENT_ERROR];
    moment_t moment;
    error[0] = 0;
    ck_assert_msg (moment_parse (&moment, text, NOW, error) == -1, "%s is taken", text);
    return error;
}

START_TEST (time_of_day_is_today_local)
{
    // 11:30 UTC is 12:30 here.
    ck_assert_int_eq (s_seconds ("12:30:00"), NOW / SECOND);
    ck_assert_int_eq (s_seconds ("00:00:00"), NOW / SECOND - 12 * 3600 - 30 * 60);
    ck_assert_int_eq (s_time ("12:30:00.25"), NOW);
}
END_TEST

START_TEST (today_is_the_local_day_near_midnight)
{
    // 2026-11-22 23:30 UTC is already the 23rd here.
    moment_t moment;
    char error[MOMENT_ERROR];
    int64_t late = NOW + 12 * 3600 * SECOND;
    ck_assert_int_eq (moment_parse (&moment, "00:00:00", late, error), 0);
    ck_assert_int_eq (moment.time / SECOND, 1795388400); // 2026-11-22T23:00:00Z
}
END_TEST

START_TEST (date_is_its_local_beginning)
{
    ck_assert_int_eq (s_seconds ("2026-11-22"), 1795302000); // 2026-11-21T23:00:00Z
    ck_assert_int_eq (s_seconds ("2026-07-01"), 1782856800); // summer: 2026-06-30T22:00:00Z
    ck_assert_int_eq (s_seconds ("2024-02-29"), 1709161200);
}
END_TEST

START_TEST (date_and_time_is_local)
{
    ck_assert_int_eq (s_seconds ("2026-11-22 12:30:00"), NOW / SECOND);
    ck_assert_int_eq (s_seconds ("2026-11-22T12:30:00"), NOW / SECOND);
    ck_assert_int_eq (s_time ("2026-11-22 12:30:00.25"), NOW);
}
END_TEST

START_TEST (rfc_3339_has_its_own_zone)
{
    ck_assert_int_eq (s_seconds ("2026-11-22T11:30:00Z"), NOW / SECOND);
    ck_assert_int_eq (s_seconds ("2026-11-22t11:30:00z"), NOW / SECOND);
    ck_assert_int_eq (s_seconds ("2026-11-22 06:00:00-05:30"), NOW / SECOND);
    ck_assert_int_eq (s_seconds ("2026-11-23T01:30:00+14:00"), NOW / SECOND);
    ck_assert_int_eq (s_time ("2026-11-22T11:30:00.250000Z"), NOW);
    ck_assert_int_eq (s_time ("2026-11-22T11:30:00.2500009Z"), NOW);
    ck_assert_int_eq (s_seconds ("2026-11-22T11:29:60Z"), NOW / SECOND); // a leap second
}
END_TEST

START_TEST (seconds_since_1970)
{
    ck_assert_int_eq (s_seconds ("@0"), 0);
    ck_assert_int_eq (s_seconds ("@1795347000"), NOW / SECOND);
    ck_assert_int_eq (s_time ("@1795347000.25"), NOW);
}
END_TEST

START_TEST (time_ago)
{
    ck_assert_int_eq (s_time ("-15m"), NOW - 15 * 60 * SECOND);
    ck_assert_int_eq (s_time ("+7d"), NOW + 7 * 86400 * SECOND);
    ck_assert_int_eq (s_time ("-1s"), NOW - SECOND);
    ck_assert_int_eq (s_time ("-2h"), NOW - 2 * 3600 * SECOND);
    ck_assert_int_eq (s_time ("-7d"), NOW - 7 * 86400 * SECOND);
}
END_TEST

START_TEST (before_1970_is_1970)
{
    ck_assert_int_eq (s_time ("-99999d"), 0);
    ck_assert_int_eq (s_time ("1969-12-31"), 0);
    ck_assert_int_eq (s_time ("0000-01-01 00:00:00"), 0);
}
END_TEST

START_TEST (sequence_in_both_forms)
{
    moment_t moment;
    char error[MOMENT_ERROR];
    ck_assert_int_eq (moment_parse (&moment, "#7", NOW, error), 0);
    ck_assert (moment.is_seq);
    ck_assert_uint_eq (moment.seq, 7);
    ck_assert_int_eq (moment_parse (&moment, "seq:18446744073709551615", NOW, error), 0);
    ck_assert (moment.is_seq);
    ck_assert_uint_eq (moment.seq, UINT64_MAX);
    ck_assert_str_eq (s_error ("#18446744073709551616"),
                      "'#18446744073709551616': the number is too large");
    ck_assert_str_eq (s_error ("#"), "'#': a number is missing");
    ck_assert_str_eq (s_error ("seq:-1"), "'seq:-1': a number is missing");
}
END_TEST

START_TEST (time_that_came_twice_is_the_first)
{
    // 2026-10-25: 03:00 summer time became 02:00.
    ck_assert_int_eq (s_seconds ("2026-10-25 02:30:00"), 1792888200); // 00:30Z
    ck_assert_int_eq (s_seconds ("2026-10-25 03:00:00"), 1792893600); // 02:00Z
    ck_assert_int_eq (s_seconds ("2026-10-25 01:59:59"), 1792886399); // 23:59:59Z
}
END_TEST

START_TEST (time_that_never_came_is_the_end_of_the_hole)
{
    // 2026-03-29: 02:00 became 03:00 summer time, at 01:00Z.
    ck_assert_int_eq (s_seconds ("2026-03-29 02:30:00"), 1774746000);
    ck_assert_int_eq (s_seconds ("2026-03-29 03:00:00"), 1774746000);
    ck_assert_int_eq (s_seconds ("2026-03-29 01:59:59"), 1774745999);
    ck_assert_int_eq (s_seconds ("2026-03-29 03:30:00"), 1774747800);
}
END_TEST

START_TEST (dst_is_right_west_of_greenwich_and_in_the_south)
{
    s_zone ("EST5EDT,M3.2.0,M11.1.0");
    ck_assert_int_eq (s_seconds ("2026-11-01 01:30:00"), 1793511000); // 05:30Z, still summer
    ck_assert_int_eq (s_seconds ("2026-03-08 02:30:00"), 1772953200); // hole ends at 07:00Z
    s_zone ("AEST-10AEDT,M10.1.0,M4.1.0/3");
    ck_assert_int_eq (s_seconds ("2026-04-05 02:30:00"), 1775316600); // 15:30Z the day before
    ck_assert_int_eq (s_seconds ("2026-01-01"), 1767186000);          // 13:00Z the day before
}
END_TEST

START_TEST (what_is_no_time_says_what_is_wrong)
{
    ck_assert_str_eq (s_error ("24:00:00"), "'24:00:00': there is no such time of day");
    ck_assert_str_eq (s_error ("12:60:00"), "'12:60:00': there is no such time of day");
    ck_assert_str_eq (s_error ("12:00:61"), "'12:00:61': there is no such time of day");
    ck_assert_str_eq (s_error ("2026-02-30"), "'2026-02-30': there is no such date");
    ck_assert_str_eq (s_error ("2026-13-01"), "'2026-13-01': there is no such date");
    ck_assert_str_eq (s_error ("2025-02-29"), "'2025-02-29': there is no such date");
    ck_assert_str_eq (s_error ("-15"), "'-15': a unit must follow: s, m, h or d");
    ck_assert_str_eq (s_error ("-15w"), "'-15w': a unit must follow: s, m, h or d");
    ck_assert_str_eq (s_error ("-15mm"), "'-15mm': a unit must follow: s, m, h or d");
    ck_assert_str_eq (s_error ("-m"), "'-m': a number is missing");
    ck_assert_str_eq (s_error ("-99999999999d"), "'-99999999999d': the number is too large");
    ck_assert_str_eq (s_error ("@"), "'@': a number is missing");
    ck_assert_str_eq (s_error ("@9223372036855"), "'@9223372036855': the number is too large");
    ck_assert_str_eq (s_error ("@5."), "'@5.': digits are missing behind the point");
    ck_assert_str_eq (s_error ("2026-11-22T11:30:00+1"),
                      "'2026-11-22T11:30:00+1': a zone is Z or like +01:00");
    ck_assert_str_eq (s_error ("2026-11-22T11:30:00+24:00"),
                      "'2026-11-22T11:30:00+24:00': there is no such zone");
}
END_TEST

START_TEST (what_is_nothing_known_lists_the_forms)
{
    const char *none[] = {"",
                          "yesterday",
                          "12:30",
                          "1:2:3",
                          "2026-11-22x",
                          "2026-11",
                          "2026-11-22 ",
                          "12:30:00Z",
                          "2026-11-22T11:30:00x",
                          "7",
                          " 12:30:00"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_ptr_nonnull (strstr (s_error (none[i]), ": use HH:MM:SS, YYYY-MM-DD, "));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("moment");
    tcase_add_checked_fixture (cases, s_in_berlin, NULL);
    tcase_add_test (cases, time_of_day_is_today_local);
    tcase_add_test (cases, today_is_the_local_day_near_midnight);
    tcase_add_test (cases, date_is_its_local_beginning);
    tcase_add_test (cases, date_and_time_is_local);
    tcase_add_test (cases, rfc_3339_has_its_own_zone);
    tcase_add_test (cases, seconds_since_1970);
    tcase_add_test (cases, time_ago);
    tcase_add_test (cases, before_1970_is_1970);
    tcase_add_test (cases, sequence_in_both_forms);
    tcase_add_test (cases, time_that_came_twice_is_the_first);
    tcase_add_test (cases, time_that_never_came_is_the_end_of_the_hole);
    tcase_add_test (cases, dst_is_right_west_of_greenwich_and_in_the_south);
    tcase_add_test (cases, what_is_no_time_says_what_is_wrong);
    tcase_add_test (cases, what_is_nothing_known_lists_the_forms);
    Suite *suite = suite_create ("moment");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
