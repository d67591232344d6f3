#include "common/tether.h"

#include <check.h>

START_TEST (token_leads_to_its_owner_until_it_is_cut)
{
    int one, two;
    void *a = tether_new (&one), *b = tether_new (&two), *copy = a;
    ck_assert_ptr_nonnull (a);
    ck_assert_ptr_eq (tether_owner (a), &one);
    ck_assert_ptr_eq (tether_owner (b), &two);
    tether_cut (&a);
    ck_assert_ptr_null (a);
    ck_assert_ptr_null (tether_owner (copy));
    ck_assert_ptr_eq (tether_owner (b), &two);
    tether_cut (&b);
}
END_TEST

START_TEST (tokens_are_never_used_twice)
{
    int owner;
    void *old[200];
    for (int i = 0; i < 200; i++) {
        void *token = tether_new (&owner);
        old[i] = token;
        for (int j = 0; j < i; j++)
            ck_assert_ptr_ne (old[j], token);
        tether_cut (&token);
        for (int j = 0; j <= i; j++)
            ck_assert_ptr_null (tether_owner (old[j]));
    }
}
END_TEST

START_TEST (many_live_at_once)
{
    int owners[100];
    void *tokens[100];
    for (int i = 0; i < 100; i++)
        tokens[i] = tether_new (&owners[i]);
    for (int i = 0; i < 100; i += 2)
        tether_cut (&tokens[i]);
    for (int i = 1; i < 100; i += 2) {
        ck_assert_ptr_eq (tether_owner (tokens[i]), &owners[i]);
        tether_cut (&tokens[i]);
    }
}
END_TEST

START_TEST (nothing_leads_nowhere)
{
    void *none = NULL;
    ck_assert_ptr_null (tether_owner (NULL));
    tether_cut (&none);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("tether");
    tcase_add_test (cases, token_leads_to_its_owner_until_it_is_cut);
    tcase_add_test (cases, tokens_are_never_used_twice);
    tcase_add_test (cases, many_live_at_once);
    tcase_add_test (cases, nothing_leads_nowhere);
    Suite *suite = suite_create ("tether");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
