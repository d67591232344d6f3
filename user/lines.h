// lines: bytes as they come, cut into lines.
//
// Floor 1, pure. A line longer than `max` is told once and skipped as a whole; memory stays
// bounded.

#ifndef ZCHAT_LINES_H
#define ZCHAT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lines lines_t;

// `max`: bytes of the longest line, without its newline. NULL when memory is out.
lines_t *lines_new (size_t max);
void lines_destroy (lines_t **self_p);

// Where to put up to *size more bytes, at least one; then say how many came. To be called only when
// lines_next has nothing more.
char *lines_room (lines_t *self, size_t *size);
void lines_came (lines_t *self, size_t size);

// No more bytes come: what is left is a line too.
void lines_end (lines_t *self);

typedef enum {
    LINES_NONE,    // give more bytes; after lines_end: there are no more
    LINES_LINE,    // one line, valid until the next call; may be empty
    LINES_TOO_LONG // one that was skipped
} lines_result_t;

lines_result_t lines_next (lines_t *self, const char **line, size_t *size);

#endif
