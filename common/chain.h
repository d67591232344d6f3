// chain: the running hash over a log's batches.
//
// Floor 2, pure. BLAKE2b-256 (RFC 7693) over the chain before and the batch's bytes; the chain
// before the first batch is the hash of the log's id. Whoever holds one chain value and a sequence
// knows every byte of every batch up to there.

#ifndef ZCHAT_CHAIN_H
#define ZCHAT_CHAIN_H

#include "common/codec.h"
#include "common/guid.h"

#define CHAIN_SIZE 32

typedef struct {
    uint8_t bytes[CHAIN_SIZE];
} chain_t;

chain_t chain_start (const guid_t *log);
chain_t chain_next (const chain_t *before, span_t batch);
bool chain_equal (const chain_t *a, const chain_t *b);

#endif
