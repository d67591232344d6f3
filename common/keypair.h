// keypair: a CURVE key pair, and the file in which a server keeps its own.
//
// Floor 2. The file is text, two lines: `public` and `secret`, each with 64 hex digits. It is made
// at first use with mode 0600, whole and durable, once, however many processes are first. It holds
// the secret: who lets it be read by others has no secret any more, so such a file is refused.

#ifndef ZCHAT_KEYPAIR_H
#define ZCHAT_KEYPAIR_H

#include <stdbool.h>
#include <stdint.h>

#define KEYPAIR_KEY   32                    // bytes of each key
#define KEYPAIR_HEX   (2 * KEYPAIR_KEY + 1) // a key as text, with the final zero
#define KEYPAIR_ERROR 4400                  // bytes of the longest sentence, with a path in it

typedef struct {
    uint8_t public_key[KEYPAIR_KEY];
    uint8_t secret_key[KEYPAIR_KEY];
} keypair_t;

// A fresh pair, kept nowhere. -1: the library for it does not start.
int keypair_make (keypair_t *self);

// Overwrites both keys with zeros.
void keypair_wipe (keypair_t *self);

// Reads the pair in `file`, or makes it. Where systemd was told to hand one over as the credential
// `curve` ($CREDENTIALS_DIRECTORY/curve, the same text), that is taken instead and no file is
// looked at. -1 and a sentence, in which the file is named and nothing of what it holds.
int keypair_open (keypair_t *self, const char *file, char error[KEYPAIR_ERROR]);

// The public key in a file of its own, `file` with ".pub" behind it, which others may read: for
// asking the running server, who knows the secret or not. -1 with errno; false when there is none.
int keypair_publish (const keypair_t *self, const char *file);
bool keypair_published (const char *file, uint8_t key[KEYPAIR_KEY]);

// A key as 64 hex digits; returns `out`. And back: false when it is nothing of the kind.
char *keypair_print (const uint8_t key[KEYPAIR_KEY], char out[KEYPAIR_HEX]);
bool keypair_parse (const char *text, uint8_t key[KEYPAIR_KEY]);

#endif
