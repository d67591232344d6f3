#include "common/dealer.h"

#include "common/endpoint.h"
#include "common/frame.h"
#include "common/tether.h"

#include <errno.h>
#include <string.h>

enum {
    DRAIN = 64,        // messages taken at one time
    SMALL_FRAME = 4096 // requests that are not in an outbox
};

struct dealer {
    zloop_t *loop;
    char *endpoint;
    zsock_t *sock;
    zsock_t *watch; // readable when the connection broke
    dealer_handlers_t handlers;
    void *token;
};

zsock_t *dealer_connect_plain (const char *endpoint, void *arg)
{
    (void)arg;
    endpoint_t parsed;
    bool tcp = endpoint_parse (&parsed, endpoint, strlen (endpoint), ENDPOINT_CONNECT) == NULL;
    if (tcp && parsed.has_key) {
        errno = EACCES; // never without the encryption that was asked for
        return NULL;
    }
    return frame_connect (endpoint, NULL);
}

static int s_read (zloop_t *loop, zsock_t *sock, void *token)
{
    (void)loop;
    (void)sock;
    dealer_t *self = tether_owner (token);
    frame_t frame;
    frame_init (&frame);
    for (int i = 0; self && i < DRAIN && frame_receive (self->sock, &frame) == 1; i++) {
        wire_t message;
        span_t body = frame_body (&frame);
        if (wire_decode (&message, body) == WIRE_ERR_NONE &&
            wire_message (message.kind)->way == WIRE_REPLY)
            self->handlers.message (self->handlers.arg, &message, body.size);
        self = tether_owner (token);
    }
    frame_close (&frame);
    if (self && self->handlers.drained)
        self->handlers.drained (self->handlers.arg);
    return 0;
}

// Its messages are not read: every event that was asked for means the same.
static int s_broken (zloop_t *loop, zsock_t *watch, void *token)
{
    dealer_t *self = tether_owner (token);
    if (!self)
        return 0;
    zloop_reader_end (loop, watch);
    self->handlers.broken (self->handlers.arg);
    return 0;
}

static int s_watch (dealer_t *self)
{
    static unsigned count;
    char address[64];
    snprintf (address, sizeof address, "inproc://zchat-dealer-%u", ++count);
    int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED |
                 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    if (zmq_socket_monitor (zsock_resolve (self->sock), address, events) < 0)
        return -1;
    self->watch = zsock_new (ZMQ_PAIR);
    if (!self->watch || zsock_connect (self->watch, "%s", address) < 0)
        return -1;
    zsock_set_linger (self->watch, 0);
    return zloop_reader (self->loop, self->watch, s_broken, self->token);
}

dealer_t *dealer_new (zloop_t *loop, const char *endpoint, connect_fn *connect, void *connect_arg,
                      const dealer_handlers_t *handlers)
{
    dealer_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->loop = loop;
    self->handlers = *handlers;
    self->endpoint = strdup (endpoint);
    self->token = tether_new (self);
    errno = ENOMEM;
    if (self->endpoint && self->token)
        self->sock = connect ? connect (endpoint, connect_arg)
                             : dealer_connect_plain (endpoint, connect_arg);
    if (!self->sock || s_watch (self) < 0 ||
        zloop_reader (loop, self->sock, s_read, self->token) < 0) {
        int cause = errno;
        dealer_destroy (&self);
        errno = cause;
    }
    return self;
}

void dealer_destroy (dealer_t **self_p)
{
    dealer_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    tether_cut (&self->token);
    if (self->watch)
        zloop_reader_end (self->loop, self->watch);
    if (self->sock) {
        zloop_reader_end (self->loop, self->sock);
        zmq_socket_monitor (zsock_resolve (self->sock), NULL, 0); // else it may write to nobody
    }
    zsock_destroy (&self->sock);
    zsock_destroy (&self->watch);
    free (self->endpoint);
    free (self);
}

void dealer_hand_over (dealer_t *self, const dealer_handlers_t *handlers)
{
    self->handlers = *handlers;
}

const char *dealer_endpoint (const dealer_t *self)
{
    return self->endpoint;
}

int dealer_send_frame (dealer_t *self, span_t frame)
{
    return frame_send (self->sock, frame);
}

int dealer_send (dealer_t *self, const wire_t *message)
{
    uint8_t frame[SMALL_FRAME];
    writer_t out = writer (frame, sizeof frame);
    wire_encode (message, &out);
    if (out.failed) {
        errno = EMSGSIZE;
        return -1;
    }
    return dealer_send_frame (self, span (frame, writer_used (&out)));
}
