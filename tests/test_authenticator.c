#include "common/authenticator.h"

#include "common/frame.h"
#include "tests/kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, NOTHING_MS = 700 };

static authenticator_t *s_authenticator;
static keypair_t s_server, s_client;
static frame_guard_t s_guard;
static frame_tunnel_t s_tunnel;

static void s_setup (void)
{
    s_authenticator = authenticator_new ();
    ck_assert_ptr_nonnull (s_authenticator);
    ck_assert_int_eq (keypair_make (&s_server), 0);
    ck_assert_int_eq (keypair_make (&s_client), 0);
    s_guard = (frame_guard_t){.keys = &s_server};
    s_tunnel = (frame_tunnel_t){s_server.public_key, &s_client};
}

static void s_teardown (void)
{
    authenticator_destroy (&s_authenticator);
}

static zsock_t *s_listen (bool curve, char where[64])
{
    zsock_t *router = frame_listen ("tcp://127.0.0.1:*", curve ? &s_guard : NULL);
    ck_assert_ptr_nonnull (router);
    snprintf (where, 64, "%s", zsock_endpoint (router));
    return router;
}

// Does anything come within that time? The frame is initialized here if so.
static bool s_comes (zsock_t *router, route_t *route, frame_t *frame, int ms)
{
    zmq_pollitem_t item = {zsock_resolve (router), 0, ZMQ_POLLIN, 0};
    if (zmq_poll (&item, 1, ms) < 1)
        return false;
    frame_init (frame);
    ck_assert_int_eq (frame_take (router, route, frame), 1);
    return true;
}

static void s_is_served (zsock_t *router, zsock_t *dealer, const uint8_t *wanted)
{
    route_t route;
    frame_t frame;
    uint8_t key[KEYPAIR_KEY];
    ck_assert_int_eq (frame_send (dealer, span_of ("hello")), 0);
    ck_assert_msg (s_comes (router, &route, &frame, PATIENCE_MS), "nothing came");
    ck_assert_int_eq (frame_key (&frame, key), wanted != NULL);
    if (wanted)
        ck_assert_mem_eq (key, wanted, KEYPAIR_KEY);
    ck_assert_str_eq (frame_peer (&frame), "127.0.0.1");
    frame_close (&frame);
}

// Sends and sees that nothing arrives; ends the socket.
static void s_is_not_served (zsock_t *router, zsock_t **dealer)
{
    route_t route;
    frame_t frame;
    ck_assert_ptr_nonnull (*dealer);
    frame_send (*dealer, span_of ("hello"));
    ck_assert_msg (!s_comes (router, &route, &frame, NOTHING_MS), "it was let in");
    zsock_destroy (dealer);
}

START_TEST (key_of_an_encrypted_connection_is_told)
{
    char where[64];
    zsock_t *router = s_listen (true, where);
    zsock_t *one = frame_connect (where, &s_tunnel);
    keypair_t other;
    ck_assert_int_eq (keypair_make (&other), 0);
    frame_tunnel_t tunnel = {s_server.public_key, &other};
    zsock_t *two = frame_connect (where, &tunnel);
    for (int i = 0; i < 3; i++) {
        s_is_served (router, one, s_client.public_key);
        s_is_served (router, two, other.public_key);
    }
    zsock_destroy (&one);
    zsock_destroy (&two);
    zsock_destroy (&router);
}
END_TEST

