#include "common/wallclock.h"

#include <time.h>

int64_t wallclock_now (void)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    int64_t us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    return us > 0 ? us : 0;
}
