// wallclock: the time for people, which may step; for durations there is zclock_mono.
//
// Floor 1.

#ifndef ZCHAT_WALLCLOCK_H
#define ZCHAT_WALLCLOCK_H

#include <stdint.h>

// Microseconds since 1970, UTC; never below 0.
int64_t wallclock_now (void);

#endif
