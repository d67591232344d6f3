// dealer: one client connection: a socket in a zloop, and the notice that it broke.
//
// Floor 5. What cannot be decoded is dropped here. It may be destroyed in any handler, its own too.

#ifndef ZCHAT_DEALER_H
#define ZCHAT_DEALER_H

#include "common/invitation.h"
#include "common/wire.h"

#include <czmq.h>

typedef struct dealer dealer_t;

// Opens a DEALER to an endpoint, which may carry its server's key. NULL with errno when it cannot.
typedef zsock_t *(connect_fn)(const char *endpoint, void *arg);

// Writes the invitations that are shown to whom is at this endpoint, as the field `invitations`:
// to a group of that name ("": not known yet), or (NULL) to a registry. Returns their size, 0:
// none.
typedef size_t (show_fn) (void *arg, const char *endpoint, const char *group,
                          uint8_t out[INVITATION_FIELD]);

// What is used when no other is given: frame_connect; refuses an endpoint with a key.
zsock_t *dealer_connect_plain (const char *endpoint, void *arg);

typedef struct {
    // A reply, and its size in bytes.
    void (*message) (void *arg, const wire_t *message, size_t size);
    // After some messages that came at once. May be NULL.
    void (*drained) (void *arg);
    // The connection is gone, was refused, or could not be made. Called once.
    void (*broken) (void *arg);
    void *arg;
} dealer_handlers_t;

// NULL with errno when the socket cannot be made.
dealer_t *dealer_new (zloop_t *loop, const char *endpoint, connect_fn *connect, void *connect_arg,
                      const dealer_handlers_t *handlers);
void dealer_destroy (dealer_t **self_p);

void dealer_hand_over (dealer_t *self, const dealer_handlers_t *handlers); // others from now on
const char *dealer_endpoint (const dealer_t *self);

// Returns 0, or -1 with errno: EAGAIN (its queue is full), EMSGSIZE.
int dealer_send (dealer_t *self, const wire_t *message);
int dealer_send_frame (dealer_t *self, span_t frame);

#endif
