// entry: one group as the registry knows it, and who is told which of its endpoints.
//
// Floor 4, pure. A zchat group is a lease; a group of the original system (`legacy`) is a port and
// has none of the fields that its wire does not carry.

#ifndef ZCHAT_REGISTRY_ENTRY_H
#define ZCHAT_REGISTRY_ENTRY_H

#include "common/endpoint.h"
#include "common/text.h"
#include "common/wire.h"

enum {
    ENTRY_TOPIC_MAX = 60000,    // bytes
    ENTRY_ENDPOINTS_MAX = 4096, // bytes of all of them together
    ENTRY_ENDPOINT_COUNT = 16,
    ENTRY_CLAIM = 32,
    ENTRY_KEY = 32,       // bytes of a CURVE public key
    ENTRY_READERS = 16384 // of a hidden group
};

// Who speaks to the registry.
typedef struct {
    const char *peer;   // the address, as frame_peer gives it
    const uint8_t *key; // the one that it has proved; NULL: none, it came over a plain listener
} entry_caller_t;

typedef struct entry entry_t;

// From ANNOUNCE. A host `*` becomes the caller's address; a caller elsewhere does not reach our
// loopback, so its loopback endpoints are left out. Who has proved a key announces no other one.
// NULL with *error: BAD_NAME, BAD_TEXT (the topic), WRONG_KEY, or BAD_REQUEST (the endpoints or the
// readers).
entry_t *entry_new (const wire_t *announce, const entry_caller_t *caller, wire_error_t *error);

// A group of the original system. NULL when name, port or peer are none.
entry_t *entry_new_legacy (span_t name, uint16_t port, const char *peer);

void entry_destroy (entry_t **self_p);

const char *entry_name (const entry_t *self);
bool entry_legacy (const entry_t *self);
guid_t entry_log (const entry_t *self);      // zeros for legacy
guid_t entry_instance (const entry_t *self); // zeros for legacy
uint64_t entry_generation (const entry_t *self);
const uint8_t *entry_claim (const entry_t *self); // ENTRY_CLAIM bytes
size_t entry_memory (const entry_t *self);        // bytes it takes, about

// Is it of the same log?
bool entry_same_log (const entry_t *self, const entry_t *other);
// Of two of the same log: does `self` come later? The higher generation does; at the same one,
// which two copies of a log can reach, the higher instance, so that every registry decides alike.
bool entry_later (const entry_t *self, const entry_t *other);

// Whom it is from: the address, and the proven key (ENTRY_KEY bytes, zeros: none).
const char *entry_peer (const entry_t *self);
const uint8_t *entry_key (const entry_t *self);
// Are both from the same key, or both from none?
bool entry_same_key (const entry_t *self, const entry_t *other);

// May the caller know of it? A hidden one is for its readers, by the UUID that their key proves.
bool entry_shown (const entry_t *self, const entry_caller_t *caller);

// The endpoints that a caller is told, with one blank between two, those with keys first: loopback
// ones go to loopback only. The entry's; "" when there are none for it.
const char *entry_endpoints (const entry_t *self, const char *peer);

// The port that the original system's list shows to this caller. A zchat group: of a plain listener
// that the caller may be told of, one on loopback before others. 0: none, or hidden: the group is
// not shown.
uint16_t entry_plain_port (const entry_t *self, const char *peer);

// Fills in a row of GROUPS. Bytes are borrowed from the entry and from `endpoints`.
void entry_describe (const entry_t *self, const char *endpoints, wire_t *row);

#endif
