#include "daemons/group/seek.h"

#include "tests/kit.h"

enum { BATCHES = 5, PER_BATCH = 4, STEP = 10 };

static const guid_t s_log = {{1, 2, 3}};
static const int64_t s_base = 1000;

// Batches of four records, 1 to 20, ten microseconds apart: record n has the time 990 + 10 n.
typedef struct {
    uint8_t bytes[BATCHES * 4096];
    size_t size;
    size_t offsets[BATCHES + 1];
} book_t;

static book_t s_book_of (int64_t step)
{
    book_t self = {.size = 0};
    uint64_t seq = 1;
    for (size_t n = 0; n < BATCHES; n++) {
        static uint8_t room[BATCH_MAX];
        batch_writer_t writer;
        batch_t head = {
            .type = BATCH_TYPE_RECORDS, .first = seq, .base = s_base + (int64_t)(seq - 1) * step};
        batch_begin (&writer, room, &head);
        for (size_t i = 0; i < PER_BATCH; i++, seq++) {
            record_t record = {.kind = RECORD_MESSAGE,
                               .time = s_base + (int64_t)(seq - 1) * step,
                               .author = {{9}},
                               .text = span_of ("hello")};
            ck_assert_uint_eq (batch_add (&writer, &record), seq);
        }
        span_t made = batch_end (&writer, &s_log);
        self.offsets[n] = self.size;
        memcpy (self.bytes + self.size, made.data, made.size);
        self.size += made.size;
    }
    self.offsets[BATCHES] = self.size;
    return self;
}

static book_t s_book (void)
{
    return s_book_of (STEP);
}

static uint64_t s_wanted (int64_t time)
{
    for (uint64_t seq = 1; seq <= BATCHES * PER_BATCH; seq++)
        if (s_base + (int64_t)(seq - 1) * STEP >= time)
            return seq;
    return 0;
}

START_TEST (every_time_is_found)
{
    book_t book = s_book ();
    for (int64_t time = s_base - 20; time < s_base + BATCHES * PER_BATCH * STEP + 20; time++) {
        seek_t seek = {.time = time};
        ck_assert (seek_in_batches (&seek, span (book.bytes, book.size), &s_log));
        ck_assert_uint_eq (seek.is, s_wanted (time));
        ck_assert_uint_eq (seek.may, seek.is);
    }
    const int64_t ends[] = {INT64_MIN, 0, INT64_MAX};
    for (size_t n = 0; n < 3; n++) {
        seek_t seek = {.time = ends[n]};
        ck_assert (seek_in_batches (&seek, span (book.bytes, book.size), &s_log));
        ck_assert_uint_eq (seek.is, s_wanted (ends[n]));
    }
}
END_TEST

START_TEST (first_of_equal_times_is_found)
{
    book_t book = s_book_of (0);
    seek_t seek = {.time = s_base};
    ck_assert (seek_in_batches (&seek, span (book.bytes, book.size), &s_log));
    ck_assert_uint_eq (seek.is, 1);
}
END_TEST

START_TEST (all_at_once_is_as_one_by_one)
{
    book_t book = s_book ();
    for (uint64_t lost = 0; lost < 8; lost++)
        for (int64_t time = s_base - 5; time < s_base + 210; time += 5) {
            seek_t once = {.time = time, .lost = lost};
            seek_t slow = once;
            ck_assert (seek_in_batches (&once, span (book.bytes, book.size), &s_log));
            for (size_t n = 0; n < BATCHES && !slow.is; n++) {
                batch_t batch;
                span_t bytes = span (book.bytes + book.offsets[n], book.size - book.offsets[n]);
                ck_assert_int_eq (batch_open (&batch, bytes, &s_log), 0);
                seek_in_batch (&slow, &batch);
            }
            ck_assert_uint_eq (once.is, slow.is);
            ck_assert_uint_eq (once.may, slow.may);
            ck_assert_uint_eq (once.lost, slow.lost);
        }
}
END_TEST

START_TEST (what_is_lost_in_front_counts)
{
    book_t book = s_book ();
    size_t skip = book.offsets[1]; // records 1 to 4 are lost
    seek_t seek = {.time = 0};
    seek_lost (&seek, 1);
    seek_lost (&seek, 3); // the first one stays
    ck_assert (seek_in_batches (&seek, span (book.bytes + skip, book.size - skip), &s_log));
    ck_assert_uint_eq (seek.is, 5);
    ck_assert_uint_eq (seek.may, 1);
    seek = (seek_t){.time = s_base + 5 * STEP, .lost = 1}; // record 5 was before
    ck_assert (seek_in_batches (&seek, span (book.bytes + skip, book.size - skip), &s_log));
    ck_assert_uint_eq (seek.is, 6);
    ck_assert_uint_eq (seek.may, 6);
}
END_TEST

START_TEST (what_is_odd_changes_nothing)
{
    book_t book = s_book ();
    const seek_t fresh = {.time = s_base + 15 * STEP, .lost = 7};
    seek_t seek = fresh;
    book.bytes[book.offsets[2] + BATCH_HEADER + 5] ^= 1; // damaged
    ck_assert (!seek_in_batches (&seek, span (book.bytes, book.size), &s_log));
    ck_assert_int_eq (memcmp (&seek, &fresh, sizeof seek), 0);
    book = s_book ();
    memmove (book.bytes + book.offsets[1], book.bytes + book.offsets[2],
             book.size - book.offsets[2]); // one is missing
    ck_assert (!seek_in_batches (
        &seek, span (book.bytes, book.size - (book.offsets[2] - book.offsets[1])), &s_log));
    book = s_book ();
    ck_assert (!seek_in_batches (&seek, span (book.bytes, book.size - 1), &s_log)); // cut
    const guid_t other = {{4}};
    ck_assert (!seek_in_batches (&seek, span (book.bytes, book.size), &other));
    ck_assert_int_eq (memcmp (&seek, &fresh, sizeof seek), 0);
}
END_TEST

START_TEST (holes_are_lost_records)
{
    uint8_t bytes[BATCH_MAX];
    const hole_t hole = {.from = 3, .to = 6};
    const chain_t chain = {{0}};
    batch_t batch;
    span_t made = hole_write (&hole, &chain, s_base, NULL, &s_log, bytes);
    seek_t seek = {.time = s_base};
    ck_assert (!seek_in_batches (&seek, made, &s_log));
    ck_assert_int_eq (batch_open (&batch, made, &s_log), 0);
    seek_in_batch (&seek, &batch);
    ck_assert_uint_eq (seek.lost, 3);
    ck_assert_uint_eq (seek.is, 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("seek");
    tcase_add_test (cases, every_time_is_found);
    tcase_add_test (cases, first_of_equal_times_is_found);
    tcase_add_test (cases, all_at_once_is_as_one_by_one);
    tcase_add_test (cases, what_is_lost_in_front_counts);
    tcase_add_test (cases, what_is_odd_changes_nothing);
    tcase_add_test (cases, holes_are_lost_records);
    return kit_run (cases, "seek");
}
