// reading: the commands that change nothing.
//
// Floor 8. Each is the function of a row of the table of commands; returns the exit code.

#ifndef ZCHAT_READING_H
#define ZCHAT_READING_H

#include "user/context.h"

int reading_groups (context_t *context);
int reading_messages (context_t *context);
int reading_who (context_t *context);
int reading_topic (context_t *context);
int reading_whoami (context_t *context);

#endif
