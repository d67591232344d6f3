// commands: the table of all commands.
//
// Floor 14.

#ifndef ZCHAT_COMMANDS_H
#define ZCHAT_COMMANDS_H

#include "user/command.h"

// The rows, and their number. The standard one, for a call without a command, is the first.
const command_t *commands_table (size_t *count);

#endif