START_TEST (key_moves_with_the_frame)
{
    char where[64];
    route_t route;
    frame_t frame, moved;
    uint8_t key[KEYPAIR_KEY];
    zsock_t *router = s_listen (true, where), *dealer = frame_connect (where, &s_tunnel);
    frame_send (dealer, span_of ("hello"));
    ck_assert (s_comes (router, &route, &frame, PATIENCE_MS));
    frame_move (&moved, &frame);
    ck_assert (frame_key (&moved, key));
    ck_assert_mem_eq (key, s_client.public_key, KEYPAIR_KEY);
    frame_close (&moved);
    frame_close (&frame);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

START_TEST (plain_connection_has_no_key)
{
    char where[64];
    zsock_t *router = s_listen (false, where), *dealer = frame_connect (where, NULL);
    s_is_served (router, dealer, NULL);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

// A raw peer that speaks ZMTP 3.0 itself.
static int s_dial (const char *where)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
    address.sin_port = htons ((uint16_t)atoi (strrchr (where, ':') + 1));
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq (connect (fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

START_TEST (plain_peer_cannot_bring_a_key_of_its_own)
{
    // READY with the properties Socket-Type and User-Id, then one frame.
    static const char ready[] = "\xd5READY\x0bSocket-Type\0\0\0\6DEALER"
                                "\7User-Id\0\0\0\x28";
    char where[64], id[41];
    uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    zsock_t *router = s_listen (false, where);
    zmq_z85_encode (id, s_client.public_key, KEYPAIR_KEY);
    uint8_t command[200] = {4};
    size_t size = sizeof ready - 1;
    memcpy (command + 2, ready, size);
    command[2] = 5;
    memcpy (command + 2 + size, id, 40);
    command[1] = (uint8_t)(size + 40);
    int fd = s_dial (where);
    ck_assert_int_eq (write (fd, greeting, 64), 64);
    ck_assert_int_eq (write (fd, command, size + 42), (ssize_t)size + 42);
    uint8_t answer[300]; // its greeting and its READY
    size_t got = 0;
    while (got < 66 || got < 66u + answer[65]) {
        ssize_t more = read (fd, answer + got, sizeof answer - got);
        ck_assert_int_gt (more, 0);
        got += (size_t)more;
    }
    ck_assert_int_eq (write (fd, "\0\5hello", 7), 7);
    route_t route;
    frame_t frame;
    uint8_t key[KEYPAIR_KEY];
    ck_assert_msg (s_comes (router, &route, &frame, PATIENCE_MS), "nothing came");
    ck_assert (!frame_key (&frame, key));
    frame_close (&frame);
    close (fd);
    zsock_destroy (&router);
}
END_TEST

START_TEST (encrypted_listener_takes_no_other_client)
{
    char where[64];
    zsock_t *router = s_listen (true, where);
    zsock_t *plain = frame_connect (where, NULL);
    s_is_not_served (router, &plain);
    frame_tunnel_t wrong = {s_client.public_key, &s_client}; // not the server's key
    zsock_t *stranger = frame_connect (where, &wrong);
    s_is_not_served (router, &stranger);
    zsock_t *named = zsock_new (ZMQ_DEALER);
    zsock_set_plain_username (named, "ann");
    zsock_set_plain_password (named, "secret");
    zsock_set_linger (named, 0);
    zsock_connect (named, "%s", where);
    s_is_not_served (router, &named);
    zsock_t *right = frame_connect (where, &s_tunnel);
    s_is_served (router, right, s_client.public_key); // it was there all the time
    zsock_destroy (&right);
    zsock_destroy (&router);
}
END_TEST

START_TEST (plain_listener_takes_no_other_client)
{
    char where[64];
    zsock_t *router = s_listen (false, where);
    zsock_t *curve = frame_connect (where, &s_tunnel);
    s_is_not_served (router, &curve);
    zsock_t *named = zsock_new (ZMQ_DEALER);
    zsock_set_plain_username (named, "ann");
    zsock_set_plain_password (named, "secret");
    zsock_set_linger (named, 0);
    zsock_connect (named, "%s", where);
    s_is_not_served (router, &named);
    zsock_destroy (&router);
}
END_TEST

START_TEST (nobody_is_let_in_without_it)
{
    char curve[64];
    authenticator_destroy (&s_authenticator); // it died
    zsock_t *guarded = s_listen (true, curve);
    zsock_t *one = frame_connect (curve, &s_tunnel);
    s_is_not_served (guarded, &one);
    zsock_destroy (&guarded);
}
END_TEST

START_TEST (nobody_new_is_let_in_when_it_ends)
{
    char curve[64];
    zsock_t *guarded = s_listen (true, curve);
    zsock_t *old = frame_connect (curve, &s_tunnel);
    s_is_served (guarded, old, s_client.public_key);
    authenticator_destroy (&s_authenticator);
    zsock_t *one = frame_connect (curve, &s_tunnel);
    s_is_not_served (guarded, &one);
    zsock_destroy (&old);
    zsock_destroy (&guarded);
}
END_TEST

START_TEST (nobody_is_let_in_while_it_hangs)
{
    char curve[64];
    authenticator_destroy (&s_authenticator);
    zsock_t *prover = frame_prover (); // asked, and answers nothing
    ck_assert_ptr_nonnull (prover);
    zsock_t *guarded = s_listen (true, curve);
    zsock_t *one = frame_connect (curve, &s_tunnel);
    s_is_not_served (guarded, &one);
    zsock_destroy (&guarded);
    zsock_destroy (&prover);
}
END_TEST

START_TEST (plain_listener_needs_none)
{
    char plain[64];
    authenticator_destroy (&s_authenticator);
    zsock_t *router = s_listen (false, plain);
    zsock_t *one = frame_connect (plain, NULL);
    s_is_served (router, one, NULL);
    zsock_destroy (&one);
    zsock_destroy (&router);
}
END_TEST

START_TEST (second_one_cannot_be_started)
{
    ck_assert_ptr_null (authenticator_new ());
    ck_assert_int_eq (errno, EADDRINUSE);
    authenticator_destroy (&s_authenticator);
    authenticator_destroy (&s_authenticator); // nothing happens
    s_authenticator = authenticator_new ();
    ck_assert_ptr_nonnull (s_authenticator);
}
END_TEST

// What its socket may be asked, by this process alone. Each is answered with a refusal.
static const struct {
    const char *parts[9];
} s_questions[] = {
    {{"1.0"}},
    {{"1.0", "1", "zchat", "127.0.0.1", "", "CURVE", NULL}}, // no key
    {{"1.0", "1", "zchat", "127.0.0.1", "", "CURVE", "short", NULL}},
    {{"1.0", "1", "zchat", "127.0.0.1", "", "PLAIN", "ann", "secret", NULL}},
    {{"1.0", "1", "other", "127.0.0.1", "", "NULL", NULL}},
    {{"0.9", "1", "zchat", "127.0.0.1", "", "NULL", NULL}},
};

START_TEST (other_questions_are_answered_with_no)
{
    zsock_t *req = zsock_new_req ("inproc://zeromq.zap.01");
    zmsg_t *message = zmsg_new ();
    for (const char *const *part = s_questions[_i].parts; *part; part++)
        zmsg_addstr (message, *part);
    zmsg_send (&message, req);
    zsock_set_rcvtimeo (req, PATIENCE_MS);
    message = zmsg_recv (req);
    ck_assert_ptr_nonnull (message);
    ck_assert_uint_eq (zmsg_size (message), 6);
    char *version = zmsg_popstr (message), *number = zmsg_popstr (message),
         *status = zmsg_popstr (message);
    ck_assert_str_eq (version, "1.0");
    ck_assert_str_eq (status, "400");
    zstr_free (&version);
    zstr_free (&number);
    zstr_free (&status);
    zmsg_destroy (&message);
    zsock_destroy (&req);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("authenticator");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, key_of_an_encrypted_connection_is_told);
    tcase_add_test (cases, key_moves_with_the_frame);
    tcase_add_test (cases, plain_connection_has_no_key);
    tcase_add_test (cases, plain_peer_cannot_bring_a_key_of_its_own);
    tcase_add_test (cases, encrypted_listener_takes_no_other_client);
    tcase_add_test (cases, plain_listener_takes_no_other_client);
    tcase_add_test (cases, nobody_is_let_in_without_it);
    tcase_add_test (cases, plain_listener_needs_none);
    tcase_add_test (cases, nobody_new_is_let_in_when_it_ends);
    tcase_add_test (cases, nobody_is_let_in_while_it_hangs);
    tcase_add_test (cases, second_one_cannot_be_started);
    tcase_add_loop_test (cases, other_questions_are_answered_with_no, 0, 6);
    return kit_run (cases, "authenticator");
}
