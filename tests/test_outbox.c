#include "common/outbox.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROOM = 4096 };

// What was told to the callbacks of this test.
typedef struct {
    int calls;
    outbox_answer_t answer; // of the last call; its reply is gone
    uint64_t seq;
} told_t;

static outbox_t *s_box;
static uint8_t s_frame[ROOM];
static int s_devices; // taken from s_device

static int s_device (void *arg, uint8_t device[RECORD_DEVICE], uint64_t *last)
{
    (void)arg;
    memset (device, 0, RECORD_DEVICE);
    device[0] = (uint8_t)++s_devices;
    *last = s_devices == 1 ? 10 : 0;
    return 0;
}

static void s_setup (void)
{
    s_devices = 0;
    s_box = outbox_new (s_device, NULL);
    ck_assert_ptr_nonnull (s_box);
}

static void s_teardown (void)
{
    outbox_destroy (&s_box);
}

static void s_told (void *arg, const outbox_answer_t *answer)
{
    told_t *told = arg;
    told->calls++;
    told->answer = *answer;
    told->seq = answer->reply && answer->reply->kind == WIRE_ROW_ACK
                    ? wire_number (answer->reply, WIRE_F_SEQ)
                    : 0;
    told->answer.reply = NULL;
}

static void s_put_until (wire_kind_t kind, const char *text, told_t *told, int64_t deadline)
{
    guid_t uuid = {{7}};
    wire_t request = wire (kind, 99, &uuid);
    if (text)
        wire_set_bytes (&request, WIRE_F_TEXT, span_of (text));
    ck_assert_int_eq (outbox_put (s_box, &request, deadline, s_told, told), 0);
}

static void s_put (wire_kind_t kind, const char *text, told_t *told)
{
    s_put_until (kind, text, told, OUTBOX_FOR_EVER);
}

// The next frame out, decoded; kind 0 when there is none.
static wire_t s_next (int64_t now)
{
    wire_t request = wire (0, 0, NULL);
    writer_t out = writer (s_frame, sizeof s_frame);
    if (outbox_next (s_box, now, &out)) {
        ck_assert (!out.failed);
        ck_assert_int_eq (wire_decode (&request, span (s_frame, writer_used (&out))), 0);
        ck_assert_uint_ne (request.tag, 0);
    }
    return request;
}

static wire_t s_next_send (int64_t now, const char *text)
{
    wire_t request = s_next (now);
    ck_assert_int_eq (request.kind, WIRE_SEND);
    ck_assert (span_equal (wire_bytes (&request, WIRE_F_TEXT), span_of (text)));
    return request;
}

static bool s_ack (uint32_t tag, uint64_t seq)
{
    wire_t row = wire (WIRE_ROW_ACK, 0, NULL);
    wire_set (&row, WIRE_F_TAG, tag);
    wire_set (&row, WIRE_F_SEQ, seq);
    return outbox_answer (s_box, 0, &row);
}

static bool s_error (int64_t now, uint32_t tag, wire_error_t error, uint64_t wait)
{
    wire_t row = wire (WIRE_ROW_ERROR, 0, NULL);
    wire_set (&row, WIRE_F_TAG, tag);
    wire_set (&row, WIRE_F_NUMBER, error);
    if (wait)
        wire_set (&row, WIRE_F_WAIT, wait);
    return outbox_answer (s_box, now, &row);
}

static uint64_t s_counter (const wire_t *request)
{
    return wire_number (request, WIRE_F_COUNTER);
}

static uint8_t s_device_of (const wire_t *request)
{
    return wire_bytes (request, WIRE_F_DEVICE).data[0];
}

START_TEST (requests_go_out_in_order_and_are_answered_once)
{
    told_t one = {0}, two = {0};
    s_put (WIRE_SEND, "one", &one);
    s_put (WIRE_TOPIC, "two", &two);
    ck_assert_uint_eq (outbox_count (s_box), 2);
    wire_t first = s_next_send (0, "one");
    wire_t second = s_next (0);
    ck_assert_int_eq (second.kind, WIRE_TOPIC);
    ck_assert_int_eq (s_next (0).kind, 0);
    ck_assert_uint_ne (first.tag, second.tag);
    ck_assert_uint_eq (first.uuid.bytes[0], 7);
    ck_assert_uint_eq (outbox_underway (s_box), 2);
    ck_assert (s_ack (second.tag, 6));
    ck_assert (s_ack (first.tag, 5));
    ck_assert (!s_ack (first.tag, 7));
    ck_assert_int_eq (one.calls, 1);
    ck_assert_int_eq (one.answer.result, OUTBOX_ANSWERED);
    ck_assert_uint_eq (one.seq, 5);
    ck_assert_uint_eq (two.seq, 6);
    ck_assert_uint_eq (outbox_count (s_box), 0);
}
END_TEST

