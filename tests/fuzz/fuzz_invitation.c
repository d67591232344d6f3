// Any bytes: as an invitation, as its text, and as the list in a request. What was read is within
// its bytes; nothing unsigned is good; the text form of what was read reads as the same bytes.

#include "common/invitation.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void s_must (bool holds)
{
    if (!holds)
        abort ();
}

static bool s_within (span_t part, span_t whole)
{
    return part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static void s_look (const invitation_t *self)
{
    endpoint_t endpoint;
    s_must (self->bytes.size <= INVITATION_MAX);
    for (size_t i = 0; i <= self->group_count; i++) {
        span_t name = invitation_group (self, i);
        s_must (s_within (name, self->bytes) && (name.size > 0) == (i < self->group_count));
    }
    for (size_t i = 0; i <= self->registry_count; i++)
        s_must ((invitation_registry (self, i, &endpoint) == 0) == (i < self->registry_count));
    s_must (invitation_verify (self, NULL, 0, 1, NULL) == INVITATION_FOREIGN);
    invitation_verify (self, self->operator_key, 1, 1, "cats");
}

static void s_as_text (span_t bytes)
{
    char text[INVITATION_TEXT];
    uint8_t back[INVITATION_MAX];
    invitation_print (bytes, text);
    s_must (strlen (text) < sizeof text);
    size_t size = invitation_scan (text, strlen (text), back);
    s_must (span_equal (span (back, size), bytes));
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    invitation_t one;
    uint8_t scanned[INVITATION_MAX];
    if (!invitation_parse (&one, span (data, size))) {
        s_look (&one);
        s_as_text (one.bytes);
    } else
        s_must (one.bytes.size == 0 && one.group_count == 0 && one.registry_count == 0);
    size_t used = invitation_scan ((const char *)data, size, scanned);
    s_must (used <= INVITATION_MAX);
    if (used > 0)
        s_as_text (span (scanned, used));
    invitation_walk_t walk = invitation_walk (span (data, size));
    unsigned count = 0;
    while (invitation_next (&walk, &one)) {
        s_look (&one);
        s_must (s_within (one.bytes, span (data, size)) && ++count <= INVITATION_SHOWN);
    }
    return 0;
}
