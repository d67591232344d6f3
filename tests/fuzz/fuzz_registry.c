// Any bytes as what the registry gets: a request of the original wire, or a native one. Whatever
// becomes an entry of the directory can be listed.

#include "daemons/registry/directory.h"
#include "daemons/registry/legacy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void s_must (bool holds)
{
    if (!holds)
        abort ();
}

static bool s_visit (void *context, const entry_t *entry)
{
    static uint8_t bytes[70000];
    const entry_caller_t *caller = context;
    writer_t out = writer (bytes, sizeof bytes);
    const char *endpoints = entry_endpoints (entry, caller->peer);
    entry_shown (entry, caller);
    s_must (strlen (endpoints) < 6000);
    wire_t row;
    entry_describe (entry, endpoints, &row);
    wire_put_row (&row, &out);
    s_must (!out.failed);
    out = writer (bytes, LEGACY_ROW);
    legacy_put_row (&out, entry_name (entry), entry_plain_port (entry, caller->peer));
    s_must (!out.failed);
    return true;
}

static entry_t *s_entry (span_t input, const entry_caller_t *caller)
{
    legacy_request_t request = legacy_parse (input);
    if (request.kind == LEGACY_REGISTER)
        return entry_new_legacy (request.name, request.port, caller->peer);
    wire_t message;
    wire_error_t error = wire_decode (&message, input);
    if (error != WIRE_ERR_NONE || message.kind != WIRE_ANNOUNCE)
        return NULL;
    entry_t *entry = entry_new (&message, caller, &error);
    s_must ((entry != NULL) == (error == WIRE_ERR_NONE));
    return entry;
}

// The first byte says from where, and whether with a key.
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const char *const peers[] = {"127.0.0.1",       "::1",          "10.0.0.7",
                                        "::ffff:10.0.0.7", "fe80::1%eth0", ""};
    if (size == 0)
        return 0;
    char *peer = strdup (peers[data[0] % 6]);
    static const uint8_t key[32] = {1, 2, 3};
    entry_caller_t caller = {peer, data[0] & 0x80 ? key : NULL};
    directory_limits_t limits = {10, 10, 10, 10};
    directory_t *directory = directory_new (&limits, NULL, NULL);
    entry_t *entry = s_entry (span (data + 1, size - 1), &caller);
    const entry_t *holder;
    if (entry && entry_legacy (entry))
        s_must (directory_register (directory, &entry, 0) == 0);
    else if (entry)
        s_must (directory_announce (directory, &entry, false, 0, &holder) == WIRE_ERR_NONE);
    directory_list (directory, 0, s_visit, &caller);
    directory_destroy (&directory);
    free (peer);
    return 0;
}
