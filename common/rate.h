// rate: how often something may happen: so many a second, and so many at once before that counts.
//
// Floor 1, pure. One number is the whole state, so that each of many may have its own. It is the
// generic cell rate algorithm (ITU-T I.371): the number is the time at which all that was taken so
// far would have been due at the steady rate.

#ifndef ZCHAT_RATE_H
#define ZCHAT_RATE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t due; // microseconds of the caller's clock; zeros: nothing was taken yet
} rate_t;

typedef struct {
    int64_t rate;  // a second; 0: no limit
    int64_t burst; // at once, at least 1
} rate_limit_t;

// Takes one at `now` (monotonic ms). Returns 0, or how many milliseconds it must wait, at least 1;
// then nothing was taken.
uint32_t rate_take (rate_t *self, const rate_limit_t *limit, int64_t now);

// Is it as if nothing had ever been taken?
bool rate_idle (const rate_t *self, int64_t now);

#endif
