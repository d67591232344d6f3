// outbox: the requests of one session that have no answer yet.
//
// Floor 5, pure: knows no socket and no clock. Holds requests in the order in which they were put,
// says which one is to be sent next, and takes the answers. Each request's callback is called
// exactly once: with its answer, or with the reason why there is none.
//
// What changes the group (JOIN, LEAVE, NICK, TOPIC, SEND) goes out in its order: one that has to
// wait (BUSY) holds up the changes behind it. What only reads (WHO, PAGE, PING) waits for itself
// alone. Where a rate limit lets SENDs through one by one, no more are sent at once than pass, and
// each has its time from the last that passed on. LEAVE is sent when everything before it is
// answered, and nothing passes it.
//
// Device, counter and random bytes of a SEND are given here, when it is first sent: counters
// without a hole, repeats with the same. When the device cannot go on (REUSED, UNKNOWN_DEVICE, or
// OUT_OF_ORDER with nothing before it left to repeat), a new one is taken and the send goes out
// again under it, unless it may be stored already.
//
// A connection that breaks makes everything under way "unanswered": sent again, in order, with new
// tags. On a connection that lives, a request without an answer is repeated after some seconds with
// the tag it has (a server drops replies it cannot send). Answers with any other tag count for
// nothing.

#ifndef ZCHAT_OUTBOX_H
#define ZCHAT_OUTBOX_H

#include "common/request.h"

#define OUTBOX_FOR_EVER INT64_MAX // a deadline that never comes

typedef struct outbox outbox_t;

// The exit code of a program whose request ended so: 0, 1, 69 or 75.
int outbox_answer_exit (const outbox_answer_t *answer);

// Names a device to send with, and the last counter that was used with it (0: none yet). Called
// before the first SEND, and again whenever the device cannot go on: nobody may use that one again.
// Returns 0, or -1 when there is none: then a random one is used.
typedef int (outbox_device_fn) (void *arg, uint8_t device[RECORD_DEVICE], uint64_t *last);

outbox_t *outbox_new (outbox_device_fn *device, void *arg); // device may be NULL
void outbox_destroy (outbox_t **self_p);                    // closes it
void outbox_close (outbox_t *self); // calls all callbacks, with CLOSED; takes no more requests

// Ends all that wait and are not under way as REFUSED with this error, without a reply: there is
// nobody to send them to.
void outbox_refuse (outbox_t *self, wire_error_t error);

// A request's callback may put new requests or close the outbox, but not destroy it.

// Puts a request (copied; its tag, device, counter, random and receipt are set here). `deadline` is
// on the clock of `now`. Returns 0, or -1 with errno when it cannot be encoded (EMSGSIZE) or memory
// is out.
int outbox_put (outbox_t *self, const wire_t *request, int64_t deadline, outbox_done_fn *done,
                void *arg);

// Takes the next request that may be sent: writes it to `out` (room for WIRE_TO_SERVER bytes).
// Returns 1; 0: none now. It is under way from now on.
int outbox_next (outbox_t *self, int64_t now, writer_t *out);

// What outbox_next gave with this tag was not sent, and is to be sent as if it had not been given.
// Only before anything else is called but outbox_next.
void outbox_unsent (outbox_t *self, uint32_t tag);

// Takes an answer: a row of ACK or ERROR (tag in its field), or a frame (tag in its header).
// Returns whether it was a current tag's.
bool outbox_answer (outbox_t *self, int64_t now, const wire_t *reply);

// The kind of the request with this current tag, or 0.
wire_kind_t outbox_kind (outbox_t *self, uint32_t tag);

// Puts the request with this tag off: it is sent again (after `wait` ms), as if it was never
// answered.
bool outbox_again (outbox_t *self, int64_t now, uint32_t tag, uint64_t wait);

// The connection broke: what is under way is to be sent again.
void outbox_lost (outbox_t *self);

// Ends what is over its deadline and marks what is to be repeated.
void outbox_expire (outbox_t *self, int64_t now);

// When outbox_expire or outbox_next has something to do again: a time, INT64_MAX: not by itself.
int64_t outbox_wake (const outbox_t *self);

// A tag for a request that is not in the outbox (PING, FOLLOW): never one of the outbox's, never 0.
uint32_t outbox_tag (outbox_t *self);

size_t outbox_count (const outbox_t *self);    // not answered yet
size_t outbox_underway (const outbox_t *self); // of these, sent

// The device that is sent with and the last counter used: what an identity keeps. False: no SEND
// yet.
bool outbox_device (const outbox_t *self, uint8_t device[RECORD_DEVICE], uint64_t *last);

#endif
