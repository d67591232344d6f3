#include "common/pager.h"

#include <string.h>

enum { TRIES = 3 };

pager_t pager (const pager_range_t *range, const pager_handlers_t *handlers)
{
    pager_t self;
    memset (&self, 0, sizeof self);
    self.handlers = *handlers;
    self.range = *range;
    return self;
}

void pager_set_log (pager_t *self, const guid_t *log)
{
    if (!self->resolved)
        self->cursor = cursor (log, 0, CURSOR_NO_END);
}

void pager_stop (pager_t *self)
{
    self->stopped = true;
}

wire_t pager_request (const pager_t *self, const guid_t *uuid)
{
    const pager_range_t *range = &self->range;
    wire_t message = wire (WIRE_PAGE, 0, uuid);
    wire_set (&message, WIRE_F_AFTER_KIND, range->after_kind);
    wire_set (&message, WIRE_F_AFTER, range->after);
    wire_set (&message, WIRE_F_BEFORE_KIND, range->before_kind);
    wire_set (&message, WIRE_F_BEFORE, range->before);
    wire_set (&message, WIRE_F_LIMIT, range->limit);
    return message;
}

static pager_step_t s_wrong (pager_t *self, const char *sentence)
{
    self->wrong = sentence;
    return ++self->failures < TRIES ? PAGER_MORE : PAGER_FAILED;
}

// What is still wanted: from the cursor to its last.
static pager_step_t s_rest (pager_t *self)
{
    if (self->stopped || self->cursor.next > self->cursor.last)
        return PAGER_DONE;
    uint64_t next = self->cursor.next, last = self->cursor.last;
    self->range = (pager_range_t){WIRE_BOUND_SEQ, next - 1, WIRE_BOUND_SEQ, last + 1, 0};
    return PAGER_MORE;
}

// Where the range reaches below the oldest kept record without naming one: the bounds came out at
// the oldest, or nothing is left of it.
static void s_tell_trimmed (pager_t *self, const wire_t *answer)
{
    const pager_range_t *range = &self->range;
    uint64_t oldest = wire_number (answer, WIRE_F_OLDEST);
    uint64_t first = wire_number (answer, WIRE_F_FIRST), last = wire_number (answer, WIRE_F_LAST);
    if (oldest <= 1 || range->after_kind == WIRE_BOUND_SEQ || first > oldest || !self->handlers.gap)
        return;
    bool enough = range->after_kind == WIRE_BOUND_NONE && range->limit > 0 && first <= last &&
                  last - first + 1 >= range->limit;
    if (!enough)
        self->handlers.gap (self->handlers.arg, 1, oldest - 1,
                            (record_why_t)wire_number (answer, WIRE_F_WHY));
}

static pager_step_t s_records (pager_t *self, const wire_t *answer)
{
    uint64_t first = wire_number (answer, WIRE_F_FIRST), last = wire_number (answer, WIRE_F_LAST);
    span_t batches = wire_bytes (answer, WIRE_F_BATCHES);
    if (!self->resolved)
        s_tell_trimmed (self, answer);
    if (self->stopped)
        return PAGER_DONE;
    if (first > last) {
        if (!self->resolved)
            return PAGER_DONE;
        return s_wrong (self, "less than was promised");
    }
    if (first == 0 || last >= INT64_MAX)
        return s_wrong (self, "bounds that cannot be");
    if (!self->resolved) {
        guid_t log = self->cursor.log;
        self->cursor = cursor (&log, first, last);
        self->resolved = true;
    }
    uint64_t before = self->cursor.next;
    record_t record;
    int rc;
    cursor_feed (&self->cursor, batches);
    while ((rc = cursor_next (&self->cursor, &record)) == 1) {
        self->handlers.record (self->handlers.arg, &record);
        if (self->stopped)
            return PAGER_DONE;
    }
    if (self->cursor.next > before && self->handlers.flush)
        self->handlers.flush (self->handlers.arg);
    pager_step_t step = s_rest (self);
    if (self->cursor.next > before)
        self->failures = 0;
    if (rc < 0 || (step == PAGER_MORE && self->cursor.next == before))
        return s_wrong (self, rc < 0 ? self->cursor.wrong : "nothing of what is there");
    return step;
}

// The range began with `from`, and what is up to `to` cannot be had.
static void s_narrow (pager_t *self, uint64_t from, uint64_t to)
{
    pager_range_t *range = &self->range;
    // The last so many were wanted; behind the gap they are no more the last, so they are named.
    if (range->limit > 0 && range->after_kind == WIRE_BOUND_NONE) {
        range->before_kind = WIRE_BOUND_SEQ;
        range->before = from + range->limit;
        range->limit = 0;
    }
    range->after_kind = WIRE_BOUND_SEQ;
    range->after = to;
}

static pager_step_t s_gap (pager_t *self, const wire_t *answer)
{
    uint64_t from = wire_number (answer, WIRE_F_FROM), to = wire_number (answer, WIRE_F_TO);
    if (from == 0 || to < from || to >= INT64_MAX || (self->resolved && to < self->cursor.next) ||
        (self->resolved && from > self->cursor.next) ||
        (!self->resolved && self->range.after_kind == WIRE_BOUND_SEQ && to <= self->range.after))
        return s_wrong (self, "a gap that is not where records are wanted");
    if (self->resolved && from < self->cursor.next)
        from = self->cursor.next;
    if (self->resolved && to > self->cursor.last)
        to = self->cursor.last;
    if (self->handlers.gap)
        self->handlers.gap (self->handlers.arg, from, to,
                            (record_why_t)wire_number (answer, WIRE_F_WHY));
    if (self->stopped)
        return PAGER_DONE;
    self->failures = 0;
    if (self->resolved) {
        cursor_skip (&self->cursor, to);
        return s_rest (self);
    }
    s_narrow (self, from, to);
    const pager_range_t *range = &self->range;
    bool empty = range->before_kind == WIRE_BOUND_SEQ && range->before <= to + 1;
    return empty ? PAGER_DONE : PAGER_MORE;
}

static pager_step_t s_lost (pager_t *self, const wire_t *answer)
{
    uint64_t from = wire_number (answer, WIRE_F_FROM), to = wire_number (answer, WIRE_F_TO);
    if (from == 0 || from > to)
        return s_wrong (self, "a loss that cannot be");
    if (self->lost)
        return PAGER_DONE; // what is there was read, what is not was told
    self->lost = true;
    if (self->handlers.lost)
        self->handlers.lost (self->handlers.arg, from, to);
    return self->stopped || (self->resolved && self->cursor.next >= from) ? PAGER_DONE : PAGER_MORE;
}

pager_step_t pager_take (pager_t *self, const wire_t *answer)
{
    if (answer->kind == WIRE_GAP)
        return s_gap (self, answer);
    if (answer->kind == WIRE_LOST)
        return s_lost (self, answer);
    return s_records (self, answer);
}
