// What segments gives of a log in which something is damaged: all that is whole, and the truth
// about the rest.

#include "daemons/group/segments.h"

#include "tests/faults.h"
#include "tests/logbook.h"

enum { MIB = 1 << 20, EACH = 15 }; // batches of a small segment

static uint64_t s_head (const logbook_t *book)
{
    return book->next - 1;
}

static segments_read_t s_read (segments_t *segments, const logbook_t *book, uint64_t seq,
                               size_t max, segments_page_t *page)
{
    segments_read_t rc = SEGMENTS_LATER;
    while (rc == SEGMENTS_LATER)
        rc = segments_read (segments, seq, UINT64_MAX, s_head (book), max, page);
    return rc;
}

static const entry_t *s_entry (const logbook_t *book, uint64_t seq)
{
    for (size_t i = 0; i < book->count; i++)
        if (book->entries[i].first <= seq && seq <= book->entries[i].last)
            return &book->entries[i];
    ck_abort_msg ("no batch holds %zu", (size_t)seq);
}

// Where what is gone at `seq` ends: before the next whole batch of its segment, or with the
// segment.
static uint64_t s_hole_end (const logbook_t *book, uint64_t seq)
{
    const entry_t *entry = s_entry (book, seq), *end = book->entries + book->count;
    size_t segment = entry->segment;
    while (entry < end && entry->segment == segment && entry->damaged)
        entry++;
    return entry < end ? entry->first - 1 : s_head (book);
}

static void s_seq_is_right (segments_t *segments, const logbook_t *book, uint64_t seq, size_t max)
{
    segments_page_t page;
    segments_read_t rc = s_read (segments, book, seq, max, &page);
    if (s_entry (book, seq)->damaged) {
        ck_assert_msg (rc == SEGMENTS_GAP, "%zu: %d", (size_t)seq, rc);
        ck_assert_uint_eq (page.from, seq);
        ck_assert_uint_eq (page.to, s_hole_end (book, seq));
        ck_assert_ptr_null (page.buffer);
        return;
    }
    ck_assert_msg (rc == SEGMENTS_PAGE, "%zu: %d", (size_t)seq, rc);
    ck_assert_uint_eq (page.first, s_entry (book, seq)->first);
    for (uint64_t at = page.first; at <= page.last; at = s_entry (book, at)->last + 1)
        ck_assert (!s_entry (book, at)->damaged);
    free (page.buffer);
}

static void s_find (segments_t *segments, const logbook_t *book, int64_t time, uint64_t *may,
                    uint64_t *is)
{
    segments_read_t rc = SEGMENTS_LATER;
    while (rc == SEGMENTS_LATER)
        rc = segments_find (segments, time, s_head (book), may, is);
    ck_assert_int_eq (rc, SEGMENTS_PAGE);
}

// The first sequence at or after `time` that can be had; and the first of what is lost behind the
// last one that is known to be before: a segment's header says it too.
static void s_time_is_right (segments_t *segments, const logbook_t *book, int64_t time)
{
    uint64_t may, is, wanted = book->next, lost = 0;
    for (size_t i = 0; i < book->count && wanted == book->next; i++) {
        const entry_t *entry = &book->entries[i];
        if (i > 0 && entry->segment != entry[-1].segment && entry[-1].time < time)
            lost = 0;
        if (entry->damaged && entry->last >= entry->first && !lost)
            lost = entry->first;
        if (entry->damaged)
            continue;
        if (entry->base < time)
            lost = 0;
        if (entry->time >= time)
            wanted =
                entry->base >= time ? entry->first : entry->first + (uint64_t)(time - entry->base);
    }
    s_find (segments, book, time, &may, &is);
    ck_assert_uint_eq (is, wanted);
    ck_assert_uint_eq (may, lost ? lost : wanted);
}

static void s_all_is_right (const logbook_t *book)
{
    segments_t *segments = segments_new (book->dir, &book->id);
    ck_assert_ptr_nonnull (segments);
    // From the front as a reader goes, then in every batch's middle, then all times.
    uint64_t next = 1;
    while (next <= s_head (book)) {
        segments_page_t page;
        s_seq_is_right (segments, book, next, 200000);
        segments_read_t rc = s_read (segments, book, next, 200000, &page);
        next = rc == SEGMENTS_PAGE ? page.last + 1 : page.to + 1;
        free (page.buffer);
    }
    ck_assert_uint_eq (next, book->next);
    for (size_t i = 0; i < book->count; i++) {
        const entry_t *entry = &book->entries[i];
        if (entry->last >= entry->first) { // no empty hole
            s_seq_is_right (segments, book, entry->first, 3000);
            s_seq_is_right (segments, book, (entry->first + entry->last) / 2, 3000);
            s_seq_is_right (segments, book, entry->last, 3000);
        }
        s_time_is_right (segments, book, entry->base);
        s_time_is_right (segments, book, entry->time);
    }
    s_time_is_right (segments, book, book->time + 1);
    segments_destroy (&segments);
}

