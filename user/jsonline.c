#include "user/jsonline.h"

#include "common/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIME_TEXT = 60 };

struct jsonline {
    json_t *object;
    bool failed;
};

jsonline_t *jsonline_new (void)
{
    jsonline_t *self = calloc (1, sizeof *self);
    if (self && !(self->object = json_object ())) {
        free (self);
        return NULL;
    }
    return self;
}

static void s_put (jsonline_t *self, const char *key, json_t *value)
{
    if (!self)
        json_decref (value);
    else if (json_object_set_new_nocheck (self->object, key, value) < 0)
        self->failed = true;
}

void jsonline_number (jsonline_t *self, const char *key, uint64_t value)
{
    s_put (self, key, json_integer ((json_int_t)value));
}

void jsonline_flag (jsonline_t *self, const char *key, bool value)
{
    s_put (self, key, json_boolean (value));
}

void jsonline_null (jsonline_t *self, const char *key)
{
    s_put (self, key, json_null ());
}

static json_t *s_text (const char *text, size_t size)
{
    json_t *value = json_stringn (text, size);
    if (value)
        return value;
    char *shown = text_for_terminal (text, size, true); // JSON has no other bytes than UTF-8
    value = shown ? json_string (shown) : NULL;
    free (shown);
    return value;
}

void jsonline_text (jsonline_t *self, const char *key, span_t text)
{
    s_put (self, key, s_text ((const char *)text.data, text.size));
}

void jsonline_string (jsonline_t *self, const char *key, const char *text)
{
    s_put (self, key, text ? s_text (text, strlen (text)) : json_null ());
}

void jsonline_strings (jsonline_t *self, const char *key, const char *const *texts, size_t count)
{
    json_t *array = json_array ();
    for (size_t i = 0; array && i < count; i++)
        json_array_append_new (array, s_text (texts[i], strlen (texts[i])));
    s_put (self, key, array);
}

void jsonline_guid (jsonline_t *self, const char *key, const guid_t *guid)
{
    char text[GUID_TEXT];
    s_put (self, key, json_string (guid_print (guid, text)));
}

void jsonline_hex (jsonline_t *self, const char *key, span_t bytes)
{
    char *hex = malloc (2 * bytes.size + 1);
    for (size_t i = 0; hex && i < bytes.size; i++)
        sprintf (hex + 2 * i, "%02x", bytes.data[i]);
    s_put (self, key, hex && bytes.size > 0 ? json_string (hex) : json_null ());
    free (hex);
}

void jsonline_time (jsonline_t *self, const char *key, int64_t micros)
{
    time_t seconds = micros / 1000000;
    struct tm tm;
    char day[TIME_TEXT] = "", text[TIME_TEXT + 16];
    if (gmtime_r (&seconds, &tm))
        strftime (day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf (text, sizeof text, "%s.%06dZ", day, (int)(micros % 1000000));
    s_put (self, key, json_string (text));
}

// Escapes each DEL, the one control that jansson leaves as it is. Takes the line.
static char *s_without_delete (char *line)
{
    size_t size = line ? strlen (line) : 0;
    char *result = line ? malloc (6 * size + 1) : NULL, *out = result;
    for (size_t i = 0; result && i < size; i++)
        if (line[i] == 0x7f)
            out = stpcpy (out, "\\u007F");
        else
            *out++ = line[i];
    if (result)
        *out = 0;
    free (line);
    return result;
}

// Would it be shown as it is?
static bool s_is_harmless (const char *line)
{
    char *shown = text_for_terminal (line, strlen (line), false);
    bool harmless = shown && strcmp (shown, line) == 0;
    free (shown);
    return harmless;
}

char *jsonline_take (jsonline_t **self_p)
{
    jsonline_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return NULL;
    char *line = self->failed ? NULL : json_dumps (self->object, JSON_COMPACT);
    if (line && !s_is_harmless (line)) {
        free (line);
        line = s_without_delete (json_dumps (self->object, JSON_COMPACT | JSON_ENSURE_ASCII));
    }
    json_decref (self->object);
    free (self);
    size_t size = line ? strlen (line) : 0;
    char *result = line ? realloc (line, size + 2) : NULL;
    if (result)
        strcpy (result + size, "\n");
    else
        free (line);
    return result;
}
