#include "common/pick.h"

#include <string.h>

typedef bool (wanted_fn) (const endpoint_t *endpoint, const uint8_t *pin);

static bool s_pinned (const endpoint_t *endpoint, const uint8_t *pin)
{
    return endpoint->has_key && memcmp (endpoint->key, pin, ENDPOINT_KEY) == 0;
}

static bool s_keyed (const endpoint_t *endpoint, const uint8_t *pin)
{
    (void)pin;
    return endpoint->has_key;
}

static bool s_local (const endpoint_t *endpoint, const uint8_t *pin)
{
    (void)pin;
    return !endpoint->has_key && endpoint_is_loopback (endpoint);
}

// Takes those that are wanted. ipc:// and the like are no endpoints of ours, and plain.
static size_t s_take (pick_t *self, const char *const *endpoints, size_t count, wanted_fn *wanted,
                      const uint8_t *pin)
{
    self->count = 0;
    for (size_t i = 0; i < count && self->count < PICK_MAX; i++) {
        endpoint_t parsed;
        bool ours =
            !endpoint_parse (&parsed, endpoints[i], strlen (endpoints[i]), ENDPOINT_CONNECT);
        if (wanted ? ours && wanted (&parsed, pin) : true)
            self->list[self->count++] = endpoints[i];
    }
    return self->count;
}

pick_verdict_t pick (pick_t *self, const char *const *endpoints, size_t count, const uint8_t *pin,
                     bool again, bool plain)
{
    if (plain && s_take (self, endpoints, count, s_local, NULL) > 0)
        return PICK_FOUND;
    if (pin && s_take (self, endpoints, count, s_pinned, pin) > 0)
        return PICK_FOUND;
    if (again && !pin && s_take (self, endpoints, count, s_local, NULL) > 0)
        return PICK_FOUND;
    size_t keyed = s_take (self, endpoints, count, s_keyed, NULL);
    if (pin && keyed > 0) {
        endpoint_t other;
        endpoint_parse (&other, self->list[0], strlen (self->list[0]), ENDPOINT_CONNECT);
        memcpy (self->key, other.key, ENDPOINT_KEY);
    }
    if (pin) {
        self->count = 0;
        return keyed > 0 ? PICK_OTHER_KEY : PICK_NO_KEY;
    }
    if (keyed == 0)
        s_take (self, endpoints, count, NULL, NULL);
    return PICK_FOUND;
}
