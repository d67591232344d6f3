// limits: how often something may be asked for, by one asker and by all together.
//
// Daemon floor 1, pure. A send or a look into the history counts for the UUID that asks, a join for
// the address it comes from: whoever makes keys by the dozen has no more of them than before. Over
// a plain connection from this machine nothing is counted; whoever calls sees to that.

#ifndef ZCHAT_GROUP_LIMITS_H
#define ZCHAT_GROUP_LIMITS_H

#include "common/conf.h"
#include "common/guid.h"
#include "common/rate.h"

typedef enum { LIMITS_SEND, LIMITS_JOIN, LIMITS_HISTORY, LIMITS_KINDS } limits_kind_t;

typedef struct {
    rate_limit_t one[LIMITS_KINDS];
    rate_limit_t all[LIMITS_KINDS];
} limits_rules_t;

// What group.cfg says.
limits_rules_t limits_rules_of (const conf_t *conf);

typedef struct limits limits_t;

limits_t *limits_new (void);
void limits_destroy (limits_t **self_p);
void limits_set (limits_t *self, const limits_rules_t *rules);

// The address by which one is counted, as frame_peer gives it: an IPv6 network of 64 bits counts as
// one. What is no address is counted together.
guid_t limits_address (const char *address);

// Takes one for `who` at `now` (monotonic ms). Returns 0, or the milliseconds to wait and the name
// of the key in group.cfg that says so; then nothing was taken.
uint32_t limits_take (limits_t *self, limits_kind_t kind, const guid_t *who, int64_t now,
                      const char **name);

// Forgets those that have asked for nothing lately; to be called every second or so.
void limits_forget (limits_t *self, int64_t now);

#endif
