// What keys change at the desk: who is heard, who is cut, what the original wire says.

#include "tests/desk_kit.h"
#include "tests/standing_kit.h"

enum { OWNER = 1, ANN, BOB, GATEWAY };

static void s_setup (void)
{
    s_kit.folder = folder_new ();
    s_kit.now = DESK_NOW;
    s_kit.mono = 1000;
    s_kit.tag = 0;
    s_kit.key = NULL;
    desk_open ();
    rights_rules_t rules = {.owners = people_key (OWNER),
                            .owner_count = 1,
                            .gateways = people_key (GATEWAY),
                            .gateway_count = 1};
    rights_set (s_kit.rights, &rules);
    desk_settle ();
}

static void s_teardown (void)
{
    desk_close ();
    folder_remove (&s_kit.folder);
}

static void s_with_key (unsigned n)
{
    s_kit.key = n ? people_key (n) : NULL;
}

static wire_t s_message (wire_kind_t kind, unsigned who)
{
    wire_t message = desk_message (kind, 0);
    message.uuid = people_who (who);
    return message;
}

// On the connection `route`, whose key is `key` (0: plain), for person `who`.
static wire_t s_ask (uint8_t route, unsigned key, wire_kind_t kind, unsigned who,
                     wire_kind_t answer)
{
    s_with_key (key);
    wire_t message = s_message (kind, who);
    if (kind == WIRE_JOIN)
        wire_set_bytes (&message, WIRE_F_NICK, span_of ("n"));
    if (kind == WIRE_FOLLOW)
        wire_set (&message, WIRE_F_CREDIT, 1 << 20);
    if (kind == WIRE_SEND) {
        static const uint8_t device[RECORD_DEVICE] = {7};
        wire_set_bytes (&message, WIRE_F_DEVICE, span (device, sizeof device));
        wire_set_bytes (&message, WIRE_F_TEXT, span_of ("hi"));
    }
    return desk_ask (route, &message, answer);
}

static void s_refused (uint8_t route, unsigned key, wire_kind_t kind, unsigned who,
                       wire_error_t error)
{
    wire_t row = s_ask (route, key, kind, who, WIRE_ROW_ERROR);
    wire_error_t got = (wire_error_t)wire_number (&row, WIRE_F_NUMBER);
    ck_assert_msg (got == error, "%s, not %s", wire_error_name (got), wire_error_name (error));
}

static void s_join (uint8_t route, unsigned key, unsigned who)
{
    s_ask (route, key, WIRE_JOIN, who, WIRE_ROW_ACK);
}

static void s_manage (record_kind_t action, unsigned subject, unsigned key)
{
    s_with_key (OWNER);
    wire_t message = s_message (WIRE_MANAGE, OWNER);
    guid_t who = people_who (subject);
    wire_set (&message, WIRE_F_ACTION, action);
    wire_set_bytes (&message, WIRE_F_MEMBER, span (who.bytes, GUID_SIZE));
    if (key)
        wire_set_bytes (&message, WIRE_F_KEY, span (people_key (key), SPEAKER_KEY));
    desk_ask (99, &message, WIRE_ROW_ACK);
}

// The last record pushed to the route in the frames so far, and *why it ended; 0: it did not.
static uint64_t s_last_pushed (uint8_t route, wire_error_t *why)
{
    uint64_t last = 0;
    *why = 0;
    for (size_t i = 0; i < s_kit.count; i++) {
        desk_frame_t *frame = &s_kit.frames[i];
        if (frame->legacy || frame->route != route || frame->message.tag != 0)
            continue;
        if (frame->message.kind == WIRE_RECORDS)
            last = wire_number (&frame->message, WIRE_F_LAST);
        if (frame->message.kind == WIRE_END)
            *why = (wire_error_t)wire_number (&frame->message, WIRE_F_WHY);
    }
    return last;
}

// Follows on the route, and after `action` on `subject` gets that record as the last, and END.
static void s_is_cut (uint8_t route, unsigned key, unsigned who, record_kind_t action,
                      unsigned removed, wire_error_t why)
{
    wire_error_t ended;
    s_ask (route, key, WIRE_FOLLOW, who, WIRE_FOLLOWING);
    s_manage (action, who, removed);
    uint64_t record = log_last (s_kit.log);
    ck_assert_uint_eq (s_last_pushed (route, &ended), record);
    ck_assert_msg (ended == why, "%s, not %s", wire_error_name (ended), wire_error_name (why));
    s_ask (98, OWNER, WIRE_SEND, OWNER, WIRE_ROW_ACK); // nothing of it arrives
    ck_assert_uint_eq (s_last_pushed (route, &ended), 0);
    ck_assert_int_eq (ended, 0);
}

