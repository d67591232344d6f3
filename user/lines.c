#include "user/lines.h"

#include <stdlib.h>
#include <string.h>

struct lines {
    size_t max;
    size_t begin; // of what was not taken yet
    size_t end;   // behind what came
    bool skipping;
    bool ended;
    char *buffer; // max + 1 bytes: a longest line and its newline
};

lines_t *lines_new (size_t max)
{
    lines_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->max = max;
    self->buffer = malloc (max + 1);
    if (!self->buffer)
        lines_destroy (&self);
    return self;
}

void lines_destroy (lines_t **self_p)
{
    lines_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    free (self->buffer);
    free (self);
}

char *lines_room (lines_t *self, size_t *size)
{
    if (self->begin > 0) {
        memmove (self->buffer, self->buffer + self->begin, self->end - self->begin);
        self->end -= self->begin;
        self->begin = 0;
    }
    *size = self->max + 1 - self->end;
    return self->buffer + self->end;
}

void lines_came (lines_t *self, size_t size)
{
    self->end += size;
}

void lines_end (lines_t *self)
{
    self->ended = true;
}

// What came ends without a newline.
static lines_result_t s_rest (lines_t *self, const char **line, size_t *size)
{
    *line = self->buffer + self->begin;
    *size = self->end - self->begin;
    if (self->skipping || *size > self->max) {
        // The whole buffer is one line's beginning, or more of it.
        lines_result_t result = self->skipping ? LINES_NONE : LINES_TOO_LONG;
        self->skipping = true;
        self->begin = self->end;
        return result;
    }
    if (!self->ended || *size == 0)
        return LINES_NONE;
    self->begin = self->end;
    return LINES_LINE;
}

lines_result_t lines_next (lines_t *self, const char **line, size_t *size)
{
    for (;;) {
        char *begin = self->buffer + self->begin;
        char *newline = memchr (begin, '\n', self->end - self->begin);
        if (!newline)
            return s_rest (self, line, size);
        self->begin += (size_t)(newline - begin) + 1;
        if (!self->skipping) {
            *line = begin;
            *size = (size_t)(newline - begin);
            return LINES_LINE;
        }
        self->skipping = false; // that was the end of a line too long
    }
}
