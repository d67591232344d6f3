// follow: the command that prints records of one or several groups as they come.
//
// Floor 10.

#ifndef ZCHAT_FOLLOW_H
#define ZCHAT_FOLLOW_H

#include "user/context.h"

// The function of the row `follow` of the table of commands; returns the exit code.
int follow (context_t *context);

#endif
