// speaker: the key that a message was proved with.
//
// Daemon floor 1, pure.

#ifndef ZCHAT_SPEAKER_H
#define ZCHAT_SPEAKER_H

#include "common/guid.h"

#define SPEAKER_KEY 32 // bytes of a CURVE public key

typedef struct {
    bool proved; // else it came over a plain connection, and the rest is zeros
    uint8_t key[SPEAKER_KEY];
    guid_t guid; // the UUID that is made from the key
} speaker_t;

// `key` NULL: plain.
speaker_t speaker_of (const uint8_t *key);

// Is it this key (or plain, NULL)?
bool speaker_is (const speaker_t *self, const uint8_t *key);

#endif
