#include "daemons/group/audit.h"

#include "daemons/group/folder.h"

#include <czmq.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { PROGRESS_BYTES = 1 << 24, AGAIN_EVERY_MS = 20 };

typedef struct {
    audit_t *result;
    const audit_io_t *io;
    int dir;
    segments_t *segments;
    segment_t *segment; // at hand
    int fd;
    uint64_t total;  // bytes of all files
    uint64_t before; // bytes of the segments before this one
    uint64_t shown;
    bool begun; // a segment was read: the next one goes on behind it
} run_t;

static bool s_find (run_t *self, audit_verdict_t verdict, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

// Notes what is wrong. Returns false.
static bool s_find (run_t *self, audit_verdict_t verdict, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    self->result->verdict = verdict;
    vsnprintf (self->result->place, sizeof self->result->place, format, args);
    va_end (args);
    return false;
}

static bool s_unreadable (run_t *self, const char *what)
{
    return s_find (self, AUDIT_FAILED, "%s cannot be read: %s", what, strerror (errno));
}

static void s_progress (run_t *self, uint64_t offset)
{
    uint64_t bytes = self->before + offset;
    if (!self->io->progress || bytes - self->shown < PROGRESS_BYTES)
        return;
    self->shown = bytes;
    self->io->progress (self->io->arg, bytes, self->total);
}

static void s_learn (run_t *self, const record_t *record)
{
    if (record->kind == RECORD_TRIM || record->kind == RECORD_STATE_LOG) {
        audit_t *result = self->result;
        result->oldest = record_option_number (record, RECORD_OPT_OLDEST, result->oldest);
        result->why = (record_why_t)record_option_number (record, RECORD_OPT_WHY, result->why);
    }
    self->result->generation = record_generation (record, self->result->generation);
}

// False: whoever is told wants no more.
static bool s_hand_on (run_t *self, const batch_t *batch)
{
    batch_t copy = *batch; // it will be read, and whose it is goes on reading
    if (!self->io->batch || self->io->batch (self->io->arg, &copy) == 0)
        return true;
    return s_find (self, AUDIT_STOPPED, "stopped");
}

static bool s_take (run_t *self, batch_t *batch)
{
    audit_t *result = self->result;
    const audit_io_t *io = self->io;
    record_t record;
    hole_t hole;
    bool is_hole = hole_read (&hole, batch), goes_on = s_hand_on (self, batch);
    while (batch_next (batch, &record) == 1) {
        s_learn (self, &record);
        if (io->record)
            io->record (io->arg, &record);
        result->time = record.time;
    }
    if (is_hole && io->lost)
        io->lost (io->arg, hole.from, hole.to);
    if (result->first == 0)
        result->first = hole_first (batch);
    result->last = hole_last (batch);
    result->records += is_hole ? 0 : batch->count;
    result->lost += is_hole ? hole.to + 1 - hole.from : 0;
    return goes_on;
}

static bool s_is_newest (const run_t *self)
{
    return self->segment == segments_newest (self->segments);
}

// A daemon has the folder locked.
static bool s_is_live (const run_t *self)
{
    if (flock (self->dir, LOCK_SH | LOCK_NB) < 0)
        return errno == EWOULDBLOCK;
    flock (self->dir, LOCK_UN);
    return false;
}

// The batch at the walk's place is bad. True: the log ends before it, and that is all right.
static bool s_bad (run_t *self, uint64_t offset)
{
    uint64_t first = self->segment->header.first, seq = self->result->last + 1;
    int durable = 1;
    if (s_is_newest (self))
        durable = segment_was_durable (self->fd, &self->result->log, offset, seq);
    if (durable < 0)
        return s_unreadable (self, "a segment");
    if (durable)
        return s_find (self, AUDIT_DAMAGED,
                       "segment %" PRIu64 " is damaged at byte %" PRIu64 " (record %" PRIu64 ")",
                       first, offset, seq);
    self->result->live = s_is_live (self);
    if (self->result->live)
        return true;
    return s_find (self, AUDIT_TORN,
                   "segment %" PRIu64 " has a torn tail from byte %" PRIu64
                   " on (behind record %" PRIu64 ")",
                   first, offset, self->result->last);
}

static segment_step_t s_again (run_t *self, segment_walk_t *walk, batch_t *batch)
{
    segment_step_t step = SEGMENT_BAD;
    for (int waited = 0; step == SEGMENT_BAD && waited < AUDIT_AGAIN_MS; waited += AGAIN_EVERY_MS) {
        if (!s_is_newest (self) || !s_is_live (self))
            break;
        zclock_sleep (AGAIN_EVERY_MS);
        segment_walk_refresh (walk);
        step = segment_walk_next (walk, batch);
    }
    return step;
}

static bool s_check_batches (run_t *self)
{
    const segment_header_t *header = &self->segment->header;
    segment_walk_t *walk =
        segment_walk_new (self->fd, &self->result->log, self->segment->start, UINT64_MAX);
    segment_walk_expect (walk, header->first, &header->chain);
    bool fine = true, more = true;
    while (fine && more) {
        batch_t batch;
        segment_step_t step = segment_walk_next (walk, &batch);
        if (step == SEGMENT_BAD)
            step = s_again (self, walk, &batch);
        more = step == SEGMENT_BATCH;
        if (step == SEGMENT_BATCH)
            fine = s_take (self, &batch);
        else if (step == SEGMENT_BAD)
            fine = s_bad (self, segment_walk_offset (walk));
        else if (step == SEGMENT_FAILED)
            fine = s_unreadable (self, "a segment");
        s_progress (self, segment_walk_offset (walk));
    }
    self->result->chain = *segment_walk_chain (walk);
    self->result->bytes += segment_walk_offset (walk);
    segment_walk_destroy (&walk);
    return fine;
}

static void s_take_state (run_t *self, batch_t *batch)
{
    record_t record;
    while (batch_next (batch, &record) == 1)
        s_learn (self, &record);
}

// The segment's beginning was found whole: hands it on.
static bool s_hand_on_beginning (run_t *self)
{
    const audit_io_t *io = self->io;
    if (!io->segment)
        return true;
    if (io->segment (io->arg, &self->segment->header) != 0)
        return s_find (self, AUDIT_STOPPED, "stopped");
    segment_walk_t *walk =
        segment_walk_new (self->fd, &self->result->log, SEGMENT_HEADER, self->segment->start);
    batch_t batch;
    bool fine = true;
    while (fine && segment_walk_next (walk, &batch) == SEGMENT_BATCH)
        fine = s_hand_on (self, &batch);
    segment_walk_destroy (&walk);
    return fine;
}

// STATE must be whole batches, and be what the segment's first batch says.
static bool s_check_state (run_t *self)
{
    uint64_t first = self->segment->header.first;
    segment_walk_t *walk =
        segment_walk_new (self->fd, &self->result->log, SEGMENT_HEADER, self->segment->start);
    batch_t batch;
    segment_step_t step;
    while ((step = segment_walk_next (walk, &batch)) == SEGMENT_BATCH &&
           batch.type == BATCH_TYPE_STATE)
        s_take_state (self, &batch);
    uint64_t offset = segment_walk_offset (walk);
    segment_walk_destroy (&walk);
    if (step == SEGMENT_FAILED)
        return s_unreadable (self, "a segment's STATE");
    if (step != SEGMENT_END || offset != self->segment->start)
        return s_find (self, AUDIT_DAMAGED,
                       "the STATE of segment %" PRIu64 " is damaged at byte %" PRIu64, first,
                       offset);
    uint8_t digest[BATCH_DIGEST];
    if (segment_digest (self->fd, self->segment->start, digest) < 0)
        return s_unreadable (self, "a segment's STATE");
    walk = segment_walk_new (self->fd, &self->result->log, self->segment->start, UINT64_MAX);
    step = segment_walk_next (walk, &batch);
    bool right =
        step == SEGMENT_BATCH && batch.opens && memcmp (batch.digest, digest, BATCH_DIGEST) == 0;
    segment_walk_destroy (&walk);
    if (step == SEGMENT_FAILED)
        return s_unreadable (self, "a segment");
    return right ||
           s_find (self, AUDIT_DAMAGED,
                   "the beginning of segment %" PRIu64 " is not what its first batch says it was",
                   first);
}

static bool s_check_header (run_t *self)
{
    bool is_first = !self->begun;
    const segment_header_t *header = &self->segment->header;
    const audit_t *result = self->result;
    if (self->segment->foreign)
        return s_find (self, AUDIT_DAMAGED, "segment %" PRIu64 " belongs to another log",
                       header->first);
    if (header->version != SEGMENT_VERSION)
        return s_find (self, AUDIT_DAMAGED, "segment %" PRIu64 " has no header of format %d",
                       header->first, SEGMENT_VERSION);
    chain_t start = chain_start (&result->log);
    const chain_t *chain = is_first ? &start : &result->chain;
    if (!is_first && header->first <= result->last)
        return s_find (self, AUDIT_DAMAGED,
                       "segment %" PRIu64 " begins before the one in front of it ends",
                       header->first);
    if (!is_first && header->first != result->last + 1)
        return s_find (self, AUDIT_DAMAGED,
                       "records %" PRIu64 " to %" PRIu64 " are missing before segment %" PRIu64,
                       result->last + 1, header->first - 1, header->first);
    // The first segment that is left after retention begins with a chain that only receipts can
    // prove.
    if ((!is_first || header->first == 1) && !chain_equal (&header->chain, chain))
        return s_find (self, AUDIT_DAMAGED,
                       "segment %" PRIu64 " does not go on with the chain before it",
                       header->first);
    return true;
}

// What was found at a segment's beginning is damage, but in the newest one: if that never counted
// it is torn, as recovery sees it, or just being made. Its header, if that is whole, was only
// written when all before it was durable.
static bool s_bad_beginning (run_t *self)
{
    audit_t *result = self->result;
    const segment_header_t *header = &self->segment->header;
    if (result->verdict != AUDIT_DAMAGED || !s_is_newest (self) || self->segment->foreign)
        return false;
    if (header->version == SEGMENT_VERSION && self->begun && header->first > result->last + 1)
        return false;
    int durable = segment_was_durable (self->fd, &result->log, 0, self->segment->header.first);
    if (durable < 0)
        return s_unreadable (self, "a segment");
    result->live = !durable && s_is_live (self);
    if (result->live) {
        result->verdict = AUDIT_SOUND;
        result->place[0] = 0;
    } else if (!durable)
        result->verdict = AUDIT_TORN;
    return result->live;
}

// The first sequence that the log keeps, as its newest segment says.
static uint64_t s_final_oldest (run_t *self)
{
    segment_t *newest = segments_newest (self->segments);
    int fd = segments_fd (self->segments, newest);
    uint64_t oldest = 0;
    segment_walk_t *walk = segment_walk_new (fd, &self->result->log, SEGMENT_HEADER, UINT64_MAX);
    batch_t batch;
    record_t record;
    while (fd >= 0 && segment_walk_next (walk, &batch) == SEGMENT_BATCH)
        while (batch_next (&batch, &record) == 1)
            if (record.kind == RECORD_TRIM || record.kind == RECORD_STATE_LOG)
                oldest = record_option_number (&record, RECORD_OPT_OLDEST, oldest);
    segment_walk_destroy (&walk);
    return oldest;
}

// The log begins behind what was read until now.
static void s_begin_anew (run_t *self)
{
    audit_t *result = self->result;
    result->verdict = AUDIT_SOUND;
    result->place[0] = 0;
    result->first = result->records = result->lost = result->bytes = 0;
    self->begun = false;
}

// Damage in, or before, a segment that retention gave up is none: a crash may have brought back
// some of what it removed.
static bool s_is_trimmed (run_t *self, size_t position)
{
    if (self->result->verdict != AUDIT_DAMAGED || position + 1 >= self->result->segments)
        return false;
    return segments_at (self->segments, position + 1)->header.first <= s_final_oldest (self);
}

static bool s_check_file (run_t *self)
{
    if (!s_check_header (self) || !s_check_state (self))
        return s_bad_beginning (self);
    return s_hand_on_beginning (self) && s_check_batches (self);
}

static bool s_check_segment (run_t *self, size_t position)
{
    struct stat status;
    self->segment = segments_at (self->segments, position);
    self->fd = segments_fd (self->segments, self->segment);
    if (self->fd < 0 && errno == ENOENT && position + 1 < self->result->segments &&
        s_is_live (self)) {
        s_begin_anew (self); // retention was faster
        return true;
    }
    if (self->fd < 0)
        return s_unreadable (self, "a segment");
    uint64_t first = self->segment->header.first;
    if (self->begun && first > self->result->last + 1 && first <= s_final_oldest (self))
        s_begin_anew (self);
    bool fine = s_check_file (self);
    if (!fine && s_is_trimmed (self, position)) {
        s_begin_anew (self);
        fine = true;
    } else
        self->begun = true;
    if (fstat (self->fd, &status) == 0)
        self->before += (uint64_t)status.st_size;
    return fine;
}

static void s_measure (run_t *self)
{
    struct stat status;
    for (size_t i = 0; i < segments_count (self->segments); i++) {
        int fd = segments_fd (self->segments, segments_at (self->segments, i));
        if (fd >= 0 && fstat (fd, &status) == 0)
            self->total += (uint64_t)status.st_size;
    }
}

// What retention did not remove must be there.
static void s_check_front (run_t *self)
{
    uint64_t first = segments_at (self->segments, 0)->header.first;
    if (first > self->result->oldest)
        s_find (self, AUDIT_DAMAGED, "records %" PRIu64 " to %" PRIu64 " are missing",
                self->result->oldest, first - 1);
}

static bool s_open (run_t *self)
{
    int known = folder_log_id (self->dir, &self->result->log);
    if (known >= 0)
        self->segments = segments_new (self->dir, &self->result->log);
    if (!self->segments)
        return s_unreadable (self, "the folder");
    self->result->segments = segments_count (self->segments);
    if (self->result->segments == 0)
        return s_find (self, AUDIT_FAILED, "there is no segment in this folder");
    return known || s_find (self, AUDIT_DAMAGED, "no segment has a header");
}

static void s_hear (void *arg, const char *line)
{
    s_find (arg, AUDIT_TORN, "%s", line);
}

void audit_run (audit_t *self, const char *folder, const audit_io_t *io)
{
    memset (self, 0, sizeof *self);
    self->oldest = 1;
    run_t run = {.result = self, .io = io};
    run.dir = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run.dir < 0) {
        s_unreadable (&run, folder);
        return;
    }
    bool fine = s_open (&run);
    if (fine)
        s_measure (&run);
    for (size_t i = 0; fine && i < self->segments; i++)
        fine = s_check_segment (&run, i);
    if (fine || self->verdict == AUDIT_TORN) // damage outweighs a torn tail
        s_check_front (&run);
    if (self->verdict == AUDIT_SOUND && !s_is_live (&run)) // the next opening puts it right
        shelf_astray (segments_shelf (run.segments), s_hear, &run);
    segments_destroy (&run.segments);
    close (run.dir);
}
