#include "daemons/group/delivery.h"

#include "tests/readers.h"

enum { PAGE = 1 << 20, PLENTY = 4 << 20 };

static void s_is_live (world_t *world, size_t n)
{
    ck_assert_uint_eq (world->readers[n].next, world->head + 1);
    ck_assert (world->readers[n].peer->follows);
}

START_TEST (nobody_follows_at_first)
{
    world_t *world = world_new ();
    ck_assert_uint_eq (delivery_count (world->delivery), 0);
    ck_assert (!delivery_turn (world->delivery, PAGE, 0));
    world_append (world, 3);
    delivery_unfollow (world->delivery, world->readers[0].peer);
    delivery_left (world->delivery, &world->readers[0].who, 3, WIRE_ERR_NOT_MEMBER, NULL, NULL);
    delivery_end (world->delivery, WIRE_ERR_STOPPING);
    ck_assert_uint_eq (world->reads, 0);
    world_destroy (world);
    delivery_t *none = NULL;
    delivery_destroy (&none);
}
END_TEST

START_TEST (readers_at_the_head_share_one_frame)
{
    world_t *world = world_new ();
    world_append (world, 5);
    for (size_t n = 0; n < READERS; n++)
        world_follow (world, n, n % 2 ? 0 : 6, PLENTY);
    for (int job = 1; job <= 3; job++) {
        world_append (world, 2);
        for (size_t n = 0; n < READERS; n++) {
            s_is_live (world, n);
            ck_assert_uint_eq (world->readers[n].frames, job);
            ck_assert_ptr_eq (world->readers[n].last_frame, world->readers[0].last_frame);
        }
    }
    ck_assert_uint_eq (delivery_count (world->delivery), READERS);
    ck_assert_uint_eq (delivery_lagging (world->delivery), 0);
    ck_assert_uint_eq (world->reads, 0); // nothing came from the disk
    world_destroy (world);
}
END_TEST

START_TEST (reader_of_the_past_gets_it_and_then_lives)
{
    world_t *world = world_new ();
    for (int i = 0; i < 50; i++)
        world_append (world, 7);
    world_follow (world, 0, 1, PLENTY);
    world_follow (world, 1, 100, PLENTY); // from a batch's middle
    world_follow (world, 2, 350, PLENTY);
    ck_assert_uint_eq (delivery_lagging (world->delivery), 3);
    world_turns (world, 2000, 0);
    ck_assert_uint_eq (delivery_lagging (world->delivery), 0);
    size_t reads = world->reads;
    world_append (world, 1);
    for (size_t n = 0; n < 3; n++)
        s_is_live (world, n);
    ck_assert_uint_eq (world->reads, reads);
    world_destroy (world);
}
END_TEST

START_TEST (lagging_readers_at_one_place_share_what_was_read)
{
    world_t *world = world_new ();
    for (int i = 0; i < 10; i++)
        world_append (world, 7);
    for (size_t n = 0; n < READERS; n++)
        world_follow (world, n, 1, PLENTY);
    world_turns (world, PAGE, 0);
    ck_assert_uint_eq (world->reads, 1);
    for (size_t n = 0; n < READERS; n++) {
        s_is_live (world, n);
        ck_assert_ptr_eq (world->readers[n].last_frame, world->readers[0].last_frame);
    }
    world_destroy (world);
}
END_TEST

START_TEST (slow_reader_misses_nothing_and_repeats_nothing)
{
    world_t *world = world_new ();
    world_follow (world, 0, 0, PLENTY);
    world_follow (world, 1, 0, PLENTY);
    world_append (world, 3);
    world->readers[0].full = true;
    for (int i = 0; i < 20; i++)
        world_append (world, 3);
    s_is_live (world, 1);
    ck_assert_uint_eq (world->readers[0].frames, 1);
    ck_assert_uint_eq (delivery_lagging (world->delivery), 1);
    world->readers[0].full = false;
    world_turns (world, 500, DELIVERY_RETRY);
    s_is_live (world, 0);
    world_append (world, 3);
    s_is_live (world, 0);
    world_destroy (world);
}
END_TEST

