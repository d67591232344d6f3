// conf_text: the text of a configuration file with the files it includes, as one string.
//
// Floor 1. libconfig must not read files itself: its scanner ends the process when an include is a
// folder, and it turns integers beyond 32 bits negative without a word. So the text is put together
// here: each `@include "file"` line becomes that file's lines, and an integer beyond 32 bits gets
// the L that libconfig wants behind it; one beyond 64 bits is an error.

#ifndef ZCHAT_CONF_TEXT_H
#define ZCHAT_CONF_TEXT_H

#include <czmq.h>

typedef struct conf_text conf_text_t;

// Reads the file and all it includes, a line `file:line: what` to `errors` for each thing that is
// wrong; what is wrong is left out of the text. NULL when the file itself cannot be read.
conf_text_t *conf_text_new (const char *file, zlist_t *errors);
void conf_text_destroy (conf_text_t **self_p);

const char *conf_text_string (const conf_text_t *self);

// The file that a line of the string (from 1) came from, and its line there.
const char *conf_text_where (const conf_text_t *self, unsigned line, unsigned *file_line);

// Appends a line made like printf.
void conf_text_error (zlist_t *errors, const char *file, unsigned line, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));

#endif
