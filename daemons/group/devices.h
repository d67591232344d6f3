// devices: those of one member that the group knows, each with the sends it can recognize.
//
// Daemon floor 2, pure. Like the roster it has a durable part and one under way.

#ifndef ZCHAT_DEVICES_H
#define ZCHAT_DEVICES_H

#include "daemons/group/sends.h"

#define DEVICES_MAX 32 // a member; the one unused longest gives way

// To be zeroed at first; devices_clear at the end.
typedef struct {
    sends_t **list;
    size_t count;
    size_t left; // so many, the first ones, are gone next: a leave forgets all
} devices_t;

void devices_clear (devices_t *self);

// The device that has this name next, or NULL.
sends_t *devices_find (const devices_t *self, const uint8_t name[RECORD_DEVICE]);

// Takes in a MESSAGE or STATE_DEVICE record; one with the counter 0 changes nothing.
void devices_put (devices_t *self, const record_t *record);
void devices_leave (devices_t *self);
void devices_commit (devices_t *self);
void devices_discard (devices_t *self);

// Calls `put` with a STATE_DEVICE record of `who` for each durable one.
void devices_state (const devices_t *self, const guid_t *who, int64_t time,
                    void (*put) (void *arg, const record_t *record), void *arg);

#endif
