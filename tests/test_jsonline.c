#include "user/jsonline.h"

#include "tests/kit.h"

static void s_expect (jsonline_t *self, const char *wanted)
{
    char *line = jsonline_take (&self);
    ck_assert_ptr_null (self);
    ck_assert_str_eq (line, wanted);
    free (line);
}

START_TEST (members_stand_in_their_order)
{
    static const char *const texts[] = {"b", "a"};
    const guid_t guid = {{0x11, 0x22}};
    jsonline_t *line = jsonline_new ();
    jsonline_number (line, "n", 7);
    jsonline_flag (line, "f", true);
    jsonline_null (line, "a");
    jsonline_strings (line, "s", texts, 2);
    jsonline_guid (line, "g", &guid);
    jsonline_hex (line, "h", span ("\x01\xfe", 2));
    jsonline_time (line, "t", INT64_C (1795330800123456));
    jsonline_string (line, "z", NULL);
    s_expect (line, "{\"n\":7,\"f\":true,\"a\":null,\"s\":[\"b\",\"a\"],"
                    "\"g\":\"11220000-0000-0000-0000-000000000000\",\"h\":\"01fe\","
                    "\"t\":\"2026-11-22T07:00:00.123456Z\",\"z\":null}\n");
}
END_TEST

START_TEST (harmless_text_stays_readable)
{
    jsonline_t *line = jsonline_new ();
    jsonline_string (line, "t", "gr\xc3\xbc\xc3\x9f\x65 \xe7\x8c\xab");
    s_expect (line, "{\"t\":\"gr\xc3\xbc\xc3\x9f\x65 \xe7\x8c\xab\"}\n");
}
END_TEST

START_TEST (nothing_that_steers_a_terminal_leaves_unescaped)
{
    static const char *const hostile[] = {"\x1b[2J",
                                          "\x7f",
                                          "\xc2\x9b"
                                          "2J",
                                          "\xe2\x80\xae",
                                          "\xe2\x81\xa6",
                                          "\xe2\x80\x8b",
                                          "\xe2\x80\xa8",
                                          "\xe2\x80\xa9",
                                          "\xf3\xa0\x81\xa1",
                                          "\xef\xbb\xbf",
                                          "\xc2\xad",
                                          "\r",
                                          "\x07",
                                          "\xf3\xa0\x84\x80",
                                          "\x9b"
                                          "2J",
                                          "\xe3\x85\xa4",
                                          "\xcd\x8f",
                                          "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81"};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        jsonline_t *line = jsonline_new ();
        jsonline_text (line, "t", span_of (hostile[i]));
        char *text = jsonline_take (&line);
        ck_assert_ptr_nonnull (text);
        size_t size = strlen (text);
        ck_assert_int_eq (text[size - 1], '\n');
        for (size_t at = 0; at + 1 < size; at++)
            ck_assert_msg (text[at] >= 0x20 && text[at] < 0x7f, "%zu: %s", i, text);
        free (text);
    }
}
END_TEST

START_TEST (what_is_no_utf8_is_shown_so)
{
    jsonline_t *line = jsonline_new ();
    jsonline_text (line, "t", span ("a\xff\0b", 4));
    s_expect (line, "{\"t\":\"a\\\\xff\\\\u{00}b\"}\n");
}
END_TEST

START_TEST (without_memory_nothing_is_made)
{
    jsonline_t *none = NULL;
    jsonline_number (none, "n", 7);
    ck_assert_ptr_null (jsonline_take (&none));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("jsonline");
    tcase_add_test (cases, members_stand_in_their_order);
    tcase_add_test (cases, harmless_text_stays_readable);
    tcase_add_test (cases, nothing_that_steers_a_terminal_leaves_unescaped);
    tcase_add_test (cases, what_is_no_utf8_is_shown_so);
    tcase_add_test (cases, without_memory_nothing_is_made);
    return kit_run (cases, "jsonline");
}
