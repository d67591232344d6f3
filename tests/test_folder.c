#include "daemons/group/folder.h"

#include "common/exits.h"
#include "tests/faults.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static folder_t s_folder;
static trouble_t s_trouble;

static void s_setup (void)
{
    s_folder = folder_new ();
    memset (&s_trouble, 0, sizeof s_trouble);
}

static void s_teardown (void)
{
    faults_reset ();
    folder_remove (&s_folder);
}

static int s_open (const char *name)
{
    return folder_open (folder_path (&s_folder, name), &s_trouble);
}

static int s_must_open (const char *name)
{
    int dir = s_open (name);
    ck_assert_msg (dir >= 0, "%s", s_trouble.text);
    return dir;
}

static void s_is_refused (int rc, int code)
{
    ck_assert_int_eq (rc, -1);
    ck_assert_msg (s_trouble.exit == code, "%d: %s", s_trouble.exit, s_trouble.text);
    ck_assert_str_ne (s_trouble.text, "");
}

static mode_t s_mode (const char *name)
{
    struct stat status;
    ck_assert_int_eq (stat (folder_path (&s_folder, name), &status), 0);
    return status.st_mode & 07777;
}

static void s_put_key (size_t size, mode_t mode)
{
    static const uint8_t bytes[64] = {1, 2, 3};
    ck_assert_int_eq (chmod (folder_write (&s_folder, "g/key", bytes, size), mode), 0);
}

// ---- The folder and its lock

START_TEST (folders_above_are_made_and_synced)
{
    umask (0022);
    int dir = s_must_open ("a/b/c");
    ck_assert_int_eq (s_mode ("a"), 0750);
    ck_assert_int_eq (s_mode ("a/b/c"), 0750);
    ck_assert_uint_ge (faults_calls (FAULTS_FSYNC), 3);
    close (dir);
    faults_forget ();
    close (s_must_open ("a/b/c"));
    close (s_must_open ("a//b/c/"));
    ck_assert_uint_eq (faults_calls (FAULTS_FSYNC), 0);
}
END_TEST

START_TEST (folder_that_cannot_be_made_durable_is_refused)
{
    faults_fail (FAULTS_FSYNC, 0, 1, EIO);
    s_is_refused (s_open ("a"), EXIT_SYNC);
}
END_TEST

START_TEST (file_in_the_folders_place_is_refused)
{
    folder_put (&s_folder, "file", "x");
    s_is_refused (s_open ("file"), EXIT_CONFIG);
    s_is_refused (s_open ("file/g"), EXIT_CONFIG);
}
END_TEST

// It may be over in a moment, so the daemon is to be started again: not the configuration's fault.
START_TEST (folder_that_cannot_be_opened_now_is_no_wrong_configuration)
{
    struct rlimit before, none;
    close (s_must_open ("g"));
    ck_assert_int_eq (getrlimit (RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &none), 0);
    s_is_refused (s_open ("g"), EXIT_SYNC);
    ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &before), 0);
    ck_assert (strstr (s_trouble.text, "Too many open files") != NULL);
    close (s_must_open ("g"));
}
END_TEST

START_TEST (second_opener_is_refused_until_the_first_closes)
{
    int dir = s_must_open ("g");
    s_is_refused (s_open ("g"), EXIT_NOT_NOW);
    ck_assert (strstr (s_trouble.text, "in use") != NULL);
    close (dir);
    close (s_must_open ("g"));
}
END_TEST

START_TEST (no_path_leads_around_the_lock)
{
    char target[512];
    int dir = s_must_open ("g");
    snprintf (target, sizeof target, "%s", folder_path (&s_folder, "g"));
    ck_assert_int_eq (symlink (target, folder_path (&s_folder, "link")), 0);
    s_is_refused (s_open ("link"), EXIT_NOT_NOW);
    s_is_refused (s_open ("./g/../g"), EXIT_NOT_NOW);
    ck_assert_int_eq (rename (target, folder_path (&s_folder, "moved")), 0);
    s_is_refused (s_open ("moved"), EXIT_NOT_NOW);
    close (dir);
    close (s_must_open ("moved"));
}
END_TEST

