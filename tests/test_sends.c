#include "daemons/group/sends.h"

#include "tests/kit.h"

static const uint8_t s_name[RECORD_DEVICE] = {1, 2, 3, 4, 5, 6, 7, 8};

static record_send_t s_send (uint64_t counter, uint32_t random)
{
    record_send_t send = {.counter = counter, .random = random};
    memcpy (send.device, s_name, RECORD_DEVICE);
    return send;
}

// The random bytes and sequence that tests give a counter.
static uint32_t s_random (uint64_t counter)
{
    return (uint32_t)(counter * 2654435761u);
}

static uint64_t s_seq (uint64_t counter)
{
    return 1000 + 3 * counter;
}

static void s_put (sends_t *sends, uint64_t from, uint64_t to)
{
    for (uint64_t c = from; c <= to; c++) {
        record_send_t send = s_send (c, s_random (c));
        sends_put (sends, &send, s_seq (c));
    }
}

static sends_t *s_with (uint64_t last)
{
    sends_t *sends = sends_new (s_name);
    s_put (sends, 1, last);
    sends_commit (sends);
    return sends;
}

static wire_error_t s_judge (const sends_t *sends, uint64_t counter, uint32_t random, uint64_t *seq)
{
    record_send_t send = s_send (counter, random);
    return sends_judge (sends, &send, seq);
}

static void s_is_next (const sends_t *sends, uint64_t counter)
{
    uint64_t seq = 99;
    ck_assert_int_eq (s_judge (sends, counter, s_random (counter), &seq), WIRE_ERR_NONE);
    ck_assert_uint_eq (seq, 0);
}

static void s_is_repeat (const sends_t *sends, uint64_t counter)
{
    uint64_t seq = 0;
    ck_assert_int_eq (s_judge (sends, counter, s_random (counter), &seq), WIRE_ERR_NONE);
    ck_assert_uint_eq (seq, s_seq (counter));
    ck_assert_int_eq (s_judge (sends, counter, s_random (counter) + 1, &seq), WIRE_ERR_REUSED);
}

static void s_is (const sends_t *sends, uint64_t counter, wire_error_t wanted)
{
    uint64_t seq;
    ck_assert_int_eq (s_judge (sends, counter, s_random (counter), &seq), wanted);
    ck_assert_uint_eq (seq, 0);
}

// Exactly the counters `first` to `last` are known.
static void s_knows (const sends_t *sends, uint64_t first, uint64_t last)
{
    for (uint64_t c = first; c <= last; c++)
        s_is_repeat (sends, c);
    if (first > 1)
        s_is (sends, first - 1, WIRE_ERR_REUSED);
    s_is_next (sends, last + 1);
    s_is (sends, last + 2, WIRE_ERR_OUT_OF_ORDER);
}

START_TEST (new_device_begins_with_1)
{
    sends_t *sends = sends_new (s_name);
    ck_assert_mem_eq (sends_device (sends), s_name, RECORD_DEVICE);
    ck_assert (sends_are_new (sends));
    ck_assert_uint_eq (sends_used (sends), 0);
    s_is_next (sends, 1);
    s_is (sends, 2, WIRE_ERR_OUT_OF_ORDER);
    s_is (sends, UINT64_MAX, WIRE_ERR_OUT_OF_ORDER);
    sends_destroy (&sends);
    ck_assert_ptr_null (sends);
    sends_destroy (&sends);
}
END_TEST

START_TEST (repeat_gives_the_sequence_even_before_it_is_durable)
{
    sends_t *sends = sends_new (s_name);
    s_put (sends, 1, 3);
    ck_assert (sends_are_new (sends));
    s_knows (sends, 1, 3);
    sends_commit (sends);
    ck_assert (!sends_are_new (sends));
    s_knows (sends, 1, 3);
    sends_destroy (&sends);
}
END_TEST

START_TEST (judging_changes_nothing)
{
    sends_t *sends = s_with (2);
    s_is_next (sends, 3);
    s_is_next (sends, 3);
    s_is (sends, 4, WIRE_ERR_OUT_OF_ORDER);
    s_knows (sends, 1, 2);
    sends_destroy (&sends);
}
END_TEST

START_TEST (the_last_1024_are_known_however_many_came)
{
    static const uint64_t lasts[] = {1, 2, 3, 4, 5, 1023, 1024, 1025, 1026, 2048, 5000};
    for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++) {
        sends_t *sends = s_with (lasts[i]);
        s_knows (sends, lasts[i] > SENDS_KEPT ? lasts[i] - SENDS_KEPT + 1 : 1, lasts[i]);
        ck_assert_uint_eq (sends_used (sends), s_seq (lasts[i]));
        sends_destroy (&sends);
    }
}
END_TEST

