#include "user/ask.h"

#include "tests/user_call.h"

static int s_rounds; // requests to be asked
static uint64_t s_seq;

static bool s_on_answer (void *arg, room_t *room, const wire_t *reply, wire_t *next)
{
    ck_assert_ptr_eq (arg, &s_rounds);
    ck_assert_str_eq (room_name (room), "cats");
    s_seq = wire_number (reply, WIRE_F_SEQ);
    *next = wire (WIRE_LEAVE, 0, NULL);
    return --s_rounds > 0;
}

static int s_leave (context_t *context)
{
    wire_t request = wire (WIRE_LEAVE, 0, NULL);
    ck_assert_ptr_nonnull (context_identity (context));
    return ask (context, context_line (context)->args[0], &request, s_on_answer, &s_rounds);
}

START_TEST (answer_ends_it)
{
    s_rounds = 1;
    call_t *call = call_of (s_leave, "@", NULL, EXIT_DONE);
    ck_assert_int_eq (s_rounds, 0);
    ck_assert_int_eq (call->group->counts[WIRE_LEAVE], 1);
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

START_TEST (next_request_follows_when_wanted)
{
    s_rounds = 3;
    call_t *call = call_of (s_leave, "@", NULL, EXIT_DONE);
    ck_assert_int_eq (s_rounds, 0);
    ck_assert_int_eq (call->group->counts[WIRE_LEAVE], 3);
    call_destroy (&call);
}
END_TEST

START_TEST (refusal_is_said)
{
    s_rounds = 1;
    call_t *call = call_of (s_leave, "@", call_refuse_strangers, EXIT_REFUSED);
    ck_assert_str_eq (call->err, "zchat: cats: not a member of this group: join it first\n");
    ck_assert_int_eq (s_rounds, 1);
    call_destroy (&call);
}
END_TEST

START_TEST (silence_ends_at_the_timeout)
{
    s_rounds = 1;
    call_t *call = call_of (s_leave, "@ --timeout 0.2", call_say_nothing, EXIT_UNREACHABLE);
    ck_assert_str_eq (call->err, "zchat: cats: no answer in time (it may have been done)\n");
    ck_assert_int_eq (s_rounds, 1);
    call_destroy (&call);
}
END_TEST

START_TEST (wrong_name_is_wrong_usage)
{
    call_t *call = call_of (s_leave, "a/b", NULL, EXIT_USAGE);
    ck_assert_str_eq (call->err, "zchat: 'a/b': no group's name, port or endpoint\n");
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("ask");
    tcase_add_test (cases, answer_ends_it);
    tcase_add_test (cases, next_request_follows_when_wanted);
    tcase_add_test (cases, refusal_is_said);
    tcase_add_test (cases, silence_ends_at_the_timeout);
    tcase_add_test (cases, wrong_name_is_wrong_usage);
    return kit_run (cases, "ask");
}
