// fake_server: a group or a registry in the test's own loop, that misbehaves when told to.
//
// The group serves a sample log: PING, JOIN, SEND (with the rules of devices), FOLLOW, PAGE, WHO.
// Before it answers a request, the test's `meddle` may do something else. Of SENDS each row is a
// request, a SEND.

#ifndef ZCHAT_TESTS_FAKE_SERVER_H
#define ZCHAT_TESTS_FAKE_SERVER_H

#include "common/frame.h"
#include "common/proof.h"
#include "common/wire.h"
#include "tests/sample_log.h"

#include <czmq.h>
#include <netinet/in.h>
#include <sys/socket.h>

typedef struct fake fake_t;

// Returns true when it dealt with the request.
typedef bool (fake_meddle_fn) (fake_t *self, const wire_t *request);

enum { FAKE_SENDS = 4096 };

struct fake {
    zloop_t *loop;
    zsock_t *router;
    int openings;
    char endpoint[64];
    fake_meddle_fn *meddle;
    int frames;      // taken
    int requests;    // of any kind
    int counts[256]; // by kind

    // a registry
    uint8_t rows[8192];
    size_t rows_size;

    // a group
    const char *name;
    sample_log_t *log;
    uint64_t generation;
    wire_state_t state;
    route_t route; // of the request at hand
    bool follows;
    route_t follower;
    uint64_t cursor;
    uint64_t sent; // bytes of RECORDS pushed, and how many it may push
    uint64_t granted;
    size_t page_batches; // in one answer
    bool member;
    struct {
        uint8_t device[RECORD_DEVICE];
        uint64_t counter;
        uint32_t random;
        uint64_t seq;
    } sends[FAKE_SENDS];
    size_t send_count;
};

static inline void fake_reply_to (fake_t *self, const route_t *route, const wire_t *message)
{
    static uint8_t bytes[2 << 20];
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (message, &out);
    if (out.failed)
        abort ();
    frame_reply (self->router, route, false, span (bytes, writer_used (&out)));
    if (message->kind == WIRE_RECORDS)
        self->sent += writer_used (&out);
}

static inline void fake_reply (fake_t *self, const wire_t *message)
{
    fake_reply_to (self, &self->route, message);
}

static inline void fake_receipt (const fake_t *self, uint8_t out[PROOF_RECEIPT])
{
    static const uint8_t key[PROOF_KEY] = {1};
    receipt_t receipt =
        receipt_make (key, &self->log->log, self->generation, self->log->last, &self->log->chain);
    receipt_encode (&receipt, out);
}

static inline void fake_ack (fake_t *self, uint32_t tag, uint64_t seq)
{
    uint8_t rows[128], proof[PROOF_RECEIPT];
    writer_t out = writer (rows, sizeof rows);
    wire_t row = wire (WIRE_ROW_ACK, 0, NULL), message = wire (WIRE_ACK, 0, NULL);
    wire_set (&row, WIRE_F_TAG, tag);
    wire_set (&row, WIRE_F_SEQ, seq);
    wire_put_row (&row, &out);
    fake_receipt (self, proof);
    wire_set_bytes (&message, WIRE_F_RECEIPT, span (proof, sizeof proof));
    wire_set_bytes (&message, WIRE_F_ROWS, span (rows, writer_used (&out)));
    fake_reply (self, &message);
}

static inline void fake_error (fake_t *self, uint32_t tag, wire_error_t error, uint64_t wait)
{
    uint8_t rows[128];
    writer_t out = writer (rows, sizeof rows);
    wire_t row = wire (WIRE_ROW_ERROR, 0, NULL), message = wire (WIRE_ERROR, 0, NULL);
    wire_set (&row, WIRE_F_TAG, tag);
    wire_set (&row, WIRE_F_NUMBER, error);
    if (wait)
        wire_set (&row, WIRE_F_WAIT, wait);
    wire_put_row (&row, &out);
    wire_set_bytes (&message, WIRE_F_ROWS, span (rows, writer_used (&out)));
    fake_reply (self, &message);
}

static inline void fake_pong (fake_t *self, uint32_t tag)
{
    wire_t pong = wire (WIRE_PONG, tag, NULL);
    wire_set_bytes (&pong, WIRE_F_NAME, span_of (self->name));
    if (self->log) {
        wire_set_bytes (&pong, WIRE_F_LOG, span (self->log->log.bytes, GUID_SIZE));
        wire_set (&pong, WIRE_F_LAST, self->log->last);
        wire_set (&pong, WIRE_F_OLDEST, 1);
    }
    wire_set (&pong, WIRE_F_GENERATION, self->generation);
    wire_set (&pong, WIRE_F_STATE, self->state);
    wire_set (&pong, WIRE_F_MAX_MESSAGE, 16384);
    fake_reply (self, &pong);
}

