#include "daemons/group/original.h"

#include "common/zone.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char JOIN[] = "JOIN REQUEST FROM ";
static const char LEAVE[] = "LEAVE REQUEST FROM ";
static const char MESSAGES[] = "MESSAGE REQUEST FROM ";
static const char SEND[] = "MESSAGE SEND FROM ";

enum { SECOND = 1000000, UUID = GUID_TEXT - 1, LINE_HEAD = 8 + 3 + UUID + 2 };

// Takes the prefix and a UUID off the front.
static bool s_begins (span_t *request, const char *prefix, guid_t *who)
{
    size_t size = strlen (prefix);
    if (request->size < size + UUID || memcmp (request->data, prefix, size) != 0)
        return false;
    if (guid_parse (who, (const char *)request->data + size, UUID) < 0)
        return false;
    *request = span (request->data + size + UUID, request->size - size - UUID);
    return true;
}

// Two digits below `limit`, or -1.
static int s_digits (const char *text, int limit)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return -1;
    int value = (text[0] - '0') * 10 + text[1] - '0';
    return value < limit ? value : -1;
}

// HH:MM:SS, as seconds of the day.
static bool s_clock (const char *text, int64_t *seconds)
{
    int hour = s_digits (text, 24), minute = s_digits (text + 3, 60);
    int second = s_digits (text + 6, 60);
    *seconds = (hour * 60 + minute) * 60 + second;
    return text[2] == ':' && text[5] == ':' && hour >= 0 && minute >= 0 && second >= 0;
}

// "YYYY-MM-DD ", as seconds to the day's begin in UTC.
static bool s_date (const char *text, int64_t *seconds)
{
    int century = s_digits (text, 100), year = s_digits (text + 2, 100);
    int month = s_digits (text + 5, 13), day = s_digits (text + 8, 32);
    if (text[4] != '-' || text[7] != '-' || text[10] != ' ' || century < 0 || year < 0 ||
        month < 1 || day < 1)
        return false;
    struct tm when = {.tm_year = century * 100 + year - 1900, .tm_mon = month - 1, .tm_mday = day};
    *seconds = timegm (&when);
    return when.tm_mday == day; // 31 February is no day
}

// "HH:MM:SS" or "YYYY-MM-DD HH:MM:SS" as local time.
static bool s_time (span_t text, int64_t now, int64_t *time_p)
{
    int64_t clock, day = zone_shown (now / SECOND);
    day -= day % ZONE_DAY;
    const char *at = (const char *)text.data;
    if (text.size == 19 && s_date (at, &day))
        at += 11;
    else if (text.size != 8)
        return false;
    if (!s_clock (at, &clock))
        return false;
    int64_t seconds = zone_moment (day + clock);
    *time_p = seconds > 0 ? seconds * SECOND : 0;
    return true;
}

original_t original_parse (span_t request, int64_t now)
{
    original_t self;
    memset (&self, 0, sizeof self);
    span_t rest = request;
    if (s_begins (&rest, JOIN, &self.who))
        self.kind = rest.size == 0 ? ORIGINAL_JOIN : ORIGINAL_INVALID;
    else if (s_begins (&rest, LEAVE, &self.who))
        self.kind = rest.size == 0 ? ORIGINAL_LEAVE : ORIGINAL_INVALID;
    else if (s_begins (&rest, MESSAGES, &self.who)) {
        bool blank = rest.size > 0 && rest.data[0] == ' ';
        self.has_time = rest.size > 1;
        if (rest.size == 0 || (blank && rest.size == 1) ||
            (blank && s_time (span (rest.data + 1, rest.size - 1), now, &self.time)))
            self.kind = ORIGINAL_MESSAGES;
    } else if (s_begins (&rest, SEND, &self.who)) {
        if (rest.size == 0 || rest.data[0] == ' ')
            self.kind = ORIGINAL_SEND;
        if (rest.size > 0)
            self.text = span (rest.data + 1, rest.size - 1);
    }
    return self;
}

size_t original_line_size (const record_t *message)
{
    return LINE_HEAD + message->text.size;
}

void original_put_line (const record_t *message, writer_t *out)
{
    char head[LINE_HEAD + 1], who[GUID_TEXT];
    time_t seconds = (time_t)(message->time / SECOND);
    struct tm when;
    localtime_r (&seconds, &when);
    strftime (head, 9, "%H:%M:%S", &when);
    snprintf (head + 8, sizeof head - 8, " - %s: ", guid_print (&message->author, who));
    writer_bytes (out, head, LINE_HEAD);
    uint8_t *text = out->at;
    writer_bytes (out, message->text.data, message->text.size);
    for (; text < out->at; text++)
        if (*text == '\n' || *text == '\t')
            *text = ' ';
}