// ---- Who is heard

START_TEST (group_that_is_not_open_tells_strangers_nothing)
{
    rights_rules_t rules = {
        .access = RIGHTS_INVITED, .owners = people_key (OWNER), .owner_count = 1};
    rights_set (s_kit.rights, &rules);
    s_refused (1, ANN, WIRE_PING, ANN, WIRE_ERR_NOT_INVITED);
    s_refused (2, 0, WIRE_PING, BOB, WIRE_ERR_KEY_NEEDED);
    s_refused (3, BOB, WIRE_PING, OWNER, WIRE_ERR_WRONG_KEY);
    s_ask (4, OWNER, WIRE_PING, OWNER, WIRE_PONG);
    s_join (4, OWNER, OWNER);
    s_manage (RECORD_INVITE, ANN, 0);
    s_ask (1, ANN, WIRE_PING, ANN, WIRE_PONG);
    s_join (1, ANN, ANN);
    s_manage (RECORD_BAN, ANN, 0);
    s_refused (1, ANN, WIRE_PING, ANN, WIRE_ERR_BANNED);
}
END_TEST

START_TEST (spoofed_uuid_gets_nothing_but_a_refusal)
{
    static const wire_kind_t kinds[] = {WIRE_JOIN, WIRE_LEAVE, WIRE_NICK,   WIRE_TOPIC, WIRE_WHO,
                                        WIRE_SEND, WIRE_PAGE,  WIRE_FOLLOW, WIRE_MANAGE};
    s_join (1, ANN, ANN);
    uint64_t last = log_last (s_kit.log);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        s_refused (2, BOB, kinds[i], ANN, WIRE_ERR_WRONG_KEY);
        s_refused (3, 0, kinds[i], ANN, WIRE_ERR_KEY_NEEDED);
        s_refused (4, GATEWAY, kinds[i], ANN, WIRE_ERR_WRONG_KEY);
    }
    ck_assert_uint_eq (log_last (s_kit.log), last);
    ck_assert_uint_eq (peers_count (s_kit.peers), 1); // strangers leave nothing behind
}
END_TEST

START_TEST (ping_is_answered_to_anybody_and_is_no_presence)
{
    s_join (1, ANN, ANN);
    guid_t ann = people_who (ANN);
    peers_end_sessions (s_kit.peers, &ann);
    s_ask (2, BOB, WIRE_PING, ANN, WIRE_PONG);
    s_ask (3, 0, WIRE_PING, ANN, WIRE_PONG);
    ck_assert (!peers_present (s_kit.peers, &ann));
    s_ask (1, ANN, WIRE_PING, ANN, WIRE_PONG);
    ck_assert (peers_present (s_kit.peers, &ann));
}
END_TEST

START_TEST (strangers_take_no_room_among_the_peers)
{
    rights_rules_t closed = {.access = RIGHTS_INVITED};
    rights_set (s_kit.rights, &closed);
    for (uint8_t n = 10; n < 60; n++) {
        s_refused (n, n, WIRE_PING, n, WIRE_ERR_NOT_INVITED);
        s_refused (n, n, WIRE_JOIN, n, WIRE_ERR_NOT_INVITED);
        s_refused (n, n, WIRE_WHO, n, WIRE_ERR_NOT_MEMBER);
    }
    closed.access = RIGHTS_OPEN;
    rights_set (s_kit.rights, &closed);
    for (uint8_t n = 10; n < 60; n++)
        s_ask (n, n, WIRE_PING, n, WIRE_PONG);
    ck_assert_uint_eq (peers_count (s_kit.peers), 0);
    s_join (10, 10, 10);
    guid_t who = people_who (10);
    ck_assert (peers_present (s_kit.peers, &who)); // from JOIN on
    route_t route = {1, {10}};
    peer_t *peer = peers_find (s_kit.peers, 0, &route);
    ck_assert (peer && speaker_is (&peer->speaker, people_key (10)));
}
END_TEST

START_TEST (those_who_are_no_members_read_nothing)
{
    static const wire_kind_t kinds[] = {WIRE_WHO, WIRE_PAGE, WIRE_FOLLOW};
    s_join (1, OWNER, OWNER);
    s_join (2, ANN, ANN);
    for (size_t i = 0; i < 3; i++)
        s_refused (3, BOB, kinds[i], BOB, WIRE_ERR_NOT_MEMBER);
    s_manage (RECORD_BAN, ANN, 0);
    for (size_t i = 0; i < 3; i++)
        s_refused (2, ANN, kinds[i], ANN, WIRE_ERR_BANNED);
}
END_TEST