// RECORDS with these batches; tag 0: to the follower.
static inline void fake_records (fake_t *self, uint32_t tag, uint64_t first, uint64_t last,
                                 size_t from, size_t count)
{
    span_t bytes = sample_log_bytes (self->log, from, count);
    uint8_t proof[PROOF_RECEIPT];
    wire_t message = wire (WIRE_RECORDS, tag, NULL);
    fake_receipt (self, proof);
    wire_set_bytes (&message, WIRE_F_RECEIPT, span (proof, sizeof proof));
    wire_set (&message, WIRE_F_OLDEST, 1);
    wire_set (&message, WIRE_F_FIRST, first);
    wire_set (&message, WIRE_F_LAST, last);
    wire_set_bytes (&message, WIRE_F_BATCHES, bytes);
    fake_reply_to (self, tag ? &self->route : &self->follower, &message);
    free ((void *)bytes.data);
}

// Pushes what the follower does not have yet, `page_batches` a message.
static inline void fake_push (fake_t *self)
{
    while (self->follows && self->cursor <= self->log->last && self->sent < self->granted) {
        size_t from = sample_log_find (self->log, self->cursor);
        size_t until = from + self->page_batches;
        if (until > self->log->count)
            until = self->log->count;
        uint64_t last = self->log->batches[until - 1].last;
        fake_records (self, 0, self->log->batches[from].first, last, from, until - from);
        self->cursor = last + 1;
    }
}

static inline void fake_follow (fake_t *self, const wire_t *request)
{
    uint64_t from = wire_number (request, WIRE_F_FROM);
    bool beyond = from > self->log->last + 1;
    wire_t reply = wire (beyond ? WIRE_LOST : WIRE_FOLLOWING, request->tag, NULL);
    wire_set (&reply, WIRE_F_FROM, beyond || !from ? self->log->last + 1 : from);
    if (beyond)
        wire_set (&reply, WIRE_F_TO, from - 1);
    else {
        wire_set (&reply, WIRE_F_LAST, self->log->last);
        wire_set (&reply, WIRE_F_OLDEST, 1);
    }
    fake_reply (self, &reply);
    if (beyond)
        return;
    self->follows = true;
    self->follower = self->route;
    self->cursor = from ? from : self->log->last + 1;
    self->sent = 0;
    self->granted = wire_number (request, WIRE_F_CREDIT);
    fake_push (self);
}

static inline void fake_page (fake_t *self, const wire_t *request)
{
    uint64_t first = 1, last = self->log->last;
    if (wire_number (request, WIRE_F_AFTER_KIND) == WIRE_BOUND_SEQ)
        first = wire_number (request, WIRE_F_AFTER) + 1;
    if (wire_number (request, WIRE_F_BEFORE_KIND) == WIRE_BOUND_SEQ &&
        wire_number (request, WIRE_F_BEFORE) <= last)
        last = wire_number (request, WIRE_F_BEFORE) - 1;
    size_t from = sample_log_find (self->log, first);
    fake_records (self, request->tag, first, last, from, first <= last ? self->page_batches : 0);
}

static inline void fake_send (fake_t *self, const wire_t *request)
{
    const uint8_t *device = wire_bytes (request, WIRE_F_DEVICE).data;
    uint64_t counter = wire_number (request, WIRE_F_COUNTER), last = 0;
    uint32_t random = (uint32_t)wire_number (request, WIRE_F_RANDOM);
    for (size_t i = 0; i < self->send_count; i++) {
        if (memcmp (self->sends[i].device, device, RECORD_DEVICE) != 0)
            continue;
        if (self->sends[i].counter == counter) {
            if (self->sends[i].random == random)
                fake_ack (self, request->tag, self->sends[i].seq);
            else
                fake_error (self, request->tag, WIRE_ERR_REUSED, 0);
            return;
        }
        last = self->sends[i].counter;
    }
    if (counter != last + 1) {
        fake_error (self, request->tag, last ? WIRE_ERR_OUT_OF_ORDER : WIRE_ERR_UNKNOWN_DEVICE, 0);
        return;
    }
    sample_log_append (self->log, 1, 10);
    if (self->send_count == FAKE_SENDS)
        abort ();
    memcpy (self->sends[self->send_count].device, device, RECORD_DEVICE);
    self->sends[self->send_count].counter = counter;
    self->sends[self->send_count].random = random;
    self->sends[self->send_count++].seq = self->log->last;
    fake_ack (self, request->tag, self->log->last);
    fake_push (self);
}

static inline void fake_list (fake_t *self, const wire_t *request)
{
    wire_t reply = wire (WIRE_GROUPS, request->tag, NULL);
    wire_set_bytes (&reply, WIRE_F_ROWS, span (self->rows, self->rows_size));
    fake_reply (self, &reply);
}

