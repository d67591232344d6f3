#include "daemons/group/folder.h"

#include "common/exits.h"
#include "daemons/group/segment.h"
#include "daemons/group/writer.h"

#include <czmq.h>
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { LOCK_WAIT_MS = 1000, LOCK_EVERY_MS = 20 };

// Makes one folder if it is not there and makes its name durable.
static int s_make_one (const char *path)
{
    if (mkdir (path, 0750) < 0)
        return errno == EEXIST ? 0 : -1;
    char *above = strdup (path);
    assert (above);
    char *slash = strrchr (above, '/');
    if (slash)
        *(slash == above ? slash + 1 : slash) = 0;
    int fd = open (slash ? above : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : writer_sync (fd);
    int cause = errno;
    if (fd >= 0)
        close (fd);
    free (above);
    errno = cause;
    return rc;
}

static int s_make_all (const char *path)
{
    char *part = strdup (path);
    assert (part);
    int rc = 0;
    for (char *at = part + 1; rc == 0 && *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        rc = s_make_one (part);
        *at = '/';
    }
    if (rc == 0)
        rc = s_make_one (part);
    int cause = errno;
    free (part);
    errno = cause;
    return rc;
}

// A process that was just killed holds its lock until the kernel has taken it apart, so this waits
// a little.
static int s_lock (int dir)
{
    int rc;
    for (int waited = 0; (rc = flock (dir, LOCK_EX | LOCK_NB)) < 0; waited += LOCK_EVERY_MS) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= LOCK_WAIT_MS)
            break;
        zclock_sleep (LOCK_EVERY_MS);
    }
    return rc;
}

// What only somebody who looks at the machine can mend is a wrong configuration; what may be over
// in a moment is not, so that the daemon is started again.
static int s_exit_of (int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case EEXIST:
    case ELOOP:
    case ENAMETOOLONG:
        return EXIT_CONFIG;
    case ENOSPC:
    case EDQUOT:
        return EXIT_NOT_NOW;
    default:
        return EXIT_SYNC;
    }
}

int folder_open (const char *path, trouble_t *trouble)
{
    if (s_make_all (path) < 0)
        return trouble_set (trouble, s_exit_of (errno), "%s cannot be made: %s", path,
                            strerror (errno));
    int dir = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return trouble_set (trouble, s_exit_of (errno), "%s cannot be opened: %s", path,
                            strerror (errno));
    if (s_lock (dir) < 0) {
        int cause = errno;
        close (dir);
        if (cause == EWOULDBLOCK)
            return trouble_set (trouble, EXIT_NOT_NOW, "%s is in use by another process", path);
        return trouble_set (trouble, EXIT_SYNC, "%s cannot be locked: %s", path, strerror (cause));
    }
    return dir;
}

// 0, or -1 with errno: ENOENT there is none, EPERM others can read it, EBADMSG it has a wrong size.
int folder_read_key (int dir, log_key_t *key)
{
    uint8_t bytes[GUID_SIZE + PROOF_KEY + 1];
    struct stat status;
    int fd = openat (dir, "key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    ssize_t rc = fstat (fd, &status) < 0 ? -1 : segment_pread (fd, bytes, sizeof bytes, 0);
    int cause = rc < 0 ? errno : 0;
    close (fd);
    if (!cause && (status.st_mode & 0077))
        cause = EPERM;
    if (!cause && rc != GUID_SIZE + PROOF_KEY)
        cause = EBADMSG;
    if (cause) {
        errno = cause;
        return -1;
    }
    memcpy (key->id.bytes, bytes, GUID_SIZE);
    memcpy (key->secret, bytes + GUID_SIZE, PROOF_KEY);
    sodium_memzero (bytes, sizeof bytes);
    return 0;
}

static int s_write_all (int fd, span_t bytes)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t wrote = write (fd, bytes.data + done, bytes.size - done);
        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote == 0)
            errno = EIO;
        if (wrote == 0 || (wrote < 0 && errno != EINTR))
            return -1;
    }
    return 0;
}

