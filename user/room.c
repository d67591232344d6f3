#include "user/room.h"

#include "user/advice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY = 900 };

// One text under way: what its answer is passed to.
typedef struct {
    room_t *room;
    outbox_done_fn *done;
    void *arg;
} send_t;

struct room {
    context_t *context;
    session_t *session;
    room_handlers_t handlers;
    char *group; // as it was asked for
    char *name;  // as it calls itself, NULL: not known
    guid_t log;
    bool tells;
    bool broken;
    bool had_receipt;            // that log's was shown
    uint64_t lost_from, lost_to; // told already
    sender_t *sender;
    size_t sending;
    bool unsure; // a text's fate is not known: its device is thrown away
    char why[WHY];
};

const char *room_name (const room_t *self)
{
    return self->name ? self->name : self->group;
}

session_t *room_session (room_t *self)
{
    return self->session;
}

char *room_show (const room_t *self, const record_t *record)
{
    const session_info_t *info = session_info (self->session);
    return view_record (context_view (self->context), room_name (self), info && info->proves,
                        record);
}

void room_tell_trouble (room_t *self)
{
    self->tells = true;
}

bool room_is_broken (const room_t *self)
{
    return self->broken;
}

static const char *s_reason (record_why_t why)
{
    switch (why) {
    case RECORD_WHY_AGE:
        return "they were too old";
    case RECORD_WHY_SIZE:
        return "the log was too large";
    case RECORD_WHY_COUNT:
        return "there were too many";
    case RECORD_WHY_DAMAGE:
        return "they are damaged";
    case RECORD_WHY_NONE:
        break;
    }
    return "no reason given";
}

void room_gap (room_t *self, uint64_t from, uint64_t to, record_why_t why)
{
    if (why == RECORD_WHY_DAMAGE)
        self->broken = true;
    context_say (self->context, "%s: #%" PRIu64 " to #%" PRIu64 " are not kept any more: %s",
                 room_name (self), from, to, s_reason (why));
}

void room_lost (room_t *self, uint64_t from, uint64_t to)
{
    self->broken = true;
    if (from == self->lost_from && to == self->lost_to)
        return; // what a receipt showed, and what was asked for
    self->lost_from = from;
    self->lost_to = to;
    context_say (self->context,
                 "%s: #%" PRIu64 " to #%" PRIu64 " are not in the group's log: what of them was "
                 "acknowledged is lost",
                 room_name (self), from, to);
}

// What the session tells.

static void s_keep (room_t *self)
{
    guid_t log;
    const uint8_t *receipt = session_receipt (self->session, &log);
    if (receipt)
        identity_put_receipt (context_identity (self->context), &log, receipt);
    else if (self->had_receipt && !guid_is_null (&self->log))
        identity_drop_receipt (context_identity (self->context), &self->log); // it was told
    self->had_receipt = false;
}

// A group that was given by its port or endpoint says only now whose log it is: the receipt for
// that is shown now.
static void s_show_receipt (room_t *self, const guid_t *log)
{
    uint8_t receipt[PROOF_RECEIPT];
    if (identity_receipt (context_identity (self->context), log, receipt) < 0)
        return;
    self->had_receipt = true;
    session_set_receipt (self->session, receipt, log);
}

// Keeps the key that a group has proved, which was asked for by its name.
static void s_pin (const room_t *self, const session_info_t *info)
{
    identity_t *identity = context_identity (self->context);
    uint8_t known[IDENTITY_KEY];
    endpoint_t where;
    if (strcmp (info->name, self->group) == 0 &&
        identity_server (identity, info->name, known) < 0 &&
        !endpoint_parse (&where, info->endpoint, strlen (info->endpoint), ENDPOINT_CONNECT) &&
        where.has_key)
        identity_put_server (identity, info->name, where.key);
}

static void s_learn_name (room_t *self)
{
    const session_info_t *info = session_info (self->session);
    if (self->name && strcmp (self->name, info->name) == 0)
        return;
    free (self->name);
    self->name = strdup (info->name);
}

static void s_on_up (void *arg, const session_info_t *info)
{
    room_t *self = arg;
    guid_t shown;
    if (!session_receipt (self->session, &shown) || !guid_equal (&shown, &info->log))
        s_show_receipt (self, &info->log);
    s_learn_name (self);
    self->log = info->log;
    identity_put_log (context_identity (self->context), info->name, &info->log);
    s_pin (self, info);
    if (self->handlers.up)
        self->handlers.up (self->handlers.arg, self);
}

