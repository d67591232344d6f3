#include "common/zone.h"

#include "tests/kit.h"

#include <time.h>

// Rules instead of names: the tests need no zone files.
#define BERLIN   "CET-1CEST,M3.5.0,M10.5.0/3"
#define SANTIAGO "CLT4CLST,M9.1.0/0,M4.1.0/0" // its clocks skip midnight
#define HOWE     "LHST-10:30LHDT-11,M10.1.0,M4.1.0"

static void s_in (const char *zone)
{
    setenv ("TZ", zone, 1);
    tzset ();
}

// "YYYY-MM-DD HH:MM:SS" as a clock in UTC shows it.
static int64_t s_utc (const char *text)
{
    struct tm tm = {0};
    ck_assert_ptr_nonnull (strptime (text, "%Y-%m-%d %H:%M:%S", &tm));
    return timegm (&tm);
}

static void s_is (const char *shown, const char *moment)
{
    ck_assert_int_eq (zone_moment (s_utc (shown)), s_utc (moment));
}

START_TEST (utc_is_utc)
{
    s_in ("UTC");
    s_is ("2026-11-22 07:00:00", "2026-11-22 07:00:00");
    ck_assert_int_eq (zone_shown (12345), 12345);
}
END_TEST

START_TEST (clocks_are_ahead_or_behind)
{
    s_in (BERLIN);
    s_is ("2026-11-22 07:00:00", "2026-11-22 06:00:00");
    s_is ("2026-07-22 07:00:00", "2026-07-22 05:00:00");
    s_is ("2026-01-01 00:00:00", "2025-12-31 23:00:00");
    s_in ("XXX-14");
    s_is ("2026-11-22 07:00:00", "2026-11-21 17:00:00");
    s_in ("XXX12");
    s_is ("2026-11-22 07:00:00", "2026-11-22 19:00:00");
    s_in ("XXX-5:45");
    s_is ("2026-11-22 07:00:00", "2026-11-22 01:15:00");
}
END_TEST

START_TEST (what_is_shown_twice_is_the_earlier)
{
    s_in (BERLIN);
    s_is ("2026-10-25 01:59:59", "2026-10-24 23:59:59");
    s_is ("2026-10-25 02:00:00", "2026-10-25 00:00:00");
    s_is ("2026-10-25 02:59:59", "2026-10-25 00:59:59");
    s_is ("2026-10-25 03:00:00", "2026-10-25 02:00:00");
    s_in (SANTIAGO); // midnight comes twice
    s_is ("2026-04-04 23:30:00", "2026-04-05 02:30:00");
    s_in (HOWE); // half an hour
    s_is ("2026-04-05 01:45:00", "2026-04-04 14:45:00");
}
END_TEST

START_TEST (what_is_skipped_is_the_change)
{
    s_in (BERLIN);
    s_is ("2026-03-29 01:59:59", "2026-03-29 00:59:59");
    s_is ("2026-03-29 02:00:00", "2026-03-29 01:00:00");
    s_is ("2026-03-29 02:30:00", "2026-03-29 01:00:00");
    s_is ("2026-03-29 03:00:00", "2026-03-29 01:00:00");
    s_in (SANTIAGO);
    s_is ("2026-09-06 00:00:00", "2026-09-06 04:00:00");
    s_is ("2026-09-06 00:59:59", "2026-09-06 04:00:00");
    s_is ("2026-09-06 01:00:00", "2026-09-06 04:00:00");
}
END_TEST

START_TEST (shown_and_moment_are_each_others_inverse)
{
    static const char *const zones[] = {"UTC", BERLIN, SANTIAGO, HOWE, "XXX-14", "XXX12"};
    dice_t chance = dice_new ("shown_and_moment_are_each_others_inverse");
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        s_in (zones[i]);
        for (int j = 0; j < 2000; j++) {
            int64_t moment = (int64_t)dice (&chance, INT64_C (4000000000));
            int64_t shown = zone_shown (moment), again = zone_moment (shown);
            ck_assert_int_eq (zone_shown (again), shown);
            ck_assert (again == moment || moment - again == 3600 || moment - again == 1800);
        }
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("zone");
    tcase_add_test (cases, utc_is_utc);
    tcase_add_test (cases, clocks_are_ahead_or_behind);
    tcase_add_test (cases, what_is_shown_twice_is_the_earlier);
    tcase_add_test (cases, what_is_skipped_is_the_change);
    tcase_add_test (cases, shown_and_moment_are_each_others_inverse);
    return kit_run (cases, "zone");
}
