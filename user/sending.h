// sending: the command that sends a text, all of stdin, or each line of stdin.
//
// Floor 13.

#ifndef ZCHAT_SENDING_H
#define ZCHAT_SENDING_H

#include "user/context.h"

// The function of the row `send` of the table of commands; returns the exit code: EXIT_DONE only if
// every text is durable.
int sending (context_t *context);

#endif
