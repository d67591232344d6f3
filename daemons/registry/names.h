// names: which names of groups have an owner.
//
// Floor 4, pure. The configuration says which key owns a name. Such a name is given to nobody else,
// held or not. Who tries all the same is told of once a contest: until nobody tried for a while.

#ifndef ZCHAT_REGISTRY_NAMES_H
#define ZCHAT_REGISTRY_NAMES_H

#include "common/codec.h"
#include "common/conf.h"

typedef struct names names_t;

// Copies the list. NULL: memory is out.
names_t *names_new (const conf_name_t *list, size_t count);
void names_destroy (names_t **self_p);

typedef enum { NAMES_FREE, NAMES_OWN, NAMES_TAKEN } names_verdict_t;

// Whose is the name, for one with this proven key (CONF_KEY bytes, NULL: none)?
names_verdict_t names_judge (const names_t *self, span_t name, const uint8_t *key);

// Somebody tried for a taken name at `now`. Is that the first time for at least `quiet`? Both in
// milliseconds.
bool names_contest (names_t *self, span_t name, int64_t now, int64_t quiet);

#endif
