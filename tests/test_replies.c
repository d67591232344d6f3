#include "daemons/group/replies.h"

#include "tests/kit.h"

enum { FRAMES = 64, ROWS_MAX = 1 << 18 };

// What was sent.
typedef struct {
    peer_t *peer;
    uint8_t *data;
    size_t size;
} sent_t;

typedef struct {
    sent_t sent[FRAMES];
    size_t count;
    replies_t *replies;
    peer_t *peers[3];
    receipt_t receipt;
} book_t;

static void s_send (void *arg, peer_t *peer, span_t frame)
{
    book_t *self = arg;
    ck_assert_uint_lt (self->count, FRAMES);
    sent_t *sent = &self->sent[self->count++];
    sent->peer = peer;
    sent->size = frame.size;
    sent->data = malloc (frame.size);
    memcpy (sent->data, frame.data, frame.size);
}

static book_t *s_book (void)
{
    book_t *self = calloc (1, sizeof *self);
    guid_t log = {{7}};
    chain_t chain = chain_start (&log);
    uint8_t key[PROOF_KEY] = {1};
    self->receipt = receipt_make (key, &log, 2, 99, &chain);
    self->replies = replies_new (s_send, self);
    for (uint8_t i = 0; i < 3; i++) {
        route_t route = {.size = 1, .bytes = {i}};
        self->peers[i] = peer_new (0, &route);
    }
    return self;
}

static void s_forget (book_t *self)
{
    while (self->count > 0)
        free (self->sent[--self->count].data);
}

static void s_close (book_t *self)
{
    s_forget (self);
    replies_destroy (&self->replies);
    ck_assert_ptr_null (self->replies);
    replies_destroy (&self->replies);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq (self->peers[i]->holds, 1); // nobody holds it any more
        peer_release (&self->peers[i]);
    }
    free (self);
}

static void s_flush (book_t *self)
{
    replies_flush (self->replies, &self->receipt);
}

// The frame sent as number `n`, decoded.
static wire_t s_frame (const book_t *self, size_t n, wire_kind_t kind)
{
    wire_t message;
    ck_assert_uint_lt (n, self->count);
    span_t bytes = span (self->sent[n].data, self->sent[n].size);
    ck_assert_int_eq (wire_decode (&message, bytes), WIRE_ERR_NONE);
    ck_assert_int_eq (message.kind, kind);
    ck_assert_uint_eq (message.tag, 0);
    return message;
}

static reader_t s_rows (const wire_t *message)
{
    span_t rows = wire_bytes (message, WIRE_F_ROWS);
    return reader (rows.data, rows.size);
}

START_TEST (nothing_leaves_before_the_flush)
{
    book_t *book = s_book ();
    s_flush (book);
    replies_ack (book->replies, book->peers[0], 1, 2, 3, "");
    replies_error (book->replies, book->peers[1], 1, WIRE_ERR_BUSY, NULL, 5);
    ck_assert_uint_eq (book->count, 0);
    s_flush (book);
    ck_assert_uint_eq (book->count, 2);
    s_flush (book);
    ck_assert_uint_eq (book->count, 2);
    s_close (book);
}
END_TEST

START_TEST (one_frame_answers_a_whole_turn)
{
    book_t *book = s_book ();
    for (uint32_t tag = 1; tag <= 500; tag++)
        for (int i = 0; i < 3; i++)
            replies_ack (book->replies, book->peers[i], tag, tag * 2, 1000 + tag, "");
    s_flush (book);
    ck_assert_uint_eq (book->count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_eq (book->sent[i].peer, book->peers[i]);
        wire_t message = s_frame (book, i, WIRE_ACK), row;
        receipt_t receipt = receipt_decode (wire_bytes (&message, WIRE_F_RECEIPT).data);
        ck_assert_mem_eq (receipt.mac, book->receipt.mac, sizeof receipt.mac);
        ck_assert_uint_eq (receipt.seq, 99);
        reader_t rows = s_rows (&message);
        for (uint32_t tag = 1; tag <= 500; tag++) {
            ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ACK, &rows), 1);
            ck_assert_uint_eq (wire_number (&row, WIRE_F_TAG), tag);
            ck_assert_uint_eq (wire_number (&row, WIRE_F_SEQ), tag * 2);
            ck_assert_uint_eq (wire_number (&row, WIRE_F_TIME), 1000 + tag);
            ck_assert (!wire_has (&row, WIRE_F_NICK));
        }
        ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ACK, &rows), 0);
    }
    s_close (book);
}
END_TEST

START_TEST (nick_is_told_if_there_is_one)
{
    book_t *book = s_book ();
    replies_ack (book->replies, book->peers[0], 1, 2, 3, "root-2");
    s_flush (book);
    wire_t message = s_frame (book, 0, WIRE_ACK), row;
    reader_t rows = s_rows (&message);
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ACK, &rows), 1);
    ck_assert (span_equal (wire_bytes (&row, WIRE_F_NICK), span_of ("root-2")));
    s_close (book);
}
END_TEST

