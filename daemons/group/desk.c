#include "daemons/group/desk.h"

#include "daemons/group/diary.h"
#include "daemons/group/showings.h"
#include "daemons/group/tellings.h"

#include <czmq.h>

enum {
    LIMIT_WAIT_MS = 1000, // the same for one that found all sessions taken
    BUSY_WAIT_MS = 100,   // after which a client that was told BUSY asks again
    WHO_BYTES = 1 << 20,  // the most that max_reply may be
    WHO_MAX = 500,        // members in one answer: nobody else is served meanwhile
    WHO_ROW_MAX = 128     // bytes of a member's row
};

struct desk {
    desk_parts_t parts;
    const uint8_t *key; // public, of the group
    size_t max_message;
    size_t max_reply;
    tellings_t *tellings;
    showings_t *showings;
    diary_t diary;
    int64_t mono;  // of the last request
    uint8_t *rows; // WHO_BYTES
};

// A request at hand.
typedef struct {
    desk_t *desk;
    pending_t **pending_p; // NULL inside when somebody took it
    peer_t *peer;
    const wire_t *message;
    int64_t now;
    int64_t mono;
} call_t;

desk_t *desk_new (const desk_parts_t *parts)
{
    desk_t *self = zmalloc (sizeof *self);
    self->parts = *parts;
    self->tellings = tellings_new (parts->log, parts->send_text, parts->arg);
    self->showings = showings_new (parts->log, parts->replies);
    self->rows = malloc (WHO_BYTES);
    assert (self->rows);
    return self;
}

void desk_destroy (desk_t **self_p)
{
    desk_t *self = *self_p;
    if (!self)
        return;
    tellings_destroy (&self->tellings);
    showings_destroy (&self->showings);
    free (self->rows);
    free (self);
    *self_p = NULL;
}

void desk_set_key (desk_t *self, const uint8_t *key)
{
    self->key = key;
}

void desk_set_limits (desk_t *self, size_t max_message, size_t max_reply)
{
    self->max_message = max_message;
    self->max_reply = max_reply;
}

static void s_refuse (call_t *call, wire_error_t error)
{
    replies_error (call->desk->parts.replies, call->peer, call->message->tag, error, NULL, 0);
}

// Refuses; where that is because of the limit `named`, with a sentence that names it.
static void s_refuse_by (call_t *call, wire_error_t error, wire_error_t named, const char *text)
{
    replies_error (call->desk->parts.replies, call->peer, call->message->tag, error,
                   error == named ? text : NULL, error == WIRE_ERR_BUSY ? BUSY_WAIT_MS : 0);
}

// Refuses because of a limit, by the name that it has in group.cfg.
static void s_refuse_limit (call_t *call, wire_error_t error, const char *name, uint32_t wait)
{
    char text[100];
    snprintf (text, sizeof text, "%s than %s allows",
              error == WIRE_ERR_RATE ? "faster" : "more sessions", name);
    replies_error (call->desk->parts.replies, call->peer, call->message->tag, error, text, wait);
}

static void s_send (call_t *call, const wire_t *message)
{
    desk_t *self = call->desk;
    size_t room = wire_bytes (message, WIRE_F_ROWS).size + RECORD_TEXT_MAX + 1024;
    uint8_t *bytes = malloc (room);
    assert (bytes);
    writer_t out = writer (bytes, room);
    wire_encode (message, &out);
    assert (!out.failed);
    replies_send (self->parts.replies, call->peer, span (bytes, writer_used (&out)));
    free (bytes);
}

static wire_error_t s_check_text (const desk_t *self, span_t text)
{
    if (text.size > self->max_message)
        return WIRE_ERR_TOO_LONG;
    return text_valid ((const char *)text.data, text.size) ? WIRE_ERR_NONE : WIRE_ERR_BAD_TEXT;
}

wire_state_t desk_state (const desk_t *self)
{
    if (log_read_only (self->parts.log))
        return WIRE_STATE_READ_ONLY;
    return *log_doubt (self->parts.log) ? WIRE_STATE_DOUBT : WIRE_STATE_OK;
}

// ---- Requests answered at once

