// frame: messages on ROUTER and DEALER sockets. The only file that touches zmq frames.
//
// Floor 4. A listener is one ROUTER for both wires. What arrives is told apart by its frames alone:
// a native request is [route][body], one of the original system's REQ clients [route][][text].
// An encrypted listener asks the process's authenticator about each connection.
// All calls are without waiting.

#ifndef ZCHAT_FRAME_H
#define ZCHAT_FRAME_H

#include "common/codec.h"
#include "common/keypair.h"

#include <czmq.h>

#define FRAME_ROUTE_MAX    255
#define FRAME_HANDSHAKE_MS 5000 // a peer that has not finished its handshake by then is dropped

// Where a peer is, on one listener. Never shown or logged: whoever knows it can take it over.
typedef struct {
    uint8_t size;
    uint8_t bytes[FRAME_ROUTE_MAX];
} route_t;

// A received message. Made by frame_init, freed by frame_close; may be moved, not copied.
typedef struct {
    bool legacy;   // the original system's shape
    bool complete; // exactly the frames that the shape has; else the body counts for nothing
    bool curve;    // came over an encrypted listener
    zmq_msg_t body;
} frame_t;

void frame_init (frame_t *self);
void frame_close (frame_t *self);
void frame_move (frame_t *to, frame_t *from); // `to` is initialized here, `from` becomes empty
span_t frame_body (const frame_t *self);      // borrowed from the frame

// The peer's IP address as the socket saw it, without a port ("127.0.0.1", "::1"; IPv4 never in its
// IPv6 form), or "" when it has none. Borrowed from the frame.
const char *frame_peer (const frame_t *self);

// The key that the peer has proved to own. False when it has none: over a plain listener. Cheap.
bool frame_key (const frame_t *self, uint8_t key[KEYPAIR_KEY]);

// How a listener is guarded. It is borrowed for the call.
typedef struct {
    const keypair_t *keys; // CURVE, with the server's own keys; NULL: plain
    int handshake;         // ms; 0: FRAME_HANDSHAKE_MS
    int queue;             // messages that may wait for a peer; 0: 4096
} frame_guard_t;

// Opens a ROUTER with every option that matters set, and binds it. `endpoint` is tcp://host:port,
// the port may be `*`; ipc:// works too. `guard` NULL: plain. Else nobody gets in while the process
// has no authenticator. Returns NULL with errno when it cannot be bound.
zsock_t *frame_listen (const char *endpoint, const frame_guard_t *guard);

// How a client's connection is encrypted. It is borrowed for the call.
typedef struct {
    const uint8_t *server; // KEYPAIR_KEY bytes: the one that must be there
    const keypair_t *keys; // one's own
} frame_tunnel_t;

// The same for a client's DEALER: connects. `tunnel` NULL: plain. When the server has another key,
// or refuses, the socket is of no more use: it does not try again.
zsock_t *frame_connect (const char *endpoint, const frame_tunnel_t *tunnel);

// Takes one message off a ROUTER. Returns 1, or 0 when there is none. `frame` was initialized. A
// peer with a routing id longer than any client's gets an empty route, to which nothing can be
// sent, and is not complete.
int frame_take (zsock_t *router, route_t *route, frame_t *frame);

// Sends one body to a peer of a ROUTER, copying it. Returns 0, or -1 with errno: EAGAIN (its queue
// is full: try later), EHOSTUNREACH (it is gone).
int frame_reply (zsock_t *router, const route_t *route, bool legacy, span_t body);

// A body that many peers get without copies. The bytes belong to it: `release (data, hint)` is
// called when the last peer has them and the owner has closed it, by whatever thread.
typedef struct {
    zmq_msg_t body;
} frame_shared_t;

void frame_share (frame_shared_t *self, void *data, size_t size,
                  void (*release) (void *data, void *hint), void *hint);
// A release for bytes that lie anywhere in the malloced `hint`.
void frame_free_hint (void *data, void *hint);
size_t frame_size (const frame_shared_t *self);
void frame_unshare (frame_shared_t *self);
int frame_push (zsock_t *router, const route_t *route, const frame_shared_t *shared);

// libzmq does not tell how much of what was sent to a peer waits for it. A frame with a mark does:
// it is pending until its last byte went to the kernel (or its connection ended), and so all that
// was sent to that peer before. The mark's own: it may be given up while it is pending.
typedef struct frame_mark frame_mark_t;
frame_mark_t *frame_mark_new (void);
void frame_mark_destroy (frame_mark_t **self_p);
bool frame_mark_pending (const frame_mark_t *self);
// As frame_push, and for either wire. The mark is not pending.
int frame_push_marked (zsock_t *router, const route_t *route, bool legacy,
                       const frame_shared_t *shared, frame_mark_t *mark);

// DEALER: one frame out (0, or -1 with errno), one in (1, or 0 when there is none; a message of
// several frames is dropped and the next one looked at).
int frame_send (zsock_t *dealer, span_t body);
int frame_receive (zsock_t *dealer, frame_t *frame);

// For the authenticator: the socket on which libzmq asks about connections (NULL with errno:
// EADDRINUSE when the process has one), and answering one question. Returns 1, or 0 when there was
// none.
zsock_t *frame_prover (void);
int frame_prove (zsock_t *prover);

#endif
