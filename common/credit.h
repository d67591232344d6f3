// credit: how many bytes of RECORDS a reader lets a server send it.
//
// Floor 1, pure. The grant is a running total of whole frames' bytes. At the head of a log a small
// window does: what is pushed is small, and little is under way to a reader that stops
// reading. Behind the head the window grows: a server whose reader lags reads from the disk in
// steps of up to 1 MiB, and with less it would wait for our answer after each frame.

#ifndef ZCHAT_CREDIT_H
#define ZCHAT_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#define CREDIT_AT_HEAD 262144
#define CREDIT_BEHIND  1048576
#define CREDIT_QUICK   1000 // ms

typedef struct {
    uint64_t received;
    uint64_t granted;
    uint64_t asks; // window of the last page, 0: there was none
    int64_t asked; // when
} credit_t;

// A new account, as FOLLOW and a new connection begin one: `granted` is CREDIT_AT_HEAD.
credit_t credit_begin (void);

// Counts a frame. Returns whether `granted` became more and is to be told: when half of the window
// is used up, so that it is told before the server has to wait.
bool credit_received (credit_t *self, uint64_t bytes, bool behind);

// The same at `now` (monotonic ms), before a page is asked for: the new `granted`. The window
// begins small; it doubles when the page before took less than CREDIT_QUICK, else it is halved. On
// a slow link a large answer would hold up all others until the connection is taken for dead.
uint64_t credit_ask (credit_t *self, int64_t now);

#endif
