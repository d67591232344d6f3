#include "user/identity.h"
#include "user/store.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char s_home[64];
static char s_error[IDENTITY_ERROR];

static void s_setup (void)
{
    strcpy (s_home, "/tmp/zchat-identity-XXXXXX");
    ck_assert_ptr_nonnull (mkdtemp (s_home));
    ck_assert_int_eq (chdir (s_home), 0);
}

static void s_teardown (void)
{
    char command[100];
    snprintf (command, sizeof command, "rm -rf %s", s_home);
    ck_assert_int_eq (chdir ("/"), 0);
    ck_assert_int_eq (system (command), 0);
}

static identity_t *s_open (void)
{
    identity_t *identity = identity_open ("me", s_error);
    ck_assert_msg (identity != NULL, "%s", s_error);
    return identity;
}

static void s_expect_folder (const char *wanted)
{
    char *folder = identity_folder ();
    if (wanted)
        ck_assert_str_eq (folder, wanted);
    else
        ck_assert_ptr_null (folder);
    free (folder);
}

START_TEST (folder_is_what_the_environment_says)
{
    setenv ("HOME", "/home/ann", 1);
    setenv ("XDG_CONFIG_HOME", "/config", 1);
    setenv ("ZCHAT_IDENTITY", "who", 1);
    s_expect_folder ("who");
    setenv ("ZCHAT_IDENTITY", "", 1);
    s_expect_folder ("/config/zchat");
    setenv ("XDG_CONFIG_HOME", "config", 1); // relative: ignored
    s_expect_folder ("/home/ann/.config/zchat");
    unsetenv ("XDG_CONFIG_HOME");
    unsetenv ("HOME");
    s_expect_folder (NULL);
}
END_TEST

START_TEST (nick_is_made_of_the_login_name)
{
    char nick[TEXT_NICK_MAX + 1];
    identity_nick_of ("ann", nick);
    ck_assert_str_eq (nick, "ann");
    identity_nick_of ("J\xc3\xb6rg M\xff.\n", nick);
    ck_assert_str_eq (nick, "J\xc3\xb6rgM.");
    identity_nick_of ("", nick);
    ck_assert_str_eq (nick, "user");
    identity_nick_of (" \x01", nick);
    ck_assert_str_eq (nick, "user");
    // A character that would pass the 32nd byte is left out as a whole.
    identity_nick_of ("0123456789012345678901234567890\xc3\xb6", nick);
    ck_assert_str_eq (nick, "0123456789012345678901234567890");
    identity_nick_of ("012345678901234567890123456789012345", nick);
    ck_assert_str_eq (nick, "01234567890123456789012345678901");
}
END_TEST

START_TEST (identity_is_made_once_and_lasts)
{
    identity_t *identity = s_open ();
    guid_t uuid = *identity_uuid (identity), proved = guid_of_key (identity_public (identity));
    char nick[TEXT_NICK_MAX + 1];
    strcpy (nick, identity_nick (identity));
    uint8_t secret[IDENTITY_KEY];
    memcpy (secret, identity_secret (identity), sizeof secret);
    ck_assert (guid_equal (&uuid, &proved));
    ck_assert_ptr_null (identity_passing (identity));
    identity_destroy (&identity);
    ck_assert_ptr_null (identity);
    struct stat stat_of;
    ck_assert_int_eq (stat ("me/key", &stat_of), 0);
    ck_assert_uint_eq (stat_of.st_mode & 0777, 0600);
    identity = s_open ();
    ck_assert (guid_equal (identity_uuid (identity), &uuid));
    ck_assert_mem_eq (identity_secret (identity), secret, sizeof secret);
    ck_assert_str_eq (identity_nick (identity), nick);
    identity_destroy (&identity);
}
END_TEST

START_TEST (first_uses_at_once_make_one_identity)
{
    enum { PROCESSES = 16 };
    int start[2], answers[2];
    ck_assert_int_eq (pipe (start), 0);
    ck_assert_int_eq (pipe (answers), 0);
    for (int i = 0; i < PROCESSES; i++)
        if (fork () == 0) {
            char go;
            bool started = close (start[1]) == 0 && read (start[0], &go, 1) == 0;
            identity_t *identity = started ? identity_open ("me", s_error) : NULL;
            if (identity && !identity_passing (identity))
                started = write (answers[1], identity_uuid (identity), GUID_SIZE) == GUID_SIZE;
            _exit (started ? 0 : 1);
        }
    close (start[0]);
    close (start[1]); // all read the end of it at once
    close (answers[1]);
    guid_t first, next;
    ck_assert_int_eq (read (answers[0], &first, GUID_SIZE), GUID_SIZE);
    for (int i = 1; i < PROCESSES; i++) {
        ck_assert_int_eq (read (answers[0], &next, GUID_SIZE), GUID_SIZE);
        ck_assert (guid_equal (&first, &next));
    }
    while (wait (NULL) > 0)
        ;
}
END_TEST

