// hash: hashing for tables whose keys strangers choose.
//
// Floor 2. XXH3-64 with a seed that is random in each process, so that nobody can make keys collide
// on purpose.

#ifndef ZCHAT_HASH_H
#define ZCHAT_HASH_H

#include <stddef.h>

size_t hash_bytes (const void *data, size_t size);

// In the form that zhashx wants, for keys that are a text with a final zero, and for keys that
// point to a guid_t.
size_t hash_text (const void *text);
size_t hash_guid (const void *guid);
int hash_guid_compare (const void *a, const void *b);

#endif
