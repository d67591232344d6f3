#include "common/proof.h"

#include "tests/kit.h"

static const guid_t s_log = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
static const guid_t s_instance = {{16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}};

static void s_key (uint8_t key[PROOF_KEY])
{
    for (int i = 0; i < PROOF_KEY; i++)
        key[i] = (uint8_t)i;
}

static receipt_t s_receipt (const uint8_t key[PROOF_KEY])
{
    chain_t chain;
    kit_hex ("cc3f6a704880819734e07d92ddd15ff67f22e093109379147f464288f0f1489e", chain.bytes,
             CHAIN_SIZE);
    return receipt_make (key, &s_log, 2, 4, &chain);
}

// Values computed with another implementation of BLAKE2b.
START_TEST (receipt_has_these_bytes_for_ever)
{
    uint8_t key[PROOF_KEY], bytes[PROOF_RECEIPT];
    s_key (key);
    receipt_t receipt = s_receipt (key);
    receipt_encode (&receipt, bytes);
    kit_same_hex (bytes, sizeof bytes,
                  "0000000000000002 0000000000000004"
                  "cc3f6a704880819734e07d92ddd15ff67f22e093109379147f464288f0f1489e"
                  "60c44d834a6695f993ddd2d74a9ac781");
}
END_TEST

START_TEST (claim_has_these_bytes_for_ever)
{
    uint8_t key[PROOF_KEY], claim[PROOF_CLAIM];
    s_key (key);
    claim_make (claim, key, &s_log, 2, &s_instance);
    kit_same_hex (claim, sizeof claim,
                  "5b67ae3b9dae9b95ff3bc2e72615ce69c232d993e589894b3414383f94e51668");
}
END_TEST

START_TEST (receipt_is_genuine_after_the_wire)
{
    uint8_t key[PROOF_KEY], bytes[PROOF_RECEIPT];
    s_key (key);
    receipt_t receipt = s_receipt (key);
    receipt_encode (&receipt, bytes);
    receipt_t again = receipt_decode (bytes);
    ck_assert_uint_eq (again.generation, 2);
    ck_assert_uint_eq (again.seq, 4);
    ck_assert (chain_equal (&again.chain, &receipt.chain));
    ck_assert (receipt_genuine (&again, key, &s_log));
}
END_TEST

START_TEST (any_flipped_bit_makes_a_receipt_false)
{
    uint8_t key[PROOF_KEY], bytes[PROOF_RECEIPT];
    s_key (key);
    receipt_t receipt = s_receipt (key);
    receipt_encode (&receipt, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        receipt_t other = receipt_decode (bytes);
        ck_assert_msg (!receipt_genuine (&other, key, &s_log), "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

// Whatever it is for: none is taken on trust.
START_TEST (receipt_for_any_record_needs_the_key)
{
    uint8_t key[PROOF_KEY], other[PROOF_KEY] = {9};
    s_key (key);
    chain_t chain = chain_start (&s_log);
    const uint64_t numbers[] = {0, 1, 2, 1000, UINT64_MAX};
    for (size_t i = 0; i < 25; i++) {
        uint64_t generation = numbers[i / 5], seq = numbers[i % 5];
        receipt_t real = receipt_make (key, &s_log, generation, seq, &chain);
        receipt_t forged = receipt_make (other, &s_log, generation, seq, &chain);
        receipt_t blank = {generation, seq, chain, {0}};
        ck_assert (receipt_genuine (&real, key, &s_log));
        ck_assert (!receipt_genuine (&forged, key, &s_log));
        ck_assert (!receipt_genuine (&blank, key, &s_log));
    }
}
END_TEST

START_TEST (receipt_of_another_key_or_log_is_false)
{
    uint8_t key[PROOF_KEY];
    s_key (key);
    receipt_t receipt = s_receipt (key);
    guid_t other_log = s_log;
    other_log.bytes[0] ^= 1;
    ck_assert (!receipt_genuine (&receipt, key, &other_log));
    key[31] ^= 1;
    ck_assert (!receipt_genuine (&receipt, key, &s_log));
}
END_TEST

START_TEST (claim_of_anything_else_is_false)
{
    uint8_t key[PROOF_KEY], claim[PROOF_CLAIM];
    s_key (key);
    claim_make (claim, key, &s_log, 2, &s_instance);
    ck_assert (claim_genuine (claim, key, &s_log, 2, &s_instance));
    ck_assert (!claim_genuine (claim, key, &s_log, 3, &s_instance));
    ck_assert (!claim_genuine (claim, key, &s_log, 2, &s_log));
    ck_assert (!claim_genuine (claim, key, &s_instance, 2, &s_instance));
    for (size_t bit = 0; bit < 8 * sizeof claim; bit++) {
        claim[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert (!claim_genuine (claim, key, &s_log, 2, &s_instance));
        claim[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    key[0] ^= 1;
    ck_assert (!claim_genuine (claim, key, &s_log, 2, &s_instance));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("proof");
    tcase_add_test (cases, receipt_has_these_bytes_for_ever);
    tcase_add_test (cases, claim_has_these_bytes_for_ever);
    tcase_add_test (cases, receipt_is_genuine_after_the_wire);
    tcase_add_test (cases, any_flipped_bit_makes_a_receipt_false);
    tcase_add_test (cases, receipt_for_any_record_needs_the_key);
    tcase_add_test (cases, receipt_of_another_key_or_log_is_false);
    tcase_add_test (cases, claim_of_anything_else_is_false);
    return kit_run (cases, "proof");
}
