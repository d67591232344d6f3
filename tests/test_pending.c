#include "daemons/group/pending.h"

#include "tests/kit.h"

static pending_t *s_request (uint32_t tag, size_t body)
{
    pending_t *request = pending_new ();
    frame_close (&request->frame);
    ck_assert_int_eq (zmq_msg_init_size (&request->frame.body, body), 0);
    request->tag = tag;
    return request;
}

static void s_holds (pending_queue_t *queue, const uint32_t *tags, size_t count)
{
    ck_assert_uint_eq (queue->count, count);
    size_t bytes = 0, at = 0;
    pending_t *last = NULL;
    for (pending_t *one = queue->first; one; one = one->next, at++) {
        ck_assert_uint_lt (at, count);
        ck_assert_uint_eq (one->tag, tags[at]);
        bytes += pending_size (one);
        last = one;
    }
    ck_assert_uint_eq (at, count);
    ck_assert_ptr_eq (queue->last, last);
    ck_assert_uint_eq (queue->bytes, bytes);
}

static void s_add (pending_queue_t *queue, uint32_t from, uint32_t to)
{
    for (uint32_t tag = from; tag <= to; tag++)
        pending_queue_add (queue, s_request (tag, tag * 10));
}

START_TEST (new_request_is_empty)
{
    pending_t *request = pending_new ();
    ck_assert_ptr_null (request->peer);
    ck_assert (!request->appended && !request->legacy);
    ck_assert_int_eq (request->error, WIRE_ERR_NONE);
    ck_assert_uint_eq (frame_body (&request->frame).size, 0);
    pending_destroy (&request);
    ck_assert_ptr_null (request);
    pending_destroy (&request);
}
END_TEST

START_TEST (size_counts_the_frame)
{
    pending_t *small = s_request (1, 0), *large = s_request (2, 70000);
    ck_assert_uint_ge (pending_size (small), sizeof *small);
    ck_assert_uint_eq (pending_size (large) - pending_size (small), 70000);
    pending_destroy (&small);
    pending_destroy (&large);
}
END_TEST

START_TEST (request_holds_its_peer)
{
    route_t route = {.size = 1};
    peer_t *peer = peer_new (0, &route);
    pending_t *request = pending_new ();
    request->peer = peer;
    peer_hold (peer);
    ck_assert_uint_eq (peer->holds, 2);
    pending_destroy (&request);
    ck_assert_uint_eq (peer->holds, 1);
    peer_release (&peer);
}
END_TEST

// The parts of one that came with several point into its frame: it lives as long as any of them.
START_TEST (parts_hold_the_whole)
{
    pending_t *whole = s_request (1, 100), *kept = whole;
    whole->proved = true;
    whole->who = (guid_t){{5}};
    pending_t *one = pending_part (whole), *two = pending_part (whole);
    one->text = span (frame_body (&whole->frame).data, 10);
    ck_assert (one->proved && guid_equal (&one->who, &whole->who));
    ck_assert_uint_eq (pending_size (one), sizeof *one);
    ck_assert_uint_eq (pending_shared (), sizeof *one + 100); // once
    pending_destroy (&whole);
    ck_assert_ptr_null (whole);
    ck_assert_uint_eq (frame_body (&kept->frame).size, 100);
    pending_destroy (&one);
    ck_assert_uint_eq (frame_body (&kept->frame).size, 100);
    ck_assert_uint_eq (pending_shared (), sizeof *one + 100);
    pending_destroy (&two);
    ck_assert_uint_eq (pending_shared (), 0);
}
END_TEST

START_TEST (queue_gives_in_order)
{
    pending_queue_t queue = {0};
    ck_assert_ptr_null (pending_queue_take (&queue));
    s_add (&queue, 1, 3);
    s_holds (&queue, (const uint32_t[]){1, 2, 3}, 3);
    for (uint32_t tag = 1; tag <= 3; tag++) {
        pending_t *request = pending_queue_take (&queue);
        ck_assert_uint_eq (request->tag, tag);
        pending_destroy (&request);
    }
    s_holds (&queue, NULL, 0);
    ck_assert_ptr_null (pending_queue_take (&queue));
    s_add (&queue, 7, 8); // again, after it was empty
    s_holds (&queue, (const uint32_t[]){7, 8}, 2);
    pending_queue_clear (&queue);
    s_holds (&queue, NULL, 0);
    pending_queue_clear (&queue);
}
END_TEST

START_TEST (prepended_come_first_in_their_own_order)
{
    pending_queue_t queue = {0}, other = {0};
    pending_queue_prepend (&queue, &other); // nothing to nothing
    s_holds (&queue, NULL, 0);
    s_add (&other, 1, 2);
    pending_queue_prepend (&queue, &other); // to nothing
    s_holds (&queue, (const uint32_t[]){1, 2}, 2);
    s_holds (&other, NULL, 0);
    pending_queue_prepend (&queue, &other); // nothing
    s_holds (&queue, (const uint32_t[]){1, 2}, 2);
    s_add (&queue, 3, 3);
    s_add (&other, 8, 9);
    pending_queue_prepend (&queue, &other);
    s_holds (&queue, (const uint32_t[]){8, 9, 1, 2, 3}, 5);
    s_holds (&other, NULL, 0);
    s_add (&other, 5, 5); // both go on living
    s_add (&queue, 4, 4);
    s_holds (&queue, (const uint32_t[]){8, 9, 1, 2, 3, 4}, 6);
    s_holds (&other, (const uint32_t[]){5}, 1);
    pending_queue_clear (&queue);
    pending_queue_clear (&other);
}
END_TEST

START_TEST (request_taken_from_one_queue_can_stand_in_another)
{
    pending_queue_t queue = {0}, other = {0};
    s_add (&queue, 1, 3);
    pending_queue_add (&other, pending_queue_take (&queue));
    s_holds (&queue, (const uint32_t[]){2, 3}, 2);
    s_holds (&other, (const uint32_t[]){1}, 1);
    pending_queue_clear (&queue);
    s_holds (&other, (const uint32_t[]){1}, 1);
    pending_queue_clear (&other);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("pending");
    tcase_add_test (cases, new_request_is_empty);
    tcase_add_test (cases, size_counts_the_frame);
    tcase_add_test (cases, request_holds_its_peer);
    tcase_add_test (cases, parts_hold_the_whole);
    tcase_add_test (cases, queue_gives_in_order);
    tcase_add_test (cases, prepended_come_first_in_their_own_order);
    tcase_add_test (cases, request_taken_from_one_queue_can_stand_in_another);
    return kit_run (cases, "pending");
}
