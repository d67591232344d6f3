#include "daemons/group/listeners.h"

#include "common/exits.h"
#include "daemons/group/settings.h"
#include "tests/folder.h"
#include "tests/kit.h"
#include "tests/proving.h"

#include <sys/stat.h>
#include <unistd.h>

static folder_t s_folder;
static zloop_t *s_loop;
static conf_t *s_conf;
static listeners_t *s_listeners;
static int s_code; // why there are none
// The last message that was taken.
static size_t s_taken;
static size_t s_listener;
static route_t s_route;
static bool s_legacy;
static char s_text[100];

static void s_take (void *arg, size_t listener, zsock_t *socket)
{
    (void)arg;
    frame_t frame;
    frame_init (&frame);
    while (frame_take (socket, &s_route, &frame)) {
        span_t body = frame_body (&frame);
        s_listener = listener;
        s_legacy = frame.legacy;
        snprintf (s_text, sizeof s_text, "%.*s", (int)body.size, (const char *)body.data);
        s_taken++;
    }
    frame_close (&frame);
}

static size_t s_turns;

static void s_turn (void *arg)
{
    (void)arg;
    ck_assert_uint_gt (s_taken, 0); // first they are taken
    s_turns++;
}

static const listeners_io_t s_io = {NULL, s_take, s_turn};

// Looks whether what was waited for is there; ends the loop then.
static int s_on_tick (zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    size_t *wanted = arg;
    return s_taken >= *wanted ? -1 : 0;
}

static int s_on_late (zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer, (void)arg;
    ck_abort_msg ("nothing came in 10 s");
    return -1;
}

// Runs the loop until so many messages were taken.
static void s_run (size_t wanted)
{
    int tick = zloop_timer (s_loop, 5, 0, s_on_tick, &wanted);
    int late = zloop_timer (s_loop, 10000, 1, s_on_late, NULL);
    zloop_start (s_loop);
    zloop_timer_end (s_loop, tick);
    zloop_timer_end (s_loop, late);
}

static void s_configure (const char *text)
{
    size_t count;
    const conf_key_t *keys = group_settings (&count);
    conf_destroy (&s_conf);
    s_conf = conf_new (keys, count);
    ck_assert_int_eq (conf_load (s_conf, folder_put (&s_folder, "group.cfg", text), false), 0);
}

static void s_start (void)
{
    zsys_init ();
    zsys_handler_set (NULL);
    s_loop = zloop_new ();
    zloop_set_nonstop (s_loop, true);
}

static void s_bind (void)
{
    s_listeners = listeners_new (s_loop, s_conf, s_folder.path, &s_io, &s_code);
}

// As after a restart: every socket is closed for good, which libzmq does not wait for else.
static void s_rebind (void)
{
    listeners_destroy (&s_listeners);
    zloop_destroy (&s_loop);
    proving_stop ();
    zsys_shutdown ();
    proving_start ();
    s_start ();
    s_bind ();
    ck_assert_ptr_nonnull (s_listeners);
}

static void s_setup (void)
{
    s_folder = folder_new ();
    s_start ();
    s_taken = s_turns = 0;
    s_configure ("");
}

static void s_teardown (void)
{
    listeners_destroy (&s_listeners);
    conf_destroy (&s_conf);
    zloop_destroy (&s_loop);
    folder_remove (&s_folder);
    proving_stop ();
    zsys_shutdown ();
}

static unsigned s_port (const char *endpoints)
{
    return (unsigned)strtoul (strrchr (endpoints, ':') + 1, NULL, 10);
}

static char *s_ports_file (void)
{
    static char text[200];
    FILE *file = fopen (folder_path (&s_folder, "ports"), "r");
    ck_assert_ptr_nonnull (file);
    text[fread (text, 1, sizeof text - 1, file)] = 0;
    fclose (file);
    return text;
}

// ---- Messages

static void s_free (void *data, void *hint)
{
    (void)hint;
    free (data);
}

START_TEST (native_messages_go_both_ways)
{
    s_bind ();
    ck_assert_ptr_nonnull (s_listeners);
    zsock_t *client = frame_connect (listeners_bound (s_listeners), NULL);
    ck_assert_int_eq (frame_send (client, span_of ("hello")), 0);
    s_run (1);
    ck_assert_str_eq (s_text, "hello");
    ck_assert (s_listener == 0 && !s_legacy);
    peer_t *peer = peer_new (0, &s_route);
    ck_assert_int_eq (listeners_send (s_listeners, peer, false, span_of ("reply")), 0);
    frame_shared_t shared;
    frame_share (&shared, strdup ("pushed"), 6, s_free, NULL);
    ck_assert_int_eq (listeners_push (s_listeners, peer, &shared), 0);
    frame_unshare (&shared);
    zsock_set_rcvtimeo (client, 10000);
    char *text = zstr_recv (client);
    ck_assert_str_eq (text, "reply");
    freen (text);
    text = zstr_recv (client);
    ck_assert (text && strncmp (text, "pushed", 6) == 0);
    freen (text);
    peer_release (&peer);
    zsock_destroy (&client);
}
END_TEST

