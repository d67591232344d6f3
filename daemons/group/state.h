// state: makes a segment's beginning: its header and the STATE batches behind it.
//
// Daemon floor 2, pure.

#ifndef ZCHAT_STATE_H
#define ZCHAT_STATE_H

#include "daemons/group/segment.h"

typedef struct state state_t;

// Of the segment of this log that begins with `first`.
state_t *state_new (const guid_t *log, uint64_t first);
void state_destroy (state_t **self_p);

// Appends a record of the fold; its sequence does not count.
void state_put (state_t *self, const record_t *record);

// The STATE_LOG record, which comes first.
void state_put_log (state_t *self, uint64_t generation, uint64_t oldest, record_why_t why,
                    int64_t time);

// Ends it: sets the header's version, log, first and state_size and writes it in front. Returns
// header and STATE, valid until state_destroy, and their digest.
span_t state_end (state_t *self, segment_header_t *header, uint8_t digest[BATCH_DIGEST]);

#endif
