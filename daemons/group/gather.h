// gather: whether a job waits a moment for those who are about to ask.
//
// Daemon floor 1, pure. One sync costs the same for one record or a hundred. Who waits for its ack
// before it sends again comes back soon after it was answered; without a moment's patience half of
// them would come into one job, the other half into the next, and each would wait for two syncs. So
// a job waits for as many as were answered a moment ago or waited then. Counted from the end of the
// last job it waits no longer than that one took to be made durable, at most GATHER_DISK, and what
// was pushed takes to leave, by GATHER_PUSH of what pushing took, at most GATHER_MAX: before that
// another push would only queue behind it, in more frames. When that was in vain it is not tried
// the next time, then the next two, four, ... times.

#ifndef ZCHAT_GATHER_H
#define ZCHAT_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATHER_DISK 500  // microseconds
#define GATHER_PUSH 8    // times, see above
#define GATHER_MAX  5000 // microseconds
#define GATHER_SKIP 64   // jobs that do not wait at all, at most

// To be zeroed at first. Times are monotonic microseconds.
typedef struct {
    size_t expected; // so many may be there soon
    int64_t begun;   // of the last job
    int64_t until;   // they are waited for
    unsigned vain;   // in a row
    unsigned skip;   // jobs left that do not wait
    bool waited;     // for the next job
} gather_t;

// How long the next job, for which `waiting` requests are there, is to wait for more: microseconds,
// or 0: it begins at `now`. To be asked again when some have come or the time is over.
int64_t gather_wait (gather_t *self, size_t waiting, int64_t now);

// The job was on disk and answered at `told`, and at `now` it is pushed: so many of its requests
// had an answer, others wait already.
void gather_ended (gather_t *self, size_t answered, size_t waiting, int64_t told, int64_t now);

#endif
