#include "daemons/group/tally.h"

#include "tests/kit.h"

static guid_t s_what (uint8_t n)
{
    return (guid_t){{n, 1, 2}};
}

START_TEST (each_is_counted_by_itself)
{
    tally_t *tally = tally_new ();
    guid_t a = s_what (1), b = s_what (2);
    ck_assert_uint_eq (tally_count (tally, &a), 0);
    tally_add (tally, &a);
    tally_add (tally, &a);
    tally_add (tally, &b);
    ck_assert_uint_eq (tally_count (tally, &a), 2);
    ck_assert_uint_eq (tally_count (tally, &b), 1);
    tally_remove (tally, &a);
    ck_assert_uint_eq (tally_count (tally, &a), 1);
    tally_remove (tally, &b);
    ck_assert_uint_eq (tally_count (tally, &b), 0);
    tally_destroy (&tally);
    ck_assert_ptr_null (tally);
    tally_destroy (&tally);
}
END_TEST

START_TEST (what_went_to_nothing_can_come_again)
{
    tally_t *tally = tally_new ();
    for (int i = 0; i < 1000; i++) {
        guid_t what = s_what ((uint8_t)i);
        tally_add (tally, &what);
        ck_assert_uint_eq (tally_count (tally, &what), 1);
        tally_remove (tally, &what);
    }
    tally_destroy (&tally);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("tally");
    tcase_add_test (cases, each_is_counted_by_itself);
    tcase_add_test (cases, what_went_to_nothing_can_come_again);
    return kit_run (cases, "tally");
}
