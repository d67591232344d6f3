#include "user/managing.h"

#include "tests/user_call.h"

#define BOB   "66666666-7777-4888-8999-aaaaaaaaaaaa"
#define KEY_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY_B "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// What MANAGE was asked for: "action:first byte of the member:first of the key ".
static char s_asked[200];
static const char *s_row; // of the table

static bool s_meddle (fake_t *self, const wire_t *request)
{
    if (request->kind == WIRE_WHO) {
        uint8_t rows[200];
        writer_t out = writer (rows, sizeof rows);
        wire_t row = wire (WIRE_ROW_MEMBER, 0, NULL);
        wire_t members = wire (WIRE_MEMBERS, request->tag, NULL);
        guid_t bob;
        guid_parse (&bob, BOB, strlen (BOB));
        wire_set_bytes (&row, WIRE_F_MEMBER, span (bob.bytes, GUID_SIZE));
        wire_set_bytes (&row, WIRE_F_NICK, span_of ("bob"));
        wire_put_row (&row, &out);
        wire_set_bytes (&members, WIRE_F_ROWS, span (rows, writer_used (&out)));
        fake_reply (self, &members);
        return true;
    }
    if (request->kind != WIRE_MANAGE)
        return false;
    guid_t member = wire_guid (request, WIRE_F_MEMBER);
    span_t key = wire_bytes (request, WIRE_F_KEY);
    sprintf (s_asked + strlen (s_asked), "%d:%02x:%02x ", (int)wire_number (request, WIRE_F_ACTION),
             member.bytes[0], key.size > 0 ? key.data[0] : 0xff);
    fake_ack (self, request->tag, 31);
    return true;
}

static bool s_forbid (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_MANAGE)
        return false;
    fake_error (self, request->tag, WIRE_ERR_NOT_ALLOWED, 0);
    return true;
}

static call_t *s_call (const char *words, fake_meddle_fn *meddle, int code)
{
    static command_t row;
    row = call_row;
    row.name = s_row;
    s_asked[0] = 0;
    call_t *call = call_new (&row, words);
    call->group->meddle = meddle;
    call_run (call, strcmp (s_row, "key") == 0 ? managing_key : managing_deed);
    ck_assert_msg (call->code == code, "exit %d\n%s%s", call->code, call->out, call->err);
    return call;
}

START_TEST (uuid_is_asked_for_at_once)
{
    s_row = "invite";
    call_t *call = s_call ("@ " BOB, s_meddle, EXIT_DONE);
    ck_assert_str_eq (s_asked, "10:66:ff ");
    ck_assert_int_eq (call->group->counts[WIRE_WHO], 0);
    ck_assert_str_eq (call->out, "invited " BOB " to cats\n");
    call_destroy (&call);
}
END_TEST

START_TEST (nick_is_looked_for_among_the_members)
{
    s_row = "kick";
    call_t *call = s_call ("@ BOB", s_meddle, EXIT_DONE);
    ck_assert_str_eq (s_asked, "11:66:ff ");
    ck_assert_str_eq (call->out, "kicked BOB out of cats\n");
    call_destroy (&call);
    call = s_call ("@ eve", s_meddle, EXIT_REFUSED);
    ck_assert_str_eq (s_asked, "");
    ck_assert_str_eq (call->err, "zchat: cats: nobody there has the nick eve: give the UUID\n");
    call_destroy (&call);
}
END_TEST

START_TEST (deed_as_json_names_the_subject)
{
    s_row = "op";
    call_t *call = s_call ("@ bob --json", s_meddle, EXIT_DONE);
    ck_assert_str_eq (call->out,
                      "{\"group\":\"cats\",\"subject\":\"" BOB "\",\"seq\":31,\"time\":null}\n");
    call_destroy (&call);
}
END_TEST

START_TEST (refusal_says_who_may)
{
    s_row = "op";
    call_t *call = s_call ("@ " BOB, s_forbid, EXIT_REFUSED);
    ck_assert_ptr_nonnull (strstr (call->err, "an operator or owner may"));
    call_destroy (&call);
}
END_TEST

START_TEST (own_keys_are_added_and_removed)
{
    s_row = "key";
    call_t *call = s_call ("add @ " KEY_A " --uuid " BOB, s_meddle, EXIT_DONE);
    ck_assert_str_eq (s_asked, "18:66:01 ");
    call_destroy (&call);
    call = s_call ("remove @ " KEY_B " --uuid " BOB, s_meddle, EXIT_DONE);
    ck_assert_str_eq (s_asked, "19:66:11 ");
    call_destroy (&call);
}
END_TEST

START_TEST (lost_key_is_replaced_the_new_one_first)
{
    s_row = "key";
    call_t *call = s_call ("replace @ bob " KEY_A " " KEY_B, s_meddle, EXIT_DONE);
    ck_assert_str_eq (s_asked, "18:66:11 19:66:01 ");
    call_destroy (&call);
}
END_TEST

START_TEST (identity_speaks_as_another_from_now_on)
{
    char error[IDENTITY_ERROR], text[GUID_TEXT];
    s_row = "key";
    call_t *call = s_call ("use " BOB, NULL, EXIT_DONE);
    ck_assert_int_eq (strncmp (call->out, "uuid  " BOB "\n", 42), 0);
    identity_t *again = identity_open (folder_path (&call->folder, "me"), error);
    ck_assert_str_eq (guid_print (identity_uuid (again), text), BOB);
    identity_destroy (&again);
    call_destroy (&call);
}
END_TEST

START_TEST (wrong_words_are_refused)
{
    static const char *const wrong[] = {"add @",           "add @ 12",   "replace @ bob " KEY_A,
                                        "use x",           "remove @ x", "forget @ " KEY_A,
                                        "add @ " KEY_A "0"};
    s_row = "key";
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        call_t *call = s_call (wrong[i], s_meddle, EXIT_USAGE);
        ck_assert_str_eq (s_asked, "");
        call_destroy (&call);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("managing");
    tcase_add_test (cases, uuid_is_asked_for_at_once);
    tcase_add_test (cases, nick_is_looked_for_among_the_members);
    tcase_add_test (cases, deed_as_json_names_the_subject);
    tcase_add_test (cases, refusal_says_who_may);
    tcase_add_test (cases, own_keys_are_added_and_removed);
    tcase_add_test (cases, lost_key_is_replaced_the_new_one_first);
    tcase_add_test (cases, identity_speaks_as_another_from_now_on);
    tcase_add_test (cases, wrong_words_are_refused);
    return kit_run (cases, "managing");
}
