#include "common/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>
#include <uniwidth.h>

enum { MARKS_MAX = 4 };

static const uint8_t *s_bytes (const char *text)
{
    return (const uint8_t *)text;
}

static bool s_utf8 (const char *text, size_t size)
{
    return u8_check (s_bytes (text), size) == NULL;
}

// How many bytes at the front are ASCII without controls: most texts are nothing else, and eight
// bytes are seen at once.
static size_t s_plain (const uint8_t *at, size_t size)
{
    const uint64_t ones = UINT64_C (0x0101010101010101);
    const uint64_t highs = ones << 7;
    size_t plain = 0;
    while (size - plain >= sizeof (uint64_t)) {
        uint64_t eight;
        memcpy (&eight, at + plain, sizeof eight);
        uint64_t odd = eight - 0x20 * ones;  // borrows where a byte is below a blank,
        odd |= (eight ^ 0x7f * ones) - ones; // or DEL,
        if ((odd | eight) & highs)           // or not ASCII, or the byte behind one of these
            break;
        plain += sizeof eight;
    }
    return plain;
}

bool text_valid (const char *text, size_t size)
{
    size_t plain = s_plain (s_bytes (text), size);
    if (size == 0 || !s_utf8 (text + plain, size - plain))
        return false;
    const uint8_t *at = s_bytes (text);
    for (size_t i = plain; i < size; i++) {
        if ((at[i] < 0x20 && at[i] != '\n' && at[i] != '\t') || at[i] == 0x7f)
            return false;
        // C1: in valid UTF-8 a byte always follows 0xc2.
        if (at[i] == 0xc2 && at[i + 1] < 0xa0)
            return false;
    }
    return true;
}

// Controls, and what only steers how other characters are shown (bidi, joiners, tags).
static bool s_is_control (ucs4_t c)
{
    return uc_is_general_category_withtable (c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf |
                                                    UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp);
}

bool text_nick_valid (const char *nick, size_t size)
{
    if (size == 0 || size > TEXT_NICK_MAX || !s_utf8 (nick, size))
        return false;
    for (size_t i = 0; i < size;) {
        ucs4_t c;
        i += (size_t)u8_mbtouc (&c, s_bytes (nick) + i, size - i);
        if (s_is_control (c) || uc_is_property_white_space (c))
            return false;
    }
    return true;
}

static bool s_is_digit (char c)
{
    return c >= '0' && c <= '9';
}

static bool s_is_lower (char c)
{
    return c >= 'a' && c <= 'z';
}

static bool s_is_upper (char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool s_name_valid (const char *name, size_t size, bool upper)
{
    if (size == 0 || size > TEXT_NAME_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool sign = i > 0 && (c == '.' || c == '_' || c == '-');
        if (!s_is_digit (c) && !s_is_lower (c) && !sign && !(upper && s_is_upper (c)))
            return false;
    }
    return true;
}

bool text_name_valid (const char *name, size_t size)
{
    if (!s_name_valid (name, size, false))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!s_is_digit (name[i]))
            return true;
    return false;
}

bool text_legacy_name_valid (const char *name, size_t size)
{
    return s_name_valid (name, size, true);
}

char *text_nick_key (const char *nick, size_t size)
{
    if (!s_utf8 (nick, size))
        return NULL;
    // Twice: a compatibility form (a bold A) becomes a plain capital only after the first folding.
    size_t once_size = 0;
    uint8_t *once = u8_casefold (s_bytes (nick), size, NULL, UNINORM_NFKC, NULL, &once_size);
    if (!once)
        return NULL;
    size_t key_size = 0;
    uint8_t *key = u8_casefold (once, once_size, NULL, UNINORM_NFKC, NULL, &key_size);
    free (once);
    char *result = key ? realloc (key, key_size + 1) : NULL;
    if (!result) {
        free (key);
        return NULL;
    }
    result[key_size] = 0;
    return result;
}

char *text_for_log (const char *text, size_t size, size_t max)
{
    size_t shown = size < max ? size : max;
    char *result = malloc (4 * shown + sizeof "...");
    if (!result)
        return NULL;
    char *out = result;
    for (size_t i = 0; i < shown; i++) {
        uint8_t byte = s_bytes (text)[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '\\')
            *out++ = (char)byte;
        else
            out += sprintf (out, "\\x%02x", byte);
    }
    strcpy (out, shown < size ? "..." : "");
    return result;
}

// What stands before the next character: marks on the last base, or nothing that takes any.
enum { NO_BASE = MARKS_MAX };

// Is it shown as nothing at all: fillers, joiners, selectors of variants? The two selectors of text
// and picture forms are in use, one behind a character.
static bool s_is_invisible (ucs4_t c, unsigned marks)
{
    bool form = c == 0xfe0e || c == 0xfe0f;
    return form ? marks > 0 : uc_is_property_default_ignorable_code_point (c);
}

// Writes one character of remote text as a terminal may have it; counts marks since the last base.
static char *s_put_shown (char *out, ucs4_t c, bool keep_lines, unsigned *marks)
{
    if (c >= ' ' && c <= '~') { // most of what there is needs no tables
        *marks = 0;
        *out++ = (char)c;
        return out;
    }
    if (keep_lines && (c == '\n' || c == '\t')) {
        *marks = NO_BASE;
        *out++ = (char)c;
        return out;
    }
    if (s_is_control (c) || s_is_invisible (c, *marks)) {
        *marks = NO_BASE;
        return out + sprintf (out, "\\u{%02x}", (unsigned)c);
    }
    if (!uc_is_general_category_withtable (c, UC_CATEGORY_MASK_Mn | UC_CATEGORY_MASK_Me))
        *marks = 0;
    else if (++*marks > MARKS_MAX)
        return out;
    return out + u8_uctomb ((uint8_t *)out, c, 4);
}

char *text_for_terminal (const char *text, size_t size, bool keep_lines)
{
    // The longest growth is one control byte shown as \u{NN}.
    char *result = malloc (6 * size + 1);
    if (!result)
        return NULL;
    char *out = result;
    unsigned marks = NO_BASE;
    for (size_t i = 0; i < size;) {
        ucs4_t c;
        int used = u8_mbtoucr (&c, s_bytes (text) + i, size - i);
        if (used > 0) {
            out = s_put_shown (out, c, keep_lines, &marks);
            i += (size_t)used;
        } else {
            out += sprintf (out, "\\x%02x", s_bytes (text)[i++]);
            marks = NO_BASE;
        }
    }
    *out++ = 0;
    char *fitted = realloc (result, (size_t)(out - result));
    return fitted ? fitted : result;
}

int text_width (const char *text, size_t size)
{
    return u8_width (s_bytes (text), size, "UTF-8");
}
