#include "daemons/group/log.h"

#include "common/exits.h"
#include "daemons/group/closer.h"
#include "daemons/group/folder.h"
#include "daemons/group/state.h"

#include <czmq.h>
#include <sodium.h>

struct log {
    int dir;
    log_key_t key;
    log_fold_t fold;
    uint64_t segment_size;
    segments_t *segments;
    writer_thread_t *writer;
    closer_t *closer;
    // What is durable.
    uint64_t last;
    int64_t time;
    chain_t chain;
    uint64_t generation;
    uint64_t oldest;
    record_why_t why;
    receipt_t receipt;
    bool damaged;
    lineage_t *lineage;
    char doubt[FOLDER_DOUBT_MAX];
    bool doubt_owed; // it is not on disk yet
    bool close;      // the next job begins a new segment
    bool opened;     // this opening's OPEN record is durable
    guid_t instance;
    char notice[400];
    // The job that is made or under way.
    bool building;
    bool busy;
    writer_job_t job;
    uint8_t *buffer;
    size_t room;
    size_t used; // of buffer, by whole batches
    bool in_batch;
    batch_writer_t batch;
    uint64_t next; // sequence of the next record
    int64_t now;
    chain_t next_chain;
    bool reserve;
    uint64_t next_generation;
    uint64_t next_oldest;
    record_why_t next_why;
    // Of a new segment.
    segment_header_t header;
    uint8_t *head;
    size_t head_size;
    uint8_t digest[BATCH_DIGEST];
};

// ---- Opening

static void s_set_receipt (log_t *self)
{
    self->receipt = log_receipt_at (self, self->last, &self->chain);
}

static void s_fold (void *arg, const record_t *record)
{
    log_t *self = arg;
    lineage_put (self->lineage, record);
    self->fold.fold (self->fold.arg, record);
}

static int s_recover (log_t *self, trouble_t *trouble)
{
    recovery_t found;
    if (folder_doubt (self->dir, self->doubt) < 0)
        return trouble_set (trouble, EXIT_SYNC, "the file 'doubt' cannot be read: %s",
                            strerror (errno));
    if (recovery_run (&found, self->dir, &self->key.id, s_fold, self, trouble) < 0)
        return -1;
    self->segments = found.segments;
    self->last = found.last;
    self->time = found.time;
    self->chain = found.chain;
    self->generation = found.generation;
    self->oldest = found.oldest;
    self->why = found.why;
    self->damaged = found.damaged;
    memcpy (self->notice, found.notice, sizeof self->notice);
    if (!self->damaged)
        log_drop_trimmed (self); // a crash may have brought some back
    s_set_receipt (self);
    return 0;
}

log_t *log_open (const char *folder, uint64_t segment, const log_fold_t *fold, trouble_t *trouble)
{
    log_t *self = zmalloc (sizeof *self);
    self->fold = *fold;
    self->segment_size = segment;
    self->instance = guid_random ();
    self->lineage = lineage_new ();
    self->closer = closer_new ();
    self->dir = folder_open (folder, trouble);
    if (self->dir < 0 || folder_key (self->dir, &self->key, trouble) < 0 ||
        s_recover (self, trouble) < 0) {
        log_destroy (&self);
        return NULL;
    }
    self->writer = writer_new ();
    if (!self->writer) {
        trouble_set (trouble, EXIT_SYNC, "the writer thread cannot be started: %s",
                     strerror (errno));
        log_destroy (&self);
    }
    return self;
}

void log_destroy (log_t **self_p)
{
    log_t *self = *self_p;
    if (!self)
        return;
    writer_destroy (&self->writer);
    log_write_doubt (self);
    if (self->busy && self->job.made_fd >= 0)
        close (self->job.made_fd);
    segments_destroy (&self->segments);
    closer_destroy (&self->closer);
    lineage_destroy (&self->lineage);
    if (self->dir >= 0)
        close (self->dir);
    free (self->buffer);
    free (self->head);
    sodium_memzero (&self->key, sizeof self->key);
    free (self);
    *self_p = NULL;
}

void log_set_segment (log_t *self, uint64_t bytes)
{
    self->segment_size = bytes;
}

const guid_t *log_id (const log_t *self)
{
    return &self->key.id;
}

const uint8_t *log_key (const log_t *self)
{
    return self->key.secret;
}

uint64_t log_generation (const log_t *self)
{
    return self->generation;
}

bool log_raised (const log_t *self)
{
    return self->opened;
}

