// zone: the moments that clocks of this machine's zone show.
//
// Floor 1. All in seconds; what a clock shows is given as the moment at which a clock in UTC shows
// the same.

#ifndef ZCHAT_ZONE_H
#define ZCHAT_ZONE_H

#include <stdint.h>

#define ZONE_DAY 86400

// What local clocks show at this moment.
int64_t zone_shown (int64_t seconds);

// The moment at which local clocks show this. Of two, the earlier one; where the clocks skipped it,
// the moment at which they did.
int64_t zone_moment (int64_t shown);

#endif
