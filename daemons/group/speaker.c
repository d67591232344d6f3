#include "daemons/group/speaker.h"

#include <string.h>

speaker_t speaker_of (const uint8_t *key)
{
    speaker_t self;
    memset (&self, 0, sizeof self);
    if (key) {
        self.proved = true;
        memcpy (self.key, key, SPEAKER_KEY);
        self.guid = guid_of_key (key);
    }
    return self;
}

bool speaker_is (const speaker_t *self, const uint8_t *key)
{
    return key ? self->proved && memcmp (self->key, key, SPEAKER_KEY) == 0 : !self->proved;
}