START_TEST (key_that_others_can_read_is_refused)
{
    identity_t *identity = s_open ();
    identity_destroy (&identity);
    ck_assert_int_eq (chmod ("me/key", 0644), 0);
    ck_assert_ptr_null (identity_open ("me", s_error));
    ck_assert_str_eq (s_error, "me/key: can be read by others: it is the user's alone (chmod 600)");
}
END_TEST

START_TEST (damaged_key_is_refused_and_kept)
{
#define KEY_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"", "me/key: is no identity of this version"},
        {"zchat-identity 2\n", "me/key: is no identity of this version"},
        {"zchat-identity 1\npublic " KEY_A "\nsecret " KEY_A "\nnick ann\nmore\n",
         "me/key: is no identity of this version"},
        {"zchat-identity 1\npublic " KEY_A "\nsecret " KEY_A "\nnick ann\n",
         "me/key: holds no pair of keys"},
        {"zchat-identity 1\npublic 12\nsecret " KEY_A "\nnick ann\n",
         "me/key: holds no pair of keys"},
    };
    ck_assert_int_eq (store_make_folder ("me"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[300];
        ck_assert_int_eq (store_write ("me/key", cases[i].text, false), 0);
        ck_assert_ptr_null (identity_open ("me", s_error));
        ck_assert_str_eq (s_error, cases[i].error);
        ck_assert_int_eq (store_read ("me/key", text, sizeof text, true), 0);
        ck_assert_str_eq (text, cases[i].text);
    }
}
END_TEST

START_TEST (bad_nick_in_the_file_is_refused)
{
    identity_t *identity = s_open ();
    identity_destroy (&identity);
    ck_assert_int_eq (system ("sed -i 's/^nick .*/nick a\\x07b/' me/key"), 0);
    ck_assert_ptr_null (identity_open ("me", s_error));
    ck_assert_str_eq (s_error, "me/key: holds no valid nick");
}
END_TEST

START_TEST (without_a_writable_home_it_lasts_for_the_call)
{
    ck_assert_int_eq (store_write ("file", "", false), 0);
    guid_t log = guid_random ();
    uint8_t receipt[PROOF_RECEIPT] = {1};
    identity_t *none = identity_open (NULL, s_error), *closed = identity_open ("file/me", s_error);
    ck_assert_ptr_nonnull (none);
    ck_assert_ptr_nonnull (closed);
    ck_assert_str_eq (identity_passing (none), "there is no home folder");
    ck_assert_str_eq (identity_passing (closed), "file/me: Not a directory");
    ck_assert (!guid_equal (identity_uuid (none), identity_uuid (closed)));
    ck_assert_int_eq (identity_put_log (none, "cats", &log), -1);
    ck_assert_int_eq (identity_put_receipt (none, &log, receipt), -1);
    ck_assert_int_eq (identity_log (none, "cats", &log), -1);
    ck_assert_int_eq (identity_receipt (none, &log, receipt), -1);
    sender_t *device = identity_take_sender (none, &log, identity_uuid (none));
    ck_assert_ptr_nonnull (device);
    sender_destroy (&device);
    identity_destroy (&none);
    identity_destroy (&closed);
}
END_TEST

START_TEST (logs_and_receipts_are_remembered)
{
    identity_t *identity = s_open ();
    guid_t cats = guid_random (), dogs = guid_random (), found;
    uint8_t receipt[PROOF_RECEIPT], got[PROOF_RECEIPT];
    memset (receipt, 0xa5, sizeof receipt);
    receipt[0] = 0;
    ck_assert_int_eq (identity_log (identity, "cats", &found), -1);
    ck_assert_int_eq (identity_receipt (identity, &cats, got), -1);
    ck_assert_int_eq (identity_put_log (identity, "cats", &cats), 0);
    ck_assert_int_eq (identity_put_log (identity, "dogs", &dogs), 0);
    ck_assert_int_eq (identity_put_receipt (identity, &cats, receipt), 0);
    ck_assert_int_eq (identity_log (identity, "cats", &found), 0);
    ck_assert (guid_equal (&found, &cats));
    ck_assert_int_eq (identity_put_log (identity, "cats", &dogs), 0);
    ck_assert_int_eq (identity_log (identity, "cats", &found), 0);
    ck_assert (guid_equal (&found, &dogs));
    ck_assert_int_eq (identity_receipt (identity, &cats, got), 0);
    ck_assert_mem_eq (got, receipt, sizeof got);
    ck_assert_int_eq (identity_receipt (identity, &dogs, got), -1);
    identity_destroy (&identity);
}
END_TEST

