// own_group: a zchat-group that this program starts in a temporary folder, without a registry. It
// ends, and its folder is removed, when the program does, however it ends.

#ifndef BENCH_OWN_GROUP_H
#define BENCH_OWN_GROUP_H

#include "tests/bench/options.h"

#include <stdint.h>

typedef struct own_group own_group_t;

// Makes the folder and starts the group.
own_group_t *own_group_new (const options_t *options);

const char *own_group_endpoint (const own_group_t *self); // with its key, over CURVE
pid_t own_group_pid (const own_group_t *self);

// Ends it with this signal and waits for that.
void own_group_stop (own_group_t *self, int signal);
// Starts it again, on the same port. Does not wait until it is ready; own_group_await does.
void own_group_launch (own_group_t *self);
void own_group_await (own_group_t *self);

// Bytes of the disk that its log takes, with the room that was made ahead.
double own_group_disk_bytes (const own_group_t *self);

#endif
