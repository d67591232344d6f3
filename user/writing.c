#include "user/writing.h"

#include "user/ask.h"
#include "user/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *writing_words (char **args, size_t count)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++)
        size += strlen (args[i]) + 1;
    char *words = malloc (size), *out = words;
    if (!words)
        return NULL;
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            out = stpcpy (out, " ");
        out = stpcpy (out, args[i]);
    }
    return words;
}

// Prints what a change did: `verb` the group, and `nick` if it has one.
static bool s_print (context_t *context, room_t *room, const wire_t *reply, const char *verb,
                     const char *nick)
{
    char *sentence;
    if (asprintf (&sentence, "%s %s%s%s", verb, room_name (room), nick ? " as " : "",
                  nick ? nick : "") < 0)
        return false;
    context_print (context, view_done (context_view (context), room_name (room), nick,
                                       wire_number (reply, WIRE_F_SEQ),
                                       (int64_t)wire_number (reply, WIRE_F_TIME), sentence));
    free (sentence);
    return false; // nothing more is asked
}

static bool s_on_joined (void *arg, room_t *room, const wire_t *reply, wire_t *next)
{
    context_t *context = arg;
    span_t given = wire_bytes (reply, WIRE_F_NICK);
    const char *wanted = identity_nick (context_identity (context));
    char nick[TEXT_NICK_MAX + 1];
    (void)next;
    if (given.size > 0 && given.size <= TEXT_NICK_MAX)
        snprintf (nick, sizeof nick, "%.*s", (int)given.size, (const char *)given.data);
    else
        snprintf (nick, sizeof nick, "%s", wanted);
    if (strcmp (nick, wanted) != 0)
        context_say (context, "%s: your nick there is %s", room_name (room), nick);
    return s_print (context, room, reply, "joined", nick);
}

static bool s_on_left (void *arg, room_t *room, const wire_t *reply, wire_t *next)
{
    (void)next;
    return s_print (arg, room, reply, "left", NULL);
}

static bool s_on_named (void *arg, room_t *room, const wire_t *reply, wire_t *next)
{
    context_t *context = arg;
    (void)next;
    return s_print (context, room, reply, "known in", context_line (context)->args[1]);
}

static bool s_on_topic_set (void *arg, room_t *room, const wire_t *reply, wire_t *next)
{
    (void)next;
    return s_print (arg, room, reply, "topic set in", NULL);
}

static int s_change (context_t *context, wire_kind_t kind, wire_field_t field, const char *text,
                     ask_fn *answered)
{
    wire_t request = wire (kind, 0, NULL);
    if (text)
        wire_set_bytes (&request, field, span_of (text));
    return ask (context, context_line (context)->args[0], &request, answered, context);
}

int writing_join (context_t *context)
{
    const identity_t *identity = context_lasting_identity (context);
    if (!identity)
        return EXIT_CONFIG;
    return s_change (context, WIRE_JOIN, WIRE_F_NICK, identity_nick (identity), s_on_joined);
}

int writing_leave (context_t *context)
{
    if (!context_lasting_identity (context))
        return EXIT_CONFIG;
    return s_change (context, WIRE_LEAVE, WIRE_F_NONE, NULL, s_on_left);
}

int writing_nick (context_t *context)
{
    if (!context_lasting_identity (context))
        return EXIT_CONFIG;
    return s_change (context, WIRE_NICK, WIRE_F_NICK, context_line (context)->args[1], s_on_named);
}

int writing_topic (context_t *context)
{
    const command_line_t *line = context_line (context);
    if (line->arg_count == 1)
        return reading_topic (context);
    if (!context_lasting_identity (context))
        return EXIT_CONFIG;
    char *text = writing_words (line->args + 1, line->arg_count - 1);
    if (!text)
        return EXIT_NOT_NOW;
    int code = s_change (context, WIRE_TOPIC, WIRE_F_TEXT, text, s_on_topic_set);
    free (text);
    return code;
}
