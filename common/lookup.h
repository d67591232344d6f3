// lookup: asks all registries at once which groups there are, and where.
//
// Floor 6. Driven by a zloop, never waits. One lookup asks once: for all groups, or for one by its
// name. Every registry is asked page by page; what they say is merged. Registries that do not
// answer are tolerated while one does: a short grace after the first whole answer, then the lookup
// is done. A name that is not listed yet is asked for again until the deadline.
//
// How the answers are merged, and what a conflict is: see listing.h.

#ifndef ZCHAT_LOOKUP_H
#define ZCHAT_LOOKUP_H

#include "common/dealer.h"
#include "common/listing.h"

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
    show_fn *show; // NULL: no invitations
    void *show_arg;
} lookup_query_t;

typedef enum {
    LOOKUP_DONE,     // all groups: as many as there are. By name: that one, in row 0
    LOOKUP_ABSENT,   // a registry answered, but none knows the name
    LOOKUP_CONFLICT, // by name: two logs have it (row 0)
    LOOKUP_SILENT,   // no registry answered in time (or there is none to ask)
    LOOKUP_REFUSED   // no registry lets us ask: see lookup_refusal
} lookup_result_t;

// Called once, from the loop, never from lookup_new. The lookup may be destroyed in it.
typedef void (lookup_done_fn) (void *arg, lookup_t *self, lookup_result_t result);

// The query is copied. NULL when memory is out.
lookup_t *lookup_new (const lookup_query_t *query, lookup_done_fn *done, void *arg);

// May be called at any time, from any handler.
void lookup_destroy (lookup_t **self_p);

// The rows, sorted by name, once it is done; by name: that one, or none. See listing.h.
size_t lookup_count (const lookup_t *self);
const lookup_row_t *lookup_row (const lookup_t *self, size_t index);

// Why a registry refused to answer, as a sentence that names it, without control characters; "":
// none did.
const char *lookup_refusal (const lookup_t *self);
wire_error_t lookup_error (const lookup_t *self);

// How many registries gave their whole list.
size_t lookup_answered (const lookup_t *self);

#endif
