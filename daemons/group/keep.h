// keep: what retention removes.
//
// Daemon floor 1, pure. History goes in whole segments from the front. So that it can go in small
// parts, the newest segment is closed when it holds an eighth of what is kept.

#ifndef ZCHAT_KEEP_H
#define ZCHAT_KEEP_H

#include "common/record.h"

// 0: no such limit.
typedef struct {
    int64_t age;    // microseconds
    uint64_t size;  // bytes
    uint64_t count; // records
} keep_limits_t;

typedef struct {
    uint64_t first; // its first sequence
    int64_t before; // time of the last record before it
    int64_t begin;  // time of its first record; only the newest one's counts
    uint64_t bytes;
} keep_segment_t;

typedef struct {
    bool trim;       // segments in front are due
    bool all;        // every segment is due: what is new begins with the next record
    uint64_t oldest; // the first sequence to be kept (if trim and not all)
    record_why_t why;
    bool close; // the newest segment should be closed
} keep_verdict_t;

// Judges by the segments (oldest first, at least one), the last record's sequence and time, and the
// clock.
keep_verdict_t keep_judge (const keep_limits_t *limits, const keep_segment_t *segments,
                           size_t count, uint64_t last, int64_t last_time, int64_t now);

// Whether the wall clock can be trusted to remove history by age, or members that nobody saw. It is
// not while it is behind the log, nor for KEEP_WAIT after it stepped against the monotonic clock,
// nor for KEEP_WAIT after a start that found the last record older than that: it may be that the
// clock is ahead.
#define KEEP_WAIT 3600 // seconds

typedef struct {
    int64_t offset; // wall minus monotonic, microseconds
    int64_t hold;   // monotonic microseconds until which it is not trusted
} keep_clock_t;

// A start; times in microseconds. `last_time`: of the last record that was found, 0: there is none.
void keep_clock_begin (keep_clock_t *self, int64_t wall, int64_t mono, int64_t last_time);
// `wall` and `mono` in microseconds.
bool keep_clock_trusted (keep_clock_t *self, int64_t wall, int64_t mono, int64_t last_time);

#endif
