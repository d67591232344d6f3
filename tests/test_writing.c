#include "user/writing.h"

#include "tests/user_call.h"

static char s_text[100]; // of the last request's nick or text

static bool s_note (fake_t *self, const wire_t *request)
{
    (void)self;
    wire_field_t field = request->kind == WIRE_TOPIC ? WIRE_F_TEXT : WIRE_F_NICK;
    span_t text = wire_bytes (request, field);
    if (request->kind == WIRE_JOIN || request->kind == WIRE_NICK || request->kind == WIRE_TOPIC)
        snprintf (s_text, sizeof s_text, "%.*s", (int)text.size, (const char *)text.data);
    return false;
}

static bool s_give_another_nick (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_JOIN)
        return false;
    uint8_t rows[128], proof[PROOF_RECEIPT];
    writer_t out = writer (rows, sizeof rows);
    wire_t row = wire (WIRE_ROW_ACK, 0, NULL), message = wire (WIRE_ACK, 0, NULL);
    wire_set (&row, WIRE_F_TAG, request->tag);
    wire_set (&row, WIRE_F_SEQ, 31);
    wire_set (&row, WIRE_F_TIME, 1000000);
    wire_set_bytes (&row, WIRE_F_NICK, span_of ("x-2"));
    wire_put_row (&row, &out);
    fake_receipt (self, proof);
    wire_set_bytes (&message, WIRE_F_RECEIPT, span (proof, sizeof proof));
    wire_set_bytes (&message, WIRE_F_ROWS, span (rows, writer_used (&out)));
    fake_reply (self, &message);
    return true;
}

START_TEST (join_asks_for_the_identitys_nick)
{
    call_t *call = call_of (writing_join, "@", s_note, EXIT_DONE);
    const char *nick = identity_nick (context_identity (call->context));
    char wanted[100];
    snprintf (wanted, sizeof wanted, "joined cats as %s\n", nick);
    ck_assert_str_eq (s_text, nick);
    ck_assert_str_eq (call->out, wanted);
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

START_TEST (join_tells_of_another_nick)
{
    call_t *call = call_of (writing_join, "@", s_give_another_nick, EXIT_DONE);
    ck_assert_str_eq (call->out, "joined cats as x-2\n");
    ck_assert_str_eq (call->err, "zchat: cats: your nick there is x-2\n");
    call_destroy (&call);
    call = call_of (writing_join, "@ --json", s_give_another_nick, EXIT_DONE);
    ck_assert_str_eq (call->out, "{\"group\":\"cats\",\"nick\":\"x-2\",\"seq\":31,"
                                 "\"time\":\"1970-01-01T00:00:01.000000Z\"}\n");
    call_destroy (&call);
}
END_TEST

START_TEST (leave_leaves)
{
    call_t *call = call_of (writing_leave, "@", NULL, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_LEAVE], 1);
    ck_assert_str_eq (call->out, "left cats\n");
    call_destroy (&call);
    call = call_of (writing_leave, "@", call_refuse_strangers, EXIT_REFUSED);
    ck_assert_str_eq (call->out, "");
    call_destroy (&call);
}
END_TEST

START_TEST (nick_is_asked_for)
{
    call_t *call = call_of (writing_nick, "@ anna", s_note, EXIT_DONE);
    ck_assert_str_eq (s_text, "anna");
    ck_assert_str_eq (call->out, "known in cats as anna\n");
    call_destroy (&call);
}
END_TEST

START_TEST (topic_is_set_from_all_words_or_printed)
{
    call_t *call = call_of (writing_topic, "@ all about cats", s_note, EXIT_DONE);
    ck_assert_str_eq (s_text, "all about cats");
    ck_assert_int_eq (call->group->counts[WIRE_TOPIC], 1);
    call_destroy (&call);
    call = call_of (writing_topic, "@", s_note, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_TOPIC], 0);
    ck_assert_int_eq (call->group->counts[WIRE_WHO], 1);
    call_destroy (&call);
}
END_TEST

START_TEST (nothing_changes_without_an_identity_that_lasts)
{
    int (*const commands[]) (context_t *) = {writing_join, writing_leave, writing_nick,
                                             writing_topic};
    for (size_t i = 0; i < 4; i++) {
        call_t *call = call_new (NULL, "@ x");
        setenv ("ZCHAT_IDENTITY", "/dev/null/me", 1);
        call_run (call, commands[i]);
        ck_assert_int_eq (call->code, EXIT_CONFIG);
        ck_assert_int_eq (call->group->requests, 0);
        ck_assert_str_eq (call->err, "zchat: no identity can be kept (/dev/null/me: Not a "
                                     "directory): name a folder in $ZCHAT_IDENTITY\n");
        call_destroy (&call);
    }
}
END_TEST

START_TEST (words_are_joined_by_one_blank)
{
    char *const words[] = {"a", "", "b c"};
    char *text = writing_words ((char **)words, 3);
    ck_assert_str_eq (text, "a  b c");
    free (text);
    text = writing_words ((char **)words, 0);
    ck_assert_str_eq (text, "");
    free (text);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("writing");
    tcase_add_test (cases, join_asks_for_the_identitys_nick);
    tcase_add_test (cases, join_tells_of_another_nick);
    tcase_add_test (cases, leave_leaves);
    tcase_add_test (cases, nick_is_asked_for);
    tcase_add_test (cases, topic_is_set_from_all_words_or_printed);
    tcase_add_test (cases, nothing_changes_without_an_identity_that_lasts);
    tcase_add_test (cases, words_are_joined_by_one_blank);
    return kit_run (cases, "writing");
}
