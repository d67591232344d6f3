// invitation: what lets a stranger in: signed by an operator, shown to a registry or a group.
//
// Floor 2, pure. An invitation is one of
//
//     invitation = version:1 operator:32 id:16 expires:8 uses:4 groups registries signature:64
//     groups     = count:1 *( size:1 name )           none: all groups
//     registries = count:1 *( size:2 endpoint )       each with its key: tcp://host:port?key=<hex>
//
// with numbers in network order. `version` is 1, `operator` the Ed25519 public key that made the
// signature, over "zchat invitation" and all that is before it. `expires` counts microseconds since
// 1970, 0: never; `uses` how many people may come with it, at each daemon, 0: any number.
//
// For people it is a text: "zchat1." and the bytes in base64url without padding. On the wire the
// field `invitations` holds any number of `size:2 invitation`.
//
// Reading one trusts nothing: what was read is well formed, no more. Only invitation_verify says
// whether it means something here; how often it was used is the daemon's knowledge.

#ifndef ZCHAT_INVITATION_H
#define ZCHAT_INVITATION_H

#include "common/codec.h"
#include "common/endpoint.h"
#include "common/guid.h"

#define INVITATION_MAX     2048 // bytes of one
#define INVITATION_TEXT    2740 // bytes of its text, with the final zero
#define INVITATION_KEY     32   // bytes of an operator's public key
#define INVITATION_SIGNING 64   // bytes of what an operator signs with
#define INVITATION_SHOWN   8    // in one request; more are not looked at
#define INVITATION_FIELD   (INVITATION_SHOWN * (2 + INVITATION_MAX))

typedef struct {
    span_t bytes; // all of it; borrowed
    uint8_t operator_key[INVITATION_KEY];
    guid_t id;
    int64_t expires; // 0: never
    uint32_t uses;   // 0: any number
    size_t group_count;
    span_t groups;
    size_t registry_count;
    span_t registries;
} invitation_t;

// Reads one. `bytes` must outlive it. Returns NULL, or what is wrong as a sentence without a full
// stop.
const char *invitation_parse (invitation_t *self, span_t bytes);

// Its group, or registry, by index; an empty span, or -1, behind the last.
span_t invitation_group (const invitation_t *self, size_t index);
int invitation_registry (const invitation_t *self, size_t index, endpoint_t *endpoint);

// Does it name this group, or all of them?
bool invitation_is_for (const invitation_t *self, const char *group);

// Not at that time any more (microseconds since 1970).
bool invitation_is_expired (const invitation_t *self, int64_t now);

// Is the signature that of the operator whom it names?
bool invitation_is_signed (const invitation_t *self);

typedef enum {
    INVITATION_GOOD,
    INVITATION_FOREIGN,   // its operator is none of ours
    INVITATION_ELSEWHERE, // it is for other groups
    INVITATION_EXPIRED,
    INVITATION_FORGED // the signature is wrong: it was altered, or never was one
} invitation_verdict_t;

// A daemon's judgement. `operators`: `count` keys, one behind the other. `group`: the group's name;
// NULL for a registry, which takes those for any group.
invitation_verdict_t invitation_verify (const invitation_t *self, const uint8_t *operators,
                                        size_t count, int64_t now, const char *group);

// The verdict as a sentence without a full stop.
const char *invitation_verdict_text (invitation_verdict_t verdict);

// The field `invitations`, as sent by anybody. Takes the next well-formed one; false at the end,
// also behind INVITATION_SHOWN of any form, and behind bytes that are no list.
typedef struct {
    reader_t in;
    unsigned left;
} invitation_walk_t;

invitation_walk_t invitation_walk (span_t field);
bool invitation_next (invitation_walk_t *walk, invitation_t *self);
// Appends one to what becomes the field; what does not fit makes out->failed.
void invitation_put (writer_t *out, span_t bytes);

// The text form. invitation_print returns `out`. invitation_scan ignores blanks and newlines (a
// mail breaks lines); returns the bytes it wrote to `out`, 0: it is none.
char *invitation_print (span_t bytes, char out[INVITATION_TEXT]);
size_t invitation_scan (const char *text, size_t size, uint8_t out[INVITATION_MAX]);

// The pair of keys of the operator whose identity has this secret key: derived from it, so there
// is nothing more to keep.
void invitation_operator (const uint8_t secret[32], uint8_t public_key[INVITATION_KEY],
                          uint8_t signing[INVITATION_SIGNING]);

typedef struct {
    guid_t id; // random
    int64_t expires;
    uint32_t uses;
    const char *const *groups;
    size_t group_count;
    const char *const *registries; // endpoints with keys
    size_t registry_count;
} invitation_draft_t;

// Makes one. Returns its size, 0: it would be too long, or a name or endpoint is none.
size_t invitation_make (const invitation_draft_t *draft, const uint8_t signing[INVITATION_SIGNING],
                        uint8_t out[INVITATION_MAX]);

#endif
