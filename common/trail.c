#include "common/trail.h"

#include <string.h>

void trail_clear (trail_t *self)
{
    self->count = 0;
}

// How wide the hole is that a mark leaves, against how far back it is.
static double s_loss (const trail_t *self, size_t at, uint64_t now)
{
    const trail_mark_t *marks = self->marks;
    return (double)(marks[at + 1].seq - marks[at - 1].seq) / (double)(now - marks[at].seq);
}

// The first one and the newest stay.
static void s_thin (trail_t *self, uint64_t now)
{
    size_t least = 1;
    for (size_t i = 2; i + 1 < self->count; i++)
        if (s_loss (self, i, now) < s_loss (self, least, now))
            least = i;
    self->count--;
    memmove (&self->marks[least], &self->marks[least + 1],
             (self->count - least) * sizeof self->marks[0]);
}

void trail_put (trail_t *self, uint64_t seq, const chain_t *chain)
{
    if (seq == 0 || (self->count > 0 && seq <= self->marks[self->count - 1].seq))
        return;
    if (self->count == TRAIL_MARKS)
        s_thin (self, seq);
    self->marks[self->count++] = (trail_mark_t){seq, *chain};
}

bool trail_back (trail_t *self, uint64_t below, trail_mark_t *mark)
{
    while (self->count > 0 && self->marks[self->count - 1].seq >= below)
        self->count--;
    if (self->count > 0)
        *mark = self->marks[self->count - 1];
    return self->count > 0;
}
