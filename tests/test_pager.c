#include "common/pager.h"

#include "tests/sample_log.h"

#include <check.h>

static sample_log_t *s_log;
static pager_t s_self;

static struct {
    uint64_t next;
    int gaps;
    uint64_t gap_from, gap_to;
    int losses;
    int flushes;
    bool stop;
} s_told;

static void s_on_record (void *arg, const record_t *record)
{
    (void)arg;
    if (s_told.next == 0)
        s_told.next = record->seq;
    ck_assert_uint_eq (record->seq, s_told.next);
    s_told.next++;
    if (s_told.stop)
        pager_stop (&s_self);
}

static void s_on_flush (void *arg)
{
    (void)arg;
    s_told.flushes++;
}

static void s_on_gap (void *arg, uint64_t from, uint64_t to, record_why_t why)
{
    (void)arg;
    (void)why;
    s_told.gaps++;
    s_told.gap_from = from;
    s_told.gap_to = to;
    s_told.next = to + 1;
}

static void s_on_lost (void *arg, uint64_t from, uint64_t to)
{
    (void)arg;
    (void)from;
    (void)to;
    s_told.losses++;
}

static const pager_handlers_t HANDLERS = {s_on_record, s_on_flush, s_on_gap, s_on_lost, NULL};

static void s_setup (void)
{
    memset (&s_told, 0, sizeof s_told);
    s_log = sample_log_new (5);
    for (int i = 0; i < 10; i++)
        sample_log_append (s_log, 10, 20);
}

static void s_teardown (void)
{
    sample_log_destroy (&s_log);
}

static void s_begin (pager_range_t range)
{
    s_self = pager (&range, &HANDLERS);
    pager_set_log (&s_self, &s_log->log);
}

// Answers with these batches and resolved bounds.
static pager_step_t s_records (uint64_t first, uint64_t last, size_t from, size_t count)
{
    span_t bytes = sample_log_bytes (s_log, from, count);
    wire_t answer = wire (WIRE_RECORDS, 1, NULL);
    wire_set (&answer, WIRE_F_FIRST, first);
    wire_set (&answer, WIRE_F_LAST, last);
    wire_set_bytes (&answer, WIRE_F_BATCHES, bytes);
    pager_step_t step = pager_take (&s_self, &answer);
    free ((void *)bytes.data);
    return step;
}

static pager_step_t s_span (wire_kind_t kind, uint64_t from, uint64_t to)
{
    wire_t answer = wire (kind, 1, NULL);
    wire_set (&answer, WIRE_F_FROM, from);
    wire_set (&answer, WIRE_F_TO, to);
    return pager_take (&s_self, &answer);
}

static void s_expect (uint64_t after, uint64_t before, uint64_t limit)
{
    guid_t uuid = {{1}};
    wire_t request = pager_request (&s_self, &uuid);
    ck_assert_int_eq (request.kind, WIRE_PAGE);
    ck_assert_uint_eq (wire_number (&request, WIRE_F_AFTER), after);
    ck_assert_uint_eq (wire_number (&request, WIRE_F_BEFORE), before);
    ck_assert_uint_eq (wire_number (&request, WIRE_F_LIMIT), limit);
}

START_TEST (pages_until_the_resolved_end)
{
    s_begin ((pager_range_t){WIRE_BOUND_TIME, 77, WIRE_BOUND_TIME, 88, 0});
    s_expect (77, 88, 0);
    ck_assert_int_eq (s_records (15, 87, 1, 3), PAGER_MORE);
    ck_assert_uint_eq (s_told.next, 41);
    s_expect (40, 88, 0);
    ck_assert_int_eq (s_records (41, 87, 4, 2), PAGER_MORE);
    s_expect (60, 88, 0);
    ck_assert_int_eq (s_records (61, 87, 6, 4), PAGER_DONE);
    ck_assert_uint_eq (s_told.next, 88);
    ck_assert_int_eq (s_told.flushes, 3);
}
END_TEST

