// faults: system calls of the code under test, seen and made to fail.
//
// The linker sends the calls here (-Wl,--wrap, see CMakeLists.txt); so only one file of a program
// includes this. Calls of libraries are not touched. Any thread may call.

#ifndef ZCHAT_TESTS_FAULTS_H
#define ZCHAT_TESTS_FAULTS_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

typedef enum {
    FAULTS_PREAD,
    FAULTS_PWRITE,
    FAULTS_ZEROS, // pwrite of nothing but zeros: what a thread may do at any time
    FAULTS_FDATASYNC,
    FAULTS_FSYNC,
    FAULTS_FTRUNCATE,
    FAULTS_FALLOCATE,
    FAULTS_OPENAT,
    FAULTS_UNLINKAT,
    FAULTS_RENAMEAT,
    FAULTS_FADVISE,
    FAULTS_CALLS
} faults_call_t;

// A call that was made, whether or not it failed. `size` of FTRUNCATE is the new one.
typedef struct {
    faults_call_t call;
    int fd;
    uint64_t offset;
    size_t size;
    bool failed;
} faults_event_t;

typedef struct {
    int skip;    // so many calls go through
    int count;   // so many after them fail; -1: all
    int error;   // with this errno; 0: PWRITE and PREAD do a part of the work
    size_t part; // bytes of that part
} faults_plan_t;

enum { FAULTS_EVENTS = 4096 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t happened;
    faults_plan_t plans[FAULTS_CALLS];
    faults_event_t events[FAULTS_EVENTS]; // the first ones since faults_forget
    size_t count;
    size_t calls[FAULTS_CALLS]; // since faults_forget
    bool no_syncs;              // FDATASYNC and FSYNC do nothing: for cases that need many
    uint64_t space;             // bytes that PWRITE may still take, UINT64_MAX: any number
    uint64_t more_space;        // that comes behind the first ENOSPC
    uint64_t limit;             // bytes that a file may have, as on a full disk
    bool held;                  // FDATASYNC waits
} s_faults = {.lock = PTHREAD_MUTEX_INITIALIZER,
              .happened = PTHREAD_COND_INITIALIZER,
              .space = UINT64_MAX,
              .limit = UINT64_MAX};

// The next `skip` calls go through, then `count` fail with `error` (-1: all).
static inline void faults_fail (faults_call_t call, int skip, int count, int error)
{
    pthread_mutex_lock (&s_faults.lock);
    s_faults.plans[call] = (faults_plan_t){skip, count, error, 0};
    pthread_mutex_unlock (&s_faults.lock);
}

// So many calls take or give only `part` bytes.
static inline void faults_shorten (faults_call_t call, int skip, int count, size_t part)
{
    pthread_mutex_lock (&s_faults.lock);
    s_faults.plans[call] = (faults_plan_t){skip, count, 0, part};
    pthread_mutex_unlock (&s_faults.lock);
}

// PWRITE and ZEROS take so many bytes more: what fits, and then ENOSPC.
static inline void faults_set_space (uint64_t bytes)
{
    pthread_mutex_lock (&s_faults.lock);
    s_faults.space = bytes;
    pthread_mutex_unlock (&s_faults.lock);
}

// A file has room for so many bytes, of which the first ones may be written over at any time.
static inline void faults_set_limit (uint64_t bytes)
{
    pthread_mutex_lock (&s_faults.lock);
    s_faults.limit = bytes;
    pthread_mutex_unlock (&s_faults.lock);
}

// Behind the next ENOSPC of that there is room for so many bytes again.
static inline void faults_grow_space_after_failure (uint64_t bytes)
{
    pthread_mutex_lock (&s_faults.lock);
    s_faults.more_space = bytes;
    pthread_mutex_unlock (&s_faults.lock);
}

static inline void faults_skip_syncs (bool skip)
{
    pthread_mutex_lock (&s_faults.lock);
    s_faults.no_syncs = skip;
    pthread_mutex_unlock (&s_faults.lock);
}

// FDATASYNC waits until it is let go.
static inline void faults_hold_syncs (bool hold)
{
    pthread_mutex_lock (&s_faults.lock);
    s_faults.held = hold;
    pthread_cond_broadcast (&s_faults.happened);
    pthread_mutex_unlock (&s_faults.lock);
}

static inline void faults_forget (void)
{
    pthread_mutex_lock (&s_faults.lock);
    s_faults.count = 0;
    memset (s_faults.calls, 0, sizeof s_faults.calls);
    pthread_mutex_unlock (&s_faults.lock);
}

// Everything works again, nothing was seen.
static inline void faults_reset (void)
{
    pthread_mutex_lock (&s_faults.lock);
    memset (s_faults.plans, 0, sizeof s_faults.plans);
    s_faults.space = UINT64_MAX;
    s_faults.limit = UINT64_MAX;
    s_faults.more_space = 0;
    s_faults.no_syncs = s_faults.held = false;
    pthread_cond_broadcast (&s_faults.happened);
    pthread_mutex_unlock (&s_faults.lock);
    faults_forget ();
}

