#include "tests/fault/disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER = -1, LISTING = -2 }; // the folder, and where it is read through

enum {
    FDS = 1024,
    FILES = 512,
    NAMES = 128,
    STEPS = 256,
    SECTOR = 512,
    MOST = 1 << 24,
    INTERRUPTS = 5
}; // in a row: who is interrupted tries again

static const uint8_t s_zeros[1 << 18];

// What was done to a file and not synced: data (its own, or s_zeros) at an offset, or (data NULL) a
// size.
typedef struct change change_t;
struct change {
    change_t *next;
    off_t offset; // or the size
    size_t size;
    const uint8_t *data;
    bool cuts; // a size that takes bytes away too
};

typedef struct {
    ino_t ino;
    uint8_t *data; // on the disk
    size_t size;
    size_t used; // nothing but zeros behind
    change_t *first, *last;
    bool lost; // a sync failed: the page cache shows what the disk has not
} file_t;

typedef struct {
    char name[64];
    file_t *file; // of a step: NULL takes the name away
} name_t;

typedef struct {
    name_t list[NAMES];
    size_t count;
} names_t;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t news;
    char path[256];
    bool on;
    int fds[FDS]; // 0 none of ours, else position in files + 1, or one of these:
    file_t files[FILES];
    size_t file_count;
    names_t durable;
    name_t steps[STEPS]; // of the folder, not synced
    size_t step_count;
    disk_plan_t plan;
    int calls[DISK_CALLS];
    int fired;
    bool off;
    bool killed;
    bool sync_failed;
    bool held;
    int waiting; // threads in a held sync
    pthread_t main;
    bool idle; // the other thread waits for work
    uint64_t dice;
} s_disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

