// lineage: where an operator accepted that a log goes on from an earlier point.
//
// Daemon floor 1, pure. Each ACCEPT record names the head from which the log went on and the new
// generation. A receipt of an earlier generation for a later sequence is then no proof against the
// log, but tells its holder what was lost.

#ifndef ZCHAT_LINEAGE_H
#define ZCHAT_LINEAGE_H

#include "common/record.h"

typedef struct lineage lineage_t;

lineage_t *lineage_new (void);
void lineage_destroy (lineage_t **self_p);

// Takes an ACCEPT record; others are ignored.
void lineage_put (lineage_t *self, const record_t *record);

// The first sequence that a receipt of that generation for `seq` names and that the log does not
// have any more; 0: it has all of it.
uint64_t lineage_lost (const lineage_t *self, uint64_t generation, uint64_t seq);

// Whether the log was accepted after that generation: then another history than it knew is no news.
bool lineage_accepted (const lineage_t *self, uint64_t generation);

// Calls `put` with the ACCEPT records that make this lineage again.
void lineage_state (const lineage_t *self, void (*put) (void *arg, const record_t *record),
                    void *arg);

// The options of an ACCEPT record.
void lineage_options (writer_t *out, uint64_t head, uint64_t generation);

#endif
