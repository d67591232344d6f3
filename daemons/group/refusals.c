#include "daemons/group/refusals.h"

bool refusals_add (refusals_t *self, int64_t now, uint64_t *hidden)
{
    *hidden = 0;
    if (self->shown == 0 || now - self->since >= REFUSALS_TIME) {
        *hidden = self->hidden;
        *self = (refusals_t){.since = now};
    }
    if (self->shown == REFUSALS_SHOWN) {
        self->hidden++;
        return false;
    }
    self->shown++;
    return true;
}
