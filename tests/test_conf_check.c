#include "common/conf_check.h"

#include "tests/kit.h"

START_TEST (choice_is_a_whole_word)
{
    ck_assert (conf_check_choice ("open invited listed", "open"));
    ck_assert (conf_check_choice ("open invited listed", "listed"));
    ck_assert (!conf_check_choice ("open invited listed", "ope"));
    ck_assert (!conf_check_choice ("open invited listed", "opens"));
    ck_assert (!conf_check_choice ("open invited listed", "open invited"));
    ck_assert (!conf_check_choice ("open", ""));
}
END_TEST

START_TEST (text_is_held_to_its_bounds)
{
    ck_assert_ptr_null (conf_check_text ("ab", 2, 3, false));
    ck_assert_str_eq (conf_check_text ("a", 2, 3, false), "is too short or too long");
    ck_assert_str_eq (conf_check_text ("abcd", 2, 3, false), "is too short or too long");
    ck_assert_str_eq (conf_check_text ("a\n", 2, 3, false), "holds a control character");
    ck_assert_ptr_null (conf_check_text ("/a", 1, 9, true));
    ck_assert_str_eq (conf_check_text ("a/", 1, 9, true), "does not begin with /");
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("conf_check");
    tcase_add_test (cases, choice_is_a_whole_word);
    tcase_add_test (cases, text_is_held_to_its_bounds);
    return kit_run (cases, "conf_check");
}
