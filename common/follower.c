#include "common/follower.h"

#include <string.h>

enum {
    ANSWER_MS = 5000, // FOLLOW without an answer is sent again
    PAUSE_MS = 100,
    PAUSE_MAX = 2000,
    STUBBORN = 3, // failures in a row
    TEXT_MAX_SHOWN = 200
};

follower_t follower (const follower_handlers_t *handlers)
{
    follower_t self;
    memset (&self, 0, sizeof self);
    self.handlers = *handlers;
    return self;
}

// Reads from here on; nothing that was read before can be held against it.
static void s_begin (follower_t *self, uint64_t from)
{
    trail_clear (&self->trail);
    self->begin = from;
    self->checks = false;
    self->was = self->due_from = self->due_to = 0;
}

void follower_start (follower_t *self, uint64_t from)
{
    guid_t log = self->cursor.log;
    self->cursor = cursor (&log, from, CURSOR_NO_END);
    self->state = FOLLOWER_WANTED;
    self->again = 0;
    self->failures = 0;
    self->epoch++;
    s_begin (self, from);
}

void follower_stop (follower_t *self)
{
    self->state = FOLLOWER_OFF;
    self->epoch++;
}

bool follower_set_log (follower_t *self, const guid_t *log)
{
    guid_t before = self->cursor.log;
    if (guid_equal (&before, log))
        return false;
    bool first = guid_is_null (&before);
    uint64_t next = first || self->cursor.next == 0 ? self->cursor.next : 1;
    self->cursor = cursor (log, next, CURSOR_NO_END);
    self->head = 0;
    s_begin (self, next);
    return !first && next == 1;
}

static void s_want (follower_t *self, int64_t not_before)
{
    self->state = FOLLOWER_WANTED;
    self->again = not_before;
    self->stuck_at = 0;
}

// Follows again after a pause, longer each time until a record comes.
static void s_pause (follower_t *self, int64_t now, uint64_t wait)
{
    int64_t pause = (int64_t)PAUSE_MS << (self->failures < 5 ? self->failures : 5);
    self->failures++;
    if (pause > PAUSE_MAX)
        pause = PAUSE_MAX;
    if (wait > (uint64_t)pause)
        pause = wait > INT32_MAX ? INT32_MAX : (int64_t)wait;
    s_want (self, now + pause);
}

bool follower_wants (const follower_t *self, int64_t now)
{
    return (self->state == FOLLOWER_WANTED || self->state == FOLLOWER_ASKED) && now >= self->again;
}

int64_t follower_wake (const follower_t *self)
{
    bool waits = self->state == FOLLOWER_WANTED || self->state == FOLLOWER_ASKED;
    return waits ? self->again : INT64_MAX;
}

wire_t follower_request (follower_t *self, int64_t now, uint32_t tag, const guid_t *uuid)
{
    wire_t message = wire (WIRE_FOLLOW, tag, uuid);
    uint64_t next = self->cursor.next, seen = self->cursor.seen;
    bool from_seen = self->checks && seen > 0 && seen + 1 == next;
    wire_set (&message, WIRE_F_FROM, from_seen ? seen : next);
    self->state = FOLLOWER_ASKED;
    self->tag = tag;
    self->again = now + ANSWER_MS;
    return message;
}

void follower_lost (follower_t *self)
{
    if (self->state == FOLLOWER_ASKED || self->state == FOLLOWER_ON)
        s_want (self, 0);
}

void follower_pong (follower_t *self, uint64_t head)
{
    if (head > self->head)
        self->head = head;
    uint64_t next = self->cursor.next;
    if (self->state != FOLLOWER_ON || head < next)
        self->stuck_at = 0;
    else if (self->stuck_at == next)
        s_want (self, 0); // nothing came since the last PONG, and there is something
    else
        self->stuck_at = next;
}

bool follower_behind (const follower_t *self)
{
    return self->state == FOLLOWER_ON && self->head >= self->cursor.next;
}

