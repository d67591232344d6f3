#include "common/frame.h"

#include "common/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum {
    HIGH_WATER = 4096,   // messages a peer, each way; what matters is bounded by credit
    BACKLOG = 4096,      // connections waiting to be accepted
    PROBE_S = 10,        // silence after which a peer's kernel is asked for a sign of life
    LIFELESS_MS = 30000, // without one: it is given up
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 2000,
    ID_TEXT = 40,  // a key as the authenticator tells it: Z85
    ZAP_PARTS = 7, // a question's frames, as ZAP (RFC 27) has them
    // Nobody is let in when there is nobody to ask. libzmq has it; its header shows drafts alone.
    ENFORCE_DOMAIN = 93
};

static const char s_domain[] = "zchat"; // of authentication: a listener without one is open

void frame_init (frame_t *self)
{
    self->legacy = false;
    self->complete = false;
    self->curve = false;
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
    to->curve = from->curve;
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

bool frame_key (const frame_t *self, uint8_t key[KEYPAIR_KEY])
{
    // Over a plain connection the peer could have put it there itself.
    const char *id = self->curve ? zmq_msg_gets (&self->body, "User-Id") : NULL;
    return id && strlen (id) == ID_TEXT && zmq_z85_decode (key, id);
}

static void s_set_common (zsock_t *sock)
{
    zsock_set_sndhwm (sock, HIGH_WATER);
    zsock_set_rcvhwm (sock, HIGH_WATER);
    zsock_set_linger (sock, 0);
    zsock_set_ipv6 (sock, 1);
    zsock_set_handshake_ivl (sock, FRAME_HANDSHAKE_MS);
    // A peer that is gone is noticed by the kernel. Not by ZMTP's heartbeats: for each one libzmq
    // looks for a timer among those of all connections, and ten thousand that are silent would take
    // a quarter of a core. That a peer's program hangs is noticed by PING, on both sides.
    zsock_set_tcp_keepalive (sock, 1);
    zsock_set_tcp_keepalive_idle (sock, PROBE_S);
    zsock_set_tcp_keepalive_intvl (sock, PROBE_S);
    zsock_set_tcp_keepalive_cnt (sock, LIFELESS_MS / 1000 / PROBE_S);
    zsock_set_tcp_maxrt (sock, LIFELESS_MS); // also where something is on its way to the peer
    zsock_set_sndtimeo (sock, 0);
    zsock_set_rcvtimeo (sock, 0);
}

// An option that must be set, or the socket would be less guarded than was asked for. Not czmq's
// setters: they end the process or say nothing when one fails.
static bool s_set (zsock_t *sock, int option, const void *value, size_t size)
{
    return zmq_setsockopt (zsock_resolve (sock), option, value, size) == 0;
}

static bool s_set_number (zsock_t *sock, int option, int value)
{
    return s_set (sock, option, &value, sizeof value);
}

static bool s_guard (zsock_t *sock, const frame_guard_t *guard)
{
    if (guard && guard->handshake > 0)
        zsock_set_handshake_ivl (sock, guard->handshake);
    if (guard && guard->queue > 0)
        zsock_set_sndhwm (sock, guard->queue);
    if (!guard || !guard->keys)
        return true; // plain: there is nothing to prove, and asking costs 10 KB a connection
    return s_set (sock, ZMQ_ZAP_DOMAIN, s_domain, strlen (s_domain)) &&
           s_set_number (sock, ENFORCE_DOMAIN, 1) && s_set_number (sock, ZMQ_CURVE_SERVER, 1) &&
           s_set (sock, ZMQ_CURVE_SECRETKEY, guard->keys->secret_key, KEYPAIR_KEY);
}

static bool s_encrypt (zsock_t *sock, const frame_tunnel_t *tunnel)
{
    return !tunnel || (s_set (sock, ZMQ_CURVE_SERVERKEY, tunnel->server, KEYPAIR_KEY) &&
                       s_set (sock, ZMQ_CURVE_PUBLICKEY, tunnel->keys->public_key, KEYPAIR_KEY) &&
                       s_set (sock, ZMQ_CURVE_SECRETKEY, tunnel->keys->secret_key, KEYPAIR_KEY));
}

// Returns the socket if all went well, else ends it and keeps errno.
static zsock_t *s_if_right (zsock_t *sock, bool right)
{
    if (!right) {
        int cause = errno;
        zsock_destroy (&sock);
        errno = cause;
    }
    return sock;
}

zsock_t *frame_listen (const char *endpoint, const frame_guard_t *guard)
{
    zsock_t *self = zsock_new (ZMQ_ROUTER);
    if (!self)
        return NULL;
    s_set_common (self);
    zsock_set_router_mandatory (self, 1);
    zsock_set_maxmsgsize (self, WIRE_TO_SERVER);
    zsock_set_backlog (self, BACKLOG);
    return s_if_right (self, s_guard (self, guard) && zsock_bind (self, "%s", endpoint) != -1);
}

zsock_t *frame_connect (const char *endpoint, const frame_tunnel_t *tunnel)
{
    zsock_t *self = zsock_new (ZMQ_DEALER);
    if (!self)
        return NULL;
    s_set_common (self);
    zsock_set_maxmsgsize (self, WIRE_TO_CLIENT);
    zsock_set_reconnect_ivl (self, RECONNECT_MS);
    zsock_set_reconnect_ivl_max (self, RECONNECT_MAX_MS);
    return s_if_right (self,
                       s_encrypt (self, tunnel) && zsock_connect (self, "%s", endpoint) != -1);
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

static bool s_is_curve (void *socket)
{
    int mechanism = ZMQ_NULL;
    size_t size = sizeof mechanism;
    return zmq_getsockopt (socket, ZMQ_MECHANISM, &mechanism, &size) == 0 && mechanism == ZMQ_CURVE;
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
    frame->curve = s_is_curve (socket);
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

static int s_route (void *socket, const route_t *route, bool legacy)
{
    if (s_send (socket, span (route->bytes, route->size), ZMQ_SNDMORE) < 0)
        return -1;
    return legacy ? s_send (socket, span (NULL, 0), ZMQ_SNDMORE) : 0;
}

int frame_reply (zsock_t *router, const route_t *route, bool legacy, span_t body)
{
    void *socket = zsock_resolve (router);
    if (s_route (socket, route, legacy) < 0)
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

void frame_free_hint (void *data, void *hint)
{
    (void)data;
    free (hint);
}

size_t frame_size (const frame_shared_t *self)
{
    return zmq_msg_size ((zmq_msg_t *)&self->body);
}

void frame_unshare (frame_shared_t *self)
{
    zmq_msg_close (&self->body);
}

// Sends the message, or closes it and keeps errno.
static int s_send_message (void *socket, zmq_msg_t *message)
{
    if (zmq_msg_send (message, socket, ZMQ_DONTWAIT) >= 0)
        return 0;
    int cause = errno;
    zmq_msg_close (message);
    errno = cause;
    return -1;
}

int frame_push (zsock_t *router, const route_t *route, const frame_shared_t *shared)
{
    void *socket = zsock_resolve (router);
    if (s_route (socket, route, false) < 0)
        return -1;
    zmq_msg_t copy;
    zmq_msg_init (&copy);
    zmq_msg_copy (&copy, (zmq_msg_t *)&shared->body);
    return s_send_message (socket, &copy);
}

// ---- Marks

struct frame_mark {
    atomic_int holds; // the owner's, and that of the frame on its way
    atomic_bool pending;
};

typedef struct {
    zmq_msg_t body; // what is sent
    frame_mark_t *mark;
} marked_t;

frame_mark_t *frame_mark_new (void)
{
    frame_mark_t *self = zmalloc (sizeof *self);
    atomic_init (&self->holds, 1);
    atomic_init (&self->pending, false);
    return self;
}

static void s_let_go (frame_mark_t *self)
{
    if (atomic_fetch_sub (&self->holds, 1) == 1)
        free (self);
}

void frame_mark_destroy (frame_mark_t **self_p)
{
    if (*self_p)
        s_let_go (*self_p);
    *self_p = NULL;
}

bool frame_mark_pending (const frame_mark_t *self)
{
    return atomic_load (&self->pending);
}

// By libzmq's thread, or by this one.
static void s_release_marked (void *data, void *hint)
{
    (void)data;
    marked_t *marked = hint;
    zmq_msg_close (&marked->body);
    atomic_store (&marked->mark->pending, false);
    s_let_go (marked->mark);
    free (marked);
}

int frame_push_marked (zsock_t *router, const route_t *route, bool legacy,
                       const frame_shared_t *shared, frame_mark_t *mark)
{
    void *socket = zsock_resolve (router);
    if (s_route (socket, route, legacy) < 0)
        return -1;
    marked_t *marked = zmalloc (sizeof *marked);
    marked->mark = mark;
    atomic_fetch_add (&mark->holds, 1);
    atomic_store (&mark->pending, true);
    zmq_msg_init (&marked->body);
    zmq_msg_copy (&marked->body, (zmq_msg_t *)&shared->body);
    zmq_msg_t message;
    int rc = zmq_msg_init_data (&message, zmq_msg_data (&marked->body),
                                zmq_msg_size (&marked->body), s_release_marked, marked);
    assert (rc == 0);
    return s_send_message (socket, &message);
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

// ---- Answering libzmq's questions about connections

zsock_t *frame_prover (void)
{
    zsock_t *self = zsock_new (ZMQ_REP);
    if (!self)
        return NULL;
    s_set_common (self);
    return s_if_right (self, zsock_bind (self, "inproc://zeromq.zap.01") != -1);
}

// The parts that count: version, number, domain, address, id, mechanism, key. Returns how many
// came.
static size_t s_take_question (void *socket, zmq_msg_t parts[ZAP_PARTS])
{
    size_t count = 0;
    bool more = true;
    while (more && count < ZAP_PARTS && s_next (socket, &parts[count])) {
        more = zmq_msg_more (&parts[count]);
        count++;
    }
    if (more && count > 0)
        s_skip (socket, &parts[count - 1]);
    return count;
}

static bool s_part_is (zmq_msg_t *part, const char *text)
{
    return span_equal (span (zmq_msg_data (part), zmq_msg_size (part)), span_of (text));
}

int frame_prove (zsock_t *prover)
{
    void *socket = zsock_resolve (prover);
    zmq_msg_t parts[ZAP_PARTS];
    for (size_t i = 0; i < ZAP_PARTS; i++)
        zmq_msg_init (&parts[i]);
    size_t count = s_take_question (socket, parts);
    char id[ID_TEXT + 1] = "";
    bool ours = count >= 6 && s_part_is (&parts[0], "1.0") && s_part_is (&parts[2], s_domain);
    bool curve = ours && count == 7 && s_part_is (&parts[5], "CURVE") &&
                 zmq_msg_size (&parts[6]) == KEYPAIR_KEY &&
                 zmq_z85_encode (id, zmq_msg_data (&parts[6]), KEYPAIR_KEY);
    bool right = curve || (ours && s_part_is (&parts[5], "NULL"));
    span_t number = span (zmq_msg_data (&parts[1]), zmq_msg_size (&parts[1]));
    const span_t answer[] = {span_of ("1.0"),
                             number,
                             span_of (right ? "200" : "400"),
                             span_of (right ? "OK" : "NO"),
                             span_of (id),
                             span (NULL, 0)};
    for (size_t i = 0; count > 0 && i < 6; i++)
        if (s_send (socket, answer[i], i < 5 ? ZMQ_SNDMORE : 0) < 0)
            break;
    for (size_t i = 0; i < ZAP_PARTS; i++)
        zmq_msg_close (&parts[i]);
    return count > 0;
}
