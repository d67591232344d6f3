#include "tests/fault/world.h"

#include "common/exits.h"
#include "daemons/group/intake.h"
#include "tests/fault/disk.h"

#include <czmq.h>
#include <poll.h>
#include <stdarg.h>
#include <xxhash.h>

enum {
    AUTHORS = 4,
    REQUESTS = 72,
    SEQS = 1024,
    SEGMENT = 6000,
    ROUNDS = 400,
    TURNS = 1000,
    PATIENCE = 3,        // refused rounds after which the disk is mended
    PATIENCE_MS = 20000, // for one job
    READ_EVERY = 4,      // rounds
    TRIM_AT = 44,        // requests answered when old segments are given up
    HOLD_EVERY = 7       // rounds in which it is seen that nothing shows before its sync
};

typedef struct {
    wire_kind_t kind;
    size_t author;
    uint64_t counter;
    uint32_t random;
    char *text;
    size_t size;
    int asked;
    bool done;
    uint64_t seq; // where it is, by an answer or by the log
} request_t;

struct world {
    char folder[256];
    bool simulated;
    uint64_t dice;
    request_t requests[REQUESTS];
    uint64_t shown[SEQS]; // hash of what was shown or read at the sequence, 0: nothing yet
    size_t owner[SEQS];   // the request of the record there, plus one
    uint64_t top;         // the highest of them
    uint64_t promised;    // the highest sequence that was acknowledged
    int64_t now;
    int64_t mono;
    bool trimmed;
    world_durable_fn *durable;
    void *arg;
    // One opening.
    log_t *log;
    roster_t *roster;
    rights_t *rights;
    intake_t *intake;
    trouble_t trouble;
    bool final;
    int answers;
    int refused;
    char wrong[400];
};

void world_blame (world_t *self, const char *format, ...)
{
    va_list args;
    if (*self->wrong)
        return;
    va_start (args, format);
    vsnprintf (self->wrong, sizeof self->wrong, format, args);
    va_end (args);
}

const char *world_wrong (const world_t *self)
{
    return self->wrong;
}

static uint64_t s_dice (world_t *self)
{
    self->dice ^= self->dice << 13;
    self->dice ^= self->dice >> 7;
    self->dice ^= self->dice << 17;
    return self->dice;
}

// ---- The requests

static guid_t s_who (size_t author)
{
    guid_t who = {{0}};
    memset (who.bytes, 0xa0 + (int)author, GUID_SIZE);
    return who;
}

static size_t s_text_size (world_t *self, size_t at)
{
    if (at >= 24 && at < 32)
        return 30000; // jobs of several batches
    uint64_t roll = s_dice (self) % 8;
    return roll < 5 ? 20 + s_dice (self) % 100 : roll < 7 ? 600 : 3000;
}

static void s_make_request (world_t *self, size_t at, uint64_t counters[AUTHORS])
{
    request_t *request = &self->requests[at];
    request->kind = at < AUTHORS ? WIRE_JOIN : at == 20 ? WIRE_TOPIC : WIRE_SEND;
    request->author = at % AUTHORS;
    if (at == REQUESTS - 1)
        *request = (request_t){.kind = WIRE_LEAVE, .author = AUTHORS - 1};
    if (request->kind == WIRE_SEND)
        request->counter = ++counters[request->author];
    request->random = (uint32_t)s_dice (self);
    size_t size = s_text_size (self, at);
    request->text = malloc (size + 32);
    assert (request->text);
    request->size = (size_t)sprintf (request->text, "%zu", at);
    while (request->kind != WIRE_JOIN && request->size < size)
        request->text[request->size++] = (char)('a' + s_dice (self) % 26);
}

world_t *world_new (const char *folder, uint64_t seed, bool simulated)
{
    world_t *self = zmalloc (sizeof *self);
    uint64_t counters[AUTHORS] = {0};
    snprintf (self->folder, sizeof self->folder, "%s", folder);
    self->simulated = simulated;
    self->dice = (seed + 1) * 0x9e3779b97f4a7c15u | 1;
    self->now = INT64_C (1795330800000000);
    for (size_t i = 0; i < REQUESTS; i++)
        s_make_request (self, i, counters);
    return self;
}

