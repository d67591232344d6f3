#include "tests/bench/zmtp.h"

#include "tests/bench/fail.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { MORE = 1, LONG = 2, COMMAND = 4, CURVE_COMMAND = 2 };

// Head of a frame. Returns its size.
static size_t s_head (uint8_t out[9], uint8_t flags, size_t size)
{
    out[0] = flags;
    if (size < 256) {
        out[1] = (uint8_t)size;
        return 2;
    }
    out[0] |= LONG;
    put_u64 (out + 1, size);
    return 9;
}

// ---- Handshake

static void s_write_command (link_t *link, const uint8_t *body, size_t size)
{
    uint8_t head[9];
    link_write_all (link, head, s_head (head, COMMAND, size));
    link_write_all (link, body, size);
}

static size_t s_read_frame (link_t *link, uint8_t *out, size_t room)
{
    uint8_t head[9];
    link_read_all (link, head, 2);
    size_t size = head[1];
    if (head[0] & LONG) {
        link_read_all (link, head + 2, 7);
        size = get_u64 (head + 1);
    }
    if (size > room)
        fail ("ZMTP handshake: a frame of %zu bytes", size);
    link_read_all (link, out, size);
    return size;
}

static size_t s_property (uint8_t *out, const char *name, const char *value)
{
    size_t name_size = strlen (name);
    size_t value_size = strlen (value);
    out[0] = (uint8_t)name_size;
    memcpy (out + 1, name, name_size);
    put_u32 (out + 1 + name_size, (uint32_t)value_size);
    memcpy (out + 5 + name_size, value, value_size);
    return 5 + name_size + value_size;
}

static size_t s_metadata (uint8_t *out, const char *type)
{
    size_t size = s_property (out, "Socket-Type", type);
    return size + s_property (out + size, "Identity", "");
}

static void s_write_greeting (link_t *link, const char *mechanism)
{
    uint8_t greeting[64] = {0xff, [9] = 0x7f, [10] = 3};
    memcpy (greeting + 12, mechanism, strlen (mechanism));
    link_write_all (link, greeting, sizeof (greeting));
    link->hailed = true;
}

void zmtp_hail (link_t *link, bool curve)
{
    s_write_greeting (link, curve ? "CURVE" : "NULL");
}

static void s_exchange_greetings (link_t *link, const char *mechanism)
{
    uint8_t greeting[64];
    if (!link->hailed)
        s_write_greeting (link, mechanism);
    link_read_all (link, greeting, sizeof (greeting));
    if (strncmp ((const char *)greeting + 12, mechanism, 20) != 0)
        fail ("the server speaks %.20s, not %s", greeting + 12, mechanism);
}

static void s_null (link_t *link, const char *type)
{
    uint8_t bytes[1024];
    memcpy (bytes, "\x05READY", 6);
    size_t size = 6 + s_metadata (bytes + 6, type);
    s_write_command (link, bytes, size);
    size = s_read_frame (link, bytes, sizeof (bytes));
    if (size < 6 || memcmp (bytes, "\x05READY", 6) != 0)
        fail ("ZMTP handshake: no READY");
}

typedef struct {
    const uint8_t *server; // its long-term key
    const uint8_t *client; // ours
    const uint8_t *secret;
    uint8_t short_public[32];
    uint8_t short_secret[32];
    uint8_t server_short[32];
    uint8_t cookie[96];
} shake_t;

static void s_nonce (uint8_t out[24], const char *prefix, const uint8_t *rest, size_t size)
{
    memcpy (out, prefix, 24 - size);
    memcpy (out + 24 - size, rest, size);
}

static void s_hello (link_t *link, shake_t *shake)
{
    uint8_t hello[200] = {0};
    uint8_t nonce[24];
    const uint8_t zeros[64] = {0};
    crypto_box_keypair (shake->short_public, shake->short_secret);
    memcpy (hello, "\x05HELLO\x01", 7);
    memcpy (hello + 80, shake->short_public, 32);
    put_u64 (hello + 112, 1);
    s_nonce (nonce, "CurveZMQHELLO---", hello + 112, 8);
    if (crypto_box_easy (hello + 120, zeros, 64, nonce, shake->server, shake->short_secret) != 0)
        fail ("CURVE: the server's key is none");
    s_write_command (link, hello, sizeof (hello));
}

static void s_welcome (link_t *link, shake_t *shake)
{
    uint8_t bytes[1024];
    uint8_t nonce[24];
    uint8_t plain[128];
    size_t size = s_read_frame (link, bytes, sizeof (bytes));
    if (size != 168 || memcmp (bytes, "\x07WELCOME", 8) != 0)
        fail ("CURVE: no WELCOME");
    s_nonce (nonce, "WELCOME-", bytes + 8, 16);
    if (crypto_box_open_easy (plain, bytes + 24, 144, nonce, shake->server, shake->short_secret) !=
        0)
        fail ("CURVE: this is not the server's key");
    memcpy (shake->server_short, plain, 32);
    memcpy (shake->cookie, plain + 32, 96);
}

static void s_initiate (link_t *link, const shake_t *shake, const char *type)
{
    uint8_t bytes[1024];
    uint8_t plain[512];
    uint8_t nonce[24];
    uint8_t vouch[64];
    memcpy (bytes, "\x08INITIATE", 9);
    memcpy (bytes + 9, shake->cookie, 96);
    put_u64 (bytes + 105, 2);
    memcpy (plain, shake->client, 32);
    randombytes_buf (plain + 32, 16);
    s_nonce (nonce, "VOUCH---", plain + 32, 16);
    memcpy (vouch, shake->short_public, 32);
    memcpy (vouch + 32, shake->server, 32);
    int failed = crypto_box_easy (plain + 48, vouch, 64, nonce, shake->server_short, shake->secret);
    size_t size = 128 + s_metadata (plain + 128, type);
    s_nonce (nonce, "CurveZMQINITIATE", bytes + 105, 8);
    failed |=
        crypto_box_easy (bytes + 113, plain, size, nonce, shake->server_short, shake->short_secret);
    if (failed)
        fail ("CURVE: cannot make INITIATE");
    s_write_command (link, bytes, 113 + size + crypto_box_MACBYTES);
}

