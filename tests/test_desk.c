#include "daemons/group/desk.h"

#include "tests/desk_kit.h"
#include "tests/faults.h"

static void s_setup (void)
{
    setenv ("TZ", "UTC", 1);
    faults_skip_syncs (true);
    desk_begin ();
    desk_join (2, 2, "bob");
    desk_forget ();
}

static void s_teardown (void)
{
    faults_reset ();
    desk_end ();
}

// ---- Every kind has one answer

// A request that can be answered well: every field is set.
static wire_t s_plausible (wire_kind_t kind, unsigned who)
{
    if (kind == WIRE_SEND)
        return desk_send (who, 1, "hello");
    if (kind == WIRE_SENDS) {
        writer_t rows;
        wire_t sends = desk_sends (who, &rows);
        desk_put_row (&sends, &rows, sends.tag, 2, "hello again");
        return sends;
    }
    wire_t message = desk_message (kind, who);
    const wire_message_t *row = wire_message (kind);
    for (size_t i = 0; row->fields[i]; i++)
        if (wire_field_type (row->fields[i]) == WIRE_T_TEXT)
            wire_set_bytes (&message, row->fields[i], span_of ("cat"));
        else if (wire_field_type (row->fields[i]) <= WIRE_T_U64)
            wire_set (&message, row->fields[i], 0);
    if (kind == WIRE_WHO)
        wire_set (&message, WIRE_F_LIMIT, 10);
    return message;
}

START_TEST (every_kind_has_one_answer)
{
    size_t count;
    const wire_message_t *table = wire_table (&count);
    for (size_t i = 0; i < count; i++) {
        if (!(table[i].way & WIRE_TO_BOTH) || table[i].kind == WIRE_LEAVE)
            continue;
        desk_forget ();
        wire_t message = s_plausible (table[i].kind, 1);
        desk_request (1, &message);
        desk_settle ();
        desk_answer_t answer = desk_answers (1, message.tag);
        bool to_us = table[i].way & WIRE_TO_GROUP && table[i].kind != WIRE_MANAGE;
        ck_assert_msg (answer.count == (table[i].kind != WIRE_CREDIT), "%s: %d answers",
                       table[i].name, answer.count);
        ck_assert_msg ((answer.kind == WIRE_ROW_ERROR) == !to_us, "%s", table[i].name);
        if (!to_us)
            ck_assert_uint_eq (wire_number (&answer.message, WIRE_F_NUMBER),
                               table[i].kind == WIRE_MANAGE ? WIRE_ERR_KEY_NEEDED
                                                            : WIRE_ERR_UNKNOWN_KIND);
    }
    wire_t leave = desk_message (WIRE_LEAVE, 1);
    desk_ask (1, &leave, WIRE_ROW_ACK);
}
END_TEST

START_TEST (strangers_may_only_join_and_ping)
{
    size_t count;
    const wire_message_t *table = wire_table (&count);
    for (size_t i = 0; i < count; i++) {
        if (!(table[i].way & WIRE_TO_GROUP) || table[i].kind == WIRE_JOIN)
            continue;
        wire_t message = s_plausible (table[i].kind, 9);
        if (table[i].kind == WIRE_PING)
            desk_ask (3, &message, WIRE_PONG);
        else if (table[i].kind != WIRE_CREDIT)
            desk_refused (3, &message, WIRE_ERR_NOT_MEMBER);
    }
    desk_join (3, 9, "dog");
    wire_t who = s_plausible (WIRE_WHO, 9);
    desk_ask (3, &who, WIRE_MEMBERS);
}
END_TEST