// Three segments of small batches of 10 records.
static logbook_t *s_small (void)
{
    logbook_t *book = logbook_new ();
    for (int i = 0; i < 3; i++) {
        logbook_segment (book);
        for (int j = 0; j < EACH; j++)
            logbook_batch (book, 10, 50);
    }
    return book;
}

START_TEST (whole_log_has_no_gaps)
{
    logbook_t *book = s_small ();
    s_all_is_right (book);
    logbook_destroy (book);
}
END_TEST

START_TEST (one_bad_batch_is_a_gap_of_its_own)
{
    static const size_t places[] = {0, 1, 7, 13, 14, 15, 29, 30, 38, 44};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (int how = SPOIL_HEADER; how <= SPOIL_ZEROS; how++) {
            logbook_t *book = s_small ();
            logbook_damage (book, &book->entries[places[i]], (spoil_t)how);
            s_all_is_right (book);
            logbook_destroy (book);
        }
}
END_TEST

START_TEST (batch_behind_a_bad_one_is_had_from_its_middle_too)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    for (int i = 0; i < 6; i++)
        logbook_batch (book, 1000, 1);
    logbook_damage (book, &book->entries[2], SPOIL_HEADER);
    segments_t *segments = segments_new (book->dir, &book->id);
    segments_page_t page;
    for (uint64_t seq = 3001; seq <= 4000; seq += 333) {
        ck_assert_int_eq (s_read (segments, book, seq, 100, &page), SEGMENTS_PAGE);
        ck_assert_uint_eq (page.first, 3001);
        ck_assert_uint_eq (page.last, 4000);
        free (page.buffer);
    }
    ck_assert_int_eq (s_read (segments, book, 2500, 100, &page), SEGMENTS_GAP);
    ck_assert_uint_eq (page.to, 3000);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

// The size of a bad batch is not to be believed: it may lead past whole ones.
START_TEST (size_that_is_wrong_hides_nothing)
{
    for (size_t reach = 2; reach < 8; reach++) {
        logbook_t *book = s_small ();
        entry_t *entry = &book->entries[50];
        size_t size = 0;
        for (size_t i = 0; i < reach; i++)
            size += entry[i].size;
        uint8_t bytes[4] = {0, 0, (uint8_t)(size >> 8), (uint8_t)size};
        logbook_spoil (book, entry->segment, entry->offset, bytes, sizeof bytes);
        entry->damaged = true;
        s_all_is_right (book);
        logbook_destroy (book);
    }
}
END_TEST

START_TEST (segment_of_nothing_but_damage_is_a_gap_to_the_next)
{
    for (size_t segment = 0; segment < 3; segment++)
        for (int how = SPOIL_HEADER; how <= SPOIL_ZEROS; how++) {
            logbook_t *book = s_small ();
            for (size_t i = 0; i < EACH; i++)
                logbook_damage (book, &book->entries[EACH * segment + i], (spoil_t)how);
            s_all_is_right (book);
            logbook_destroy (book);
        }
}
END_TEST

START_TEST (empty_file_is_a_gap_to_the_next)
{
    logbook_t *book = s_small ();
    ck_assert_int_eq (truncate (logbook_path (book, 0), 0), 0);
    for (size_t i = 0; i < EACH; i++)
        book->entries[i].damaged = true;
    s_all_is_right (book);
    logbook_destroy (book);
}
END_TEST

START_TEST (segment_that_is_gone_is_a_gap_to_the_next)
{
    logbook_t *book = s_small ();
    unlink (logbook_path (book, 1));
    for (size_t i = EACH; i < 2 * EACH; i++)
        book->entries[i].damaged = true;
    s_all_is_right (book);
    logbook_destroy (book);
}
END_TEST