START_TEST (what_is_taken_is_worked_at_after_it)
{
    s_bind ();
    zsock_t *client = frame_connect (listeners_bound (s_listeners), NULL);
    frame_send (client, span_of ("one"));
    s_run (1);
    ck_assert_uint_ge (s_turns, 1);
    zsock_destroy (&client);
}
END_TEST

START_TEST (what_is_awaited_is_taken_without_a_turn)
{
    s_bind ();
    zsock_t *client = frame_connect (listeners_bound (s_listeners), NULL);
    frame_send (client, span_of ("one"));
    s_run (1);
    size_t turns = s_turns;
    listeners_await (s_listeners, 1000); // nothing comes
    ck_assert_uint_eq (s_taken, 1);
    frame_send (client, span_of ("two"));
    for (int i = 0; i < 10000 && s_taken < 2; i++)
        listeners_await (s_listeners, 1000);
    ck_assert_uint_eq (s_taken, 2);
    ck_assert_str_eq (s_text, "two");
    ck_assert_uint_eq (s_turns, turns);
    zsock_destroy (&client);
}
END_TEST

START_TEST (original_messages_go_both_ways)
{
    s_bind ();
    zsock_t *client = zsock_new_req (listeners_bound (s_listeners));
    zstr_send (client, "JOIN");
    s_run (1);
    ck_assert (s_legacy);
    peer_t *peer = peer_new (0, &s_route);
    ck_assert_int_eq (listeners_send (s_listeners, peer, true, span_of ("SUCCESS")), 0);
    zsock_set_rcvtimeo (client, 10000);
    char *text = zstr_recv (client);
    ck_assert_str_eq (text, "SUCCESS");
    freen (text);
    peer_release (&peer);
    zsock_destroy (&client);
}
END_TEST

START_TEST (peer_that_is_not_there_is_unreachable)
{
    s_bind ();
    route_t route = {3, "abc"};
    peer_t *peer = peer_new (0, &route);
    ck_assert_int_eq (listeners_send (s_listeners, peer, false, span_of ("x")), -1);
    ck_assert_int_eq (errno, EHOSTUNREACH);
    peer_release (&peer);
}
END_TEST

START_TEST (each_listener_is_told_apart)
{
    s_configure ("listen = ( { endpoint = \"tcp://127.0.0.1:*\"; security = \"none\"; },"
                 "           { endpoint = \"tcp://[::1]:*\"; security = \"none\"; } );");
    s_bind ();
    ck_assert_ptr_nonnull (s_listeners);
    char *bound = strdup (listeners_bound (s_listeners)), *second = strchr (bound, ' ');
    ck_assert_ptr_nonnull (second);
    *second++ = 0;
    ck_assert (strncmp (bound, "tcp://127.0.0.1:", 16) == 0);
    ck_assert (strncmp (second, "tcp://[::1]:", 12) == 0);
    zsock_t *one = frame_connect (bound, NULL), *two = frame_connect (second, NULL);
    frame_send (two, span_of ("to the second"));
    s_run (1);
    ck_assert_uint_eq (s_listener, 1);
    frame_send (one, span_of ("to the first"));
    s_run (2);
    ck_assert_uint_eq (s_listener, 0);
    zsock_destroy (&one);
    zsock_destroy (&two);
    free (bound);
}
END_TEST

// ---- Ports

// Notes ports below those that the system gives to anybody, from `first` on, one a line; binds.
// Returns whether all were free.
static bool s_bind_noted (unsigned first, unsigned count)
{
    char lines[100] = "";
    for (unsigned i = 0; i < count; i++)
        snprintf (lines + strlen (lines), 20, "%u\n", first + i);
    folder_put (&s_folder, "ports", lines);
    s_rebind ();
    return strcmp (s_ports_file (), lines) == 0;
}

// A number that is free, and stays so while the test runs.
static unsigned s_free_ports (unsigned count)
{
    unsigned first = 10000 + (unsigned)(getpid () % 10000);
    while (!s_bind_noted (first, count))
        ck_assert_uint_lt (first += 7, 32000);
    return first;
}

