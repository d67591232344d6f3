#include "user/edit.h"

#include "common/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unigbrk.h>

enum { HISTORY = 200 };

struct edit {
    size_t max;
    char *text;    // max + 1 bytes
    size_t size;   // bytes
    size_t cursor; // byte
    size_t scroll; // byte at which the view begins
    char *breaks;  // see s_breaks
    bool breaks_known;
    char *killed; // what KEY_YANK puts back, NULL: nothing
    char *history[HISTORY];
    size_t history_size;
    size_t at;   // the line of the history that is shown; history_size: none
    char *draft; // what was typed before the history was looked at
};

edit_t *edit_new (size_t max)
{
    edit_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->max = max;
    self->text = calloc (1, max + 1);
    self->breaks = calloc (1, max + 1);
    if (!self->text || !self->breaks)
        edit_destroy (&self);
    return self;
}

void edit_destroy (edit_t **self_p)
{
    edit_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    for (size_t i = 0; i < self->history_size; i++)
        free (self->history[i]);
    free (self->draft);
    free (self->killed);
    free (self->breaks);
    free (self->text);
    free (self);
}

const char *edit_text (const edit_t *self)
{
    return self->text;
}

static void s_set (edit_t *self, const char *text)
{
    self->size = strlen (text) < self->max ? strlen (text) : self->max;
    memcpy (self->text, text, self->size);
    self->text[self->size] = 0;
    self->cursor = self->size;
    self->scroll = 0;
    self->breaks_known = false;
}

// Where grapheme clusters begin. Found anew only when it is asked for: a long text is pasted byte
// by byte.
static const char *s_breaks (edit_t *self)
{
    if (!self->breaks_known)
        u8_grapheme_breaks ((const uint8_t *)self->text, self->size, self->breaks);
    self->breaks_known = true;
    return self->breaks;
}

static size_t s_left (edit_t *self, size_t at)
{
    const char *breaks = s_breaks (self);
    while (at > 0 && !breaks[--at])
        ;
    return at;
}

static size_t s_right (edit_t *self, size_t at)
{
    const char *breaks = s_breaks (self);
    while (at < self->size && ++at < self->size && !breaks[at])
        ;
    return at;
}

static bool s_is_blank (const edit_t *self, size_t at)
{
    return strchr (" \t\n", self->text[at]) != NULL;
}

static size_t s_word_left (const edit_t *self)
{
    size_t at = self->cursor;
    while (at > 0 && s_is_blank (self, at - 1))
        at--;
    while (at > 0 && !s_is_blank (self, at - 1))
        at--;
    return at;
}

static size_t s_word_right (const edit_t *self)
{
    size_t at = self->cursor;
    while (at < self->size && s_is_blank (self, at))
        at++;
    while (at < self->size && !s_is_blank (self, at))
        at++;
    return at;
}

static edit_event_t s_move (edit_t *self, size_t to)
{
    if (to == self->cursor)
        return EDIT_NOTHING;
    self->cursor = to;
    return EDIT_CHANGED;
}

static edit_event_t s_remove (edit_t *self, size_t from, size_t to)
{
    if (from == to)
        return EDIT_NOTHING;
    memmove (self->text + from, self->text + to, self->size - to + 1);
    self->size -= to - from;
    self->cursor = from;
    self->breaks_known = false;
    return EDIT_CHANGED;
}

static edit_event_t s_kill (edit_t *self, size_t from, size_t to)
{
    if (from == to)
        return EDIT_NOTHING;
    char *killed = strndup (self->text + from, to - from);
    if (killed) {
        free (self->killed);
        self->killed = killed;
    }
    return s_remove (self, from, to);
}

static edit_event_t s_insert (edit_t *self, const char *text)
{
    size_t size = strlen (text);
    if (size > self->max - self->size)
        return EDIT_FULL;
    memmove (self->text + self->cursor + size, self->text + self->cursor,
             self->size - self->cursor + 1);
    memcpy (self->text + self->cursor, text, size);
    self->size += size;
    self->cursor += size;
    self->breaks_known = false;
    return EDIT_CHANGED;
}

static edit_event_t s_recall (edit_t *self, size_t at)
{
    if (at > self->history_size || at == self->at)
        return EDIT_NOTHING;
    if (self->at == self->history_size) {
        free (self->draft);
        self->draft = strdup (self->text);
    }
    self->at = at;
    const char *draft = self->draft ? self->draft : "";
    s_set (self, at == self->history_size ? draft : self->history[at]);
    return EDIT_CHANGED;
}

