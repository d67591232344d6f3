#include "user/trusted.h"

#include "tests/folder.h"
#include "tests/kit.h"

#include <sodium.h>

#define KEY_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY_B "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static folder_t s_folder;

static void s_setup (void)
{
    ck_assert_int_ge (sodium_init (), 0);
    s_folder = folder_new ();
}

static void s_teardown (void)
{
    folder_remove (&s_folder);
}

// Trusts one made with this id, for this group (NULL: all) and registry (NULL: none).
static int s_trust_until (uint8_t id, const char *group, const char *registry, int64_t expires,
                          int64_t now)
{
    static const uint8_t secret[32] = {1};
    uint8_t public_key[INVITATION_KEY], signing[INVITATION_SIGNING], bytes[INVITATION_MAX];
    invitation_draft_t draft = {.id = {{id}},
                                .expires = expires,
                                .groups = &group,
                                .group_count = group ? 1 : 0,
                                .registries = &registry,
                                .registry_count = registry ? 1 : 0};
    invitation_t one;
    invitation_operator (secret, public_key, signing);
    size_t size = invitation_make (&draft, signing, bytes);
    ck_assert_ptr_null (invitation_parse (&one, span (bytes, size)));
    return trusted_keep (s_folder.path, &one, now);
}

static int s_trust (uint8_t id, const char *group, const char *registry, int64_t now)
{
    return s_trust_until (id, group, registry, 0, now);
}

// The first bytes of the ids of what is shown, as text.
static const char *s_shown (const char *endpoint, const char *group, int64_t now)
{
    static char ids[100];
    uint8_t field[INVITATION_FIELD];
    trusted_t *trusted = trusted_open (s_folder.path);
    ck_assert_ptr_nonnull (trusted);
    invitation_walk_t walk =
        invitation_walk (span (field, trusted_show (trusted, endpoint, group, now, field)));
    invitation_t one;
    ids[0] = 0;
    while (invitation_next (&walk, &one))
        sprintf (ids + strlen (ids), "%d ", one.id.bytes[0]);
    trusted_destroy (&trusted);
    return ids;
}

START_TEST (nothing_is_known_at_first)
{
    trusted_t *trusted = trusted_open (NULL);
    ck_assert_ptr_null (trusted_invitation (trusted, 0));
    trusted_destroy (&trusted);
    ck_assert_str_eq (s_shown ("tcp://h:1?key=" KEY_A, NULL, 1), "");
    ck_assert_ptr_null (trusted_registries (s_folder.path));
    ck_assert_ptr_null (trusted_registries (NULL));
}
END_TEST

START_TEST (newest_is_first_and_twice_is_once)
{
    ck_assert_int_eq (s_trust (1, "cats", "tcp://h:1?key=" KEY_A, 100), 1);
    ck_assert_int_eq (s_trust (2, NULL, "tcp://h:1?key=" KEY_A, 200), 1);
    ck_assert_int_eq (s_trust (1, "cats", "tcp://h:1?key=" KEY_A, 300), 0);
    ck_assert_str_eq (s_shown ("tcp://h:1?key=" KEY_A, NULL, 1), "2 1 ");
    trusted_t *trusted = trusted_open (s_folder.path);
    ck_assert_int_eq (trusted_invitation (trusted, 0)->id.bytes[0], 2);
    ck_assert_ptr_null (trusted_invitation (trusted, 2));
    trusted_destroy (&trusted);
}
END_TEST

START_TEST (only_those_who_are_meant_are_shown_one)
{
    s_trust (1, "cats", "tcp://h:1?key=" KEY_A, 100);
    s_trust (2, "dogs", "tcp://h:1?key=" KEY_B, 200);
    // By the key, wherever it is.
    ck_assert_str_eq (s_shown ("tcp://other:9?key=" KEY_A, NULL, 1), "1 ");
    ck_assert_str_eq (s_shown ("tcp://h:1?key=" KEY_B, NULL, 1), "2 ");
    ck_assert_str_eq (s_shown ("tcp://h:1", NULL, 1), "");
    ck_assert_str_eq (s_shown ("tcp://group:5?key=" KEY_B, "cats", 1), "1 ");
    ck_assert_str_eq (s_shown ("tcp://group:5", "cats", 1), "");
    ck_assert_str_eq (s_shown ("ipc:///x?key=", "cats", 1), "");
    ck_assert_str_eq (s_shown ("tcp://group:5?key=" KEY_B, "birds", 1), "");
}
END_TEST

