#include "common/parcel.h"

#include <stdlib.h>
#include <string.h>

struct parcel {
    uint32_t tag; // of SENDS
    size_t count;
    uint32_t tags[WIRE_UNANSWERED]; // of the requests in it
    bool sends;                     // there is a row of each
    guid_t uuid;
    uint8_t device[RECORD_DEVICE];
    writer_t out;  // over `frame`
    writer_t rows; // over `room`
    uint8_t next[WIRE_TO_SERVER];
    uint8_t frame[WIRE_TO_SERVER];
    uint8_t room[PARCEL_BYTES];
};

parcel_t *parcel_new (void)
{
    parcel_t *self = malloc (sizeof *self); // large: what is not used is not touched
    if (self)
        parcel_begin (self, 0);
    return self;
}

void parcel_destroy (parcel_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void parcel_begin (parcel_t *self, uint32_t tag)
{
    self->tag = tag;
    self->count = 0;
    self->sends = false;
    self->out = writer (self->frame, sizeof self->frame);
    self->rows = writer (self->room, sizeof self->room);
}

// Is it a send that a row can say all of?
static bool s_is_plain_send (const wire_t *message)
{
    const uint64_t fields = 1ull << WIRE_F_DEVICE | 1ull << WIRE_F_COUNTER | 1ull << WIRE_F_RANDOM |
                            1ull << WIRE_F_TEXT;
    return message->kind == WIRE_SEND && message->have == fields;
}

static bool s_put_row (parcel_t *self, const wire_t *send)
{
    wire_t row;
    wire_begin (&row, WIRE_ROW_SEND, 0);
    wire_set (&row, WIRE_F_TAG, send->tag);
    wire_set (&row, WIRE_F_COUNTER, wire_number (send, WIRE_F_COUNTER));
    wire_set (&row, WIRE_F_RANDOM, wire_number (send, WIRE_F_RANDOM));
    wire_set_bytes (&row, WIRE_F_TEXT, wire_bytes (send, WIRE_F_TEXT));
    wire_put_row (&row, &self->rows);
    bool fits = !self->rows.failed;
    self->rows.failed = false; // nothing of one that does not fit is left
    return fits;
}

static void s_put_first (parcel_t *self, span_t frame, const wire_t *message)
{
    writer_bytes (&self->out, frame.data, frame.size);
    self->sends = s_is_plain_send (message) && s_put_row (self, message);
    if (!self->sends)
        return;
    self->uuid = message->uuid;
    memcpy (self->device, wire_bytes (message, WIRE_F_DEVICE).data, RECORD_DEVICE);
}

static bool s_goes_with (const parcel_t *self, const wire_t *message)
{
    return self->sends && self->count < WIRE_UNANSWERED && s_is_plain_send (message) &&
           guid_equal (&self->uuid, &message->uuid) &&
           memcmp (self->device, wire_bytes (message, WIRE_F_DEVICE).data, RECORD_DEVICE) == 0;
}

bool parcel_add (parcel_t *self, span_t frame)
{
    wire_t message;
    wire_decode (&message, frame);
    if (self->count == 0)
        s_put_first (self, frame, &message);
    else if (!s_goes_with (self, &message) || !s_put_row (self, &message))
        return false;
    self->tags[self->count++] = message.tag;
    return true;
}

writer_t *parcel_frame (parcel_t *self)
{
    if (self->count < 2)
        return &self->out;
    wire_t sends = wire (WIRE_SENDS, self->tag, &self->uuid);
    wire_set_bytes (&sends, WIRE_F_DEVICE, span (self->device, RECORD_DEVICE));
    wire_set_bytes (&sends, WIRE_F_ROWS, span (self->room, writer_used (&self->rows)));
    self->out = writer (self->frame, sizeof self->frame);
    wire_encode (&sends, &self->out);
    return &self->out;
}

static uint32_t s_tag (span_t frame)
{
    reader_t in = reader (frame.data, frame.size);
    reader_bytes (&in, WIRE_KIND_AT + 1);
    return reader_u32 (&in);
}

size_t parcel_fill (parcel_t *self, outbox_t *outbox, int64_t now)
{
    writer_t out = writer (self->next, sizeof self->next);
    parcel_begin (self, outbox_tag (outbox));
    while (outbox_next (outbox, now, &out)) {
        span_t frame = span (self->next, writer_used (&out));
        if (!parcel_add (self, frame)) {
            outbox_unsent (outbox, s_tag (frame)); // it is the next one's first
            break;
        }
        out = writer (self->next, sizeof self->next);
    }
    return self->count;
}

void parcel_unsent (parcel_t *self, outbox_t *outbox)
{
    while (self->count > 0)
        outbox_unsent (outbox, self->tags[--self->count]);
}
