#include "common/parcel.h"

#include "tests/kit.h"

enum { OWN_TAG = 0x7ff, SENDS = 600, ROW = 20 }; // a row's bytes besides its text

static const guid_t UUID = {{7}};
static const uint8_t DEVICE[RECORD_DEVICE] = {1, 2, 3, 4, 5, 6, 7, 8};
static parcel_t *s_parcel;
static outbox_t *s_box;
static uint8_t s_bytes[WIRE_TO_SERVER];

static int s_device (void *arg, uint8_t device[RECORD_DEVICE], uint64_t *last)
{
    (void)arg;
    memcpy (device, DEVICE, RECORD_DEVICE);
    *last = 0;
    return 0;
}

static void s_setup (void)
{
    s_parcel = parcel_new ();
    s_box = outbox_new (s_device, NULL);
    ck_assert (s_parcel && s_box);
    parcel_begin (s_parcel, OWN_TAG);
}

static void s_teardown (void)
{
    parcel_destroy (&s_parcel);
    outbox_destroy (&s_box);
}

static wire_t s_send (uint32_t tag, uint64_t counter, uint32_t random, span_t text)
{
    wire_t send = wire (WIRE_SEND, tag, &UUID);
    wire_set_bytes (&send, WIRE_F_DEVICE, span (DEVICE, RECORD_DEVICE));
    wire_set (&send, WIRE_F_COUNTER, counter);
    wire_set (&send, WIRE_F_RANDOM, random);
    wire_set_bytes (&send, WIRE_F_TEXT, text);
    return send;
}

static bool s_add (const wire_t *message)
{
    writer_t out = writer (s_bytes, sizeof s_bytes);
    wire_encode (message, &out);
    ck_assert (!out.failed);
    return parcel_add (s_parcel, span (s_bytes, writer_used (&out)));
}

static bool s_add_text (uint32_t tag, size_t size)
{
    static char text[65536];
    memset (text, 'x', sizeof text);
    wire_t send = s_send (tag, tag, 5, span (text, size));
    return s_add (&send);
}

static span_t s_frame (void)
{
    writer_t *out = parcel_frame (s_parcel);
    ck_assert (!out->failed);
    return span (out->start, writer_used (out));
}

static wire_t s_decoded (void)
{
    wire_t message;
    ck_assert_int_eq (wire_decode (&message, s_frame ()), WIRE_ERR_NONE);
    return message;
}

