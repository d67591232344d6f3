// Preloaded into a daemon: it counts what was allocated and not given back, in a page shared with
// the test.

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's own, for those who put themselves before it.
void *__libc_malloc (size_t size);
void *__libc_calloc (size_t count, size_t size);
void *__libc_realloc (void *block, size_t size);
void *__libc_memalign (size_t alignment, size_t size);
void __libc_free (void *block);

typedef struct {
    _Atomic int64_t bytes;
    _Atomic int64_t calls; // so many blocks were ever taken
} page_t;

static page_t s_early; // until the shared one is there
static page_t *s_page = &s_early;

__attribute__ ((constructor)) static void s_begin (void)
{
    const char *path = getenv ("ZCHAT_FAULT_HEAP");
    int fd = path ? open (path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *page = mmap (NULL, sizeof *s_page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close (fd);
    if (page != MAP_FAILED)
        s_page = page;
}

static void *s_take (void *block)
{
    if (block) {
        s_page->bytes += (int64_t)malloc_usable_size (block);
        s_page->calls++;
    }
    return block;
}

void *malloc (size_t size)
{
    return s_take (__libc_malloc (size));
}

void *calloc (size_t count, size_t size)
{
    return s_take (__libc_calloc (count, size));
}

void *realloc (void *block, size_t size)
{
    int64_t before = block ? (int64_t)malloc_usable_size (block) : 0;
    void *fresh = __libc_realloc (block, size);
    if (fresh || size == 0)
        s_page->bytes -= before;
    return s_take (fresh);
}

void *memalign (size_t alignment, size_t size)
{
    return s_take (__libc_memalign (alignment, size));
}

void *aligned_alloc (size_t alignment, size_t size)
{
    return memalign (alignment, size);
}

int posix_memalign (void **block, size_t alignment, size_t size)
{
    void *fresh = memalign (alignment, size);
    if (!fresh)
        return ENOMEM;
    *block = fresh;
    return 0;
}

void free (void *block)
{
    if (block)
        s_page->bytes -= (int64_t)malloc_usable_size (block);
    __libc_free (block);
}
