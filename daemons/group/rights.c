#include "daemons/group/rights.h"

#include <czmq.h>

struct rights {
    const char *group;
    const roster_t *roster;
    const standing_t *standing;
    rights_rules_t rules;
    guid_t *owners; // their UUIDs
};

// ---- Rules

rights_rules_t rights_rules_of (const conf_t *conf)
{
    const char *access = conf_string (conf, "access");
    return (rights_rules_t){
        .access = streq (access, "open")      ? RIGHTS_OPEN
                  : streq (access, "invited") ? RIGHTS_INVITED
                                              : RIGHTS_LISTED,
        .topics_by_operators = streq (conf_string (conf, "topics"), "operators"),
        .owners = conf_keys (conf, "owners"),
        .owner_count = conf_count (conf, "owners"),
        .gateways = conf_keys (conf, "gateways"),
        .gateway_count = conf_count (conf, "gateways"),
        .operators = conf_keys (conf, "operators"),
        .operator_count = conf_count (conf, "operators"),
    };
}

rights_t *rights_new (const char *group, const roster_t *roster)
{
    rights_t *self = zmalloc (sizeof *self);
    self->group = group;
    self->roster = roster;
    self->standing = roster_standing (roster);
    return self;
}

static void s_forget_rules (rights_t *self)
{
    free (self->owners);
    free ((void *)self->rules.owners);
    free ((void *)self->rules.gateways);
    free ((void *)self->rules.operators);
}

void rights_destroy (rights_t **self_p)
{
    rights_t *self = *self_p;
    if (!self)
        return;
    s_forget_rules (self);
    free (self);
    *self_p = NULL;
}

static uint8_t *s_copy (const uint8_t *keys, size_t count)
{
    uint8_t *copy = malloc ((count + 1) * SPEAKER_KEY);
    assert (copy);
    if (count > 0)
        memcpy (copy, keys, count * SPEAKER_KEY);
    return copy;
}

void rights_set (rights_t *self, const rights_rules_t *rules)
{
    s_forget_rules (self);
    self->rules = *rules;
    self->rules.owners = s_copy (rules->owners, rules->owner_count);
    self->rules.gateways = s_copy (rules->gateways, rules->gateway_count);
    self->rules.operators = s_copy (rules->operators, rules->operator_count);
    self->owners = zmalloc ((rules->owner_count + 1) * sizeof (guid_t));
    for (size_t i = 0; i < rules->owner_count; i++)
        self->owners[i] = guid_of_key (rules->owners + i * SPEAKER_KEY);
}

bool rights_is_owner (const rights_t *self, const guid_t *who)
{
    for (size_t i = 0; i < self->rules.owner_count; i++)
        if (guid_equal (&self->owners[i], who))
            return true;
    return false;
}

size_t rights_owner_count (const rights_t *self)
{
    return self->rules.owner_count;
}

const guid_t *rights_owner (const rights_t *self, size_t index)
{
    assert (index < self->rules.owner_count);
    return &self->owners[index];
}

bool rights_is_open (const rights_t *self)
{
    return self->rules.access == RIGHTS_OPEN;
}

wire_role_t rights_role (const rights_t *self, const guid_t *who)
{
    unsigned flags = standing_now (self->standing, who)->flags;
    if (rights_is_owner (self, who))
        return WIRE_ROLE_OWNER;
    if (flags & STANDING_MUTED)
        return WIRE_ROLE_MUTED;
    return flags & STANDING_OPERATOR ? WIRE_ROLE_OPERATOR : WIRE_ROLE_MEMBER;
}

// ---- Speaking

static bool s_is_gateway (const rights_t *self, const uint8_t key[SPEAKER_KEY])
{
    for (size_t i = 0; i < self->rules.gateway_count; i++)
        if (memcmp (self->rules.gateways + i * SPEAKER_KEY, key, SPEAKER_KEY) == 0)
            return true;
    return false;
}

