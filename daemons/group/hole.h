// hole: a batch that stands where something of the log was given up.
//
// Floor 4, pure. `zchat-log repair` puts it there. It is a RECORDS batch with one record, of kind
// HOLE, whose options say which records are lost (from, to), and the chain that goes on behind
// them: that which the next whole batch names as the one before it. So what lies behind a hole
// stays as it was, byte by byte, and so do the receipts for it. A hole may be empty (to = from -
// 1): then no record is lost, but what went before cannot be proved by what follows.
//
// Its first sequence is `to` (1 when that is 0). It is no entry of an index and is never pushed or
// paged: readers are told GAP.

#ifndef ZCHAT_HOLE_H
#define ZCHAT_HOLE_H

#include "common/batch.h"

#define HOLE_MAX 256 // bytes of such a batch

typedef struct {
    uint64_t from;
    uint64_t to;
    chain_t chain; // before what follows
} hole_t;

// Whether the batch (peeked or opened) is a hole; *self is set then.
bool hole_read (hole_t *self, const batch_t *batch);

// Of any batch: the sequences that it accounts for, and the chain before what follows it.
uint64_t hole_first (const batch_t *batch);
uint64_t hole_last (const batch_t *batch); // hole_first - 1 for an empty hole
chain_t hole_chain_after (const batch_t *batch);

// Makes the batch. `before`: the chain; `time`: not below that of the record before, not above that
// of the record behind; `digest`: NULL, or that of the segment which it opens.
span_t hole_write (const hole_t *self, const chain_t *before, int64_t time, const uint8_t *digest,
                   const guid_t *log, uint8_t out[BATCH_MAX]);

#endif
