#include "daemons/group/pending.h"

#include <czmq.h>

// Requests come and go by the million: those that are done with are used again. Not where use
// after that is to be noticed.
#ifdef __SANITIZE_ADDRESS__
enum { SPARE_MAX = 0 };
#else
enum { SPARE_MAX = 2048 };
#endif
static pending_queue_t s_spare; // only the loop's thread has requests
static size_t s_shared;

pending_t *pending_new (void)
{
    pending_t *self = s_spare.first;
    if (self) {
        s_spare.first = self->next;
        s_spare.count--;
    } else
        self = malloc (sizeof *self);
    assert (self);
    memset (self, 0, sizeof *self);
    frame_init (&self->frame);
    return self;
}

pending_t *pending_part (pending_t *whole)
{
    pending_t *self = pending_new ();
    self->whole = whole;
    self->proved = whole->proved;
    self->who = whole->who;
    whole->parts++;
    s_shared += whole->shared ? 0 : pending_size (whole);
    whole->shared = true;
    return self;
}

const frame_t *pending_frame (const pending_t *self)
{
    return self->whole ? &self->whole->frame : &self->frame;
}

void pending_destroy (pending_t **self_p)
{
    pending_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->parts > 0) {
        self->parts--;
        return;
    }
    s_shared -= self->shared ? pending_size (self) : 0;
    frame_close (&self->frame);
    peer_release (&self->peer);
    pending_destroy (&self->whole);
    if (s_spare.count == SPARE_MAX) {
        free (self);
        return;
    }
    self->next = s_spare.first;
    s_spare.first = self;
    s_spare.count++;
}

size_t pending_size (const pending_t *self)
{
    return sizeof *self + (self->whole ? 0 : frame_body (&self->frame).size);
}

size_t pending_shared (void)
{
    return s_shared;
}

void pending_queue_add (pending_queue_t *self, pending_t *request)
{
    request->next = NULL;
    if (self->last)
        self->last->next = request;
    else
        self->first = request;
    self->last = request;
    self->count++;
    self->bytes += pending_size (request);
}

pending_t *pending_queue_take (pending_queue_t *self)
{
    pending_t *request = self->first;
    if (!request)
        return NULL;
    self->first = request->next;
    if (!self->first)
        self->last = NULL;
    self->count--;
    self->bytes -= pending_size (request);
    return request;
}

void pending_queue_prepend (pending_queue_t *self, pending_queue_t *other)
{
    if (!other->first)
        return;
    other->last->next = self->first;
    self->first = other->first;
    if (!self->last)
        self->last = other->last;
    self->count += other->count;
    self->bytes += other->bytes;
    memset (other, 0, sizeof *other);
}

void pending_queue_clear (pending_queue_t *self)
{
    pending_t *request;
    while ((request = pending_queue_take (self)))
        pending_destroy (&request);
}
