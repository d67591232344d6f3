#include "daemons/group/segment.h"

#include "common/text.h"
#include "tests/faults.h"
#include "tests/logbook.h"

#include <errno.h>

enum { WINDOW = 1 << 20 }; // what a walk reads at once

// ---- The walk

// A segment of three batches: records 1-2, 3, 4-6.
static logbook_t *s_three (void)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    logbook_batch (book, 2, 10);
    logbook_batch (book, 1, 300);
    logbook_batch (book, 3, 5);
    return book;
}

static segment_walk_t *s_walk (const logbook_t *book)
{
    return segment_walk_new (book->fd, &book->id, book->entries[0].offset, UINT64_MAX);
}

static void s_is_batch (segment_walk_t *walk, const entry_t *entry)
{
    batch_t batch;
    ck_assert_int_eq (segment_walk_next (walk, &batch), SEGMENT_BATCH);
    ck_assert_uint_eq (batch.first, entry->first);
    ck_assert_uint_eq (batch_last (&batch), entry->last);
    ck_assert_uint_eq (segment_walk_offset (walk), entry->offset + entry->size);
    record_t record;
    ck_assert_int_eq (batch_next (&batch, &record), 1); // rewound
    ck_assert_uint_eq (record.seq, entry->first);
}

static void s_is_end (segment_walk_t *walk, segment_step_t wanted)
{
    batch_t batch;
    uint64_t offset = segment_walk_offset (walk);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq (segment_walk_next (walk, &batch), wanted);
        ck_assert_uint_eq (segment_walk_offset (walk), offset);
    }
}

// A walk over all three batches, then `wanted`.
static void s_three_then (const logbook_t *book, segment_step_t wanted)
{
    segment_walk_t *walk = s_walk (book);
    for (size_t i = 0; i < 3; i++)
        s_is_batch (walk, &book->entries[i]);
    s_is_end (walk, wanted);
    segment_walk_destroy (&walk);
    ck_assert_ptr_null (walk);
    segment_walk_destroy (&walk);
}

START_TEST (walk_ends_with_the_file)
{
    logbook_t *book = s_three ();
    s_three_then (book, SEGMENT_END);
    logbook_destroy (book);
}
END_TEST

START_TEST (zeros_are_a_clean_end)
{
    static const off_t sizes[] = {1, 3, 4, 67, 4096, 300000, WINDOW, 3 * WINDOW + 5};
    logbook_t *book = s_three ();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ck_assert_int_eq (ftruncate (book->fd, (off_t)book->at + sizes[i]), 0);
        s_three_then (book, SEGMENT_END);
    }
    logbook_destroy (book);
}
END_TEST

START_TEST (anything_else_behind_is_bad)
{
    static const uint64_t behind[] = {0, 1, 2, 3, 4, 100, 4096, WINDOW - 1, 2 * WINDOW};
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        logbook_t *book = s_three ();
        logbook_spoil (book, 0, book->at + behind[i], "\1", 1);
        s_three_then (book, SEGMENT_BAD);
        logbook_destroy (book);
    }
}
END_TEST

