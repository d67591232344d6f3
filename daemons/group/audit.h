// audit: reads a whole log and holds every byte of it against the format's rules.
//
// Daemon floor 5. Needs neither the lock nor the key, so it can look at the log of a running
// daemon: then a batch that is just being written may stand at the end; it is looked at again for
// AUDIT_AGAIN_MS and then left out.

#ifndef ZCHAT_AUDIT_H
#define ZCHAT_AUDIT_H

#include "daemons/group/segments.h"

#define AUDIT_AGAIN_MS 1000

typedef enum {
    AUDIT_SOUND,
    AUDIT_TORN,    // whole up to a tail that was never acknowledged
    AUDIT_DAMAGED, // something that was durable is not there, or not as it was
    AUDIT_FAILED,  // the disk could not be read, or the folder is none
    AUDIT_STOPPED  // a function of audit_io_t wanted no more
} audit_verdict_t;

typedef struct {
    audit_verdict_t verdict;
    char place[300]; // what is wrong and where; "" when sound
    bool live;       // a daemon holds the log; an unfinished batch at its end was left out
    guid_t log;
    uint64_t segments;
    uint64_t first; // sequences of what was read; 0: no records
    uint64_t last;
    uint64_t records;
    uint64_t lost;   // records that repairs gave up
    uint64_t oldest; // the first sequence that the log says is kept, and why
    record_why_t why;
    uint64_t bytes; // of the segments, up to the clean end
    int64_t time;   // of the last record
    chain_t chain;  // after the last batch
    uint64_t generation;
} audit_t;

// All but `arg` may be NULL. What returns an int stops the audit unless that is 0.
typedef struct {
    void *arg;
    void (*record) (void *arg, const record_t *record);              // each one, in order
    void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes); // now and then
    void (*lost) (void *arg, uint64_t from, uint64_t to); // what a repair gave up; none: from > to
    // For whoever copies the log: a segment begins, and is whole at its beginning; then its STATE
    // batches, then those of records.
    int (*segment) (void *arg, const segment_header_t *header);
    int (*batch) (void *arg, batch_t *batch);
} audit_io_t;

// Reads the log in `folder`. Stops at the first thing that is wrong.
void audit_run (audit_t *self, const char *folder, const audit_io_t *io);

#endif
