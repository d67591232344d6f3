// contact: finds a group, connects, keeps the connection alive, and makes a new one when it is
// gone.
//
// Floor 7. Searching (the registries are asked, what they say is dialled), up, or waiting a little
// before the next try; for ever. A connection is over when it breaks, and when nothing comes for
// some seconds in spite of a PING. Handlers are called from the loop, and may destroy it.

#ifndef ZCHAT_CONTACT_H
#define ZCHAT_CONTACT_H

#include "common/lookup.h"

typedef struct contact contact_t;

typedef struct {
    zloop_t *loop;
    const char *group; // a name, a port (on 127.0.0.1), or an endpoint
    const char *const *registries;
    size_t registry_count;
    guid_t uuid;
    connect_fn *connect; // NULL: dealer_connect_plain
    void *connect_arg;
    show_fn *show; // NULL: no invitations
    void *show_arg;
    const uint8_t *key; // ENDPOINT_KEY bytes: the one that a group of this name must have
    bool plain;         // speaks for another UUID, see pick.h
} contact_config_t;

typedef struct {
    void (*up) (void *arg, const wire_t *pong);
    void (*message) (void *arg, const wire_t *message, size_t size); // PONG too
    void (*drained) (void *arg); // after some messages that came at once
    void (*down) (void *arg, const char *why);
    void (*trouble) (void *arg, const char *sentence); // why there is no connection; once a reason
    void (*lost) (void *arg, const wire_t *lost);      // before it is up: what the receipt proved
    // No registry lets us ask, or the group has another key than it must: more of the same is of
    // no use, though it is tried on.
    void (*refused) (void *arg, wire_error_t error, const char *sentence);
    void *arg;
} contact_handlers_t; // all there

#define CONTACT_PING_TAG 1022 // of its PINGs; no other request may have it

// Copies both. NULL with errno: EINVAL when `group` is nothing of the three; ENOMEM.
contact_t *contact_new (const contact_config_t *config, const contact_handlers_t *handlers);
void contact_destroy (contact_t **self_p);

bool contact_is_up (const contact_t *self);
const char *contact_endpoint (const contact_t *self); // the last one that was up; "" before
const char *contact_trouble (const contact_t *self);  // why it is not up, "" when it is

// Only while it is up. 0, or -1 with errno (EAGAIN: later).
int contact_send (contact_t *self, const wire_t *message);
int contact_send_frame (contact_t *self, span_t frame);

// What PING says, and whether an answer is waited for: then silence is noticed sooner.
void contact_set (contact_t *self, bool follows, bool waits);

// The receipt (PROOF_RECEIPT bytes, copied) that the next connection begins with; NULL: none.
void contact_show (contact_t *self, const uint8_t *receipt);

// Shows, in a JOIN that was encoded for this connection, what invites to the group; to one whose
// key is known, since over plain everybody on the way could take it.
void contact_invite (const contact_t *self, const char *group, writer_t *join);

// Ends the connection: `down` is called before it returns.
void contact_drop (contact_t *self, const char *why);

#endif
