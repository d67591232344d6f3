#include "daemons/group/judge.h"

#include "tests/standing_kit.h"

#include <czmq.h>

#define NOW INT64_C (1795330800000000)

enum { OWNER = 1, ANN, BOB, CAT };

static roster_t *s_roster;
static rights_t *s_rights;
static verdict_t s_verdict;
static pending_t *s_request;

static void s_setup (void)
{
    s_roster = roster_new ();
    s_rights = rights_new ("cats", s_roster);
    rights_rules_t rules = {.owners = people_key (OWNER),
                            .owner_count = 1,
                            .gateways = people_key (9),
                            .gateway_count = 1};
    rights_set (s_rights, &rules);
}

static void s_teardown (void)
{
    pending_destroy (&s_request);
    rights_destroy (&s_rights);
    roster_destroy (&s_roster);
}

// A request for person `who`, proved with the key `key`; 0: plain.
static pending_t *s_ask (wire_kind_t kind, unsigned who, unsigned key)
{
    static const route_t route = {1, {1}};
    pending_destroy (&s_request);
    s_request = pending_new ();
    s_request->kind = kind;
    s_request->who = people_who (who);
    s_request->peer = peer_new (0, &route);
    peer_prove (s_request->peer, key ? people_key (key) : NULL);
    s_request->text = s_request->nick = span_of ("cat");
    return s_request;
}

// Judges it, and puts what is to be appended into the fold; durable only with s_commit.
static wire_error_t s_judge (void)
{
    static uint64_t seq;
    judge_request (s_rights, s_roster, s_request, 100, NOW, &s_verdict);
    ck_assert (!s_verdict.append || !s_verdict.error);
    if (s_verdict.append) {
        s_verdict.record.seq = ++seq;
        s_verdict.record.time = NOW;
        roster_put (s_roster, &s_verdict.record);
    }
    return s_verdict.error;
}

static wire_error_t s_say (wire_kind_t kind, unsigned who, unsigned key)
{
    s_ask (kind, who, key);
    return s_judge ();
}

static wire_error_t s_manage (unsigned who, record_kind_t action, unsigned subject, unsigned key)
{
    s_ask (WIRE_MANAGE, who, who);
    s_request->action = action;
    s_request->subject = people_who (subject);
    s_request->key = key ? span (people_key (key), SPEAKER_KEY) : span (NULL, 0);
    return s_judge ();
}

static void s_must (wire_error_t error)
{
    ck_assert_msg (error == WIRE_ERR_NONE, "%s", wire_error_name (error));
    ck_assert (s_verdict.append);
}

static void s_join (unsigned who, unsigned key)
{
    s_must (s_say (WIRE_JOIN, who, key));
}

static bool s_option_is (uint64_t type, const void *bytes, size_t size)
{
    return span_equal (record_option (&s_verdict.record, type), span (bytes, size));
}

START_TEST (records_are_verified_where_a_key_of_the_author_was_proved)
{
    s_join (ANN, ANN);
    ck_assert_uint_eq (s_verdict.record.flags, RECORD_VERIFIED);
    s_must (s_say (WIRE_SEND, ANN, ANN));
    ck_assert_uint_eq (s_verdict.record.flags, RECORD_VERIFIED);
    s_join (BOB, 0);
    ck_assert_uint_eq (s_verdict.record.flags, 0);
    s_join (CAT, 9); // a gateway's word is no proof
    ck_assert_uint_eq (s_verdict.record.flags, 0);
    s_must (s_say (WIRE_TOPIC, CAT, 9));
    ck_assert_uint_eq (s_verdict.record.flags, 0);
}
END_TEST

START_TEST (speaker_is_judged_by_what_came_before_it)
{
    s_join (ANN, 0);
    s_must (s_say (WIRE_SEND, ANN, 0));
    s_must (s_say (WIRE_SEND, ANN, ANN)); // binds, in the same job
    ck_assert_int_eq (s_say (WIRE_SEND, ANN, 0), WIRE_ERR_KEY_NEEDED);
    ck_assert_int_eq (s_say (WIRE_SEND, ANN, 9), WIRE_ERR_WRONG_KEY);
    ck_assert_int_eq (s_say (WIRE_SEND, ANN, BOB), WIRE_ERR_WRONG_KEY);
    roster_discard (s_roster);
    s_join (ANN, 0);
    s_must (s_say (WIRE_SEND, ANN, 0));
}
END_TEST

