#include "common/rate.h"

uint32_t rate_take (rate_t *self, const rate_limit_t *limit, int64_t now)
{
    if (limit->rate <= 0)
        return 0;
    int64_t clock = now * 1000;
    int64_t each = 1000000 / limit->rate;
    int64_t ahead = (limit->burst > 1 ? limit->burst - 1 : 0) * each; // what a burst may use
    if (each < 1)
        return 0; // a million a second is no limit
    int64_t due = self->due > clock ? self->due : clock;
    if (due - clock > ahead) {
        int64_t wait = (due - clock - ahead + 999) / 1000;
        return wait < UINT32_MAX ? (uint32_t)wait : UINT32_MAX;
    }
    self->due = due + each;
    return 0;
}

bool rate_idle (const rate_t *self, int64_t now)
{
    return self->due <= now * 1000;
}
