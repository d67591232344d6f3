// closer: closes the files of removed segments in a thread of its own. The last close gives their
// blocks back, which takes some 20 ms for 64 MiB, and nobody is to wait for that.
//
// Daemon floor 1. The thread is there while there is something to close.

#ifndef ZCHAT_CLOSER_H
#define ZCHAT_CLOSER_H

typedef struct closer closer_t;

closer_t *closer_new (void);

// Waits until all are closed.
void closer_destroy (closer_t **self_p);

// Takes the descriptor; -1: nothing to do.
void closer_take (closer_t *self, int fd);

#endif
