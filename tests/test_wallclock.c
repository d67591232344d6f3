#include "common/wallclock.h"

#include "tests/kit.h"

#include <time.h>

START_TEST (microseconds_since_1970)
{
    struct timespec before, after;
    clock_gettime (CLOCK_REALTIME, &before);
    int64_t now = wallclock_now ();
    clock_gettime (CLOCK_REALTIME, &after);
    ck_assert_int_ge (now, (int64_t)before.tv_sec * 1000000 + before.tv_nsec / 1000);
    ck_assert_int_le (now, (int64_t)after.tv_sec * 1000000 + after.tv_nsec / 1000);
}
END_TEST

START_TEST (zone_does_not_matter)
{
    int64_t before = wallclock_now ();
    setenv ("TZ", "XYZ-14", 1);
    tzset ();
    int64_t after = wallclock_now ();
    ck_assert_int_ge (after, before);
    ck_assert_int_lt (after - before, INT64_C (3600) * 1000000);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("wallclock");
    tcase_add_test (cases, microseconds_since_1970);
    tcase_add_test (cases, zone_does_not_matter);
    return kit_run (cases, "wallclock");
}
