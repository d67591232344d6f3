#include "common/chain.h"

#include <sodium.h>
#include <string.h>

chain_t chain_start (const guid_t *log)
{
    chain_t self;
    crypto_generichash (self.bytes, CHAIN_SIZE, log->bytes, GUID_SIZE, NULL, 0);
    return self;
}

chain_t chain_next (const chain_t *before, span_t batch)
{
    chain_t self;
    crypto_generichash_state state;
    crypto_generichash_init (&state, NULL, 0, CHAIN_SIZE);
    crypto_generichash_update (&state, before->bytes, CHAIN_SIZE);
    crypto_generichash_update (&state, batch.data, batch.size);
    crypto_generichash_final (&state, self.bytes, CHAIN_SIZE);
    return self;
}

bool chain_equal (const chain_t *a, const chain_t *b)
{
    return memcmp (a->bytes, b->bytes, CHAIN_SIZE) == 0;
}
