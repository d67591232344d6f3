// announce: tells every registry that this group is here, for as long as it is.
//
// Daemon floor 5. One connection a registry, driven by the loop. Each is told at once, then every
// third of the lease it gives, and about once a second while it does not answer.

#ifndef ZCHAT_ANNOUNCE_H
#define ZCHAT_ANNOUNCE_H

#include "common/keypair.h"
#include "common/proof.h"
#include "common/wire.h"

#include <czmq.h>

typedef struct announce announce_t;

// What is told; borrowed during the call that asks for it.
typedef struct {
    const char *name;
    guid_t log;
    guid_t instance;
    uint64_t generation;
    bool raised;        // the generation is this opening's own; else an earlier one's
    const uint8_t *key; // PROOF_KEY bytes
    wire_state_t state;
    uint32_t members;
    uint32_t online;
    uint64_t seq;
    const char *topic;
    const char *endpoints;
    bool hidden;    // listed to its readers only
    span_t readers; // see readers.h
} announce_facts_t;

typedef struct {
    void *arg;
    void (*facts) (void *arg, announce_facts_t *facts);
    // A registry showed a genuine claim of a later opening of this very log. Of the same generation
    // only where it is this one's own: else it is that of an opening before this one, which is gone
    // and whose entry will be.
    void (*superseded) (void *arg, uint64_t generation);
} announce_io_t;

// `keys`: the group's own, by which a registry with a key knows it; borrowed for as long as this
// lives. NULL: it has none, and such a registry is not told.
announce_t *announce_new (zloop_t *loop, const announce_io_t *io, const keypair_t *keys);
void announce_destroy (announce_t **self_p);

// The registries from now on, each perhaps with its key; those that stay keep their connection.
void announce_set_registries (announce_t *self, const char *const *endpoints, size_t count);

// Says goodbye to all, once. announce_waiting: how many have not answered yet.
void announce_withdraw (announce_t *self);
size_t announce_waiting (const announce_t *self);

#endif