START_TEST (gateway_speaks_for_many_but_not_for_those_with_a_key)
{
    for (unsigned n = 20; n < 40; n++) {
        s_join (5, GATEWAY, n);
        s_ask (5, GATEWAY, WIRE_SEND, n, WIRE_ROW_ACK);
        guid_t who = people_who (n);
        ck_assert (peers_present (s_kit.peers, &who));
    }
    ck_assert_uint_eq (peers_count (s_kit.peers), 1);
    s_join (6, 20, 20);
    s_refused (5, GATEWAY, WIRE_SEND, 20, WIRE_ERR_WRONG_KEY);
    s_ask (5, GATEWAY, WIRE_SEND, 21, WIRE_ROW_ACK);
}
END_TEST

// ---- Who is cut

START_TEST (removed_ones_get_the_removal_as_their_last_record)
{
    s_join (99, OWNER, OWNER);
    s_join (1, ANN, ANN);
    s_is_cut (1, ANN, ANN, RECORD_KICK, 0, WIRE_ERR_NOT_MEMBER);
    s_join (1, ANN, ANN);
    s_is_cut (1, ANN, ANN, RECORD_BAN, 0, WIRE_ERR_BANNED);
    s_refused (1, ANN, WIRE_JOIN, ANN, WIRE_ERR_BANNED);
}
END_TEST

START_TEST (removed_ones_get_no_byte_of_what_is_said_in_the_same_job)
{
    static const record_kind_t kinds[] = {RECORD_KICK, RECORD_BAN, RECORD_REMOVE_KEY};
    static const char secret[] = "not for ann";
    wire_error_t ended;
    s_join (99, OWNER, OWNER);
    for (size_t i = 0; i < 3; i++) {
        unsigned ann = 30 + (unsigned)i;
        guid_t who = people_who (ann);
        s_join (1, ann, ann);
        s_ask (1, ann, WIRE_FOLLOW, ann, WIRE_FOLLOWING);
        desk_forget ();
        s_with_key (OWNER);
        wire_t action = s_message (WIRE_MANAGE, OWNER), send = s_message (WIRE_SEND, OWNER);
        wire_set (&action, WIRE_F_ACTION, kinds[i]);
        wire_set_bytes (&action, WIRE_F_MEMBER, span (who.bytes, GUID_SIZE));
        wire_set_bytes (&action, WIRE_F_KEY, span (people_key (ann), SPEAKER_KEY));
        wire_set_bytes (&send, WIRE_F_TEXT, span_of (secret));
        desk_request (99, &action);
        desk_request (99, &send);
        desk_settle ();
        ck_assert_uint_eq (s_last_pushed (1, &ended), log_last (s_kit.log) - 1);
        ck_assert_int_ne (ended, 0);
        for (size_t f = 0; f < s_kit.count; f++)
            ck_assert (
                s_kit.frames[f].route != 1 ||
                !memmem (s_kit.frames[f].bytes, s_kit.frames[f].size, secret, strlen (secret)));
    }
}
END_TEST

START_TEST (removed_key_is_cut_and_the_others_go_on)
{
    wire_error_t ended;
    s_join (99, OWNER, OWNER);
    s_join (1, ANN, ANN);
    s_manage (RECORD_ADD_KEY, ANN, BOB);
    s_ask (2, ANN, WIRE_FOLLOW, ANN, WIRE_FOLLOWING);
    s_is_cut (3, BOB, ANN, RECORD_REMOVE_KEY, BOB, WIRE_ERR_WRONG_KEY);
    ck_assert_uint_eq (s_last_pushed (2, &ended), log_last (s_kit.log));
    ck_assert_int_eq (ended, 0);
    s_refused (3, BOB, WIRE_SEND, ANN, WIRE_ERR_WRONG_KEY);
    s_refused (3, BOB, WIRE_FOLLOW, ANN, WIRE_ERR_WRONG_KEY);
    s_ask (2, ANN, WIRE_SEND, ANN, WIRE_ROW_ACK);
}
END_TEST

