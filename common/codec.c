#include "common/codec.h"

#include <string.h>

span_t span (const void *data, size_t size)
{
    return (span_t){data, size};
}

span_t span_of (const char *text)
{
    return (span_t){(const uint8_t *) text, text ? strlen (text) : 0};
}

bool span_equal (span_t a, span_t b)
{
    return a.size == b.size && (a.size == 0 || memcmp (a.data, b.data, a.size) == 0);
}

reader_t reader (const void *data, size_t size)
{
    const uint8_t *at = data;
    return (reader_t){at, at ? at + size : at, false};
}

size_t reader_left (const reader_t *self)
{
    return (size_t) (self->end - self->at);
}

// The next so many bytes, NULL when there are fewer. Small, and inlined: every field of every record
// comes this way.
static inline const uint8_t *s_next (reader_t *self, size_t size)
{
    if (self->failed || size > (size_t) (self->end - self->at)) {
        self->failed = true;
        return NULL;
    }
    const uint8_t *bytes = self->at;
    if (size > 0)
        self->at += size;
    return bytes;
}

span_t reader_bytes (reader_t *self, size_t size)
{
    const uint8_t *bytes = s_next (self, size);
    return (span_t){bytes, self->failed ? 0 : size};
}

void reader_copy (reader_t *self, void *out, size_t size)
{
    const uint8_t *bytes = s_next (self, size);
    if (bytes && size > 0)
        memcpy (out, bytes, size);
    else
        memset (out, 0, size);
}

static inline uint64_t s_read (reader_t *self, size_t size)
{
    const uint8_t *bytes = s_next (self, size);
    uint64_t value = 0;
    for (size_t i = 0; bytes && i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

uint8_t reader_u8 (reader_t *self)
{
    const uint8_t *byte = s_next (self, 1);
    return byte ? *byte : 0;
}

uint16_t reader_u16 (reader_t *self)
{
    return (uint16_t) s_read (self, 2);
}

uint32_t reader_u32 (reader_t *self)
{
    return (uint32_t) s_read (self, 4);
}

uint64_t reader_u64 (reader_t *self)
{
    return s_read (self, 8);
}

uint64_t reader_varint (reader_t *self)
{
    const uint8_t *start = self->at;
    uint64_t value = 0;
    if (!self->failed && start < self->end && *start < 0x80) {
        self->at++;
        return *start; // as nearly all are
    }
    for (unsigned shift = 0; !self->failed; shift += 7) {
        uint8_t byte = reader_u8 (self);
        if (shift == 63 && byte > 1)
            break; // more than 64 bits: this is the tenth byte at most
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (byte == 0 && shift > 0)
            break; // not the shortest form
        return self->failed ? 0 : value;
    }
    self->at = start;
    self->failed = true;
    return 0;
}

writer_t writer (void *data, size_t size)
{
    uint8_t *start = data;
    return (writer_t){start, start, start ? start + size : start, false};
}

size_t writer_used (const writer_t *self)
{
    return (size_t) (self->at - self->start);
}

// Room for so many bytes, NULL when there is less.
static inline uint8_t *s_room (writer_t *self, size_t size)
{
    if (self->failed || size > (size_t) (self->end - self->at)) {
        self->failed = true;
        return NULL;
    }
    uint8_t *room = self->at;
    if (size > 0)
        self->at += size;
    return room;
}

void writer_bytes (writer_t *self, const void *data, size_t size)
{
    uint8_t *room = s_room (self, size);
    if (room && size > 0)
        memcpy (room, data, size);
}

static inline void s_write (writer_t *self, uint64_t value, size_t size)
{
    uint8_t *room = s_room (self, size);
    for (size_t i = size; room && i > 0; i--, value >>= 8)
        room[i - 1] = (uint8_t) value;
}

void writer_u8 (writer_t *self, uint8_t value)
{
    s_write (self, value, 1);
}

void writer_u16 (writer_t *self, uint16_t value)
{
    s_write (self, value, 2);
}

void writer_u32 (writer_t *self, uint32_t value)
{
    s_write (self, value, 4);
}

void writer_u64 (writer_t *self, uint64_t value)
{
    s_write (self, value, 8);
}

void writer_varint (writer_t *self, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;
    do {
        uint8_t low = (uint8_t) (value & 0x7f);
        value >>= 7;
        bytes[size++] = value ? (uint8_t) (low | 0x80) : low;
    } while (value);
    writer_bytes (self, bytes, size);
}

size_t varint_size (uint64_t value)
{
    size_t size = 1;
    while (value >>= 7)
        size++;
    return size;
}
