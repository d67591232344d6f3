#include "user/inviting.h"

#include "user/card.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct inviting inviting_t;

// A registry that is asked where others reach it.
typedef struct {
    inviting_t *all;
    dealer_t *dealer;
    bool over;
} asker_t;

struct inviting {
    context_t *context;
    asker_t askers[COMMAND_REGISTRIES];
    size_t asker_count;
    char *places[COMMAND_NAMES]; // endpoints with keys
    size_t place_count;
    bool answered;
};

static void s_add_place (inviting_t *self, const char *text, size_t size)
{
    endpoint_t endpoint;
    char place[ENDPOINT_TEXT];
    if (endpoint_parse (&endpoint, text, size, ENDPOINT_CONNECT) || !endpoint.has_key)
        return;
    endpoint_print_with_key (&endpoint, place);
    for (size_t i = 0; i < self->place_count; i++)
        if (strcmp (self->places[i], place) == 0)
            return;
    char *copy = self->place_count < COMMAND_NAMES ? strdup (place) : NULL;
    if (copy)
        self->places[self->place_count++] = copy;
    if (endpoint_is_loopback (&endpoint))
        context_say (self->context, "%s can be reached on this machine alone",
                     endpoint_print (&endpoint, place));
}

// Asking the registries.

static void s_end_when_all_are_over (inviting_t *self)
{
    for (size_t i = 0; i < self->asker_count; i++)
        if (!self->askers[i].over)
            return;
    context_end (self->context, EXIT_DONE);
}

static void s_on_message (void *arg, const wire_t *message, size_t size)
{
    asker_t *self = arg;
    (void)size;
    if (message->kind == WIRE_PONG) {
        span_t list = wire_bytes (message, WIRE_F_ENDPOINTS);
        const char *at = (const char *)list.data, *end = at + list.size;
        self->all->answered = true;
        while (at < end) {
            const char *blank = memchr (at, ' ', (size_t)(end - at)), *stop = blank ? blank : end;
            s_add_place (self->all, at, (size_t)(stop - at));
            at = stop + 1;
        }
    }
    self->over = true;
    s_end_when_all_are_over (self->all);
}

static void s_on_broken (void *arg)
{
    asker_t *self = arg;
    self->over = true;
    s_end_when_all_are_over (self->all);
}

static int s_on_timeout (zloop_t *loop, int timer, void *arg)
{
    inviting_t *self = arg;
    (void)loop, (void)timer;
    context_end (self->context, EXIT_DONE);
    return 0;
}

static void s_ask (inviting_t *self, const lookup_query_t *query)
{
    for (size_t i = 0; i < query->registry_count; i++) {
        asker_t *asker = &self->askers[self->asker_count++];
        const dealer_handlers_t handlers = {s_on_message, NULL, s_on_broken, asker};
        wire_t ping = wire (WIRE_PING, 1, NULL);
        asker->all = self;
        asker->dealer = dealer_new (query->loop, query->registries[i], query->connect,
                                    query->connect_arg, &handlers);
        asker->over = !asker->dealer || dealer_send (asker->dealer, &ping) < 0;
    }
    s_end_when_all_are_over (self);
}

// Returns EXIT_DONE, or what the command ends with.
static int s_ask_registries (inviting_t *self)
{
    lookup_query_t query = context_query (self->context);
    if (!query.loop)
        return EXIT_NOT_NOW;
    s_ask (self, &query);
    zloop_timer (query.loop, (size_t)context_line (self->context)->timeout, 1, s_on_timeout, self);
    int code = context_run (self->context);
    for (size_t i = 0; i < self->asker_count; i++)
        dealer_destroy (&self->askers[i].dealer);
    if (code == EXIT_DONE && self->place_count == 0) {
        context_say (self->context,
                     "%s: give a registry a CURVE listener with a real host or `advertise` in "
                     "registry.cfg, or name one here: --at tcp://HOST:PORT?key=KEY",
                     self->answered ? "no registry says how others reach it with a key"
                                    : "no registry answered");
        return self->answered ? EXIT_REFUSED : EXIT_UNREACHABLE;
    }
    return code;
}

// Making it.

static int s_print (inviting_t *self, const uint8_t signing[INVITATION_SIGNING])
{
    const command_line_t *line = context_line (self->context);
    uint8_t bytes[INVITATION_MAX];
    char text[INVITATION_TEXT], *out = NULL;
    invitation_t made;
    invitation_draft_t draft = {.expires = line->expires,
                                .uses = line->uses,
                                .groups = line->groups,
                                .group_count = line->group_count,
                                .registries = (const char *const *)self->places,
                                .registry_count = self->place_count};
    randombytes_buf (draft.id.bytes, GUID_SIZE);
    size_t size = invitation_make (&draft, signing, bytes);
    if (size == 0) {
        context_say (self->context, "that is too much for one invitation (%d bytes)",
                     INVITATION_MAX);
        return EXIT_REFUSED;
    }
    invitation_print (span (bytes, size), text);
    if (!line->json)
        out = asprintf (&out, "%s\n", text) < 0 ? NULL : out;
    else if (!invitation_parse (&made, span (bytes, size)))
        out = card_json (&made, text);
    context_print (self->context, out);
    context_flush (self->context);
    return EXIT_DONE;
}

static int s_print_operator (context_t *context, const uint8_t key[INVITATION_KEY])
{
    char hex[2 * INVITATION_KEY + 1], *out = NULL;
    sodium_bin2hex (hex, sizeof hex, key, INVITATION_KEY);
    const bool json = context_line (context)->json;
    if (asprintf (&out, json ? "{\"operator\":\"%s\"}\n" : "operators = [ \"%s\" ];\n", hex) < 0)
        out = NULL;
    context_print (context, out);
    context_flush (context);
    return EXIT_DONE;
}

int inviting (context_t *context)
{
    const command_line_t *line = context_line (context);
    const identity_t *identity = context_lasting_identity (context);
    uint8_t public_key[INVITATION_KEY], signing[INVITATION_SIGNING];
    inviting_t self = {.context = context};
    if (!identity)
        return EXIT_CONFIG;
    invitation_operator (identity_secret (identity), public_key, signing);
    int code = EXIT_DONE;
    if (line->key)
        code = s_print_operator (context, public_key);
    else {
        for (size_t i = 0; i < line->place_count; i++)
            s_add_place (&self, line->places[i], strlen (line->places[i]));
        if (line->place_count == 0)
            code = s_ask_registries (&self);
        if (code == EXIT_DONE)
            code = s_print (&self, signing);
    }
    sodium_memzero (signing, sizeof signing);
    for (size_t i = 0; i < self.place_count; i++)
        free (self.places[i]);
    return code;
}
