#include "daemons/registry/gates.h"

#include "common/exits.h"
#include "common/frame.h"
#include "daemons/registry/settings.h"
#include "tests/folder.h"
#include "tests/kit.h"
#include "tests/proving.h"

#include <sys/stat.h>

static folder_t s_folder;
static zloop_t *s_loop;
static conf_t *s_conf;
static gates_t *s_gates;
static int s_code;

static int s_take (zloop_t *loop, zsock_t *sock, void *arg)
{
    (void)loop, (void)sock, (void)arg;
    return -1;
}

static void s_setup (void)
{
    s_folder = folder_new ();
    s_loop = zloop_new ();
}

static void s_teardown (void)
{
    gates_destroy (&s_gates);
    conf_destroy (&s_conf);
    zloop_destroy (&s_loop);
    folder_remove (&s_folder);
}

// `format` of the key `listen`.
static void s_open (const char *listen)
{
    char text[1000];
    size_t count;
    const conf_key_t *keys = registry_settings (&count);
    snprintf (text, sizeof text, "listen = ( %s );\nstate_dir = \"%s/state\";", listen,
              s_folder.path);
    gates_destroy (&s_gates);
    conf_destroy (&s_conf);
    s_conf = conf_new (keys, count);
    ck_assert_int_eq (conf_load (s_conf, folder_put (&s_folder, "a.cfg", text), false), 0);
    s_gates = gates_new (s_loop, s_conf, s_take, NULL, &s_code);
}

START_TEST (plain_gates_need_no_keys)
{
    struct stat status;
    s_open ("{ endpoint = \"tcp://127.0.0.1:*\"; }");
    ck_assert_ptr_nonnull (s_gates);
    ck_assert_ptr_null (gates_key (s_gates));
    ck_assert_ptr_null (gates_public (s_gates));
    ck_assert_int_lt (stat (folder_path (&s_folder, "state"), &status), 0);
}
END_TEST

START_TEST (encrypted_gate_has_a_key_that_lasts)
{
    uint8_t key[KEYPAIR_KEY], published[KEYPAIR_KEY];
    s_open ("{ endpoint = \"tcp://127.0.0.1:*\"; security = \"curve\"; }");
    ck_assert_ptr_nonnull (s_gates);
    memcpy (key, gates_key (s_gates), sizeof key);
    char *file = gates_file (s_conf, "curve");
    ck_assert (keypair_published (file, published));
    ck_assert_mem_eq (key, published, sizeof key);
    free (file);
    s_open ("{ endpoint = \"tcp://127.0.0.1:*\"; security = \"curve\"; }");
    ck_assert_mem_eq (gates_key (s_gates), key, sizeof key);
}
END_TEST

START_TEST (encrypted_gates_are_told_with_the_key)
{
    char key[KEYPAIR_HEX], wanted[500];
    s_open ("{ endpoint = \"tcp://127.0.0.1:*\"; },"
            "{ endpoint = \"tcp://127.0.0.2:*\"; security = \"curve\"; },"
            "{ endpoint = \"tcp://127.0.0.3:*\"; security = \"curve\";"
            "  advertise = \"tcp://chat.example.org:2001\"; },"
            "{ endpoint = \"tcp://*:*\"; security = \"curve\"; }"); // an address is not known
    ck_assert_ptr_nonnull (s_gates);
    int port = atoi (strrchr (strstr (gates_bound (s_gates), "127.0.0.2"), ':') + 1);
    sscanf (strstr (gates_bound (s_gates), "127.0.0.2"), "127.0.0.2:%d", &port);
    keypair_print (gates_key (s_gates), key);
    snprintf (wanted, sizeof wanted, "tcp://127.0.0.2:%d?key=%s tcp://chat.example.org:2001?key=%s",
              port, key, key);
    ck_assert_str_eq (gates_public (s_gates), wanted);
}
END_TEST

START_TEST (key_that_others_can_read_is_refused)
{
    s_open ("{ endpoint = \"tcp://127.0.0.1:*\"; security = \"curve\"; }");
    ck_assert_int_eq (chmod (folder_path (&s_folder, "state/registry/curve"), 0644), 0);
    s_open ("{ endpoint = \"tcp://127.0.0.1:*\"; security = \"curve\"; }");
    ck_assert_ptr_null (s_gates);
    ck_assert_int_eq (s_code, EXIT_CONFIG);
}
END_TEST

START_TEST (port_in_use_is_told_apart)
{
    char text[200];
    zsock_t *other = frame_listen ("tcp://127.0.0.1:*", NULL);
    snprintf (text, sizeof text, "{ endpoint = \"%s\"; }", zsock_endpoint (other));
    s_open (text);
    ck_assert_ptr_null (s_gates);
    ck_assert_int_eq (s_code, EXIT_NOT_NOW);
    zsock_destroy (&other);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("gates");
    proving_add (cases);
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, plain_gates_need_no_keys);
    tcase_add_test (cases, encrypted_gate_has_a_key_that_lasts);
    tcase_add_test (cases, encrypted_gates_are_told_with_the_key);
    tcase_add_test (cases, key_that_others_can_read_is_refused);
    tcase_add_test (cases, port_in_use_is_told_apart);
    return kit_run (cases, "gates");
}
