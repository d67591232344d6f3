// writing: the commands that change a group.
//
// Floor 12. Each is the function of a row of the table of commands; returns the exit code.

#ifndef ZCHAT_WRITING_H
#define ZCHAT_WRITING_H

#include "user/context.h"

int writing_join (context_t *context);
int writing_leave (context_t *context);
int writing_nick (context_t *context);
int writing_topic (context_t *context); // without a text it prints the topic

// The words from `args` on with one blank between, which the caller frees; NULL: no memory.
char *writing_words (char **args, size_t count);

#endif
