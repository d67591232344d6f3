#include "common/guid.h"

#include "tests/kit.h"

static guid_t s_parsed (const char *text)
{
    guid_t guid;
    ck_assert_int_eq (guid_parse (&guid, text, strlen (text)), 0);
    return guid;
}

START_TEST (text_is_read_in_either_case_and_written_in_lower_case)
{
    char text[GUID_TEXT];
    guid_t lower = s_parsed ("00112233-4455-6677-8899-aabbccddeeff");
    guid_t upper = s_parsed ("00112233-4455-6677-8899-AABBCCDDEEFF");
    kit_same_hex (lower.bytes, GUID_SIZE, "00112233445566778899aabbccddeeff");
    ck_assert (guid_equal (&lower, &upper));
    ck_assert_str_eq (guid_print (&upper, text), "00112233-4455-6677-8899-aabbccddeeff");
}
END_TEST

START_TEST (other_texts_are_no_uuid)
{
    static const char *const bad[] = {
        "",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeeff0",
        "00112233445566778899aabbccddeeff",
        "{0112233-4455-6677-8899-aabbccddeef}",
        "00112233-4455-6677-8899-aabbccddeefg",
        "00112233-4455-6677-88990aabbccddeeff",
        " 0112233-4455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeef ",
    };
    guid_t guid;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg (guid_parse (&guid, bad[i], strlen (bad[i])) == -1, "%s was read", bad[i]);
    char text[] = "00112233-4455-6677-8899-aabbccddeeff";
    text[35] = 0; // a zero inside of the 36 bytes
    ck_assert_int_eq (guid_parse (&guid, text, 36), -1);
}
END_TEST

START_TEST (only_the_given_bytes_are_read)
{
    guid_t guid;
    const char text[] = "00112233-4455-6677-8899-aabbccddeeffabcdef";
    ck_assert_int_eq (guid_parse (&guid, text, 36), 0);
    kit_same_hex (guid.bytes, GUID_SIZE, "00112233445566778899aabbccddeeff");
}
END_TEST

START_TEST (key_gives_this_uuid_for_ever)
{
    uint8_t key[32];
    for (int i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    guid_t guid = guid_of_key (key);
    kit_same_hex (guid.bytes, GUID_SIZE, "cb2f5160fc1f8e05a55ef49d340b48da");
    memset (key, 0, sizeof key);
    guid = guid_of_key (key);
    kit_same_hex (guid.bytes, GUID_SIZE, "89eb0d6a8a698daeacd15ed0369931ce");
}
END_TEST

START_TEST (key_gives_version_8_of_the_rfc_variant)
{
    dice_t chance = dice_new ("key_gives_version_8_of_the_rfc_variant");
    for (int i = 0; i < 1000; i++) {
        uint8_t key[32];
        dice_fill (&chance, key, sizeof key);
        guid_t guid = guid_of_key (key);
        ck_assert_uint_eq (guid.bytes[6] >> 4, 8);
        ck_assert_uint_eq (guid.bytes[8] >> 6, 2);
    }
}
END_TEST

START_TEST (random_ones_are_version_4_and_differ)
{
    guid_t a = guid_random (), b = guid_random ();
    ck_assert_uint_eq (a.bytes[6] >> 4, 4);
    ck_assert_uint_eq (a.bytes[8] >> 6, 2);
    ck_assert (!guid_equal (&a, &b));
}
END_TEST

START_TEST (only_all_zeros_are_null)
{
    guid_t guid = {{0}};
    ck_assert (guid_is_null (&guid));
    for (size_t bit = 0; bit < 8 * GUID_SIZE; bit++) {
        guid_t other = guid;
        other.bytes[bit / 8] |= (uint8_t)(1u << bit % 8);
        ck_assert (!guid_is_null (&other));
        ck_assert (!guid_equal (&guid, &other));
    }
}
END_TEST

START_TEST (printed_ones_are_read_back)
{
    dice_t chance = dice_new ("printed_ones_are_read_back");
    for (int i = 0; i < 1000; i++) {
        guid_t guid, again;
        char text[GUID_TEXT];
        dice_fill (&chance, guid.bytes, GUID_SIZE);
        ck_assert_int_eq (guid_parse (&again, guid_print (&guid, text), GUID_TEXT - 1), 0);
        ck_assert (guid_equal (&guid, &again));
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("guid");
    tcase_add_test (cases, text_is_read_in_either_case_and_written_in_lower_case);
    tcase_add_test (cases, other_texts_are_no_uuid);
    tcase_add_test (cases, only_the_given_bytes_are_read);
    tcase_add_test (cases, key_gives_this_uuid_for_ever);
    tcase_add_test (cases, key_gives_version_8_of_the_rfc_variant);
    tcase_add_test (cases, random_ones_are_version_4_and_differ);
    tcase_add_test (cases, only_all_zeros_are_null);
    tcase_add_test (cases, printed_ones_are_read_back);
    return kit_run (cases, "guid");
}
