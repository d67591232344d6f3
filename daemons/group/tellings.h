// tellings: the original wire's requests for history that are being answered.
//
// Daemon floor 7, pure but for the log: it sends through a function it is given. They take turns.

#ifndef ZCHAT_TELLINGS_H
#define ZCHAT_TELLINGS_H

#include "daemons/group/log.h"
#include "daemons/group/pending.h"

#define TELLINGS_MAX 256

typedef struct tellings tellings_t;

typedef void (tellings_send_fn) (void *arg, peer_t *peer, span_t text);

tellings_t *tellings_new (log_t *log, tellings_send_fn *send, void *arg);
void tellings_destroy (tellings_t **self_p);

// Takes a request, to be answered with messages at or after `since` (microseconds; 0: all), `max`
// bytes at most. False: there are too many; then it stays the caller's.
bool tellings_add (tellings_t *self, pending_t **request_p, int64_t since, size_t max);

// One step of one. Returns whether there are more.
bool tellings_turn (tellings_t *self);

#endif
