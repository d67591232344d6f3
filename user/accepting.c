#include "user/accepting.h"

#include "common/keypair.h"
#include "user/ask.h"

#include <stdio.h>

typedef struct {
    context_t *context;
    const char *group;
    char was[KEYPAIR_HEX]; // "": none was known
} accepting_t;

static char *s_sentence (const accepting_t *self, const char *now, bool json)
{
    const char *was = *self->was ? self->was : "none", *quote = *self->was ? "\"" : "";
    char *text;
    int made;
    if (!json)
        made = asprintf (&text, "%s: its key is %s now; it was %s\n", self->group,
                         *now ? now : "none", was);
    else
        made = asprintf (&text, "{\"group\":\"%s\",\"key\":%s%s%s,\"was\":%s%s%s}\n", self->group,
                         *now ? "\"" : "", *now ? now : "null", *now ? "\"" : "", quote,
                         *self->was ? was : "null", quote);
    return made < 0 ? NULL : text;
}

static bool s_on_answer (void *arg, room_t *room, const wire_t *reply, wire_t *next)
{
    accepting_t *self = arg;
    uint8_t key[KEYPAIR_KEY];
    char now[KEYPAIR_HEX] = "";
    (void)room, (void)reply, (void)next;
    if (identity_server (context_identity (self->context), self->group, key) == 0)
        keypair_print (key, now);
    context_print (self->context, s_sentence (self, now, context_line (self->context)->json));
    return false;
}

int accepting (context_t *context)
{
    accepting_t self = {.context = context, .group = context_line (context)->args[0]};
    identity_t *identity = context_lasting_identity (context);
    uint8_t key[KEYPAIR_KEY];
    guid_t log;
    if (!identity)
        return EXIT_NOT_NOW;
    if (!text_name_valid (self.group, strlen (self.group))) {
        context_say (context, "'%s': keys are kept for names of groups", self.group);
        return EXIT_USAGE;
    }
    bool had_key = identity_server (identity, self.group, key) == 0;
    bool had_log = identity_log (identity, self.group, &log) == 0;
    if (had_key)
        keypair_print (key, self.was);
    identity_forget (identity, self.group);
    wire_t ping = wire (WIRE_PING, 0, NULL);
    int code = ask (context, self.group, &ping, s_on_answer, &self);
    if (code != EXIT_DONE && had_key)
        identity_put_server (identity, self.group, key);
    if (code != EXIT_DONE && had_log)
        identity_put_log (identity, self.group, &log);
    return code;
}
