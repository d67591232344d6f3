#include "daemons/group/standing.h"

#include "tests/standing_kit.h"

enum { ANN = 1, BOB = 2, CAT = 3, OWNER = 9 };

static standing_t *s_standing;

static void s_setup (void)
{
    s_standing = standing_new ();
}

static void s_teardown (void)
{
    standing_destroy (&s_standing);
    standing_destroy (&s_standing);
}

static void s_put (record_kind_t kind, unsigned author, unsigned subject, unsigned key)
{
    deed_t deed;
    deed_make (&deed, kind, author, subject, key);
    standing_put (s_standing, &deed.record);
}

// The same, durable.
static void s_do (record_kind_t kind, unsigned author, unsigned subject, unsigned key)
{
    s_put (kind, author, subject, key);
    standing_commit (s_standing);
}

static void s_join_with (unsigned n, unsigned invitation)
{
    deed_t deed;
    guid_t id = {{0x30, (uint8_t)(invitation >> 8), (uint8_t)invitation}};
    deed_make (&deed, RECORD_JOIN, n, 0, 0);
    writer_t options = writer (deed.options, sizeof deed.options);
    record_put_option (&options, RECORD_OPT_INVITATION, id.bytes, GUID_SIZE);
    record_put_number (&options, RECORD_OPT_USES, 3);
    deed.record.options = span (deed.options, writer_used (&options));
    standing_put (s_standing, &deed.record);
}

static unsigned s_flags (unsigned n)
{
    guid_t who = people_who (n);
    return standing_now (s_standing, &who)->flags;
}

static unsigned s_next_flags (unsigned n)
{
    guid_t who = people_who (n);
    return standing_next (s_standing, &who)->flags;
}

static bool s_speaks (unsigned key, unsigned n)
{
    guid_t who = people_who (n), guid = people_who (key);
    return stand_speaks (standing_now (s_standing, &who), &who, people_key (key), &guid);
}

static bool s_redeemed (unsigned n, unsigned invitation)
{
    guid_t who = people_who (n), id = {{0x30, (uint8_t)(invitation >> 8), (uint8_t)invitation}};
    return stand_redeemed (standing_now (s_standing, &who), &id);
}

// ---- What each record does

