#include "user/card.h"

#include "user/jsonline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LISTED = 255 };

static void s_put_groups (FILE *out, const invitation_t *invitation)
{
    fputs (invitation->group_count == 0 ? "all groups" : "", out);
    for (size_t i = 0; i < invitation->group_count; i++) {
        span_t name = invitation_group (invitation, i);
        const char *before = i == 0 ? "" : i + 1 == invitation->group_count ? " and " : ", ";
        fprintf (out, "%s%.*s", before, (int)name.size, (const char *)name.data);
    }
}

char *card_sentence (const invitation_t *invitation)
{
    char *result = NULL, when[40] = "?";
    size_t size = 0;
    FILE *out = open_memstream (&result, &size);
    if (!out)
        return NULL;
    fputs ("the invitation to ", out);
    s_put_groups (out, invitation);
    time_t seconds = invitation->expires / 1000000;
    struct tm tm;
    if (localtime_r (&seconds, &tm))
        strftime (when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    if (invitation->expires > 0)
        fprintf (out, ", until %s", when);
    if (invitation->uses > 0)
        fprintf (out, ", for %u %s", (unsigned)invitation->uses,
                 invitation->uses == 1 ? "person" : "people");
    if (fclose (out) == 0)
        return result;
    free (result);
    return NULL;
}

static void s_put_lists (jsonline_t *line, const invitation_t *invitation)
{
    char *texts[LISTED] = {NULL}, place[ENDPOINT_TEXT];
    size_t count = 0;
    for (; count < invitation->group_count; count++) {
        span_t name = invitation_group (invitation, count);
        texts[count] = strndup ((const char *)name.data, name.size);
    }
    jsonline_strings (line, "groups", (const char *const *)texts, count);
    while (count > 0)
        free (texts[--count]);
    for (; count < invitation->registry_count; count++) {
        endpoint_t endpoint;
        invitation_registry (invitation, count, &endpoint);
        texts[count] = strdup (endpoint_print_with_key (&endpoint, place));
    }
    jsonline_strings (line, "registries", (const char *const *)texts, count);
    while (count > 0)
        free (texts[--count]);
}

char *card_json (const invitation_t *invitation, const char *text)
{
    jsonline_t *line = jsonline_new ();
    if (text)
        jsonline_string (line, "text", text);
    jsonline_guid (line, "invitation", &invitation->id);
    jsonline_hex (line, "operator", span (invitation->operator_key, INVITATION_KEY));
    s_put_lists (line, invitation);
    if (invitation->expires > 0)
        jsonline_time (line, "expires", invitation->expires);
    else
        jsonline_null (line, "expires");
    if (invitation->uses > 0)
        jsonline_number (line, "uses", invitation->uses);
    else
        jsonline_null (line, "uses");
    return jsonline_take (&line);
}
