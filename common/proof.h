// proof: what only the holder of a log's key can have written.
//
// Floor 3, pure. The key (32 random bytes) lies in the group's folder and never leaves it.
//
// A receipt says "this log, in this generation, had this chain at this sequence": the server gives
// one with each acknowledgement and page, a client keeps the last and shows it when it comes back.
//     receipt = generation:8 sequence:8 chain:32 mac:16
//     mac     = BLAKE2b-128 keyed, over "receipt" log-id:16 generation:8 sequence:8 chain:32
// A claim says "this process speaks for this log in this generation", to the registry:
//     claim   = BLAKE2b-256 keyed, over "claim" log-id:16 generation:8 instance:16

#ifndef ZCHAT_PROOF_H
#define ZCHAT_PROOF_H

#include "common/chain.h"

#define PROOF_KEY     32
#define PROOF_RECEIPT 64
#define PROOF_CLAIM   32

typedef struct {
    uint64_t generation;
    uint64_t seq;
    chain_t chain;
    uint8_t mac[16];
} receipt_t;

receipt_t receipt_make (const uint8_t key[PROOF_KEY], const guid_t *log, uint64_t generation,
                        uint64_t seq, const chain_t *chain);
bool receipt_genuine (const receipt_t *self, const uint8_t key[PROOF_KEY], const guid_t *log);
void receipt_encode (const receipt_t *self, uint8_t out[PROOF_RECEIPT]);
receipt_t receipt_decode (const uint8_t in[PROOF_RECEIPT]);

void claim_make (uint8_t out[PROOF_CLAIM], const uint8_t key[PROOF_KEY], const guid_t *log,
                 uint64_t generation, const guid_t *instance);
bool claim_genuine (const uint8_t claim[PROOF_CLAIM], const uint8_t key[PROOF_KEY],
                    const guid_t *log, uint64_t generation, const guid_t *instance);

#endif