static void s_on_down (void *arg, const char *why)
{
    room_t *self = arg;
    if (self->tells)
        context_say (self->context, "%s: %s", room_name (self), why);
    s_keep (self);
    if (self->handlers.down)
        self->handlers.down (self->handlers.arg, self);
}

static void s_on_trouble (void *arg, const char *sentence)
{
    room_t *self = arg;
    if (self->tells)
        context_say (self->context, "%s: %s", room_name (self), sentence);
}

static void s_on_state (void *arg, wire_state_t state)
{
    room_t *self = arg;
    s_learn_name (self);
    if (state == WIRE_STATE_DOUBT)
        context_say (self->context,
                     "%s: THE GROUP'S LOG IS IN DOUBT: records that were acknowledged are not in "
                     "it, or changed. It takes no messages until its operator has looked at it",
                     room_name (self));
    else if (state == WIRE_STATE_READ_ONLY)
        context_say (self->context,
                     "%s: the group's log is damaged: it can be read, but takes no messages",
                     room_name (self));
}

static void s_on_new_log (void *arg, const guid_t *before, const guid_t *now)
{
    room_t *self = arg;
    char old_text[GUID_TEXT], new_text[GUID_TEXT];
    context_say (self->context,
                 "%s: another log answers under this name (%s, it was %s): the group was made anew",
                 room_name (self), guid_print (now, new_text), guid_print (before, old_text));
}

static void s_on_following (void *arg, uint64_t from)
{
    room_t *self = arg;
    if (self->handlers.following)
        self->handlers.following (self->handlers.arg, self, from);
}

static void s_on_record (void *arg, const record_t *record)
{
    room_t *self = arg;
    if (self->handlers.record)
        self->handlers.record (self->handlers.arg, self, record);
}

static void s_on_flush (void *arg)
{
    room_t *self = arg;
    if (self->handlers.flush)
        self->handlers.flush (self->handlers.arg, self);
}

static void s_on_gap (void *arg, uint64_t from, uint64_t to, record_why_t why)
{
    room_gap (arg, from, to, why);
}

static void s_on_lost (void *arg, uint64_t from, uint64_t to)
{
    room_lost (arg, from, to);
}

static void s_on_end (void *arg, wire_error_t why, const char *text, bool over)
{
    room_t *self = arg;
    if (over || self->tells)
        context_say (self->context, "%s: %s", room_name (self),
                     *text ? text : wire_error_text (why));
    if (self->handlers.end)
        self->handlers.end (self->handlers.arg, self, why, over);
}

// The device for sends; the one before, if any, cannot go on.
static int s_on_device (void *arg, uint8_t device[RECORD_DEVICE], uint64_t *last)
{
    room_t *self = arg;
    sender_discard (&self->sender);
    if (guid_is_null (&self->log))
        return -1;
    self->sender = identity_take_sender (context_identity (self->context), &self->log,
                                         context_uuid (self->context));
    if (self->sender && sender_use (self->sender) < 0)
        sender_discard (&self->sender);
    if (!self->sender)
        return -1; // a random one does, for this call
    memcpy (device, sender_name (self->sender), RECORD_DEVICE);
    *last = sender_last (self->sender);
    return 0;
}

room_t *room_new (context_t *context, const char *group, const room_handlers_t *handlers)
{
    static const session_handlers_t session_handlers = {.up = s_on_up,
                                                        .down = s_on_down,
                                                        .trouble = s_on_trouble,
                                                        .state = s_on_state,
                                                        .new_log = s_on_new_log,
                                                        .following = s_on_following,
                                                        .record = s_on_record,
                                                        .flush = s_on_flush,
                                                        .gap = s_on_gap,
                                                        .lost = s_on_lost,
                                                        .end = s_on_end,
                                                        .device = s_on_device};
    room_t *self = calloc (1, sizeof *self);
    if (!self || !(self->group = strdup (group))) {
        free (self);
        return NULL;
    }
    self->context = context;
    self->handlers = *handlers;
    session_handlers_t with_arg = session_handlers;
    with_arg.arg = self;
    uint8_t receipt[PROOF_RECEIPT];
    session_config_t config = {
        .loop = context_loop (context), .group = group, .uuid = *context_uuid (context)};
    config.registries = context_registries (context, &config.registry_count);
    config.connect = context_connect;
    config.connect_arg = context;
    config.plain = context_line (context)->has_uuid;
    config.show = context_show;
    config.show_arg = context;
    identity_t *identity = context_identity (context);
    uint8_t key[IDENTITY_KEY];
    if (identity_server (identity, group, key) == 0)
        config.key = key;
    if (identity_log (identity, group, &config.log) == 0 &&
        identity_receipt (identity, &config.log, receipt) == 0)
        config.receipt = receipt;
    self->had_receipt = config.receipt != NULL;
    self->session = session_new (&config, &with_arg);
    if (!self->session) {
        context_say (context, "'%s': %s", group,
                     errno == EINVAL ? "no group's name, port or endpoint" : strerror (errno));
        room_destroy (&self);
    }
    return self;
}

