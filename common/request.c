#include "common/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Enough room for any encoding of the message.
static size_t s_room (const wire_t *message)
{
    size_t room = 64 + 16 * WIRE_F_COUNT;
    for (wire_field_t field = 1; field < WIRE_F_COUNT; field++)
        if (wire_has (message, field) && wire_field_type (field) > WIRE_T_U64)
            room += wire_bytes (message, field).size;
    return room < WIRE_TO_SERVER ? room : WIRE_TO_SERVER;
}

request_t *request_new (const wire_t *message)
{
    size_t room = s_room (message);
    request_t *self = calloc (1, sizeof *self + room);
    if (!self)       // uncovered: no memory
        return NULL; // uncovered: no memory, errno says so
    writer_t out = writer (self->frame, room);
    wire_encode (message, &out);
    if (out.failed) {
        free (self);
        errno = EMSGSIZE;
        return NULL;
    }
    self->size = writer_used (&out);
    self->kind = message->kind;
    return self;
}

void request_destroy (request_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void request_write (const request_t *self, writer_t *out)
{
    wire_t message;
    wire_error_t error = wire_decode (&message, span (self->frame, self->size));
    assert (error == WIRE_ERR_NONE);
    (void)error;
    message.tag = self->tag;
    if (self->kind == WIRE_SEND) {
        wire_set_bytes (&message, WIRE_F_DEVICE, span (self->send.device, RECORD_DEVICE));
        wire_set (&message, WIRE_F_COUNTER, self->send.counter);
        wire_set (&message, WIRE_F_RANDOM, self->send.random);
    }
    wire_encode (&message, out);
}

bool request_is_change (const request_t *self)
{
    return self->kind != WIRE_WHO && self->kind != WIRE_PAGE && self->kind != WIRE_PING;
}

bool request_sent_with (const request_t *self, const uint8_t device[RECORD_DEVICE])
{
    return self->kind == WIRE_SEND && self->send.counter > 0 &&
           memcmp (self->send.device, device, RECORD_DEVICE) == 0;
}

uint64_t request_floor (request_t *const *slots, size_t count, const uint8_t device[RECORD_DEVICE],
                        uint64_t last)
{
    for (size_t slot = 0; slot < count; slot++)
        if (slots[slot] && request_sent_with (slots[slot], device) &&
            slots[slot]->send.counter <= last)
            last = slots[slot]->send.counter - 1;
    return last;
}

request_t *request_first_repeat (request_t *const *slots, size_t count)
{
    request_t *first = NULL;
    for (size_t slot = 0; slot < count; slot++) {
        request_t *item = slots[slot];
        if (item && item->repeat && (!first || item->order < first->order))
            first = item;
    }
    return first;
}

bool request_fits (const request_t *self, wire_kind_t reply)
{
    switch (reply) {
    case WIRE_ROW_ERROR:
        return true;
    case WIRE_ROW_ACK:
        return request_is_change (self);
    case WIRE_MEMBERS:
        return self->kind == WIRE_WHO;
    case WIRE_RECORDS:
    case WIRE_GAP:
        return self->kind == WIRE_PAGE;
    case WIRE_LOST: // PING: one that shows a receipt
        return self->kind == WIRE_PAGE || self->kind == WIRE_PING;
    case WIRE_PONG:
        return self->kind == WIRE_PING;
    default:
        return false;
    }
}

// Errors that prove that the change did not happen, earlier tries included.
static bool s_proves_absence (wire_error_t error)
{
    switch (error) {
    case WIRE_ERR_BAD_REQUEST:
    case WIRE_ERR_VERSION:
    case WIRE_ERR_UNKNOWN_KIND:
    case WIRE_ERR_BAD_TEXT:
    case WIRE_ERR_TOO_LONG:
    case WIRE_ERR_BAD_NICK:
    case WIRE_ERR_REUSED:
    case WIRE_ERR_OUT_OF_ORDER:
        return true;
    default:
        return false;
    }
}

bool request_may_be_stored (const request_t *self, outbox_result_t result)
{
    if (!request_is_change (self) || result == OUTBOX_ANSWERED)
        return false;
    if (result == OUTBOX_REFUSED)
        return self->uncertain && !s_proves_absence (self->error);
    return self->uncertain || self->tag != 0;
}

void requests_insert (requests_t *self, request_t *request)
{
    request_t *behind = NULL;
    request_t *before = self->tail;
    if (before && before->order > request->order) { // put back: it belongs near the front
        behind = self->head;
        while (behind->order < request->order)
            behind = behind->behind;
        before = behind->before;
    }
    request->before = before;
    request->behind = behind;
    *(before ? &before->behind : &self->head) = request;
    *(behind ? &behind->before : &self->tail) = request;
}

void requests_remove (requests_t *self, request_t *request)
{
    *(request->before ? &request->before->behind : &self->head) = request->behind;
    *(request->behind ? &request->behind->before : &self->tail) = request->before;
    request->before = request->behind = NULL;
}

request_t *requests_shift (requests_t *self)
{
    request_t *first = self->head;
    if (first)
        requests_remove (self, first);
    return first;
}
