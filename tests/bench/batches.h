// batches: walks through the batches of a RECORDS frame (docs/protocol.md) without trusting a
// length.

#ifndef BENCH_BATCHES_H
#define BENCH_BATCHES_H

#include "tests/bench/link.h"

#define BATCHES_STAMP 16 // hex digits of nanoseconds, at the front of a text

typedef struct {
    const uint8_t *data;
    size_t size;
    uint64_t first; // the records that count
    uint64_t last;
    uint64_t highest;  // met
    int64_t base_time; // of the first batch, microseconds
} batches_t;

// Looks at the heads: they hold exactly `first` to `last`, without a hole. 0, or -1.
int batches_check (const batches_t *self, uint64_t first, uint64_t last);

// Looks at every record, and tells of the stamps in those that count (`stamped` may be NULL).
// Returns how many of them count.
uint64_t batches_walk (batches_t *self, link_t *link,
                       void (*stamped) (link_t *link, uint64_t sent));

#endif