bool follower_owns (const follower_t *self, const wire_t *message)
{
    uint32_t tag = message->tag;
    if (message->kind == WIRE_ROW_ERROR)
        tag = (uint32_t)wire_number (message, WIRE_F_TAG);
    else if (tag == 0)
        return true;
    return self->state == FOLLOWER_ASKED && tag == self->tag;
}

static void s_tell_lost (follower_t *self, uint64_t from, uint64_t to)
{
    if (from > to || (from >= self->lost_from && to <= self->lost_to))
        return;
    self->lost_from = from;
    self->lost_to = to;
    self->handlers.lost (self->handlers.arg, from, to);
}

// What came is of the past that is known here: so far it went back.
static void s_checked (follower_t *self)
{
    uint64_t from = self->due_from, to = self->due_to;
    if (self->was > 0) {
        from = self->cursor.next;
        to = self->was > to ? self->was : to;
    }
    self->checks = false;
    self->was = self->due_from = self->due_to = 0;
    if (from > 0)
        s_tell_lost (self, from, to);
}

// Reads again from the newest place below `below` where the log may be the one it was.
static void s_go_back (follower_t *self, int64_t now, uint64_t below)
{
    guid_t log = self->cursor.log;
    trail_mark_t mark;
    if (self->was < self->cursor.next - 1)
        self->was = self->cursor.next - 1;
    if (trail_back (&self->trail, below, &mark)) {
        self->cursor = cursor (&log, mark.seq + 1, CURSOR_NO_END);
        self->cursor.seen = mark.seq;
        self->cursor.chain = mark.chain;
    } else // nothing is left to hold against it
        self->cursor = cursor (&log, self->begin > 0 && self->begin < below ? self->begin : below,
                               CURSOR_NO_END);
    self->head = 0;
    self->checks = true;
    s_want (self, now);
}

static void s_wrong (follower_t *self, int64_t now, const char *sentence)
{
    // It may be the sender's mistake; but one who says it again and again has another past.
    if (self->cursor.parted && (self->checks || self->failures >= STUBBORN)) {
        s_go_back (self, now, self->cursor.seen);
        return;
    }
    s_pause (self, now, 0);
    self->handlers.trouble (self->handlers.arg, sentence);
}

static void s_records (follower_t *self, int64_t now, const wire_t *message)
{
    if (self->state != FOLLOWER_ON)
        return; // of a following before
    uint64_t last = wire_number (message, WIRE_F_LAST);
    if (last > self->head && last < INT64_MAX)
        self->head = last;
    unsigned epoch = self->epoch;
    bool some = false;
    record_t record;
    int rc;
    cursor_feed (&self->cursor, wire_bytes (message, WIRE_F_BATCHES));
    while ((rc = cursor_next (&self->cursor, &record)) == 1) {
        if (!some)
            s_checked (self);
        some = true;
        trail_put (&self->trail, self->cursor.seen, &self->cursor.chain);
        if (self->epoch == epoch)
            self->handlers.record (self->handlers.arg, &record);
        if (self->epoch != epoch)
            return;
    }
    const char *wrong = self->cursor.wrong;
    trail_put (&self->trail, self->cursor.seen, &self->cursor.chain);
    if (rc == 0 && !some) {
        s_checked (self);
        if (self->epoch != epoch)
            return;
    }
    if (some) {
        self->failures = 0;
        self->handlers.flush (self->handlers.arg);
        if (self->epoch != epoch)
            return;
    }
    if (rc < 0)
        s_wrong (self, now, wrong);
}

static void s_skip (follower_t *self, uint64_t from, uint64_t to, uint64_t why)
{
    cursor_skip (&self->cursor, to);
    self->handlers.gap (self->handlers.arg, from, to, (record_why_t)why);
}

