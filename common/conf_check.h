// conf_check: what a text of a configuration may be.
//
// Floor 1, pure.

#ifndef ZCHAT_CONF_CHECK_H
#define ZCHAT_CONF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

// Is it one of the words in `choices`, which have blanks between them?
bool conf_check_choice (const char *choices, const char *word);

// NULL, or what is wrong: min to max bytes, no control characters, and `path`: beginning with '/'.
const char *conf_check_text (const char *text, int64_t min, int64_t max, bool path);

#endif
