// Which of the batches behind damage belong there, and which were written over it from elsewhere.

#include "daemons/group/segment.h"

#include "tests/faults.h"
#include "tests/logbook.h"

enum {
    SEQ = 5,        // expected where the damage begins
    NEAR = 1 << 17, // of what lies further behind a page nothing is asked
    GAP = 100       // bytes of damage
};

// Bytes that are no batch.
static void s_gap (logbook_t *book, size_t size)
{
    static uint8_t bytes[NEAR];
    memset (bytes, 0xee, sizeof bytes);
    logbook_write (book, bytes, size);
}

// Records 1-4, and damage behind them.
static logbook_t *s_book (void)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    logbook_batch (book, SEQ - 1, 10);
    s_gap (book, GAP);
    return book;
}

// A batch of one record, from anywhere.
static const entry_t *s_put (logbook_t *book, uint64_t first, size_t text)
{
    book->next = first;
    return logbook_batch (book, 1, text);
}

static int s_judge (const logbook_t *book, uint64_t offset, uint64_t end, uint64_t limit)
{
    segment_walk_t *walk = segment_walk_new (book->fd, &book->id, book->entries[0].offset, end);
    segment_walk_limit (walk, limit);
    int rc = segment_walk_is_stray (walk, offset, SEQ);
    segment_walk_destroy (&walk);
    return rc;
}

static int s_is_stray (const logbook_t *book, const entry_t *entry)
{
    return s_judge (book, entry->offset, UINT64_MAX, UINT64_MAX);
}

// A search from the damage on; `found`: what it should find.
static void s_finds (const logbook_t *book, uint64_t limit, const entry_t *found)
{
    uint64_t offset = book->entries[0].offset + book->entries[0].size;
    segment_walk_t *walk = segment_walk_new (book->fd, &book->id, offset, UINT64_MAX);
    segment_walk_limit (walk, limit);
    ck_assert_int_eq (segment_walk_search (walk, SEQ), SEGMENT_BATCH);
    ck_assert_uint_eq (segment_walk_offset (walk), found->offset);
    segment_walk_destroy (&walk);
}

START_TEST (batch_is_stray_if_more_bytes_are_in_order_without_it)
{
    for (size_t text = 299; text <= 301; text++) {
        logbook_t *book = s_book ();
        const entry_t *page = s_put (book, 10, 300);
        s_gap (book, GAP);
        const entry_t *other = s_put (book, 7, text);
        s_gap (book, GAP);
        ck_assert_int_eq (s_is_stray (book, page), text > 300);
        s_finds (book, UINT64_MAX, text > 300 ? other : page);
        logbook_destroy (book);
    }
}
END_TEST

// Others may be lost, but not for a batch that comes before the damage or behind this one.
START_TEST (only_what_lies_between_the_damage_and_a_batch_makes_it_stray)
{
    for (uint64_t first = SEQ - 2; first <= 14; first++) {
        logbook_t *book = s_book ();
        book->next = 10;
        const entry_t *page = logbook_batch (book, 3, 50); // 10-12
        s_gap (book, GAP);
        s_put (book, first, 900);
        s_gap (book, GAP);
        ck_assert_int_eq (s_is_stray (book, page), first >= SEQ && first <= 12);
        logbook_destroy (book);
    }
}
END_TEST

// A page of an earlier place lies behind too: it is in nobody's way, and what follows it is not
// more because of it.
START_TEST (earlier_batches_do_not_count)
{
    for (uint64_t first = SEQ - 2; first <= SEQ; first++) {
        logbook_t *book = s_book ();
        const entry_t *page = s_put (book, 10, 1000);
        s_put (book, first, 900);
        s_put (book, 10, 300);
        s_gap (book, GAP);
        ck_assert_int_eq (s_is_stray (book, page), first == SEQ);
        logbook_destroy (book);
    }
}
END_TEST

START_TEST (state_does_not_count)
{
    for (int type = BATCH_TYPE_RECORDS; type <= BATCH_TYPE_STATE; type++) {
        logbook_t *book = s_book ();
        const entry_t *page = s_put (book, 10, 300);
        s_gap (book, GAP);
        uint8_t room[BATCH_MAX];
        batch_t head = {.type = (batch_type_t)type, .first = SEQ + 1};
        record_t record = {.kind = RECORD_JOIN, .author = book->id, .nick = span_of ("ann")};
        batch_writer_t batch;
        batch_begin (&batch, room, &head);
        for (int i = 0; i < 20; i++)
            batch_add (&batch, &record);
        span_t bytes = batch_end (&batch, &book->id);
        s_put (book, SEQ, 1); // of what is directly behind a batch any type is seen
        logbook_write (book, bytes.data, bytes.size);
        s_gap (book, GAP);
        ck_assert_int_eq (s_is_stray (book, page), type == BATCH_TYPE_RECORDS);
        logbook_destroy (book);
    }
}
END_TEST

START_TEST (batches_of_the_next_segment_do_not_count)
{
    logbook_t *book = s_book ();
    const entry_t *page = s_put (book, 20, 300);
    s_put (book, 40, 300);
    s_gap (book, GAP);
    const entry_t *other = s_put (book, SEQ, 500);
    s_gap (book, GAP);
    ck_assert_int_eq (s_is_stray (book, page), 0);
    ck_assert_int_eq (s_judge (book, page->offset, UINT64_MAX, 41), 0);
    ck_assert_int_eq (s_judge (book, page->offset, UINT64_MAX, 40), 1);
    s_finds (book, 41, page);
    s_finds (book, 40, other);
    logbook_destroy (book);
}
END_TEST

