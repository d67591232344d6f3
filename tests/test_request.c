#include "common/request.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static request_t *s_new (wire_kind_t kind)
{
    guid_t uuid = {{7}};
    wire_t message = wire (kind, 55, &uuid);
    if (kind == WIRE_SEND)
        wire_set_bytes (&message, WIRE_F_TEXT, span_of ("hi"));
    if (kind == WIRE_PAGE)
        wire_set (&message, WIRE_F_LIMIT, 5);
    request_t *self = request_new (&message);
    ck_assert_ptr_nonnull (self);
    return self;
}

START_TEST (written_with_what_it_has_now)
{
    request_t *self = s_new (WIRE_SEND);
    uint8_t bytes[200];
    for (uint32_t i = 1; i < 4; i++) {
        self->tag = 100 + i;
        self->send.counter = i;
        self->send.random = 7 * i;
        self->send.device[0] = (uint8_t)i;
        writer_t out = writer (bytes, sizeof bytes);
        request_write (self, &out);
        ck_assert (!out.failed);
        wire_t message;
        ck_assert_int_eq (wire_decode (&message, span (bytes, writer_used (&out))), 0);
        ck_assert_uint_eq (message.tag, 100 + i);
        ck_assert_uint_eq (message.uuid.bytes[0], 7);
        ck_assert_uint_eq (wire_number (&message, WIRE_F_COUNTER), i);
        ck_assert_uint_eq (wire_number (&message, WIRE_F_RANDOM), 7 * i);
        ck_assert_uint_eq (wire_bytes (&message, WIRE_F_DEVICE).data[0], i);
        ck_assert (span_equal (wire_bytes (&message, WIRE_F_TEXT), span_of ("hi")));
    }
    request_destroy (&self);
    ck_assert_ptr_null (self);
}
END_TEST

START_TEST (too_large_is_refused)
{
    char *text = malloc (70000);
    memset (text, 'x', 70000);
    wire_t message = wire (WIRE_TOPIC, 0, NULL);
    wire_set_bytes (&message, WIRE_F_TEXT, span (text, 70000));
    errno = 0;
    ck_assert_ptr_null (request_new (&message));
    ck_assert_int_eq (errno, EMSGSIZE);
    free (text);
}
END_TEST

START_TEST (answers_fit_their_requests)
{
    static const struct {
        wire_kind_t request;
        wire_kind_t replies[5];
    } table[] = {{WIRE_JOIN, {WIRE_ROW_ACK, WIRE_ROW_ERROR}},
                 {WIRE_SEND, {WIRE_ROW_ACK, WIRE_ROW_ERROR}},
                 {WIRE_WHO, {WIRE_MEMBERS, WIRE_ROW_ERROR}},
                 {WIRE_PING, {WIRE_PONG, WIRE_LOST, WIRE_ROW_ERROR}},
                 {WIRE_PAGE, {WIRE_RECORDS, WIRE_GAP, WIRE_LOST, WIRE_ROW_ERROR}}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        request_t *self = s_new (table[i].request);
        for (int kind = 0; kind < 256; kind++) {
            bool fits = false;
            for (int j = 0; table[i].replies[j]; j++)
                fits = fits || (int)table[i].replies[j] == kind;
            ck_assert_int_eq (request_fits (self, (wire_kind_t)kind), fits);
        }
        request_destroy (&self);
    }
}
END_TEST

START_TEST (only_a_send_has_a_device)
{
    uint8_t bytes[200], device[RECORD_DEVICE] = {3}, other[RECORD_DEVICE] = {4};
    request_t *send = s_new (WIRE_SEND), *page = s_new (WIRE_PAGE);
    send->send.device[0] = page->send.device[0] = 3;
    ck_assert (!request_sent_with (send, device)); // it has no counter yet
    send->send.counter = page->send.counter = 1;
    ck_assert (request_sent_with (send, device));
    ck_assert (!request_sent_with (send, other));
    ck_assert (!request_sent_with (page, device));
    page->tag = 9;
    writer_t out = writer (bytes, sizeof bytes);
    request_write (page, &out);
    wire_t message;
    ck_assert_int_eq (wire_decode (&message, span (bytes, writer_used (&out))), 0);
    ck_assert_uint_eq (message.tag, 9);
    ck_assert_uint_eq (wire_number (&message, WIRE_F_LIMIT), 5);
    request_destroy (&send);
    request_destroy (&page);
}
END_TEST

