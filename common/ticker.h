// ticker: a time at which something is to be called, in a zloop.
//
// Floor 2. Unlike the loop's own timers it may be destroyed and set in any handler, and never calls
// after that. It may call before its time: the owner looks at the clock.

#ifndef ZCHAT_TICKER_H
#define ZCHAT_TICKER_H

#include <czmq.h>

typedef struct ticker ticker_t;
typedef void (ticker_fn) (void *arg);

ticker_t *ticker_new (zloop_t *loop, ticker_fn *fn, void *arg); // NULL: memory is out
void ticker_destroy (ticker_t **self_p);

// Calls at this time on zclock_mono, from the loop, unless an earlier one is set: then at that one.
// INT64_MAX: nothing.
void ticker_set (ticker_t *self, int64_t when);

#endif