void world_destroy (world_t **self_p)
{
    world_t *self = *self_p;
    if (!self)
        return;
    world_close (self);
    for (size_t i = 0; i < REQUESTS; i++)
        free (self->requests[i].text);
    free (self);
    *self_p = NULL;
}

void world_on_durable (world_t *self, world_durable_fn *durable, void *arg)
{
    self->durable = durable;
    self->arg = arg;
}

size_t world_requests (void)
{
    return REQUESTS;
}

const trouble_t *world_trouble (const world_t *self)
{
    return &self->trouble;
}

log_t *world_log (world_t *self)
{
    return self->log;
}

// ---- What may be in the log

uint64_t world_hash (const record_t *record)
{
    uint8_t bytes[256];
    writer_t out = writer (bytes, sizeof bytes);
    writer_u64 (&out, record->seq);
    writer_u64 (&out, (uint64_t)record->time);
    writer_u8 (&out, (uint8_t)record->kind);
    writer_u8 (&out, record->flags);
    writer_bytes (&out, record->author.bytes, GUID_SIZE);
    writer_bytes (&out, record->send.device, RECORD_DEVICE);
    writer_u64 (&out, record->send.counter);
    writer_u32 (&out, record->send.random);
    writer_u64 (&out, XXH3_64bits (record->nick.data, record->nick.size));
    writer_u64 (&out, XXH3_64bits (record->text.data, record->text.size));
    writer_u64 (&out, XXH3_64bits (record->options.data, record->options.size));
    return XXH3_64bits (bytes, writer_used (&out)) | 1;
}

static wire_kind_t s_kind_of (const record_t *record)
{
    return record->kind == RECORD_MESSAGE ? WIRE_SEND
           : record->kind == RECORD_JOIN  ? WIRE_JOIN
           : record->kind == RECORD_LEAVE ? WIRE_LEAVE
                                          : WIRE_TOPIC;
}

// The request that made this record, NULL: none did.
static request_t *s_request_of (world_t *self, const record_t *record)
{
    wire_kind_t kind = s_kind_of (record);
    for (size_t i = 0; i < REQUESTS; i++) {
        request_t *request = &self->requests[i];
        guid_t who = s_who (request->author);
        if (request->kind == kind && guid_equal (&who, &record->author) &&
            (kind != WIRE_SEND || request->counter == record->send.counter))
            return request;
    }
    return NULL;
}

static void s_check_request (world_t *self, const record_t *record)
{
    request_t *request = s_request_of (self, record);
    if (!request || !request->asked) {
        world_blame (self, "phantom: record %" PRIu64 " was sent by nobody", record->seq);
        return;
    }
    bool same = record->kind == RECORD_LEAVE || record->kind == RECORD_JOIN ||
                span_equal (record->text, span (request->text, request->size));
    if (!same || (request->counter > 0 && record->send.random != request->random))
        world_blame (self, "changed: record %" PRIu64 " is not what was sent", record->seq);
    if (request->seq > 0 && request->seq != record->seq)
        world_blame (self, "doubled: request %zu is record %" PRIu64 " and %" PRIu64,
                     (size_t)(request - self->requests), request->seq, record->seq);
    request->seq = record->seq;
    self->owner[record->seq] = (size_t)(request - self->requests) + 1;
}

// The record is shown, or was read: from now on it stays what it is.
static void s_show (world_t *self, const record_t *record)
{
    assert (record->seq < SEQS);
    uint64_t hash = world_hash (record);
    uint64_t *known = &self->shown[record->seq];
    if (*known && *known != hash)
        world_blame (self, "two contents: record %" PRIu64 " is another than before", record->seq);
    *known = hash;
    self->top = record->seq > self->top ? record->seq : self->top;
    if (record->kind != RECORD_OPEN && record->kind != RECORD_TRIM)
        s_check_request (self, record);
}

// ---- Intake's events

// Whether the request's author has asked to leave.
static bool s_leaves (const world_t *self, const request_t *request)
{
    const request_t *last = &self->requests[REQUESTS - 1];
    return last->asked > 0 && last->author == request->author;
}