START_TEST (full_queue_is_tried_again_after_10_ms_not_before)
{
    world_t *world = world_new ();
    world_append (world, 3);
    world->readers[0].full = true;
    world_follow (world, 0, 1, PLENTY);
    ck_assert (!delivery_turn (world->delivery, PAGE, 1000));
    ck_assert_uint_eq (world->reads, 1);
    world->readers[0].full = false;
    ck_assert (!delivery_turn (world->delivery, PAGE, 1000 + DELIVERY_RETRY - 1));
    ck_assert_uint_eq (world->readers[0].frames, 0);
    delivery_turn (world->delivery, PAGE, 1000 + DELIVERY_RETRY);
    ck_assert_uint_eq (world->readers[0].frames, 1);
    s_is_live (world, 0);
    world_destroy (world);
}
END_TEST

START_TEST (full_queue_of_one_holds_up_nobody_else)
{
    world_t *world = world_new ();
    world_append (world, 3);
    for (size_t n = 0; n < 5; n++) {
        world->readers[n].full = n != 3;
        world_follow (world, n, 1, PLENTY);
    }
    world_turns (world, PAGE, 0);
    s_is_live (world, 3);
    ck_assert_uint_eq (delivery_lagging (world->delivery), 4);
    world_destroy (world);
}
END_TEST

// ---- Credit

START_TEST (without_credit_nothing_leaves)
{
    world_t *world = world_new ();
    world_append (world, 3);
    world_follow (world, 0, 1, 0);
    world_follow (world, 1, 0, 0);
    world_append (world, 3);
    ck_assert (!delivery_turn (world->delivery, PAGE, 0));
    ck_assert_uint_eq (world->reads, 0); // nothing is read that cannot be sent
    ck_assert_uint_eq (delivery_lagging (world->delivery), 2);
    for (size_t n = 0; n < 2; n++) {
        ck_assert (!delivery_has_credit (world->readers[n].peer));
        delivery_credit (world->readers[n].peer, 1);
        ck_assert (delivery_has_credit (world->readers[n].peer));
    }
    world_turns (world, PAGE, 0);
    ck_assert_uint_eq (world->readers[0].frames, 1);
    ck_assert_uint_eq (world->readers[1].frames, 1);
    world_destroy (world);
}
END_TEST

START_TEST (one_frame_may_overshoot_the_grant)
{
    world_t *world = world_new ();
    for (int i = 0; i < 300; i++)
        world_batch (world, 1, 1000);
    world_durable (world, 0);
    world_follow (world, 0, 1, 5000);
    world_turns (world, PAGE, 0);
    reader_at_t *reader = &world->readers[0];
    ck_assert_uint_ge (reader->bytes, 5000);
    ck_assert_uint_lt (reader->bytes, 5000 + 2000);
    ck_assert_uint_eq (reader->peer->sent, reader->bytes);
    for (uint64_t granted = 6000; granted < 100000; granted += 777) {
        uint64_t before = reader->bytes;
        delivery_credit (reader->peer, granted);
        world_turns (world, PAGE, 0);
        ck_assert (before >= granted ? reader->bytes == before : reader->bytes >= granted);
        ck_assert_uint_lt (reader->bytes, granted + 2000);
    }
    world_destroy (world);
}
END_TEST

START_TEST (large_job_overshoots_once_for_a_reader_at_the_head)
{
    world_t *world = world_new ();
    world_follow (world, 0, 0, 10);
    for (int i = 0; i < 15; i++)
        world_batch (world, 1, 60000);
    world_durable (world, 0);
    reader_at_t *reader = &world->readers[0];
    ck_assert_uint_eq (reader->frames, 1);
    ck_assert (!delivery_has_credit (reader->peer));
    world_append (world, 1);
    ck_assert_uint_eq (reader->frames, 1);
    delivery_credit (reader->peer, reader->bytes + 1);
    world_turns (world, PAGE, 0);
    s_is_live (world, 0);
    world_destroy (world);
}
END_TEST

