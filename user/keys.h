// keys: what a terminal sends, byte by byte, as keys.
//
// Floor 1, pure. Characters come as UTF-8, special keys as control bytes or escape sequences,
// pasted text between two sequences of its own (bracketed paste): there newlines and tabs are text.
// What is no UTF-8, and sequences nobody knows, are dropped.

#ifndef ZCHAT_KEYS_H
#define ZCHAT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    KEY_NONE,
    KEY_TEXT, // one character, in `text`
    KEY_ENTER,
    KEY_TAB,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_UP,
    KEY_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_WORD_LEFT,
    KEY_WORD_RIGHT,
    KEY_KILL_WORD,      // before the cursor
    KEY_KILL_NEXT_WORD, // behind it
    KEY_KILL_LINE,      // to the line's beginning
    KEY_KILL_REST,      // to its end
    KEY_YANK,
    KEY_REDRAW,
    KEY_INTERRUPT, // ^C
    KEY_EOF,       // ^D
    KEY_SUSPEND    // ^Z
} key_kind_t;

typedef struct {
    key_kind_t kind;
    char text[5]; // with the final zero
} key_press_t;

// Where in a sequence the bytes are. Begin with all zeros.
typedef struct {
    uint8_t bytes[16];
    size_t size;
    bool pasting;
    bool after_return; // the last pasted byte: \r\n is one newline
} keys_t;

// Takes one byte. Returns the key that it completes, KEY_NONE when there is none yet.
key_press_t keys_feed (keys_t *self, uint8_t byte);

#endif
