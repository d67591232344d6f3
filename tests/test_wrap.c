#include "user/wrap.h"

#include <check.h>
#include <stdlib.h>

static void s_expect (char *got, const char *wanted)
{
    ck_assert_ptr_nonnull (got);
    ck_assert_str_eq (got, wanted);
    free (got);
}

START_TEST (breaks_at_blanks_and_inside_long_words)
{
    s_expect (wrap_text ("", 0, 2, 20), "");
    s_expect (wrap_text ("ab cd", 0, 2, 0), "ab cd");
    s_expect (wrap_text ("0123456789 0123456789", 0, 2, 12), "0123456789 \n  0123456789");
    s_expect (wrap_text ("0123456789012345", 0, 2, 12), "012345678901\n  2345");
    s_expect (wrap_text ("a 01234567890123456789", 0, 2, 12), "a 0123456789\n  0123456789");
    s_expect (wrap_text ("abc", 11, 2, 12), "\n  abc");
    s_expect (wrap_text ("a\n\nb", 0, 2, 12), "a\n  \n  b");
}
END_TEST

START_TEST (counts_wide_characters_and_marks)
{
    s_expect (wrap_text ("\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab",
                         0, 0, 9),
              "\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\n\xe7\x8c\xab\xe7\x8c\xab");
    s_expect (wrap_text ("01234567\xcc\x88", 0, 0, 8), "01234567\xcc\x88");
}
END_TEST

START_TEST (expands_tabs_and_survives_a_narrow_terminal)
{
    s_expect (wrap_text ("a\tb", 0, 2, 20), "a       b");
    s_expect (wrap_text ("a\tb", 0, 2, 0), "a\tb");
    s_expect (wrap_text ("0123456789", 0, 4, 1), "0123456789"); // 8 columns behind the indent
    s_expect (wrap_text ("0123456789abcde", 0, 4, 1), "0123456789ab\n    cde");
}
END_TEST

// What a terminal shows wider than it is counted would go on at its left edge.
START_TEST (pictures_are_counted_wide)
{
    char text[200] = "", *lines;
    for (int i = 0; i < 12; i++)
        strcat (text, "\xe2\x9d\xa4\xef\xb8\x8f");
    lines = wrap_text (text, 0, 2, 12);
    const char *end = strchr (lines, '\n');
    ck_assert_ptr_nonnull (end);
    ck_assert_int_eq (end - lines, 6 * 6);
    ck_assert_int_eq (strncmp (end, "\n  \xe2", 4), 0);
    free (lines);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("wrap");
    tcase_add_test (cases, breaks_at_blanks_and_inside_long_words);
    tcase_add_test (cases, counts_wide_characters_and_marks);
    tcase_add_test (cases, expands_tabs_and_survives_a_narrow_terminal);
    tcase_add_test (cases, pictures_are_counted_wide);
    Suite *suite = suite_create ("wrap");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
