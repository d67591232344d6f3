// lineage: where a log was opened, and where an operator accepted that it goes on from an earlier
// point.
//
// Daemon floor 1, pure. Each OPEN record names its generation: what was written in an earlier one
// lies before it. Each ACCEPT record names the head from which the log went on and the new
// generation. A receipt of an earlier generation for a later sequence is then no proof against the
// log, but tells its holder what was lost.

#ifndef ZCHAT_LINEAGE_H
#define ZCHAT_LINEAGE_H

#include "common/record.h"

typedef struct lineage lineage_t;

#define LINEAGE_OPENS 256

lineage_t *lineage_new (void);
void lineage_destroy (lineage_t **self_p);

// The log was opened in that generation, with the record `seq`.
void lineage_opened (lineage_t *self, uint64_t generation, uint64_t seq);

// Takes an OPEN or ACCEPT record; others are ignored. The newest LINEAGE_OPENS openings are kept.
void lineage_put (lineage_t *self, const record_t *record);

// The first sequence that a receipt of that generation for `seq` names and that the log does not
// have any more; 0: it has all of it.
uint64_t lineage_lost (const lineage_t *self, uint64_t generation, uint64_t seq);

// Whether the log was accepted after that generation: then another history than it knew is no news.
bool lineage_accepted (const lineage_t *self, uint64_t generation);

// A receipt of that generation for `seq` is of another history than this one: the sequence from
// which on they differ at the latest. An opening of a later generation is not in the receipt's; and
// if `seq` lies before that, the opening that it lies in is not either. 1: nothing is known.
uint64_t lineage_parts (const lineage_t *self, uint64_t generation, uint64_t seq);

// Calls `put` with the OPEN and ACCEPT records that make this lineage again.
void lineage_state (const lineage_t *self, void (*put) (void *arg, const record_t *record),
                    void *arg);

// The options of an ACCEPT record.
void lineage_options (writer_t *out, uint64_t head, uint64_t generation);

#endif
