// segment: one file of a log, its header and the walk over its batches.
//
// Floor 8. A segment is named by its first sequence, 20 digits and ".log". It begins with a
// header of SEGMENT_HEADER bytes, numbers in network order:
//
//     offset size
//          0    8  "zchatlog"
//          8    2  version of the format, 1
//         10    2  zeros
//         12    4  bytes of the STATE batches that follow this header
//         16   16  the log's id
//         32    8  first sequence
//         40    8  time of the last record before this segment, 0 in the first one
//         48   32  chain before the first batch
//         80    8  XXH3-64 (seed 0) over bytes 0-79
//
// then STATE batches, which rebuild what the group knew at that point, then RECORDS batches, then
// zeros or the end of the file. The first RECORDS batch carries the BLAKE2b-256 of header and
// STATE.

#ifndef ZCHAT_SEGMENT_H
#define ZCHAT_SEGMENT_H

#include "daemons/group/hole.h"

#include <sys/types.h>

#define SEGMENT_HEADER  88
#define SEGMENT_VERSION 1
#define SEGMENT_NAME    25 // with the final zero

typedef struct {
    uint16_t version;
    uint32_t state_size;
    guid_t log;
    uint64_t first;
    int64_t time;
    chain_t chain;
} segment_header_t;

void segment_name (uint64_t first, char out[SEGMENT_NAME]);
bool segment_name_parse (const char *name, uint64_t *first);

void segment_header_encode (const segment_header_t *self, uint8_t out[SEGMENT_HEADER]);

// 0, or -1 when these bytes are no header. A header of another version is one: the caller looks.
int segment_header_decode (segment_header_t *self, const uint8_t in[SEGMENT_HEADER]);

// pread that goes on after short reads and EINTR. Returns the bytes read, less than size only at
// the end of the file, or -1 with errno.
ssize_t segment_pread (int fd, void *out, size_t size, uint64_t offset);

// A walk over the batches of an open file, forward, through a window of its own.
typedef struct segment_walk segment_walk_t;

typedef enum {
    SEGMENT_BATCH, // there is one
    SEGMENT_END,   // nothing but zeros, or nothing, follows
    SEGMENT_BAD,   // the bytes at the position are no batch that belongs there
    SEGMENT_FAILED // the disk could not be read: errno
} segment_step_t;

// Begins at `offset`; stops at `end` (UINT64_MAX: the end of the file). Batches must have the log's
// id.
segment_walk_t *segment_walk_new (int fd, const guid_t *log, uint64_t offset, uint64_t end);
void segment_walk_destroy (segment_walk_t **self_p);

// Further demands on the next RECORDS batch: its sequence unless 0, and its chain unless NULL. Each
// batch that was given sets the next one's sequence, and its chain once one was set, over holes
// (hole.h) too.
void segment_walk_expect (segment_walk_t *self, uint64_t seq, const chain_t *chain);

// The next batch; its bytes are valid until the next call. The walk moves only over batches that
// are whole, sound and in place.
segment_step_t segment_walk_next (segment_walk_t *self, batch_t *batch);

// The same, but zeros are SEGMENT_BAD too: what lies behind them is not looked at.
segment_step_t segment_walk_try (segment_walk_t *self, batch_t *batch);

// What is found behind damage must begin before `limit`: there the next segment does.
void segment_walk_limit (segment_walk_t *self, uint64_t limit);

// Forgets what was read ahead: the file may have changed.
void segment_walk_refresh (segment_walk_t *self);

uint64_t segment_walk_offset (const segment_walk_t *self);      // where the next step looks
const chain_t *segment_walk_chain (const segment_walk_t *self); // after the last batch

// After SEGMENT_BAD: moves to the next whole RECORDS batch of this log with a first sequence of at
// least `seq`, wherever behind this place it begins; nothing else is demanded of it but that it is
// not stray.
// Returns SEGMENT_BATCH (segment_walk_next will give it), SEGMENT_END or SEGMENT_FAILED.
segment_step_t segment_walk_search (segment_walk_t *self, uint64_t seq);
// The same, but looks only at places below the offset `stop`; SEGMENT_BAD: none there, go on.
segment_step_t segment_walk_search_to (segment_walk_t *self, uint64_t seq, uint64_t stop);
// The same for a whole STATE batch.
segment_step_t segment_walk_search_state (segment_walk_t *self);

// Whether the whole RECORDS batch at `offset`, found behind what is damaged where `seq` was
// expected, is of a page that belongs to another place of the log: of the whole ones from there on,
// as far as two batches may be long behind those that go on from it without a break, more bytes are
// in order without it than with it. 1, 0, or -1 with errno on a read error.
int segment_walk_is_stray (const segment_walk_t *self, uint64_t offset, uint64_t seq);

// Whether header, STATE and first batch are whole and agree. 1, 0, or -1 with errno on a read
// error.
int segment_begins_whole (int fd, const segment_header_t *header);

// Whether a whole batch at or somewhere behind `offset` says that `seq` was durable when it was
// written. 1, 0, or -1 with errno on a read error.
int segment_was_durable (int fd, const guid_t *log, uint64_t offset, uint64_t seq);

// Whether the segment before goes on, without a break, up to this one's first record, while nothing
// in this one says that that was ever durable: then this one is what was left of a failed write,
// and the log went on without it. 1, 0, or -1 with errno on a read error.
int segment_is_overtaken (int fd, const segment_header_t *header, int before_fd,
                          const segment_header_t *before);

// BLAKE2b-256 over the first `size` bytes of the file: header and STATE. -1 with errno on a read
// error; a file that is shorter gives the hash of what is there.
int segment_digest (int fd, uint64_t size, uint8_t out[BATCH_DIGEST]);

// Offset behind the last byte from `offset` on that is not zero; `offset` when all are. -1 with
// errno on a read error.
int64_t segment_used (int fd, uint64_t offset);

#endif