// Writes a small file whole and durable, over what was there.
static int s_write_file (int dir, const char *name, mode_t mode, span_t bytes)
{
    char fresh[32];
    snprintf (fresh, sizeof fresh, "%s.new", name);
    unlinkat (dir, fresh, 0); // left by a crash
    int fd = openat (dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return -1;
    int rc = s_write_all (fd, bytes);
    if (rc == 0)
        rc = writer_sync (fd);
    int cause = errno;
    close (fd);
    errno = cause;
    if (rc == 0)
        rc = renameat (dir, fresh, dir, name);
    return rc == 0 ? writer_sync (dir) : rc;
}

int folder_write_key (int dir, const log_key_t *key)
{
    uint8_t bytes[GUID_SIZE + PROOF_KEY];
    memcpy (bytes, key->id.bytes, GUID_SIZE);
    memcpy (bytes + GUID_SIZE, key->secret, PROOF_KEY);
    int rc = s_write_file (dir, "key", 0600, span (bytes, sizeof bytes));
    sodium_memzero (bytes, sizeof bytes);
    return rc;
}

int folder_doubt (int dir, char text[FOLDER_DOUBT_MAX])
{
    text[0] = 0;
    int fd = openat (dir, "doubt", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) // one that could not be finished is a doubt too
        fd = openat (dir, "doubt.new", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    ssize_t size = segment_pread (fd, text, FOLDER_DOUBT_MAX - 1, 0);
    int cause = errno;
    close (fd);
    errno = cause;
    if (size < 0)
        return -1;
    text[size] = 0;
    text[strcspn (text, "\n")] = 0;
    if (!*text)
        strcpy (text, "the file 'doubt' is there");
    return 0;
}

int folder_set_doubt (int dir, const char *text)
{
    if (*text)
        return s_write_file (dir, "doubt", 0640, span_of (text));
    if ((unlinkat (dir, "doubt.new", 0) < 0 && errno != ENOENT) ||
        (unlinkat (dir, "doubt", 0) < 0 && errno != ENOENT))
        return -1;
    return writer_sync (dir);
}

// A key made anew would make every segment a stranger's. -1: the folder cannot be read.
static int s_has_segments (int dir)
{
    int copy = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir (copy);
    if (!folder)
        return -1;
    bool found = false;
    struct dirent *entry;
    for (errno = 0; !found && (entry = readdir (folder));) {
        uint64_t first;
        found = segment_name_parse (entry->d_name, &first);
    }
    int cause = found ? 0 : errno;
    closedir (folder);
    errno = cause;
    return cause ? -1 : found;
}

int folder_key (int dir, log_key_t *key, trouble_t *trouble)
{
    if (folder_read_key (dir, key) == 0)
        return 0;
    if (errno == EPERM)
        return trouble_set (trouble, EXIT_CONFIG,
                            "the file 'key' can be read by others: chmod 600 it");
    if (errno == EBADMSG)
        return trouble_set (trouble, EXIT_CONFIG,
                            "the file 'key' has a wrong size: put it back from a backup");
    if (errno != ENOENT)
        return trouble_set (trouble, EXIT_SYNC, "the file 'key' cannot be read: %s",
                            strerror (errno));
    int segments = s_has_segments (dir);
    if (segments < 0)
        return trouble_set (trouble, EXIT_SYNC, "the log's folder cannot be read: %s",
                            strerror (errno));
    if (segments)
        return trouble_set (trouble, EXIT_CONFIG,
                            "there are segments but no file 'key': put it back from a backup");
    key->id = guid_random ();
    randombytes_buf (key->secret, PROOF_KEY);
    if (folder_write_key (dir, key) < 0)
        return trouble_set (trouble, errno == ENOSPC ? EXIT_NOT_NOW : EXIT_SYNC,
                            "the file 'key' cannot be written: %s", strerror (errno));
    return 0;
}

static int s_read_header (int dir, const segment_t *segment, segment_header_t *header)
{
    char name[SEGMENT_NAME];
    uint8_t bytes[SEGMENT_HEADER];
    segment_name (segment->header.first, name);
    int fd = openat (dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t size = fd < 0 ? -1 : segment_pread (fd, bytes, sizeof bytes, 0);
    if (fd >= 0)
        close (fd);
    return size == sizeof bytes ? segment_header_decode (header, bytes) : -1;
}

int folder_log_id (int dir, guid_t *id)
{
    log_key_t key;
    segment_header_t header;
    if (folder_read_key (dir, &key) == 0) {
        *id = key.id;
        sodium_memzero (&key, sizeof key);
        return 1;
    }
    if (errno == EIO)
        return -1;
    static const guid_t nobody;
    segments_t *segments = segments_new (dir, &nobody);
    int found = segments ? 0 : -1;
    for (size_t i = 0; found == 0 && i < segments_count (segments); i++)
        found = s_read_header (dir, segments_at (segments, i), &header) == 0;
    if (found == 1)
        *id = header.log;
    segments_destroy (&segments);
    return found;
}