START_TEST (nothing_wanted_is_done)
{
    s_begin ((pager_range_t){.limit = 5});
    ck_assert_int_eq (s_records (101, 100, 0, 0), PAGER_DONE);
    ck_assert_uint_eq (s_told.next, 0);
}
END_TEST

static void s_trimmed (pager_range_t range, uint64_t first, uint64_t last)
{
    memset (&s_told, 0, sizeof s_told);
    s_begin (range);
    wire_t answer = wire (WIRE_RECORDS, 1, NULL);
    wire_set (&answer, WIRE_F_OLDEST, 41);
    wire_set (&answer, WIRE_F_WHY, RECORD_WHY_AGE);
    wire_set (&answer, WIRE_F_FIRST, first);
    wire_set (&answer, WIRE_F_LAST, last);
    pager_take (&s_self, &answer);
}

START_TEST (what_is_not_kept_any_more_is_told)
{
    s_trimmed ((pager_range_t){0}, 41, 100); // all of it
    ck_assert_int_eq (s_told.gaps, 1);
    ck_assert (s_told.gap_from == 1 && s_told.gap_to == 40);
    s_trimmed ((pager_range_t){.limit = 70}, 41, 100); // the last 70: there are 60
    ck_assert_int_eq (s_told.gaps, 1);
    s_trimmed ((pager_range_t){.before_kind = WIRE_BOUND_SEQ, .before = 5}, 41, 4);
    ck_assert_int_eq (s_told.gaps, 1);
    s_trimmed ((pager_range_t){.after_kind = WIRE_BOUND_TIME, .after = 7}, 41, 100);
    ck_assert_int_eq (s_told.gaps, 1);
    s_trimmed ((pager_range_t){.limit = 60}, 41, 100); // all that was wanted is there
    ck_assert_int_eq (s_told.gaps, 0);
    s_trimmed ((pager_range_t){.limit = 5}, 96, 100);
    ck_assert_int_eq (s_told.gaps, 0);
    s_trimmed ((pager_range_t){.after_kind = WIRE_BOUND_TIME, .after = 7}, 60, 100);
    ck_assert_int_eq (s_told.gaps, 0);
    s_trimmed ((pager_range_t){.after_kind = WIRE_BOUND_SEQ, .after = 40}, 41, 100);
    ck_assert_int_eq (s_told.gaps, 0); // the group itself tells gaps behind a sequence
}
END_TEST

START_TEST (wrong_answer_is_asked_for_again_but_not_for_ever)
{
    s_begin ((pager_range_t){0});
    ck_assert_int_eq (s_records (1, 100, 0, 2), PAGER_MORE);
    ck_assert_int_eq (s_records (21, 100, 3, 2), PAGER_MORE); // a hole
    s_expect (20, 101, 0);
    ck_assert_int_eq (s_records (21, 100, 0, 0), PAGER_MORE); // nothing
    ck_assert_int_eq (s_records (21, 100, 2, 2), PAGER_MORE);
    ck_assert_uint_eq (s_told.next, 41);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq (s_records (41, 100, 1, 2), PAGER_MORE); // what is known
    ck_assert_int_eq (s_records (41, 100, 1, 2), PAGER_FAILED);
    ck_assert_ptr_nonnull (s_self.wrong);
    ck_assert_uint_eq (s_told.next, 41);
}
END_TEST

START_TEST (bounds_that_cannot_be_are_refused)
{
    s_begin ((pager_range_t){0});
    ck_assert_int_eq (s_records (0, 100, 0, 2), PAGER_MORE);
    ck_assert_int_eq (s_records (1, UINT64_MAX, 0, 2), PAGER_MORE);
    ck_assert_int_eq (s_records (0, UINT64_MAX, 0, 2), PAGER_FAILED);
    ck_assert_uint_eq (s_told.next, 0);
}
END_TEST

START_TEST (gap_in_the_middle_is_told_and_passed)
{
    s_begin ((pager_range_t){0});
    ck_assert_int_eq (s_records (1, 95, 0, 2), PAGER_MORE);
    ck_assert_int_eq (s_span (WIRE_GAP, 21, 50), PAGER_MORE);
    ck_assert_int_eq (s_told.gaps, 1);
    s_expect (50, 96, 0);
    ck_assert_int_eq (s_records (51, 95, 5, 5), PAGER_DONE);
    ck_assert_uint_eq (s_told.next, 96);
}
END_TEST

