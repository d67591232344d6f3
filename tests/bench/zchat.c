#include "tests/bench/zchat.h"

#include "common/guid.h"
#include "common/record.h"
#include "common/wire.h"
#include "tests/bench/batches.h"
#include "tests/bench/fail.h"
#include "tests/bench/run.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
    HEAD = 8,            // magic, version, kind, tag
    REQUEST = HEAD + 16, // and the UUID
    ASKED = 0x80,        // highest byte of the tag of what is no send; below it the kind
    PAGE_CREDIT = 2 << 20,
    ROW = 20,           // bytes of a send's row beyond its text, its size included
    PACK_MAX = 60000,   // bytes of rows in one frame
    RECORDS_FIRST = 81, // offsets in a RECORDS frame
    RECORDS_LAST = 89,
    RECORDS_BATCHES = 101
};

static size_t s_request (uint8_t *out, const zchat_t *self, wire_kind_t kind, uint32_t tag)
{
    out[0] = 0x7a;
    out[1] = 0x43;
    out[2] = WIRE_VERSION;
    out[3] = (uint8_t)kind;
    put_u32 (out + 4, tag);
    memcpy (out + HEAD, self->uuid, sizeof (self->uuid));
    return REQUEST;
}

static size_t s_question (uint8_t *out, const zchat_t *self, wire_kind_t kind)
{
    return s_request (out, self, kind, (uint32_t)ASKED << 24 | (uint32_t)kind);
}

static zchat_t *s_new (link_t *link)
{
    zchat_t *self = link->state = must_alloc (1, sizeof (*self));
    crypto_box_keypair (self->public_key, self->secret_key);
    guid_t uuid = link->run->curve ? guid_of_key (self->public_key) : guid_random ();
    memcpy (self->uuid, uuid.bytes, sizeof (self->uuid));
    randombytes_buf (self->device, sizeof (self->device));
    return self;
}

static void s_greet (link_t *link)
{
    zchat_t *self = link->state ? link->state : s_new (link);
    zmtp_greet (&self->zmtp, link, "DEALER", link->run->curve ? link->run->server_key : NULL,
                self->public_key, self->secret_key);
    // Of many encrypted readers each sixteenth opens and proves all, the others look at the heads.
    self->zmtp.peek = link->run->curve && link->reader && link->id % 16 != 1;
}

static void s_enter (link_t *link)
{
    zchat_t *self = link->state;
    uint8_t frame[REQUEST + 2];
    size_t size = s_question (frame, self, WIRE_JOIN);
    put_u16 (frame + size, 0);
    zmtp_send (&self->zmtp, link, frame, size + 2);
}

// Bytes that may be on their way.
static uint64_t s_credit (const link_t *link)
{
    const zchat_t *self = link->state;
    return self->scan_last > 0 ? PAGE_CREDIT : link->run->options->credit;
}

void zchat_follow_from (link_t *link, uint64_t from)
{
    zchat_t *self = link->state;
    uint8_t frame[REQUEST + 16];
    size_t size = s_question (frame, self, WIRE_FOLLOW);
    put_u64 (frame + size, from);
    put_u64 (frame + size + 8, s_credit (link));
    self->cursor = 0; // what still comes belongs to what was followed before
    zmtp_send (&self->zmtp, link, frame, sizeof (frame));
}

static void s_follow (link_t *link)
{
    zchat_follow_from (link, 0);
}

static void s_renew (link_t *link)
{
    zchat_t *self = link->state;
    uint8_t frame[REQUEST + 1];
    size_t size = s_question (frame, self, WIRE_PING);
    frame[size] = link->reader && link->ready ? 1 : 0;
    zmtp_send (&self->zmtp, link, frame, sizeof (frame));
}

void zchat_resume (link_t *link)
{
    zchat_t *self = link->state;
    s_greet (link);
    link_listen (link);
    s_renew (link);
    zchat_follow_from (link, self->cursor);
    link_flush (link);
}

// One is a SEND: the row's fields without its tag. Several are SENDS.
static void s_pack (link_t *link)
{
    static uint8_t frame[REQUEST + 12 + PACK_MAX + ROW + RECORD_TEXT_MAX];
    zchat_t *self = link->state;
    bool one = link->held_count == 1;
    uint32_t tag = one ? get_u32 (link->held_rows + 2) : (uint32_t)ASKED << 24 | WIRE_SENDS;
    uint8_t *at = frame + s_request (frame, self, one ? WIRE_SEND : WIRE_SENDS, tag);
    size_t skip = one ? 2 + 4 : 0;
    memcpy (at, self->device, sizeof (self->device));
    at += sizeof (self->device);
    if (!one) {
        put_u32 (at, (uint32_t)link->held_size);
        at += 4;
    }
    memcpy (at, link->held_rows + skip, link->held_size - skip);
    at += link->held_size - skip;
    link->held_count = 0;
    link->held_size = 0;
    zmtp_send (&self->zmtp, link, frame, (size_t)(at - frame));
}

