#include "daemons/group/peers.h"

#include "common/wire.h"
#include "tests/kit.h"

enum { LEASE = 30000 };

static const guid_t s_nobody;

static guid_t s_who (unsigned n)
{
    guid_t who = {{0x20, 0, (uint8_t)(n >> 8), (uint8_t)n}};
    return who;
}

static route_t s_route (unsigned n)
{
    route_t route = {.size = 5, .bytes = {0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 1}};
    return route;
}

static peer_t *s_hear (peers_t *peers, unsigned route, unsigned who, int64_t now)
{
    route_t place = s_route (route);
    guid_t speaker = s_who (who);
    return peers_hear (peers, 0, &place, who ? &speaker : &s_nobody, now);
}

static bool s_present (const peers_t *peers, unsigned n)
{
    guid_t who = s_who (n);
    return peers_present (peers, &who);
}

static void s_count_gone (void *arg, peer_t *peer)
{
    ck_assert (peer->known); // not dropped yet
    ++*(size_t *)arg;
}

static size_t s_expire (peers_t *peers, int64_t now)
{
    size_t gone = 0;
    peers_expire (peers, now, s_count_gone, &gone);
    return gone;
}

START_TEST (peer_is_known_by_listener_and_route)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    route_t a = s_route (1), b = s_route (2), longer = a;
    longer.size++;
    guid_t who = s_who (1);
    peer_t *peer = peers_hear (peers, 0, &a, &who, 5);
    ck_assert_ptr_nonnull (peer);
    ck_assert (peer->known);
    ck_assert_uint_eq (peer->listener, 0);
    ck_assert_mem_eq (peer->route.bytes, a.bytes, a.size);
    ck_assert_uint_eq (peer->route.size, a.size);
    ck_assert_ptr_eq (peers_find (peers, 0, &a), peer);
    ck_assert_ptr_null (peers_find (peers, 1, &a));
    ck_assert_ptr_null (peers_find (peers, 0, &b));
    ck_assert_ptr_null (peers_find (peers, 0, &longer));
    ck_assert_ptr_eq (peers_hear (peers, 0, &a, &who, 6), peer);
    ck_assert_ptr_ne (peers_hear (peers, 1, &a, &who, 6), peer);
    ck_assert_uint_eq (peers_count (peers), 2);
    peers_destroy (&peers);
    ck_assert_ptr_null (peers);
    peers_destroy (&peers);
}
END_TEST

START_TEST (new_peer_has_the_first_credit_and_follows_nothing)
{
    route_t route = s_route (1);
    peers_t *peers = peers_new (10, 10, LEASE);
    peer_t *known = s_hear (peers, 1, 1, 5), *alone = peer_new (3, &route);
    ck_assert_uint_eq (known->granted, WIRE_FIRST_CREDIT);
    ck_assert_uint_eq (known->sent, 0);
    ck_assert (!known->follows);
    ck_assert (!alone->known);
    ck_assert_uint_eq (alone->listener, 3);
    ck_assert_uint_eq (peers_count (peers), 1);
    peer_release (&alone);
    ck_assert_ptr_null (alone);
    peer_release (&alone);
    peers_destroy (&peers);
}
END_TEST

START_TEST (every_request_gives_presence)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    ck_assert (!s_present (peers, 1));
    s_hear (peers, 1, 1, 0);
    s_hear (peers, 2, 1, 0); // the same one over another connection
    s_hear (peers, 1, 2, 0); // another one over the same connection
    s_hear (peers, 3, 0, 0); // nobody in particular
    ck_assert (s_present (peers, 1) && s_present (peers, 2));
    ck_assert_uint_eq (peers_online (peers), 2);
    ck_assert_uint_eq (peers_count (peers), 3);
    peers_destroy (&peers);
}
END_TEST