START_TEST (sends_are_counted_from_the_devices_last)
{
    told_t told = {0};
    uint8_t device[RECORD_DEVICE];
    uint64_t last;
    ck_assert (!outbox_device (s_box, device, &last));
    s_put (WIRE_SEND, "a", &told);
    s_put (WIRE_SEND, "b", &told);
    wire_t a = s_next_send (0, "a"), b = s_next_send (0, "b");
    ck_assert_uint_eq (s_counter (&a), 11);
    ck_assert_uint_eq (s_counter (&b), 12);
    ck_assert_uint_ne (wire_number (&a, WIRE_F_RANDOM), wire_number (&b, WIRE_F_RANDOM));
    ck_assert (outbox_device (s_box, device, &last));
    ck_assert_uint_eq (last, 12);
    ck_assert_uint_eq (device[0], 1);
}
END_TEST

START_TEST (broken_connection_repeats_in_order_with_the_same_names)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    s_put (WIRE_SEND, "b", &told);
    s_put (WIRE_SEND, "c", &told);
    wire_t a = s_next_send (0, "a"), b = s_next_send (0, "b");
    uint64_t random = wire_number (&a, WIRE_F_RANDOM);
    s_ack (b.tag, 2);
    outbox_lost (s_box);
    ck_assert (!s_ack (a.tag, 1)); // an old connection's answer
    wire_t again = s_next_send (0, "a");
    ck_assert_uint_ne (again.tag, a.tag);
    ck_assert_uint_eq (s_counter (&again), 11);
    ck_assert_uint_eq (wire_number (&again, WIRE_F_RANDOM), random);
    wire_t c = s_next_send (0, "c");
    ck_assert_uint_eq (s_counter (&c), 13);
    ck_assert_int_eq (s_next (0).kind, 0);
    ck_assert_int_eq (told.calls, 1);
}
END_TEST

START_TEST (old_connections_answers_never_count)
{
    told_t told = {0};
    s_put (WIRE_TOPIC, "t", &told);
    uint32_t tags[100];
    for (int i = 0; i < 100; i++) {
        tags[i] = s_next (0).tag;
        for (int old = 0; old < i; old++)
            ck_assert (!s_ack (tags[old], 1));
        outbox_lost (s_box);
    }
    ck_assert_int_eq (told.calls, 0);
}
END_TEST

START_TEST (no_more_are_under_way_than_a_session_may_have)
{
    told_t told = {0};
    for (int i = 0; i < 1500; i++)
        s_put (WIRE_SEND, "x", &told);
    size_t sent = 0;
    uint32_t first = 0;
    wire_t request;
    while ((request = s_next (0)).kind) {
        first = first ? first : request.tag;
        sent++;
    }
    ck_assert_uint_le (sent, WIRE_UNANSWERED);
    ck_assert_uint_ge (sent, 1000);
    ck_assert_uint_eq (outbox_underway (s_box), sent);
    s_ack (first, 1);
    ck_assert_int_eq (s_next (0).kind, WIRE_SEND);
    ck_assert_int_eq (s_next (0).kind, 0);
}
END_TEST

START_TEST (busy_waits_as_long_as_the_server_says_and_holds_up_what_is_behind)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    s_put (WIRE_SEND, "b", &told);
    s_put (WIRE_WHO, NULL, &told);
    wire_t a = s_next_send (0, "a"), b = s_next_send (0, "b");
    ck_assert (s_error (1000, a.tag, WIRE_ERR_BUSY, 300));
    ck_assert (!s_error (1000, b.tag, WIRE_ERR_OUT_OF_ORDER, 0)); // it was pulled back
    ck_assert_int_eq (s_next (1000).kind, WIRE_WHO);              // reads are not held up
    ck_assert_int_eq (s_next (1299).kind, 0);
    ck_assert_int_eq (outbox_wake (s_box), 1300);
    wire_t a2 = s_next_send (1300, "a"), b2 = s_next_send (1300, "b");
    ck_assert_uint_eq (s_counter (&a2), 11);
    ck_assert_uint_eq (s_counter (&b2), 12);
    s_ack (a2.tag, 1);
    s_ack (b2.tag, 2);
    ck_assert_int_eq (told.calls, 2);
}
END_TEST

START_TEST (rate_waits_as_long_as_the_server_says)
{
    told_t send = {0}, who = {0};
    s_put (WIRE_SEND, "a", &send);
    s_put (WIRE_WHO, NULL, &who);
    uint32_t send_tag = s_next_send (0, "a").tag, who_tag = s_next (0).tag;
    ck_assert (s_error (0, send_tag, WIRE_ERR_RATE, 60000));
    ck_assert (s_error (0, who_tag, WIRE_ERR_RATE, 20000));
    outbox_expire (s_box, 19999);
    ck_assert_int_eq (s_next (19999).kind, 0);
    outbox_expire (s_box, 20000);
    ck_assert_int_eq (s_next (20000).kind, WIRE_WHO);
    ck_assert_int_eq (s_next (59999).kind, 0);
    wire_t again = s_next_send (60000, "a");
    ck_assert_uint_eq (s_counter (&again), 11);
    ck_assert (s_ack (again.tag, 5));
    ck_assert_int_eq (send.calls, 1);
}
END_TEST

