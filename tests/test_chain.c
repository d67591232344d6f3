#include "common/chain.h"

#include "tests/kit.h"

static const guid_t s_log = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

// Values computed with another implementation of BLAKE2b.
START_TEST (chain_has_these_values_for_ever)
{
    chain_t chain = chain_start (&s_log);
    kit_same_hex (chain.bytes, CHAIN_SIZE,
                  "c7cb5d1a1a214f1d833a21fe6c7b2420e417c2f220784cbe90072975131bc367");
    chain = chain_next (&chain, span_of ("first batch"));
    kit_same_hex (chain.bytes, CHAIN_SIZE,
                  "bdb58eb8449c59c4f9075cefd0a573f6d27ac9e67a7b9741a29356f6d6915656");
    chain = chain_next (&chain, span (NULL, 0));
    kit_same_hex (chain.bytes, CHAIN_SIZE,
                  "7c3da472a029ea1f13ec4684b77fdfa077e3e472d2768e5187c5844f26de7e72");
}
END_TEST

START_TEST (logs_begin_differently)
{
    guid_t other = s_log;
    other.bytes[15] ^= 1;
    chain_t a = chain_start (&s_log), b = chain_start (&other);
    ck_assert (!chain_equal (&a, &b));
}
END_TEST

START_TEST (every_bit_before_and_in_the_batch_counts)
{
    uint8_t batch[40] = {7};
    chain_t before = chain_start (&s_log);
    chain_t wanted = chain_next (&before, span (batch, sizeof batch));
    chain_t again = chain_next (&before, span (batch, sizeof batch));
    ck_assert (chain_equal (&wanted, &again));
    for (size_t bit = 0; bit < 8 * sizeof batch; bit++) {
        batch[bit / 8] ^= (uint8_t)(1u << bit % 8);
        chain_t other = chain_next (&before, span (batch, sizeof batch));
        ck_assert (!chain_equal (&wanted, &other));
        batch[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * CHAIN_SIZE; bit++) {
        chain_t changed = before;
        changed.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        chain_t other = chain_next (&changed, span (batch, sizeof batch));
        ck_assert (!chain_equal (&wanted, &other));
        ck_assert (!chain_equal (&before, &changed));
    }
    chain_t shorter = chain_next (&before, span (batch, sizeof batch - 1));
    ck_assert (!chain_equal (&wanted, &shorter));
}
END_TEST

START_TEST (order_of_batches_counts)
{
    chain_t start = chain_start (&s_log);
    chain_t a = chain_next (&start, span_of ("one")), b = chain_next (&start, span_of ("two"));
    a = chain_next (&a, span_of ("two"));
    b = chain_next (&b, span_of ("one"));
    ck_assert (!chain_equal (&a, &b));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("chain");
    tcase_add_test (cases, chain_has_these_values_for_ever);
    tcase_add_test (cases, logs_begin_differently);
    tcase_add_test (cases, every_bit_before_and_in_the_batch_counts);
    tcase_add_test (cases, order_of_batches_counts);
    return kit_run (cases, "chain");
}
