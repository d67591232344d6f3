#include "user/edit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAT   "\xe7\x8c\xab"                     // wide
#define O     "o\xcc\x88"                        // two characters, one grapheme
#define FLAGS "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa" // two regional indicators, one flag
#define ARROW "\xe2\x86\xb5"

static edit_t *s_edit;

static void s_setup (void)
{
    s_edit = edit_new (40);
    ck_assert_ptr_nonnull (s_edit);
}

static void s_teardown (void)
{
    edit_destroy (&s_edit);
    ck_assert_ptr_null (s_edit);
}

static edit_event_t s_press (key_kind_t kind)
{
    key_press_t key = {kind, ""};
    return edit_key (s_edit, &key);
}

// Types, character by character.
static void s_type (const char *text)
{
    keys_t keys = {0};
    for (; *text; text++) {
        key_press_t key = keys_feed (&keys, (uint8_t)*text);
        if (key.kind != KEY_NONE)
            ck_assert_int_eq (edit_key (s_edit, &key), EDIT_CHANGED);
    }
}

static void s_expect (const char *text)
{
    ck_assert_str_eq (edit_text (s_edit), text);
}

static void s_expect_view (int width, const char *wanted, int wanted_column)
{
    int column;
    char *shown = edit_view (s_edit, width, &column);
    ck_assert_str_eq (shown, wanted);
    ck_assert_int_eq (column, wanted_column);
    free (shown);
}

static void s_enter (const char *text)
{
    s_type (text);
    ck_assert_int_eq (s_press (KEY_ENTER), EDIT_LINE);
    char *line = edit_take (s_edit);
    ck_assert_str_eq (line, text);
    free (line);
    s_expect ("");
}

START_TEST (text_is_inserted_at_the_cursor)
{
    s_type ("ac");
    ck_assert_int_eq (s_press (KEY_LEFT), EDIT_CHANGED);
    s_type ("b");
    s_expect ("abc");
    ck_assert_int_eq (s_press (KEY_END), EDIT_CHANGED);
    ck_assert_int_eq (s_press (KEY_END), EDIT_NOTHING);
    s_type ("d");
    s_press (KEY_HOME);
    s_type ("0");
    s_expect ("0abcd");
}
END_TEST

START_TEST (cursor_stays_inside_the_line)
{
    ck_assert_int_eq (s_press (KEY_LEFT), EDIT_NOTHING);
    ck_assert_int_eq (s_press (KEY_RIGHT), EDIT_NOTHING);
    ck_assert_int_eq (s_press (KEY_BACKSPACE), EDIT_NOTHING);
    ck_assert_int_eq (s_press (KEY_DELETE), EDIT_NOTHING);
    ck_assert_int_eq (s_press (KEY_WORD_LEFT), EDIT_NOTHING);
    ck_assert_int_eq (s_press (KEY_KILL_WORD), EDIT_NOTHING);
    ck_assert_int_eq (s_press (KEY_KILL_REST), EDIT_NOTHING);
    s_expect ("");
}
END_TEST

START_TEST (one_key_removes_what_people_take_for_one_character)
{
    s_type ("a" O CAT FLAGS);
    s_press (KEY_BACKSPACE);
    s_expect ("a" O CAT);
    s_press (KEY_BACKSPACE);
    s_press (KEY_BACKSPACE);
    s_expect ("a");
    s_type (O "b");
    s_press (KEY_LEFT);
    s_press (KEY_LEFT);
    s_press (KEY_DELETE);
    s_expect ("ab");
}
END_TEST

START_TEST (words_are_passed_and_killed)
{
    s_type ("one two  three ");
    s_press (KEY_WORD_LEFT);
    s_type ("x");
    s_expect ("one two  xthree ");
    s_press (KEY_KILL_WORD);
    s_expect ("one two  three ");
    s_press (KEY_KILL_WORD);
    s_expect ("one three ");
    s_press (KEY_HOME);
    s_press (KEY_WORD_RIGHT);
    s_press (KEY_KILL_NEXT_WORD);
    s_expect ("one ");
}
END_TEST

START_TEST (line_is_killed_and_put_back)
{
    ck_assert_int_eq (s_press (KEY_YANK), EDIT_NOTHING);
    s_type ("one two");
    s_press (KEY_WORD_LEFT);
    s_press (KEY_KILL_LINE);
    s_expect ("two");
    s_press (KEY_END);
    s_press (KEY_YANK);
    s_expect ("twoone ");
    s_press (KEY_HOME);
    s_press (KEY_RIGHT);
    s_press (KEY_KILL_REST);
    s_expect ("t");
    s_press (KEY_YANK);
    s_press (KEY_YANK);
    s_expect ("twoone woone ");
}
END_TEST

