#include "user/place.h"

#include "user/reading.h"
#include "user/room.h"
#include "user/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECENT = 20,      // records shown of what was said before
    PATIENCE = 30000, // ms that a user is given until a text counts as not sent
    WAITING = 64      // histories that are asked for while one is being read
};

struct place {
    context_t *context;
    console_t *console;
    room_t *room;
    char *group;
    place_changed_fn *changed;
    void *changed_arg;
    place_state_t state;
    size_t pending;                   // answers that are awaited
    uint64_t seen;                    // sequence of the last record shown
    uint64_t acked;                   // sequence of the last text of ours
    guid_t last;                      // of the page of members before
    bool paging;                      // records are being read
    session_range_t waiting[WAITING]; // to be read behind them
    size_t waiting_count;
    int code;
};

// A text under way, to be given back when it was not sent.
typedef struct {
    place_t *place;
    char text[];
} sent_t;

const char *place_group (const place_t *self)
{
    return self->group;
}

const char *place_name (const place_t *self)
{
    return room_name (self->room);
}

place_state_t place_state (const place_t *self)
{
    return self->state;
}

bool place_is_up (const place_t *self)
{
    return session_is_up (room_session (self->room));
}

bool place_is_settled (const place_t *self)
{
    return self->pending == 0 && (self->state != PLACE_HERE || self->acked <= self->seen);
}

int place_code (const place_t *self)
{
    return self->code;
}

static void s_changed (place_t *self)
{
    if (self->changed)
        self->changed (self->changed_arg, self);
}

static void s_fail (place_t *self, int code)
{
    if (self->code == EXIT_DONE)
        self->code = code;
}

static void s_set_state (place_t *self, place_state_t state)
{
    self->state = state;
    s_changed (self);
}

// Takes note of an answer; says why it is not what was wanted. True when it is.
static bool s_take (place_t *self, const char *what, const outbox_answer_t *answer)
{
    self->pending--;
    if (answer->result == OUTBOX_ANSWERED)
        return true;
    if (answer->result == OUTBOX_CLOSED)
        return false;
    context_say (self->context, "%s: %s%s%s", place_name (self), what,
                 room_why (self->room, answer),
                 answer->may_be_stored ? " (it may have been done)" : "");
    s_fail (self, outbox_answer_exit (answer));
    return false;
}

// Records.

static void s_print (place_t *self, const record_t *record)
{
    if (record->seq > self->seen)
        self->seen = record->seq;
    context_print (self->context, room_show (self->room, record));
}

static void s_on_paged (void *arg, const record_t *record)
{
    s_print (arg, record);
}

static void s_on_page_gap (void *arg, uint64_t from, uint64_t to, record_why_t why)
{
    place_t *self = arg;
    room_gap (self->room, from, to, why);
}

static void s_on_page_lost (void *arg, uint64_t from, uint64_t to)
{
    place_t *self = arg;
    room_lost (self->room, from, to);
}

static void s_page (place_t *self, const session_range_t *range, int timeout,
                    void (*done) (void *arg, const outbox_answer_t *answer))
{
    const session_page_t page = {.record = s_on_paged,
                                 .gap = s_on_page_gap,
                                 .lost = s_on_page_lost,
                                 .done = done,
                                 .arg = self};
    self->paging = session_page (room_session (self->room), range, timeout, &page) == 0;
    if (self->paging)
        self->pending++;
    else
        context_say (self->context, "%s: %s", place_name (self), strerror (errno));
}

static void s_on_history (void *arg, const outbox_answer_t *answer);

static void s_page_history (place_t *self, const session_range_t *range)
{
    s_page (self, range, context_line (self->context)->timeout, s_on_history);
}

// One was read, or could not be: the next one that was asked for.
static void s_page_next (place_t *self)
{
    self->paging = false;
    while (!self->paging && self->waiting_count > 0) {
        session_range_t next = self->waiting[0];
        memmove (&self->waiting[0], &self->waiting[1],
                 --self->waiting_count * sizeof self->waiting[0]);
        self->pending--;
        s_page_history (self, &next);
    }
}

static void s_on_loaded (void *arg, const outbox_answer_t *answer)
{
    place_t *self = arg;
    bool stranger = answer->result == OUTBOX_REFUSED && answer->error == WIRE_ERR_NOT_MEMBER;
    bool closed = answer->result == OUTBOX_CLOSED;
    self->paging = false;
    context_flush (self->context);
    if (stranger && console_is_terminal (self->console)) {
        self->pending--;
        s_set_state (self, PLACE_ASKING);
    } else if (s_take (self, "", answer)) {
        session_follow (room_session (self->room), self->seen > 0 ? self->seen + 1 : 0);
        s_set_state (self, PLACE_HERE);
    } else
        s_set_state (self, PLACE_GONE);
    if (!closed)
        s_page_next (self);
}

