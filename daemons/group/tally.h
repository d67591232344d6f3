// tally: how many of each there are, by a UUID's bytes.
//
// Daemon floor 1, pure. What there is none of takes no memory.

#ifndef ZCHAT_GROUP_TALLY_H
#define ZCHAT_GROUP_TALLY_H

#include "common/guid.h"

#include <stddef.h>

typedef struct tally tally_t;

tally_t *tally_new (void);
void tally_destroy (tally_t **self_p);

size_t tally_count (const tally_t *self, const guid_t *what);
void tally_add (tally_t *self, const guid_t *what);
void tally_remove (tally_t *self, const guid_t *what); // there must be one

#endif
