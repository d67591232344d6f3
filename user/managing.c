#include "user/managing.h"

#include "user/ask.h"
#include "user/deed.h"
#include "user/target.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    context_t *context;
    const char *who; // as typed
    target_t target;
    deed_t deed;
    const uint8_t *key;  // of ADD_KEY or REMOVE_KEY, or NULL
    const uint8_t *next; // a key that is removed behind it, or NULL
} managing_t;

static bool s_nobody (managing_t *self, room_t *room)
{
    context_say (self->context, "%s: nobody there has the nick %s: give the UUID", room_name (room),
                 self->who);
    context_end (self->context, EXIT_REFUSED);
    return false;
}

static void s_print (managing_t *self, room_t *room, const wire_t *reply)
{
    uint64_t seq = wire_number (reply, WIRE_F_SEQ);
    char *sentence = deed_sentence (&self->deed, self->who, room_name (room), seq);
    if (sentence)
        context_print (self->context,
                       view_deed (context_view (self->context), room_name (room),
                                  &self->target.uuid, seq,
                                  (int64_t)wire_number (reply, WIRE_F_TIME), sentence));
    free (sentence);
}

// Finds whom it is about, then asks for what is to be done.
static bool s_on_answer (void *arg, room_t *room, const wire_t *reply, wire_t *next)
{
    managing_t *self = arg;
    if (reply->kind == WIRE_MEMBERS) {
        target_step_t step = target_take (&self->target, reply);
        if (step == TARGET_NONE)
            return s_nobody (self, room);
        *next = step == TARGET_MORE
                    ? target_request (&self->target)
                    : deed_request (self->deed.action, &self->target.uuid, self->key);
        return true;
    }
    s_print (self, room, reply);
    if (!self->next)
        return false;
    self->deed = (deed_t){"remove", RECORD_REMOVE_KEY, "removed a key of", "in"};
    self->key = self->next;
    self->next = NULL;
    *next = deed_request (self->deed.action, &self->target.uuid, self->key);
    return true;
}

static int s_ask (managing_t *self, const char *group)
{
    if (!context_lasting_identity (self->context))
        return EXIT_CONFIG;
    if (target_begin (&self->target, self->who) < 0) {
        context_say (self->context, "'%s': no nick and no UUID", self->who);
        return EXIT_USAGE;
    }
    wire_t request = self->target.found
                         ? deed_request (self->deed.action, &self->target.uuid, self->key)
                         : target_request (&self->target);
    int code = ask (self->context, group, &request, s_on_answer, self);
    target_end (&self->target);
    return code;
}

int managing_deed (context_t *context)
{
    const command_line_t *line = context_line (context);
    managing_t self = {
        .context = context, .who = line->args[1], .deed = *deed_find (line->command->name)};
    return s_ask (&self, line->args[0]);
}

// Keys.

static int s_read_key (context_t *context, const char *text, uint8_t key[IDENTITY_KEY])
{
    size_t size = strlen (text), used = 0;
    if (size == 2 * IDENTITY_KEY &&
        sodium_hex2bin (key, IDENTITY_KEY, text, size, NULL, &used, NULL) == 0 &&
        used == IDENTITY_KEY)
        return 0;
    context_say (context, "'%s': no key: 64 hex digits, as zchat whoami shows them", text);
    return -1;
}

// key add GROUP KEY, key remove GROUP KEY: of one's own.
static int s_own_key (context_t *context, bool add)
{
    const command_line_t *line = context_line (context);
    uint8_t key[IDENTITY_KEY];
    char self_text[GUID_TEXT];
    if (!context_lasting_identity (context))
        return EXIT_CONFIG;
    if (s_read_key (context, line->args[2], key) < 0)
        return EXIT_USAGE;
    managing_t self = {.context = context,
                       .who = guid_print (context_uuid (context), self_text),
                       .key = key,
                       .deed = {"add", RECORD_ADD_KEY, "added a key for", "in"}};
    if (!add)
        self.deed = (deed_t){"remove", RECORD_REMOVE_KEY, "removed a key of", "in"};
    return s_ask (&self, line->args[1]);
}

// key replace GROUP WHO OLD NEW: of somebody who lost theirs. The new one first, so that they are
// never without one.
static int s_replace_key (context_t *context)
{
    const command_line_t *line = context_line (context);
    uint8_t before[IDENTITY_KEY], after[IDENTITY_KEY];
    if (s_read_key (context, line->args[3], before) < 0 ||
        s_read_key (context, line->args[4], after) < 0)
        return EXIT_USAGE;
    managing_t self = {.context = context,
                       .who = line->args[2],
                       .key = after,
                       .next = before,
                       .deed = {"add", RECORD_ADD_KEY, "added a key for", "in"}};
    return s_ask (&self, line->args[1]);
}

// key use UUID: whom this identity speaks as from now on.
static int s_use_key (context_t *context)
{
    const char *text = context_line (context)->args[1];
    identity_t *identity = context_lasting_identity (context);
    guid_t uuid;
    if (!identity)
        return EXIT_CONFIG;
    if (guid_parse (&uuid, text, strlen (text)) < 0 || guid_is_null (&uuid)) {
        context_say (context, "'%s': no UUID", text);
        return EXIT_USAGE;
    }
    if (identity_speak_as (identity, &uuid) < 0) {
        context_say (context, "the identity's folder: %s", strerror (errno));
        return EXIT_NOT_NOW;
    }
    context_print (context, view_identity (context_view (context), identity_uuid (identity),
                                           identity_nick (identity), identity_public (identity)));
    context_flush (context);
    return EXIT_DONE;
}

int managing_key (context_t *context)
{
    const command_line_t *line = context_line (context);
    const char *what = line->args[0];
    if (strcmp (what, "add") == 0 && line->arg_count == 3)
        return s_own_key (context, true);
    if (strcmp (what, "remove") == 0 && line->arg_count == 3)
        return s_own_key (context, false);
    if (strcmp (what, "replace") == 0 && line->arg_count == 5)
        return s_replace_key (context);
    if (strcmp (what, "use") == 0 && line->arg_count == 2)
        return s_use_key (context);
    context_say (context, "usage: zchat key %s (see zchat key --help)", line->command->usage);
    return EXIT_USAGE;
}
