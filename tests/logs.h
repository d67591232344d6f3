// logs: a group's log in a temporary folder, filled, read and damaged in few calls.
//
// What is appended is kept as a model, by sequence, and what is read is held against it.

#ifndef ZCHAT_TESTS_LOGS_H
#define ZCHAT_TESTS_LOGS_H

#include "daemons/group/log.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <dirent.h>

enum { LOGS_MODEL = 1 << 20 };

#define LOGS_NOW INT64_C (1795330800000000)

typedef struct {
    folder_t folder;
    char path[300]; // of the log's folder
    log_t *log;     // NULL: closed
    trouble_t trouble;
    int64_t now;  // wall clock of the next job
    int64_t tick; // how much that goes on with each job
    int batch;    // records of a batch at most, 0: as many as fit
    // What was folded since it was opened.
    uint64_t state;  // records of STATE but for where the log was opened
    uint64_t folded; // records of the log
    uint64_t folded_last;
    // By sequence: the text that was appended, and its time. NULL: another kind of record.
    char **texts;
    int64_t *times;
    uint64_t noted; // the highest of them
} logs_t;

static inline void logs_fold (void *arg, const record_t *record)
{
    logs_t *self = arg;
    self->state += record->seq == 0 && record->kind != RECORD_OPEN;
    self->folded += record->seq > 0;
    if (record->seq > 0)
        self->folded_last = record->seq;
}

static inline void logs_state (void *arg, log_state_t *state)
{
    (void)arg;
    record_t record = {.kind = RECORD_JOIN, .author = {{1}}, .nick = span_of ("ann")};
    log_state_put (state, &record);
}

static inline void logs_init (logs_t *self)
{
    memset (self, 0, sizeof *self);
    self->folder = folder_new ();
    snprintf (self->path, sizeof self->path, "%s/log", self->folder.path);
    self->now = LOGS_NOW;
    self->tick = 1000000;
    self->texts = calloc (LOGS_MODEL, sizeof *self->texts);
    self->times = calloc (LOGS_MODEL, sizeof *self->times);
    ck_assert (self->texts && self->times);
}

// Opens it. False: it cannot be opened, see `trouble`.
static inline bool logs_open (logs_t *self, uint64_t segment)
{
    log_fold_t fold = {self, logs_fold, logs_state};
    ck_assert_ptr_null (self->log);
    memset (&self->trouble, 0, sizeof self->trouble);
    self->state = self->folded = self->folded_last = 0;
    self->log = log_open (self->path, segment, &fold, &self->trouble);
    for (; self->log && self->noted > log_last (self->log); self->noted--) {
        free (self->texts[self->noted]); // it was cut
        self->texts[self->noted] = NULL;
    }
    return self->log != NULL;
}

// Whatever is read is right from now on: the files were put back to what they were.
static inline void logs_forget (logs_t *self)
{
    for (; self->noted > 0; self->noted--) {
        free (self->texts[self->noted]);
        self->texts[self->noted] = NULL;
    }
}

static inline void logs_must_open (logs_t *self, uint64_t segment)
{
    ck_assert_msg (logs_open (self, segment), "%s", self->trouble.text);
}

static inline void logs_close (logs_t *self)
{
    log_destroy (&self->log);
}

static inline void logs_free (logs_t *self)
{
    logs_close (self);
    folder_remove (&self->folder);
    logs_forget (self);
    free (self->texts);
    free (self->times);
}

static inline void logs_note (logs_t *self, const record_t *record)
{
    ck_assert_uint_lt (record->seq, LOGS_MODEL);
    free (self->texts[record->seq]);
    self->texts[record->seq] = strndup ((const char *)record->text.data, record->text.size);
    self->times[record->seq] = record->time;
    self->noted = record->seq > self->noted ? record->seq : self->noted;
}

// Begins a job of `count` messages "TEXT n"; logs_finish takes its result.
static inline void logs_begin (logs_t *self, const char *text, int count)
{
    static record_t records[4096];
    char (*texts)[64] = calloc ((size_t)count + 1, sizeof *texts);
    ck_assert (texts && count <= 4096 && strlen (text) < 40);
    log_begin (self->log, self->now, (size_t)count * 256, false);
    self->now += self->tick;
    for (int i = 0; i < count; i++) {
        snprintf (texts[i], sizeof texts[i], "%s %d", text, i);
        records[i] =
            (record_t){.kind = RECORD_MESSAGE, .author = {{1}}, .text = span_of (texts[i])};
        ck_assert_int_eq (log_put (self->log, &records[i]), 0);
        logs_note (self, &records[i]);
        if (self->batch > 0 && (i + 1) % self->batch == 0)
            log_break (self->log);
    }
    log_commit (self->log);
    free (texts);
}

static inline log_done_t logs_finish (logs_t *self)
{
    log_done_t done;
    ck_assert_int_eq (log_finish (self->log, -1, &done), 1);
    free (done.buffer);
    done.buffer = NULL;
    return done;
}

// A job of `count` messages, which must become durable.
static inline void logs_job (logs_t *self, const char *text, int count)
{
    logs_begin (self, text, count);
    log_done_t done = logs_finish (self);
    ck_assert_msg (done.result == WRITER_DONE, "%s: %s", done.call, strerror (done.error));
}

static inline void logs_jobs (logs_t *self, const char *text, int jobs, int count)
{
    for (int i = 0; i < jobs; i++)
        logs_job (self, text, count);
}

// ---- Reading

// The record must be what was appended under its sequence.
static inline void logs_is_right (const logs_t *self, const record_t *record)
{
    const char *text = self->texts[record->seq];
    if (!text)
        return;
    ck_assert_int_eq (record->kind, RECORD_MESSAGE);
    ck_assert_msg (span_equal (record->text, span_of (text)), "record %d", (int)record->seq);
    ck_assert_int_eq (record->time, self->times[record->seq]);
}

