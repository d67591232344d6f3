#include "user/target.h"

#include "common/text.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 500 };

int target_begin (target_t *self, const char *who)
{
    size_t size = strlen (who);
    memset (self, 0, sizeof *self);
    self->found = guid_parse (&self->uuid, who, size) == 0;
    if (self->found)
        return 0;
    self->key = text_nick_valid (who, size) ? text_nick_key (who, size) : NULL;
    return self->key ? 0 : -1;
}

void target_end (target_t *self)
{
    free (self->key);
    self->key = NULL;
}

wire_t target_request (const target_t *self)
{
    wire_t request = wire (WIRE_WHO, 0, NULL);
    wire_set_bytes (&request, WIRE_F_MEMBER, span (self->last.bytes, GUID_SIZE));
    wire_set (&request, WIRE_F_LIMIT, PAGE);
    return request;
}

static bool s_is_it (const target_t *self, const wire_t *row)
{
    span_t nick = wire_bytes (row, WIRE_F_NICK);
    char *key = text_nick_key ((const char *)nick.data, nick.size);
    bool same = key && nick.size > 0 && strcmp (key, self->key) == 0;
    free (key);
    return same;
}

target_step_t target_take (target_t *self, const wire_t *members)
{
    span_t rows = wire_bytes (members, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    guid_t before = self->last;
    wire_t row;
    while (wire_next_row (&row, WIRE_ROW_MEMBER, &in) == 1) {
        self->last = wire_guid (&row, WIRE_F_MEMBER);
        if (s_is_it (self, &row)) {
            self->uuid = self->last;
            self->found = true;
            return TARGET_FOUND;
        }
    }
    // Pages that lead nowhere come to an end.
    bool further = memcmp (self->last.bytes, before.bytes, GUID_SIZE) > 0;
    return further && wire_number (members, WIRE_F_MORE) ? TARGET_MORE : TARGET_NONE;
}