static void s_ping (call_t *call)
{
    log_t *log = call->desk->parts.log;
    if (wire_number (call->message, WIRE_F_FOLLOWS) && !call->peer->follows) {
        s_refuse (call, WIRE_ERR_NO_SESSION);
        return;
    }
    wire_t pong = wire (WIRE_PONG, call->message->tag, NULL);
    wire_set_bytes (&pong, WIRE_F_NAME, span_of (call->desk->parts.name));
    wire_set_bytes (&pong, WIRE_F_LOG, span (log_id (log)->bytes, GUID_SIZE));
    wire_set (&pong, WIRE_F_GENERATION, log_generation (log));
    wire_set (&pong, WIRE_F_STATE, desk_state (call->desk));
    wire_set (&pong, WIRE_F_OLDEST, log_oldest (log));
    wire_set (&pong, WIRE_F_WHY, log_why (log));
    wire_set (&pong, WIRE_F_LAST, log_last (log));
    wire_set (&pong, WIRE_F_TIME, (uint64_t)call->now);
    wire_set (&pong, WIRE_F_MAX_MESSAGE, call->desk->max_message);
    if (call->desk->key)
        wire_set_bytes (&pong, WIRE_F_KEY, span (call->desk->key, KEYPAIR_KEY));
    s_send (call, &pong);
}

// Refuses it if it asks more than the limits of that kind of request allow.
static bool s_is_too_fast (call_t *call, wire_kind_t kind)
{
    const char *name;
    uint32_t wait = door_wait (&call->desk->parts.door, call->peer, kind, &call->message->uuid,
                               call->mono, &name);
    if (wait > 0)
        s_refuse_limit (call, WIRE_ERR_RATE, name, wait);
    return wait > 0;
}

// Who could not come in does not learn what is inside.
static void s_answer_ping (call_t *call, wire_error_t refusal)
{
    desk_t *self = call->desk;
    const guid_t *who = &call->message->uuid;
    const rights_t *rights = self->parts.door.rights;
    span_t shown = wire_bytes (call->message, WIRE_F_INVITATIONS);
    const char *why = NULL;
    invitation_t redeems;
    if (rights_is_open (rights))
        refusal = WIRE_ERR_NONE;
    else if (!refusal && !roster_is_member (self->parts.door.roster, who)) {
        if (shown.size > 0 && s_is_too_fast (call, WIRE_JOIN)) // which costs as much
            return;
        refusal = rights_join (rights, who, shown, call->now, &redeems, &why);
    }
    if (refusal)
        replies_error (self->parts.replies, call->peer, call->message->tag, refusal, why, 0);
    else
        s_ping (call);
}

static bool s_put_member (desk_t *self, const guid_t *who, writer_t *rows)
{
    wire_t row = wire (WIRE_ROW_MEMBER, 0, NULL);
    wire_set_bytes (&row, WIRE_F_MEMBER, span (who->bytes, GUID_SIZE));
    wire_set_bytes (&row, WIRE_F_NICK, span_of (roster_nick (self->parts.door.roster, who)));
    wire_set (&row, WIRE_F_PRESENT, peers_present (self->parts.door.peers, who));
    wire_set (&row, WIRE_F_ROLE, rights_role (self->parts.door.rights, who));
    wire_put_row (&row, rows);
    return !rows->failed;
}

// What the frame may hold of rows: at least one, however long the topic is.
static size_t s_rows_room (const desk_t *self, const wire_t *reply)
{
    writer_t out = writer (self->rows, WHO_BYTES);
    wire_encode (reply, &out);
    size_t head = writer_used (&out), least = WHO_ROW_MAX;
    return self->max_reply > head + least ? self->max_reply - head : least;
}

static void s_who (call_t *call)
{
    desk_t *self = call->desk;
    guid_t who = wire_guid (call->message, WIRE_F_MEMBER);
    uint64_t limit = wire_number (call->message, WIRE_F_LIMIT);
    wire_t reply = wire (WIRE_MEMBERS, call->message->tag, NULL);
    wire_set (&reply, WIRE_F_MEMBERS, roster_count (self->parts.door.roster));
    wire_set (&reply, WIRE_F_ONLINE, peers_online (self->parts.door.peers));
    wire_set_bytes (&reply, WIRE_F_TOPIC, span_of (roster_topic (self->parts.door.roster)));
    writer_t rows = writer (self->rows, s_rows_room (self, &reply));
    bool more;
    if (limit == 0 || limit > WHO_MAX)
        limit = WHO_MAX;
    while ((more = roster_next (self->parts.door.roster, &who, &who)) && limit-- > 0)
        if (!s_put_member (self, &who, &rows))
            break;
    wire_set (&reply, WIRE_F_MORE, more);
    wire_set_bytes (&reply, WIRE_F_ROWS, span (self->rows, writer_used (&rows)));
    s_send (call, &reply);
}

