// device: one device of a member, and the sends of it that the group can recognize.
//
// Daemon floor 1, pure. Like the roster it has a durable part and one under way.

#ifndef ZCHAT_DEVICE_H
#define ZCHAT_DEVICE_H

#include "common/record.h"
#include "common/wire.h"

#define DEVICE_SENDS WIRE_UNANSWERED // counters that stay known

typedef struct device device_t;

device_t *device_new (const uint8_t name[RECORD_DEVICE]);
void device_destroy (device_t **self_p);

const uint8_t *device_name (const device_t *self);
uint64_t
device_used (const device_t *self); // sequence of its last send, to find the one unused longest

// WIRE_ERR_NONE: a repeat, *seq is set; or next in turn, *seq is 0. Else REUSED or OUT_OF_ORDER.
wire_error_t device_judge (const device_t *self, const record_send_t *send, uint64_t *seq);

// A send was appended. A counter out of turn begins anew: it comes from a log whose beginning is
// gone.
void device_put (device_t *self, const record_send_t *send, uint64_t seq);
void device_commit (device_t *self);
void device_discard (device_t *self);
bool device_is_new (const device_t *self); // nothing of it is durable

// The last durable counter, and the bytes of the option SENDS (see roster.h), at most
// DEVICE_STATE_MAX.
#define DEVICE_STATE_MAX (DEVICE_SENDS * 14)
uint64_t device_state (const device_t *self, writer_t *out);
// Takes them in again. Bytes that make no sense leave the device with its counter alone.
void device_restore (device_t *self, uint64_t last, span_t sends);

#endif
