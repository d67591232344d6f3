#include "common/zone.h"

#include <time.h>

// Seconds by which local time is ahead of UTC at this moment.
static int64_t s_offset (int64_t seconds)
{
    time_t when = seconds;
    struct tm tm;
    return localtime_r (&when, &tm) ? tm.tm_gmtoff : 0;
}

int64_t zone_shown (int64_t seconds)
{
    return seconds + s_offset (seconds);
}

// The zone's offset a day before and a day after are the two that can hold; should it change more
// often, the first wins.
int64_t zone_moment (int64_t shown)
{
    int64_t before = s_offset (shown - ZONE_DAY), after = s_offset (shown + ZONE_DAY);
    int64_t larger = before > after ? before : after, smaller = before > after ? after : before;
    if (s_offset (shown - larger) == larger)
        return shown - larger;
    if (s_offset (shown - smaller) == smaller)
        return shown - smaller;
    int64_t low = shown - ZONE_DAY, high = shown + ZONE_DAY;
    while (low + 1 < high) {
        int64_t middle = low + (high - low) / 2;
        if (s_offset (middle) == before)
            low = middle;
        else
            high = middle;
    }
    return high;
}
