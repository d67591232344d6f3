// An nbdkit plugin: a disk in memory that writes down each write and each flush, in the order in
// which they came. log=FILE: offset (8), kind (4: 1 write, 2 write through, 3 flush), size (4),
// data.

#define NBDKIT_API_VERSION 2
#define THREAD_MODEL       NBDKIT_THREAD_MODEL_SERIALIZE_ALL_REQUESTS

#include <fcntl.h>
#include <nbdkit-plugin.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 32 << 20, WRITE = 1, WRITE_THROUGH = 2, FLUSH = 3 };

typedef struct {
    uint64_t offset;
    uint32_t kind;
    uint32_t size;
} entry_t;

static uint8_t *s_disk;
static char *s_path;
static int s_log = -1;

static int s_config (const char *key, const char *value)
{
    if (strcmp (key, "log") != 0) {
        nbdkit_error ("unknown key %s", key);
        return -1;
    }
    s_path = strdup (value);
    return s_path ? 0 : -1;
}

static int s_ready (void)
{
    s_disk = calloc (1, SIZE);
    s_log = s_path ? open (s_path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600) : -1;
    return s_disk && s_log >= 0 ? 0 : -1;
}

static void *s_open (int readonly)
{
    (void)readonly;
    return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t s_size (void *handle)
{
    (void)handle;
    return SIZE;
}

static int s_note (uint32_t kind, uint64_t offset, uint32_t size, const void *data)
{
    entry_t entry = {offset, kind, size};
    bool fine = write (s_log, &entry, sizeof entry) == sizeof entry &&
                (size == 0 || write (s_log, data, size) == (ssize_t)size);
    if (!fine)
        nbdkit_error ("the log of writes cannot be written");
    return fine ? 0 : -1;
}

static int s_read (void *handle, void *out, uint32_t size, uint64_t offset, uint32_t flags)
{
    (void)handle, (void)flags;
    memcpy (out, s_disk + offset, size);
    return 0;
}

static int s_write (void *handle, const void *data, uint32_t size, uint64_t offset, uint32_t flags)
{
    (void)handle;
    memcpy (s_disk + offset, data, size);
    return s_note (flags & NBDKIT_FLAG_FUA ? WRITE_THROUGH : WRITE, offset, size, data);
}

static int s_flush (void *handle, uint32_t flags)
{
    (void)handle, (void)flags;
    return s_note (FLUSH, 0, 0, NULL);
}

static struct nbdkit_plugin plugin = {.name = "powercut",
                                      .config = s_config,
                                      .get_ready = s_ready,
                                      .open = s_open,
                                      .get_size = s_size,
                                      .pread = s_read,
                                      .pwrite = s_write,
                                      .flush = s_flush};
NBDKIT_REGISTER_PLUGIN (plugin)
