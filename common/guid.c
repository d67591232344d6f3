#include "common/guid.h"

#include <sodium.h>
#include <string.h>
#include <uuid/uuid.h>

guid_t guid_random (void)
{
    guid_t self;
    uuid_generate_random (self.bytes);
    return self;
}

guid_t guid_of_key (const uint8_t key[32])
{
    uint8_t hash[32];
    crypto_generichash (hash, sizeof hash, key, 32, NULL, 0);
    guid_t self;
    memcpy (self.bytes, hash, GUID_SIZE);
    self.bytes[6] = (uint8_t) ((self.bytes[6] & 0x0f) | 0x80);
    self.bytes[8] = (uint8_t) ((self.bytes[8] & 0x3f) | 0x80);
    return self;
}

int guid_parse (guid_t *self, const char *text, size_t size)
{
    char copy[GUID_TEXT];
    if (size != GUID_TEXT - 1)
        return -1;
    memcpy (copy, text, size);
    copy[size] = 0;
    return uuid_parse (copy, self->bytes) == 0 ? 0 : -1;
}

char *guid_print (const guid_t *self, char out[GUID_TEXT])
{
    uuid_unparse_lower (self->bytes, out);
    return out;
}

bool guid_equal (const guid_t *a, const guid_t *b)
{
    return memcmp (a->bytes, b->bytes, GUID_SIZE) == 0;
}

bool guid_is_null (const guid_t *self)
{
    return uuid_is_null (self->bytes) == 1;
}