// A limit lets some through at a time: no more are sent than that, and those behind have their time
// from the last that went through.
START_TEST (sends_that_a_limit_lets_through_wait_in_line)
{
    enum { SENDS = 400, PATIENCE = 1000 };
    told_t told = {0};
    int64_t now = 1000;
    size_t frames = 0;
    uint64_t tokens = 100, seq = 0;
    s_next (now); // it knows what time it is
    for (int i = 0; i < SENDS; i++)
        s_put_until (WIRE_SEND, "a", &told, now + PATIENCE);
    while (outbox_count (s_box) > 0 && now < 60000) {
        uint32_t tags[SENDS];
        size_t count = 0;
        for (wire_t send; (send = s_next (now)).kind == WIRE_SEND; count++)
            tags[count] = send.tag;
        frames += count;
        for (size_t i = 0; i < count; i++) {
            if (tokens == 0) {
                s_error (now, tags[i], WIRE_ERR_RATE, 10);
                break;
            }
            tokens--;
            wire_t row = wire (WIRE_ROW_ACK, 0, NULL);
            wire_set (&row, WIRE_F_TAG, tags[i]);
            wire_set (&row, WIRE_F_SEQ, ++seq);
            ck_assert (outbox_answer (s_box, now, &row));
        }
        now += 10;
        tokens += now % 20 == 0;
        outbox_expire (s_box, now);
    }
    ck_assert_int_eq (told.calls, SENDS);
    ck_assert_int_eq (told.answer.result, OUTBOX_ANSWERED);
    ck_assert_uint_eq (seq, SENDS);
    ck_assert_int_gt (now, 1000 + 2 * PATIENCE);
    ck_assert_uint_lt (frames, 6 * SENDS); // not all, again and again
}
END_TEST

START_TEST (line_behind_a_limit_that_stands_still_ends)
{
    told_t one = {0}, two = {0};
    s_next (1000);
    s_put_until (WIRE_SEND, "a", &one, 2000);
    s_put_until (WIRE_SEND, "b", &two, 2000);
    wire_t a = s_next_send (1000, "a");
    s_next_send (1000, "b");
    s_error (1000, a.tag, WIRE_ERR_RATE, 60000);
    outbox_expire (s_box, 1999);
    ck_assert_int_eq (one.calls + two.calls, 0);
    outbox_expire (s_box, 2000);
    ck_assert_int_eq (one.calls, 1);
    ck_assert_int_eq (two.answer.result, OUTBOX_TIMEOUT);
    ck_assert_int_eq (two.answer.error, WIRE_ERR_RATE);
}
END_TEST

static void s_put_another (void *arg, const outbox_answer_t *answer)
{
    s_told (arg, answer);
    s_put (WIRE_WHO, NULL, arg);
}

START_TEST (what_a_callback_puts_is_not_refused_with_the_others)
{
    told_t told = {0};
    guid_t uuid = {{7}};
    wire_t request = wire (WIRE_WHO, 0, &uuid);
    outbox_put (s_box, &request, OUTBOX_FOR_EVER, s_put_another, &told);
    outbox_refuse (s_box, WIRE_ERR_NOT_INVITED);
    ck_assert_int_eq (told.calls, 1);
    ck_assert_uint_eq (outbox_count (s_box), 1);
    ck_assert_int_eq (s_next (0).kind, WIRE_WHO);
}
END_TEST

START_TEST (refused_by_those_who_know_the_way_is_the_end_of_what_waits)
{
    told_t one = {0}, two = {0};
    s_put (WIRE_JOIN, NULL, &one);
    s_put (WIRE_WHO, NULL, &two);
    outbox_refuse (s_box, WIRE_ERR_NOT_INVITED);
    ck_assert_int_eq (one.calls, 1);
    ck_assert_int_eq (two.calls, 1);
    ck_assert_int_eq (one.answer.result, OUTBOX_REFUSED);
    ck_assert_int_eq (one.answer.error, WIRE_ERR_NOT_INVITED);
    ck_assert (!one.answer.may_be_stored);
    ck_assert_int_eq (outbox_answer_exit (&one.answer), 1);
    ck_assert_uint_eq (outbox_count (s_box), 0);
    s_put (WIRE_WHO, NULL, &two);
    ck_assert_int_eq (s_next (0).kind, WIRE_WHO);
}
END_TEST

