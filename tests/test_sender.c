#include "user/sender.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char s_folder[64];

static void s_setup (void)
{
    strcpy (s_folder, "/tmp/zchat-sender-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_folder));
}

static void s_teardown (void)
{
    char command[100];
    snprintf (command, sizeof command, "rm -rf %s", s_folder);
    ck_assert_int_eq (system (command), 0);
}

// How many files the pool has.
static int s_files (void)
{
    char command[100], count[16] = "";
    snprintf (command, sizeof command, "ls -A %s | wc -l", s_folder);
    FILE *pipe = popen (command, "r");
    ck_assert_ptr_nonnull (fgets (count, sizeof count, pipe));
    pclose (pipe);
    return atoi (count);
}

static sender_t *s_take (void)
{
    sender_t *device = sender_take (s_folder);
    ck_assert_ptr_nonnull (device);
    return device;
}

static bool s_is_named (const sender_t *device, const uint8_t name[RECORD_DEVICE])
{
    return memcmp (sender_name (device), name, RECORD_DEVICE) == 0;
}

START_TEST (clean_device_is_taken_again_with_its_counter)
{
    uint8_t name[RECORD_DEVICE];
    sender_t *device = s_take ();
    ck_assert_uint_eq (sender_last (device), 0);
    memcpy (name, sender_name (device), RECORD_DEVICE);
    ck_assert_int_eq (sender_use (device), 0);
    sender_clean (device, 1024);
    sender_destroy (&device);
    ck_assert_ptr_null (device);
    device = s_take ();
    ck_assert (s_is_named (device, name));
    ck_assert_uint_eq (sender_last (device), 1024);
    sender_destroy (&device);
    ck_assert_int_eq (s_files (), 1);
}
END_TEST

START_TEST (two_at_once_have_two_devices)
{
    sender_t *one = s_take (), *two = s_take ();
    ck_assert (!s_is_named (two, sender_name (one)));
    sender_destroy (&one);
    sender_destroy (&two);
    ck_assert_int_eq (s_files (), 2);
    one = s_take ();
    two = s_take ();
    ck_assert_int_eq (s_files (), 2);
    sender_destroy (&one);
    sender_destroy (&two);
}
END_TEST

START_TEST (device_of_a_process_that_died_is_thrown_away)
{
    int name_pipe[2], status;
    uint8_t name[RECORD_DEVICE];
    ck_assert_int_eq (pipe (name_pipe), 0);
    pid_t child = fork ();
    if (child == 0) {
        sender_t *device = sender_take (s_folder);
        bool used = write (name_pipe[1], sender_name (device), RECORD_DEVICE) > 0 &&
                    sender_use (device) == 0;
        _exit (used ? 0 : 1); // as if killed: nothing is given back
    }
    ck_assert_int_eq (waitpid (child, &status, 0), child);
    ck_assert_int_eq (status, 0);
    ck_assert_int_eq (read (name_pipe[0], name, RECORD_DEVICE), RECORD_DEVICE);
    ck_assert_int_eq (s_files (), 1);
    sender_t *device = s_take ();
    ck_assert (!s_is_named (device, name));
    ck_assert_uint_eq (sender_last (device), 0);
    ck_assert_int_eq (s_files (), 1);
    sender_destroy (&device);
}
END_TEST

START_TEST (device_with_unanswered_sends_is_not_given_back)
{
    sender_t *device = s_take ();
    ck_assert_int_eq (sender_use (device), 0);
    sender_destroy (&device);
    ck_assert_int_eq (s_files (), 0);
}
END_TEST

START_TEST (discarded_device_is_gone)
{
    sender_t *device = s_take ();
    sender_clean (device, 5);
    sender_discard (&device);
    ck_assert_ptr_null (device);
    ck_assert_int_eq (s_files (), 0);
    sender_discard (&device);
}
END_TEST

START_TEST (damaged_file_is_thrown_away)
{
    const char *const texts[] = {
        "",
        "clean",
        "clean 0000000000000000001x\n",
        "clean 99999999999999999999\n", // no 64-bit number
        "clean 00000000000000000001\nx",
        "wrong 00000000000000000001\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char file[100];
        snprintf (file, sizeof file, "%s/0123456789abcdef", s_folder);
        FILE *out = fopen (file, "w");
        fputs (texts[i], out);
        fclose (out);
        sender_t *device = s_take ();
        ck_assert_msg (access (file, F_OK) < 0, "'%s' is kept", texts[i]);
        ck_assert_uint_eq (sender_last (device), 0);
        sender_discard (&device);
    }
}
END_TEST

START_TEST (other_files_are_left_alone)
{
    const char *const names[] = {"README", "0123456789abcdeg", "0123456789abcdef0"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char file[100];
        snprintf (file, sizeof file, "%s/%s", s_folder, names[i]);
        fclose (fopen (file, "w"));
    }
    sender_t *device = s_take ();
    sender_discard (&device);
    ck_assert_int_eq (s_files (), 3);
}
END_TEST

START_TEST (device_without_a_folder_lasts_for_the_call)
{
    sender_t *device = sender_take (NULL), *other = sender_take ("/dev/null/nowhere");
    ck_assert_ptr_nonnull (device);
    ck_assert_ptr_nonnull (other);
    ck_assert (!s_is_named (other, sender_name (device)));
    ck_assert_int_eq (sender_use (device), 0);
    sender_clean (device, 3);
    ck_assert_uint_eq (sender_last (device), 3);
    sender_destroy (&device);
    sender_destroy (&other);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("sender");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, clean_device_is_taken_again_with_its_counter);
    tcase_add_test (cases, two_at_once_have_two_devices);
    tcase_add_test (cases, device_of_a_process_that_died_is_thrown_away);
    tcase_add_test (cases, device_with_unanswered_sends_is_not_given_back);
    tcase_add_test (cases, discarded_device_is_gone);
    tcase_add_test (cases, damaged_file_is_thrown_away);
    tcase_add_test (cases, other_files_are_left_alone);
    tcase_add_test (cases, device_without_a_folder_lasts_for_the_call);
    Suite *suite = suite_create ("sender");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
