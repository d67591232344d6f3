// guid: a UUID as 16 bytes, the form in which records and messages carry it.
//
// Floor 1. Text form as RFC 9562: 36 characters, read in either case, written in lower case.

#ifndef ZCHAT_GUID_H
#define ZCHAT_GUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUID_SIZE 16
#define GUID_TEXT 37 // with the final zero

typedef struct {
    uint8_t bytes[GUID_SIZE];
} guid_t;

// A new random (version 4) UUID.
guid_t guid_random (void);

// The version 8 UUID that a CURVE public key of 32 bytes proves: the first 16 bytes of its
// BLAKE2b-256, with version and variant set.
guid_t guid_of_key (const uint8_t key[32]);

// Reads exactly `size` bytes of text as a UUID. Returns 0, or -1 when it is none.
int guid_parse (guid_t *self, const char *text, size_t size);

// Writes the text form, with the final zero, and returns `out`.
char *guid_print (const guid_t *self, char out[GUID_TEXT]);

bool guid_equal (const guid_t *a, const guid_t *b);
bool guid_is_null (const guid_t *self);

#endif
