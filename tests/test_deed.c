#include "user/deed.h"

#include "tests/kit.h"

static void s_expect (const char *name, record_kind_t action, const char *wanted)
{
    const deed_t *deed = deed_find (name);
    ck_assert_ptr_nonnull (deed);
    ck_assert_int_eq (deed->action, action);
    char *sentence = deed_sentence (deed, "bob", "cats", 7);
    ck_assert_str_eq (sentence, wanted);
    free (sentence);
}

START_TEST (each_deed_has_its_record_and_sentence)
{
    s_expect ("invite", 10, "invited bob to cats");
    s_expect ("kick", 11, "kicked bob out of cats");
    s_expect ("ban", 12, "banned bob from cats");
    s_expect ("unban", 13, "unbanned bob in cats");
    s_expect ("mute", 14, "muted bob in cats");
    s_expect ("unmute", 15, "unmuted bob in cats");
    s_expect ("op", 16, "made bob an operator of cats");
    s_expect ("deop", 17, "made bob a plain member of cats");
    ck_assert_ptr_null (deed_find ("own"));
}
END_TEST

START_TEST (what_changed_nothing_is_told_so)
{
    char *sentence = deed_sentence (deed_find ("mute"), "bob", "cats", 0);
    ck_assert_str_eq (sentence, "muted bob in cats (as it was already)");
    free (sentence);
}
END_TEST

START_TEST (request_names_action_member_and_key)
{
    guid_t bob = {{1, 2, 3}}, told;
    uint8_t key[32] = {7};
    wire_t request = deed_request (RECORD_ADD_KEY, &bob, key);
    told = wire_guid (&request, WIRE_F_MEMBER);
    ck_assert_int_eq (request.kind, WIRE_MANAGE);
    ck_assert_uint_eq (wire_number (&request, WIRE_F_ACTION), 18);
    ck_assert (guid_equal (&told, &bob));
    ck_assert_uint_eq (wire_bytes (&request, WIRE_F_KEY).data[0], 7);
    request = deed_request (RECORD_KICK, &bob, NULL);
    ck_assert (!wire_has (&request, WIRE_F_KEY));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("deed");
    tcase_add_test (cases, each_deed_has_its_record_and_sentence);
    tcase_add_test (cases, what_changed_nothing_is_told_so);
    tcase_add_test (cases, request_names_action_member_and_key);
    return kit_run (cases, "deed");
}
