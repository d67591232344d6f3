#include "user/slash.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void s_expect (const char *line, slash_kind_t kind, const char *argument)
{
    slash_t slash;
    slash_parse (&slash, line);
    ck_assert_int_eq (slash.kind, kind);
    ck_assert_str_eq (slash.argument, argument);
}

START_TEST (line_without_a_slash_is_text)
{
    s_expect ("hi there", SLASH_TEXT, "hi there");
    s_expect (" /who", SLASH_TEXT, " /who");
    s_expect ("", SLASH_NOTHING, "");
}
END_TEST

START_TEST (two_slashes_begin_a_text_with_one)
{
    s_expect ("//who", SLASH_TEXT, "/who");
    s_expect ("///", SLASH_TEXT, "//");
}
END_TEST

START_TEST (commands_have_arguments)
{
    s_expect ("/who", SLASH_WHO, "");
    s_expect ("/nick anna", SLASH_NICK, "anna");
    s_expect ("/topic  all about cats ", SLASH_TOPIC, "all about cats ");
    s_expect ("/topic", SLASH_TOPIC, "");
    s_expect ("/group dogs", SLASH_GROUP, "dogs");
    s_expect ("/groups", SLASH_GROUPS, "");
    s_expect ("/quit", SLASH_QUIT, "");
}
END_TEST

START_TEST (what_is_no_command_is_told_and_never_sent)
{
    s_expect ("/dance now", SLASH_UNKNOWN, "there is no /dance, see /help");
    s_expect ("/", SLASH_UNKNOWN, "there is no /, see /help");
    s_expect ("/whom", SLASH_UNKNOWN, "there is no /whom, see /help");
    s_expect ("/WHO", SLASH_UNKNOWN, "there is no /WHO, see /help");
    s_expect ("/nick", SLASH_UNKNOWN, "/nick needs a word behind it, see /help");
    s_expect ("/join  ", SLASH_UNKNOWN, "/join needs a word behind it, see /help");
}
END_TEST

START_TEST (help_has_a_line_for_each_command)
{
    size_t count = 0;
    for (const char *help; (help = slash_help (count)); count++) {
        char line[20] = "";
        slash_t slash;
        strncpy (line, help, strcspn (help, " "));
        strcat (line, " x");
        slash_parse (&slash, line);
        ck_assert_msg (slash.kind > SLASH_UNKNOWN, "%s", help);
    }
    ck_assert_uint_eq (count, 18);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("slash");
    tcase_add_test (cases, line_without_a_slash_is_text);
    tcase_add_test (cases, two_slashes_begin_a_text_with_one);
    tcase_add_test (cases, commands_have_arguments);
    tcase_add_test (cases, what_is_no_command_is_told_and_never_sent);
    tcase_add_test (cases, help_has_a_line_for_each_command);
    Suite *suite = suite_create ("slash");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
