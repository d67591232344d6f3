// managing: the commands of those who look after a group, and those about keys.
//
// Floor 12. Each is the function of a row of the table of commands; returns the exit code.

#ifndef ZCHAT_MANAGING_H
#define ZCHAT_MANAGING_H

#include "user/context.h"

int managing_deed (context_t *context); // invite, kick, ban ...: the row's name says which
int managing_key (context_t *context);  // key add, remove, replace, use

#endif
