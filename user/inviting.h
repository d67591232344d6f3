// inviting: the command `invitation`: makes one, signed with the key that is derived from the
// identity.
//
// Floor 8.

#ifndef ZCHAT_INVITING_H
#define ZCHAT_INVITING_H

#include "user/context.h"

int inviting (context_t *context);

#endif
