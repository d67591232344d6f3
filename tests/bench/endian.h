// endian: numbers in network order.

#ifndef BENCH_ENDIAN_H
#define BENCH_ENDIAN_H

#include <stdint.h>

void put_u16 (uint8_t *out, uint16_t value);
void put_u32 (uint8_t *out, uint32_t value);
void put_u64 (uint8_t *out, uint64_t value);
uint16_t get_u16 (const uint8_t *in);
uint32_t get_u32 (const uint8_t *in);
uint64_t get_u64 (const uint8_t *in);

#endif
