#include "common/lookup.h"

#include "tests/fake_server.h"
#include "tests/proving.h"

#include <check.h>

static const guid_t LOG_A = {{1}}, LOG_B = {{2}}, NO_LOG;

static zloop_t *s_loop;
static fake_t *s_one, *s_two;
static lookup_t *s_lookup;
static lookup_result_t s_result;
static int s_calls;
static bool s_destroy_in_done;

static int s_stop (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    (void)arg;
    return -1;
}

static void s_done (void *arg, lookup_t *self, lookup_result_t result)
{
    ck_assert_ptr_eq (arg, &s_lookup);
    ck_assert_ptr_eq (self, s_lookup);
    s_result = result;
    s_calls++;
    if (s_destroy_in_done)
        lookup_destroy (&s_lookup);
    zloop_timer (s_loop, 1, 1, s_stop, NULL);
}

static void s_setup (void)
{
    zsys_handler_set (NULL);
    s_loop = zloop_new ();
    s_one = fake_new (s_loop, "registry", NULL);
    s_two = fake_new (s_loop, "registry", NULL);
}

static void s_teardown (void)
{
    lookup_destroy (&s_lookup);
    fake_destroy (&s_one);
    fake_destroy (&s_two);
    zloop_destroy (&s_loop);
    proving_stop ();
    zsys_shutdown ();
}

// Runs a lookup to its end; returns how long it took.
static int64_t s_run (const char *name, int64_t timeout)
{
    const char *registries[] = {s_one->endpoint, s_two->endpoint};
    int64_t begin = zclock_mono ();
    lookup_query_t query = {.loop = s_loop,
                            .registries = registries,
                            .registry_count = 2,
                            .name = name,
                            .deadline = begin + timeout};
    s_lookup = lookup_new (&query, s_done, &s_lookup);
    ck_assert_ptr_nonnull (s_lookup);
    ck_assert_int_eq (s_calls, 0);
    zloop_start (s_loop);
    ck_assert_int_eq (s_calls, 1);
    return zclock_mono () - begin;
}

START_TEST (all_groups_of_all_registries_sorted)
{
    fake_list_group (s_one, "dogs", &LOG_A, 1, "tcp://127.0.0.1:1");
    fake_list_group (s_two, "cats", &LOG_B, 1, "tcp://127.0.0.1:2 tcp://[::1]:3");
    ck_assert_int_lt (s_run (NULL, 5000), 1000);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
    ck_assert_uint_eq (lookup_count (s_lookup), 2);
    ck_assert_uint_eq (lookup_answered (s_lookup), 2);
    const lookup_row_t *cats = lookup_row (s_lookup, 0);
    ck_assert_str_eq (cats->name, "cats");
    ck_assert_uint_eq (cats->endpoint_count, 2);
    ck_assert_str_eq (cats->endpoints[1], "tcp://[::1]:3");
    ck_assert_str_eq (lookup_row (s_lookup, 1)->name, "dogs");
    ck_assert_ptr_null (lookup_row (s_lookup, 2));
}
END_TEST

START_TEST (same_log_twice_is_one_row_of_the_highest_generation)
{
    fake_list_group (s_one, "cats", &LOG_A, 4, "tcp://127.0.0.1:1");
    fake_list_group (s_two, "cats", &LOG_A, 5, "tcp://127.0.0.1:2");
    fake_list_group (s_one, "dogs", &LOG_B, 5, "tcp://127.0.0.1:3 tcp://127.0.0.1:4");
    fake_list_group (s_two, "dogs", &LOG_B, 5, "tcp://127.0.0.1:4 tcp://127.0.0.1:5");
    s_run (NULL, 5000);
    ck_assert_uint_eq (lookup_count (s_lookup), 2);
    const lookup_row_t *cats = lookup_row (s_lookup, 0), *dogs = lookup_row (s_lookup, 1);
    ck_assert (!cats->conflict);
    ck_assert_uint_eq (cats->generation, 5);
    ck_assert_uint_eq (cats->endpoint_count, 1);
    ck_assert_str_eq (cats->endpoints[0], "tcp://127.0.0.1:2");
    ck_assert_uint_eq (dogs->endpoint_count, 3);
}
END_TEST

