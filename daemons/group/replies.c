#include "daemons/group/replies.h"

#include <czmq.h>

enum {
    ROWS_MAX = 1 << 18, // bytes of rows that one frame carries
    KEPT = 512,         // bytes of room that an idle peer keeps
    FRAME_EXTRA = 128   // bytes of a frame beyond its rows
};

struct replies {
    replies_send_fn *send;
    void *arg;
    receipt_t receipt; // of the last flush, for frames that must leave early
    peer_t **queue;    // peers with rows, held
    size_t count;
    size_t room;
    uint8_t *frame;
};

replies_t *replies_new (replies_send_fn *send, void *arg)
{
    replies_t *self = zmalloc (sizeof *self);
    self->send = send;
    self->arg = arg;
    self->frame = malloc (ROWS_MAX + FRAME_EXTRA);
    assert (self->frame);
    return self;
}

void replies_destroy (replies_t **self_p)
{
    replies_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        peer_release (&self->queue[i]);
    free (self->queue);
    free (self->frame);
    free (self);
    *self_p = NULL;
}

static void s_queue (replies_t *self, peer_t *peer)
{
    if (peer->queued)
        return;
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 64;
        self->queue = realloc (self->queue, self->room * sizeof (peer_t *));
        assert (self->queue);
    }
    peer->queued = true;
    peer_hold (peer);
    self->queue[self->count++] = peer;
}

static void s_send_rows (replies_t *self, peer_t *peer, wire_kind_t kind, rows_t *rows)
{
    if (rows->used == 0)
        return;
    uint8_t proof[PROOF_RECEIPT];
    wire_t message;
    wire_begin (&message, kind, 0);
    if (kind == WIRE_ACK) {
        receipt_encode (&self->receipt, proof);
        wire_set_bytes (&message, WIRE_F_RECEIPT, span (proof, sizeof proof));
    }
    wire_set_bytes (&message, WIRE_F_ROWS, span (rows->data, rows->used));
    writer_t out = writer (self->frame, ROWS_MAX + FRAME_EXTRA);
    wire_encode (&message, &out);
    assert (!out.failed);
    self->send (self->arg, peer, span (self->frame, writer_used (&out)));
    rows->used = 0;
    if (rows->room > KEPT) {
        free (rows->data);
        rows->data = NULL;
        rows->room = 0;
    }
}

static void s_add (replies_t *self, peer_t *peer, wire_kind_t kind, rows_t *rows, const wire_t *row)
{
    uint8_t bytes[1024];
    writer_t out = writer (bytes, sizeof bytes);
    wire_put_row (row, &out);
    assert (!out.failed); // texts of rows are bounded by their makers
    size_t size = writer_used (&out);
    if (rows->used + size > ROWS_MAX)
        s_send_rows (self, peer, kind, rows);
    if (rows->used + size > rows->room) {
        rows->room = 2 * (rows->used + size);
        rows->data = realloc (rows->data, rows->room);
        assert (rows->data);
    }
    memcpy (rows->data + rows->used, bytes, size);
    rows->used += size;
    s_queue (self, peer);
}

void replies_ack (replies_t *self, peer_t *peer, uint32_t tag, uint64_t seq, int64_t time,
                  const char *nick)
{
    wire_t row;
    wire_begin (&row, WIRE_ROW_ACK, 0);
    wire_set (&row, WIRE_F_TAG, tag);
    wire_set (&row, WIRE_F_SEQ, seq);
    wire_set (&row, WIRE_F_TIME, (uint64_t)time);
    if (*nick)
        wire_set_bytes (&row, WIRE_F_NICK, span_of (nick));
    s_add (self, peer, WIRE_ACK, &peer->acks, &row);
}

void replies_error (replies_t *self, peer_t *peer, uint32_t tag, wire_error_t error,
                    const char *text, uint32_t wait)
{
    wire_t row;
    wire_begin (&row, WIRE_ROW_ERROR, 0);
    wire_set (&row, WIRE_F_TAG, tag);
    wire_set (&row, WIRE_F_NUMBER, error);
    wire_set_bytes (&row, WIRE_F_TEXT, span_of (text ? text : wire_error_text (error)));
    if (wait > 0)
        wire_set (&row, WIRE_F_WAIT, wait);
    if (error == WIRE_ERR_VERSION) {
        wire_set (&row, WIRE_F_VERSION_LOW, WIRE_VERSION);
        wire_set (&row, WIRE_F_VERSION_HIGH, WIRE_VERSION);
    }
    s_add (self, peer, WIRE_ERROR, &peer->errors, &row);
}

void replies_send (replies_t *self, peer_t *peer, span_t frame)
{
    self->send (self->arg, peer, frame);
}

void replies_flush (replies_t *self, const receipt_t *receipt)
{
    self->receipt = *receipt;
    for (size_t i = 0; i < self->count; i++) {
        peer_t *peer = self->queue[i];
        s_send_rows (self, peer, WIRE_ACK, &peer->acks);
        s_send_rows (self, peer, WIRE_ERROR, &peer->errors);
        peer->queued = false;
        peer_release (&self->queue[i]);
    }
    self->count = 0;
}
