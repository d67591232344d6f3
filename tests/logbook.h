// logbook: a log's segment files written by hand, and what is in them.

#ifndef ZCHAT_TESTS_LOGBOOK_H
#define ZCHAT_TESTS_LOGBOOK_H

#include "daemons/group/segment.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#define LOGBOOK_BATCHES 4096

typedef struct {
    size_t segment;
    uint64_t offset;
    size_t size;
    uint64_t first;
    uint64_t last;
    int64_t base;  // time of its first record
    int64_t time;  // of its last
    chain_t chain; // before it
    bool damaged;  // or a hole
    bool hole;
} entry_t;

typedef struct {
    folder_t folder;
    int dir;
    guid_t id;
    chain_t chain;
    uint64_t next; // sequence
    int64_t time;  // of the last record
    int64_t step;  // microseconds between two records
    int fd;        // newest segment
    uint64_t at;
    size_t segments;
    uint64_t firsts[256]; // of the segments
    uint8_t digest[BATCH_DIGEST];
    bool opens; // the next batch is a segment's first
    entry_t entries[LOGBOOK_BATCHES];
    size_t count;
} logbook_t;

static inline logbook_t *logbook_new (void)
{
    logbook_t *self = calloc (1, sizeof *self);
    self->folder = folder_new ();
    self->dir = open (self->folder.path, O_RDONLY | O_DIRECTORY);
    for (uint8_t i = 0; i < GUID_SIZE; i++)
        self->id.bytes[i] = i;
    self->chain = chain_start (&self->id);
    self->next = 1;
    self->time = INT64_C (1795330800000000);
    self->step = 1;
    self->fd = -1;
    return self;
}

static inline void logbook_destroy (logbook_t *self)
{
    if (self->fd >= 0)
        close (self->fd);
    close (self->dir);
    folder_remove (&self->folder);
    free (self);
}

// The path of the segment at a position; valid until the next call.
static inline const char *logbook_path (const logbook_t *self, size_t segment)
{
    char name[SEGMENT_NAME];
    segment_name (self->firsts[segment], name);
    return folder_path (&self->folder, name);
}

static inline void logbook_write (logbook_t *self, const void *data, size_t size)
{
    ck_assert_int_eq (pwrite (self->fd, data, size, (off_t)self->at), (ssize_t)size);
    self->at += size;
}

