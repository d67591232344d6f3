// desk_kit: a desk with all its parts behind it, requests in, and what went out to whom.

#ifndef ZCHAT_TESTS_DESK_KIT_H
#define ZCHAT_TESTS_DESK_KIT_H

#include "daemons/group/desk.h"
#include "daemons/group/records.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <czmq.h>
#include <poll.h>

enum { DESK_FRAMES = 4096, DESK_MAX_MESSAGE = 1000, DESK_MAX_REPLY = 4096 };

#define DESK_NOW INT64_C (1795330800000000)

// A frame that went out.
typedef struct {
    uint8_t route; // the peer's only byte
    bool legacy;
    uint8_t *bytes;
    size_t size;
    wire_t message; // if not legacy
} desk_frame_t;

static struct {
    folder_t folder;
    log_t *log;
    roster_t *roster;
    rights_t *rights;
    peers_t *peers;
    limits_t *limits;
    intake_t *intake;
    history_t *history;
    delivery_t *delivery;
    replies_t *replies;
    desk_t *desk;
    desk_frame_t frames[DESK_FRAMES];
    size_t count;
    uint32_t tag;       // of the last request
    const uint8_t *key; // that requests are proved with; NULL: plain
    int64_t now;
    int64_t mono;
} s_kit;

static inline guid_t desk_who (unsigned n)
{
    guid_t who = {{0x20, (uint8_t)(n >> 8), (uint8_t)n}};
    return who;
}

// ---- Out

static inline void desk_keep (peer_t *peer, bool legacy, span_t bytes)
{
    ck_assert_uint_lt (s_kit.count, DESK_FRAMES);
    desk_frame_t *frame = &s_kit.frames[s_kit.count++];
    *frame = (desk_frame_t){.route = peer->route.bytes[0], .legacy = legacy, .size = bytes.size};
    frame->bytes = malloc (bytes.size + 1);
    if (bytes.size > 0)
        memcpy (frame->bytes, bytes.data, bytes.size);
    frame->bytes[bytes.size] = 0;
    if (!legacy)
        ck_assert_int_eq (wire_decode (&frame->message, span (frame->bytes, frame->size)), 0);
}

static inline void desk_on_reply (void *arg, peer_t *peer, span_t frame)
{
    (void)arg;
    desk_keep (peer, false, frame);
}

static inline int desk_on_send (void *arg, peer_t *peer, span_t frame)
{
    (void)arg;
    desk_keep (peer, false, frame);
    return 0;
}

static inline int desk_on_push (void *arg, peer_t *peer, const frame_shared_t *frame)
{
    (void)arg;
    zmq_msg_t *body = (zmq_msg_t *)&frame->body;
    desk_keep (peer, false, span (zmq_msg_data (body), zmq_msg_size (body)));
    return 0;
}

static inline void desk_on_text (void *arg, peer_t *peer, span_t text)
{
    (void)arg;
    desk_keep (peer, true, text);
}

static inline void desk_on_refuse (void *arg, peer_t *peer, uint32_t tag, wire_error_t error)
{
    (void)arg;
    replies_error (s_kit.replies, peer, tag, error, NULL, 0);
}

static inline void desk_on_gone (void *arg, peer_t *peer)
{
    (void)arg, (void)peer;
}

static inline segments_read_t desk_on_read (void *arg, uint64_t seq, size_t max,
                                            segments_page_t *page, record_why_t *why)
{
    (void)arg;
    return log_read (s_kit.log, seq, UINT64_MAX, max, page, why);
}

static inline span_t desk_on_frame (void *arg, const segments_page_t *page)
{
    (void)arg;
    receipt_t receipt = log_receipt_at (s_kit.log, page->last, &page->chain);
    return records_frame (page->batches, 0, &receipt, log_oldest (s_kit.log), log_why (s_kit.log),
                          page->first, page->last);
}

// ---- Intake's events

static inline void desk_on_answer (void *arg, pending_t *request)
{
    (void)arg;
    desk_answer (s_kit.desk, request);
}

static inline void desk_on_left (void *arg, const guid_t *who, uint64_t seq, wire_error_t why)
{
    (void)arg;
    desk_left (s_kit.desk, who, seq, why);
}

static inline void desk_on_trimmed (void *arg, uint64_t seq)
{
    (void)arg, (void)seq;
}

static inline void desk_on_durable (void *arg, log_done_t *done)
{
    (void)arg;
    span_t bytes = records_frame (done->batches, 0, log_receipt (s_kit.log), log_oldest (s_kit.log),
                                  log_why (s_kit.log), done->first, done->last);
    frame_shared_t frame;
    frame_share (&frame, (void *)bytes.data, bytes.size, frame_free_hint, done->buffer);
    delivery_durable (s_kit.delivery, &frame, bytes.size, done->first, done->last, s_kit.mono);
    frame_unshare (&frame);
}

static inline void desk_on_trouble (void *arg, int error, const char *call)
{
    (void)arg, (void)error, (void)call;
}

// ---- The group

static inline void desk_fold (void *arg, const record_t *record)
{
    roster_put (arg, record);
    roster_commit (arg);
}

