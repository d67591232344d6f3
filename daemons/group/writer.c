#include "daemons/group/writer.h"

#include <czmq.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

enum {
    AHEAD = 1 << 20,     // zeros kept ahead of the log
    AHEAD_STEP = 1 << 18 // bytes written and synced at a time
};

struct writer_thread {
    pthread_t thread;
    int in;  // eventfd: a job, or the end
    int out; // eventfd: the job is done
    // Handed over through the eventfds, so each side looks only when it is its turn.
    writer_job_t *job; // NULL with `in`: end
    // The thread's own.
    int fd;          // file of the last job, -1: none
    uint64_t end;    // of what is written in it
    uint64_t zeroed; // zeros are on disk up to here
    int broken;      // errno of a failed sync
};

static void s_signal (int fd)
{
    uint64_t one = 1;
    while (write (fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static bool s_signalled (int fd, int timeout)
{
    struct pollfd item = {fd, POLLIN, 0};
    uint64_t count;
    while (poll (&item, 1, timeout) < 0 && errno == EINTR)
        ;
    return read (fd, &count, sizeof count) == sizeof count;
}

int writer_sync (int fd)
{
    return fsync (fd);
}

int writer_sync_and_forget (int fd)
{
    if (fsync (fd) < 0)
        return -1;
    posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
    return 0;
}

static int s_write_all (int fd, span_t bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t rc = pwrite (fd, bytes.data + done, bytes.size - done, (off_t)(offset + done));
        if (rc > 0)
            done += (size_t)rc;
        else if (rc == 0)
            errno = EIO;
        if (rc == 0 || (rc < 0 && errno != EINTR))
            return -1;
    }
    return 0;
}

static void s_fail (writer_job_t *job, writer_result_t result, const char *call)
{
    job->result = result;
    job->error = errno;
    job->call = call;
}

// A write failed: takes back what it may have left. If that fails too, the file's end is unknown.
static void s_undo (writer_thread_t *self, writer_job_t *job, const char *call)
{
    s_fail (job, WRITER_UNDONE, call);
    if (job->fd < 0) {
        if (job->made_fd >= 0)
            close (job->made_fd);
        job->made_fd = -1;
        if (unlinkat (job->dir, job->name, 0) < 0 && errno != ENOENT)
            s_fail (job, WRITER_FINAL, "unlink of an unfinished segment");
        return;
    }
    int rc;
    while ((rc = ftruncate (job->fd, (off_t)job->offset)) < 0 && errno == EINTR)
        ;
    self->zeroed = job->offset;
    if (rc < 0)
        s_fail (job, WRITER_FINAL, "ftruncate after a failed write");
}

static void s_sync_failed (writer_thread_t *self, writer_job_t *job, const char *call)
{
    s_fail (job, WRITER_FINAL, call);
    self->broken = job->error;
}

static void s_append (writer_thread_t *self, writer_job_t *job)
{
    if (self->fd != job->fd) {
        self->fd = job->fd;
        self->zeroed = job->offset;
    }
    if (s_write_all (job->fd, job->data, job->offset) < 0)
        s_undo (self, job, "pwrite");
    else if (fdatasync (job->fd) < 0)
        s_sync_failed (self, job, "fdatasync");
    self->end = job->offset + (job->result == WRITER_DONE ? job->data.size : 0);
}

static void s_new_segment (writer_thread_t *self, writer_job_t *job)
{
    self->fd = -1;
    job->made_fd = openat (job->dir, job->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (job->made_fd < 0) {
        s_fail (job, WRITER_UNDONE, "open of a new segment");
        return;
    }
    if (s_write_all (job->made_fd, job->head, 0) < 0 ||
        s_write_all (job->made_fd, job->data, job->head.size) < 0) {
        s_undo (self, job, "pwrite to a new segment");
        return;
    }
    if (fdatasync (job->made_fd) < 0 || fsync (job->dir) < 0) {
        s_sync_failed (self, job, "sync of a new segment and its folder");
        return;
    }
    self->fd = job->made_fd;
    self->end = self->zeroed = job->head.size + job->data.size;
    // The old segment's zeros are of no use any more. If this fails they only take space.
    if (job->trim_fd >= 0 && ftruncate (job->trim_fd, (off_t)job->trim_size) < 0)
        job->trim_fd = -1;
}

static void s_run (writer_thread_t *self, writer_job_t *job)
{
    job->result = WRITER_DONE;
    job->error = 0;
    job->call = NULL;
    job->made_fd = -1;
    if (self->broken) {
        errno = self->broken;
        s_fail (job, WRITER_FINAL, "an earlier sync");
    } else if (job->fd < 0)
        s_new_segment (self, job);
    else
        s_append (self, job);
    if (job->result == WRITER_FINAL)
        self->broken = job->error;
}

// One step of zeros ahead of the log. Returns whether another one is wanted.
static bool s_zero_ahead (writer_thread_t *self)
{
    static const uint8_t zeros[AHEAD_STEP];
    if (self->fd < 0 || self->broken)
        return false;
    if (self->zeroed < self->end)
        self->zeroed = self->end;
    if (self->zeroed - self->end >= AHEAD)
        return false;
    if (s_write_all (self->fd, span (zeros, sizeof zeros), self->zeroed) < 0) {
        // No space: no zeros. Whatever was written of them must not be taken for use.
        self->zeroed = self->end;
        self->fd = -1;
        return false;
    }
    if (fdatasync (self->fd) < 0) {
        self->broken = errno;
        return false;
    }
    self->zeroed += AHEAD_STEP;
    return self->zeroed - self->end < AHEAD;
}

static void *s_thread (void *arg)
{
    writer_thread_t *self = arg;
    bool more = false;
    for (;;) {
        if (!s_signalled (self->in, more ? 0 : -1)) {
            if (more)
                more = s_zero_ahead (self);
            continue;
        }
        if (!self->job)
            return NULL;
        s_run (self, self->job);
        more = self->fd >= 0 && self->zeroed < self->end + AHEAD - AHEAD_STEP;
        s_signal (self->out);
    }
}

writer_thread_t *writer_new (void)
{
    writer_thread_t *self = zmalloc (sizeof *self);
    self->fd = -1;
    self->in = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->out = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = self->in < 0 || self->out < 0 ? errno : 0;
    if (rc == 0)
        rc = pthread_create (&self->thread, NULL, s_thread, self);
    if (rc == 0)
        return self;
    close (self->in);
    close (self->out);
    free (self);
    errno = rc;
    return NULL;
}

void writer_destroy (writer_thread_t **self_p)
{
    writer_thread_t *self = *self_p;
    if (!self)
        return;
    writer_take (self, self->job ? -1 : 0);
    s_signal (self->in);
    pthread_join (self->thread, NULL);
    close (self->in);
    close (self->out);
    free (self);
    *self_p = NULL;
}

void writer_submit (writer_thread_t *self, writer_job_t *job)
{
    assert (!self->job);
    self->job = job;
    s_signal (self->in);
}

int writer_fd (const writer_thread_t *self)
{
    return self->out;
}

writer_job_t *writer_take (writer_thread_t *self, int timeout)
{
    if (!self->job || !s_signalled (self->out, timeout))
        return NULL;
    writer_job_t *job = self->job;
    self->job = NULL;
    return job;
}
