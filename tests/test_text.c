#include "common/text.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(literal) literal, sizeof literal - 1

START_TEST (a_bad_byte_is_seen_wherever_it_stands)
{
    for (size_t at = 0; at < 20; at++)
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[] = "plain text, 20 bytes";
            bool fine = (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\t';
            text[at] = (char)byte;
            ck_assert_msg (text_valid (text, 20) == fine, "0x%02x at %zu", byte, at);
        }
}
END_TEST

START_TEST (text_is_utf8_without_controls)
{
    ck_assert (text_valid (TEXT ("hi")));
    ck_assert (text_valid (TEXT ("two\nlines\tand a tab")));
    ck_assert (text_valid (TEXT ("gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xb1")));
    ck_assert (text_valid (TEXT ("\xc2\xa0"))); // the first character behind C1
    ck_assert (!text_valid ("", 0));
    ck_assert (!text_valid (TEXT ("a\rb")));
    ck_assert (!text_valid (TEXT ("a\x1b[2J")));
    ck_assert (!text_valid (TEXT ("a\0b")));
    ck_assert (!text_valid (TEXT ("\x7f")));
    ck_assert (!text_valid (TEXT ("\xc2\x80")));
    ck_assert (!text_valid (TEXT ("\xc2\x9f")));
}
END_TEST

START_TEST (broken_utf8_is_no_text)
{
    ck_assert (!text_valid (TEXT ("\xff")));
    ck_assert (!text_valid (TEXT ("\xc3")));             // cut
    ck_assert (!text_valid (TEXT ("ab\xc2")));           // cut before a C1 control could follow
    ck_assert (!text_valid (TEXT ("\xc0\x80")));         // overlong
    ck_assert (!text_valid (TEXT ("\xed\xa0\x80")));     // surrogate
    ck_assert (!text_valid (TEXT ("\xf4\x90\x80\x80"))); // beyond Unicode
}
END_TEST

START_TEST (nick_has_no_blanks_or_controls)
{
    ck_assert (text_nick_valid (TEXT ("ann")));
    ck_assert (text_nick_valid (TEXT ("J\xc3\xb6rg_\xe7\x8c\xab")));
    ck_assert (!text_nick_valid ("", 0));
    ck_assert (!text_nick_valid (TEXT ("ann lee")));
    ck_assert (!text_nick_valid (TEXT ("ann\xc2\xa0lee")));     // no-break space
    ck_assert (!text_nick_valid (TEXT ("ann\xe3\x80\x80lee"))); // ideographic space
    ck_assert (!text_nick_valid (TEXT ("ann\n")));
    ck_assert (!text_nick_valid (TEXT ("ann\xe2\x80\xae"))); // right-to-left override
    ck_assert (!text_nick_valid (TEXT ("an\xe2\x80\x8bn"))); // zero width space
    ck_assert (!text_nick_valid (TEXT ("ann\xff")));
}
END_TEST

START_TEST (nick_is_at_most_32_bytes)
{
    char nick[TEXT_NICK_MAX + 1];
    memset (nick, 'n', sizeof nick);
    ck_assert (text_nick_valid (nick, TEXT_NICK_MAX));
    ck_assert (!text_nick_valid (nick, TEXT_NICK_MAX + 1));
}
END_TEST

START_TEST (group_name_is_lower_case_and_not_digits_alone)
{
    ck_assert (text_name_valid (TEXT ("cats")));
    ck_assert (text_name_valid (TEXT ("0.a_b-c")));
    ck_assert (!text_name_valid (TEXT ("2000")));
    ck_assert (!text_name_valid (TEXT ("Cats")));
    ck_assert (!text_name_valid (TEXT (".cats")));
    ck_assert (!text_name_valid (TEXT ("-cats")));
    ck_assert (!text_name_valid (TEXT ("a/b")));
    ck_assert (!text_name_valid (TEXT ("a\0b")));
    ck_assert (!text_name_valid ("", 0));
    char name[TEXT_NAME_MAX + 1];
    memset (name, 'a', sizeof name);
    ck_assert (text_name_valid (name, TEXT_NAME_MAX));
    ck_assert (!text_name_valid (name, TEXT_NAME_MAX + 1));
}
END_TEST