// ---- The key

START_TEST (key_is_made_once_and_durable_before_it_is_used)
{
    static faults_event_t events[FAULTS_EVENTS];
    log_key_t first, second, read;
    struct stat status;
    int dir = s_must_open ("g");
    faults_forget ();
    ck_assert_int_eq (folder_key (dir, &first, &s_trouble), 0);
    ck_assert_uint_eq (faults_calls (FAULTS_FSYNC), 2); // the file and the folder
    size_t count = faults_events (events);
    ck_assert (events[count - 1].call == FAULTS_FSYNC && events[count - 1].fd == dir);
    ck_assert_int_eq (s_mode ("g/key"), 0600);
    ck_assert_int_eq (stat (folder_path (&s_folder, "g/key"), &status), 0);
    ck_assert_int_eq (status.st_size, GUID_SIZE + PROOF_KEY);
    ck_assert_int_eq (folder_key (dir, &second, &s_trouble), 0);
    ck_assert_int_eq (folder_read_key (dir, &read), 0);
    ck_assert_int_eq (memcmp (&first, &second, sizeof first), 0);
    ck_assert_int_eq (memcmp (&first, &read, sizeof first), 0);
    ck_assert (!guid_is_null (&first.id));
    close (dir);
    dir = s_must_open ("other");
    ck_assert_int_eq (folder_key (dir, &second, &s_trouble), 0);
    ck_assert (!guid_equal (&first.id, &second.id));
    ck_assert_int_ne (memcmp (first.secret, second.secret, PROOF_KEY), 0);
    close (dir);
}
END_TEST

START_TEST (reading_makes_no_key)
{
    log_key_t key;
    int dir = s_must_open ("g");
    ck_assert_int_eq (folder_read_key (dir, &key), -1);
    ck_assert_int_eq (errno, ENOENT);
    ck_assert_int_ne (access (folder_path (&s_folder, "g/key"), F_OK), 0);
    close (dir);
}
END_TEST

START_TEST (key_that_others_can_read_is_refused)
{
    static const mode_t open_to_others[] = {0640, 0604, 0620, 0666, 0601};
    log_key_t key;
    int dir = s_must_open ("g");
    for (size_t i = 0; i < sizeof open_to_others / sizeof open_to_others[0]; i++) {
        s_put_key (GUID_SIZE + PROOF_KEY, open_to_others[i]);
        s_is_refused (folder_key (dir, &key, &s_trouble), EXIT_CONFIG);
        ck_assert_int_eq (folder_read_key (dir, &key), -1);
        ck_assert_int_eq (errno, EPERM);
    }
    s_put_key (GUID_SIZE + PROOF_KEY, 0600);
    ck_assert_int_eq (folder_key (dir, &key, &s_trouble), 0);
    close (dir);
}
END_TEST

START_TEST (key_of_a_wrong_size_is_refused)
{
    static const size_t wrong[] = {0, 1, GUID_SIZE + PROOF_KEY - 1, GUID_SIZE + PROOF_KEY + 1};
    log_key_t key;
    int dir = s_must_open ("g");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        s_put_key (wrong[i], 0600);
        s_is_refused (folder_key (dir, &key, &s_trouble), EXIT_CONFIG);
        ck_assert (strstr (s_trouble.text, "size") != NULL);
        ck_assert_int_eq (folder_read_key (dir, &key), -1);
        ck_assert_int_eq (errno, EBADMSG);
    }
    close (dir);
}
END_TEST

START_TEST (key_behind_a_link_is_refused)
{
    log_key_t key;
    int dir = s_must_open ("g");
    s_put_key (GUID_SIZE + PROOF_KEY, 0600);
    ck_assert_int_eq (renameat (dir, "key", dir, "elsewhere"), 0);
    ck_assert_int_eq (symlinkat ("elsewhere", dir, "key"), 0);
    ck_assert_int_eq (folder_key (dir, &key, &s_trouble), -1);
    close (dir);
}
END_TEST

