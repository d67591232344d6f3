// index: where in a segment a sequence or a time is, one entry every 8 KiB.
//
// Daemon floor 1, pure. Made from the batches while they are written or read; never stored. It
// knows what is damaged too, as far as that was seen when it was made.

#ifndef ZCHAT_INDEX_H
#define ZCHAT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INDEX_SPACING 8192 // bytes of the segment between two entries, at least

typedef struct index index_t;

typedef struct {
    uint64_t seq; // first sequence of the batch at `offset`
    int64_t time; // its base time
    uint64_t offset;
    bool lost;    // there is no whole batch from here on to the next entry, if there is one
    int64_t last; // time of the last record before the next entry; INT64_MAX: not known
} index_entry_t;

index_t *index_new (void);
void index_destroy (index_t **self_p);

// Offers the next batch, with the times of its first and last record; it becomes an entry if it
// lies far enough behind the last one, or directly behind what is lost.
void index_add (index_t *self, uint64_t seq, int64_t time, int64_t last, uint64_t offset);

// Behind the last entry stands what has no time, and is to be looked at: a hole.
void index_add_hole (index_t *self);

// From this offset on there is no whole batch, where `seq` was expected.
void index_add_lost (index_t *self, uint64_t seq, uint64_t offset);

// The last entry at or before the sequence, or whose time is below `time` (so that the first record
// at or after that time lies behind it; never one that is lost). NULL when there is none.
const index_entry_t *index_by_seq (const index_t *self, uint64_t seq);
const index_entry_t *index_by_time (const index_t *self, int64_t time);
// The last entry at or before the offset.
const index_entry_t *index_by_offset (const index_t *self, uint64_t offset);

// The entry behind that one (NULL: the first). NULL when there is none.
const index_entry_t *index_after (const index_t *self, const index_entry_t *entry);

#endif
