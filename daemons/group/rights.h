// rights: who may what in a group.
//
// Daemon floor 4, pure: the rules of the configuration over what the roster says that each UUID
// stands as. Requests are judged by "next", what is asked in between by "now": see roster.h.
//
// A speaker is a key (or none, over a plain connection) and the UUID that it speaks for:
//
//     over CURVE   the key from which the UUID is made, unless it was removed; a key that was added
//                  to the UUID; a gateway's key, for a UUID that is not bound
//     plain        a UUID that is not bound, in a group that is open to all
//
// A UUID is bound by the first record of it that a key was proved for; an owner's always is.

#ifndef ZCHAT_RIGHTS_H
#define ZCHAT_RIGHTS_H

#include "common/conf.h"
#include "common/invitation.h"
#include "daemons/group/roster.h"
#include "daemons/group/speaker.h"

typedef struct rights rights_t;

typedef enum {
    RIGHTS_OPEN,    // anybody may join
    RIGHTS_INVITED, // who was invited by name or shows an invitation
    RIGHTS_LISTED   // who was invited by name
} rights_access_t;

typedef struct {
    rights_access_t access;
    bool topics_by_operators;
    // Keys, one behind the other.
    const uint8_t *owners; // CURVE
    size_t owner_count;
    const uint8_t *gateways; // CURVE
    size_t gateway_count;
    const uint8_t *operators; // Ed25519, of invitations
    size_t operator_count;
} rights_rules_t;

// What a configuration of group.cfg says; the keys are borrowed from it.
rights_rules_t rights_rules_of (const conf_t *conf);

// Of the group of that name; both are borrowed. Without rules it is open and has no owner.
rights_t *rights_new (const char *group, const roster_t *roster);
void rights_destroy (rights_t **self_p);
void rights_set (rights_t *self, const rights_rules_t *rules); // copies them

typedef enum {
    RIGHTS_PLAIN,  // nothing was proved
    RIGHTS_PROVED, // by a key of the UUID itself
    RIGHTS_GATEWAY // by the key of one that is trusted to say whom it speaks for
} rights_voice_t;

// May it speak for `who`? NONE and *voice; KEY_NEEDED or WRONG_KEY. `next`: by that face.
wire_error_t rights_speak (const rights_t *self, bool next, const speaker_t *speaker,
                           const guid_t *who, rights_voice_t *voice);

bool rights_is_owner (const rights_t *self, const guid_t *who);
size_t rights_owner_count (const rights_t *self);
const guid_t *rights_owner (const rights_t *self, size_t index);
wire_role_t rights_role (const rights_t *self, const guid_t *who); // a member's, now
bool rights_is_open (const rights_t *self);

// All of these judge by next. `why`: a better sentence than the error's own, or NULL.

// May `who`, who is none, become a member? `invitations`: the field that it shows, judged at `now`
// (wall clock). *redeems: it may by this one, whose uses count; its id is zeros for none.
wire_error_t rights_join (const rights_t *self, const guid_t *who, span_t invitations, int64_t now,
                          invitation_t *redeems, const char **why);

// May `who` make this record, of kind MESSAGE, NICK or TOPIC?
wire_error_t rights_say (const rights_t *self, record_kind_t kind, const guid_t *who,
                         rights_voice_t voice);

// What is to be done, and to whom.
typedef struct {
    record_kind_t kind; // RECORD_INVITE to RECORD_REMOVE_KEY, or anything a stranger sent
    guid_t subject;
    const uint8_t *key; // NULL: none was given
} rights_action_t;

// May `who`, a member who proved its key, do that? *done: it is so already.
wire_error_t rights_act (const rights_t *self, const guid_t *who, const rights_action_t *action,
                         bool *done, const char **why);

#endif