START_TEST (lease_ends_unless_renewed)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    s_hear (peers, 1, 1, 1000);
    s_hear (peers, 2, 2, 1000);
    s_hear (peers, 1, 1, 1000 + LEASE);
    ck_assert_uint_eq (s_expire (peers, 1000 + LEASE), 0);
    ck_assert_uint_eq (peers_online (peers), 2);
    ck_assert_uint_eq (s_expire (peers, 1001 + LEASE), 1);
    route_t first = s_route (1), second = s_route (2);
    ck_assert_ptr_nonnull (peers_find (peers, 0, &first));
    ck_assert_ptr_null (peers_find (peers, 0, &second));
    ck_assert (s_present (peers, 1) && !s_present (peers, 2));
    ck_assert_uint_eq (s_expire (peers, 1001 + 2 * LEASE), 1);
    ck_assert_uint_eq (peers_online (peers), 0);
    ck_assert_uint_eq (peers_count (peers), 0);
    peers_destroy (&peers);
}
END_TEST

// One connection that speaks for many: each has a lease of its own.
START_TEST (session_ends_while_its_peer_lives)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    s_hear (peers, 1, 1, 0);
    for (int64_t now = 0; now <= 2 * LEASE; now += 10000)
        s_hear (peers, 1, 2, now);
    ck_assert_uint_eq (s_expire (peers, 2 * LEASE), 0);
    ck_assert (!s_present (peers, 1) && s_present (peers, 2));
    ck_assert_uint_eq (peers_count (peers), 1);
    peers_destroy (&peers);
}
END_TEST

START_TEST (who_moves_to_another_connection_stays_present)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    s_hear (peers, 1, 1, 0);
    s_hear (peers, 2, 1, LEASE);
    ck_assert_uint_eq (s_expire (peers, LEASE + 1), 1);
    ck_assert (s_present (peers, 1));
    peers_destroy (&peers);
}
END_TEST

START_TEST (requests_in_one_millisecond_are_heard_for_each_speaker)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    for (int i = 0; i < 3; i++)
        for (unsigned n = 1; n <= 4; n++)
            s_hear (peers, 1, n, 7);
    ck_assert_uint_eq (peers_online (peers), 4);
    ck_assert_uint_eq (s_expire (peers, 7 + LEASE), 0);
    for (unsigned n = 1; n <= 4; n++)
        ck_assert (s_present (peers, n));
    peers_destroy (&peers);
}
END_TEST

START_TEST (limit_of_peers_refuses_the_next_and_leaves_no_trace)
{
    peers_t *peers = peers_new (2, 10, LEASE);
    ck_assert_ptr_nonnull (s_hear (peers, 1, 1, 0));
    ck_assert_ptr_nonnull (s_hear (peers, 2, 2, 0));
    ck_assert_ptr_null (s_hear (peers, 3, 3, 0));
    ck_assert_ptr_null (s_hear (peers, 4, 0, 0));
    ck_assert (!s_present (peers, 3));
    ck_assert_uint_eq (peers_online (peers), 2);
    ck_assert_ptr_nonnull (s_hear (peers, 1, 3, 0)); // those that are known go on
    peers_set_limits (peers, 3, 10);
    ck_assert_ptr_nonnull (s_hear (peers, 3, 3, 0));
    peers_set_limits (peers, 1, 10); // nobody is thrown out
    ck_assert_ptr_nonnull (s_hear (peers, 3, 3, 1));
    ck_assert_uint_eq (peers_count (peers), 3);
    peers_destroy (&peers);
}
END_TEST

START_TEST (limit_of_sessions_refuses_the_next_and_leaves_no_trace)
{
    peers_t *peers = peers_new (10, 2, LEASE);
    s_hear (peers, 1, 1, 0);
    s_hear (peers, 1, 2, 0);
    ck_assert_ptr_null (s_hear (peers, 1, 3, 0));
    ck_assert_ptr_null (s_hear (peers, 1, 3, 0)); // not the second time either
    ck_assert_ptr_null (s_hear (peers, 2, 3, 0));
    ck_assert_uint_eq (peers_count (peers), 1);
    ck_assert_uint_eq (peers_online (peers), 2);
    ck_assert_ptr_nonnull (s_hear (peers, 2, 1, 0)); // no new session
    ck_assert_ptr_nonnull (s_hear (peers, 3, 0, 0)); // needs none
    s_expire (peers, LEASE + 1);
    ck_assert_ptr_nonnull (s_hear (peers, 2, 3, LEASE + 1));
    peers_destroy (&peers);
}
END_TEST

