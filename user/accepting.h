// accepting: `zchat trust --accept GROUP`: takes the key that a group has now.
//
// Floor 11.

#ifndef ZCHAT_ACCEPTING_H
#define ZCHAT_ACCEPTING_H

#include "user/context.h"

// Forgets the key and the log that the group's name is known by, meets the group and keeps what it
// has now; says both. When nobody answers, all stays as it was.
int accepting (context_t *context);

#endif
