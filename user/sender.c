#include "user/sender.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_TEXT = 2 * RECORD_DEVICE + 1, LINE = 27 };

struct sender {
    uint8_t name[RECORD_DEVICE];
    uint64_t last;
    bool used;
    int fd; // locked; -1: the device is in memory only
    char file[PATH_MAX];
};

static int s_save (sender_t *self)
{
    char line[LINE + 1];
    if (self->fd < 0)
        return 0;
    snprintf (line, sizeof line, "%s %020" PRIu64 "\n", self->used ? "used " : "clean", self->last);
    // One small write in place: the process may die before or after it, not within.
    ssize_t put = pwrite (self->fd, line, LINE, 0);
    if (put >= 0 && put < LINE)
        errno = ENOSPC;
    return put == LINE ? 0 : -1;
}

// Reads a locked file; a device only if it is clean.
static int s_load (sender_t *self)
{
    char line[LINE + 2];
    ssize_t got = pread (self->fd, line, LINE + 1, 0);
    if (got != LINE || memcmp (line, "clean ", 6) != 0)
        return -1;
    char *end;
    errno = 0;
    line[LINE] = 0;
    self->last = strtoull (line + 6, &end, 10);
    return errno == 0 && end == line + LINE - 1 ? 0 : -1;
}

static bool s_lock (int fd)
{
    return flock (fd, LOCK_EX | LOCK_NB) == 0;
}

// Another process may have removed the file between our opening and our lock.
static bool s_is_still_there (const sender_t *self)
{
    struct stat ours, named;
    return fstat (self->fd, &ours) == 0 && stat (self->file, &named) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

// Takes the device of this file if it is free. 1: it is ours; 0: it is not.
static int s_open (sender_t *self, const char *folder, const char *name)
{
    size_t used;
    if (strlen (name) != NAME_TEXT - 1 ||
        sodium_hex2bin (self->name, RECORD_DEVICE, name, NAME_TEXT - 1, NULL, &used, NULL) != 0 ||
        used != RECORD_DEVICE)
        return 0;
    if (snprintf (self->file, sizeof self->file, "%s/%s", folder, name) >= (int)sizeof self->file)
        return 0;
    self->fd = open (self->file, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (self->fd < 0)
        return 0;
    if (s_lock (self->fd) && s_is_still_there (self)) {
        if (s_load (self) == 0)
            return 1;
        unlink (self->file);
    }
    close (self->fd);
    self->fd = -1;
    return 0;
}

static bool s_find (sender_t *self, const char *folder)
{
    DIR *pool = opendir (folder);
    struct dirent *entry;
    int found = 0;
    while (pool && !found && (entry = readdir (pool)))
        found = s_open (self, folder, entry->d_name);
    if (pool)
        closedir (pool);
    return found;
}

// Makes the file of a new device, locked before it bears the name under which others find it.
static int s_create (sender_t *self, const char *folder, const char *name)
{
    char fresh[PATH_MAX];
    int size = snprintf (fresh, sizeof fresh, "%s/%s.new", folder, name);
    if (size >= (int)sizeof fresh)
        return -1;
    snprintf (self->file, sizeof self->file, "%.*s", size - 4, fresh);
    self->fd = open (fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (self->fd < 0)
        return -1;
    if (s_lock (self->fd) && s_save (self) == 0 && rename (fresh, self->file) == 0)
        return 0;
    unlink (fresh);
    close (self->fd);
    self->fd = -1;
    return -1;
}

static void s_make (sender_t *self, const char *folder)
{
    char name[NAME_TEXT];
    self->last = 0;
    self->fd = -1;
    randombytes_buf (self->name, RECORD_DEVICE);
    sodium_bin2hex (name, sizeof name, self->name, RECORD_DEVICE);
    if (folder)
        s_create (self, folder, name); // else it lives in memory
}

sender_t *sender_take (const char *folder)
{
    sender_t *self = calloc (1, sizeof *self);
    if (!self || sodium_init () < 0) {
        free (self);
        return NULL;
    }
    self->fd = -1;
    if (!folder || !s_find (self, folder))
        s_make (self, folder);
    return self;
}

void sender_destroy (sender_t **self_p)
{
    sender_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->fd >= 0) {
        if (self->used)
            unlink (self->file);
        close (self->fd);
    }
    free (self);
}

void sender_discard (sender_t **self_p)
{
    if (*self_p)
        (*self_p)->used = true;
    sender_destroy (self_p);
}

const uint8_t *sender_name (const sender_t *self)
{
    return self->name;
}

uint64_t sender_last (const sender_t *self)
{
    return self->last;
}

int sender_use (sender_t *self)
{
    if (self->used)
        return 0;
    self->used = true;
    if (s_save (self) == 0)
        return 0;
    self->used = false;
    return -1;
}

void sender_clean (sender_t *self, uint64_t last)
{
    if (!self->used && self->last == last)
        return;
    self->last = last;
    self->used = false;
    // What cannot be written stays `used` in the file: whoever finds it throws it away.
    self->used = s_save (self) < 0;
}
