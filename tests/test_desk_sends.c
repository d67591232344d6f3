#include "daemons/group/desk.h"

#include "tests/desk_kit.h"
#include "tests/faults.h"

static void s_setup (void)
{
    faults_skip_syncs (true);
    desk_begin ();
}

static void s_teardown (void)
{
    faults_reset ();
    desk_end ();
}

static void s_ask (const wire_t *sends)
{
    desk_forget ();
    desk_request (1, sends);
    desk_settle ();
}

static void s_acked (uint32_t tag, uint64_t seq)
{
    desk_answer_t answer = desk_answers (1, tag);
    ck_assert_int_eq (answer.count, 1);
    ck_assert_int_eq (answer.kind, WIRE_ROW_ACK);
    ck_assert_uint_eq (wire_number (&answer.message, WIRE_F_SEQ), seq);
}

static void s_refused (uint32_t tag, wire_error_t error)
{
    desk_answer_t answer = desk_answers (1, tag);
    ck_assert_int_eq (answer.count, 1);
    ck_assert_int_eq (answer.kind, WIRE_ROW_ERROR);
    ck_assert_uint_eq (wire_number (&answer.message, WIRE_F_NUMBER), error);
}

START_TEST (each_row_is_a_send)
{
    writer_t rows;
    wire_t sends = desk_sends (1, &rows);
    desk_put_row (&sends, &rows, 101, 1, "one");
    desk_put_row (&sends, &rows, 109, 2, "two");
    desk_put_row (&sends, &rows, 105, 3, "three");
    s_ask (&sends);
    s_acked (101, 3);
    s_acked (109, 4);
    s_acked (105, 5);
    ck_assert_int_eq (desk_answers (1, sends.tag).count, 0);
    segments_page_t page;
    record_why_t why;
    ck_assert_int_eq (log_read (s_kit.log, 3, UINT64_MAX, 100000, &page, &why), SEGMENTS_PAGE);
    batch_t batch;
    record_t record;
    static const char *const texts[] = {"one", "two", "three"};
    guid_t ann = desk_who (1);
    ck_assert_int_eq (batch_open (&batch, page.batches, log_id (s_kit.log)), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq (batch_next (&batch, &record), 1);
        ck_assert (guid_equal (&record.author, &ann));
        ck_assert_uint_eq (record.send.counter, i + 1);
        ck_assert_uint_eq (record.send.device[0], 7);
        ck_assert (span_equal (record.text, span_of (texts[i])));
    }
    free (page.buffer);
}
END_TEST

START_TEST (rows_are_refused_for_themselves)
{
    char large[DESK_MAX_MESSAGE + 2];
    memset (large, 'x', sizeof large);
    large[DESK_MAX_MESSAGE + 1] = 0;
    writer_t rows;
    wire_t sends = desk_sends (1, &rows);
    desk_put_row (&sends, &rows, 101, 1, "one");
    desk_put_row (&sends, &rows, 102, 2, "bell \a");
    desk_put_row (&sends, &rows, 103, 2, large);
    desk_put_row (&sends, &rows, 104, 2, "two");
    desk_put_row (&sends, &rows, 105, 1, "one");
    desk_put_row (&sends, &rows, 106, 7, "far ahead");
    s_ask (&sends);
    s_acked (101, 3);
    s_refused (102, WIRE_ERR_BAD_TEXT);
    s_refused (103, WIRE_ERR_TOO_LONG);
    s_acked (104, 4);
    s_acked (105, 3); // a repeat
    s_refused (106, WIRE_ERR_OUT_OF_ORDER);
    ck_assert_uint_eq (log_last (s_kit.log), 4);
}
END_TEST

START_TEST (rows_of_a_stranger_are_refused)
{
    writer_t rows;
    wire_t sends = desk_sends (9, &rows);
    desk_put_row (&sends, &rows, 101, 1, "one");
    desk_put_row (&sends, &rows, 102, 2, "two");
    s_ask (&sends);
    s_refused (101, WIRE_ERR_NOT_MEMBER);
    s_refused (102, WIRE_ERR_NOT_MEMBER);
}
END_TEST

START_TEST (each_row_is_told_of_a_limit)
{
    peers_set_limits (s_kit.peers, 0, 1000);
    writer_t rows;
    wire_t sends = desk_sends (1, &rows);
    desk_put_row (&sends, &rows, 101, 1, "one");
    desk_put_row (&sends, &rows, 102, 2, "two");
    desk_forget ();
    desk_request (77, &sends);
    for (uint32_t tag = 101; tag <= 102; tag++) {
        replies_flush (s_kit.replies, log_receipt (s_kit.log));
        desk_answer_t answer = desk_answers (77, tag);
        ck_assert_int_eq (answer.kind, WIRE_ROW_ERROR);
        ck_assert_uint_eq (wire_number (&answer.message, WIRE_F_NUMBER), WIRE_ERR_LIMIT);
        ck_assert_uint_gt (wire_number (&answer.message, WIRE_F_WAIT), 0);
    }
}
END_TEST