START_TEST (grant_is_a_running_total_within_a_window)
{
    world_t *world = world_new ();
    peer_t *peer = world->readers[0].peer;
    world_follow (world, 0, 0, UINT64_MAX);
    ck_assert_uint_eq (peer->granted, DELIVERY_WINDOW);
    delivery_credit (peer, 5); // stale: changes nothing
    ck_assert_uint_eq (peer->granted, DELIVERY_WINDOW);
    world_append (world, 9);
    delivery_credit (peer, UINT64_MAX);
    ck_assert_uint_eq (peer->granted, peer->sent + DELIVERY_WINDOW);
    delivery_credit (peer, UINT64_MAX);
    ck_assert_uint_eq (peer->granted, peer->sent + DELIVERY_WINDOW);
    world_follow (world, 0, 0, 100); // a new account
    ck_assert_uint_eq (peer->sent, 0);
    ck_assert_uint_eq (peer->granted, 100);
    delivery_credit (peer, 50);
    ck_assert_uint_eq (peer->granted, 100);
    world_destroy (world);
}
END_TEST

START_TEST (page_is_no_larger_than_the_limit_or_one_batch)
{
    world_t *world = world_new ();
    for (int i = 0; i < 100; i++)
        world_batch (world, 1, 1000);
    world_durable (world, 0);
    world_follow (world, 0, 1, PLENTY);
    world_turns (world, 4096, 0);
    ck_assert_uint_le (world->widest, 4096);
    s_is_live (world, 0);
    world_follow (world, 0, 1, PLENTY);
    world->widest = 0;
    world_turns (world, 10, 0);
    ck_assert_uint_le (world->widest, 1200);
    s_is_live (world, 0);
    world_destroy (world);
}
END_TEST

START_TEST (shared_page_that_is_too_large_for_ones_credit_is_not_for_it)
{
    world_t *world = world_new ();
    for (int i = 0; i < 10; i++)
        world_batch (world, 1, 50000);
    world_durable (world, 0);
    world_follow (world, 0, 1, PLENTY);
    world_follow (world, 1, 1, 1000);
    world_turns (world, PAGE, 0);
    s_is_live (world, 0);
    ck_assert_uint_eq (world->readers[1].frames, 1);
    ck_assert_uint_le (world->readers[1].most, BATCH_MAX + 128);
    world_destroy (world);
}
END_TEST

// ---- Turns

START_TEST (turn_serves_a_mebibyte_and_goes_on_in_the_next)
{
    world_t *world = world_new ();
    for (int i = 0; i < 60; i++)
        world_batch (world, 1, 60000);
    world_durable (world, 0);
    for (size_t n = 0; n < 8; n++)
        world_follow (world, n, n + 1, PLENTY); // at places of their own
    for (bool more = true; more;) {
        uint64_t before = 0, after = 0;
        for (size_t n = 0; n < 8; n++)
            before += world->readers[n].bytes;
        more = delivery_turn (world->delivery, 300000, 0);
        for (size_t n = 0; n < 8; n++)
            after += world->readers[n].bytes;
        ck_assert_uint_le (after - before, DELIVERY_STEP + 300000);
    }
    for (size_t n = 0; n < 8; n++)
        s_is_live (world, n);
    world_destroy (world);
}
END_TEST

START_TEST (readers_take_turns)
{
    world_t *world = world_new ();
    for (int i = 0; i < 60; i++)
        world_batch (world, 1, 60000);
    world_durable (world, 0);
    for (size_t n = 0; n < 6; n++)
        world_follow (world, n, n + 1, PLENTY);
    for (int i = 0; i < 6; i++)
        delivery_turn (world->delivery, PAGE, 0);
    for (size_t n = 0; n < 6; n++)
        ck_assert_uint_ge (world->readers[n].frames, 1);
    world_destroy (world);
}
END_TEST

