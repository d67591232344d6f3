// pager: reads a range of a group's history with as many PAGE requests as it takes.
//
// Floor 5, pure: gives the requests, takes the answers. The first answer says which sequences the
// range is (against the head of that moment); what follows is read up to that last one. What
// cannot be had is told as a gap. An answer that is wrong is asked for again, some times.

#ifndef ZCHAT_PAGER_H
#define ZCHAT_PAGER_H

#include "common/cursor.h"
#include "common/wire.h"

// Bounds as in PAGE: see wire_bound_t. limit 0: all.
typedef struct {
    wire_bound_t after_kind;
    uint64_t after; // SEQ: excluded; TIME (microseconds): included
    wire_bound_t before_kind;
    uint64_t before; // excluded
    uint32_t limit;  // with `after` the first so many, else the last
} pager_range_t;

typedef struct {
    void (*record) (void *arg, const record_t *record);
    void (*flush) (void *arg); // after the last record of a message
    void (*gap) (void *arg, uint64_t from, uint64_t to, record_why_t why);
    void (*lost) (void *arg, uint64_t from, uint64_t to);
    void *arg;
} pager_handlers_t; // all but record may be NULL

typedef struct {
    pager_handlers_t handlers;
    pager_range_t range; // what is still to be asked for
    bool resolved;       // `cursor` holds the range's sequences
    cursor_t cursor;
    unsigned failures; // in a row
    bool lost;         // told once
    bool stopped;
    const char *wrong; // of the last answer
} pager_t;

typedef enum {
    PAGER_MORE,  // ask again: pager_request
    PAGER_DONE,  // all of it came
    PAGER_FAILED // it came wrong too often: `wrong` says how
} pager_step_t;

pager_t pager (const pager_range_t *range, const pager_handlers_t *handlers);

// Whose records are coming; to be said before the first answer is taken.
void pager_set_log (pager_t *self, const guid_t *log);

// Handlers may stop it; then no more of them are called, and the answer is done with.
void pager_stop (pager_t *self);

wire_t pager_request (const pager_t *self, const guid_t *uuid);

// Takes RECORDS, GAP or LOST.
pager_step_t pager_take (pager_t *self, const wire_t *answer);

#endif
