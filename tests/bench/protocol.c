#include "tests/bench/protocol.h"

#include <string.h>

static const protocol_t *const s_table[] = {
    &protocol_zchat,     &protocol_original,  &protocol_bare,         &protocol_raw,
    &protocol_raw_fan,   &protocol_resp,      &protocol_resp_publish, &protocol_publish,
    &protocol_nats,      &protocol_jetstream, &protocol_mqtt,         &protocol_pg,
    &protocol_pg_simple, &protocol_irc,       &protocol_registry,
};

const protocol_t *protocol_named (const char *name)
{
    for (size_t n = 0; n < sizeof (s_table) / sizeof (s_table[0]); n++)
        if (strcmp (s_table[n]->name, name) == 0)
            return s_table[n];
    return NULL;
}

const protocol_t *protocol_at (size_t index)
{
    return index < sizeof (s_table) / sizeof (s_table[0]) ? s_table[index] : NULL;
}
