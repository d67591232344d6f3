#include "daemons/group/writer.h"

#include <czmq.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

enum {
    RESERVE = 1 << 18,    // bytes that only jobs with `reserve` may use
    AHEAD = 1 << 20,      // zeros kept ahead of the log
    AHEAD_STEP = 1 << 18, // bytes written and synced at a time
    // A sync of zeroed space costs less than one of space that is only taken, by the same for each
    // job. Zeros for large ones cost more than that, since each byte is written twice; much larger
    // ones are worth it on a disk that is fast.
    AHEAD_JOB = 1 << 15,
    AHEAD_JOB_FAST = 1 << 18,
    AHEAD_FAST_US = 1000, // for a step
    AHEAD_LOOK = 64       // large jobs, until it is seen again whether the disk is fast
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
    uint64_t zeroed; // zeros were written up to here
    uint64_t room;   // space on the disk is taken up to here; what is not zeroed reads as zeros too
    bool fast;       // the last step of zeros took less than AHEAD_FAST_US
    unsigned large;  // jobs since then that were too large for a slow disk
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

static int s_zero (int fd, uint64_t from, uint64_t to)
{
    static const uint8_t zeros[AHEAD_STEP];
    while (from < to) {
        size_t size = to - from < sizeof zeros ? (size_t)(to - from) : sizeof zeros;
        if (s_write_all (fd, span (zeros, size), from) < 0)
            return -1;
        from += size;
    }
    return 0;
}

static void s_sync_failed (writer_thread_t *self, writer_job_t *job, const char *call)
{
    s_fail (job, WRITER_FINAL, call);
    self->broken = job->error;
}

// A write failed: makes zeros again of what it may have left. Where that fails, the file is cut; if
// that fails too, its end is unknown. Synced: else a crash could bring back what the log goes on
// without.
static void s_undo (writer_thread_t *self, writer_job_t *job, const char *call)
{
    s_fail (job, WRITER_UNDONE, call);
    int rc = s_zero (job->fd, job->offset, job->offset + job->data.size);
    if (rc < 0) {
        while ((rc = ftruncate (job->fd, (off_t)job->offset)) < 0 && errno == EINTR)
            ;
        self->zeroed = self->room = job->offset;
    }
    if (rc < 0)
        s_fail (job, WRITER_FINAL, "ftruncate after a failed write");
    else if (fdatasync (job->fd) < 0)
        s_sync_failed (self, job, "fdatasync after a failed write");
}

// The same for a new segment: one that came back would stand over what was appended meanwhile.
static void s_undo_segment (writer_thread_t *self, writer_job_t *job, const char *call)
{
    s_fail (job, WRITER_UNDONE, call);
    close (job->made_fd);
    job->made_fd = -1;
    if (unlinkat (job->dir, job->name, 0) < 0 && errno != ENOENT)
        s_fail (job, WRITER_FINAL, "unlink of an unfinished segment");
    else if (fsync (job->dir) < 0)
        s_sync_failed (self, job, "sync of the folder behind a failed write");
}

// Takes space on the disk up to `to`. Where the file system cannot do that, zeros are written.
static int s_allocate (int fd, uint64_t from, uint64_t to)
{
    int rc;
    while ((rc = fallocate (fd, 0, (off_t)from, (off_t)(to - from))) < 0 && errno == EINTR)
        ;
    return rc < 0 && errno == EOPNOTSUPP ? s_zero (fd, from, to) : rc;
}

// The job's bytes must have room, and behind them the reserve, unless the job may use that. So a
// full disk is met here, before anything is written.
static int s_make_room (writer_thread_t *self, const writer_job_t *job)
{
    uint64_t end = job->offset + job->data.size;
    uint64_t wanted = job->reserve ? end : end + RESERVE;
    if (wanted <= self->room)
        return 0;
    uint64_t more = wanted + AHEAD;
    if (s_allocate (job->fd, self->room, more) < 0) {
        more = wanted; // near the end of the disk: only what must be
        if (s_allocate (job->fd, self->room, more) < 0)
            return -1;
    }
    self->room = more;
    return 0;
}

// Another file than that of the last job: recovery saw to it that nothing but zeros follows. -1:
// it could only be opened for reading.
static int s_take_file (writer_thread_t *self, const writer_job_t *job)
{
    struct stat status;
    if ((fcntl (job->fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
        errno = EACCES;
        return -1;
    }
    self->fd = job->fd;
    self->end = self->zeroed = self->room = job->offset;
    if (fstat (job->fd, &status) == 0 && (uint64_t)status.st_size > job->offset)
        self->zeroed = self->room = (uint64_t)status.st_size;
    return 0;
}

static void s_append (writer_thread_t *self, writer_job_t *job)
{
    if (self->fd != job->fd && s_take_file (self, job) < 0)
        s_fail (job, WRITER_UNDONE, "open for writing");
    else if (s_make_room (self, job) < 0)
        s_fail (job, WRITER_UNDONE, "fallocate");
    else if (s_write_all (job->fd, job->data, job->offset) < 0)
        s_undo (self, job, "pwrite");
    else if (fdatasync (job->fd) < 0)
        s_sync_failed (self, job, "fdatasync");
    if (job->result == WRITER_DONE)
        self->end = job->offset + job->data.size;
}

static void s_new_segment (writer_thread_t *self, writer_job_t *job)
{
    self->fd = -1;
    job->made_fd = openat (job->dir, job->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (job->made_fd < 0) {
        s_fail (job, WRITER_UNDONE, "open of a new segment");
        return;
    }
    uint64_t end = job->head.size + job->data.size;
    if (s_allocate (job->made_fd, 0, end + RESERVE) < 0 ||
        s_write_all (job->made_fd, job->head, 0) < 0 ||
        s_write_all (job->made_fd, job->data, job->head.size) < 0) {
        s_undo_segment (self, job, "writing a new segment");
        return;
    }
    if (fdatasync (job->made_fd) < 0 || fsync (job->dir) < 0) {
        s_sync_failed (self, job, "sync of a new segment and its folder");
        return;
    }
    self->fd = job->made_fd;
    self->end = self->zeroed = end;
    self->room = end + RESERVE;
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
    if (self->fd < 0 || self->broken)
        return false;
    if (self->zeroed < self->end)
        self->zeroed = self->end;
    if (self->zeroed - self->end >= AHEAD)
        return false;
    uint64_t to = self->zeroed + AHEAD_STEP;
    int64_t begun = zclock_usecs ();
    if (s_zero (self->fd, self->zeroed, to) < 0)
        return false; // no space: the next job will say so
    if (fdatasync (self->fd) < 0) {
        self->broken = errno;
        return false;
    }
    self->fast = zclock_usecs () - begun < AHEAD_FAST_US;
    self->large = 0;
    self->zeroed = to;
    self->room = to > self->room ? to : self->room;
    return self->zeroed - self->end < AHEAD;
}

// Whether zeros are to be kept ahead of the jobs behind one of this size.
static bool s_is_worth_zeros (writer_thread_t *self, size_t size)
{
    if (size < AHEAD_JOB)
        return true;
    return size < AHEAD_JOB_FAST && (self->fast || ++self->large >= AHEAD_LOOK);
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
        more = self->fd >= 0 && s_is_worth_zeros (self, self->job->data.size) &&
               self->zeroed < self->end + AHEAD - AHEAD_STEP;
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
