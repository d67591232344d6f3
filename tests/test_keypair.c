#include "common/keypair.h"

#include "tests/folder.h"
#include "tests/kit.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static folder_t s_folder;
static char s_file[300];
static char s_error[KEYPAIR_ERROR];

static void s_setup (void)
{
    unsetenv ("CREDENTIALS_DIRECTORY");
    s_folder = folder_new ();
    snprintf (s_file, sizeof s_file, "%s/curve", s_folder.path);
}

static void s_teardown (void)
{
    folder_remove (&s_folder);
}

static void s_refused (const char *why)
{
    keypair_t pair;
    ck_assert_int_eq (keypair_open (&pair, s_file, s_error), -1);
    ck_assert_msg (strstr (s_error, why), "said: %s", s_error);
    ck_assert_msg (strstr (s_error, s_file), "said: %s", s_error);
}

START_TEST (pair_is_made_once_and_had_again)
{
    keypair_t first, second;
    struct stat status;
    ck_assert_int_eq (keypair_open (&first, s_file, s_error), 0);
    ck_assert_int_eq (keypair_open (&second, s_file, s_error), 0);
    ck_assert_mem_eq (&first, &second, sizeof first);
    ck_assert_int_eq (stat (s_file, &status), 0);
    ck_assert_int_eq (status.st_mode & 07777, 0600);
    ck_assert_int_eq ((int)status.st_nlink, 1); // nothing else holds the secret
}
END_TEST

START_TEST (two_that_are_first_get_the_same_pair)
{
    int out[2];
    ck_assert_int_eq (pipe (out), 0);
    for (int i = 0; i < 8; i++)
        if (fork () == 0) {
            keypair_t pair;
            int rc = keypair_open (&pair, s_file, s_error);
            _exit (rc < 0 || write (out[1], &pair, sizeof pair) != sizeof pair);
        }
    keypair_t first, other;
    for (int i = 0; i < 8; i++) {
        int status;
        ck_assert_int_gt (wait (&status), 0);
        ck_assert_int_eq (status, 0);
        ck_assert_int_eq (read (out[0], i ? &other : &first, sizeof other), sizeof other);
        ck_assert_mem_eq (i ? &other : &first, &first, sizeof first);
    }
}
END_TEST

START_TEST (file_that_others_can_read_is_refused)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610};
    keypair_t pair;
    ck_assert_int_eq (keypair_open (&pair, s_file, s_error), 0);
    ck_assert_int_eq (chmod (s_file, modes[_i]), 0);
    s_refused ("others");
}
END_TEST

START_TEST (file_of_another_user_is_refused)
{
    keypair_t pair;
    ck_assert_int_eq (keypair_open (&pair, s_file, s_error), 0);
    if (geteuid () != 0)
        return; // only root can give a file away
    ck_assert_int_eq (chown (s_file, 65534, 0), 0);
    s_refused ("belongs to another user");
}
END_TEST

START_TEST (file_that_is_none_is_refused)
{
    ck_assert_int_eq (mkdir (s_file, 0700), 0);
    s_refused ("no plain file");
    ck_assert_int_eq (rmdir (s_file), 0);
    ck_assert_int_eq (mkfifo (s_file, 0600), 0);
    s_refused ("no plain file");
    unlink (s_file);
    ck_assert_int_eq (symlink ("/dev/null", s_file), 0);
    s_refused ("cannot be read");
}
END_TEST

static const char *const s_nonsense[] = {
    "",
    "public\nsecret\n",
    "nonsense\n",
    // a secret key, and a public one that is not its own
    ("public 0000000000000000000000000000000000000000000000000000000000000000\n"
     "secret 0000000000000000000000000000000000000000000000000000000000000001\n"),
};

START_TEST (file_without_a_pair_is_refused)
{
    folder_put (&s_folder, "curve", s_nonsense[_i]);
    ck_assert_int_eq (chmod (s_file, 0600), 0);
    s_refused ("holds no key pair");
}
END_TEST

START_TEST (secret_is_in_no_sentence)
{
    keypair_t pair;
    char text[KEYPAIR_HEX];
    ck_assert_int_eq (keypair_open (&pair, s_file, s_error), 0);
    ck_assert_int_eq (chmod (s_file, 0644), 0);
    s_refused ("others");
    ck_assert_ptr_null (strstr (s_error, keypair_print (pair.secret_key, text)));
}
END_TEST