static void s_load (place_t *self)
{
    const session_range_t range = {.limit = RECENT};
    // A user sees why it takes so long, and may wait.
    bool patient = console_is_terminal (self->console);
    int timeout = patient ? -1 : context_line (self->context)->timeout;
    self->state = PLACE_LOADING;
    s_page (self, &range, timeout, s_on_loaded);
    s_changed (self);
}

static void s_on_history (void *arg, const outbox_answer_t *answer)
{
    place_t *self = arg;
    context_flush (self->context);
    s_take (self, "", answer);
    if (answer->result != OUTBOX_CLOSED)
        s_page_next (self);
    s_changed (self);
}

void place_history (place_t *self, const session_range_t *range)
{
    // Behind a JOIN the recent ones are read first.
    if (!self->paging && self->state != PLACE_JOINING)
        s_page_history (self, range);
    else if (self->waiting_count < WAITING) {
        self->waiting[self->waiting_count++] = *range;
        self->pending++;
    } else
        context_say (self->context, "%s: enough records are being read already", place_name (self));
}

// What the room tells.

static void s_on_change (void *arg, room_t *room)
{
    (void)room;
    s_changed (arg);
}

static void s_on_record (void *arg, room_t *room, const record_t *record)
{
    (void)room;
    s_print (arg, record);
}

static void s_on_flush (void *arg, room_t *room)
{
    place_t *self = arg;
    (void)room;
    context_flush (self->context);
    s_changed (self);
}

static void s_on_end (void *arg, room_t *room, wire_error_t why, bool over)
{
    place_t *self = arg;
    (void)room;
    if (!over || self->state == PLACE_GONE)
        return;
    s_fail (self, wire_error_exit (why));
    s_set_state (self, PLACE_GONE);
}

// Requests.

static int s_request_for (place_t *self, const wire_t *request, outbox_done_fn *done, void *arg)
{
    int timeout = context_line (self->context)->timeout;
    if (session_request (room_session (self->room), request, timeout, done, arg) == 0) {
        self->pending++;
        return 0;
    }
    context_say (self->context, "%s: %s", place_name (self),
                 errno == EMSGSIZE ? "that is too long" : strerror (errno));
    s_fail (self, EXIT_REFUSED);
    return -1;
}

static void s_request (place_t *self, const wire_t *request, outbox_done_fn *done)
{
    s_request_for (self, request, done, self);
}

static void s_on_done (void *arg, const outbox_answer_t *answer)
{
    place_t *self = arg;
    s_take (self, "", answer);
    s_changed (self);
}

static void s_on_joined (void *arg, const outbox_answer_t *answer)
{
    place_t *self = arg;
    if (!s_take (self, "cannot join: ", answer)) {
        self->pending -= self->waiting_count;
        self->waiting_count = 0;
        s_set_state (self, PLACE_GONE);
        return;
    }
    span_t nick = wire_bytes (answer->reply, WIRE_F_NICK);
    if (nick.size > 0 &&
        !span_equal (nick, span_of (identity_nick (context_identity (self->context)))))
        console_tell (self->console, "%s: your nick there is %.*s", place_name (self),
                      (int)nick.size, (const char *)nick.data);
    s_load (self);
}

static void s_join (place_t *self)
{
    wire_t request = wire (WIRE_JOIN, 0, NULL);
    wire_set_bytes (&request, WIRE_F_NICK,
                    span_of (identity_nick (context_identity (self->context))));
    self->state = PLACE_JOINING;
    s_request (self, &request, s_on_joined);
    s_changed (self);
}

void place_answer (place_t *self, bool join)
{
    if (join)
        s_join (self);
    else
        s_set_state (self, PLACE_GONE);
}

static void s_on_left (void *arg, const outbox_answer_t *answer)
{
    place_t *self = arg;
    if (s_take (self, "cannot leave: ", answer))
        self->state = PLACE_GONE;
    s_changed (self);
}

void place_leave (place_t *self)
{
    wire_t request = wire (WIRE_LEAVE, 0, NULL);
    s_request (self, &request, s_on_left);
}

void place_nick (place_t *self, const char *nick)
{
    wire_t request = wire (WIRE_NICK, 0, NULL);
    wire_set_bytes (&request, WIRE_F_NICK, span_of (nick));
    s_request (self, &request, s_on_done);
}

static void s_on_members (void *arg, const outbox_answer_t *answer)
{
    place_t *self = arg;
    if (s_take (self, "", answer) &&
        reading_print_members (self->context, answer->reply, &self->last)) {
        wire_t next = reading_who_request (&self->last);
        s_request (self, &next, s_on_members);
    }
    s_changed (self);
}

void place_who (place_t *self)
{
    memset (&self->last, 0, sizeof self->last);
    wire_t request = reading_who_request (&self->last);
    s_request (self, &request, s_on_members);
}

