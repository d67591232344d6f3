// zchat: the group's own wire (docs/protocol.md) over ZMTP, NULL or CURVE. Every delivery is
// checked for its sequence, every answer for its send.

#ifndef BENCH_ZCHAT_H
#define BENCH_ZCHAT_H

#include "tests/bench/link.h"
#include "tests/bench/zmtp.h"

typedef struct {
    zmtp_t zmtp;
    uint8_t public_key[32];
    uint8_t secret_key[32];
    uint8_t uuid[16];
    uint8_t device[8];
    uint64_t first_seq; // what FOLLOWING said
    uint64_t cursor;    // the next sequence
    uint64_t acked_seq; // of the last send
    uint64_t taken;     // bytes of RECORDS
    uint64_t told;      // of them when the last CREDIT left
    uint64_t page_records;
    int64_t base_time;  // of the first batch of the last page, microseconds
    uint64_t scan_last; // the last sequence of a scan that is under way; 0: there is none
} zchat_t;

typedef enum { ZCHAT_NONE = 0, ZCHAT_SEQ = 1, ZCHAT_TIME = 2 } zchat_bound_t;

// PAGE with an `after` bound; answered by run_answer.
void zchat_page (link_t *link, zchat_bound_t kind, uint64_t after, unsigned limit);
// PAGE of the last so many.
void zchat_last (link_t *link, unsigned limit);
// FOLLOW from this sequence; 0: from the next record on.
void zchat_follow_from (link_t *link, uint64_t from);
// A connection that was cut and is connected again: says who it is, and follows on where it was.
void zchat_resume (link_t *link);

#endif
