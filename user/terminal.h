// terminal: the terminal on stdin and stdout, key by key.
//
// Floor 1. As long as the object lives, keys come at once and unechoed (output is left as it is),
// ^C and ^Z are bytes, and pasted text is marked. What was before is put back when it ends, also by
// exit (), and while the program is stopped. One at a time in a process.

#ifndef ZCHAT_TERMINAL_H
#define ZCHAT_TERMINAL_H

#include <stdbool.h>

typedef struct terminal terminal_t;

// Are stdin and stdout a terminal?
bool terminal_is_there (void);

// NULL with errno when there is none or it cannot be set.
terminal_t *terminal_new (void);
void terminal_destroy (terminal_t **self_p);

// Puts back what was before, stops the process, and goes on when it is continued.
void terminal_stop (terminal_t *self);

// Sets it again: after the process was stopped without terminal_stop.
void terminal_renew (terminal_t *self);

// Columns of the terminal on stdout, or on stderr; 0: none, or not known.
int terminal_width (void);
int terminal_error_width (void);

// Writes all of the text; gives up when the terminal is gone.
void terminal_write (const char *text);

#endif
