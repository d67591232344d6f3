// peers: the connections that a group serves, and who is present over them.
//
// Daemon floor 2, pure. A peer is a connection: a listener, a routing id there, and the key that it
// proved. libzmq does not say when one goes, so each is a lease that any request renews. A session
// is (peer, UUID), a lease too; one peer may speak for many UUIDs.

#ifndef ZCHAT_PEERS_H
#define ZCHAT_PEERS_H

#include "common/codec.h"
#include "common/frame.h"
#include "common/guid.h"
#include "common/wire.h"
#include "daemons/group/speaker.h"

typedef struct peer peer_t;
typedef struct peers peers_t;
struct history_page;

// Rows gathered for one frame.
typedef struct {
    uint8_t *data;
    size_t used;
    size_t room;
} rows_t;

// Fields are owned by the class named; others only read them.
struct peer {
    // peers
    size_t listener;
    route_t route;
    speaker_t speaker;
    guid_t address;  // where it is, see limits.h
    bool limited;    // it is not on this machine, or encrypted: limits count
    bool known;      // in the table: not gone, not forgotten
    bool replaced;   // another key is in its place: nothing may be sent to it
    unsigned holds;  // who keeps a pointer: the table, requests under way
    int64_t heard;   // monotonic ms of the last request
    guid_t last_who; // for whom it spoke last
    // delivery: the account of RECORDS frames, and what it follows
    uint64_t sent;
    uint64_t granted;
    bool follows;
    guid_t who;       // for whom it follows
    uint64_t cursor;  // next sequence to be sent
    uint64_t until;   // the last one it may have, 0: no bound
    wire_error_t why; // … because of this
    size_t position;  // in delivery's list
    int64_t retry;    // monotonic ms at which a full queue is tried again
    // history: its PAGE under way, NULL: none
    struct history_page *page;
    // listeners: what was sent since the last marked frame, and its mark
    size_t unmarked;
    frame_mark_t *mark; // NULL: there was none yet
    // replies: rows not sent yet
    rows_t acks;
    rows_t errors;
    bool queued;
};

// Whether PEER_UNREAD bytes wait for it, and about as many behind them: then sending to it fails
// with EAGAIN. This, and not the credit that it grants, bounds what somebody takes who does not
// read.
#define PEER_UNREAD 2097152
bool peer_full (const peer_t *self);

peers_t *peers_new (size_t max_peers, size_t max_sessions, int64_t lease);
void peers_destroy (peers_t **self_p);
void peers_set_limits (peers_t *self, size_t max_peers, size_t max_sessions);
// How many of those that are `limited` there may be with one key, and at one address.
void peers_set_origins (peers_t *self, size_t max_per_key, size_t max_per_address);

// The peer at that place, NULL when nothing is known of it.
peer_t *peers_find (peers_t *self, size_t listener, const route_t *route);

// The same, made if need be; notes that it was heard at `now` speaking for `who`. NULL: a limit is
// reached.
peer_t *peers_hear (peers_t *self, size_t listener, const route_t *route, const guid_t *who,
                    int64_t now);

// The same for one that peers_find gave, or for a new one, which is in the table from now on. NULL,
// or the limit that is reached, as group.cfg calls it: then a new one stays outside. Before one is
// refused for its key or address, those that are idle are forgotten.
const char *peers_know (peers_t *self, peer_t *peer, const guid_t *who, int64_t now);

// Notes the key that a new peer has proved; NULL: none.
void peer_prove (peer_t *self, const uint8_t *key);
// From now on limits count for it, and it counts as one at this address: see limits.h.
void peer_limit (peer_t *self, const guid_t *address);

// A peer outside the table, for one reply (requests of the original wire). Held once.
peer_t *peer_new (size_t listener, const route_t *route);
void peer_hold (peer_t *self);
void peer_release (peer_t **self_p);

// Forgets a peer that is gone. Pointers held stay valid, `known` is false.
void peers_drop (peers_t *self, peer_t *peer);

// The same for one in whose place another key is; its sessions end.
void peers_replace (peers_t *self, peer_t *peer);

// Forgets peers and sessions whose lease ended. `gone` is called for each peer before it is
// dropped.
void peers_expire (peers_t *self, int64_t now, void (*gone) (void *arg, peer_t *peer), void *arg);

bool peers_present (const peers_t *self, const guid_t *who); // has a session
size_t peers_online (const peers_t *self);                   // UUIDs that have one
size_t peers_count (const peers_t *self);
peer_t *peers_first (peers_t *self);
peer_t *peers_next (peers_t *self);

// A leave ends the sessions of a UUID.
void peers_end_sessions (peers_t *self, const guid_t *who);

#endif