// What a person understands of an answer: whether it is to be asked again.
static bool s_may_refuse (const world_t *self, const request_t *request, wire_error_t error)
{
    switch (error) {
    case WIRE_ERR_DISK_FULL:
    case WIRE_ERR_WRITE_FAILED:
        return !self->simulated || disk_fired () > 0;
    case WIRE_ERR_SYNC_FAILED:
        return self->final || disk_sync_failed () || disk_fired () > 0;
    case WIRE_ERR_OUT_OF_ORDER: // behind one that was refused
    case WIRE_ERR_UNKNOWN_DEVICE:
    case WIRE_ERR_NOT_MEMBER:
        return self->refused > 0 || s_leaves (self, request);
    case WIRE_ERR_STOPPING:
        return true;
    default:
        return false;
    }
}

static void s_answer (void *arg, pending_t *pending)
{
    world_t *self = arg;
    if (pending->trim)
        return;
    request_t *request = &self->requests[pending->tag];
    self->answers++;
    if (pending->error == WIRE_ERR_NOT_MEMBER && request->kind == WIRE_LEAVE && request->asked > 1)
        pending->error = WIRE_ERR_NONE; // it has left
    if (pending->error != WIRE_ERR_NONE) {
        if (!s_may_refuse (self, request, pending->error))
            world_blame (self, "request %u was refused with error %d", pending->tag,
                         (int)pending->error);
        self->refused++;
        return;
    }
    if (request->seq > 0 && pending->seq > 0 && request->seq != pending->seq)
        world_blame (self,
                     "doubled: request %u was acknowledged as record %" PRIu64 ", now as %" PRIu64,
                     pending->tag, request->seq, pending->seq);
    request->done = true;
    if (pending->seq > 0)
        request->seq = pending->seq;
    self->promised = pending->seq > self->promised ? pending->seq : self->promised;
}

static void s_left (void *arg, const guid_t *who, uint64_t seq, wire_error_t why)
{
    (void)arg, (void)who, (void)seq, (void)why;
}

static void s_trimmed (void *arg, uint64_t seq)
{
    world_t *self = arg;
    (void)seq;
    log_drop_trimmed (self->log);
}

static void s_durable (void *arg, log_done_t *done)
{
    world_t *self = arg;
    if (self->simulated && !disk_holds (done->batches))
        world_blame (self, "records %" PRIu64 " to %" PRIu64 " are shown and not on the disk",
                     done->first, done->last);
    span_t left = done->batches;
    batch_t batch;
    record_t record;
    while (left.size > 0 && batch_peek (&batch, left) == 0) {
        while (batch_next (&batch, &record) == 1) {
            s_show (self, &record);
            if (self->durable)
                self->durable (self->arg, record.seq, self->shown[record.seq]);
        }
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    }
    if (self->promised > log_last (self->log))
        world_blame (self, "record %" PRIu64 " was acknowledged before it was there",
                     self->promised);
    free (done->buffer);
}

static void s_trouble (void *arg, int error, const char *call)
{
    world_t *self = arg;
    if (error && self->simulated && (!call || !*call))
        world_blame (self, "a failed write names no call");
}

static void s_final (void *arg, int error, const char *call)
{
    world_t *self = arg;
    self->final = true;
    if (!error || !call)
        world_blame (self, "the end of the log names no call or no error");
}

// ---- Opening and closing

static void s_fold (void *arg, const record_t *record)
{
    world_t *self = arg;
    roster_put (self->roster, record);
    roster_commit (self->roster);
}

static void s_put_state (void *arg, const record_t *record)
{
    log_state_put (arg, record);
}

static void s_state (void *arg, log_state_t *state)
{
    world_t *self = arg;
    roster_state (self->roster, s_put_state, state);
}

static void s_settle (const world_t *self)
{
    if (self->simulated)
        disk_settle ();
}