int __real_open (const char *path, int flags, ...);
int __wrap_open (const char *path, int flags, ...);
int __real_openat (int dir, const char *name, int flags, ...);
int __wrap_openat (int dir, const char *name, int flags, ...);
int __real_close (int fd);
int __wrap_close (int fd);
ssize_t __real_pread (int fd, void *out, size_t size, off_t offset);
ssize_t __wrap_pread (int fd, void *out, size_t size, off_t offset);
ssize_t __wrap___pread_chk (int fd, void *out, size_t size, off_t offset, size_t room);
ssize_t __real_pwrite (int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite (int fd, const void *data, size_t size, off_t offset);
ssize_t __real_write (int fd, const void *data, size_t size);
ssize_t __wrap_write (int fd, const void *data, size_t size);
int __real_fdatasync (int fd);
int __wrap_fdatasync (int fd);
int __real_fsync (int fd);
int __wrap_fsync (int fd);
int __real_ftruncate (int fd, off_t size);
int __wrap_ftruncate (int fd, off_t size);
int __real_fallocate (int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate (int fd, int mode, off_t offset, off_t size);
int __real_unlinkat (int dir, const char *name, int flags);
int __wrap_unlinkat (int dir, const char *name, int flags);
int __real_renameat (int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat (int from_dir, const char *from, int to_dir, const char *to);
int __real_flock (int fd, int operation);
int __wrap_flock (int fd, int operation);
int __real_mkdir (const char *path, mode_t mode);
int __wrap_mkdir (const char *path, mode_t mode);
int __real_fstat (int fd, struct stat *status);
int __wrap_fstat (int fd, struct stat *status);
int __real_fstatat (int dir, const char *name, struct stat *status, int flags);
int __wrap_fstatat (int dir, const char *name, struct stat *status, int flags);
struct dirent *__real_readdir (DIR *folder);
struct dirent *__wrap_readdir (DIR *folder);
int __real_posix_fadvise (int fd, off_t offset, off_t size, int advice);
int __wrap_posix_fadvise (int fd, off_t offset, off_t size, int advice);
int __real_poll (struct pollfd *items, nfds_t count, int timeout);
int __wrap_poll (struct pollfd *items, nfds_t count, int timeout);
int __wrap___poll_chk (struct pollfd *items, nfds_t count, int timeout, size_t room);
void __wrap_zclock_sleep (int msecs);

const char *disk_call_name (disk_call_t call)
{
    static const char *const names[DISK_CALLS] = {
        "openat",    "pread",    "pwrite",   "write", "fdatasync", "fsync", "ftruncate",
        "fallocate", "unlinkat", "renameat", "flock", "mkdir",     "fstat", "readdir"};
    return names[call];
}

// ---- What the disk has

static uint64_t s_dice (void)
{
    s_disk.dice ^= s_disk.dice << 13;
    s_disk.dice ^= s_disk.dice >> 7;
    s_disk.dice ^= s_disk.dice << 17;
    return s_disk.dice;
}

static bool s_chance (unsigned percent)
{
    return percent >= 100 || (percent > 0 && s_dice () % 100 < percent);
}

static void s_resize (file_t *file, size_t size)
{
    assert (size <= MOST);
    if (size > file->size) {
        file->data = realloc (file->data, size);
        assert (file->data);
        memset (file->data + file->size, 0, size - file->size);
    }
    file->size = size;
    file->used = file->used < size ? file->used : size;
}

static void s_store (file_t *file, off_t offset, const uint8_t *data, size_t size)
{
    if ((size_t)offset + size > file->size)
        s_resize (file, (size_t)offset + size);
    if ((size_t)offset >= file->used && data >= s_zeros && data < s_zeros + sizeof s_zeros)
        return; // there are zeros
    memcpy (file->data + offset, data, size);
    while (size > 0 && data[size - 1] == 0)
        size--;
    if (size > 0 && (size_t)offset + size > file->used)
        file->used = (size_t)offset + size;
}

// Takes the change to the disk, each of its sectors with the chance, or only those before or behind
// one of them: so later batches of a write may be whole where the first one is not.
static void s_land (file_t *file, const change_t *change, unsigned percent)
{
    if (!change->data) {
        if (s_chance (percent) && (change->cuts || (size_t)change->offset > file->size))
            s_resize (file, (size_t)change->offset);
        return;
    }
    if (percent >= 100) {
        s_store (file, change->offset, change->data, change->size);
        return;
    }
    enum { EACH, BEFORE, BEHIND } which = percent > 0 ? s_dice () % 3 : EACH;
    size_t border = s_dice () % (change->size + 1);
    for (size_t at = 0; percent > 0 && at < change->size;) {
        size_t size = SECTOR - (size_t)(change->offset + (off_t)at) % SECTOR;
        size = size < change->size - at ? size : change->size - at;
        if (which == EACH ? s_chance (percent) : (at < border) == (which == BEFORE))
            s_store (file, change->offset + (off_t)at, change->data + at, size);
        at += size;
    }
}

static void s_land_all (file_t *file, unsigned percent)
{
    while (file->first) {
        change_t *change = file->first;
        s_land (file, change, percent);
        file->first = change->next;
        if (change->data != s_zeros)
            free ((void *)change->data);
        free (change);
    }
    file->last = NULL;
}

static void s_note (file_t *file, off_t offset, const void *data, size_t size, bool cuts)
{
    change_t *change = calloc (1, sizeof *change);
    assert (change);
    *change = (change_t){.offset = offset, .size = size, .cuts = cuts};
    if (data && size <= sizeof s_zeros && memcmp (data, s_zeros, size) == 0)
        change->data = s_zeros;
    else if (data) {
        uint8_t *copy = malloc (size + 1);
        assert (copy);
        change->data = memcpy (copy, data, size);
    }
    *(file->last ? &file->last->next : &file->first) = change;
    file->last = change;
}

static name_t *s_find (names_t *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp (names->list[i].name, name) == 0)
            return &names->list[i];
    return NULL;
}

static void s_step (names_t *names, const name_t *step)
{
    name_t *found = s_find (names, step->name);
    if (!step->file) {
        if (found)
            *found = names->list[--names->count];
        return;
    }
    if (!found) {
        assert (names->count < NAMES);
        found = &names->list[names->count++];
    }
    *found = *step;
}

static void s_note_step (const char *name, file_t *file)
{
    assert (s_disk.step_count < STEPS);
    name_t *step = &s_disk.steps[s_disk.step_count++];
    snprintf (step->name, sizeof step->name, "%s", name);
    step->file = file;
}

static void s_sync_folder (void)
{
    for (size_t i = 0; i < s_disk.step_count; i++)
        s_step (&s_disk.durable, &s_disk.steps[i]);
    s_disk.step_count = 0;
}

static file_t *s_file (int fd)
{
    return fd >= 0 && fd < FDS && s_disk.fds[fd] > 0 ? &s_disk.files[s_disk.fds[fd] - 1] : NULL;
}

static bool s_is_folder (int fd)
{
    return fd >= 0 && fd < FDS && s_disk.fds[fd] == FOLDER;
}

// The file behind a new descriptor; a new one if it was not seen.
static file_t *s_meet (int fd)
{
    struct stat status;
    if (fd < 0 || fd >= FDS || __real_fstat (fd, &status) < 0 || !S_ISREG (status.st_mode))
        return NULL;
    size_t at = 0;
    while (at < s_disk.file_count && s_disk.files[at].ino != status.st_ino)
        at++;
    if (at == s_disk.file_count) {
        assert (at < FILES);
        s_disk.file_count++;
        s_disk.files[at] = (file_t){.ino = status.st_ino};
    }
    s_disk.fds[fd] = (int)at + 1;
    return &s_disk.files[at];
}

// Writes the disk's bytes into the file that the programs see.
static void s_show (file_t *file, int fd)
{
    int rc = __real_ftruncate (fd, 0);
    ssize_t wrote = rc < 0 ? -1 : __real_pwrite (fd, file->data, file->size, 0);
    assert (wrote == (ssize_t)file->size);
    (void)wrote;
}

// ---- Faults

// 0: go on; 1: a part of the work; -1: fails, errno is set. Locked.
static int s_judge (disk_call_t call)
{
    const disk_plan_t *plan = &s_disk.plan;
    if (s_disk.off) {
        errno = EIO;
        return -1;
    }
    int number = ++s_disk.calls[call];
    if (plan->at == 0 || plan->call != call || number < plan->at)
        return 0;
    bool first = number == plan->at;
    bool again =
        plan->stays || (plan->fault == DISK_SHORT && plan->error && number == plan->at + 1);
    if (!first && !again)
        return 0;
    if (plan->error == EINTR && s_disk.fired == INTERRUPTS)
        return 0;
    s_disk.fired++;
    bool ends = plan->fault == DISK_POWER || plan->fault == DISK_KILL;
    if (ends) {
        s_disk.off = true;
        s_disk.killed = plan->fault == DISK_KILL;
    } else if (plan->fault == DISK_SHORT && (first || !plan->error))
        return 1;
    errno = ends ? EIO : plan->error;
    return -1;
}

static int s_enter (disk_call_t call)
{
    pthread_mutex_lock (&s_disk.lock);
    return s_disk.on ? s_judge (call) : 0;
}

static void s_leave (void)
{
    int cause = errno;
    pthread_mutex_unlock (&s_disk.lock);
    errno = cause;
}

// ---- The calls

static void s_opened (int fd, const char *name, bool there)
{
    file_t *file = s_meet (fd);
    if (file && !there)
        s_note_step (name, file);
}

int __wrap_open (const char *path, int flags, ...)
{
    int fd = s_enter (DISK_OPEN) < 0 ? -1 : __real_open (path, flags, 0);
    if (fd >= 0 && fd < FDS)
        s_disk.fds[fd] = s_disk.on && strcmp (path, s_disk.path) == 0 ? FOLDER : 0;
    s_leave ();
    return fd;
}

int __wrap_openat (int dir, const char *name, int flags, ...)
{
    va_list args;
    va_start (args, flags);
    mode_t mode = flags & O_CREAT ? va_arg (args, mode_t) : 0;
    va_end (args);
    int fd = -1;
    if (s_enter (DISK_OPEN) == 0) {
        struct stat status;
        bool there = __real_fstatat (dir, name, &status, 0) == 0;
        fd = __real_openat (dir, name, flags, mode);
        if (fd >= 0 && fd < FDS)
            s_disk.fds[fd] = 0;
        if (fd >= 0 && s_is_folder (dir))
            s_opened (fd, name, there);
        if (fd >= 0 && fd < FDS && s_is_folder (dir) && strcmp (name, ".") == 0)
            s_disk.fds[fd] = LISTING;
    }
    s_leave ();
    return fd;
}

int __wrap_close (int fd)
{
    pthread_mutex_lock (&s_disk.lock);
    if (fd >= 0 && fd < FDS)
        s_disk.fds[fd] = 0;
    int rc = __real_close (fd);
    s_leave ();
    return rc;
}

ssize_t __wrap_pread (int fd, void *out, size_t size, off_t offset)
{
    int verdict = s_enter (DISK_PREAD);
    ssize_t rc =
        verdict < 0 ? -1 : __real_pread (fd, out, verdict && size > 1 ? size / 2 : size, offset);
    s_leave ();
    return rc;
}

// What a fortified build calls instead.
ssize_t __wrap___pread_chk (int fd, void *out, size_t size, off_t offset, size_t room)
{
    assert (size <= room);
    return __wrap_pread (fd, out, size, offset);
}

ssize_t __wrap_pwrite (int fd, const void *data, size_t size, off_t offset)
{
    int verdict = s_enter (DISK_PWRITE);
    if (verdict > 0 && size > 1)
        size /= 2;
    ssize_t rc = verdict < 0 ? -1 : __real_pwrite (fd, data, size, offset);
    file_t *file = s_file (fd);
    if (rc > 0 && file)
        s_note (file, offset, data, (size_t)rc, false);
    s_leave ();
    return rc;
}

ssize_t __wrap_write (int fd, const void *data, size_t size)
{
    pthread_mutex_lock (&s_disk.lock);
    file_t *file = s_file (fd);
    int verdict = file ? s_judge (DISK_WRITE) : 0; // signals to threads go on
    if (verdict > 0 && size > 1)
        size /= 2;
    off_t offset = file ? lseek (fd, 0, SEEK_CUR) : 0;
    ssize_t rc = verdict < 0 ? -1 : __real_write (fd, data, size);
    if (rc > 0 && file)
        s_note (file, offset, data, (size_t)rc, false);
    s_leave ();
    return rc;
}

static int s_sync (disk_call_t call, int fd)
{
    if (!s_disk.on)
        return call == DISK_FSYNC ? __real_fsync (fd) : __real_fdatasync (fd);
    pthread_mutex_lock (&s_disk.lock);
    while (s_disk.held && call == DISK_FDATASYNC) {
        s_disk.waiting++;
        pthread_cond_broadcast (&s_disk.news);
        pthread_cond_wait (&s_disk.news, &s_disk.lock);
        s_disk.waiting--;
    }
    int rc = s_judge (call);
    file_t *file = s_file (fd);
    if (rc < 0 && !s_disk.off) {
        s_disk.sync_failed = true;
        if (file) {
            file->lost = file->lost || file->first;
            s_land_all (file, 30);
        }
    } else if (rc == 0 && file)
        s_land_all (file, 100);
    else if (rc == 0 && s_is_folder (fd))
        s_sync_folder ();
    s_leave ();
    return rc < 0 ? -1 : 0;
}

int __wrap_fdatasync (int fd)
{
    return s_sync (DISK_FDATASYNC, fd);
}

int __wrap_fsync (int fd)
{
    return s_sync (DISK_FSYNC, fd);
}

int __wrap_ftruncate (int fd, off_t size)
{
    int rc = s_enter (DISK_FTRUNCATE) < 0 ? -1 : __real_ftruncate (fd, size);
    file_t *file = s_file (fd);
    if (rc == 0 && file)
        s_note (file, size, NULL, 0, true);
    s_leave ();
    return rc;
}

int __wrap_fallocate (int fd, int mode, off_t offset, off_t size)
{
    int rc = s_enter (DISK_FALLOCATE) < 0 ? -1 : __real_fallocate (fd, mode, offset, size);
    file_t *file = s_file (fd);
    if (rc == 0 && file)
        s_note (file, offset + size, NULL, 0, false);
    s_leave ();
    return rc;
}

int __wrap_unlinkat (int dir, const char *name, int flags)
{
    int rc = s_enter (DISK_UNLINK) < 0 ? -1 : __real_unlinkat (dir, name, flags);
    if (rc == 0 && s_is_folder (dir))
        s_note_step (name, NULL);
    s_leave ();
    return rc;
}

int __wrap_renameat (int from_dir, const char *from, int to_dir, const char *to)
{
    int rc = s_enter (DISK_RENAME) < 0 ? -1 : __real_renameat (from_dir, from, to_dir, to);
    if (rc == 0 && s_is_folder (to_dir)) {
        int fd = __real_openat (to_dir, to, O_RDONLY);
        s_note_step (to, s_meet (fd));
        s_note_step (from, NULL);
        s_disk.fds[fd] = 0;
        __real_close (fd);
    }
    s_leave ();
    return rc;
}

int __wrap_flock (int fd, int operation)
{
    int rc = s_enter (DISK_FLOCK) < 0 ? -1 : __real_flock (fd, operation);
    s_leave ();
    return rc;
}

int __wrap_mkdir (const char *path, mode_t mode)
{
    int rc = s_enter (DISK_MKDIR) < 0 ? -1 : __real_mkdir (path, mode);
    s_leave ();
    return rc;
}

int __wrap_fstat (int fd, struct stat *status)
{
    int rc = s_enter (DISK_FSTAT) < 0 ? -1 : __real_fstat (fd, status);
    s_leave ();
    return rc;
}

int __wrap_fstatat (int dir, const char *name, struct stat *status, int flags)
{
    int rc = s_enter (DISK_FSTAT) < 0 ? -1 : __real_fstatat (dir, name, status, flags);
    s_leave ();
    return rc;
}

struct dirent *__wrap_readdir (DIR *folder)
{
    pthread_mutex_lock (&s_disk.lock);
    int fd = dirfd (folder);
    bool ours = s_disk.on && fd >= 0 && fd < FDS && s_disk.fds[fd] == LISTING;
    struct dirent *entry = ours && s_judge (DISK_READDIR) < 0 ? NULL : __real_readdir (folder);
    s_leave ();
    return entry;
}

// Dropping the page cache: what a failed sync lost is not to be seen any more.
int __wrap_posix_fadvise (int fd, off_t offset, off_t size, int advice)
{
    if (!s_disk.on)
        return __real_posix_fadvise (fd, offset, size, advice);
    pthread_mutex_lock (&s_disk.lock);
    file_t *file = s_file (fd);
    if (file && file->lost && !s_disk.off && advice == POSIX_FADV_DONTNEED) {
        s_show (file, fd);
        file->lost = false;
    }
    s_leave ();
    return 0;
}

int __wrap_poll (struct pollfd *items, nfds_t count, int timeout)
{
    pthread_mutex_lock (&s_disk.lock);
    bool other = s_disk.on && timeout < 0 && !pthread_equal (pthread_self (), s_disk.main);
    if (other && __real_poll (items, count, 0) == 0) {
        s_disk.idle = true;
        pthread_cond_broadcast (&s_disk.news);
    }
    pthread_mutex_unlock (&s_disk.lock);
    int rc = __real_poll (items, count, timeout);
    int cause = errno;
    if (other) {
        pthread_mutex_lock (&s_disk.lock);
        s_disk.idle = false;
        pthread_mutex_unlock (&s_disk.lock);
    }
    errno = cause;
    return rc;
}

int __wrap___poll_chk (struct pollfd *items, nfds_t count, int timeout, size_t room)
{
    assert (count * sizeof *items <= room);
    return __wrap_poll (items, count, timeout);
}

// The code under test waits for locks: time is nobody's here.
void __wrap_zclock_sleep (int msecs)
{
    (void)msecs;
}

// ---- For the test

void disk_begin (const char *path)
{
    disk_end ();
    snprintf (s_disk.path, sizeof s_disk.path, "%s", path);
    s_disk.main = pthread_self ();
    s_disk.dice = 88172645463325252;
    s_disk.on = true;
}

void disk_end (void)
{
    for (size_t i = 0; i < s_disk.file_count; i++) {
        s_land_all (&s_disk.files[i], 0);
        free (s_disk.files[i].data);
    }
    s_disk.file_count = s_disk.step_count = s_disk.durable.count = 0;
    memset (s_disk.fds, 0, sizeof s_disk.fds);
    s_disk.on = s_disk.off = s_disk.killed = s_disk.held = s_disk.sync_failed = false;
    disk_disarm ();
}

void disk_arm (const disk_plan_t *plan)
{
    pthread_mutex_lock (&s_disk.lock);
    s_disk.plan = *plan;
    memset (s_disk.calls, 0, sizeof s_disk.calls);
    s_disk.fired = 0;
    pthread_mutex_unlock (&s_disk.lock);
}

void disk_disarm (void)
{
    pthread_mutex_lock (&s_disk.lock);
    s_disk.plan = (disk_plan_t){.at = 0};
    pthread_mutex_unlock (&s_disk.lock);
}

int disk_fired (void)
{
    return s_disk.fired;
}

int disk_calls (disk_call_t call)
{
    return s_disk.calls[call];
}

bool disk_is_off (void)
{
    pthread_mutex_lock (&s_disk.lock);
    bool off = s_disk.off;
    pthread_mutex_unlock (&s_disk.lock);
    return off;
}

bool disk_is_killed (void)
{
    return s_disk.killed;
}

void disk_revive (void)
{
    memset (s_disk.fds, 0, sizeof s_disk.fds);
    s_disk.off = s_disk.killed = false;
}

bool disk_sync_failed (void)
{
    return s_disk.sync_failed;
}

void disk_forget_failure (void)
{
    s_disk.sync_failed = false;
}

void disk_hold_syncs (bool hold)
{
    pthread_mutex_lock (&s_disk.lock);
    s_disk.held = hold;
    pthread_cond_broadcast (&s_disk.news);
    pthread_mutex_unlock (&s_disk.lock);
}

bool disk_wait_held (void)
{
    pthread_mutex_lock (&s_disk.lock);
    while (s_disk.waiting == 0 && !s_disk.idle)
        pthread_cond_wait (&s_disk.news, &s_disk.lock);
    bool held = s_disk.waiting > 0;
    pthread_mutex_unlock (&s_disk.lock);
    return held;
}

void disk_settle (void)
{
    pthread_mutex_lock (&s_disk.lock);
    while (s_disk.on && !s_disk.idle)
        pthread_cond_wait (&s_disk.news, &s_disk.lock);
    pthread_mutex_unlock (&s_disk.lock);
}

static void s_write_out (const name_t *name)
{
    char path[512];
    snprintf (path, sizeof path, "%s/%s", s_disk.path, name->name);
    int fd = __real_open (path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert (fd >= 0);
    s_show (name->file, fd);
    struct stat status;
    int rc = __real_fstat (fd, &status);
    assert (rc == 0);
    (void)rc;
    name->file->ino = status.st_ino;
    __real_close (fd);
}

void disk_cut (uint64_t seed, unsigned percent)
{
    s_disk.dice = (seed + 1) * 0x9e3779b97f4a7c15u | 1;
    size_t kept = percent >= 100 ? s_disk.step_count
                  : percent == 0 ? 0
                                 : s_dice () % (s_disk.step_count + 1);
    for (size_t i = 0; i < kept; i++)
        s_step (&s_disk.durable, &s_disk.steps[i]);
    s_disk.step_count = 0;
    DIR *folder = opendir (s_disk.path);
    struct dirent *entry;
    while (folder && (entry = __real_readdir (folder)))
        __real_unlinkat (dirfd (folder), entry->d_name, 0);
    if (folder)
        closedir (folder);
    for (size_t i = 0; i < s_disk.file_count; i++) {
        s_land_all (&s_disk.files[i], percent);
        s_disk.files[i].ino = 0;
        s_disk.files[i].lost = false;
    }
    for (size_t i = 0; i < s_disk.durable.count; i++)
        s_write_out (&s_disk.durable.list[i]);
    disk_revive ();
}

// Where such bytes were found last: a batch is asked for again and again.
typedef struct {
    const file_t *file;
    size_t offset;
} found_t;

static found_t *s_found (span_t bytes)
{
    static found_t found[1024];
    size_t key = 0;
    for (size_t i = 8; i < 16 && i < bytes.size; i++) // of a batch: its checksum
        key = key * 31 + bytes.data[i];
    return &found[key % 1024];
}

static bool s_has (file_t *file, span_t bytes, found_t *found)
{
    if (found->file == file && found->offset + bytes.size <= file->size &&
        memcmp (file->data + found->offset, bytes.data, bytes.size) == 0)
        return true;
    size_t size = file->used + bytes.size; // the bytes may end with zeros
    if (size > file->size)
        size = file->size;
    const uint8_t *at = file->data ? memmem (file->data, size, bytes.data, bytes.size) : NULL;
    if (at)
        *found = (found_t){file, (size_t)(at - file->data)};
    return at != NULL;
}

bool disk_holds (span_t bytes)
{
    pthread_mutex_lock (&s_disk.lock);
    bool holds = false;
    found_t *found = s_found (bytes);
    for (size_t i = 0; i < s_disk.durable.count && !holds; i++)
        if (s_disk.durable.list[i].file == found->file)
            holds = s_has (s_disk.durable.list[i].file, bytes, found);
    for (size_t i = s_disk.durable.count; i > 0 && !holds; i--)
        holds = s_has (s_disk.durable.list[i - 1].file, bytes, found);
    pthread_mutex_unlock (&s_disk.lock);
    return holds;
}

void disk_put (const char *name, off_t offset, span_t bytes)
{
    char path[512];
    snprintf (path, sizeof path, "%s/%s", s_disk.path, name);
    pthread_mutex_lock (&s_disk.lock);
    int fd = __real_open (path, O_RDWR | O_CREAT, 0640);
    assert (fd >= 0 && fd < FDS);
    s_opened (fd, name, s_find (&s_disk.durable, name) != NULL);
    file_t *file = s_file (fd);
    s_sync_folder ();
    s_land_all (file, 100);
    s_store (file, offset, bytes.data, bytes.size);
    s_show (file, fd);
    s_disk.fds[fd] = 0;
    __real_close (fd);
    pthread_mutex_unlock (&s_disk.lock);
}
