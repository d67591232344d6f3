#include "daemons/group/history.h"

#include "daemons/group/delivery.h"
#include "daemons/group/records.h"

#include <czmq.h>

enum { TURN_BYTES = 1 << 20 }; // read in one turn

typedef struct history_page page_t;

// A PAGE under way. Bounds given as times are resolved to sequences first.
struct history_page {
    page_t *next;
    page_t *prev;
    peer_t *peer; // held
    uint32_t tag;
    wire_bound_t after_kind;
    uint64_t after;
    wire_bound_t before_kind;
    uint64_t before;
    uint32_t limit;
    uint64_t head;  // durable when it was asked
    uint64_t first; // resolved
    uint64_t last;
    bool resolved;
};

struct history {
    log_t *log;
    history_io_t io;
    size_t max_reply;
    page_t *pages; // in the order in which they take turns
    page_t *last;  // of them
    bool retries;  // see history_retries
};

history_t *history_new (log_t *log, const history_io_t *io)
{
    history_t *self = zmalloc (sizeof *self);
    self->log = log;
    self->io = *io;
    self->max_reply = 1 << 20;
    return self;
}

static void s_take_out (history_t *self, page_t *page)
{
    *(page->prev ? &page->prev->next : &self->pages) = page->next;
    *(page->next ? &page->next->prev : &self->last) = page->prev;
}

static void s_add (history_t *self, page_t *page)
{
    page->next = NULL;
    page->prev = self->last;
    *(self->last ? &self->last->next : &self->pages) = page;
    self->last = page;
}

// Takes the page out of the list and frees it.
static void s_end (history_t *self, page_t *page)
{
    s_take_out (self, page);
    page->peer->page = NULL;
    peer_release (&page->peer);
    free (page);
}

void history_destroy (history_t **self_p)
{
    history_t *self = *self_p;
    if (!self)
        return;
    while (self->pages)
        s_end (self, self->pages);
    free (self);
    *self_p = NULL;
}

void history_set_max_reply (history_t *self, size_t bytes)
{
    self->max_reply = bytes;
}

void history_drop (history_t *self, peer_t *peer)
{
    if (peer->page)
        s_end (self, peer->page);
}

wire_error_t history_ask (history_t *self, peer_t *peer, const wire_t *request)
{
    uint64_t after_kind = wire_number (request, WIRE_F_AFTER_KIND);
    uint64_t before_kind = wire_number (request, WIRE_F_BEFORE_KIND);
    if (after_kind > WIRE_BOUND_TIME || before_kind > WIRE_BOUND_TIME)
        return WIRE_ERR_BAD_REQUEST;
    if (peer->page)
        return WIRE_ERR_BUSY;
    page_t *page = zmalloc (sizeof *page);
    page->peer = peer;
    peer_hold (peer);
    page->tag = request->tag;
    page->after_kind = (wire_bound_t)after_kind;
    page->after = wire_number (request, WIRE_F_AFTER);
    page->before_kind = (wire_bound_t)before_kind;
    page->before = wire_number (request, WIRE_F_BEFORE);
    page->limit = (uint32_t)wire_number (request, WIRE_F_LIMIT);
    page->head = log_last (self->log);
    s_add (self, page);
    peer->page = page;
    if (wire_has (request, WIRE_F_CREDIT))
        delivery_credit (peer, wire_number (request, WIRE_F_CREDIT));
    return WIRE_ERR_NONE;
}

// ---- Bounds

static int64_t s_time (uint64_t time)
{
    return time > INT64_MAX ? INT64_MAX : (int64_t)time;
}

// The first sequence wanted by `after` alone, and the one behind the last wanted by `before`:
// of lost records that may be wanted somebody has to be told.
static segments_read_t s_bounds (history_t *self, page_t *page, uint64_t *begin, uint64_t *end)
{
    segments_read_t rc = SEGMENTS_PAGE;
    uint64_t may, is;
    *begin = log_oldest (self->log);
    *end = page->head + 1;
    if (page->after_kind == WIRE_BOUND_SEQ)
        *begin = page->after < UINT64_MAX ? page->after + 1 : UINT64_MAX;
    if (page->before_kind == WIRE_BOUND_SEQ && page->before < *end)
        *end = page->before;
    if (page->after_kind == WIRE_BOUND_TIME)
        rc = log_find (self->log, s_time (page->after), begin, &is);
    if (rc == SEGMENTS_PAGE && page->before_kind == WIRE_BOUND_TIME) {
        rc = log_find (self->log, s_time (page->before), &may, &is);
        if (rc == SEGMENTS_PAGE && is < *end)
            *end = is;
    }
    return rc;
}

static segments_read_t s_resolve (history_t *self, page_t *page)
{
    uint64_t begin, end;
    segments_read_t rc = s_bounds (self, page, &begin, &end);
    if (rc != SEGMENTS_PAGE)
        return rc;
    if (page->limit > 0 && end > begin && end - begin > page->limit) {
        if (page->after_kind != WIRE_BOUND_NONE)
            end = begin + page->limit;
        else
            begin = end - page->limit;
    }
    page->first = begin;
    page->last = end > 0 ? end - 1 : 0;
    page->resolved = true;
    return SEGMENTS_PAGE;
}

// ---- Answers

