#include "daemons/group/gather.h"

static int64_t s_begin (gather_t *self, int64_t now)
{
    self->begun = now;
    self->waited = false;
    return 0;
}

static void s_note_vain (gather_t *self)
{
    unsigned skip = self->vain < 31 ? 1u << self->vain : GATHER_SKIP;
    self->skip = skip < GATHER_SKIP ? skip : GATHER_SKIP;
    self->vain++;
}

int64_t gather_wait (gather_t *self, size_t waiting, int64_t now)
{
    if (waiting >= self->expected) {
        if (self->waited)
            self->vain = 0;
        return s_begin (self, now);
    }
    if (self->waited && now >= self->until)
        s_note_vain (self);
    else if (self->skip > 0)
        self->skip--;
    else if (now < self->until) {
        self->waited = true;
        return self->until - now;
    }
    return s_begin (self, now);
}

static int64_t s_at_most (int64_t time, int64_t most)
{
    return time < most ? time : most;
}

void gather_ended (gather_t *self, size_t answered, size_t waiting, int64_t told, int64_t now)
{
    self->expected = answered + waiting;
    self->until = now + s_at_most (told - self->begun, GATHER_DISK) +
                  s_at_most (GATHER_PUSH * (now - told), GATHER_MAX);
}
