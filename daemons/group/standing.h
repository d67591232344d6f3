// standing: what a UUID stands as in the group, beside being a member: proved, banned, muted,
// invited, an operator, and which keys may speak for it.
//
// Daemon floor 2, pure: a fold over records, with a "now" and a "next" as the roster has them. It
// outlives membership, but for the operator: who leaves, is kicked or banned is none any more.
//
// In a segment's STATE a STATE_PERSON says it again: author, option STANDING (the flags), KEY (all
// added keys, one behind the other), INVITATION (the ids of all it redeemed). That a member is
// bound says its JOIN there, by being VERIFIED. Of those that are gone, and that no operator has
// said anything about, the last STANDING_DEPARTED are kept.

#ifndef ZCHAT_STANDING_H
#define ZCHAT_STANDING_H

#include "common/record.h"

#define STANDING_KEY         32 // bytes of a public key
#define STANDING_KEYS        16 // that may be added to a UUID
#define STANDING_INVITATIONS 32 // that a UUID may redeem
#define STANDING_DEPARTED    100000

enum {
    STANDING_BOUND = 1,     // a key was proved for it: nobody speaks for it without
    STANDING_BANNED = 2,    // may not join
    STANDING_MUTED = 4,     // may not speak
    STANDING_INVITED = 8,   // by name
    STANDING_ADMITTED = 16, // by an invitation
    STANDING_OPERATOR = 32,
    STANDING_KEYLESS = 64, // the key that it was made from speaks for it no more
    STANDING_ALL = 127
};

typedef struct standing standing_t;
typedef struct stand_list stand_list_t;

// One UUID's, at one of the two faces.
typedef struct {
    unsigned flags;
    bool joined;                  // a member; counts only for one that is bound
    const stand_list_t *keys;     // added ones; NULL: none
    const stand_list_t *redeemed; // ids of invitations; NULL: none
} stand_t;

standing_t *standing_new (void);
void standing_destroy (standing_t **self_p);

// Never NULL; of one that nothing is known of all is 0. Valid until the next change.
const stand_t *standing_now (const standing_t *self, const guid_t *who);
const stand_t *standing_next (const standing_t *self, const guid_t *who);

bool stand_has_key (const stand_t *self, const uint8_t key[STANDING_KEY]); // an added one
// May `key`, whose own UUID is `key_guid`, speak for `who`, who stands like this?
bool stand_speaks (const stand_t *self, const guid_t *who, const uint8_t key[STANDING_KEY],
                   const guid_t *key_guid);
size_t stand_key_count (const stand_t *self);
const uint8_t *stand_key (const stand_t *self, size_t index);
bool stand_redeemed (const stand_t *self, const guid_t *invitation);
size_t stand_redeemed_count (const stand_t *self);

// How often an invitation was redeemed, next; counted for those that say how often they may be.
uint64_t standing_uses (const standing_t *self, const guid_t *invitation);

// The UUIDs that have one of `flags` now.
void standing_each (const standing_t *self, unsigned flags,
                    void (*put) (void *arg, const guid_t *who), void *arg);

// Counts the changes of what is now.
uint64_t standing_version (const standing_t *self);

// ---- The fold

void standing_put (standing_t *self, const record_t *record);
void standing_commit (standing_t *self);
void standing_discard (standing_t *self);

// Calls `put` with the records that, behind the JOINs of the members, make this (now) again.
void standing_state (const standing_t *self, void (*put) (void *arg, const record_t *record),
                     void *arg);

#endif
