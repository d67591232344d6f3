// pending: one message from a client, from the socket to its answer.
//
// Daemon floor 3. Spans in a request point into its frame, which it owns; so a request never moves.

#ifndef ZCHAT_PENDING_H
#define ZCHAT_PENDING_H

#include "common/frame.h"
#include "common/record.h"
#include "common/text.h"
#include "common/wire.h"
#include "daemons/group/peers.h"

typedef struct pending pending_t;

struct pending {
    pending_t *next; // in whatever queue it is
    frame_t frame;
    pending_t *whole; // of SENDS: the request whose frame it shares, held; or NULL
    unsigned parts;   // how many hold this one
    bool shared;      // it counts in pending_shared
    peer_t *peer; // held; NULL until it is known
    bool legacy;  // of the original wire
    bool proved;  // it came with a key: `speaker`, as long as the peer is not known
    uint8_t speaker[SPEAKER_KEY];
    wire_kind_t kind;
    uint32_t tag;
    guid_t who;
    record_send_t send;   // SEND
    span_t text;          // SEND, TOPIC
    span_t nick;          // JOIN, NICK
    span_t invitations;   // JOIN
    record_kind_t action; // MANAGE
    guid_t subject;       // MANAGE
    span_t key;           // MANAGE: empty or a key
    record_why_t trim;    // the group's own TRIM: why; else NONE
    uint64_t oldest;      // TRIM: the first sequence kept; 0: the record itself
    uint8_t options[64];  // of its record
    // The answer
    wire_error_t error;
    const char *why; // a better sentence than the error's own, or NULL
    uint64_t seq;
    int64_t time;
    char given[TEXT_NICK_MAX + 1]; // JOIN: the nick
    bool appended;
    wire_error_t ends; // its record ends what goes on for `whose`, with this reason; 0: nothing
    guid_t whose;
};

pending_t *pending_new (void);
pending_t *pending_part (pending_t *whole); // a request whose spans point into the other's frame
const frame_t *pending_frame (const pending_t *self); // its own, or that of the whole
void pending_destroy (pending_t **self_p);
size_t pending_size (const pending_t *self); // bytes that it holds, roughly, but for those of a whole
size_t pending_shared (void);                // bytes of all frames that parts share

typedef struct {
    pending_t *first;
    pending_t *last;
    size_t count;
    size_t bytes;
} pending_queue_t;

void pending_queue_add (pending_queue_t *self, pending_t *request);
pending_t *pending_queue_take (pending_queue_t *self); // NULL: empty
// Puts all of `other` in front of this queue.
void pending_queue_prepend (pending_queue_t *self, pending_queue_t *other);
void pending_queue_clear (pending_queue_t *self);

#endif