// Up to the floor all that was sent with the device has its answer.
START_TEST (floor_is_below_the_lowest_counter_of_the_device)
{
    uint8_t device[RECORD_DEVICE] = {3}, other[RECORD_DEVICE] = {4};
    request_t *slots[] = {NULL, s_new (WIRE_SEND), s_new (WIRE_PAGE), s_new (WIRE_SEND),
                          NULL, s_new (WIRE_SEND), s_new (WIRE_SEND)};
    size_t count = sizeof slots / sizeof slots[0];
    ck_assert_uint_eq (request_floor (slots, count, device, 50), 50); // none has a counter
    ck_assert_uint_eq (request_floor (slots, 0, device, 50), 50);
    slots[1]->send = (record_send_t){.device = {3}, .counter = 20};
    slots[2]->send = (record_send_t){.device = {3}, .counter = 2}; // only a SEND has one
    slots[3]->send = (record_send_t){.device = {3}, .counter = 10};
    slots[5]->send = (record_send_t){.device = {3}, .counter = 30};
    slots[6]->send = (record_send_t){.device = {4}, .counter = 5};
    ck_assert_uint_eq (request_floor (slots, count, device, 50), 9);
    ck_assert_uint_eq (request_floor (slots, count, device, 10), 9);
    ck_assert_uint_eq (request_floor (slots, count, device, 9), 9); // all are above it
    ck_assert_uint_eq (request_floor (slots, count, device, 7), 7);
    ck_assert_uint_eq (request_floor (slots, 3, device, 50), 19); // the first places alone
    ck_assert_uint_eq (request_floor (slots, count, other, 50), 4);
    slots[3]->send.counter = 1;
    ck_assert_uint_eq (request_floor (slots, count, device, 50), 0);
    for (size_t slot = 0; slot < count; slot++)
        request_destroy (&slots[slot]);
}
END_TEST

START_TEST (first_in_order_is_repeated_first)
{
    static const uint64_t orders[] = {9, 5, 0, 7, 3, 8};
    request_t *slots[6] = {NULL};
    size_t count = sizeof slots / sizeof slots[0];
    ck_assert_ptr_null (request_first_repeat (slots, count));
    for (size_t slot = 0; slot < count; slot++) {
        if (slot == 2)
            continue;
        slots[slot] = s_new (WIRE_WHO);
        slots[slot]->order = orders[slot];
    }
    ck_assert_ptr_null (request_first_repeat (slots, count)); // none waits for that
    slots[0]->repeat = slots[1]->repeat = slots[3]->repeat = slots[5]->repeat = true;
    ck_assert_ptr_eq (request_first_repeat (slots, count), slots[1]); // 3 is not to be repeated
    ck_assert_ptr_eq (request_first_repeat (slots, 1), slots[0]);
    slots[1]->repeat = false;
    ck_assert_ptr_eq (request_first_repeat (slots, count), slots[3]);
    slots[4]->repeat = true;
    ck_assert_ptr_eq (request_first_repeat (slots, count), slots[4]);
    for (size_t slot = 0; slot < count; slot++)
        request_destroy (&slots[slot]);
}
END_TEST

START_TEST (what_was_sent_before_may_be_stored_though_it_waits_again)
{
    request_t *self = s_new (WIRE_SEND);
    self->uncertain = true;
    ck_assert (request_may_be_stored (self, OUTBOX_TIMEOUT));
    self->uncertain = false;
    ck_assert (!request_may_be_stored (self, OUTBOX_TIMEOUT));
    self->tag = 7;
    ck_assert (request_may_be_stored (self, OUTBOX_TIMEOUT));
    request_destroy (&self);
}
END_TEST

START_TEST (fate_of_what_was_not_answered)
{
    request_t *self = s_new (WIRE_SEND);
    ck_assert (!request_may_be_stored (self, OUTBOX_TIMEOUT)); // never sent
    self->tag = 5;
    ck_assert (request_may_be_stored (self, OUTBOX_TIMEOUT));
    ck_assert (request_may_be_stored (self, OUTBOX_CLOSED));
    ck_assert (!request_may_be_stored (self, OUTBOX_ANSWERED));
    self->error = WIRE_ERR_NOT_MEMBER;
    ck_assert (!request_may_be_stored (self, OUTBOX_REFUSED));
    self->uncertain = true;
    ck_assert (request_may_be_stored (self, OUTBOX_REFUSED));
    self->error = WIRE_ERR_TOO_LONG; // it never can have been
    ck_assert (!request_may_be_stored (self, OUTBOX_REFUSED));
    self->kind = WIRE_WHO;
    ck_assert (!request_may_be_stored (self, OUTBOX_TIMEOUT));
    request_destroy (&self);
}
END_TEST

START_TEST (list_is_in_order_however_it_was_filled)
{
    requests_t list = {NULL, NULL};
    request_t *items[50];
    for (uint64_t i = 0; i < 50; i++) {
        items[i] = s_new (WIRE_WHO);
        items[i]->order = i * 17 % 50;
        requests_insert (&list, items[i]);
    }
    requests_remove (&list, items[3]);
    requests_insert (&list, items[3]);
    request_t *item;
    for (uint64_t order = 0; (item = requests_shift (&list)); order++) {
        ck_assert_uint_eq (item->order, order);
        request_destroy (&item);
    }
    ck_assert_ptr_null (list.head);
    ck_assert_ptr_null (list.tail);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("request");
    tcase_add_test (cases, written_with_what_it_has_now);
    tcase_add_test (cases, too_large_is_refused);
    tcase_add_test (cases, answers_fit_their_requests);
    tcase_add_test (cases, only_a_send_has_a_device);
    tcase_add_test (cases, floor_is_below_the_lowest_counter_of_the_device);
    tcase_add_test (cases, first_in_order_is_repeated_first);
    tcase_add_test (cases, what_was_sent_before_may_be_stored_though_it_waits_again);
    tcase_add_test (cases, fate_of_what_was_not_answered);
    tcase_add_test (cases, list_is_in_order_however_it_was_filled);
    Suite *suite = suite_create ("request");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
