#include "user/advice.h"

#include "tests/kit.h"

START_TEST (each_refusal_for_want_of_trust_says_what_to_do)
{
    static const wire_error_t errors[] = {
        WIRE_ERR_NOT_ALLOWED, WIRE_ERR_KEY_NEEDED, WIRE_ERR_WRONG_KEY, WIRE_ERR_NOT_INVITED,
        WIRE_ERR_BANNED,      WIRE_ERR_MUTED,      WIRE_ERR_RATE,      WIRE_ERR_BAD_INVITATION};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        for (size_t other = 0; other < i; other++)
            ck_assert_str_ne (advice (errors[i]), advice (errors[other]));
    ck_assert_str_ne (advice (errors[0]), "");
    ck_assert_ptr_nonnull (strstr (advice (WIRE_ERR_NOT_INVITED), "zchat trust"));
}
END_TEST

START_TEST (others_speak_for_themselves)
{
    ck_assert_str_eq (advice (WIRE_ERR_TOO_LONG), "");
    ck_assert_str_eq (advice ((wire_error_t)9999), "");
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("advice");
    tcase_add_test (cases, each_refusal_for_want_of_trust_says_what_to_do);
    tcase_add_test (cases, others_speak_for_themselves);
    return kit_run (cases, "advice");
}
