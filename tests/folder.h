// folder: a temporary folder for one test case, with files written into it.

#ifndef ZCHAT_TESTS_FOLDER_H
#define ZCHAT_TESTS_FOLDER_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char path[256];
} folder_t;

static inline folder_t folder_new (void)
{
    folder_t self;
    const char *base = getenv ("TMPDIR");
    snprintf (self.path, sizeof self.path, "%s/zchat-test-XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull (mkdtemp (self.path));
    return self;
}

static inline int folder_remove_one (const char *path, const struct stat *status, int kind,
                                     struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove (path);
}

static inline void folder_remove (const folder_t *self)
{
    nftw (self->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

// The path of a file there; valid until the next call.
static inline const char *folder_path (const folder_t *self, const char *name)
{
    static char path[512];
    snprintf (path, sizeof path, "%s/%s", self->path, name);
    return path;
}

// Writes a file and returns its path.
static inline const char *folder_write (const folder_t *self, const char *name, const void *data,
                                        size_t size)
{
    const char *path = folder_path (self, name);
    FILE *file = fopen (path, "wb");
    ck_assert_ptr_nonnull (file);
    ck_assert_uint_eq (fwrite (data, 1, size, file), size);
    fclose (file);
    return path;
}

static inline const char *folder_put (const folder_t *self, const char *name, const char *text)
{
    return folder_write (self, name, text, strlen (text));
}

#endif
