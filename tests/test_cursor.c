#include "common/cursor.h"

#include "tests/sample_log.h"

#include <check.h>

static sample_log_t *s_log;

// Ten batches of ten records: 1 to 100.
static void s_setup (void)
{
    s_log = sample_log_new (5);
    for (int i = 0; i < 10; i++)
        sample_log_append (s_log, 10, 20);
}

static void s_teardown (void)
{
    sample_log_destroy (&s_log);
}

// Feeds these bytes; everything that comes must continue at `*next`.
static int s_feed (cursor_t *cursor, span_t bytes, uint64_t *next)
{
    record_t record;
    int rc;
    cursor_feed (cursor, bytes);
    while ((rc = cursor_next (cursor, &record)) == 1) {
        ck_assert_uint_eq (record.seq, *next);
        ck_assert_uint_eq (cursor->next, *next); // it moves when the next one is asked for
        char text[32] = "";
        memcpy (text, record.text.data, record.text.size);
        ck_assert_uint_eq (strtoull (text, NULL, 10), *next);
        ++*next;
    }
    return rc;
}

static int s_feed_batches (cursor_t *cursor, size_t from, size_t count, uint64_t *next)
{
    span_t bytes = sample_log_bytes (s_log, from, count);
    int rc = s_feed (cursor, bytes, next);
    free ((void *)bytes.data);
    return rc;
}

START_TEST (all_records_come_in_order)
{
    cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
    uint64_t next = 1;
    ck_assert_int_eq (s_feed_batches (&cur, 0, 4, &next), 0);
    ck_assert_uint_eq (next, 41);
    ck_assert_int_eq (s_feed_batches (&cur, 4, 6, &next), 0);
    ck_assert_uint_eq (next, 101);
    ck_assert_uint_eq (cur.next, 101);
    ck_assert_int_eq (s_feed (&cur, span (NULL, 0), &next), 0);
}
END_TEST

START_TEST (both_ends_are_trimmed)
{
    cursor_t cur = cursor (&s_log->log, 15, 37);
    uint64_t next = 15;
    ck_assert_int_eq (s_feed_batches (&cur, 1, 9, &next), 0);
    ck_assert_uint_eq (next, 38);
    ck_assert_uint_eq (cur.next, 38);
}
END_TEST

START_TEST (repeated_batches_are_given_once)
{
    cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
    uint64_t next = 1;
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq (s_feed_batches (&cur, i / 2, 3, &next), 0);
        ck_assert_int_eq (s_feed_batches (&cur, 0, 1, &next), 0);
    }
    ck_assert_uint_eq (next, 61);
}
END_TEST

START_TEST (hole_is_refused_and_the_position_stays)
{
    cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
    uint64_t next = 1;
    ck_assert_int_eq (s_feed_batches (&cur, 0, 2, &next), 0);
    ck_assert_int_eq (s_feed_batches (&cur, 3, 2, &next), -1);
    ck_assert_ptr_nonnull (cur.wrong);
    ck_assert_uint_eq (cur.next, 21);
    ck_assert_int_eq (s_feed_batches (&cur, 2, 8, &next), 0);
    ck_assert_uint_eq (next, 101);
}
END_TEST

START_TEST (hole_at_the_beginning_is_refused)
{
    cursor_t cur = cursor (&s_log->log, 5, CURSOR_NO_END);
    uint64_t next = 5;
    ck_assert_int_eq (s_feed_batches (&cur, 1, 1, &next), -1);
    ck_assert_uint_eq (next, 5);
}
END_TEST

START_TEST (skipping_goes_forward_only)
{
    cursor_t cur = cursor (&s_log->log, 15, CURSOR_NO_END);
    cursor_skip (&cur, 14);
    ck_assert_uint_eq (cur.next, 15);
    cursor_skip (&cur, UINT64_MAX); // nothing lies behind it
    ck_assert_uint_eq (cur.next, 15);
    cursor_skip (&cur, 15);
    ck_assert_uint_eq (cur.next, 16);
}
END_TEST

// Its checksum is right: whoever made it is wrong.
START_TEST (batch_of_broken_records_is_refused)
{
    static uint8_t bytes[BATCH_MAX];
    batch_t head = {.type = BATCH_TYPE_RECORDS, .first = 1, .chain = chain_start (&s_log->log)};
    record_t record = {.kind = RECORD_MESSAGE, .text = span_of ("hi"), .author = {{1}}};
    batch_writer_t batch;
    batch_begin (&batch, bytes, &head);
    ck_assert_uint_eq (batch_add (&batch, &record), 1);
    bytes[BATCH_HEADER]--; // the record's size
    cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
    uint64_t next = 1;
    ck_assert_int_eq (s_feed (&cur, batch_end (&batch, &s_log->log), &next), -1);
    ck_assert_str_eq (cur.wrong, "a batch whose records cannot be read");
    ck_assert_uint_eq (next, 1);
}
END_TEST

START_TEST (skipped_records_are_no_hole)
{
    cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
    uint64_t next = 1;
    s_feed_batches (&cur, 0, 1, &next);
    cursor_skip (&cur, 34);
    cursor_skip (&cur, 20); // known already
    next = 35;
    ck_assert_int_eq (s_feed_batches (&cur, 3, 2, &next), 0);
    ck_assert_uint_eq (next, 51);
}
END_TEST

