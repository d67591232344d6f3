// sender: the name under which a process sends, and its counter.
//
// Floor 3. A group acknowledges a send once by its author, a device (8 random bytes) and that
// device's counter, which goes 1, 2, 3 ... So two processes must never count for one device: each
// locks one of a pool, a folder with a file a device, and the file's name is the device's:
//
//     clean 00000000000000000012        every send up to 12 was answered
//     used  00000000000000000012        sends above 12 may be under way or were never answered
//
// A file found `used` without its lock belongs to a process that died with sends unanswered. Nobody
// can know which of its counters the group has seen, so the device is thrown away. So is one that a
// group does not know any more or says was used otherwise (a copied or restored folder).
//
// Nothing here is synced: a counter that a power cut set back is one that the group has seen with
// other random bytes, and it answers REUSED, never a false acknowledgement.

#ifndef ZCHAT_SENDER_H
#define ZCHAT_SENDER_H

#include "common/record.h"

#include <stdbool.h>

typedef struct sender sender_t;

// A device of the pool that nobody uses, or a new one. Where the folder (NULL: there is none)
// cannot be written, the device lasts as long as the object. NULL when memory is out.
sender_t *sender_take (const char *folder);

// Gives the device back to the pool; throws it away when it is `used`.
void sender_destroy (sender_t **self_p);

// Throws the device away.
void sender_discard (sender_t **self_p);

// RECORD_DEVICE bytes.
const uint8_t *sender_name (const sender_t *self);

// The last counter that was answered; the next send takes the one behind it. 0: none yet.
uint64_t sender_last (const sender_t *self);

// Counters above the last one go out from now on. 0, or -1 with errno: then they must not.
int sender_use (sender_t *self);

// Every send up to `last` was answered, none is under way.
void sender_clean (sender_t *self, uint64_t last);

#endif