START_TEST (original_names_may_have_capitals_and_be_digits)
{
    ck_assert (text_legacy_name_valid (TEXT ("Group1")));
    ck_assert (text_legacy_name_valid (TEXT ("2000")));
    ck_assert (!text_legacy_name_valid (TEXT ("_x")));
    ck_assert (!text_legacy_name_valid (TEXT ("a b")));
    ck_assert (!text_legacy_name_valid (TEXT ("a]")));
}
END_TEST

static bool s_same_key (const char *a, const char *b)
{
    char *first = text_nick_key (a, strlen (a));
    char *second = text_nick_key (b, strlen (b));
    ck_assert_ptr_nonnull (first);
    ck_assert_ptr_nonnull (second);
    bool same = strcmp (first, second) == 0;
    free (first);
    free (second);
    return same;
}

START_TEST (nicks_that_look_the_same_have_one_key)
{
    ck_assert (s_same_key ("Ann", "aNN"));
    ck_assert (s_same_key ("STRASSE", "stra\xc3\x9f"
                                      "e"));
    ck_assert (s_same_key ("J\xc3\xb6rg", "jo\xcc\x88rg")); // composed, decomposed
    ck_assert (s_same_key ("\xef\xbc\xa1nn", "ann"));       // full width A
    ck_assert (s_same_key ("\xf0\x9d\x90\x80nn", "ann"));   // mathematical bold A
    ck_assert (!s_same_key ("ann", "anna"));
    ck_assert (!s_same_key ("ann", "\xc3\xa4nn"));
}
END_TEST

START_TEST (key_of_broken_nick_is_none)
{
    ck_assert_ptr_null (text_nick_key (TEXT ("a\xff")));
}
END_TEST

static void s_expect (char *got, const char *wanted)
{
    ck_assert_ptr_nonnull (got);
    ck_assert_str_eq (got, wanted);
    free (got);
}

START_TEST (log_text_is_printable_ascii)
{
    s_expect (text_for_log (TEXT ("plain ~"), 100), "plain ~");
    s_expect (text_for_log (TEXT ("a\\b\n\0\x7f\xc3\xa4"), 100),
              "a\\x5cb\\x0a\\x00\\x7f\\xc3\\xa4");
    s_expect (text_for_log ("", 0, 100), "");
}
END_TEST

START_TEST (log_text_is_cut_with_a_sign)
{
    s_expect (text_for_log (TEXT ("abcdef"), 6), "abcdef");
    s_expect (text_for_log (TEXT ("abcdef"), 5), "abcde...");
    s_expect (text_for_log (TEXT ("\xff\xff"), 1), "\\xff...");
    s_expect (text_for_log (TEXT ("abc"), 0), "...");
}
END_TEST

START_TEST (terminal_text_shows_controls_escaped)
{
    s_expect (text_for_terminal (TEXT ("hi \xf0\x9f\x90\xb1"), false), "hi \xf0\x9f\x90\xb1");
    s_expect (text_for_terminal (TEXT ("\x1b[2J\r\0\x7f"), false),
              "\\u{1b}[2J\\u{0d}\\u{00}\\u{7f}");
    s_expect (text_for_terminal (TEXT ("\xc2\x9b"), false), "\\u{9b}");
    s_expect (text_for_terminal (TEXT ("a\xe2\x80\xae z"), false), "a\\u{202e} z");
    s_expect (text_for_terminal (TEXT ("a\xe2\x80\xa8z"), true), "a\\u{2028}z");
    s_expect (text_for_terminal (TEXT ("\xf3\xa0\x80\x81"), false), "\\u{e0001}");
}
END_TEST

START_TEST (terminal_text_keeps_lines_only_when_asked)
{
    s_expect (text_for_terminal (TEXT ("a\n\tb"), false), "a\\u{0a}\\u{09}b");
    s_expect (text_for_terminal (TEXT ("a\n\tb\r"), true), "a\n\tb\\u{0d}");
}
END_TEST