wire_error_t rights_speak (const rights_t *self, bool next, const speaker_t *speaker,
                           const guid_t *who, rights_voice_t *voice)
{
    const stand_t *stand =
        next ? standing_next (self->standing, who) : standing_now (self->standing, who);
    bool bound = (stand->flags & STANDING_BOUND) || rights_is_owner (self, who);
    *voice = RIGHTS_PLAIN;
    if (!speaker->proved)
        return bound || !rights_is_open (self) ? WIRE_ERR_KEY_NEEDED : WIRE_ERR_NONE;
    if (stand_speaks (stand, who, speaker->key, &speaker->guid))
        *voice = RIGHTS_PROVED;
    else if (!bound && s_is_gateway (self, speaker->key))
        *voice = RIGHTS_GATEWAY;
    else
        return WIRE_ERR_WRONG_KEY;
    return WIRE_ERR_NONE;
}

wire_error_t rights_say (const rights_t *self, record_kind_t kind, const guid_t *who,
                         rights_voice_t voice)
{
    unsigned flags = standing_next (self->standing, who)->flags;
    if (flags & STANDING_MUTED)
        return WIRE_ERR_MUTED;
    if (kind != RECORD_TOPIC || !self->rules.topics_by_operators)
        return WIRE_ERR_NONE;
    if (!(flags & STANDING_OPERATOR) && !rights_is_owner (self, who))
        return WIRE_ERR_NOT_ALLOWED;
    return voice == RIGHTS_PROVED ? WIRE_ERR_NONE : WIRE_ERR_KEY_NEEDED;
}

// ---- Joining

// What is wrong with an invitation here and for one who stands like this; NULL: nothing. *forged:
// that took a signature to find out.
static const char *s_judge_invitation (const rights_t *self, const stand_t *stand,
                                       const invitation_t *shown, int64_t now, bool *forged)
{
    if (stand_redeemed (stand, &shown->id))
        return "the invitation let you in before, and you were removed";
    if (stand_redeemed_count (stand) >= STANDING_INVITATIONS)
        return "too many invitations were redeemed for this UUID";
    if (shown->uses > 0 && standing_uses (self->standing, &shown->id) >= shown->uses)
        return "the invitation is used up";
    invitation_verdict_t verdict = invitation_verify (shown, self->rules.operators,
                                                      self->rules.operator_count, now, self->group);
    *forged = verdict == INVITATION_FORGED;
    return verdict == INVITATION_GOOD ? NULL : invitation_verdict_text (verdict);
}

// Behind a forged one nothing is looked at: each costs as much as hundreds of messages.
static wire_error_t s_redeem (const rights_t *self, const stand_t *stand, span_t field, int64_t now,
                              invitation_t *redeems, const char **why)
{
    invitation_t shown;
    bool forged = false;
    invitation_walk_t walk = invitation_walk (field);
    while (!forged && invitation_next (&walk, &shown)) {
        *why = s_judge_invitation (self, stand, &shown, now, &forged);
        if (!*why) {
            *redeems = shown;
            return WIRE_ERR_NONE;
        }
    }
    return field.size > 0 ? WIRE_ERR_BAD_INVITATION : WIRE_ERR_NOT_INVITED;
}

wire_error_t rights_join (const rights_t *self, const guid_t *who, span_t invitations, int64_t now,
                          invitation_t *redeems, const char **why)
{
    const stand_t *stand = standing_next (self->standing, who);
    memset (redeems, 0, sizeof *redeems);
    *why = NULL;
    if (stand->flags & STANDING_BANNED)
        return WIRE_ERR_BANNED;
    if (rights_is_open (self) || rights_is_owner (self, who) || stand->flags & STANDING_INVITED)
        return WIRE_ERR_NONE;
    if (self->rules.access == RIGHTS_INVITED) {
        if (stand->flags & STANDING_ADMITTED)
            return WIRE_ERR_NONE;
        return s_redeem (self, stand, invitations, now, redeems, why);
    }
    *why = "an operator must invite you by your UUID";
    return WIRE_ERR_NOT_INVITED;
}

// ---- Acting