START_TEST (busy_read_is_asked_for_again_and_either_answer_counts)
{
    told_t told = {0};
    s_put (WIRE_WHO, NULL, &told);
    wire_t who = s_next (0);
    ck_assert (s_error (0, who.tag, WIRE_ERR_BUSY, 300));
    outbox_expire (s_box, 299);
    ck_assert_int_eq (s_next (299).kind, 0);
    ck_assert_int_eq (outbox_wake (s_box), 300);
    outbox_expire (s_box, 300);
    wire_t again = s_next (300);
    ck_assert_int_eq (again.kind, WIRE_WHO);
    ck_assert_uint_eq (again.tag, who.tag);
    ck_assert_int_eq (s_next (300).kind, 0);
    ck_assert (s_error (300, who.tag, WIRE_ERR_BUSY, 300)); // the first one is being answered
    wire_t members = wire (WIRE_MEMBERS, who.tag, NULL);
    ck_assert (outbox_answer (s_box, 400, &members));
    ck_assert_int_eq (told.calls, 1);
    outbox_expire (s_box, 5000);
    ck_assert_int_eq (s_next (5000).kind, 0);
}
END_TEST

START_TEST (out_of_order_waits_for_the_one_before)
{
    told_t a_told = {0}, b_told = {0};
    s_put (WIRE_SEND, "a", &a_told);
    s_put (WIRE_SEND, "b", &b_told);
    wire_t a = s_next_send (0, "a"), b = s_next_send (0, "b");
    ck_assert (s_error (0, b.tag, WIRE_ERR_OUT_OF_ORDER, 0));
    ck_assert (s_error (0, a.tag, WIRE_ERR_BUSY, 50));
    ck_assert_int_eq (s_next (49).kind, 0);
    a = s_next_send (50, "a");
    b = s_next_send (50, "b");
    ck_assert_uint_eq (s_counter (&b), 12);
    ck_assert_int_eq (s_device_of (&b), 1);
    ck_assert_int_eq (s_devices, 1);
}
END_TEST

START_TEST (out_of_order_with_nothing_before_takes_a_new_device)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    s_put (WIRE_SEND, "b", &told);
    wire_t a = s_next_send (0, "a"), b = s_next_send (0, "b");
    s_error (0, a.tag, WIRE_ERR_OUT_OF_ORDER, 0);
    ck_assert_int_eq (s_next (0).kind, 0); // b's answer comes first
    s_error (0, b.tag, WIRE_ERR_OUT_OF_ORDER, 0);
    a = s_next_send (0, "a");
    b = s_next_send (0, "b");
    ck_assert_uint_eq (s_counter (&a), 1);
    ck_assert_uint_eq (s_counter (&b), 2);
    ck_assert_int_eq (s_device_of (&b), 2);
    ck_assert_int_eq (told.calls, 0);
}
END_TEST

START_TEST (reused_counter_is_sent_under_a_new_device)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    wire_t a = s_next_send (0, "a");
    outbox_lost (s_box); // REUSED is certain even then: another text has that counter
    a = s_next_send (0, "a");
    s_error (0, a.tag, WIRE_ERR_REUSED, 0);
    a = s_next_send (0, "a");
    ck_assert_int_eq (s_device_of (&a), 2);
    ck_assert_uint_eq (s_counter (&a), 1);
    s_ack (a.tag, 3);
    ck_assert_int_eq (told.calls, 1);
    ck_assert_uint_eq (told.seq, 3);
}
END_TEST

START_TEST (devices_are_not_tried_for_ever)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    int tries = 0;
    for (wire_t a; (a = s_next (0)).kind; tries++)
        s_error (0, a.tag, WIRE_ERR_REUSED, 0);
    ck_assert_int_le (tries, 10);
    ck_assert_int_eq (told.calls, 1);
    ck_assert_int_eq (told.answer.result, OUTBOX_REFUSED);
    ck_assert_int_eq (told.answer.error, WIRE_ERR_REUSED);
}
END_TEST

START_TEST (unknown_device_is_new_at_first_and_doubtful_on_a_repeat)
{
    told_t first = {0}, second = {0};
    s_put (WIRE_SEND, "a", &first);
    wire_t a = s_next_send (0, "a");
    s_error (0, a.tag, WIRE_ERR_UNKNOWN_DEVICE, 0);
    a = s_next_send (0, "a");
    ck_assert_int_eq (s_device_of (&a), 2);
    s_ack (a.tag, 1);
    s_put (WIRE_SEND, "b", &second);
    s_next_send (0, "b");
    outbox_lost (s_box);
    a = s_next_send (0, "b");
    s_error (0, a.tag, WIRE_ERR_UNKNOWN_DEVICE, 0);
    ck_assert_int_eq (second.calls, 1);
    ck_assert_int_eq (second.answer.result, OUTBOX_REFUSED);
    ck_assert (second.answer.may_be_stored);
    ck_assert_int_eq (outbox_answer_exit (&second.answer), 75);
}
END_TEST

