#include "user/reading.h"

#include "tests/user_call.h"

static char s_uuid[GUID_TEXT]; // of the members that the fake group has

// How many lines there are.
static int s_lines (const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

START_TEST (messages_prints_all_of_the_history)
{
    call_t *call = call_of (reading_messages, "@ --json", NULL, EXIT_DONE);
    ck_assert_int_eq (s_lines (call->out), 30);
    ck_assert_ptr_nonnull (strstr (call->out, "{\"seq\":1,"));
    ck_assert_ptr_nonnull (strstr (call->out, "\"group\":\"cats\",\"kind\":\"message\""));
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

START_TEST (messages_prints_what_is_between_the_bounds)
{
    call_t *call = call_of (reading_messages, "@ --json --after #4 --before #8", NULL, EXIT_DONE);
    ck_assert_int_eq (s_lines (call->out), 3);
    ck_assert_ptr_nonnull (strstr (call->out, "{\"seq\":5,"));
    ck_assert_ptr_nonnull (strstr (call->out, "{\"seq\":7,"));
    call_destroy (&call);
}
END_TEST

START_TEST (messages_of_a_stranger_are_refused)
{
    call_t *call = call_of (reading_messages, "@", call_refuse_strangers, EXIT_REFUSED);
    ck_assert_str_eq (call->out, "");
    ck_assert_str_eq (call->err, "zchat: cats: not a member of this group: join it first\n");
    call_destroy (&call);
}
END_TEST

START_TEST (silence_ends_at_the_timeout)
{
    call_t *call =
        call_of (reading_messages, "@ --timeout 0.2", call_say_nothing, EXIT_UNREACHABLE);
    ck_assert_str_eq (call->err, "zchat: cats: no answer in time\n");
    call_destroy (&call);
}
END_TEST

static bool s_damaged (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_PAGE || wire_number (request, WIRE_F_AFTER) > 0)
        return false;
    wire_t gap = wire (WIRE_GAP, request->tag, NULL);
    wire_set (&gap, WIRE_F_FROM, 1);
    wire_set (&gap, WIRE_F_TO, 6);
    wire_set (&gap, WIRE_F_WHY, RECORD_WHY_DAMAGE);
    fake_reply (self, &gap);
    return true;
}

START_TEST (damage_is_told_and_the_rest_printed)
{
    call_t *call = call_of (reading_messages, "@ --json --after #0", s_damaged, EXIT_REFUSED);
    ck_assert_str_eq (call->err, "zchat: cats: #1 to #6 are not kept any more: they are damaged\n");
    ck_assert_int_eq (s_lines (call->out), 24);
    call_destroy (&call);
}
END_TEST

// Members 1 to 5, two a page.
static bool s_members (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_WHO)
        return false;
    uint8_t rows[300];
    writer_t out = writer (rows, sizeof rows);
    guid_t after = wire_guid (request, WIRE_F_MEMBER), member = {{0}};
    uint8_t last = after.bytes[15];
    for (uint8_t i = (uint8_t)(last + 1); i <= 5 && i <= last + 2; i++) {
        char nick[] = {(char)('a' + i), 0};
        wire_t row = wire (WIRE_ROW_MEMBER, 0, NULL);
        member.bytes[15] = i;
        wire_set_bytes (&row, WIRE_F_MEMBER, span (member.bytes, GUID_SIZE));
        wire_set_bytes (&row, WIRE_F_NICK, span_of (i == 2 ? NULL : nick));
        wire_set (&row, WIRE_F_PRESENT, i == 1);
        wire_put_row (&row, &out);
    }
    wire_t reply = wire (WIRE_MEMBERS, request->tag, NULL);
    wire_set_bytes (&reply, WIRE_F_ROWS, span (rows, writer_used (&out)));
    wire_set_bytes (&reply, WIRE_F_TOPIC, span_of ("fur"));
    wire_set (&reply, WIRE_F_MORE, last + 2 < 5);
    fake_reply (self, &reply);
    return true;
}

START_TEST (who_asks_for_all_pages)
{
    call_t *call = call_of (reading_who, "@", s_members, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_WHO], 3);
    ck_assert_str_eq (call->out,
                      "b                 online   00000000-0000-0000-0000-000000000001  member\n"
                      "-                 away     00000000-0000-0000-0000-000000000002  member\n"
                      "d                 away     00000000-0000-0000-0000-000000000003  member\n"
                      "e                 away     00000000-0000-0000-0000-000000000004  member\n"
                      "f                 away     00000000-0000-0000-0000-000000000005  member\n");
    call_destroy (&call);
}
END_TEST

// Says that there is more, and gives nothing, for ever.
static bool s_no_members (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_WHO)
        return false;
    wire_t reply = wire (WIRE_MEMBERS, request->tag, NULL);
    wire_set (&reply, WIRE_F_MORE, 1);
    fake_reply (self, &reply);
    return true;
}

START_TEST (who_ends_with_a_group_that_promises_more_and_gives_nothing)
{
    call_t *call = call_of (reading_who, "@", s_no_members, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_WHO], 1);
    call_destroy (&call);
}
END_TEST

START_TEST (topic_is_printed)
{
    call_t *call = call_of (reading_topic, "@", s_members, EXIT_DONE);
    ck_assert_str_eq (call->out, "fur\n");
    call_destroy (&call);
    call = call_of (reading_topic, "@", s_no_members, EXIT_DONE);
    ck_assert_str_eq (call->out, "");
    call_destroy (&call);
}
END_TEST

START_TEST (whoami_is_the_identity)
{
    call_t *call = call_of (reading_whoami, "", NULL, EXIT_DONE);
    guid_print (identity_uuid (context_identity (call->context)), s_uuid);
    ck_assert_ptr_nonnull (strstr (call->out, s_uuid));
    call_destroy (&call);
    call = call_of (reading_whoami,
                    "--uuid "
                    "11111111-2222-4333-8444-555555555555",
                    NULL, 0);
    ck_assert_ptr_nonnull (strstr (call->out, "11111111-2222-4333-8444-555555555555"));
    call_destroy (&call);
}
END_TEST

START_TEST (whoami_without_a_home_says_so)
{
    call_t *call = call_new (NULL, "");
    setenv ("ZCHAT_IDENTITY", "/dev/null/me", 1);
    call_run (call, reading_whoami);
    ck_assert_int_eq (call->code, EXIT_DONE);
    ck_assert_str_eq (call->err, "zchat: this identity lasts for this call only (/dev/null/me: Not "
                                 "a directory)\n");
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("reading");
    tcase_add_test (cases, messages_prints_all_of_the_history);
    tcase_add_test (cases, messages_prints_what_is_between_the_bounds);
    tcase_add_test (cases, messages_of_a_stranger_are_refused);
    tcase_add_test (cases, silence_ends_at_the_timeout);
    tcase_add_test (cases, damage_is_told_and_the_rest_printed);
    tcase_add_test (cases, who_asks_for_all_pages);
    tcase_add_test (cases, who_ends_with_a_group_that_promises_more_and_gives_nothing);
    tcase_add_test (cases, topic_is_printed);
    tcase_add_test (cases, whoami_is_the_identity);
    tcase_add_test (cases, whoami_without_a_home_says_so);
    return kit_run (cases, "reading");
}