START_TEST (every_action_does_what_it_says_and_only_to_its_subject)
{
    static const struct {
        record_kind_t kind;
        unsigned before; // made by hand
        unsigned after;
    } rows[] = {
        {RECORD_INVITE, 0, STANDING_INVITED},
        {RECORD_KICK, STANDING_INVITED | STANDING_OPERATOR | STANDING_ADMITTED | STANDING_MUTED,
         STANDING_MUTED},
        {RECORD_BAN, STANDING_INVITED | STANDING_OPERATOR | STANDING_ADMITTED | STANDING_MUTED,
         STANDING_BANNED | STANDING_MUTED},
        {RECORD_UNBAN, STANDING_BANNED | STANDING_MUTED, STANDING_MUTED},
        {RECORD_MUTE, 0, STANDING_MUTED},
        {RECORD_UNMUTE, STANDING_MUTED | STANDING_INVITED, STANDING_INVITED},
        {RECORD_OP, STANDING_INVITED, STANDING_INVITED | STANDING_OPERATOR},
        {RECORD_DEOP, STANDING_INVITED | STANDING_OPERATOR, STANDING_INVITED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        s_teardown ();
        s_setup ();
        deed_t person;
        deed_make (&person, RECORD_STATE_PERSON, BOB, 0, 0);
        person.record.flags = 0;
        writer_t options = writer (person.options, sizeof person.options);
        record_put_number (&options, RECORD_OPT_STANDING, rows[i].before);
        person.record.options = span (person.options, writer_used (&options));
        standing_put (s_standing, &person.record);
        standing_commit (s_standing);
        ck_assert_uint_eq (s_flags (BOB), rows[i].before);
        s_put (rows[i].kind, OWNER, BOB, 0);
        ck_assert_uint_eq (s_flags (BOB), rows[i].before);
        ck_assert_uint_eq (s_next_flags (BOB), rows[i].after);
        standing_commit (s_standing);
        ck_assert_uint_eq (s_flags (BOB), rows[i].after);
        ck_assert_uint_eq (s_flags (OWNER), STANDING_BOUND); // it proved its key
        ck_assert_uint_eq (s_flags (CAT), 0);
    }
}
END_TEST

START_TEST (only_a_proved_record_binds)
{
    deed_t plain;
    deed_make (&plain, RECORD_JOIN, ANN, 0, 0);
    plain.record.flags = 0;
    standing_put (s_standing, &plain.record);
    standing_commit (s_standing);
    ck_assert_uint_eq (s_flags (ANN), 0);
    s_put (RECORD_MESSAGE, ANN, 0, 0);
    ck_assert_uint_eq (s_flags (ANN), 0);
    standing_commit (s_standing);
    ck_assert_uint_eq (s_flags (ANN), STANDING_BOUND);
    s_do (RECORD_LEAVE, ANN, 0, 0);
    ck_assert_uint_eq (s_flags (ANN), STANDING_BOUND); // for ever
}
END_TEST

START_TEST (leave_ends_the_operator_and_nothing_else)
{
    s_do (RECORD_JOIN, ANN, 0, 0);
    s_do (RECORD_INVITE, OWNER, ANN, 0);
    s_do (RECORD_MUTE, OWNER, ANN, 0);
    s_do (RECORD_OP, OWNER, ANN, 0);
    s_do (RECORD_ADD_KEY, ANN, ANN, CAT);
    s_do (RECORD_LEAVE, ANN, 0, 0);
    ck_assert_uint_eq (s_flags (ANN), STANDING_BOUND | STANDING_INVITED | STANDING_MUTED);
    ck_assert (s_speaks (CAT, ANN));
}
END_TEST

START_TEST (keys_are_added_and_removed)
{
    ck_assert (s_speaks (ANN, ANN) && !s_speaks (BOB, ANN));
    s_do (RECORD_ADD_KEY, ANN, ANN, BOB);
    s_do (RECORD_ADD_KEY, ANN, ANN, CAT);
    s_do (RECORD_ADD_KEY, ANN, ANN, CAT); // again: once
    ck_assert (s_speaks (ANN, ANN) && s_speaks (BOB, ANN) && s_speaks (CAT, ANN));
    ck_assert (!s_speaks (ANN, BOB)); // not the other way round
    guid_t ann = people_who (ANN);
    ck_assert_uint_eq (stand_key_count (standing_now (s_standing, &ann)), 2);
    s_do (RECORD_REMOVE_KEY, ANN, ANN, BOB);
    ck_assert (!s_speaks (BOB, ANN) && s_speaks (CAT, ANN));
    s_do (RECORD_REMOVE_KEY, CAT, ANN, ANN); // the one it is made from
    ck_assert (!s_speaks (ANN, ANN) && s_speaks (CAT, ANN));
    s_do (RECORD_ADD_KEY, OWNER, ANN, ANN);
    ck_assert (s_speaks (ANN, ANN));
    s_do (RECORD_REMOVE_KEY, ANN, ANN, CAT);
    ck_assert (!s_speaks (CAT, ANN));
    ck_assert_ptr_null (standing_now (s_standing, &ann)->keys);
}
END_TEST

START_TEST (no_more_keys_than_the_limit)
{
    for (unsigned n = 0; n < STANDING_KEYS + 5; n++)
        s_do (RECORD_ADD_KEY, ANN, ANN, 100 + n);
    guid_t ann = people_who (ANN);
    ck_assert_uint_eq (stand_key_count (standing_now (s_standing, &ann)), STANDING_KEYS);
    ck_assert (s_speaks (100 + STANDING_KEYS - 1, ANN) && !s_speaks (100 + STANDING_KEYS, ANN));
}
END_TEST

START_TEST (invitation_is_remembered_and_ended_by_a_kick)
{
    s_join_with (ANN, 7);
    guid_t id = {{0x30, 0, 7}};
    ck_assert_uint_eq (standing_uses (s_standing, &id), 1);
    standing_commit (s_standing);
    ck_assert_uint_eq (s_flags (ANN), STANDING_BOUND | STANDING_ADMITTED);
    ck_assert (s_redeemed (ANN, 7) && !s_redeemed (ANN, 8) && !s_redeemed (BOB, 7));
    s_do (RECORD_KICK, OWNER, ANN, 0);
    ck_assert_uint_eq (s_flags (ANN), STANDING_BOUND);
    ck_assert (s_redeemed (ANN, 7));
    ck_assert_uint_eq (standing_uses (s_standing, &id), 1);
}
END_TEST

// ---- The two faces

START_TEST (job_that_failed_changes_nothing)
{
    s_do (RECORD_JOIN, ANN, 0, 0);
    s_do (RECORD_ADD_KEY, ANN, ANN, BOB);
    s_join_with (CAT, 5);
    standing_commit (s_standing);
    uint64_t version = standing_version (s_standing);
    s_put (RECORD_ADD_KEY, ANN, ANN, CAT);
    s_put (RECORD_REMOVE_KEY, ANN, ANN, BOB);
    s_put (RECORD_REMOVE_KEY, ANN, ANN, ANN);
    s_put (RECORD_BAN, OWNER, CAT, 0);
    s_put (RECORD_OP, OWNER, ANN, 0);
    s_put (RECORD_MUTE, OWNER, BOB, 0); // of whom nothing was known
    s_join_with (CAT, 6);
    ck_assert_uint_eq (s_next_flags (BOB), STANDING_MUTED);
    standing_discard (s_standing);
    ck_assert_uint_eq (s_next_flags (ANN), STANDING_BOUND);
    ck_assert_uint_eq (s_next_flags (BOB), 0);
    ck_assert_uint_eq (s_next_flags (OWNER), 0);
    ck_assert_uint_eq (s_next_flags (CAT), STANDING_BOUND | STANDING_ADMITTED);
    ck_assert (s_speaks (ANN, ANN) && s_speaks (BOB, ANN) && !s_speaks (CAT, ANN));
    ck_assert (s_redeemed (CAT, 5) && !s_redeemed (CAT, 6));
    ck_assert_uint_eq (standing_version (s_standing), version);
}
END_TEST

// ---- STATE

static void s_take (void *arg, const record_t *record)
{
    record_t copy = *record;
    copy.seq = 0;
    standing_put (arg, &copy);
    standing_commit (arg);
}

// As a start makes it again; `members` had JOINs before.
static standing_t *s_again (const unsigned *members, size_t count)
{
    standing_t *again = standing_new ();
    for (size_t i = 0; i < count; i++) {
        deed_t join;
        deed_make (&join, RECORD_JOIN, members[i], 0, 0);
        s_take (again, &join.record);
    }
    standing_state (s_standing, s_take, again);
    return again;
}

START_TEST (state_makes_all_of_it_again)
{
    s_do (RECORD_JOIN, ANN, 0, 0);
    s_do (RECORD_JOIN, OWNER, 0, 0);
    s_do (RECORD_OP, OWNER, ANN, 0);
    s_do (RECORD_ADD_KEY, ANN, ANN, 50);
    s_do (RECORD_ADD_KEY, ANN, ANN, 51);
    s_do (RECORD_BAN, OWNER, BOB, 0);
    s_do (RECORD_INVITE, OWNER, CAT, 0);
    s_do (RECORD_MUTE, OWNER, CAT, 0);
    s_join_with (4, 7);
    s_join_with (4, 8);
    s_do (RECORD_REMOVE_KEY, 4, 4, 4);
    s_do (RECORD_JOIN, 5, 0, 0);
    s_do (RECORD_LEAVE, 5, 0, 0);
    s_put (RECORD_BAN, OWNER, 6, 0); // under way: no part of it
    static const unsigned members[] = {ANN, OWNER, 4};
    standing_t *again = s_again (members, 3);
    standing_discard (s_standing);
    for (unsigned n = 1; n < 60; n++) {
        guid_t who = people_who (n);
        const stand_t *a = standing_now (s_standing, &who), *b = standing_now (again, &who);
        ck_assert_uint_eq (a->flags, b->flags);
        ck_assert_uint_eq (stand_key_count (a), stand_key_count (b));
        for (size_t i = 0; i < stand_key_count (a); i++)
            ck_assert (stand_has_key (b, stand_key (a, i)));
        ck_assert_uint_eq (stand_redeemed_count (a), stand_redeemed_count (b));
        ck_assert (!(a->flags & STANDING_BOUND) || a->joined == b->joined);
    }
    guid_t id = {{0x30, 0, 7}}, four = people_who (4);
    ck_assert_uint_eq (standing_uses (again, &id), 1);
    ck_assert (stand_redeemed (standing_now (again, &four), &id));
    standing_destroy (&again);
}
END_TEST

static void s_count (void *arg, const record_t *record)
{
    (void)record;
    ++*(size_t *)arg;
}

START_TEST (bound_members_need_no_record_of_their_own)
{
    size_t count = 0;
    for (unsigned n = 1; n <= 100; n++)
        s_do (RECORD_JOIN, n, 0, 0);
    standing_state (s_standing, s_count, &count);
    ck_assert_uint_eq (count, 0);
    s_do (RECORD_MUTE, 1, 2, 0);
    s_do (RECORD_UNMUTE, 1, 2, 0);
    s_do (RECORD_MUTE, 1, 150, 0);
    s_do (RECORD_UNMUTE, 1, 150, 0); // nothing is left of it
    standing_state (s_standing, s_count, &count);
    ck_assert_uint_eq (count, 0);
}
END_TEST

// ---- Those that are gone

static guid_t s_passer_by (unsigned n)
{
    return (guid_t){{0x60, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static void s_passes_by (standing_t *standing, unsigned n)
{
    record_t record = {
        .kind = RECORD_JOIN, .flags = RECORD_VERIFIED, .author = s_passer_by (n), .time = 1};
    standing_put (standing, &record);
    record.kind = RECORD_LEAVE;
    standing_put (standing, &record);
    standing_commit (standing);
}

static bool s_is_bound (const standing_t *standing, unsigned n)
{
    guid_t who = s_passer_by (n);
    return standing_now (standing, &who)->flags & STANDING_BOUND;
}

START_TEST (newest_of_those_that_are_gone_are_kept)
{
    s_do (RECORD_JOIN, ANN, 0, 0); // a member
    s_do (RECORD_BAN, ANN, BOB, 0);
    s_do (RECORD_JOIN, CAT, 0, 0); // has a key, and leaves
    s_do (RECORD_ADD_KEY, CAT, CAT, 70);
    s_do (RECORD_LEAVE, CAT, 0, 0);
    for (unsigned n = 0; n < 50; n++)
        s_passes_by (s_standing, n);
    s_passes_by (s_standing, 3); // comes by again: is new
    for (unsigned n = 50; n < STANDING_DEPARTED + 10; n++)
        s_passes_by (s_standing, n);
    ck_assert_uint_eq (s_flags (CAT), 0);
    ck_assert (!s_is_bound (s_standing, 0) && !s_is_bound (s_standing, 10));
    ck_assert (s_is_bound (s_standing, 3) && s_is_bound (s_standing, 11));
    ck_assert (s_is_bound (s_standing, STANDING_DEPARTED + 9));
    ck_assert_uint_eq (s_flags (ANN), STANDING_BOUND);
    ck_assert_uint_eq (s_flags (BOB), STANDING_BANNED);
    // In STATE they keep their order.
    static const unsigned members[] = {ANN};
    standing_t *again = s_again (members, 1);
    for (unsigned n = 0; n < 30; n++) {
        s_passes_by (s_standing, 200000 + n);
        s_passes_by (again, 200000 + n);
    }
    for (unsigned n = 0; n < 50; n++)
        ck_assert_int_eq (s_is_bound (s_standing, n), s_is_bound (again, n));
    standing_destroy (&again);
}
END_TEST

// ---- Records from anywhere

START_TEST (records_that_make_no_sense_change_nothing_and_break_nothing)
{
    dice_t chance = dice_new ("records_that_make_no_sense");
    s_do (RECORD_ADD_KEY, ANN, ANN, BOB);
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[80];
        deed_t deed;
        deed_make (&deed, (record_kind_t)dice (&chance, 70), 1 + (unsigned)dice (&chance, 5),
                   (unsigned)dice (&chance, 5), (unsigned)dice (&chance, 5));
        if (dice (&chance, 2)) {
            writer_t options = writer (bytes, sizeof bytes);
            record_put_option (&options, dice (&chance, 15), people_key (3), dice (&chance, 33));
            deed.record.options = span (bytes, writer_used (&options));
        }
        standing_put (s_standing, &deed.record);
        if (dice (&chance, 3) == 0)
            standing_discard (s_standing);
        else if (dice (&chance, 2))
            standing_commit (s_standing);
    }
    standing_commit (s_standing);
    size_t count = 0;
    standing_state (s_standing, s_count, &count);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("standing");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, every_action_does_what_it_says_and_only_to_its_subject);
    tcase_add_test (cases, only_a_proved_record_binds);
    tcase_add_test (cases, leave_ends_the_operator_and_nothing_else);
    tcase_add_test (cases, keys_are_added_and_removed);
    tcase_add_test (cases, no_more_keys_than_the_limit);
    tcase_add_test (cases, invitation_is_remembered_and_ended_by_a_kick);
    tcase_add_test (cases, job_that_failed_changes_nothing);
    tcase_add_test (cases, state_makes_all_of_it_again);
    tcase_add_test (cases, bound_members_need_no_record_of_their_own);
    tcase_add_test (cases, newest_of_those_that_are_gone_are_kept);
    tcase_add_test (cases, records_that_make_no_sense_change_nothing_and_break_nothing);
    return kit_run (cases, "standing");
}
