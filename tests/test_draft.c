// draft: there whole, or not at all.

#include "daemons/group/draft.h"

#include "tests/faults.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <sys/stat.h>
#include <unistd.h>

static folder_t s_folder;
static int s_dir;

static void s_setup (void)
{
    s_folder = folder_new ();
    s_dir = open (s_folder.path, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge (s_dir, 0);
}

static void s_teardown (void)
{
    faults_reset ();
    close (s_dir);
    folder_remove (&s_folder);
}

static bool s_there (const char *name)
{
    return access (folder_path (&s_folder, name), F_OK) == 0;
}

static void s_holds (const char *name, const void *bytes, size_t size)
{
    uint8_t *read = malloc (size + 1);
    FILE *file = fopen (folder_path (&s_folder, name), "rb");
    ck_assert_ptr_nonnull (file);
    ck_assert_uint_eq (fread (read, 1, size + 1, file), size);
    ck_assert_mem_eq (read, bytes, size);
    fclose (file);
    free (read);
}

START_TEST (kept_draft_is_there_whole)
{
    enum { SIZE = 1000003 };
    dice_t chance = dice_new ("kept_draft_is_there_whole");
    uint8_t *bytes = malloc (SIZE);
    dice_fill (&chance, bytes, SIZE);
    folder_put (&s_folder, "file", "what was there");
    draft_t *draft = draft_new (s_dir, "file");
    ck_assert_ptr_nonnull (draft);
    for (size_t at = 0, part; at < SIZE; at += part) {
        part = 1 + dice (&chance, 70000);
        part = part < SIZE - at ? part : SIZE - at;
        ck_assert_int_eq (draft_write (draft, span (bytes + at, part)), 0);
    }
    memset (bytes + 5, 7, 90);
    ck_assert_int_eq (draft_patch (draft, 5, span (bytes + 5, 90)), 0);
    ck_assert_uint_eq (draft_size (draft), SIZE);
    s_holds ("file", "what was there", 14);
    ck_assert_int_eq (draft_keep (draft), 0);
    draft_destroy (&draft);
    ck_assert_ptr_null (draft);
    s_holds ("file", bytes, SIZE);
    ck_assert (!s_there ("file.new"));
    free (bytes);
}
END_TEST

START_TEST (bytes_of_another_file_are_copied)
{
    char text[100001];
    memset (text, 'a', sizeof text);
    text[70000] = 'b';
    int fd = open (folder_write (&s_folder, "other", text, sizeof text), O_RDONLY);
    draft_t *draft = draft_new (s_dir, "file");
    ck_assert_int_eq (draft_copy (draft, fd, 3, sizeof text), 0);
    ck_assert_int_eq (draft_copy (draft, fd, 0, sizeof text + 1), -1); // it is shorter
    ck_assert_int_eq (errno, EIO);
    draft_destroy (&draft);
    draft = draft_new (s_dir, "file");
    ck_assert_int_eq (draft_copy (draft, fd, 3, sizeof text), 0);
    ck_assert_int_eq (draft_keep (draft), 0);
    draft_destroy (&draft);
    s_holds ("file", text + 3, sizeof text - 3);
    close (fd);
}
END_TEST

START_TEST (what_was_not_kept_is_gone)
{
    folder_put (&s_folder, "file.new", "left by a crash");
    draft_t *draft = draft_new (s_dir, "file");
    ck_assert_int_eq (draft_write (draft, span_of ("half")), 0);
    ck_assert (s_there ("file.new"));
    draft_destroy (&draft);
    ck_assert (!s_there ("file.new") && !s_there ("file"));
}
END_TEST

START_TEST (file_and_folder_are_synced_around_the_rename)
{
    draft_t *draft = draft_new (s_dir, "file");
    ck_assert_int_eq (draft_write (draft, span_of ("text")), 0);
    faults_forget ();
    faults_fail (FAULTS_FSYNC, 0, 1, EIO);
    ck_assert_int_eq (draft_keep (draft), -1);
    ck_assert_int_eq (errno, EIO);
    ck_assert (!s_there ("file"));
    draft_destroy (&draft);
    draft = draft_new (s_dir, "file");
    faults_fail (FAULTS_FSYNC, 1, 1, EIO);
    ck_assert_int_eq (draft_keep (draft), -1); // whether it is there nobody knows
    draft_destroy (&draft);
    draft = draft_new (s_dir, "file");
    faults_forget ();
    ck_assert_int_eq (draft_keep (draft), 0);
    ck_assert_uint_eq (faults_calls (FAULTS_FSYNC), 2);
    draft_destroy (&draft);
}
END_TEST

START_TEST (full_disk_is_an_error)
{
    static uint8_t bytes[1 << 20];
    draft_t *draft = draft_new (s_dir, "file");
    faults_set_space (300000);
    ck_assert_int_eq (draft_write (draft, span (bytes, sizeof bytes)), -1);
    ck_assert_int_eq (errno, ENOSPC);
    draft_destroy (&draft);
    ck_assert (!s_there ("file.new") && !s_there ("file"));
}
END_TEST

START_TEST (what_was_written_can_be_read_back)
{
    char text[8] = {0};
    draft_t *draft = draft_new (s_dir, "file");
    ck_assert_int_eq (draft_write (draft, span_of ("text")), 0);
    ck_assert_int_eq (__real_pread (draft_fd (draft), text, sizeof text, 0), 4);
    ck_assert_str_eq (text, "text");
    draft_destroy (&draft);
}
END_TEST

START_TEST (folder_that_takes_no_file_is_an_error)
{
    faults_fail (FAULTS_OPENAT, 0, 1, EROFS);
    ck_assert_ptr_null (draft_new (s_dir, "file"));
    ck_assert_int_eq (errno, EROFS);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("draft");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, kept_draft_is_there_whole);
    tcase_add_test (cases, bytes_of_another_file_are_copied);
    tcase_add_test (cases, what_was_not_kept_is_gone);
    tcase_add_test (cases, file_and_folder_are_synced_around_the_rename);
    tcase_add_test (cases, full_disk_is_an_error);
    tcase_add_test (cases, what_was_written_can_be_read_back);
    tcase_add_test (cases, folder_that_takes_no_file_is_an_error);
    return kit_run (cases, "draft");
}
