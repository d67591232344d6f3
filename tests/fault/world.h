// world: a group's log under work, and what was promised about it.
//
// The parts of the group that decide (log, roster, intake) run as in the daemon, without sockets. A
// few authors join, send, set topics and leave; what is refused or lost is asked again in order, as
// clients do. Everything that was acknowledged or shown is kept here and held against the log each
// time it is read: nothing of it may be lost, changed, doubled or moved, and nothing may be there
// that nobody sent.

#ifndef ZCHAT_TESTS_WORLD_H
#define ZCHAT_TESTS_WORLD_H

#include "daemons/group/log.h"

typedef struct world world_t;

// `folder`: of the log. `simulated`: the disk is tests/fault/disk.h's, which is asked whether what
// is shown is on it. The seed makes the texts.
world_t *world_new (const char *folder, uint64_t seed, bool simulated);
void world_destroy (world_t **self_p);

// After each job that is durable: its records, for a ledger elsewhere.
typedef void (world_durable_fn) (void *arg, uint64_t seq, uint64_t hash);
void world_on_durable (world_t *self, world_durable_fn *durable, void *arg);

// Opens the log as the daemon does. 0, or its exit code; the reason is in world_trouble.
int world_open (world_t *self);
const trouble_t *world_trouble (const world_t *self);
log_t *world_log (world_t *self); // NULL: not open

// Works until the first `count` requests are answered well, or nothing more can be done: then
// closes and returns the daemon's exit code. 0: done, and still open.
int world_work (world_t *self, size_t count);
size_t world_requests (void); // how many there are

void world_close (world_t *self);

// Reads the whole log and holds it against all that was promised. False: the disk could not be
// read.
bool world_read (world_t *self);

// What was found to be wrong first, "" if nothing. Others may add to it.
const char *world_wrong (const world_t *self);
void world_blame (world_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

// What makes two records the same.
uint64_t world_hash (const record_t *record);

#endif
