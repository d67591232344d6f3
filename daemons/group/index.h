// index: where in a segment a sequence or a time is, one entry every 64 KiB.
//
// Daemon floor 1, pure. Made from the batches while they are written or read; never stored.

#ifndef ZCHAT_INDEX_H
#define ZCHAT_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define INDEX_SPACING 65536 // bytes of the segment between two entries, at least

typedef struct index index_t;

typedef struct {
    uint64_t seq; // first sequence of the batch at `offset`
    int64_t time; // its base time
    uint64_t offset;
} index_entry_t;

index_t *index_new (void);
void index_destroy (index_t **self_p);

// Offers the next batch; it becomes an entry if it lies far enough behind the last one.
void index_add (index_t *self, index_entry_t entry);

// The last entry at or before the sequence, or whose time is below `time` (so that the first record
// at or after that time lies behind it). NULL when there is none.
const index_entry_t *index_by_seq (const index_t *self, uint64_t seq);
const index_entry_t *index_by_time (const index_t *self, int64_t time);
// The last entry at or before the offset.
const index_entry_t *index_by_offset (const index_t *self, uint64_t offset);

#endif