// Begins a segment with one STATE batch: a member.
static inline void logbook_segment (logbook_t *self)
{
    uint8_t head[SEGMENT_HEADER + BATCH_MAX];
    batch_t first = {.type = BATCH_TYPE_STATE, .first = self->next, .durable = self->next - 1};
    record_t record = {.kind = RECORD_JOIN, .author = self->id, .nick = span_of ("ann")};
    batch_writer_t batch;
    batch_begin (&batch, head + SEGMENT_HEADER, &first);
    batch_add (&batch, &record);
    size_t size = batch_end (&batch, &self->id).size;
    segment_header_t header = {.version = SEGMENT_VERSION,
                               .state_size = (uint32_t)size,
                               .log = self->id,
                               .first = self->next,
                               .time = self->count > 0 ? self->time : 0,
                               .chain = self->chain};
    segment_header_encode (&header, head);
    if (self->fd >= 0)
        close (self->fd);
    self->firsts[self->segments++] = self->next;
    self->fd = open (logbook_path (self, self->segments - 1), O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge (self->fd, 0);
    self->at = 0;
    logbook_write (self, head, SEGMENT_HEADER + size);
    crypto_generichash (self->digest, BATCH_DIGEST, head, SEGMENT_HEADER + size, NULL, 0);
    self->opens = true;
}

// The bytes of the next batch: `count` messages with so long texts.
static inline span_t logbook_make (logbook_t *self, size_t count, size_t text, uint8_t *room)
{
    static char letters[RECORD_TEXT_MAX];
    memset (letters, 'x', text);
    batch_t head = {.type = BATCH_TYPE_RECORDS,
                    .first = self->next,
                    .base = self->time + self->step,
                    .durable = self->next - 1,
                    .chain = self->chain,
                    .digest = self->opens ? self->digest : NULL};
    batch_writer_t batch;
    batch_begin (&batch, room, &head);
    for (size_t i = 0; i < count; i++) {
        self->time += self->step;
        record_t record = {.kind = RECORD_MESSAGE,
                           .time = self->time,
                           .author = self->id,
                           .text = span (letters, text)};
        ck_assert_uint_eq (batch_add (&batch, &record), self->next + i);
    }
    return batch_end (&batch, &self->id);
}

// Appends a batch.
static inline entry_t *logbook_batch (logbook_t *self, size_t count, size_t text)
{
    uint8_t room[BATCH_MAX];
    int64_t base = self->time + self->step;
    span_t bytes = logbook_make (self, count, text, room);
    entry_t *entry = &self->entries[self->count++];
    ck_assert_uint_le (self->count, LOGBOOK_BATCHES);
    *entry = (entry_t){.segment = self->segments - 1,
                       .offset = self->at,
                       .size = bytes.size,
                       .first = self->next,
                       .last = self->next + count - 1,
                       .base = base,
                       .time = self->time,
                       .chain = self->chain};
    logbook_write (self, bytes.data, bytes.size);
    self->chain = chain_next (&self->chain, bytes);
    self->next += count;
    self->opens = false;
    return entry;
}

// Appends what stands where so many records were given up.
static inline entry_t *logbook_hole (logbook_t *self, uint64_t lost)
{
    uint8_t room[BATCH_MAX];
    hole_t hole = {.from = self->next, .to = self->next + lost - 1};
    hole.chain = chain_next (&self->chain, span_of ("lost"));
    span_t bytes = hole_write (&hole, &self->chain, self->time, self->opens ? self->digest : NULL,
                               &self->id, room);
    entry_t *entry = &self->entries[self->count++];
    *entry = (entry_t){.segment = self->segments - 1,
                       .offset = self->at,
                       .size = bytes.size,
                       .first = hole.from,
                       .last = hole.to,
                       .base = self->time,
                       .time = self->time,
                       .chain = self->chain,
                       .damaged = true,
                       .hole = true};
    logbook_write (self, bytes.data, bytes.size);
    self->chain = hole.chain;
    self->next = hole.to + 1;
    self->opens = false;
    return entry;
}

// Batches of so many records of that size, until the segment has about `bytes` more.
static inline void logbook_fill (logbook_t *self, uint64_t bytes, size_t count, size_t text)
{
    for (uint64_t end = self->at + bytes; self->at < end;)
        logbook_batch (self, count, text);
}

// Bytes of a segment become what they should not be.
static inline void logbook_spoil (logbook_t *self, size_t segment, uint64_t offset,
                                  const void *data, size_t size)
{
    int fd = open (logbook_path (self, segment), O_WRONLY);
    ck_assert_int_ge (fd, 0);
    ck_assert_int_eq (pwrite (fd, data, size, (off_t)offset), (ssize_t)size);
    close (fd);
}

typedef enum { SPOIL_HEADER, SPOIL_BODY, SPOIL_ZEROS } spoil_t;

static inline void logbook_damage (logbook_t *self, entry_t *entry, spoil_t how)
{
    static const uint8_t zeros[BATCH_MAX];
    if (how == SPOIL_HEADER)
        logbook_spoil (self, entry->segment, entry->offset, "\xff\xff\xff\xff\xff", 5);
    else if (how == SPOIL_BODY)
        logbook_spoil (self, entry->segment, entry->offset + entry->size - 1, "\xff", 1);
    else
        logbook_spoil (self, entry->segment, entry->offset, zeros, entry->size);
    entry->damaged = true;
}

#endif