int world_open (world_t *self)
{
    log_fold_t fold = {self, s_fold, s_state};
    intake_io_t io = {self, s_answer, s_left, s_trimmed, s_durable, s_trouble, s_final};
    if (self->simulated)
        disk_forget_failure ();
    self->final = false;
    self->refused = 0;
    self->trouble = (trouble_t){.exit = 0};
    self->roster = roster_new ();
    self->rights = rights_new ("world", self->roster);
    self->log = log_open (self->folder, SEGMENT, &fold, &self->trouble);
    if (!self->log) {
        if (self->trouble.exit < EXIT_UNREACHABLE || !*self->trouble.text)
            world_blame (self, "opening failed with exit %d: '%s'", self->trouble.exit,
                         self->trouble.text);
        world_close (self);
        return self->trouble.exit ? self->trouble.exit : -1;
    }
    s_settle (self);
    if (self->simulated && disk_sync_failed ())
        world_blame (self, "opened in spite of a failed sync");
    self->intake = intake_new (self->log, self->roster, self->rights, &io);
    return 0;
}

void world_close (world_t *self)
{
    intake_destroy (&self->intake);
    log_destroy (&self->log);
    rights_destroy (&self->rights);
    roster_destroy (&self->roster);
}

// ---- Working

// Nothing of a job is seen while it is under way.
static void s_peek (world_t *self)
{
    int answers = self->answers;
    uint64_t last = log_last (self->log);
    disk_hold_syncs (true);
    intake_turn (self->intake, self->now, self->mono, 0);
    if (disk_wait_held ()) {
        segments_page_t page;
        record_why_t why;
        if (self->answers != answers)
            world_blame (self, "acknowledged before the sync");
        if (log_last (self->log) != last)
            world_blame (self, "record %" PRIu64 " counts before its sync", log_last (self->log));
        segments_read_t rc = log_read (self->log, last + 1, UINT64_MAX, 4096, &page, &why);
        if (rc == SEGMENTS_PAGE)
            world_blame (self, "record %" PRIu64 " can be read before its sync", last + 1);
        if (rc == SEGMENTS_PAGE)
            free (page.buffer);
    }
    disk_hold_syncs (false);
}

static void s_ask (world_t *self, size_t at)
{
    request_t *request = &self->requests[at];
    pending_t *pending = pending_new ();
    pending->kind = request->kind;
    pending->tag = (uint32_t)at;
    pending->who = s_who (request->author);
    pending->send = (record_send_t){.counter = request->counter, .random = request->random};
    memset (pending->send.device, 0xd0 + (int)request->author, RECORD_DEVICE);
    span_t text = span (request->text, request->size);
    *(request->kind == WIRE_JOIN ? &pending->nick : &pending->text) = text;
    request->asked++;
    wire_error_t error = intake_add (self->intake, pending);
    if (error != WIRE_ERR_NONE) {
        pending->error = error;
        s_answer (self, pending);
        pending_destroy (&pending);
    }
}

// Old segments are given up once.
static void s_trim (world_t *self)
{
    size_t count;
    keep_segment_t *list = log_keep_list (self->log, &count);
    if (count > 2 && log_oldest (self->log) == 1)
        intake_trim (self->intake, list[2].first, RECORD_WHY_COUNT);
    free (list);
}

// The next requests that are unanswered, in order. Returns how many.
static size_t s_ask_some (world_t *self, size_t count, size_t some)
{
    size_t asked = 0, done = 0;
    for (size_t i = 0; i < count && asked < some; i++) {
        done += self->requests[i].done;
        if (self->requests[i].done)
            continue;
        if (self->requests[i].kind == WIRE_LEAVE && asked > 0)
            break; // only when all is answered
        s_ask (self, i);
        asked++;
    }
    if (done >= TRIM_AT)
        s_trim (self);
    return asked;
}

static bool s_is_over (const world_t *self)
{
    return self->final || (self->simulated && disk_is_off ());
}

// Acknowledged ones are asked again now and then: their answer was lost on the way.
static void s_repeat (world_t *self)
{
    size_t at = s_dice (self) % (REQUESTS - 1);
    if (self->requests[at].kind == WIRE_SEND && self->requests[at].done)
        s_ask (self, at);
}

static void s_until_idle (world_t *self)
{
    for (int turns = 0; !s_is_over (self) && !intake_idle (self->intake); turns++) {
        intake_turn (self->intake, self->now, self->mono, -1);
        struct pollfd item = {log_fd (self->log), POLLIN, 0};
        if (log_busy (self->log) && poll (&item, 1, PATIENCE_MS) == 0) {
            world_blame (self, "the writer is busy for %d ms", PATIENCE_MS);
            self->final = true;
        }
        if (turns == TURNS) {
            world_blame (self, "%d turns, and something waits", TURNS);
            self->final = true;
        }
    }
}