START_TEST (expired_ones_are_not_shown)
{
    s_trust_until (1, NULL, NULL, 1000, 100);
    ck_assert_str_eq (s_shown ("tcp://h:1?key=" KEY_A, NULL, 999), "1 ");
    ck_assert_str_eq (s_shown ("tcp://h:1?key=" KEY_A, NULL, 1000), "");
}
END_TEST

static bool s_is_expired (const char *group, int64_t now)
{
    trusted_t *trusted = trusted_open (s_folder.path);
    bool expired = trusted_is_expired (trusted, group, now);
    trusted_destroy (&trusted);
    return expired;
}

START_TEST (it_is_known_when_all_are_expired)
{
    ck_assert (!s_is_expired ("cats", 5000));
    s_trust_until (1, "cats", NULL, 1000, 100);
    ck_assert (!s_is_expired ("cats", 999));
    ck_assert (s_is_expired ("cats", 1000));
    ck_assert (!s_is_expired ("dogs", 1000));
    s_trust_until (2, NULL, NULL, 2000, 100);
    ck_assert (!s_is_expired ("cats", 1000));
    ck_assert (s_is_expired ("cats", 2000));
}
END_TEST

START_TEST (more_than_are_looked_at_are_not_shown)
{
    for (uint8_t id = 1; id <= 12; id++)
        s_trust (id, NULL, NULL, id);
    ck_assert_str_eq (s_shown ("tcp://h:1?key=" KEY_A, NULL, 1), "12 11 10 9 8 7 6 5 ");
}
END_TEST

START_TEST (registries_are_listed_once)
{
    s_trust (1, NULL, "tcp://h:1?key=" KEY_A, 1);
    s_trust (2, NULL, "tcp://h:1?key=" KEY_A, 2);
    s_trust (3, NULL, "tcp://h:12?key=" KEY_A, 3);
    char *list = trusted_registries (s_folder.path);
    ck_assert_str_eq (list, "tcp://h:12?key=" KEY_A "\ntcp://h:1?key=" KEY_A "\n");
    free (list);
}
END_TEST

START_TEST (what_is_no_invitation_is_left_out)
{
    s_trust (1, NULL, NULL, 1);
    folder_put (&s_folder, "invitations/00000000-0000-0000-0000-000000000001", "rubbish");
    folder_put (&s_folder, "invitations/00000000-0000-0000-0000-000000000002",
                "taken 1\nzchat1.AAAA\n");
    folder_put (&s_folder, "invitations/x", "taken 1\n");
    ck_assert_str_eq (s_shown ("tcp://h:1?key=" KEY_A, NULL, 1), "1 ");
}
END_TEST

START_TEST (what_cannot_be_kept_is_told)
{
    folder_put (&s_folder, "invitations", "in the way");
    ck_assert_int_eq (s_trust (1, NULL, "tcp://h:1?key=" KEY_A, 1), -1);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("trusted");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, nothing_is_known_at_first);
    tcase_add_test (cases, newest_is_first_and_twice_is_once);
    tcase_add_test (cases, only_those_who_are_meant_are_shown_one);
    tcase_add_test (cases, expired_ones_are_not_shown);
    tcase_add_test (cases, it_is_known_when_all_are_expired);
    tcase_add_test (cases, more_than_are_looked_at_are_not_shown);
    tcase_add_test (cases, registries_are_listed_once);
    tcase_add_test (cases, what_is_no_invitation_is_left_out);
    tcase_add_test (cases, what_cannot_be_kept_is_told);
    return kit_run (cases, "trusted");
}
