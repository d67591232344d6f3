#include "user/follow.h"

#include "tests/user_call.h"

#include <signal.h>

START_TEST (records_come_from_a_sequence_on)
{
    call_t *call = call_of (follow, "@ --json --after #20 --count 5", NULL, EXIT_DONE);
    char *line = call->out;
    for (int seq = 21; seq <= 25; seq++) {
        char wanted[20];
        snprintf (wanted, sizeof wanted, "{\"seq\":%d,", seq);
        ck_assert_int_eq (strncmp (line, wanted, strlen (wanted)), 0);
        line = strchr (line, '\n') + 1;
    }
    ck_assert_str_eq (line, ""); // not one more than were asked for
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

START_TEST (groups_are_named_when_there_are_several)
{
    call_t *call = call_of (follow, "@ @ --after #29 --count 2", NULL, EXIT_DONE);
    ck_assert_ptr_nonnull (strstr (call->out, "[cats]"));
    call_destroy (&call);
    call = call_of (follow, "@ --after #29 --count 1", NULL, EXIT_DONE);
    ck_assert_ptr_null (strstr (call->out, "[cats]"));
    call_destroy (&call);
}
END_TEST

static bool s_append_on_follow (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_FOLLOW)
        return false;
    fake_follow (self, request);
    sample_log_append (self->log, 2, 0);
    fake_push (self);
    return true;
}

START_TEST (without_after_the_next_record_is_the_first)
{
    call_t *call = call_of (follow, "@ --json --count 1", s_append_on_follow, EXIT_DONE);
    ck_assert_int_eq (strncmp (call->out, "{\"seq\":31,", 10), 0);
    call_destroy (&call);
}
END_TEST

START_TEST (stranger_is_refused)
{
    call_t *call = call_of (follow, "@", call_refuse_strangers, EXIT_REFUSED);
    ck_assert_str_eq (call->err, "zchat: cats: not a member of this group: join it first\n");
    call_destroy (&call);
}
END_TEST

START_TEST (first_contact_is_bounded_by_the_timeout)
{
    call_t *call = call_of (follow, "@ --timeout 0.2", call_say_nothing, EXIT_UNREACHABLE);
    ck_assert_str_eq (call->err, "zchat: cats: no answer in time\n");
    call_destroy (&call);
}
END_TEST

static bool s_signal_on_follow (fake_t *self, const wire_t *request)
{
    (void)self;
    if (request->kind == WIRE_FOLLOW)
        raise (SIGTERM);
    return false;
}

START_TEST (signal_ends_it_quietly)
{
    call_t *call = call_of (follow, "@ --after #29", s_signal_on_follow, EXIT_DONE);
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

static bool s_lose (fake_t *self, const wire_t *request)
{
    // The receipt of nobody: what is beyond the head is lost.
    if (request->kind == WIRE_FOLLOW && wire_number (request, WIRE_F_FROM) == 31)
        return s_append_on_follow (self, request);
    return false;
}

START_TEST (loss_is_told_and_shows_in_the_exit_code)
{
    call_t *call = call_of (follow, "@ --json --after #40 --count 1", s_lose, EXIT_REFUSED);
    ck_assert_int_eq (strncmp (call->out, "{\"seq\":31,", 10), 0);
    ck_assert_str_eq (call->err, "zchat: cats: #31 to #40 are not in the group's log: what of "
                                 "them was acknowledged is lost\n");
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("follow");
    tcase_add_test (cases, records_come_from_a_sequence_on);
    tcase_add_test (cases, groups_are_named_when_there_are_several);
    tcase_add_test (cases, without_after_the_next_record_is_the_first);
    tcase_add_test (cases, stranger_is_refused);
    tcase_add_test (cases, first_contact_is_bounded_by_the_timeout);
    tcase_add_test (cases, signal_ends_it_quietly);
    tcase_add_test (cases, loss_is_told_and_shows_in_the_exit_code);
    return kit_run (cases, "follow");
}