START_TEST (terminal_text_shows_bytes_that_are_no_utf8)
{
    s_expect (text_for_terminal (TEXT ("a\xff\xc3"), false), "a\\xff\\xc3");
    s_expect (text_for_terminal (TEXT ("\xe2\x80z"), false), "\\xe2\\x80z");
    s_expect (text_for_terminal (TEXT ("\xff\xff\xff"), true), "\\xff\\xff\\xff");
}
END_TEST

#define MARK "\xcc\x88"

START_TEST (terminal_text_has_few_marks_on_a_character)
{
    s_expect (text_for_terminal (TEXT ("a" MARK MARK MARK MARK MARK MARK "b" MARK), false),
              "a" MARK MARK MARK MARK "b" MARK);
    s_expect (text_for_terminal (TEXT (MARK MARK "a\n" MARK "\xff" MARK "\r" MARK), true),
              "a\n\\xff\\u{0d}");
}
END_TEST

#define PICTURE "\xef\xb8\x8f"

START_TEST (terminal_text_shows_what_would_be_hidden)
{
    s_expect (text_for_terminal (TEXT ("a\xe2\x80\x8b\xe2\x80\x8d"), false), "a\\u{200b}\\u{200d}");
    s_expect (text_for_terminal (TEXT ("a\xcd\x8f"
                                       "b"),
                                 false),
              "a\\u{34f}b");
    s_expect (text_for_terminal (TEXT ("\xe3\x85\xa4\xe1\x85\x9f"), false), "\\u{3164}\\u{115f}");
    s_expect (text_for_terminal (TEXT ("\xf3\xa0\x84\x80"), false), "\\u{e0100}");
    // A heart in its picture's form is in use; a message hidden in selectors is not.
    s_expect (text_for_terminal (TEXT ("\xe2\x9d\xa4" PICTURE), false), "\xe2\x9d\xa4" PICTURE);
    s_expect (text_for_terminal (TEXT ("\xe2\x9d\xa4" PICTURE PICTURE PICTURE), false),
              "\xe2\x9d\xa4" PICTURE "\\u{fe0f}\\u{fe0f}");
    s_expect (text_for_terminal (TEXT (PICTURE), false), "\\u{fe0f}");
}
END_TEST

START_TEST (width_counts_columns)
{
    ck_assert_int_eq (text_width ("", 0), 0);
    ck_assert_int_eq (text_width (TEXT ("abc")), 3);
    ck_assert_int_eq (text_width (TEXT ("\xc3\xa4")), 1);
    ck_assert_int_eq (text_width (TEXT ("a\xcc\x88")), 1);
    ck_assert_int_eq (text_width (TEXT ("\xe7\x8c\xab")), 2);
    ck_assert_int_eq (text_width (TEXT ("\xf0\x9f\x90\xb1")), 2);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("text");
    tcase_add_test (cases, a_bad_byte_is_seen_wherever_it_stands);
    tcase_add_test (cases, text_is_utf8_without_controls);
    tcase_add_test (cases, broken_utf8_is_no_text);
    tcase_add_test (cases, nick_has_no_blanks_or_controls);
    tcase_add_test (cases, nick_is_at_most_32_bytes);
    tcase_add_test (cases, group_name_is_lower_case_and_not_digits_alone);
    tcase_add_test (cases, original_names_may_have_capitals_and_be_digits);
    tcase_add_test (cases, nicks_that_look_the_same_have_one_key);
    tcase_add_test (cases, key_of_broken_nick_is_none);
    tcase_add_test (cases, log_text_is_printable_ascii);
    tcase_add_test (cases, log_text_is_cut_with_a_sign);
    tcase_add_test (cases, terminal_text_shows_controls_escaped);
    tcase_add_test (cases, terminal_text_keeps_lines_only_when_asked);
    tcase_add_test (cases, terminal_text_shows_bytes_that_are_no_utf8);
    tcase_add_test (cases, terminal_text_has_few_marks_on_a_character);
    tcase_add_test (cases, terminal_text_shows_what_would_be_hidden);
    tcase_add_test (cases, width_counts_columns);
    Suite *suite = suite_create ("text");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
