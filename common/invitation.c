#include "common/invitation.h"

#include "common/text.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, SIGNATURE = crypto_sign_BYTES };

_Static_assert(INVITATION_KEY == crypto_sign_PUBLICKEYBYTES, "an Ed25519 public key");
_Static_assert(INVITATION_SIGNING == crypto_sign_SECRETKEYBYTES, "an Ed25519 secret key");

static const char s_prefix[] = "zchat1.";
static const char s_domain[] = "zchat invitation";
static const char s_derivation[] = "zchat operator";

// Reading.

// The next name of the list, or an empty span when there is none (and in->failed if it is bad).
static span_t s_name (reader_t *in)
{
    span_t name = reader_bytes (in, reader_u8 (in));
    if (!in->failed && !text_name_valid ((const char *)name.data, name.size))
        in->failed = true;
    return in->failed ? span (NULL, 0) : name;
}

static int s_endpoint (reader_t *in, endpoint_t *endpoint)
{
    span_t text = reader_bytes (in, reader_u16 (in));
    if (!in->failed &&
        (endpoint_parse (endpoint, (const char *)text.data, text.size, ENDPOINT_CONNECT) ||
         !endpoint->has_key))
        in->failed = true;
    return in->failed ? -1 : 0;
}

static void s_lists (invitation_t *self, reader_t *in)
{
    endpoint_t endpoint;
    self->group_count = reader_u8 (in);
    const uint8_t *start = in->at;
    for (size_t i = 0; i < self->group_count && !in->failed; i++)
        s_name (in);
    self->groups = span (start, (size_t)(in->at - start));
    self->registry_count = reader_u8 (in);
    start = in->at;
    for (size_t i = 0; i < self->registry_count && !in->failed; i++)
        s_endpoint (in, &endpoint);
    self->registries = span (start, (size_t)(in->at - start));
}

const char *invitation_parse (invitation_t *self, span_t bytes)
{
    reader_t in = reader (bytes.data, bytes.size);
    memset (self, 0, sizeof *self);
    if (bytes.size > INVITATION_MAX)
        return "it is too long for an invitation";
    uint8_t version = reader_u8 (&in);
    if (!in.failed && version != VERSION)
        return "it is an invitation of another version of zchat";
    self->bytes = bytes;
    reader_copy (&in, self->operator_key, sizeof self->operator_key);
    reader_copy (&in, self->id.bytes, GUID_SIZE);
    uint64_t expires = reader_u64 (&in);
    self->uses = reader_u32 (&in);
    s_lists (self, &in);
    if (in.failed || reader_left (&in) != SIGNATURE || expires > INT64_MAX) {
        memset (self, 0, sizeof *self);
        return "it is no whole invitation";
    }
    self->expires = (int64_t)expires;
    return NULL;
}

span_t invitation_group (const invitation_t *self, size_t index)
{
    reader_t in = reader (self->groups.data, self->groups.size);
    span_t name = span (NULL, 0);
    if (index >= self->group_count)
        return name;
    for (size_t i = 0; i <= index; i++)
        name = s_name (&in);
    return name;
}

int invitation_registry (const invitation_t *self, size_t index, endpoint_t *endpoint)
{
    reader_t in = reader (self->registries.data, self->registries.size);
    int result = -1;
    for (size_t i = 0; index < self->registry_count && i <= index; i++)
        result = s_endpoint (&in, endpoint);
    return result;
}

// Judging.

bool invitation_is_for (const invitation_t *self, const char *group)
{
    for (size_t i = 0; i < self->group_count; i++)
        if (span_equal (invitation_group (self, i), span_of (group)))
            return true;
    return self->group_count == 0;
}

bool invitation_is_expired (const invitation_t *self, int64_t now)
{
    return self->expires > 0 && now >= self->expires;
}

// What is signed; the size of it.
static size_t s_signed (span_t body, uint8_t out[sizeof s_domain + INVITATION_MAX])
{
    writer_t to = writer (out, sizeof s_domain + INVITATION_MAX);
    writer_bytes (&to, s_domain, strlen (s_domain));
    writer_bytes (&to, body.data, body.size);
    return writer_used (&to);
}

bool invitation_is_signed (const invitation_t *self)
{
    uint8_t over[sizeof s_domain + INVITATION_MAX];
    if (self->bytes.size < SIGNATURE)
        return false;
    span_t body = span (self->bytes.data, self->bytes.size - SIGNATURE);
    return crypto_sign_verify_detached (body.data + body.size, over, s_signed (body, over),
                                        self->operator_key) == 0;
}

static bool s_knows (const uint8_t *operators, size_t count, const uint8_t *key)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp (operators + i * INVITATION_KEY, key, INVITATION_KEY) == 0)
            return true;
    return false;
}