uint64_t log_last (const log_t *self)
{
    return self->last;
}

int64_t log_time (const log_t *self)
{
    return self->time;
}

uint64_t log_oldest (const log_t *self)
{
    return self->oldest;
}

record_why_t log_why (const log_t *self)
{
    return self->why;
}

bool log_read_only (const log_t *self)
{
    return self->damaged;
}

const char *log_notice (const log_t *self)
{
    return self->notice;
}

const receipt_t *log_receipt (const log_t *self)
{
    return &self->receipt;
}

receipt_t log_receipt_at (const log_t *self, uint64_t seq, const chain_t *chain)
{
    return receipt_make (self->key.secret, &self->key.id, self->generation, seq, chain);
}

const guid_t *log_instance (const log_t *self)
{
    return &self->instance;
}

// ---- A new segment's header and STATE

struct log_state {
    state_t *state;
};

void log_state_put (log_state_t *self, const record_t *record)
{
    state_put (self->state, record);
}

static void s_put_accept (void *arg, const record_t *record)
{
    log_state_put (arg, record);
}

// Makes header and STATE of the segment that begins behind what is durable now.
static void s_make_head (log_t *self)
{
    log_state_t state = {state_new (&self->key.id, self->last + 1)};
    state_put_log (state.state, self->generation, self->oldest, self->why, self->time);
    lineage_state (self->lineage, s_put_accept, &state);
    self->fold.state (self->fold.arg, &state);
    self->header = (segment_header_t){.time = self->time, .chain = self->chain};
    span_t bytes = state_end (state.state, &self->header, self->digest);
    self->head = malloc (bytes.size);
    assert (self->head);
    memcpy (self->head, bytes.data, bytes.size);
    self->head_size = bytes.size;
    state_destroy (&state.state);
}

// ---- Appending

bool log_busy (const log_t *self)
{
    return self->busy;
}

static bool s_wants_segment (const log_t *self)
{
    segment_t *newest = segments_newest (self->segments);
    if (newest && self->reserve)
        return false;
    if (!newest || newest->end - newest->start >= self->segment_size)
        return true;
    return self->close;
}

void log_close_segment (log_t *self)
{
    self->close = true;
}

// Every opening that writes says so first.
static void s_put_open (log_t *self)
{
    uint8_t bytes[64];
    writer_t options = writer (bytes, sizeof bytes);
    record_put_number (&options, RECORD_OPT_GENERATION, self->generation + 1);
    record_put_option (&options, RECORD_OPT_INSTANCE, self->instance.bytes, GUID_SIZE);
    record_t record = {.kind = RECORD_OPEN, .options = span (bytes, writer_used (&options))};
    int rc = log_put (self, &record);
    assert (rc == 0);
}

void log_begin (log_t *self, int64_t now, size_t hint, bool reserve)
{
    assert (!self->busy && !self->building && !self->damaged);
    if (hint > LOG_JOB_MAX)
        hint = LOG_JOB_MAX;
    self->building = true;
    self->room =
        LOG_HEADROOM + hint + 2 * BATCH_MAX; // the last batch may begin anywhere below hint
    self->buffer = malloc (self->room);
    assert (self->buffer);
    self->used = LOG_HEADROOM;
    self->in_batch = false;
    self->next = self->last + 1;
    self->next_chain = self->chain;
    self->now = now > self->time ? now : self->time;
    self->next_generation = self->generation;
    self->next_oldest = self->oldest;
    self->next_why = self->why;
    self->reserve = reserve;
    if (s_wants_segment (self))
        s_make_head (self);
    if (!self->opened)
        s_put_open (self);
}

// Returns the batch's bytes, which are to go into the chain; none: there was no batch.
static span_t s_close_batch (log_t *self)
{
    if (!self->in_batch)
        return span (NULL, 0);
    span_t bytes = batch_end (&self->batch, &self->key.id);
    self->used += bytes.size;
    self->in_batch = false;
    return bytes;
}

static void s_add_to_chain (log_t *self, span_t batch)
{
    if (batch.size > 0)
        self->next_chain = chain_next (&self->next_chain, batch);
}

static void s_end_batch (log_t *self)
{
    s_add_to_chain (self, s_close_batch (self));
}

