// Preloaded into a daemon: its syncs are slow, or fail, as a page shared with the test says.

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    volatile uint32_t delay;  // milliseconds
    volatile uint32_t fails;  // not 0: EIO
    volatile uint32_t failed; // how many did
} page_t;

static page_t *s_page;

__attribute__ ((constructor)) static void s_begin (void)
{
    const char *path = getenv ("ZCHAT_FAULT_SYNC");
    int fd = path ? open (path, O_RDWR | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED
                        : mmap (NULL, sizeof *s_page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    s_page = page == MAP_FAILED ? NULL : page;
    close (fd);
}

static int s_sync (long call, int fd)
{
    if (s_page && s_page->delay) {
        struct timespec delay = {s_page->delay / 1000, s_page->delay % 1000 * 1000000};
        syscall (SYS_nanosleep, &delay, NULL);
    }
    if (s_page && s_page->fails) {
        s_page->failed++;
        errno = EIO;
        return -1;
    }
    return (int)syscall (call, fd);
}

int fdatasync (int fd)
{
    return s_sync (SYS_fdatasync, fd);
}

int fsync (int fd)
{
    return s_sync (SYS_fsync, fd);
}