START_TEST (refusal_is_final_and_its_counter_is_used_again)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    wire_t a = s_next_send (0, "a");
    s_error (0, a.tag, WIRE_ERR_NOT_MEMBER, 0);
    ck_assert_int_eq (told.calls, 1);
    ck_assert_int_eq (told.answer.error, WIRE_ERR_NOT_MEMBER);
    ck_assert (!told.answer.may_be_stored);
    ck_assert_int_eq (outbox_answer_exit (&told.answer), 1);
    s_put (WIRE_SEND, "b", &told);
    wire_t b = s_next_send (0, "b");
    ck_assert_uint_eq (s_counter (&b), 11);
    ck_assert_int_eq (s_devices, 1);
}
END_TEST

START_TEST (refusal_of_a_repeat_may_be_stored)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    s_put (WIRE_SEND, "b", &told);
    s_next (0);
    s_next (0);
    outbox_lost (s_box);
    wire_t a = s_next_send (0, "a"), b = s_next_send (0, "b");
    s_error (0, a.tag, WIRE_ERR_NOT_MEMBER, 0);
    ck_assert (told.answer.may_be_stored);
    s_error (0, b.tag, WIRE_ERR_BAD_TEXT, 0); // this it can never have been
    ck_assert (!told.answer.may_be_stored);
    s_put (WIRE_SEND, "c", &told);
    wire_t c = s_next_send (0, "c");
    ck_assert_uint_eq (s_counter (&c), 13); // 12 may be known with other bytes
}
END_TEST

START_TEST (timeout_says_whether_it_was_sent)
{
    told_t sent = {0}, unsent = {0}, busy = {0}, late = {0};
    s_put_until (WIRE_SEND, "a", &sent, 100);
    wire_t a = s_next (0);
    s_put_until (WIRE_SEND, "b", &unsent, 100);
    s_put_until (WIRE_SEND, "c", &late, 101);
    ck_assert_int_eq (outbox_wake (s_box), 100);
    outbox_expire (s_box, 100);
    ck_assert_int_eq (sent.calls, 1);
    ck_assert_int_eq (sent.answer.result, OUTBOX_TIMEOUT);
    ck_assert (sent.answer.may_be_stored);
    ck_assert_int_eq (outbox_answer_exit (&sent.answer), 69);
    ck_assert_int_eq (unsent.calls, 1);
    ck_assert (!unsent.answer.may_be_stored);
    ck_assert_int_eq (late.calls, 0);
    ck_assert (!s_ack (a.tag, 1)); // too late
    outbox_expire (s_box, 101);
    s_put_until (WIRE_SEND, "d", &busy, 200);
    a = s_next (101);
    s_error (101, a.tag, WIRE_ERR_BUSY, 1000);
    outbox_expire (s_box, 200);
    ck_assert (!busy.answer.may_be_stored);
    ck_assert_int_eq (busy.answer.error, WIRE_ERR_BUSY);
    ck_assert_int_eq (outbox_answer_exit (&busy.answer), 75);
}
END_TEST

START_TEST (lost_reply_is_repaired_by_a_repeat_with_the_same_tag)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    wire_t a = s_next_send (0, "a");
    outbox_expire (s_box, 500);
    ck_assert_int_eq (s_next (500).kind, 0);
    ck_assert_int_le (outbox_wake (s_box), 5000);
    outbox_expire (s_box, 5000);
    wire_t again = s_next_send (5000, "a");
    ck_assert_uint_eq (again.tag, a.tag);
    ck_assert_uint_eq (s_counter (&again), s_counter (&a));
    ck_assert_uint_eq (wire_number (&again, WIRE_F_RANDOM), wire_number (&a, WIRE_F_RANDOM));
    ck_assert_int_eq (s_next (5000).kind, 0);
    ck_assert (s_ack (a.tag, 1));
    ck_assert (!s_ack (a.tag, 1));
    ck_assert_int_eq (told.calls, 1);
}
END_TEST

// A group knows the last WIRE_UNANSWERED sends of a device; a repeat of an older one is REUSED.
START_TEST (no_send_is_left_behind_further_than_a_group_knows)
{
    told_t told = {0};
    for (int i = 0; i < 3000; i++)
        s_put (WIRE_SEND, "x", &told);
    wire_t lost = s_next_send (0, "x"), other;
    uint64_t last = s_counter (&lost);
    while ((other = s_next (0)).kind) {
        last = s_counter (&other);
        ck_assert (s_ack (other.tag, last));
    }
    ck_assert_uint_lt (last - s_counter (&lost), WIRE_UNANSWERED);
    ck_assert_uint_gt (last - s_counter (&lost), WIRE_UNANSWERED / 2);
    ck_assert (s_ack (lost.tag, 1));
    while ((other = s_next (0)).kind)
        ck_assert (s_ack (other.tag, s_counter (&other)));
    ck_assert_int_eq (told.calls, 3000);
}
END_TEST

START_TEST (refusal_of_a_repeat_on_one_connection_may_be_stored)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    wire_t a = s_next_send (0, "a");
    outbox_expire (s_box, 5000);
    s_next_send (5000, "a");
    s_error (5000, a.tag, WIRE_ERR_NOT_MEMBER, 0);
    ck_assert_int_eq (told.calls, 1);
    ck_assert (told.answer.may_be_stored);
}
END_TEST

