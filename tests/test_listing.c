#include "common/listing.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const guid_t LOG_A = {{1}}, LOG_B = {{2}}, NO_LOG;
static listing_t *s_self;

static void s_setup (void)
{
    s_self = listing_new ();
}

static void s_teardown (void)
{
    listing_destroy (&s_self);
}

static int s_add (const char *name, const guid_t *log, uint64_t generation, const char *endpoints)
{
    wire_t row = wire (WIRE_ROW_GROUP, 0, NULL);
    wire_set_bytes (&row, WIRE_F_NAME, span_of (name));
    wire_set_bytes (&row, WIRE_F_LOG, span (log->bytes, GUID_SIZE));
    wire_set (&row, WIRE_F_GENERATION, generation);
    wire_set_bytes (&row, WIRE_F_ENDPOINTS, span_of (endpoints));
    wire_set_bytes (&row, WIRE_F_TOPIC, span_of ("a\ntopic"));
    return listing_add (s_self, &row);
}

START_TEST (rows_are_sorted_and_found)
{
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf (name, sizeof name, "g%d", (i * 7) % 300);
        ck_assert_int_eq (s_add (name, &LOG_A, 1, "tcp://127.0.0.1:1"), 0);
    }
    ck_assert_uint_eq (listing_count (s_self), 300);
    for (size_t i = 1; i < 300; i++)
        ck_assert_int_gt (strcmp (listing_row (s_self, i)->name, listing_row (s_self, i - 1)->name),
                          0);
    ck_assert_str_eq (listing_find (s_self, "g123")->name, "g123");
    ck_assert_ptr_null (listing_find (s_self, "g300"));
    ck_assert_ptr_null (listing_row (s_self, 300));
    listing_clear (s_self);
    ck_assert_uint_eq (listing_count (s_self), 0);
}
END_TEST

START_TEST (highest_generation_wins_in_any_order)
{
    s_add ("cats", &LOG_A, 2, "tcp://127.0.0.1:2");
    s_add ("cats", &LOG_A, 3, "tcp://127.0.0.1:3");
    s_add ("cats", &LOG_A, 1, "tcp://127.0.0.1:1");
    const lookup_row_t *row = listing_find (s_self, "cats");
    ck_assert_uint_eq (row->generation, 3);
    ck_assert_uint_eq (row->endpoint_count, 1);
    ck_assert_str_eq (row->endpoints[0], "tcp://127.0.0.1:3");
    ck_assert (!row->conflict);
}
END_TEST

START_TEST (endpoints_of_one_generation_are_joined)
{
    s_add ("cats", &LOG_A, 2, "tcp://127.0.0.1:2 tcp://127.0.0.1:3");
    s_add ("cats", &LOG_A, 2, "tcp://127.0.0.1:3 tcp://[::1]:4");
    const lookup_row_t *row = listing_find (s_self, "cats");
    ck_assert_uint_eq (row->endpoint_count, 3);
    ck_assert_str_eq (row->endpoints[2], "tcp://[::1]:4");
}
END_TEST

START_TEST (conflict_stays_one_and_shows_each_side)
{
    s_add ("cats", &LOG_A, 2, "tcp://127.0.0.1:2");
    s_add ("cats", &LOG_B, 2, "tcp://127.0.0.1:3");
    s_add ("cats", &LOG_A, 9, "tcp://127.0.0.1:2");
    s_add ("dogs", &LOG_A, 9, "tcp://127.0.0.1:2");
    ck_assert (listing_find (s_self, "cats")->conflict);
    ck_assert_uint_eq (listing_count (s_self), 3);
    ck_assert_uint_eq (listing_row (s_self, 0)->generation, 9);
    ck_assert (guid_equal (&listing_row (s_self, 1)->log, &LOG_B));
    ck_assert_str_eq (listing_row (s_self, 1)->endpoints[0], "tcp://127.0.0.1:3");
    ck_assert (listing_row (s_self, 0)->conflict && listing_row (s_self, 1)->conflict);
    ck_assert (!listing_find (s_self, "dogs")->conflict);
    // A registry that lists a name over and over fills no memory.
    for (uint8_t i = 10; i < 100; i++)
        s_add ("cats", &(guid_t){{i}}, 1, "tcp://127.0.0.1:2");
    s_add ("cats", &NO_LOG, 0, "tcp://127.0.0.1:2");
    ck_assert_uint_eq (listing_count (s_self), 17);
}
END_TEST

START_TEST (original_group_gives_way_in_any_order)
{
    s_add ("cats", &NO_LOG, 0, "tcp://127.0.0.1:2");
    s_add ("cats", &LOG_A, 1, "tcp://127.0.0.1:3");
    s_add ("cats", &NO_LOG, 0, "tcp://127.0.0.1:4");
    const lookup_row_t *row = listing_find (s_self, "cats");
    ck_assert (guid_equal (&row->log, &LOG_A));
    ck_assert_uint_eq (row->endpoint_count, 1);
    ck_assert (!row->conflict);
}
END_TEST

START_TEST (original_names_may_have_capitals)
{
    ck_assert_int_eq (s_add ("Cats", &NO_LOG, 0, "tcp://127.0.0.1:2"), 0);
    ck_assert_int_eq (s_add ("Dogs", &LOG_A, 1, "tcp://127.0.0.1:2"), -1);
}
END_TEST

START_TEST (texts_have_no_controls)
{
    s_add ("cats", &LOG_A, 2, "tcp://127.0.0.1:2");
    ck_assert_str_eq (listing_find (s_self, "cats")->topic, "a topic");
}
END_TEST

START_TEST (key_stays_with_its_endpoint)
{
    char endpoint[100] = "tcp://127.0.0.1:2?key=";
    memset (endpoint + strlen (endpoint), 'a', 64);
    s_add ("cats", &LOG_A, 2, endpoint);
    ck_assert_str_eq (listing_find (s_self, "cats")->endpoints[0], endpoint);
}
END_TEST

START_TEST (what_cannot_be_connected_to_is_left_out)
{
    ck_assert_int_eq (s_add ("cats", &LOG_A, 1, ""), -1);
    ck_assert_int_eq (s_add ("cats", &LOG_A, 1, "ipc:///tmp/x  tcp://*:1"), -1);
    ck_assert_int_eq (s_add ("cats", &LOG_A, 1, " tcp://127.0.0.1:2 x "), 0);
    ck_assert_uint_eq (listing_find (s_self, "cats")->endpoint_count, 1);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("listing");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, rows_are_sorted_and_found);
    tcase_add_test (cases, highest_generation_wins_in_any_order);
    tcase_add_test (cases, endpoints_of_one_generation_are_joined);
    tcase_add_test (cases, conflict_stays_one_and_shows_each_side);
    tcase_add_test (cases, original_group_gives_way_in_any_order);
    tcase_add_test (cases, original_names_may_have_capitals);
    tcase_add_test (cases, texts_have_no_controls);
    tcase_add_test (cases, key_stays_with_its_endpoint);
    tcase_add_test (cases, what_cannot_be_connected_to_is_left_out);
    Suite *suite = suite_create ("listing");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
