#include "daemons/registry/access.h"

#include "common/invitation.h"
#include "daemons/registry/settings.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <czmq.h>

enum { NOW = 1000000 };

static folder_t s_folder;
static char s_file[300];
static conf_t *s_conf;
static access_t *s_access;
static uint8_t s_signing[INVITATION_SIGNING];
static const uint8_t s_ann[ENTRY_KEY] = {1}, s_bob[ENTRY_KEY] = {2}, s_eve[ENTRY_KEY] = {3};
static uint8_t s_shown[INVITATION_FIELD];

static void s_configure (const char *text)
{
    size_t count;
    const conf_key_t *keys = registry_settings (&count);
    conf_destroy (&s_conf);
    s_conf = conf_new (keys, count);
    conf_load (s_conf, folder_put (&s_folder, "a.cfg", text), false);
    ck_assert_msg (conf_error_count (s_conf) == 0, "%s", conf_error (s_conf, 0));
}

// As after a restart.
static void s_open (void)
{
    access_destroy (&s_access);
    s_access = access_new (s_conf, s_file);
}

static void s_setup (void)
{
    static const uint8_t secret[32] = {9};
    uint8_t operator_key[INVITATION_KEY];
    char text[400], hex[2 * INVITATION_KEY + 1];
    s_folder = folder_new ();
    snprintf (s_file, sizeof s_file, "%s/admitted", s_folder.path);
    invitation_operator (secret, operator_key, s_signing);
    for (size_t i = 0; i < INVITATION_KEY; i++)
        sprintf (hex + 2 * i, "%02x", (unsigned)operator_key[i]);
    snprintf (text, sizeof text,
              "access = \"invited\"; operators = [ \"%s\" ];"
              "members = [ \"02%062d\" ];",
              hex, 0);
    s_configure (text);
    s_open ();
}

static void s_teardown (void)
{
    access_destroy (&s_access);
    conf_destroy (&s_conf);
    folder_remove (&s_folder);
}

static wire_error_t s_judge (const uint8_t *key, span_t shown)
{
    const entry_caller_t caller = {"10.0.0.7", key};
    return access_judge (s_access, &caller, shown, NOW);
}

// An invitation as it is shown; `id` tells them apart.
static span_t s_invitation (uint8_t id, uint32_t uses, int64_t expires)
{
    uint8_t bytes[INVITATION_MAX];
    invitation_draft_t draft = {.id = {{id}}, .uses = uses, .expires = expires};
    size_t size = invitation_make (&draft, s_signing, bytes);
    ck_assert_uint_gt (size, 0);
    writer_t out = writer (s_shown, sizeof s_shown);
    invitation_put (&out, span (bytes, size));
    return span (s_shown, writer_used (&out));
}

START_TEST (open_registry_asks_nobody)
{
    s_configure ("");
    s_open ();
    ck_assert_int_eq (s_judge (NULL, span (NULL, 0)), WIRE_ERR_NONE);
    ck_assert_int_eq (s_judge (s_eve, span (NULL, 0)), WIRE_ERR_NONE);
}
END_TEST

START_TEST (unknown_keys_need_an_invitation)
{
    ck_assert_int_eq (s_judge (s_eve, span (NULL, 0)), WIRE_ERR_NOT_INVITED);
    ck_assert_int_eq (s_judge (s_bob, span (NULL, 0)), WIRE_ERR_NONE); // a member
    ck_assert_int_eq (s_judge (NULL, span (NULL, 0)), WIRE_ERR_KEY_NEEDED);
    const entry_caller_t local = {"127.0.0.1", NULL}, keyed = {"127.0.0.1", s_eve};
    ck_assert_int_eq (access_judge (s_access, &local, span (NULL, 0), NOW), WIRE_ERR_NONE);
    ck_assert_int_eq (access_judge (s_access, &keyed, span (NULL, 0), NOW), WIRE_ERR_NOT_INVITED);
}
END_TEST

START_TEST (admitted_key_stays_admitted)
{
    ck_assert_int_eq (s_judge (s_ann, s_invitation (1, 0, 0)), WIRE_ERR_NONE);
    ck_assert_int_eq (s_judge (s_ann, span (NULL, 0)), WIRE_ERR_NONE);
    s_open ();
    ck_assert_int_eq (s_judge (s_ann, span (NULL, 0)), WIRE_ERR_NONE);
    ck_assert_int_eq (s_judge (s_eve, span (NULL, 0)), WIRE_ERR_NOT_INVITED);
}
END_TEST