static inline void fake_answer (fake_t *self, const wire_t *request)
{
    bool mine = self->follows && self->follower.size == self->route.size &&
                memcmp (self->follower.bytes, self->route.bytes, self->route.size) == 0;
    wire_t members;
    switch (request->kind) {
    case WIRE_PING:
        if (wire_number (request, WIRE_F_FOLLOWS) && !mine)
            fake_error (self, request->tag, WIRE_ERR_NO_SESSION, 0);
        else
            fake_pong (self, request->tag);
        break;
    case WIRE_SEND:
        fake_send (self, request);
        break;
    case WIRE_FOLLOW:
        fake_follow (self, request);
        break;
    case WIRE_PAGE:
        fake_page (self, request);
        break;
    case WIRE_WHO:
        members = wire (WIRE_MEMBERS, request->tag, NULL);
        wire_set (&members, WIRE_F_MEMBERS, 3);
        fake_reply (self, &members);
        break;
    case WIRE_LIST:
        fake_list (self, request);
        break;
    case WIRE_CREDIT:
        if (wire_number (request, WIRE_F_CREDIT) > self->granted)
            self->granted = wire_number (request, WIRE_F_CREDIT);
        fake_push (self);
        break;
    default:
        fake_ack (self, request->tag, 0);
    }
}

static inline void fake_take (fake_t *self, const wire_t *request)
{
    self->requests++;
    self->counts[request->kind]++;
    if (!self->meddle || !self->meddle (self, request))
        fake_answer (self, request);
}

// Each row, as long as the one before it did not end the connection.
static inline void fake_take_rows (fake_t *self, const wire_t *sends)
{
    span_t rows = wire_bytes (sends, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    int opening = self->openings;
    int rc = 1, count = 0;
    wire_t send;
    self->counts[WIRE_SENDS]++;
    while (self->router && self->openings == opening &&
           (rc = wire_next_row (&send, WIRE_ROW_SEND, &in)) == 1) {
        send.kind = WIRE_SEND;
        send.tag = (uint32_t)wire_number (&send, WIRE_F_TAG);
        send.uuid = sends->uuid;
        wire_set_bytes (&send, WIRE_F_DEVICE, wire_bytes (sends, WIRE_F_DEVICE));
        fake_take (self, &send);
        count++;
    }
    if (rc < 0 || count == 0 || count > WIRE_UNANSWERED)
        abort (); // the client sends nothing of the kind
}

static inline int fake_read (zloop_t *loop, zsock_t *router, void *arg)
{
    (void)loop;
    fake_t *self = arg;
    frame_t frame;
    frame_init (&frame);
    for (int i = 0; self->router == router && i < 100; i++) {
        wire_t request;
        if (frame_take (router, &self->route, &frame) == 0)
            break;
        if (!frame.complete || frame.legacy || wire_decode (&request, frame_body (&frame)))
            abort (); // the client sends nothing of the kind
        self->frames++;
        if (request.kind == WIRE_SENDS)
            fake_take_rows (self, &request);
        else
            fake_take (self, &request);
    }
    frame_close (&frame);
    return 0;
}

// Opens at a free port: at another one than before.
static inline void fake_open (fake_t *self)
{
    self->router = frame_listen ("tcp://127.0.0.1:*", NULL);
    if (!self->router)
        abort ();
    char *endpoint = zsock_last_endpoint (self->router);
    snprintf (self->endpoint, sizeof self->endpoint, "%s", endpoint);
    free (endpoint);
    self->openings++;
    zloop_reader (self->loop, self->router, fake_read, self);
}

// An endpoint that refuses connections and that nobody else can get: closed by closing the result.
static inline int fake_refusing (char endpoint[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind (fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname (fd, (struct sockaddr *)&address, &size) < 0)
        abort ();
    snprintf (endpoint, 64, "tcp://127.0.0.1:%u", (unsigned)ntohs (address.sin_port));
    return fd;
}

// Goes away, as a killed process does.
static inline void fake_close (fake_t *self)
{
    if (!self->router)
        return;
    zloop_reader_end (self->loop, self->router);
    zsock_destroy (&self->router);
    self->follows = false;
}

static inline fake_t *fake_new (zloop_t *loop, const char *name, sample_log_t *log)
{
    fake_t *self = calloc (1, sizeof *self);
    self->loop = loop;
    self->name = name;
    self->log = log;
    self->generation = 1;
    self->page_batches = 3;
    fake_open (self);
    return self;
}

static inline void fake_destroy (fake_t **self_p)
{
    if (*self_p)
        fake_close (*self_p);
    free (*self_p);
    *self_p = NULL;
}

// Adds a row to what a registry lists.
static inline void fake_list_group (fake_t *self, const char *name, const guid_t *log,
                                    uint64_t generation, const char *endpoints)
{
    writer_t out = writer (self->rows + self->rows_size, sizeof self->rows - self->rows_size);
    wire_t row = wire (WIRE_ROW_GROUP, 0, NULL);
    wire_set_bytes (&row, WIRE_F_NAME, span_of (name));
    wire_set_bytes (&row, WIRE_F_LOG, span (log->bytes, GUID_SIZE));
    wire_set (&row, WIRE_F_GENERATION, generation);
    wire_set (&row, WIRE_F_SEQ, 10 * generation);
    wire_set_bytes (&row, WIRE_F_ENDPOINTS, span_of (endpoints));
    wire_put_row (&row, &out);
    if (out.failed)
        abort ();
    self->rows_size += writer_used (&out);
}

#endif
