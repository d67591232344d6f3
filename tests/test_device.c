#include "user/device.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char s_folder[64];

static void s_setup (void)
{
    strcpy (s_folder, "/tmp/zchat-device-XXXXXX");
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

static device_t *s_take (void)
{
    device_t *device = device_take (s_folder);
    ck_assert_ptr_nonnull (device);
    return device;
}

static bool s_is_named (const device_t *device, const uint8_t name[RECORD_DEVICE])
{
    return memcmp (device_name (device), name, RECORD_DEVICE) == 0;
}

START_TEST (clean_device_is_taken_again_with_its_counter)
{
    uint8_t name[RECORD_DEVICE];
    device_t *device = s_take ();
    ck_assert_uint_eq (device_last (device), 0);
    memcpy (name, device_name (device), RECORD_DEVICE);
    ck_assert_int_eq (device_use (device), 0);
    device_clean (device, 1024);
    device_destroy (&device);
    ck_assert_ptr_null (device);
    device = s_take ();
    ck_assert (s_is_named (device, name));
    ck_assert_uint_eq (device_last (device), 1024);
    device_destroy (&device);
    ck_assert_int_eq (s_files (), 1);
}
END_TEST

START_TEST (two_at_once_have_two_devices)
{
    device_t *one = s_take (), *two = s_take ();
    ck_assert (!s_is_named (two, device_name (one)));
    device_destroy (&one);
    device_destroy (&two);
    ck_assert_int_eq (s_files (), 2);
    one = s_take ();
    two = s_take ();
    ck_assert_int_eq (s_files (), 2);
    device_destroy (&one);
    device_destroy (&two);
}
END_TEST

START_TEST (device_of_a_process_that_died_is_thrown_away)
{
    int name_pipe[2], status;
    uint8_t name[RECORD_DEVICE];
    ck_assert_int_eq (pipe (name_pipe), 0);
    pid_t child = fork ();
    if (child == 0) {
        device_t *device = device_take (s_folder);
        bool used = write (name_pipe[1], device_name (device), RECORD_DEVICE) > 0 &&
                    device_use (device) == 0;
        _exit (used ? 0 : 1); // as if killed: nothing is given back
    }
    ck_assert_int_eq (waitpid (child, &status, 0), child);
    ck_assert_int_eq (status, 0);
    ck_assert_int_eq (read (name_pipe[0], name, RECORD_DEVICE), RECORD_DEVICE);
    ck_assert_int_eq (s_files (), 1);
    device_t *device = s_take ();
    ck_assert (!s_is_named (device, name));
    ck_assert_uint_eq (device_last (device), 0);
    ck_assert_int_eq (s_files (), 1);
    device_destroy (&device);
}
END_TEST

START_TEST (device_with_unanswered_sends_is_not_given_back)
{
    device_t *device = s_take ();
    ck_assert_int_eq (device_use (device), 0);
    device_destroy (&device);
    ck_assert_int_eq (s_files (), 0);
}
END_TEST

START_TEST (discarded_device_is_gone)
{
    device_t *device = s_take ();
    device_clean (device, 5);
    device_discard (&device);
    ck_assert_ptr_null (device);
    ck_assert_int_eq (s_files (), 0);
    device_discard (&device);
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
        device_t *device = s_take ();
        ck_assert_msg (access (file, F_OK) < 0, "'%s' is kept", texts[i]);
        ck_assert_uint_eq (device_last (device), 0);
        device_discard (&device);
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
    device_t *device = s_take ();
    device_discard (&device);
    ck_assert_int_eq (s_files (), 3);
}
END_TEST

START_TEST (device_without_a_folder_lasts_for_the_call)
{
    device_t *device = device_take (NULL), *other = device_take ("/dev/null/nowhere");
    ck_assert_ptr_nonnull (device);
    ck_assert_ptr_nonnull (other);
    ck_assert (!s_is_named (other, device_name (device)));
    ck_assert_int_eq (device_use (device), 0);
    device_clean (device, 3);
    ck_assert_uint_eq (device_last (device), 3);
    device_destroy (&device);
    device_destroy (&other);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("device");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, clean_device_is_taken_again_with_its_counter);
    tcase_add_test (cases, two_at_once_have_two_devices);
    tcase_add_test (cases, device_of_a_process_that_died_is_thrown_away);
    tcase_add_test (cases, device_with_unanswered_sends_is_not_given_back);
    tcase_add_test (cases, discarded_device_is_gone);
    tcase_add_test (cases, damaged_file_is_thrown_away);
    tcase_add_test (cases, other_files_are_left_alone);
    tcase_add_test (cases, device_without_a_folder_lasts_for_the_call);
    Suite *suite = suite_create ("device");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
