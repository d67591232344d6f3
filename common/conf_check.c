#include "common/conf_check.h"

#include <ctype.h>
#include <string.h>

bool conf_check_choice (const char *choices, const char *word)
{
    size_t size = strlen (word);
    for (const char *at = choices; *at; at += strspn (at, " ")) {
        size_t length = strcspn (at, " ");
        if (length == size && strncmp (at, word, size) == 0)
            return true;
        at += length;
    }
    return false;
}

const char *conf_check_text (const char *text, int64_t min, int64_t max, bool path)
{
    int64_t size = (int64_t)strlen (text);
    if (size < min || size > max)
        return "is too short or too long";
    for (const char *at = text; *at; at++)
        if (iscntrl ((unsigned char)*at))
            return "holds a control character";
    return path && *text != '/' ? "does not begin with /" : NULL;
}
