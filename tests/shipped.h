// shipped: holds a file of etc/ against its program's table of keys, in both directions.

#ifndef ZCHAT_TESTS_SHIPPED_H
#define ZCHAT_TESTS_SHIPPED_H

#include "common/conf.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The path of etc/NAME, found beside the folder of the test's own source.
static inline char *shipped_path (const char *source, const char *name)
{
    static char path[1024];
    const char *slash = strrchr (source, '/');
    snprintf (path, sizeof path, "%.*s../etc/%s", slash ? (int)(slash + 1 - source) : 0, source,
              name);
    return path;
}

// The file loads clean (no other key is in it), and gives each key, with its default.
static inline void shipped_agrees (const char *path, const conf_key_t *keys, size_t count)
{
    conf_t *standard = conf_new (keys, count), *shipped = conf_new (keys, count);
    conf_load (shipped, path, false);
    if (conf_error_count (shipped) > 0)
        ck_abort_msg ("%s", conf_error (shipped, 0));
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg (conf_given (shipped, keys[i].path), "%s is not in the file", keys[i].path);
        ck_assert_msg (conf_same (shipped, standard, keys[i].path), "%s differs", keys[i].path);
    }
    conf_destroy (&standard);
    conf_destroy (&shipped);
}

// The key's line in the file, whose comment names the unit.
static inline void shipped_names_units (const char *path, const conf_key_t *keys, size_t count)
{
    FILE *file = fopen (path, "r");
    ck_assert_ptr_nonnull (file);
    char text[16384], line[512] = "";
    text[fread (text, 1, sizeof text - 1, file)] = 0;
    fclose (file);
    for (size_t i = 0; i < count; i++) {
        const char *dot = strrchr (keys[i].path, '.');
        const char *name = dot ? dot + 1 : keys[i].path;
        const char *at = text;
        for (; *at; at += strcspn (at, "\n"), at += *at == '\n') {
            snprintf (line, sizeof line, "%.*s", (int)strcspn (at, "\n"), at);
            const char *word = line + strspn (line, " ");
            if (strncmp (word, name, strlen (name)) == 0 && word[strlen (name)] == ' ')
                break;
        }
        ck_assert_msg (!keys[i].unit || (*at && strstr (line, keys[i].unit)), "no unit: %s",
                       keys[i].path);
    }
}

#endif