START_TEST (folder_that_is_not_there_is_told)
{
    snprintf (s_file, sizeof s_file, "%s/missing/curve", s_folder.path);
    s_refused ("cannot be made");
}
END_TEST

START_TEST (credential_comes_first)
{
    keypair_t given, pair;
    char folder[300];
    struct stat status;
    snprintf (folder, sizeof folder, "%s/given", s_folder.path);
    ck_assert_int_eq (mkdir (folder, 0700), 0);
    char file[320];
    snprintf (file, sizeof file, "%s/curve", folder);
    ck_assert_int_eq (keypair_open (&given, file, s_error), 0);
    ck_assert_int_eq (chmod (file, 0440), 0); // as systemd does
    setenv ("CREDENTIALS_DIRECTORY", folder, 1);
    ck_assert_int_eq (keypair_open (&pair, s_file, s_error), 0);
    ck_assert_mem_eq (&given, &pair, sizeof pair);
    ck_assert_int_lt (stat (s_file, &status), 0); // none was made
    unlink (file);
    ck_assert_int_eq (keypair_open (&pair, s_file, s_error), 0);
    ck_assert_int_ne (memcmp (&given, &pair, sizeof pair), 0);
}
END_TEST

START_TEST (public_key_is_published_for_all)
{
    keypair_t pair;
    uint8_t key[KEYPAIR_KEY];
    struct stat status;
    ck_assert (!keypair_published (s_file, key));
    ck_assert_int_eq (keypair_open (&pair, s_file, s_error), 0);
    ck_assert_int_eq (keypair_publish (&pair, s_file), 0);
    ck_assert (keypair_published (s_file, key));
    ck_assert_mem_eq (key, pair.public_key, KEYPAIR_KEY);
    strcat (s_file, ".pub");
    ck_assert_int_eq (stat (s_file, &status), 0);
    ck_assert_int_eq (status.st_mode & 07777, 0644);
    folder_put (&s_folder, "curve.pub", "nonsense");
    s_file[strlen (s_file) - 4] = 0;
    ck_assert (!keypair_published (s_file, key));
}
END_TEST

START_TEST (key_is_written_as_hex)
{
    uint8_t key[KEYPAIR_KEY] = {0xab, 1}, again[KEYPAIR_KEY];
    char text[KEYPAIR_HEX + 1];
    keypair_print (key, text);
    ck_assert_str_eq (text, "ab01000000000000000000000000000000000000000000000000000000000000");
    ck_assert (keypair_parse (text, again));
    ck_assert_mem_eq (again, key, sizeof key);
    text[5] = 'x';
    ck_assert (!keypair_parse (text, again));
    ck_assert (!keypair_parse ("", again));
    memset (text, '0', KEYPAIR_HEX); // one digit more
    text[KEYPAIR_HEX] = 0;
    ck_assert (!keypair_parse (text, again));
}
END_TEST

START_TEST (wiped_pair_is_zeros)
{
    static const keypair_t nothing;
    keypair_t pair;
    ck_assert_int_eq (keypair_make (&pair), 0);
    ck_assert_int_ne (memcmp (&pair, &nothing, sizeof pair), 0);
    keypair_wipe (&pair);
    ck_assert_mem_eq (&pair, &nothing, sizeof pair);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("keypair");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, pair_is_made_once_and_had_again);
    tcase_add_test (cases, two_that_are_first_get_the_same_pair);
    tcase_add_loop_test (cases, file_that_others_can_read_is_refused, 0, 5);
    tcase_add_test (cases, file_of_another_user_is_refused);
    tcase_add_test (cases, file_that_is_none_is_refused);
    tcase_add_loop_test (cases, file_without_a_pair_is_refused, 0, 4);
    tcase_add_test (cases, secret_is_in_no_sentence);
    tcase_add_test (cases, folder_that_is_not_there_is_told);
    tcase_add_test (cases, credential_comes_first);
    tcase_add_test (cases, public_key_is_published_for_all);
    tcase_add_test (cases, key_is_written_as_hex);
    tcase_add_test (cases, wiped_pair_is_zeros);
    return kit_run (cases, "keypair");
}
