// store: small text files in a folder of the user's own.
//
// Floor 1. Files are made with mode 0600, folders with 0700, and a file is replaced as a whole by a
// rename, so a reader sees the old text or the new. All return -1 with errno when they fail.

#ifndef ZCHAT_STORE_H
#define ZCHAT_STORE_H

#include <stdbool.h>
#include <stddef.h>

// Makes the folder and those above it. 0 also when it is there.
int store_make_folder (const char *path);

// Reads the whole file into `out`, with a final zero. EFBIG: it does not fit; EINVAL: no plain
// file, or it holds a zero byte. With `secret`, EPERM: it belongs to another user, or others can
// read it.
int store_read (const char *file, char *out, size_t size, bool secret);

// Writes the file anew. With `durable` its bytes are on disk before they can be seen.
int store_write (const char *file, const char *text, bool durable);

// Opens the file, makes it if need be, and locks it for this process; waits for the lock. Closing
// what it returns ends the lock.
int store_lock (const char *file);

#endif
