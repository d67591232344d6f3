// diary: what the log output tells of requests.
//
// Daemon floor 4. What changed the group is told, and what was refused for want of rights: the
// first few of that in a minute, since strangers can have as much refused as they like.

#ifndef ZCHAT_DIARY_H
#define ZCHAT_DIARY_H

#include "daemons/group/original.h"
#include "daemons/group/pending.h"
#include "daemons/group/refusals.h"

// To be zeroed at first.
typedef struct {
    refusals_t refusals;
} diary_t;

void diary_asked (const wire_t *request); // on the native wire
void diary_original (const original_t *request);

void diary_invalid (diary_t *self, span_t text, int64_t mono); // on the original one

// The request is refused with `error`; `mono`: monotonic ms.
void diary_refused (diary_t *self, const pending_t *request, wire_error_t error, int64_t mono);

// The request's answer is known and durable.
void diary_answered (diary_t *self, const pending_t *request, int64_t mono);

#endif
