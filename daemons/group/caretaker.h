// caretaker: what goes in time: history that is kept no longer, members that nobody sees any more;
// and a doubt that could not be written yet.
//
// Daemon floor 7, pure but for the log. It asks intake for the records that say so.

#ifndef ZCHAT_CARETAKER_H
#define ZCHAT_CARETAKER_H

#include "daemons/group/intake.h"
#include "daemons/group/keep.h"
#include "daemons/group/peers.h"

typedef struct caretaker caretaker_t;

// The parts are borrowed; the log was just opened and nothing was appended yet. `now`: wall clock,
// `elapsed`: the monotonic one, both in microseconds.
caretaker_t *caretaker_new (log_t *log, roster_t *roster, intake_t *intake, const peers_t *peers,
                            int64_t now, int64_t elapsed);
void caretaker_destroy (caretaker_t **self_p);

// `forget`: microseconds after which a member leaves that proved no key and is not seen. Nothing
// goes by time while the clock is not trusted (keep.h).
void caretaker_set (caretaker_t *self, int64_t forget, const keep_limits_t *keep);

// Looks around; about once a second. `now`: wall clock, microseconds; `elapsed`: microseconds of
// the monotonic clock; `mono`: its ms.
void caretaker_turn (caretaker_t *self, int64_t now, int64_t elapsed, int64_t mono);

// A TRIM with this sequence is durable.
void caretaker_trimmed (caretaker_t *self, uint64_t seq);

#endif
