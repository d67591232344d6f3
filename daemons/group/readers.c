#include "daemons/group/readers.h"

#include <czmq.h>
#include <sodium.h>

enum { VERSION_BYTE = 6, VERSION_OF_KEYS = 0x80 }; // of a UUID that is made from a key

struct readers {
    roster_t *roster;
    const rights_t *rights;
    const standing_t *standing;
    bool made;
    uint64_t members; // versions of what it was made from
    uint64_t standing_version;
    uint8_t bytes[READERS_MAX * READERS_DIGEST];
    size_t count;
    size_t left_out;
};

readers_t *readers_new (roster_t *roster, const rights_t *rights)
{
    readers_t *self = zmalloc (sizeof *self);
    self->roster = roster;
    self->rights = rights;
    self->standing = roster_standing (roster);
    return self;
}

void readers_destroy (readers_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void readers_forget (readers_t *self)
{
    self->made = false;
}

static void s_add_key_of (readers_t *self, const guid_t *who)
{
    uint8_t digest[32];
    if ((who->bytes[VERSION_BYTE] & 0xf0) != VERSION_OF_KEYS)
        return; // no key proves it
    if (self->count == READERS_MAX) {
        self->left_out++;
        return;
    }
    crypto_generichash (digest, sizeof digest, who->bytes, GUID_SIZE, NULL, 0);
    memcpy (self->bytes + READERS_DIGEST * self->count++, digest, READERS_DIGEST);
}

static void s_add (void *arg, const guid_t *who)
{
    readers_t *self = arg;
    const stand_t *stand = standing_now (self->standing, who);
    if (!(stand->flags & STANDING_KEYLESS))
        s_add_key_of (self, who);
    for (size_t i = 0; i < stand_key_count (stand); i++) {
        guid_t guid = guid_of_key (stand_key (stand, i));
        s_add_key_of (self, &guid);
    }
}

static void s_add_invited (void *arg, const guid_t *who)
{
    readers_t *self = arg;
    if (!roster_is_member (self->roster, who) && !rights_is_owner (self->rights, who))
        s_add (self, who);
}

static void s_make (readers_t *self)
{
    guid_t who = {{0}};
    self->count = self->left_out = 0;
    for (size_t i = 0; i < rights_owner_count (self->rights); i++)
        s_add (self, rights_owner (self->rights, i));
    while (roster_next (self->roster, &who, &who))
        if (!rights_is_owner (self->rights, &who))
            s_add (self, &who);
    standing_each (self->standing, STANDING_INVITED, s_add_invited, self);
}

span_t readers_list (readers_t *self, size_t *left_out)
{
    uint64_t members = roster_version (self->roster);
    uint64_t standing = standing_version (self->standing);
    if (!self->made || self->members != members || self->standing_version != standing)
        s_make (self);
    self->made = true;
    self->members = members;
    self->standing_version = standing;
    *left_out = self->left_out;
    return span (self->bytes, self->count * READERS_DIGEST);
}
