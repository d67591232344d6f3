#include "common/hash.h"

#include "common/guid.h"

#include <sodium.h>
#include <string.h>
#include <xxhash.h>

static uint64_t s_seed (void)
{
    static uint64_t seed; // daemons and clients are single-threaded where tables are used
    while (seed == 0)
        randombytes_buf (&seed, sizeof seed);
    return seed;
}

size_t hash_bytes (const void *data, size_t size)
{
    return (size_t)XXH3_64bits_withSeed (data, size, s_seed ());
}

size_t hash_text (const void *text)
{
    return hash_bytes (text, strlen (text));
}

size_t hash_guid (const void *guid)
{
    return hash_bytes (guid, GUID_SIZE);
}

int hash_guid_compare (const void *a, const void *b)
{
    return memcmp (a, b, GUID_SIZE);
}
