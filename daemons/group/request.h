// request: one message from a client, from the socket to its answer.
//
// Daemon floor 3. Spans in a request point into its frame, which it owns; so a request never moves.

#ifndef ZCHAT_REQUEST_H
#define ZCHAT_REQUEST_H

#include "common/frame.h"
#include "common/record.h"
#include "common/text.h"
#include "common/wire.h"
#include "daemons/group/peers.h"

typedef struct request request_t;

struct request {
    request_t *next; // in whatever queue it is
    frame_t frame;
    peer_t *peer; // held; NULL until it is known
    bool legacy;  // of the original wire
    wire_kind_t kind;
    uint32_t tag;
    guid_t who;
    record_send_t send; // SEND
    span_t text;        // SEND, TOPIC
    span_t nick;        // JOIN, NICK
    // The answer
    wire_error_t error;
    uint64_t seq;
    int64_t time;
    char given[TEXT_NICK_MAX + 1]; // JOIN: the nick
    bool appended;
};

request_t *request_new (void);
void request_destroy (request_t **self_p);
size_t request_size (const request_t *self); // bytes that it holds, roughly

typedef struct {
    request_t *first;
    request_t *last;
    size_t count;
    size_t bytes;
} request_queue_t;

void request_queue_add (request_queue_t *self, request_t *request);
request_t *request_queue_take (request_queue_t *self); // NULL: empty
// Puts all of `other` in front of this queue.
void request_queue_prepend (request_queue_t *self, request_queue_t *other);
void request_queue_clear (request_queue_t *self);

#endif