START_TEST (stopping_server_is_not_the_end)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    wire_t a = s_next_send (0, "a");
    s_error (0, a.tag, WIRE_ERR_STOPPING, 0);
    ck_assert_int_eq (told.calls, 0);
    outbox_lost (s_box);
    wire_t again = s_next_send (0, "a");
    ck_assert_uint_eq (s_counter (&again), s_counter (&a));
    s_error (0, again.tag, WIRE_ERR_NOT_MEMBER, 0);
    ck_assert (told.answer.may_be_stored);
}
END_TEST

START_TEST (leave_goes_when_everything_before_it_is_answered)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    s_put (WIRE_LEAVE, NULL, &told);
    s_put (WIRE_JOIN, NULL, &told);
    wire_t a = s_next_send (0, "a");
    ck_assert_int_eq (s_next (0).kind, 0);
    s_ack (a.tag, 1);
    wire_t leave = s_next (0);
    ck_assert_int_eq (leave.kind, WIRE_LEAVE);
    ck_assert_int_eq (s_next (0).kind, 0);
    s_ack (leave.tag, 2);
    ck_assert_int_eq (s_next (0).kind, WIRE_JOIN);
}
END_TEST

START_TEST (answers_that_do_not_fit_count_for_nothing)
{
    told_t told = {0};
    s_put (WIRE_WHO, NULL, &told);
    wire_t who = s_next (0);
    ck_assert (!s_ack (who.tag, 1));
    wire_t records = wire (WIRE_RECORDS, who.tag, NULL);
    ck_assert (!outbox_answer (s_box, 0, &records));
    wire_t members = wire (WIRE_MEMBERS, who.tag + 1, NULL);
    ck_assert (!outbox_answer (s_box, 0, &members));
    ck_assert (!s_ack (0, 1));
    for (uint32_t slot = 0; slot < 2048; slot++)
        ck_assert (!s_ack (slot * 0x10001, 1));
    members.tag = who.tag;
    ck_assert (outbox_answer (s_box, 0, &members));
    ck_assert_int_eq (told.calls, 1);
    s_put (WIRE_JOIN, NULL, &told);
    members.tag = s_next (0).tag;
    ck_assert (!outbox_answer (s_box, 0, &members));
}
END_TEST

START_TEST (own_tags_are_nobodys)
{
    told_t told = {0};
    for (int i = 0; i < 5000; i++) {
        uint32_t own = outbox_tag (s_box);
        ck_assert_uint_ne (own, 0);
        ck_assert (!s_ack (own, 1));
        s_put (WIRE_TOPIC, "t", &told);
        wire_t request = s_next (0);
        ck_assert_uint_ne (request.tag, own);
        if (i % 3)
            s_ack (request.tag, 1);
        else if (i % 500 == 0)
            outbox_lost (s_box);
    }
}
END_TEST

START_TEST (unsent_request_is_the_next_one_again)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    s_put (WIRE_SEND, "b", &told);
    wire_t a = s_next_send (0, "a");
    outbox_unsent (s_box, a.tag);
    ck_assert_uint_eq (outbox_underway (s_box), 0);
    wire_t again = s_next_send (0, "a");
    ck_assert_uint_eq (s_counter (&a), s_counter (&again));
    s_error (0, again.tag, WIRE_ERR_NOT_MEMBER, 0);
    ck_assert (!told.answer.may_be_stored);
}
END_TEST

START_TEST (closing_tells_everyone_once)
{
    told_t sent = {0}, waiting = {0}, read = {0};
    s_put (WIRE_SEND, "a", &sent);
    s_put (WIRE_LEAVE, NULL, &waiting);
    s_put (WIRE_WHO, NULL, &read);
    s_next (0);
    outbox_close (s_box);
    ck_assert_int_eq (sent.calls, 1);
    ck_assert_int_eq (sent.answer.result, OUTBOX_CLOSED);
    ck_assert (sent.answer.may_be_stored);
    ck_assert_int_eq (waiting.calls, 1);
    ck_assert (!waiting.answer.may_be_stored);
    ck_assert_int_eq (read.calls, 1);
    wire_t request = wire (WIRE_WHO, 0, NULL);
    ck_assert_int_eq (outbox_put (s_box, &request, 1, s_told, &read), -1);
}
END_TEST

START_TEST (too_large_a_request_is_refused_at_once)
{
    char *text = malloc (70000);
    memset (text, 'x', 70000);
    wire_t request = wire (WIRE_SEND, 0, NULL);
    wire_set_bytes (&request, WIRE_F_TEXT, span (text, 70000));
    ck_assert_int_eq (outbox_put (s_box, &request, 1, s_told, NULL), -1);
    ck_assert_uint_eq (outbox_count (s_box), 0);
    free (text);
}
END_TEST

