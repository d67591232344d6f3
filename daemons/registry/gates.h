// gates: the sockets that the registry listens on.
//
// Floor 5. With an encrypted one the registry has keys of its own: they are opened, or made, in the
// file `registry/curve` below state_dir.

#ifndef ZCHAT_REGISTRY_GATES_H
#define ZCHAT_REGISTRY_GATES_H

#include "common/conf.h"

#include <czmq.h>

typedef struct gates gates_t;

// Binds all and adds them to the loop, which calls `take` when one has messages. NULL with an exit
// code when something cannot be: reported.
gates_t *gates_new (zloop_t *loop, const conf_t *conf, zloop_reader_fn *take, void *arg, int *code);
void gates_destroy (gates_t **self_p);

// The endpoints with their real ports, one blank between two.
const char *gates_bound (const gates_t *self);

// The public key, NULL without an encrypted listener, and the endpoints, with it, at which others
// reach those; NULL when that cannot be told.
const uint8_t *gates_key (const gates_t *self);
const char *gates_public (const gates_t *self);

// A file of the registry's below state_dir: "curve". The caller frees it.
char *gates_file (const conf_t *conf, const char *name);

#endif