START_TEST (groups_of_the_last_conversation_are_remembered)
{
    identity_t *identity = s_open ();
    ck_assert_ptr_null (identity_chat (identity));
    ck_assert_int_eq (identity_put_chat (identity, "cats\ndogs\n"), 0);
    char *groups = identity_chat (identity);
    ck_assert_str_eq (groups, "cats\ndogs\n");
    free (groups);
    identity_destroy (&identity);
}
END_TEST

START_TEST (name_that_is_no_file_name_is_not_remembered)
{
    identity_t *identity = s_open ();
    guid_t log = guid_random ();
    ck_assert_int_eq (identity_put_log (identity, "../key", &log), -1);
    ck_assert_int_eq (identity_put_log (identity, "tcp://127.0.0.1:2000", &log), -1);
    ck_assert_int_eq (identity_put_log (identity, "..", &log), -1);
    ck_assert_int_eq (identity_put_log (identity, "", &log), -1);
    identity_destroy (&identity);
}
END_TEST

START_TEST (devices_are_apart_by_log_and_author)
{
    identity_t *identity = s_open ();
    guid_t cats = guid_random (), dogs = guid_random (), other = guid_random ();
    const guid_t *me = identity_uuid (identity);
    sender_t *device = identity_take_sender (identity, &cats, me);
    ck_assert_int_eq (sender_use (device), 0);
    sender_clean (device, 7);
    sender_destroy (&device);
    device = identity_take_sender (identity, &dogs, me);
    ck_assert_uint_eq (sender_last (device), 0);
    sender_destroy (&device);
    device = identity_take_sender (identity, &cats, &other);
    ck_assert_uint_eq (sender_last (device), 0);
    sender_destroy (&device);
    device = identity_take_sender (identity, &cats, me);
    ck_assert_uint_eq (sender_last (device), 7);
    sender_destroy (&device);
    identity_destroy (&identity);
}
END_TEST

START_TEST (key_of_a_server_is_kept_until_it_is_forgotten)
{
    static const uint8_t first[IDENTITY_KEY] = {0xab, 1}, second[IDENTITY_KEY] = {2};
    uint8_t key[IDENTITY_KEY];
    guid_t log = {{7}};
    identity_t *identity = s_open ();
    ck_assert_int_lt (identity_server (identity, "cats", key), 0);
    ck_assert_int_eq (identity_put_server (identity, "cats", first), 0);
    ck_assert_int_eq (identity_put_log (identity, "cats", &log), 0);
    identity_destroy (&identity);
    identity = s_open ();
    ck_assert_int_eq (identity_server (identity, "cats", key), 0);
    ck_assert_mem_eq (key, first, sizeof key);
    ck_assert_int_eq (identity_put_server (identity, "cats", second), 0);
    ck_assert_int_eq (identity_server (identity, "cats", key), 0);
    ck_assert_mem_eq (key, second, sizeof key);
    identity_forget (identity, "cats");
    identity_forget (identity, "../key");
    ck_assert_int_lt (identity_server (identity, "cats", key), 0);
    ck_assert_int_lt (identity_log (identity, "cats", &log), 0);
    ck_assert_int_lt (identity_put_server (identity, "../key", first), 0); // never a path
    identity_destroy (&identity);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("identity");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, folder_is_what_the_environment_says);
    tcase_add_test (cases, nick_is_made_of_the_login_name);
    tcase_add_test (cases, identity_is_made_once_and_lasts);
    tcase_add_test (cases, key_of_a_server_is_kept_until_it_is_forgotten);
    tcase_add_test (cases, first_uses_at_once_make_one_identity);
    tcase_add_test (cases, key_that_others_can_read_is_refused);
    tcase_add_test (cases, damaged_key_is_refused_and_kept);
    tcase_add_test (cases, bad_nick_in_the_file_is_refused);
    tcase_add_test (cases, without_a_writable_home_it_lasts_for_the_call);
    tcase_add_test (cases, logs_and_receipts_are_remembered);
    tcase_add_test (cases, groups_of_the_last_conversation_are_remembered);
    tcase_add_test (cases, name_that_is_no_file_name_is_not_remembered);
    tcase_add_test (cases, devices_are_apart_by_log_and_author);
    Suite *suite = suite_create ("identity");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