static inline size_t faults_calls (faults_call_t call)
{
    pthread_mutex_lock (&s_faults.lock);
    size_t calls = s_faults.calls[call];
    pthread_mutex_unlock (&s_faults.lock);
    return calls;
}

// Waits until so many calls were made since faults_forget.
static inline void faults_wait (faults_call_t call, size_t calls)
{
    struct timespec until;
    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    int rc = 0;
    pthread_mutex_lock (&s_faults.lock);
    while (rc == 0 && s_faults.calls[call] < calls)
        rc = pthread_cond_timedwait (&s_faults.happened, &s_faults.lock, &until);
    pthread_mutex_unlock (&s_faults.lock);
    ck_assert_msg (rc == 0, "call %d was not made %zu times", (int)call, calls);
}

// A copy of what happened; returns the number.
static inline size_t faults_events (faults_event_t out[FAULTS_EVENTS])
{
    pthread_mutex_lock (&s_faults.lock);
    size_t count = s_faults.count < FAULTS_EVENTS ? s_faults.count : FAULTS_EVENTS;
    memcpy (out, s_faults.events, count * sizeof out[0]);
    pthread_mutex_unlock (&s_faults.lock);
    return count;
}

// ---- The calls

// What becomes of this call: -1 it fails (errno), 0 it goes through, 1 only *size bytes of it, of a
// sync nothing. Locked.
static inline int s_faults_judge (faults_call_t call, uint64_t offset, size_t *size)
{
    faults_plan_t *plan = &s_faults.plans[call];
    int rc = 0;
    if (plan->count != 0 && plan->skip-- <= 0) {
        plan->skip = 0;
        plan->count -= plan->count > 0;
        errno = plan->error;
        rc = plan->error ? -1 : 1;
        if (rc == 1 && plan->part < *size)
            *size = plan->part;
    }
    if (rc == 0 && s_faults.no_syncs && (call == FAULTS_FDATASYNC || call == FAULTS_FSYNC))
        rc = 1;
    bool writes = call == FAULTS_PWRITE || call == FAULTS_ZEROS;
    if ((call == FAULTS_FALLOCATE && rc == 0 && offset + *size > s_faults.limit) ||
        (writes && rc >= 0 && offset >= s_faults.limit)) {
        errno = ENOSPC;
        return -1;
    }
    if (writes && *size > s_faults.limit - offset)
        *size = (size_t)(s_faults.limit - offset);
    if (writes && rc >= 0 && s_faults.space != UINT64_MAX) {
        if (s_faults.space == 0) {
            s_faults.space = s_faults.more_space;
            s_faults.more_space = 0;
            errno = ENOSPC;
            return -1;
        }
        if (*size > s_faults.space)
            *size = (size_t)s_faults.space;
        s_faults.space -= *size;
    }
    return rc;
}

static inline int s_faults_begin (faults_call_t call, int fd, uint64_t offset, size_t *size)
{
    pthread_mutex_lock (&s_faults.lock);
    while (s_faults.held && call == FAULTS_FDATASYNC)
        pthread_cond_wait (&s_faults.happened, &s_faults.lock);
    size_t wanted = *size;
    int rc = s_faults_judge (call, offset, size);
    int cause = errno;
    if (s_faults.count < FAULTS_EVENTS)
        s_faults.events[s_faults.count] =
            (faults_event_t){call, fd, offset, call == FAULTS_PWRITE ? *size : wanted, rc < 0};
    s_faults.count++;
    pthread_mutex_unlock (&s_faults.lock);
    errno = cause;
    return rc;
}

static inline void s_faults_end (faults_call_t call)
{
    int cause = errno;
    pthread_mutex_lock (&s_faults.lock);
    s_faults.calls[call]++;
    pthread_cond_broadcast (&s_faults.happened);
    pthread_mutex_unlock (&s_faults.lock);
    errno = cause;
}

