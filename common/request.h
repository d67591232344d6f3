// request: one request of a client that has no answer yet, and lists of them in their order.
//
// Floor 4, pure. Used by outbox, which says when it goes out.

#ifndef ZCHAT_REQUEST_H
#define ZCHAT_REQUEST_H

#include "common/record.h"
#include "common/wire.h"

typedef enum {
    OUTBOX_ANSWERED, // reply: a row of ACK, or a frame (MEMBERS, RECORDS, GAP, LOST, PONG)
    OUTBOX_REFUSED,  // reply: a row of ERROR
    OUTBOX_TIMEOUT,  // the deadline is over
    OUTBOX_CLOSED    // the session was destroyed
} outbox_result_t;

typedef struct {
    outbox_result_t result;
    const wire_t *reply; // ANSWERED and REFUSED, else NULL. Valid during the call
    wire_error_t error;  // REFUSED; TIMEOUT: why the server put it off (BUSY ...), or NONE
    bool may_be_stored;  // not ANSWERED, and yet the change may have happened
} outbox_answer_t;

typedef void (outbox_done_fn) (void *arg, const outbox_answer_t *answer);

typedef struct request {
    struct request *before; // in its list
    struct request *behind;
    uint64_t order;
    wire_kind_t kind;
    outbox_done_fn *done;
    void *arg;
    int64_t deadline;
    int64_t patience;   // from when it was put to its deadline, 0: no deadline
    int64_t not_before; // while it waits
    int64_t repeat_at;  // while it is under way
    uint32_t tag;       // 0: not under way
    wire_error_t error; // why it was put off last
    record_send_t send; // counter 0: none was given yet
    unsigned repeats;
    unsigned delays;
    unsigned devices;
    bool repeat;    // it is under way, and to be sent again with its tag
    bool uncertain; // an answer to it may have been lost
    size_t size;
    uint8_t frame[]; // tag, device, counter and random are put in when it is written
} request_t;

// Copies the message; order, deadline and callback are the caller's to set. NULL with errno:
// EMSGSIZE, ENOMEM.
request_t *request_new (const wire_t *message);
void request_destroy (request_t **self_p);

// Writes the frame with the request's tag, and for SEND its device, counter and random bytes.
void request_write (const request_t *self, writer_t *out);

bool request_is_change (const request_t *self); // else it only reads
bool request_sent_with (const request_t *self, const uint8_t device[RECORD_DEVICE]);

// Of `count` places with requests under way (or NULL): the counter below the lowest one that was
// sent with the device, `last` if there is none; and the first in order that is to be repeated.
uint64_t request_floor (request_t *const *slots, size_t count, const uint8_t device[RECORD_DEVICE],
                        uint64_t last);
request_t *request_first_repeat (request_t *const *slots, size_t count);

// Is this kind of reply (WIRE_ROW_ACK, WIRE_ROW_ERROR, or a frame's) an answer to it?
bool request_fits (const request_t *self, wire_kind_t reply);

// When it ends so, may the change have happened all the same?
bool request_may_be_stored (const request_t *self, outbox_result_t result);

// A list by `order`.
typedef struct {
    request_t *head;
    request_t *tail;
} requests_t;

void requests_insert (requests_t *self, request_t *request);
void requests_remove (requests_t *self, request_t *request);
request_t *requests_shift (requests_t *self); // the first one, removed; NULL: none

#endif