START_TEST (first_proof_is_a_join_of_its_own_and_ends_what_was_said_without)
{
    s_join (ANN, 0);
    ck_assert_int_eq (s_verdict.ends, 0);
    s_join (ANN, ANN); // once more
    ck_assert_int_eq (s_verdict.record.kind, RECORD_JOIN);
    ck_assert (span_equal (s_verdict.record.nick, span_of ("cat")));
    ck_assert_int_eq (s_verdict.ends, WIRE_ERR_KEY_NEEDED);
    guid_t ann = people_who (ANN);
    ck_assert (guid_equal (&s_verdict.whose, &ann));
    ck_assert_int_eq (s_say (WIRE_JOIN, ANN, ANN), WIRE_ERR_NONE); // and then no more
    ck_assert (!s_verdict.append);
    ck_assert_str_eq (s_verdict.nick, "cat");
    s_join (BOB, BOB); // new: there is nothing to end
    ck_assert_int_eq (s_verdict.ends, 0);
}
END_TEST

START_TEST (actions_become_records_that_say_whom_they_are_about)
{
    s_join (OWNER, OWNER);
    s_join (ANN, ANN);
    static const record_kind_t kinds[] = {RECORD_INVITE, RECORD_OP, RECORD_DEOP, RECORD_MUTE,
                                          RECORD_UNMUTE};
    guid_t ann = people_who (ANN);
    for (size_t i = 0; i < 5; i++) {
        s_must (s_manage (OWNER, kinds[i], ANN, BOB));
        ck_assert_int_eq (s_verdict.record.kind, kinds[i]);
        ck_assert (s_option_is (RECORD_OPT_SUBJECT, ann.bytes, GUID_SIZE));
        ck_assert_ptr_null (record_option (&s_verdict.record, RECORD_OPT_KEY).data);
        ck_assert (span_equal (s_verdict.record.nick, span_of ("cat"))); // the actor's
        ck_assert_int_eq (s_verdict.ends, 0);
        ck_assert_int_eq (s_manage (OWNER, kinds[i], ANN, BOB), WIRE_ERR_NONE); // again
        ck_assert (!s_verdict.append && s_verdict.seq == 0);
    }
    s_must (s_manage (ANN, RECORD_ADD_KEY, ANN, BOB));
    ck_assert (s_option_is (RECORD_OPT_KEY, people_key (BOB), SPEAKER_KEY));
    s_must (s_say (WIRE_SEND, ANN, BOB)); // in the same job
}
END_TEST

START_TEST (what_puts_somebody_out_says_whose_sessions_end)
{
    static const struct {
        record_kind_t kind;
        wire_error_t ends;
    } rows[] = {{RECORD_REMOVE_KEY, WIRE_ERR_WRONG_KEY},
                {RECORD_KICK, WIRE_ERR_NOT_MEMBER},
                {RECORD_BAN, WIRE_ERR_BANNED}};
    guid_t ann = people_who (ANN);
    s_join (OWNER, OWNER);
    for (size_t i = 0; i < 3; i++) {
        if (!roster_is_next (s_roster, &ann))
            s_join (ANN, ANN);
        s_must (s_manage (OWNER, rows[i].kind, ANN, ANN));
        ck_assert_int_eq (s_verdict.ends, rows[i].ends);
        ck_assert (guid_equal (&s_verdict.whose, &ann));
        ck_assert (roster_is_next (s_roster, &ann) == (i == 0));
        if (i == 0)
            s_must (s_manage (OWNER, RECORD_ADD_KEY, ANN, ANN));
    }
    ck_assert_int_eq (s_say (WIRE_SEND, ANN, ANN), WIRE_ERR_BANNED);
    ck_assert_int_eq (s_say (WIRE_JOIN, ANN, ANN), WIRE_ERR_BANNED);
    ck_assert_int_eq (s_say (WIRE_LEAVE, ANN, ANN), WIRE_ERR_BANNED);
}
END_TEST

START_TEST (only_a_proved_member_acts)
{
    s_join (BOB, 0);
    ck_assert_int_eq (s_manage (OWNER, RECORD_BAN, BOB, 0), WIRE_ERR_NOT_MEMBER);
    s_join (OWNER, OWNER);
    s_ask (WIRE_MANAGE, BOB, 0);
    s_request->action = RECORD_ADD_KEY;
    s_request->subject = people_who (BOB);
    s_request->key = span (people_key (CAT), SPEAKER_KEY);
    ck_assert_int_eq (s_judge (), WIRE_ERR_KEY_NEEDED);
    s_request->peer->speaker = speaker_of (people_key (9));
    ck_assert_int_eq (s_judge (), WIRE_ERR_KEY_NEEDED); // nor for a gateway
    s_join (ANN, ANN);
    ck_assert_int_eq (s_manage (ANN, RECORD_BAN, BOB, 0), WIRE_ERR_NOT_ALLOWED);
}
END_TEST

