#include "user/reading.h"

#include "user/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHO_PAGE = 500 };

// groups

static const char *s_state (wire_state_t state)
{
    return state == WIRE_STATE_OK ? "sound" : state == WIRE_STATE_DOUBT ? "in doubt" : "read-only";
}

static const char *s_trouble (const lookup_row_t *row)
{
    if (row->conflict)
        return "conflict: registries name two groups so";
    if (row->state == WIRE_STATE_READ_ONLY)
        return "damaged: can only be read";
    return row->state == WIRE_STATE_DOUBT ? "in doubt: takes no messages" : "";
}

static void s_print_group (context_t *context, const lookup_row_t *row)
{
    char log[GUID_TEXT];
    view_group_t group = {.name = row->name,
                          .endpoints = row->endpoints,
                          .endpoint_count = row->endpoint_count,
                          .log = guid_is_null (&row->log) ? NULL : guid_print (&row->log, log),
                          .state = s_state (row->state),
                          .trouble = s_trouble (row),
                          .conflict = row->conflict,
                          .members = row->members,
                          .online = row->online,
                          .seq = row->seq,
                          .topic = row->topic};
    context_print (context, view_group (context_view (context), &group));
}

static bool s_is_first_of_conflict (const lookup_t *lookup, size_t index)
{
    const lookup_row_t *row = lookup_row (lookup, index);
    return row->conflict &&
           (index == 0 || strcmp (lookup_row (lookup, index - 1)->name, row->name) != 0);
}

int reading_print_groups (context_t *context, const lookup_t *lookup, lookup_result_t result)
{
    for (size_t i = 0; i < lookup_count (lookup); i++)
        s_print_group (context, lookup_row (lookup, i));
    for (size_t i = 0; i < lookup_count (lookup); i++)
        if (s_is_first_of_conflict (lookup, i))
            context_say (context,
                         "%s: several groups have this name at different registries; say which "
                         "one by its endpoint",
                         lookup_row (lookup, i)->name);
    context_flush (context);
    if (*lookup_refusal (lookup))
        context_say (context, "%s", lookup_refusal (lookup));
    if (result == LOOKUP_REFUSED)
        return wire_error_exit (lookup_error (lookup));
    if (result != LOOKUP_SILENT)
        return EXIT_DONE;
    context_say (context, "no registry answered");
    return EXIT_UNREACHABLE;
}

static void s_on_groups (void *arg, lookup_t *lookup, lookup_result_t result)
{
    context_t *context = arg;
    context_end (context, reading_print_groups (context, lookup, result));
}

int reading_groups (context_t *context)
{
    lookup_query_t query = context_query (context);
    lookup_t *lookup = query.loop ? lookup_new (&query, s_on_groups, context) : NULL;
    if (!lookup)
        return EXIT_NOT_NOW;
    int code = context_run (context);
    lookup_destroy (&lookup);
    return code;
}

// messages

typedef struct {
    context_t *context;
    room_t *room;
} messages_t;

static void s_print_record (context_t *context, room_t *room, const record_t *record)
{
    context_print (context, room_show (room, record));
}

static void s_on_paged (void *arg, const record_t *record)
{
    messages_t *self = arg;
    if (!context_ending (self->context))
        s_print_record (self->context, self->room, record);
}

static void s_on_page_flush (void *arg)
{
    messages_t *self = arg;
    context_flush (self->context);
}

static void s_on_page_gap (void *arg, uint64_t from, uint64_t to, record_why_t why)
{
    messages_t *self = arg;
    room_gap (self->room, from, to, why);
}

static void s_on_page_lost (void *arg, uint64_t from, uint64_t to)
{
    messages_t *self = arg;
    room_lost (self->room, from, to);
}

static void s_on_page_done (void *arg, const outbox_answer_t *answer)
{
    messages_t *self = arg;
    if (context_ending (self->context))
        return;
    if (answer->result == OUTBOX_ANSWERED) {
        context_end (self->context, room_is_broken (self->room) ? EXIT_REFUSED : EXIT_DONE);
        return;
    }
    context_say (self->context, "%s: %s", room_name (self->room), room_why (self->room, answer));
    context_end (self->context, outbox_answer_exit (answer));
}

static void s_set_bound (const moment_t *moment, bool given, wire_bound_t *kind, uint64_t *value)
{
    *kind = !given ? WIRE_BOUND_NONE : moment->is_seq ? WIRE_BOUND_SEQ : WIRE_BOUND_TIME;
    *value = moment->is_seq ? moment->seq : (uint64_t)moment->time;
}

