#include "common/invitation.h"

#include "tests/kit.h"

#include <sodium.h>

#define NEVER   0
#define EXPIRES 1795330800000000
#define PLACE                                                                                      \
    "tcp://chat.example.org:2001?key="                                                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static uint8_t s_operator[INVITATION_KEY], s_signing[INVITATION_SIGNING];
static uint8_t s_bytes[INVITATION_MAX];
static invitation_t s_one;

static const char *const s_cats[] = {"cats"}, *const s_places[] = {PLACE};

static void s_be_operator (uint8_t first)
{
    uint8_t secret[32];
    ck_assert (sodium_init () >= 0);
    for (int i = 0; i < 32; i++)
        secret[i] = (uint8_t)(first + i);
    invitation_operator (secret, s_operator, s_signing);
}

static invitation_draft_t s_draft (int64_t expires)
{
    invitation_draft_t draft = {.expires = expires,
                                .uses = 5,
                                .groups = s_cats,
                                .group_count = 1,
                                .registries = s_places,
                                .registry_count = 1};
    for (int i = 0; i < GUID_SIZE; i++)
        draft.id.bytes[i] = (uint8_t)(16 + i);
    return draft;
}

static span_t s_make (int64_t expires)
{
    invitation_draft_t draft = s_draft (expires);
    s_be_operator (0);
    size_t size = invitation_make (&draft, s_signing, s_bytes);
    ck_assert_uint_gt (size, 0);
    ck_assert_ptr_null (invitation_parse (&s_one, span (s_bytes, size)));
    return s_one.bytes;
}

static invitation_verdict_t s_verdict (int64_t now, const char *group)
{
    return invitation_verify (&s_one, s_operator, 1, now, group);
}

// Computed with other implementations of BLAKE2b and Ed25519.
START_TEST (invitation_has_these_bytes_for_ever)
{
    span_t made = s_make (EXPIRES);
    char text[INVITATION_TEXT];
    kit_same_hex (s_operator, sizeof s_operator,
                  "d17615f808679c775c4b8cf88daf31ab76f45b8a095b135f9242a22246a7d189");
    kit_same_hex (made.data, made.size,
                  "01d17615f808679c775c4b8cf88daf31ab76f45b8a095b135f9242a22246a7d189"
                  "101112131415161718191a1b1c1d1e1f000660d806969c0000000005010463617473"
                  "0100607463703a2f2f636861742e6578616d706c652e6f72673a323030313f6b6579"
                  "3d303132333435363738396162636465663031323334353637383961626364656630"
                  "31323334353637383961626364656630313233343536373839616263646566"
                  "e404083eac2baa88e29083d89a8da8b095393dd3fdc7ccb870d052ab4495c6f9"
                  "6aeecefd73ed8f1610142f1ba176a5c85ce1769b9c5b43a1bd48196cfcd9570b");
    ck_assert_str_eq (
        invitation_print (made, text),
        "zchat1.AdF2FfgIZ5x3XEuM-I2vMat29FuKCVsTX5JCoiJGp9GJEBESExQVFhcYGRobHB0eHwAGYNgGlpwAAA"
        "AABQEEY2F0cwEAYHRjcDovL2NoYXQuZXhhbXBsZS5vcmc6MjAwMT9rZXk9MDEyMzQ1Njc4OWFiY2RlZjAxMjM0"
        "NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZuQECD6sK6qI4pCD2JqNqLCVOT3T_c"
        "fMuHDQUqtElcb5au7O_XPtjxYQFC8boXalyFzhdpucW0OhvUgZbPzZVws");
}
END_TEST

START_TEST (what_was_made_is_read)
{
    char text[ENDPOINT_TEXT];
    endpoint_t endpoint;
    s_make (EXPIRES);
    ck_assert_int_eq (s_one.expires, EXPIRES);
    ck_assert_uint_eq (s_one.uses, 5);
    ck_assert_uint_eq (s_one.id.bytes[15], 31);
    ck_assert_uint_eq (s_one.group_count, 1);
    ck_assert (span_equal (invitation_group (&s_one, 0), span_of ("cats")));
    ck_assert_uint_eq (invitation_group (&s_one, 1).size, 0);
    ck_assert_uint_eq (s_one.registry_count, 1);
    ck_assert_int_eq (invitation_registry (&s_one, 0, &endpoint), 0);
    ck_assert_str_eq (endpoint_print_with_key (&endpoint, text), PLACE);
    ck_assert_int_eq (invitation_registry (&s_one, 1, &endpoint), -1);
}
END_TEST

START_TEST (good_one_of_a_known_operator_is_good)
{
    s_make (EXPIRES);
    ck_assert_int_eq (s_verdict (EXPIRES - 1, "cats"), INVITATION_GOOD);
    ck_assert_int_eq (s_verdict (EXPIRES - 1, NULL), INVITATION_GOOD);
}
END_TEST