static void s_round (world_t *self, int round, size_t count)
{
    int refused = self->refused;
    self->now += (int64_t)(s_dice (self) % 2000000) - 200000; // the clock steps back too
    s_repeat (self);
    size_t some = 1 + s_dice (self) % 5;
    s_ask_some (self, count, some);
    if (self->simulated && round % HOLD_EVERY == 0)
        s_peek (self);
    s_until_idle (self);
    if (!s_is_over (self))
        s_settle (self);
    if (self->refused > refused) {
        self->mono += INTAKE_RETRY;
        if (self->simulated && self->refused > PATIENCE * 5)
            disk_disarm ();
    }
    if (round % READ_EVERY == 0 && !s_is_over (self))
        world_read (self);
}

static bool s_all_done (const world_t *self, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!self->requests[i].done)
            return false;
    return true;
}

int world_work (world_t *self, size_t count)
{
    intake_open (self->intake, self->now);
    s_until_idle (self);
    int round = 0;
    while (!s_is_over (self) && !s_all_done (self, count) && ++round < ROUNDS)
        s_round (self, round, count);
    if (round == ROUNDS)
        world_blame (self, "%d rounds and no end", ROUNDS);
    if (!s_is_over (self))
        return 0;
    bool final = self->final;
    world_close (self);
    return final ? EXIT_SYNC : -1;
}

// ---- Reading

// The page's records; returns the sequence behind them.
static uint64_t s_read_page (world_t *self, segments_page_t *page, int64_t *time)
{
    span_t left = page->batches;
    batch_t batch;
    record_t record;
    while (left.size > 0 && batch_open (&batch, left, log_id (self->log)) == 0) {
        while (batch_next (&batch, &record) == 1) {
            s_show (self, &record);
            if (record.time < *time)
                world_blame (self, "time: record %" PRIu64 " is older than the one before",
                             record.seq);
            *time = record.time;
            if (self->simulated && !disk_holds (batch.bytes))
                world_blame (self, "record %" PRIu64 " is served and not on the disk", record.seq);
        }
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    }
    if (left.size > 0)
        world_blame (self, "a page behind record %" PRIu64 " is no batch", page->first);
    return page->last + 1;
}

// Each acknowledged request is the record that its answer named.
static void s_check_promises (world_t *self)
{
    for (size_t i = 0; i < REQUESTS; i++) {
        const request_t *request = &self->requests[i];
        if (request->done && request->seq >= log_oldest (self->log) &&
            self->owner[request->seq] != i + 1)
            world_blame (self, "lost: request %zu was acknowledged and is not record %" PRIu64, i,
                         request->seq);
    }
}

bool world_read (world_t *self)
{
    int64_t time = 0;
    if (log_read_only (self->log))
        world_blame (self, "read only: %s", log_notice (self->log));
    uint64_t top = self->top > self->promised ? self->top : self->promised;
    if (log_last (self->log) < top)
        world_blame (self, "lost: records %" PRIu64 " to %" PRIu64, log_last (self->log) + 1, top);
    for (uint64_t seq = log_oldest (self->log); seq <= log_last (self->log) && !*self->wrong;) {
        segments_page_t page;
        record_why_t why;
        switch (log_read (self->log, seq, UINT64_MAX, 16384, &page, &why)) {
        case SEGMENTS_PAGE:
            if (page.first > seq)
                world_blame (self, "hole: record %" PRIu64 " is not served", seq);
            seq = s_read_page (self, &page, &time);
            free (page.buffer);
            break;
        case SEGMENTS_LATER:
            break;
        case SEGMENTS_FAILED:
            if (!self->simulated || disk_fired () == 0)
                world_blame (self, "record %" PRIu64 " cannot be read: %s", seq, strerror (errno));
            return false;
        default:
            world_blame (self, "hole: records %" PRIu64 " to %" PRIu64 " are not to be had",
                         page.from, page.to);
        }
    }
    s_check_promises (self);
    return true;
}
