#include "user/keys.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Feeds all bytes and writes the keys down: text as itself, others as <number>.
static const char *s_feed (const char *bytes, size_t size)
{
    static char seen[400];
    static keys_t keys;
    memset (&keys, 0, sizeof keys);
    seen[0] = 0;
    for (size_t i = 0; i < size; i++) {
        key_press_t key = keys_feed (&keys, (uint8_t)bytes[i]);
        if (key.kind == KEY_TEXT)
            strcat (seen, key.text);
        else if (key.kind != KEY_NONE)
            sprintf (seen + strlen (seen), "<%d>", key.kind);
    }
    return seen;
}

static const char *s_one (const char *bytes)
{
    return s_feed (bytes, strlen (bytes));
}

static void s_expect (const char *bytes, key_kind_t kind)
{
    char wanted[20];
    sprintf (wanted, "<%d>", kind);
    ck_assert_str_eq (s_one (bytes), wanted);
}

START_TEST (characters_come_whole)
{
    ck_assert_str_eq (s_one ("a\xc3\xb6\xe7\x8c\xab\xf0\x9f\x90\xb1z"),
                      "a\xc3\xb6\xe7\x8c\xab\xf0\x9f\x90\xb1z");
}
END_TEST

START_TEST (what_is_no_utf8_is_dropped)
{
    ck_assert_str_eq (s_one ("a\xff"
                             "b\x80\x80"
                             "c\xc3"
                             "d\xe7\x8c"
                             "e"),
                      "abcde");
    ck_assert_str_eq (s_one ("a\xc2\x9b"
                             "b"),
                      "ab"); // a C1 control
    ck_assert_str_eq (s_feed ("\0\x1c", 2), "");
}
END_TEST

START_TEST (control_bytes_are_keys)
{
    s_expect ("\r", KEY_ENTER);
    s_expect ("\n", KEY_ENTER);
    s_expect ("\t", KEY_TAB);
    s_expect ("\x7f", KEY_BACKSPACE);
    s_expect ("\x03", KEY_INTERRUPT);
    s_expect ("\x04", KEY_EOF);
    s_expect ("\x1a", KEY_SUSPEND);
    s_expect ("\x17", KEY_KILL_WORD);
}
END_TEST

START_TEST (escape_sequences_are_keys)
{
    s_expect ("\x1b[A", KEY_UP);
    s_expect ("\x1bOB", KEY_DOWN);
    s_expect ("\x1b[3~", KEY_DELETE);
    s_expect ("\x1b[1;5D", KEY_WORD_LEFT);
    s_expect ("\x1b\x66", KEY_WORD_RIGHT);
    s_expect ("\x1b\x7f", KEY_KILL_WORD);
    ck_assert_str_eq (s_one ("\x1b[Dx\x1b[Cy"), "<6>x<7>y");
}
END_TEST

START_TEST (unknown_sequences_are_swallowed_whole)
{
    ck_assert_str_eq (s_one ("a\x1b[38;5;1mb\x1bxc\x1bOqd\x1b[M"), "abcd");
    ck_assert_str_eq (s_one ("a\x1b[11111111111111111111111111~b"), "ab");
    ck_assert_str_eq (s_one ("a\x1b\x1b[Ab"), "a<8>b"); // an escape begins anew
}
END_TEST

START_TEST (pasted_newlines_are_text)
{
    ck_assert_str_eq (s_one ("\x1b[200~a\nb\r\nc\rd\te\x1b[201~\r"), "a\nb\nc\nd\te<2>");
}
END_TEST

START_TEST (pasted_controls_and_sequences_do_nothing)
{
    ck_assert_str_eq (s_one ("\x1b[200~a\x03\x04\x1b[Ab\x15\x1b[201~c\x03"), "abc<20>");
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("keys");
    tcase_add_test (cases, characters_come_whole);
    tcase_add_test (cases, what_is_no_utf8_is_dropped);
    tcase_add_test (cases, control_bytes_are_keys);
    tcase_add_test (cases, escape_sequences_are_keys);
    tcase_add_test (cases, unknown_sequences_are_swallowed_whole);
    tcase_add_test (cases, pasted_newlines_are_text);
    tcase_add_test (cases, pasted_controls_and_sequences_do_nothing);
    Suite *suite = suite_create ("keys");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
