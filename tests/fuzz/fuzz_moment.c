// Any bytes as a time argument: refused with a sentence, or a moment that its own RFC 3339 text
// names again.

#include "user/moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const int64_t NOW = 1795347000123456;

static void s_must (bool holds)
{
    if (!holds)
        abort ();
}

// A zone with a summer time.
int LLVMFuzzerInitialize (int *argc, char ***argv)
{
    (void)argc, (void)argv;
    setenv ("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset ();
    return 0;
}

// Nothing but years of four digits has such a text.
static void s_print_again (const moment_t *moment)
{
    char text[64], error[MOMENT_ERROR];
    time_t seconds = (time_t)(moment->time / 1000000);
    struct tm when;
    moment_t again;
    if (!gmtime_r (&seconds, &when) || when.tm_year + 1900 > 9999)
        return;
    size_t size = strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &when);
    snprintf (text + size, sizeof text - size, ".%06dZ", (int)(moment->time % 1000000));
    s_must (moment_parse (&again, text, NOW, error) == 0);
    s_must (!again.is_seq && again.time == moment->time);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char error[MOMENT_ERROR] = "";
    moment_t moment;
    char *text = strndup ((const char *)data, size);
    s_must (text != NULL);
    if (moment_parse (&moment, text, NOW, error) < 0)
        s_must (*error && strlen (error) < MOMENT_ERROR);
    else if (!moment.is_seq) {
        s_must (moment.time >= 0 && (*text != '-' || moment.time <= NOW));
        s_print_again (&moment);
    }
    free (text);
    return 0;
}
