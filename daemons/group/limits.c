#include "daemons/group/limits.h"

#include "common/hash.h"

#include <arpa/inet.h>
#include <czmq.h>

enum {
    ASKERS_MAX = 100000, // whose rates are known at a time
    FULL_WAIT_MS = 1000  // when there are more
};

typedef struct {
    guid_t who;
    rate_t rates[LIMITS_KINDS];
} asker_t;

struct limits {
    limits_rules_t rules;
    rate_t all[LIMITS_KINDS];
    zhashx_t *askers;
};

static const char *const s_names[LIMITS_KINDS][4] = {
    [LIMITS_SEND] = {"rate.send", "rate.send_burst", "rate.group_send", "rate.group_send_burst"},
    [LIMITS_JOIN] = {"rate.join", "rate.join_burst", "rate.group_join", "rate.group_join_burst"},
    [LIMITS_HISTORY] = {"rate.history", "rate.history_burst", "rate.group_history",
                        "rate.group_history_burst"}};

limits_rules_t limits_rules_of (const conf_t *conf)
{
    limits_rules_t rules;
    for (int kind = 0; kind < LIMITS_KINDS; kind++) {
        const char *const *names = s_names[kind];
        rules.one[kind] =
            (rate_limit_t){conf_number (conf, names[0]), conf_number (conf, names[1])};
        rules.all[kind] =
            (rate_limit_t){conf_number (conf, names[2]), conf_number (conf, names[3])};
    }
    return rules;
}

static void s_free (void **asker_p)
{
    free (*asker_p);
    *asker_p = NULL;
}

limits_t *limits_new (void)
{
    limits_t *self = zmalloc (sizeof *self);
    self->askers = zhashx_new ();
    zhashx_set_key_hasher (self->askers, hash_guid);
    zhashx_set_key_comparator (self->askers, hash_guid_compare);
    zhashx_set_key_duplicator (self->askers, NULL);
    zhashx_set_key_destructor (self->askers, NULL);
    zhashx_set_destructor (self->askers, s_free);
    return self;
}

void limits_destroy (limits_t **self_p)
{
    limits_t *self = *self_p;
    if (!self)
        return;
    zhashx_destroy (&self->askers);
    free (self);
    *self_p = NULL;
}

void limits_set (limits_t *self, const limits_rules_t *rules)
{
    self->rules = *rules;
}

guid_t limits_address (const char *address)
{
    enum { NETWORK = 8 }; // bytes
    guid_t self = {{0}};
    struct in6_addr wide;
    struct in_addr narrow;
    char bare[INET6_ADDRSTRLEN] = "";
    size_t size = strcspn (address, "%"); // without the zone of a link-local address
    if (size < sizeof bare)
        memcpy (bare, address, size);
    if (inet_pton (AF_INET, bare, &narrow) == 1) {
        self.bytes[10] = self.bytes[11] = 0xff; // as ::ffff:a.b.c.d
        memcpy (self.bytes + 12, &narrow, sizeof narrow);
    } else if (inet_pton (AF_INET6, bare, &wide) == 1)
        memcpy (self.bytes, &wide, IN6_IS_ADDR_V4MAPPED (&wide) ? GUID_SIZE : NETWORK);
    return self;
}

static asker_t *s_asker (limits_t *self, const guid_t *who)
{
    asker_t *asker = zhashx_lookup (self->askers, who->bytes);
    if (asker || zhashx_size (self->askers) >= ASKERS_MAX)
        return asker;
    asker = zmalloc (sizeof *asker);
    asker->who = *who;
    zhashx_insert (self->askers, asker->who.bytes, asker);
    return asker;
}

uint32_t limits_take (limits_t *self, limits_kind_t kind, const guid_t *who, int64_t now,
                      const char **name)
{
    *name = s_names[kind][2];
    asker_t *asker = s_asker (self, who);
    if (!asker)
        return FULL_WAIT_MS;
    rate_t before = self->all[kind];
    uint32_t wait = rate_take (&self->all[kind], &self->rules.all[kind], now);
    if (wait > 0)
        return wait;
    wait = rate_take (&asker->rates[kind], &self->rules.one[kind], now);
    if (wait > 0)
        self->all[kind] = before; // it took nothing
    *name = s_names[kind][0];
    return wait;
}

void limits_forget (limits_t *self, int64_t now)
{
    zlistx_t *idle = zlistx_new ();
    for (asker_t *asker = zhashx_first (self->askers); asker; asker = zhashx_next (self->askers)) {
        bool busy = false;
        for (int kind = 0; kind < LIMITS_KINDS; kind++)
            busy = busy || !rate_idle (&asker->rates[kind], now);
        if (!busy)
            zlistx_add_end (idle, asker);
    }
    for (asker_t *asker = zlistx_first (idle); asker; asker = zlistx_next (idle))
        zhashx_delete (self->askers, asker->who.bytes);
    zlistx_destroy (&idle);
}
