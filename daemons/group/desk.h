// desk: takes each request, on either wire, to the part that answers it.
//
// Daemon floor 8, pure: no socket, no clock. What can be answered at once goes to replies; what may
// change the group goes to intake, whose answers come back here; PAGE goes to history, FOLLOW and
// CREDIT to delivery.

#ifndef ZCHAT_DESK_H
#define ZCHAT_DESK_H

#include "daemons/group/door.h"
#include "daemons/group/intake.h"
#include "daemons/group/replies.h"

typedef struct desk desk_t;

// The parts, borrowed.
typedef struct {
    const char *name; // the group's
    log_t *log;
    door_t door;
    intake_t *intake;
    replies_t *replies;
    // Sends the original wire's one text to a peer.
    void (*send_text) (void *arg, peer_t *peer, span_t text);
    void *arg;
} desk_parts_t;

desk_t *desk_new (const desk_parts_t *parts);
void desk_destroy (desk_t **self_p);
// The group's public key, which PONG tells; NULL: it has no encrypted listener. Borrowed.
void desk_set_key (desk_t *self, const uint8_t *key);
void desk_set_limits (desk_t *self, size_t max_message, size_t max_reply);

// Takes a message that came from `route` at a listener; `pending` holds its frame, nothing else
// yet. `now`: wall clock, microseconds; `mono`: monotonic ms.
void desk_take (desk_t *self, pending_t **pending_p, size_t listener, const route_t *route,
                int64_t now, int64_t mono);

// Intake's answer to a request taken before.
void desk_answer (desk_t *self, pending_t *pending);

// Intake's word that the record `seq` ends what goes on for `who`: see intake_io_t.
void desk_left (desk_t *self, const guid_t *who, uint64_t seq, wire_error_t why);

// The rules of who may speak changed: what is followed against them ends.
void desk_review (desk_t *self);

// Whether the group takes messages, as PONG and the registries are told.
wire_state_t desk_state (const desk_t *self);

// Goes on with what takes several turns. Returns whether any could go on at once.
bool desk_turn (desk_t *self);

#endif