START_TEST (discard_forgets_what_is_not_durable)
{
    sends_t *sends = s_with (5);
    s_put (sends, 6, 9);
    sends_discard (sends);
    s_knows (sends, 1, 5);
    ck_assert_uint_eq (sends_used (sends), s_seq (5));
    s_put (sends, 6, 7); // and on
    sends_commit (sends);
    s_knows (sends, 1, 7);
    sends_destroy (&sends);
}
END_TEST

START_TEST (discard_of_a_whole_device_leaves_it_new)
{
    sends_t *sends = sends_new (s_name);
    s_put (sends, 1, 3000);
    sends_discard (sends);
    ck_assert (sends_are_new (sends));
    ck_assert_uint_eq (sends_used (sends), 0);
    s_is_next (sends, 1);
    s_put (sends, 1, 2);
    s_knows (sends, 1, 2);
    sends_destroy (&sends);
}
END_TEST

// What a device may have unanswered at most, beyond what is durable, costs nothing durable that
// could still be repeated.
START_TEST (discard_of_1024_forgets_only_what_was_answered)
{
    sends_t *sends = s_with (3000);
    s_put (sends, 3001, 3500);
    sends_discard (sends);
    s_knows (sends, 3000 - SENDS_KEPT + 1 + 500, 3000);
    s_put (sends, 3001, 3000 + SENDS_KEPT);
    sends_discard (sends);
    s_is (sends, 3000, WIRE_ERR_REUSED);
    s_is_next (sends, 3001);
    sends_destroy (&sends);
}
END_TEST

START_TEST (discard_of_more_than_1024_claims_to_know_nothing)
{
    sends_t *sends = s_with (3000);
    s_put (sends, 3001, 9000);
    sends_discard (sends);
    for (uint64_t c = 1; c <= 3000; c++) {
        s_is (sends, c, WIRE_ERR_REUSED);
        // Not even with the random bytes that stand in its place of the ring now.
        uint64_t seq;
        uint64_t other = c + SENDS_KEPT * ((9000 - c) / SENDS_KEPT);
        ck_assert_int_eq (s_judge (sends, c, s_random (other), &seq), WIRE_ERR_REUSED);
    }
    s_is_next (sends, 3001);
    s_is (sends, 3002, WIRE_ERR_OUT_OF_ORDER);
    s_put (sends, 3001, 3004);
    sends_commit (sends);
    s_knows (sends, 3001, 3004);
    sends_destroy (&sends);
}
END_TEST

START_TEST (counter_out_of_turn_begins_anew)
{
    sends_t *sends = s_with (5);
    s_put (sends, 100, 103);
    sends_commit (sends);
    s_knows (sends, 100, 103);
    s_is (sends, 5, WIRE_ERR_REUSED);
    sends_destroy (&sends);
}
END_TEST

START_TEST (device_that_a_log_shows_again_from_1_begins_anew)
{
    sends_t *sends = s_with (2000);
    s_put (sends, 1, 3);
    sends_commit (sends);
    s_knows (sends, 1, 3);
    sends_destroy (&sends);
}
END_TEST

// ---- STATE

static sends_t *s_restored (uint64_t last, span_t bytes)
{
    sends_t *sends = sends_new (s_name);
    sends_restore (sends, last, bytes);
    sends_commit (sends);
    return sends;
}

START_TEST (state_has_these_bytes_for_ever)
{
    uint8_t bytes[SENDS_STATE_MAX];
    sends_t *sends = sends_new (s_name);
    record_send_t send = s_send (1, 0xdeadbeef);
    sends_put (sends, &send, 300);
    send = s_send (2, 0x01020304);
    sends_put (sends, &send, 301);
    sends_commit (sends);
    writer_t out = writer (bytes, sizeof bytes);
    ck_assert_uint_eq (sends_state (sends, &out), 2);
    kit_same_hex (bytes, writer_used (&out), "deadbeef ac02 01020304 01");
    sends_destroy (&sends);
}
END_TEST

START_TEST (state_makes_the_device_again)
{
    static const uint64_t lasts[] = {1, 2, 7, 1023, 1024, 1025, 4000};
    uint8_t bytes[SENDS_STATE_MAX];
    for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++) {
        uint64_t last = lasts[i];
        sends_t *sends = s_with (last);
        writer_t out = writer (bytes, sizeof bytes);
        ck_assert_uint_eq (sends_state (sends, &out), last);
        ck_assert (!out.failed);
        sends_t *again = s_restored (last, span (bytes, writer_used (&out)));
        s_knows (again, last > SENDS_KEPT ? last - SENDS_KEPT + 1 : 1, last);
        ck_assert (!sends_are_new (again));
        ck_assert_uint_eq (sends_used (again), sends_used (sends));
        sends_destroy (&sends);
        sends_destroy (&again);
    }
}
END_TEST

