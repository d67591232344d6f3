#include "user/card.h"

#include "tests/kit.h"

#include <sodium.h>

#define PLACE "tcp://h:1?key=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static uint8_t s_bytes[INVITATION_MAX];

static invitation_t s_make (size_t groups, int64_t expires, uint32_t uses)
{
    static const char *const names[] = {"ants", "bees", "cats"}, *const places[] = {PLACE};
    static const uint8_t secret[32] = {1};
    uint8_t public_key[INVITATION_KEY], signing[INVITATION_SIGNING];
    invitation_draft_t draft = {.id = {{0x11}},
                                .expires = expires,
                                .uses = uses,
                                .groups = names,
                                .group_count = groups,
                                .registries = places,
                                .registry_count = 1};
    invitation_t made;
    ck_assert_int_ge (sodium_init (), 0);
    setenv ("TZ", "UTC", 1);
    invitation_operator (secret, public_key, signing);
    size_t size = invitation_make (&draft, signing, s_bytes);
    ck_assert_ptr_null (invitation_parse (&made, span (s_bytes, size)));
    return made;
}

static void s_expect (size_t groups, int64_t expires, uint32_t uses, const char *wanted)
{
    invitation_t made = s_make (groups, expires, uses);
    char *sentence = card_sentence (&made);
    ck_assert_str_eq (sentence, wanted);
    free (sentence);
}

START_TEST (sentence_says_to_what_until_when_and_for_how_many)
{
    s_expect (0, 0, 0, "the invitation to all groups");
    s_expect (1, 0, 1, "the invitation to ants, for 1 person");
    s_expect (2, INT64_C (1795330800000000), 0,
              "the invitation to ants and bees, until 2026-11-22 07:00:00");
    s_expect (3, 0, 5, "the invitation to ants, bees and cats, for 5 people");
}
END_TEST

START_TEST (json_has_all_of_it)
{
    invitation_t made = s_make (2, INT64_C (1795330800000000), 5);
    char *line = card_json (&made, "zchat1.x");
    ck_assert_int_eq (strncmp (line, "{\"text\":\"zchat1.x\",\"invitation\":\"11000000-0000", 46),
                      0);
    ck_assert_ptr_nonnull (strstr (line, ",\"groups\":[\"ants\",\"bees\"],\"registries\":[\"" PLACE
                                         "\"],\"expires\":\"2026-11-22T07:00:00.000000Z\","
                                         "\"uses\":5}\n"));
    free (line);
    made = s_make (0, 0, 0);
    line = card_json (&made, NULL);
    ck_assert_ptr_nonnull (strstr (line, "\"groups\":[]"));
    ck_assert_ptr_nonnull (strstr (line, "\"expires\":null,\"uses\":null}\n"));
    free (line);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("card");
    tcase_add_test (cases, sentence_says_to_what_until_when_and_for_how_many);
    tcase_add_test (cases, json_has_all_of_it);
    return kit_run (cases, "card");
}
