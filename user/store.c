#include "user/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int store_make_folder (const char *path)
{
    char part[PATH_MAX];
    if (strlen (path) >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy (part, path);
    for (char *slash = strchr (part + 1, '/'); slash; slash = strchr (slash + 1, '/')) {
        *slash = 0;
        // Whether it could be made shows in the last one: those above may be closed to us.
        mkdir (part, 0700);
        *slash = '/';
    }
    struct stat stat_of;
    if (mkdir (part, 0700) == 0)
        return 0;
    int error = errno;
    if (stat (part, &stat_of) == 0 && S_ISDIR (stat_of.st_mode))
        return 0;
    errno = error;
    return -1;
}

static int s_fail (int fd, int error)
{
    close (fd);
    errno = error;
    return -1;
}

int store_read (const char *file, char *out, size_t size, bool secret)
{
    struct stat stat_of;
    // NONBLOCK: a pipe put in the file's place does not hold us up.
    int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (fstat (fd, &stat_of) < 0 || !S_ISREG (stat_of.st_mode))
        return s_fail (fd, EINVAL);
    bool others = (stat_of.st_mode & 077) != 0 || stat_of.st_uid != geteuid ();
    if (secret && others)
        return s_fail (fd, EPERM);
    size_t used = 0;
    ssize_t got;
    while (used < size && (got = read (fd, out + used, size - used)) != 0) {
        if (got < 0 && errno != EINTR)
            return s_fail (fd, errno);
        used += got > 0 ? (size_t)got : 0;
    }
    if (used == size)
        return s_fail (fd, EFBIG);
    out[used] = 0;
    if (strlen (out) != used)
        return s_fail (fd, EINVAL);
    close (fd);
    return 0;
}

static int s_write_all (int fd, const char *text)
{
    size_t size = strlen (text);
    while (size > 0) {
        ssize_t put = write (fd, text, size);
        if (put < 0 && errno != EINTR)
            return -1;
        text += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

int store_write (const char *file, const char *text, bool durable)
{
    char *fresh;
    if (asprintf (&fresh, "%s.XXXXXX", file) < 0)
        return -1;
    int fd = mkostemp (fresh, O_CLOEXEC | (durable ? O_DSYNC : 0));
    int result = -1;
    if (fd >= 0) {
        result = s_write_all (fd, text);
        if (close (fd) < 0 || result < 0 || rename (fresh, file) < 0) {
            int error = errno;
            unlink (fresh);
            errno = error;
            result = -1;
        }
    }
    free (fresh);
    return result;
}

int store_lock (const char *file)
{
    int fd = open (file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    while (flock (fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return s_fail (fd, errno);
    return fd;
}
