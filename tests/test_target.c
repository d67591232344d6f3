#include "user/target.h"

#include "tests/kit.h"

#define BOB "66666666-7777-4888-8999-aaaaaaaaaaaa"

static uint8_t s_rows[1000];
static writer_t s_out;
static target_t s_target;

static void s_row (uint8_t uuid, const char *nick)
{
    wire_t row = wire (WIRE_ROW_MEMBER, 0, NULL);
    guid_t guid = {{uuid}};
    wire_set_bytes (&row, WIRE_F_MEMBER, span (guid.bytes, GUID_SIZE));
    wire_set_bytes (&row, WIRE_F_NICK, span_of (nick));
    wire_put_row (&row, &s_out);
}

static target_step_t s_take (bool more)
{
    wire_t members = wire (WIRE_MEMBERS, 0, NULL);
    wire_set (&members, WIRE_F_MORE, more);
    wire_set_bytes (&members, WIRE_F_ROWS, span (s_rows, writer_used (&s_out)));
    s_out = writer (s_rows, sizeof s_rows);
    return target_take (&s_target, &members);
}

static void s_begin (const char *who)
{
    s_out = writer (s_rows, sizeof s_rows);
    ck_assert_int_eq (target_begin (&s_target, who), 0);
}

START_TEST (uuid_is_found_at_once)
{
    char text[GUID_TEXT];
    s_begin (BOB);
    ck_assert (s_target.found);
    ck_assert_str_eq (guid_print (&s_target.uuid, text), BOB);
    target_end (&s_target);
}
END_TEST

START_TEST (nick_is_found_whatever_its_case_on_a_later_page)
{
    s_begin ("BOB");
    ck_assert (!s_target.found);
    wire_t request = target_request (&s_target);
    guid_t from = wire_guid (&request, WIRE_F_MEMBER);
    ck_assert (guid_is_null (&from));
    s_row (1, "ann");
    s_row (2, "");
    ck_assert_int_eq (s_take (true), TARGET_MORE);
    request = target_request (&s_target);
    from = wire_guid (&request, WIRE_F_MEMBER);
    ck_assert_int_eq (from.bytes[0], 2);
    s_row (3, "bobby");
    s_row (4, "bob");
    ck_assert_int_eq (s_take (true), TARGET_FOUND);
    ck_assert_int_eq (s_target.uuid.bytes[0], 4);
    target_end (&s_target);
}
END_TEST

START_TEST (nobody_is_found_at_the_end_and_where_pages_lead_nowhere)
{
    s_begin ("bob");
    s_row (1, "ann");
    ck_assert_int_eq (s_take (false), TARGET_NONE);
    target_end (&s_target);
    s_begin ("bob");
    s_row (1, "ann");
    ck_assert_int_eq (s_take (true), TARGET_MORE);
    s_row (1, "ann");
    ck_assert_int_eq (s_take (true), TARGET_NONE);
    target_end (&s_target);
}
END_TEST

START_TEST (what_is_no_nick_is_refused)
{
    ck_assert_int_lt (target_begin (&s_target, ""), 0);
    ck_assert_int_lt (target_begin (&s_target, "a b"), 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("target");
    tcase_add_test (cases, uuid_is_found_at_once);
    tcase_add_test (cases, nick_is_found_whatever_its_case_on_a_later_page);
    tcase_add_test (cases, nobody_is_found_at_the_end_and_where_pages_lead_nowhere);
    tcase_add_test (cases, what_is_no_nick_is_refused);
    return kit_run (cases, "target");
}
