// history: answers PAGE, in steps, one a peer at a time.
//
// Daemon floor 6, pure but for the log. A page waits for the peer's credit and for indexes that are
// made; so it is kept until it is answered, and peers take turns.

#ifndef ZCHAT_HISTORY_H
#define ZCHAT_HISTORY_H

#include "common/wire.h"
#include "daemons/group/log.h"
#include "daemons/group/peers.h"

typedef struct history history_t;

typedef struct {
    void *arg;
    // Send a reply: 0, or -1 when it did not go out; a peer that could not take it asks again.
    int (*send) (void *arg, peer_t *peer, span_t frame);
    int (*send_shared) (void *arg, peer_t *peer, const frame_shared_t *frame);
    void (*refuse) (void *arg, peer_t *peer, uint32_t tag, wire_error_t error);
} history_io_t;

history_t *history_new (log_t *log, const history_io_t *io);
void history_destroy (history_t **self_p);
void history_set_max_reply (history_t *self, size_t bytes);

// Begins to answer a PAGE. BAD_REQUEST, or BUSY when one of this peer is under way.
wire_error_t history_ask (history_t *self, peer_t *peer, const wire_t *page);

// Goes on. Returns whether any could go on at once.
bool history_turn (history_t *self);

// Whether it left some whose peer has not read what was sent before, for a turn a moment later.
bool history_retries (const history_t *self);

// Forgets the peer's page.
void history_drop (history_t *self, peer_t *peer);

#endif
