#include "daemons/registry/names.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    conf_name_t owner;
    int64_t tried; // 0: never
} one_t;

struct names {
    size_t count;
    one_t list[];
};

names_t *names_new (const conf_name_t *list, size_t count)
{
    names_t *self = calloc (1, sizeof *self + count * sizeof (one_t));
    if (!self)
        return NULL;
    self->count = count;
    for (size_t i = 0; i < count; i++)
        self->list[i].owner = list[i];
    return self;
}

void names_destroy (names_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

static const one_t *s_find (const names_t *self, span_t name)
{
    for (size_t i = 0; i < self->count; i++)
        if (span_equal (name, span_of (self->list[i].owner.name)))
            return &self->list[i];
    return NULL;
}

names_verdict_t names_judge (const names_t *self, span_t name, const uint8_t *key)
{
    const one_t *one = s_find (self, name);
    if (!one)
        return NAMES_FREE;
    return key && memcmp (one->owner.key, key, CONF_KEY) == 0 ? NAMES_OWN : NAMES_TAKEN;
}

bool names_contest (names_t *self, span_t name, int64_t now, int64_t quiet)
{
    one_t *one = (one_t *)s_find (self, name);
    if (!one)
        return false;
    bool first = one->tried == 0 || now - one->tried >= quiet;
    one->tried = now > 0 ? now : 1;
    return first;
}
