// trail: places that were passed, sparse far back, and the way back over them.

#include "common/trail.h"

#include "tests/kit.h"

static chain_t s_chain (uint64_t seq)
{
    chain_t chain = {{0}};
    memcpy (chain.bytes, &seq, sizeof seq);
    return chain;
}

static void s_pass (trail_t *trail, uint64_t seq)
{
    chain_t chain = s_chain (seq);
    trail_put (trail, seq, &chain);
}

START_TEST (the_way_back_leads_over_all_places)
{
    trail_t trail = {.count = 0};
    trail_mark_t mark;
    ck_assert (!trail_back (&trail, UINT64_MAX, &mark));
    for (uint64_t seq = 10; seq <= 50; seq += 10)
        s_pass (&trail, seq);
    s_pass (&trail, 50); // no further
    s_pass (&trail, 7);
    s_pass (&trail, 0);
    ck_assert (trail_back (&trail, UINT64_MAX, &mark));
    ck_assert_uint_eq (mark.seq, 50);
    ck_assert (trail_back (&trail, 50, &mark));
    ck_assert_uint_eq (mark.seq, 40);
    ck_assert (trail_back (&trail, 31, &mark));
    ck_assert_uint_eq (mark.seq, 30);
    chain_t chain = s_chain (30);
    ck_assert (chain_equal (&mark.chain, &chain));
    ck_assert (trail_back (&trail, 31, &mark)); // it stays
    s_pass (&trail, 35);                        // another way from here
    ck_assert (trail_back (&trail, 50, &mark));
    ck_assert_uint_eq (mark.seq, 35);
    ck_assert (!trail_back (&trail, 10, &mark));
    s_pass (&trail, 3);
    trail_clear (&trail);
    ck_assert (!trail_back (&trail, UINT64_MAX, &mark));
}
END_TEST

// However long the way was: to find a place, little more than what lies behind it is read again.
START_TEST (places_lie_closer_the_newer_they_are)
{
    trail_t trail = {.count = 0};
    const uint64_t end = 200000;
    for (uint64_t seq = 1; seq <= end; seq++)
        s_pass (&trail, seq);
    ck_assert_uint_eq (trail.count, TRAIL_MARKS);
    ck_assert_uint_eq (trail.marks[0].seq, 1);
    for (uint64_t back = 1; back < end; back = back * 3 / 2 + 1) {
        trail_t copy = trail;
        trail_mark_t mark;
        ck_assert (trail_back (&copy, end - back + 1, &mark));
        ck_assert_uint_le (mark.seq, end - back);
        ck_assert_uint_le (end - mark.seq, 2 * back + 1);
        chain_t chain = s_chain (mark.seq);
        ck_assert (chain_equal (&mark.chain, &chain));
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("trail");
    tcase_add_test (cases, the_way_back_leads_over_all_places);
    tcase_add_test (cases, places_lie_closer_the_newer_they_are);
    return kit_run (cases, "trail");
}