START_TEST (many_requests_of_one_turn_have_one_answer_each)
{
    uint32_t first = s_kit.tag + 1;
    for (uint64_t counter = 1; counter <= 500; counter++) {
        wire_t send = desk_send (1, counter, "hello");
        desk_request (1, &send);
    }
    desk_settle ();
    size_t acks = 0;
    for (size_t i = 0; i < s_kit.count; i++)
        acks += s_kit.frames[i].message.kind == WIRE_ACK;
    ck_assert_uint_le (acks, 3); // rows share frames
    for (uint32_t i = 0; i < 500; i++) {
        desk_answer_t answer = desk_answers (1, first + i);
        ck_assert (answer.count == 1 && answer.kind == WIRE_ROW_ACK);
        ck_assert_uint_eq (wire_number (&answer.message, WIRE_F_SEQ), 4 + i);
    }
}
END_TEST

START_TEST (answer_goes_to_who_asked)
{
    wire_t one = desk_send (1, 1, "a"), two = desk_send (2, 1, "b");
    desk_request (1, &one);
    desk_request (2, &two);
    desk_settle ();
    ck_assert_int_eq (desk_answers (1, one.tag).count, 1);
    ck_assert_int_eq (desk_answers (2, two.tag).count, 1);
    ck_assert_int_eq (desk_answers (1, two.tag).count + desk_answers (2, one.tag).count, 0);
}
END_TEST

// ---- Bad frames

static desk_answer_t s_bad (const uint8_t *bytes, size_t size, uint32_t tag)
{
    desk_forget ();
    desk_receive (5, false, true, span (bytes, size));
    desk_settle ();
    return desk_answers (5, tag);
}

START_TEST (bad_frames_are_answered)
{
    static const struct {
        const char *hex;
        uint32_t tag;
        wire_error_t error;
    } bad[] = {
        {"", 0, WIRE_ERR_BAD_REQUEST},
        {"7a", 0, WIRE_ERR_BAD_REQUEST},
        {"7a4301", 0, WIRE_ERR_BAD_REQUEST},
        {"0000000000000000000000000000", 0, WIRE_ERR_BAD_REQUEST},
        {"7a43 01 01 00000007", 7, WIRE_ERR_BAD_REQUEST}, // no UUID
        {"7a43 02 01 00000007 20000000000000000000000000000000 00", 7, WIRE_ERR_VERSION},
        {"7a43 01 7f 00000007 20000000000000000000000000000000", 7, WIRE_ERR_UNKNOWN_KIND},
        {"7a43 01 20 00000007 20000000000000000000000000000000", 7, WIRE_ERR_BAD_REQUEST},
        {"7a43 01 03 00000007 00000000000000000000000000000000", 7, WIRE_ERR_BAD_REQUEST},
        {"7a43 01 02 00000007 20000000000000000000000000000000 0005 6869", 7, WIRE_ERR_BAD_REQUEST},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t bytes[256];
        desk_answer_t answer = s_bad (bytes, kit_hex (bad[i].hex, bytes, 256), bad[i].tag);
        ck_assert_msg (answer.count == 1 && answer.kind == WIRE_ROW_ERROR, "%s", bad[i].hex);
        wire_error_t error = (wire_error_t)wire_number (&answer.message, WIRE_F_NUMBER);
        ck_assert_msg (error == bad[i].error, "%s: %s", bad[i].hex, wire_error_name (error));
        if (error == WIRE_ERR_VERSION) {
            ck_assert_uint_eq (wire_number (&answer.message, WIRE_F_VERSION_LOW), WIRE_VERSION);
            ck_assert_uint_eq (wire_number (&answer.message, WIRE_F_VERSION_HIGH), WIRE_VERSION);
        }
    }
    ck_assert_uint_eq (peers_count (s_kit.peers), 2); // nothing is kept of them
}
END_TEST

START_TEST (message_of_several_frames_is_bad)
{
    wire_t ping = desk_message (WIRE_PING, 1);
    uint8_t bytes[64];
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (&ping, &out);
    desk_receive (5, false, false, span (bytes, writer_used (&out)));
    desk_settle ();
    desk_answer_t answer = desk_answers (5, ping.tag);
    ck_assert (answer.count == 1 && answer.kind == WIRE_ROW_ERROR);
}
END_TEST

