// refusals: which of many refusals are worth a line in the log.
//
// Daemon floor 1, pure. Strangers can have as much refused as they like; the log tells the first
// few of each minute, and then how many more there were.

#ifndef ZCHAT_REFUSALS_H
#define ZCHAT_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#define REFUSALS_SHOWN 10    // in
#define REFUSALS_TIME  60000 // ms

// To be zeroed at first.
typedef struct {
    int64_t since; // monotonic ms, when this time began
    unsigned shown;
    uint64_t hidden;
} refusals_t;

// One was made at `now`. Is it to be shown? *hidden: so many were not shown in the time before,
// which is to be said once; 0: none.
bool refusals_add (refusals_t *self, int64_t now, uint64_t *hidden);

#endif
