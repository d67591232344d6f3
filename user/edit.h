// edit: the line that is being typed.
//
// Floor 2, pure: keys in, the text, the cursor's column and what to show out. The text is UTF-8;
// the cursor moves by what people take for one character (grapheme clusters), wide ones take two
// columns. The text may hold newlines (pasted): they are shown as one sign each.

#ifndef ZCHAT_EDIT_H
#define ZCHAT_EDIT_H

#include "user/keys.h"

typedef struct edit edit_t;

typedef enum {
    EDIT_NOTHING, // the key changed nothing
    EDIT_CHANGED, // text or cursor changed
    EDIT_FULL,    // the text has all the bytes that it may have
    EDIT_LINE,    // the line is finished: edit_take it
    EDIT_EOF      // ^D on an empty line
} edit_event_t;

// `max`: bytes of the longest text. NULL when memory is out.
edit_t *edit_new (size_t max);
void edit_destroy (edit_t **self_p);

// Keys that are none of an editor's (^C, ^Z, redraw, tab) are EDIT_NOTHING.
edit_event_t edit_key (edit_t *self, const key_press_t *key);

const char *edit_text (const edit_t *self);

// The text, which the caller frees; it goes to the history, and the line is empty. NULL when memory
// is out.
char *edit_take (edit_t *self);
void edit_clear (edit_t *self);

// What fits into `width` columns with the cursor in it, and the cursor's column. The caller frees
// it; NULL when memory is out.
char *edit_view (edit_t *self, int width, int *column);

#endif
