// chat: the conversation in the terminal.
//
// Floor 13. On a terminal, the line that is typed stays at the bottom and what comes appears above
// it; else lines are read and records printed plainly.

#ifndef ZCHAT_CHAT_H
#define ZCHAT_CHAT_H

#include "user/context.h"

// The function of the row `chat` of the table of commands; returns the exit code.
int chat (context_t *context);

#endif