START_TEST (no_row_is_bad)
{
    writer_t rows;
    wire_t sends = desk_sends (1, &rows);
    s_ask (&sends);
    s_refused (sends.tag, WIRE_ERR_BAD_REQUEST);
}
END_TEST

START_TEST (rows_up_to_a_bad_one_are_taken)
{
    writer_t rows;
    wire_t sends = desk_sends (1, &rows);
    desk_put_row (&sends, &rows, 101, 1, "one");
    writer_u16 (&rows, 3); // less than a row's fields
    writer_bytes (&rows, "abc", 3);
    desk_put_row (&sends, &rows, 102, 2, "two");
    s_ask (&sends);
    s_acked (101, 3);
    s_refused (sends.tag, WIRE_ERR_BAD_REQUEST);
    ck_assert_int_eq (desk_answers (1, 102).count, 0);
    ck_assert_uint_eq (log_last (s_kit.log), 3);
}
END_TEST

START_TEST (rows_are_as_many_as_may_be_unanswered)
{
    writer_t rows;
    wire_t sends = desk_sends (1, &rows);
    sends.tag = 1;
    for (uint32_t i = 1; i <= WIRE_UNANSWERED + 2; i++)
        desk_put_row (&sends, &rows, 1000 + i, i, "text");
    s_ask (&sends);
    for (uint32_t i = 1; i <= WIRE_UNANSWERED; i++)
        s_acked (1000 + i, 2 + i);
    s_refused (1, WIRE_ERR_BAD_REQUEST);
    for (uint32_t i = WIRE_UNANSWERED + 1; i <= WIRE_UNANSWERED + 2; i++)
        ck_assert_int_eq (desk_answers (1, 1000 + i).count, 0);
}
END_TEST

// A frame counts for what waits as long as any of its rows does, however little that one is.
START_TEST (frame_counts_while_a_row_waits)
{
    char large[DESK_MAX_MESSAGE + 2];
    memset (large, 'x', sizeof large);
    large[DESK_MAX_MESSAGE + 1] = 0;
    intake_set_limits (s_kit.intake, 1 << 18, 1000);
    desk_forget ();
    for (uint32_t frame = 0; frame < 10; frame++) {
        writer_t rows;
        wire_t sends = desk_sends (1, &rows);
        desk_put_row (&sends, &rows, 100 + frame, 1 + frame, "one");
        for (uint32_t i = 0; i < 60; i++)
            desk_put_row (&sends, &rows, 10000, 2, large);
        desk_request (1, &sends);
    }
    desk_settle ();
    s_acked (100, 3);
    s_acked (102, 5);
    for (uint32_t frame = 4; frame < 10; frame++)
        s_refused (100 + frame, WIRE_ERR_BUSY);
    ck_assert_uint_eq (pending_shared (), 0);
}
END_TEST

// Whatever stands in the rows: each is answered once, or the frame is.
START_TEST (mutated_rows_are_answered)
{
    dice_t chance = dice_new ("mutated_rows_are_answered");
    uint64_t counter = 0;
    for (int i = 0; i < 2000; i++) {
        uint8_t bytes[300];
        writer_t rows, out = writer (bytes, sizeof bytes);
        wire_t sends = desk_sends (1 + (unsigned)dice (&chance, 2), &rows);
        size_t count = 1 + dice (&chance, 5);
        for (uint32_t j = 0; j < count; j++)
            desk_put_row (&sends, &rows, 1 + j, ++counter, "text");
        wire_encode (&sends, &out);
        size_t size = writer_used (&out), from = size - writer_used (&rows);
        for (size_t bad = dice (&chance, 4); bad > 0; bad--)
            bytes[from + dice (&chance, size - from)] = (uint8_t)dice_u64 (&chance);
        desk_forget ();
        desk_receive (1, false, true, span (bytes, size));
        desk_settle ();
        size_t answers = 0;
        for (size_t n = 0; n < s_kit.count; n++) {
            wire_kind_t kind = s_kit.frames[n].message.kind;
            span_t all = wire_bytes (&s_kit.frames[n].message, WIRE_F_ROWS);
            reader_t in = reader (all.data, all.size);
            wire_t row;
            while (wire_next_row (&row, kind == WIRE_ACK ? WIRE_ROW_ACK : WIRE_ROW_ERROR, &in) == 1)
                answers++;
        }
        ck_assert_uint_ge (answers, 1);
        ck_assert_uint_le (answers, count + 1);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("desk_sends");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, each_row_is_a_send);
    tcase_add_test (cases, rows_are_refused_for_themselves);
    tcase_add_test (cases, rows_of_a_stranger_are_refused);
    tcase_add_test (cases, each_row_is_told_of_a_limit);
    tcase_add_test (cases, no_row_is_bad);
    tcase_add_test (cases, rows_up_to_a_bad_one_are_taken);
    tcase_add_test (cases, rows_are_as_many_as_may_be_unanswered);
    tcase_add_test (cases, frame_counts_while_a_row_waits);
    tcase_add_test (cases, mutated_rows_are_answered);
    return kit_run (cases, "desk_sends");
}
