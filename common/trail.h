// trail: some places of a log that a reader has passed, and the chain there.
//
// Floor 3, pure. A log that was put back from a copy has the past that the reader knows up to some
// place, and another one behind it. By the chain at places further and further back a reader finds
// where the log still is the one it knew. The newer the places the closer together they are, so a
// few are enough for any length.

#ifndef ZCHAT_TRAIL_H
#define ZCHAT_TRAIL_H

#include "common/chain.h"

#include <stddef.h>

#define TRAIL_MARKS 64

typedef struct {
    uint64_t seq;  // a batch ended there
    chain_t chain; // behind it
} trail_mark_t;

typedef struct {
    trail_mark_t marks[TRAIL_MARKS]; // in their order
    size_t count;
} trail_t;

void trail_clear (trail_t *self);

// Passes a place behind all others; one that is not is ignored.
void trail_put (trail_t *self, uint64_t seq, const chain_t *chain);

// Forgets the places from `below` on. Is there one left? *mark is the newest, which stays.
bool trail_back (trail_t *self, uint64_t below, trail_mark_t *mark);

#endif