static int s_rows (void)
{
    wire_t sends = s_decoded (), row;
    ck_assert_int_eq (sends.kind, WIRE_SENDS);
    span_t rows = wire_bytes (&sends, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    int rc, count = 0;
    while ((rc = wire_next_row (&row, WIRE_ROW_SEND, &in)) == 1)
        count++;
    ck_assert_int_eq (rc, 0);
    return count;
}

// ---- The frame

START_TEST (one_request_leaves_as_it_is)
{
    wire_t send = s_send (0x401, 11, 0xc0ffee, span_of ("hi"));
    ck_assert (s_add (&send));
    kit_same_hex (s_frame ().data, s_frame ().size,
                  "7a43 01 07 00000401 07000000000000000000000000000000"
                  "0102030405060708 000000000000000b 00c0ffee 0002 6869");
    wire_t join = wire (WIRE_JOIN, 0x802, &UUID);
    wire_set_bytes (&join, WIRE_F_NICK, span_of ("ann"));
    parcel_begin (s_parcel, OWN_TAG);
    ck_assert (s_add (&join));
    kit_same_hex (s_frame ().data, s_frame ().size,
                  "7a43 01 02 00000802 07000000000000000000000000000000 0003 616e6e");
}
END_TEST

START_TEST (sends_leave_in_one_frame)
{
    wire_t hi = s_send (0x401, 11, 0xc0ffee, span_of ("hi"));
    wire_t you = s_send (0x802, 12, 0xfacade, span_of ("you"));
    ck_assert (s_add (&hi));
    ck_assert (s_add (&you));
    for (int i = 0; i < 2; i++) // however often it is asked for
        kit_same_hex (s_frame ().data, s_frame ().size,
                      "7a43 01 0c 000007ff 07000000000000000000000000000000"
                      "0102030405060708 0000002d"
                      "0014 00000401 000000000000000b 00c0ffee 0002 6869"
                      "0015 00000802 000000000000000c 00facade 0003 796f75");
}
END_TEST

START_TEST (other_requests_do_not_go_with_sends)
{
    static const guid_t OTHER = {{8}};
    static const uint8_t RECEIPT[64] = {1}, PHONE[RECORD_DEVICE] = {9};
    wire_t send = s_send (0x401, 11, 5, span_of ("hi"));
    wire_t others[4] = {send, send, send, wire (WIRE_TOPIC, 0x802, &UUID)};
    others[0].uuid = OTHER;
    wire_set_bytes (&others[1], WIRE_F_DEVICE, span (PHONE, RECORD_DEVICE));
    wire_set_bytes (&others[2], WIRE_F_RECEIPT, span (RECEIPT, sizeof RECEIPT));
    wire_t *other = &others[_i];
    ck_assert (s_add (&send));
    ck_assert (!s_add (other));
    ck_assert_int_eq (s_decoded ().kind, WIRE_SEND);
    ck_assert (s_add (&send));
    ck_assert (!s_add (other));
    ck_assert_int_eq (s_rows (), 2);
    // Nor do sends with it, but for those whose UUID and device are its.
    parcel_begin (s_parcel, OWN_TAG);
    ck_assert (s_add (other));
    ck_assert (!s_add (&send));
    ck_assert_int_eq (s_add (other), _i < 2);
    wire_t frame = s_decoded ();
    ck_assert_int_eq (frame.kind, _i < 2 ? WIRE_SENDS : other->kind);
    ck_assert_int_eq (wire_has (&frame, WIRE_F_RECEIPT), _i == 2);
}
END_TEST

START_TEST (frame_has_a_limit_of_bytes)
{
    const size_t even = 1000 - ROW, most = PARCEL_BYTES / 1000;
    for (uint32_t i = 1; i <= most; i++)
        ck_assert (s_add_text (i, even));
    ck_assert (!s_add_text (100, 1));
    ck_assert_int_eq (s_rows (), (int)most);
    parcel_begin (s_parcel, OWN_TAG);
    ck_assert (s_add_text (1, PARCEL_BYTES - ROW - 1 - ROW));
    ck_assert (!s_add_text (2, 2));
    ck_assert (s_add_text (3, 1)); // nothing is left of the one that did not fit
    ck_assert_int_eq (s_rows (), 2);
    wire_t sends = s_decoded ();
    ck_assert_uint_eq (wire_bytes (&sends, WIRE_F_ROWS).size, PARCEL_BYTES);
}
END_TEST

START_TEST (text_that_makes_no_row_goes_alone)
{
    static const size_t SIZES[] = {PARCEL_BYTES - ROW + 1, 65535};
    ck_assert (s_add_text (1, SIZES[_i]));
    ck_assert (!s_add_text (2, 1));
    ck_assert_int_eq (s_decoded ().kind, WIRE_SEND);
    ck_assert_uint_eq (s_decoded ().tag, 1);
}
END_TEST

START_TEST (frame_has_a_limit_of_rows)
{
    for (uint32_t i = 1; i <= WIRE_UNANSWERED; i++)
        ck_assert (s_add_text (i, 1));
    ck_assert (!s_add_text (WIRE_UNANSWERED + 1, 1));
    ck_assert_int_eq (s_rows (), WIRE_UNANSWERED);
}
END_TEST

// ---- Out of an outbox

typedef struct {
    int calls;
    outbox_answer_t answer;
    uint64_t seq;
} told_t;

static void s_tell (void *arg, const outbox_answer_t *answer)
{
    told_t *told = arg;
    told->calls++;
    told->answer = *answer;
    told->answer.reply = NULL;
    if (answer->result == OUTBOX_ANSWERED)
        told->seq = wire_number (answer->reply, WIRE_F_SEQ);
}

static void s_put (wire_kind_t kind, const char *text, told_t *told, int64_t deadline)
{
    wire_t request = wire (kind, 0, &UUID);
    if (text)
        wire_set_bytes (&request, WIRE_F_TEXT, span_of (text));
    ck_assert_int_eq (outbox_put (s_box, &request, deadline, s_tell, told), 0);
}

// Counter and text of each send in the frame, as "1a 2b "; another request's name.
static const char *s_what (void)
{
    static char text[400];
    wire_t message = s_decoded (), row;
    span_t bytes = wire_bytes (&message, WIRE_F_TEXT);
    if (message.kind != WIRE_SEND && message.kind != WIRE_SENDS)
        return wire_message (message.kind)->name;
    text[0] = 0;
    span_t rows = wire_bytes (&message, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    row = message;
    while (message.kind == WIRE_SEND || wire_next_row (&row, WIRE_ROW_SEND, &in) == 1) {
        bytes = wire_bytes (&row, WIRE_F_TEXT);
        ck_assert_uint_ne (wire_number (&row, WIRE_F_TAG), message.tag);
        snprintf (text + strlen (text), sizeof text - strlen (text), "%d%.*s ",
                  (int)wire_number (&row, WIRE_F_COUNTER), (int)bytes.size,
                  (const char *)bytes.data);
        if (message.kind == WIRE_SEND)
            break;
    }
    return text;
}

static void s_fill (int64_t now, size_t count, const char *what)
{
    ck_assert_uint_eq (parcel_fill (s_parcel, s_box, now), count);
    if (count > 0)
        ck_assert_str_eq (s_what (), what);
}

START_TEST (what_goes_together_is_taken_in_its_order)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told, OUTBOX_FOR_EVER);
    s_put (WIRE_SEND, "b", &told, OUTBOX_FOR_EVER);
    s_put (WIRE_WHO, NULL, &told, OUTBOX_FOR_EVER);
    s_put (WIRE_SEND, "c", &told, OUTBOX_FOR_EVER);
    s_put (WIRE_JOIN, NULL, &told, OUTBOX_FOR_EVER);
    s_put (WIRE_SEND, "d", &told, OUTBOX_FOR_EVER);
    s_put (WIRE_SEND, "e", &told, OUTBOX_FOR_EVER);
    s_put (WIRE_LEAVE, NULL, &told, OUTBOX_FOR_EVER);
    s_put (WIRE_SEND, "f", &told, OUTBOX_FOR_EVER);
    s_fill (0, 2, "1a 2b ");
    s_fill (0, 1, "WHO");
    s_fill (0, 1, "3c ");
    s_fill (0, 1, "JOIN");
    s_fill (0, 2, "4d 5e ");
    s_fill (0, 0, NULL); // the leave waits for the answers
    ck_assert_uint_eq (outbox_underway (s_box), 7);
    ck_assert_int_eq (told.calls, 0);
    outbox_close (s_box);
}
END_TEST

