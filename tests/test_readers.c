#include "daemons/group/readers.h"

#include "tests/standing_kit.h"

#include <czmq.h>
#include <sodium.h>

enum { OWNER = 1, ANN, BOB, CAT, DAN };

static roster_t *s_roster;
static rights_t *s_rights;
static readers_t *s_readers;
static size_t s_left_out;

static void s_setup (void)
{
    s_roster = roster_new ();
    s_rights = rights_new ("cats", s_roster);
    rights_rules_t rules = {.owners = people_key (OWNER), .owner_count = 1};
    rights_set (s_rights, &rules);
    s_readers = readers_new (s_roster, s_rights);
}

static void s_teardown (void)
{
    readers_destroy (&s_readers);
    rights_destroy (&s_rights);
    roster_destroy (&s_roster);
}

static void s_put (record_kind_t kind, unsigned author, unsigned subject, unsigned key)
{
    deed_t deed;
    deed_make (&deed, kind, author, subject, key);
    roster_put (s_roster, &deed.record);
    roster_commit (s_roster);
}

// How often the key's holder is among them.
static int s_count (unsigned key)
{
    uint8_t digest[32];
    guid_t who = people_who (key);
    crypto_generichash (digest, sizeof digest, who.bytes, GUID_SIZE, NULL, 0);
    span_t list = readers_list (s_readers, &s_left_out);
    int count = 0;
    for (size_t i = 0; i < list.size; i += READERS_DIGEST)
        count += memcmp (list.data + i, digest, READERS_DIGEST) == 0;
    return count;
}

static size_t s_size (void)
{
    return readers_list (s_readers, &s_left_out).size / READERS_DIGEST;
}

START_TEST (members_invited_and_owners_each_once)
{
    ck_assert_uint_eq (s_size (), 1);
    s_put (RECORD_JOIN, OWNER, 0, 0);
    s_put (RECORD_JOIN, ANN, 0, 0);
    s_put (RECORD_INVITE, OWNER, BOB, 0);
    s_put (RECORD_INVITE, OWNER, ANN, 0);
    s_put (RECORD_MUTE, OWNER, CAT, 0); // known, but no reader
    ck_assert_int_eq (s_count (OWNER), 1);
    ck_assert_int_eq (s_count (ANN), 1);
    ck_assert_int_eq (s_count (BOB), 1);
    ck_assert_int_eq (s_count (CAT), 0);
    ck_assert_uint_eq (s_size (), 3);
    s_put (RECORD_KICK, OWNER, ANN, 0);
    ck_assert_int_eq (s_count (ANN), 0);
    s_put (RECORD_BAN, OWNER, BOB, 0);
    ck_assert_int_eq (s_count (BOB), 0);
    s_put (RECORD_LEAVE, OWNER, 0, 0);
    ck_assert_int_eq (s_count (OWNER), 1);
}
END_TEST

START_TEST (each_key_that_speaks_for_a_reader_is_one)
{
    s_put (RECORD_JOIN, ANN, 0, 0);
    s_put (RECORD_ADD_KEY, ANN, ANN, CAT);
    ck_assert_int_eq (s_count (ANN) + s_count (CAT), 2);
    s_put (RECORD_REMOVE_KEY, CAT, ANN, ANN);
    ck_assert_int_eq (s_count (ANN), 0);
    ck_assert_int_eq (s_count (CAT), 1);
    record_t plain = {.kind = RECORD_JOIN, .author = {{9, 9, 9, 9, 9, 9, 0x40}}, .time = 1};
    roster_put (s_roster, &plain); // that no key proves
    roster_commit (s_roster);
    ck_assert_uint_eq (s_size (), 2);
}
END_TEST

START_TEST (new_rules_are_heeded)
{
    ck_assert_int_eq (s_count (OWNER), 1);
    rights_rules_t rules = {.owners = people_key (DAN), .owner_count = 1};
    rights_set (s_rights, &rules);
    readers_forget (s_readers);
    ck_assert_int_eq (s_count (OWNER), 0);
    ck_assert_int_eq (s_count (DAN), 1);
}
END_TEST

START_TEST (as_many_as_an_announcement_holds)
{
    for (unsigned n = 0; n < READERS_MAX + 4; n++) {
        record_t join = {.kind = RECORD_JOIN, .time = 1};
        join.author = (guid_t){{1, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, 0x80}};
        roster_put (s_roster, &join);
    }
    roster_commit (s_roster);
    ck_assert_uint_eq (s_size (), READERS_MAX);
    ck_assert_uint_eq (s_left_out, 5); // the owner is the first of all
    ck_assert_int_eq (s_count (OWNER), 1);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("readers");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, members_invited_and_owners_each_once);
    tcase_add_test (cases, each_key_that_speaks_for_a_reader_is_one);
    tcase_add_test (cases, new_rules_are_heeded);
    tcase_add_test (cases, as_many_as_an_announcement_holds);
    return kit_run (cases, "readers");
}
