// door: who asks, for whom it may speak, and whether it asks too much.
//
// Daemon floor 7, pure.

#ifndef ZCHAT_GROUP_DOOR_H
#define ZCHAT_GROUP_DOOR_H

#include "daemons/group/delivery.h"
#include "daemons/group/history.h"
#include "daemons/group/limits.h"
#include "daemons/group/pending.h"
#include "daemons/group/rights.h"

// The parts, borrowed.
typedef struct {
    roster_t *roster;
    const rights_t *rights;
    peers_t *peers;
    limits_t *limits;
    history_t *history;
    delivery_t *delivery;
} door_t;

// Somebody who asks.
typedef struct {
    peer_t *peer;         // as known, or one for this answer alone; held for the caller
    wire_error_t refusal; // why it may not speak for its UUID
    const char *limit;    // why it is not served at all, as group.cfg calls it; NULL: it is
} visitor_t;

// Finds out who sent the request, in the name of `who`. For whom it may speak is heard, and known
// from then on if that is a member, unless `error` says already that the request is none. Times as
// in desk.h.
visitor_t door_meet (const door_t *self, const pending_t *request, size_t listener,
                     const route_t *route, const guid_t *who, wire_error_t error, int64_t now,
                     int64_t mono);

// `who` has joined over this connection, which is known from now on.
void door_joined (const door_t *self, peer_t *peer, const guid_t *who, int64_t mono);

// The same for the original wire, whose clients are never known.
visitor_t door_meet_original (const door_t *self, const pending_t *request, size_t listener,
                              const route_t *route, const guid_t *who);

// Why the peer may not speak for `who`, or NONE.
wire_error_t door_speak (const door_t *self, const peer_t *peer, const guid_t *who);

// May it ask this now? 0, or the milliseconds to wait and the name of the key that says so.
uint32_t door_wait (const door_t *self, const peer_t *peer, wire_kind_t kind, const guid_t *who,
                    int64_t mono, const char **name);

#endif
