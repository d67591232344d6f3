// segments: all files of a log, in order, and reading from them.
//
// Daemon floor 2. Files are opened when they are needed and at most SEGMENTS_OPEN stay open; the
// index of a segment is made when it is first read, in steps, and says where it is damaged; so no
// read has to search. When the file is found to be other than the index says it is made again.
// Reading never goes beyond what the owner said is durable.

#ifndef ZCHAT_SEGMENTS_H
#define ZCHAT_SEGMENTS_H

#include "daemons/group/index.h"
#include "daemons/group/shelf.h"

#define SEGMENTS_OPEN     64
#define SEGMENTS_HEADROOM 128 // bytes before a page's batches that the reader of it may overwrite
#define SEGMENTS_STEP     1048576 // bytes of a segment that one call goes through at most

typedef struct segments segments_t;

typedef struct {
    segment_header_t header;
    uint64_t name;  // of the file: header.first, unless it was renamed
    bool foreign;   // has a header, but of another log
    int fd;         // -1: not open
    bool read_only; // it could be opened for reading only
    uint64_t start; // of the first batch behind STATE
    uint64_t end;   // of the last durable batch; UINT64_MAX: the end of the file
    index_t *index;
    uint64_t indexed;     // offset up to which the index is made
    uint64_t indexed_seq; // first sequence behind that
    bool lost;            // there was no batch up to there
    bool complete;        // the index covers all of it
    uint64_t used;        // when it was last read, to choose which to close
} segment_t;

// Reads the folder: the segments' headers. `dir` is borrowed. Returns NULL with errno when the
// folder cannot be read. A file whose name is a segment's, but whose header is none or not of this
// log, is listed with version 0; the caller decides what that means.
segments_t *segments_new (int dir, const guid_t *id);
void segments_destroy (segments_t **self_p);

// The files, as they were found.
const shelf_t *segments_shelf (const segments_t *self);
// Gives each file its name again: see shelf.h.
int segments_put_right (segments_t *self, shelf_tell_fn *tell, void *arg);

size_t segments_count (const segments_t *self);
segment_t *segments_at (segments_t *self, size_t position); // valid until the list changes
segment_t *segments_newest (segments_t *self);              // NULL: none

// Bytes of the segment's header, STATE and batches; of one that was not read yet, of its file.
uint64_t segments_size (segments_t *self, size_t position);

// The new last segment, open. Its `end` is that of the first job.
segment_t *segments_append (segments_t *self, const segment_header_t *header, int fd, uint64_t end);

// Takes the newest one off the list and closes it; the file stays.
void segments_drop_newest (segments_t *self);
// Takes the oldest one off the list. Returns its descriptor, now the caller's, or -1: it is not
// open.
int segments_take_oldest (segments_t *self);

// Opens the segment's file if it is not. Returns the descriptor, or -1 with errno.
int segments_fd (segments_t *self, segment_t *segment);
// The same for writing, where it could only be opened for reading before. -1 with errno: it still
// cannot, and stays open for reading.
int segments_fd_to_write (segments_t *self, segment_t *segment);

typedef enum {
    SEGMENTS_PAGE,    // there it is
    SEGMENTS_NOTHING, // beyond the last durable record
    SEGMENTS_LATER,   // an index was made for a step, or has to be: ask again
    SEGMENTS_GAP,     // the sequence is not to be had: from, to, why
    SEGMENTS_FAILED   // the disk could not be read: errno
} segments_read_t;

typedef struct {
    uint8_t *buffer; // the caller frees it
    span_t batches;  // whole ones, with at least SEGMENTS_HEADROOM bytes of the buffer in front
    uint64_t first;
    uint64_t last;
    chain_t chain;     // after the last batch
    uint64_t from, to; // SEGMENTS_GAP; `why` is always damage here
} segments_page_t;

// Whole batches of one segment from the one that holds `seq` to the one that holds `last`: as many
// as fit into `max` bytes, but at least one. Each was checked. `head` is the last durable sequence.
segments_read_t segments_read (segments_t *self, uint64_t seq, uint64_t last, uint64_t head,
                               size_t max, segments_page_t *page);

// The first sequence whose time may be at or after `time`: that of a record which is lost counts if
// nothing says that it was before, also in front of all that is there. And the first which is there
// and is; each head + 1 when there is none. SEGMENTS_PAGE: found.
segments_read_t segments_find (segments_t *self, int64_t time, uint64_t head, uint64_t *may,
                               uint64_t *is);

// A sequence not above `seq` such that about `bytes` bytes or more of the log lie from it to `seq`;
// not below `oldest`. Looks only at indexes that are made: where there is none it goes back by
// whole segments.
uint64_t segments_back (const segments_t *self, uint64_t seq, uint64_t bytes, uint64_t oldest);

#endif