// Whether there is room for one more batch.
static bool s_begin_batch (log_t *self)
{
    if (self->used - LOG_HEADROOM + BATCH_MAX > LOG_JOB_MAX || self->room - self->used < BATCH_MAX)
        return false;
    bool first = self->next == self->last + 1;
    batch_t head = {.type = BATCH_TYPE_RECORDS,
                    .first = self->next,
                    .base = self->now,
                    .durable = self->last,
                    .chain = self->next_chain,
                    .digest = self->head && first ? self->digest : NULL};
    batch_begin (&self->batch, self->buffer + self->used, &head);
    self->in_batch = true;
    return true;
}

int log_put (log_t *self, record_t *record)
{
    assert (self->building);
    record->time = self->now;
    if (self->in_batch && self->batch.used >= LOG_BATCH)
        s_end_batch (self);
    uint64_t seq = self->in_batch ? batch_add (&self->batch, record) : 0;
    if (seq == 0) {
        s_end_batch (self);
        if (!s_begin_batch (self))
            return -1;
        seq = batch_add (&self->batch, record);
        assert (seq > 0); // callers bound texts and nicks, so a record fits into an empty batch
    }
    record->seq = seq;
    self->next = seq + 1;
    if (record->kind == RECORD_TRIM) {
        self->next_oldest = record_option_number (record, RECORD_OPT_OLDEST, self->oldest);
        self->next_why = (record_why_t)record_option_number (record, RECORD_OPT_WHY, self->why);
    } else if (record->kind == RECORD_OPEN || record->kind == RECORD_ACCEPT)
        self->next_generation =
            record_option_number (record, RECORD_OPT_GENERATION, self->generation);
    return 0;
}

void log_break (log_t *self)
{
    s_end_batch (self);
}

void log_cancel (log_t *self)
{
    assert (self->building);
    self->building = false;
    free (self->buffer);
    self->buffer = NULL;
    free (self->head);
    self->head = NULL;
}

void log_commit (log_t *self)
{
    assert (self->building);
    span_t last = s_close_batch (self);
    segment_t *newest = segments_newest (self->segments);
    writer_job_t job = {.fd = -1,
                        .dir = self->dir,
                        .trim_fd = -1,
                        .reserve = self->reserve,
                        .data = span (self->buffer + LOG_HEADROOM, self->used - LOG_HEADROOM)};
    if (newest) {
        int fd = segments_fd_to_write (self->segments, newest);
        if (fd < 0)
            fd = segments_fd (self->segments, newest); // the writer says that it cannot
        job.fd = self->head ? -1 : fd;
        job.trim_fd = self->head ? fd : -1;
        job.offset = job.trim_size = newest->end;
    }
    if (self->head) {
        job.head = span (self->head, self->head_size);
        segment_name (self->header.first, job.name);
    }
    self->job = job;
    self->building = false;
    self->busy = true;
    writer_submit (self->writer, &self->job);
    s_add_to_chain (self, last); // while the disk works
}

int log_fd (const log_t *self)
{
    return writer_fd (self->writer);
}

// The job is on disk: its batches count from now on.
static void s_job_durable (log_t *self)
{
    uint64_t offset = self->job.offset;
    segment_t *segment = segments_newest (self->segments);
    if (self->head) {
        offset = self->head_size;
        segment = segments_append (self->segments, &self->header, self->job.made_fd, 0);
        segment->complete = true;
        self->close = false;
    }
    span_t left = self->job.data;
    batch_t batch;
    while (left.size > 0) {
        int rc = batch_peek (&batch, left);
        assert (rc == 0);
        if (segment->complete) // else it is made again, and comes to this
            index_add (segment->index, batch.first, batch.base, self->now, offset);
        offset += batch.bytes.size;
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    }
    segment->end = offset;
    if (segment->complete) {
        segment->indexed = offset;
        segment->indexed_seq = self->next;
    }
    if (!self->opened)
        lineage_opened (self->lineage, self->generation + 1, self->last + 1);
    self->opened = true;
    self->generation = self->next_generation;
    self->last = self->next - 1;
    self->time = self->now;
    self->chain = self->next_chain;
    self->oldest = self->next_oldest;
    self->why = self->next_why;
    s_set_receipt (self);
}

int log_finish (log_t *self, int timeout, log_done_t *done)
{
    if (!self->busy || !writer_take (self->writer, timeout))
        return 0;
    self->busy = false;
    done->result = self->job.result;
    done->error = self->job.error;
    done->call = self->job.call;
    done->first = self->last + 1;
    done->last = self->next - 1;
    done->buffer = self->buffer;
    done->batches = self->job.data;
    self->buffer = NULL;
    if (done->result == WRITER_DONE)
        s_job_durable (self);
    free (self->head);
    self->head = NULL;
    return 1;
}

