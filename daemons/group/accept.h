// accept: an operator's word that a log in doubt goes on from where it ends.
//
// Daemon floor 6. The log gets an OPEN record with a new generation and an ACCEPT record that names
// the last sequence before them; then the doubt is removed. Whoever holds a receipt for more is
// told LOST from then on.

#ifndef ZCHAT_ACCEPT_H
#define ZCHAT_ACCEPT_H

#include "daemons/group/log.h"

typedef struct {
    uint64_t head; // the log goes on behind this sequence
    uint64_t generation;
    char notice[400]; // what opening the log cut off, "" if nothing
} accept_t;

// Accepts the log in `folder`, which nobody has open. Returns 0, or -1 with trouble set.
int accept_run (accept_t *self, const char *folder, trouble_t *trouble);

#endif