START_TEST (refusal_of_the_whole_frame_is_no_rows_answer)
{
    told_t told = {0};
    wire_t error = wire (WIRE_ROW_ERROR, 0, NULL);
    s_put (WIRE_SEND, "a", &told, OUTBOX_FOR_EVER);
    s_put (WIRE_SEND, "b", &told, OUTBOX_FOR_EVER);
    s_fill (0, 2, "1a 2b ");
    uint32_t tag = s_decoded ().tag;
    wire_set (&error, WIRE_F_TAG, tag);
    wire_set (&error, WIRE_F_NUMBER, WIRE_ERR_BAD_REQUEST);
    ck_assert_uint_ne (tag, 0);
    ck_assert (!outbox_answer (s_box, 0, &error));
    ck_assert_int_eq (told.calls, 0);
    outbox_expire (s_box, 2000);
    s_fill (2000, 2, "1a 2b ");
    ck_assert_uint_ne (s_decoded ().tag, tag);
    outbox_close (s_box);
}
END_TEST

START_TEST (unsent_parcel_is_the_next_one_again)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told, 1000);
    s_put (WIRE_SEND, "b", &told, OUTBOX_FOR_EVER);
    s_put (WIRE_SEND, "c", &told, OUTBOX_FOR_EVER);
    s_fill (0, 3, "1a 2b 3c ");
    parcel_unsent (s_parcel, s_box);
    ck_assert_uint_eq (outbox_underway (s_box), 0);
    s_fill (0, 3, "1a 2b 3c ");
    parcel_unsent (s_parcel, s_box);
    // Nobody can have got it.
    outbox_expire (s_box, 1000);
    ck_assert_int_eq (told.calls, 1);
    ck_assert_int_eq (told.answer.result, OUTBOX_TIMEOUT);
    ck_assert (!told.answer.may_be_stored);
    outbox_close (s_box);
    ck_assert_int_eq (told.calls, 3);
    ck_assert (!told.answer.may_be_stored);
}
END_TEST

START_TEST (unsent_repeats_are_repeated_later)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told, OUTBOX_FOR_EVER);
    s_put (WIRE_SEND, "b", &told, OUTBOX_FOR_EVER);
    s_fill (0, 2, "1a 2b ");
    outbox_expire (s_box, 2000);
    s_put (WIRE_SEND, "c", &told, OUTBOX_FOR_EVER);
    s_fill (2000, 3, "1a 2b 3c ");
    parcel_unsent (s_parcel, s_box);
    ck_assert_uint_eq (outbox_underway (s_box), 2);
    s_fill (2000, 3, "1a 2b 3c ");
    s_fill (2000, 0, NULL);
    outbox_close (s_box);
    ck_assert_int_eq (told.calls, 3);
    ck_assert (told.answer.may_be_stored);
}
END_TEST