static inline void desk_put_state (void *arg, const record_t *record)
{
    log_state_put (arg, record);
}

static inline void desk_state_of (void *arg, log_state_t *state)
{
    roster_state (arg, desk_put_state, state);
}

static inline void desk_open (void)
{
    trouble_t trouble;
    s_kit.roster = roster_new ();
    s_kit.rights = rights_new ("cats", s_kit.roster);
    log_fold_t fold = {s_kit.roster, desk_fold, desk_state_of};
    s_kit.log = log_open (folder_path (&s_kit.folder, "log"), 1 << 26, &fold, &trouble);
    ck_assert_msg (s_kit.log != NULL, "%s", trouble.text);
    intake_io_t intake = {NULL,
                          desk_on_answer,
                          desk_on_left,
                          desk_on_trimmed,
                          desk_on_durable,
                          desk_on_trouble,
                          desk_on_trouble};
    delivery_io_t delivery = {NULL,         desk_on_send,  desk_on_push,
                              desk_on_read, desk_on_frame, desk_on_gone};
    history_io_t history = {NULL, desk_on_send, desk_on_push, desk_on_refuse};
    s_kit.peers = peers_new (1000, 1000, 30000);
    s_kit.limits = limits_new ();
    s_kit.intake = intake_new (s_kit.log, s_kit.roster, s_kit.rights, &intake);
    s_kit.history = history_new (s_kit.log, &history);
    s_kit.delivery = delivery_new (&delivery, log_last (s_kit.log));
    s_kit.replies = replies_new (desk_on_reply, NULL);
    desk_parts_t parts = {.name = "cats",
                          .log = s_kit.log,
                          .door = {s_kit.roster, s_kit.rights, s_kit.peers, s_kit.limits,
                                   s_kit.history, s_kit.delivery},
                          .intake = s_kit.intake,
                          .replies = s_kit.replies,
                          .send_text = desk_on_text};
    s_kit.desk = desk_new (&parts);
    desk_set_limits (s_kit.desk, DESK_MAX_MESSAGE, DESK_MAX_REPLY);
    intake_open (s_kit.intake, s_kit.now);
}

static inline void desk_forget (void)
{
    while (s_kit.count > 0)
        free (s_kit.frames[--s_kit.count].bytes);
}

static inline void desk_close (void)
{
    desk_forget ();
    desk_destroy (&s_kit.desk);
    replies_destroy (&s_kit.replies);
    delivery_destroy (&s_kit.delivery);
    history_destroy (&s_kit.history);
    intake_destroy (&s_kit.intake);
    peers_destroy (&s_kit.peers);
    limits_destroy (&s_kit.limits);
    log_destroy (&s_kit.log);
    rights_destroy (&s_kit.rights);
    roster_destroy (&s_kit.roster);
}

// Turns until nothing can go on by itself.
static inline void desk_settle (void)
{
    bool more = true;
    for (int i = 0; i < 10000 && more; i++) {
        struct pollfd job = {log_fd (s_kit.log), POLLIN, 0};
        if (log_busy (s_kit.log))
            ck_assert_int_eq (poll (&job, 1, 30000), 1);
        intake_turn (s_kit.intake, s_kit.now++, s_kit.mono, -1);
        more = history_turn (s_kit.history);
        more = desk_turn (s_kit.desk) || more;
        more = delivery_turn (s_kit.delivery, DESK_MAX_REPLY, s_kit.mono) || more;
        more = more || !intake_idle (s_kit.intake);
        replies_flush (s_kit.replies, log_receipt (s_kit.log));
    }
    ck_assert (!more);
}

// ---- In

static inline void desk_receive (uint8_t route, bool legacy, bool complete, span_t bytes)
{
    route_t from = {1, {route}};
    pending_t *pending = pending_new ();
    zmq_msg_init_size (&pending->frame.body, bytes.size);
    if (bytes.size > 0)
        memcpy (zmq_msg_data (&pending->frame.body), bytes.data, bytes.size);
    pending->frame.legacy = legacy;
    pending->frame.complete = complete;
    pending->proved = s_kit.key != NULL;
    if (s_kit.key)
        memcpy (pending->speaker, s_kit.key, SPEAKER_KEY);
    desk_take (s_kit.desk, &pending, 0, &from, s_kit.now++, ++s_kit.mono);
    ck_assert_ptr_null (pending);
}

static inline wire_t desk_message (wire_kind_t kind, unsigned who)
{
    guid_t uuid = desk_who (who);
    return wire (kind, ++s_kit.tag, &uuid);
}

static inline void desk_request (uint8_t route, const wire_t *message)
{
    static uint8_t bytes[1 << 17];
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (message, &out);
    ck_assert (!out.failed);
    desk_receive (route, false, true, span (bytes, writer_used (&out)));
}

// ---- What was answered

typedef struct {
    int count;
    wire_kind_t kind; // WIRE_ROW_ACK, WIRE_ROW_ERROR or a frame's
    wire_t message;
} desk_answer_t;

