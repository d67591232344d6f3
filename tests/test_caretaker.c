#include "daemons/group/caretaker.h"

#include "tests/faults.h"
#include "tests/intake_kit.h"
#include "tests/standing_kit.h"

#define HOUR INT64_C (3600000000)

static caretaker_t *s_caretaker;
static peers_t *s_peers;

static void s_begin (int64_t forget, const keep_limits_t *keep)
{
    s_setup ();
    s_peers = peers_new (100, 100, WIRE_LEASE_MS);
    s_caretaker = caretaker_new (s_log, s_roster, s_intake, s_peers, s_now, 0);
    caretaker_set (s_caretaker, forget, keep);
}

static void s_end (void)
{
    caretaker_destroy (&s_caretaker);
    peers_destroy (&s_peers);
    s_teardown ();
}

static void s_look_at (int64_t later)
{
    caretaker_turn (s_caretaker, NOW + later, later, 1000 + later / 1000);
    s_until_idle ();
}

START_TEST (unproved_members_that_nobody_sees_leave)
{
    keep_limits_t keep = {0, 0, 0};
    s_begin (HOUR, &keep);
    s_join_two ();
    deed_t proof; // 3 has proved its key
    deed_make (&proof, RECORD_JOIN, 3, 0, 0);
    roster_put (s_roster, &proof.record);
    roster_commit (s_roster);
    guid_t one = s_who (1), two = s_who (2), three = people_who (3);
    s_look_at (HOUR / 2);
    ck_assert_uint_eq (roster_count (s_roster), 3);
    roster_set_seen (s_roster, &two, NOW + HOUR);
    s_look_at (HOUR + HOUR / 2);
    ck_assert (!roster_is_member (s_roster, &one));
    ck_assert (roster_is_member (s_roster, &two) && roster_is_member (s_roster, &three));
    ck_assert_uint_eq (log_last (s_log), 4); // one LEAVE
    s_look_at (10 * HOUR);
    ck_assert_uint_eq (roster_count (s_roster), 1);
    ck_assert (roster_is_member (s_roster, &three));
    s_end ();
}
END_TEST

// One that only ever listens says nothing for months.
START_TEST (who_is_present_is_not_forgotten)
{
    keep_limits_t keep = {0, 0, 0};
    s_begin (HOUR, &keep);
    s_join_two ();
    guid_t one = s_who (1), two = s_who (2);
    route_t route = {1, {1}};
    ck_assert_ptr_nonnull (peers_hear (s_peers, 0, &route, &two, 1000));
    s_look_at (10 * HOUR);
    ck_assert (!roster_is_member (s_roster, &one));
    ck_assert (roster_is_member (s_roster, &two));
    s_end ();
}
END_TEST

START_TEST (nobody_is_forgotten_by_a_clock_that_stepped)
{
    int64_t years = 87600 * HOUR, second = 1000000;
    keep_limits_t keep = {0, 0, 0};
    s_begin (HOUR, &keep);
    s_join_two ();
    s_look_at (second);
    caretaker_turn (s_caretaker, NOW + years, 2 * second, 3000);
    caretaker_turn (s_caretaker, NOW + years + second, 3 * second, 4000);
    s_until_idle ();
    ck_assert_uint_eq (roster_count (s_roster), 2);
    s_look_at (4 * second); // back again
    s_look_at (HOUR);
    ck_assert_uint_eq (roster_count (s_roster), 2);
    s_look_at (HOUR + 5 * second); // trusted: there is time to be seen
    s_look_at (2 * HOUR);
    ck_assert_uint_eq (roster_count (s_roster), 2);
    s_look_at (2 * HOUR + 6 * second);
    ck_assert_uint_eq (roster_count (s_roster), 0);
    s_end ();
}
END_TEST

// What was there when the log was opened is what a clock at the start is held against: the record
// of this opening has the clock's own time.
START_TEST (a_start_far_behind_the_last_record_removes_nothing_at_once)
{
    int64_t years = 87600 * HOUR, second = 1000000;
    keep_limits_t keep = {24 * HOUR, 0, 0};
    s_begin (1000 * HOUR, &keep);
    s_join_two ();
    caretaker_destroy (&s_caretaker);
    s_caretaker = caretaker_new (s_log, s_roster, s_intake, s_peers, NOW + years, 0);
    caretaker_set (s_caretaker, 1000 * HOUR, &keep);
    for (int64_t at = 0; at < HOUR; at += HOUR / 8)
        caretaker_turn (s_caretaker, NOW + years + at, at, at / 1000);
    s_until_idle ();
    ck_assert_int_eq (s_trims, 0);
    caretaker_turn (s_caretaker, NOW + years + HOUR + second, HOUR + second, 3601000);
    s_until_idle ();
    ck_assert_int_eq (s_trims, 1);
    s_end ();
}
END_TEST

START_TEST (doubt_that_could_not_be_written_is_written_later)
{
    keep_limits_t keep = {0, 0, 0};
    s_begin (1000 * HOUR, &keep);
    s_join_two ();
    faults_fail (FAULTS_OPENAT, 0, 2, ENOSPC);
    ck_assert_int_eq (log_set_doubt (s_log, "a receipt says otherwise"), -1);
    ck_assert_str_eq (log_doubt (s_log), "a receipt says otherwise"); // it holds all the same
    const char *file = folder_path (&s_folder, "log/doubt");
    caretaker_turn (s_caretaker, NOW, 0, 1000);
    ck_assert_int_ne (access (file, F_OK), 0);
    caretaker_turn (s_caretaker, NOW, 0, 2000);
    ck_assert_int_eq (access (file, F_OK), 0);
    ck_assert_int_eq (log_write_doubt (s_log), 0);
    s_end ();
}
END_TEST

START_TEST (history_that_is_kept_no_longer_is_trimmed_once)
{
    keep_limits_t keep = {0, 0, 16};
    s_begin (1000 * HOUR, &keep);
    s_join_two ();
    for (uint64_t i = 1; i <= 40; i++) {
        s_send (1, i, 1);
        s_until_idle ();
        s_look_at (0);
    }
    ck_assert_int_gt (s_trims, 0);
    int trims = s_trims;
    caretaker_trimmed (s_caretaker, log_last (s_log));
    s_look_at (0); // nothing is new behind the TRIM
    ck_assert_int_eq (s_trims, trims);
    s_end ();
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("caretaker");
    tcase_add_test (cases, unproved_members_that_nobody_sees_leave);
    tcase_add_test (cases, who_is_present_is_not_forgotten);
    tcase_add_test (cases, nobody_is_forgotten_by_a_clock_that_stepped);
    tcase_add_test (cases, a_start_far_behind_the_last_record_removes_nothing_at_once);
    tcase_add_test (cases, doubt_that_could_not_be_written_is_written_later);
    tcase_add_test (cases, history_that_is_kept_no_longer_is_trimmed_once);
    return kit_run (cases, "caretaker");
}
