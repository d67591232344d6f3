// readers: who is told of a hidden group by the registries, as they learn it.
//
// Daemon floor 5, pure. Members, those who are invited, and owners. A registry knows a caller by
// its key, so of each it is told what its keys say: the first 8 bytes of BLAKE2b-256 of the UUID
// that is made from a key, for each key that speaks for one of them.

#ifndef ZCHAT_READERS_H
#define ZCHAT_READERS_H

#include "daemons/group/rights.h"

#define READERS_DIGEST 8
#define READERS_MAX    8191 // that an announcement holds; there are no more

typedef struct readers readers_t;

// The parts are borrowed.
readers_t *readers_new (roster_t *roster, const rights_t *rights);
void readers_destroy (readers_t **self_p);

// The rules changed.
void readers_forget (readers_t *self);

// Their digests, one behind the other; made anew only when something changed. Valid until the next
// call. *left_out: so many had no room.
span_t readers_list (readers_t *self, size_t *left_out);

#endif
