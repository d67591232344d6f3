#include "daemons/registry/legacy.h"

#include "common/text.h"

#include <stdio.h>
#include <string.h>

// Takes the word off the front; false when the text does not begin with it.
static bool s_take (span_t *text, const char *word)
{
    size_t size = strlen (word);
    if (text->size < size || memcmp (text->data, word, size) != 0)
        return false;
    *text = span (text->data + size, text->size - size);
    return true;
}

// Takes a port in decimal, without zeros in front.
static bool s_take_port (span_t *text, uint16_t *port)
{
    unsigned value = 0;
    size_t size = 0;
    for (; size < text->size && size < 6; size++) {
        uint8_t byte = text->data[size];
        if (byte < '0' || byte > '9' || (size == 0 && byte == '0'))
            break;
        value = value * 10 + (unsigned)(byte - '0');
    }
    if (size == 0 || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    *text = span (text->data + size, text->size - size);
    return true;
}

static legacy_request_t s_parse_register (span_t text)
{
    legacy_request_t self = {.kind = LEGACY_INVALID};
    if (!s_take_port (&text, &self.port) || !s_take (&text, " [") || text.size < 2 ||
        text.data[text.size - 1] != ']')
        return self;
    self.name = span (text.data, text.size - 1);
    if (text_legacy_name_valid ((const char *)self.name.data, self.name.size))
        self.kind = LEGACY_REGISTER;
    return self;
}

static legacy_request_t s_parse_list (span_t text)
{
    legacy_request_t self = {.kind = LEGACY_INVALID};
    if (s_take (&text, "LOCALHOST:2000 [")) {
        if (text.size == 0 || text.data[text.size - 1] != ']')
            return self;
        text.size--;
    }
    if (guid_parse (&self.user, (const char *)text.data, text.size) == 0)
        self.kind = LEGACY_LIST;
    return self;
}

legacy_request_t legacy_parse (span_t text)
{
    if (s_take (&text, "JOIN REQUEST FROM "))
        return s_parse_register (text);
    if (s_take (&text, "GROUP LIST REQUEST FROM "))
        return s_parse_list (text);
    return (legacy_request_t){.kind = LEGACY_INVALID};
}

void legacy_put_row (writer_t *out, const char *name, uint16_t port)
{
    char row[LEGACY_ROW];
    int size = snprintf (row, sizeof row, "%s[%s] - %u", writer_used (out) > 0 ? "\n" : "", name,
                         (unsigned)port);
    writer_bytes (out, row, (size_t)size);
}