START_TEST (first_proof_cuts_what_follows_without_a_key)
{
    wire_error_t ended;
    s_join (1, 0, ANN);
    s_ask (1, 0, WIRE_FOLLOW, ANN, WIRE_FOLLOWING);
    s_ask (2, ANN, WIRE_FOLLOW, ANN, WIRE_FOLLOWING); // proved, and still to be bound
    s_join (3, ANN, ANN);
    uint64_t join = log_last (s_kit.log);
    ck_assert_uint_eq (s_last_pushed (1, &ended), join);
    ck_assert_int_eq (ended, WIRE_ERR_KEY_NEEDED);
    ck_assert_uint_eq (s_last_pushed (2, &ended), join);
    ck_assert_int_eq (ended, 0);
    s_refused (1, 0, WIRE_SEND, ANN, WIRE_ERR_KEY_NEEDED);
}
END_TEST

START_TEST (new_rules_cut_what_they_do_not_allow)
{
    wire_error_t ended;
    s_join (1, 0, BOB);
    s_join (2, ANN, ANN);
    s_join (3, GATEWAY, 30);
    s_ask (1, 0, WIRE_FOLLOW, BOB, WIRE_FOLLOWING);
    s_ask (2, ANN, WIRE_FOLLOW, ANN, WIRE_FOLLOWING);
    s_ask (3, GATEWAY, WIRE_FOLLOW, 30, WIRE_FOLLOWING);
    desk_review (s_kit.desk); // nothing changed
    s_ask (2, ANN, WIRE_SEND, ANN, WIRE_ROW_ACK);
    for (uint8_t route = 1; route <= 3; route++)
        ck_assert_uint_eq (s_last_pushed (route, &ended), log_last (s_kit.log));
    rights_rules_t closed = {.access = RIGHTS_LISTED}; // and no gateway
    rights_set (s_kit.rights, &closed);
    desk_forget ();
    desk_review (s_kit.desk);
    desk_settle ();
    s_last_pushed (1, &ended);
    ck_assert_int_eq (ended, WIRE_ERR_KEY_NEEDED);
    s_last_pushed (3, &ended);
    ck_assert_int_eq (ended, WIRE_ERR_WRONG_KEY);
    s_ask (2, ANN, WIRE_SEND, ANN, WIRE_ROW_ACK);
    ck_assert_uint_eq (s_last_pushed (1, &ended) + s_last_pushed (3, &ended), 0);
    ck_assert_uint_eq (s_last_pushed (2, &ended), log_last (s_kit.log));
}
END_TEST

START_TEST (another_key_on_the_same_route_is_another_peer)
{
    wire_error_t ended;
    s_join (99, OWNER, OWNER);
    s_join (1, ANN, ANN);
    s_ask (1, ANN, WIRE_FOLLOW, ANN, WIRE_FOLLOWING);
    s_ask (1, BOB, WIRE_PING, BOB, WIRE_PONG); // whoever took the routing id
    s_ask (98, OWNER, WIRE_SEND, OWNER, WIRE_ROW_ACK);
    ck_assert_uint_eq (s_last_pushed (1, &ended), 0);
    s_with_key (ANN); // its FOLLOW is over
    wire_t ping = s_message (WIRE_PING, ANN);
    wire_set (&ping, WIRE_F_FOLLOWS, 1);
    desk_refused (1, &ping, WIRE_ERR_NO_SESSION);
    guid_t ann = people_who (ANN);
    ck_assert (peers_present (s_kit.peers, &ann)); // of just now
}
END_TEST

START_TEST (nothing_is_sent_to_a_peer_that_was_replaced)
{
    s_join (1, ANN, ANN);
    route_t route = {1, {1}};
    peer_t *peer = peers_find (s_kit.peers, 0, &route);
    peer_hold (peer);
    ck_assert (!peer->replaced);
    s_ask (1, BOB, WIRE_PING, BOB, WIRE_PONG);
    ck_assert (peer->replaced && !peer->known && !peer->follows);
    peer_release (&peer);
}
END_TEST

// ---- The original wire, roles

static const char *s_original (const char *what, unsigned who, const char *rest)
{
    char text[200], uuid[GUID_TEXT];
    guid_t guid = people_who (who);
    snprintf (text, sizeof text, "%s FROM %s%s", what, guid_print (&guid, uuid), rest);
    desk_forget ();
    desk_receive (7, true, true, span_of (text));
    desk_settle ();
    ck_assert_uint_eq (s_kit.count, 1);
    return (const char *)s_kit.frames[0].bytes;
}

