#include "daemons/group/records.h"

#include "common/wire.h"
#include "tests/kit.h"

static const guid_t s_log = {{7}};

// A page of batches with so many records each, after the headroom.
typedef struct {
    uint8_t buffer[SEGMENTS_HEADROOM + 4096];
    chain_t chains[8]; // after each batch
    segments_page_t page;
} made_t;

static void s_make (made_t *self, uint64_t first, const int *counts)
{
    uint8_t *at = self->buffer + SEGMENTS_HEADROOM;
    chain_t chain = chain_start (&s_log);
    self->page = (segments_page_t){.first = first};
    for (int i = 0; counts[i]; i++) {
        static uint8_t room[BATCH_MAX];
        batch_t head = {.type = BATCH_TYPE_RECORDS, .first = first, .durable = first - 1};
        head.chain = chain;
        batch_writer_t out;
        batch_begin (&out, room, &head);
        record_t record = {.kind = RECORD_MESSAGE, .text = span_of ("hi")};
        for (int n = 0; n < counts[i]; n++)
            first = batch_add (&out, &record) + 1;
        span_t bytes = batch_end (&out, &s_log);
        memcpy (at, bytes.data, bytes.size);
        at += bytes.size;
        self->chains[i] = chain = chain_next (&chain, bytes);
    }
    self->page.batches =
        span (self->buffer + SEGMENTS_HEADROOM, (size_t)(at - self->buffer) - SEGMENTS_HEADROOM);
    self->page.last = first - 1;
    self->page.chain = chain;
}

START_TEST (frame_is_a_records_message_around_the_batches)
{
    static made_t made;
    uint8_t key[PROOF_KEY] = {1};
    wire_t message;
    s_make (&made, 5, (const int[]){2, 3, 0});
    receipt_t receipt = receipt_make (key, &s_log, 2, 9, &made.page.chain);
    span_t before = made.page.batches;
    span_t frame = records_frame (before, 77, &receipt, 3, RECORD_WHY_AGE, 6, 8);
    ck_assert_ptr_eq (frame.data + frame.size, before.data + before.size); // not copied
    ck_assert_int_eq (wire_decode (&message, frame), WIRE_ERR_NONE);
    ck_assert_uint_eq (message.kind, WIRE_RECORDS);
    ck_assert_uint_eq (message.tag, 77);
    ck_assert_uint_eq (wire_number (&message, WIRE_F_OLDEST), 3);
    ck_assert_uint_eq (wire_number (&message, WIRE_F_WHY), RECORD_WHY_AGE);
    ck_assert_uint_eq (wire_number (&message, WIRE_F_FIRST), 6);
    ck_assert_uint_eq (wire_number (&message, WIRE_F_LAST), 8);
    ck_assert (span_equal (wire_bytes (&message, WIRE_F_BATCHES), before));
    receipt_t again = receipt_decode (wire_bytes (&message, WIRE_F_RECEIPT).data);
    ck_assert (receipt_genuine (&again, key, &s_log));
    ck_assert_uint_eq (again.seq, 9);
}
END_TEST

START_TEST (frame_of_no_batches_has_none)
{
    uint8_t room[SEGMENTS_HEADROOM];
    receipt_t receipt = {0};
    wire_t message;
    span_t frame = records_frame (span (room + sizeof room, 0), 1, &receipt, 1, 0, 1, 0);
    ck_assert_int_eq (wire_decode (&message, frame), WIRE_ERR_NONE);
    ck_assert_uint_eq (wire_bytes (&message, WIRE_F_BATCHES).size, 0);
}
END_TEST

// The page ends with the batch that holds the sequence, and is told as such.
START_TEST (cut_page_ends_with_the_batch_of_the_sequence)
{
    static const struct {
        uint64_t seq, last;
        int batches;
    } cases[] = {{5, 6, 1}, {6, 6, 1}, {7, 9, 2}, {9, 9, 2}, {10, 10, 3}};
    static made_t made;
    s_make (&made, 5, (const int[]){2, 3, 1, 0});
    segments_page_t page = made.page;
    records_cut (&page, cases[_i].seq);
    ck_assert_uint_eq (page.last, cases[_i].last);
    ck_assert_uint_eq (page.first, 5);
    ck_assert (chain_equal (&page.chain, &made.chains[cases[_i].batches - 1]));
    int batches = 0;
    batch_t batch;
    for (span_t left = page.batches; batch_open (&batch, left, &s_log) == 0; batches++)
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    ck_assert_int_eq (batches, cases[_i].batches);
}
END_TEST

START_TEST (page_that_ends_before_is_not_cut)
{
    static made_t made;
    s_make (&made, 5, (const int[]){2, 3, 0});
    segments_page_t page = made.page;
    records_cut (&page, 100);
    ck_assert (span_equal (page.batches, made.page.batches));
    ck_assert_uint_eq (page.last, 9);
    ck_assert (chain_equal (&page.chain, &made.page.chain));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("records");
    tcase_add_test (cases, frame_is_a_records_message_around_the_batches);
    tcase_add_test (cases, frame_of_no_batches_has_none);
    tcase_add_loop_test (cases, cut_page_ends_with_the_batch_of_the_sequence, 0, 5);
    tcase_add_test (cases, page_that_ends_before_is_not_cut);
    return kit_run (cases, "records");
}
