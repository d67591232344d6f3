// replies: answers gathered over a turn of the loop, so that each peer gets them in one frame.
//
// Daemon floor 4, pure: it sends through a function it is given.

#ifndef ZCHAT_REPLIES_H
#define ZCHAT_REPLIES_H

#include "common/proof.h"
#include "common/wire.h"
#include "daemons/group/peers.h"

typedef struct replies replies_t;

// Sends a frame; what cannot be sent is dropped (the client asks again).
typedef void (replies_send_fn) (void *arg, peer_t *peer, span_t frame);

replies_t *replies_new (replies_send_fn *send, void *arg);
void replies_destroy (replies_t **self_p);

// `nick` "" : none given.
void replies_ack (replies_t *self, peer_t *peer, uint32_t tag, uint64_t seq, int64_t time,
                  const char *nick);
// `text` NULL: the error's own sentence. `wait`: milliseconds, 0: none.
void replies_error (replies_t *self, peer_t *peer, uint32_t tag, wire_error_t error,
                    const char *text, uint32_t wait);

// Sends one frame of its own at once.
void replies_send (replies_t *self, peer_t *peer, span_t frame);

// Sends all that was gathered, with this receipt.
void replies_flush (replies_t *self, const receipt_t *receipt);

#endif