START_TEST (state_is_what_is_durable)
{
    uint8_t bytes[SENDS_STATE_MAX];
    sends_t *sends = s_with (3);
    s_put (sends, 4, 6);
    writer_t out = writer (bytes, sizeof bytes);
    ck_assert_uint_eq (sends_state (sends, &out), 3);
    sends_t *again = s_restored (3, span (bytes, writer_used (&out)));
    s_knows (again, 1, 3);
    sends_destroy (&sends);
    sends_destroy (&again);
}
END_TEST

START_TEST (state_fits_with_the_widest_numbers)
{
    uint8_t bytes[SENDS_STATE_MAX];
    sends_t *sends = sends_new (s_name);
    uint64_t seq = 0;
    for (uint64_t c = 1; c <= SENDS_KEPT; c++) {
        record_send_t send = s_send (c, UINT32_MAX);
        seq = c == 1 ? (uint64_t)INT64_MAX - SENDS_KEPT : seq + 1;
        sends_put (sends, &send, seq);
    }
    sends_commit (sends);
    writer_t out = writer (bytes, sizeof bytes);
    sends_state (sends, &out);
    ck_assert (!out.failed);
    sends_t *again = s_restored (SENDS_KEPT, span (bytes, writer_used (&out)));
    ck_assert_uint_eq (sends_used (again), seq);
    sends_destroy (&sends);
    sends_destroy (&again);
}
END_TEST

START_TEST (restored_device_can_be_discarded_and_goes_on)
{
    uint8_t bytes[SENDS_STATE_MAX];
    sends_t *sends = s_with (1500);
    writer_t out = writer (bytes, sizeof bytes);
    sends_state (sends, &out);
    sends_t *again = s_restored (1500, span (bytes, writer_used (&out)));
    s_put (again, 1501, 1600);
    sends_discard (again);
    s_knows (again, 1500 - SENDS_KEPT + 1 + 100, 1500);
    s_put (again, 1501, 1501);
    sends_commit (again);
    s_is_repeat (again, 1501);
    sends_destroy (&sends);
    sends_destroy (&again);
}
END_TEST

static void s_knows_only_its_counter (uint64_t last, span_t bytes)
{
    sends_t *sends = s_restored (last, bytes);
    ck_assert_uint_eq (sends_used (sends), 0);
    for (uint64_t c = last > 2000 ? last - 2000 : 1; c <= last; c++)
        s_is (sends, c, WIRE_ERR_REUSED);
    s_is_next (sends, last + 1);
    s_is (sends, last + 2, WIRE_ERR_OUT_OF_ORDER);
    sends_destroy (&sends);
}

START_TEST (nonsense_leaves_the_counter_alone)
{
    static uint8_t bytes[5 * 2000] = {0};
    for (size_t i = 0; i < 2000; i++)
        bytes[5 * i + 4] = 1;
    s_knows_only_its_counter (7, span (NULL, 0));
    s_knows_only_its_counter (7, span (bytes, 3));                           // half a number
    s_knows_only_its_counter (7, span (bytes, 4));                           // no sequence
    s_knows_only_its_counter (7, span (bytes, 5 * 8));                       // more than counters
    s_knows_only_its_counter (5000, span (bytes, 5 * (SENDS_KEPT + 1)));     // more than are kept
    s_knows_only_its_counter (7, span ("\0\0\0\0\x80", 5));                  // unfinished varint
    s_knows_only_its_counter (7, span ("\0\0\0\0\x80\x00", 6));              // not the shortest
    s_knows_only_its_counter (7, span ("\0\0\0\0\1\0\0\0\0\1\0\0\0\0", 14)); // good, good, cut
}
END_TEST

START_TEST (counters_at_the_end_of_numbers_are_harmless)
{
    for (uint64_t last = UINT64_MAX - 2;; last++) {
        sends_t *sends = s_restored (last, span ("\1\2\3\4\7", 5));
        uint64_t seq;
        ck_assert_int_eq (s_judge (sends, last, 0x01020304, &seq), WIRE_ERR_NONE);
        ck_assert_uint_eq (seq, 7);
        s_is (sends, 1, WIRE_ERR_REUSED);
        s_is (sends, last - 1, WIRE_ERR_REUSED);
        sends_destroy (&sends);
        if (last == UINT64_MAX)
            break;
    }
}
END_TEST