static void s_follow (call_t *call)
{
    desk_t *self = call->desk;
    uint64_t from = wire_number (call->message, WIRE_F_FROM);
    uint64_t last = log_last (self->parts.log);
    wire_t reply;
    if (from > last + 1) {
        reply = wire (WIRE_LOST, call->message->tag, NULL);
        wire_set (&reply, WIRE_F_FROM, last + 1);
        wire_set (&reply, WIRE_F_TO, from - 1);
        s_send (call, &reply);
        return;
    }
    reply = wire (WIRE_FOLLOWING, call->message->tag, NULL);
    wire_set (&reply, WIRE_F_FROM, from > 0 ? from : last + 1);
    wire_set (&reply, WIRE_F_LAST, last);
    wire_set (&reply, WIRE_F_OLDEST, log_oldest (self->parts.log));
    wire_set (&reply, WIRE_F_WHY, log_why (self->parts.log));
    s_send (call, &reply);
    delivery_follow (self->parts.door.delivery, call->peer, &call->message->uuid, from,
                     wire_number (call->message, WIRE_F_CREDIT));
}

static void s_page (call_t *call)
{
    wire_error_t error = history_ask (call->desk->parts.door.history, call->peer, call->message);
    if (error)
        s_refuse_by (call, error, WIRE_ERR_BUSY, "one PAGE of a connection is answered at a time");
}

// ---- Requests that may change the group

static void s_to_intake (call_t *call)
{
    pending_t *pending = *call->pending_p;
    pending->peer = call->peer;
    peer_hold (call->peer);
    wire_error_t error = intake_add (call->desk->parts.intake, pending);
    if (error)
        s_refuse_by (call, error, WIRE_ERR_BUSY,
                     "more than max_pending waits for the disk: try again");
    else
        *call->pending_p = NULL;
}

// What the request says goes into what waits for the log.
static void s_fill (pending_t *pending, const wire_t *message)
{
    switch (message->kind) {
    case WIRE_JOIN:
        pending->invitations = wire_bytes (message, WIRE_F_INVITATIONS);
        pending->nick = wire_bytes (message, WIRE_F_NICK);
        break;
    case WIRE_NICK:
        pending->nick = wire_bytes (message, WIRE_F_NICK);
        break;
    case WIRE_MANAGE:
        pending->action = (record_kind_t)wire_number (message, WIRE_F_ACTION);
        pending->subject = wire_guid (message, WIRE_F_MEMBER);
        pending->key = wire_bytes (message, WIRE_F_KEY);
        break;
    case WIRE_SEND:
        memcpy (pending->send.device, wire_bytes (message, WIRE_F_DEVICE).data, RECORD_DEVICE);
        pending->send.counter = wire_number (message, WIRE_F_COUNTER);
        pending->send.random = (uint32_t)wire_number (message, WIRE_F_RANDOM);
        pending->text = wire_bytes (message, WIRE_F_TEXT);
        break;
    default:
        pending->text = wire_bytes (message, WIRE_F_TEXT);
    }
}

static void s_change (call_t *call)
{
    pending_t *pending = *call->pending_p;
    const wire_t *message = call->message;
    wire_error_t error = WIRE_ERR_NONE;
    s_fill (pending, message);
    if (message->kind == WIRE_SEND || (message->kind == WIRE_TOPIC && pending->text.size > 0))
        error = s_check_text (call->desk, pending->text);
    if (error) {
        char text[100];
        snprintf (text, sizeof text, "the text is longer than max_message, %zu bytes",
                  call->desk->max_message);
        s_refuse_by (call, error, WIRE_ERR_TOO_LONG, text);
    } else
        s_to_intake (call);
}

// ---- The native wire

static void s_read (call_t *call)
{
    switch (call->message->kind) {
    case WIRE_WHO:
        s_who (call);
        break;
    case WIRE_FOLLOW:
        s_follow (call);
        break;
    default:
        s_page (call);
    }
}

