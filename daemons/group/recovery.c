#include "daemons/group/recovery.h"

#include "common/exits.h"
#include "common/wallclock.h"
#include "daemons/group/writer.h"

#include <czmq.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>

int trouble_set (trouble_t *self, int exit_code, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    self->exit = exit_code;
    vsnprintf (self->text, sizeof self->text, format, args);
    va_end (args);
    return -1;
}

// What the recovery of one folder knows while it runs.
typedef struct {
    recovery_t *result;
    int dir;
    guid_t id;
    recovery_fold_fn *fold;
    void *arg;
    trouble_t *trouble;
    uint64_t durable; // an unfinished segment says that this was, before it was begun
    uint64_t *aside;  // first sequences of unfinished segments
    size_t aside_count;
} run_t;

static int s_read_error (run_t *self, const segment_t *segment)
{
    return trouble_set (self->trouble, EXIT_SYNC, "segment %" PRIu64 " cannot be read: %s",
                        segment->header.first, strerror (errno));
}

static void s_notice (run_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

static void s_notice (run_t *self, const char *format, ...)
{
    char *notice = self->result->notice;
    size_t used = strlen (notice);
    va_list args;
    va_start (args, format);
    if (used > 0 && used + 2 < sizeof self->result->notice) {
        strcpy (notice + used, "; ");
        used += 2;
    }
    vsnprintf (notice + used, sizeof self->result->notice - used, format, args);
    va_end (args);
}

static void s_fold (run_t *self, const record_t *record)
{
    recovery_t *result = self->result;
    result->generation = record_generation (record, result->generation);
    if (record->kind == RECORD_TRIM || record->kind == RECORD_STATE_LOG) {
        result->oldest = record_option_number (record, RECORD_OPT_OLDEST, result->oldest);
        result->why = (record_why_t)record_option_number (record, RECORD_OPT_WHY, result->why);
    }
    if (record->seq > 0)
        result->time = record->time;
    self->fold (self->arg, record);
}

static void s_fold_batch (run_t *self, batch_t *batch)
{
    record_t record;
    while (batch_next (batch, &record) == 1) {
        if (batch->type == BATCH_TYPE_STATE)
            record.seq = 0; // STATE has no sequences
        s_fold (self, &record);
    }
}

// ---- Torn tails

static int s_by_name (const void *a, const void *b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

// Removes all but the newest set-aside files; their names sort by time.
static void s_forget_torn (int dir)
{
    int copy = openat (dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir (copy);
    if (!folder)
        return;
    char *names[1024];
    size_t count = 0;
    struct dirent *entry;
    while (count < 1024 && (entry = readdir (folder)))
        if (strncmp (entry->d_name, "torn-", 5) == 0)
            names[count++] = strdup (entry->d_name);
    closedir (folder);
    qsort (names, count, sizeof names[0], s_by_name);
    for (size_t i = 0; i < count; i++) {
        if (i + RECOVERY_TORN_KEPT < count)
            unlinkat (dir, names[i], 0);
        free (names[i]);
    }
}

static void s_torn_name (uint64_t first, char out[64])
{
    snprintf (out, 64, "torn-%020" PRId64 "-%020" PRIu64, wallclock_now (), first);
}

static int s_copy (int from, uint64_t start, uint64_t end, int to)
{
    uint8_t bytes[65536];
    for (uint64_t at = start; at < end;) {
        size_t size = end - at < sizeof bytes ? (size_t)(end - at) : sizeof bytes;
        ssize_t rc = segment_pread (from, bytes, size, at);
        if (rc <= 0)
            return -1;
        for (ssize_t done = 0; done < rc;) {
            off_t behind = (off_t)(at - start) + done;
            ssize_t wrote = pwrite (to, bytes + done, (size_t)(rc - done), behind);
            if (wrote < 0 && errno != EINTR)
                return -1;
            if (wrote > 0)
                done += wrote;
        }
        at += (uint64_t)rc;
    }
    return writer_sync (to);
}

// Copies everything behind `offset` aside and cuts it. The copy is evidence: without it nothing is
// cut.
static int s_cut (run_t *self, segment_t *segment, uint64_t offset)
{
    int fd = segments_fd (self->result->segments, segment);
    int64_t used = segment_used (fd, offset);
    if (used < 0)
        return s_read_error (self, segment);
    char name[64];
    s_torn_name (segment->header.first, name);
    int copy = openat (self->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    int rc = copy < 0 ? -1 : s_copy (fd, offset, (uint64_t)used, copy);
    if (rc == 0)
        rc = writer_sync (self->dir);
    if (rc == 0)
        rc = fd = segments_fd_to_write (self->result->segments, segment);
    if (rc >= 0)
        rc = ftruncate (fd, (off_t)offset);
    if (rc == 0)
        rc = writer_sync (fd);
    int cause = errno;
    if (copy >= 0)
        close (copy);
    if (rc < 0)
        return trouble_set (self->trouble, cause == ENOSPC ? EXIT_NOT_NOW : EXIT_SYNC,
                            "the torn tail of segment %" PRIu64 " cannot be set aside: %s",
                            segment->header.first, strerror (cause));
    s_notice (self, "cut a torn tail of %" PRId64 " bytes behind record %" PRIu64 ", kept in %s",
              used - (int64_t)offset, self->result->last, name);
    s_forget_torn (self->dir);
    return 0;
}

// A newest segment that never counted is taken off the list.
static void s_leave_out (run_t *self, segment_t *segment)
{
    self->aside = realloc (self->aside, (self->aside_count + 1) * sizeof *self->aside);
    assert (self->aside);
    self->aside[self->aside_count++] = segment->header.first;
    segments_drop_newest (self->result->segments);
}

static void s_tell_astray (void *arg, const char *line)
{
    s_notice (arg, "%s", line);
}

// Files have their names again at the end, if there is no damage.
static int s_put_right (run_t *self)
{
    segments_t *segments = self->result->segments;
    if (self->result->damaged) {
        shelf_astray (segments_shelf (segments), s_tell_astray, self);
        return 0;
    }
    if (segments_put_right (segments, s_tell_astray, self) < 0)
        return trouble_set (self->trouble, EXIT_SYNC,
                            "files with wrong names cannot be put right: %s", strerror (errno));
    return 0;
}

// It is renamed at the end, and only if there is no damage: it may be what proves that.
static int s_set_aside (run_t *self)
{
    char from[SEGMENT_NAME], to[64];
    for (size_t i = 0; i < self->aside_count && !self->result->damaged; i++) {
        segment_name (self->aside[i], from);
        s_torn_name (self->aside[i], to);
        if (renameat (self->dir, from, self->dir, to) < 0 || writer_sync (self->dir) < 0)
            return trouble_set (self->trouble, EXIT_SYNC, "%s cannot be set aside: %s", from,
                                strerror (errno));
        s_notice (self, "set aside an unfinished segment as %s", to);
        s_forget_torn (self->dir);
    }
    return 0;
}

// ---- Replaying

// Whether a batch somewhere behind `offset` says that `seq` was durable. -1: read error.
static int s_was_durable (run_t *self, segment_t *segment, uint64_t offset, uint64_t seq)
{
    int fd = segments_fd (self->result->segments, segment);
    return segment_was_durable (fd, &self->id, offset, seq);
}

// Whether header, STATE and first batch are whole. 1 yes, 0 no, -1 read error.
static int s_is_whole (run_t *self, segment_t *segment)
{
    int fd = segments_fd (self->result->segments, segment);
    return fd < 0 ? -1 : segment_begins_whole (fd, &segment->header);
}

// Whether the newest segment is one that the log went on without. -1: read error, told.
static int s_is_overtaken (run_t *self, segment_t *newest)
{
    segments_t *segments = self->result->segments;
    if (segments_count (segments) < 2)
        return 0;
    segment_t *before = segments_at (segments, segments_count (segments) - 2);
    int before_fd = segments_fd (segments, before);
    if (before_fd < 0)
        return s_read_error (self, before);
    int fd = segments_fd (segments, newest); // it is open: its beginning was read
    int rc = segment_is_overtaken (fd, &newest->header, before_fd, &before->header);
    return rc < 0 ? s_read_error (self, newest) : rc;
}

// Folds the STATE batches; where they are damaged, what is whole of them.
static int s_replay_state (run_t *self, segment_t *segment)
{
    int fd = segments_fd (self->result->segments, segment);
    uint64_t end = segment->header.version == SEGMENT_VERSION ? segment->start : UINT64_MAX;
    segment_walk_t *walk = segment_walk_new (fd, &self->id, SEGMENT_HEADER, end);
    segment_step_t step = SEGMENT_BATCH;
    while (step == SEGMENT_BATCH) {
        batch_t batch;
        step = segment_walk_try (walk, &batch);
        if (step == SEGMENT_BAD && (step = segment_walk_search_state (walk)) == SEGMENT_BATCH)
            step = segment_walk_try (walk, &batch);
        if (step == SEGMENT_BATCH && batch.type == BATCH_TYPE_RECORDS)
            break; // nothing says where STATE ends
        if (step == SEGMENT_BATCH)
            s_fold_batch (self, &batch);
    }
    segment_walk_destroy (&walk);
    return step == SEGMENT_FAILED ? s_read_error (self, segment) : 0;
}

static void s_took (run_t *self, segment_t *segment, batch_t *batch, uint64_t offset, uint64_t end)
{
    s_fold_batch (self, batch);
    hole_t hole;
    self->result->last = hole_last (batch);
    if (hole_read (&hole, batch))
        index_add_hole (segment->index);
    else
        index_add (segment->index, batch->first, batch->base, batch->last_time, offset);
    segment->indexed_seq = self->result->last + 1;
    segment->indexed = segment->end = end;
}

// The batch at the walk's place is bad. Returns 1 to go on behind a hole, 0 when the log ends here,
// -1.
static int s_bad_batch (run_t *self, segment_t *segment, segment_walk_t *walk)
{
    uint64_t seq = self->result->last + 1;
    uint64_t offset = segment_walk_offset (walk);
    int durable = seq <= self->durable ? 1 : s_was_durable (self, segment, offset, seq);
    if (durable < 0)
        return s_read_error (self, segment);
    bool newest = segment == segments_newest (self->result->segments);
    if (!durable && newest) // beside damage nothing is cut: it may be the only proof of it
        return self->result->damaged ? 0 : s_cut (self, segment, offset);
    self->result->damaged = true;
    index_add_lost (segment->index, seq, offset);
    s_notice (self, "segment %" PRIu64 " is damaged at byte %" PRIu64 " (record %" PRIu64 ")",
              segment->header.first, offset, seq);
    segment_step_t step = segment_walk_search (walk, seq);
    return step == SEGMENT_FAILED ? s_read_error (self, segment) : step == SEGMENT_BATCH;
}

static int s_replay_batches (run_t *self, segment_t *segment)
{
    int fd = segments_fd (self->result->segments, segment);
    if (fd < 0)
        return s_read_error (self, segment);
    segment_walk_t *walk = segment_walk_new (fd, &self->id, segment->start, UINT64_MAX);
    const segment_header_t *header = &segment->header;
    bool known = header->version == SEGMENT_VERSION; // else bytes that are no batch come first
    segment_walk_expect (walk, header->first, known ? &header->chain : NULL);
    if (segment != segments_newest (self->result->segments))
        segment_walk_limit (walk, segment[1].header.first);
    if (known)
        self->result->chain = header->chain;
    segment->end = segment->indexed = segment->start;
    int rc = 1;
    while (rc == 1) {
        batch_t batch;
        uint64_t offset = segment_walk_offset (walk);
        segment_step_t step = segment_walk_next (walk, &batch);
        if (step == SEGMENT_BATCH) {
            s_took (self, segment, &batch, offset, segment_walk_offset (walk));
            self->result->chain = hole_chain_after (&batch);
        } else if (step == SEGMENT_BAD)
            rc = s_bad_batch (self, segment, walk);
        else
            rc = step == SEGMENT_END ? 0 : s_read_error (self, segment);
    }
    segment->complete = true;
    segment_walk_destroy (&walk);
    return rc;
}

// No segment has a whole beginning: the fold begins with what is whole of the oldest one's. Before
// record 1 there was nothing, so then all is known.
static int s_replay_rest (run_t *self, segment_t *oldest)
{
    uint64_t first = oldest->header.first;
    self->result->last = first - 1;
    if (first > 1) {
        self->result->oldest = first;
        self->result->why = RECORD_WHY_DAMAGE;
        s_notice (self, "what the group knew before record %" PRIu64 " is known in part", first);
    }
    return s_replay_state (self, oldest);
}

// The newest segment does not begin well, and was durable once: the fold begins at the newest whole
// STATE.
static int s_replay_damaged (run_t *self)
{
    segments_t *segments = self->result->segments;
    size_t from = segments_count (segments) - 1;
    int whole = 0;
    while (!whole && from > 0)
        whole = s_is_whole (self, segments_at (segments, --from));
    if (whole < 0)
        return s_read_error (self, segments_at (segments, from));
    segment_t *begin = segments_at (segments, from);
    int rc = whole ? s_replay_state (self, begin) : s_replay_rest (self, begin);
    for (size_t i = from; rc == 0 && i < segments_count (segments); i++)
        rc = s_replay_batches (self, segments_at (segments, i));
    return rc;
}

// What must not be touched: segments of another log, or of a format to come.
static int s_check_known (run_t *self, const segment_t *segment)
{
    uint64_t first = segment->header.first;
    if (segment->foreign)
        return trouble_set (self->trouble, EXIT_CONFIG,
                            "segment %" PRIu64 " belongs to another log than the file 'key'",
                            first);
    if (segment->header.version > SEGMENT_VERSION)
        return trouble_set (self->trouble, EXIT_CONFIG,
                            "segment %" PRIu64 " has format version %u; this program knows %d",
                            first, segment->header.version, SEGMENT_VERSION);
    return 0;
}

// Replays from the newest segment, setting aside those that never counted.
static int s_replay (run_t *self)
{
    segments_t *segments = self->result->segments;
    segment_t *newest;
    while ((newest = segments_newest (segments))) {
        int fd = segments_fd (segments, newest);
        if (writer_sync_and_forget (fd) < 0)
            return s_read_error (self, newest);
        int whole = s_is_whole (self, newest);
        if (whole < 0)
            return s_read_error (self, newest);
        int overtaken = whole == 1 ? s_is_overtaken (self, newest) : 0;
        if (overtaken < 0)
            return -1;
        if (whole && !overtaken) {
            int rc = s_replay_state (self, newest);
            return rc < 0 ? rc : s_replay_batches (self, newest);
        }
        int durable = whole ? 0 : s_was_durable (self, newest, 0, newest->header.first);
        if (durable < 0)
            return s_read_error (self, newest);
        if (durable) {
            self->result->damaged = true;
            s_notice (self, "segment %" PRIu64 " is damaged at its beginning",
                      newest->header.first);
            return s_replay_damaged (self);
        }
        if (newest->header.version == SEGMENT_VERSION && self->durable == 0)
            self->durable = newest->header.first - 1;
        s_leave_out (self, newest);
    }
    return 0;
}

// A segment is begun when all before it is durable.
static void s_check_end (run_t *self)
{
    recovery_t *result = self->result;
    if (result->last >= self->durable)
        return;
    result->damaged = true;
    s_notice (self,
              "records %" PRIu64 " to %" PRIu64 " are missing: a segment was begun behind them",
              result->last + 1, self->durable);
}

// What retention gave up may be as it likes.
static void s_check_headers (run_t *self)
{
    recovery_t *result = self->result;
    uint64_t first = 0, bad = 0;
    for (size_t i = 1; i < segments_count (result->segments); i++) {
        const segment_header_t *header = &segments_at (result->segments, i - 1)->header;
        bool kept = segments_at (result->segments, i)->header.first > result->oldest;
        if (kept && header->version != SEGMENT_VERSION && bad++ == 0)
            first = header->first;
    }
    if (bad == 0)
        return;
    result->damaged = true;
    s_notice (self, "%" PRIu64 " older segments have no header, the first is segment %" PRIu64, bad,
              first);
}

// What retention did not remove must be there.
static void s_check_front (run_t *self)
{
    recovery_t *result = self->result;
    if (segments_count (result->segments) == 0)
        return;
    uint64_t first = segments_at (result->segments, 0)->header.first;
    if (first <= result->oldest)
        return;
    result->damaged = true;
    s_notice (self, "records %" PRIu64 " to %" PRIu64 " are missing: no segment holds them",
              result->oldest, first - 1);
}

int recovery_run (recovery_t *self, int dir, const guid_t *id, recovery_fold_fn *fold, void *arg,
                  trouble_t *trouble)
{
    memset (self, 0, sizeof *self);
    self->chain = chain_start (id);
    self->oldest = 1;
    run_t run = {self, dir, *id, fold, arg, trouble, 0, NULL, 0};
    // Who made the newest segment may have ended before its name was on the disk.
    if (writer_sync (dir) < 0)
        return trouble_set (trouble, EXIT_SYNC, "the log's folder cannot be synced: %s",
                            strerror (errno));
    self->segments = segments_new (dir, id);
    if (!self->segments)
        return trouble_set (trouble, EXIT_SYNC, "the log's folder cannot be read: %s",
                            strerror (errno));
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < segments_count (self->segments); i++)
        rc = s_check_known (&run, segments_at (self->segments, i));
    if (rc == 0)
        rc = s_replay (&run);
    if (rc == 0) {
        s_check_end (&run);
        s_check_headers (&run);
        s_check_front (&run);
        rc = s_put_right (&run);
    }
    if (rc == 0)
        rc = s_set_aside (&run);
    free (run.aside);
    if (rc < 0)
        segments_destroy (&self->segments);
    return rc;
}
