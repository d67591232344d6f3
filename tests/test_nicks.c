#include "daemons/group/nicks.h"

#include "tests/kit.h"

static int s_people[4]; // holders

static void *s_holder (const nicks_t *nicks, const char *nick)
{
    return nicks_holder (nicks, nick, strlen (nick));
}

static void s_gives (const nicks_t *nicks, const char *nick, const char *wanted)
{
    char out[TEXT_NICK_MAX + 1];
    nicks_find_free (nicks, nick, strlen (nick), out);
    ck_assert_str_eq (out, wanted);
    ck_assert (text_nick_valid (out, strlen (out)));
    ck_assert_ptr_null (s_holder (nicks, out));
}

START_TEST (nobody_has_a_nick_at_first)
{
    nicks_t *nicks = nicks_new ();
    ck_assert_ptr_null (s_holder (nicks, "ann"));
    s_gives (nicks, "ann", "ann");
    nicks_release (nicks, "ann", &s_people[0]);
    nicks_destroy (&nicks);
    ck_assert_ptr_null (nicks);
    nicks_destroy (&nicks);
}
END_TEST

START_TEST (nick_is_its_takers_in_any_case_and_form)
{
    nicks_t *nicks = nicks_new ();
    nicks_take (nicks, "Ann", &s_people[0]);
    nicks_take (nicks, "\xc3\xa9", &s_people[1]);
    ck_assert_ptr_eq (s_holder (nicks, "ann"), &s_people[0]);
    ck_assert_ptr_eq (s_holder (nicks, "ANN"), &s_people[0]);
    ck_assert_ptr_eq (s_holder (nicks, "e\xcc\x81"), &s_people[1]);
    ck_assert_ptr_eq (nicks_holder (nicks, "annabel", 3), &s_people[0]); // not by its zero
    ck_assert_ptr_null (s_holder (nicks, "an"));
    nicks_take (nicks, "aNN", &s_people[2]);
    ck_assert_ptr_eq (s_holder (nicks, "Ann"), &s_people[2]);
    nicks_destroy (&nicks);
}
END_TEST

START_TEST (only_who_has_it_can_release_it)
{
    nicks_t *nicks = nicks_new ();
    nicks_take (nicks, "ann", &s_people[0]);
    nicks_release (nicks, "ann", &s_people[1]);
    ck_assert_ptr_eq (s_holder (nicks, "ann"), &s_people[0]);
    nicks_release (nicks, "ANN", &s_people[0]);
    ck_assert_ptr_null (s_holder (nicks, "ann"));
    nicks_destroy (&nicks);
}
END_TEST

START_TEST (no_nick_is_had_by_nobody)
{
    nicks_t *nicks = nicks_new ();
    nicks_take (nicks, "", &s_people[0]);
    ck_assert_ptr_null (s_holder (nicks, ""));
    nicks_release (nicks, "", &s_people[0]);
    nicks_destroy (&nicks);
}
END_TEST

START_TEST (small_numbers_are_given_lowest_first)
{
    nicks_t *nicks = nicks_new ();
    nicks_take (nicks, "root", &s_people[0]);
    s_gives (nicks, "ROOT", "ROOT-2");
    nicks_take (nicks, "root-2", &s_people[1]);
    nicks_take (nicks, "Root-4", &s_people[2]);
    s_gives (nicks, "root", "root-3");
    nicks_take (nicks, "root-3", &s_people[3]);
    s_gives (nicks, "root", "root-5");
    nicks_release (nicks, "root-2", &s_people[1]);
    s_gives (nicks, "root", "root-2");
    s_gives (nicks, "root-3", "root-3-2");
    nicks_destroy (&nicks);
}
END_TEST

START_TEST (thousands_with_one_nick_leave_no_hole)
{
    nicks_t *nicks = nicks_new ();
    char wanted[40];
    nicks_take (nicks, "root", &s_people[0]);
    for (int n = 2; n <= 5000; n++) {
        snprintf (wanted, sizeof wanted, "root-%d", n);
        s_gives (nicks, "root", wanted);
        nicks_take (nicks, wanted, &s_people[n % 4]);
    }
    nicks_destroy (&nicks);
}
END_TEST

START_TEST (whatever_is_taken_what_is_given_is_free)
{
    dice_t chance = dice_new ("whatever_is_taken_what_is_given_is_free");
    for (int round = 0; round < 20; round++) {
        nicks_t *nicks = nicks_new ();
        size_t range = 1 + dice (&chance, 500);
        for (size_t i = 0; i < 400; i++) {
            char nick[40], out[TEXT_NICK_MAX + 1];
            snprintf (nick, sizeof nick, "x-%zu", dice (&chance, range));
            nicks_take (nicks, dice (&chance, 20) ? nick : "x", &s_people[0]);
            nicks_find_free (nicks, "x", 1, out);
            ck_assert_ptr_null (s_holder (nicks, out));
        }
        nicks_destroy (&nicks);
    }
}
END_TEST

START_TEST (long_nick_is_cut_at_a_character)
{
    const char *plain = "12345678901234567890123456789012";
    // Ten characters of three bytes and two of one.
    const char *wide = "\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab"
                       "\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab"
                       "ab";
    nicks_t *nicks = nicks_new ();
    char wanted[40];
    nicks_take (nicks, plain, &s_people[0]);
    nicks_take (nicks, wide, &s_people[1]);
    s_gives (nicks, plain, "123456789012345678901234567890-2");
    snprintf (wanted, sizeof wanted, "%.30s-2", wide);
    s_gives (nicks, wide, wanted);
    for (int n = 2; n <= 9; n++) {
        snprintf (wanted, sizeof wanted, "%.30s-%d", plain, n);
        nicks_take (nicks, wanted, &s_people[0]);
        snprintf (wanted, sizeof wanted, "%.30s-%d", wide, n);
        nicks_take (nicks, wanted, &s_people[1]);
    }
    s_gives (nicks, plain, "12345678901234567890123456789-10");
    snprintf (wanted, sizeof wanted, "%.27s-10", wide); // the tenth has no room left
    s_gives (nicks, wide, wanted);
    nicks_destroy (&nicks);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("nicks");
    tcase_add_test (cases, nobody_has_a_nick_at_first);
    tcase_add_test (cases, nick_is_its_takers_in_any_case_and_form);
    tcase_add_test (cases, only_who_has_it_can_release_it);
    tcase_add_test (cases, no_nick_is_had_by_nobody);
    tcase_add_test (cases, small_numbers_are_given_lowest_first);
    tcase_add_test (cases, thousands_with_one_nick_leave_no_hole);
    tcase_add_test (cases, whatever_is_taken_what_is_given_is_free);
    tcase_add_test (cases, long_nick_is_cut_at_a_character);
    return kit_run (cases, "nicks");
}
