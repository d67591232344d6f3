#include "user/chat.h"

#include "user/console.h"
#include "user/place.h"
#include "user/reading.h"
#include "user/slash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
    PLACES = 64,        // groups at once
    TEXT_MAX = 65535,   // bytes; a group's own limit is lower
    RECENT = 20,        // of /messages alone
    GROUPS_TEXT = 1000, // bytes of what is remembered for the next time
};

typedef struct {
    context_t *context;
    console_t *console;
    place_t *places[PLACES];
    size_t count;
    size_t current; // where typed lines go; count: nowhere
    lookup_t *lookup;
    bool closing;
} chat_t;

static place_t *s_current (const chat_t *self)
{
    return self->current < self->count ? self->places[self->current] : NULL;
}

static place_t *s_asking (const chat_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (place_state (self->places[i]) == PLACE_ASKING)
            return self->places[i];
    return NULL;
}

static size_t s_index_of (const chat_t *self, const char *group)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp (place_name (self->places[i]), group) == 0 ||
            strcmp (place_group (self->places[i]), group) == 0)
            return i;
    return self->count;
}

static void s_show_prompt (chat_t *self)
{
    char prompt[400];
    const place_t *asking = s_asking (self), *place = s_current (self);
    if (asking)
        snprintf (prompt, sizeof prompt, "You are no member of %.300s. Join? (y/n) ",
                  place_name (asking));
    else if (place)
        snprintf (prompt, sizeof prompt, "%.300s%s> ", place_name (place),
                  place_is_up (place) ? "" : " (offline)");
    else
        strcpy (prompt, "> ");
    console_prompt (self->console, prompt);
}

// Goes on to the next group that can be talked in.
static void s_next (chat_t *self)
{
    size_t from = self->current, count = self->count;
    self->current = count;
    for (size_t i = 1; i <= count; i++) {
        size_t index = (from + i) % count;
        if (place_state (self->places[index]) != PLACE_GONE) {
            self->current = index;
            break;
        }
    }
    s_show_prompt (self);
}

// The end.

static int s_code (const chat_t *self)
{
    for (size_t i = 0; i < self->count && !console_is_terminal (self->console); i++)
        if (place_code (self->places[i]) != EXIT_DONE)
            return place_code (self->places[i]);
    return EXIT_DONE; // whoever sits at a terminal has read what went wrong
}

static void s_end_when_settled (chat_t *self)
{
    bool all_gone = self->count > 0;
    bool settled = self->lookup == NULL;
    for (size_t i = 0; i < self->count; i++) {
        settled = settled && place_is_settled (self->places[i]);
        all_gone = all_gone && place_state (self->places[i]) == PLACE_GONE;
    }
    if (all_gone && !console_is_terminal (self->console))
        self->closing = true; // a script has nowhere to send the rest to
    if (self->closing && settled)
        context_end (self->context, s_code (self));
}

static void s_on_changed (void *arg, place_t *place)
{
    chat_t *self = arg;
    if (place == s_current (self) && place_state (place) == PLACE_GONE)
        s_next (self);
    s_show_prompt (self);
    s_end_when_settled (self);
}

static void s_on_end (void *arg)
{
    chat_t *self = arg;
    self->closing = true;
    s_end_when_settled (self);
}

static void s_on_interrupt (void *arg)
{
    chat_t *self = arg;
    context_end (self->context, EXIT_DONE); // at once, whatever is under way
}

// Groups.

static void s_name_groups (chat_t *self)
{
    view_name_groups (context_view (self->context), self->count > 1);
}

static void s_open (chat_t *self, const char *group, bool join)
{
    size_t index = s_index_of (self, group);
    if (index < self->count && place_state (self->places[index]) != PLACE_GONE) {
        self->current = index;
        s_show_prompt (self);
        return;
    }
    if (self->count == PLACES && index == PLACES) {
        console_tell (self->console, "%d groups at once are enough", PLACES);
        return;
    }
    place_t *place = place_new (self->context, self->console, group, join, s_on_changed, self);
    if (!place)
        return;
    if (index < self->count)
        place_destroy (&self->places[index]); // it is gone: taken up anew
    else
        self->count++;
    self->places[index] = place;
    self->current = index;
    s_name_groups (self);
    s_show_prompt (self);
}

static void s_switch (chat_t *self, const char *group)
{
    size_t index = s_index_of (self, group);
    if (index == self->count || place_state (self->places[index]) == PLACE_GONE) {
        console_tell (self->console, "%s is not open here: /join %s", group, group);
        return;
    }
    self->current = index;
    s_show_prompt (self);
}

static void s_on_groups (void *arg, lookup_t *lookup, lookup_result_t result)
{
    chat_t *self = arg;
    reading_print_groups (self->context, lookup, result);
    lookup_destroy (&self->lookup);
    s_end_when_settled (self);
}

static void s_list_groups (chat_t *self)
{
    lookup_query_t query = context_query (self->context);
    if (!self->lookup)
        self->lookup = lookup_new (&query, s_on_groups, self);
}

// Typed lines.

