// recovery: what a log's folder says after a crash, or after anything else.
//
// Daemon floor 3. The newest segment is replayed: its STATE, then its batches. The rules:
//
// - A batch counts if its checksum, its place in the sequence and its chain are right.
// - Zeros up to the end of the file are a clean end.
// - The first bad batch begins a torn tail if nothing behind it says that it was durable (a batch's
// header
//   names the last sequence that was durable when it was written). A torn tail was never
//   acknowledged: it is copied to `torn-…`, of which the newest RECOVERY_TORN_KEPT are kept, and
//   cut.
// - A newest segment without whole header, STATE and first batch is torn too: it is set aside and
// the one
//   before is the newest.
// - So is one of a single write, if the segment before it holds its first record too: that write
// had
//   failed, and a crash brought the file back.
// - Anything else is damage: the log can be read, not written. Every valid batch is served. So is
//   an older segment without a header.
// - Where no segment has a whole beginning, the fold begins with what is whole of the oldest one's.
// - Files with a wrong name (shelf.h) get theirs again, and copies are set aside, if there is no
// damage.
// - A read error is neither: opening fails.

#ifndef ZCHAT_RECOVERY_H
#define ZCHAT_RECOVERY_H

#include "daemons/group/segments.h"

#define RECOVERY_TORN_KEPT 16

// Called for each record, in order: STATE's first, then the log's.
typedef void (recovery_fold_fn) (void *arg, const record_t *record);

// Why something could not be opened: an exit code of the daemon and a sentence that names the
// cause.
typedef struct {
    int exit;
    char text[400];
} trouble_t;

typedef struct {
    segments_t *segments; // the caller's to destroy
    uint64_t last;        // sequence of the last record, 0: none
    int64_t time;         // of the last record
    chain_t chain;        // after the last batch
    uint64_t generation;
    uint64_t oldest;  // the first sequence that is kept
    record_why_t why; // why it is not 1
    bool damaged;     // damage: read only
    char notice[400]; // what was cut or found, "" if nothing: for the log output
} recovery_t;

// Opens the log in the folder `dir`, which is locked by the caller. Returns 0, or -1 with trouble
// set.
int recovery_run (recovery_t *self, int dir, const guid_t *id, recovery_fold_fn *fold, void *arg,
                  trouble_t *trouble);

// Sets *trouble and returns -1. The text is a printf format.
int trouble_set (trouble_t *self, int exit_code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

#endif