START_TEST (last_port_is_had_again)
{
    unsigned port = s_free_ports (1);
    ck_assert_uint_eq (s_port (listeners_bound (s_listeners)), port);
    ck_assert_uint_eq (listeners_last_port (s_folder.path, 0), port);
    for (int i = 0; i < 5; i++) {
        s_rebind ();
        ck_assert_uint_eq (s_port (listeners_bound (s_listeners)), port);
    }
}
END_TEST

START_TEST (last_port_that_is_taken_gives_way)
{
    zsock_t *other = frame_listen ("tcp://127.0.0.1:*", NULL);
    char line[20];
    snprintf (line, sizeof line, "%u\n", s_port (zsock_endpoint (other)));
    folder_put (&s_folder, "ports", line);
    s_bind ();
    ck_assert_ptr_nonnull (s_listeners);
    unsigned port = s_port (listeners_bound (s_listeners));
    ck_assert_uint_ne (port, s_port (zsock_endpoint (other)));
    ck_assert_uint_eq (listeners_last_port (s_folder.path, 0), port);
    zsock_destroy (&other);
}
END_TEST

START_TEST (ports_are_kept_by_listener)
{
    s_configure ("listen = ( { endpoint = \"tcp://127.0.0.1:*\"; security = \"none\"; },"
                 "           { endpoint = \"tcp://127.0.0.1:*\"; security = \"none\"; } );");
    unsigned first = s_free_ports (2);
    char wanted[100];
    snprintf (wanted, sizeof wanted, "tcp://127.0.0.1:%u tcp://127.0.0.1:%u", first, first + 1);
    ck_assert_str_eq (listeners_bound (s_listeners), wanted);
    s_rebind ();
    ck_assert_str_eq (listeners_bound (s_listeners), wanted);
}
END_TEST

START_TEST (nonsense_in_the_file_of_ports_is_no_trouble)
{
    static const char *const files[] = {"",        "x\n", "-1\n",   "99999999999999999999\n",
                                        "65536\n", "0\n", "\n\n\n", "123456789012345678901234"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        folder_put (&s_folder, "ports", files[i]);
        ck_assert_msg (listeners_last_port (s_folder.path, 0) == 0, "%s", files[i]);
        s_rebind ();
        ck_assert_uint_gt (listeners_last_port (s_folder.path, 0), 0);
    }
}
END_TEST

START_TEST (file_of_ports_that_cannot_be_written_is_no_trouble)
{
    s_listeners = listeners_new (s_loop, s_conf, "/nonexistent/folder", &s_io, &s_code);
    ck_assert_ptr_nonnull (s_listeners);
    ck_assert_uint_eq (listeners_last_port ("/nonexistent/folder", 0), 0);
}
END_TEST

START_TEST (named_port_that_is_taken_is_refused)
{
    zsock_t *other = frame_listen ("tcp://127.0.0.1:*", NULL);
    char text[200];
    snprintf (text, sizeof text,
              "listen = ( { endpoint = \"tcp://127.0.0.1:*\"; security = \"none\"; },"
              " { endpoint = \"%s\"; security = \"none\"; } );",
              zsock_endpoint (other));
    s_configure (text);
    s_bind ();
    ck_assert_ptr_null (s_listeners);
    ck_assert_uint_eq (listeners_last_port (s_folder.path, 0), 0); // nothing is noted
    zsock_destroy (&other);
}
END_TEST

// ---- What is told

START_TEST (registries_are_told_the_port)
{
    s_bind ();
    ck_assert_str_eq (listeners_announced (s_listeners), listeners_bound (s_listeners));
}
END_TEST

START_TEST (registries_are_told_what_is_advertised)
{
    s_configure ("listen = ( { endpoint = \"tcp://127.0.0.1:*\"; security = \"none\";"
                 "             advertise = \"tcp://chat.example.org:4711\"; },"
                 "           { endpoint = \"tcp://*:*\"; security = \"none\";"
                 "             allow_plain = true; } );");
    s_bind ();
    ck_assert_ptr_nonnull (s_listeners);
    char wanted[100];
    snprintf (wanted, sizeof wanted, "tcp://chat.example.org:4711 tcp://*:%u",
              s_port (listeners_bound (s_listeners)));
    ck_assert_str_eq (listeners_announced (s_listeners), wanted);
}
END_TEST

// ---- Encrypted ones

static const char s_both[] = "listen = ( { endpoint = \"tcp://127.0.0.1:*\"; },"
                             " { endpoint = \"tcp://127.0.0.1:*\"; security = \"curve\"; } );";

