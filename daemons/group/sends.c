#include "daemons/group/sends.h"

#include <czmq.h>

typedef struct {
    uint32_t random;
    uint64_t seq;
} send_t;

struct sends {
    uint8_t name[RECORD_DEVICE];
    uint64_t durable; // last counter that is durable
    uint64_t last;    // last counter at all
    uint64_t oldest;  // first counter that is known
    send_t *sends;    // ring: counter c is at c & (room - 1)
    uint32_t room;    // a power of two
};

sends_t *sends_new (const uint8_t name[RECORD_DEVICE])
{
    sends_t *self = zmalloc (sizeof *self);
    memcpy (self->name, name, RECORD_DEVICE);
    self->oldest = 1;
    self->room = 2;
    self->sends = zmalloc (self->room * sizeof (send_t));
    return self;
}

void sends_destroy (sends_t **self_p)
{
    if (!*self_p)
        return;
    free ((*self_p)->sends);
    free (*self_p);
    *self_p = NULL;
}

const uint8_t *sends_device (const sends_t *self)
{
    return self->name;
}

static send_t *s_send (const sends_t *self, uint64_t counter)
{
    return &self->sends[counter & (self->room - 1)];
}

uint64_t sends_used (const sends_t *self)
{
    return self->last >= self->oldest ? s_send (self, self->last)->seq : 0;
}

wire_error_t sends_judge (const sends_t *self, const record_send_t *send, uint64_t *seq)
{
    *seq = 0;
    if (send->counter == self->last + 1)
        return WIRE_ERR_NONE;
    if (send->counter > self->last)
        return WIRE_ERR_OUT_OF_ORDER;
    if (send->counter < self->oldest || s_send (self, send->counter)->random != send->random)
        return WIRE_ERR_REUSED;
    *seq = s_send (self, send->counter)->seq;
    return WIRE_ERR_NONE;
}

static void s_grow (sends_t *self)
{
    send_t *sends = zmalloc (2 * self->room * sizeof (send_t));
    for (uint64_t c = self->oldest; c <= self->last; c++)
        sends[c & (2 * self->room - 1)] = *s_send (self, c);
    free (self->sends);
    self->sends = sends;
    self->room *= 2;
}

void sends_put (sends_t *self, const record_send_t *send, uint64_t seq)
{
    if (send->counter != self->last + 1)
        self->oldest = send->counter;
    else if (send->counter - self->oldest == self->room && self->room < SENDS_KEPT)
        s_grow (self);
    self->last = send->counter;
    *s_send (self, send->counter) = (send_t){send->random, seq};
    if (self->last - self->oldest >= self->room)
        self->oldest = self->last - self->room + 1;
}

void sends_commit (sends_t *self)
{
    self->durable = self->last;
}

void sends_discard (sends_t *self)
{
    self->last = self->durable;
    if (self->oldest > self->last + 1)
        self->oldest =
            self->last + 1; // what the job had pushed out of the ring is not known any more
}

bool sends_are_new (const sends_t *self)
{
    return self->durable == 0;
}

uint64_t sends_state (const sends_t *self, writer_t *out)
{
    uint64_t before = 0;
    for (uint64_t c = self->oldest; c <= self->durable; c++) {
        const send_t *send = s_send (self, c);
        writer_u32 (out, send->random);
        writer_varint (out, send->seq - before);
        before = send->seq;
    }
    return self->durable;
}

void sends_restore (sends_t *self, uint64_t last, span_t bytes)
{
    size_t count = 0;
    reader_t in = reader (bytes.data, bytes.size);
    while (!in.failed && reader_left (&in) > 0) {
        reader_u32 (&in);
        reader_varint (&in);
        count++;
    }
    self->last = last;
    self->oldest = last + 1;
    if (in.failed || count > last || count > SENDS_KEPT)
        return;
    self->last = last - count;
    self->oldest = self->last + 1;
    in = reader (bytes.data, bytes.size);
    uint64_t seq = 0;
    for (size_t i = 0; i < count; i++) {
        record_send_t send = {.counter = self->last + 1, .random = reader_u32 (&in)};
        seq += reader_varint (&in);
        sends_put (self, &send, seq);
    }
}
