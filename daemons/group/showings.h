// showings: the receipts that clients show, judged one by one.
//
// Daemon floor 7, pure but for the log. What a receipt proves to be lost is told to its client; one
// that contradicts the log puts it in doubt.

#ifndef ZCHAT_SHOWINGS_H
#define ZCHAT_SHOWINGS_H

#include "daemons/group/log.h"
#include "daemons/group/replies.h"

typedef struct showings showings_t;

showings_t *showings_new (log_t *log, replies_t *replies);
void showings_destroy (showings_t **self_p);

// Takes the receipt that `peer` shows in a request, if there is one.
void showings_take (showings_t *self, peer_t *peer, const wire_t *request);

// Judges one. Returns whether there are more.
bool showings_turn (showings_t *self);

#endif