START_TEST (encrypted_endpoints_are_told_first_with_the_key)
{
    char wanted[300], key[KEYPAIR_HEX];
    unsigned plain, curve;
    s_configure (s_both);
    s_bind ();
    ck_assert_ptr_nonnull (s_listeners);
    sscanf (listeners_bound (s_listeners), "tcp://127.0.0.1:%u tcp://127.0.0.1:%u", &plain, &curve);
    keypair_print (listeners_key (s_listeners), key);
    snprintf (wanted, sizeof wanted, "tcp://127.0.0.1:%u?key=%s tcp://127.0.0.1:%u", curve, key,
              plain);
    ck_assert_str_eq (listeners_announced (s_listeners), wanted);
}
END_TEST

START_TEST (this_machine_is_told_a_way_of_its_own)
{
    char wanted[400], key[KEYPAIR_HEX];
    s_configure ("listen = ( { endpoint = \"tcp://*:*\"; security = \"curve\";"
                 "             advertise = \"tcp://chat.example.org:4711\"; } );");
    s_bind ();
    ck_assert_ptr_nonnull (s_listeners);
    keypair_print (listeners_key (s_listeners), key);
    snprintf (wanted, sizeof wanted, "tcp://chat.example.org:4711?key=%s tcp://127.0.0.1:%u?key=%s",
              key, s_port (listeners_bound (s_listeners)), key);
    ck_assert_str_eq (listeners_announced (s_listeners), wanted);
}
END_TEST

START_TEST (keys_are_made_when_they_are_needed)
{
    keypair_t first;
    s_bind ();
    ck_assert_ptr_null (listeners_keys (s_listeners));
    ck_assert_ptr_null (listeners_key (s_listeners));
    ck_assert_int_lt (access (folder_path (&s_folder, "curve"), F_OK), 0);
    listeners_destroy (&s_listeners);
    // for a registry alone
    s_configure ("registries = [ \"tcp://127.0.0.1:1?key="
                 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\" ];");
    s_bind ();
    ck_assert_ptr_nonnull (listeners_keys (s_listeners));
    ck_assert_ptr_null (listeners_key (s_listeners));
    first = *listeners_keys (s_listeners);
    listeners_destroy (&s_listeners);
    s_configure (s_both);
    s_bind ();
    ck_assert_mem_eq (listeners_key (s_listeners), first.public_key, KEYPAIR_KEY);
}
END_TEST

START_TEST (keys_that_others_can_read_are_refused)
{
    s_configure (s_both);
    s_bind ();
    listeners_destroy (&s_listeners);
    ck_assert_int_eq (chmod (folder_path (&s_folder, "curve"), 0644), 0);
    s_bind ();
    ck_assert_ptr_null (s_listeners);
    ck_assert_int_eq (s_code, EXIT_CONFIG);
}
END_TEST

START_TEST (ports_are_for_the_group_and_its_users_group)
{
    struct stat status;
    umask (0);
    s_bind ();
    ck_assert_int_eq (stat (folder_path (&s_folder, "ports"), &status), 0);
    ck_assert_int_eq (status.st_mode & 07777, 0640);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("listeners");
    proving_add (cases);
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, native_messages_go_both_ways);
    tcase_add_test (cases, what_is_taken_is_worked_at_after_it);
    tcase_add_test (cases, what_is_awaited_is_taken_without_a_turn);
    tcase_add_test (cases, original_messages_go_both_ways);
    tcase_add_test (cases, peer_that_is_not_there_is_unreachable);
    tcase_add_test (cases, each_listener_is_told_apart);
    tcase_add_test (cases, last_port_is_had_again);
    tcase_add_test (cases, last_port_that_is_taken_gives_way);
    tcase_add_test (cases, ports_are_kept_by_listener);
    tcase_add_test (cases, nonsense_in_the_file_of_ports_is_no_trouble);
    tcase_add_test (cases, file_of_ports_that_cannot_be_written_is_no_trouble);
    tcase_add_test (cases, named_port_that_is_taken_is_refused);
    tcase_add_test (cases, registries_are_told_the_port);
    tcase_add_test (cases, registries_are_told_what_is_advertised);
    tcase_add_test (cases, encrypted_endpoints_are_told_first_with_the_key);
    tcase_add_test (cases, this_machine_is_told_a_way_of_its_own);
    tcase_add_test (cases, keys_are_made_when_they_are_needed);
    tcase_add_test (cases, keys_that_others_can_read_are_refused);
    tcase_add_test (cases, ports_are_for_the_group_and_its_users_group);
    return kit_run (cases, "listeners");
}
