// group: one group's server: its log, its sockets and the loop's turns.
//
// Daemon floor 9. A turn: take a bounded number of messages off a listener, let intake make and
// finish jobs, send acks, push to the readers at the head, then serve history and those that lag.

#ifndef ZCHAT_GROUP_H
#define ZCHAT_GROUP_H

#include "common/program.h"

typedef struct group_server group_t; // `struct group` is libc's

// Opens the log of the group that the program's argument names and adds everything to its loop. The
// program is ready when this opening is on disk and the listeners are bound. Returns 0 or an exit
// code, the reason reported; *self_p is set on success.
int group_new (group_t **self_p, program_t *program);
void group_destroy (group_t **self_p);

void group_reload (group_t *self, const conf_t *conf);

// Takes nothing new, finishes the job under way, says goodbye, then ends the program.
void group_stop (group_t *self);

bool group_syncing (group_t *self);
// No sync is older than 120 s.
bool group_healthy (group_t *self, int64_t now);

// Asks the group of that name if it runs: EXIT_DONE, or EXIT_UNREACHABLE after `timeout` ms.
int group_ping (const conf_t *conf, const char *name, int timeout);

#endif