static void s_history (chat_t *self, place_t *place, const char *argument)
{
    char error[MOMENT_ERROR];
    moment_t moment;
    struct timeval now;
    session_range_t range = {.limit = RECENT};
    size_t digits = strspn (argument, "0123456789");
    if (digits > 0 && digits < 10 && !argument[digits])
        range.limit = (uint32_t)strtoul (argument, NULL, 10);
    else if (*argument) {
        gettimeofday (&now, NULL);
        if (moment_parse (&moment, argument, (int64_t)now.tv_sec * 1000000 + now.tv_usec, error) <
            0) {
            console_tell (self->console, "%s", error);
            return;
        }
        range = (session_range_t){.after_kind = moment.is_seq ? WIRE_BOUND_SEQ : WIRE_BOUND_TIME,
                                  .after = moment.is_seq ? moment.seq : (uint64_t)moment.time};
    }
    place_history (place, &range);
}

static void s_help (chat_t *self)
{
    const char *help;
    for (size_t i = 0; (help = slash_help (i)); i++)
        console_tell (self->console, "%s", help);
    console_tell (self->console, "//text             send \"/text\"");
}

// What needs a group to be done in. False: there is none.
static bool s_do_in_place (chat_t *self, const slash_t *slash)
{
    place_t *place = s_current (self);
    if (!place)
        return false;
    switch (slash->kind) {
    case SLASH_TEXT:
        place_send (place, slash->argument);
        break;
    case SLASH_WHO:
        place_who (place);
        break;
    case SLASH_NICK:
        place_nick (place, slash->argument);
        break;
    case SLASH_TOPIC:
        place_topic (place, slash->argument);
        break;
    case SLASH_MESSAGES:
        s_history (self, place, slash->argument);
        break;
    case SLASH_DEED:
        place_deed (place, deed_find (slash->word), slash->argument);
        break;
    case SLASH_LEAVE:
        place_leave (place);
        break;
    default:
        break;
    }
    return true;
}

static void s_do (chat_t *self, const slash_t *slash)
{
    switch (slash->kind) {
    case SLASH_NOTHING:
        break;
    case SLASH_UNKNOWN:
        console_tell (self->console, "%s", slash->argument);
        break;
    case SLASH_JOIN:
        s_open (self, slash->argument, true);
        break;
    case SLASH_GROUP:
        s_switch (self, slash->argument);
        break;
    case SLASH_GROUPS:
        s_list_groups (self);
        break;
    case SLASH_HELP:
        s_help (self);
        break;
    case SLASH_QUIT:
        s_on_end (self);
        break;
    default:
        if (!s_do_in_place (self, slash))
            console_tell (self->console, "no group is open: /groups lists them, /join GROUP joins");
    }
}

static void s_on_line (void *arg, const char *line)
{
    chat_t *self = arg;
    place_t *asking = s_asking (self);
    slash_t slash;
    if (self->closing)
        return;
    slash_parse (&slash, line);
    if (!asking || slash.kind == SLASH_QUIT) {
        s_do (self, &slash);
        return;
    }
    bool yes = *line == 'y' || *line == 'Y';
    if (yes || *line == 'n' || *line == 'N')
        place_answer (asking, yes);
    s_show_prompt (self);
}

static void s_on_next (void *arg)
{
    s_next (arg);
}

// Beginning and end.

static void s_open_last (chat_t *self)
{
    char *groups = identity_chat (context_identity (self->context)), *rest = groups, *group;
    while ((group = strsep (&rest, "\n")))
        if (*group)
            s_open (self, group, false);
    free (groups);
}

static void s_remember (const chat_t *self)
{
    char groups[GROUPS_TEXT] = "";
    size_t used = 0;
    for (size_t i = 0; i < self->count; i++) {
        const char *group = place_group (self->places[i]);
        place_state_t state = place_state (self->places[i]);
        if ((state == PLACE_HERE || state == PLACE_LOADING) &&
            used + strlen (group) + 2 < sizeof groups)
            used += (size_t)sprintf (groups + used, "%s\n", group);
    }
    if (used > 0)
        identity_put_chat (context_identity (self->context), groups);
}

static void s_open_all (chat_t *self)
{
    const command_line_t *line = context_line (self->context);
    for (size_t i = 0; i < line->arg_count; i++)
        s_open (self, line->args[i], false);
    if (line->arg_count == 0)
        s_open_last (self);
    self->current = 0;
    s_show_prompt (self);
    if (self->count == 0 && console_is_terminal (self->console))
        console_tell (self->console, "No group is open: /groups lists them, /join GROUP joins one, "
                                     "/help tells more.");
}

int chat (context_t *context)
{
    chat_t self = {.context = context};
    const console_handlers_t handlers = {.line = s_on_line,
                                         .next = s_on_next,
                                         .end = s_on_end,
                                         .interrupt = s_on_interrupt,
                                         .arg = &self};
    if (!context_lasting_identity (context))
        return EXIT_CONFIG;
    self.console = console_new (context, TEXT_MAX, &handlers);
    if (!self.console)
        return EXIT_NOT_NOW;
    s_open_all (&self);
    bool wrong = self.count == 0 && context_line (context)->arg_count > 0;
    int code = wrong ? EXIT_USAGE : context_run (context);
    s_remember (&self);
    lookup_destroy (&self.lookup);
    for (size_t i = 0; i < self.count; i++)
        place_destroy (&self.places[i]);
    console_destroy (&self.console);
    return code;
}