static void s_send (history_t *self, page_t *page, const wire_t *message)
{
    uint8_t bytes[256];
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (message, &out);
    assert (!out.failed);
    self->io.send (self->io.arg, page->peer, span (bytes, writer_used (&out)));
}

static void s_send_lost (history_t *self, page_t *page)
{
    wire_t message = wire (WIRE_LOST, page->tag, NULL);
    wire_set (&message, WIRE_F_FROM, page->head + 1);
    wire_set (&message, WIRE_F_TO, page->after);
    s_send (self, page, &message);
}

static void s_send_gap (history_t *self, page_t *page, const segments_page_t *gap, record_why_t why)
{
    wire_t message = wire (WIRE_GAP, page->tag, NULL);
    wire_set (&message, WIRE_F_FROM, gap->from);
    wire_set (&message, WIRE_F_TO, gap->to); // all of it, so that a page of few is not one of many
    wire_set (&message, WIRE_F_WHY, why);
    s_send (self, page, &message);
}

// The frame around the batches; in the headroom in front of them.
static span_t s_frame (history_t *self, page_t *page, span_t batches, const receipt_t *receipt)
{
    return records_frame (batches, page->tag, receipt, log_oldest (self->log), log_why (self->log),
                          page->first, page->last);
}

static void s_send_nothing (history_t *self, page_t *page)
{
    uint8_t room[SEGMENTS_HEADROOM];
    span_t none = span (room + sizeof room, 0);
    span_t frame = s_frame (self, page, none, log_receipt (self->log));
    if (self->io.send (self->io.arg, page->peer, frame) == 0)
        page->peer->sent += frame.size;
}

// Reads what is wanted, as far as it may be sent at once.
static segments_read_t s_read (history_t *self, page_t *page, segments_page_t *got,
                               record_why_t *why)
{
    uint64_t credit = page->peer->granted - page->peer->sent;
    size_t max = credit < self->max_reply ? (size_t)credit : self->max_reply;
    return log_read (self->log, page->first, page->last, max, got, why);
}

// The batches up to the last one wanted, with the receipt for them. Takes the buffer.
static void s_answer (history_t *self, page_t *page, segments_page_t *got)
{
    records_cut (got, page->last);
    receipt_t receipt = log_receipt_at (self->log, got->last, &got->chain);
    frame_shared_t shared;
    span_t frame = s_frame (self, page, got->batches, &receipt);
    frame_share (&shared, (void *)frame.data, frame.size, frame_free_hint, got->buffer);
    if (self->io.send_shared (self->io.arg, page->peer, &shared) == 0)
        page->peer->sent += frame.size;
    frame_unshare (&shared);
}

typedef enum { WAITS, GOES_ON, ENDED } step_t;

static bool s_may_send (history_t *self, const page_t *page)
{
    bool full = peer_full (page->peer);
    self->retries = self->retries || full;
    return !full && delivery_has_credit (page->peer);
}

static step_t s_step_read (history_t *self, page_t *page, size_t *used)
{
    segments_page_t got;
    record_why_t why;
    if (!s_may_send (self, page))
        return WAITS;
    switch (s_read (self, page, &got, &why)) {
    case SEGMENTS_PAGE:
        *used = got.batches.size;
        s_answer (self, page, &got);
        return ENDED;
    case SEGMENTS_LATER:
        *used = SEGMENTS_STEP;
        return GOES_ON;
    case SEGMENTS_GAP:
        s_send_gap (self, page, &got, why);
        return ENDED;
    case SEGMENTS_NOTHING:
        s_send_nothing (self, page);
        return ENDED;
    default:
        self->io.refuse (self->io.arg, page->peer, page->tag, WIRE_ERR_READ_FAILED);
        return ENDED;
    }
}

static step_t s_step (history_t *self, page_t *page, size_t *used)
{
    if (page->after_kind == WIRE_BOUND_SEQ && page->after > page->head) {
        s_send_lost (self, page);
        return ENDED;
    }
    if (!page->resolved) {
        segments_read_t rc = s_resolve (self, page);
        if (rc == SEGMENTS_LATER) {
            *used = SEGMENTS_STEP;
            return GOES_ON;
        }
        if (rc == SEGMENTS_FAILED) {
            self->io.refuse (self->io.arg, page->peer, page->tag, WIRE_ERR_READ_FAILED);
            return ENDED;
        }
    }
    if (page->first <= page->last)
        return s_step_read (self, page, used);
    if (!s_may_send (self, page))
        return WAITS;
    s_send_nothing (self, page);
    return ENDED;
}

bool history_turn (history_t *self)
{
    size_t budget = TURN_BYTES;
    page_t *next, *last = NULL;
    self->retries = false;
    for (page_t *page = self->pages; page && budget > 0; page = next == last ? NULL : next) {
        size_t used = 0;
        next = page->next;
        step_t step = s_step (self, page, &used);
        budget -= used < budget ? used : budget;
        if (step == ENDED)
            s_end (self, page);
        else if (step == GOES_ON) { // the others before it goes on
            s_take_out (self, page);
            s_add (self, page);
            last = last ? last : page;
        }
    }
    return last || (budget == 0 && self->pages);
}

bool history_retries (const history_t *self)
{
    return self->retries;
}
