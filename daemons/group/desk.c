#include "daemons/group/desk.h"

#include "common/report.h"
#include "daemons/group/folder.h"
#include "daemons/group/original.h"
#include "daemons/group/transcript.h"
#include "daemons/group/witness.h"

#include <czmq.h>

enum {
    BUSY_WAIT_MS = 100,  // after which a client that was told BUSY asks again
    WHO_BYTES = 1 << 20, // the most that max_reply may be
    WHO_ROW_MAX = 128,   // bytes of a member's row
    TRANSCRIPTS_MAX = 256,
    SHOWINGS_MAX = 4096,
    SHOWN = 80 // bytes of a remote text in a log line
};

// A MESSAGE REQUEST of the original wire under way.
typedef struct {
    pending_t *pending;
    transcript_t *transcript;
} telling_t;

// A receipt that was shown, to be judged.
typedef struct {
    peer_t *peer; // held
    receipt_t receipt;
} showing_t;

struct desk {
    desk_parts_t parts;
    const uint8_t *key; // public, of the group
    size_t max_message;
    size_t max_reply;
    zlistx_t *tellings;
    zlistx_t *showings;
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

static void s_telling_destroy (void **telling_p)
{
    telling_t *telling = *telling_p;
    pending_destroy (&telling->pending);
    transcript_destroy (&telling->transcript);
    free (telling);
    *telling_p = NULL;
}

static void s_showing_destroy (void **showing_p)
{
    showing_t *showing = *showing_p;
    peer_release (&showing->peer);
    free (showing);
    *showing_p = NULL;
}

desk_t *desk_new (const desk_parts_t *parts)
{
    desk_t *self = zmalloc (sizeof *self);
    self->parts = *parts;
    self->tellings = zlistx_new ();
    zlistx_set_destructor (self->tellings, s_telling_destroy);
    self->showings = zlistx_new ();
    zlistx_set_destructor (self->showings, s_showing_destroy);
    self->rows = malloc (WHO_BYTES);
    assert (self->rows);
    return self;
}

void desk_destroy (desk_t **self_p)
{
    desk_t *self = *self_p;
    if (!self)
        return;
    zlistx_destroy (&self->tellings);
    zlistx_destroy (&self->showings);
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

static bool s_put_member (desk_t *self, const guid_t *who, writer_t *rows)
{
    wire_t row = wire (WIRE_ROW_MEMBER, 0, NULL);
    wire_set_bytes (&row, WIRE_F_MEMBER, span (who->bytes, GUID_SIZE));
    wire_set_bytes (&row, WIRE_F_NICK, span_of (roster_nick (self->parts.roster, who)));
    wire_set (&row, WIRE_F_PRESENT, peers_present (self->parts.peers, who));
    wire_set (&row, WIRE_F_ROLE, WIRE_ROLE_MEMBER);
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
    wire_set (&reply, WIRE_F_MEMBERS, roster_count (self->parts.roster));
    wire_set (&reply, WIRE_F_ONLINE, peers_online (self->parts.peers));
    wire_set_bytes (&reply, WIRE_F_TOPIC, span_of (roster_topic (self->parts.roster)));
    writer_t rows = writer (self->rows, s_rows_room (self, &reply));
    bool more;
    if (limit == 0)
        limit = UINT64_MAX; // as many as fit
    while ((more = roster_next (self->parts.roster, &who, &who)) && limit-- > 0)
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
    delivery_follow (self->parts.delivery, call->peer, &call->message->uuid, from,
                     wire_number (call->message, WIRE_F_CREDIT));
}

static void s_page (call_t *call)
{
    wire_error_t error = history_ask (call->desk->parts.history, call->peer, call->message);
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

static void s_change (call_t *call)
{
    pending_t *pending = *call->pending_p;
    const wire_t *message = call->message;
    wire_error_t error = WIRE_ERR_NONE;
    if (message->kind == WIRE_JOIN || message->kind == WIRE_NICK)
        pending->nick = wire_bytes (message, WIRE_F_NICK);
    if (message->kind == WIRE_SEND || message->kind == WIRE_TOPIC)
        pending->text = wire_bytes (message, WIRE_F_TEXT);
    if (message->kind == WIRE_SEND) {
        memcpy (pending->send.device, wire_bytes (message, WIRE_F_DEVICE).data, RECORD_DEVICE);
        pending->send.counter = wire_number (message, WIRE_F_COUNTER);
        pending->send.random = (uint32_t)wire_number (message, WIRE_F_RANDOM);
    }
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

// ---- Receipts that clients show

static void s_show (call_t *call)
{
    span_t bytes = wire_bytes (call->message, WIRE_F_RECEIPT);
    if (!bytes.data || zlistx_size (call->desk->showings) >= SHOWINGS_MAX)
        return;
    showing_t *showing = zmalloc (sizeof *showing);
    showing->peer = call->peer;
    peer_hold (call->peer);
    showing->receipt = receipt_decode (bytes.data);
    zlistx_add_end (call->desk->showings, showing);
}

static void s_tell_lost (desk_t *self, peer_t *peer, uint64_t from, uint64_t to)
{
    uint8_t bytes[64];
    writer_t out = writer (bytes, sizeof bytes);
    wire_t lost = wire (WIRE_LOST, 0, NULL);
    wire_set (&lost, WIRE_F_FROM, from);
    wire_set (&lost, WIRE_F_TO, to);
    wire_encode (&lost, &out);
    assert (!out.failed);
    replies_send (self->parts.replies, peer, span (bytes, writer_used (&out)));
}

static void s_doubt (desk_t *self, const char *why)
{
    if (*log_doubt (self->parts.log))
        return;
    report_error ("THE LOG IS IN DOUBT: %s. Acknowledged records were lost, rolled back or "
                  "changed. Messages are refused "
                  "until an operator runs zchat-log accept",
                  why);
    if (log_set_doubt (self->parts.log, why) < 0)
        report_error ("the file 'doubt' cannot be written: %s", strerror (errno));
}

// Judges one receipt. Returns whether there are more.
static bool s_judge_showing (desk_t *self)
{
    showing_t *showing = zlistx_first (self->showings);
    if (!showing)
        return false;
    char why[FOLDER_DOUBT_MAX];
    uint64_t from;
    witness_verdict_t verdict = witness_judge (self->parts.log, &showing->receipt, &from, why);
    if (verdict == WITNESS_LATER)
        return true;
    if (verdict == WITNESS_LOST)
        s_tell_lost (self, showing->peer, from, showing->receipt.seq);
    else if (verdict == WITNESS_DOUBT)
        s_doubt (self, why);
    zlistx_delete (self->showings, zlistx_cursor (self->showings));
    return zlistx_size (self->showings) > 0;
}

// ---- The native wire

static void s_log_native (const call_t *call)
{
    bool often = call->message->kind >= WIRE_WHO;
    if (!report_wants (often ? REPORT_DEBUG : REPORT_INFO))
        return;
    char who[GUID_TEXT];
    const char *name = wire_message (call->message->kind)->name;
    guid_print (&call->message->uuid, who);
    if (often || call->message->kind == WIRE_PING)
        report_debug ("%s from %s", name, who);
    else
        report_info ("%s from %s", name, who);
}

static void s_dispatch (call_t *call)
{
    desk_t *self = call->desk;
    const wire_message_t *row = wire_message (call->message->kind);
    if (!(row->way & WIRE_TO_GROUP)) {
        s_refuse (call, WIRE_ERR_UNKNOWN_KIND);
        return;
    }
    s_log_native (call);
    switch (row->kind) {
    case WIRE_PING:
        s_ping (call);
        return;
    case WIRE_JOIN:
    case WIRE_LEAVE:
    case WIRE_NICK:
    case WIRE_TOPIC:
    case WIRE_SEND:
        s_change (call); // whether a member asks is judged in its turn
        return;
    case WIRE_CREDIT: // one who left needs it, to get what was before the leave
        delivery_credit (call->peer, wire_number (call->message, WIRE_F_CREDIT));
        return;
    default:
        break;
    }
    if (!roster_is_member (self->parts.roster, &call->message->uuid))
        s_refuse (call, WIRE_ERR_NOT_MEMBER);
    else if (row->kind == WIRE_WHO)
        s_who (call);
    else if (row->kind == WIRE_FOLLOW)
        s_follow (call);
    else
        s_page (call);
}

// The peer as known, or one for this answer alone. Held for the caller.
static peer_t *s_meet (desk_t *self, size_t listener, const route_t *route, const guid_t *who,
                       call_t *call, wire_error_t *error)
{
    static const guid_t nobody;
    bool member = who && roster_is_member (self->parts.roster, who);
    peer_t *peer = NULL;
    if (who) {
        peer = peers_hear (self->parts.peers, listener, route, member ? who : &nobody, call->mono);
        if (!peer)
            *error = WIRE_ERR_LIMIT;
        if (member)
            roster_set_seen (self->parts.roster, who, call->now);
    } else
        peer = peers_find (self->parts.peers, listener, route);
    if (!peer)
        return peer_new (listener, route);
    peer_hold (peer);
    return peer;
}

static void s_native (call_t *call, size_t listener, const route_t *route)
{
    desk_t *self = call->desk;
    pending_t *pending = *call->pending_p;
    wire_t message;
    wire_error_t error = wire_decode (&message, frame_body (&pending->frame));
    if (!error && !pending->frame.complete)
        error = WIRE_ERR_BAD_REQUEST;
    if (!error && guid_is_null (&message.uuid) && message.kind != WIRE_PING)
        error = WIRE_ERR_BAD_REQUEST;
    call->message = &message;
    call->peer = s_meet (self, listener, route, error ? NULL : &message.uuid, call, &error);
    pending->kind = message.kind;
    pending->tag = message.tag;
    pending->who = message.uuid;
    if (error)
        s_refuse_by (call, error, WIRE_ERR_LIMIT, "no more than max_sessions are served at a time");
    else {
        s_dispatch (call);
        s_show (call);
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
    if (!roster_is_member (self->parts.roster, &pending->who) ||
        zlistx_size (self->tellings) >= TRANSCRIPTS_MAX) {
        s_text (self, pending->peer, ORIGINAL_FAIL);
        return;
    }
    telling_t *telling = zmalloc (sizeof *telling);
    telling->pending = pending;
    telling->transcript = transcript_new (since, self->max_reply);
    zlistx_add_end (self->tellings, telling);
    *pending_p = NULL;
}

static void s_log_original (const original_t *request)
{
    static const char *const names[] = {[ORIGINAL_INVALID] = "",
                                        [ORIGINAL_JOIN] = "JOIN REQUEST",
                                        [ORIGINAL_LEAVE] = "LEAVE REQUEST",
                                        [ORIGINAL_MESSAGES] = "MESSAGE REQUEST",
                                        [ORIGINAL_SEND] = "MESSAGE SEND"};
    char who[GUID_TEXT];
    report_info ("%s FROM %s", names[request->kind], guid_print (&request->who, who));
}

static void s_log_invalid (span_t text)
{
    char *shown = text_for_log ((const char *)text.data, text.size, SHOWN);
    report_info ("invalid request of the original wire: %s", shown ? shown : "");
    free (shown);
}

static void s_original (call_t *call, size_t listener, const route_t *route)
{
    desk_t *self = call->desk;
    pending_t *pending = *call->pending_p;
    span_t text = frame_body (&pending->frame);
    original_t request = original_parse (text, call->now);
    pending->legacy = true;
    pending->peer = peer_new (listener, route);
    pending->who = request.who;
    if (!pending->frame.complete || guid_is_null (&request.who))
        request.kind = ORIGINAL_INVALID;
    if (request.kind == ORIGINAL_INVALID) {
        s_log_invalid (text);
        s_text (self, pending->peer, ORIGINAL_BAD);
        return;
    }
    s_log_original (&request);
    if (roster_is_member (self->parts.roster, &request.who))
        roster_set_seen (self->parts.roster, &request.who, call->now);
    if (request.kind == ORIGINAL_MESSAGES) {
        s_tell (self, call->pending_p, request.has_time ? request.time : 0);
        return;
    }
    pending->kind = request.kind == ORIGINAL_JOIN    ? WIRE_JOIN
                    : request.kind == ORIGINAL_LEAVE ? WIRE_LEAVE
                                                     : WIRE_SEND;
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
    if ((*pending_p)->frame.legacy)
        s_original (&call, listener, route);
    else
        s_native (&call, listener, route);
    pending_destroy (pending_p); // unless somebody took it
}

void desk_answer (desk_t *self, pending_t *pending)
{
    static const char full[] = "the group has as many members as max_members allows";
    if (!pending->peer)
        return; // our own
    if (pending->legacy)
        s_text (self, pending->peer, pending->error ? ORIGINAL_FAIL : ORIGINAL_SUCCESS);
    else if (pending->error)
        replies_error (self->parts.replies, pending->peer, pending->tag, pending->error,
                       pending->error == WIRE_ERR_LIMIT ? full : NULL, 0);
    else {
        if (pending->kind == WIRE_JOIN && pending->peer->known) // presence begins with it
            peers_hear (self->parts.peers, pending->peer->listener, &pending->peer->route,
                        &pending->who, pending->peer->heard);
        replies_ack (self->parts.replies, pending->peer, pending->tag, pending->seq, pending->time,
                     pending->given);
    }
}

// One step of a transcript. Returns whether there are more.
static bool s_telling_step (desk_t *self)
{
    telling_t *telling = zlistx_first (self->tellings);
    if (!telling)
        return false;
    transcript_step_t step = transcript_step (telling->transcript, self->parts.log);
    if (step == TRANSCRIPT_MORE) {
        zlistx_move_end (self->tellings, zlistx_cursor (self->tellings)); // they take turns
        return true;
    }
    if (step == TRANSCRIPT_DONE)
        self->parts.send_text (self->parts.arg, telling->pending->peer,
                               transcript_text (telling->transcript));
    else
        s_text (self, telling->pending->peer, ORIGINAL_FAIL);
    zlistx_delete (self->tellings, zlistx_cursor (self->tellings));
    return zlistx_size (self->tellings) > 0;
}

bool desk_turn (desk_t *self)
{
    bool more = s_judge_showing (self);
    return s_telling_step (self) || more;
}