START_TEST (batches_of_a_segment_with_a_bad_header_are_had)
{
    static const char zeros[SEGMENT_HEADER] = {0};
    for (size_t segment = 0; segment < 3; segment++)
        for (int how = 0; how < 3; how++) {
            logbook_t *book = s_small ();
            logbook_spoil (book, segment, 30, "???", 3);
            if (how == 1) // the STATE behind it too
                logbook_spoil (book, segment, SEGMENT_HEADER + 10, "???", 3);
            if (how == 2)
                logbook_spoil (book, segment, 0, zeros, sizeof zeros);
            s_all_is_right (book);
            logbook_destroy (book);
        }
}
END_TEST

START_TEST (front_that_is_not_kept_is_a_gap_too)
{
    logbook_t *book = s_small ();
    unlink (logbook_path (book, 0));
    segments_t *segments = segments_new (book->dir, &book->id);
    segments_page_t page;
    ck_assert_int_eq (s_read (segments, book, 7, 1000, &page), SEGMENTS_GAP);
    ck_assert_uint_eq (page.from, 7);
    ck_assert_uint_eq (page.to, book->firsts[1] - 1);
    uint64_t may, is;
    s_find (segments, book, 0, &may, &is);
    ck_assert_uint_eq (may, 1);
    ck_assert_uint_eq (is, book->firsts[1]);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

// Wider than what is read at once, and than a step of the index.
START_TEST (holes_of_mebibytes_are_gaps)
{
    static const spoil_t hows[] = {SPOIL_HEADER, SPOIL_ZEROS};
    for (size_t i = 0; i < 2; i++) {
        logbook_t *book = logbook_new ();
        book->step = 1;
        logbook_segment (book);
        logbook_fill (book, MIB / 2, 100, 300);
        size_t from = book->count;
        logbook_fill (book, 3 * MIB, 100, 300);
        size_t to = book->count;
        logbook_fill (book, MIB / 2, 100, 300);
        logbook_segment (book);
        logbook_batch (book, 3, 3);
        for (size_t j = from; j < to; j++)
            logbook_damage (book, &book->entries[j], hows[i]);
        segments_t *segments = segments_new (book->dir, &book->id);
        for (size_t j = 0; j < book->count; j += 1 + book->count / 30) {
            s_seq_is_right (segments, book, book->entries[j].first + 1, 5000);
            s_time_is_right (segments, book, book->entries[j].base + 1);
        }
        s_seq_is_right (segments, book, book->entries[to].first, 5000);
        s_seq_is_right (segments, book, book->entries[to].last, 5000);
        segments_destroy (&segments);
        logbook_destroy (book);
    }
}
END_TEST

START_TEST (index_built_over_holes_misses_no_batch)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    for (int i = 0; i < 40; i++)
        logbook_batch (book, 1, 60000);
    for (size_t i = 1; i < 40; i += 2)
        logbook_damage (book, &book->entries[i], SPOIL_ZEROS);
    s_all_is_right (book);
    logbook_destroy (book);
}
END_TEST

START_TEST (hole_is_a_gap_of_what_was_given_up)
{
    static const uint64_t losts[] = {0, 1, 25, 5000};
    for (size_t place = 0; place < 12; place++)
        for (size_t i = 0; i < 4; i++) {
            logbook_t *book = logbook_new ();
            for (size_t j = 0; j < 12; j++) {
                if (j % 4 == 0)
                    logbook_segment (book);
                if (j == place)
                    logbook_hole (book, losts[i]);
                else
                    logbook_batch (book, 10, 50);
            }
            s_all_is_right (book);
            logbook_destroy (book);
        }
}
END_TEST

START_TEST (damage_before_and_behind_a_hole_is_told)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    for (int i = 0; i < 9; i++)
        if (i % 4 == 3)
            logbook_hole (book, 7);
        else
            logbook_batch (book, 10, 50);
    logbook_damage (book, &book->entries[2], SPOIL_HEADER);
    logbook_damage (book, &book->entries[4], SPOIL_BODY);
    logbook_damage (book, &book->entries[8], SPOIL_BODY);
    s_all_is_right (book);
    logbook_destroy (book);
}
END_TEST

START_TEST (holes_in_a_row_are_one_gap)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    for (int i = 0; i < 9; i++)
        if (i >= 3 && i < 6)
            logbook_hole (book, i == 4 ? 0 : 7);
        else
            logbook_batch (book, 10, 50);
    segments_t *segments = segments_new (book->dir, &book->id);
    segments_page_t page;
    ck_assert_int_eq (s_read (segments, book, 33, 1000, &page), SEGMENTS_GAP);
    ck_assert_uint_eq (page.to, 44);
    segments_destroy (&segments);
    s_all_is_right (book);
    logbook_destroy (book);
}
END_TEST

