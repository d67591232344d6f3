// moment: what --after, --before and --expires take, as a sequence or a time.
//
// Floor 2, pure: knows the zone (TZ) and the `now` it is given, no clock.
//
//     07:00:00                      today, local time
//     2026-11-22                    the beginning of that day, local time
//     2026-11-22 07:00:00           local time; a T in place of the blank is the same
//     2026-11-22T07:00:00.5+01:00   RFC 3339, any fraction
//     @1795330800                   seconds since 1970
//     -15m                          so long before now; s, m, h, d (a day is 24 hours)
//     +7d                           so long after now
//     #7 or seq:7                   the record of that sequence
//
// A local time that came twice (the clock was put back) is the first of the two; one that never
// came (the clock was put forward) is the first moment behind the hole. What lies before 1970 is
// 1970: nothing is older.

#ifndef ZCHAT_MOMENT_H
#define ZCHAT_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#define MOMENT_ERROR 200 // bytes of the longest sentence, with the final zero

typedef struct {
    bool is_seq;
    uint64_t seq;
    int64_t time; // microseconds since 1970, UTC
} moment_t;

// Reads `text`, with `now` in microseconds since 1970. Returns 0, or -1 and a sentence in `error`
// that names the text and what is wrong with it.
int moment_parse (moment_t *self, const char *text, int64_t now, char error[MOMENT_ERROR]);

#endif