START_TEST (random_bytes_restore_to_something_harmless)
{
    dice_t chance = dice_new ("random_bytes_restore_to_something_harmless");
    uint8_t bytes[600], state[SENDS_STATE_MAX];
    for (int i = 0; i < 3000; i++) {
        size_t size = dice (&chance, sizeof bytes);
        dice_fill (&chance, bytes, size);
        for (size_t j = 0; j < size; j++)
            if (dice (&chance, 4))
                bytes[j] &= 0x7f;
        uint64_t last = dice_wide (&chance) >> 1;
        sends_t *sends = s_restored (last, span (bytes, size));
        s_is (sends, last + 2, WIRE_ERR_OUT_OF_ORDER);
        s_is_next (sends, last + 1);
        writer_t out = writer (state, sizeof state);
        ck_assert_uint_eq (sends_state (sends, &out), last);
        ck_assert (!out.failed);
        sends_destroy (&sends);
    }
}
END_TEST

// ---- Any order of things

typedef struct {
    uint64_t durable, last; // counters
    uint64_t oldest;        // first that is known for certain
} model_t;

START_TEST (random_lives_agree_with_a_model)
{
    dice_t chance = dice_new ("random_lives_agree_with_a_model");
    uint8_t state[SENDS_STATE_MAX];
    sends_t *sends = sends_new (s_name);
    model_t model = {0, 0, 1};
    for (int i = 0; i < 4000; i++) {
        size_t what = dice (&chance, 20);
        if (what < 12) {
            uint64_t count = dice (&chance, what == 0 ? 1500 : 40);
            s_put (sends, model.last + 1, model.last + count);
            model.last += count;
            if (model.last > SENDS_KEPT && model.oldest < model.last - SENDS_KEPT + 1)
                model.oldest = model.last - SENDS_KEPT + 1;
        } else if (what < 16) {
            sends_commit (sends);
            model.durable = model.last;
        } else if (what < 19) {
            sends_discard (sends);
            model.last = model.durable;
            if (model.oldest > model.last + 1)
                model.oldest = model.last + 1;
        } else if (model.durable > 0) {
            sends_discard (sends);
            writer_t out = writer (state, sizeof state);
            model.last = sends_state (sends, &out);
            if (model.oldest > model.last + 1)
                model.oldest = model.last + 1;
            sends_destroy (&sends);
            sends = s_restored (model.last, span (state, writer_used (&out)));
        }
        ck_assert_int_eq (sends_are_new (sends), model.durable == 0);
        s_is_next (sends, model.last + 1);
        s_is (sends, model.last + 2 + dice (&chance, 9), WIRE_ERR_OUT_OF_ORDER);
        for (int j = 0; j < 3 && model.oldest <= model.last; j++)
            s_is_repeat (sends, model.oldest + dice (&chance, model.last - model.oldest + 1));
        if (model.oldest > 1)
            s_is (sends, 1 + dice (&chance, model.oldest - 1), WIRE_ERR_REUSED);
    }
    sends_destroy (&sends);
}
END_TEST

static void s_add_state_cases (TCase *cases)
{
    tcase_add_test (cases, state_has_these_bytes_for_ever);
    tcase_add_test (cases, state_makes_the_device_again);
    tcase_add_test (cases, state_is_what_is_durable);
    tcase_add_test (cases, state_fits_with_the_widest_numbers);
    tcase_add_test (cases, restored_device_can_be_discarded_and_goes_on);
    tcase_add_test (cases, nonsense_leaves_the_counter_alone);
    tcase_add_test (cases, counters_at_the_end_of_numbers_are_harmless);
    tcase_add_test (cases, random_bytes_restore_to_something_harmless);
}

int main (void)
{
    TCase *cases = tcase_create ("sends");
    tcase_add_test (cases, new_device_begins_with_1);
    tcase_add_test (cases, repeat_gives_the_sequence_even_before_it_is_durable);
    tcase_add_test (cases, judging_changes_nothing);
    tcase_add_test (cases, the_last_1024_are_known_however_many_came);
    tcase_add_test (cases, discard_forgets_what_is_not_durable);
    tcase_add_test (cases, discard_of_a_whole_device_leaves_it_new);
    tcase_add_test (cases, discard_of_1024_forgets_only_what_was_answered);
    tcase_add_test (cases, discard_of_more_than_1024_claims_to_know_nothing);
    tcase_add_test (cases, counter_out_of_turn_begins_anew);
    tcase_add_test (cases, device_that_a_log_shows_again_from_1_begins_anew);
    s_add_state_cases (cases);
    tcase_add_test (cases, random_lives_agree_with_a_model);
    return kit_run (cases, "sends");
}