// Rot behind the back of an index: it is made again.
START_TEST (damage_that_comes_later_is_a_gap_too)
{
    dice_t chance = dice_new ("damage_that_comes_later_is_a_gap_too");
    for (int round = 0; round < 20; round++) {
        logbook_t *book = logbook_new ();
        logbook_segment (book);
        logbook_fill (book, 400000, 20, 200);
        logbook_segment (book);
        logbook_batch (book, 10, 10);
        segments_t *segments = segments_new (book->dir, &book->id);
        for (int i = 0; i < 4; i++) {
            s_time_is_right (segments, book, book->time + 1);
            for (size_t j = 0; j < book->count; j++)
                s_seq_is_right (segments, book, book->entries[j].last, 3000);
            entry_t *entry = &book->entries[dice (&chance, book->count)];
            logbook_damage (book, entry, (spoil_t)dice (&chance, 3));
            // By the index, which knows the times, it begins there; who reads there is told.
            uint64_t may, is;
            s_find (segments, book, entry->base, &may, &is);
            ck_assert_uint_le (may, entry->first);
            s_seq_is_right (segments, book, entry->last, 3000);
            s_seq_is_right (segments, book, may, 3000);
            s_time_is_right (segments, book, entry->base);
            s_time_is_right (segments, book, entry->time + 1);
        }
        segments_destroy (&segments);
        logbook_destroy (book);
    }
}
END_TEST

// Bytes that the calls since the last time have read.
static uint64_t s_bytes_read (void)
{
    static faults_event_t events[FAULTS_EVENTS];
    uint64_t bytes = 0;
    size_t count = faults_events (events);
    ck_assert_uint_lt (count, FAULTS_EVENTS);
    for (size_t i = 0; i < count; i++)
        bytes += events[i].call == FAULTS_PREAD ? events[i].size : 0;
    faults_forget ();
    return bytes;
}

// A time that lies between the last record behind an entry of the index and the next entry.
START_TEST (time_between_two_entries_is_found_without_a_look)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    for (int i = 0; i < 50; i++)
        logbook_batch (book, 100, 200);
    segments_t *segments = segments_new (book->dir, &book->id);
    uint64_t may, is;
    s_find (segments, book, book->time + 1, &may, &is); // the index is made
    s_bytes_read ();
    for (size_t i = 2; i < book->count; i++) {
        s_find (segments, book, book->entries[i].base, &may, &is);
        ck_assert_uint_eq (is, book->entries[i].first);
        ck_assert_uint_eq (may, is);
    }
    ck_assert_uint_eq (s_bytes_read (), 0);
    s_find (segments, book, book->entries[7].time, &may, &is);
    ck_assert_uint_eq (is, book->entries[7].last);
    ck_assert_uint_gt (s_bytes_read (), 0);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

// A wide span that is damaged, at first or later, is gone through in steps.
START_TEST (no_call_goes_through_more_than_a_few_mebibytes)
{
    for (int later = 0; later < 2; later++)
        for (int how = SPOIL_HEADER; how <= SPOIL_ZEROS; how++) {
            logbook_t *book = logbook_new ();
            logbook_segment (book);
            logbook_fill (book, 12 * MIB, 1, 60000);
            segments_t *segments = segments_new (book->dir, &book->id);
            uint64_t may, is, most = 0;
            segments_page_t page;
            if (later)
                s_find (segments, book, book->time, &may, &is);
            for (size_t i = 2; i < book->count - 2; i++)
                logbook_damage (book, &book->entries[i], (spoil_t)how);
            segments_read_t rc = SEGMENTS_LATER;
            size_t steps = 0;
            faults_forget ();
            for (; rc == SEGMENTS_LATER; steps++) {
                rc = segments_read (segments, 7, UINT64_MAX, s_head (book), 1000, &page);
                uint64_t bytes = s_bytes_read ();
                most = bytes > most ? bytes : most;
            }
            ck_assert_int_eq (rc, SEGMENTS_GAP);
            ck_assert_uint_eq (page.to, book->next - 3);
            ck_assert_uint_ge (steps, 12);
            ck_assert_msg (most <= 4 * MIB, "%zu", (size_t)most);
            do
                rc = segments_find (segments, book->time, s_head (book), &may, &is);
            while (rc == SEGMENTS_LATER);
            ck_assert_uint_le (s_bytes_read (), 4 * MIB);
            segments_destroy (&segments);
            logbook_destroy (book);
        }
}
END_TEST