typedef enum { MEMBER, OPERATOR, OWNER } rank_t;

static rank_t s_rank (const rights_t *self, const guid_t *who)
{
    if (rights_is_owner (self, who))
        return OWNER;
    return standing_next (self->standing, who)->flags & STANDING_OPERATOR ? OPERATOR : MEMBER;
}

static bool s_is_about_keys (record_kind_t kind)
{
    return kind == RECORD_ADD_KEY || kind == RECORD_REMOVE_KEY;
}

static bool s_is_action (const rights_action_t *action)
{
    static const uint8_t zeros[SPEAKER_KEY];
    if (action->kind < RECORD_INVITE || action->kind > RECORD_REMOVE_KEY ||
        guid_is_null (&action->subject))
        return false;
    return !s_is_about_keys (action->kind) ||
           (action->key && memcmp (action->key, zeros, SPEAKER_KEY) != 0);
}

static bool s_may_act (const rights_t *self, const guid_t *who, const rights_action_t *action)
{
    if (s_is_about_keys (action->kind) && guid_equal (who, &action->subject))
        return true; // its own keys
    rank_t rank = s_rank (self, who);
    if (action->kind == RECORD_OP || action->kind == RECORD_DEOP)
        return rank == OWNER && s_rank (self, &action->subject) < OWNER;
    return rank > s_rank (self, &action->subject);
}

static bool s_is_so (const rights_t *self, const rights_action_t *action)
{
    const stand_t *stand = standing_next (self->standing, &action->subject);
    unsigned flags = stand->flags;
    guid_t guid;
    switch (action->kind) {
    case RECORD_INVITE:
        return flags & STANDING_INVITED;
    case RECORD_KICK:
        return !roster_is_next (self->roster, &action->subject) &&
               !(flags & (STANDING_INVITED | STANDING_ADMITTED));
    case RECORD_BAN:
        return flags & STANDING_BANNED;
    case RECORD_UNBAN:
        return !(flags & STANDING_BANNED);
    case RECORD_MUTE:
        return flags & STANDING_MUTED;
    case RECORD_UNMUTE:
        return !(flags & STANDING_MUTED);
    case RECORD_OP:
        return flags & STANDING_OPERATOR;
    case RECORD_DEOP:
        return !(flags & STANDING_OPERATOR);
    default:
        guid = guid_of_key (action->key);
        return stand_speaks (stand, &action->subject, action->key, &guid) ==
               (action->kind == RECORD_ADD_KEY);
    }
}

// What stands against an action that is allowed and not so yet.
static wire_error_t s_obstacle (const rights_t *self, const rights_action_t *action,
                                const char **why)
{
    const stand_t *stand = standing_next (self->standing, &action->subject);
    if (action->kind == RECORD_INVITE && stand->flags & STANDING_BANNED) {
        *why = "the one who is to be invited is banned: unban first";
        return WIRE_ERR_BANNED;
    }
    if (action->kind == RECORD_OP && !roster_is_next (self->roster, &action->subject)) {
        *why = "only a member can be an operator";
        return WIRE_ERR_NOT_MEMBER;
    }
    if (action->kind == RECORD_ADD_KEY && stand_key_count (stand) >= STANDING_KEYS) {
        guid_t guid = guid_of_key (action->key);
        if (guid_equal (&guid, &action->subject))
            return WIRE_ERR_NONE; // the one it had
        *why = "no more keys than 16 can be added to a UUID: remove one first";
        return WIRE_ERR_LIMIT;
    }
    return WIRE_ERR_NONE;
}

wire_error_t rights_act (const rights_t *self, const guid_t *who, const rights_action_t *action,
                         bool *done, const char **why)
{
    *done = false;
    *why = NULL;
    if (!s_is_action (action))
        return WIRE_ERR_BAD_REQUEST;
    if (!s_may_act (self, who, action))
        return WIRE_ERR_NOT_ALLOWED;
    *done = s_is_so (self, action);
    return *done ? WIRE_ERR_NONE : s_obstacle (self, action, why);
}
