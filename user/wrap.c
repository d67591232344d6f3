#include "user/wrap.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>
#include <uniwidth.h>

enum {
    ROOM_MIN = 8,
    TAB = 8,
    PICTURE_FORM = 0xfe0f, // makes a picture, two columns wide, of what is before
    PICTURES = 0x1f000,    // terminals differ in which of these are wide
    PICTURES_END = 0x20000
};

typedef struct {
    FILE *out;
    int column;
    int indent;
    int width;
} wrap_t;

static void s_break (wrap_t *self)
{
    fprintf (self->out, "\n%*s", self->indent, "");
    self->column = self->indent;
}

static int s_width (ucs4_t c)
{
    if (c >= ' ' && c <= '~')
        return 1; // what uc_width says, too, but sooner
    if (c >= PICTURES && c < PICTURES_END)
        return 2;
    int columns = uc_width (c, "UTF-8");
    return columns > 0 ? columns : 0;
}

// Columns of the character at `text`, with the marks on it, rather too many than too few; and its
// bytes.
static int s_step (const char *text, size_t size, size_t *bytes)
{
    ucs4_t c;
    *bytes = (size_t)u8_mbtouc (&c, (const uint8_t *)text, size);
    int columns = s_width (c);
    while (*bytes < size) {
        int more = u8_mbtouc (&c, (const uint8_t *)text + *bytes, size - *bytes);
        if (s_width (c) > 0)
            break;
        if (c == PICTURE_FORM)
            columns = 2;
        *bytes += (size_t)more;
    }
    return columns;
}

// Writes what has no blank in it, broken wherever the line is full.
static void s_put_word (wrap_t *self, const char *word, size_t size)
{
    for (size_t i = 0, bytes; i < size; i += bytes) {
        int columns = s_step (word + i, size - i, &bytes);
        if (self->column + columns > self->width)
            s_break (self);
        fwrite (word + i, 1, bytes, self->out);
        self->column += columns;
    }
}

static int s_columns (const char *text, size_t size)
{
    int columns = 0;
    for (size_t i = 0, bytes; i < size; i += bytes)
        columns += s_step (text + i, size - i, &bytes);
    return columns;
}

int wrap_width (const char *text)
{
    return s_columns (text, strlen (text));
}

// Writes one blank or tab; at the end of a line it becomes the break.
static void s_put_blank (wrap_t *self, char blank)
{
    int columns = blank == '\t' ? TAB - self->column % TAB : 1;
    if (self->column + columns > self->width) {
        s_break (self);
        return;
    }
    fprintf (self->out, "%*s", columns, "");
    self->column += columns;
}

static void s_put_line (wrap_t *self, const char *line, size_t size)
{
    if (self->width == 0) {
        fwrite (line, 1, size, self->out);
        return;
    }
    for (size_t i = 0; i < size;) {
        if (line[i] == ' ' || line[i] == '\t') {
            s_put_blank (self, line[i++]);
            continue;
        }
        size_t end = i;
        while (end < size && line[end] != ' ' && line[end] != '\t')
            end++;
        int columns = s_columns (line + i, end - i);
        bool fits_a_line = columns <= self->width - self->indent;
        if (self->column + columns > self->width && fits_a_line)
            s_break (self);
        s_put_word (self, line + i, end - i);
        i = end;
    }
}

char *wrap_text (const char *text, int column, int indent, int width)
{
    char *result = NULL;
    size_t size = 0;
    wrap_t self = {open_memstream (&result, &size), column, indent, width};
    if (!self.out)
        return NULL;
    if (width > 0 && width < indent + ROOM_MIN)
        self.width = indent + ROOM_MIN;
    for (;;) {
        const char *end = strchrnul (text, '\n');
        s_put_line (&self, text, (size_t)(end - text));
        if (*end == 0)
            break;
        s_break (&self);
        text = end + 1;
    }
    if (fclose (self.out) == 0)
        return result;
    free (result);
    return NULL;
}