// A write that went to the wrong place hides nothing but what it wrote over.
START_TEST (batch_out_of_place_hides_none_behind_it)
{
    for (size_t at = 0; at < 6; at++) {
        logbook_t *book = logbook_new ();
        uint8_t copy[BATCH_MAX];
        logbook_segment (book);
        for (int i = 0; i < 8; i++)
            logbook_batch (book, 10, 50);
        entry_t *entry = &book->entries[at], *other = &book->entries[6];
        ck_assert_int_eq (__real_pread (book->fd, copy, other->size, (off_t)other->offset),
                          (ssize_t)other->size);
        logbook_spoil (book, 0, entry->offset, copy, other->size);
        entry->damaged = true;
        s_all_is_right (book);
        logbook_destroy (book);
    }
}
END_TEST

// The same where it belongs to a later segment: that one is whole.
START_TEST (batch_of_a_later_segment_hides_nothing_of_it)
{
    for (size_t later = EACH; later < 3 * EACH; later += 4)
        for (size_t at = EACH - 4; at < EACH - 1; at++) {
            logbook_t *book = s_small ();
            uint8_t copy[BATCH_MAX];
            entry_t *entry = &book->entries[at], *other = &book->entries[later];
            int fd = open (logbook_path (book, other->segment), O_RDONLY);
            ck_assert_int_eq (__real_pread (fd, copy, other->size, (off_t)other->offset),
                              (ssize_t)other->size);
            close (fd);
            logbook_spoil (book, 0, entry->offset + 9, copy, other->size);
            entry[0].damaged = entry[1].damaged = true;
            s_all_is_right (book);
            logbook_destroy (book);
        }
}
END_TEST

START_TEST (random_damage_is_told_as_it_is)
{
    dice_t chance = dice_new ("random_damage_is_told_as_it_is");
    for (int round = 0; round < 5; round++) {
        logbook_t *book = logbook_new ();
        for (int i = 0; i < 3; i++) {
            logbook_segment (book);
            for (uint64_t end = book->at + dice (&chance, 200000); book->at <= end;)
                if (dice (&chance, 20) == 0)
                    logbook_hole (book, dice (&chance, 50));
                else
                    logbook_batch (book, 1 + dice (&chance, 40), dice (&chance, 1500));
        }
        size_t one_in = 1 + dice (&chance, 10);
        for (size_t i = 0; i < book->count; i++)
            if (!book->entries[i].hole && dice (&chance, one_in) == 0)
                logbook_damage (book, &book->entries[i], (spoil_t)dice (&chance, 3));
        s_all_is_right (book);
        logbook_destroy (book);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("segments_damage");
    tcase_add_test (cases, whole_log_has_no_gaps);
    tcase_add_test (cases, one_bad_batch_is_a_gap_of_its_own);
    tcase_add_test (cases, batch_behind_a_bad_one_is_had_from_its_middle_too);
    tcase_add_test (cases, size_that_is_wrong_hides_nothing);
    tcase_add_test (cases, segment_of_nothing_but_damage_is_a_gap_to_the_next);
    tcase_add_test (cases, empty_file_is_a_gap_to_the_next);
    tcase_add_test (cases, segment_that_is_gone_is_a_gap_to_the_next);
    tcase_add_test (cases, batches_of_a_segment_with_a_bad_header_are_had);
    tcase_add_test (cases, front_that_is_not_kept_is_a_gap_too);
    tcase_add_test (cases, holes_of_mebibytes_are_gaps);
    tcase_add_test (cases, index_built_over_holes_misses_no_batch);
    tcase_add_test (cases, hole_is_a_gap_of_what_was_given_up);
    tcase_add_test (cases, damage_before_and_behind_a_hole_is_told);
    tcase_add_test (cases, holes_in_a_row_are_one_gap);
    tcase_add_test (cases, damage_that_comes_later_is_a_gap_too);
    tcase_add_test (cases, time_between_two_entries_is_found_without_a_look);
    tcase_add_test (cases, no_call_goes_through_more_than_a_few_mebibytes);
    tcase_add_test (cases, batch_out_of_place_hides_none_behind_it);
    tcase_add_test (cases, batch_of_a_later_segment_hides_nothing_of_it);
    tcase_add_test (cases, random_damage_is_told_as_it_is);
    return kit_run (cases, "segments_damage");
}