START_TEST (uses_are_counted_through_restarts)
{
    static const uint8_t third[ENTRY_KEY] = {4};
    ck_assert_int_eq (s_judge (s_ann, s_invitation (1, 2, 0)), WIRE_ERR_NONE);
    ck_assert_int_eq (s_judge (s_ann, s_invitation (1, 2, 0)), WIRE_ERR_NONE); // no second use
    s_open ();
    ck_assert_int_eq (s_judge (s_eve, s_invitation (1, 2, 0)), WIRE_ERR_NONE);
    ck_assert_int_eq (s_judge (third, s_invitation (1, 2, 0)), WIRE_ERR_BAD_INVITATION);
    s_open ();
    ck_assert_int_eq (s_judge (third, s_invitation (1, 2, 0)), WIRE_ERR_BAD_INVITATION);
    ck_assert_int_eq (s_judge (third, s_invitation (2, 1, 0)), WIRE_ERR_NONE);
}
END_TEST

START_TEST (bad_invitation_lets_nobody_in)
{
    ck_assert_int_eq (s_judge (s_eve, s_invitation (1, 0, NOW - 1)), WIRE_ERR_BAD_INVITATION);
    span_t good = s_invitation (1, 0, NOW + 1);
    for (size_t i = 0; i < good.size; i++) { // every byte of it counts
        s_shown[i] ^= 1;
        ck_assert_msg (s_judge (s_eve, good) != WIRE_ERR_NONE, "byte %zu", i);
        s_shown[i] ^= 1;
    }
    s_signing[0] ^= 1; // another operator's
    uint8_t strange[32] = {77}, operator_key[INVITATION_KEY];
    invitation_operator (strange, operator_key, s_signing);
    ck_assert_int_eq (s_judge (s_eve, s_invitation (1, 0, 0)), WIRE_ERR_BAD_INVITATION);
    ck_assert_int_eq (s_judge (s_eve, span ("nonsense", 8)), WIRE_ERR_NOT_INVITED);
}
END_TEST

START_TEST (nonsense_in_the_file_admits_nobody)
{
    folder_put (&s_folder, "admitted", "x\n\n01 02\nzz 1\n%s %s\n\xff\xff");
    ck_assert_int_eq (s_judge (s_ann, span (NULL, 0)), WIRE_ERR_NOT_INVITED);
    char line[300];
    snprintf (line, sizeof line, "nonsense\n01%062d %032d\n", 0, 5);
    folder_put (&s_folder, "admitted", line);
    s_open ();
    ck_assert_int_eq (s_judge (s_ann, span (NULL, 0)), WIRE_ERR_NONE);
}
END_TEST

START_TEST (file_that_cannot_be_written_keeps_nobody_out)
{
    strcpy (s_file, "/nonexistent/admitted");
    s_open ();
    ck_assert_int_eq (s_judge (s_ann, s_invitation (1, 0, 0)), WIRE_ERR_NONE);
    ck_assert_int_eq (s_judge (s_ann, span (NULL, 0)), WIRE_ERR_NONE);
}
END_TEST

START_TEST (access_is_taken_anew)
{
    s_configure ("access = \"invited\";");
    access_configure (s_access, s_conf);
    ck_assert_int_eq (s_judge (s_bob, span (NULL, 0)), WIRE_ERR_NOT_INVITED);
    ck_assert_int_eq (s_judge (s_ann, s_invitation (1, 0, 0)), WIRE_ERR_BAD_INVITATION);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("access");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, open_registry_asks_nobody);
    tcase_add_test (cases, unknown_keys_need_an_invitation);
    tcase_add_test (cases, admitted_key_stays_admitted);
    tcase_add_test (cases, uses_are_counted_through_restarts);
    tcase_add_test (cases, bad_invitation_lets_nobody_in);
    tcase_add_test (cases, nonsense_in_the_file_admits_nobody);
    tcase_add_test (cases, file_that_cannot_be_written_keeps_nobody_out);
    tcase_add_test (cases, access_is_taken_anew);
    return kit_run (cases, "access");
}
