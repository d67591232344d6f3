// showings: receipts one by one; what they prove is in test_witness and test_desk_reading.

#include "daemons/group/showings.h"

#include "tests/logs.h"

#include <czmq.h>

static logs_t s_logs;
static replies_t *s_replies;
static showings_t *s_showings;
static peer_t *s_peer;
static int s_sent;

static void s_send (void *arg, peer_t *peer, span_t frame)
{
    (void)arg, (void)peer, (void)frame;
    s_sent++;
}

static void s_setup (void)
{
    static const route_t route = {1, {1}};
    logs_init (&s_logs);
    logs_must_open (&s_logs, 1 << 26);
    logs_job (&s_logs, "text", 3);
    s_replies = replies_new (s_send, NULL);
    s_showings = showings_new (s_logs.log, s_replies);
    s_peer = peer_new (0, &route);
    s_sent = 0;
}

static void s_teardown (void)
{
    showings_destroy (&s_showings);
    replies_destroy (&s_replies);
    peer_release (&s_peer);
    logs_free (&s_logs);
}

static void s_show (const receipt_t *receipt)
{
    uint8_t bytes[PROOF_RECEIPT];
    wire_t ping = wire (WIRE_PING, 1, NULL);
    receipt_encode (receipt, bytes);
    wire_set_bytes (&ping, WIRE_F_RECEIPT, span (bytes, sizeof bytes));
    showings_take (s_showings, s_peer, &ping);
}

START_TEST (those_beyond_the_first_are_judged_one_in_a_turn)
{
    ck_assert (!showings_turn (s_showings));
    wire_t ping = wire (WIRE_PING, 1, NULL);
    showings_take (s_showings, s_peer, &ping); // shows none
    ck_assert (!showings_turn (s_showings));
    s_show (log_receipt (s_logs.log));
    ck_assert (!showings_turn (s_showings)); // it was judged
    for (int i = 0; i < 64 + 3; i++)
        s_show (log_receipt (s_logs.log));
    ck_assert (showings_turn (s_showings));
    ck_assert (showings_turn (s_showings));
    ck_assert (!showings_turn (s_showings));
    ck_assert_int_eq (s_sent, 0);
    ck_assert_str_eq (log_doubt (s_logs.log), "");
}
END_TEST

START_TEST (one_that_contradicts_puts_the_log_in_doubt)
{
    receipt_t receipt = log_receipt_at (s_logs.log, 50, &log_receipt (s_logs.log)->chain);
    s_show (&receipt); // at once: what is answered to the request says so
    ck_assert_str_ne (log_doubt (s_logs.log), "");
}
END_TEST

START_TEST (peers_are_held_as_long_as_it_takes)
{
    for (int i = 0; i < 64 + 1; i++)
        s_show (log_receipt (s_logs.log));
    ck_assert_uint_eq (s_peer->holds, 2);
    showings_turn (s_showings);
    ck_assert_uint_eq (s_peer->holds, 1);
    for (int i = 0; i < 10000; i++) // bounded
        s_show (log_receipt (s_logs.log));
    ck_assert_uint_lt (s_peer->holds, 5000);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("showings");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, those_beyond_the_first_are_judged_one_in_a_turn);
    tcase_add_test (cases, one_that_contradicts_puts_the_log_in_doubt);
    tcase_add_test (cases, peers_are_held_as_long_as_it_takes);
    return kit_run (cases, "showings");
}