START_TEST (what_lies_behind_the_end_of_the_walk_does_not_count)
{
    logbook_t *book = s_book ();
    const entry_t *page = s_put (book, 10, 300);
    s_gap (book, GAP);
    const entry_t *other = s_put (book, SEQ, 500);
    uint64_t end = other->offset + other->size;
    s_gap (book, GAP);
    ck_assert_int_eq (s_judge (book, page->offset, end + 1, UINT64_MAX), 1);
    ck_assert_int_eq (s_judge (book, page->offset, end, UINT64_MAX), 1);
    ck_assert_int_eq (s_judge (book, page->offset, end - 1, UINT64_MAX), 0);
    // Nor is it read.
    static faults_event_t events[FAULTS_EVENTS];
    end = page->offset + page->size;
    faults_forget ();
    ck_assert_int_eq (s_judge (book, page->offset, end, UINT64_MAX), 0);
    size_t count = faults_events (events);
    ck_assert_uint_gt (count, 0);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_le (events[i].offset + events[i].size, end);
    logbook_destroy (book);
}
END_TEST

START_TEST (what_lies_far_behind_does_not_count)
{
    static const struct {
        size_t gap;
        size_t text; // of the first one behind it
        int stray;
    } cases[] = {{NEAR, 500, 0}, {NEAR - 1, 500, 1}, {NEAR - 1, 200, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        logbook_t *book = s_book ();
        const entry_t *page = s_put (book, 10, 300);
        s_gap (book, cases[i].gap);
        s_put (book, SEQ, cases[i].text);
        s_put (book, SEQ + 1, 500); // too far in each case
        s_gap (book, GAP);
        ck_assert_int_eq (s_is_stray (book, page), cases[i].stray);
        logbook_destroy (book);
    }
}
END_TEST

// No page is as long as this, however much lies in its way.
START_TEST (as_much_in_order_as_the_largest_batch_is_not_stray)
{
    for (size_t less = 0; less < 2; less++) {
        logbook_t *book = s_book ();
        const entry_t *page = s_put (book, 10, 30000);
        size_t rest = BATCH_MAX - page->size - (page->size - 30000) - less;
        const entry_t *second = logbook_batch (book, 1, rest);
        ck_assert_uint_eq (page->size + second->size, BATCH_MAX - less);
        s_gap (book, GAP);
        const entry_t *other = s_put (book, SEQ, 60000);
        logbook_batch (book, 1, 60000);
        s_gap (book, GAP);
        ck_assert_int_eq (s_is_stray (book, page), less);
        s_finds (book, UINT64_MAX, less ? other : page);
        logbook_destroy (book);
    }
}
END_TEST

START_TEST (place_without_a_batch_is_not_stray)
{
    logbook_t *book = s_book ();
    const entry_t *page = s_put (book, 10, 300);
    s_gap (book, GAP);
    s_put (book, SEQ, 500);
    s_gap (book, GAP);
    ck_assert_int_eq (s_is_stray (book, page), 1);
    for (uint64_t before = 1; before < 10; before++)
        ck_assert_int_eq (s_judge (book, page->offset - before, UINT64_MAX, UINT64_MAX), 0);
    logbook_destroy (book);
}
END_TEST

// Whichever read fails, nothing is said of the batch, and nothing found.
START_TEST (read_error_is_not_taken_for_an_answer)
{
    static const uint8_t zeros[GAP];
    logbook_t *book = s_book ();
    const entry_t *page = s_put (book, 10, 300);
    logbook_write (book, zeros, sizeof zeros); // what is behind them is looked for on its own
    const entry_t *other = s_put (book, SEQ, 500);
    s_gap (book, GAP);
    faults_forget ();
    ck_assert_int_eq (s_is_stray (book, page), 1);
    int reads = (int)faults_calls (FAULTS_PREAD);
    for (int i = 0; i < reads; i++) {
        faults_fail (FAULTS_PREAD, i, 1, EIO);
        ck_assert_int_eq (s_is_stray (book, page), -1);
        ck_assert_int_eq (errno, EIO);
        faults_reset ();
    }
    s_finds (book, UINT64_MAX, other);
    reads = (int)faults_calls (FAULTS_PREAD);
    for (int i = 0; i < reads; i++) {
        segment_walk_t *walk = segment_walk_new (book->fd, &book->id, page->offset - 1, UINT64_MAX);
        faults_fail (FAULTS_PREAD, i, 1, EIO);
        ck_assert_int_eq (segment_walk_search (walk, SEQ), SEGMENT_FAILED);
        ck_assert_int_eq (errno, EIO);
        faults_reset ();
        segment_walk_destroy (&walk);
    }
    logbook_destroy (book);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("segment_stray");
    tcase_add_test (cases, batch_is_stray_if_more_bytes_are_in_order_without_it);
    tcase_add_test (cases, only_what_lies_between_the_damage_and_a_batch_makes_it_stray);
    tcase_add_test (cases, earlier_batches_do_not_count);
    tcase_add_test (cases, state_does_not_count);
    tcase_add_test (cases, batches_of_the_next_segment_do_not_count);
    tcase_add_test (cases, what_lies_behind_the_end_of_the_walk_does_not_count);
    tcase_add_test (cases, what_lies_far_behind_does_not_count);
    tcase_add_test (cases, as_much_in_order_as_the_largest_batch_is_not_stray);
    tcase_add_test (cases, place_without_a_batch_is_not_stray);
    tcase_add_test (cases, read_error_is_not_taken_for_an_answer);
    return kit_run (cases, "segment_stray");
}