static void s_forget_peer (uint8_t byte)
{
    route_t route = {1, {byte}};
    peer_t *peer = peers_find (s_kit.peers, 0, &route);
    if (!peer)
        return;
    delivery_unfollow (s_kit.delivery, peer);
    history_drop (s_kit.history, peer);
    peers_drop (s_kit.peers, peer);
}

// Frames that are nearly right: each has one answer.
START_TEST (mutated_frames_have_one_answer)
{
    dice_t chance = dice_new ("mutated_frames_have_one_answer");
    static const wire_kind_t kinds[] = {WIRE_PING, WIRE_JOIN, WIRE_NICK,   WIRE_TOPIC, WIRE_WHO,
                                        WIRE_SEND, WIRE_PAGE, WIRE_FOLLOW, WIRE_LEAVE};
    for (int i = 0; i < 3000; i++) {
        uint8_t bytes[300], route = (uint8_t)(10 + dice (&chance, 100));
        wire_t message = s_plausible (kinds[dice (&chance, 9)], 1 + (unsigned)dice (&chance, 3));
        writer_t out = writer (bytes, sizeof bytes);
        wire_encode (&message, &out);
        size_t size = writer_used (&out), bad = dice (&chance, 4);
        for (size_t j = 0; j < bad; j++)
            bytes[8 + dice (&chance, size - 8)] = (uint8_t)dice_u64 (&chance);
        if (dice (&chance, 4) == 0)
            size = 8 + dice (&chance, size - 8);
        desk_forget ();
        desk_receive (route, false, true, span (bytes, size));
        desk_settle ();
        for (size_t peer = 1; peer < 120; peer++)
            ck_assert_int_eq (desk_answers ((uint8_t)peer, message.tag).count, peer == route);
        s_forget_peer (route);
    }
}
END_TEST

// ---- PING and presence

START_TEST (pong_says_how_the_group_is)
{
    wire_t ping = desk_message (WIRE_PING, 9);
    wire_t pong = desk_ask (3, &ping, WIRE_PONG);
    ck_assert (span_equal (wire_bytes (&pong, WIRE_F_NAME), span_of ("cats")));
    guid_t log = wire_guid (&pong, WIRE_F_LOG);
    ck_assert (guid_equal (&log, log_id (s_kit.log)));
    ck_assert_uint_eq (wire_number (&pong, WIRE_F_GENERATION), 1);
    ck_assert_uint_eq (wire_number (&pong, WIRE_F_STATE), WIRE_STATE_OK);
    ck_assert_uint_eq (wire_number (&pong, WIRE_F_OLDEST), 1);
    ck_assert_uint_eq (wire_number (&pong, WIRE_F_LAST), 3);
    ck_assert_uint_ge (wire_number (&pong, WIRE_F_TIME), DESK_NOW);
    ck_assert_uint_eq (wire_number (&pong, WIRE_F_MAX_MESSAGE), DESK_MAX_MESSAGE);
}
END_TEST

START_TEST (ping_of_who_believes_to_follow_is_checked)
{
    wire_t ping = desk_message (WIRE_PING, 1), follow = desk_message (WIRE_FOLLOW, 1);
    wire_set (&ping, WIRE_F_FOLLOWS, 1);
    desk_refused (1, &ping, WIRE_ERR_NO_SESSION);
    desk_ask (1, &follow, WIRE_FOLLOWING);
    desk_ask (1, &ping, WIRE_PONG);
    desk_refused (2, &ping, WIRE_ERR_NO_SESSION); // by another connection
}
END_TEST

START_TEST (a_member_is_present_from_its_join_to_its_leave)
{
    guid_t ann = desk_who (1), dog = desk_who (9);
    wire_t leave = desk_message (WIRE_LEAVE, 1), ping = desk_message (WIRE_PING, 9);
    wire_t who = s_plausible (WIRE_WHO, 1);
    ck_assert (peers_present (s_kit.peers, &ann)); // by JOIN
    desk_ask (1, &who, WIRE_MEMBERS);
    ck_assert (peers_present (s_kit.peers, &ann));
    desk_ask (3, &ping, WIRE_PONG);
    ck_assert (!peers_present (s_kit.peers, &dog)); // no member
    desk_ask (1, &leave, WIRE_ROW_ACK);
    ck_assert (!peers_present (s_kit.peers, &ann));
}
END_TEST

