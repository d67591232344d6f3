#include "daemons/group/caretaker.h"

#include "common/report.h"

#include <czmq.h>

enum { FORGET_EVERY_MS = 600000 };

static const int64_t DAY_US = INT64_C (86400000000);

struct caretaker {
    log_t *log;
    roster_t *roster;
    intake_t *intake;
    const peers_t *peers;
    int64_t since;     // wall clock: the start, or since when the clock is trusted again
    int64_t forget;    // microseconds
    int64_t forgotten; // monotonic ms of the last look
    keep_limits_t keep;
    keep_clock_t clock;
    bool clock_doubted;
    uint64_t trimmed_at; // sequence of the last TRIM
};

caretaker_t *caretaker_new (log_t *log, roster_t *roster, intake_t *intake, const peers_t *peers,
                            int64_t now, int64_t elapsed)
{
    caretaker_t *self = zmalloc (sizeof *self);
    self->log = log;
    self->roster = roster;
    self->intake = intake;
    self->peers = peers;
    self->since = now;
    keep_clock_begin (&self->clock, now, elapsed, log_time (log));
    return self;
}

void caretaker_destroy (caretaker_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void caretaker_set (caretaker_t *self, int64_t forget, const keep_limits_t *keep)
{
    self->forget = forget;
    self->keep = *keep;
}

void caretaker_trimmed (caretaker_t *self, uint64_t seq)
{
    self->trimmed_at = seq;
}

// Members that proved nothing and were unseen for so long leave. After a start, and after a clock
// that was out of step, everybody has a day to be seen.
static void s_forget (caretaker_t *self, int64_t now)
{
    int64_t grace = self->since - self->forget + (self->forget < DAY_US ? self->forget : DAY_US);
    guid_t who = {{0}};
    while (roster_next (self->roster, &who, &who)) {
        int64_t seen = roster_seen (self->roster, &who);
        bool bound = standing_now (roster_standing (self->roster), &who)->flags & STANDING_BOUND;
        if (bound || peers_present (self->peers, &who) ||
            (seen > grace ? seen : grace) > now - self->forget)
            continue;
        pending_t *leave = pending_new ();
        leave->kind = WIRE_LEAVE;
        leave->who = who;
        if (intake_add (self->intake, leave) != WIRE_ERR_NONE) {
            pending_destroy (&leave);
            return;
        }
        char text[GUID_TEXT];
        report_info ("%s was unseen for too long and is forgotten", guid_print (&who, text));
    }
}

// Whether ages can be told.
static bool s_clock_trusted (caretaker_t *self, int64_t now, int64_t elapsed)
{
    bool trusted = keep_clock_trusted (&self->clock, now, elapsed, log_time (self->log));
    if (trusted != self->clock_doubted)
        return trusted;
    self->clock_doubted = !trusted;
    if (trusted)
        self->since = now;
    if (self->keep.age > 0 && trusted)
        report_notice ("the clock agrees with the log again: retention goes on");
    else if (self->keep.age > 0)
        report_warning ("the clock is out of step with the log, or this group was down for long: "
                        "retention by age waits");
    return trusted;
}

// Retention. Nothing is due behind a TRIM: what it left is new.
static void s_keep (caretaker_t *self, int64_t now, bool trusted)
{
    keep_limits_t limits = self->keep;
    size_t count;
    if (!trusted)
        limits.age = 0;
    if (log_last (self->log) == self->trimmed_at ||
        (!self->keep.age && !limits.size && !limits.count))
        return;
    keep_segment_t *list = log_keep_list (self->log, &count);
    keep_verdict_t verdict = {0};
    if (list)
        verdict =
            keep_judge (&limits, list, count, log_last (self->log), log_time (self->log), now);
    free (list);
    if (verdict.close)
        log_close_segment (self->log);
    if (verdict.trim)
        intake_trim (self->intake, verdict.all ? 0 : verdict.oldest, verdict.why);
}

void caretaker_turn (caretaker_t *self, int64_t now, int64_t elapsed, int64_t mono)
{
    if (log_write_doubt (self->log) == 1)
        report_notice ("the file 'doubt' is written");
    bool trusted = s_clock_trusted (self, now, elapsed);
    if (self->forgotten == 0)
        self->forgotten = mono;
    if (trusted && (mono - self->forgotten >= FORGET_EVERY_MS || self->forget < DAY_US)) {
        self->forgotten = mono;
        s_forget (self, now);
    }
    s_keep (self, now, trusted);
}
