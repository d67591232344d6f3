#include "daemons/group/roster.h"

#include "tests/roster_kit.h"

static wire_error_t s_error; // of the last send

static void s_nick_is (book_t *book, unsigned n, const char *nick)
{
    guid_t who = kit_who (n);
    const char *now = roster_nick (book->roster, &who);
    ck_assert_ptr_nonnull (now);
    ck_assert_str_eq (now, nick);
}

static bool s_is_member (book_t *book, unsigned n)
{
    guid_t who = kit_who (n);
    return roster_is_member (book->roster, &who);
}

// Members are 1 ann, 2 bob; nothing is under way.
static book_t s_ann_and_bob (void)
{
    book_t book = book_new ();
    book_join (&book, 1, "ann");
    book_join (&book, 2, "bob");
    roster_commit (book.roster);
    return book;
}

// ---- Verdicts

START_TEST (nobody_is_a_member_of_a_new_group)
{
    book_t book = book_new ();
    guid_t nobody = {{0}}, who;
    ck_assert_uint_eq (roster_count (book.roster), 0);
    ck_assert_str_eq (roster_topic (book.roster), "");
    ck_assert (!roster_next (book.roster, &nobody, &who));
    ck_assert (!s_is_member (&book, 1));
    who = kit_who (1);
    ck_assert_ptr_null (roster_nick (book.roster, &who));
    ck_assert_int_eq (roster_seen (book.roster, &who), 0);
    roster_destroy (&book.roster);
    ck_assert_ptr_null (book.roster);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (join_gives_the_nick)
{
    book_t book = book_new ();
    verdict_t verdict;
    guid_t who = kit_who (1);
    roster_judge_join (book.roster, &who, span_of ("ann"), 10, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NONE);
    ck_assert (verdict.append);
    ck_assert_int_eq (verdict.record.kind, RECORD_JOIN);
    ck_assert (guid_equal (&verdict.record.author, &who));
    ck_assert (span_equal (verdict.record.nick, span_of ("ann")));
    ck_assert_str_eq (verdict.nick, "ann");
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (join_again_says_the_nick_and_appends_nothing)
{
    book_t book = s_ann_and_bob ();
    verdict_t verdict;
    guid_t who = kit_who (1);
    roster_judge_join (book.roster, &who, span_of ("other"), 10, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NONE);
    ck_assert (!verdict.append);
    ck_assert_uint_eq (verdict.seq, 0);
    ck_assert_str_eq (verdict.nick, "ann");
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (acts_are_for_members)
{
    book_t book = s_ann_and_bob ();
    verdict_t verdict;
    guid_t ann = kit_who (1), nobody = kit_who (9);
    roster_judge_act (book.roster, &ann, RECORD_KICK, &verdict);
    ck_assert (verdict.error == WIRE_ERR_NONE && verdict.append);
    ck_assert_int_eq (verdict.record.kind, RECORD_KICK);
    roster_judge_act (book.roster, &nobody, RECORD_KICK, &verdict);
    ck_assert (verdict.error == WIRE_ERR_NOT_MEMBER && !verdict.append);
    roster_destroy (&book.roster);
}
END_TEST

// Whoever wrote a record that removes nobody: it removes nobody.
START_TEST (removal_of_nobody_changes_nothing)
{
    static const record_kind_t kinds[] = {RECORD_KICK, RECORD_BAN};
    book_t book = s_ann_and_bob ();
    guid_t nobody = kit_who (9), bob = kit_who (2);
    for (size_t i = 0; i < 2; i++) {
        uint8_t room[64];
        record_t record = {
            .kind = kinds[i], .seq = book.seq++, .time = book.time++, .author = kit_who (1)};
        roster_put (book.roster, &record); // it says not whom
        writer_t options = writer (room, sizeof room);
        record_put_option (&options, RECORD_OPT_SUBJECT, nobody.bytes, GUID_SIZE);
        record.options = span (room, writer_used (&options));
        record.seq = book.seq++;
        roster_put (book.roster, &record);
        roster_commit (book.roster);
        ck_assert_uint_eq (roster_count (book.roster), 2);
    }
    // Who is a member, but leaves just now, is removed once.
    ck_assert (roster_is_next (book.roster, &bob));
    ck_assert_uint_gt (book_leave (&book, 2), 0);
    ck_assert (s_is_member (&book, 2) && !roster_is_next (book.roster, &bob));
    ck_assert (!roster_is_next (book.roster, &nobody));
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (join_without_a_nick_is_taken_by_any_number)
{
    book_t book = book_new ();
    ck_assert_uint_gt (book_join (&book, 1, ""), 0);
    ck_assert_uint_gt (book_join (&book, 2, ""), 0);
    roster_commit (book.roster);
    s_nick_is (&book, 1, "");
    s_nick_is (&book, 2, "");
    book_leave (&book, 1);
    roster_commit (book.roster);
    s_nick_is (&book, 2, "");
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (bad_joins_are_refused)
{
    static const char *const bad[] = {"a b",  "a\tb",          "\n",
                                      "\xff", "a\xe2\x80\xae", "123456789012345678901234567890123"};
    book_t book = book_new ();
    verdict_t verdict;
    guid_t who = kit_who (1), nobody = {{0}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        roster_judge_join (book.roster, &who, span_of (bad[i]), 10, &verdict);
        ck_assert_int_eq (verdict.error, WIRE_ERR_BAD_NICK);
        ck_assert (!verdict.append);
    }
    roster_judge_join (book.roster, &who, span ("a\0b", 3), 10, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_BAD_NICK);
    roster_judge_join (book.roster, &nobody, span_of ("ann"), 10, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_BAD_REQUEST);
    ck_assert (!verdict.append);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (who_is_no_member_can_only_join)
{
    book_t book = s_ann_and_bob ();
    verdict_t verdict;
    guid_t who = kit_who (3);
    record_send_t send = kit_send (1, 1, 1);
    roster_judge_leave (book.roster, &who, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NOT_MEMBER);
    roster_judge_nick (book.roster, &who, span_of ("cat"), &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NOT_MEMBER);
    roster_judge_topic (book.roster, &who, span_of ("cats"), &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NOT_MEMBER);
    roster_judge_send (book.roster, &who, &send, span_of ("hi"), &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NOT_MEMBER);
    ck_assert (!verdict.append);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (requests_are_judged_by_what_is_under_way)
{
    book_t book = s_ann_and_bob ();
    book_join (&book, 3, "cat");
    ck_assert_uint_gt (book_send (&book, 3, kit_send (1, 1, 1), &s_error), 0);
    book_leave (&book, 1);
    book_send (&book, 1, kit_send (1, 1, 1), &s_error);
    ck_assert_int_eq (s_error, WIRE_ERR_NOT_MEMBER);
    ck_assert_int_eq (book_nick (&book, 2, "cat"), WIRE_ERR_NICK_TAKEN);
    ck_assert_int_eq (book_nick (&book, 2, "ann"), WIRE_ERR_NONE);
    ck_assert_uint_gt (book_join (&book, 4, "bob"), 0);
    roster_commit (book.roster);
    s_nick_is (&book, 2, "ann");
    s_nick_is (&book, 4, "bob");
    ck_assert_uint_eq (roster_count (book.roster), 3);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (limit_counts_members_next)
{
    book_t book = s_ann_and_bob ();
    verdict_t verdict;
    guid_t third = kit_who (3), first = kit_who (1);
    roster_judge_join (book.roster, &third, span_of ("cat"), 2, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_LIMIT);
    ck_assert (!verdict.append);
    roster_judge_join (book.roster, &first, span_of ("ann"), 2, &verdict); // is one already
    ck_assert_int_eq (verdict.error, WIRE_ERR_NONE);
    roster_judge_join (book.roster, &third, span_of ("cat"), 3, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NONE);
    book_append (&book, &verdict);
    guid_t fourth = kit_who (4);
    roster_judge_join (book.roster, &fourth, span_of ("dan"), 3, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_LIMIT);
    book_leave (&book, 1); // its place is free at once, for itself or another
    roster_judge_join (book.roster, &first, span_of ("ann"), 3, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NONE);
    roster_judge_join (book.roster, &fourth, span_of ("dan"), 3, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NONE);
    roster_discard (book.roster);
    roster_judge_join (book.roster, &fourth, span_of ("dan"), 3, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NONE);
    roster_judge_join (book.roster, &fourth, span_of ("dan"), 2, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_LIMIT);
    roster_destroy (&book.roster);
}
END_TEST

// ---- Nicks

START_TEST (taken_nick_gives_the_next_free_one)
{
    book_t book = book_new ();
    book_join (&book, 1, "root");
    book_join (&book, 2, "root");
    book_join (&book, 3, "ROOT");
    book_join (&book, 4, "root-3");
    roster_commit (book.roster);
    s_nick_is (&book, 2, "root-2");
    s_nick_is (&book, 3, "ROOT-3");
    s_nick_is (&book, 4, "root-3-2");
    book_leave (&book, 2);
    roster_commit (book.roster);
    book_join (&book, 5, "root");
    roster_commit (book.roster);
    s_nick_is (&book, 5, "root-2");
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (requests_that_wait_are_counted_for_members)
{
    book_t book = s_ann_and_bob ();
    guid_t ann = kit_who (1), bob = kit_who (2), cat = kit_who (3);
    ck_assert_uint_eq (roster_count_pending (book.roster, &ann, 1), 1);
    ck_assert_uint_eq (roster_count_pending (book.roster, &ann, 1), 2);
    ck_assert_uint_eq (roster_count_pending (book.roster, &bob, 0), 0);
    ck_assert_uint_eq (roster_count_pending (book.roster, &cat, 1), 0); // no member
    ck_assert_uint_eq (roster_count_pending (book.roster, &ann, -1), 1);
    roster_discard (book.roster);
    ck_assert_uint_eq (roster_count_pending (book.roster, &ann, 0), 1);
    book_leave (&book, 1);
    roster_commit (book.roster);
    book_join (&book, 1, "ann");
    roster_commit (book.roster);
    ck_assert_uint_eq (roster_count_pending (book.roster, &ann, -1), 0); // never below
    ck_assert_uint_eq (roster_count_pending (book.roster, &ann, 1), 1);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (nicks_collide_folded_and_normalized)
{
    static const char *const pairs[][2] = {
        {"Ann", "aNN"},
        {"stra\xc3\x9f"
         "e",
         "STRASSE"},               // sharp s
        {"\xc3\xa9", "e\xcc\x81"}, // e with acute, whole and composed
        {"\xef\xbc\xa1", "a"},     // full-width A
        {"\xef\xac\x81x", "FIX"},  // ligature fi
        {"\xce\xa3", "\xcf\x82"},  // sigma, final sigma
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        book_t book = book_new ();
        book_join (&book, 1, pairs[i][0]);
        book_join (&book, 2, "other");
        ck_assert_int_eq (book_nick (&book, 2, pairs[i][1]), WIRE_ERR_NICK_TAKEN);
        book_join (&book, 3, pairs[i][1]);
        roster_commit (book.roster);
        char wanted[80];
        snprintf (wanted, sizeof wanted, "%s-2", pairs[i][1]);
        s_nick_is (&book, 3, wanted);
        roster_destroy (&book.roster);
    }
}
END_TEST

START_TEST (long_nick_is_cut_at_a_character)
{
    book_t book = book_new ();
    // 32 bytes: ten characters of three and two of one.
    const char *wide = "\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab"
                       "\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab"
                       "ab";
    const char *plain = "12345678901234567890123456789012";
    for (unsigned n = 1; n <= 12; n++) {
        book_join (&book, n, plain);
        book_join (&book, 100 + n, wide);
    }
    book_join (&book, 200, "1234567890123456789012345678901"); // 31
    book_join (&book, 201, "1234567890123456789012345678901");
    roster_commit (book.roster);
    s_nick_is (&book, 1, plain);
    s_nick_is (&book, 2, "123456789012345678901234567890-2");
    s_nick_is (&book, 10, "12345678901234567890123456789-10");
    char wanted[40];
    snprintf (wanted, sizeof wanted, "%.30s-2", wide);
    s_nick_is (&book, 102, wanted);
    snprintf (wanted, sizeof wanted, "%.27s-10", wide); // the tenth has no room left
    s_nick_is (&book, 110, wanted);
    // The free one that a shorter nick wants may be taken by a longer one's cut.
    s_nick_is (&book, 200, "1234567890123456789012345678901");
    s_nick_is (&book, 201, "12345678901234567890123456789-13");
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (nick_changes_and_frees_the_old_one)
{
    book_t book = s_ann_and_bob ();
    ck_assert_int_eq (book_nick (&book, 1, "cat"), WIRE_ERR_NONE);
    ck_assert_int_eq (book_nick (&book, 2, "ann"), WIRE_ERR_NONE);
    roster_commit (book.roster);
    s_nick_is (&book, 1, "cat");
    s_nick_is (&book, 2, "ann");
    ck_assert_int_eq (book_nick (&book, 1, "ANN"), WIRE_ERR_NICK_TAKEN);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (own_nick_may_change_its_case)
{
    book_t book = s_ann_and_bob ();
    ck_assert_int_eq (book_nick (&book, 1, "Ann"), WIRE_ERR_NONE);
    roster_commit (book.roster);
    s_nick_is (&book, 1, "Ann");
    ck_assert_int_eq (book_nick (&book, 2, "ann"), WIRE_ERR_NICK_TAKEN);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (same_nick_again_appends_nothing)
{
    book_t book = s_ann_and_bob ();
    verdict_t verdict;
    guid_t who = kit_who (1);
    roster_judge_nick (book.roster, &who, span_of ("ann"), &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NONE);
    ck_assert (!verdict.append);
    ck_assert_uint_eq (verdict.seq, 0);
    roster_judge_nick (book.roster, &who, span_of (""), &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_BAD_NICK);
    roster_judge_nick (book.roster, &who, span_of ("a b"), &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_BAD_NICK);
    roster_destroy (&book.roster);
}
END_TEST

// ---- Topic and sends

START_TEST (topic_is_set_and_cleared)
{
    book_t book = s_ann_and_bob ();
    ck_assert_uint_eq (book_topic (&book, 1, ""), 0); // is empty already
    ck_assert_uint_gt (book_topic (&book, 1, "cats"), 0);
    ck_assert_uint_eq (book_topic (&book, 2, "cats"), 0);
    ck_assert_str_eq (roster_topic (book.roster), "");
    roster_commit (book.roster);
    ck_assert_str_eq (roster_topic (book.roster), "cats");
    ck_assert_uint_gt (book_topic (&book, 2, "dogs"), 0);
    ck_assert_uint_gt (book_topic (&book, 2, "birds"), 0);
    ck_assert_uint_gt (book_topic (&book, 1, ""), 0);
    ck_assert_str_eq (roster_topic (book.roster), "cats");
    roster_commit (book.roster);
    ck_assert_str_eq (roster_topic (book.roster), "");
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (sends_are_judged_by_device_and_author)
{
    book_t book = s_ann_and_bob ();
    book_send (&book, 1, kit_send (7, 2, 5), &s_error);
    ck_assert_int_eq (s_error, WIRE_ERR_UNKNOWN_DEVICE);
    uint64_t first = book_send (&book, 1, kit_send (7, 1, 5), &s_error);
    ck_assert_uint_gt (first, 0);
    ck_assert_uint_eq (book_send (&book, 1, kit_send (7, 1, 5), &s_error), first);
    book_send (&book, 1, kit_send (7, 1, 6), &s_error);
    ck_assert_int_eq (s_error, WIRE_ERR_REUSED);
    book_send (&book, 1, kit_send (7, 3, 6), &s_error);
    ck_assert_int_eq (s_error, WIRE_ERR_OUT_OF_ORDER);
    // Another author's device of the same name is another device.
    ck_assert_uint_gt (book_send (&book, 2, kit_send (7, 1, 5), &s_error), first);
    book_send (&book, 2, kit_send (8, 9, 5), &s_error);
    ck_assert_int_eq (s_error, WIRE_ERR_UNKNOWN_DEVICE);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (counter_0_has_no_protection)
{
    book_t book = s_ann_and_bob ();
    uint64_t first = book_send (&book, 1, kit_send (7, 0, 5), &s_error);
    ck_assert_uint_gt (book_send (&book, 1, kit_send (7, 0, 5), &s_error), first);
    roster_commit (book.roster);
    book_send (&book, 1, kit_send (7, 1, 5), &s_error); // that was no device
    ck_assert_int_eq (s_error, WIRE_ERR_NONE);
    roster_destroy (&book.roster);
}
END_TEST

static void s_is_known (book_t *book, unsigned n, unsigned device, bool known)
{
    verdict_t verdict;
    guid_t who = kit_who (n);
    record_send_t send = kit_send (device, 2, 1);
    roster_judge_send (book->roster, &who, &send, span_of ("x"), &verdict);
    ck_assert_msg (verdict.error == (known ? WIRE_ERR_NONE : WIRE_ERR_UNKNOWN_DEVICE), "device %u",
                   device);
}

START_TEST (device_unused_longest_gives_way)
{
    book_t book = s_ann_and_bob ();
    for (unsigned d = 1; d <= ROSTER_DEVICES; d++)
        book_send (&book, 1, kit_send (d, 1, 1), &s_error);
    book_send (&book, 2, kit_send (1, 1, 1), &s_error);
    book_send (&book, 1, kit_send (1, 2, 1), &s_error); // 1 was used again, 2 is the oldest
    roster_commit (book.roster);
    book_send (&book, 1, kit_send (100, 1, 1), &s_error);
    s_is_known (&book, 1, 2, true); // not before the job is durable
    roster_discard (book.roster);
    s_is_known (&book, 1, 2, true);
    book_send (&book, 1, kit_send (100, 1, 1), &s_error);
    roster_commit (book.roster);
    s_is_known (&book, 1, 2, false);
    s_is_known (&book, 1, 1, true);
    s_is_known (&book, 1, 100, true);
    for (unsigned d = 3; d <= ROSTER_DEVICES; d++)
        s_is_known (&book, 1, d, true);
    s_is_known (&book, 2, 1, true);
    roster_destroy (&book.roster);
}
END_TEST

// The worst a sender can do: a new device with each message.
START_TEST (many_devices_in_one_job_leave_the_newest_32)
{
    book_t book = s_ann_and_bob ();
    for (unsigned d = 1; d <= 20; d++)
        book_send (&book, 1, kit_send (d, 1, 1), &s_error);
    roster_commit (book.roster);
    for (unsigned d = 1000; d < 21000; d++)
        ck_assert_uint_gt (book_send (&book, 1, kit_send (d, 1, 1), &s_error), 0);
    for (unsigned d = 1; d <= 20; d++)
        s_is_known (&book, 1, d, true);
    roster_discard (book.roster);
    for (unsigned d = 1; d <= 20; d++)
        s_is_known (&book, 1, d, true);
    s_is_known (&book, 1, 20999, false);
    for (unsigned d = 1000; d < 1100; d++)
        book_send (&book, 1, kit_send (d, 1, 1), &s_error);
    book_send (&book, 1, kit_send (7, 2, 1), &s_error);
    roster_commit (book.roster);
    s_is_known (&book, 1, 7, true);
    s_is_known (&book, 1, 8, false);
    for (unsigned d = 1000; d < 1100; d++)
        s_is_known (&book, 1, d, d >= 1100 - (ROSTER_DEVICES - 1));
    roster_destroy (&book.roster);
}
END_TEST

// ---- Order

START_TEST (members_are_listed_by_uuid)
{
    static const unsigned joined[] = {9, 3, 700, 1, 256, 255};
    static const unsigned wanted[] = {1, 3, 9, 255, 256, 700};
    book_t book = book_new ();
    for (size_t i = 0; i < 6; i++)
        book_join (&book, joined[i], "");
    guid_t at = {{0}};
    ck_assert (!roster_next (book.roster, &at, &at)); // nobody is, before it is durable
    roster_commit (book.roster);
    for (size_t i = 0; i < 6; i++) {
        ck_assert (roster_next (book.roster, &at, &at));
        guid_t who = kit_who (wanted[i]);
        ck_assert (guid_equal (&at, &who));
    }
    ck_assert (!roster_next (book.roster, &at, &at));
    at = kit_who (4); // no member itself
    ck_assert (roster_next (book.roster, &at, &at));
    ck_assert_uint_eq (at.bytes[3], 9);
    book_leave (&book, 9);
    book_join (&book, 5, "");
    at = kit_who (3);
    ck_assert (roster_next (book.roster, &at, &at));
    ck_assert_uint_eq (at.bytes[3], 9);
    roster_commit (book.roster);
    at = kit_who (3);
    ck_assert (roster_next (book.roster, &at, &at));
    ck_assert_uint_eq (at.bytes[3], 5);
    ck_assert (roster_next (book.roster, &at, &at));
    ck_assert_uint_eq (at.bytes[3], 255);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (seen_is_the_last_records_time_or_later)
{
    book_t book = s_ann_and_bob ();
    guid_t ann = kit_who (1), cat = kit_who (3);
    int64_t joined = roster_seen (book.roster, &ann), later = book.time;
    ck_assert_int_gt (joined, 0);
    book_send (&book, 1, kit_send (1, 1, 1), &s_error);
    ck_assert_int_eq (roster_seen (book.roster, &ann), joined);
    roster_commit (book.roster);
    ck_assert_int_eq (roster_seen (book.roster, &ann), later);
    roster_set_seen (book.roster, &ann, later - 5); // never back
    ck_assert_int_eq (roster_seen (book.roster, &ann), later);
    roster_set_seen (book.roster, &ann, later + 5000);
    book_send (&book, 1, kit_send (1, 2, 1), &s_error);
    roster_discard (book.roster);
    ck_assert_int_eq (roster_seen (book.roster, &ann), later + 5000);
    book_send (&book, 1, kit_send (1, 2, 1), &s_error);
    roster_commit (book.roster);
    ck_assert_int_eq (roster_seen (book.roster, &ann), later + 5000);
    roster_set_seen (book.roster, &cat, later); // no member
    ck_assert_int_eq (roster_seen (book.roster, &cat), 0);
    roster_destroy (&book.roster);
}
END_TEST

static void s_add_verdicts (TCase *cases)
{
    tcase_add_test (cases, nobody_is_a_member_of_a_new_group);
    tcase_add_test (cases, join_gives_the_nick);
    tcase_add_test (cases, join_again_says_the_nick_and_appends_nothing);
    tcase_add_test (cases, acts_are_for_members);
    tcase_add_test (cases, removal_of_nobody_changes_nothing);
    tcase_add_test (cases, join_without_a_nick_is_taken_by_any_number);
    tcase_add_test (cases, bad_joins_are_refused);
    tcase_add_test (cases, who_is_no_member_can_only_join);
    tcase_add_test (cases, requests_are_judged_by_what_is_under_way);
    tcase_add_test (cases, limit_counts_members_next);
    tcase_add_test (cases, topic_is_set_and_cleared);
    tcase_add_test (cases, sends_are_judged_by_device_and_author);
    tcase_add_test (cases, counter_0_has_no_protection);
    tcase_add_test (cases, device_unused_longest_gives_way);
    tcase_add_test (cases, many_devices_in_one_job_leave_the_newest_32);
}

START_TEST (state_says_what_each_uuid_stands_as)
{
    book_t book = book_new ();
    guid_t ann = kit_who (1), bob = kit_who (2), cat = kit_who (3);
    verdict_t verdict;
    roster_judge_join (book.roster, &ann, span_of ("ann"), 10, &verdict);
    verdict.record.flags = RECORD_VERIFIED;
    book_append (&book, &verdict);
    book_join (&book, 2, "bob");
    book_join (&book, 3, "cat");
    uint8_t bytes[32];
    writer_t options = writer (bytes, sizeof bytes);
    record_put_option (&options, RECORD_OPT_SUBJECT, bob.bytes, GUID_SIZE);
    roster_judge_act (book.roster, &ann, RECORD_BAN, &verdict);
    verdict.record.options = span (bytes, writer_used (&options));
    book_append (&book, &verdict);
    roster_commit (book.roster);
    ck_assert (!roster_is_member (book.roster, &bob));
    ck_assert_uint_eq (roster_count (book.roster), 2);
    roster_t *again = kit_through_state (book.roster);
    ck_assert (kit_same_roster (book.roster, again));
    const standing_t *standing = roster_standing (again);
    ck_assert_uint_eq (standing_now (standing, &ann)->flags, STANDING_BOUND);
    ck_assert_uint_eq (standing_now (standing, &bob)->flags, STANDING_BANNED);
    ck_assert_uint_eq (standing_now (standing, &cat)->flags, 0);
    ck_assert_uint_eq (book_join (&book, 4, "bob"), 5); // his nick is free again
    roster_destroy (&again);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (proof_of_a_member_is_a_join_with_the_nick_it_has)
{
    book_t book = book_new ();
    guid_t ann = kit_who (1), bob = kit_who (2);
    verdict_t verdict;
    roster_judge_rejoin (book.roster, &ann, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NOT_MEMBER);
    book_join (&book, 1, "ann");
    roster_judge_rejoin (book.roster, &ann, &verdict);
    ck_assert_int_eq (verdict.record.kind, RECORD_JOIN);
    ck_assert (span_equal (verdict.record.nick, span_of ("ann")));
    ck_assert_str_eq (verdict.nick, "ann");
    book_append (&book, &verdict);
    roster_commit (book.roster);
    uint64_t version = roster_version (book.roster);
    ck_assert_uint_eq (roster_count (book.roster), 1);
    ck_assert_str_eq (roster_nick (book.roster, &ann), "ann");
    book_join (&book, 2, "bob");
    ck_assert (roster_is_next (book.roster, &bob) && !roster_is_member (book.roster, &bob));
    roster_discard (book.roster);
    ck_assert (!roster_is_next (book.roster, &bob));
    ck_assert_uint_eq (roster_version (book.roster), version);
    roster_destroy (&book.roster);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("roster");
    s_add_verdicts (cases);
    tcase_add_test (cases, taken_nick_gives_the_next_free_one);
    tcase_add_test (cases, requests_that_wait_are_counted_for_members);
    tcase_add_test (cases, nicks_collide_folded_and_normalized);
    tcase_add_test (cases, long_nick_is_cut_at_a_character);
    tcase_add_test (cases, nick_changes_and_frees_the_old_one);
    tcase_add_test (cases, own_nick_may_change_its_case);
    tcase_add_test (cases, same_nick_again_appends_nothing);
    tcase_add_test (cases, members_are_listed_by_uuid);
    tcase_add_test (cases, seen_is_the_last_records_time_or_later);
    tcase_add_test (cases, state_says_what_each_uuid_stands_as);
    tcase_add_test (cases, proof_of_a_member_is_a_join_with_the_nick_it_has);
    return kit_run (cases, "roster");
}
