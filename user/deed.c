#include "user/deed.h"

#include <stdio.h>
#include <string.h>

static const deed_t s_table[] = {
    {"invite", RECORD_INVITE, "invited", "to"},  {"kick", RECORD_KICK, "kicked", "out of"},
    {"ban", RECORD_BAN, "banned", "from"},       {"unban", RECORD_UNBAN, "unbanned", "in"},
    {"mute", RECORD_MUTE, "muted", "in"},        {"unmute", RECORD_UNMUTE, "unmuted", "in"},
    {"op", RECORD_OP, "made", "an operator of"}, {"deop", RECORD_DEOP, "made", "a plain member of"},
};

const deed_t *deed_find (const char *name)
{
    for (size_t i = 0; i < sizeof s_table / sizeof *s_table; i++)
        if (strcmp (s_table[i].name, name) == 0)
            return &s_table[i];
    return NULL;
}

wire_t deed_request (record_kind_t action, const guid_t *uuid, const uint8_t *key)
{
    wire_t request = wire (WIRE_MANAGE, 0, NULL);
    wire_set (&request, WIRE_F_ACTION, action);
    wire_set_bytes (&request, WIRE_F_MEMBER, span (uuid->bytes, GUID_SIZE));
    if (key)
        wire_set_bytes (&request, WIRE_F_KEY, span (key, 32));
    return request;
}

char *deed_sentence (const deed_t *self, const char *who, const char *group, uint64_t seq)
{
    char *sentence;
    return asprintf (&sentence, "%s %s %s %s%s", self->done, who, self->where, group,
                     seq > 0 ? "" : " (as it was already)") < 0
               ? NULL
               : sentence;
}
