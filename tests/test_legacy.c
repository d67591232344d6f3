#include "daemons/registry/legacy.h"

#include "tests/kit.h"

#define ANN "6f1c2d3e-0000-4000-8000-00000000000a"

static legacy_request_t s_parse (const char *text)
{
    return legacy_parse (span_of (text));
}

START_TEST (group_registers_with_port_and_name)
{
    legacy_request_t request = s_parse ("JOIN REQUEST FROM 5001 [Cats.1_a-b]");
    ck_assert_int_eq (request.kind, LEGACY_REGISTER);
    ck_assert_uint_eq (request.port, 5001);
    ck_assert (span_equal (request.name, span_of ("Cats.1_a-b")));
    ck_assert_uint_eq (s_parse ("JOIN REQUEST FROM 1 [a]").port, 1);
    ck_assert_uint_eq (s_parse ("JOIN REQUEST FROM 65535 [5]").port, 65535);
}
END_TEST

START_TEST (user_asks_for_the_list_in_both_forms)
{
    char text[GUID_TEXT];
    legacy_request_t request = s_parse ("GROUP LIST REQUEST FROM LOCALHOST:2000 [" ANN "]");
    ck_assert_int_eq (request.kind, LEGACY_LIST);
    ck_assert_str_eq (guid_print (&request.user, text), ANN);
    request = s_parse ("GROUP LIST REQUEST FROM " ANN);
    ck_assert_int_eq (request.kind, LEGACY_LIST);
    ck_assert_str_eq (guid_print (&request.user, text), ANN);
}
END_TEST

START_TEST (anything_else_is_invalid)
{
    static const char *const wrong[] = {
        "",
        "JOIN REQUEST FROM",
        "JOIN REQUEST FROM ",
        "JOIN REQUEST FROM 5001",
        "JOIN REQUEST FROM 5001 ",
        "JOIN REQUEST FROM 5001 [",
        "JOIN REQUEST FROM 5001 []",
        "JOIN REQUEST FROM 5001 [a",
        "JOIN REQUEST FROM 5001 a]",
        "JOIN REQUEST FROM 5001 [a]x",
        "JOIN REQUEST FROM 5001 [a]\n",
        "JOIN REQUEST FROM 5001 [a]]",
        "JOIN REQUEST FROM 5001 [[a]]",
        "JOIN REQUEST FROM 5001  [a]",
        "JOIN REQUEST FROM 5001[a]",
        "JOIN REQUEST FROM 0 [a]",
        "JOIN REQUEST FROM 05001 [a]",
        "JOIN REQUEST FROM +5001 [a]",
        "JOIN REQUEST FROM 65536 [a]",
        "JOIN REQUEST FROM 4294972297 [a]",
        "JOIN REQUEST FROM 5001 [-a]",
        "JOIN REQUEST FROM 5001 [\xc3\xa4]",
        "JOIN REQUEST FROM " ANN,
        "GROUP LIST REQUEST FROM",
        "GROUP LIST REQUEST FROM ",
        "GROUP LIST REQUEST FROM LOCALHOST:2000",
        "GROUP LIST REQUEST FROM LOCALHOST:2000 [",
        "GROUP LIST REQUEST FROM LOCALHOST:2000 []",
        "GROUP LIST REQUEST FROM LOCALHOST:2000 " ANN,
        "GROUP LIST REQUEST FROM [" ANN "]",
        "GROUP LIST REQUEST FROM " ANN "]",
        "GROUP LIST REQUEST FROM 6f1c2d3e000040008000000000000 00a",
        "MESSAGE SEND FROM " ANN " JOIN REQUEST FROM 5001 [a]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg (s_parse (wrong[i]).kind == LEGACY_INVALID, "%s", wrong[i]);
}
END_TEST

START_TEST (zero_bytes_make_it_invalid)
{
    static const char text[] = "JOIN REQUEST FROM 5001 [a\0b]";
    ck_assert_int_eq (legacy_parse (span (text, sizeof text - 1)).kind, LEGACY_INVALID);
    static const char list[] = "GROUP LIST REQUEST FROM " ANN "\0";
    ck_assert_int_eq (legacy_parse (span (list, sizeof list)).kind, LEGACY_INVALID);
}
END_TEST

START_TEST (every_cut_is_invalid)
{
    static const char text[] = "GROUP LIST REQUEST FROM LOCALHOST:2000 [" ANN "]";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        char *copy = malloc (size + 1); // so that a sanitizer sees a byte read too many
        memcpy (copy, text, size);
        ck_assert_int_eq (legacy_parse (span (copy, size)).kind, LEGACY_INVALID);
        free (copy);
    }
}
END_TEST

START_TEST (rows_are_joined_by_newlines)
{
    char bytes[2 * LEGACY_ROW];
    writer_t out = writer (bytes, sizeof bytes);
    legacy_put_row (&out, "cats", 5001);
    legacy_put_row (&out, "012345678901234567890123456789012345678901234567", 65535);
    ck_assert (!out.failed);
    ck_assert (span_equal (
        span (bytes, writer_used (&out)),
        span_of ("[cats] - 5001\n[012345678901234567890123456789012345678901234567] - 65535")));
}
END_TEST

START_TEST (row_that_does_not_fit_fails)
{
    char bytes[12];
    writer_t out = writer (bytes, sizeof bytes);
    legacy_put_row (&out, "cats", 5001);
    ck_assert (out.failed);
    ck_assert_uint_eq (writer_used (&out), 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("legacy");
    tcase_add_test (cases, group_registers_with_port_and_name);
    tcase_add_test (cases, user_asks_for_the_list_in_both_forms);
    tcase_add_test (cases, anything_else_is_invalid);
    tcase_add_test (cases, zero_bytes_make_it_invalid);
    tcase_add_test (cases, every_cut_is_invalid);
    tcase_add_test (cases, rows_are_joined_by_newlines);
    tcase_add_test (cases, row_that_does_not_fit_fails);
    return kit_run (cases, "legacy");
}