START_TEST (too_many_connections_are_told_so)
{
    peers_set_limits (s_kit.peers, 2, 1000);
    wire_t ping = desk_message (WIRE_PING, 1);
    wire_t row = desk_refused (77, &ping, WIRE_ERR_LIMIT);
    desk_names (&row, "max_sessions");
    desk_ask (1, &ping, WIRE_PONG);
}
END_TEST

// ---- JOIN, NICK, TOPIC, SEND

START_TEST (join_gives_the_next_free_nick)
{
    wire_t row = desk_join (3, 3, "ANN");
    ck_assert (span_equal (wire_bytes (&row, WIRE_F_NICK), span_of ("ANN-2")));
    ck_assert_uint_eq (wire_number (&row, WIRE_F_SEQ), 4);
    ck_assert_uint_gt (wire_number (&row, WIRE_F_TIME), 0);
    row = desk_join (3, 3, "other"); // again: what it has
    ck_assert (span_equal (wire_bytes (&row, WIRE_F_NICK), span_of ("ANN-2")));
    ck_assert_uint_eq (wire_number (&row, WIRE_F_SEQ), 0);
    row = desk_join (4, 4, ""); // without one
    ck_assert (!wire_has (&row, WIRE_F_NICK));
    ck_assert_uint_eq (wire_number (&row, WIRE_F_SEQ), 5);
}
END_TEST

START_TEST (texts_are_checked)
{
    char large[DESK_MAX_MESSAGE + 2];
    memset (large, 'x', sizeof large);
    large[DESK_MAX_MESSAGE + 1] = 0;
    wire_t send = desk_send (1, 1, large);
    wire_t row = desk_refused (1, &send, WIRE_ERR_TOO_LONG);
    desk_names (&row, "max_message");
    desk_names (&row, "1000");
    send = desk_send (1, 1, "");
    desk_refused (1, &send, WIRE_ERR_BAD_TEXT);
    send = desk_send (1, 1, "bell \a");
    desk_refused (1, &send, WIRE_ERR_BAD_TEXT);
    send = desk_send (1, 1, "\xff\xfe");
    desk_refused (1, &send, WIRE_ERR_BAD_TEXT);
    large[DESK_MAX_MESSAGE] = 0;
    send = desk_send (1, 1, large);
    desk_ask (1, &send, WIRE_ROW_ACK);
    wire_t nick = desk_message (WIRE_NICK, 1);
    wire_set_bytes (&nick, WIRE_F_NICK, span_of ("two words"));
    desk_refused (1, &nick, WIRE_ERR_BAD_NICK);
    nick.tag = ++s_kit.tag;
    wire_set_bytes (&nick, WIRE_F_NICK, span_of ("bob"));
    desk_refused (1, &nick, WIRE_ERR_NICK_TAKEN);
}
END_TEST

START_TEST (topic_is_set_and_cleared)
{
    wire_t topic = desk_message (WIRE_TOPIC, 1);
    wire_set_bytes (&topic, WIRE_F_TEXT, span_of ("cats only"));
    wire_t row = desk_ask (1, &topic, WIRE_ROW_ACK);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_SEQ), 4);
    row = desk_ask (1, &topic, WIRE_ROW_ACK);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_SEQ), 0); // changes nothing
    wire_t who = s_plausible (WIRE_WHO, 1);
    row = desk_ask (1, &who, WIRE_MEMBERS);
    ck_assert (span_equal (wire_bytes (&row, WIRE_F_TOPIC), span_of ("cats only")));
    wire_set_bytes (&topic, WIRE_F_TEXT, span_of (""));
    row = desk_ask (1, &topic, WIRE_ROW_ACK);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_SEQ), 5);
    ck_assert_str_eq (roster_topic (s_kit.roster), "");
}
END_TEST

