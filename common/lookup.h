// lookup: asks all registries at once which groups there are, and where.
//
// Floor 4. Driven by a zloop, never waits. One lookup asks once: for all groups, or for one by its
// name. Every registry is asked page by page; what they say is merged. Registries that do not
// answer are tolerated while one does: a short grace after the first whole answer, then the lookup
// is done. A name that is not listed yet is asked for again until the deadline.
//
// The same name with the same log id at several registries is one row: that of the highest
// generation, with the endpoints of all that say this generation. With two log ids it is a
// conflict: the row of one of them is shown, `conflict` set, and nobody may choose it. A group of
// the original system (no log id) gives way to a zchat group.

#ifndef ZCHAT_LOOKUP_H
#define ZCHAT_LOOKUP_H

#include "common/dealer.h"

typedef struct lookup lookup_t;

typedef struct {
    zloop_t *loop;
    const char *const *registries; // endpoints
    size_t registry_count;
    const char *name;    // NULL: all groups
    guid_t uuid;         // of the speaker, or zeros
    int64_t deadline;    // on zclock_mono
    connect_fn *connect; // NULL: dealer_connect_plain
    void *connect_arg;
} lookup_query_t;

typedef enum {
    LOOKUP_DONE,     // all groups: as many as there are. By name: that one, in row 0
    LOOKUP_ABSENT,   // a registry answered, but none knows the name
    LOOKUP_CONFLICT, // by name: two logs have it (row 0)
    LOOKUP_SILENT    // no registry answered in time (or there is none to ask)
} lookup_result_t;

// Texts are zero-terminated, without control characters, and belong to the lookup.
typedef struct {
    const char *name;
    guid_t log; // zeros: a group of the original system
    uint64_t generation;
    wire_state_t state;
    uint64_t members;
    uint64_t online;
    uint64_t seq;
    const char *topic; // "" when there is none
    const char *const *endpoints;
    size_t endpoint_count;
    bool conflict;
} lookup_row_t;

// Called once, from the loop, never from lookup_new. The lookup may be destroyed in it.
typedef void (lookup_done_fn) (void *arg, lookup_t *self, lookup_result_t result);

// The query is copied. NULL when memory is out.
lookup_t *lookup_new (const lookup_query_t *query, lookup_done_fn *done, void *arg);

// May be called at any time, from any handler.
void lookup_destroy (lookup_t **self_p);

// The rows, sorted by name, once it is done.
size_t lookup_count (const lookup_t *self);
const lookup_row_t *lookup_row (const lookup_t *self, size_t index);

// How many registries gave their whole list.
size_t lookup_answered (const lookup_t *self);

#endif