START_TEST (original_wire_fails_for_those_it_may_not_speak_for)
{
    s_with_key (0);
    ck_assert_str_eq (s_original ("JOIN REQUEST", ANN, ""), "SUCCESS");
    ck_assert_str_eq (s_original ("MESSAGE SEND", ANN, " hi"), "SUCCESS");
    s_join (1, ANN, ANN);
    s_with_key (0);
    ck_assert_str_eq (s_original ("MESSAGE SEND", ANN, " hi"), "FAIL");
    ck_assert_str_eq (s_original ("MESSAGE REQUEST", ANN, ""), "FAIL");
    ck_assert_str_eq (s_original ("LEAVE REQUEST", ANN, ""), "FAIL");
    ck_assert_str_eq (s_original ("JOIN REQUEST", ANN, ""), "FAIL");
    s_with_key (ANN); // over CURVE it may
    ck_assert_str_eq (s_original ("MESSAGE SEND", ANN, " hi"), "SUCCESS");
    rights_rules_t closed = {.access = RIGHTS_INVITED};
    rights_set (s_kit.rights, &closed);
    s_with_key (0);
    ck_assert_str_eq (s_original ("JOIN REQUEST", BOB, ""), "FAIL");
}
END_TEST

START_TEST (closed_group_answers_nobody_over_plain)
{
    rights_rules_t closed = {.access = RIGHTS_LISTED};
    rights_set (s_kit.rights, &closed);
    static const wire_kind_t kinds[] = {WIRE_JOIN, WIRE_LEAVE, WIRE_NICK,   WIRE_TOPIC,  WIRE_WHO,
                                        WIRE_SEND, WIRE_PAGE,  WIRE_FOLLOW, WIRE_MANAGE, WIRE_PING};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        s_refused (1, 0, kinds[i], BOB, WIRE_ERR_KEY_NEEDED);
    s_refused (2, BOB, WIRE_JOIN, BOB, WIRE_ERR_NOT_INVITED);
}
END_TEST

START_TEST (members_are_listed_with_their_roles)
{
    s_join (99, OWNER, OWNER);
    s_join (1, ANN, ANN);
    s_join (2, BOB, BOB);
    s_manage (RECORD_OP, ANN, 0);
    s_manage (RECORD_MUTE, BOB, 0);
    wire_t members = s_ask (1, ANN, WIRE_WHO, ANN, WIRE_MEMBERS);
    span_t rows = wire_bytes (&members, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    wire_t row;
    int roles[5] = {0};
    while (wire_next_row (&row, WIRE_ROW_MEMBER, &in) == 1)
        for (unsigned n = OWNER; n <= BOB; n++) {
            guid_t who = people_who (n), member = wire_guid (&row, WIRE_F_MEMBER);
            if (guid_equal (&who, &member))
                roles[n] = 1 + (int)wire_number (&row, WIRE_F_ROLE);
        }
    ck_assert_int_eq (roles[OWNER], 1 + WIRE_ROLE_OWNER);
    ck_assert_int_eq (roles[ANN], 1 + WIRE_ROLE_OPERATOR);
    ck_assert_int_eq (roles[BOB], 1 + WIRE_ROLE_MUTED);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("desk_rights");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, group_that_is_not_open_tells_strangers_nothing);
    tcase_add_test (cases, spoofed_uuid_gets_nothing_but_a_refusal);
    tcase_add_test (cases, ping_is_answered_to_anybody_and_is_no_presence);
    tcase_add_test (cases, strangers_take_no_room_among_the_peers);
    tcase_add_test (cases, those_who_are_no_members_read_nothing);
    tcase_add_test (cases, gateway_speaks_for_many_but_not_for_those_with_a_key);
    tcase_add_test (cases, removed_ones_get_the_removal_as_their_last_record);
    tcase_add_test (cases, removed_ones_get_no_byte_of_what_is_said_in_the_same_job);
    tcase_add_test (cases, removed_key_is_cut_and_the_others_go_on);
    tcase_add_test (cases, first_proof_cuts_what_follows_without_a_key);
    tcase_add_test (cases, new_rules_cut_what_they_do_not_allow);
    tcase_add_test (cases, another_key_on_the_same_route_is_another_peer);
    tcase_add_test (cases, nothing_is_sent_to_a_peer_that_was_replaced);
    tcase_add_test (cases, original_wire_fails_for_those_it_may_not_speak_for);
    tcase_add_test (cases, closed_group_answers_nobody_over_plain);
    tcase_add_test (cases, members_are_listed_with_their_roles);
    return kit_run (cases, "desk_rights");
}
