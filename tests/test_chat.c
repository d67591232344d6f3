#include "user/chat.h"

#include "tests/user_call.h"

// The conversation without a terminal: a script on stdin. On one it is in tests/flow/user_chat.py.

static char s_texts[500]; // of all sends, in brackets

static bool s_note (fake_t *self, const wire_t *request)
{
    span_t text = wire_bytes (request, WIRE_F_TEXT);
    if (request->kind == WIRE_SEND)
        snprintf (s_texts + strlen (s_texts), sizeof s_texts - strlen (s_texts), "[%.*s]",
                  (int)text.size, (const char *)text.data);
    if (request->kind != WIRE_PAGE)
        return false;
    fake_records (self, request->tag, 28, 30, 9, 1);
    return true;
}

static call_t *s_chat (const char *words, const char *script, fake_meddle_fn *meddle, int code)
{
    call_t *call = call_new (NULL, words);
    call->group->meddle = meddle;
    call_stdin (call, script);
    s_texts[0] = 0;
    call_run (call, chat);
    ck_assert_msg (call->code == code, "exit %d\n%s%s", call->code, call->out, call->err);
    return call;
}

START_TEST (lines_are_sent_and_all_is_shown_before_the_end)
{
    call_t *call = s_chat ("@ --json", "hi\n\n//who\nlast", s_note, EXIT_DONE);
    ck_assert_str_eq (s_texts, "[hi][/who][last]");
    ck_assert_ptr_nonnull (strstr (call->out, "{\"seq\":28,"));
    ck_assert_ptr_nonnull (strstr (call->out, "{\"seq\":33,"));
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

START_TEST (commands_are_done_and_never_sent)
{
    call_t *call =
        s_chat ("@", "/who\n/nick x\n/topic y\n/dance\n/group z\n/messages 5\n", s_note, 0);
    ck_assert_str_eq (s_texts, "");
    ck_assert_int_eq (call->group->counts[WIRE_WHO], 1);
    ck_assert_int_eq (call->group->counts[WIRE_NICK], 1);
    ck_assert_int_eq (call->group->counts[WIRE_TOPIC], 1);
    ck_assert_ptr_nonnull (strstr (call->err, "there is no /dance, see /help\n"));
    ck_assert_ptr_nonnull (strstr (call->err, "z is not open here: /join z\n"));
    call_destroy (&call);
}
END_TEST

START_TEST (quit_ends_it_and_what_follows_is_not_read)
{
    call_t *call = s_chat ("@", "a\n/quit\nb\n", s_note, EXIT_DONE);
    ck_assert_str_eq (s_texts, "[a]");
    call_destroy (&call);
}
END_TEST

START_TEST (without_a_group_a_script_is_told)
{
    call_t *call = s_chat ("", "hi\n", s_note, EXIT_DONE);
    ck_assert_str_eq (call->err, "no group is open: /groups lists them, /join GROUP joins\n");
    call_destroy (&call);
    call = s_chat ("a/b", "hi\n", s_note, EXIT_USAGE);
    call_destroy (&call);
}
END_TEST

START_TEST (stranger_is_not_joined_by_a_script)
{
    call_t *call = s_chat ("@", "y\n", call_refuse_strangers, EXIT_REFUSED);
    ck_assert_int_eq (call->group->counts[WIRE_JOIN], 0);
    call_destroy (&call);
}
END_TEST

START_TEST (groups_are_remembered_for_the_next_time)
{
    call_t *call = s_chat ("@", "", s_note, EXIT_DONE);
    char *groups = identity_chat (context_identity (call->context));
    ck_assert_ptr_nonnull (groups);
    ck_assert_int_eq (strncmp (groups, call->group->endpoint, strlen (call->group->endpoint)), 0);
    free (groups);
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("chat");
    tcase_add_test (cases, lines_are_sent_and_all_is_shown_before_the_end);
    tcase_add_test (cases, commands_are_done_and_never_sent);
    tcase_add_test (cases, quit_ends_it_and_what_follows_is_not_read);
    tcase_add_test (cases, without_a_group_a_script_is_told);
    tcase_add_test (cases, stranger_is_not_joined_by_a_script);
    tcase_add_test (cases, groups_are_remembered_for_the_next_time);
    return kit_run (cases, "chat");
}