START_TEST (repeated_send_has_its_first_answer)
{
    wire_t send = desk_send (1, 1, "once");
    wire_t row = desk_ask (1, &send, WIRE_ROW_ACK);
    send.tag = ++s_kit.tag;
    wire_t again = desk_ask (2, &send, WIRE_ROW_ACK);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_SEQ), 4);
    ck_assert_uint_eq (wire_number (&again, WIRE_F_SEQ), 4);
    wire_set (&send, WIRE_F_RANDOM, 10);
    desk_refused (1, &send, WIRE_ERR_REUSED);
    send = desk_send (1, 3, "too early");
    desk_refused (1, &send, WIRE_ERR_OUT_OF_ORDER);
    send = desk_send (2, 2, "of no device");
    desk_refused (2, &send, WIRE_ERR_UNKNOWN_DEVICE);
    ck_assert_uint_eq (log_last (s_kit.log), 4);
}
END_TEST

START_TEST (limits_are_named)
{
    intake_set_limits (s_kit.intake, 100, 2);
    wire_t send = desk_send (1, 1, "does not fit");
    wire_t row = desk_refused (1, &send, WIRE_ERR_BUSY);
    desk_names (&row, "max_pending");
    ck_assert_uint_gt (wire_number (&row, WIRE_F_WAIT), 0);
    intake_set_limits (s_kit.intake, 1 << 20, 2);
    wire_t join = desk_message (WIRE_JOIN, 5);
    row = desk_refused (5, &join, WIRE_ERR_LIMIT);
    desk_names (&row, "max_members");
}
END_TEST

START_TEST (group_that_cannot_write_says_so)
{
    ck_assert_int_eq (log_set_doubt (s_kit.log, "a receipt"), 0);
    wire_t send = desk_send (1, 1, "in doubt");
    desk_refused (1, &send, WIRE_ERR_DOUBT);
    wire_t ping = desk_message (WIRE_PING, 1);
    wire_t pong = desk_ask (1, &ping, WIRE_PONG);
    ck_assert_uint_eq (wire_number (&pong, WIRE_F_STATE), WIRE_STATE_DOUBT);
    ck_assert_int_eq (log_set_doubt (s_kit.log, ""), 0);
    faults_fail (FAULTS_PWRITE, 0, -1, ENOSPC);
    send.tag = ++s_kit.tag;
    desk_refused (1, &send, WIRE_ERR_DISK_FULL);
    faults_fail (FAULTS_PWRITE, 0, 0, 0);
    intake_stop (s_kit.intake);
    send.tag = ++s_kit.tag;
    desk_refused (1, &send, WIRE_ERR_STOPPING);
}
END_TEST

static void s_add_rest (TCase *cases)
{
    tcase_add_test (cases, join_gives_the_next_free_nick);
    tcase_add_test (cases, texts_are_checked);
    tcase_add_test (cases, topic_is_set_and_cleared);
    tcase_add_test (cases, repeated_send_has_its_first_answer);
    tcase_add_test (cases, limits_are_named);
    tcase_add_test (cases, group_that_cannot_write_says_so);
}

int main (void)
{
    TCase *cases = tcase_create ("desk");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, every_kind_has_one_answer);
    tcase_add_test (cases, strangers_may_only_join_and_ping);
    tcase_add_test (cases, many_requests_of_one_turn_have_one_answer_each);
    tcase_add_test (cases, answer_goes_to_who_asked);
    tcase_add_test (cases, bad_frames_are_answered);
    tcase_add_test (cases, message_of_several_frames_is_bad);
    tcase_add_test (cases, mutated_frames_have_one_answer);
    tcase_add_test (cases, pong_says_how_the_group_is);
    tcase_add_test (cases, ping_of_who_believes_to_follow_is_checked);
    tcase_add_test (cases, a_member_is_present_from_its_join_to_its_leave);
    tcase_add_test (cases, too_many_connections_are_told_so);
    s_add_rest (cases);
    return kit_run (cases, "desk");
}
