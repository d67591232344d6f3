// lineage: what receipts from before an ACCEPT say was lost.

#include "daemons/group/lineage.h"

#include "tests/kit.h"

static void s_accept (lineage_t *lineage, uint64_t head, uint64_t generation)
{
    uint8_t bytes[32];
    writer_t options = writer (bytes, sizeof bytes);
    lineage_options (&options, head, generation);
    record_t record = {.kind = RECORD_ACCEPT, .options = span (bytes, writer_used (&options))};
    lineage_put (lineage, &record);
}

START_TEST (without_an_accept_nothing_is_lost)
{
    lineage_t *lineage = lineage_new ();
    record_t other = {.kind = RECORD_OPEN};
    lineage_put (lineage, &other);
    ck_assert_uint_eq (lineage_lost (lineage, 1, 1000), 0);
    lineage_destroy (&lineage);
    ck_assert_ptr_null (lineage);
}
END_TEST

START_TEST (an_earlier_generation_beyond_the_head_is_lost)
{
    lineage_t *lineage = lineage_new ();
    s_accept (lineage, 100, 5);
    ck_assert_uint_eq (lineage_lost (lineage, 4, 101), 101);
    ck_assert_uint_eq (lineage_lost (lineage, 4, 900), 101);
    ck_assert_uint_eq (lineage_lost (lineage, 4, 100), 0);
    ck_assert_uint_eq (lineage_lost (lineage, 5, 101), 0); // the new life of the log
    lineage_destroy (&lineage);
}
END_TEST

START_TEST (of_several_accepts_the_earliest_loss_counts)
{
    lineage_t *lineage = lineage_new ();
    s_accept (lineage, 100, 5);
    s_accept (lineage, 50, 9);
    ck_assert_uint_eq (lineage_lost (lineage, 4, 200), 51);
    ck_assert_uint_eq (lineage_lost (lineage, 4, 80), 51);
    ck_assert_uint_eq (lineage_lost (lineage, 8, 80), 51);
    ck_assert_uint_eq (lineage_lost (lineage, 9, 80), 0);
    lineage_destroy (&lineage);
}
END_TEST

static void s_put (void *arg, const record_t *record)
{
    lineage_put (arg, record);
}

START_TEST (its_state_makes_it_again)
{
    lineage_t *one = lineage_new (), *two = lineage_new ();
    s_accept (one, 100, 5);
    s_accept (one, 50, 9);
    lineage_state (one, s_put, two);
    for (uint64_t generation = 0; generation < 12; generation++)
        for (uint64_t seq = 0; seq < 150; seq++)
            ck_assert_uint_eq (lineage_lost (one, generation, seq),
                               lineage_lost (two, generation, seq));
    lineage_destroy (&one);
    lineage_destroy (&two);
}
END_TEST

START_TEST (generations_before_an_accept_are_accepted)
{
    lineage_t *lineage = lineage_new ();
    ck_assert (!lineage_accepted (lineage, 0));
    s_accept (lineage, 100, 5);
    s_accept (lineage, 200, 3);
    ck_assert (lineage_accepted (lineage, 4));
    ck_assert (!lineage_accepted (lineage, 5));
    lineage_destroy (&lineage);
}
END_TEST

// A copy that was put back opens the log in a generation that the receipt may know as another one.
START_TEST (histories_part_at_an_opening)
{
    lineage_t *lineage = lineage_new ();
    ck_assert_uint_eq (lineage_parts (lineage, 3, 99), 1); // nothing is known
    lineage_opened (lineage, 2, 10);
    lineage_opened (lineage, 3, 20);
    lineage_opened (lineage, 5, 30);
    ck_assert_uint_eq (lineage_parts (lineage, 2, 99), 20); // what is open later is not its
    ck_assert_uint_eq (lineage_parts (lineage, 3, 99), 30);
    ck_assert_uint_eq (lineage_parts (lineage, 4, 99), 30);
    ck_assert_uint_eq (lineage_parts (lineage, 1, 99), 10);
    ck_assert_uint_eq (lineage_parts (lineage, 3, 25), 20); // this 3 is another one than its 3
    ck_assert_uint_eq (lineage_parts (lineage, 9, 12), 10);
    ck_assert_uint_eq (lineage_parts (lineage, 0, 99), 1); // there was one between
    ck_assert_uint_eq (lineage_parts (lineage, 2, 5), 1);
    lineage_t *again = lineage_new ();
    lineage_state (lineage, s_put, again);
    for (uint64_t generation = 0; generation < 8; generation++)
        for (uint64_t seq = 1; seq < 40; seq++)
            ck_assert_uint_eq (lineage_parts (lineage, generation, seq),
                               lineage_parts (again, generation, seq));
    lineage_destroy (&again);
    lineage_destroy (&lineage);
}
END_TEST

START_TEST (forgotten_openings_may_be_where_histories_part)
{
    lineage_t *lineage = lineage_new ();
    for (uint64_t i = 1; i <= LINEAGE_OPENS + 10; i++)
        lineage_opened (lineage, i, 100 * i);
    ck_assert_uint_eq (lineage_parts (lineage, 11, UINT64_MAX), 1200);
    ck_assert_uint_eq (lineage_parts (lineage, 10, UINT64_MAX), 1100);
    ck_assert_uint_eq (lineage_parts (lineage, 9, UINT64_MAX), 1);
    lineage_destroy (&lineage);
}
END_TEST

int main (void)
{
    TCase *rules = tcase_create ("lineage");
    tcase_add_test (rules, without_an_accept_nothing_is_lost);
    tcase_add_test (rules, an_earlier_generation_beyond_the_head_is_lost);
    tcase_add_test (rules, of_several_accepts_the_earliest_loss_counts);
    tcase_add_test (rules, its_state_makes_it_again);
    tcase_add_test (rules, generations_before_an_accept_are_accepted);
    tcase_add_test (rules, histories_part_at_an_opening);
    tcase_add_test (rules, forgotten_openings_may_be_where_histories_part);
    return kit_run (rules, "lineage");
}
