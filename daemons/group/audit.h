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
    AUDIT_FAILED   // the disk could not be read, or the folder is none
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
    uint64_t bytes; // of the segments, up to the clean end
    int64_t time;   // of the last record
    chain_t chain;  // after the last batch
    uint64_t generation;
} audit_t;

typedef struct {
    void *arg;
    void (*record) (void *arg, const record_t *record); // each one, in order; may be NULL
    void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes); // now and then; may be NULL
} audit_io_t;

// Reads the log in `folder`. Stops at the first thing that is wrong.
void audit_run (audit_t *self, const char *folder, const audit_io_t *io);

#endif