START_TEST (muted_ones_repeat_is_what_it_was)
{
    s_join (OWNER, OWNER);
    s_join (ANN, ANN);
    s_ask (WIRE_SEND, ANN, ANN);
    s_request->send = (record_send_t){{7}, 1, 99};
    s_must (s_judge ());
    uint64_t seq = s_verdict.record.seq;
    s_must (s_manage (OWNER, RECORD_MUTE, ANN, 0));
    s_ask (WIRE_SEND, ANN, ANN);
    s_request->send = (record_send_t){{7}, 1, 99};
    ck_assert_int_eq (s_judge (), WIRE_ERR_NONE);
    ck_assert_uint_eq (s_verdict.seq, seq); // it is stored: the answer was lost
    s_request->send.counter = 2;
    ck_assert_int_eq (s_judge (), WIRE_ERR_MUTED);
    s_ask (WIRE_NICK, ANN, ANN);
    s_request->nick = span_of ("cat-2"); // as it is
    ck_assert_int_eq (s_judge (), WIRE_ERR_NONE);
    s_request->nick = span_of ("ann");
    ck_assert_int_eq (s_judge (), WIRE_ERR_MUTED);
    s_must (s_say (WIRE_LEAVE, ANN, ANN));
}
END_TEST

START_TEST (redeemed_invitation_stands_in_the_join)
{
    uint8_t operator_key[32], signing[64], made[INVITATION_MAX], field[INVITATION_FIELD];
    static const uint8_t secret[32] = {5};
    invitation_operator (secret, operator_key, signing);
    invitation_draft_t draft = {.id = {{3}}, .uses = 1, .expires = NOW + 5};
    size_t size = invitation_make (&draft, signing, made);
    writer_t out = writer (field, sizeof field);
    invitation_put (&out, span (made, size));
    rights_rules_t rules = {
        .access = RIGHTS_INVITED, .operators = operator_key, .operator_count = 1};
    rights_set (s_rights, &rules);
    ck_assert_int_eq (s_say (WIRE_JOIN, ANN, ANN), WIRE_ERR_NOT_INVITED);
    s_ask (WIRE_JOIN, ANN, ANN);
    s_request->invitations = span (field, writer_used (&out));
    s_must (s_judge ());
    ck_assert (s_option_is (RECORD_OPT_INVITATION, draft.id.bytes, GUID_SIZE));
    ck_assert_uint_eq (record_option_number (&s_verdict.record, RECORD_OPT_USES, 0), 1);
    ck_assert_uint_eq (record_option_number (&s_verdict.record, RECORD_OPT_EXPIRES, 0), NOW + 5);
    s_ask (WIRE_JOIN, BOB, BOB); // in the same job: it is used up
    s_request->invitations = span (field, writer_used (&out));
    ck_assert_int_eq (s_judge (), WIRE_ERR_BAD_INVITATION);
    ck_assert_str_eq (s_verdict.why, "the invitation is used up");
    roster_discard (s_roster);
    s_must (s_judge ()); // it was not, after all
}
END_TEST

START_TEST (limit_of_members_is_named)
{
    s_join (ANN, ANN);
    s_ask (WIRE_JOIN, BOB, BOB);
    judge_request (s_rights, s_roster, s_request, 1, NOW, &s_verdict);
    ck_assert_int_eq (s_verdict.error, WIRE_ERR_LIMIT);
    ck_assert_ptr_nonnull (strstr (s_verdict.why, "max_members"));
}
END_TEST

START_TEST (groups_own_requests_need_no_key)
{
    s_join (ANN, ANN);
    s_ask (WIRE_LEAVE, ANN, 0);
    peer_release (&s_request->peer);
    s_must (s_judge ());
    ck_assert_uint_eq (s_verdict.record.flags, 0);
    ck_assert_int_eq (s_verdict.ends, WIRE_ERR_NOT_MEMBER);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("judge");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, records_are_verified_where_a_key_of_the_author_was_proved);
    tcase_add_test (cases, speaker_is_judged_by_what_came_before_it);
    tcase_add_test (cases, first_proof_is_a_join_of_its_own_and_ends_what_was_said_without);
    tcase_add_test (cases, actions_become_records_that_say_whom_they_are_about);
    tcase_add_test (cases, what_puts_somebody_out_says_whose_sessions_end);
    tcase_add_test (cases, only_a_proved_member_acts);
    tcase_add_test (cases, muted_ones_repeat_is_what_it_was);
    tcase_add_test (cases, redeemed_invitation_stands_in_the_join);
    tcase_add_test (cases, limit_of_members_is_named);
    tcase_add_test (cases, groups_own_requests_need_no_key);
    return kit_run (cases, "judge");
}
