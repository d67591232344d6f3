#include "tests/bench/histogram.h"

#include <string.h>

void histogram_clear (histogram_t *self)
{
    memset (self, 0, sizeof (*self));
}

void histogram_add (histogram_t *self, uint64_t nanoseconds)
{
    uint64_t value = nanoseconds < HISTOGRAM_STEPS ? HISTOGRAM_STEPS : nanoseconds;
    unsigned exponent = 63 - (unsigned)__builtin_clzll (value);
    unsigned step = (unsigned)(value >> (exponent - 7)) & (HISTOGRAM_STEPS - 1);
    self->cells[exponent * HISTOGRAM_STEPS + step]++;
    self->count++;
    if (nanoseconds > self->highest)
        self->highest = nanoseconds;
}

double histogram_at (const histogram_t *self, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)self->count);
    uint64_t met = 0;
    for (unsigned cell = 0; cell < 64 * HISTOGRAM_STEPS; cell++) {
        met += self->cells[cell];
        if (met > wanted || (met == self->count && met > 0)) {
            unsigned exponent = cell / HISTOGRAM_STEPS;
            double low = HISTOGRAM_STEPS + cell % HISTOGRAM_STEPS;
            return low * (double)(UINT64_C (1) << (exponent - 7)) / 1000;
        }
    }
    return 0;
}
