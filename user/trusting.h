// trusting: the command `trust`: an operator's invitation is kept from now on.
//
// Floor 13.

#ifndef ZCHAT_TRUSTING_H
#define ZCHAT_TRUSTING_H

#include "user/context.h"

int trusting (context_t *context);

#endif