START_TEST (end_of_file_only_on_an_empty_line)
{
    s_type ("a");
    ck_assert_int_eq (s_press (KEY_EOF), EDIT_NOTHING);
    s_press (KEY_HOME);
    ck_assert_int_eq (s_press (KEY_EOF), EDIT_CHANGED);
    ck_assert_int_eq (s_press (KEY_EOF), EDIT_EOF);
}
END_TEST

START_TEST (text_has_a_limit)
{
    s_type ("0123456789012345678901234567890123456789");
    key_press_t key = {KEY_TEXT, "x"};
    ck_assert_int_eq (edit_key (s_edit, &key), EDIT_FULL);
    s_press (KEY_BACKSPACE);
    strcpy (key.text, "\xc3\xb6");
    ck_assert_int_eq (edit_key (s_edit, &key), EDIT_FULL);
    s_expect ("012345678901234567890123456789012345678");
}
END_TEST

START_TEST (history_is_walked_and_the_draft_kept)
{
    ck_assert_int_eq (s_press (KEY_UP), EDIT_NOTHING);
    ck_assert_int_eq (s_press (KEY_DOWN), EDIT_NOTHING);
    s_enter ("one");
    s_enter ("two");
    s_enter ("two"); // not kept twice
    s_enter ("");    // nor this
    s_type ("draft");
    s_press (KEY_UP);
    s_expect ("two");
    s_press (KEY_UP);
    s_expect ("one");
    ck_assert_int_eq (s_press (KEY_UP), EDIT_NOTHING);
    s_press (KEY_DOWN);
    s_press (KEY_DOWN);
    s_expect ("draft");
    ck_assert_int_eq (s_press (KEY_DOWN), EDIT_NOTHING);
    s_press (KEY_UP);
    s_type ("!");
    edit_clear (s_edit);
    s_press (KEY_UP);
    s_expect ("two"); // what was recalled can be changed; the history cannot
}
END_TEST

START_TEST (history_forgets_the_oldest)
{
    for (int i = 0; i < 500; i++) {
        char line[10];
        snprintf (line, sizeof line, "%d", i);
        s_enter (line);
    }
    for (int i = 0; i < 500; i++)
        s_press (KEY_UP);
    s_expect ("300");
}
END_TEST

START_TEST (cursor_column_counts_columns)
{
    s_expect_view (20, "", 0);
    s_type ("a" CAT O);
    s_expect_view (20, "a" CAT O, 4);
    s_press (KEY_LEFT);
    s_expect_view (20, "a" CAT O, 3);
    s_press (KEY_LEFT);
    s_expect_view (20, "a" CAT O, 1);
}
END_TEST

START_TEST (view_scrolls_to_the_cursor)
{
    s_type ("0123456789");
    s_expect_view (11, "0123456789", 10);
    s_expect_view (10, "123456789", 9);
    s_expect_view (6, "56789", 5);
    s_press (KEY_HOME);
    s_expect_view (6, "01234", 0);
    s_press (KEY_RIGHT);
    s_expect_view (6, "01234", 1);
    edit_clear (s_edit);
    s_type (CAT CAT CAT);
    s_expect_view (5, CAT CAT, 4);
    s_expect_view (4, CAT, 2);
}
END_TEST

START_TEST (newlines_tabs_and_controls_are_shown)
{
    s_type ("\x1b[200~a\nb\tc\x1b[201~\xe2\x80\xae");
    s_expect ("a\nb\tc\xe2\x80\xae");
    s_expect_view (30, "a" ARROW "b c\\u{202e}", 13);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("edit");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, text_is_inserted_at_the_cursor);
    tcase_add_test (cases, cursor_stays_inside_the_line);
    tcase_add_test (cases, one_key_removes_what_people_take_for_one_character);
    tcase_add_test (cases, words_are_passed_and_killed);
    tcase_add_test (cases, line_is_killed_and_put_back);
    tcase_add_test (cases, end_of_file_only_on_an_empty_line);
    tcase_add_test (cases, text_has_a_limit);
    tcase_add_test (cases, history_is_walked_and_the_draft_kept);
    tcase_add_test (cases, history_forgets_the_oldest);
    tcase_add_test (cases, cursor_column_counts_columns);
    tcase_add_test (cases, view_scrolls_to_the_cursor);
    tcase_add_test (cases, newlines_tabs_and_controls_are_shown);
    Suite *suite = suite_create ("edit");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
