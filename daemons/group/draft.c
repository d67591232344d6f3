#include "daemons/group/draft.h"

#include "daemons/group/segment.h"
#include "daemons/group/writer.h"

#include <czmq.h>
#include <fcntl.h>

enum { ROOM = 1 << 18 };

struct draft {
    int dir;
    int fd;
    char name[48];
    char fresh[48];
    uint64_t written; // to the file
    size_t used;      // of what waits
    bool kept;
    uint8_t waiting[ROOM];
};

draft_t *draft_new (int dir, const char *name)
{
    draft_t *self = zmalloc (sizeof *self);
    self->dir = dir;
    snprintf (self->name, sizeof self->name, "%.40s", name);
    snprintf (self->fresh, sizeof self->fresh, "%.40s.new", name);
    unlinkat (dir, self->fresh, 0); // left by a crash
    self->fd = openat (dir, self->fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (self->fd < 0) {
        int cause = errno;
        self->kept = true; // nothing to remove
        draft_destroy (&self);
        errno = cause;
    }
    return self;
}

void draft_destroy (draft_t **self_p)
{
    draft_t *self = *self_p;
    if (!self)
        return;
    int cause = errno;
    if (self->fd >= 0)
        close (self->fd);
    if (!self->kept)
        unlinkat (self->dir, self->fresh, 0);
    free (self);
    *self_p = NULL;
    errno = cause;
}

static int s_put (draft_t *self, span_t bytes, uint64_t offset)
{
    while (bytes.size > 0) {
        ssize_t rc = pwrite (self->fd, bytes.data, bytes.size, (off_t)offset);
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0) {
            errno = rc < 0 ? errno : ENOSPC;
            return -1;
        }
        offset += (uint64_t)rc;
        bytes = span (bytes.data + rc, bytes.size - (size_t)rc);
    }
    return 0;
}

static int s_flush (draft_t *self)
{
    if (s_put (self, span (self->waiting, self->used), self->written) < 0)
        return -1;
    self->written += self->used;
    self->used = 0;
    return 0;
}

int draft_write (draft_t *self, span_t bytes)
{
    while (bytes.size > 0) {
        if (self->used == ROOM && s_flush (self) < 0)
            return -1;
        size_t part = bytes.size < ROOM - self->used ? bytes.size : ROOM - self->used;
        memcpy (self->waiting + self->used, bytes.data, part);
        self->used += part;
        bytes = span (bytes.data + part, bytes.size - part);
    }
    return 0;
}

int draft_copy (draft_t *self, int fd, uint64_t offset, uint64_t end)
{
    uint8_t bytes[65536];
    while (offset < end) {
        size_t size = end - offset < sizeof bytes ? (size_t)(end - offset) : sizeof bytes;
        ssize_t rc = segment_pread (fd, bytes, size, offset);
        if (rc >= 0 && (size_t)rc < size) {
            errno = EIO; // it was longer a moment ago
            return -1;
        }
        if (rc < 0 || draft_write (self, span (bytes, size)) < 0)
            return -1;
        offset += size;
    }
    return 0;
}

int draft_patch (draft_t *self, uint64_t offset, span_t bytes)
{
    return s_flush (self) < 0 ? -1 : s_put (self, bytes, offset);
}

int draft_keep (draft_t *self)
{
    if (s_flush (self) < 0 || writer_sync (self->fd) < 0 ||
        renameat (self->dir, self->fresh, self->dir, self->name) < 0)
        return -1;
    self->kept = true;
    return writer_sync (self->dir);
}

uint64_t draft_size (const draft_t *self)
{
    return self->written + self->used;
}

int draft_fd (draft_t *self)
{
    return s_flush (self) < 0 ? -1 : self->fd;
}