START_TEST (held_peer_outlives_the_table)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    peer_t *dropped = s_hear (peers, 1, 1, 0), *expired = s_hear (peers, 2, 2, 0);
    peer_t *kept = s_hear (peers, 3, 3, 0);
    peer_hold (dropped);
    peer_hold (expired);
    peer_hold (kept);
    peer_hold (kept);
    peers_drop (peers, dropped);
    peers_drop (peers, dropped); // gone already
    ck_assert (!dropped->known);
    peer_t *again = s_hear (peers, 1, 1, 5);
    ck_assert_ptr_ne (again, dropped); // another connection that got the same route
    peers_drop (peers, dropped);
    ck_assert (again->known);
    s_hear (peers, 3, 3, LEASE);
    ck_assert_uint_eq (s_expire (peers, LEASE + 1), 1);
    ck_assert (!expired->known && kept->known);
    peers_destroy (&peers);
    ck_assert (!kept->known);
    peer_release (&dropped);
    peer_release (&expired);
    peer_t *other = kept;
    peer_release (&other);
    ck_assert_uint_eq (kept->holds, 1);
    peer_release (&kept);
}
END_TEST

START_TEST (leave_ends_the_sessions_of_who_left)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    s_hear (peers, 1, 1, 0);
    s_hear (peers, 2, 1, 0);
    s_hear (peers, 2, 2, 0);
    guid_t who = s_who (1);
    peers_end_sessions (peers, &who);
    peers_end_sessions (peers, &who);
    ck_assert (!s_present (peers, 1) && s_present (peers, 2));
    ck_assert_uint_eq (peers_count (peers), 2); // connections stay
    peers_destroy (&peers);
}
END_TEST

// The next request is for what it says, in the same millisecond too.
START_TEST (who_comes_back_at_once_is_present)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    guid_t who = s_who (1);
    s_hear (peers, 1, 1, 0);
    peers_end_sessions (peers, &who);
    s_hear (peers, 1, 1, 0);
    ck_assert (s_present (peers, 1));
    peers_destroy (&peers);
}
END_TEST

START_TEST (all_peers_are_listed)
{
    peers_t *peers = peers_new (1000, 1000, LEASE);
    bool seen[500] = {false};
    for (unsigned n = 0; n < 500; n++)
        s_hear (peers, n, n + 1, 0)->cursor = n;
    size_t count = 0;
    for (peer_t *peer = peers_first (peers); peer; peer = peers_next (peers), count++)
        seen[peer->cursor] = true;
    ck_assert_uint_eq (count, 500);
    for (unsigned n = 0; n < 500; n++)
        ck_assert (seen[n]);
    peers_destroy (&peers);
}
END_TEST

START_TEST (random_lives_agree_with_a_model)
{
    dice_t chance = dice_new ("random_lives_agree_with_a_model");
    int64_t peer_heard[12], who_heard[8];
    for (int round = 0; round < 20; round++) {
        peers_t *peers = peers_new (8, 5, 100);
        memset (peer_heard, 0xff, sizeof peer_heard); // -1: unknown
        memset (who_heard, 0xff, sizeof who_heard);
        size_t known = 0, online = 0;
        for (int64_t now = 0; now < 3000; now += (int64_t)dice (&chance, 10)) {
            size_t n = dice (&chance, 12), w = dice (&chance, 8);
            size_t gone = 0;
            switch (dice (&chance, 4)) {
            case 0:
                for (size_t i = 0; i < 12; i++)
                    if (peer_heard[i] >= 0 && now - peer_heard[i] > 100)
                        peer_heard[i] = -1, known--, gone++;
                for (size_t i = 1; i < 8; i++)
                    if (who_heard[i] >= 0 && now - who_heard[i] > 100)
                        who_heard[i] = -1, online--;
                ck_assert_uint_eq (s_expire (peers, now), gone);
                break;
            default: {
                bool fits = (peer_heard[n] >= 0 || known < 8) &&
                            (w == 0 || who_heard[w] >= 0 || online < 5);
                ck_assert_int_eq (s_hear (peers, (unsigned)n, (unsigned)w, now) != NULL, fits);
                if (!fits)
                    break;
                known += peer_heard[n] < 0;
                online += w > 0 && who_heard[w] < 0;
                peer_heard[n] = now;
                who_heard[w] = w > 0 ? now : -1;
            }
            }
            ck_assert_uint_eq (peers_count (peers), known);
            ck_assert_uint_eq (peers_online (peers), online);
            ck_assert_int_eq (s_present (peers, (unsigned)w), w > 0 && who_heard[w] >= 0);
        }
        peers_destroy (&peers);
    }
}
END_TEST

