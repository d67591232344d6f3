#include "user/moment.h"

#include "common/zone.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND ((int64_t)1000000)

// The text being read; `what` is why it is no moment, once that is known.
typedef struct {
    const char *at;
    const char *what;
} scan_t;

static int s_fail (scan_t *self, const char *what)
{
    if (!self->what)
        self->what = what;
    return -1;
}

static bool s_is_digit (char c)
{
    return c >= '0' && c <= '9';
}

static bool s_skip (scan_t *self, char c)
{
    if (*self->at != c)
        return false;
    self->at++;
    return true;
}

// Exactly `count` digits.
static int s_digits (scan_t *self, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (!s_is_digit (*self->at))
            return s_fail (self, NULL);
        *value = *value * 10 + (*self->at++ - '0');
    }
    return 0;
}

static int s_number (scan_t *self, uint64_t max, uint64_t *value)
{
    *value = 0;
    if (!s_is_digit (*self->at))
        return s_fail (self, "a number is missing");
    while (s_is_digit (*self->at)) {
        uint64_t digit = (uint64_t)(*self->at++ - '0');
        if (*value > (max - digit) / 10)
            return s_fail (self, "the number is too large");
        *value = *value * 10 + digit;
    }
    return 0;
}

// An optional fraction of a second; digits behind the microseconds are dropped.
static int s_fraction (scan_t *self, int64_t *micros)
{
    *micros = 0;
    if (!s_skip (self, '.'))
        return 0;
    if (!s_is_digit (*self->at))
        return s_fail (self, "digits are missing behind the point");
    for (int64_t unit = SECOND / 10; s_is_digit (*self->at); unit /= 10)
        *micros += unit * (*self->at++ - '0');
    return 0;
}

// HH:MM:SS with an optional fraction, as microseconds of the day.
static int s_clock (scan_t *self, int64_t *micros)
{
    int hour, minute, second;
    int64_t fraction;
    if (s_digits (self, 2, &hour) || !s_skip (self, ':') || s_digits (self, 2, &minute) ||
        !s_skip (self, ':') || s_digits (self, 2, &second) || s_fraction (self, &fraction))
        return s_fail (self, NULL);
    // 60 is a leap second: RFC 3339 has it, and it is the next minute's first for us.
    if (hour > 23 || minute > 59 || second > 60)
        return s_fail (self, "there is no such time of day");
    *micros = ((hour * 60 + minute) * 60 + second) * SECOND + fraction;
    return 0;
}

// YYYY-MM-DD, as seconds from 1970 to that day in UTC.
static int s_date (scan_t *self, int64_t *seconds)
{
    int year, month, day;
    if (s_digits (self, 4, &year) || !s_skip (self, '-') || s_digits (self, 2, &month) ||
        !s_skip (self, '-') || s_digits (self, 2, &day))
        return s_fail (self, NULL);
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    *seconds = timegm (&tm);
    // timegm makes March of 30 February: a date whose month it changed is none.
    if (tm.tm_mon != month - 1)
        return s_fail (self, "there is no such date");
    return 0;
}

// Z or +HH:MM, as seconds ahead of UTC.
static int s_zone (scan_t *self, int64_t *seconds)
{
    *seconds = 0;
    if (s_skip (self, 'Z') || s_skip (self, 'z'))
        return 0;
    int sign = *self->at == '-' ? -1 : 1, hours, minutes;
    self->at++;
    if (s_digits (self, 2, &hours) || !s_skip (self, ':') || s_digits (self, 2, &minutes))
        return s_fail (self, "a zone is Z or like +01:00");
    if (hours > 23 || minutes > 59)
        return s_fail (self, "there is no such zone");
    *seconds = sign * (hours * 60 + minutes) * 60;
    return 0;
}

static int s_parse_date (scan_t *self, int64_t *time)
{
    int64_t day, clock = 0, zone;
    if (s_date (self, &day))
        return -1;
    if (*self->at) {
        if (!s_skip (self, 'T') && !s_skip (self, 't') && !s_skip (self, ' '))
            return s_fail (self, NULL);
        if (s_clock (self, &clock))
            return -1;
    }
    int64_t seconds = day + clock / SECOND;
    if (*self->at == 0)
        seconds = zone_moment (seconds);
    else if (strchr ("Zz+-", *self->at) && s_zone (self, &zone) == 0)
        seconds -= zone;
    else
        return s_fail (self, NULL);
    *time = seconds * SECOND + clock % SECOND;
    return 0;
}

static int s_parse_clock (scan_t *self, int64_t now, int64_t *time)
{
    int64_t clock;
    if (s_clock (self, &clock))
        return -1;
    int64_t local = zone_shown (now / SECOND);
    int64_t today = local - local % ZONE_DAY;
    *time = zone_moment (today + clock / SECOND) * SECOND + clock % SECOND;
    return 0;
}

// -15m or +7d.
static int s_parse_span (scan_t *self, int64_t now, int64_t *time)
{
    uint64_t count;
    int64_t sign = *self->at++ == '-' ? -1 : 1;
    if (s_number (self, (uint64_t)(INT64_MAX / SECOND / ZONE_DAY / 4), &count))
        return -1;
    int64_t unit = 0;
    if (s_skip (self, 's'))
        unit = 1;
    else if (s_skip (self, 'm'))
        unit = 60;
    else if (s_skip (self, 'h'))
        unit = 3600;
    else if (s_skip (self, 'd'))
        unit = ZONE_DAY;
    if (unit == 0 || *self->at)
        return s_fail (self, "a unit must follow: s, m, h or d");
    *time = now + sign * (int64_t)count * unit * SECOND;
    return 0;
}

static int s_parse_epoch (scan_t *self, int64_t *time)
{
    uint64_t seconds;
    int64_t fraction;
    self->at++;
    if (s_number (self, (uint64_t)(INT64_MAX / SECOND - 1), &seconds) ||
        s_fraction (self, &fraction))
        return -1;
    *time = (int64_t)seconds * SECOND + fraction;
    return 0;
}

static int s_parse_seq (moment_t *self, scan_t *scan, size_t prefix)
{
    scan->at += prefix;
    self->is_seq = true;
    return s_number (scan, UINT64_MAX, &self->seq);
}

static int s_parse (moment_t *self, scan_t *scan, int64_t now)
{
    if (*scan->at == '#')
        return s_parse_seq (self, scan, 1);
    if (strncmp (scan->at, "seq:", 4) == 0)
        return s_parse_seq (self, scan, 4);
    if (*scan->at == '@')
        return s_parse_epoch (scan, &self->time);
    if (*scan->at == '-' || *scan->at == '+')
        return s_parse_span (scan, now, &self->time);
    if (s_is_digit (scan->at[0]) && s_is_digit (scan->at[1]) && scan->at[2] == ':')
        return s_parse_clock (scan, now, &self->time);
    return s_parse_date (scan, &self->time);
}

int moment_parse (moment_t *self, const char *text, int64_t now, char error[MOMENT_ERROR])
{
    scan_t scan = {text, NULL};
    memset (self, 0, sizeof *self);
    if (s_parse (self, &scan, now) == 0 && *scan.at == 0) {
        if (self->time < 0)
            self->time = 0;
        return 0;
    }
    snprintf (error, MOMENT_ERROR, "'%.40s': %s", text,
              scan.what ? scan.what
                        : "use HH:MM:SS, YYYY-MM-DD, 'YYYY-MM-DD HH:MM:SS', RFC 3339, @seconds, "
                          "-15m or +7d (s, m, h, d), #7 or seq:7");
    return -1;
}
