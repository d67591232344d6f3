// shelf: files that were renamed, exchanged or copied are what they hold.

#include "daemons/group/shelf.h"

#include "tests/faults.h"
#include "tests/logbook.h"

static logbook_t *s_book;
static shelf_t *s_shelf;
static int s_told;

// Four segments with two batches each.
static void s_setup (void)
{
    s_told = 0;
    s_book = logbook_new ();
    for (int i = 0; i < 4; i++) {
        logbook_segment (s_book);
        logbook_batch (s_book, 2, 3000 + (size_t)i);
        logbook_batch (s_book, 3, 3000);
    }
}

static void s_teardown (void)
{
    faults_reset ();
    shelf_destroy (&s_shelf);
    logbook_destroy (s_book);
}

static void s_tell (void *arg, const char *line)
{
    (void)arg;
    ck_assert_ptr_nonnull (strstr (line, ".log"));
    s_told++;
}

static const char *s_path (uint64_t name)
{
    char text[SEGMENT_NAME];
    segment_name (name, text);
    return folder_path (&s_book->folder, text);
}

static void s_rename (uint64_t from, uint64_t to)
{
    char old[600];
    snprintf (old, sizeof old, "%s", s_path (from));
    ck_assert_int_eq (rename (old, s_path (to)), 0);
}

// The bytes of `from` from an offset on, over those of `to`.
static void s_copy (uint64_t from, uint64_t to, size_t size)
{
    static uint8_t bytes[1 << 16];
    int in = open (s_path (from), O_RDONLY), out = open (s_path (to), O_WRONLY | O_CREAT, 0600);
    ssize_t got = __real_pread (in, bytes, size, 0);
    ck_assert_int_gt (got, 0);
    ck_assert_int_eq (__real_pwrite (out, bytes, (size_t)got, 0), got);
    close (in);
    close (out);
}

static void s_look (void)
{
    shelf_destroy (&s_shelf);
    s_shelf = shelf_new (s_book->dir, &s_book->id);
    ck_assert_ptr_nonnull (s_shelf);
}

// All four are there, each under its name.
static void s_is_right (void)
{
    s_look ();
    ck_assert (!shelf_astray (s_shelf, s_tell, NULL));
    ck_assert_uint_eq (s_shelf->count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert (s_shelf->files[i].whole && !s_shelf->files[i].foreign);
        ck_assert_uint_eq (s_shelf->files[i].name, s_book->firsts[i]);
        ck_assert_uint_eq (s_shelf->files[i].header.first, s_book->firsts[i]);
    }
}

// So many files are put right, and then all is.
static void s_is_put_right (int files)
{
    s_look ();
    ck_assert (shelf_astray (s_shelf, s_tell, NULL));
    ck_assert_uint_eq (s_shelf->count, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq (s_shelf->files[i].header.first, s_book->firsts[i]);
    s_told = 0;
    faults_forget ();
    ck_assert_int_eq (shelf_put_right (s_shelf, s_tell, NULL), 0);
    ck_assert_int_eq (s_told, files);
    ck_assert_uint_eq (faults_calls (FAULTS_FSYNC), 1);
    ck_assert (!shelf_astray (s_shelf, NULL, NULL));
    s_is_right ();
}

START_TEST (files_with_their_own_names_are_left_alone)
{
    s_is_right ();
    ck_assert_int_eq (shelf_put_right (s_shelf, s_tell, NULL), 0);
    ck_assert_int_eq (s_told, 0);
}
END_TEST

START_TEST (renamed_file_gets_its_name_again)
{
    s_rename (s_book->firsts[1], s_book->firsts[1] + 1);
    s_is_put_right (1);
    s_rename (s_book->firsts[3], 5000);
    s_rename (s_book->firsts[0], 4000);
    s_is_put_right (2);
}
END_TEST

START_TEST (exchanged_files_are_exchanged_again)
{
    s_rename (s_book->firsts[0], 5000);
    s_rename (s_book->firsts[3], s_book->firsts[0]);
    s_rename (5000, s_book->firsts[3]);
    s_is_put_right (1);
    s_rename (s_book->firsts[0], 5000); // three in a circle
    s_rename (s_book->firsts[1], s_book->firsts[0]);
    s_rename (s_book->firsts[2], s_book->firsts[1]);
    s_rename (5000, s_book->firsts[2]);
    s_is_put_right (2);
}
END_TEST

START_TEST (copies_are_set_aside)
{
    s_copy (s_book->firsts[1], 5000, 1 << 16);
    s_copy (s_book->firsts[1], s_book->firsts[1] + 1, 1 << 16);
    s_is_put_right (2);
}
END_TEST

// A page of one segment lies over the beginning of another: the rest of that is what it was.
START_TEST (strange_header_is_damage_where_the_file_goes_on_otherwise)
{
    s_copy (s_book->firsts[1], s_book->firsts[2], 4096);
    s_look ();
    ck_assert_uint_eq (s_shelf->count, 4);
    ck_assert (!shelf_astray (s_shelf, NULL, NULL));
    ck_assert (s_shelf->files[1].whole && !s_shelf->files[2].whole);
    ck_assert_uint_eq (s_shelf->files[2].header.first, s_book->firsts[2]);
    // also where nothing else has the name that the header says
    s_rename (s_book->firsts[1], 5000);
    ck_assert_int_eq (truncate (s_path (5000), 2000), 0);
    s_look ();
    ck_assert (!s_shelf->files[3].whole);
    ck_assert_uint_eq (s_shelf->files[3].header.first, 5000);
}
END_TEST

START_TEST (file_of_another_log_is_what_its_name_says)
{
    guid_t other = {{9}};
    shelf_t *shelf = shelf_new (s_book->dir, &other);
    ck_assert_uint_eq (shelf->count, 4);
    ck_assert (shelf->files[2].foreign && !shelf->files[2].whole);
    ck_assert_uint_eq (shelf->files[2].header.first, s_book->firsts[2]);
    shelf_destroy (&shelf);
}
END_TEST

START_TEST (read_error_is_one)
{
    s_rename (s_book->firsts[1], 5000);
    s_copy (s_book->firsts[2], 6000, 1 << 16);
    s_look ();
    faults_forget ();
    s_look ();
    size_t reads = faults_calls (FAULTS_PREAD);
    for (size_t i = 0; i < reads; i++) {
        faults_fail (FAULTS_PREAD, (int)i, 1, EIO);
        shelf_t *shelf = shelf_new (s_book->dir, &s_book->id);
        ck_assert_ptr_null (shelf);
        ck_assert_int_eq (errno, EIO);
    }
    faults_reset ();
    faults_fail (FAULTS_FSYNC, 0, 1, EIO);
    ck_assert_int_eq (shelf_put_right (s_shelf, s_tell, NULL), -1);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("shelf");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, files_with_their_own_names_are_left_alone);
    tcase_add_test (cases, renamed_file_gets_its_name_again);
    tcase_add_test (cases, exchanged_files_are_exchanged_again);
    tcase_add_test (cases, copies_are_set_aside);
    tcase_add_test (cases, strange_header_is_damage_where_the_file_goes_on_otherwise);
    tcase_add_test (cases, file_of_another_log_is_what_its_name_says);
    tcase_add_test (cases, read_error_is_one);
    return kit_run (cases, "shelf");
}