START_TEST (index_that_is_made_is_waited_for)
{
    world_t *world = world_new ();
    world_append (world, 3);
    world->later = 3;
    world_follow (world, 0, 1, PLENTY);
    for (int i = 0; i < 3; i++) {
        ck_assert (delivery_turn (world->delivery, PAGE, 0));
        ck_assert_uint_eq (world->readers[0].frames, 0);
    }
    world_turns (world, PAGE, 0);
    s_is_live (world, 0);
    world_destroy (world);
}
END_TEST

// ---- Ends

START_TEST (leave_is_the_last_record_then_comes_end)
{
    world_t *world = world_new ();
    world_append (world, 3);
    world_follow (world, 0, 0, PLENTY); // at the head
    world_follow (world, 1, 1, PLENTY); // behind
    world_follow (world, 2, 0, PLENTY); // another's
    for (size_t n = 0; n < 2; n++) {
        world->readers[n].peer->who = world->readers[0].who;
        world->readers[n].until = 5;
    }
    world_batch (world, 2, 10); // 4, and the leave: 5
    world_batch (world, 2, 10); // who left sees no byte of these
    delivery_left (world->delivery, &world->readers[0].who, 5, WIRE_ERR_NOT_MEMBER, NULL, NULL);
    world_durable (world, 0);
    world_turns (world, PAGE, 0);
    for (size_t n = 0; n < 2; n++) {
        ck_assert_uint_eq (world->readers[n].next, 6);
        ck_assert_uint_eq (world->readers[n].ends, 1);
        ck_assert_int_eq (world->readers[n].end, WIRE_ERR_NOT_MEMBER);
        ck_assert (!world->readers[n].peer->follows);
    }
    s_is_live (world, 2);
    ck_assert_uint_eq (delivery_count (world->delivery), 1);
    world_append (world, 1);
    world_destroy (world);
}
END_TEST

START_TEST (nothing_follows_a_leave_at_the_end_of_its_job)
{
    world_t *world = world_new ();
    world_follow (world, 0, 0, PLENTY);
    world->readers[0].until = 2;
    world_batch (world, 2, 10);
    delivery_left (world->delivery, &world->readers[0].who, 2, WIRE_ERR_NOT_MEMBER, NULL, NULL);
    world_durable (world, 0);
    delivery_turn (world->delivery, PAGE, 0);
    ck_assert_uint_eq (world->readers[0].next, 3);
    world_append (world, 3);
    world_turns (world, PAGE, 0);
    ck_assert_uint_eq (world->readers[0].ends, 1);
    world_destroy (world);
}
END_TEST

START_TEST (page_cut_for_one_that_left_is_for_nobody_else)
{
    world_t *world = world_new ();
    world_append (world, 3);
    for (size_t n = 0; n < 4; n++)
        world_follow (world, n, 1, PLENTY);
    world_batch (world, 2, 10);
    world_batch (world, 2, 10);
    for (size_t n = 0; n < 4; n += 3) { // the first that is served, and the last
        world->readers[n].until = 5;
        world->readers[n].full = true; // it stays at its place
        delivery_left (world->delivery, &world->readers[n].who, 5, WIRE_ERR_NOT_MEMBER, NULL, NULL);
    }
    world_durable (world, 0);
    world_turns (world, PAGE, 0);
    s_is_live (world, 1);
    s_is_live (world, 2);
    world->readers[0].full = world->readers[3].full = false;
    world_follow (world, 2, 1, PLENTY);
    world_follow (world, 4, 1, PLENTY);
    world_turns (world, PAGE, DELIVERY_RETRY);
    for (size_t n = 0; n < 4; n += 3) {
        ck_assert_uint_eq (world->readers[n].next, 6);
        ck_assert_uint_eq (world->readers[n].ends, 1);
    }
    s_is_live (world, 2);
    s_is_live (world, 4);
    world_destroy (world);
}
END_TEST