int reading_messages (context_t *context)
{
    const command_line_t *line = context_line (context);
    messages_t self = {.context = context};
    session_range_t range = {.limit = line->limit};
    session_page_t page = {.record = s_on_paged,
                           .flush = s_on_page_flush,
                           .gap = s_on_page_gap,
                           .lost = s_on_page_lost,
                           .done = s_on_page_done,
                           .arg = &self};
    if (!context_identity (context))
        return EXIT_CONFIG;
    if (!context_loop (context))
        return EXIT_NOT_NOW;
    self.room = room_new (context, line->args[0], &(room_handlers_t){0});
    if (!self.room)
        return EXIT_USAGE;
    s_set_bound (&line->after, line->has_after, &range.after_kind, &range.after);
    s_set_bound (&line->before, line->has_before, &range.before_kind, &range.before);
    int code = EXIT_NOT_NOW;
    if (session_page (room_session (self.room), &range, line->timeout, &page) == 0)
        code = context_run (context);
    else
        context_say (context, "%s: %s", room_name (self.room), strerror (errno));
    room_destroy (&self.room);
    return code;
}

// who, topic

static wire_t s_who_behind (const guid_t *last, uint32_t limit)
{
    wire_t request = wire (WIRE_WHO, 0, NULL);
    wire_set_bytes (&request, WIRE_F_MEMBER, span (last->bytes, GUID_SIZE));
    wire_set (&request, WIRE_F_LIMIT, limit);
    return request;
}

wire_t reading_who_request (const guid_t *last)
{
    return s_who_behind (last, WHO_PAGE);
}

static const char *s_role (uint64_t role)
{
    static const char *const names[] = {"member", "muted",  "operator",
                                        "owner",  "banned", "invited"};
    return role < sizeof names / sizeof *names ? names[role] : "member";
}

static void s_print_member (context_t *context, const wire_t *row)
{
    span_t nick = wire_bytes (row, WIRE_F_NICK);
    char *text = nick.size > 0 ? strndup ((const char *)nick.data, nick.size) : NULL;
    view_member_t member = {.uuid = wire_guid (row, WIRE_F_MEMBER),
                            .nick = text,
                            .online = wire_number (row, WIRE_F_PRESENT) != 0,
                            .role = s_role (wire_number (row, WIRE_F_ROLE))};
    context_print (context, view_member (context_view (context), &member));
    free (text);
}

bool reading_print_members (context_t *context, const wire_t *reply, guid_t *last)
{
    span_t rows = wire_bytes (reply, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    wire_t row;
    bool any = false;
    while (wire_next_row (&row, WIRE_ROW_MEMBER, &in) == 1) {
        s_print_member (context, &row);
        *last = wire_guid (&row, WIRE_F_MEMBER);
        any = true;
    }
    context_flush (context);
    return any && wire_number (reply, WIRE_F_MORE) != 0;
}

typedef struct {
    context_t *context;
    guid_t last; // of the page before
} who_t;

static bool s_on_members (void *arg, room_t *room, const wire_t *reply, wire_t *next)
{
    who_t *self = arg;
    (void)room;
    bool more = reading_print_members (self->context, reply, &self->last);
    if (more)
        *next = reading_who_request (&self->last);
    return more;
}

char *reading_topic_of (const wire_t *reply)
{
    span_t topic = wire_bytes (reply, WIRE_F_TOPIC);
    return strndup (topic.size > 0 ? (const char *)topic.data : "", topic.size);
}

static bool s_on_topic (void *arg, room_t *room, const wire_t *reply, wire_t *next)
{
    context_t *context = arg;
    char *topic = reading_topic_of (reply);
    (void)next;
    if (topic)
        context_print (context, view_topic (context_view (context), room_name (room), topic));
    free (topic);
    return false;
}

int reading_who (context_t *context)
{
    who_t self = {.context = context};
    if (!context_identity (context))
        return EXIT_CONFIG;
    wire_t request = reading_who_request (&self.last);
    return ask (context, context_line (context)->args[0], &request, s_on_members, &self);
}

int reading_topic (context_t *context)
{
    const guid_t none = {{0}};
    if (!context_identity (context))
        return EXIT_CONFIG;
    wire_t request = s_who_behind (&none, 1);
    return ask (context, context_line (context)->args[0], &request, s_on_topic, context);
}

int reading_whoami (context_t *context)
{
    const identity_t *identity = context_identity (context);
    if (!identity)
        return EXIT_CONFIG;
    if (identity_passing (identity))
        context_say (context, "this identity lasts for this call only (%s)",
                     identity_passing (identity));
    context_print (context, view_identity (context_view (context), context_uuid (context),
                                           identity_nick (identity), identity_public (identity)));
    context_flush (context);
    return EXIT_DONE;
}
