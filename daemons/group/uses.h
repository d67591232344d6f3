// uses: how often each invitation was redeemed that only so many people may come with.
//
// Daemon floor 1, pure: a fold over records, with a "now" and a "next" as the roster has them. A
// JOIN that redeemed an invitation carries its id, its uses (0: any number, which is not counted)
// and when it expires. In a segment's STATE a STATE_INVITATION says how often it was used. What
// expired longer ago than clocks err is left out there.

#ifndef ZCHAT_USES_H
#define ZCHAT_USES_H

#include "common/record.h"

#define USES_EXPIRED INT64_C (86400000000) // microseconds after which an expired one is left out

typedef struct uses uses_t;

uses_t *uses_new (void);
void uses_destroy (uses_t **self_p);

// How often it was redeemed, next.
uint64_t uses_count (const uses_t *self, const guid_t *invitation);

// Other kinds of records change nothing.
void uses_put (uses_t *self, const record_t *record);
void uses_commit (uses_t *self);
void uses_discard (uses_t *self);

// Calls `put` with the records that make the counts (now) again.
void uses_state (const uses_t *self, void (*put) (void *arg, const record_t *record), void *arg);

#endif
