#include "common/ping.h"

#include "common/exits.h"
#include "common/frame.h"
#include "common/wire.h"
#include "tests/kit.h"
#include "tests/proving.h"

// Answers each request with what `make` does of it, until it is told to end.
typedef struct {
    zsock_t *router;
    bool answers; // else it is silent
    wire_kind_t kind;
    uint32_t tag_shift;
    const keypair_t *keys; // NULL: plain
    const uint8_t *known;  // what the asker thinks its key is
} server_t;

static void s_answer (const server_t *self)
{
    route_t route;
    frame_t frame;
    frame_init (&frame);
    while (frame_take (self->router, &route, &frame) == 1) {
        wire_t request;
        uint8_t bytes[200];
        writer_t out = writer (bytes, sizeof bytes);
        ck_assert_int_eq (wire_decode (&request, frame_body (&frame)), WIRE_ERR_NONE);
        ck_assert_int_eq (request.kind, WIRE_PING);
        wire_t reply = wire (self->kind, request.tag + self->tag_shift, NULL);
        wire_encode (&reply, &out);
        if (self->answers)
            frame_reply (self->router, &route, false, span (bytes, writer_used (&out)));
    }
    frame_close (&frame);
}

static void s_serve (zsock_t *pipe, void *argument)
{
    const server_t *self = argument;
    zsock_signal (pipe, 0);
    zmq_pollitem_t items[] = {{.socket = zsock_resolve (pipe), .events = ZMQ_POLLIN},
                              {.socket = zsock_resolve (self->router), .events = ZMQ_POLLIN}};
    while (zmq_poll (items, 2, -1) > 0 && !(items[0].revents & ZMQ_POLLIN))
        s_answer (self);
}

static int s_ping (server_t *self, const char *host, int timeout)
{
    frame_guard_t guard = {.keys = self->keys};
    self->router = frame_listen ("tcp://127.0.0.1:*", &guard);
    listener_t listener = {.security = self->keys ? LISTENER_CURVE : LISTENER_NONE};
    const char *wrong = endpoint_parse (&listener.endpoint, zsock_endpoint (self->router),
                                        strlen (zsock_endpoint (self->router)), ENDPOINT_BIND);
    ck_assert_ptr_null (wrong);
    strcpy (listener.endpoint.host, host);
    zactor_t *actor = zactor_new (s_serve, self);
    int rc = ping_listener (&listener, self->known, timeout);
    zactor_destroy (&actor);
    zsock_destroy (&self->router);
    return rc;
}

START_TEST (one_that_answers_is_there)
{
    server_t server = {.answers = true, .kind = WIRE_PONG};
    ck_assert_int_eq (s_ping (&server, "127.0.0.1", 5000), EXIT_DONE);
}
END_TEST

START_TEST (listener_on_all_addresses_is_asked_over_loopback)
{
    server_t server = {.answers = true, .kind = WIRE_PONG};
    ck_assert_int_eq (s_ping (&server, "*", 5000), EXIT_DONE);
    ck_assert_int_eq (s_ping (&server, "0.0.0.0", 5000), EXIT_DONE);
}
END_TEST

START_TEST (one_that_does_not_let_us_in_is_there)
{
    server_t server = {.answers = true, .kind = WIRE_ERROR};
    ck_assert_int_eq (s_ping (&server, "127.0.0.1", 5000), EXIT_DONE);
}
END_TEST

START_TEST (silence_is_unreachable)
{
    server_t server = {.answers = false, .kind = WIRE_PONG};
    ck_assert_int_eq (s_ping (&server, "127.0.0.1", 50), EXIT_UNREACHABLE);
}
END_TEST

START_TEST (another_answer_is_no_pong)
{
    server_t server = {.answers = true, .kind = WIRE_LEASE};
    ck_assert_int_eq (s_ping (&server, "127.0.0.1", 50), EXIT_UNREACHABLE);
    server = (server_t){.answers = true, .kind = WIRE_PONG, .tag_shift = 1};
    ck_assert_int_eq (s_ping (&server, "127.0.0.1", 50), EXIT_UNREACHABLE);
}
END_TEST

START_TEST (encrypted_listener_is_asked_with_its_key)
{
    keypair_t keys, other;
    ck_assert_int_eq (keypair_make (&keys), 0);
    ck_assert_int_eq (keypair_make (&other), 0);
    server_t server = {.answers = true, .kind = WIRE_PONG, .keys = &keys};
    server.known = keys.public_key;
    ck_assert_int_eq (s_ping (&server, "127.0.0.1", 5000), EXIT_DONE);
    server.known = other.public_key;
    ck_assert_int_eq (s_ping (&server, "127.0.0.1", 200), EXIT_UNREACHABLE);
    server.known = NULL;
    ck_assert_int_eq (s_ping (&server, "127.0.0.1", 200), EXIT_UNREACHABLE);
}
END_TEST

START_TEST (unknown_port_is_unreachable)
{
    listener_t listener = {.endpoint = {.host = "127.0.0.1"}};
    ck_assert_int_eq (ping_listener (&listener, NULL, 50), EXIT_UNREACHABLE);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("ping");
    proving_add (cases);
    tcase_add_test (cases, one_that_answers_is_there);
    tcase_add_test (cases, listener_on_all_addresses_is_asked_over_loopback);
    tcase_add_test (cases, one_that_does_not_let_us_in_is_there);
    tcase_add_test (cases, silence_is_unreachable);
    tcase_add_test (cases, another_answer_is_no_pong);
    tcase_add_test (cases, encrypted_listener_is_asked_with_its_key);
    tcase_add_test (cases, unknown_port_is_unreachable);
    return kit_run (cases, "ping");
}
