#include "daemons/registry/server.h"

#include "common/frame.h"
#include "common/wire.h"
#include "daemons/registry/settings.h"
#include "tests/folder.h"
#include "tests/kit.h"
#include "tests/proving.h"

static folder_t s_folder;
static zloop_t *s_loop;
static conf_t *s_conf;
static int s_code; // why there is no server

static void s_set_up (void)
{
    size_t count;
    s_folder = folder_new ();
    s_loop = zloop_new ();
    const conf_key_t *keys = registry_settings (&count);
    s_conf = conf_new (keys, count);
}

static void s_tear_down (void)
{
    conf_destroy (&s_conf);
    zloop_destroy (&s_loop);
    folder_remove (&s_folder);
}

static void s_listen_on (const char *endpoint)
{
    char text[200];
    snprintf (text, sizeof text, "listen = ( { endpoint = \"%s\"; } );", endpoint);
    ck_assert_int_eq (conf_load (s_conf, folder_put (&s_folder, "a.cfg", text), false), 0);
}

static int s_end_loop (zloop_t *loop, zsock_t *sock, void *argument)
{
    (void)loop, (void)sock, (void)argument;
    return -1;
}

// Sends a request to the server and turns the loop until the reply is there.
static void s_answers (const server_t *server, const wire_t *request, wire_kind_t kind)
{
    uint8_t bytes[200];
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (request, &out);
    zsock_t *dealer = frame_connect (server_endpoints (server), NULL);
    ck_assert_int_eq (frame_send (dealer, span (bytes, writer_used (&out))), 0);
    zloop_reader (s_loop, dealer, s_end_loop, NULL);
    zloop_start (s_loop);
    zloop_reader_end (s_loop, dealer);
    frame_t frame;
    wire_t reply;
    frame_init (&frame);
    ck_assert_int_eq (frame_receive (dealer, &frame), 1);
    ck_assert_int_eq (wire_decode (&reply, frame_body (&frame)), WIRE_ERR_NONE);
    ck_assert_int_eq (reply.kind, kind);
    ck_assert_uint_eq (reply.tag, request->tag);
    frame_close (&frame);
    zsock_destroy (&dealer);
}

START_TEST (it_listens_and_answers_with_the_tag)
{
    s_listen_on ("tcp://127.0.0.1:*");
    server_t *server = server_new (s_loop, s_conf, &s_code);
    ck_assert_ptr_nonnull (server);
    const wire_kind_t asked[] = {WIRE_PING, WIRE_LIST, WIRE_WITHDRAW, WIRE_ANNOUNCE, WIRE_JOIN};
    const wire_kind_t answered[] = {WIRE_PONG, WIRE_GROUPS, WIRE_LEASE, WIRE_ERROR, WIRE_ERROR};
    for (size_t i = 0; i < 5; i++) {
        wire_t request = wire (asked[i], (uint32_t)(70 + i), NULL);
        s_answers (server, &request, answered[i]);
    }
    server_destroy (&server);
}
END_TEST

START_TEST (port_in_use_is_refused)
{
    s_listen_on ("tcp://127.0.0.1:*");
    server_t *server = server_new (s_loop, s_conf, &s_code);
    s_listen_on (server_endpoints (server));
    ck_assert_ptr_null (server_new (s_loop, s_conf, &s_code));
    server_destroy (&server);
}
END_TEST

START_TEST (all_listeners_are_told)
{
    const char *text = "listen = ( { endpoint = \"tcp://127.0.0.1:*\"; },"
                       " { endpoint = \"tcp://127.0.0.2:*\"; } );";
    conf_load (s_conf, folder_put (&s_folder, "a.cfg", text), false);
    server_t *server = server_new (s_loop, s_conf, &s_code);
    int first = 0, second = 0;
    ck_assert_int_eq (sscanf (server_endpoints (server), "tcp://127.0.0.1:%d tcp://127.0.0.2:%d",
                              &first, &second),
                      2);
    ck_assert (first > 0 && second > 0);
    server_destroy (&server);
    ck_assert_ptr_null (server);
    server_destroy (&server);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("registry_server");
    proving_add (cases);
    tcase_add_checked_fixture (cases, s_set_up, s_tear_down);
    tcase_add_test (cases, it_listens_and_answers_with_the_tag);
    tcase_add_test (cases, port_in_use_is_refused);
    tcase_add_test (cases, all_listeners_are_told);
    return kit_run (cases, "registry_server");
}
