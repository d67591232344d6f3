#include "daemons/group/caretaker.h"

#include "tests/faults.h"
#include "tests/intake_kit.h"
#include "tests/standing_kit.h"

#define HOUR INT64_C (3600000000)

static caretaker_t *s_caretaker;

static void s_begin (int64_t forget, const keep_limits_t *keep)
{
    s_setup ();
    s_caretaker = caretaker_new (s_log, s_roster, s_intake, s_now);
    caretaker_set (s_caretaker, forget, keep);
}

static void s_end (void)
{
    caretaker_destroy (&s_caretaker);
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
    tcase_add_test (cases, history_that_is_kept_no_longer_is_trimmed_once);
    return kit_run (cases, "caretaker");
}
