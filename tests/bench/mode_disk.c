// disk: the limit of every row that is durable: one write and one fdatasync at a time, into space
// that was written with zeros and synced before.

#include "tests/bench/fail.h"
#include "tests/bench/modes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM (64u << 20)

static int s_open_file (const options_t *options)
{
    char path[PATH_MAX];
    const char *folder = options->folder ? options->folder : getenv ("TMPDIR");
    snprintf (path, sizeof (path), "%s/zchat-bench-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp (path);
    if (fd < 0)
        fail ("%s: %s", path, strerror (errno));
    unlink (path);
    char *zeros = must_alloc (1, 1u << 20);
    for (off_t at = 0; at < (off_t)ROOM; at += 1 << 20)
        if (pwrite (fd, zeros, 1u << 20, at) != 1 << 20)
            fail ("%s: %s", path, strerror (errno));
    free (zeros);
    if (fsync (fd) < 0)
        fail ("fsync: %s", strerror (errno));
    return fd;
}

void mode_disk (run_t *run, own_group_t *own, result_t *result)
{
    static histogram_t latency;
    const options_t *options = run->options;
    (void)own;
    int fd = s_open_file (options);
    char *bytes = must_alloc (1, options->size);
    memset (bytes, 'x', options->size);
    cost_t cost = cost_begin (run);
    uint64_t end = cost.at + (uint64_t)(options->seconds * 1e9);
    off_t at = 0;
    while (run_clock () < end) {
        uint64_t before = run_clock ();
        if (pwrite (fd, bytes, options->size, at) < 0 || fdatasync (fd) < 0)
            fail ("the disk: %s", strerror (errno));
        histogram_add (&latency, run_clock () - before);
        at = at + 2 * (off_t)options->size > (off_t)ROOM ? 0 : at + (off_t)options->size;
    }
    result_number (result, "size", (double)options->size, "bytes");
    result_number (result, "rate", (double)latency.count / cost_seconds (&cost), "syncs/s");
    result_latency (result, "", &latency);
    free (bytes);
    close (fd);
}