START_TEST (end_waits_for_a_full_queue)
{
    world_t *world = world_new ();
    world_follow (world, 0, 0, PLENTY);
    world->readers[0].until = 2;
    world_batch (world, 2, 10);
    delivery_left (world->delivery, &world->readers[0].who, 2, WIRE_ERR_NOT_MEMBER, NULL, NULL);
    world_durable (world, 0);
    delivery_turn (world->delivery, PAGE, 0); // the leave
    world->readers[0].full = true;
    for (int64_t now = 0; now < 100; now += DELIVERY_RETRY)
        world_turns (world, PAGE, now);
    ck_assert_uint_eq (world->readers[0].ends, 0);
    world_append (world, 3);
    world->readers[0].full = false;
    world_turns (world, PAGE, 200);
    ck_assert_uint_eq (world->readers[0].ends, 1);
    ck_assert_uint_eq (world->readers[0].next, 3);
    world_destroy (world);
}
END_TEST

START_TEST (who_left_and_follows_again_as_a_member_is_not_bound)
{
    world_t *world = world_new ();
    world_follow (world, 0, 0, PLENTY);
    world->readers[0].full = true;
    world_batch (world, 2, 10);
    delivery_left (world->delivery, &world->readers[0].who, 2, WIRE_ERR_NOT_MEMBER, NULL, NULL);
    world_durable (world, 0);
    world_turns (world, PAGE, 0);
    world->readers[0].full = false;
    world_follow (world, 0, 1, PLENTY);
    world_append (world, 4);
    world_turns (world, PAGE, DELIVERY_RETRY);
    s_is_live (world, 0);
    world_destroy (world);
}
END_TEST

START_TEST (gap_is_told_and_gone_over)
{
    world_t *world = world_new ();
    for (int i = 0; i < 9; i++)
        world_append (world, 3);
    world->batches[2].damaged = world->batches[3].damaged = world->batches[8].damaged = true;
    world_follow (world, 0, 1, PLENTY);
    world_follow (world, 1, 11, PLENTY); // in the hole
    world_turns (world, PAGE, 0);
    s_is_live (world, 0);
    s_is_live (world, 1);
    ck_assert_uint_eq (world->readers[0].gaps, 2);
    ck_assert_uint_eq (world->readers[1].gaps, 2);
    world_append (world, 1);
    s_is_live (world, 0);
    world_destroy (world);
}
END_TEST

START_TEST (gap_waits_for_a_full_queue)
{
    world_t *world = world_new ();
    world_append (world, 3);
    world->batches[0].damaged = true;
    world_follow (world, 0, 1, PLENTY);
    world->readers[0].full = true;
    world_turns (world, PAGE, 0);
    ck_assert_uint_eq (world->readers[0].gaps, 0);
    world->readers[0].full = false;
    world_turns (world, PAGE, DELIVERY_RETRY);
    ck_assert_uint_eq (world->readers[0].gaps, 1);
    s_is_live (world, 0);
    world_destroy (world);
}
END_TEST

START_TEST (read_error_ends_the_following)
{
    world_t *world = world_new ();
    world_append (world, 3);
    world_follow (world, 0, 1, PLENTY);
    world_follow (world, 1, 0, PLENTY);
    world->broken = true;
    world_turns (world, PAGE, 0);
    ck_assert_uint_eq (world->readers[0].ends, 1);
    ck_assert_int_eq (world->readers[0].end, WIRE_ERR_READ_FAILED);
    ck_assert_uint_eq (delivery_count (world->delivery), 1);
    world_destroy (world);
}
END_TEST

START_TEST (end_is_told_to_all)
{
    world_t *world = world_new ();
    world_append (world, 3);
    for (size_t n = 0; n < 9; n++)
        world_follow (world, n, n % 3, n % 2 ? PLENTY : 0);
    world->readers[4].full = true;
    world->readers[5].lost = true;
    delivery_end (world->delivery, WIRE_ERR_STOPPING);
    for (size_t n = 0; n < 9; n++) {
        ck_assert_uint_eq (world->readers[n].ends, n != 4 && n != 5);
        ck_assert (n == 4 || n == 5 || world->readers[n].end == WIRE_ERR_STOPPING);
    }
    ck_assert (world->readers[5].was_gone);
    world_destroy (world);
}
END_TEST

