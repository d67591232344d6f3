// showings: the receipts that clients show.
//
// Daemon floor 7, pure but for the log. What a receipt proves to be lost is told to its client; one
// that contradicts the log puts it in doubt. Most are judged at once, so that whatever is answered
// after it rests on that; when there are many, or the log has to be looked at longer, one a turn.

#ifndef ZCHAT_SHOWINGS_H
#define ZCHAT_SHOWINGS_H

#include "daemons/group/log.h"
#include "daemons/group/replies.h"

typedef struct showings showings_t;

showings_t *showings_new (log_t *log, replies_t *replies);
void showings_destroy (showings_t **self_p);

// Takes the receipt that `peer` shows in a request, if there is one, before that is answered.
void showings_take (showings_t *self, peer_t *peer, const wire_t *request);

// Judges one of those that wait. Returns whether there are more.
bool showings_turn (showings_t *self);

#endif