// ---- A socket that is full at times, connections that break, answers that are lost

typedef struct {
    int stored;
    uint64_t last; // counter
    int texts[SENDS];
    wire_t answers[2 * WIRE_UNANSWERED];
    size_t answered;
} model_t;

static void s_serve (model_t *self, const wire_t *send)
{
    uint64_t counter = wire_number (send, WIRE_F_COUNTER);
    char text[16] = "";
    wire_t *answer = &self->answers[self->answered++];
    memcpy (text, wire_bytes (send, WIRE_F_TEXT).data, wire_bytes (send, WIRE_F_TEXT).size);
    if (counter == self->last + 1) {
        ck_assert_int_lt (self->stored, SENDS);
        self->texts[self->stored++] = atoi (text);
        self->last++;
    }
    *answer = wire (counter > self->last ? WIRE_ROW_ERROR : WIRE_ROW_ACK, 0, NULL);
    wire_set (answer, WIRE_F_TAG,
              send->kind == WIRE_SEND ? send->tag : wire_number (send, WIRE_F_TAG));
    if (answer->kind == WIRE_ROW_ERROR)
        wire_set (answer, WIRE_F_NUMBER, WIRE_ERR_OUT_OF_ORDER);
    else
        wire_set (answer, WIRE_F_SEQ, counter);
}

static void s_serve_frame (model_t *self)
{
    wire_t message = s_decoded (), row;
    span_t rows = wire_bytes (&message, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    if (message.kind == WIRE_SEND)
        s_serve (self, &message);
    while (message.kind == WIRE_SENDS && wire_next_row (&row, WIRE_ROW_SEND, &in) == 1)
        s_serve (self, &row);
}

START_TEST (nothing_is_lost_or_doubled_whatever_happens)
{
    static model_t model;
    static told_t told[SENDS];
    dice_t chance = dice_new ("parcel");
    int64_t now = 0;
    int put = 0, frames = 0;
    for (; outbox_count (s_box) > 0 || put < SENDS; now += (int64_t)dice (&chance, 3000)) {
        for (size_t i = dice (&chance, 40); i > 0 && put < SENDS; i--, put++) {
            char text[16];
            snprintf (text, sizeof text, "%d", put);
            s_put (WIRE_SEND, text, &told[put], OUTBOX_FOR_EVER);
        }
        outbox_expire (s_box, now);
        model.answered = 0;
        while (parcel_fill (s_parcel, s_box, now) > 0) {
            if (dice (&chance, 3) == 0) {
                parcel_unsent (s_parcel, s_box);
                break;
            }
            frames++;
            if (dice (&chance, 8) > 0) // else it breaks with this on its way
                s_serve_frame (&model);
        }
        for (size_t i = 0; i < model.answered; i++)
            if (dice (&chance, 8) > 0)
                outbox_answer (s_box, now, &model.answers[i]);
        if (dice (&chance, 3) == 0)
            outbox_lost (s_box);
    }
    ck_assert_int_eq (model.stored, SENDS);
    ck_assert_int_lt (frames, SENDS / 2);
    for (int i = 0; i < SENDS; i++) {
        ck_assert_int_eq (model.texts[i], i);
        ck_assert_int_eq (told[i].calls, 1);
        ck_assert_int_eq (told[i].answer.result, OUTBOX_ANSWERED);
        ck_assert_uint_eq (told[i].seq, (uint64_t)i + 1);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("parcel");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, one_request_leaves_as_it_is);
    tcase_add_test (cases, sends_leave_in_one_frame);
    tcase_add_loop_test (cases, other_requests_do_not_go_with_sends, 0, 4);
    tcase_add_test (cases, frame_has_a_limit_of_bytes);
    tcase_add_loop_test (cases, text_that_makes_no_row_goes_alone, 0, 2);
    tcase_add_test (cases, frame_has_a_limit_of_rows);
    tcase_add_test (cases, what_goes_together_is_taken_in_its_order);
    tcase_add_test (cases, refusal_of_the_whole_frame_is_no_rows_answer);
    tcase_add_test (cases, unsent_parcel_is_the_next_one_again);
    tcase_add_test (cases, unsent_repeats_are_repeated_later);
    tcase_add_test (cases, nothing_is_lost_or_doubled_whatever_happens);
    return kit_run (cases, "parcel");
}