START_TEST (operators_are_told_apart)
{
    uint8_t two[2 * INVITATION_KEY];
    s_make (NEVER);
    s_be_operator (1);
    ck_assert_int_eq (s_verdict (1, "cats"), INVITATION_FOREIGN);
    ck_assert_int_eq (invitation_verify (&s_one, NULL, 0, 1, "cats"), INVITATION_FOREIGN);
    memcpy (two, s_operator, INVITATION_KEY);
    s_be_operator (0);
    memcpy (two + INVITATION_KEY, s_operator, INVITATION_KEY);
    ck_assert_int_eq (invitation_verify (&s_one, two, 2, 1, "cats"), INVITATION_GOOD);
}
END_TEST

START_TEST (expiry_is_by_the_judges_clock)
{
    s_make (EXPIRES);
    ck_assert_int_eq (s_verdict (EXPIRES, "cats"), INVITATION_EXPIRED);
    s_make (NEVER);
    ck_assert_int_eq (s_verdict (INT64_MAX, "cats"), INVITATION_GOOD);
}
END_TEST

START_TEST (other_groups_are_not_meant)
{
    s_make (NEVER);
    ck_assert_int_eq (s_verdict (1, "dogs"), INVITATION_ELSEWHERE);
    ck_assert_int_eq (s_verdict (1, "cat"), INVITATION_ELSEWHERE);
    invitation_draft_t draft = s_draft (NEVER);
    draft.group_count = 0;
    size_t size = invitation_make (&draft, s_signing, s_bytes);
    ck_assert_ptr_null (invitation_parse (&s_one, span (s_bytes, size)));
    ck_assert_int_eq (s_verdict (1, "dogs"), INVITATION_GOOD);
}
END_TEST

