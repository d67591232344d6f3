// delivery: every follower of the group is a cursor, and this moves them.
//
// Daemon floor 4, pure: it sends and reads through functions it is given. A follower is at the
// head, and gets each new job's batches in one frame that all share, or it lags, and is served from
// the log in steps. A cursor moves only when the send succeeded. Nothing is kept for a slow reader
// but the number.

#ifndef ZCHAT_DELIVERY_H
#define ZCHAT_DELIVERY_H

#include "common/proof.h"
#include "common/wire.h"
#include "daemons/group/peers.h"
#include "daemons/group/segments.h"

#define DELIVERY_STEP   1048576 // bytes read for lagging readers in one turn
#define DELIVERY_WINDOW 4194304 // bytes beyond what was sent that a reader can grant
#define DELIVERY_RETRY  10      // ms after which a full queue is tried again

typedef struct delivery delivery_t;

typedef struct {
    void *arg;
    // 0, or -1 with errno: EAGAIN, its queue is full; EHOSTUNREACH, it is gone.
    int (*send) (void *arg, peer_t *peer, span_t frame);
    int (*push) (void *arg, peer_t *peer, const frame_shared_t *frame);
    // Reads the log, and says what belongs around its batches.
    segments_read_t (*read) (void *arg, uint64_t seq, size_t max, segments_page_t *page,
                             record_why_t *why);
    span_t (*frame) (void *arg, const segments_page_t *page);
    // A peer turned out to be gone. Must not free it before the call into delivery returns.
    void (*gone) (void *arg, peer_t *peer);
} delivery_io_t;

delivery_t *delivery_new (const delivery_io_t *io, uint64_t head);
void delivery_destroy (delivery_t **self_p);

// Follows for `who` from the sequence `from` (0: from the next record on); replaces what the peer
// followed. `granted`: bytes it may be sent from now on.
void delivery_follow (delivery_t *self, peer_t *peer, const guid_t *who, uint64_t from,
                      uint64_t granted);
void delivery_unfollow (delivery_t *self, peer_t *peer);

// A running total of bytes; a lower one than before changes nothing.
void delivery_credit (peer_t *peer, uint64_t granted);
bool delivery_has_credit (const peer_t *peer);

// The record `seq` is the last that the followers for `who` get of which `ends` is true (NULL:
// all), then END with `why`.
void delivery_left (delivery_t *self, const guid_t *who, uint64_t seq, wire_error_t why,
                    bool (*ends) (void *arg, const peer_t *peer), void *arg);

// Every follower gets what is durable now and then END, for which `why` says a reason.
void delivery_review (delivery_t *self, wire_error_t (*why) (void *arg, const peer_t *peer),
                      void *arg);

// Records up to `last` are durable; `frame` holds them from `first` on, `size` bytes. Readers at
// the head get it.
void delivery_durable (delivery_t *self, const frame_shared_t *frame, size_t size, uint64_t first,
                       uint64_t last, int64_t now);

// Serves those that lag. Returns whether any could go on at once.
bool delivery_turn (delivery_t *self, size_t max_page, int64_t now);

// Whether it left some whose queue is full, for a turn DELIVERY_RETRY later. Nothing is to be done
// for those without credit: they say when they have some.
bool delivery_retries (const delivery_t *self);

// Tells every follower that it ends.
void delivery_end (delivery_t *self, wire_error_t why);

size_t delivery_count (const delivery_t *self);   // followers
size_t delivery_lagging (const delivery_t *self); // of them not at the head

#endif
