#include "daemons/group/request.h"

#include <czmq.h>

request_t *request_new (void)
{
    request_t *self = zmalloc (sizeof *self);
    frame_init (&self->frame);
    return self;
}

void request_destroy (request_t **self_p)
{
    request_t *self = *self_p;
    if (!self)
        return;
    frame_close (&self->frame);
    peer_release (&self->peer);
    free (self);
    *self_p = NULL;
}

size_t request_size (const request_t *self)
{
    return sizeof *self + frame_body (&self->frame).size;
}

void request_queue_add (request_queue_t *self, request_t *request)
{
    request->next = NULL;
    if (self->last)
        self->last->next = request;
    else
        self->first = request;
    self->last = request;
    self->count++;
    self->bytes += request_size (request);
}

request_t *request_queue_take (request_queue_t *self)
{
    request_t *request = self->first;
    if (!request)
        return NULL;
    self->first = request->next;
    if (!self->first)
        self->last = NULL;
    self->count--;
    self->bytes -= request_size (request);
    return request;
}

void request_queue_prepend (request_queue_t *self, request_queue_t *other)
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

void request_queue_clear (request_queue_t *self)
{
    request_t *request;
    while ((request = request_queue_take (self)))
        request_destroy (&request);
}