static void s_on_topic (void *arg, const outbox_answer_t *answer)
{
    place_t *self = arg;
    if (s_take (self, "", answer)) {
        char *topic = reading_topic_of (answer->reply);
        const char *shown = topic && *topic ? topic : "there is no topic";
        console_tell (self->console, "%s: %s", place_name (self), shown);
        free (topic);
    }
    s_changed (self);
}

void place_topic (place_t *self, const char *text)
{
    memset (&self->last, 0, sizeof self->last);
    wire_t request = reading_who_request (&self->last);
    if (*text) {
        request = wire (WIRE_TOPIC, 0, NULL);
        wire_set_bytes (&request, WIRE_F_TEXT, span_of (text));
    }
    s_request (self, &request, *text ? s_on_done : s_on_topic);
}

// A deed under way.
typedef struct {
    place_t *place;
    const deed_t *deed;
    target_t target;
} doing_t;

static void s_on_doing (void *arg, const outbox_answer_t *answer);

static void s_end_doing (doing_t *self)
{
    target_end (&self->target);
    free (self);
}

static void s_do (doing_t *self)
{
    place_t *place = self->place;
    wire_t request = self->target.found
                         ? deed_request (self->deed->action, &self->target.uuid, NULL)
                         : target_request (&self->target);
    if (s_request_for (place, &request, s_on_doing, self) < 0)
        s_end_doing (self);
}

static void s_on_doing (void *arg, const outbox_answer_t *answer)
{
    doing_t *self = arg;
    place_t *place = self->place;
    target_step_t step = TARGET_NONE;
    bool asked = !self->target.found;
    bool taken = s_take (place, "", answer);
    if (taken && asked)
        step = target_take (&self->target, answer->reply);
    if (taken && asked && step == TARGET_NONE) {
        console_tell (place->console, "%s: nobody here has that nick: give the UUID",
                      place_name (place));
        s_fail (place, EXIT_REFUSED);
    }
    if (taken && !asked && wire_number (answer->reply, WIRE_F_SEQ) == 0)
        console_tell (place->console, "%s: it was so already", place_name (place));
    if (step == TARGET_NONE)
        s_end_doing (self);
    else
        s_do (self);
    s_changed (place);
}

void place_deed (place_t *self, const deed_t *deed, const char *who)
{
    doing_t *doing = calloc (1, sizeof *doing);
    if (!doing)
        return;
    *doing = (doing_t){.place = self, .deed = deed};
    if (target_begin (&doing->target, who) == 0) {
        s_do (doing);
        return;
    }
    console_tell (self->console, "'%s': no nick and no UUID", who);
    s_fail (self, EXIT_REFUSED);
    free (doing);
}

static void s_on_sent (void *arg, const outbox_answer_t *answer)
{
    sent_t *sent = arg;
    place_t *self = sent->place;
    self->pending--;
    if (answer->result == OUTBOX_ANSWERED)
        self->acked = wire_number (answer->reply, WIRE_F_SEQ);
    else {
        context_say (self->context, "%s: %s: %s: %s", place_name (self),
                     answer->may_be_stored ? "may be stored" : "not sent",
                     room_why (self->room, answer), sent->text);
        s_fail (self, outbox_answer_exit (answer));
    }
    free (sent);
    s_changed (self);
}

void place_send (place_t *self, const char *text)
{
    size_t size = strlen (text);
    sent_t *sent = malloc (sizeof *sent + size + 1);
    if (!sent)
        return;
    sent->place = self;
    memcpy (sent->text, text, size + 1);
    int timeout = context_line (self->context)->timeout;
    if (console_is_terminal (self->console) && timeout < PATIENCE)
        timeout = PATIENCE;
    if (room_send (self->room, text, size, timeout, s_on_sent, sent) == 0) {
        self->pending++;
        return;
    }
    context_say (self->context, "%s: not sent: %s", place_name (self), strerror (errno));
    s_fail (self, EXIT_NOT_NOW);
    free (sent);
}

place_t *place_new (context_t *context, console_t *console, const char *group, bool join,
                    place_changed_fn *changed, void *arg)
{
    place_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    *self = (place_t){.context = context,
                      .console = console,
                      .group = strdup (group),
                      .changed = changed,
                      .changed_arg = arg};
    const room_handlers_t handlers = {.up = s_on_change,
                                      .down = s_on_change,
                                      .record = s_on_record,
                                      .flush = s_on_flush,
                                      .end = s_on_end,
                                      .arg = self};
    self->room = self->group ? room_new (context, group, &handlers) : NULL;
    if (!self->room) {
        place_destroy (&self);
        return NULL;
    }
    if (console_is_terminal (console))
        room_tell_trouble (self->room);
    self->state = PLACE_JOINING; // nothing is told before the caller knows the place
    if (join)
        s_join (self);
    else
        s_load (self);
    return self;
}

void place_destroy (place_t **self_p)
{
    place_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    self->changed = NULL;
    room_destroy (&self->room); // what is under way ends here
    free (self->group);
    free (self);
}
