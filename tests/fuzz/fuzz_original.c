// Any bytes as a request of the original wire to a group: invalid, or what it is understood as can
// be said again. Its text in an answer is one line.

#include "daemons/group/original.h"

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

// Each local time comes once, so that it can be said again.
int LLVMFuzzerInitialize (int *argc, char ***argv)
{
    (void)argc, (void)argv;
    setenv ("TZ", "UTC", 1);
    tzset ();
    return 0;
}

static size_t s_say (const original_t *request, char *out, size_t room)
{
    static const char *const words[] = {"", "JOIN REQUEST", "LEAVE REQUEST", "MESSAGE REQUEST",
                                        "MESSAGE SEND"};
    char who[GUID_TEXT], date[32];
    guid_print (&request->who, who);
    size_t size = (size_t)snprintf (out, room, "%s FROM %s", words[request->kind], who);
    if (request->kind == ORIGINAL_SEND) {
        out[size++] = ' ';
        if (request->text.size > 0)
            memcpy (out + size, request->text.data, request->text.size);
        size += request->text.size;
    } else if (request->has_time) {
        time_t seconds = (time_t)(request->time / 1000000);
        struct tm when;
        s_must (gmtime_r (&seconds, &when) != NULL && request->time % 1000000 == 0);
        strftime (date, sizeof date, "%Y-%m-%d %H:%M:%S", &when);
        size += (size_t)snprintf (out + size, room - size, " %s", date);
    }
    return size;
}

static void s_try_line (span_t text)
{
    record_t message = {.kind = RECORD_MESSAGE, .time = NOW, .author = {{1}}, .text = text};
    size_t size = original_line_size (&message);
    uint8_t *line = malloc (size);
    s_must (line != NULL);
    writer_t out = writer (line, size);
    original_put_line (&message, &out);
    s_must (!out.failed && writer_used (&out) == size);
    s_must (!memchr (line, '\n', size) && !memchr (line, '\t', size));
    free (line);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    original_t request = original_parse (span (data, size), NOW);
    s_try_line (span (data, size));
    if (request.kind == ORIGINAL_INVALID)
        return 0;
    s_must (request.text.size == 0 || request.text.data + request.text.size == data + size);
    char *again = malloc (size + 200);
    s_must (again != NULL);
    size_t said = s_say (&request, again, size + 200);
    original_t same = original_parse (span (again, said), NOW);
    s_must (same.kind == request.kind && guid_equal (&same.who, &request.who));
    s_must (same.has_time == request.has_time && same.time == request.time);
    s_must (span_equal (same.text, request.text));
    free (again);
    return 0;
}
