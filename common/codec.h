// codec: bounded reading and writing of bytes in network order.
//
// Floor 1. Neither side ever touches a byte outside its buffer: a read or write that does not fit
// sets `failed`, gives zero and leaves the position, and every later call does the same. So a
// decoder may read a whole structure and look at `failed` once, at the end.

#ifndef ZCHAT_CODEC_H
#define ZCHAT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes that belong to somebody else.
typedef struct {
    const uint8_t *data;
    size_t size;
} span_t;

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
} reader_t;

typedef struct {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
} writer_t;

span_t span (const void *data, size_t size);
span_t span_of (const char *text); // without the final zero; NULL is the empty span
bool span_equal (span_t a, span_t b);

reader_t reader (const void *data, size_t size);
size_t reader_left (const reader_t *self);
uint8_t reader_u8 (reader_t *self);
uint16_t reader_u16 (reader_t *self);
uint32_t reader_u32 (reader_t *self);
uint64_t reader_u64 (reader_t *self);
// Unsigned LEB128 in its shortest form, at most 10 bytes; any longer form fails.
uint64_t reader_varint (reader_t *self);
span_t reader_bytes (reader_t *self, size_t size);
void reader_copy (reader_t *self, void *out, size_t size); // zeros `out` on failure

writer_t writer (void *data, size_t size);
size_t writer_used (const writer_t *self);
void writer_u8 (writer_t *self, uint8_t value);
void writer_u16 (writer_t *self, uint16_t value);
void writer_u32 (writer_t *self, uint32_t value);
void writer_u64 (writer_t *self, uint64_t value);
void writer_varint (writer_t *self, uint64_t value);
void writer_bytes (writer_t *self, const void *data, size_t size);

size_t varint_size (uint64_t value);

#endif
