// session: one group, as one UUID sees it: requests, following, history.
//
// Floor 8. Driven by a zloop: nothing here waits, every answer comes through a callback from
// the loop. The session looks for its group (name: through the registries), connects, keeps the
// connection alive, notices when it is gone and makes a new one, for ever, until it is destroyed.
// Requests, a cursor that follows and a page under way live through that: nothing is repeated to
// the callbacks, nothing is missed.
//
// All handlers and callbacks may make new requests, and may destroy the session (also from
// handlers of the loop's timers). Pointers given to them are valid during the call only.

#ifndef ZCHAT_SESSION_H
#define ZCHAT_SESSION_H

#include "common/lookup.h"
#include "common/outbox.h"
#include "common/pager.h"
#include "common/proof.h"
#include "common/record.h"

typedef struct session session_t;

// What the group said of itself when it last answered PING.
typedef struct {
    const char *name;
    const char *endpoint; // that we are connected to
    guid_t log;
    uint64_t generation;
    wire_state_t state;
    uint64_t oldest;      // sequence of the oldest record kept
    record_why_t why;     // and why older ones are gone
    uint64_t last;        // last durable sequence
    int64_t time;         // microseconds since 1970, the group's clock
    uint64_t max_message; // bytes
    bool proves;          // it has a CURVE listener, where people prove who they are
} session_info_t;

// Any of them may be NULL.
typedef struct {
    // The group answers; again after every new connection.
    void (*up) (void *arg, const session_info_t *info);
    // There is no connection any more; another one is being made.
    void (*down) (void *arg, const char *why);
    // Why there is no connection yet, or what is wrong with what the group sends: a sentence, once
    // a reason. The text may name remote things, but has no control characters.
    void (*trouble) (void *arg, const char *sentence);
    // The log's state changed: it may be damaged (then it is only read) or in doubt (then nothing
    // is written, until an operator has looked at it). It is sound until this says else.
    void (*state) (void *arg, wire_state_t state);
    // Another log answers under the name: the group was made anew. Following goes on with its
    // record 1.
    void (*new_log) (void *arg, const guid_t *before, const guid_t *now);

    // Following. The cursor moves when `record` returns.
    void (*following) (void *arg, uint64_t from); // the first record that will come
    void (*record) (void *arg, const record_t *record);
    void (*flush) (void *arg); // after the last record of what came at once
    void (*gap) (void *arg, uint64_t from, uint64_t to, record_why_t why);
    // Acknowledged records were lost. Also called without following (a receipt showed it).
    void (*lost) (void *arg, uint64_t from, uint64_t to);
    // The group ended the following. If `over` (no member any more, refused) it is not tried again,
    // else it goes on by itself. `text` is "" or a sentence.
    void (*end) (void *arg, wire_error_t why, const char *text, bool over);

    // No registry says where the group is, since none lets us ask, or it has another key than it
    // had. What waits was answered with this error, and a following has ended; it is looked for on.
    void (*refused) (void *arg, wire_error_t error, const char *sentence);

    // See outbox.h. NULL: random devices.
    outbox_device_fn *device;
    void *arg; // for all of them
} session_handlers_t;

typedef struct {
    zloop_t *loop;
    const char *group; // a name, a port (on 127.0.0.1), or an endpoint
    const char *const *registries;
    size_t registry_count;
    guid_t uuid;
    guid_t log;             // that the name was known under, or zeros
    const uint8_t *receipt; // PROOF_RECEIPT bytes: the last one of that log; NULL: none
    connect_fn *connect;    // NULL: dealer_connect_plain
    void *connect_arg;
    const uint8_t *key; // ENDPOINT_KEY bytes that the group of this name had; NULL: none known
    bool plain;         // it speaks for another UUID than its own, see pick.h
    show_fn *show; // what LIST and JOIN show, to those whose key is known; NULL: no invitations
    void *show_arg;
} session_config_t;

// Copies the configuration. NULL with errno: EINVAL when `group` is no name, port or endpoint;
// ENOMEM.
session_t *session_new (const session_config_t *config, const session_handlers_t *handlers);

// Calls what is unanswered with OUTBOX_CLOSED. Nothing is called afterwards.
void session_destroy (session_t **self_p);

const char *session_group (const session_t *self);          // as it was given
const session_info_t *session_info (const session_t *self); // NULL: never was connected
bool session_is_up (const session_t *self);
// Why it is not up, as a sentence; "" when it is.
const char *session_trouble (const session_t *self);

// A request: JOIN, LEAVE, NICK, TOPIC, WHO, SEND, PAGE of one frame (tag, uuid are set here).
// Answers: see outbox.h. `timeout` in milliseconds from now, or -1: for ever. `done` may be NULL.
// Returns 0, or -1 with errno.
int session_request (session_t *self, const wire_t *request, int timeout, outbox_done_fn *done,
                     void *arg);

// SEND with a text: device, counter and random are the session's business.
int session_send (session_t *self, span_t text, int timeout, outbox_done_fn *done, void *arg);

// What is asked for between these two goes out together at the end, many sends in few frames. They
// nest; handlers and callbacks are held anyway.
void session_hold (session_t *self);
void session_release (session_t *self);

size_t session_unanswered (const session_t *self); // requests without an answer yet
// What the identity keeps of the device sent with; false: nothing was sent yet.
bool session_device (const session_t *self, uint8_t device[RECORD_DEVICE], uint64_t *last);

// Follows from this sequence on, 0: from the next record to come. Replaces a following before.
void session_follow (session_t *self, uint64_t from);
uint64_t session_cursor (const session_t *self); // the next sequence wanted, 0: not known yet

// History, oldest first; see pager.h.
typedef pager_range_t session_range_t;

typedef struct {
    void (*record) (void *arg, const record_t *record);
    void (*flush) (void *arg); // NULL is allowed, as for gap and lost
    void (*gap) (void *arg, uint64_t from, uint64_t to, record_why_t why);
    void (*lost) (void *arg, uint64_t from, uint64_t to);
    // The end, once. ANSWERED: all of it came; `reply` is NULL. REFUSED with READ_FAILED and no
    // `reply`: what came was damaged. May be NULL.
    void (*done) (void *arg, const outbox_answer_t *answer);
    void *arg;
} session_page_t;

// One at a time: -1 with errno EBUSY while another one is under way. `timeout`: the longest wait
// for the next part, in milliseconds, -1: for ever.
int session_page (session_t *self, const session_range_t *range, int timeout,
                  const session_page_t *page);

// The last receipt of the group, PROOF_RECEIPT bytes, and whose log it is of; NULL: none.
const uint8_t *session_receipt (const session_t *self, guid_t *log);
// To be shown at once, or when the next connection begins; until the group has answered, and while
// its log is in doubt, it stays. Of another log it means nothing to the group.
void session_set_receipt (session_t *self, const uint8_t receipt[PROOF_RECEIPT], const guid_t *log);

#endif