static void s_gap (follower_t *self, int64_t now, const wire_t *message)
{
    uint64_t from = wire_number (message, WIRE_F_FROM), to = wire_number (message, WIRE_F_TO);
    uint64_t next = self->cursor.next;
    if (self->state == FOLLOWER_OFF || next == 0 || to < next || to >= INT64_MAX)
        return; // known already
    if (from > next)
        s_wrong (self, now, "records are missing before a gap");
    else
        s_skip (self, next, to, wire_number (message, WIRE_F_WHY));
}

static void s_following (follower_t *self, const wire_t *message)
{
    uint64_t from = wire_number (message, WIRE_F_FROM), next = self->cursor.next;
    unsigned epoch = self->epoch;
    if (from == 0 || from > INT64_MAX)
        return; // asked again in a while
    self->state = FOLLOWER_ON;
    self->head = wire_number (message, WIRE_F_LAST);
    if (next == 0)
        self->cursor.next = self->begin = from;
    self->handlers.following (self->handlers.arg, self->cursor.next);
    // Older records are not kept any more; when a GAP says so too, that is known then.
    if (self->epoch == epoch && next > 0 && from > next &&
        from == wire_number (message, WIRE_F_OLDEST))
        s_skip (self, next, from - 1, wire_number (message, WIRE_F_WHY));
}

static void s_lost (follower_t *self, int64_t now, const wire_t *message)
{
    uint64_t from = wire_number (message, WIRE_F_FROM), to = wire_number (message, WIRE_F_TO);
    if (from == 0 || from > to)
        return;
    bool refused = message->tag != 0; // the position is beyond the end
    bool known = from >= self->lost_from && to <= self->lost_to;
    bool back = self->state != FOLLOWER_OFF && self->cursor.next > from && (refused || !known);
    if (back && self->trail.count > 0) {
        self->due_from = from;
        self->due_to = to;
        if (refused || self->cursor.seen + 1 != self->cursor.next)
            s_go_back (self, now, refused ? from : self->cursor.next);
        self->checks = true;
        s_pause (self, now, 0);
        return;
    }
    if (back) {
        guid_t log = self->cursor.log;
        self->cursor = cursor (&log, from, CURSOR_NO_END);
        self->begin = from;
        self->head = 0;
    }
    if (back || refused)
        s_pause (self, now, 0);
    s_tell_lost (self, from, to);
}

static void s_end (follower_t *self, int64_t now, const wire_t *message)
{
    if (self->state == FOLLOWER_OFF || (self->state == FOLLOWER_WANTED && message->tag == 0))
        return;
    bool row = message->kind == WIRE_ROW_ERROR;
    wire_error_t why = (wire_error_t)wire_number (message, row ? WIRE_F_NUMBER : WIRE_F_WHY);
    // Refused for good; everything else may pass.
    bool over = wire_error_exit (why) == 1;
    if (over)
        follower_stop (self);
    else
        s_pause (self, now, wire_number (message, WIRE_F_WAIT));
    char text[TEXT_MAX_SHOWN + 1];
    span_t bytes = wire_bytes (message, WIRE_F_TEXT);
    size_t size = bytes.size < TEXT_MAX_SHOWN ? bytes.size : TEXT_MAX_SHOWN;
    for (size_t i = 0; i < size; i++)
        text[i] = bytes.data[i] >= ' ' && bytes.data[i] < 0x7f ? (char)bytes.data[i] : '?';
    text[size] = 0;
    self->handlers.end (self->handlers.arg, why, text, over);
}

void follower_take (follower_t *self, int64_t now, const wire_t *message)
{
    switch (message->kind) {
    case WIRE_RECORDS:
        s_records (self, now, message);
        break;
    case WIRE_FOLLOWING:
        if (message->tag != 0)
            s_following (self, message);
        break;
    case WIRE_GAP:
        s_gap (self, now, message);
        break;
    case WIRE_LOST:
        s_lost (self, now, message);
        break;
    case WIRE_END:
    case WIRE_ROW_ERROR:
        s_end (self, now, message);
        break;
    default:
        break;
    }
}