START_TEST (errors_say_why_and_how_long_to_wait)
{
    book_t *book = s_book ();
    replies_error (book->replies, book->peers[0], 7, WIRE_ERR_BUSY, NULL, 250);
    replies_error (book->replies, book->peers[0], 8, WIRE_ERR_TOO_LONG, "at most 9 bytes", 0);
    replies_error (book->replies, book->peers[0], 9, WIRE_ERR_VERSION, NULL, 0);
    s_flush (book);
    ck_assert_uint_eq (book->count, 1);
    wire_t message = s_frame (book, 0, WIRE_ERROR), row;
    reader_t rows = s_rows (&message);
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ERROR, &rows), 1);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_TAG), 7);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_NUMBER), WIRE_ERR_BUSY);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_WAIT), 250);
    ck_assert (
        span_equal (wire_bytes (&row, WIRE_F_TEXT), span_of (wire_error_text (WIRE_ERR_BUSY))));
    ck_assert (!wire_has (&row, WIRE_F_VERSION_LOW));
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ERROR, &rows), 1);
    ck_assert (span_equal (wire_bytes (&row, WIRE_F_TEXT), span_of ("at most 9 bytes")));
    ck_assert (!wire_has (&row, WIRE_F_WAIT));
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ERROR, &rows), 1);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_VERSION_LOW), WIRE_VERSION);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_VERSION_HIGH), WIRE_VERSION);
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ERROR, &rows), 0);
    s_close (book);
}
END_TEST

START_TEST (acks_and_errors_of_one_peer_are_two_frames)
{
    book_t *book = s_book ();
    replies_error (book->replies, book->peers[0], 1, WIRE_ERR_BUSY, NULL, 0);
    replies_ack (book->replies, book->peers[0], 2, 2, 3, "");
    replies_error (book->replies, book->peers[0], 3, WIRE_ERR_BUSY, NULL, 0);
    s_flush (book);
    ck_assert_uint_eq (book->count, 2);
    s_frame (book, 0, WIRE_ACK);
    s_frame (book, 1, WIRE_ERROR);
    s_close (book);
}
END_TEST

// Rows of one turn that no frame would hold.
START_TEST (too_many_rows_leave_in_several_frames)
{
    book_t *book = s_book ();
    for (uint32_t tag = 1; tag <= 40000; tag++)
        replies_ack (book->replies, book->peers[0], tag, tag, 0, tag % 2 ? "a-nick" : "");
    s_flush (book);
    ck_assert_uint_gt (book->count, 2);
    uint32_t tag = 1;
    for (size_t n = 0; n < book->count; n++) {
        wire_t message = s_frame (book, n, WIRE_ACK), row;
        ck_assert_uint_le (wire_bytes (&message, WIRE_F_ROWS).size, ROWS_MAX);
        reader_t rows = s_rows (&message);
        for (; wire_next_row (&row, WIRE_ROW_ACK, &rows) == 1; tag++)
            ck_assert_uint_eq (wire_number (&row, WIRE_F_TAG), tag);
        ck_assert_uint_eq (reader_left (&rows), 0);
    }
    ck_assert_uint_eq (tag, 40001);
    s_close (book);
}
END_TEST

START_TEST (idle_peer_keeps_little_memory)
{
    book_t *book = s_book ();
    for (uint32_t tag = 1; tag <= 1000; tag++) {
        replies_ack (book->replies, book->peers[0], tag, tag, 0, "");
        replies_error (book->replies, book->peers[0], tag, WIRE_ERR_BUSY, NULL, 0);
    }
    s_flush (book);
    ck_assert_uint_le (book->peers[0]->acks.room, 512);
    ck_assert_uint_le (book->peers[0]->errors.room, 512);
    replies_ack (book->replies, book->peers[0], 1, 1, 0, ""); // and goes on
    s_flush (book);
    s_frame (book, 2, WIRE_ACK);
    s_close (book);
}
END_TEST

START_TEST (peer_that_is_let_go_is_answered_still)
{
    book_t *book = s_book ();
    route_t route = {.size = 1, .bytes = {9}};
    peer_t *peer = peer_new (0, &route);
    replies_ack (book->replies, peer, 1, 1, 0, "");
    ck_assert_uint_eq (peer->holds, 2);
    peer_release (&peer);
    s_flush (book);
    ck_assert_uint_eq (book->count, 1);
    peer = peer_new (0, &route);
    replies_ack (book->replies, peer, 2, 1, 0, "");
    peer_release (&peer);
    s_close (book); // with an answer that never left
}
END_TEST

START_TEST (frame_of_its_own_leaves_at_once)
{
    book_t *book = s_book ();
    replies_ack (book->replies, book->peers[0], 1, 1, 0, "");
    replies_send (book->replies, book->peers[0], span_of ("frame"));
    ck_assert_uint_eq (book->count, 1);
    ck_assert_uint_eq (book->sent[0].size, 5);
    ck_assert_mem_eq (book->sent[0].data, "frame", 5);
    s_flush (book);
    ck_assert_uint_eq (book->count, 2);
    s_close (book);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("replies");
    tcase_add_test (cases, nothing_leaves_before_the_flush);
    tcase_add_test (cases, one_frame_answers_a_whole_turn);
    tcase_add_test (cases, nick_is_told_if_there_is_one);
    tcase_add_test (cases, errors_say_why_and_how_long_to_wait);
    tcase_add_test (cases, acks_and_errors_of_one_peer_are_two_frames);
    tcase_add_test (cases, too_many_rows_leave_in_several_frames);
    tcase_add_test (cases, idle_peer_keeps_little_memory);
    tcase_add_test (cases, peer_that_is_let_go_is_answered_still);
    tcase_add_test (cases, frame_of_its_own_leaves_at_once);
    return kit_run (cases, "replies");
}
