#include "common/record.h"

#include <string.h>

enum {
    HAS_AUTHOR = 0x01,
    HAS_SEND = 0x02,
    HAS_NICK = 0x04,
    HAS_TEXT = 0x08,
    HAS_ORIGIN = 0x10,
    NAMES_ORIGIN = HAS_AUTHOR | HAS_SEND,
    KNOWN = 0x9f
};

// ---- Origins

static void s_name_origin (record_origins_t *self, const uint8_t *at)
{
    self->at[self->count++ % RECORD_ORIGINS] = at;
}

// The origin-th last; NULL: there was none.
static const uint8_t *s_origin_at (const record_origins_t *self, uint64_t origin)
{
    if (!self || origin < 1 || origin > RECORD_ORIGINS || origin > self->count)
        return NULL;
    return self->at[(self->count - origin) % RECORD_ORIGINS];
}

// The record's origin if it was named, else 0.
static unsigned s_origin_of (const record_origins_t *self, const record_t *record)
{
    const uint8_t *at;
    for (unsigned origin = 1; (at = s_origin_at (self, origin)); origin++)
        if (memcmp (at + GUID_SIZE, record->send.device, RECORD_DEVICE) == 0 &&
            memcmp (at, record->author.bytes, GUID_SIZE) == 0)
            return origin;
    return 0;
}

// ---- Bytes

static uint8_t s_flags (const record_t *self)
{
    unsigned flags = self->flags & RECORD_VERIFIED;
    if (!guid_is_null (&self->author))
        flags |= HAS_AUTHOR;
    if (self->send.counter > 0)
        flags |= HAS_SEND;
    if (self->nick.size > 0)
        flags |= HAS_NICK;
    if (self->text.size > 0)
        flags |= HAS_TEXT;
    return (uint8_t)flags;
}

static size_t s_body_size (const record_t *self, int64_t base, unsigned flags)
{
    size_t size = 2 + varint_size ((uint64_t)(self->time - base));
    if (flags & HAS_AUTHOR)
        size += GUID_SIZE;
    if (flags & HAS_SEND)
        size += RECORD_DEVICE;
    if (flags & HAS_ORIGIN)
        size += 1;
    if (flags & (HAS_SEND | HAS_ORIGIN))
        size += varint_size (self->send.counter) + 4;
    if (flags & HAS_NICK)
        size += varint_size (self->nick.size) + self->nick.size;
    if (flags & HAS_TEXT)
        size += varint_size (self->text.size) + self->text.size;
    return size + self->options.size;
}

size_t record_size (const record_t *self, int64_t base)
{
    size_t body = s_body_size (self, base, s_flags (self));
    return varint_size (body) + body;
}

void record_encode (const record_t *self, int64_t base, record_origins_t *origins, writer_t *out)
{
    uint8_t flags = s_flags (self);
    bool names = (flags & NAMES_ORIGIN) == NAMES_ORIGIN;
    unsigned origin = names ? s_origin_of (origins, self) : 0;
    if (origin)
        flags ^= NAMES_ORIGIN | HAS_ORIGIN;
    writer_varint (out, s_body_size (self, base, flags));
    writer_u8 (out, (uint8_t)self->kind);
    writer_u8 (out, flags);
    writer_varint (out, (uint64_t)(self->time - base));
    const uint8_t *at = out->at;
    if (flags & HAS_AUTHOR)
        writer_bytes (out, self->author.bytes, GUID_SIZE);
    if (flags & HAS_SEND)
        writer_bytes (out, self->send.device, RECORD_DEVICE);
    if (flags & HAS_ORIGIN)
        writer_u8 (out, (uint8_t)origin);
    if (flags & (HAS_SEND | HAS_ORIGIN)) {
        writer_varint (out, self->send.counter);
        writer_u32 (out, self->send.random);
    }
    if (flags & HAS_NICK) {
        writer_varint (out, self->nick.size);
        writer_bytes (out, self->nick.data, self->nick.size);
    }
    if (flags & HAS_TEXT) {
        writer_varint (out, self->text.size);
        writer_bytes (out, self->text.data, self->text.size);
    }
    writer_bytes (out, self->options.data, self->options.size);
    if (origins && names && !origin && !out->failed)
        s_name_origin (origins, at);
}

// One option; false at the end or when the bytes are none.
static bool s_next_option (reader_t *in, uint64_t *type, span_t *value)
{
    if (reader_left (in) == 0)
        return false;
    *type = reader_varint (in);
    *value = reader_bytes (in, reader_varint (in));
    return !in->failed;
}

