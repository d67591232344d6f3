// intake: requests that may change the group, from arrival to their durable answer.
//
// Daemon floor 6, pure but for the log. What comes while a job is under way waits. When the log is
// free, all that fits is judged in order against the roster's next state and put into one job;
// every answer of it, whether it appended or not, is given when the job is durable, since it may
// rest on what the job holds. If the job could not be written, its requests are judged again, and
// what would append is refused until the disk takes writes again.

#ifndef ZCHAT_INTAKE_H
#define ZCHAT_INTAKE_H

#include "daemons/group/judge.h"
#include "daemons/group/log.h"

#define INTAKE_RETRY 1000 // ms after a failed write until one is tried again

typedef struct intake intake_t;

typedef struct {
    void *arg;
    // The request's answer is known and durable: request->error, seq, time, given. Called in order
    // of arrival.
    void (*answer) (void *arg, pending_t *request);
    // The record `seq`, which is durable, ends what goes on for `who`: a leave or removal
    // (NOT_MEMBER, BANNED) all, a removed key (WRONG_KEY) or a first proof (KEY_NEEDED) what can
    // not speak for it any more. After the answers, before `durable`.
    void (*left) (void *arg, const guid_t *who, uint64_t seq, wire_error_t why);
    // A TRIM is durable: what it names may be removed.
    void (*trimmed) (void *arg, uint64_t seq);
    // A job is durable; takes the buffer.
    void (*durable) (void *arg, log_done_t *done);
    // Writing stopped (error, and the failed call) or went on again (error 0).
    void (*trouble) (void *arg, int error, const char *call);
    // Nothing may be written any more.
    void (*final) (void *arg, int error, const char *call);
} intake_io_t;

intake_t *intake_new (log_t *log, roster_t *roster, const rights_t *rights, const intake_io_t *io);
void intake_destroy (intake_t **self_p);
void intake_set_limits (intake_t *self, size_t max_pending, size_t max_members);

// Writes this opening's OPEN record as a job of its own.
void intake_open (intake_t *self, int64_t now);

// Takes the request. WIRE_ERR_NONE, or BUSY, READ_ONLY, STOPPING, SYNC_FAILED; then the request
// stays the caller's.
wire_error_t intake_add (intake_t *self, pending_t *request);

// Appends a TRIM record: everything before `oldest` may go (0: before the record itself), and why.
// One at a time; false when one waits or none can be taken.
bool intake_trim (intake_t *self, uint64_t oldest, record_why_t why);

// Moves on: takes a finished job's result, waiting `wait` milliseconds for it at most, and begins
// the next one. `now`: wall clock, microseconds; `mono`: monotonic ms. Returns whether anything was
// finished.
bool intake_turn (intake_t *self, int64_t now, int64_t mono, int wait);

// Refuses what waits and what comes with STOPPING; the job under way is finished.
void intake_stop (intake_t *self);

size_t intake_waiting (const intake_t *self);     // requests for the next job
bool intake_idle (const intake_t *self);          // no job under way, nothing waits
int64_t intake_busy_since (const intake_t *self); // monotonic ms, 0: no job is under way

#endif