START_TEST (two_logs_are_a_conflict)
{
    fake_list_group (s_one, "cats", &LOG_A, 4, "tcp://127.0.0.1:1");
    fake_list_group (s_two, "cats", &LOG_B, 5, "tcp://127.0.0.1:2");
    s_run ("cats", 5000);
    ck_assert_int_eq (s_result, LOOKUP_CONFLICT);
    ck_assert (lookup_row (s_lookup, 0)->conflict);
}
END_TEST

START_TEST (original_group_gives_way)
{
    fake_list_group (s_one, "cats", &NO_LOG, 0, "tcp://127.0.0.1:1");
    fake_list_group (s_two, "cats", &LOG_B, 5, "tcp://127.0.0.1:2");
    s_run ("cats", 5000);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
    ck_assert (guid_equal (&lookup_row (s_lookup, 0)->log, &LOG_B));
    ck_assert_uint_eq (lookup_count (s_lookup), 1);
}
END_TEST

static bool s_check_page (fake_t *self, const wire_t *request)
{
    (void)self;
    ck_assert (span_equal (wire_bytes (request, WIRE_F_NAME), span_of ("cat")));
    return false;
}

START_TEST (one_by_name_and_nothing_else)
{
    s_one->meddle = s_check_page; // not from the beginning
    fake_list_group (s_one, "cat", &LOG_A, 1, "tcp://127.0.0.1:1");
    fake_list_group (s_one, "cats", &LOG_B, 1, "tcp://127.0.0.1:2");
    fake_list_group (s_one, "catsup", &LOG_A, 1, "tcp://127.0.0.1:3");
    s_run ("cats", 5000);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
    ck_assert_uint_eq (lookup_count (s_lookup), 1);
    ck_assert_str_eq (lookup_row (s_lookup, 0)->endpoints[0], "tcp://127.0.0.1:2");
}
END_TEST