ssize_t __real_pread (int fd, void *out, size_t size, off_t offset);
ssize_t __wrap_pread (int fd, void *out, size_t size, off_t offset);
ssize_t __wrap___pread_chk (int fd, void *out, size_t size, off_t offset, size_t room);
ssize_t __real_pwrite (int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite (int fd, const void *data, size_t size, off_t offset);
int __real_fdatasync (int fd);
int __wrap_fdatasync (int fd);
int __real_fsync (int fd);
int __wrap_fsync (int fd);
int __real_ftruncate (int fd, off_t size);
int __wrap_ftruncate (int fd, off_t size);
int __real_fallocate (int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate (int fd, int mode, off_t offset, off_t size);
int __real_openat (int dir, const char *name, int flags, ...);
int __wrap_openat (int dir, const char *name, int flags, ...);
int __real_posix_fadvise (int fd, off_t offset, off_t size, int advice);
int __wrap_posix_fadvise (int fd, off_t offset, off_t size, int advice);
int __real_unlinkat (int dir, const char *name, int flags);
int __wrap_unlinkat (int dir, const char *name, int flags);
int __real_renameat (int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat (int from_dir, const char *from, int to_dir, const char *to);

ssize_t __wrap_pread (int fd, void *out, size_t size, off_t offset)
{
    ssize_t rc = -1;
    if (s_faults_begin (FAULTS_PREAD, fd, (uint64_t)offset, &size) >= 0)
        rc = __real_pread (fd, out, size, offset);
    s_faults_end (FAULTS_PREAD);
    return rc;
}

// What a fortified build calls instead.
ssize_t __wrap___pread_chk (int fd, void *out, size_t size, off_t offset, size_t room)
{
    ck_assert (size <= room);
    return __wrap_pread (fd, out, size, offset);
}

static inline bool s_faults_is_zero (const uint8_t *data, size_t size)
{
    return size > 0 && data[0] == 0 && memcmp (data, data + 1, size - 1) == 0;
}

ssize_t __wrap_pwrite (int fd, const void *data, size_t size, off_t offset)
{
    faults_call_t call = s_faults_is_zero (data, size) ? FAULTS_ZEROS : FAULTS_PWRITE;
    ssize_t rc = -1;
    if (s_faults_begin (call, fd, (uint64_t)offset, &size) >= 0)
        rc = __real_pwrite (fd, data, size, offset);
    s_faults_end (call);
    return rc;
}

int __wrap_fdatasync (int fd)
{
    size_t none = 0;
    int rc = s_faults_begin (FAULTS_FDATASYNC, fd, 0, &none);
    if (rc == 0)
        rc = __real_fdatasync (fd);
    s_faults_end (FAULTS_FDATASYNC);
    return rc < 0 ? -1 : 0;
}

int __wrap_fsync (int fd)
{
    size_t none = 0;
    int rc = s_faults_begin (FAULTS_FSYNC, fd, 0, &none);
    if (rc == 0)
        rc = __real_fsync (fd);
    s_faults_end (FAULTS_FSYNC);
    return rc < 0 ? -1 : 0;
}

int __wrap_ftruncate (int fd, off_t size)
{
    size_t wanted = (size_t)size;
    int rc = s_faults_begin (FAULTS_FTRUNCATE, fd, 0, &wanted);
    if (rc >= 0)
        rc = __real_ftruncate (fd, size);
    s_faults_end (FAULTS_FTRUNCATE);
    return rc;
}

int __wrap_fallocate (int fd, int mode, off_t offset, off_t size)
{
    size_t wanted = (size_t)size;
    int rc = s_faults_begin (FAULTS_FALLOCATE, fd, (uint64_t)offset, &wanted);
    if (rc >= 0)
        rc = __real_fallocate (fd, mode, offset, size);
    s_faults_end (FAULTS_FALLOCATE);
    return rc;
}

int __wrap_openat (int dir, const char *name, int flags, ...)
{
    va_list args;
    va_start (args, flags);
    mode_t mode = flags & O_CREAT ? va_arg (args, mode_t) : 0;
    va_end (args);
    size_t none = 0;
    int rc = s_faults_begin (FAULTS_OPENAT, dir, 0, &none);
    if (rc >= 0)
        rc = __real_openat (dir, name, flags, mode);
    s_faults_end (FAULTS_OPENAT);
    return rc;
}

int __wrap_posix_fadvise (int fd, off_t offset, off_t size, int advice)
{
    size_t wanted = (size_t)size;
    int rc = s_faults_begin (FAULTS_FADVISE, fd, (uint64_t)offset, &wanted) < 0 ? errno : 0;
    if (rc == 0)
        rc = __real_posix_fadvise (fd, offset, size, advice);
    s_faults_end (FAULTS_FADVISE);
    return rc;
}

int __wrap_unlinkat (int dir, const char *name, int flags)
{
    size_t none = 0;
    int rc = s_faults_begin (FAULTS_UNLINKAT, dir, 0, &none);
    if (rc >= 0)
        rc = __real_unlinkat (dir, name, flags);
    s_faults_end (FAULTS_UNLINKAT);
    return rc;
}

int __wrap_renameat (int from_dir, const char *from, int to_dir, const char *to)
{
    size_t none = 0;
    int rc = s_faults_begin (FAULTS_RENAMEAT, from_dir, 0, &none);
    if (rc >= 0)
        rc = __real_renameat (from_dir, from, to_dir, to);
    s_faults_end (FAULTS_RENAMEAT);
    return rc;
}

#endif
