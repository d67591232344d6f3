// endpoint: `tcp://host:port`, the one form of address that is bound, connected to and announced.
//
// Floor 1, pure. The host is a name, an IPv4 address or an IPv6 address in brackets; `*` as host
// (bind only) is every address, `*` as port (bind only) any free one. An endpoint to connect to may
// carry its server's key: `tcp://host:2001?key=<64 hex digits>`.

#ifndef ZCHAT_ENDPOINT_H
#define ZCHAT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENDPOINT_HOST_MAX 255 // bytes
#define ENDPOINT_KEY      32  // bytes of a CURVE public key
#define ENDPOINT_TEXT     (6 + ENDPOINT_HOST_MAX + 2 + 1 + 5 + 5 + 2 * ENDPOINT_KEY + 1)

typedef struct {
    char host[ENDPOINT_HOST_MAX + 1]; // IPv6 without brackets, with its zone; "*"
    uint16_t port;                    // 0: any free one, written `*`
    bool has_key;
    uint8_t key[ENDPOINT_KEY];
} endpoint_t;

typedef enum {
    ENDPOINT_BIND,    // `*` allowed, no key
    ENDPOINT_CONNECT, // a real host and port, a key allowed
    ENDPOINT_ANNOUNCE // host `*` allowed (the teller's own address), a real port, a key allowed
} endpoint_use_t;

// Reads exactly `size` bytes. Returns NULL, or what is wrong as a sentence without a full stop.
const char *endpoint_parse (endpoint_t *self, const char *text, size_t size, endpoint_use_t use);

// The text form, with the final zero; returns `out`. Without the key: what libzmq takes.
char *endpoint_print (const endpoint_t *self, char out[ENDPOINT_TEXT]);
char *endpoint_print_with_key (const endpoint_t *self, char out[ENDPOINT_TEXT]);

bool endpoint_equal (const endpoint_t *a, const endpoint_t *b); // byte for byte, key included

// Only this machine can reach it: `localhost`, 127.0.0.0/8, ::1 (also as ::ffff:127.x.y.z).
bool endpoint_is_loopback (const endpoint_t *self);
// Names every address: `*`, 0.0.0.0, ::.
bool endpoint_is_any (const endpoint_t *self);

// The same two questions about a bare address, as libzmq's "Peer-Address" gives it.
bool endpoint_host_is_loopback (const char *host);
bool endpoint_host_is_any (const char *host);

// An IPv4 address that came over an IPv6 socket ("::ffff:10.0.0.7") as what it is; any other host
// as it is. Points into `host`.
const char *endpoint_host_plain (const char *host);

#endif
