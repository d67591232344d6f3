#include "user/lines.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Feeds the text in pieces of at most `piece` bytes, with lines of at most 5 bytes; writes down
// what comes: each line in brackets, a "!" for one too long.
static const char *s_cut (const char *text, size_t piece)
{
    static char seen[200];
    lines_t *lines = lines_new (5);
    const char *line;
    size_t size, left = strlen (text);
    bool ended = false;
    seen[0] = 0;
    for (;;) {
        lines_result_t result = lines_next (lines, &line, &size);
        if (result == LINES_LINE)
            sprintf (seen + strlen (seen), "[%.*s]", (int)size, line);
        else if (result == LINES_TOO_LONG)
            strcat (seen, "!");
        else if (ended)
            break;
        else if (left == 0) {
            lines_end (lines);
            ended = true;
        } else {
            size_t room;
            char *out = lines_room (lines, &room);
            ck_assert_uint_gt (room, 0);
            room = room < piece ? room : piece;
            room = room < left ? room : left;
            memcpy (out, text, room);
            text += room;
            left -= room;
            lines_came (lines, room);
        }
    }
    lines_destroy (&lines);
    ck_assert_ptr_null (lines);
    return seen;
}

// The same in pieces of all sizes.
static void s_expect (const char *text, const char *wanted)
{
    for (size_t piece = 1; piece < 20; piece++)
        ck_assert_str_eq (s_cut (text, piece), wanted);
}

START_TEST (lines_end_at_newlines)
{
    s_expect ("", "");
    s_expect ("a\nbc\n", "[a][bc]");
    s_expect ("a\n\n\nb\n", "[a][][][b]");
    s_expect ("12345\n12345\n", "[12345][12345]");
}
END_TEST

START_TEST (last_line_needs_no_newline)
{
    s_expect ("a\nb", "[a][b]");
    s_expect ("12345", "[12345]");
}
END_TEST

START_TEST (long_line_is_told_once_and_skipped)
{
    s_expect ("123456\nb\n", "![b]");
    s_expect ("a\n12345678901234567890\nb\n12345678\n", "[a]![b]!");
    s_expect ("123456", "!");
    s_expect ("a\n1234567890123", "[a]!");
    s_expect ("12345678901\n\nc", "![][c]");
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("lines");
    tcase_add_test (cases, lines_end_at_newlines);
    tcase_add_test (cases, last_line_needs_no_newline);
    tcase_add_test (cases, long_line_is_told_once_and_skipped);
    Suite *suite = suite_create ("lines");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
