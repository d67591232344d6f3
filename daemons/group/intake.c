#include "daemons/group/intake.h"

#include <czmq.h>

enum { OVERHEAD = 160 }; // bytes of a record beyond its text and nick, and its share of a header

struct intake {
    log_t *log;
    roster_t *roster;
    const rights_t *rights;
    intake_io_t io;
    size_t max_pending;
    size_t max_members;
    pending_queue_t waiting;
    pending_queue_t job;
    bool building;        // the log has a job that is made
    int64_t since;        // of the job under way
    wire_error_t blocked; // appends are refused with this
    int64_t blocked_until;
    bool exhausted; // meanwhile the reserve did not help either
    bool in_trouble;
    bool trimming;       // a TRIM waits or is under way
    wire_error_t closed; // STOPPING or SYNC_FAILED: nothing is taken
};

intake_t *intake_new (log_t *log, roster_t *roster, const rights_t *rights, const intake_io_t *io)
{
    intake_t *self = zmalloc (sizeof *self);
    self->log = log;
    self->roster = roster;
    self->rights = rights;
    self->io = *io;
    intake_set_limits (self, 16 << 20, 100000);
    return self;
}

void intake_destroy (intake_t **self_p)
{
    intake_t *self = *self_p;
    if (!self)
        return;
    pending_queue_clear (&self->waiting);
    pending_queue_clear (&self->job);
    free (self);
    *self_p = NULL;
}

void intake_set_limits (intake_t *self, size_t max_pending, size_t max_members)
{
    self->max_pending = max_pending;
    self->max_members = max_members;
}

wire_error_t intake_add (intake_t *self, pending_t *request)
{
    if (self->closed)
        return self->closed;
    if (log_read_only (self->log))
        return WIRE_ERR_READ_ONLY;
    if (*log_doubt (self->log))
        return WIRE_ERR_DOUBT;
    size_t held = self->waiting.bytes + self->job.bytes + pending_shared ();
    if (held + pending_size (request) > self->max_pending)
        return WIRE_ERR_BUSY;
    if (roster_count_pending (self->roster, &request->who, 1) > WIRE_UNANSWERED) {
        roster_count_pending (self->roster, &request->who, -1);
        return WIRE_ERR_BUSY;
    }
    pending_queue_add (&self->waiting, request);
    return WIRE_ERR_NONE;
}

bool intake_trim (intake_t *self, uint64_t oldest, record_why_t why)
{
    if (self->trimming)
        return false;
    pending_t *trim = pending_new ();
    trim->trim = why;
    trim->oldest = oldest;
    self->trimming = intake_add (self, trim) == WIRE_ERR_NONE;
    if (!self->trimming)
        pending_destroy (&trim);
    return self->trimming;
}

// ---- Making a job

static void s_judge_trim (intake_t *self, pending_t *trim, verdict_t *verdict)
{
    memset (verdict, 0, sizeof *verdict);
    writer_t options = writer (trim->options, sizeof trim->options);
    uint64_t oldest = trim->oldest ? trim->oldest : log_last (self->log) + 1;
    record_put_number (&options, RECORD_OPT_OLDEST, oldest);
    record_put_number (&options, RECORD_OPT_WHY, trim->trim);
    verdict->record.kind = RECORD_TRIM;
    verdict->record.options = span (trim->options, writer_used (&options));
    verdict->append = true;
}

// Why what appends is refused just now.
static wire_error_t s_refusal (const intake_t *self, const pending_t *request)
{
    if (*log_doubt (self->log))
        return WIRE_ERR_DOUBT;
    bool may_use_reserve = request->trim || request->kind == WIRE_LEAVE;
    return may_use_reserve && !self->exhausted ? WIRE_ERR_NONE : self->blocked;
}

static void s_judge (intake_t *self, pending_t *request, int64_t now, verdict_t *verdict)
{
    if (request->trim)
        s_judge_trim (self, request, verdict);
    else
        judge_request (self->rights, self->roster, request, self->max_members, now, verdict);
    wire_error_t refusal = verdict->append ? s_refusal (self, request) : WIRE_ERR_NONE;
    if (refusal) {
        verdict->append = false;
        verdict->error = refusal;
    }
}

// How many bytes the records of what waits may take.
static size_t s_hint (const intake_t *self)
{
    return self->waiting.bytes + self->waiting.count * OVERHEAD;
}

static int s_append (intake_t *self, int64_t now, verdict_t *verdict)
{
    if (!self->building)
        log_begin (self->log, now, s_hint (self), self->blocked != WIRE_ERR_NONE);
    self->building = true;
    if (log_put (self->log, &verdict->record) < 0)
        return -1;
    roster_put (self->roster, &verdict->record);
    if (verdict->ends)
        log_break (self->log); // who is gone sees no byte behind this
    return 0;
}