START_TEST (refused_registry_is_tolerated_at_once)
{
    fake_list_group (s_one, "cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    fake_close (s_two);
    int fd = fake_refusing (s_two->endpoint);
    ck_assert_int_lt (s_run ("cats", 5000), 290); // no grace
    close (fd);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
    ck_assert_uint_eq (lookup_answered (s_lookup), 1);
}
END_TEST

static bool s_keep_silent (fake_t *self, const wire_t *request)
{
    (void)self;
    (void)request;
    return true;
}

START_TEST (silent_registry_is_tolerated_after_a_grace)
{
    fake_list_group (s_one, "cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    s_two->meddle = s_keep_silent;
    ck_assert_int_lt (s_run (NULL, 5000), 1500);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
    ck_assert_uint_eq (lookup_count (s_lookup), 1);
    ck_assert_uint_eq (lookup_answered (s_lookup), 1);
}
END_TEST

START_TEST (no_registry_answers)
{
    s_one->meddle = s_two->meddle = s_keep_silent;
    s_run (NULL, 150);
    ck_assert_int_eq (s_result, LOOKUP_SILENT);
}
END_TEST

START_TEST (no_registry_is_known)
{
    lookup_query_t query = {.loop = s_loop, .deadline = zclock_mono () + 5000};
    s_lookup = lookup_new (&query, s_done, &s_lookup);
    zloop_start (s_loop);
    ck_assert_int_eq (s_result, LOOKUP_SILENT);
    ck_assert_int_lt (zclock_mono (), query.deadline - 1000); // nothing to wait for
}
END_TEST

START_TEST (unlisted_name_is_absent_at_the_deadline)
{
    fake_list_group (s_one, "dogs", &LOG_A, 1, "tcp://127.0.0.1:1");
    ck_assert_int_ge (s_run ("cats", 250), 250);
    ck_assert_int_eq (s_result, LOOKUP_ABSENT);
    ck_assert_ptr_null (lookup_row (s_lookup, 0));
}
END_TEST

static bool s_list_it_late (fake_t *self, const wire_t *request)
{
    (void)request;
    if (self->requests == 3)
        fake_list_group (self, "cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    return false;
}

START_TEST (name_is_asked_for_until_it_is_listed)
{
    s_one->meddle = s_list_it_late;
    ck_assert_int_lt (s_run ("cats", 5000), 3000);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
    ck_assert_int_eq (s_one->requests, 3);
}
END_TEST

// Three rows in each page, as many as are asked for behind a name.
static bool s_page (fake_t *self, const wire_t *request)
{
    span_t after = wire_bytes (request, WIRE_F_NAME);
    int from = 0;
    for (size_t i = 1; i < after.size; i++)
        from = 10 * from + after.data[i] - '0';
    if (after.size > 0)
        from++;
    self->rows_size = 0;
    for (int i = from; i < from + 3 && i < 100; i++) {
        char name[16];
        snprintf (name, sizeof name, "g%02d", i);
        fake_list_group (self, name, &LOG_A, 1, "tcp://127.0.0.1:1");
    }
    wire_t reply = wire (WIRE_GROUPS, request->tag, NULL);
    wire_set (&reply, WIRE_F_MORE, from + 3 < 100);
    wire_set_bytes (&reply, WIRE_F_ROWS, span (self->rows, self->rows_size));
    fake_reply (self, &reply);
    fake_reply (self, &reply); // and once more: a tag counts once
    return true;
}

START_TEST (pages_are_read_to_the_end)
{
    s_one->meddle = s_two->meddle = s_page;
    s_run (NULL, 5000);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
    ck_assert_uint_eq (lookup_count (s_lookup), 100);
    ck_assert_int_eq (s_one->requests, 34);
}
END_TEST

static bool s_same_page_for_ever (fake_t *self, const wire_t *request)
{
    wire_t reply = wire (WIRE_GROUPS, request->tag, NULL);
    wire_set (&reply, WIRE_F_MORE, 1);
    wire_set_bytes (&reply, WIRE_F_ROWS, span (self->rows, self->rows_size));
    fake_reply (self, &reply);
    return true;
}

START_TEST (pages_that_lead_nowhere_end)
{
    fake_list_group (s_one, "cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    s_one->meddle = s_same_page_for_ever;
    ck_assert_int_lt (s_run (NULL, 5000), 3000);
    ck_assert_int_le (s_one->requests, 3);
    ck_assert_uint_eq (lookup_count (s_lookup), 1);
}
END_TEST

START_TEST (rows_that_cannot_be_are_left_out)
{
    fake_list_group (s_one, "../etc", &LOG_A, 1, "tcp://127.0.0.1:1");
    fake_list_group (s_one, "a\x1b[2J", &LOG_A, 1, "tcp://127.0.0.1:1");
    fake_list_group (s_one, "nowhere", &LOG_A, 1, "ipc:///tmp/x inproc://y tcp://*:3 tcp://");
    fake_list_group (s_one, "empty", &LOG_A, 1, "");
    fake_list_group (s_one, "some", &LOG_A, 1, "wss://x tcp://127.0.0.1:7  epgm://");
    fake_list_group (s_one, "", &LOG_A, 1, "tcp://127.0.0.1:1");
    s_run (NULL, 5000);
    ck_assert_uint_eq (lookup_count (s_lookup), 1);
    ck_assert_str_eq (lookup_row (s_lookup, 0)->name, "some");
    ck_assert_uint_eq (lookup_row (s_lookup, 0)->endpoint_count, 1);
}
END_TEST

static bool s_send_rubbish (fake_t *self, const wire_t *request)
{
    for (int i = 0; i < 50; i++) {
        uint8_t bytes[200];
        size_t size = (size_t)(rand () % (int)sizeof bytes);
        for (size_t at = 0; at < size; at++)
            bytes[at] = (uint8_t)rand ();
        if (i % 2 && size > 8) { // one that begins well
            writer_t head = writer (bytes, 8);
            writer_u16 (&head, 0x7a43);
            writer_u8 (&head, 1);
            writer_u8 (&head, WIRE_GROUPS);
            writer_u32 (&head, request->tag);
        }
        frame_reply (self->router, &self->route, i % 7 == 0, span (bytes, size));
    }
    return false;
}

START_TEST (rubbish_ends_nothing)
{
    s_two->meddle = s_send_rubbish;
    fake_list_group (s_one, "cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    s_run (NULL, 5000);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
    ck_assert_uint_ge (lookup_count (s_lookup), 1);
}
END_TEST

START_TEST (destroyed_in_its_own_callback)
{
    s_destroy_in_done = true;
    fake_list_group (s_one, "cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    s_run ("cats", 5000);
    ck_assert_ptr_null (s_lookup);
}
END_TEST

START_TEST (destroyed_before_it_is_done)
{
    const char *registries[] = {s_one->endpoint};
    lookup_query_t query = {.loop = s_loop,
                            .registries = registries,
                            .registry_count = 1,
                            .deadline = zclock_mono () + 20};
    s_lookup = lookup_new (&query, s_done, &s_lookup);
    lookup_destroy (&s_lookup);
    zloop_timer (s_loop, 60, 1, s_stop, NULL);
    zloop_start (s_loop);
    ck_assert_int_eq (s_calls, 0);
}
END_TEST

// A registry that lets nobody ask, or (s_wait) not yet.
static uint64_t s_wait;
static size_t s_shown;

static bool s_refuse (fake_t *self, const wire_t *request)
{
    uint8_t rows[200];
    writer_t out = writer (rows, sizeof rows);
    wire_t row = wire (WIRE_ROW_ERROR, 0, NULL), message = wire (WIRE_ERROR, request->tag, NULL);
    s_shown = wire_bytes (request, WIRE_F_INVITATIONS).size;
    if (request->kind != WIRE_LIST || (s_wait > 0 && self->counts[WIRE_LIST] > 2))
        return false;
    wire_set (&row, WIRE_F_TAG, request->tag);
    wire_set (&row, WIRE_F_NUMBER, s_wait > 0 ? WIRE_ERR_RATE : WIRE_ERR_NOT_INVITED);
    wire_set_bytes (&row, WIRE_F_TEXT, span_of (s_wait > 0 ? "slowly" : "who\nare you\x1b[2J"));
    if (s_wait > 0)
        wire_set (&row, WIRE_F_WAIT, s_wait);
    wire_put_row (&row, &out);
    wire_set_bytes (&message, WIRE_F_ROWS, span (rows, writer_used (&out)));
    fake_reply (self, &message);
    return true;
}

START_TEST (refusal_of_all_is_told_at_once)
{
    char wanted[300];
    s_one->meddle = s_two->meddle = s_refuse;
    ck_assert_int_lt (s_run ("cats", 5000), 900);
    ck_assert_int_eq (s_result, LOOKUP_REFUSED);
    ck_assert_int_eq (lookup_error (s_lookup), WIRE_ERR_NOT_INVITED);
    // What it said has controls: the sentence is ours.
    ck_assert_ptr_nonnull (strstr (lookup_refusal (s_lookup), ": an invitation is needed here"));
    snprintf (wanted, sizeof wanted, "registry %s: ", s_one->endpoint);
    bool first = strncmp (lookup_refusal (s_lookup), wanted, strlen (wanted)) == 0;
    snprintf (wanted, sizeof wanted, "registry %s: ", s_two->endpoint);
    ck_assert (first || strncmp (lookup_refusal (s_lookup), wanted, strlen (wanted)) == 0);
    ck_assert_int_eq (s_one->counts[WIRE_LIST], 1);
}
END_TEST

START_TEST (refusal_of_one_leaves_the_other)
{
    fake_list_group (s_two, "cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    s_one->meddle = s_refuse;
    ck_assert_int_lt (s_run ("cats", 5000), 900);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
    lookup_destroy (&s_lookup);
    s_calls = 0;
    ck_assert_int_ge (s_run ("dogs", 700), 600);
    ck_assert_int_eq (s_result, LOOKUP_ABSENT);
    ck_assert_str_ne (lookup_refusal (s_lookup), "");
}
END_TEST

START_TEST (refusal_of_one_is_told_at_once_where_the_others_are_gone)
{
    s_one->meddle = s_refuse;
    fake_close (s_two);
    ck_assert_int_lt (s_run ("cats", 5000), 900);
    ck_assert_int_eq (s_result, LOOKUP_REFUSED);
    fake_open (s_two);
}
END_TEST

START_TEST (wait_is_kept_then_it_is_asked_again)
{
    fake_list_group (s_one, "cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    fake_list_group (s_two, "cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    s_one->meddle = s_two->meddle = s_refuse;
    s_wait = 150;
    int64_t took = s_run ("cats", 5000);
    ck_assert_int_ge (took, 300);
    ck_assert_int_lt (took, 2000);
    ck_assert_int_eq (s_result, LOOKUP_DONE);
}
END_TEST

static size_t s_show (void *arg, const char *endpoint, const char *group, uint8_t *out)
{
    ck_assert_ptr_null (group);
    if (strcmp (endpoint, arg) != 0)
        return 0;
    memcpy (out, "\0\1x", 3);
    return 3;
}

START_TEST (invitations_are_shown_to_whom_they_are_for)
{
    const char *registries[] = {s_one->endpoint, s_two->endpoint};
    lookup_query_t query = {.loop = s_loop,
                            .registries = registries,
                            .registry_count = 1,
                            .deadline = zclock_mono () + 5000,
                            .show = s_show,
                            .show_arg = s_one->endpoint};
    s_one->meddle = s_two->meddle = s_refuse;
    for (int i = 0; i < 2; i++) {
        s_lookup = lookup_new (&query, s_done, &s_lookup);
        zloop_start (s_loop);
        ck_assert_uint_eq (s_shown, i == 0 ? 3 : 0);
        lookup_destroy (&s_lookup);
        registries[0] = registries[1];
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("lookup");
    proving_add (cases);
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, all_groups_of_all_registries_sorted);
    tcase_add_test (cases, same_log_twice_is_one_row_of_the_highest_generation);
    tcase_add_test (cases, two_logs_are_a_conflict);
    tcase_add_test (cases, original_group_gives_way);
    tcase_add_test (cases, one_by_name_and_nothing_else);
    tcase_add_test (cases, refused_registry_is_tolerated_at_once);
    tcase_add_test (cases, silent_registry_is_tolerated_after_a_grace);
    tcase_add_test (cases, no_registry_answers);
    tcase_add_test (cases, no_registry_is_known);
    tcase_add_test (cases, unlisted_name_is_absent_at_the_deadline);
    tcase_add_test (cases, name_is_asked_for_until_it_is_listed);
    tcase_add_test (cases, pages_are_read_to_the_end);
    tcase_add_test (cases, pages_that_lead_nowhere_end);
    tcase_add_test (cases, rows_that_cannot_be_are_left_out);
    tcase_add_test (cases, rubbish_ends_nothing);
    tcase_add_test (cases, destroyed_in_its_own_callback);
    tcase_add_test (cases, destroyed_before_it_is_done);
    tcase_add_test (cases, refusal_of_all_is_told_at_once);
    tcase_add_test (cases, refusal_of_one_leaves_the_other);
    tcase_add_test (cases, refusal_of_one_is_told_at_once_where_the_others_are_gone);
    tcase_add_test (cases, wait_is_kept_then_it_is_asked_again);
    tcase_add_test (cases, invitations_are_shown_to_whom_they_are_for);
    Suite *suite = suite_create ("lookup");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
