// readers: a log in memory and the readers of it, as delivery's functions see them. Each reader
// holds what it gets against what it should.

#ifndef ZCHAT_TESTS_READERS_H
#define ZCHAT_TESTS_READERS_H

#include "daemons/group/delivery.h"
#include "daemons/group/records.h"
#include "tests/kit.h"

#include <errno.h>

enum { READERS = 32, READERS_BATCHES = 20000 };

typedef struct {
    span_t bytes;
    uint64_t first;
    uint64_t last;
    bool damaged;
} stored_t;

typedef struct {
    peer_t *peer;
    guid_t who;
    uint64_t next;    // sequence that must come next
    bool begun;       // something came since FOLLOW
    bool full;        // its queue: EAGAIN
    bool lost;        // its connection: EHOSTUNREACH
    bool was_gone;    // delivery said so
    uint64_t until;   // the last record it may get, 0: no bound
    wire_error_t end; // why it ended
    size_t ends;
    size_t frames;
    size_t gaps;
    uint64_t bytes; // of RECORDS since FOLLOW
    uint64_t most;  // the most that was ever in flight beyond the grant
    const void *last_frame;
} reader_at_t;

typedef struct {
    delivery_t *delivery;
    guid_t log;
    chain_t chain;
    stored_t batches[READERS_BATCHES];
    size_t count;
    uint64_t head;
    reader_at_t readers[READERS];
    size_t reads;
    size_t later;  // so many reads answer LATER first
    bool broken;   // reads fail
    size_t widest; // bytes of the largest read
} world_t;

static inline reader_at_t *world_reader (world_t *self, const peer_t *peer)
{
    for (size_t i = 0; i < READERS; i++)
        if (self->readers[i].peer == peer)
            return &self->readers[i];
    ck_abort_msg ("a peer that does not exist");
}

static inline int reader_answer (const reader_at_t *self)
{
    errno = self->lost ? EHOSTUNREACH : EAGAIN;
    return self->lost || self->full ? -1 : 0;
}

static inline void reader_take_batches (reader_at_t *self, const guid_t *log, span_t left)
{
    batch_t batch;
    ck_assert_uint_gt (left.size, 0);
    for (; left.size > 0; self->begun = true) {
        ck_assert_int_eq (batch_open (&batch, left, log), 0);
        // The first batch may begin before what was asked for; from then on nothing comes twice.
        ck_assert (self->begun ? batch.first == self->next
                               : batch.first <= self->next && self->next <= batch_last (&batch));
        self->next = batch_last (&batch) + 1;
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    }
    ck_assert (self->until == 0 || self->next <= self->until + 1);
}

static inline int world_push (void *arg, peer_t *peer, const frame_shared_t *frame)
{
    world_t *self = arg;
    reader_at_t *reader = world_reader (self, peer);
    if (reader_answer (reader) < 0)
        return -1;
    zmq_msg_t *body = (zmq_msg_t *)&frame->body;
    span_t bytes = span (zmq_msg_data (body), zmq_msg_size (body));
    wire_t message;
    ck_assert_uint_eq (reader->ends, 0); // nothing behind END
    ck_assert_int_eq (wire_decode (&message, bytes), WIRE_ERR_NONE);
    ck_assert_int_eq (message.kind, WIRE_RECORDS);
    ck_assert_uint_eq (message.tag, 0);
    reader_take_batches (reader, &self->log, wire_bytes (&message, WIRE_F_BATCHES));
    ck_assert_uint_lt (reader->bytes, peer->granted); // leaves only while sent < granted
    reader->bytes += bytes.size;
    if (reader->bytes > peer->granted && reader->bytes - peer->granted > reader->most)
        reader->most = reader->bytes - peer->granted;
    reader->frames++;
    reader->last_frame = bytes.data;
    return 0;
}

static inline int world_send (void *arg, peer_t *peer, span_t frame)
{
    reader_at_t *reader = world_reader (arg, peer);
    if (reader_answer (reader) < 0)
        return -1;
    wire_t message;
    ck_assert_uint_eq (reader->ends, 0);
    ck_assert_int_eq (wire_decode (&message, frame), WIRE_ERR_NONE);
    ck_assert_uint_eq (message.tag, 0);
    if (message.kind == WIRE_END) {
        reader->end = (wire_error_t)wire_number (&message, WIRE_F_WHY);
        reader->ends++;
        ck_assert (span_equal (wire_bytes (&message, WIRE_F_TEXT),
                               span_of (wire_error_text (reader->end))));
        return 0;
    }
    ck_assert_int_eq (message.kind, WIRE_GAP);
    ck_assert_uint_eq (wire_number (&message, WIRE_F_FROM), reader->next);
    ck_assert_uint_ge (wire_number (&message, WIRE_F_TO), reader->next);
    ck_assert_uint_eq (wire_number (&message, WIRE_F_WHY), RECORD_WHY_DAMAGE);
    reader->next = wire_number (&message, WIRE_F_TO) + 1;
    reader->begun = true;
    reader->gaps++;
    return 0;
}

static inline size_t world_find (const world_t *self, uint64_t seq)
{
    size_t i = 0;
    while (self->batches[i].last < seq)
        i++;
    return i;
}

