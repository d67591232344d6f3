#include "user/follow.h"

#include "user/room.h"

#include <stdlib.h>

typedef struct follow follow_t;

// One of the groups.
typedef struct {
    follow_t *all;
    room_t *room;
    bool started;   // session_follow was called
    bool contacted; // the group answered that it does
    bool over;
    uint64_t from; // found by time; 0: not yet
    uint64_t head; // when the search began
} place_t;

struct follow {
    context_t *context;
    place_t *places;
    size_t count;
    uint64_t printed;
    int refused; // exit code of the last group that is over
};

static place_t *s_place (follow_t *self, const room_t *room)
{
    size_t i = 0;
    while (self->places[i].room != room)
        i++;
    return &self->places[i];
}

static int s_code (const follow_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (room_is_broken (self->places[i].room))
            return EXIT_REFUSED;
    return self->refused;
}

// One group is over: the others go on; the last one ends the command.
static void s_end_place (place_t *place, int code)
{
    follow_t *self = place->all;
    place->over = true;
    self->refused = code;
    for (size_t i = 0; i < self->count; i++)
        if (!self->places[i].over)
            return;
    context_end (self->context, s_code (self));
}

// From a time on: first find the record that it is.

static void s_on_found (void *arg, const record_t *record)
{
    place_t *place = arg;
    place->from = record->seq;
}

static void s_on_search_gap (void *arg, uint64_t from, uint64_t to, record_why_t why)
{
    place_t *place = arg;
    room_gap (place->room, from, to, why);
}

static void s_on_search_lost (void *arg, uint64_t from, uint64_t to)
{
    place_t *place = arg;
    room_lost (place->room, from, to);
}

static void s_on_search_done (void *arg, const outbox_answer_t *answer)
{
    place_t *place = arg;
    context_t *context = place->all->context;
    if (context_ending (context))
        return;
    if (answer->result != OUTBOX_ANSWERED) {
        context_say (context, "%s: %s", room_name (place->room), room_why (place->room, answer));
        s_end_place (place, outbox_answer_exit (answer));
        return;
    }
    // Nothing is as late yet: whatever comes behind the head that was there before the search, and
    // is late enough (see s_on_record).
    session_follow (room_session (place->room), place->from > 0 ? place->from : place->head + 1);
}

static void s_search (place_t *place)
{
    const command_line_t *line = context_line (place->all->context);
    session_range_t range = {
        .after_kind = WIRE_BOUND_TIME, .after = (uint64_t)line->after.time, .limit = 1};
    session_page_t page = {.record = s_on_found,
                           .gap = s_on_search_gap,
                           .lost = s_on_search_lost,
                           .done = s_on_search_done,
                           .arg = place};
    place->head = session_info (room_session (place->room))->last;
    if (session_page (room_session (place->room), &range, line->timeout, &page) < 0)
        context_end (place->all->context, EXIT_NOT_NOW);
}

// What the rooms tell.

static void s_on_up (void *arg, room_t *room)
{
    follow_t *self = arg;
    place_t *place = s_place (self, room);
    if (place->started)
        return;
    place->started = true;
    s_search (place);
}

static void s_on_following (void *arg, room_t *room, uint64_t from)
{
    place_t *place = s_place (arg, room);
    (void)from;
    place->contacted = true;
    room_tell_trouble (room); // from now on it is worth a line
}

static void s_on_record (void *arg, room_t *room, const record_t *record)
{
    follow_t *self = arg;
    context_t *context = self->context;
    const command_line_t *line = context_line (context);
    bool early = line->has_after && !line->after.is_seq && record->time < line->after.time;
    if (early || context_ending (context))
        return;
    context_print (context, room_show (room, record));
    if (++self->printed == line->count)
        context_end (context, s_code (self));
}

static void s_on_flush (void *arg, room_t *room)
{
    follow_t *self = arg;
    (void)room;
    context_flush (self->context);
}

static void s_on_end (void *arg, room_t *room, wire_error_t why, bool over)
{
    if (over)
        s_end_place (s_place (arg, room), why == WIRE_ERR_NONE ? EXIT_DONE : wire_error_exit (why));
}

// The first contact's time is up.
static int s_on_timeout (zloop_t *loop, int timer, void *arg)
{
    follow_t *self = arg;
    outbox_answer_t none = {.result = OUTBOX_TIMEOUT};
    (void)loop, (void)timer;
    for (size_t i = 0; i < self->count; i++) {
        place_t *place = &self->places[i];
        if (place->contacted || place->over || context_ending (self->context))
            continue;
        context_say (self->context, "%s: %s", room_name (place->room),
                     room_why (place->room, &none));
        context_end (self->context, EXIT_UNREACHABLE);
    }
    return 0;
}

static int s_open (follow_t *self)
{
    const command_line_t *line = context_line (self->context);
    const room_handlers_t handlers = {.up = line->has_after && !line->after.is_seq ? s_on_up : NULL,
                                      .following = s_on_following,
                                      .record = s_on_record,
                                      .flush = s_on_flush,
                                      .end = s_on_end,
                                      .arg = self};
    for (size_t i = 0; i < line->arg_count; i++) {
        place_t *place = &self->places[i];
        *place = (place_t){.all = self, .room = room_new (self->context, line->args[i], &handlers)};
        if (!place->room)
            return EXIT_USAGE;
        self->count++;
        if (!handlers.up)
            session_follow (room_session (place->room), line->has_after ? line->after.seq + 1 : 0);
    }
    return EXIT_DONE;
}

int follow (context_t *context)
{
    const command_line_t *line = context_line (context);
    follow_t self = {.context = context};
    if (!context_identity (context))
        return EXIT_CONFIG;
    if (!context_loop (context))
        return EXIT_NOT_NOW;
    self.places = calloc (line->arg_count, sizeof *self.places);
    if (!self.places)
        return EXIT_NOT_NOW;
    context_end_quietly (context);
    view_name_groups (context_view (context), line->arg_count > 1);
    int code = s_open (&self);
    if (code == EXIT_DONE) {
        zloop_timer (context_loop (context), (size_t)line->timeout, 1, s_on_timeout, &self);
        code = context_run (context);
    }
    for (size_t i = 0; i < self.count; i++)
        room_destroy (&self.places[i].room);
    free (self.places);
    return code;
}
