#include "daemons/group/refusals.h"

#include "tests/kit.h"

START_TEST (first_few_of_a_time_are_shown_and_the_others_counted)
{
    refusals_t refusals = {0};
    uint64_t hidden;
    for (int time = 1; time < 4; time++) {
        int shown = 0;
        for (int i = 0; i < 1000; i++) {
            shown += refusals_add (&refusals, time * REFUSALS_TIME + i, &hidden);
            ck_assert_uint_eq (hidden, i == 0 && time > 1 ? 1000 - REFUSALS_SHOWN : 0);
        }
        ck_assert_int_eq (shown, REFUSALS_SHOWN);
    }
}
END_TEST

START_TEST (few_are_all_shown)
{
    refusals_t refusals = {0};
    uint64_t hidden;
    for (int i = 0; i < 100; i++) {
        ck_assert (refusals_add (&refusals, 7 + i * REFUSALS_TIME, &hidden));
        ck_assert_uint_eq (hidden, 0);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("refusals");
    tcase_add_test (cases, first_few_of_a_time_are_shown_and_the_others_counted);
    tcase_add_test (cases, few_are_all_shown);
    return kit_run (cases, "refusals");
}