edit_event_t edit_key (edit_t *self, const key_press_t *key)
{
    switch (key->kind) {
    case KEY_TEXT:
        return s_insert (self, key->text);
    case KEY_ENTER:
        return EDIT_LINE;
    case KEY_BACKSPACE:
        return s_remove (self, s_left (self, self->cursor), self->cursor);
    case KEY_EOF:
        if (self->size == 0)
            return EDIT_EOF;
        return s_remove (self, self->cursor, s_right (self, self->cursor));
    case KEY_DELETE:
        return s_remove (self, self->cursor, s_right (self, self->cursor));
    case KEY_LEFT:
        return s_move (self, s_left (self, self->cursor));
    case KEY_RIGHT:
        return s_move (self, s_right (self, self->cursor));
    case KEY_HOME:
        return s_move (self, 0);
    case KEY_END:
        return s_move (self, self->size);
    case KEY_WORD_LEFT:
        return s_move (self, s_word_left (self));
    case KEY_WORD_RIGHT:
        return s_move (self, s_word_right (self));
    case KEY_KILL_WORD:
        return s_kill (self, s_word_left (self), self->cursor);
    case KEY_KILL_NEXT_WORD:
        return s_kill (self, self->cursor, s_word_right (self));
    case KEY_KILL_LINE:
        return s_kill (self, 0, self->cursor);
    case KEY_KILL_REST:
        return s_kill (self, self->cursor, self->size);
    case KEY_YANK:
        return self->killed ? s_insert (self, self->killed) : EDIT_NOTHING;
    case KEY_UP:
        return s_recall (self, self->at > 0 ? self->at - 1 : 0);
    case KEY_DOWN:
        return s_recall (self, self->at + 1);
    default:
        return EDIT_NOTHING;
    }
}

// The history has no empty lines and no line twice in a row.
static void s_remember (edit_t *self, const char *text)
{
    size_t last = self->history_size;
    if (*text && (last == 0 || strcmp (self->history[last - 1], text) != 0)) {
        if (self->history_size == HISTORY) {
            free (self->history[0]);
            memmove (self->history, self->history + 1, (HISTORY - 1) * sizeof self->history[0]);
            self->history_size--;
        }
        char *line = strdup (text);
        if (line)
            self->history[self->history_size++] = line;
    }
}

char *edit_take (edit_t *self)
{
    char *text = strdup (self->text);
    s_remember (self, self->text);
    edit_clear (self);
    return text;
}

void edit_clear (edit_t *self)
{
    s_set (self, "");
    self->at = self->history_size;
    free (self->draft);
    self->draft = NULL;
}

// One grapheme cluster as it is shown.
static char *s_shown (const edit_t *self, size_t from, size_t to)
{
    if (self->text[from] == '\n')
        return strdup ("\xe2\x86\xb5"); // an arrow round the corner
    if (self->text[from] == '\t')
        return strdup (" ");
    return text_for_terminal (self->text + from, to - from, false);
}

static int s_columns (edit_t *self, size_t from, size_t to)
{
    int columns = 0;
    for (size_t at = from, next; at < to; at = next) {
        next = s_right (self, at);
        char *shown = s_shown (self, at, next);
        columns += shown ? text_width (shown, strlen (shown)) : 0;
        free (shown);
    }
    return columns;
}

// Scrolls as little as it takes to have the cursor, and a column for it, inside.
static void s_scroll (edit_t *self, int width)
{
    if (self->cursor < self->scroll)
        self->scroll = self->cursor;
    int columns = s_columns (self, self->scroll, self->cursor);
    while (columns >= width && self->scroll < self->cursor) {
        size_t next = s_right (self, self->scroll);
        columns -= s_columns (self, self->scroll, next);
        self->scroll = next;
    }
}

char *edit_view (edit_t *self, int width, int *column)
{
    char *result = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&result, &size);
    if (!out)
        return NULL;
    s_scroll (self, width);
    *column = s_columns (self, self->scroll, self->cursor);
    int used = 0;
    for (size_t at = self->scroll, next; at < self->size; at = next) {
        next = s_right (self, at);
        char *shown = s_shown (self, at, next);
        used += shown ? text_width (shown, strlen (shown)) : 0;
        if (used < width)
            fputs (shown ? shown : "", out);
        free (shown);
        if (used >= width)
            break;
    }
    if (fclose (out) == 0)
        return result;
    free (result);
    return NULL;
}
