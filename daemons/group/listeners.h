// listeners: the sockets that a group serves, and what is told of them.
//
// Daemon floor 6.

#ifndef ZCHAT_LISTENERS_H
#define ZCHAT_LISTENERS_H

#include "common/conf.h"
#include "common/frame.h"
#include "daemons/group/peers.h"

typedef struct listeners listeners_t;

typedef struct {
    void *arg;
    // Messages may wait at this listener: takes a bounded number of them.
    void (*take) (void *arg, size_t listener, zsock_t *socket);
    // What was taken is to be worked at.
    void (*turn) (void *arg);
} listeners_io_t;

// Binds every listener of the configuration and adds it to the loop. Where the port is `*`, the one
// it had last is tried first; the file `ports` in `folder` keeps them. The group's own key pair, in
// the file `curve` there, is opened, or made, when a listener or a registry needs it. NULL with
// *code: one could not be bound, or the keys cannot be used, which is reported.
listeners_t *listeners_new (zloop_t *loop, const conf_t *conf, const char *folder,
                            const listeners_io_t *io, int *code);
void listeners_destroy (listeners_t **self_p);

// How long closing waits for what was sent.
void listeners_set_linger (listeners_t *self, int ms);

// Waits so many microseconds for messages, and takes what has come at any listener. To be called
// when all that was there was taken.
void listeners_await (listeners_t *self, int64_t us);

// As frame_reply and frame_push, to where the peer is.
int listeners_send (listeners_t *self, peer_t *peer, bool legacy, span_t frame);
int listeners_push (listeners_t *self, peer_t *peer, const frame_shared_t *frame);

const char *listeners_bound (const listeners_t *self); // endpoints, blanks between, for people
// The same for registries: encrypted ones with the key, and before the others.
const char *listeners_announced (const listeners_t *self);

// The group's own keys; NULL: it needs none. And the public one if there is an encrypted listener.
const keypair_t *listeners_keys (const listeners_t *self);
const uint8_t *listeners_key (const listeners_t *self);

// The port that a listener had last, by the file `ports` in `folder`; 0: not known.
uint16_t listeners_last_port (const char *folder, size_t listener);

// Asks the running group, by what it left in `folder`, over one listener after the other:
// EXIT_DONE, or EXIT_UNREACHABLE when none answers within `timeout` ms.
int listeners_ping (const conf_t *conf, const char *folder, int timeout);

#endif
