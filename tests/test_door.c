// Who is let to the desk, and how often.

#include "tests/desk_kit.h"
#include "tests/standing_kit.h"

enum { ANN = 1, BOB, EVE };

static void s_setup (void)
{
    s_kit.folder = folder_new ();
    s_kit.now = DESK_NOW;
    s_kit.mono = 1000;
    s_kit.tag = 0;
    s_kit.key = NULL;
    desk_open ();
    desk_settle ();
    limits_rules_t rules = {.one = {{10, 3}, {10, 2}, {10, 2}}};
    limits_set (s_kit.limits, &rules);
}

static void s_teardown (void)
{
    desk_close ();
    folder_remove (&s_kit.folder);
}

// Person `who` asks on its own connection; `key` 0: a plain one of this machine.
static wire_t s_ask (uint8_t route, unsigned key, wire_kind_t kind, unsigned who,
                     wire_kind_t answer)
{
    static const uint8_t device[RECORD_DEVICE] = {7};
    s_kit.key = key ? people_key (key) : NULL;
    wire_t message = desk_message (kind, 0);
    message.uuid = people_who (who);
    if (kind == WIRE_JOIN)
        wire_set_bytes (&message, WIRE_F_NICK, span_of ("n"));
    if (kind == WIRE_SEND) {
        wire_set_bytes (&message, WIRE_F_DEVICE, span (device, sizeof device));
        wire_set_bytes (&message, WIRE_F_TEXT, span_of ("hi"));
    }
    return desk_ask (route, &message, answer);
}

static void s_too_fast (uint8_t route, unsigned key, wire_kind_t kind, unsigned who,
                        const char *name)
{
    wire_t row = s_ask (route, key, kind, who, WIRE_ROW_ERROR);
    ck_assert_int_eq (wire_number (&row, WIRE_F_NUMBER), WIRE_ERR_RATE);
    ck_assert_uint_ge (wire_number (&row, WIRE_F_WAIT), 1);
    ck_assert_uint_le (wire_number (&row, WIRE_F_WAIT), 100);
    desk_names (&row, name);
}

START_TEST (member_that_sends_too_fast_waits_and_the_others_do_not)
{
    s_ask (1, ANN, WIRE_JOIN, ANN, WIRE_ROW_ACK);
    s_ask (2, BOB, WIRE_JOIN, BOB, WIRE_ROW_ACK);
    for (int i = 0; i < 3; i++)
        s_ask (1, ANN, WIRE_SEND, ANN, WIRE_ROW_ACK);
    uint64_t last = log_last (s_kit.log);
    s_too_fast (1, ANN, WIRE_SEND, ANN, "rate.send");
    s_too_fast (3, ANN, WIRE_SEND, ANN, "rate.send"); // another connection is no way out
    s_too_fast (1, ANN, WIRE_TOPIC, ANN, "rate.send");
    ck_assert_uint_eq (log_last (s_kit.log), last);
    s_ask (2, BOB, WIRE_SEND, BOB, WIRE_ROW_ACK);
    s_kit.mono += 100;
    s_ask (1, ANN, WIRE_SEND, ANN, WIRE_ROW_ACK);
}
END_TEST

START_TEST (history_has_a_limit_of_its_own)
{
    s_ask (1, ANN, WIRE_JOIN, ANN, WIRE_ROW_ACK);
    s_ask (1, ANN, WIRE_WHO, ANN, WIRE_MEMBERS);
    s_ask (1, ANN, WIRE_WHO, ANN, WIRE_MEMBERS);
    s_too_fast (1, ANN, WIRE_PAGE, ANN, "rate.history");
    s_ask (1, ANN, WIRE_SEND, ANN, WIRE_ROW_ACK);
    s_ask (1, ANN, WIRE_PING, ANN, WIRE_PONG); // never refused for that
}
END_TEST

START_TEST (joins_count_for_the_address_whatever_the_key)
{
    s_ask (1, ANN, WIRE_JOIN, ANN, WIRE_ROW_ACK);
    s_ask (2, BOB, WIRE_JOIN, BOB, WIRE_ROW_ACK);
    s_too_fast (3, EVE, WIRE_JOIN, EVE, "rate.join");
}
END_TEST

START_TEST (invitations_shown_in_a_ping_count_as_joins)
{
    static const uint8_t shown[] = {0, 1, 7};
    rights_rules_t closed = {.access = RIGHTS_INVITED};
    rights_set (s_kit.rights, &closed);
    s_kit.key = people_key (ANN);
    int refused[WIRE_ERR_COUNT] = {0};
    for (int i = 0; i < 5; i++) {
        wire_t ping = desk_message (WIRE_PING, 0);
        ping.uuid = people_who (ANN);
        wire_set_bytes (&ping, WIRE_F_INVITATIONS, span (shown, sizeof shown));
        wire_t row = desk_ask (1, &ping, WIRE_ROW_ERROR);
        refused[wire_number (&row, WIRE_F_NUMBER)]++;
    }
    ck_assert_int_eq (refused[WIRE_ERR_BAD_INVITATION], 2);
    ck_assert_int_eq (refused[WIRE_ERR_RATE], 3);
    s_ask (1, ANN, WIRE_PING, ANN, WIRE_ROW_ERROR); // without it costs nothing
}
END_TEST

START_TEST (nothing_is_counted_over_plain_connections_of_this_machine)
{
    s_ask (1, 0, WIRE_JOIN, ANN, WIRE_ROW_ACK);
    for (int i = 0; i < 20; i++)
        s_ask (1, 0, WIRE_SEND, ANN, WIRE_ROW_ACK);
}
END_TEST

START_TEST (connections_with_one_key_have_a_limit_that_is_named)
{
    peers_set_origins (s_kit.peers, 2, 3);
    for (uint8_t n = 10; n < 20; n++) // strangers take no room
        s_ask (n, ANN, WIRE_PING, ANN, WIRE_PONG);
    s_ask (1, ANN, WIRE_JOIN, ANN, WIRE_ROW_ACK);
    s_ask (2, ANN, WIRE_PING, ANN, WIRE_PONG);
    wire_t row = s_ask (3, ANN, WIRE_PING, ANN, WIRE_ROW_ERROR);
    ck_assert_int_eq (wire_number (&row, WIRE_F_NUMBER), WIRE_ERR_LIMIT);
    ck_assert_uint_gt (wire_number (&row, WIRE_F_WAIT), 0);
    desk_names (&row, "max_sessions_per_key");
    s_ask (2, ANN, WIRE_PING, ANN, WIRE_PONG); // those that are there stay
    s_ask (4, BOB, WIRE_JOIN, BOB, WIRE_ROW_ACK);
    s_kit.mono += 100;
    s_ask (5, EVE, WIRE_JOIN, EVE, WIRE_ROW_ACK);
    row = s_ask (5, EVE, WIRE_PING, EVE, WIRE_ROW_ERROR);
    desk_names (&row, "max_sessions_per_address");
    s_ask (6, 0, WIRE_PING, EVE, WIRE_PONG); // plain, of this machine
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("door");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, member_that_sends_too_fast_waits_and_the_others_do_not);
    tcase_add_test (cases, history_has_a_limit_of_its_own);
    tcase_add_test (cases, joins_count_for_the_address_whatever_the_key);
    tcase_add_test (cases, invitations_shown_in_a_ping_count_as_joins);
    tcase_add_test (cases, nothing_is_counted_over_plain_connections_of_this_machine);
    tcase_add_test (cases, connections_with_one_key_have_a_limit_that_is_named);
    return kit_run (cases, "door");
}