START_TEST (limit_of_an_address_counts_until_a_peer_is_gone)
{
    peers_t *peers = peers_new (10, 10, LEASE);
    guid_t here = s_who (200), there = s_who (201);
    peers_set_origins (peers, 10, 1);
    for (int round = 0; round < 3; round++) {
        route_t a = s_route (1), b = s_route (2), c = s_route (3);
        peer_t *first = peer_new (0, &a), *second = peer_new (0, &b), *third = peer_new (0, &c);
        peer_limit (first, &here);
        peer_limit (second, &here);
        peer_limit (third, &there);
        ck_assert_ptr_null (peers_know (peers, first, &s_nobody, 1));
        ck_assert_str_eq (peers_know (peers, second, &s_nobody, 1), "max_sessions_per_address");
        ck_assert (!second->known);
        ck_assert_ptr_null (peers_know (peers, third, &s_nobody, 1));
        peers_drop (peers, first);
        ck_assert_ptr_null (peers_know (peers, second, &s_nobody, 1));
        peers_drop (peers, second);
        peers_drop (peers, third);
        peer_release (&first);
        peer_release (&second);
        peer_release (&third);
    }
    peers_destroy (&peers);
}
END_TEST

START_TEST (idle_ones_make_room_and_busy_ones_do_not)
{
    peers_t *peers = peers_new (1000, 10, LEASE);
    guid_t here = s_who (200);
    peers_set_origins (peers, 10, 3);
    peer_t *all[100];
    for (unsigned i = 0; i < 100; i++) { // one after the other, as a script does it
        route_t route = s_route (i);
        all[i] = peer_new (0, &route);
        peer_limit (all[i], &here);
        ck_assert_ptr_null (peers_know (peers, all[i], &s_nobody, 1000 * i));
        all[i]->follows = i == 0;
        ck_assert_uint_le (peers_count (peers), 3);
    }
    ck_assert (all[0]->known); // it follows
    route_t route = s_route (100);
    peer_t *more = peer_new (0, &route);
    peer_limit (more, &here);
    peers_know (peers, all[97], &s_nobody, 99001);
    peers_know (peers, all[98], &s_nobody, 99001);
    ck_assert_str_eq (peers_know (peers, more, &s_nobody, 99002), "max_sessions_per_address");
    for (unsigned i = 0; i < 100; i++)
        peer_release (&all[i]);
    peer_release (&more);
    peers_destroy (&peers);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("peers");
    tcase_add_test (cases, idle_ones_make_room_and_busy_ones_do_not);
    tcase_add_test (cases, limit_of_an_address_counts_until_a_peer_is_gone);
    tcase_add_test (cases, peer_is_known_by_listener_and_route);
    tcase_add_test (cases, new_peer_has_the_first_credit_and_follows_nothing);
    tcase_add_test (cases, every_request_gives_presence);
    tcase_add_test (cases, lease_ends_unless_renewed);
    tcase_add_test (cases, session_ends_while_its_peer_lives);
    tcase_add_test (cases, who_moves_to_another_connection_stays_present);
    tcase_add_test (cases, requests_in_one_millisecond_are_heard_for_each_speaker);
    tcase_add_test (cases, limit_of_peers_refuses_the_next_and_leaves_no_trace);
    tcase_add_test (cases, limit_of_sessions_refuses_the_next_and_leaves_no_trace);
    tcase_add_test (cases, held_peer_outlives_the_table);
    tcase_add_test (cases, leave_ends_the_sessions_of_who_left);
    tcase_add_test (cases, who_comes_back_at_once_is_present);
    tcase_add_test (cases, all_peers_are_listed);
    tcase_add_test (cases, random_lives_agree_with_a_model);
    return kit_run (cases, "peers");
}
