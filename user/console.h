// console: where the user types and reads: lines in, lines out.
//
// Floor 8. On a terminal a prompt with the line being typed stays at the bottom, and what is shown
// appears above it; everything that the context prints or says is shown so. Elsewhere lines are
// read from stdin, and the context prints and says as always.

#ifndef ZCHAT_CONSOLE_H
#define ZCHAT_CONSOLE_H

#include "user/context.h"

typedef struct console console_t;

typedef struct {
    void (*line) (void *arg, const char *line); // a finished line, without its newline
    void (*next) (void *arg);                   // the Tab key
    void (*end) (void *arg);                    // no more lines come: ^D, end of stdin
    void (*interrupt) (void *arg);              // ^C on an empty line
    void *arg;
} console_handlers_t;

// `max`: bytes of the longest line. Must be called before context_loop (it blocks signals), and
// ends before the context. NULL when it cannot be set up: said.
console_t *console_new (context_t *context, size_t max, const console_handlers_t *handlers);
void console_destroy (console_t **self_p);

// Is there somebody who can be asked?
bool console_is_terminal (const console_t *self);

// The text in front of the line being typed, made harmless; of a long one the end is shown.
void console_prompt (console_t *self, const char *prompt);

// A sentence for the user, made harmless: above the prompt, or on stderr.
void console_tell (console_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

#endif
