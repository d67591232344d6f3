// cursor: a reader's position in a log: checks what RECORDS carry and trims it to what is wanted.
//
// Floor 4, pure. Every batch must be whole and right under the log's id (checksum, all records
// readable), must not begin behind the position, and must be of the same past as what was seen: a
// batch behind it carries its chain, one that ends where it ends makes its chain, and none reaches
// over its end, since batches never change. Nothing of a batch is given out before all of this was
// checked. What lies before the position or behind `last` is left out. So, whatever comes, no
// record is given twice or missed.

#ifndef ZCHAT_CURSOR_H
#define ZCHAT_CURSOR_H

#include "common/batch.h"

#define CURSOR_NO_END UINT64_MAX

typedef struct {
    guid_t log;
    uint64_t next; // the next sequence wanted
    uint64_t last; // the last one wanted
    // the end of the last batch that was seen, if any
    uint64_t seen; // its last sequence, 0: none
    chain_t chain; // behind it
    // where cursor_next is
    span_t rest;
    batch_t batch;
    bool open;  // `batch` is being read
    bool given; // the record `next` was given out
    const char *wrong;
    bool parted; // it is wrong since the log has another past than what was seen
} cursor_t;

cursor_t cursor (const guid_t *log, uint64_t next, uint64_t last);

// The records up to `to` cannot be had: goes on behind it, if it is not further already.
void cursor_skip (cursor_t *self, uint64_t to);

// Begins with the bytes of one RECORDS message; they must stay until cursor_next gave 0 or -1.
void cursor_feed (cursor_t *self, span_t batches);

// The next wanted record: 1; 0: no more in these bytes; -1: they are wrong, and self->wrong
// says why. The position moves behind a record when the next one is asked for.
int cursor_next (cursor_t *self, record_t *record);

#endif
