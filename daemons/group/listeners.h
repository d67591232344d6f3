// listeners: the sockets that a group serves, and what is told of them.
//
// Daemon floor 6.

#ifndef ZCHAT_LISTENERS_H
#define ZCHAT_LISTENERS_H

#include "common/conf.h"
#include "common/frame.h"
#include "daemons/group/peers.h"

typedef struct listeners listeners_t;

// Messages wait at this listener: take a bounded number of them.
typedef void (listeners_take_fn) (void *arg, size_t listener, zsock_t *socket);

// Binds every listener of the configuration and adds it to the loop. Where the port is `*`, the one
// it had last is tried first; the file `ports` in `folder` keeps them. NULL: one could not be
// bound, which is reported.
listeners_t *listeners_new (zloop_t *loop, const conf_t *conf, const char *folder,
                            listeners_take_fn *take, void *arg);
void listeners_destroy (listeners_t **self_p);

// How long closing waits for what was sent.
void listeners_set_linger (listeners_t *self, int ms);

// As frame_reply and frame_push, to where the peer is.
int listeners_send (listeners_t *self, const peer_t *peer, bool legacy, span_t frame);
int listeners_push (listeners_t *self, const peer_t *peer, const frame_shared_t *frame);

const char *listeners_bound (const listeners_t *self); // endpoints, blanks between, for people
const char *
listeners_announced (const listeners_t *self); // endpoints, blanks between, for registries

// The port that the first listener had last, by the file `ports` in `folder`; 0: not known.
uint16_t listeners_last_port (const char *folder);

#endif
