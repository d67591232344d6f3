// slash: what a line typed in the conversation asks for.
//
// Floor 1, pure. A line that begins with a slash is a command, a row of the table here; two slashes
// begin a text with one; everything else is a text.

#ifndef ZCHAT_SLASH_H
#define ZCHAT_SLASH_H

#include <stddef.h>

typedef enum {
    SLASH_NOTHING, // an empty line
    SLASH_TEXT,
    SLASH_UNKNOWN, // `argument`: what is wrong, a sentence
    SLASH_WHO,
    SLASH_NICK,
    SLASH_TOPIC,
    SLASH_MESSAGES,
    SLASH_JOIN,
    SLASH_LEAVE,
    SLASH_GROUP,
    SLASH_GROUPS,
    SLASH_DEED, // `word` says which, see deed.h; `argument`: to whom
    SLASH_HELP,
    SLASH_QUIT
} slash_kind_t;

#define SLASH_WORD  16
#define SLASH_ERROR 100 // bytes of the longest sentence, with the final zero

typedef struct {
    slash_kind_t kind;
    char word[SLASH_WORD]; // the command's name
    const char *argument;  // the text, or what follows the command; "" when there is nothing
    char error[SLASH_ERROR];
} slash_t;

// Reads the line; `argument` points into it, or to `error`.
void slash_parse (slash_t *self, const char *line);

// A line of help for each command, by index; NULL behind the last.
const char *slash_help (size_t index);

#endif
