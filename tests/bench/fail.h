// fail: ends the program with one line on standard error, after what must be cleaned up.

#ifndef BENCH_FAIL_H
#define BENCH_FAIL_H

#include <stddef.h>

_Noreturn void fail (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

// Memory, or the end.
void *must_alloc (size_t count, size_t size); // zeros
void *must_grow (void *memory, size_t size);

#endif