static void s_dispatch (call_t *call, const visitor_t *visitor)
{
    desk_t *self = call->desk;
    const guid_t *who = &call->message->uuid;
    wire_error_t refusal = visitor->refusal;
    if (visitor->limit) {
        s_refuse_limit (call, WIRE_ERR_LIMIT, visitor->limit, LIMIT_WAIT_MS);
        return;
    }
    switch (call->message->kind) {
    case WIRE_PING:
        s_answer_ping (call, refusal);
        return;
    case WIRE_CREDIT: // one who left needs it, to get what was before the leave
        delivery_credit (call->peer, wire_number (call->message, WIRE_F_CREDIT));
        return;
    default:
        break;
    }
    bool banned =
        standing_now (roster_standing (self->parts.door.roster), who)->flags & STANDING_BANNED;
    if (!refusal && banned)
        refusal = WIRE_ERR_BANNED;
    if (refusal) {
        diary_refused (&self->diary, *call->pending_p, refusal, call->mono);
        s_refuse (call, refusal);
        return;
    }
    if (s_is_too_fast (call, call->message->kind))
        return;
    diary_asked (call->message);
    if (call->message->kind <= WIRE_TOPIC || call->message->kind == WIRE_SEND ||
        call->message->kind == WIRE_MANAGE)
        s_change (call); // whether a member asks is judged in its turn
    else if (!roster_is_member (self->parts.door.roster, who))
        s_refuse (call, WIRE_ERR_NOT_MEMBER);
    else
        s_read (call);
}

// The rows one after the other, each as if it had come as a SEND.
static void s_dispatch_each (call_t *call, const visitor_t *visitor)
{
    span_t rows = wire_bytes (call->message, WIRE_F_ROWS);
    span_t device = wire_bytes (call->message, WIRE_F_DEVICE);
    reader_t in = reader (rows.data, rows.size);
    wire_t send;
    size_t count = 0;
    int rc;
    while ((rc = wire_next_row (&send, WIRE_ROW_SEND, &in)) == 1 && count++ < WIRE_UNANSWERED) {
        call_t one = *call;
        pending_t *part = pending_part (*call->pending_p);
        one.message = &send;
        one.pending_p = &part;
        send.kind = part->kind = WIRE_SEND;
        send.tag = part->tag = (uint32_t)wire_number (&send, WIRE_F_TAG);
        send.uuid = call->message->uuid;
        wire_set_bytes (&send, WIRE_F_DEVICE, device);
        s_dispatch (&one, visitor);
        pending_destroy (&part); // unless somebody took it
    }
    if (rc != 0 || count == 0)
        s_refuse (call, WIRE_ERR_BAD_REQUEST); // what follows is not taken
}

static wire_error_t s_decode (wire_t *message, const pending_t *pending)
{
    wire_error_t error = wire_decode (message, frame_body (&pending->frame));
    if (error)
        return error;
    if (!pending->frame.complete || (guid_is_null (&message->uuid) && message->kind != WIRE_PING))
        return WIRE_ERR_BAD_REQUEST;
    return wire_message (message->kind)->way & WIRE_TO_GROUP ? WIRE_ERR_NONE
                                                             : WIRE_ERR_UNKNOWN_KIND;
}

static void s_native (call_t *call, size_t listener, const route_t *route)
{
    pending_t *pending = *call->pending_p;
    wire_t message;
    wire_error_t error = s_decode (&message, pending);
    visitor_t visitor = door_meet (&call->desk->parts.door, pending, listener, route, &message.uuid,
                                   error, call->now, call->mono);
    call->message = &message;
    call->peer = visitor.peer;
    pending->kind = message.kind;
    pending->tag = message.tag;
    pending->who = message.uuid;
    if (error)
        s_refuse (call, error);
    else {
        if (!visitor.limit)
            showings_take (call->desk->showings, call->peer, &message);
        if (message.kind == WIRE_SENDS)
            s_dispatch_each (call, &visitor);
        else
            s_dispatch (call, &visitor);
    }
    peer_release (&call->peer);
}

// ---- The original wire

static void s_text (desk_t *self, peer_t *peer, const char *text)
{
    self->parts.send_text (self->parts.arg, peer, span_of (text));
}

static void s_tell (desk_t *self, pending_t **pending_p, int64_t since)
{
    pending_t *pending = *pending_p;
    bool member = roster_is_member (self->parts.door.roster, &pending->who);
    if (!member || !tellings_add (self->tellings, pending_p, since, self->max_reply))
        s_text (self, pending->peer, ORIGINAL_FAIL);
}

