// sends: one device of a member, and the sends of it that the group can recognize.
//
// Daemon floor 1, pure. Like the roster it has a durable part and one under way.

#ifndef ZCHAT_SENDS_H
#define ZCHAT_SENDS_H

#include "common/record.h"
#include "common/wire.h"

#define SENDS_KEPT WIRE_UNANSWERED // counters that stay known

typedef struct sends sends_t;

sends_t *sends_new (const uint8_t name[RECORD_DEVICE]);
void sends_destroy (sends_t **self_p);

const uint8_t *sends_device (const sends_t *self);
uint64_t
sends_used (const sends_t *self); // sequence of its last send, to find the one unused longest

// WIRE_ERR_NONE: a repeat, *seq is set; or next in turn, *seq is 0. Else REUSED or OUT_OF_ORDER.
wire_error_t sends_judge (const sends_t *self, const record_send_t *send, uint64_t *seq);

// A send was appended. A counter out of turn begins anew: it comes from a log whose beginning is
// gone.
void sends_put (sends_t *self, const record_send_t *send, uint64_t seq);
void sends_commit (sends_t *self);
void sends_discard (sends_t *self);
bool sends_are_new (const sends_t *self); // nothing of it is durable

// The last durable counter, and the bytes of the option SENDS (see roster.h), at most
// SENDS_STATE_MAX.
#define SENDS_STATE_MAX (SENDS_KEPT * 14)
uint64_t sends_state (const sends_t *self, writer_t *out);
// Takes them in again. Bytes that make no sense leave the device with its counter alone.
void sends_restore (sends_t *self, uint64_t last, span_t sends);

#endif