typedef struct {
    uint64_t records; // that were read
    uint64_t missing; // named by gaps
    uint64_t gaps;
    uint64_t pages;
} logs_read_t;

// Reads from `seq` to the end in pages of at most `max` bytes: every sequence is either read, and
// right, or named by a gap.
static inline logs_read_t logs_read (logs_t *self, uint64_t seq, size_t max)
{
    logs_read_t got = {0};
    for (int steps = 0;; steps++) {
        segments_page_t page;
        record_why_t why;
        ck_assert_int_lt (steps, 200000); // it comes to an end
        segments_read_t rc = log_read (self->log, seq, UINT64_MAX, max, &page, &why);
        if (rc == SEGMENTS_NOTHING)
            break;
        ck_assert_int_ne (rc, SEGMENTS_FAILED);
        if (rc == SEGMENTS_GAP) {
            ck_assert_uint_eq (page.from, seq);
            ck_assert_uint_ge (page.to, page.from);
            got.missing += page.to - page.from + 1;
            got.gaps++;
            seq = page.to + 1;
        }
        if (rc != SEGMENTS_PAGE)
            continue;
        ck_assert (page.first <= seq && seq <= page.last);
        span_t left = page.batches;
        batch_t batch;
        while (left.size > 0) {
            record_t record;
            ck_assert_int_eq (batch_open (&batch, left, log_id (self->log)), 0);
            while (batch_next (&batch, &record) == 1) {
                logs_is_right (self, &record);
                got.records += record.seq >= seq;
            }
            left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
        }
        ck_assert_uint_eq (batch_last (&batch), page.last);
        chain_t chain = chain_next (&batch.chain, batch.bytes);
        ck_assert (chain_equal (&chain, &page.chain));
        free (page.buffer);
        got.pages++;
        seq = page.last + 1;
    }
    ck_assert_uint_eq (seq, log_last (self->log) + 1);
    return got;
}

// The first sequence that is at or after the time; *may: that may be.
static inline uint64_t logs_find_lost (logs_t *self, int64_t time, uint64_t *may)
{
    uint64_t seq;
    segments_read_t rc;
    while ((rc = log_find (self->log, time, may, &seq)) == SEGMENTS_LATER)
        ;
    ck_assert_int_eq (rc, SEGMENTS_PAGE);
    ck_assert_uint_le (*may, seq);
    return seq;
}

// The same in a log of which nothing is lost.
static inline uint64_t logs_find (logs_t *self, int64_t time)
{
    uint64_t may, seq = logs_find_lost (self, time, &may);
    ck_assert_uint_eq (may, seq);
    return seq;
}

// ---- Files

static inline const char *logs_file (const logs_t *self, const char *name)
{
    static char path[600];
    snprintf (path, sizeof path, "%s/%s", self->path, name);
    return path;
}

static inline const char *logs_segment (const logs_t *self, uint64_t first)
{
    char name[SEGMENT_NAME];
    segment_name (first, name);
    return logs_file (self, name);
}

// The first sequences of the segments, in order; returns their number.
static inline size_t logs_segments (const logs_t *self, uint64_t *firsts, size_t room)
{
    size_t count = 0;
    DIR *folder = opendir (self->path);
    ck_assert_ptr_nonnull (folder);
    struct dirent *entry;
    while ((entry = readdir (folder))) {
        uint64_t first;
        if (!segment_name_parse (entry->d_name, &first))
            continue;
        ck_assert_uint_lt (count, room);
        size_t at = count++;
        for (; at > 0 && firsts[at - 1] > first; at--)
            firsts[at] = firsts[at - 1];
        firsts[at] = first;
    }
    closedir (folder);
    return count;
}

// Files whose names begin so; the last one's name is copied to `name` unless NULL.
static inline int logs_files (const logs_t *self, const char *prefix, char *name)
{
    int count = 0;
    DIR *folder = opendir (self->path);
    ck_assert_ptr_nonnull (folder);
    struct dirent *entry;
    while ((entry = readdir (folder)))
        if (strncmp (entry->d_name, prefix, strlen (prefix)) == 0) {
            count++;
            if (name)
                strcpy (name, entry->d_name);
        }
    closedir (folder);
    return count;
}

// A file's bytes; the caller frees them.
static inline uint8_t *logs_load (const char *path, size_t *size)
{
    FILE *file = fopen (path, "rb");
    ck_assert_msg (file != NULL, "%s", path);
    fseek (file, 0, SEEK_END);
    *size = (size_t)ftell (file);
    rewind (file);
    uint8_t *bytes = malloc (*size + 1);
    ck_assert_uint_eq (fread (bytes, 1, *size, file), *size);
    fclose (file);
    return bytes;
}

static inline void logs_save (const char *path, const void *bytes, size_t size)
{
    remove (path); // writing over a file makes some file systems flush it
    FILE *file = fopen (path, "wb");
    ck_assert_ptr_nonnull (file);
    ck_assert_uint_eq (fwrite (bytes, 1, size, file), size);
    fclose (file);
}

// Where the batches of a segment lie: `ends` gets the offset behind each, the beginning first.
static inline size_t logs_ends (const uint8_t *bytes, size_t size, size_t *ends, size_t room)
{
    segment_header_t header;
    batch_t batch;
    ck_assert_int_eq (segment_header_decode (&header, bytes), 0);
    size_t at = SEGMENT_HEADER + header.state_size, count = 0;
    ends[0] = at;
    while (batch_peek (&batch, span (bytes + at, size - at)) == 0) {
        at += batch.bytes.size;
        ck_assert_uint_lt (++count, room);
        ends[count] = at;
    }
    return count;
}

#endif
