// survey: what of a damaged log is whole, and where something is missing.
//
// Daemon floor 3. Walks all segments, over damage too, and says for each one of which pieces it can
// be made anew: spans of whole batches that stay as they are, and holes (hole.h) between them. It
// judges as recovery and audit do: what recovery would cut or set aside as never durable is not
// damage.

#ifndef ZCHAT_SURVEY_H
#define ZCHAT_SURVEY_H

#include "daemons/group/segments.h"

// Whole batches, or a hole in place of what was there.
typedef struct {
    bool is_hole;
    uint64_t offset; // bytes of the segment: the batches, or what is given up for a hole
    uint64_t end;
    hole_t hole;    // the rest is the hole's
    chain_t before; // chain before it
    int64_t time;
} survey_piece_t;

typedef struct {
    uint64_t first;
    segment_t *segment;      // NULL: there is no such file
    bool unfinished;         // the newest, never durable: the next opening sets it aside
    bool damaged;            // has to be made anew
    bool header_whole;       // the header is
    bool state_whole;        // every byte of the STATE batches is
    bool begins_whole;       // header and STATE are those which the first batch saw
    segment_header_t header; // as it is or, unless header_whole, as it can be made again
    uint64_t start;          // of what is behind STATE
    survey_piece_t *pieces;
    size_t count;
    uint64_t torn; // bytes behind the pieces that the next opening cuts off; 0: none
    uint64_t used; // offset behind the last byte that is not zero
} survey_segment_t;

typedef struct {
    guid_t log;
    segments_t *segments;
    survey_segment_t *list;
    size_t count;
    bool damaged; // there is something to be made anew
    bool torn;    // there is something for the next opening to cut off, set aside or rename
    const segment_header_t *begun; // of an unfinished segment: all before it was durable; or NULL
    uint64_t oldest;               // the first sequence that is kept, and why
    record_why_t why;
    uint64_t last;     // sequence, 0: none
    uint64_t lost;     // records in new holes
    char refusal[300]; // why nothing can be done about the damage; "" if something can
} survey_t;

// Surveys the log in the folder `dir`, which must stay open. NULL with errno when the disk could
// not be read. `progress`: called now and then, may be NULL.
survey_t *survey_new (int dir, const guid_t *log,
                      void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes));
void survey_destroy (survey_t **self_p);

#endif