static inline segments_read_t world_read (void *arg, uint64_t seq, size_t max,
                                          segments_page_t *page, record_why_t *why)
{
    world_t *self = arg;
    memset (page, 0, sizeof *page);
    *why = RECORD_WHY_DAMAGE;
    self->reads++;
    if (self->broken)
        return SEGMENTS_FAILED;
    if (seq > self->head)
        return SEGMENTS_NOTHING;
    if (self->later > 0) {
        self->later--;
        return SEGMENTS_LATER;
    }
    size_t from = world_find (self, seq), to = from, size = 0;
    if (self->batches[from].damaged) {
        while (to < self->count && self->batches[to].damaged)
            to++;
        page->from = seq;
        page->to = self->batches[to - 1].last;
        return SEGMENTS_GAP;
    }
    for (; to < self->count && !self->batches[to].damaged; to++) {
        if (size > 0 && size + self->batches[to].bytes.size > max)
            break;
        size += self->batches[to].bytes.size;
    }
    page->buffer = calloc (1, SEGMENTS_HEADROOM + size);
    uint8_t *at = page->buffer + SEGMENTS_HEADROOM;
    page->batches = span (at, size);
    page->first = self->batches[from].first;
    page->last = self->batches[to - 1].last;
    for (; from < to; from++) {
        memcpy (at, self->batches[from].bytes.data, self->batches[from].bytes.size);
        at += self->batches[from].bytes.size;
    }
    if (size > self->widest)
        self->widest = size;
    return SEGMENTS_PAGE;
}

static inline span_t world_frame (void *arg, const segments_page_t *page)
{
    (void)arg;
    receipt_t receipt = {.seq = page->last, .chain = page->chain};
    return records_frame (page->batches, 0, &receipt, 1, RECORD_WHY_NONE, page->first, page->last);
}

static inline void world_gone (void *arg, peer_t *peer)
{
    reader_at_t *reader = world_reader (arg, peer);
    ck_assert (reader->lost && !reader->was_gone);
    ck_assert (!peer->follows);
    reader->was_gone = true;
}

static inline world_t *world_new (void)
{
    world_t *self = calloc (1, sizeof *self);
    delivery_io_t io = {self, world_send, world_push, world_read, world_frame, world_gone};
    self->delivery = delivery_new (&io, 0);
    self->log.bytes[0] = 7;
    self->chain = chain_start (&self->log);
    for (size_t i = 0; i < READERS; i++) {
        route_t route = {.size = 1, .bytes = {(uint8_t)i}};
        self->readers[i].peer = peer_new (0, &route);
        self->readers[i].who.bytes[15] = (uint8_t)(i + 1);
    }
    return self;
}

static inline void world_destroy (world_t *self)
{
    delivery_destroy (&self->delivery);
    ck_assert_ptr_null (self->delivery);
    for (size_t i = 0; i < READERS; i++)
        peer_release (&self->readers[i].peer);
    for (size_t i = 0; i < self->count; i++)
        free ((void *)self->batches[i].bytes.data);
    free (self);
}

// A batch on its way: `count` messages with so long texts.
static inline stored_t *world_batch (world_t *self, size_t count, size_t text)
{
    static uint8_t letters[RECORD_TEXT_MAX];
    uint8_t *data = malloc (BATCH_MAX);
    uint64_t first = self->count > 0 ? self->batches[self->count - 1].last + 1 : 1;
    batch_t head = {.type = BATCH_TYPE_RECORDS, .first = first, .chain = self->chain};
    record_t record = {.kind = RECORD_MESSAGE, .text = span (letters, text)};
    batch_writer_t batch;
    batch_begin (&batch, data, &head);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq (batch_add (&batch, &record), first + i);
    stored_t *stored = &self->batches[self->count++];
    ck_assert_uint_lt (self->count, READERS_BATCHES);
    stored->bytes = batch_end (&batch, &self->log);
    stored->bytes.data = realloc (data, stored->bytes.size);
    stored->first = first;
    stored->last = first + count - 1;
    self->chain = chain_next (&self->chain, stored->bytes);
    return stored;
}

// What is on its way becomes durable, as one job.
static inline void world_durable (world_t *self, int64_t now)
{
    uint64_t first = self->head + 1;
    size_t from = world_find (self, first), size = 0;
    for (size_t i = from; i < self->count; i++)
        size += self->batches[i].bytes.size;
    uint8_t *buffer = calloc (1, SEGMENTS_HEADROOM + size), *at = buffer + SEGMENTS_HEADROOM;
    segments_page_t page = {.batches = span (at, size), .first = first};
    for (size_t i = from; i < self->count; i++) {
        memcpy (at, self->batches[i].bytes.data, self->batches[i].bytes.size);
        at += self->batches[i].bytes.size;
    }
    self->head = page.last = self->batches[self->count - 1].last;
    span_t bytes = world_frame (self, &page);
    frame_shared_t frame;
    frame_share (&frame, (void *)bytes.data, bytes.size, frame_free_hint, buffer);
    delivery_durable (self->delivery, &frame, bytes.size, first, self->head, now);
    frame_unshare (&frame);
}

// A batch of `count` small messages becomes durable.
static inline void world_append (world_t *self, size_t count)
{
    world_batch (self, count, 10);
    world_durable (self, 0);
}

static inline void world_follow (world_t *self, size_t n, uint64_t from, uint64_t granted)
{
    reader_at_t *reader = &self->readers[n];
    reader->next = from > 0 ? from : self->head + 1;
    reader->begun = false;
    reader->until = 0;
    reader->ends = 0;
    reader->bytes = 0;
    delivery_follow (self->delivery, reader->peer, &reader->who, from, granted);
}

// Turns until nobody can go on at once.
static inline size_t world_turns (world_t *self, size_t max_page, int64_t now)
{
    size_t turns = 1;
    while (delivery_turn (self->delivery, max_page, now))
        ck_assert_uint_lt (turns++, 100000);
    return turns;
}

#endif
