// roster: what a group knows by its log: members, nicks, topic, which sends it has seen, and what
// each UUID stands as.
//
// Daemon floor 3, pure: a fold over records. It has two faces. "Now" is what durable records say
// and is all that is shown. "Next" is now and the records of the job under way, and is what
// requests are judged by. roster_put moves next; roster_commit makes it now when the job is
// durable; roster_discard throws it away when the job failed.
//
// A device's sends: per (author, device) the last ROSTER_SENDS counters with their random bytes and
// sequences are known, in memory and in a segment's STATE, where the option SENDS of a STATE_DEVICE
// record holds, for the oldest known counter up to the last: random (4 bytes), sequence (varint:
// the first one whole, then as difference to the one before).

#ifndef ZCHAT_ROSTER_H
#define ZCHAT_ROSTER_H

#include "common/record.h"
#include "common/text.h"
#include "common/wire.h"
#include "daemons/group/standing.h"

#define ROSTER_SENDS   WIRE_UNANSWERED
#define ROSTER_DEVICES 32 // a member; the one unused longest gives way

typedef struct roster roster_t;

roster_t *roster_new (void);
void roster_destroy (roster_t **self_p);

// ---- Judging requests, by next. Nothing is changed.

typedef struct {
    wire_error_t error;           // WIRE_ERR_NONE: done or to be appended
    bool append;                  // `record` is to be appended
    uint64_t seq;                 // not appended: sequence of what was there already, 0 if nothing
    record_t record;              // kind, author, send, nick, text; time and seq are the log's
    char nick[TEXT_NICK_MAX + 1]; // JOIN: the nick given, "" if none
    // The roster leaves these as they are, 0.
    const char *why;   // a better sentence than the error's own, for ever; NULL: none
    wire_error_t ends; // the record ends what goes on for `whose`: see judge.h; 0: nothing
    guid_t whose;
} verdict_t;

// `nick` may be empty: a member without one. A taken nick gives the next free one, "ann-2".
void roster_judge_join (roster_t *self, const guid_t *who, span_t nick, size_t max_members,
                        verdict_t *verdict);
// A member's JOIN once more, with the nick that it has: to say that its key was proved.
void roster_judge_rejoin (roster_t *self, const guid_t *who, verdict_t *verdict);
void roster_judge_leave (roster_t *self, const guid_t *who, verdict_t *verdict);
void roster_judge_nick (roster_t *self, const guid_t *who, span_t nick, verdict_t *verdict);
void roster_judge_topic (roster_t *self, const guid_t *who, span_t topic, verdict_t *verdict);
// A record of that kind; its options are the caller's to add.
void roster_judge_act (roster_t *self, const guid_t *who, record_kind_t kind, verdict_t *verdict);
// The text's content is the caller's to check.
void roster_judge_send (roster_t *self, const guid_t *who, const record_send_t *send, span_t text,
                        verdict_t *verdict);

// ---- The fold

void roster_put (roster_t *self, const record_t *record);
void roster_commit (roster_t *self);
void roster_discard (roster_t *self);

// Calls `put` with the records that make this roster (now) again.
void roster_state (const roster_t *self, void (*put) (void *arg, const record_t *record),
                   void *arg);

bool roster_is_next (const roster_t *self, const guid_t *who); // a member next

// ---- What is now

// What each UUID stands as, at both faces. It moves with this roster.
const standing_t *roster_standing (const roster_t *self);

bool roster_is_member (roster_t *self, const guid_t *who);
size_t roster_count (const roster_t *self);
uint64_t roster_version (const roster_t *self);  // counts how often the members changed
const char *roster_topic (const roster_t *self); // "" if none
// The nick, "" if none; NULL: no member. Valid until the roster changes.
const char *roster_nick (roster_t *self, const guid_t *who);
// The member whose UUID is the next above `after`, false when there is none.
bool roster_next (roster_t *self, const guid_t *after, guid_t *who);
// Counts the requests of a member that wait for an answer: adds `change` and returns how many there
// are; 0: no member.
size_t roster_count_pending (roster_t *self, const guid_t *who, int change);
// Time of the member's last record, 0: no member.
int64_t roster_seen (roster_t *self, const guid_t *who);
void roster_set_seen (roster_t *self, const guid_t *who, int64_t time);

#endif