START_TEST (every_altered_bit_is_noticed)
{
    span_t made = s_make (EXPIRES);
    for (size_t bit = 0; bit < 8 * made.size; bit++) {
        invitation_t other;
        s_bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (!invitation_parse (&other, made)) {
            ck_assert (!invitation_is_signed (&other));
            ck_assert_int_ne (invitation_verify (&other, s_operator, 1, 1, NULL), INVITATION_GOOD);
        }
        s_bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert (invitation_is_signed (&s_one));
}
END_TEST

START_TEST (any_part_and_any_more_is_none)
{
    span_t made = s_make (EXPIRES);
    invitation_t other;
    for (size_t size = 0; size < made.size; size++)
        ck_assert_ptr_nonnull (invitation_parse (&other, span (s_bytes, size)));
    ck_assert_ptr_nonnull (invitation_parse (&other, span (s_bytes, made.size + 1)));
    s_bytes[0] = 2;
    ck_assert_str_eq (invitation_parse (&other, made),
                      "it is an invitation of another version of zchat");
}
END_TEST

// A signature does not make a path of a name, nor an endpoint of anything.
START_TEST (names_and_endpoints_are_looked_at)
{
    static const char *const names[] = {"../x", "Cats", "7", "", "a\nb"};
    static const char *const places[] = {"tcp://127.0.0.1:2001", "tcp://*:2001?key=00", ""};
    s_be_operator (0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        invitation_draft_t draft = s_draft (NEVER);
        draft.groups = &names[i];
        ck_assert_uint_eq (invitation_make (&draft, s_signing, s_bytes), 0);
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        invitation_draft_t draft = s_draft (NEVER);
        draft.registries = &places[i];
        ck_assert_uint_eq (invitation_make (&draft, s_signing, s_bytes), 0);
    }
}
END_TEST

START_TEST (too_much_is_not_made)
{
    const char *places[32];
    for (size_t i = 0; i < 32; i++)
        places[i] = PLACE;
    invitation_draft_t draft = s_draft (NEVER);
    s_be_operator (0);
    draft.registries = places;
    draft.registry_count = 19;
    ck_assert_uint_gt (invitation_make (&draft, s_signing, s_bytes), 0);
    draft.registry_count = 20;
    ck_assert_uint_eq (invitation_make (&draft, s_signing, s_bytes), 0);
    draft.registry_count = 256;
    ck_assert_uint_eq (invitation_make (&draft, s_signing, s_bytes), 0);
}
END_TEST

START_TEST (text_is_read_with_the_blanks_of_a_mail)
{
    char text[INVITATION_TEXT], mail[2 * INVITATION_TEXT] = "\n ";
    uint8_t back[INVITATION_MAX];
    span_t made = s_make (NEVER);
    invitation_print (made, text);
    for (size_t i = 0, at = 2; text[i]; i++) {
        mail[at++] = text[i];
        if (i % 40 == 39)
            mail[at++] = '\n';
    }
    size_t size = invitation_scan (mail, strlen (mail), back);
    ck_assert (span_equal (span (back, size), made));
}
END_TEST

START_TEST (what_is_no_text_of_one_is_none)
{
    static const char *const wrong[] = {"",           "zchat1",       "zchat2.AAAA", "zchat1.",
                                        "zchat1.A",   "zchat1.AA==",  "zchat1.A+/A", "zchat1.AB",
                                        "xzchat1.AA", "zchat1.AA\xff"};
    uint8_t back[INVITATION_MAX];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg (invitation_scan (wrong[i], strlen (wrong[i]), back) == 0, "%s", wrong[i]);
    char long_one[4000];
    memset (long_one, 'A', sizeof long_one);
    memcpy (long_one, "zchat1.", 7);
    ck_assert_uint_eq (invitation_scan (long_one, sizeof long_one, back), 0);
}
END_TEST

static unsigned s_count (span_t field)
{
    invitation_walk_t walk = invitation_walk (field);
    unsigned count = 0;
    while (invitation_next (&walk, &s_one))
        count++;
    return count;
}

START_TEST (list_is_walked_over_what_is_bad)
{
    uint8_t field[INVITATION_FIELD], copy[INVITATION_MAX];
    span_t made = s_make (NEVER);
    memcpy (copy, made.data, made.size);
    made.data = copy;
    writer_t out = writer (field, sizeof field);
    invitation_put (&out, made);
    invitation_put (&out, span ("rubbish", 7));
    invitation_put (&out, made);
    ck_assert (!out.failed);
    ck_assert_uint_eq (s_count (span (field, writer_used (&out))), 2);
    ck_assert_uint_eq (s_count (span (field, writer_used (&out) - 1)), 1);
    ck_assert_uint_eq (s_count (span (NULL, 0)), 0);
}
END_TEST

START_TEST (only_the_first_few_are_looked_at)
{
    static uint8_t field[3 * INVITATION_FIELD];
    uint8_t copy[INVITATION_MAX];
    span_t made = s_make (NEVER);
    memcpy (copy, made.data, made.size);
    made.data = copy;
    writer_t out = writer (field, sizeof field);
    for (unsigned i = 0; i < 2 * INVITATION_SHOWN; i++)
        invitation_put (&out, made);
    ck_assert_uint_eq (s_count (span (field, writer_used (&out))), INVITATION_SHOWN);
    out = writer (field, sizeof field);
    for (unsigned i = 0; i < 2 * INVITATION_SHOWN; i++)
        invitation_put (&out, i < INVITATION_SHOWN ? span ("x", 1) : made);
    ck_assert_uint_eq (s_count (span (field, writer_used (&out))), 0);
}
END_TEST

START_TEST (any_bytes_are_read_within_bounds)
{
    dice_t dice_of = dice_new ("any_bytes_are_read_within_bounds");
    for (unsigned round = 0; round < 3000; round++) {
        span_t made = s_make (NEVER);
        size_t size = dice (&dice_of, 3) ? made.size : dice (&dice_of, made.size);
        uint8_t *exact = malloc (size ? size : 1);
        memcpy (exact, s_bytes, size);
        for (unsigned i = 0; size > 0 && i < 3; i++)
            exact[dice (&dice_of, size)] = (uint8_t)dice_u64 (&dice_of);
        invitation_t other;
        if (!invitation_parse (&other, span (exact, size)))
            invitation_is_for (&other, "cats");
        s_count (span (exact, size));
        free (exact);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("invitation");
    tcase_add_test (cases, invitation_has_these_bytes_for_ever);
    tcase_add_test (cases, what_was_made_is_read);
    tcase_add_test (cases, good_one_of_a_known_operator_is_good);
    tcase_add_test (cases, operators_are_told_apart);
    tcase_add_test (cases, expiry_is_by_the_judges_clock);
    tcase_add_test (cases, other_groups_are_not_meant);
    tcase_add_test (cases, every_altered_bit_is_noticed);
    tcase_add_test (cases, any_part_and_any_more_is_none);
    tcase_add_test (cases, names_and_endpoints_are_looked_at);
    tcase_add_test (cases, too_much_is_not_made);
    tcase_add_test (cases, text_is_read_with_the_blanks_of_a_mail);
    tcase_add_test (cases, what_is_no_text_of_one_is_none);
    tcase_add_test (cases, list_is_walked_over_what_is_bad);
    tcase_add_test (cases, only_the_first_few_are_looked_at);
    tcase_add_test (cases, any_bytes_are_read_within_bounds);
    return kit_run (cases, "invitation");
}
