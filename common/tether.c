#include "common/tether.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    uintptr_t token;
    void *owner;
} tether_t;

// Few are alive at a time: some for each session.
static struct {
    tether_t *live;
    size_t count;
    size_t room;
    uintptr_t last;
} s_all;

void *tether_new (void *owner)
{
    if (s_all.count == s_all.room) {
        size_t room = s_all.room ? 2 * s_all.room : 16;
        tether_t *more = realloc (s_all.live, room * sizeof *more);
        if (!more)
            return NULL;
        s_all.live = more;
        s_all.room = room;
    }
    s_all.live[s_all.count++] = (tether_t){++s_all.last, owner};
    return (void *)s_all.last;
}

static tether_t *s_find (const void *token)
{
    for (size_t i = 0; i < s_all.count; i++)
        if (s_all.live[i].token == (uintptr_t)token)
            return &s_all.live[i];
    return NULL;
}

void *tether_owner (const void *token)
{
    tether_t *self = s_find (token);
    return self ? self->owner : NULL;
}

void tether_cut (void **token_p)
{
    tether_t *self = s_find (*token_p);
    *token_p = NULL;
    if (!self)
        return;
    *self = s_all.live[--s_all.count];
    if (s_all.count == 0) {
        free (s_all.live);
        s_all.live = NULL;
        s_all.room = 0;
    }
}
