// listing: what several registries say of groups, merged.
//
// Floor 4, pure. The same name with the same log id is one row: that of the highest generation,
// with the endpoints of all that say this generation. With two log ids it is a conflict: each is a
// row, with `conflict` set, and nobody may choose one. A group of the original system (no log id)
// gives way to a zchat group.

#ifndef ZCHAT_LISTING_H
#define ZCHAT_LISTING_H

#include "common/wire.h"

typedef struct listing listing_t;

// Texts are zero-terminated, without control characters, and belong to the listing.
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

listing_t *listing_new (void); // NULL: memory is out
void listing_destroy (listing_t **self_p);
void listing_clear (listing_t *self);

// Adds a row of GROUPS (copied). Returns 0, or -1 when it is none: a name that no group can have,
// or no endpoint that can be connected to; or when there is no more room.
int listing_add (listing_t *self, const wire_t *row);

// Sorted by name. listing_find gives the first row of that name.
size_t listing_count (const listing_t *self);
const lookup_row_t *listing_row (const listing_t *self, size_t index);
const lookup_row_t *listing_find (const listing_t *self, const char *name);

#endif