static void s_curve (zmtp_t *self, link_t *link, const char *type, shake_t *shake)
{
    uint8_t bytes[1024];
    s_hello (link, shake);
    s_welcome (link, shake);
    s_initiate (link, shake, type);
    size_t size = s_read_frame (link, bytes, sizeof (bytes));
    if (size < 6 || memcmp (bytes, "\x05READY", 6) != 0)
        fail ("CURVE: refused");
    if (crypto_box_beforenm (self->key, shake->server_short, shake->short_secret) != 0)
        fail ("CURVE: no session");
    self->nonce = 3;
}

void zmtp_greet (zmtp_t *self, link_t *link, const char *type, const uint8_t *server_key,
                 const uint8_t public_key[32], const uint8_t secret_key[32])
{
    self->curve = server_key != NULL;
    s_exchange_greetings (link, self->curve ? "CURVE" : "NULL");
    if (!self->curve) {
        s_null (link, type);
        return;
    }
    shake_t shake = {.server = server_key, .client = public_key, .secret = secret_key};
    s_curve (self, link, type, &shake);
}

// ---- Messages

static void s_send_curve (zmtp_t *self, link_t *link, uint8_t flags, const void *body, size_t size)
{
    uint8_t head[9];
    uint8_t nonce[24];
    size_t sealed = 16 + 1 + size + crypto_box_MACBYTES;
    link_put (link, head, s_head (head, 0, sealed));
    uint8_t *room = link_room (link, sealed);
    memcpy (room, "\x07MESSAGE", 8);
    put_u64 (room + 8, self->nonce++);
    s_nonce (nonce, "CurveZMQMESSAGEC", room + 8, 8);
    uint8_t *plain = must_alloc (1, 1 + size);
    plain[0] = flags;
    memcpy (plain + 1, body, size);
    crypto_box_easy_afternm (room + 16, plain, 1 + size, nonce, self->key);
    free (plain);
}

void zmtp_send (zmtp_t *self, link_t *link, const void *body, size_t size)
{
    uint8_t head[9];
    if (self->curve) {
        s_send_curve (self, link, 0, body, size);
        return;
    }
    link_put (link, head, s_head (head, 0, size));
    link_put (link, body, size);
}

void zmtp_send_delimiter (link_t *link)
{
    link_put (link, "\x01\x00", 2);
}

// "\4PING" ttl:2 context
static void s_answer_ping (zmtp_t *self, link_t *link, const uint8_t *body, size_t size)
{
    uint8_t pong[5 + 16] = "\x04PONG";
    if (size < 7 || size > 7 + 16 || memcmp (body, "\x04PING", 5) != 0)
        return;
    memcpy (pong + 5, body + 7, size - 7);
    if (self->curve) {
        s_send_curve (self, link, CURVE_COMMAND, pong, size - 2);
        return;
    }
    uint8_t head[9];
    link_put (link, head, s_head (head, COMMAND, size - 2));
    link_put (link, pong, size - 2);
}

static void s_take_curve (zmtp_t *self, link_t *link, const uint8_t *data, size_t size,
                          void (*body) (link_t *, const uint8_t *, size_t))
{
    static uint8_t plain[4u << 20];
    uint8_t nonce[24];
    if (size < 33 || size > sizeof (plain) || memcmp (data, "\x07MESSAGE", 8) != 0)
        fail ("CURVE: a frame that is no MESSAGE");
    s_nonce (nonce, "CurveZMQMESSAGES", data + 8, 8);
    size_t text = size - 32;
    if (self->peek) { // the box's stream begins with 32 bytes that key the proof
        uint8_t stream[32 + ZMTP_PEEK];
        size_t part = text < ZMTP_PEEK ? text : ZMTP_PEEK;
        crypto_stream_xsalsa20 (stream, 32 + part, nonce, self->key);
        for (size_t n = 0; n < part; n++)
            plain[n] = data[32 + n] ^ stream[32 + n];
    } else if (crypto_box_open_easy_afternm (plain, data + 16, size - 16, nonce, self->key) != 0)
        fail ("CURVE: a frame that cannot be opened");
    if (plain[0] & CURVE_COMMAND)
        s_answer_ping (self, link, plain + 1, text - 1);
    else
        body (link, plain + 1, text - 1);
}

size_t zmtp_take (zmtp_t *self, link_t *link, const uint8_t *data, size_t size,
                  void (*body) (link_t *link, const uint8_t *data, size_t size))
{
    size_t used = 0;
    while (size - used >= 2) {
        const uint8_t *frame = data + used;
        size_t head = frame[0] & LONG ? 9 : 2;
        if (size - used < head)
            break;
        size_t length = frame[0] & LONG ? get_u64 (frame + 1) : frame[1];
        if (size - used - head < length)
            break;
        if (self->curve)
            s_take_curve (self, link, frame + head, length, body);
        else if (frame[0] & COMMAND)
            s_answer_ping (self, link, frame + head, length);
        else if (!(frame[0] & MORE))
            body (link, frame + head, length);
        used += head + length;
    }
    return used;
}
