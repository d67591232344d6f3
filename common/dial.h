// dial: connects to the first of several endpoints behind which the wanted group answers.
//
// Floor 6. All are tried side by side with a PING. A group of another name or log (a port that
// somebody else has now) or a registry is not taken.

#ifndef ZCHAT_DIAL_H
#define ZCHAT_DIAL_H

#include "common/dealer.h"

typedef struct dial dial_t;

typedef struct {
    zloop_t *loop;
    const char *const *endpoints;
    size_t count;
    const char *name; // of the group; NULL: any
    guid_t log;       // of the group, as a registry said; zeros: any
    guid_t uuid;
    const uint8_t *receipt; // PROOF_RECEIPT bytes to show, or NULL
    int64_t deadline;       // on zclock_mono
    connect_fn *connect;    // NULL: dealer_connect_plain
    void *connect_arg;
    show_fn *show; // NULL: no invitations
    void *show_arg;
} dial_query_t;

typedef struct {
    // The end, once, never from dial_new; the dial may be destroyed in it. With a connection, which
    // is the callee's from now on (dealer_hand_over), and the PONG; or with NULL, NULL and why not:
    // a sentence, and the error with which the group refused, if it did.
    void (*done) (void *arg, dealer_t **dealer_p, const wire_t *pong, const char *why,
                  wire_error_t error);
    // The receipt proved that records were lost. It is not to be shown again.
    void (*lost) (void *arg, const wire_t *lost);
    void *arg;
} dial_handlers_t;

// The query is copied. NULL: memory is out.
dial_t *dial_new (const dial_query_t *query, const dial_handlers_t *handlers);
void dial_destroy (dial_t **self_p);

#endif