// Judges the first that waits and moves it into the job. False: the job is full.
static bool s_take (intake_t *self, int64_t now)
{
    pending_t *request = self->waiting.first;
    verdict_t verdict;
    s_judge (self, request, now, &verdict);
    if (verdict.append && s_append (self, now, &verdict) < 0)
        return false;
    self->trimming = self->trimming && !(request->trim && verdict.error);
    request->error = verdict.error;
    request->why = verdict.error ? verdict.why : NULL;
    request->ends = verdict.append ? verdict.ends : WIRE_ERR_NONE;
    request->whose = verdict.whose;
    request->appended = verdict.append;
    request->seq = verdict.append ? verdict.record.seq : verdict.seq;
    request->time = verdict.append ? verdict.record.time : 0;
    memcpy (request->given, verdict.nick, sizeof request->given);
    pending_queue_take (&self->waiting);
    pending_queue_add (&self->job, request);
    return true;
}

static void s_answer_job (intake_t *self)
{
    for (pending_t *request = self->job.first; request; request = request->next) {
        roster_count_pending (self->roster, &request->who, -1);
        self->io.answer (self->io.arg, request);
    }
}

static void s_commit (intake_t *self, int64_t mono)
{
    self->building = false;
    self->since = mono;
    log_commit (self->log);
}

// Makes the next job of what waits. Returns whether answers were given at once.
static bool s_make_job (intake_t *self, int64_t now, int64_t mono)
{
    if (self->blocked && mono >= self->blocked_until) {
        self->blocked = WIRE_ERR_NONE; // whoever comes next finds out
        self->exhausted = false;
    }
    while (self->waiting.first && s_take (self, now))
        ;
    if (self->building) {
        s_commit (self, mono);
        return false;
    }
    bool any = self->job.count > 0; // nothing to append: nothing to wait for
    s_answer_job (self);
    pending_queue_clear (&self->job);
    return any;
}

void intake_open (intake_t *self, int64_t now)
{
    if (log_read_only (self->log) || *log_doubt (self->log))
        return;
    log_begin (self->log, now, 0, false); // puts the OPEN record
    s_commit (self, 0);
}

// ---- A job's end

static void s_done (intake_t *self, log_done_t *done)
{
    roster_commit (self->roster);
    if (self->in_trouble && !self->blocked) {
        self->io.trouble (self->io.arg, 0, NULL);
        self->in_trouble = false;
    }
    s_answer_job (self);
    for (pending_t *request = self->job.first; request; request = request->next) {
        if (request->ends)
            self->io.left (self->io.arg, &request->whose, request->seq, request->ends);
        if (request->appended && request->trim) {
            self->trimming = false;
            self->io.trimmed (self->io.arg, request->seq);
        }
    }
    pending_queue_clear (&self->job);
    self->io.durable (self->io.arg, done);
}

static void s_undone (intake_t *self, const log_done_t *done, int64_t mono)
{
    roster_discard (self->roster);
    bool full = done->error == ENOSPC || done->error == EDQUOT;
    self->exhausted = self->blocked != WIRE_ERR_NONE;
    self->blocked = full ? WIRE_ERR_DISK_FULL : WIRE_ERR_WRITE_FAILED;
    self->blocked_until = mono + INTAKE_RETRY;
    if (!self->in_trouble)
        self->io.trouble (self->io.arg, done->error, done->call);
    self->in_trouble = true;
    pending_queue_prepend (&self->waiting, &self->job);
    free (done->buffer);
}

static void s_refuse_waiting (intake_t *self, wire_error_t why)
{
    pending_t *request;
    self->closed = why;
    self->trimming = false;
    while ((request = pending_queue_take (&self->waiting))) {
        request->error = why;
        roster_count_pending (self->roster, &request->who, -1);
        self->io.answer (self->io.arg, request);
        pending_destroy (&request);
    }
}

static void s_final (intake_t *self, const log_done_t *done)
{
    roster_discard (self->roster);
    pending_queue_prepend (&self->waiting, &self->job);
    s_refuse_waiting (self, WIRE_ERR_SYNC_FAILED);
    free (done->buffer);
    self->io.final (self->io.arg, done->error, done->call);
}

static bool s_finish (intake_t *self, int64_t mono, int wait)
{
    log_done_t done;
    if (!log_finish (self->log, wait, &done))
        return false;
    self->since = 0;
    switch (done.result) {
    case WRITER_DONE:
        s_done (self, &done);
        break;
    case WRITER_UNDONE:
        s_undone (self, &done, mono);
        break;
    case WRITER_FINAL:
        s_final (self, &done);
    }
    return true;
}

bool intake_turn (intake_t *self, int64_t now, int64_t mono, int wait)
{
    bool finished = false;
    if (log_busy (self->log))
        finished = s_finish (self, mono, 0);
    if (!log_busy (self->log) && self->waiting.first) {
        finished = s_make_job (self, now, mono) || finished;
        if (log_busy (self->log))
            finished = s_finish (self, mono, wait) || finished;
    }
    return finished;
}

void intake_stop (intake_t *self)
{
    s_refuse_waiting (self, WIRE_ERR_STOPPING);
}

size_t intake_waiting (const intake_t *self)
{
    return self->waiting.count;
}

bool intake_idle (const intake_t *self)
{
    return !log_busy (self->log) && !self->waiting.first;
}

int64_t intake_busy_since (const intake_t *self)
{
    return log_busy (self->log) ? self->since : 0;
}
