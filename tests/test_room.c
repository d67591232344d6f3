#include "user/room.h"

#include "tests/user_call.h"

#include <dirent.h>

static room_t *s_room;
static int s_answers, s_wanted;
static outbox_result_t s_result;
static char s_why[500];

static void s_on_sent (void *arg, const outbox_answer_t *answer)
{
    context_t *context = arg;
    s_answers++;
    s_result = answer->result;
    snprintf (s_why, sizeof s_why, "%s", room_why (s_room, answer));
    if (s_answers == s_wanted)
        context_end (context, EXIT_DONE);
}

// Sends so many texts and waits for all answers.
static void s_send (call_t *call, int count, int timeout)
{
    s_answers = 0;
    s_wanted = count;
    for (int i = 0; i < count; i++)
        ck_assert_int_eq (room_send (s_room, "hi", 2, timeout, s_on_sent, call->context), 0);
    ck_assert_uint_eq (room_sending (s_room), (size_t)count);
    context_run (call->context);
    ck_assert_int_eq (s_answers, count);
}

static call_t *s_open (fake_meddle_fn *meddle)
{
    static const room_handlers_t none;
    call_t *call = call_new (NULL, "");
    call->group->meddle = meddle;
    ck_assert_ptr_nonnull (context_identity (call->context));
    s_room = room_new (call->context, call->group->endpoint, &none);
    ck_assert_ptr_nonnull (s_room);
    return call;
}

static int s_devices (const call_t *call)
{
    char log[GUID_TEXT], uuid[GUID_TEXT], path[600];
    snprintf (path, sizeof path, "%s/me/logs/%s/%s", call->folder.path,
              guid_print (&call->log->log, log), guid_print (context_uuid (call->context), uuid));
    int count = 0;
    DIR *pool = opendir (path);
    struct dirent *entry;
    while (pool && (entry = readdir (pool)))
        count += entry->d_name[0] != '.';
    if (pool)
        closedir (pool);
    return count;
}

START_TEST (what_the_group_said_is_kept)
{
    call_t *call = s_open (NULL);
    s_send (call, 3, -1);
    ck_assert_str_eq (room_name (s_room), "cats");
    room_destroy (&s_room);
    ck_assert_ptr_null (s_room);
    uint8_t receipt[PROOF_RECEIPT];
    guid_t log;
    identity_t *identity = context_identity (call->context);
    ck_assert_int_eq (identity_log (identity, "cats", &log), 0);
    ck_assert (guid_equal (&log, &call->log->log));
    ck_assert_int_eq (identity_receipt (identity, &log, receipt), 0);
    ck_assert_uint_eq (receipt_decode (receipt).seq, 33);
    ck_assert_int_eq (s_devices (call), 1);
    call_destroy (&call);
}
END_TEST

START_TEST (answered_device_is_given_back_with_its_counter)
{
    call_t *call = s_open (NULL);
    s_send (call, 3, -1);
    room_destroy (&s_room);
    sender_t *sender = identity_take_sender (context_identity (call->context), &call->log->log,
                                             context_uuid (call->context));
    ck_assert_uint_eq (sender_last (sender), 3);
    ck_assert_mem_eq (sender_name (sender), call->group->sends[0].device, RECORD_DEVICE);
    sender_destroy (&sender);
    call_destroy (&call);
}
END_TEST

START_TEST (device_of_an_unanswered_text_is_thrown_away)
{
    call_t *call = s_open (call_say_nothing);
    s_send (call, 1, 200);
    ck_assert_int_eq (s_result, OUTBOX_TIMEOUT);
    ck_assert_int_eq (s_devices (call), 1);
    room_destroy (&s_room);
    ck_assert_int_eq (s_devices (call), 0);
    call_destroy (&call);
}
END_TEST

static bool s_reuse_first_device (fake_t *self, const wire_t *request)
{
    static uint8_t first[RECORD_DEVICE];
    static bool known;
    if (request->kind != WIRE_SEND)
        return false;
    const uint8_t *device = wire_bytes (request, WIRE_F_DEVICE).data;
    if (!known)
        memcpy (first, device, RECORD_DEVICE);
    known = true;
    if (memcmp (first, device, RECORD_DEVICE) != 0)
        return false;
    fake_error (self, request->tag, WIRE_ERR_REUSED, 0);
    return true;
}

START_TEST (reused_device_is_thrown_away_and_the_text_sent_again)
{
    call_t *call = s_open (s_reuse_first_device);
    s_send (call, 1, -1);
    ck_assert_int_eq (s_result, OUTBOX_ANSWERED);
    ck_assert_uint_eq (call->group->send_count, 1);
    ck_assert_int_eq (s_devices (call), 1);
    room_destroy (&s_room);
    sender_t *sender = identity_take_sender (context_identity (call->context), &call->log->log,
                                             context_uuid (call->context));
    ck_assert_mem_eq (sender_name (sender), call->group->sends[0].device, RECORD_DEVICE);
    sender_destroy (&sender);
    call_destroy (&call);
}
END_TEST

