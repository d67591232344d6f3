// hole: a batch that stands for lost records, and how chain and sequence go over it.

#include "daemons/group/hole.h"

#include "tests/kit.h"

static const guid_t s_log = {{7}};
static uint8_t s_bytes[BATCH_MAX];

static chain_t s_chain (uint8_t fill)
{
    chain_t chain;
    memset (chain.bytes, fill, sizeof chain.bytes);
    return chain;
}

static batch_t s_hole (uint64_t from, uint64_t to, const uint8_t *digest)
{
    hole_t hole = {from, to, s_chain (2)};
    chain_t before = s_chain (1);
    batch_t batch;
    span_t bytes = hole_write (&hole, &before, 1000, digest, &s_log, s_bytes);
    ck_assert_uint_le (bytes.size, HOLE_MAX);
    ck_assert_int_eq (batch_open (&batch, bytes, &s_log), 0);
    ck_assert (batch_sound (&batch));
    return batch;
}

static batch_t s_message (void)
{
    batch_t head = {.type = BATCH_TYPE_RECORDS, .first = 5, .durable = 4, .base = 1000};
    record_t record = {.kind = RECORD_MESSAGE, .time = 1000, .text = span_of ("hi")};
    batch_writer_t out;
    batch_t batch;
    batch_begin (&out, s_bytes, &head);
    ck_assert_uint_eq (batch_add (&out, &record), 5);
    ck_assert_int_eq (batch_open (&batch, batch_end (&out, &s_log), &s_log), 0);
    return batch;
}

START_TEST (hole_is_read_as_it_was_written)
{
    batch_t batch = s_hole (10, 2000, NULL);
    hole_t hole;
    chain_t wanted = s_chain (2), before = s_chain (1);
    ck_assert (hole_read (&hole, &batch));
    ck_assert_uint_eq (hole.from, 10);
    ck_assert_uint_eq (hole.to, 2000);
    ck_assert (chain_equal (&hole.chain, &wanted));
    ck_assert (chain_equal (&batch.chain, &before));
    ck_assert_int_eq (batch.base, 1000);
    ck_assert (!batch.opens);
}
END_TEST

START_TEST (hole_stands_for_all_its_sequences)
{
    batch_t batch = s_hole (10, 2000, NULL);
    chain_t wanted = s_chain (2), after = hole_chain_after (&batch);
    ck_assert_uint_eq (hole_first (&batch), 10);
    ck_assert_uint_eq (hole_last (&batch), 2000);
    ck_assert (chain_equal (&after, &wanted));
    ck_assert_uint_eq (batch.durable, 1999); // what is lost was durable
}
END_TEST

START_TEST (empty_hole_stands_for_none)
{
    uint64_t firsts[] = {1, 2, 77};
    for (size_t i = 0; i < 3; i++) {
        batch_t batch = s_hole (firsts[i], firsts[i] - 1, NULL);
        hole_t hole;
        ck_assert (hole_read (&hole, &batch));
        ck_assert_uint_eq (hole_first (&batch), firsts[i]);
        ck_assert_uint_eq (hole_last (&batch), firsts[i] - 1);
    }
}
END_TEST

START_TEST (hole_may_open_a_segment)
{
    uint8_t digest[BATCH_DIGEST] = {9};
    batch_t batch = s_hole (3, 4, digest);
    hole_t hole;
    ck_assert (hole_read (&hole, &batch));
    ck_assert (batch.opens);
    ck_assert_mem_eq (batch.digest, digest, sizeof digest);
}
END_TEST

START_TEST (other_batches_are_none)
{
    batch_t batch = s_message ();
    hole_t hole;
    chain_t wanted = chain_next (&batch.chain, batch.bytes), after = hole_chain_after (&batch);
    ck_assert (!hole_read (&hole, &batch));
    ck_assert_uint_eq (hole_first (&batch), 5);
    ck_assert_uint_eq (hole_last (&batch), 5);
    ck_assert (chain_equal (&after, &wanted));
}
END_TEST

// What was only peeked at may be anything.
START_TEST (broken_batches_are_none)
{
    hole_t hole;
    batch_t batch = s_hole (3, 4, NULL), state = batch;
    state.type = BATCH_TYPE_STATE;
    ck_assert (!hole_read (&hole, &state));
    s_bytes[BATCH_HEADER]++; // the record is longer than the batch
    ck_assert (!hole_read (&hole, &batch));
    ck_assert_uint_eq (hole_first (&batch), 4);
}
END_TEST

// A record of that kind that makes no sense is a record like any other.
START_TEST (hole_that_makes_no_sense_is_none)
{
    struct {
        uint64_t first, from, to;
        size_t chain;
    } cases[] = {{9, 5, 8, 32}, {8, 9, 7, 32}, {8, 0, 8, 32},
                 {8, 5, 8, 31}, {8, 5, 8, 0},  {8, 5, UINT64_MAX, 32}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[64], filler[32] = {0};
        writer_t options = writer (bytes, sizeof bytes);
        record_put_number (&options, RECORD_OPT_FROM, cases[i].from);
        record_put_number (&options, RECORD_OPT_TO, cases[i].to);
        record_put_option (&options, RECORD_OPT_CHAIN, filler, cases[i].chain);
        record_t record = {.kind = RECORD_HOLE, .options = span (bytes, writer_used (&options))};
        batch_t head = {.type = BATCH_TYPE_RECORDS, .first = cases[i].first}, batch;
        batch_writer_t out;
        hole_t hole;
        batch_begin (&out, s_bytes, &head);
        ck_assert_uint_gt (batch_add (&out, &record), 0);
        ck_assert_int_eq (batch_open (&batch, batch_end (&out, &s_log), &s_log), 0);
        ck_assert_msg (!hole_read (&hole, &batch), "case %zu", i);
        ck_assert_uint_eq (hole_last (&batch), cases[i].first);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("hole");
    tcase_add_test (cases, hole_is_read_as_it_was_written);
    tcase_add_test (cases, hole_stands_for_all_its_sequences);
    tcase_add_test (cases, empty_hole_stands_for_none);
    tcase_add_test (cases, hole_may_open_a_segment);
    tcase_add_test (cases, other_batches_are_none);
    tcase_add_test (cases, broken_batches_are_none);
    tcase_add_test (cases, hole_that_makes_no_sense_is_none);
    return kit_run (cases, "hole");
}
