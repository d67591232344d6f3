// evidence: which receipt a client keeps, through a group that was put back.

#include "common/evidence.h"

#include "tests/kit.h"

static const guid_t s_log = {{1}}, s_other = {{2}};
static evidence_t s_self;

static void s_receipt (uint64_t generation, uint64_t seq, uint8_t bytes[PROOF_RECEIPT])
{
    receipt_t receipt = {.generation = generation, .seq = seq};
    receipt_encode (&receipt, bytes);
}

static void s_take (uint64_t generation, uint64_t seq)
{
    uint8_t bytes[PROOF_RECEIPT];
    s_receipt (generation, seq, bytes);
    evidence_take (&s_self, bytes, &s_log);
}

static void s_keeps (uint64_t generation, uint64_t seq)
{
    guid_t log;
    const uint8_t *bytes = evidence_receipt (&s_self, &log);
    ck_assert_ptr_nonnull (bytes);
    ck_assert_uint_eq (receipt_decode (bytes).generation, generation);
    ck_assert_uint_eq (receipt_decode (bytes).seq, seq);
}

static void s_setup (void)
{
    memset (&s_self, 0, sizeof s_self);
}

static void s_show (uint64_t generation, uint64_t seq)
{
    uint8_t bytes[PROOF_RECEIPT];
    s_receipt (generation, seq, bytes);
    evidence_set (&s_self, bytes, &s_log);
    evidence_show (&s_self);
}

START_TEST (the_later_opening_wins_and_in_it_the_later_record)
{
    guid_t log;
    ck_assert_ptr_null (evidence_receipt (&s_self, &log));
    s_take (0, 9); // none
    ck_assert_ptr_null (evidence_receipt (&s_self, &log));
    s_take (2, 9);
    s_take (2, 5);
    s_take (1, 50);
    s_keeps (2, 9);
    s_take (2, 10);
    s_keeps (2, 10);
    s_take (3, 4);
    s_keeps (3, 4);
    uint8_t bytes[PROOF_RECEIPT];
    s_receipt (1, 1, bytes);
    evidence_take (&s_self, bytes, &s_other); // another log answers
    s_keeps (1, 1);
}
END_TEST

START_TEST (what_is_shown_stays_until_it_is_answered)
{
    s_show (2, 50);
    s_take (3, 30);
    s_take (3, 29);
    s_keeps (2, 50);
    evidence_answered (&s_self, false);
    s_keeps (3, 30);
    s_take (3, 31);
    s_keeps (3, 31);
}
END_TEST

START_TEST (a_connection_that_ends_before_keeps_it)
{
    s_show (2, 50);
    s_take (3, 60);
    evidence_down (&s_self);
    evidence_answered (&s_self, false);
    s_keeps (2, 50);
    s_take (3, 61);
    s_keeps (3, 61);
}
END_TEST

START_TEST (in_doubt_nothing_takes_its_place)
{
    s_show (2, 50);
    s_take (3, 60);
    evidence_answered (&s_self, true);
    s_take (3, 61);
    s_keeps (2, 50);
    evidence_down (&s_self); // accepted meanwhile, and shown again
    evidence_show (&s_self);
    s_take (4, 62);
    s_keeps (2, 50);
    evidence_lost (&s_self, 31);
    s_keeps (4, 62);
}
END_TEST

START_TEST (what_is_told_as_lost_is_done)
{
    guid_t log;
    s_show (2, 50);
    evidence_lost (&s_self, 51); // it is not meant
    s_keeps (2, 50);
    evidence_lost (&s_self, 50);
    ck_assert_ptr_null (evidence_receipt (&s_self, &log));
    evidence_lost (&s_self, 1);
    s_take (3, 10);
    s_keeps (3, 10);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("evidence");
    tcase_add_checked_fixture (cases, s_setup, NULL);
    tcase_add_test (cases, the_later_opening_wins_and_in_it_the_later_record);
    tcase_add_test (cases, what_is_shown_stays_until_it_is_answered);
    tcase_add_test (cases, a_connection_that_ends_before_keeps_it);
    tcase_add_test (cases, in_doubt_nothing_takes_its_place);
    tcase_add_test (cases, what_is_told_as_lost_is_done);
    return kit_run (cases, "evidence");
}