START_TEST (unsent_requests_go_again_in_their_order)
{
    told_t told = {0};
    const char *texts[] = {"a", "b", "c", "d"};
    uint32_t tags[4];
    for (int i = 0; i < 4; i++)
        s_put (WIRE_SEND, texts[i], &told);
    for (int i = 0; i < 4; i++)
        tags[i] = s_next_send (0, texts[i]).tag;
    outbox_unsent (s_box, tags[2]);
    outbox_unsent (s_box, tags[1]);
    outbox_unsent (s_box, tags[3]);
    outbox_unsent (s_box, tags[3]); // it is not under way any more
    ck_assert_uint_eq (outbox_underway (s_box), 1);
    for (int i = 1; i < 4; i++) {
        wire_t again = s_next_send (0, texts[i]);
        ck_assert_uint_eq (s_counter (&again), 11 + (uint64_t)i);
        ck_assert_uint_ne (again.tag, tags[i]);
    }
    ck_assert_int_eq (s_next (0).kind, 0);
}
END_TEST

START_TEST (unsent_repeat_is_one_again_and_the_first_answer_counts)
{
    told_t told = {0};
    s_put (WIRE_SEND, "a", &told);
    uint32_t tag = s_next_send (0, "a").tag;
    outbox_expire (s_box, 2000);
    ck_assert_uint_eq (s_next_send (2000, "a").tag, tag);
    outbox_unsent (s_box, tag);
    ck_assert_uint_eq (s_next_send (2000, "a").tag, tag);
    ck_assert_int_eq (s_next (2000).kind, 0);
    outbox_unsent (s_box, tag);
    ck_assert (s_ack (tag, 5));
    ck_assert_int_eq (told.calls, 1);
    ck_assert_int_eq (s_next (2000).kind, 0);
}
END_TEST

// ---- A server that refuses, forgets and loses, and what must hold in spite of it

enum { SENDS = 400, MODEL_DEVICES = 200 };

typedef struct {
    uint64_t last[MODEL_DEVICES];
    struct {
        int device;
        uint64_t counter;
        uint64_t random;
        int text;
    } log[2 * SENDS];
    size_t stored;
} model_t;

typedef struct {
    model_t *model;
    int text;
    int calls;
    uint64_t seq;
} sent_t;

static sent_t s_sent[SENDS];

static void s_was_sent (void *arg, const outbox_answer_t *answer)
{
    sent_t *sent = arg;
    sent->calls++;
    ck_assert_int_eq (answer->result, OUTBOX_ANSWERED);
    sent->seq = wire_number (answer->reply, WIRE_F_SEQ);
}

// Returns the error, or NONE and the sequence.
static wire_error_t s_serve (model_t *self, const wire_t *send, uint64_t *seq)
{
    int device = s_device_of (send);
    ck_assert_int_lt (device, MODEL_DEVICES);
    uint64_t counter = s_counter (send), random = wire_number (send, WIRE_F_RANDOM);
    uint64_t *last = &self->last[device];
    if (device == 1 && *last == 0)
        *last = 10;
    for (size_t i = 0; i < self->stored; i++)
        if (self->log[i].device == device && self->log[i].counter == counter) {
            *seq = i + 1;
            return self->log[i].random == random ? WIRE_ERR_NONE : WIRE_ERR_REUSED;
        }
    if (rand () % 10 == 0)
        return WIRE_ERR_BUSY;
    if (rand () % 200 == 0 && device < 100) { // as if a copied home had used it
        if (counter == *last + 1) {
            *last = counter + 2 * SENDS;
            return WIRE_ERR_REUSED;
        }
    }
    if (counter <= *last)
        return WIRE_ERR_REUSED;
    if (counter > *last + 1)
        return WIRE_ERR_OUT_OF_ORDER;
    ck_assert_uint_lt (self->stored, 2 * SENDS);
    *last = counter;
    self->log[self->stored].device = device;
    self->log[self->stored].counter = counter;
    self->log[self->stored].random = random;
    char text[16] = "";
    span_t bytes = wire_bytes (send, WIRE_F_TEXT);
    memcpy (text, bytes.data, bytes.size);
    self->log[self->stored].text = atoi (text);
    *seq = ++self->stored;
    return WIRE_ERR_NONE;
}

typedef struct {
    uint32_t tag;
    wire_error_t error;
    uint64_t seq;
} reply_t;

// One connection's life: some frames out, most of the replies back (in two heaps, as ACK and ERROR
// frames are), then maybe its end.
static void s_connection (model_t *model, int64_t now)
{
    reply_t replies[64];
    int count = 0;
    wire_t request;
    while (count < 1 + rand () % 64 && (request = s_next (now)).kind) {
        reply_t *reply = &replies[count++];
        reply->tag = request.tag;
        reply->error = s_serve (model, &request, &reply->seq);
    }
    for (int heap = 0; heap < 2; heap++)
        for (int i = 0; i < count; i++) {
            if (rand () % 20 == 0 || (replies[i].error == 0) != heap)
                continue; // lost, or of the other heap
            for (int copies = 1 + (rand () % 10 == 0); copies > 0; copies--)
                if (replies[i].error)
                    s_error (now, replies[i].tag, replies[i].error, (uint64_t)(rand () % 5));
                else
                    s_ack (replies[i].tag, replies[i].seq);
        }
    if (rand () % 5 == 0)
        outbox_lost (s_box);
}

