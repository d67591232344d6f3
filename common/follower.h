// follower: one following of a group, over as many connections as it takes.
//
// Floor 5, pure: takes `now`, gives messages to send. Wanted → asked (FOLLOW was sent) → following
// (FOLLOWING came); back to wanted when the connection broke, the server knows of nothing, it
// ended, what came was wrong (then after a pause that grows), or nothing came though there is
// something.
//
// A log that was put back from a copy may have another past than what was read here. That is seen
// by what comes, or told (LOST), and then nothing is believed before it was held against the chain
// of what was read: it goes back, to places further and further before, until the log has the chain
// that it had there. What differs from there on is told as lost, and read again. Where nothing was
// read yet, it goes back to where LOST says.
//
// Handlers may start or stop the following; the rest of what is under way is dropped then.

#ifndef ZCHAT_FOLLOWER_H
#define ZCHAT_FOLLOWER_H

#include "common/cursor.h"
#include "common/trail.h"
#include "common/wire.h"

typedef struct {
    void (*following) (void *arg, uint64_t from);
    void (*record) (void *arg, const record_t *record);
    void (*flush) (void *arg); // after the last record of a message
    void (*gap) (void *arg, uint64_t from, uint64_t to, record_why_t why);
    void (*lost) (void *arg, uint64_t from, uint64_t to);
    void (*end) (void *arg, wire_error_t why, const char *text, bool over);
    void (*trouble) (void *arg, const char *sentence);
    void *arg;
} follower_handlers_t; // all there

typedef enum { FOLLOWER_OFF, FOLLOWER_WANTED, FOLLOWER_ASKED, FOLLOWER_ON } follower_state_t;

typedef struct {
    follower_handlers_t handlers;
    follower_state_t state;
    cursor_t cursor;    // next 0: where the group's next record is
    uint32_t tag;       // of the FOLLOW
    int64_t again;      // wanted: not before; asked: then again
    unsigned failures;  // in a row
    unsigned epoch;     // counts starts and stops
    uint64_t head;      // the last sequence the group told of
    uint64_t stuck_at;  // the position at the last PONG that was ahead of it
    uint64_t lost_from; // told of already
    uint64_t lost_to;
    trail_t trail;
    uint64_t begin;    // where the reading began, 0: not known yet
    bool checks;       // what comes next is held against the end of what was read, at the first try
    uint64_t was;      // it went back; up to there it had read
    uint64_t due_from; // a loss that is told when it is known where the log parts; 0: none
    uint64_t due_to;
} follower_t;

follower_t follower (const follower_handlers_t *handlers);

void follower_start (follower_t *self, uint64_t from);
void follower_stop (follower_t *self);

// Another log is being followed: from its first record on, or where it was when it is the same or
// the first. Returns whether the position was given up.
bool follower_set_log (follower_t *self, const guid_t *log);

// Is FOLLOW to be sent now? follower_wake: when to ask that again (INT64_MAX: not by itself).
bool follower_wants (const follower_t *self, int64_t now);
int64_t follower_wake (const follower_t *self);
// The FOLLOW, with this tag; without credit, which is the connection's.
wire_t follower_request (follower_t *self, int64_t now, uint32_t tag, const guid_t *uuid);

// The connection broke, or the server knows of no following here.
void follower_lost (follower_t *self);

// A PONG said where the head is.
void follower_pong (follower_t *self, uint64_t head);

// Is this message for it: pushed, or the answer to FOLLOW (a row of ERROR: by its tag)?
bool follower_owns (const follower_t *self, const wire_t *message);
void follower_take (follower_t *self, int64_t now, const wire_t *message);

// Is the group further than what came so far?
bool follower_behind (const follower_t *self);

#endif
