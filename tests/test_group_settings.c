#include "daemons/group/settings.h"

#include "tests/kit.h"
#include "tests/shipped.h"

START_TEST (shipped_file_holds_every_key_with_its_default)
{
    size_t count;
    const conf_key_t *keys = group_settings (&count);
    shipped_agrees (shipped_path (__FILE__, "group.cfg"), keys, count);
}
END_TEST

START_TEST (shipped_file_names_units)
{
    size_t count;
    const conf_key_t *keys = group_settings (&count);
    shipped_names_units (shipped_path (__FILE__, "group.cfg"), keys, count);
}
END_TEST

START_TEST (every_row_has_a_help)
{
    size_t count;
    const conf_key_t *keys = group_settings (&count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg (keys[i].help && *keys[i].help, "%s", keys[i].path);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("group_settings");
    tcase_add_test (cases, shipped_file_holds_every_key_with_its_default);
    tcase_add_test (cases, shipped_file_names_units);
    tcase_add_test (cases, every_row_has_a_help);
    return kit_run (cases, "group_settings");
}