START_TEST (every_send_is_stored_once_and_in_order_whatever_the_server_does)
{
    unsigned seed = (unsigned)time (NULL) + (unsigned)_i;
    const char *given = getenv ("TEST_SEED");
    if (given)
        seed = (unsigned)strtoul (given, NULL, 10);
    printf ("seed %u\n", seed);
    srand (seed);
    model_t *model = calloc (1, sizeof *model);
    memset (s_sent, 0, sizeof s_sent);
    for (int i = 0; i < SENDS; i++) {
        char text[16];
        snprintf (text, sizeof text, "%d", i);
        s_sent[i] = (sent_t){model, i, 0, 0};
        wire_t request = wire (WIRE_SEND, 0, NULL);
        wire_set_bytes (&request, WIRE_F_TEXT, span_of (text));
        ck_assert_int_eq (outbox_put (s_box, &request, OUTBOX_FOR_EVER, s_was_sent, &s_sent[i]), 0);
    }
    int64_t now = 0;
    for (int turn = 0; turn < 100000 && outbox_count (s_box) > 0; turn++) {
        outbox_expire (s_box, now);
        s_connection (model, now);
        now += rand () % 50;
    }
    ck_assert_uint_eq (outbox_count (s_box), 0);
    ck_assert_uint_eq (model->stored, SENDS);
    for (int i = 0; i < SENDS; i++) {
        ck_assert_int_eq (model->log[i].text, i);
        ck_assert_int_eq (s_sent[i].calls, 1);
        ck_assert_uint_eq (s_sent[i].seq, (uint64_t)i + 1);
    }
    free (model);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("outbox");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 60);
    tcase_add_test (cases, requests_go_out_in_order_and_are_answered_once);
    tcase_add_test (cases, sends_are_counted_from_the_devices_last);
    tcase_add_test (cases, broken_connection_repeats_in_order_with_the_same_names);
    tcase_add_test (cases, old_connections_answers_never_count);
    tcase_add_test (cases, no_more_are_under_way_than_a_session_may_have);
    tcase_add_test (cases, busy_waits_as_long_as_the_server_says_and_holds_up_what_is_behind);
    tcase_add_test (cases, rate_waits_as_long_as_the_server_says);
    tcase_add_test (cases, sends_that_a_limit_lets_through_wait_in_line);
    tcase_add_test (cases, line_behind_a_limit_that_stands_still_ends);
    tcase_add_test (cases, what_a_callback_puts_is_not_refused_with_the_others);
    tcase_add_test (cases, refused_by_those_who_know_the_way_is_the_end_of_what_waits);
    tcase_add_test (cases, busy_read_is_asked_for_again_and_either_answer_counts);
    tcase_add_test (cases, out_of_order_waits_for_the_one_before);
    tcase_add_test (cases, out_of_order_with_nothing_before_takes_a_new_device);
    tcase_add_test (cases, reused_counter_is_sent_under_a_new_device);
    tcase_add_test (cases, devices_are_not_tried_for_ever);
    tcase_add_test (cases, unknown_device_is_new_at_first_and_doubtful_on_a_repeat);
    tcase_add_test (cases, refusal_is_final_and_its_counter_is_used_again);
    tcase_add_test (cases, refusal_of_a_repeat_may_be_stored);
    tcase_add_test (cases, timeout_says_whether_it_was_sent);
    tcase_add_test (cases, lost_reply_is_repaired_by_a_repeat_with_the_same_tag);
    tcase_add_test (cases, no_send_is_left_behind_further_than_a_group_knows);
    tcase_add_test (cases, refusal_of_a_repeat_on_one_connection_may_be_stored);
    tcase_add_test (cases, stopping_server_is_not_the_end);
    tcase_add_test (cases, leave_goes_when_everything_before_it_is_answered);
    tcase_add_test (cases, answers_that_do_not_fit_count_for_nothing);
    tcase_add_test (cases, own_tags_are_nobodys);
    tcase_add_test (cases, unsent_request_is_the_next_one_again);
    tcase_add_test (cases, unsent_requests_go_again_in_their_order);
    tcase_add_test (cases, unsent_repeat_is_one_again_and_the_first_answer_counts);
    tcase_add_test (cases, closing_tells_everyone_once);
    tcase_add_test (cases, too_large_a_request_is_refused_at_once);
    tcase_add_loop_test (cases, every_send_is_stored_once_and_in_order_whatever_the_server_does, 0,
                         20);
    Suite *suite = suite_create ("outbox");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