static void s_original (call_t *call, size_t listener, const route_t *route)
{
    desk_t *self = call->desk;
    pending_t *pending = *call->pending_p;
    span_t text = frame_body (&pending->frame);
    original_t request = original_parse (text, call->now);
    pending->legacy = true;
    visitor_t visitor =
        door_meet_original (&self->parts.door, pending, listener, route, &request.who);
    pending->peer = visitor.peer;
    pending->who = request.who;
    if (!pending->frame.complete || guid_is_null (&request.who))
        request.kind = ORIGINAL_INVALID;
    if (request.kind == ORIGINAL_INVALID) {
        diary_invalid (&self->diary, text, call->mono);
        s_text (self, pending->peer, ORIGINAL_BAD);
        return;
    }
    pending->kind = request.kind == ORIGINAL_JOIN    ? WIRE_JOIN
                    : request.kind == ORIGINAL_LEAVE ? WIRE_LEAVE
                    : request.kind == ORIGINAL_SEND  ? WIRE_SEND
                                                     : WIRE_PAGE;
    const char *name;
    if (visitor.refusal)
        diary_refused (&self->diary, pending, visitor.refusal, call->mono);
    if (visitor.refusal || door_wait (&self->parts.door, visitor.peer, pending->kind, &request.who,
                                      call->mono, &name) > 0) {
        s_text (self, pending->peer, ORIGINAL_FAIL);
        return;
    }
    diary_original (&request);
    if (roster_is_member (self->parts.door.roster, &request.who))
        roster_set_seen (self->parts.door.roster, &request.who, call->now);
    if (request.kind == ORIGINAL_MESSAGES) {
        s_tell (self, call->pending_p, request.has_time ? request.time : 0);
        return;
    }
    pending->text = request.text;
    bool bad = request.kind == ORIGINAL_SEND && s_check_text (self, request.text);
    if (!bad && intake_add (self->parts.intake, pending) == WIRE_ERR_NONE)
        *call->pending_p = NULL;
    else
        s_text (self, pending->peer, ORIGINAL_FAIL);
}

// ---- In and out

void desk_take (desk_t *self, pending_t **pending_p, size_t listener, const route_t *route,
                int64_t now, int64_t mono)
{
    call_t call = {.desk = self, .pending_p = pending_p, .now = now, .mono = mono};
    self->mono = mono;
    if ((*pending_p)->frame.legacy)
        s_original (&call, listener, route);
    else
        s_native (&call, listener, route);
    pending_destroy (pending_p); // unless somebody took it
}

void desk_answer (desk_t *self, pending_t *pending)
{
    if (!pending->peer)
        return; // our own
    diary_answered (&self->diary, pending, self->mono);
    if (pending->legacy)
        s_text (self, pending->peer, pending->error ? ORIGINAL_FAIL : ORIGINAL_SUCCESS);
    else if (pending->error)
        replies_error (self->parts.replies, pending->peer, pending->tag, pending->error,
                       pending->why, 0);
    else {
        if (pending->kind == WIRE_JOIN) // presence begins with it
            door_joined (&self->parts.door, pending->peer, &pending->who, self->mono);
        replies_ack (self->parts.replies, pending->peer, pending->tag, pending->seq, pending->time,
                     pending->given);
    }
}

// Why it may not follow for that one any more.
static wire_error_t s_why_silenced (void *arg, const peer_t *peer)
{
    const desk_t *self = arg;
    return door_speak (&self->parts.door, peer, &peer->who);
}

static bool s_is_silenced (void *arg, const peer_t *peer)
{
    return s_why_silenced (arg, peer) != WIRE_ERR_NONE;
}

void desk_left (desk_t *self, const guid_t *who, uint64_t seq, wire_error_t why)
{
    bool all = why == WIRE_ERR_NOT_MEMBER || why == WIRE_ERR_BANNED;
    peers_end_sessions (self->parts.door.peers, who);
    delivery_left (self->parts.door.delivery, who, seq, why, all ? NULL : s_is_silenced, self);
}

void desk_review (desk_t *self)
{
    delivery_review (self->parts.door.delivery, s_why_silenced, self);
}

bool desk_turn (desk_t *self)
{
    bool more = showings_turn (self->showings);
    return tellings_turn (self->tellings) || more;
}
