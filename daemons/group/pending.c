#include "daemons/group/pending.h"

#include <czmq.h>

pending_t *pending_new (void)
{
    pending_t *self = zmalloc (sizeof *self);
    frame_init (&self->frame);
    return self;
}

void pending_destroy (pending_t **self_p)
{
    pending_t *self = *self_p;
    if (!self)
        return;
    frame_close (&self->frame);
    peer_release (&self->peer);
    free (self);
    *self_p = NULL;
}

size_t pending_size (const pending_t *self)
{
    return sizeof *self + frame_body (&self->frame).size;
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