// ---- Retention, and receipts

keep_segment_t *log_keep_list (log_t *self, size_t *count)
{
    *count = segments_count (self->segments);
    keep_segment_t *list = *count > 0 ? zmalloc (*count * sizeof *list) : NULL;
    for (size_t i = 0; i < *count; i++) {
        const segment_t *segment = segments_at (self->segments, i);
        const index_entry_t *begin = index_by_seq (segment->index, segment->header.first);
        bool known = begin && !begin->lost;
        list[i] = (keep_segment_t){.first = segment->header.first,
                                   .before = segment->header.time,
                                   .begin = known ? begin->time : segment->header.time,
                                   .bytes = segments_size (self->segments, i)};
    }
    return list;
}

size_t log_drop_trimmed (log_t *self)
{
    size_t dropped = 0;
    while (segments_count (self->segments) > 1 &&
           segments_at (self->segments, 1)->header.first <= self->oldest) {
        char name[SEGMENT_NAME];
        segment_t *oldest = segments_at (self->segments, 0);
        segment_name (oldest->name, name);
        segments_fd (self->segments, oldest); // while it is open, unlink takes no time
        // Not synced: a file that a crash brings back is below the oldest, and goes at the next
        // opening.
        if (unlinkat (self->dir, name, 0) < 0 && errno != ENOENT)
            break;
        closer_take (self->closer, segments_take_oldest (self->segments));
        dropped++;
    }
    return dropped;
}

segments_read_t log_chain_at (log_t *self, uint64_t seq, chain_t *chain)
{
    if (seq == self->last) {
        *chain = self->chain;
        return SEGMENTS_PAGE;
    }
    segments_page_t page;
    segments_read_t rc = segments_read (self->segments, seq + 1, seq + 1, self->last, 1, &page);
    batch_t batch;
    if (rc == SEGMENTS_PAGE) {
        bool ends = page.first == seq + 1;
        int peeked = batch_peek (&batch, page.batches);
        assert (peeked == 0);
        if (ends)
            *chain = batch.chain;
        free (page.buffer);
        return ends ? SEGMENTS_PAGE : SEGMENTS_NOTHING;
    }
    return rc;
}

const lineage_t *log_lineage (const log_t *self)
{
    return self->lineage;
}

const char *log_doubt (const log_t *self)
{
    return self->doubt;
}

uint64_t log_doubt_generation (const log_t *self)
{
    const char *at = strstr (self->doubt, LOG_DOUBT_GENERATION);
    return at ? strtoull (at + strlen (LOG_DOUBT_GENERATION), NULL, 10) : 0;
}

void log_raise (log_t *self, uint64_t generation)
{
    assert (!self->opened);
    if (generation > self->generation && generation < INT64_MAX)
        self->generation = generation;
}

int log_set_doubt (log_t *self, const char *why)
{
    snprintf (self->doubt, sizeof self->doubt, "%s", why);
    self->doubt_owed = true;
    return log_write_doubt (self) < 0 ? -1 : 0;
}

int log_write_doubt (log_t *self)
{
    if (!self->doubt_owed)
        return 0;
    if (folder_set_doubt (self->dir, self->doubt) < 0)
        return -1;
    self->doubt_owed = false;
    return 1;
}

// ---- Reading

segments_read_t log_read (log_t *self, uint64_t seq, uint64_t last, size_t max,
                          segments_page_t *page, record_why_t *why)
{
    *why = RECORD_WHY_DAMAGE;
    if (seq < self->oldest) {
        memset (page, 0, sizeof *page);
        page->from = seq;
        page->to = self->oldest - 1;
        *why = self->why;
        return SEGMENTS_GAP;
    }
    return segments_read (self->segments, seq, last, self->last, max, page);
}

segments_read_t log_find (log_t *self, int64_t time, uint64_t *may, uint64_t *is)
{
    segments_read_t rc = segments_find (self->segments, time, self->last, may, is);
    if (rc != SEGMENTS_PAGE)
        return rc;
    *may = *may < self->oldest ? self->oldest : *may;
    *is = *is < self->oldest ? self->oldest : *is;
    return rc;
}

uint64_t log_back (log_t *self, uint64_t seq, uint64_t bytes)
{
    return segments_back (self->segments, seq, bytes, self->oldest);
}
