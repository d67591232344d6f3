// Any bytes as an endpoint: refused with a sentence, or written again it is the same one.

#include "common/endpoint.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void s_must (bool holds)
{
    if (!holds)
        abort ();
}

static void s_try (const char *text, size_t size, endpoint_use_t use)
{
    endpoint_t endpoint, again;
    char out[ENDPOINT_TEXT], bare[ENDPOINT_TEXT];
    const char *wrong = endpoint_parse (&endpoint, text, size, use);
    if (wrong) {
        s_must (*wrong != 0 && wrong[strlen (wrong) - 1] != '.');
        return;
    }
    s_must (use == ENDPOINT_BIND || endpoint.port > 0);
    s_must (use != ENDPOINT_BIND || !endpoint.has_key);
    s_must (strlen (endpoint_print_with_key (&endpoint, out)) < ENDPOINT_TEXT);
    s_must (!endpoint_parse (&again, out, strlen (out), use) && endpoint_equal (&endpoint, &again));
    endpoint_print (&endpoint, bare);
    s_must (strncmp (out, bare, strlen (bare)) == 0);
    s_must (!endpoint_parse (&again, bare, strlen (bare), use) && !again.has_key);
    s_must (endpoint_is_loopback (&endpoint) == endpoint_host_is_loopback (endpoint.host));
    s_must (!endpoint_is_loopback (&endpoint) || !endpoint_is_any (&endpoint));
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char *text = malloc (size); // no byte behind it
    s_must (text || size == 0);
    if (size > 0)
        memcpy (text, data, size);
    for (int use = ENDPOINT_BIND; use <= ENDPOINT_ANNOUNCE; use++)
        s_try (text, size, (endpoint_use_t)use);
    free (text);
    return 0;
}