START_TEST (gap_up_to_the_end_is_the_end)
{
    s_begin ((pager_range_t){0});
    s_records (1, 95, 0, 2);
    ck_assert_int_eq (s_span (WIRE_GAP, 21, 500), PAGER_DONE);
    ck_assert_uint_eq (s_told.gap_to, 95); // what was not wanted is not missed
}
END_TEST

START_TEST (gap_at_the_beginning_keeps_the_limit)
{
    s_begin ((pager_range_t){WIRE_BOUND_SEQ, 4, WIRE_BOUND_NONE, 0, 10});
    ck_assert_int_eq (s_span (WIRE_GAP, 5, 30), PAGER_MORE);
    s_expect (30, 0, 10);
    ck_assert_int_eq (s_records (31, 40, 3, 1), PAGER_DONE);
    ck_assert_uint_eq (s_told.next, 41);
}
END_TEST

START_TEST (gap_in_the_last_so_many_does_not_make_them_others)
{
    s_begin ((pager_range_t){.limit = 20}); // 81 to 100
    ck_assert_int_eq (s_span (WIRE_GAP, 81, 90), PAGER_MORE);
    s_expect (90, 101, 0);
    ck_assert_int_eq (s_records (91, 100, 9, 1), PAGER_DONE);
    s_begin ((pager_range_t){.limit = 20});
    ck_assert_int_eq (s_span (WIRE_GAP, 81, 100), PAGER_DONE);
}
END_TEST

START_TEST (gap_elsewhere_is_refused)
{
    s_begin ((pager_range_t){0});
    s_records (1, 95, 0, 2);
    ck_assert_int_eq (s_span (WIRE_GAP, 30, 50), PAGER_MORE);
    ck_assert_int_eq (s_span (WIRE_GAP, 1, 20), PAGER_MORE);
    ck_assert_int_eq (s_span (WIRE_GAP, 21, 3), PAGER_FAILED);
    ck_assert_int_eq (s_told.gaps, 0);
}
END_TEST

START_TEST (loss_is_told_once)
{
    s_begin ((pager_range_t){WIRE_BOUND_SEQ, 400, WIRE_BOUND_NONE, 0, 0});
    ck_assert_int_eq (s_span (WIRE_LOST, 101, 400), PAGER_MORE);
    s_expect (400, 0, 0);
    ck_assert_int_eq (s_span (WIRE_LOST, 101, 400), PAGER_DONE);
    ck_assert_int_eq (s_told.losses, 1);
}
END_TEST

START_TEST (stopped_in_a_handler_gives_no_more)
{
    s_begin ((pager_range_t){0});
    s_told.stop = true;
    ck_assert_int_eq (s_records (1, 95, 0, 2), PAGER_DONE);
    ck_assert_uint_eq (s_told.next, 2);
    ck_assert_int_eq (s_told.flushes, 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("pager");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, pages_until_the_resolved_end);
    tcase_add_test (cases, nothing_wanted_is_done);
    tcase_add_test (cases, what_is_not_kept_any_more_is_told);
    tcase_add_test (cases, wrong_answer_is_asked_for_again_but_not_for_ever);
    tcase_add_test (cases, bounds_that_cannot_be_are_refused);
    tcase_add_test (cases, gap_in_the_middle_is_told_and_passed);
    tcase_add_test (cases, gap_up_to_the_end_is_the_end);
    tcase_add_test (cases, gap_at_the_beginning_keeps_the_limit);
    tcase_add_test (cases, gap_in_the_last_so_many_does_not_make_them_others);
    tcase_add_test (cases, gap_elsewhere_is_refused);
    tcase_add_test (cases, loss_is_told_once);
    tcase_add_test (cases, stopped_in_a_handler_gives_no_more);
    Suite *suite = suite_create ("pager");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