// The messages that a client has to send at once go in one frame, as zchat's own do.
static void s_send (link_t *link)
{
    size_t text = link->run->options->size;
    uint64_t counter = link->sent + 1;
    if (!link->held_rows)
        link->held_rows = must_alloc (1, PACK_MAX + ROW + RECORD_TEXT_MAX);
    uint8_t *at = link->held_rows + link->held_size;
    put_u16 (at, (uint16_t)(ROW - 2 + text));
    put_u32 (at + 2, (uint32_t)counter);
    put_u64 (at + 6, counter);
    put_u32 (at + 14, (uint32_t)counter * 2654435761u);
    put_u16 (at + 18, (uint16_t)text);
    memset (at + ROW, 'x', text);
    if (link->run->stamped) {
        char stamp[BATCHES_STAMP + 1];
        snprintf (stamp, sizeof (stamp), "%016llx",
                  (unsigned long long)link->times[link->sent & link->mask]);
        memcpy (at + ROW, stamp, BATCHES_STAMP);
    }
    link->held_count++;
    link->held_size += ROW + text;
    if (link->held_size > PACK_MAX)
        s_pack (link);
}

static void s_ask_page (link_t *link, unsigned kind, uint64_t after, uint64_t before,
                        unsigned limit)
{
    zchat_t *self = link->state;
    uint8_t frame[REQUEST + 34];
    uint8_t *at = frame + s_question (frame, self, WIRE_PAGE);
    at[0] = (uint8_t)kind;
    put_u64 (at + 1, after);
    at[9] = before ? ZCHAT_SEQ : ZCHAT_NONE;
    put_u64 (at + 10, before);
    put_u32 (at + 18, limit);
    put_u16 (at + 22, WIRE_F_CREDIT);
    put_u16 (at + 24, 8);
    put_u64 (at + 26, self->taken + PAGE_CREDIT);
    zmtp_send (&self->zmtp, link, frame, sizeof (frame));
}

void zchat_page (link_t *link, zchat_bound_t kind, uint64_t after, unsigned limit)
{
    zchat_t *self = link->state;
    self->page_records = 0;
    s_ask_page (link, kind, after, 0, limit);
}

void zchat_last (link_t *link, unsigned limit)
{
    zchat_page (link, ZCHAT_NONE, 0, limit);
}

static void s_page_time (link_t *link, int64_t time, unsigned limit)
{
    zchat_page (link, ZCHAT_TIME, (uint64_t)time, limit);
}

// Follows from the beginning to what was the end then; it comes by itself.
static void s_scan (link_t *link)
{
    zchat_t *self = link->state;
    if (self->scan_last == 0) {
        self->scan_last = UINT64_MAX; // FOLLOWING tells
        zchat_follow_from (link, 1);
    } else if (self->cursor > self->scan_last) {
        self->scan_last = 0;
        run_answer (link, 0);
    }
}

// ---- What comes

static void s_take_acks (link_t *link, const uint8_t *data, size_t size)
{
    zchat_t *self = link->state;
    const uint8_t *end = data + size;
    const uint8_t *row = data + HEAD + 64 + 4;
    if (size < HEAD + 64 + 4)
        fail ("an ACK of %zu bytes", size);
    while (end - row >= 2 + 20) {
        uint32_t tag = get_u32 (row + 2);
        uint64_t seq = get_u64 (row + 6);
        if (tag >> 24 == ASKED)
            run_is_ready (link);
        else {
            if (seq <= self->acked_seq || tag != (uint32_t)(link->acked + 1))
                fail ("connection %u: send %llu was answered for tag %u, sequence %llu", link->id,
                      (unsigned long long)link->acked + 1, tag, (unsigned long long)seq);
            self->acked_seq = seq;
            run_ack (link);
        }
        row += 2 + get_u16 (row);
    }
}

static void s_take_error (const link_t *link, const uint8_t *data, size_t size)
{
    if (size < HEAD + 4 + 2 + 8)
        fail ("an ERROR of %zu bytes", size);
    const uint8_t *row = data + HEAD + 4 + 2;
    uint16_t number = get_u16 (row + 4);
    uint16_t text = get_u16 (row + 6);
    size_t left = size - (HEAD + 4 + 2 + 8);
    fail ("connection %u: refused: %s: %.*s", link->id, wire_error_name ((wire_error_t)number),
          (int)(text < left ? text : left), row + 8);
}

static void s_give_credit (link_t *link)
{
    zchat_t *self = link->state;
    uint8_t frame[REQUEST + 8];
    uint64_t credit = s_credit (link);
    if (self->taken - self->told < credit / 2)
        return;
    self->told = self->taken;
    size_t size = s_question (frame, self, WIRE_CREDIT);
    put_u64 (frame + size, self->taken + credit);
    zmtp_send (&self->zmtp, link, frame, sizeof (frame));
}

