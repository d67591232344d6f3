#include "daemons/group/shelf.h"

#include "common/wallclock.h"
#include "daemons/group/writer.h"

#include <czmq.h>
#include <dirent.h>
#include <fcntl.h>

enum { LINE = 160 };

static int s_by_first (const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

// The first sequences that the names of all segments in the folder say, sorted. NULL with errno;
// none is not NULL.
static uint64_t *s_names (int dir, size_t *count)
{
    int copy = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir (copy);
    if (!folder)
        return NULL;
    size_t room = 64;
    uint64_t *firsts = malloc (room * sizeof *firsts);
    *count = 0;
    struct dirent *entry;
    while (firsts && (errno = 0, entry = readdir (folder))) {
        uint64_t first;
        if (!segment_name_parse (entry->d_name, &first))
            continue;
        if (*count == room) {
            room *= 2;
            firsts = realloc (firsts, room * sizeof *firsts);
        }
        assert (firsts);
        firsts[(*count)++] = first;
    }
    int cause = errno;
    closedir (folder);
    if (cause) {
        free (firsts);
        errno = cause;
        return NULL;
    }
    qsort (firsts, *count, sizeof *firsts, s_by_first);
    return firsts;
}

static int s_open (const shelf_t *self, uint64_t name)
{
    char text[SEGMENT_NAME];
    segment_name (name, text);
    return openat (self->dir, text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

// Nothing is known of the file but its name.
static void s_set_headless (shelf_file_t *file)
{
    file->header = (segment_header_t){.first = file->name};
    file->whole = false;
}

// A header that says another sequence than the name is the file's own if the rest of its beginning
// agrees.
static int s_judge (shelf_file_t *file, int fd)
{
    if (file->header.version != SEGMENT_VERSION)
        file->header.first = file->name; // nobody knows what else it says
    if (file->header.first == file->name)
        return 0;
    int whole = segment_begins_whole (fd, &file->header);
    if (whole == 0)
        s_set_headless (file);
    return whole < 0 ? -1 : 0;
}

static int s_read (const shelf_t *self, shelf_file_t *file, uint64_t name, const guid_t *log)
{
    uint8_t bytes[SEGMENT_HEADER];
    file->name = name;
    int fd = s_open (self, name);
    ssize_t size = fd < 0 ? -1 : segment_pread (fd, bytes, sizeof bytes, 0);
    bool header = size == sizeof bytes && segment_header_decode (&file->header, bytes) == 0;
    file->foreign = header && !guid_equal (&file->header.log, log);
    file->whole = header && !file->foreign;
    int rc = size < 0 ? -1 : 0;
    if (rc == 0 && file->whole)
        rc = s_judge (file, fd);
    else
        s_set_headless (file);
    int cause = errno;
    if (fd >= 0)
        close (fd);
    errno = cause;
    return rc;
}

// Whether the files hold the same, but for zeros at their ends. 1, 0, or -1 on a read error.
static int s_same (int fd, int other_fd)
{
    uint8_t bytes[65536], other[65536];
    if (fd < 0 || other_fd < 0)
        return -1;
    int64_t used = segment_used (fd, 0), other_used = segment_used (other_fd, 0);
    bool same = used == other_used;
    for (int64_t at = 0; same && at < used; at += (int64_t)sizeof bytes) {
        ssize_t size = segment_pread (fd, bytes, sizeof bytes, (uint64_t)at);
        ssize_t other_size = segment_pread (other_fd, other, sizeof other, (uint64_t)at);
        if (size < 0 || other_size < 0)
            return -1;
        size_t wanted = used - at < (int64_t)sizeof bytes ? (size_t)(used - at) : sizeof bytes;
        same = memcmp (bytes, other, wanted) == 0;
    }
    return used < 0 || other_used < 0 ? -1 : same;
}

// The same for two files by their names.
static int s_is_copy (const shelf_t *self, const shelf_file_t *file, const shelf_file_t *other)
{
    int fd = s_open (self, file->name), other_fd = s_open (self, other->name);
    int rc = s_same (fd, other_fd), cause = errno;
    if (fd >= 0)
        close (fd);
    if (other_fd >= 0)
        close (other_fd);
    errno = cause;
    return rc;
}

// Another file that is the same segment. NULL: none.
static const shelf_file_t *s_rival (const shelf_t *self, const shelf_file_t *file)
{
    for (size_t i = 0; i < self->count; i++)
        if (&self->files[i] != file && self->files[i].header.first == file->header.first)
            return &self->files[i];
    return NULL;
}

// Of two files that are the same segment the one with another name is a copy, or its header is not
// its own. 1: one is settled, 0: none is to be, -1: a read error.
static int s_settle (shelf_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        shelf_file_t *file = &self->files[i];
        const shelf_file_t *rival = file->name != file->header.first ? s_rival (self, file) : NULL;
        if (!rival)
            continue;
        int copy = s_is_copy (self, file, rival);
        if (copy == 0)
            s_set_headless (file);
        if (copy == 1) {
            self->copies[self->copy_count++] = file->name;
            memmove (file, file + 1, (--self->count - i) * sizeof *file);
        }
        return copy < 0 ? -1 : 1;
    }
    return 0;
}

static int s_by_header (const void *a, const void *b)
{
    uint64_t left = ((const shelf_file_t *)a)->header.first;
    uint64_t right = ((const shelf_file_t *)b)->header.first;
    return left < right ? -1 : left > right;
}

shelf_t *shelf_new (int dir, const guid_t *log)
{
    size_t count;
    uint64_t *names = s_names (dir, &count);
    if (!names)
        return NULL;
    shelf_t *self = zmalloc (sizeof *self);
    self->dir = dir;
    self->files = zmalloc ((count + 1) * sizeof *self->files);
    self->copies = zmalloc ((count + 1) * sizeof *self->copies);
    int rc = 0;
    for (; self->count < count && rc == 0; self->count++)
        rc = s_read (self, &self->files[self->count], names[self->count], log);
    while (rc == 0 && (rc = s_settle (self)) == 1)
        rc = 0;
    int cause = errno;
    qsort (self->files, self->count, sizeof *self->files, s_by_header);
    free (names);
    if (rc < 0)
        shelf_destroy (&self);
    errno = cause;
    return self;
}

void shelf_destroy (shelf_t **self_p)
{
    shelf_t *self = *self_p;
    if (!self)
        return;
    free (self->files);
    free (self->copies);
    free (self);
    *self_p = NULL;
}

bool shelf_astray (const shelf_t *self, shelf_tell_fn *tell, void *arg)
{
    char name[SEGMENT_NAME], line[LINE];
    bool astray = self->copy_count > 0;
    for (size_t i = 0; i < self->copy_count && tell; i++) {
        segment_name (self->copies[i], name);
        snprintf (line, sizeof line, "%s is a copy of another segment", name);
        tell (arg, line);
    }
    for (size_t i = 0; i < self->count; i++) {
        const shelf_file_t *file = &self->files[i];
        if (file->name == file->header.first)
            continue;
        astray = true;
        segment_name (file->name, name);
        snprintf (line, sizeof line, "%s holds segment %" PRIu64 ", not what its name says", name,
                  file->header.first);
        if (tell)
            tell (arg, line);
    }
    return astray;
}

static int s_set_copy_aside (shelf_t *self, shelf_tell_fn *tell, void *arg)
{
    char from[SEGMENT_NAME], to[64], line[LINE];
    uint64_t name = self->copies[self->copy_count - 1];
    segment_name (name, from);
    snprintf (to, sizeof to, "damaged-%020" PRId64 "-%020" PRIu64, wallclock_now (), name);
    if (renameat (self->dir, from, self->dir, to) < 0)
        return -1;
    self->copy_count--;
    snprintf (line, sizeof line, "%s is a copy of another segment: set aside as %s", from, to);
    tell (arg, line);
    return 0;
}

// The file that has the name gets this one's.
static int s_set_name (shelf_t *self, shelf_file_t *file, shelf_tell_fn *tell, void *arg)
{
    char from[SEGMENT_NAME], to[SEGMENT_NAME], line[LINE];
    segment_name (file->name, from);
    segment_name (file->header.first, to);
    if (renameat2 (self->dir, from, self->dir, to, RENAME_EXCHANGE) < 0 &&
        (errno != ENOENT || renameat (self->dir, from, self->dir, to) < 0))
        return -1;
    for (size_t i = 0; i < self->count; i++)
        if (self->files[i].name == file->header.first)
            self->files[i].name = file->name;
    file->name = file->header.first;
    snprintf (line, sizeof line, "%s held segment %" PRIu64 ": renamed", from, file->name);
    tell (arg, line);
    return 0;
}

int shelf_put_right (shelf_t *self, shelf_tell_fn *tell, void *arg)
{
    if (!shelf_astray (self, NULL, NULL))
        return 0;
    int rc = 0;
    while (self->copy_count > 0 && rc == 0)
        rc = s_set_copy_aside (self, tell, arg);
    for (size_t i = 0; i < self->count && rc == 0; i++)
        if (self->files[i].name != self->files[i].header.first)
            rc = s_set_name (self, &self->files[i], tell, arg);
    return rc == 0 ? writer_sync (self->dir) : -1;
}
