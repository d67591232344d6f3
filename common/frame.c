#include "common/frame.h"

#include "common/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum {
    HIGH_WATER = 4096,    // messages a peer, each way; what matters is bounded by credit
    BACKLOG = 4096,       // connections waiting to be accepted
    HANDSHAKE_MS = 5000,  // a peer that has not finished its handshake by then is dropped
    HEARTBEAT_MS = 10000, // between pings of ZMTP
    HEARTBEAT_TIMEOUT = 30000,
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 2000
};

void frame_init (frame_t *self)
{
    self->legacy = false;
    self->complete = false;
    zmq_msg_init (&self->body);
}

void frame_close (frame_t *self)
{
    zmq_msg_close (&self->body);
}

void frame_move (frame_t *to, frame_t *from)
{
    to->legacy = from->legacy;
    to->complete = from->complete;
    zmq_msg_init (&to->body);
    zmq_msg_move (&to->body, &from->body);
}

span_t frame_body (const frame_t *self)
{
    zmq_msg_t *body = (zmq_msg_t *)&self->body; // libzmq's getters know no const
    return span (zmq_msg_data (body), zmq_msg_size (body));
}

const char *frame_peer (const frame_t *self)
{
    static const char mapped[] = "::ffff:"; // how an IPv6 socket names an IPv4 peer
    struct in6_addr address;
    const char *text = zmq_msg_gets (&self->body, "Peer-Address");
    if (!text)
        return "";
    if (strncmp (text, mapped, sizeof mapped - 1) == 0 && strchr (text, '.'))
        return text + sizeof mapped - 1;
    char bare[INET6_ADDRSTRLEN] = "";
    size_t size = strcspn (text, "%"); // without the zone of a link-local address
    if (size < sizeof bare)
        memcpy (bare, text, size);
    bool is_address =
        inet_pton (AF_INET, bare, &address) == 1 || inet_pton (AF_INET6, bare, &address) == 1;
    return is_address ? text : ""; // over ipc:// it is none
}

static void s_set_common (zsock_t *sock)
{
    zsock_set_sndhwm (sock, HIGH_WATER);
    zsock_set_rcvhwm (sock, HIGH_WATER);
    zsock_set_linger (sock, 0);
    zsock_set_ipv6 (sock, 1);
    zsock_set_handshake_ivl (sock, HANDSHAKE_MS);
    zsock_set_heartbeat_ivl (sock, HEARTBEAT_MS);
    zsock_set_heartbeat_timeout (sock, HEARTBEAT_TIMEOUT);
    zsock_set_heartbeat_ttl (sock, HEARTBEAT_TIMEOUT);
    zsock_set_sndtimeo (sock, 0);
    zsock_set_rcvtimeo (sock, 0);
}

zsock_t *frame_listen (const char *endpoint)
{
    zsock_t *self = zsock_new (ZMQ_ROUTER);
    if (!self)
        return NULL;
    s_set_common (self);
    zsock_set_router_mandatory (self, 1);
    zsock_set_maxmsgsize (self, WIRE_TO_SERVER);
    zsock_set_backlog (self, BACKLOG);
    if (zsock_bind (self, "%s", endpoint) == -1) {
        int cause = errno;
        zsock_destroy (&self);
        errno = cause;
    }
    return self;
}

zsock_t *frame_connect (const char *endpoint)
{
    zsock_t *self = zsock_new (ZMQ_DEALER);
    if (!self)
        return NULL;
    s_set_common (self);
    zsock_set_maxmsgsize (self, WIRE_TO_CLIENT);
    zsock_set_reconnect_ivl (self, RECONNECT_MS);
    zsock_set_reconnect_ivl_max (self, RECONNECT_MAX_MS);
    if (zsock_connect (self, "%s", endpoint) == -1) {
        int cause = errno;
        zsock_destroy (&self);
        errno = cause;
    }
    return self;
}

// Receives the next frame of the message; false when there is none.
static bool s_next (void *socket, zmq_msg_t *part)
{
    while (zmq_msg_recv (part, socket, ZMQ_DONTWAIT) < 0)
        if (errno != EINTR)
            return false;
    return true;
}

// Drops what is left of a message. Returns whether there was anything.
static bool s_skip (void *socket, zmq_msg_t *last)
{
    bool more = zmq_msg_more (last);
    zmq_msg_t part;
    zmq_msg_init (&part);
    for (bool left = more; left; left = zmq_msg_more (&part))
        if (!s_next (socket, &part))
            break;
    zmq_msg_close (&part);
    return more;
}

int frame_take (zsock_t *router, route_t *route, frame_t *frame)
{
    void *socket = zsock_resolve (router);
    zmq_msg_t from;
    zmq_msg_init (&from);
    if (!s_next (socket, &from)) {
        zmq_msg_close (&from);
        return 0;
    }
    size_t size = zmq_msg_size (&from);
    bool is_route = size <= FRAME_ROUTE_MAX; // libzmq passes on longer ones
    route->size = (uint8_t)(is_route ? size : 0);
    memcpy (route->bytes, zmq_msg_data (&from), route->size);
    frame->legacy = false;
    frame->complete = zmq_msg_more (&from) && s_next (socket, &frame->body);
    zmq_msg_close (&from);
    if (frame->complete && zmq_msg_size (&frame->body) == 0) {
        frame->legacy = true;
        frame->complete = zmq_msg_more (&frame->body) && s_next (socket, &frame->body);
    }
    if (s_skip (socket, &frame->body) || !is_route)
        frame->complete = false;
    return 1;
}

static int s_send (void *socket, span_t bytes, int flags)
{
    int rc;
    do
        rc = zmq_send (socket, bytes.data, bytes.size, flags | ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? -1 : 0;
}

int frame_reply (zsock_t *router, const route_t *route, bool legacy, span_t body)
{
    void *socket = zsock_resolve (router);
    if (s_send (socket, span (route->bytes, route->size), ZMQ_SNDMORE) < 0)
        return -1;
    if (legacy && s_send (socket, span (NULL, 0), ZMQ_SNDMORE) < 0)
        return -1;
    return s_send (socket, body, 0);
}

void frame_share (frame_shared_t *self, void *data, size_t size,
                  void (*release) (void *data, void *hint), void *hint)
{
    if (zmq_msg_init_data (&self->body, data, size, release, hint) < 0) {
        release (data, hint);
        zmq_msg_init (&self->body);
    }
}

void frame_unshare (frame_shared_t *self)
{
    zmq_msg_close (&self->body);
}

int frame_push (zsock_t *router, const route_t *route, const frame_shared_t *shared)
{
    void *socket = zsock_resolve (router);
    if (s_send (socket, span (route->bytes, route->size), ZMQ_SNDMORE) < 0)
        return -1;
    zmq_msg_t copy;
    zmq_msg_init (&copy);
    int rc = zmq_msg_copy (&copy, (zmq_msg_t *)&shared->body);
    if (rc == 0)
        rc = zmq_msg_send (&copy, socket, ZMQ_DONTWAIT);
    if (rc < 0)
        zmq_msg_close (&copy);
    return rc < 0 ? -1 : 0;
}

int frame_send (zsock_t *dealer, span_t body)
{
    return s_send (zsock_resolve (dealer), body, 0);
}

int frame_receive (zsock_t *dealer, frame_t *frame)
{
    void *socket = zsock_resolve (dealer);
    while (s_next (socket, &frame->body)) {
        if (!s_skip (socket, &frame->body)) {
            frame->legacy = false;
            frame->complete = true;
            return 1;
        }
    }
    return 0;
}
