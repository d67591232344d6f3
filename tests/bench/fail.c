#include "tests/bench/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void fail (const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    fputs ("zchat-bench: ", stderr);
    vfprintf (stderr, format, arguments);
    fputc ('\n', stderr);
    va_end (arguments);
    exit (1); // own_group's atexit stops the group and removes its folder
}

void *must_alloc (size_t count, size_t size)
{
    void *memory = calloc (count ? count : 1, size);
    if (!memory)
        fail ("no memory");
    return memory;
}

void *must_grow (void *memory, size_t size)
{
    void *larger = realloc (memory, size);
    if (!larger)
        fail ("no memory");
    return larger;
}