static inline void desk_look_at_rows (const wire_t *frame, wire_kind_t kind, uint32_t tag,
                                      desk_answer_t *answer)
{
    span_t rows = wire_bytes (frame, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    wire_t row;
    int rc;
    while ((rc = wire_next_row (&row, kind, &in)) == 1)
        if (wire_number (&row, WIRE_F_TAG) == tag) {
            answer->count++;
            answer->kind = kind;
            answer->message = row;
        }
    ck_assert_int_eq (rc, 0);
}

// All answers to the request with this tag.
static inline desk_answer_t desk_answers (uint8_t route, uint32_t tag)
{
    desk_answer_t answer = {0};
    for (size_t i = 0; i < s_kit.count; i++) {
        const desk_frame_t *frame = &s_kit.frames[i];
        if (frame->legacy || frame->route != route)
            continue;
        if (frame->message.kind == WIRE_ACK)
            desk_look_at_rows (&frame->message, WIRE_ROW_ACK, tag, &answer);
        else if (frame->message.kind == WIRE_ERROR)
            desk_look_at_rows (&frame->message, WIRE_ROW_ERROR, tag, &answer);
        else if (frame->message.tag == tag) {
            answer.count++;
            answer.kind = frame->message.kind;
            answer.message = frame->message;
        }
    }
    return answer;
}

// Asks, settles, and gives the one answer.
static inline wire_t desk_ask (uint8_t route, const wire_t *message, wire_kind_t kind)
{
    desk_forget ();
    desk_request (route, message);
    desk_settle ();
    desk_answer_t answer = desk_answers (route, message->tag);
    ck_assert_int_eq (answer.count, 1);
    ck_assert_msg (answer.kind == kind, "kind 0x%x, not 0x%x", (unsigned)answer.kind,
                   (unsigned)kind);
    return answer.message;
}

static inline wire_t desk_refused (uint8_t route, const wire_t *message, wire_error_t error)
{
    wire_t row = desk_ask (route, message, WIRE_ROW_ERROR);
    wire_error_t got = (wire_error_t)wire_number (&row, WIRE_F_NUMBER);
    ck_assert_msg (got == error, "%s, not %s", wire_error_name (got), wire_error_name (error));
    ck_assert_uint_gt (wire_bytes (&row, WIRE_F_TEXT).size, 0);
    return row;
}

// The refusal's sentence must name the limit.
static inline void desk_names (const wire_t *row, const char *limit)
{
    span_t text = wire_bytes (row, WIRE_F_TEXT);
    ck_assert_msg (memmem (text.data, text.size, limit, strlen (limit)) != NULL, "\"%.*s\"",
                   (int)text.size, (const char *)text.data);
}

static inline wire_t desk_join (uint8_t route, unsigned who, const char *nick)
{
    wire_t join = desk_message (WIRE_JOIN, who);
    wire_set_bytes (&join, WIRE_F_NICK, span_of (nick));
    return desk_ask (route, &join, WIRE_ROW_ACK);
}

// A group of its own in a new folder, with ann, and its end.
static inline void desk_begin (void)
{
    s_kit.folder = folder_new ();
    s_kit.now = DESK_NOW;
    desk_open ();
    desk_settle ();
    desk_join (1, 1, "ann");
    desk_forget ();
}

static inline void desk_end (void)
{
    desk_close ();
    folder_remove (&s_kit.folder);
}

static inline wire_t desk_send (unsigned who, uint64_t counter, const char *text)
{
    static const uint8_t device[RECORD_DEVICE] = {7};
    wire_t send = desk_message (WIRE_SEND, who);
    wire_set_bytes (&send, WIRE_F_DEVICE, span (device, sizeof device));
    wire_set (&send, WIRE_F_COUNTER, counter);
    wire_set (&send, WIRE_F_RANDOM, 9);
    wire_set_bytes (&send, WIRE_F_TEXT, span_of (text));
    return send;
}

// SENDS, to which desk_put_row appends rows; they lie here until the next one is begun.
static uint8_t s_desk_rows[1 << 17];
static inline wire_t desk_sends (unsigned who, writer_t *rows)
{
    static const uint8_t device[RECORD_DEVICE] = {7};
    wire_t sends = desk_message (WIRE_SENDS, who);
    wire_set_bytes (&sends, WIRE_F_DEVICE, span (device, sizeof device));
    *rows = writer (s_desk_rows, sizeof s_desk_rows);
    return sends;
}

static inline void desk_put_row (wire_t *sends, writer_t *rows, uint32_t tag, uint64_t counter,
                                 const char *text)
{
    wire_t row = wire (WIRE_ROW_SEND, 0, NULL);
    wire_set (&row, WIRE_F_TAG, tag);
    wire_set (&row, WIRE_F_COUNTER, counter);
    wire_set (&row, WIRE_F_RANDOM, 9);
    wire_set_bytes (&row, WIRE_F_TEXT, span_of (text));
    wire_put_row (&row, rows);
    ck_assert (!rows->failed);
    wire_set_bytes (sends, WIRE_F_ROWS, span (s_desk_rows, writer_used (rows)));
}

#endif
