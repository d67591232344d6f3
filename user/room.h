// room: one group as a command sees it: its session, and what the identity keeps of it.
//
// Floor 9. Tells on stderr what the group says besides records: gaps, losses, another log under the
// name, trouble, a log that is damaged or in doubt. Keeps the last receipt, the log's id and the device's counter when it ends.

#ifndef ZCHAT_ROOM_H
#define ZCHAT_ROOM_H

#include "common/session.h"
#include "user/context.h"

typedef struct room room_t;

// What a command wants to hear itself; any may be NULL. See session.h.
typedef struct {
    void (*up) (void *arg, room_t *room);
    void (*down) (void *arg, room_t *room);
    void (*following) (void *arg, room_t *room, uint64_t from);
    void (*record) (void *arg, room_t *room, const record_t *record);
    void (*flush) (void *arg, room_t *room);
    void (*end) (void *arg, room_t *room, wire_error_t why, bool over);
    void *arg;
} room_handlers_t;

// The context must have its loop and identity. NULL when `group` is no name, port or endpoint:
// said.
room_t *room_new (context_t *context, const char *group, const room_handlers_t *handlers);
void room_destroy (room_t **self_p);

session_t *room_session (room_t *self);

// The name that the group gives itself; as it was asked for, until it did.
const char *room_name (const room_t *self);

// A record's lines, as the context's view shows them. The caller frees them.
char *room_show (const room_t *self, const record_t *record);

// Tells on stderr why there is no connection, each reason once. Without it only `room_why` knows.
void room_tell_trouble (room_t *self);

// The sentence for a request that did not get what it wanted. Valid until the next call.
const char *room_why (room_t *self, const outbox_answer_t *answer);

// Records were lost or are damaged: reading commands end with EXIT_REFUSED.
bool room_is_broken (const room_t *self);
void room_gap (room_t *self, uint64_t from, uint64_t to, record_why_t why);
void room_lost (room_t *self, uint64_t from, uint64_t to);

// Sends a text; `done` as in session_request. Returns 0, or -1 with errno.
int room_send (room_t *self, const char *text, size_t size, int timeout, outbox_done_fn *done,
               void *arg);
size_t room_sending (const room_t *self); // texts without an answer

#endif
