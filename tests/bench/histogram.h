// histogram: how often each latency was met, in 128 steps a power of two: within 0.8 %.

#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 128

typedef struct {
    uint64_t count;
    uint64_t highest; // nanoseconds
    uint32_t cells[64 * HISTOGRAM_STEPS];
} histogram_t;

void histogram_clear (histogram_t *self);
void histogram_add (histogram_t *self, uint64_t nanoseconds);

// The latency that `share` (0 to 1) of all do not exceed, in microseconds; 0 when there is none.
double histogram_at (const histogram_t *self, double share);

#endif
