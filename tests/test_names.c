#include "daemons/registry/names.h"

#include "tests/kit.h"

enum { QUIET = 20000 };

static const conf_name_t s_list[] = {{"cats", {1}}, {"dogs", {2}}};
static names_t *s_names;

static void s_setup (void)
{
    s_names = names_new (s_list, 2);
}

static void s_teardown (void)
{
    names_destroy (&s_names);
}

START_TEST (name_is_its_owners)
{
    static const uint8_t first[CONF_KEY] = {1}, second[CONF_KEY] = {2};
    ck_assert_int_eq (names_judge (s_names, span_of ("cats"), first), NAMES_OWN);
    ck_assert_int_eq (names_judge (s_names, span_of ("cats"), second), NAMES_TAKEN);
    ck_assert_int_eq (names_judge (s_names, span_of ("cats"), NULL), NAMES_TAKEN);
    ck_assert_int_eq (names_judge (s_names, span_of ("dogs"), second), NAMES_OWN);
    ck_assert_int_eq (names_judge (s_names, span_of ("birds"), first), NAMES_FREE);
    ck_assert_int_eq (names_judge (s_names, span_of ("cat"), NULL), NAMES_FREE);
    ck_assert_int_eq (names_judge (s_names, span (NULL, 0), NULL), NAMES_FREE);
}
END_TEST

START_TEST (contest_is_told_once)
{
    ck_assert (names_contest (s_names, span_of ("cats"), 0, QUIET));
    ck_assert (!names_contest (s_names, span_of ("cats"), 1000, QUIET));
    ck_assert (!names_contest (s_names, span_of ("cats"), QUIET, QUIET)); // it goes on
    ck_assert (names_contest (s_names, span_of ("dogs"), QUIET, QUIET));
    ck_assert (names_contest (s_names, span_of ("cats"), 3 * QUIET, QUIET));
    ck_assert (!names_contest (s_names, span_of ("birds"), 0, QUIET));
}
END_TEST

START_TEST (no_names_are_all_free)
{
    names_t *none = names_new (NULL, 0);
    ck_assert_int_eq (names_judge (none, span_of ("cats"), NULL), NAMES_FREE);
    names_destroy (&none);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("names");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, name_is_its_owners);
    tcase_add_test (cases, contest_is_told_once);
    tcase_add_test (cases, no_names_are_all_free);
    return kit_run (cases, "names");
}
