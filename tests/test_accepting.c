#include "user/accepting.h"

#include "tests/user_call.h"

static const uint8_t s_key[IDENTITY_KEY] = {0xaa, 1};

START_TEST (keys_are_kept_for_names_alone)
{
    call_t *call = call_of (accepting, "@", NULL, EXIT_USAGE);
    ck_assert_ptr_nonnull (strstr (call->err, "keys are kept for names of groups"));
    call_destroy (&call);
}
END_TEST

START_TEST (all_stays_when_nobody_answers)
{
    char where[64], words[200];
    int fd = fake_refusing (where);
    guid_t log = {{7}}, known;
    uint8_t key[IDENTITY_KEY];
    snprintf (words, sizeof words, "-r %s --timeout 0.3 cats", where);
    call_t *call = call_new (NULL, words);
    identity_t *identity = context_identity (call->context);
    identity_put_server (identity, "cats", s_key);
    identity_put_log (identity, "cats", &log);
    call_run (call, accepting);
    ck_assert_int_eq (call->code, EXIT_UNREACHABLE);
    ck_assert_int_eq (identity_server (identity, "cats", key), 0);
    ck_assert_mem_eq (key, s_key, sizeof key);
    ck_assert_int_eq (identity_log (identity, "cats", &known), 0);
    ck_assert (guid_equal (&known, &log));
    call_destroy (&call);
    close (fd);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("accepting");
    tcase_add_test (cases, keys_are_kept_for_names_alone);
    tcase_add_test (cases, all_stays_when_nobody_answers);
    return kit_run (cases, "accepting");
}
