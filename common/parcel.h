// parcel: what leaves an outbox next: one request, or many sends in one frame.
//
// Floor 6, pure. A group takes the rows of one SENDS with less work than as many SENDs, and answers
// each row by its own tag: to the outbox they are SENDs. One that goes alone goes as a SEND.

#ifndef ZCHAT_PARCEL_H
#define ZCHAT_PARCEL_H

#include "common/outbox.h"

#define PARCEL_BYTES 60000 // of rows in one SENDS: no more than one SEND may have

typedef struct parcel parcel_t;

parcel_t *parcel_new (void); // NULL: no memory
void parcel_destroy (parcel_t **self_p);

// Fills it anew with what is to be sent now, from the outbox's next request on as far as they go
// together. Returns how many requests are in it, all of them under way; 0: nothing is to be sent.
size_t parcel_fill (parcel_t *self, outbox_t *outbox, int64_t now);

// The frame to be sent, until the next call. An option of a single request may be appended.
writer_t *parcel_frame (parcel_t *self);

// Nothing of it was sent: the outbox has all of it to send again, in its order.
void parcel_unsent (parcel_t *self, outbox_t *outbox);

// What parcel_fill is made of. Empties it; `tag` is for SENDS, and no request's in it: what a group
// answers to the frame as a whole is no row's answer.
void parcel_begin (parcel_t *self, uint32_t tag);

// Puts a request's frame in. False: it does not go with what is in it, which are sends of one UUID
// and device without options, at most WIRE_UNANSWERED and PARCEL_BYTES. An empty one takes any.
bool parcel_add (parcel_t *self, span_t frame);

#endif