START_TEST (every_cut_of_the_last_batch_is_bad)
{
    logbook_t *book = s_three ();
    const entry_t *last = &book->entries[2];
    for (uint64_t size = book->at - 1; size > last->offset; size--) {
        ck_assert_int_eq (ftruncate (book->fd, (off_t)size), 0);
        segment_walk_t *walk = s_walk (book);
        s_is_batch (walk, &book->entries[0]);
        s_is_batch (walk, &book->entries[1]);
        // The first three bytes are zeros, and alone they could as well be a clean end.
        s_is_end (walk, size <= last->offset + 3 ? SEGMENT_END : SEGMENT_BAD);
        segment_walk_destroy (&walk);
    }
    ck_assert_int_eq (ftruncate (book->fd, (off_t)last->offset), 0);
    segment_walk_t *walk = s_walk (book);
    s_is_batch (walk, &book->entries[0]);
    s_is_batch (walk, &book->entries[1]);
    s_is_end (walk, SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (walk_stops_where_it_is_told)
{
    logbook_t *book = s_three ();
    segment_walk_t *walk =
        segment_walk_new (book->fd, &book->id, book->entries[0].offset, book->entries[2].offset);
    s_is_batch (walk, &book->entries[0]);
    s_is_batch (walk, &book->entries[1]);
    s_is_end (walk, SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (state_is_walked_over_whatever_is_expected)
{
    logbook_t *book = s_three ();
    segment_walk_t *walk = segment_walk_new (book->fd, &book->id, SEGMENT_HEADER, UINT64_MAX);
    chain_t chain = chain_start (&book->id);
    batch_t batch;
    segment_walk_expect (walk, 1, &chain);
    ck_assert_int_eq (segment_walk_next (walk, &batch), SEGMENT_BATCH);
    ck_assert_int_eq (batch.type, BATCH_TYPE_STATE);
    ck_assert (chain_equal (segment_walk_chain (walk), &chain));
    for (size_t i = 0; i < 3; i++)
        s_is_batch (walk, &book->entries[i]);
    ck_assert (chain_equal (segment_walk_chain (walk), &book->chain));
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (batch_out_of_place_is_bad)
{
    logbook_t *book = s_three ();
    chain_t chain = chain_start (&book->id), wrong = chain;
    wrong.bytes[31] ^= 1;
    segment_walk_t *walk = s_walk (book);
    segment_walk_expect (walk, 2, NULL);
    s_is_end (walk, SEGMENT_BAD);
    segment_walk_expect (walk, 1, &wrong);
    s_is_end (walk, SEGMENT_BAD);
    segment_walk_expect (walk, 1, &chain);
    s_is_batch (walk, &book->entries[0]);
    segment_walk_expect (walk, 4, NULL);
    s_is_end (walk, SEGMENT_BAD);
    segment_walk_expect (walk, 3, NULL); // kept up from batch to batch
    s_is_batch (walk, &book->entries[1]);
    s_is_batch (walk, &book->entries[2]);
    segment_walk_destroy (&walk);
    // The second batch again, behind the third: whole, but not in its place.
    uint8_t bytes[BATCH_MAX];
    const entry_t *second = &book->entries[1];
    segment_pread (book->fd, bytes, second->size, second->offset);
    logbook_write (book, bytes, second->size);
    walk = s_walk (book);
    segment_walk_expect (walk, 1, NULL);
    for (size_t i = 0; i < 3; i++)
        s_is_batch (walk, &book->entries[i]);
    s_is_end (walk, SEGMENT_BAD);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (batch_of_another_log_is_bad)
{
    logbook_t *book = s_three ();
    guid_t other = book->id;
    other.bytes[0] ^= 1;
    segment_walk_t *walk = segment_walk_new (book->fd, &other, book->entries[0].offset, UINT64_MAX);
    s_is_end (walk, SEGMENT_BAD);
    ck_assert_int_eq (segment_walk_search (walk, 1), SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (batch_with_broken_records_is_bad_however_right_its_checksum)
{
    logbook_t *book = s_three ();
    uint8_t room[BATCH_MAX];
    batch_t head = {.type = BATCH_TYPE_RECORDS, .first = book->next, .chain = book->chain};
    record_t record = {.kind = RECORD_MESSAGE, .text = span_of ("hi")};
    batch_writer_t batch;
    batch_begin (&batch, room, &head);
    batch_add (&batch, &record);
    room[BATCH_HEADER]++; // the record's size
    span_t bytes = batch_end (&batch, &book->id);
    logbook_write (book, bytes.data, bytes.size);
    s_three_then (book, SEGMENT_BAD);
    logbook_destroy (book);
}
END_TEST

START_TEST (walk_goes_through_files_larger_than_its_window)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    while (book->at < 3 * WINDOW) {
        logbook_batch (book, 1, 60000);
        logbook_batch (book, 1000, 3);
        logbook_batch (book, 1, 1);
    }
    segment_walk_t *walk = s_walk (book);
    chain_t chain = chain_start (&book->id);
    segment_walk_expect (walk, 1, &chain);
    for (size_t i = 0; i < book->count; i++)
        s_is_batch (walk, &book->entries[i]);
    s_is_end (walk, SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (walk_goes_over_holes)
{
    logbook_t *book = s_three ();
    logbook_hole (book, 500);
    logbook_batch (book, 2, 5);
    logbook_hole (book, 0);
    logbook_batch (book, 1, 5);
    segment_walk_t *walk = s_walk (book);
    chain_t chain = chain_start (&book->id);
    segment_walk_expect (walk, 1, &chain);
    for (size_t i = 0; i < book->count; i++) {
        batch_t batch;
        ck_assert_int_eq (segment_walk_next (walk, &batch), SEGMENT_BATCH);
        ck_assert_uint_eq (hole_first (&batch), book->entries[i].first);
        ck_assert_uint_eq (hole_last (&batch), book->entries[i].last);
    }
    ck_assert (chain_equal (segment_walk_chain (walk), &book->chain));
    s_is_end (walk, SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (refreshed_walk_sees_what_was_appended)
{
    logbook_t *book = s_three ();
    segment_walk_t *walk = s_walk (book);
    for (size_t i = 0; i < 3; i++)
        s_is_batch (walk, &book->entries[i]);
    s_is_end (walk, SEGMENT_END);
    logbook_batch (book, 5, 5);
    segment_walk_refresh (walk);
    s_is_batch (walk, &book->entries[3]);
    s_is_end (walk, SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (read_error_is_neither_end_nor_damage)
{
    logbook_t *book = s_three ();
    uint8_t digest[BATCH_DIGEST], byte;
    batch_t batch;
    int blind = open (logbook_path (book, 0), O_WRONLY);
    segment_walk_t *walk = segment_walk_new (blind, &book->id, book->entries[0].offset, UINT64_MAX);
    ck_assert_int_eq (segment_walk_next (walk, &batch), SEGMENT_FAILED);
    ck_assert_int_eq (errno, EBADF);
    ck_assert_int_eq (segment_walk_search (walk, 1), SEGMENT_FAILED);
    segment_walk_destroy (&walk);
    ck_assert_int_eq (segment_pread (blind, &byte, 1, 0), -1);
    ck_assert_int_eq (segment_digest (blind, 100, digest), -1);
    ck_assert_int_eq (segment_used (blind, 0), -1);
    close (blind);
    logbook_destroy (book);
}
END_TEST

// ---- Search

// Eight batches; those from `from` up to `to` are damaged.
static logbook_t *s_hole (size_t from, size_t to, spoil_t how)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    for (size_t i = 0; i < 8; i++)
        logbook_batch (book, 1 + i, 50 * i + 1);
    for (size_t i = from; i <= to; i++)
        logbook_damage (book, &book->entries[i], how);
    return book;
}

START_TEST (interrupted_reads_go_on)
{
    logbook_t *book = s_three ();
    segment_walk_t *walk = s_walk (book);
    faults_fail (FAULTS_PREAD, 0, 3, EINTR);
    s_is_batch (walk, &book->entries[0]);
    faults_reset ();
    segment_walk_destroy (&walk);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

// Whether anything follows zeros is a question to the disk too.
START_TEST (read_error_behind_zeros_is_an_error)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    static const uint8_t zeros[5000];
    segment_walk_t *walk = segment_walk_new (book->fd, &book->id, book->at, UINT64_MAX);
    logbook_write (book, zeros, sizeof zeros);
    batch_t batch;
    for (int skip = 0; skip < 5; skip++) { // two of the walk, three to look behind the zeros
        segment_walk_refresh (walk);
        faults_fail (FAULTS_PREAD, skip, 1, EIO);
        ck_assert_int_eq (segment_walk_next (walk, &batch), SEGMENT_FAILED);
        faults_reset ();
        ck_assert_int_eq (segment_walk_next (walk, &batch), SEGMENT_END);
    }
    segment_walk_destroy (&walk);
    walk = segment_walk_new (-1, &book->id, 0, UINT64_MAX);
    ck_assert_int_eq (segment_walk_next (walk, &batch), SEGMENT_FAILED);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

// Its checksum is right, its records are not: whoever made it was wrong.
START_TEST (search_passes_over_broken_records)
{
    logbook_t *book = s_three ();
    uint8_t room[BATCH_MAX], records[200];
    batch_t head = {.type = BATCH_TYPE_RECORDS, .first = book->next, .chain = book->chain};
    record_t record = {.kind = RECORD_MESSAGE, .text = span_of ("hi"), .author = {{1}}};
    batch_writer_t batch;
    batch_begin (&batch, room, &head);
    ck_assert_uint_gt (batch_add (&batch, &record), 0);
    room[BATCH_HEADER]--;
    memset (records, 0xee, sizeof records);
    logbook_write (book, records, 10);
    span_t bytes = batch_end (&batch, &book->id);
    logbook_write (book, bytes.data, bytes.size);
    segment_walk_t *walk = s_walk (book);
    ck_assert_int_eq (segment_walk_search (walk, book->next), SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (search_finds_the_next_whole_batch)
{
    for (int how = SPOIL_HEADER; how <= SPOIL_ZEROS; how++)
        for (size_t from = 0; from < 7; from++)
            for (size_t to = from; to < 7; to++) {
                logbook_t *book = s_hole (from, to, (spoil_t)how);
                segment_walk_t *walk = s_walk (book);
                segment_walk_expect (walk, 1, NULL);
                for (size_t i = 0; i < from; i++)
                    s_is_batch (walk, &book->entries[i]);
                s_is_end (walk, SEGMENT_BAD);
                ck_assert_int_eq (segment_walk_search (walk, book->entries[from].first),
                                  SEGMENT_BATCH);
                ck_assert_uint_eq (segment_walk_offset (walk), book->entries[to + 1].offset);
                for (size_t i = to + 1; i < 8; i++)
                    s_is_batch (walk, &book->entries[i]);
                s_is_end (walk, SEGMENT_END);
                segment_walk_destroy (&walk);
                logbook_destroy (book);
            }
}
END_TEST

START_TEST (search_passes_over_lower_sequences)
{
    logbook_t *book = s_hole (0, 0, SPOIL_HEADER);
    segment_walk_t *walk = s_walk (book);
    s_is_end (walk, SEGMENT_BAD);
    ck_assert_int_eq (segment_walk_search (walk, book->entries[4].first), SEGMENT_BATCH);
    ck_assert_uint_eq (segment_walk_offset (walk), book->entries[4].offset);
    ck_assert_int_eq (segment_walk_search (walk, book->entries[4].first + 1), SEGMENT_BATCH);
    ck_assert_uint_eq (segment_walk_offset (walk), book->entries[5].offset);
    ck_assert_int_eq (segment_walk_search (walk, book->next), SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

// A page of the log was written over another one: some batches are there twice, and others not at
// all.
static void s_misplace (logbook_t *book, uint64_t from, uint64_t to, size_t size)
{
    uint8_t *page = malloc (size);
    ck_assert_int_eq (segment_pread (book->fd, page, size, from), size);
    ck_assert_int_eq (pwrite (book->fd, page, size, (off_t)to), (ssize_t)size);
    free (page);
}

START_TEST (search_passes_over_a_page_of_a_later_place)
{
    for (size_t later = 12; later < 60; later += 9)
        for (uint64_t shift = 0; shift < 700; shift += 99) {
            logbook_t *book = logbook_new ();
            logbook_segment (book);
            for (size_t i = 0; i < 64; i++)
                logbook_batch (book, 1 + i % 2, 300 + 10 * (i % 7));
            uint64_t page = book->entries[3].offset + shift, end = page + 2048;
            size_t bad = 3, good = 3;
            while (book->entries[bad].offset + book->entries[bad].size <= page)
                bad++;
            while (book->entries[good].offset < end)
                good++;
            s_misplace (book, book->entries[later].offset + 50, page, 2048);
            segment_walk_t *walk = s_walk (book);
            for (size_t i = 0; i < bad; i++)
                s_is_batch (walk, &book->entries[i]);
            s_is_end (walk, SEGMENT_BAD);
            uint64_t seq = book->entries[bad].first;
            ck_assert_int_eq (segment_walk_search (walk, seq), SEGMENT_BATCH);
            ck_assert_uint_eq (segment_walk_offset (walk), book->entries[good].offset);
            for (size_t i = good; i < 64; i++)
                s_is_batch (walk, &book->entries[i]);
            segment_walk_destroy (&walk);
            logbook_destroy (book);
        }
}
END_TEST

// The same where other damage leaves little between it and the rest, or it was written twice.
START_TEST (search_passes_over_a_page_beside_other_damage)
{
    for (size_t twice = 0; twice < 2; twice++)
        for (size_t later = 20; later < 56; later += 9) {
            logbook_t *book = logbook_new ();
            logbook_segment (book);
            for (size_t i = 0; i < 64; i++)
                logbook_batch (book, 1 + i % 2, 300 + 10 * (i % 7));
            uint64_t from = book->entries[later].offset;
            size_t size = (size_t)(book->entries[later + 4].offset - from);
            s_misplace (book, from, book->entries[3].offset + 9, size);
            if (twice)
                s_misplace (book, from, book->entries[9].offset + 9, size);
            else
                logbook_damage (book, &book->entries[10], SPOIL_HEADER);
            size_t good = 3;
            while (book->entries[good].offset < book->entries[3].offset + 9 + size)
                good++;
            segment_walk_t *walk = s_walk (book);
            for (size_t i = 0; i < 3; i++)
                s_is_batch (walk, &book->entries[i]);
            s_is_end (walk, SEGMENT_BAD);
            uint64_t seq = book->entries[3].first;
            ck_assert_int_eq (segment_walk_search (walk, seq), SEGMENT_BATCH);
            ck_assert_uint_eq (segment_walk_offset (walk), book->entries[good].offset);
            segment_walk_destroy (&walk);
            logbook_destroy (book);
        }
}
END_TEST

START_TEST (search_finds_nothing_of_the_next_segment)
{
    logbook_t *book = s_hole (1, 2, SPOIL_HEADER);
    segment_walk_t *walk = s_walk (book);
    s_is_batch (walk, &book->entries[0]);
    s_is_end (walk, SEGMENT_BAD);
    segment_walk_limit (walk, book->entries[3].first);
    ck_assert_int_eq (segment_walk_search (walk, book->entries[1].first), SEGMENT_END);
    segment_walk_destroy (&walk);
    walk = s_walk (book);
    segment_walk_limit (walk, book->entries[3].first + 1);
    ck_assert_int_eq (segment_walk_search (walk, book->entries[1].first), SEGMENT_BATCH);
    ck_assert_uint_eq (segment_walk_offset (walk), book->entries[3].offset);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

// What stands behind a hole stays what it is, however little of it there is before the next hole.
START_TEST (few_batches_between_holes_are_not_stray)
{
    logbook_t *book = s_hole (1, 2, SPOIL_HEADER);
    logbook_damage (book, &book->entries[4], SPOIL_HEADER);
    segment_walk_t *walk = s_walk (book);
    s_is_batch (walk, &book->entries[0]);
    s_is_end (walk, SEGMENT_BAD);
    ck_assert_int_eq (segment_walk_search (walk, book->entries[1].first), SEGMENT_BATCH);
    ck_assert_uint_eq (segment_walk_offset (walk), book->entries[3].offset);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (search_goes_no_further_than_it_is_told_to)
{
    for (int how = SPOIL_HEADER; how <= SPOIL_ZEROS; how++) {
        logbook_t *book = s_hole (2, 5, (spoil_t)how);
        uint64_t seq = book->entries[2].first, found = book->entries[6].offset;
        segment_walk_t *walk = s_walk (book);
        for (size_t i = 0; i < 2; i++)
            s_is_batch (walk, &book->entries[i]);
        for (uint64_t stop = segment_walk_offset (walk) + 1; stop <= found; stop += 7) {
            ck_assert_int_eq (segment_walk_search_to (walk, seq, stop), SEGMENT_BAD);
            ck_assert_uint_eq (segment_walk_offset (walk), stop - 1);
        }
        ck_assert_int_eq (segment_walk_search_to (walk, seq, found), SEGMENT_BAD);
        ck_assert_int_eq (segment_walk_search_to (walk, seq, found + 1), SEGMENT_BATCH);
        s_is_batch (walk, &book->entries[6]);
        segment_walk_destroy (&walk);
        logbook_destroy (book);
    }
}
END_TEST

START_TEST (zeros_are_not_looked_behind_when_a_batch_is_tried)
{
    static const uint8_t zeros[WINDOW];
    logbook_t *book = s_three ();
    segment_walk_t *walk = s_walk (book);
    batch_t batch;
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq (segment_walk_try (walk, &batch), SEGMENT_BATCH);
    ck_assert_int_eq (segment_walk_try (walk, &batch), SEGMENT_END);
    logbook_write (book, zeros, sizeof zeros);
    segment_walk_refresh (walk);
    ck_assert_int_eq (segment_walk_try (walk, &batch), SEGMENT_BAD);
    ck_assert_int_eq (segment_walk_next (walk, &batch), SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (search_that_finds_nothing_comes_to_the_end)
{
    logbook_t *book = s_hole (3, 7, SPOIL_BODY);
    segment_walk_t *walk = s_walk (book);
    for (size_t i = 0; i < 3; i++)
        s_is_batch (walk, &book->entries[i]);
    s_is_end (walk, SEGMENT_BAD);
    ck_assert_int_eq (segment_walk_search (walk, 1), SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (search_goes_through_holes_larger_than_its_window)
{
    static uint8_t noise[2 * WINDOW + 777];
    dice_t chance = dice_new ("search_goes_through_holes_larger_than_its_window");
    for (int zeros = 0; zeros < 2; zeros++) {
        logbook_t *book = s_three ();
        if (!zeros)
            dice_fill (&chance, noise, sizeof noise);
        else
            memset (noise, 0, sizeof noise);
        logbook_write (book, noise, sizeof noise);
        logbook_batch (book, 2, 60);
        segment_walk_t *walk = s_walk (book);
        for (size_t i = 0; i < 3; i++)
            s_is_batch (walk, &book->entries[i]);
        s_is_end (walk, SEGMENT_BAD);
        ck_assert_int_eq (segment_walk_search (walk, 7), SEGMENT_BATCH);
        s_is_batch (walk, &book->entries[3]);
        s_is_end (walk, SEGMENT_END);
        segment_walk_destroy (&walk);
        logbook_destroy (book);
    }
}
END_TEST

START_TEST (search_finds_the_largest_batch)
{
    logbook_t *book = s_hole (7, 7, SPOIL_BODY);
    ck_assert_uint_eq (logbook_batch (book, 2, 32709)->size, BATCH_MAX);
    segment_walk_t *walk = s_walk (book);
    ck_assert_int_eq (segment_walk_search (walk, book->entries[7].first), SEGMENT_BATCH);
    s_is_batch (walk, &book->entries[8]);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

START_TEST (state_is_searched_like_records)
{
    logbook_t *book = s_three ();
    segment_walk_t *walk = segment_walk_new (book->fd, &book->id, 0, UINT64_MAX);
    batch_t batch;
    s_is_end (walk, SEGMENT_BAD); // the header is no batch
    ck_assert_int_eq (segment_walk_search_state (walk), SEGMENT_BATCH);
    ck_assert_uint_eq (segment_walk_offset (walk), SEGMENT_HEADER);
    ck_assert_int_eq (segment_walk_next (walk, &batch), SEGMENT_BATCH);
    ck_assert_int_eq (batch.type, BATCH_TYPE_STATE);
    s_is_batch (walk, &book->entries[0]);
    ck_assert_int_eq (segment_walk_search_state (walk), SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

// ---- What a start asks

static int s_begins_whole (const logbook_t *book)
{
    uint8_t bytes[SEGMENT_HEADER];
    segment_header_t header;
    segment_pread (book->fd, bytes, sizeof bytes, 0);
    return segment_header_decode (&header, bytes) < 0 ? -2
                                                      : segment_begins_whole (book->fd, &header);
}

START_TEST (beginning_is_whole_if_header_state_and_first_batch_agree)
{
    logbook_t *book = s_three ();
    ck_assert_int_eq (s_begins_whole (book), 1);
    // Any byte of STATE or of the first batch; what follows does not matter.
    uint64_t end = book->entries[0].offset + book->entries[0].size;
    for (uint64_t at = SEGMENT_HEADER; at < end; at++) {
        uint8_t byte;
        segment_pread (book->fd, &byte, 1, at);
        byte ^= 4;
        logbook_spoil (book, 0, at, &byte, 1);
        ck_assert_int_eq (s_begins_whole (book), 0);
        byte ^= 4;
        logbook_spoil (book, 0, at, &byte, 1);
    }
    logbook_spoil (book, 0, end + 3, "?", 1);
    ck_assert_int_eq (s_begins_whole (book), 1);
    for (off_t size = (off_t)end - 1; size >= SEGMENT_HEADER; size -= 7) {
        ck_assert_int_eq (ftruncate (book->fd, size), 0);
        ck_assert_int_eq (s_begins_whole (book), 0);
    }
    logbook_destroy (book);
}
END_TEST

START_TEST (first_batch_must_say_that_it_opens_the_segment)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    book->opens = false;
    logbook_batch (book, 2, 10);
    ck_assert_int_eq (s_begins_whole (book), 0);
    logbook_destroy (book);
}
END_TEST

START_TEST (beginning_of_another_version_or_log_is_not_whole)
{
    logbook_t *book = s_three ();
    segment_header_t header = {.version = SEGMENT_VERSION, .log = book->id, .first = 1};
    header.chain = chain_start (&book->id);
    header.state_size = (uint32_t)(book->entries[0].offset - SEGMENT_HEADER);
    ck_assert_int_eq (segment_begins_whole (book->fd, &header), 1);
    header.version++;
    ck_assert_int_eq (segment_begins_whole (book->fd, &header), 0);
    header.version--;
    header.first++; // the first batch is another one's
    ck_assert_int_eq (segment_begins_whole (book->fd, &header), 0);
    header.first--;
    header.chain.bytes[5] ^= 1;
    ck_assert_int_eq (segment_begins_whole (book->fd, &header), 0);
    header.chain.bytes[5] ^= 1;
    header.log.bytes[5] ^= 1;
    ck_assert_int_eq (segment_begins_whole (book->fd, &header), 0);
    int blind = open (logbook_path (book, 0), O_WRONLY);
    ck_assert_int_eq (segment_begins_whole (blind, &header), -1);
    ck_assert_int_eq (segment_was_durable (blind, &book->id, 0, 1), -1);
    close (blind);
    logbook_destroy (book);
}
END_TEST

static segment_header_t s_header (int fd)
{
    segment_header_t header;
    uint8_t bytes[SEGMENT_HEADER];
    ck_assert_int_eq (segment_pread (fd, bytes, sizeof bytes, 0), SEGMENT_HEADER);
    ck_assert_int_eq (segment_header_decode (&header, bytes), 0);
    return header;
}

static int s_is_overtaken (const logbook_t *book, int fd, uint16_t version)
{
    int before_fd = open (logbook_path (book, 0), O_RDONLY);
    segment_header_t header = s_header (book->fd), before = s_header (before_fd);
    before.version = version;
    int rc = segment_is_overtaken (fd < 0 ? book->fd : fd, &header, before_fd, &before);
    close (before_fd);
    return rc;
}

// The first segment goes on with the records that the second one holds too.
START_TEST (segment_of_a_failed_write_is_overtaken)
{
    uint8_t room[BATCH_MAX];
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    logbook_batch (book, 2, 10);
    logbook_batch (book, 2, 10);
    uint64_t at = book->at;
    logbook_segment (book);
    book->opens = false;
    span_t batch = logbook_make (book, 2, 20, room);
    book->opens = true;
    logbook_batch (book, 2, 10);
    ck_assert_int_eq (s_is_overtaken (book, -1, SEGMENT_VERSION), 0);
    logbook_spoil (book, 0, at, batch.data, batch.size);
    ck_assert_int_eq (s_is_overtaken (book, -1, SEGMENT_VERSION), 1);
    ck_assert_int_eq (s_is_overtaken (book, -1, 0), 0);
    int before_fd = open (logbook_path (book, 0), O_RDONLY);
    segment_header_t header = s_header (book->fd), before = s_header (before_fd);
    header.version++;
    ck_assert_int_eq (segment_is_overtaken (book->fd, &header, before_fd, &before), 0);
    close (before_fd);
    int blind = open (logbook_path (book, 1), O_WRONLY);
    ck_assert_int_eq (s_is_overtaken (book, blind, SEGMENT_VERSION), -1);
    close (blind);
    logbook_batch (book, 1, 10); // it says that what was before it is durable
    ck_assert_int_eq (s_is_overtaken (book, -1, SEGMENT_VERSION), 0);
    logbook_destroy (book);
}
END_TEST

// What follows STATE is records, but a segment before may be damaged in any way.
START_TEST (state_does_not_overtake)
{
    uint8_t room[BATCH_MAX];
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    logbook_batch (book, 4, 10);
    batch_t head = {.type = BATCH_TYPE_STATE, .first = book->next};
    record_t record = {.kind = RECORD_JOIN, .author = book->id, .nick = span_of ("ann")};
    batch_writer_t batch;
    batch_begin (&batch, room, &head);
    batch_add (&batch, &record);
    span_t bytes = batch_end (&batch, &book->id);
    logbook_write (book, bytes.data, bytes.size);
    uint64_t at = book->at;
    logbook_segment (book);
    book->opens = false;
    bytes = logbook_make (book, 1, 20, room);
    book->opens = true;
    logbook_batch (book, 1, 10);
    ck_assert_int_eq (s_is_overtaken (book, -1, SEGMENT_VERSION), 0);
    logbook_spoil (book, 0, at, bytes.data, bytes.size); // behind it the record itself
    ck_assert_int_eq (s_is_overtaken (book, -1, SEGMENT_VERSION), 1);
    logbook_destroy (book);
}
END_TEST

// Whichever read fails, neither of the two questions has an answer.
START_TEST (read_error_of_a_start_is_an_error)
{
    uint8_t room[BATCH_MAX];
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    logbook_batch (book, 2, 10);
    uint64_t at = book->at;
    logbook_segment (book);
    book->opens = false;
    span_t batch = logbook_make (book, 2, 20, room);
    book->opens = true;
    logbook_batch (book, 2, 10);
    logbook_spoil (book, 0, at, batch.data, batch.size);
    int before_fd = open (logbook_path (book, 0), O_RDONLY);
    segment_header_t header = s_header (book->fd), before = s_header (before_fd);
    faults_forget ();
    for (int question = 0; question < 2; question++) {
        int reads = 1;
        for (int i = -1; i < reads; i++) {
            faults_fail (FAULTS_PREAD, i, i >= 0, EIO); // first none
            int rc = question == 0 ? segment_begins_whole (before_fd, &before)
                                   : segment_is_overtaken (book->fd, &header, before_fd, &before);
            ck_assert_int_eq (rc, i >= 0 ? -1 : 1);
            if (i < 0)
                reads = (int)faults_calls (FAULTS_PREAD);
            faults_reset ();
        }
    }
    close (before_fd);
    logbook_destroy (book);
}
END_TEST

START_TEST (first_batch_must_hold_records)
{
    logbook_t *book = s_three ();
    segment_header_t header;
    uint8_t bytes[SEGMENT_HEADER];
    ck_assert_int_eq (segment_pread (book->fd, bytes, sizeof bytes, 0), SEGMENT_HEADER);
    ck_assert_int_eq (segment_header_decode (&header, bytes), 0);
    ck_assert_int_eq (segment_begins_whole (book->fd, &header), 1);
    header.state_size = 0; // STATE stands where the first batch should
    ck_assert_int_eq (segment_begins_whole (book->fd, &header), 0);
    logbook_destroy (book);
}
END_TEST

// What STATE says of itself says nothing of records.
START_TEST (state_says_nothing_of_what_was_durable)
{
    logbook_t *book = logbook_new ();
    book->next = 8;
    logbook_segment (book);
    ck_assert_int_eq (segment_was_durable (book->fd, &book->id, SEGMENT_HEADER, 7), 0);
    logbook_batch (book, 1, 1);
    ck_assert_int_eq (segment_was_durable (book->fd, &book->id, SEGMENT_HEADER, 7), 1);
    logbook_destroy (book);
}
END_TEST

// In the logbook each batch says that all before it was durable.
START_TEST (later_batch_says_what_was_durable)
{
    logbook_t *book = s_three (); // 1-2, 3, 4-6
    for (uint64_t seq = 1; seq <= 9; seq++)
        ck_assert_int_eq (segment_was_durable (book->fd, &book->id, 0, seq), seq <= 3);
    // Only what lies there or behind it speaks.
    ck_assert_int_eq (segment_was_durable (book->fd, &book->id, book->entries[2].offset, 3), 1);
    ck_assert_int_eq (segment_was_durable (book->fd, &book->id, book->entries[2].offset + 1, 3), 0);
    logbook_damage (book, &book->entries[1], SPOIL_HEADER);
    ck_assert_int_eq (segment_was_durable (book->fd, &book->id, book->entries[1].offset, 3), 1);
    logbook_damage (book, &book->entries[2], SPOIL_BODY);
    ck_assert_int_eq (segment_was_durable (book->fd, &book->id, book->entries[1].offset, 3), 0);
    logbook_destroy (book);
}
END_TEST

// ---- A batch inside a message

START_TEST (image_of_a_batch_in_a_text_is_a_text)
{
    logbook_t *book = s_three ();
    uint8_t image[BATCH_MAX], room[BATCH_MAX];
    logbook_t other = *book; // the same log: what a member who knows its id could make
    span_t bytes = logbook_make (&other, 1, 10, image);
    batch_t head = {.type = BATCH_TYPE_RECORDS, .first = book->next, .chain = book->chain};
    record_t record = {.kind = RECORD_MESSAGE, .text = bytes};
    batch_writer_t batch;
    batch_begin (&batch, room, &head);
    batch_add (&batch, &record);
    span_t outer = batch_end (&batch, &book->id);
    logbook_write (book, outer.data, outer.size);
    segment_walk_t *walk = s_walk (book);
    for (size_t i = 0; i < 3; i++)
        s_is_batch (walk, &book->entries[i]);
    batch_t got;
    ck_assert_int_eq (segment_walk_next (walk, &got), SEGMENT_BATCH);
    ck_assert (span_equal (got.bytes, outer));
    s_is_end (walk, SEGMENT_END);
    segment_walk_destroy (&walk);
    logbook_destroy (book);
}
END_TEST

// A search looks at every byte, so it would find one in a text whose own batch is damaged. That no
// batch can be a text is what keeps members from writing the log: its first byte is always zero.
START_TEST (no_batch_is_a_text_that_a_member_can_send)
{
    logbook_t *book = logbook_new ();
    uint8_t image[BATCH_MAX];
    logbook_segment (book);
    for (size_t text = 0; text <= 60000; text += 1 + text / 3) {
        span_t bytes = logbook_make (book, 1, text, image);
        ck_assert_uint_eq (bytes.data[0], 0);
        ck_assert (!text_valid ((const char *)bytes.data, bytes.size));
        batch_t batch;
        image[0] = 1; // nor does a reader take one that begins otherwise
        ck_assert_int_eq (batch_peek (&batch, bytes), -1);
    }
    logbook_destroy (book);
}
END_TEST

static void s_add_walks (TCase *cases)
{
    tcase_add_test (cases, walk_ends_with_the_file);
    tcase_add_test (cases, zeros_are_a_clean_end);
    tcase_add_test (cases, anything_else_behind_is_bad);
    tcase_add_test (cases, every_cut_of_the_last_batch_is_bad);
    tcase_add_test (cases, walk_stops_where_it_is_told);
    tcase_add_test (cases, state_is_walked_over_whatever_is_expected);
    tcase_add_test (cases, batch_out_of_place_is_bad);
    tcase_add_test (cases, batch_of_another_log_is_bad);
    tcase_add_test (cases, batch_with_broken_records_is_bad_however_right_its_checksum);
    tcase_add_test (cases, walk_goes_through_files_larger_than_its_window);
    tcase_add_test (cases, walk_goes_over_holes);
    tcase_add_test (cases, refreshed_walk_sees_what_was_appended);
    tcase_add_test (cases, read_error_is_neither_end_nor_damage);
}

int main (void)
{
    TCase *cases = tcase_create ("segment");
    s_add_walks (cases);
    tcase_add_test (cases, interrupted_reads_go_on);
    tcase_add_test (cases, read_error_behind_zeros_is_an_error);
    tcase_add_test (cases, search_passes_over_broken_records);
    tcase_add_test (cases, search_finds_the_next_whole_batch);
    tcase_add_test (cases, search_passes_over_lower_sequences);
    tcase_add_test (cases, search_passes_over_a_page_of_a_later_place);
    tcase_add_test (cases, search_passes_over_a_page_beside_other_damage);
    tcase_add_test (cases, search_finds_nothing_of_the_next_segment);
    tcase_add_test (cases, few_batches_between_holes_are_not_stray);
    tcase_add_test (cases, search_goes_no_further_than_it_is_told_to);
    tcase_add_test (cases, zeros_are_not_looked_behind_when_a_batch_is_tried);
    tcase_add_test (cases, search_that_finds_nothing_comes_to_the_end);
    tcase_add_test (cases, search_finds_the_largest_batch);
    tcase_add_test (cases, search_goes_through_holes_larger_than_its_window);
    tcase_add_test (cases, state_is_searched_like_records);
    tcase_add_test (cases, beginning_is_whole_if_header_state_and_first_batch_agree);
    tcase_add_test (cases, first_batch_must_say_that_it_opens_the_segment);
    tcase_add_test (cases, beginning_of_another_version_or_log_is_not_whole);
    tcase_add_test (cases, first_batch_must_hold_records);
    tcase_add_test (cases, segment_of_a_failed_write_is_overtaken);
    tcase_add_test (cases, state_does_not_overtake);
    tcase_add_test (cases, read_error_of_a_start_is_an_error);
    tcase_add_test (cases, state_says_nothing_of_what_was_durable);
    tcase_add_test (cases, later_batch_says_what_was_durable);
    tcase_add_test (cases, image_of_a_batch_in_a_text_is_a_text);
    tcase_add_test (cases, no_batch_is_a_text_that_a_member_can_send);
    return kit_run (cases, "segment");
}
