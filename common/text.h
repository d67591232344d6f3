// text: what a text, a nick and a group's name may be, and how remote text is made harmless.
//
// Floor 1. All lengths are bytes; nothing here needs a final zero unless it says so.

#ifndef ZCHAT_TEXT_H
#define ZCHAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_NICK_MAX 32 // bytes
#define TEXT_NAME_MAX 48 // bytes

// Valid UTF-8 of at least one byte, without control characters (C0, DEL, C1) but newline and tab.
bool text_valid (const char *text, size_t size);

// A nick: 1 to TEXT_NICK_MAX bytes of valid UTF-8 without blanks (any Unicode white space) or
// controls, format and bidi controls included: what cannot be seen makes no other name.
bool text_nick_valid (const char *nick, size_t size);

// A zchat group's name: [a-z0-9][a-z0-9._-]{0,47}, not digits alone.
bool text_name_valid (const char *name, size_t size);

// A name of the original system: [A-Za-z0-9][A-Za-z0-9._-]{0,47}.
bool text_legacy_name_valid (const char *name, size_t size);

// The form in which two nicks are compared: case-folded and normalized (NFKC). The caller frees the
// zero-terminated result; NULL when the nick is no valid UTF-8 or memory is out.
char *text_nick_key (const char *nick, size_t size);

// Printable ASCII for a log line: every other byte, and the backslash, as \xNN. At most `max` input
// bytes are shown; "..." follows when some were cut. The caller frees the result (zero-terminated).
char *text_for_log (const char *text, size_t size, size_t max);

// For a terminal: valid UTF-8 in which controls (newline and tab too, unless `keep_lines`), format
// and bidi controls, and what is shown as nothing at all (fillers, joiners, all but one selector of
// a variant) are shown escaped as \u{NN}, bytes that are no UTF-8 as \xNN. At most 4 combining
// marks follow a character, none anything else. The caller frees the result (zero-terminated).
char *text_for_terminal (const char *text, size_t size, bool keep_lines);

// Columns that valid UTF-8 takes on a terminal (wide characters 2, combining 0).
int text_width (const char *text, size_t size);

#endif