START_TEST (every_flipped_bit_is_noticed)
{
    span_t bytes = sample_log_bytes (s_log, 1, 1);
    uint8_t *data = (uint8_t *)bytes.data;
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        cursor_t cur = cursor (&s_log->log, 11, CURSOR_NO_END);
        uint64_t next = 11;
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_int_eq (s_feed (&cur, bytes, &next), -1);
        ck_assert_uint_eq (next, 11);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free (data);
}
END_TEST

START_TEST (every_cut_is_noticed)
{
    span_t bytes = sample_log_bytes (s_log, 0, 2);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *copy = malloc (size + 1); // so that a reader over the end is seen
        memcpy (copy, bytes.data, size);
        cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
        uint64_t next = 1;
        int rc = s_feed (&cur, span (copy, size), &next);
        bool whole = size == 0 || size == s_log->batches[0].size;
        ck_assert_int_eq (rc, whole ? 0 : -1);
        free (copy);
    }
    free ((void *)bytes.data);
}
END_TEST

START_TEST (other_logs_batches_are_refused)
{
    sample_log_t *other = sample_log_new (6);
    sample_log_append (other, 10, 20);
    span_t bytes = sample_log_bytes (other, 0, 1);
    cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
    uint64_t next = 1;
    ck_assert_int_eq (s_feed (&cur, bytes, &next), -1);
    free ((void *)bytes.data);
    sample_log_destroy (&other);
}
END_TEST

START_TEST (batch_of_another_past_does_not_continue)
{
    sample_log_t *other = sample_log_new (5); // the same id, other bytes
    sample_log_append (other, 10, 30);
    sample_log_append (other, 10, 30);
    span_t bytes = sample_log_bytes (other, 1, 1);
    cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
    uint64_t next = 1;
    ck_assert_int_eq (s_feed_batches (&cur, 0, 1, &next), 0);
    ck_assert_int_eq (s_feed (&cur, bytes, &next), -1);
    ck_assert_uint_eq (next, 11);
    free ((void *)bytes.data);
    sample_log_destroy (&other);
}
END_TEST

// Batches never change: one that reaches over the end of what was seen is of another past, and so
// is one that ends there as another.
START_TEST (batch_over_the_end_of_what_was_seen_is_of_another_past)
{
    const int sizes[] = {15, 10, 8}, seen[] = {1, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        sample_log_t *other = sample_log_new (5);
        sample_log_append (other, sizes[i], 30);
        sample_log_append (other, 13, 30);
        cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
        uint64_t next = 1;
        ck_assert_int_eq (s_feed_batches (&cur, 0, (size_t)seen[i], &next), 0);
        span_t bytes = sample_log_bytes (other, 0, 2);
        ck_assert_int_eq (s_feed (&cur, bytes, &next), -1);
        ck_assert (cur.parted);
        ck_assert_uint_eq (next, (uint64_t)seen[i] * 10 + 1);
        free ((void *)bytes.data);
        ck_assert_int_eq (s_feed_batches (&cur, 0, 5, &next), 0);
        ck_assert (!cur.parted);
        sample_log_destroy (&other);
    }
}
END_TEST

// Between what was seen and such a batch something is missing, but it is not wanted.
START_TEST (batch_behind_a_hole_before_the_position_is_taken)
{
    cursor_t cur = cursor (&s_log->log, 35, CURSOR_NO_END);
    uint64_t next = 35;
    ck_assert_int_eq (s_feed_batches (&cur, 0, 1, &next), 0);
    ck_assert_uint_eq (cur.seen, 10);
    ck_assert_int_eq (s_feed_batches (&cur, 3, 1, &next), 0); // 31 to 40
    ck_assert_uint_eq (next, 41);
    ck_assert_int_eq (s_feed_batches (&cur, 4, 6, &next), 0); // by its chain from now on
    ck_assert_uint_eq (next, 101);
    ck_assert (!cur.parted);
}
END_TEST

START_TEST (state_is_no_record)
{
    static uint8_t data[BATCH_MAX];
    batch_writer_t batch;
    batch_t head = {.type = BATCH_TYPE_STATE, .first = 1, .base = 1};
    batch_begin (&batch, data, &head);
    record_t record = {.kind = RECORD_MESSAGE, .time = 1};
    batch_add (&batch, &record);
    cursor_t cur = cursor (&s_log->log, 1, CURSOR_NO_END);
    uint64_t next = 1;
    ck_assert_int_eq (s_feed (&cur, batch_end (&batch, &s_log->log), &next), -1);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("cursor");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, all_records_come_in_order);
    tcase_add_test (cases, both_ends_are_trimmed);
    tcase_add_test (cases, repeated_batches_are_given_once);
    tcase_add_test (cases, hole_is_refused_and_the_position_stays);
    tcase_add_test (cases, hole_at_the_beginning_is_refused);
    tcase_add_test (cases, skipping_goes_forward_only);
    tcase_add_test (cases, batch_of_broken_records_is_refused);
    tcase_add_test (cases, skipped_records_are_no_hole);
    tcase_add_test (cases, every_flipped_bit_is_noticed);
    tcase_add_test (cases, every_cut_is_noticed);
    tcase_add_test (cases, other_logs_batches_are_refused);
    tcase_add_test (cases, batch_of_another_past_does_not_continue);
    tcase_add_test (cases, batch_over_the_end_of_what_was_seen_is_of_another_past);
    tcase_add_test (cases, batch_behind_a_hole_before_the_position_is_taken);
    tcase_add_test (cases, state_is_no_record);
    Suite *suite = suite_create ("cursor");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