// Gives the device back if every text was answered; else it goes, its counter being unknown.
static void s_settle (room_t *self)
{
    uint8_t device[RECORD_DEVICE];
    uint64_t last;
    if (!self->sender || !self->session || self->sending > 0 || self->unsure)
        return;
    if (session_device (self->session, device, &last) &&
        memcmp (device, sender_name (self->sender), RECORD_DEVICE) == 0)
        sender_clean (self->sender, last);
}

void room_destroy (room_t **self_p)
{
    room_t *self = *self_p;
    if (!self)
        return;
    if (self->session) {
        s_keep (self);
        s_settle (self);
        session_t *session = self->session;
        self->session = NULL;
        session_destroy (&session); // ends what is under way, with OUTBOX_CLOSED
    }
    *self_p = NULL; // the callbacks of that may ask for the room still
    sender_destroy (&self->sender);
    free (self->name);
    free (self->group);
    free (self);
}

// Requests.

const char *room_why (room_t *self, const outbox_answer_t *answer)
{
    const char *trouble = self->session ? session_trouble (self->session) : "ended";
    bool refused = answer->result == OUTBOX_REFUSED;
    span_t text = span (NULL, 0);
    if (answer->reply && refused)
        text = wire_bytes (answer->reply, WIRE_F_TEXT);
    const char *next = advice (answer->error), *between = *next ? ": " : "";
    if (answer->error == WIRE_ERR_NOT_INVITED &&
        context_is_expired (self->context, room_name (self))) {
        between = ", and yours is expired: ";
        next = advice (WIRE_ERR_BAD_INVITATION);
    }
    if (text.size > 0)
        snprintf (self->why, WHY, "%.*s%s%s", (int)(text.size < WHY ? text.size : WHY),
                  (const char *)text.data, between, next);
    else if (refused && !answer->reply && *trouble) // the registries', see session.h
        snprintf (self->why, WHY, "%s%s%s", trouble, between, next);
    else if (answer->error != WIRE_ERR_NONE && *next)
        snprintf (self->why, WHY, "%s%s%s", wire_error_text (answer->error), between, next);
    else if (answer->error != WIRE_ERR_NONE)
        snprintf (self->why, WHY, "%s", wire_error_text (answer->error));
    else
        snprintf (self->why, WHY, "%s", *trouble ? trouble : "no answer in time");
    return self->why;
}

static void s_on_sent (void *arg, const outbox_answer_t *answer)
{
    send_t *send = arg;
    room_t *self = send->room;
    outbox_done_fn *done = send->done;
    void *done_arg = send->arg;
    free (send);
    self->sending--;
    if (answer->may_be_stored)
        self->unsure = true;
    s_settle (self);
    if (done)
        done (done_arg, answer);
}

int room_send (room_t *self, const char *text, size_t size, int timeout, outbox_done_fn *done,
               void *arg)
{
    send_t *send = calloc (1, sizeof *send);
    if (!send)
        return -1;
    *send = (send_t){.room = self, .done = done, .arg = arg};
    // From here on counters are in use again, by a device that may have been given back.
    if (self->sender && !self->unsure && sender_use (self->sender) < 0) {
        free (send);
        return -1;
    }
    self->sending++;
    if (session_send (self->session, span (text, size), timeout, s_on_sent, send) < 0) {
        int cause = errno;
        self->sending--;
        free (send);
        errno = cause;
        return -1;
    }
    return 0;
}

size_t room_sending (const room_t *self)
{
    return self->sending;
}
