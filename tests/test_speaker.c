#include "daemons/group/speaker.h"

#include "tests/kit.h"

static const uint8_t s_key[SPEAKER_KEY] = {1, 2, 3};
static const uint8_t s_other[SPEAKER_KEY] = {1, 2, 4};

START_TEST (key_has_the_uuid_that_is_made_from_it)
{
    speaker_t speaker = speaker_of (s_key);
    guid_t guid = guid_of_key (s_key);
    ck_assert (speaker.proved && guid_equal (&speaker.guid, &guid));
}
END_TEST

START_TEST (plain_is_no_key_at_all)
{
    static const uint8_t zeros[SPEAKER_KEY];
    speaker_t plain = speaker_of (NULL), proved = speaker_of (s_key), none = speaker_of (zeros);
    ck_assert (!plain.proved && guid_is_null (&plain.guid));
    ck_assert (speaker_is (&plain, NULL));
    ck_assert (!speaker_is (&plain, zeros) && !speaker_is (&plain, s_key));
    ck_assert (speaker_is (&proved, s_key));
    ck_assert (!speaker_is (&proved, s_other) && !speaker_is (&proved, NULL));
    ck_assert (speaker_is (&none, zeros) && !speaker_is (&none, NULL));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("speaker");
    tcase_add_test (cases, key_has_the_uuid_that_is_made_from_it);
    tcase_add_test (cases, plain_is_no_key_at_all);
    return kit_run (cases, "speaker");
}