invitation_verdict_t invitation_verify (const invitation_t *self, const uint8_t *operators,
                                        size_t count, int64_t now, const char *group)
{
    // The signature is what costs, so it comes last.
    if (!s_knows (operators, count, self->operator_key))
        return INVITATION_FOREIGN;
    if (group && !invitation_is_for (self, group))
        return INVITATION_ELSEWHERE;
    if (invitation_is_expired (self, now))
        return INVITATION_EXPIRED;
    return invitation_is_signed (self) ? INVITATION_GOOD : INVITATION_FORGED;
}

const char *invitation_verdict_text (invitation_verdict_t verdict)
{
    switch (verdict) {
    case INVITATION_GOOD:
        return "the invitation is good";
    case INVITATION_FOREIGN:
        return "the invitation is of no operator who is known here";
    case INVITATION_ELSEWHERE:
        return "the invitation is for other groups";
    case INVITATION_EXPIRED:
        return "the invitation is expired";
    case INVITATION_FORGED:
        break;
    }
    return "the invitation was altered: its signature is wrong";
}

// On the wire.

invitation_walk_t invitation_walk (span_t field)
{
    return (invitation_walk_t){reader (field.data, field.size), INVITATION_SHOWN};
}

bool invitation_next (invitation_walk_t *walk, invitation_t *self)
{
    for (; walk->left > 0; walk->left--) {
        span_t bytes = reader_bytes (&walk->in, reader_u16 (&walk->in));
        if (walk->in.failed)
            walk->left = 1;
        else if (!invitation_parse (self, bytes)) {
            walk->left--;
            return true;
        }
    }
    return false;
}

void invitation_put (writer_t *out, span_t bytes)
{
    if (bytes.size > INVITATION_MAX)
        out->failed = true;
    writer_u16 (out, (uint16_t)bytes.size);
    writer_bytes (out, bytes.data, bytes.size);
}

// As text.

char *invitation_print (span_t bytes, char out[INVITATION_TEXT])
{
    size_t prefix = strlen (s_prefix);
    size_t size = bytes.size < INVITATION_MAX ? bytes.size : INVITATION_MAX;
    strcpy (out, s_prefix);
    sodium_bin2base64 (out + prefix, INVITATION_TEXT - prefix, bytes.data, size,
                       sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return out;
}

size_t invitation_scan (const char *text, size_t size, uint8_t out[INVITATION_MAX])
{
    static const char blanks[] = " \t\r\n";
    size_t prefix = strlen (s_prefix), used = 0;
    while (size > 0 && *text && strchr (blanks, *text)) {
        text++;
        size--;
    }
    if (size < prefix || memcmp (text, s_prefix, prefix) != 0 ||
        sodium_base642bin (out, INVITATION_MAX, text + prefix, size - prefix, blanks, &used, NULL,
                           sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return 0;
    return used;
}

// Making.

void invitation_operator (const uint8_t secret[32], uint8_t public_key[INVITATION_KEY],
                          uint8_t signing[INVITATION_SIGNING])
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    crypto_generichash (seed, sizeof seed, (const uint8_t *)s_derivation, strlen (s_derivation),
                        secret, 32);
    crypto_sign_seed_keypair (public_key, signing, seed);
    sodium_memzero (seed, sizeof seed);
}

static void s_put_lists (const invitation_draft_t *draft, writer_t *out)
{
    writer_u8 (out, (uint8_t)draft->group_count);
    for (size_t i = 0; i < draft->group_count; i++) {
        size_t size = strlen (draft->groups[i]);
        writer_u8 (out, (uint8_t)size);
        writer_bytes (out, draft->groups[i], size);
    }
    writer_u8 (out, (uint8_t)draft->registry_count);
    for (size_t i = 0; i < draft->registry_count; i++) {
        size_t size = strlen (draft->registries[i]);
        writer_u16 (out, (uint16_t)size);
        writer_bytes (out, draft->registries[i], size);
    }
}

size_t invitation_make (const invitation_draft_t *draft, const uint8_t signing[INVITATION_SIGNING],
                        uint8_t bytes[INVITATION_MAX])
{
    uint8_t over[sizeof s_domain + INVITATION_MAX], signature[SIGNATURE];
    writer_t out = writer (bytes, INVITATION_MAX);
    writer_u8 (&out, VERSION);
    writer_bytes (&out, signing + INVITATION_SIGNING - INVITATION_KEY, INVITATION_KEY);
    writer_bytes (&out, draft->id.bytes, GUID_SIZE);
    writer_u64 (&out, (uint64_t)draft->expires);
    writer_u32 (&out, draft->uses);
    if (draft->group_count > UINT8_MAX || draft->registry_count > UINT8_MAX || draft->expires < 0)
        return 0;
    s_put_lists (draft, &out);
    if (out.failed)
        return 0;
    span_t body = span (bytes, writer_used (&out));
    crypto_sign_detached (signature, NULL, over, s_signed (body, over), signing);
    writer_bytes (&out, signature, sizeof signature);
    invitation_t made;
    // What was written is read as by a stranger: names and endpoints are looked at there.
    size_t size = writer_used (&out);
    return !out.failed && !invitation_parse (&made, span (bytes, size)) ? size : 0;
}