START_TEST (refusal_and_silence_have_a_sentence)
{
    call_t *call = s_open (call_refuse_strangers);
    s_send (call, 1, -1);
    ck_assert_int_eq (s_result, OUTBOX_REFUSED);
    ck_assert_str_eq (s_why, "not a member of this group: join it first");
    room_destroy (&s_room);
    call_destroy (&call);
    call = s_open (call_say_nothing);
    s_send (call, 1, 200);
    ck_assert_str_eq (s_why, "no answer in time");
    room_destroy (&s_room);
    call_destroy (&call);
}
END_TEST

START_TEST (text_under_way_is_closed_with_the_room)
{
    call_t *call = s_open (NULL);
    ck_assert_int_eq (room_send (s_room, "hi", 2, -1, s_on_sent, call->context), 0);
    room_destroy (&s_room);
    ck_assert_int_eq (s_answers, 1);
    ck_assert_int_eq (s_result, OUTBOX_CLOSED);
    call_destroy (&call);
}
END_TEST

START_TEST (gaps_and_losses_are_told)
{
    call_t *call = s_open (NULL);
    call_begin (call);
    room_gap (s_room, 1, 9, RECORD_WHY_COUNT);
    bool broken_by_retention = room_is_broken (s_room);
    room_gap (s_room, 10, 12, RECORD_WHY_DAMAGE);
    bool broken_by_damage = room_is_broken (s_room);
    room_lost (s_room, 20, 30);
    call_end (call);
    ck_assert (!broken_by_retention);
    ck_assert (broken_by_damage);
    char wanted[600];
    const char *name = call->group->endpoint;
    snprintf (wanted, sizeof wanted,
              "zchat: %s: #1 to #9 are not kept any more: there were too many\n"
              "zchat: %s: #10 to #12 are not kept any more: they are damaged\n"
              "zchat: %s: #20 to #30 are not in the group's log: what of them was acknowledged is "
              "lost\n",
              name, name, name);
    ck_assert_str_eq (call->err, wanted);
    room_destroy (&s_room);
    call_destroy (&call);
}
END_TEST

// Told once, and not for each answer; what was shown and told as lost is forgotten.
START_TEST (group_in_doubt_is_told)
{
    static const wire_state_t states[] = {WIRE_STATE_DOUBT, WIRE_STATE_READ_ONLY};
    static const char *const words[] = {"LOG IS IN DOUBT", "log is damaged"};
    for (size_t i = 0; i < 2; i++) {
        call_t *call = s_open (NULL);
        call->group->state = states[i];
        call_begin (call);
        s_send (call, 3, -1);
        call_end (call);
        const char *at = strstr (call->err, words[i]);
        ck_assert_msg (at != NULL, "%s", call->err);
        ck_assert_ptr_null (strstr (at + 1, words[i]));
        room_destroy (&s_room);
        call_destroy (&call);
    }
}
END_TEST

static bool s_say_lost (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_PING || wire_bytes (request, WIRE_F_RECEIPT).size == 0)
        return false;
    wire_t lost = wire (WIRE_LOST, 0, NULL);
    wire_set (&lost, WIRE_F_FROM, 31);
    wire_set (&lost, WIRE_F_TO, 90);
    fake_reply (self, &lost);
    return false;
}

START_TEST (receipt_that_was_told_as_lost_is_shown_no_more)
{
    call_t *call = s_open (s_say_lost);
    uint8_t receipt[PROOF_RECEIPT] = {0};
    receipt[7] = 5;
    receipt[15] = 90;
    identity_t *identity = context_identity (call->context);
    ck_assert_int_eq (identity_put_receipt (identity, &call->log->log, receipt), 0);
    call_begin (call);
    s_send (call, 1, -1);
    bool broken = room_is_broken (s_room);
    room_destroy (&s_room);
    call_end (call);
    ck_assert (broken);
    ck_assert_ptr_nonnull (strstr (call->err, "#31 to #90 are not in the group's log"));
    ck_assert_int_eq (identity_receipt (identity, &call->log->log, receipt), 0);
    ck_assert_uint_lt (receipt_decode (receipt).seq, 90); // that of the answer
    call_destroy (&call);
}
END_TEST

static int s_wrong_name (context_t *context)
{
    static const room_handlers_t none;
    ck_assert_ptr_nonnull (context_identity (context));
    ck_assert_ptr_null (room_new (context, "a b", &none));
    return EXIT_USAGE;
}

START_TEST (what_is_no_group_is_said)
{
    call_t *call = call_of (s_wrong_name, "", NULL, EXIT_USAGE);
    ck_assert_str_eq (call->err, "zchat: 'a b': no group's name, port or endpoint\n");
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("room");
    tcase_add_test (cases, what_the_group_said_is_kept);
    tcase_add_test (cases, answered_device_is_given_back_with_its_counter);
    tcase_add_test (cases, device_of_an_unanswered_text_is_thrown_away);
    tcase_add_test (cases, reused_device_is_thrown_away_and_the_text_sent_again);
    tcase_add_test (cases, refusal_and_silence_have_a_sentence);
    tcase_add_test (cases, text_under_way_is_closed_with_the_room);
    tcase_add_test (cases, gaps_and_losses_are_told);
    tcase_add_test (cases, group_in_doubt_is_told);
    tcase_add_test (cases, receipt_that_was_told_as_lost_is_shown_no_more);
    tcase_add_test (cases, what_is_no_group_is_said);
    return kit_run (cases, "room");
}