START_TEST (gone_peer_is_forgotten_wherever_it_is_noticed)
{
    world_t *world = world_new ();
    world_append (world, 3);
    for (size_t n = 0; n < 6; n++)
        world_follow (world, n, n < 3 ? 0 : 1, PLENTY);
    world->readers[1].lost = world->readers[4].lost = true;
    world_append (world, 3);
    ck_assert (world->readers[1].was_gone && !world->readers[4].was_gone);
    world_turns (world, PAGE, 0);
    ck_assert (world->readers[4].was_gone);
    ck_assert_uint_eq (delivery_count (world->delivery), 4);
    for (size_t n = 0; n < 6; n++)
        if (n != 1 && n != 4)
            s_is_live (world, n);
    world_destroy (world);
}
END_TEST

START_TEST (new_follow_replaces_the_old_one)
{
    world_t *world = world_new ();
    for (int i = 0; i < 4; i++)
        world_append (world, 3);
    world_follow (world, 0, 1, PLENTY);
    world_follow (world, 0, 7, PLENTY);
    ck_assert_uint_eq (delivery_count (world->delivery), 1);
    world_turns (world, PAGE, 0);
    s_is_live (world, 0);
    world_follow (world, 0, 4, PLENTY); // back again
    world_turns (world, PAGE, 0);
    s_is_live (world, 0);
    world_follow (world, 0, 0, PLENTY);
    world_append (world, 1);
    s_is_live (world, 0);
    ck_assert_uint_eq (delivery_count (world->delivery), 1);
    delivery_unfollow (world->delivery, world->readers[0].peer);
    delivery_unfollow (world->delivery, world->readers[0].peer);
    ck_assert_uint_eq (delivery_count (world->delivery), 0);
    world_append (world, 1);
    world_destroy (world);
}
END_TEST

static void s_add_ends (TCase *cases)
{
    tcase_add_test (cases, leave_is_the_last_record_then_comes_end);
    tcase_add_test (cases, nothing_follows_a_leave_at_the_end_of_its_job);
    tcase_add_test (cases, page_cut_for_one_that_left_is_for_nobody_else);
    tcase_add_test (cases, end_waits_for_a_full_queue);
    tcase_add_test (cases, who_left_and_follows_again_as_a_member_is_not_bound);
    tcase_add_test (cases, gap_is_told_and_gone_over);
    tcase_add_test (cases, gap_waits_for_a_full_queue);
    tcase_add_test (cases, read_error_ends_the_following);
    tcase_add_test (cases, end_is_told_to_all);
    tcase_add_test (cases, gone_peer_is_forgotten_wherever_it_is_noticed);
    tcase_add_test (cases, new_follow_replaces_the_old_one);
}

int main (void)
{
    TCase *cases = tcase_create ("delivery");
    tcase_add_test (cases, nobody_follows_at_first);
    tcase_add_test (cases, readers_at_the_head_share_one_frame);
    tcase_add_test (cases, reader_of_the_past_gets_it_and_then_lives);
    tcase_add_test (cases, lagging_readers_at_one_place_share_what_was_read);
    tcase_add_test (cases, slow_reader_misses_nothing_and_repeats_nothing);
    tcase_add_test (cases, full_queue_is_tried_again_after_10_ms_not_before);
    tcase_add_test (cases, full_queue_of_one_holds_up_nobody_else);
    tcase_add_test (cases, without_credit_nothing_leaves);
    tcase_add_test (cases, one_frame_may_overshoot_the_grant);
    tcase_add_test (cases, large_job_overshoots_once_for_a_reader_at_the_head);
    tcase_add_test (cases, grant_is_a_running_total_within_a_window);
    tcase_add_test (cases, page_is_no_larger_than_the_limit_or_one_batch);
    tcase_add_test (cases, shared_page_that_is_too_large_for_ones_credit_is_not_for_it);
    tcase_add_test (cases, turn_serves_a_mebibyte_and_goes_on_in_the_next);
    tcase_add_test (cases, readers_take_turns);
    tcase_add_test (cases, index_that_is_made_is_waited_for);
    s_add_ends (cases);
    return kit_run (cases, "delivery");
}
