#include "daemons/group/segments.h"

#include "tests/logbook.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

enum { MIB = 1 << 20 };

static uint64_t s_head (const logbook_t *book)
{
    return book->next - 1;
}

static segments_t *s_open (const logbook_t *book)
{
    segments_t *segments = segments_new (book->dir, &book->id);
    ck_assert_ptr_nonnull (segments);
    return segments;
}

// Asks until it is not LATER; *later says how often that was.
static segments_read_t s_read (segments_t *segments, const logbook_t *book, uint64_t seq,
                               size_t max, segments_page_t *page, size_t *later)
{
    segments_read_t rc;
    for (*later = 0;; ++*later) {
        rc = segments_read (segments, seq, UINT64_MAX, s_head (book), max, page);
        if (rc != SEGMENTS_LATER)
            return rc;
        ck_assert_ptr_null (page->buffer);
        ck_assert_uint_lt (*later, 1000);
    }
}

static uint64_t s_find (segments_t *segments, const logbook_t *book, int64_t time)
{
    uint64_t may = 0, seq = 0;
    segments_read_t rc;
    while ((rc = segments_find (segments, time, s_head (book), &may, &seq)) == SEGMENTS_LATER)
        ;
    ck_assert_int_eq (rc, SEGMENTS_PAGE);
    ck_assert_uint_eq (may, seq); // nothing is lost
    return seq;
}

static const entry_t *s_entry (const logbook_t *book, uint64_t seq)
{
    for (size_t i = 0; i < book->count; i++)
        if (book->entries[i].first <= seq && seq <= book->entries[i].last)
            return &book->entries[i];
    ck_abort_msg ("no batch holds %zu", (size_t)seq);
}

// The page is what it says: whole batches of one segment as they were written, up to the one that
// holds `wanted`, or as many as fit.
static void s_page_is_right_to (const logbook_t *book, const segments_page_t *page, uint64_t seq,
                                uint64_t wanted, size_t max)
{
    const entry_t *entry = s_entry (book, seq), *end = book->entries + book->count;
    ck_assert_uint_eq (page->first, entry->first);
    ck_assert (page->batches.data >= page->buffer + SEGMENTS_HEADROOM);
    span_t left = page->batches;
    size_t segment = entry->segment;
    uint64_t last = 0;
    chain_t chain = entry->chain;
    batch_t batch;
    for (; left.size > 0; entry++) {
        ck_assert (entry < end && entry->segment == segment && !entry->damaged);
        ck_assert_int_eq (batch_open (&batch, left, &book->id), 0);
        ck_assert_uint_eq (batch.first, entry->first);
        last = batch_last (&batch);
        chain = chain_next (&batch.chain, batch.bytes);
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    }
    ck_assert_uint_eq (page->last, last);
    ck_assert (chain_equal (&page->chain, &chain));
    ck_assert (page->batches.size <= max || page->first == batch.first);
    ck_assert (batch.first <= wanted || page->first == batch.first);
    // The next one would not have fitted, or does not belong to it.
    ck_assert (entry == end || entry->segment != segment || entry->damaged || last >= wanted ||
               page->batches.size + entry->size > max);
}

static void s_page_is_right (const logbook_t *book, const segments_page_t *page, uint64_t seq,
                             size_t max)
{
    s_page_is_right_to (book, page, seq, UINT64_MAX, max);
}

// Three segments of different batches, about 300 KiB each.
static logbook_t *s_three (void)
{
    logbook_t *book = logbook_new ();
    for (int i = 0; i < 3; i++) {
        logbook_segment (book);
        for (uint64_t end = book->at + 300000; book->at < end;) {
            logbook_batch (book, 1, 40000);
            logbook_batch (book, 1000, 20);
            logbook_batch (book, 7, 100);
            logbook_batch (book, 1, 1);
        }
    }
    return book;
}

// ---- The folder