START_TEST (key_is_not_made_where_nothing_is_known_of_segments)
{
    log_key_t key;
    int dir = s_must_open ("g");
    faults_fail (FAULTS_OPENAT, 1, 1, EIO); // behind `key` itself
    s_is_refused (folder_key (dir, &key, &s_trouble), EXIT_SYNC);
    ck_assert (strstr (s_trouble.text, strerror (EIO)) != NULL);
    ck_assert_int_ne (access (folder_path (&s_folder, "g/key"), F_OK), 0);
    close (dir);
}
END_TEST

START_TEST (key_is_not_made_anew_beside_segments)
{
    log_key_t key;
    int dir = s_must_open ("g");
    folder_put (&s_folder, "g/00000000000000000007.log", "");
    s_is_refused (folder_key (dir, &key, &s_trouble), EXIT_CONFIG);
    ck_assert_int_ne (access (folder_path (&s_folder, "g/key"), F_OK), 0);
    remove (folder_path (&s_folder, "g/00000000000000000007.log"));
    folder_put (&s_folder, "g/00000000000000000007.log.bak", ""); // no segment
    ck_assert_int_eq (folder_key (dir, &key, &s_trouble), 0);
    close (dir);
}
END_TEST

START_TEST (key_half_made_before_a_crash_is_made_anew)
{
    log_key_t key;
    int dir = s_must_open ("g");
    folder_put (&s_folder, "g/key.new", "half");
    ck_assert_int_eq (folder_key (dir, &key, &s_trouble), 0);
    ck_assert_int_ne (access (folder_path (&s_folder, "g/key.new"), F_OK), 0);
    close (dir);
}
END_TEST

START_TEST (key_that_cannot_be_made_durable_is_not_used)
{
    log_key_t key;
    int dir = s_must_open ("g");
    faults_fail (FAULTS_FSYNC, 0, 1, EIO);
    s_is_refused (folder_key (dir, &key, &s_trouble), EXIT_SYNC);
    ck_assert_int_ne (access (folder_path (&s_folder, "g/key"), F_OK), 0);
    faults_fail (FAULTS_OPENAT, 2, 1, ENOSPC); // behind `key` itself and the folder
    s_is_refused (folder_key (dir, &key, &s_trouble), EXIT_NOT_NOW);
    ck_assert_int_eq (folder_key (dir, &key, &s_trouble), 0);
    close (dir);
}
END_TEST

START_TEST (key_that_cannot_be_read_is_refused)
{
    log_key_t key, same;
    int dir = s_must_open ("g");
    ck_assert_int_eq (folder_key (dir, &key, &s_trouble), 0);
    faults_fail (FAULTS_PREAD, 0, 1, EIO);
    s_is_refused (folder_key (dir, &same, &s_trouble), EXIT_SYNC);
    ck_assert_int_eq (folder_key (dir, &same, &s_trouble), 0);
    ck_assert_int_eq (memcmp (&key, &same, sizeof key), 0);
    close (dir);
}
END_TEST

// ---- Doubt

START_TEST (doubt_is_kept_until_it_is_removed)
{
    char text[FOLDER_DOUBT_MAX];
    int dir = s_must_open ("g");
    ck_assert_int_eq (folder_doubt (dir, text), 0);
    ck_assert_str_eq (text, "");
    faults_forget ();
    ck_assert_int_eq (folder_set_doubt (dir, "a receipt says otherwise"), 0);
    ck_assert_uint_eq (faults_calls (FAULTS_FSYNC), 2);
    ck_assert_int_eq (folder_doubt (dir, text), 0);
    ck_assert_str_eq (text, "a receipt says otherwise");
    ck_assert_int_eq (folder_set_doubt (dir, ""), 0);
    ck_assert_uint_eq (faults_calls (FAULTS_FSYNC), 3);
    ck_assert_int_eq (folder_doubt (dir, text), 0);
    ck_assert_str_eq (text, "");
    ck_assert_int_eq (folder_set_doubt (dir, ""), 0);
    close (dir);
}
END_TEST

