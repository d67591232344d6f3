#include "common/proof.h"

#include <sodium.h>
#include <string.h>

static void s_hash (uint8_t *out, size_t size, const uint8_t key[PROOF_KEY], const writer_t *over)
{
    crypto_generichash (out, size, over->start, writer_used (over), key, PROOF_KEY);
}

receipt_t receipt_make (const uint8_t key[PROOF_KEY], const guid_t *log, uint64_t generation,
                        uint64_t seq, const chain_t *chain)
{
    receipt_t self = {generation, seq, *chain, {0}};
    uint8_t bytes[80];
    writer_t out = writer (bytes, sizeof bytes);
    writer_bytes (&out, "receipt", 7);
    writer_bytes (&out, log->bytes, GUID_SIZE);
    writer_u64 (&out, generation);
    writer_u64 (&out, seq);
    writer_bytes (&out, chain->bytes, CHAIN_SIZE);
    s_hash (self.mac, sizeof self.mac, key, &out);
    return self;
}

bool receipt_genuine (const receipt_t *self, const uint8_t key[PROOF_KEY], const guid_t *log)
{
    receipt_t real = receipt_make (key, log, self->generation, self->seq, &self->chain);
    return sodium_memcmp (real.mac, self->mac, sizeof real.mac) == 0;
}

void receipt_encode (const receipt_t *self, uint8_t bytes[PROOF_RECEIPT])
{
    writer_t out = writer (bytes, PROOF_RECEIPT);
    writer_u64 (&out, self->generation);
    writer_u64 (&out, self->seq);
    writer_bytes (&out, self->chain.bytes, CHAIN_SIZE);
    writer_bytes (&out, self->mac, sizeof self->mac);
}

receipt_t receipt_decode (const uint8_t bytes[PROOF_RECEIPT])
{
    receipt_t self;
    reader_t in = reader (bytes, PROOF_RECEIPT);
    self.generation = reader_u64 (&in);
    self.seq = reader_u64 (&in);
    reader_copy (&in, self.chain.bytes, CHAIN_SIZE);
    reader_copy (&in, self.mac, sizeof self.mac);
    return self;
}

void claim_make (uint8_t claim[PROOF_CLAIM], const uint8_t key[PROOF_KEY], const guid_t *log,
                 uint64_t generation, const guid_t *instance)
{
    uint8_t bytes[48];
    writer_t out = writer (bytes, sizeof bytes);
    writer_bytes (&out, "claim", 5);
    writer_bytes (&out, log->bytes, GUID_SIZE);
    writer_u64 (&out, generation);
    writer_bytes (&out, instance->bytes, GUID_SIZE);
    s_hash (claim, PROOF_CLAIM, key, &out);
}

bool claim_genuine (const uint8_t claim[PROOF_CLAIM], const uint8_t key[PROOF_KEY],
                    const guid_t *log, uint64_t generation, const guid_t *instance)
{
    uint8_t real[PROOF_CLAIM];
    claim_make (real, key, log, generation, instance);
    return sodium_memcmp (real, claim, PROOF_CLAIM) == 0;
}
