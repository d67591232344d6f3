// pick: which of the endpoints that registries name for a group may be called.
//
// Floor 2, pure. A registry may be plain, or lie; so what it says never makes a connection weaker
// than the one before:
//
//   - a group whose key is known (pinned) is called at endpoints with that key alone. When there
//     are only others, nobody is called: its key changed, or somebody pretends to be it;
//   - else endpoints with keys are called. Plain ones beside them are only for this machine
//     (loopback), when those with keys did not answer;
//   - without any key, all are called.
//
// Who speaks for another UUID proves nothing: it is called plain on loopback where that is offered.

#ifndef ZCHAT_PICK_H
#define ZCHAT_PICK_H

#include "common/endpoint.h"

#define PICK_MAX 64 // endpoints; more are not looked at

typedef enum {
    PICK_FOUND,
    PICK_OTHER_KEY, // endpoints have keys, but none is the pinned one
    PICK_NO_KEY     // the key is pinned, and all endpoints are plain
} pick_verdict_t;

typedef struct {
    const char *list[PICK_MAX]; // borrowed from what was given
    size_t count;
    uint8_t key[ENDPOINT_KEY]; // OTHER_KEY: the first one that is offered instead
} pick_t;

// `pin`: ENDPOINT_KEY bytes, NULL: none is known. `again`: those picked before did not answer.
// `plain`: the caller speaks for another UUID.
pick_verdict_t pick (pick_t *self, const char *const *endpoints, size_t count, const uint8_t *pin,
                     bool again, bool plain);

#endif