START_TEST (empty_folder_has_no_segments)
{
    logbook_t *book = logbook_new ();
    segments_t *segments = s_open (book);
    segments_page_t page;
    uint64_t may, seq;
    ck_assert_uint_eq (segments_count (segments), 0);
    ck_assert_ptr_null (segments_newest (segments));
    ck_assert_int_eq (segments_read (segments, 1, UINT64_MAX, 10, 1000, &page), SEGMENTS_NOTHING);
    ck_assert_int_eq (segments_find (segments, 0, 10, &may, &seq), SEGMENTS_PAGE);
    ck_assert_uint_eq (seq, 11);
    ck_assert_uint_eq (may, 1);
    ck_assert_uint_eq (segments_back (segments, 10, 1000, 3), 3);
    segments_destroy (&segments);
    ck_assert_ptr_null (segments);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (segments_are_listed_in_order_whatever_else_lies_there)
{
    logbook_t *book = s_three ();
    static const char *const others[] = {"key",
                                         "torn-01795330800000000-00000000000000000001",
                                         "00000000000000000000.log",
                                         "doubt",
                                         "99999999999999999999.log",
                                         "18446744073709551616.log",
                                         "1.log",
                                         "00000000000000000001.log.bak"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        folder_put (&book->folder, others[i], "x");
    segments_t *segments = s_open (book);
    ck_assert_uint_eq (segments_count (segments), 3);
    for (size_t i = 0; i < 3; i++) {
        segment_t *segment = segments_at (segments, i);
        ck_assert_uint_eq (segment->header.first, book->firsts[i]);
        ck_assert_uint_eq (segment->header.version, SEGMENT_VERSION);
        ck_assert_uint_eq (segment->start, SEGMENT_HEADER + segment->header.state_size);
        ck_assert (!segment->foreign);
    }
    ck_assert_ptr_eq (segments_newest (segments), segments_at (segments, 2));
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (folder_that_cannot_be_read_is_an_error)
{
    logbook_t *book = logbook_new ();
    errno = 0;
    ck_assert_ptr_null (segments_new (-1, &book->id));
    ck_assert_int_eq (errno, EBADF);
    mkdir (folder_path (&book->folder, "00000000000000000001.log"), 0700);
    ck_assert_ptr_null (segments_new (book->dir, &book->id)); // a segment that cannot be read
    ck_assert_int_eq (errno, EISDIR);
    logbook_destroy (book);
}
END_TEST

START_TEST (headers_that_are_none_or_strange_are_listed)
{
    logbook_t *book = logbook_new ();
    for (int i = 0; i < 5; i++) {
        logbook_segment (book);
        logbook_batch (book, 3, 10);
        if (i == 3)
            book->id.bytes[0] ^= 1; // the last one is another log's
    }
    book->id.bytes[0] ^= 1;
    logbook_spoil (book, 0, 20, "?", 1);
    ck_assert_int_eq (truncate (logbook_path (book, 1), SEGMENT_HEADER - 1), 0);
    ck_assert_int_eq (truncate (logbook_path (book, 2), 0), 0);
    segments_t *segments = s_open (book);
    ck_assert_uint_eq (segments_count (segments), 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq (segments_at (segments, i)->header.version, i == 3);
        ck_assert_uint_eq (segments_at (segments, i)->header.first, book->firsts[i]);
        ck_assert_int_eq (segments_at (segments, i)->foreign, i == 4);
    }
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (list_grows_and_shrinks_at_its_ends)
{
    logbook_t *book = s_three ();
    segments_t *segments = s_open (book);
    segment_header_t header = {.version = SEGMENT_VERSION, .first = book->next, .state_size = 12};
    int fd = dup (book->fd);
    segment_t *segment = segments_append (segments, &header, fd, 500);
    ck_assert_ptr_eq (segment, segments_newest (segments));
    ck_assert_uint_eq (segment->start, SEGMENT_HEADER + 12);
    ck_assert_uint_eq (segment->end, 500);
    ck_assert_int_eq (segments_fd (segments, segment), fd);
    ck_assert_uint_eq (segments_size (segments, 3), 500);
    struct stat status;
    ck_assert_int_eq (stat (logbook_path (book, 1), &status), 0);
    ck_assert_uint_eq (segments_size (segments, 1), (uint64_t)status.st_size);
    segments_drop_newest (segments);
    ck_assert_int_eq (fcntl (fd, F_GETFD), -1);
    int oldest = segments_fd (segments, segments_at (segments, 0));
    ck_assert_int_eq (segments_take_oldest (segments), oldest);
    ck_assert_int_eq (close (oldest), 0); // it was open
    ck_assert_uint_eq (segments_count (segments), 2);
    ck_assert_uint_eq (segments_at (segments, 0)->header.first, book->firsts[1]);
    ck_assert_int_eq (access (logbook_path (book, 0), F_OK), 0); // the file stays
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

static size_t s_count_open (void)
{
    size_t count = 0;
    DIR *folder = opendir ("/proc/self/fd");
    while (readdir (folder))
        count++;
    closedir (folder);
    return count;
}

START_TEST (at_most_64_files_stay_open)
{
    logbook_t *book = logbook_new ();
    for (int i = 0; i < 150; i++) {
        logbook_segment (book);
        logbook_batch (book, 2, 10);
    }
    size_t before = s_count_open (), later;
    segments_t *segments = s_open (book);
    ck_assert_uint_eq (s_count_open (), before); // their headers were read
    int newest = segments_fd (segments, segments_newest (segments));
    for (uint64_t seq = 1; seq <= s_head (book); seq++) {
        segments_page_t page;
        ck_assert_int_eq (s_read (segments, book, seq, 1000, &page, &later), SEGMENTS_PAGE);
        free (page.buffer);
        ck_assert_uint_le (s_count_open () - before, SEGMENTS_OPEN);
        ck_assert_int_eq (segments_newest (segments)->fd, newest); // is written
    }
    ck_assert_uint_eq (s_count_open () - before, SEGMENTS_OPEN);
    segment_header_t header = {.version = SEGMENT_VERSION, .first = book->next};
    segments_append (segments, &header, dup (book->fd), 500);
    ck_assert_uint_le (s_count_open () - before, SEGMENTS_OPEN);
    segments_destroy (&segments);
    ck_assert_uint_eq (s_count_open (), before);
    logbook_destroy (book);
}
END_TEST

START_TEST (file_not_read_for_the_longest_time_is_closed)
{
    logbook_t *book = logbook_new ();
    for (int i = 0; i < SEGMENTS_OPEN + 10; i++) {
        logbook_segment (book);
        logbook_batch (book, 2, 10);
    }
    segments_t *segments = s_open (book);
    segment_t *often = segments_at (segments, 20);
    int fd = segments_fd (segments, often);
    for (size_t i = 0; i < segments_count (segments); i++) {
        ck_assert_int_ge (segments_fd (segments, segments_at (segments, i)), 0);
        ck_assert_int_eq (segments_fd (segments, often), fd);
    }
    ck_assert_int_eq (segments_at (segments, 0)->fd, -1);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

// ---- Pages

START_TEST (every_sequence_has_its_page)
{
    static const size_t sizes[] = {1, 5000, 65536, 200000, 1 << 20};
    logbook_t *book = s_three ();
    segments_t *segments = s_open (book);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (uint64_t seq = 1; seq <= s_head (book); seq += 1 + seq % 97) {
            segments_page_t page;
            size_t later;
            ck_assert_int_eq (s_read (segments, book, seq, sizes[i], &page, &later), SEGMENTS_PAGE);
            s_page_is_right (book, &page, seq, sizes[i]);
            free (page.buffer);
        }
    }
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (page_ends_with_the_batch_of_the_last_record_wanted)
{
    logbook_t *book = s_three ();
    segments_t *segments = s_open (book);
    static const size_t sizes[] = {1, 3000, 60000, MIB};
    srandom (7);
    for (uint64_t seq = 1; seq <= s_head (book); seq += 1 + (uint64_t)random () % 300) {
        uint64_t wanted = seq + (uint64_t)random () % 3000;
        if (random () % 2 && wanted <= s_head (book))
            wanted = s_entry (book, wanted)->last;
        size_t max = sizes[random () % 4];
        segments_page_t page;
        segments_read_t rc;
        while ((rc = segments_read (segments, seq, wanted, s_head (book), max, &page)) ==
               SEGMENTS_LATER)
            ;
        ck_assert_int_eq (rc, SEGMENTS_PAGE);
        s_page_is_right_to (book, &page, seq, wanted, max);
        free (page.buffer);
    }
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (page_takes_what_fits_to_the_byte)
{
    logbook_t *book = s_three ();
    segments_t *segments = s_open (book);
    const entry_t *entry = book->entries;
    for (size_t extra = 0; extra < 2; extra++) {
        segments_page_t page;
        size_t later, max = entry[0].size + entry[1].size + entry[2].size - extra;
        ck_assert_int_eq (s_read (segments, book, 1, max, &page, &later), SEGMENTS_PAGE);
        ck_assert_uint_eq (page.last, entry[2 - extra].last);
        free (page.buffer);
    }
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (pages_in_a_row_are_the_whole_log)
{
    logbook_t *book = s_three ();
    segments_t *segments = s_open (book);
    uint64_t next = 1;
    size_t pages = 0, later;
    for (; next <= s_head (book); pages++) {
        segments_page_t page;
        ck_assert_int_eq (s_read (segments, book, next, 100000, &page, &later), SEGMENTS_PAGE);
        ck_assert_uint_eq (page.first, next);
        next = page.last + 1;
        free (page.buffer);
    }
    ck_assert_uint_eq (next, book->next);
    ck_assert_uint_ge (pages, 9); // three a segment
    segments_page_t page;
    ck_assert_int_eq (segments_read (segments, next, UINT64_MAX, s_head (book), 1000, &page),
                      SEGMENTS_NOTHING);
    ck_assert_ptr_null (page.buffer);
    ck_assert_int_eq (segments_read (segments, UINT64_MAX, UINT64_MAX, s_head (book), 1000, &page),
                      SEGMENTS_NOTHING);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (nothing_is_read_beyond_the_durable_end)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    logbook_batch (book, 3, 10);
    uint64_t end = book->at;
    logbook_batch (book, 3, 10); // on its way to the disk
    segments_t *segments = s_open (book);
    segments_newest (segments)->end = end;
    segments_page_t page;
    size_t later;
    ck_assert_int_eq (segments_read (segments, 4, UINT64_MAX, 3, 1000, &page), SEGMENTS_NOTHING);
    book->next = 4;
    book->count = 1;
    ck_assert_int_eq (s_read (segments, book, 1, 1000, &page, &later), SEGMENTS_PAGE);
    s_page_is_right (book, &page, 1, 1000);
    free (page.buffer);
    ck_assert_uint_eq (s_find (segments, book, book->time), 4);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (index_is_made_in_steps_of_a_mebibyte)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    logbook_fill (book, 3 * MIB + MIB / 2, 100, 500);
    logbook_segment (book);
    logbook_batch (book, 1, 1);
    segments_t *segments = s_open (book);
    segments_page_t page;
    size_t later;
    // The front is to be had as soon as the first step is made.
    ck_assert_int_eq (s_read (segments, book, 1, 1000, &page, &later), SEGMENTS_PAGE);
    ck_assert_uint_eq (later, 1);
    free (page.buffer);
    ck_assert_int_eq (s_read (segments, book, book->firsts[1] - 1, 1000, &page, &later),
                      SEGMENTS_PAGE);
    ck_assert_uint_eq (later, 2); // and the last step is the fourth, at whose end it is read
    free (page.buffer);
    ck_assert (segments_at (segments, 0)->complete);
    ck_assert_int_eq (s_read (segments, book, 500, 1000, &page, &later), SEGMENTS_PAGE);
    ck_assert_uint_eq (later, 0);
    free (page.buffer);
    segments_destroy (&segments);
    segments = s_open (book);
    uint64_t may, seq;
    later = 0;
    while (segments_find (segments, book->entries[0].time, s_head (book), &may, &seq) ==
           SEGMENTS_LATER)
        later++;
    ck_assert_uint_eq (later, 3);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (read_errors_are_errors)
{
    logbook_t *book = s_three ();
    segments_t *segments = s_open (book);
    segments_page_t page;
    size_t later;
    uint64_t may, seq;
    for (int indexed = 0; indexed < 2; indexed++) {
        int blind = open ("/dev/null", O_WRONLY);
        int fd = segments_fd (segments, segments_at (segments, 1)), good = dup (fd);
        dup2 (blind, fd);
        ck_assert_int_eq (s_read (segments, book, book->firsts[1], 1000, &page, &later),
                          SEGMENTS_FAILED);
        ck_assert_int_eq (errno, EBADF);
        ck_assert_ptr_null (page.buffer);
        ck_assert_int_eq (segments_find (segments, s_entry (book, book->firsts[1] + 1)->time,
                                         s_head (book), &may, &seq),
                          SEGMENTS_FAILED);
        dup2 (good, fd);
        close (good);
        close (blind);
        ck_assert_int_eq (s_read (segments, book, book->firsts[1], 1000, &page, &later),
                          SEGMENTS_PAGE);
        free (page.buffer);
    }
    segments_destroy (&segments);
    segments = s_open (book);
    close (segments_at (segments, 0)->fd);
    segments_at (segments, 0)->fd = -1;
    unlink (logbook_path (book, 0));
    ck_assert_int_eq (s_read (segments, book, 1, 1000, &page, &later), SEGMENTS_FAILED);
    ck_assert_int_eq (errno, ENOENT);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

// ---- Times

// The first sequence whose time is at or after `time` and that can be had.
static uint64_t s_wanted (const logbook_t *book, int64_t time)
{
    for (size_t i = 0; i < book->count; i++) {
        const entry_t *entry = &book->entries[i];
        if (entry->damaged || entry->time < time)
            continue;
        if (book->step == 0 || entry->base >= time)
            return entry->first;
        return entry->first + (uint64_t)((time - entry->base + book->step - 1) / book->step);
    }
    return book->next;
}

START_TEST (time_is_found_in_whatever_segment)
{
    logbook_t *book = logbook_new ();
    book->step = 3;
    for (int i = 0; i < 4; i++) {
        logbook_segment (book);
        logbook_fill (book, 200000, 40, 100);
    }
    segments_t *segments = s_open (book);
    int64_t begin = book->entries[0].base;
    for (int64_t time = begin - 5; time < book->time + 5; time += 1 + (time - begin) / 50)
        ck_assert_uint_eq (s_find (segments, book, time), s_wanted (book, time));
    static const int64_t before[] = {INT64_MIN, -1, 0, 1};
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq (s_find (segments, book, before[i]), 1);
    ck_assert_uint_eq (s_find (segments, book, book->time), s_head (book));
    ck_assert_uint_eq (s_find (segments, book, book->time + 1), book->next);
    ck_assert_uint_eq (s_find (segments, book, INT64_MAX), book->next);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (first_of_equal_times_is_found)
{
    dice_t chance = dice_new ("first_of_equal_times_is_found");
    for (int round = 0; round < 10; round++) {
        logbook_t *book = logbook_new ();
        book->step = 0; // all records of a batch have one time, and many batches the same
        for (int i = 0; i < 6; i++) {
            logbook_segment (book);
            for (uint64_t end = book->at + dice (&chance, 300000); book->at <= end;) {
                if (dice (&chance, 10) == 0)
                    book->time += 10;
                logbook_batch (book, 1 + dice (&chance, 30), dice (&chance, 1000));
            }
        }
        segments_t *segments = s_open (book);
        for (int64_t time = book->entries[0].base - 1; time <= book->time + 1; time++)
            ck_assert_uint_eq (s_find (segments, book, time), s_wanted (book, time));
        segments_destroy (&segments);
        logbook_destroy (book);
    }
}
END_TEST

// ---- Far enough back

// Bytes of batches from the one that holds `from` to the one that holds `to`, without that.
static uint64_t s_between (const logbook_t *book, uint64_t from, uint64_t to)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < book->count; i++)
        if (book->entries[i].last >= from && book->entries[i].last < to)
            bytes += book->entries[i].size;
    return bytes;
}

START_TEST (back_goes_far_enough_and_not_much_farther)
{
    dice_t chance = dice_new ("back_goes_far_enough_and_not_much_farther");
    logbook_t *book = logbook_new ();
    for (int i = 0; i < 4; i++) {
        logbook_segment (book);
        logbook_fill (book, 600000, 50, 200);
    }
    segments_t *segments = s_open (book);
    s_find (segments, book, 0); // makes the first index, and so on
    for (size_t i = 0; i < 4; i++)
        s_find (segments, book, s_entry (book, book->firsts[i])->time + 1);
    for (int i = 0; i < 2000; i++) {
        uint64_t seq = 1 + dice (&chance, s_head (book));
        uint64_t bytes = dice (&chance, 2000000),
                 oldest = 1 + dice (&chance, 2) * dice (&chance, seq);
        uint64_t back = segments_back (segments, seq, bytes, oldest);
        ck_assert_uint_le (back, seq);
        ck_assert_uint_ge (back, oldest);
        uint64_t far = s_between (book, back, seq);
        ck_assert (back == oldest || far >= bytes);
        // An index entry's distance for each segment touched, and one where it begins.
        size_t touched = s_entry (book, seq)->segment - s_entry (book, back)->segment + 2;
        ck_assert_uint_le (far, bytes + touched * (INDEX_SPACING + book->entries[1].size));
    }
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

START_TEST (back_goes_by_whole_segments_where_no_index_is_made)
{
    logbook_t *book = s_three ();
    segments_t *segments = s_open (book);
    ck_assert_uint_eq (segments_back (segments, s_head (book), 1, 1), book->firsts[2]);
    ck_assert_uint_eq (segments_back (segments, book->firsts[2] - 1, 1, 1), book->firsts[1]);
    ck_assert_uint_eq (segments_back (segments, book->firsts[0] + 5, 1, 1), 1);
    ck_assert_uint_eq (segments_back (segments, s_head (book), 1, s_head (book) - 1),
                       s_head (book) - 1);
    segments_destroy (&segments);
    logbook_destroy (book);
}
END_TEST

static void s_add_folder_cases (TCase *cases)
{
    tcase_add_test (cases, empty_folder_has_no_segments);
    tcase_add_test (cases, segments_are_listed_in_order_whatever_else_lies_there);
    tcase_add_test (cases, folder_that_cannot_be_read_is_an_error);
    tcase_add_test (cases, headers_that_are_none_or_strange_are_listed);
    tcase_add_test (cases, list_grows_and_shrinks_at_its_ends);
    tcase_add_test (cases, at_most_64_files_stay_open);
    tcase_add_test (cases, file_not_read_for_the_longest_time_is_closed);
}

int main (void)
{
    TCase *cases = tcase_create ("segments");
    s_add_folder_cases (cases);
    tcase_add_test (cases, every_sequence_has_its_page);
    tcase_add_test (cases, page_ends_with_the_batch_of_the_last_record_wanted);
    tcase_add_test (cases, page_takes_what_fits_to_the_byte);
    tcase_add_test (cases, pages_in_a_row_are_the_whole_log);
    tcase_add_test (cases, nothing_is_read_beyond_the_durable_end);
    tcase_add_test (cases, index_is_made_in_steps_of_a_mebibyte);
    tcase_add_test (cases, read_errors_are_errors);
    tcase_add_test (cases, time_is_found_in_whatever_segment);
    tcase_add_test (cases, first_of_equal_times_is_found);
    tcase_add_test (cases, back_goes_far_enough_and_not_much_farther);
    tcase_add_test (cases, back_goes_by_whole_segments_where_no_index_is_made);
    return kit_run (cases, "segments");
}