// On a full disk it may come no further than this.
START_TEST (doubt_that_could_not_be_finished_holds_too)
{
    char text[FOLDER_DOUBT_MAX];
    int dir = s_must_open ("g");
    faults_fail (FAULTS_FSYNC, 0, 1, ENOSPC);
    ck_assert_int_eq (folder_set_doubt (dir, "a receipt says otherwise"), -1);
    ck_assert_int_ne (access (folder_path (&s_folder, "g/doubt"), F_OK), 0);
    ck_assert_int_eq (folder_doubt (dir, text), 0);
    ck_assert_str_eq (text, "a receipt says otherwise");
    ck_assert_int_eq (folder_set_doubt (dir, ""), 0);
    ck_assert_int_eq (folder_doubt (dir, text), 0);
    ck_assert_str_eq (text, "");
    close (dir);
}
END_TEST

START_TEST (doubt_holds_whatever_the_file_says)
{
    static char large[5000];
    char text[FOLDER_DOUBT_MAX];
    int dir = s_must_open ("g");
    folder_put (&s_folder, "g/doubt", "");
    ck_assert_int_eq (folder_doubt (dir, text), 0);
    ck_assert_str_ne (text, "");
    folder_put (&s_folder, "g/doubt", "one line\nand another");
    ck_assert_int_eq (folder_doubt (dir, text), 0);
    ck_assert_str_eq (text, "one line");
    memset (large, 'x', sizeof large);
    folder_write (&s_folder, "g/doubt", large, sizeof large);
    ck_assert_int_eq (folder_doubt (dir, text), 0);
    ck_assert_uint_eq (strlen (text), FOLDER_DOUBT_MAX - 1);
    faults_fail (FAULTS_PREAD, 0, 1, EIO);
    ck_assert_int_eq (folder_doubt (dir, text), -1);
    ck_assert_int_eq (errno, EIO);
    close (dir);
}
END_TEST

static void s_add_key_cases (TCase *cases)
{
    tcase_add_test (cases, key_is_made_once_and_durable_before_it_is_used);
    tcase_add_test (cases, reading_makes_no_key);
    tcase_add_test (cases, key_that_others_can_read_is_refused);
    tcase_add_test (cases, key_of_a_wrong_size_is_refused);
    tcase_add_test (cases, key_behind_a_link_is_refused);
    tcase_add_test (cases, key_is_not_made_where_nothing_is_known_of_segments);
    tcase_add_test (cases, key_is_not_made_anew_beside_segments);
    tcase_add_test (cases, key_half_made_before_a_crash_is_made_anew);
    tcase_add_test (cases, key_that_cannot_be_made_durable_is_not_used);
    tcase_add_test (cases, key_that_cannot_be_read_is_refused);
}

int main (void)
{
    TCase *cases = tcase_create ("folder");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, folders_above_are_made_and_synced);
    tcase_add_test (cases, folder_that_cannot_be_made_durable_is_refused);
    tcase_add_test (cases, file_in_the_folders_place_is_refused);
    tcase_add_test (cases, folder_that_cannot_be_opened_now_is_no_wrong_configuration);
    tcase_add_test (cases, second_opener_is_refused_until_the_first_closes);
    tcase_add_test (cases, no_path_leads_around_the_lock);
    tcase_add_test (cases, doubt_is_kept_until_it_is_removed);
    tcase_add_test (cases, doubt_that_could_not_be_finished_holds_too);
    tcase_add_test (cases, doubt_holds_whatever_the_file_says);
    s_add_key_cases (cases);
    return kit_run (cases, "folder");
}
