#include "daemons/group/nicks.h"

#include "common/hash.h"

#include <czmq.h>

enum { SMALL = 16 }; // numbers behind a nick

struct nicks {
    zhashx_t *holders; // by key of nick
};

nicks_t *nicks_new (void)
{
    nicks_t *self = zmalloc (sizeof *self);
    self->holders = zhashx_new ();
    zhashx_set_key_hasher (self->holders, hash_text);
    return self;
}

void nicks_destroy (nicks_t **self_p)
{
    if (!*self_p)
        return;
    zhashx_destroy (&(*self_p)->holders);
    free (*self_p);
    *self_p = NULL;
}

void *nicks_holder (const nicks_t *self, const char *nick, size_t size)
{
    char *key = text_nick_key (nick, size);
    void *holder = key ? zhashx_lookup (self->holders, key) : NULL;
    free (key);
    return holder;
}

void nicks_take (nicks_t *self, const char *nick, void *holder)
{
    char *key = *nick ? text_nick_key (nick, strlen (nick)) : NULL;
    if (key)
        zhashx_update (self->holders, key, holder);
    free (key);
}

void nicks_release (nicks_t *self, const char *nick, const void *holder)
{
    char *key = *nick ? text_nick_key (nick, strlen (nick)) : NULL;
    if (key && zhashx_lookup (self->holders, key) == holder)
        zhashx_delete (self->holders, key);
    free (key);
}

// Writes the nick with a number behind it. Whether that is free.
static bool s_try (const nicks_t *self, const char *nick, size_t size, unsigned number,
                   char out[TEXT_NICK_MAX + 1])
{
    char tail[12];
    size_t tail_size = (size_t)snprintf (tail, sizeof tail, "-%u", number);
    size_t front = size;
    if (front + tail_size > TEXT_NICK_MAX)
        front = TEXT_NICK_MAX - tail_size;
    while (front > 0 && front < size && (nick[front] & 0xc0) == 0x80)
        front--;
    snprintf (out, TEXT_NICK_MAX + 1, "%.*s%s", (int)front, nick, tail);
    return !nicks_holder (self, out, strlen (out));
}

// Thousands may come with the same nick. So beyond the small numbers not every one is tried: any
// free one that stands behind a taken one will do.
void nicks_find_free (const nicks_t *self, const char *nick, size_t size,
                      char out[TEXT_NICK_MAX + 1])
{
    snprintf (out, TEXT_NICK_MAX + 1, "%.*s", (int)size, nick);
    if (!nicks_holder (self, out, strlen (out)))
        return;
    unsigned taken = 1, unused = 2;
    while (!s_try (self, nick, size, unused, out)) {
        taken = unused;
        unused = taken < SMALL ? taken + 1 : 2 * taken;
    }
    while (taken + 1 < unused) {
        unsigned middle = taken + (unused - taken) / 2;
        if (s_try (self, nick, size, middle, out))
            unused = middle;
        else
            taken = middle;
    }
    s_try (self, nick, size, unused, out);
}