static void s_take_scanned (link_t *link, const uint8_t *data, size_t size, uint64_t first,
                            uint64_t last)
{
    zchat_t *self = link->state;
    batches_t batches = {.data = data + RECORDS_BATCHES,
                         .size = size - RECORDS_BATCHES,
                         .first = first,
                         .last = last};
    if (first != self->cursor)
        fail ("connection %u: records from %llu came, %llu is next", link->id,
              (unsigned long long)first, (unsigned long long)self->cursor);
    uint64_t met = batches_walk (&batches, link, NULL);
    if (met != last - first + 1)
        fail ("connection %u: the batches of %llu to %llu hold %llu", link->id,
              (unsigned long long)first, (unsigned long long)last, (unsigned long long)met);
    link->run->batch_bytes += batches.size;
    self->cursor = last + 1;
    s_give_credit (link);
    run_answer (link, met);
}

static void s_take_push (link_t *link, const uint8_t *data, size_t size, uint64_t first,
                         uint64_t last)
{
    zchat_t *self = link->state;
    if (first > self->cursor || last < first)
        fail ("connection %u: records %llu to %llu came, %llu is next", link->id,
              (unsigned long long)first, (unsigned long long)last,
              (unsigned long long)self->cursor);
    if (!self->zmtp.peek) {
        batches_t batches = {.data = data + RECORDS_BATCHES,
                             .size = size - RECORDS_BATCHES,
                             .first = self->cursor,
                             .last = last};
        if (batches_check (&batches, first, last) < 0)
            fail ("connection %u: the batches of %llu to %llu do not hold them", link->id,
                  (unsigned long long)first, (unsigned long long)last);
        if (link->run->stamped)
            batches_walk (&batches, link, link->run->stamped);
    }
    uint64_t news = last >= self->cursor ? last - self->cursor + 1 : 0;
    self->cursor += news;
    s_give_credit (link);
    run_deliver (link, news);
}

static void s_take_page (link_t *link, const uint8_t *data, size_t size, uint64_t first,
                         uint64_t last)
{
    zchat_t *self = link->state;
    if (last < first) {
        run_answer (link, self->page_records);
        return;
    }
    batches_t batches = {.data = data + RECORDS_BATCHES,
                         .size = size - RECORDS_BATCHES,
                         .first = first,
                         .last = last};
    uint64_t met = batches_walk (&batches, link, NULL);
    if (met == 0 || batches.highest < first)
        fail ("connection %u: a page without records", link->id);
    if (self->page_records == 0)
        self->base_time = batches.base_time;
    self->page_records += met;
    if (batches.highest < last)
        s_ask_page (link, ZCHAT_SEQ, batches.highest, last + 1, 0);
    else
        run_answer (link, self->page_records);
}

static void s_scan_begins (link_t *link, uint64_t last)
{
    zchat_t *self = link->state;
    self->scan_last = last > 0 ? last : 1; // nothing follows in an empty log
    if (self->cursor > last)
        run_answer (link, 0);
}

static void s_take_records (link_t *link, const uint8_t *data, size_t size)
{
    zchat_t *self = link->state;
    if (size < RECORDS_BATCHES)
        fail ("RECORDS of %zu bytes", size);
    uint64_t first = get_u64 (data + RECORDS_FIRST);
    uint64_t last = get_u64 (data + RECORDS_LAST);
    bool pushed = get_u32 (data + 4) == 0;
    if (pushed && self->cursor == 0)
        return;
    self->taken += size;
    if (pushed && self->scan_last > 0)
        s_take_scanned (link, data, size, first, last);
    else if (pushed)
        s_take_push (link, data, size, first, last);
    else
        s_take_page (link, data, size, first, last);
}

static void s_take_body (link_t *link, const uint8_t *data, size_t size)
{
    zchat_t *self = link->state;
    if (size < HEAD || data[0] != 0x7a || data[1] != 0x43)
        fail ("connection %u: %zu bytes that are no message", link->id, size);
    switch (data[3]) {
    case WIRE_ACK:
        s_take_acks (link, data, size);
        break;
    case WIRE_ERROR:
        s_take_error (link, data, size);
        break;
    case WIRE_RECORDS:
        s_take_records (link, data, size);
        break;
    case WIRE_FOLLOWING:
        self->first_seq = self->cursor = get_u64 (data + HEAD);
        self->taken = self->told = 0;
        if (self->scan_last > 0)
            s_scan_begins (link, get_u64 (data + HEAD + 8));
        else
            run_is_ready (link);
        break;
    case WIRE_GAP:
    case WIRE_LOST:
    case WIRE_END:
        fail ("connection %u: %s", link->id, wire_message ((wire_kind_t)data[3])->name);
    default:
        break;
    }
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    zchat_t *self = link->state;
    return zmtp_take (&self->zmtp, link, data, size, s_take_body);
}

const protocol_t protocol_zchat = {.name = "zchat",
                                   .about = "zchat-group, plain or CURVE",
                                   .greet = s_greet,
                                   .enter = s_enter,
                                   .follow = s_follow,
                                   .send = s_send,
                                   .pack = s_pack,
                                   .take = s_take,
                                   .page = s_page_time,
                                   .scan = s_scan,
                                   .renew = s_renew};
