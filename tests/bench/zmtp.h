// zmtp: ZMTP 3 as a client speaks it, with NULL or CURVE. Only what a driver needs: one frame a
// message (and the empty one before it on REQ), heartbeats answered.

#ifndef BENCH_ZMTP_H
#define BENCH_ZMTP_H

#include "tests/bench/link.h"

typedef struct {
    bool curve;
    bool peek; // CURVE: only the first ZMTP_PEEK bytes of what comes are opened, and not proved
    uint8_t key[32]; // of the session
    uint64_t nonce;
} zmtp_t;

#define ZMTP_PEEK 256

// Writes the greeting and does not wait for the server's; zmtp_greet goes on from there.
void zmtp_hail (link_t *link, bool curve);

// The handshake. server_key NULL: NULL; else CURVE with this client's pair of keys.
void zmtp_greet (zmtp_t *self, link_t *link, const char *type, const uint8_t *server_key,
                 const uint8_t public_key[32], const uint8_t secret_key[32]);

// Appends one message of one frame.
void zmtp_send (zmtp_t *self, link_t *link, const void *body, size_t size);
// Appends the empty frame that a REQ begins a message with.
void zmtp_send_delimiter (link_t *link);

// Takes whole frames; `body` is called for each that is no command, with its real size (with
// `peek`, only the first ZMTP_PEEK bytes are there). Returns the bytes used.
size_t zmtp_take (zmtp_t *self, link_t *link, const uint8_t *data, size_t size,
                  void (*body) (link_t *link, const uint8_t *data, size_t size));

#endif
