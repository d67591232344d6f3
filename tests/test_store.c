#include "user/store.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char s_folder[64];

static void s_setup (void)
{
    strcpy (s_folder, "/tmp/zchat-store-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_folder));
    ck_assert_int_eq (chdir (s_folder), 0);
}

static void s_teardown (void)
{
    char command[100];
    snprintf (command, sizeof command, "rm -rf %s", s_folder);
    ck_assert_int_eq (chdir ("/"), 0);
    ck_assert_int_eq (system (command), 0);
}

static unsigned s_mode (const char *file)
{
    struct stat stat_of;
    ck_assert_int_eq (stat (file, &stat_of), 0);
    return stat_of.st_mode & 0777;
}

START_TEST (folder_is_made_with_those_above_and_for_the_user_alone)
{
    ck_assert_int_eq (store_make_folder ("a/b/c"), 0);
    ck_assert_uint_eq (s_mode ("a"), 0700);
    ck_assert_uint_eq (s_mode ("a/b/c"), 0700);
    ck_assert_int_eq (store_make_folder ("a/b/c"), 0);
    ck_assert_int_eq (store_make_folder ("a/b/d/"), 0);
    ck_assert_int_eq (store_write ("file", "x", false), 0);
    ck_assert_int_eq (store_make_folder ("file"), -1);
    ck_assert_int_eq (store_make_folder ("file/a"), -1);
    ck_assert_int_eq (errno, ENOTDIR);
}
END_TEST

START_TEST (written_text_is_read_back_and_replaced)
{
    char text[16];
    ck_assert_int_eq (store_write ("file", "first", true), 0);
    ck_assert_uint_eq (s_mode ("file"), 0600);
    ck_assert_int_eq (store_write ("file", "2nd", false), 0);
    ck_assert_int_eq (store_read ("file", text, sizeof text, true), 0);
    ck_assert_str_eq (text, "2nd");
    ck_assert_int_eq (system ("test \"$(ls)\" = file"), 0); // no temporary file is left
}
END_TEST

START_TEST (failed_write_leaves_nothing)
{
    ck_assert_int_eq (store_make_folder ("folder"), 0);
    ck_assert_int_eq (store_write ("folder", "x", false), -1); // the rename fails
    ck_assert_int_eq (errno, EISDIR);
    ck_assert_int_eq (system ("test \"$(ls)\" = folder"), 0);
}
END_TEST

START_TEST (what_does_not_fit_or_is_no_text_is_refused)
{
    char text[6];
    ck_assert_int_eq (store_read ("none", text, sizeof text, false), -1);
    ck_assert_int_eq (errno, ENOENT);
    ck_assert_int_eq (store_write ("file", "12345", false), 0);
    ck_assert_int_eq (store_read ("file", text, sizeof text, false), 0);
    ck_assert_int_eq (store_write ("file", "123456", false), 0);
    ck_assert_int_eq (store_read ("file", text, sizeof text, false), -1);
    ck_assert_int_eq (errno, EFBIG);
    ck_assert_int_eq (system ("printf 'a\\000b' > file"), 0);
    ck_assert_int_eq (store_read ("file", text, sizeof text, false), -1);
    ck_assert_int_eq (errno, EINVAL);
    ck_assert_int_eq (mkfifo ("pipe", 0600), 0);
    ck_assert_int_eq (store_read ("pipe", text, sizeof text, false), -1);
    ck_assert_int_eq (errno, EINVAL);
}
END_TEST

START_TEST (secret_that_others_can_read_is_refused)
{
    char text[16];
    ck_assert_int_eq (store_write ("file", "key", false), 0);
    ck_assert_int_eq (store_read ("file", text, sizeof text, true), 0);
    ck_assert_int_eq (chmod ("file", 0640), 0);
    ck_assert_int_eq (store_read ("file", text, sizeof text, true), -1);
    ck_assert_int_eq (errno, EPERM);
    ck_assert_int_eq (store_read ("file", text, sizeof text, false), 0);
}
END_TEST

// Waits until the process sleeps: the lock is the only thing that it can sleep for.
static void s_wait_until_asleep (pid_t child)
{
    char file[40], line[200], state = 0;
    snprintf (file, sizeof file, "/proc/%d/stat", (int)child);
    while (state != 'S') {
        // One that did not wait for the lock has ended.
        ck_assert_int_eq (waitpid (child, NULL, WNOHANG), 0);
        FILE *stat_file = fopen (file, "r");
        ck_assert_ptr_nonnull (stat_file);
        ck_assert_ptr_nonnull (fgets (line, sizeof line, stat_file));
        fclose (stat_file);
        state = strrchr (line, ')')[2];
    }
}

START_TEST (lock_is_held_by_one_process_at_a_time)
{
    char text[16];
    int lock = store_lock ("lock"), status;
    ck_assert_int_ge (lock, 0);
    ck_assert_int_eq (store_write ("number", "1", false), 0);
    pid_t child = fork ();
    if (child == 0)
        _exit (close (lock) < 0 || store_lock ("lock") < 0 ||
               store_read ("number", text, sizeof text, false) < 0 || strcmp (text, "2") != 0);
    s_wait_until_asleep (child);
    ck_assert_int_eq (store_write ("number", "2", false), 0);
    ck_assert_int_eq (close (lock), 0);
    ck_assert_int_eq (waitpid (child, &status, 0), child);
    ck_assert_int_eq (status, 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("store");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, folder_is_made_with_those_above_and_for_the_user_alone);
    tcase_add_test (cases, written_text_is_read_back_and_replaced);
    tcase_add_test (cases, failed_write_leaves_nothing);
    tcase_add_test (cases, what_does_not_fit_or_is_no_text_is_refused);
    tcase_add_test (cases, secret_that_others_can_read_is_refused);
    tcase_add_test (cases, lock_is_held_by_one_process_at_a_time);
    Suite *suite = suite_create ("store");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