// Author and device, written out or by the origin.
static void s_get_origin (record_t *self, unsigned flags, record_origins_t *origins, reader_t *in)
{
    const uint8_t *at = in->at;
    if (flags & HAS_ORIGIN) {
        at = s_origin_at (origins, reader_varint (in));
        in->failed = in->failed || !at;
        if (!in->failed) {
            memcpy (self->author.bytes, at, GUID_SIZE);
            memcpy (self->send.device, at + GUID_SIZE, RECORD_DEVICE);
        }
    }
    if (flags & HAS_AUTHOR)
        reader_copy (in, self->author.bytes, GUID_SIZE);
    if (flags & HAS_SEND)
        reader_copy (in, self->send.device, RECORD_DEVICE);
    if (origins && !in->failed && (flags & NAMES_ORIGIN) == NAMES_ORIGIN)
        s_name_origin (origins, at);
}

int record_decode (record_t *self, int64_t base, record_origins_t *origins, reader_t *in)
{
    memset (self, 0, sizeof *self);
    span_t bytes = reader_bytes (in, reader_varint (in));
    reader_t body = reader (bytes.data, bytes.size);
    self->kind = reader_u8 (&body);
    unsigned flags = reader_u8 (&body);
    self->flags = flags & RECORD_VERIFIED;
    uint64_t delta = reader_varint (&body);
    s_get_origin (self, flags, origins, &body);
    if (flags & (HAS_SEND | HAS_ORIGIN)) {
        self->send.counter = reader_varint (&body);
        self->send.random = reader_u32 (&body);
    }
    if (flags & HAS_NICK)
        self->nick = reader_bytes (&body, reader_varint (&body));
    if (flags & HAS_TEXT)
        self->text = reader_bytes (&body, reader_varint (&body));
    self->options = span (body.at, body.failed ? 0 : reader_left (&body));
    uint64_t type;
    span_t value;
    while (s_next_option (&body, &type, &value))
        ;
    bool sane = !in->failed && !body.failed && base >= 0 && delta <= (uint64_t)(INT64_MAX - base);
    // What the encoder never writes is no record, so that each has one form only, but for its
    // origin.
    unsigned alone = flags & HAS_ORIGIN ? flags ^ (NAMES_ORIGIN | HAS_ORIGIN) : flags;
    if (!sane || (flags & ~(unsigned)KNOWN) || s_flags (self) != alone) {
        in->failed = true;
        return -1;
    }
    self->time = base + (int64_t)delta;
    return 0;
}

span_t record_option (const record_t *self, uint64_t wanted)
{
    reader_t in = reader (self->options.data, self->options.size);
    uint64_t type;
    span_t value;
    while (s_next_option (&in, &type, &value))
        if (type == wanted)
            return value;
    return span (NULL, 0);
}

uint64_t record_option_number (const record_t *self, uint64_t type, uint64_t missing)
{
    span_t value = record_option (self, type);
    reader_t in = reader (value.data, value.size);
    uint64_t number = reader_varint (&in);
    return in.failed || reader_left (&in) > 0 ? missing : number;
}

uint64_t record_generation (const record_t *self, uint64_t before)
{
    bool says =
        self->kind == RECORD_OPEN || self->kind == RECORD_ACCEPT || self->kind == RECORD_STATE_LOG;
    uint64_t now = says ? record_option_number (self, RECORD_OPT_GENERATION, before) : before;
    return now > before ? now : before;
}

void record_put_option (writer_t *out, uint64_t type, const void *data, size_t size)
{
    writer_varint (out, type);
    writer_varint (out, size);
    writer_bytes (out, data, size);
}

void record_put_number (writer_t *out, uint64_t type, uint64_t value)
{
    writer_varint (out, type);
    writer_varint (out, varint_size (value));
    writer_varint (out, value);
}

const char *record_kind_name (record_kind_t kind)
{
    switch (kind) {
    case RECORD_MESSAGE:
        return "message";
    case RECORD_JOIN:
        return "join";
    case RECORD_LEAVE:
        return "leave";
    case RECORD_NICK:
        return "nick";
    case RECORD_TOPIC:
        return "topic";
    case RECORD_OPEN:
        return "open";
    case RECORD_TRIM:
        return "trim";
    case RECORD_ACCEPT:
        return "accept";
    case RECORD_HOLE:
        return "hole";
    case RECORD_INVITE:
        return "invite";
    case RECORD_KICK:
        return "kick";
    case RECORD_BAN:
        return "ban";
    case RECORD_UNBAN:
        return "unban";
    case RECORD_MUTE:
        return "mute";
    case RECORD_UNMUTE:
        return "unmute";
    case RECORD_OP:
        return "op";
    case RECORD_DEOP:
        return "deop";
    case RECORD_ADD_KEY:
        return "add-key";
    case RECORD_REMOVE_KEY:
        return "remove-key";
    case RECORD_STATE_LOG:
        return "state-log";
    case RECORD_STATE_DEVICE:
        return "state-device";
    case RECORD_STATE_PERSON:
        return "state-person";
    case RECORD_STATE_INVITATION:
        return "state-invitation";
    }
    return "unknown";
}
