// seek: the first record at or after a time, batch after batch.
//
// Floor 9, pure. Times never decrease in a log, so of batches that follow each other only the one
// that may hold the time has to be decoded. What is lost (holes, and what its owner says) is kept
// in mind: a lost record that may have had the time counts.

#ifndef ZCHAT_SEEK_H
#define ZCHAT_SEEK_H

#include "daemons/group/hole.h"

typedef struct {
    int64_t time;  // looked for
    uint64_t lost; // the first of those lost behind the last record before `time`; 0: none
    uint64_t may;  // once found: the first that may be it, which may be lost
    uint64_t is;   // the first that is; 0: not found yet
} seek_t;

// Records from `seq` on are lost, and nobody knows their times.
void seek_lost (seek_t *self, uint64_t seq);

// There are records before the time, none of them at or after it; or that is the first one.
void seek_passed (seek_t *self);
void seek_found (seek_t *self, uint64_t seq);

// Goes through one batch.
void seek_in_batch (seek_t *self, batch_t *batch);

// The same for all in `bytes`, which are whole batches of this log. False: they are not, or
// something is odd; then nothing has changed, and they must be looked at one by one.
bool seek_in_batches (seek_t *self, span_t bytes, const guid_t *log);

#endif
