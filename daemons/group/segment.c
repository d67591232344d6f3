#include "daemons/group/segment.h"

#include <czmq.h>
#include <sodium.h>
#include <sys/stat.h>
#include <xxhash.h>

static const char MAGIC[8] = {'z', 'c', 'h', 'a', 't', 'l', 'o', 'g'};
enum { HASHED = 80, WINDOW = 1 << 20, PROBE = 1 << 17 };

void segment_name (uint64_t first, char out[SEGMENT_NAME])
{
    snprintf (out, SEGMENT_NAME, "%020" PRIu64 ".log", first);
}

bool segment_name_parse (const char *name, uint64_t *first)
{
    if (strlen (name) != SEGMENT_NAME - 1 || strcmp (name + 20, ".log") != 0)
        return false;
    if (strspn (name, "0123456789") != 20)
        return false;
    errno = 0;
    *first = strtoull (name, NULL, 10);
    return errno == 0 && *first > 0 && *first <= INT64_MAX;
}

void segment_header_encode (const segment_header_t *self, uint8_t bytes[SEGMENT_HEADER])
{
    writer_t out = writer (bytes, SEGMENT_HEADER);
    writer_bytes (&out, MAGIC, sizeof MAGIC);
    writer_u16 (&out, self->version);
    writer_u16 (&out, 0);
    writer_u32 (&out, self->state_size);
    writer_bytes (&out, self->log.bytes, GUID_SIZE);
    writer_u64 (&out, self->first);
    writer_u64 (&out, (uint64_t)self->time);
    writer_bytes (&out, self->chain.bytes, CHAIN_SIZE);
    writer_u64 (&out, XXH3_64bits (bytes, HASHED));
}

int segment_header_decode (segment_header_t *self, const uint8_t bytes[SEGMENT_HEADER])
{
    reader_t in = reader (bytes, SEGMENT_HEADER);
    uint8_t magic[sizeof MAGIC];
    reader_copy (&in, magic, sizeof magic);
    self->version = reader_u16 (&in);
    uint16_t zeros = reader_u16 (&in);
    self->state_size = reader_u32 (&in);
    reader_copy (&in, self->log.bytes, GUID_SIZE);
    self->first = reader_u64 (&in);
    uint64_t time = reader_u64 (&in);
    reader_copy (&in, self->chain.bytes, CHAIN_SIZE);
    if (memcmp (magic, MAGIC, sizeof MAGIC) != 0 || reader_u64 (&in) != XXH3_64bits (bytes, HASHED))
        return -1;
    if (self->version == SEGMENT_VERSION && (zeros || self->first < 1 || time > INT64_MAX))
        return -1;
    self->time = (int64_t)time;
    return 0;
}

ssize_t segment_pread (int fd, void *out, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t rc = pread (fd, (char *)out + done, size - done, (off_t)(offset + done));
        if (rc == 0)
            break;
        if (rc > 0)
            done += (size_t)rc;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)done;
}

struct segment_walk {
    int fd;
    guid_t log;
    uint64_t offset; // of the next batch
    uint64_t end;
    uint8_t *window;
    size_t room;    // of the window
    uint64_t at;    // offset of the window's first byte
    size_t size;    // bytes in the window
    bool ends;      // nothing follows the window
    uint64_t seq;   // expected, 0: any
    uint64_t limit; // only below it is searched
    bool chained;
    chain_t chain; // expected if chained
};

// A window for what lies from `offset` to `end`: at least one batch, whatever may be appended.
static size_t s_room (int fd, uint64_t offset, uint64_t end)
{
    struct stat status;
    if (fstat (fd, &status) == 0 && (uint64_t)status.st_size < end)
        end = (uint64_t)status.st_size;
    if (end < offset + BATCH_MAX)
        return BATCH_MAX;
    return end - offset < WINDOW ? (size_t)(end - offset) : WINDOW;
}

segment_walk_t *segment_walk_new (int fd, const guid_t *log, uint64_t offset, uint64_t end)
{
    segment_walk_t *self = zmalloc (sizeof *self);
    self->fd = fd;
    self->log = *log;
    self->offset = offset;
    self->end = end;
    self->limit = UINT64_MAX;
    self->at = offset;
    self->room = s_room (fd, offset, end);
    self->window = malloc (self->room);
    assert (self->window);
    return self;
}

void segment_walk_destroy (segment_walk_t **self_p)
{
    if (!*self_p)
        return;
    free ((*self_p)->window);
    free (*self_p);
    *self_p = NULL;
}

void segment_walk_expect (segment_walk_t *self, uint64_t seq, const chain_t *chain)
{
    self->seq = seq;
    self->chained = chain != NULL;
    if (chain)
        self->chain = *chain;
}

void segment_walk_limit (segment_walk_t *self, uint64_t limit)
{
    self->limit = limit;
}

void segment_walk_refresh (segment_walk_t *self)
{
    self->at = self->offset;
    self->size = 0;
    self->ends = false;
}

uint64_t segment_walk_offset (const segment_walk_t *self)
{
    return self->offset;
}

const chain_t *segment_walk_chain (const segment_walk_t *self)
{
    return &self->chain;
}

// Bytes at the position: as many as a batch may have, less only at the end. data NULL: a read
// error.
static span_t s_look (segment_walk_t *self)
{
    uint64_t window_end = self->at + self->size;
    uint64_t have = window_end > self->offset ? window_end - self->offset : 0;
    if (have < BATCH_MAX && window_end < self->end && !self->ends) {
        size_t wanted = self->room;
        if (wanted > self->end - self->offset)
            wanted = (size_t)(self->end - self->offset);
        ssize_t rc = segment_pread (self->fd, self->window, wanted, self->offset);
        if (rc < 0) {
            self->size = 0;
            self->at = self->offset;
            return span (NULL, 0);
        }
        self->at = self->offset;
        self->size = (size_t)rc;
        self->ends = self->size < wanted;
        have = self->size;
    }
    return span (self->window + (self->offset - self->at), (size_t)have);
}

static bool s_in_place (const segment_walk_t *self, const batch_t *batch)
{
    if (batch->type == BATCH_TYPE_STATE)
        return true;
    if (self->seq > 0 && hole_first (batch) != self->seq)
        return false;
    return !self->chained || chain_equal (&batch->chain, &self->chain);
}

static bool s_has_no_size (span_t bytes)
{
    return bytes.size < 4 || memcmp (bytes.data, "\0\0\0\0", 4) == 0;
}

segment_step_t segment_walk_try (segment_walk_t *self, batch_t *batch)
{
    span_t bytes = s_look (self);
    if (!bytes.data)
        return SEGMENT_FAILED;
    if (bytes.size == 0)
        return SEGMENT_END;
    if (s_has_no_size (bytes) || batch_open (batch, bytes, &self->log) < 0 || !batch_sound (batch))
        return SEGMENT_BAD;
    if (!s_in_place (self, batch))
        return SEGMENT_BAD;
    self->offset += batch->bytes.size;
    if (batch->type == BATCH_TYPE_RECORDS) {
        self->seq = hole_last (batch) + 1;
        if (self->chained)
            self->chain = hole_chain_after (batch);
    }
    return SEGMENT_BATCH;
}

segment_step_t segment_walk_next (segment_walk_t *self, batch_t *batch)
{
    segment_step_t step = segment_walk_try (self, batch);
    if (step != SEGMENT_BAD || !s_has_no_size (s_look (self)))
        return step;
    int64_t used = segment_used (self->fd, self->offset);
    if (used < 0)
        return SEGMENT_FAILED;
    return (uint64_t)used == self->offset ? SEGMENT_END : SEGMENT_BAD;
}

// The next place where a whole batch is, wherever it may belong.
static segment_step_t s_search (segment_walk_t *self, batch_type_t type, uint64_t seq,
                                uint64_t stop)
{
    self->chained = false;
    self->seq = 0;
    while (self->offset + 1 < stop) {
        self->offset++;
        span_t bytes = s_look (self);
        if (!bytes.data)
            return SEGMENT_FAILED;
        if (bytes.size < BATCH_HEADER)
            return SEGMENT_END;
        // A size of at most BATCH_MAX and the type stand at the front: cheap to refuse most places.
        if (bytes.data[0] != 0 || bytes.data[1] > 1 || bytes.data[4] != type)
            continue;
        batch_t batch;
        if (batch_open (&batch, bytes, &self->log) == 0 && batch.first >= seq &&
            batch.first < self->limit && batch_sound (&batch))
            return SEGMENT_BATCH;
    }
    return SEGMENT_BAD;
}

// Batches that follow each other from one place on.
typedef struct {
    uint64_t size; // PROBE bytes at most
    bool ends;     // nothing but zeros follows
} run_t;

// -1: a read error.
static int s_run (const segment_walk_t *self, uint64_t offset, run_t *run)
{
    uint64_t end = self->end - offset < PROBE ? self->end : offset + PROBE;
    segment_walk_t *walk = segment_walk_new (self->fd, &self->log, offset, end);
    batch_t batch;
    segment_step_t step = segment_walk_next (walk, &batch);
    if (step == SEGMENT_BATCH) {
        chain_t chain = hole_chain_after (&batch);
        segment_walk_expect (walk, hole_last (&batch) + 1, &chain);
    }
    while (step == SEGMENT_BATCH)
        step = segment_walk_next (walk, &batch);
    run->ends = step == SEGMENT_END;
    run->size = segment_walk_offset (walk) - offset;
    segment_walk_destroy (&walk);
    return step == SEGMENT_FAILED ? -1 : 0;
}

// A whole batch, and the most bytes of batches in order that begin with it.
typedef struct {
    uint64_t first;
    uint64_t last;
    uint64_t most;
} found_t;

// All whole batches from the offset on that begin before `stop`. Returns their count, -1: a read
// error.
static ssize_t s_find_all (const segment_walk_t *self, uint64_t offset, uint64_t stop,
                           found_t *found)
{
    uint64_t end = self->end - offset < stop - offset + BATCH_MAX ? self->end : stop + BATCH_MAX;
    segment_walk_t *walk = segment_walk_new (self->fd, &self->log, offset, end);
    segment_step_t step = SEGMENT_BATCH;
    ssize_t count = 0;
    while (step == SEGMENT_BATCH && segment_walk_offset (walk) < stop) {
        batch_t batch;
        segment_walk_expect (walk, 0, NULL);
        step = segment_walk_try (walk, &batch);
        if (step == SEGMENT_BAD)
            step = s_search (walk, BATCH_TYPE_RECORDS, 0, stop);
        else if (step == SEGMENT_BATCH && batch.type == BATCH_TYPE_RECORDS &&
                 batch.first < self->limit)
            found[count++] = (found_t){hole_first (&batch), hole_last (&batch), batch.bytes.size};
    }
    segment_walk_destroy (&walk);
    return step == SEGMENT_FAILED ? -1 : count;
}

// Whether behind the first of these, if it is taken, another one comes too late.
static bool s_is_in_the_way (const found_t *found, size_t count, uint64_t seq)
{
    for (size_t i = 1; i < count; i++)
        if (found[i].first >= seq && found[i].first <= found[0].last)
            return true;
    return false;
}

// Whether without the first of these more can be had, from `seq` on.
static bool s_costs_more (found_t *found, size_t count, uint64_t seq)
{
    uint64_t most = 0;
    if (!s_is_in_the_way (found, count, seq))
        return false;
    for (size_t i = count; i-- > 0;) {
        uint64_t behind = 0;
        for (size_t j = i + 1; j < count; j++)
            if (found[j].first > found[i].last && found[j].most > behind)
                behind = found[j].most;
        found[i].most += behind;
        if (found[i].first >= seq && found[i].most > most)
            most = found[i].most;
    }
    return most > found[0].most;
}

// *behind: the place behind those that are as stray as the first one.
static int s_is_stray (const segment_walk_t *self, uint64_t offset, uint64_t seq, uint64_t *behind)
{
    run_t run = {0};
    int rc = s_run (self, offset, &run);
    *behind = offset + run.size;
    if (rc < 0 || run.ends || run.size == 0 || run.size >= BATCH_MAX)
        return rc;
    found_t *found = malloc (((BATCH_MAX + PROBE) / BATCH_HEADER + 1) * sizeof *found);
    assert (found);
    ssize_t count = s_find_all (self, offset, *behind + PROBE, found);
    rc = count < 0 ? -1 : s_costs_more (found, (size_t)count, seq);
    free (found);
    return rc;
}

int segment_walk_is_stray (const segment_walk_t *self, uint64_t offset, uint64_t seq)
{
    uint64_t behind;
    return s_is_stray (self, offset, seq, &behind);
}

segment_step_t segment_walk_search_to (segment_walk_t *self, uint64_t seq, uint64_t stop)
{
    for (;;) {
        uint64_t behind = 0;
        segment_step_t step = s_search (self, BATCH_TYPE_RECORDS, seq, stop);
        int stray = step == SEGMENT_BATCH ? s_is_stray (self, self->offset, seq, &behind) : 0;
        if (stray <= 0)
            return stray < 0 ? SEGMENT_FAILED : step;
        self->offset = behind - 1;
    }
}

segment_step_t segment_walk_search (segment_walk_t *self, uint64_t seq)
{
    return segment_walk_search_to (self, seq, UINT64_MAX);
}

segment_step_t segment_walk_search_state (segment_walk_t *self)
{
    return s_search (self, BATCH_TYPE_STATE, 1, UINT64_MAX);
}

int segment_begins_whole (int fd, const segment_header_t *header)
{
    uint8_t digest[BATCH_DIGEST];
    uint64_t start = SEGMENT_HEADER + (uint64_t)header->state_size;
    if (header->version != SEGMENT_VERSION)
        return 0;
    if (segment_digest (fd, start, digest) < 0)
        return -1;
    segment_walk_t *walk = segment_walk_new (fd, &header->log, start, UINT64_MAX);
    segment_walk_expect (walk, header->first, &header->chain);
    batch_t batch;
    segment_step_t step = segment_walk_next (walk, &batch);
    int rc = step == SEGMENT_FAILED ? -1 : 0;
    if (step == SEGMENT_BATCH && batch.type == BATCH_TYPE_RECORDS && batch.opens)
        rc = memcmp (batch.digest, digest, BATCH_DIGEST) == 0;
    segment_walk_destroy (&walk);
    return rc;
}

int segment_was_durable (int fd, const guid_t *log, uint64_t offset, uint64_t seq)
{
    segment_walk_t *walk = segment_walk_new (fd, log, offset, UINT64_MAX);
    int rc = 0;
    segment_step_t step = SEGMENT_BATCH;
    while (rc == 0 && step != SEGMENT_END) {
        batch_t batch;
        if (step == SEGMENT_BAD)
            step = s_search (walk, BATCH_TYPE_RECORDS, seq, UINT64_MAX);
        segment_walk_expect (walk, 0, NULL); // one may be out of place, and those behind it not
        if (step == SEGMENT_BATCH)
            step = segment_walk_next (walk, &batch);
        if (step == SEGMENT_FAILED)
            rc = -1;
        else if (step == SEGMENT_BATCH && batch.type == BATCH_TYPE_RECORDS && batch.durable >= seq)
            rc = 1;
    }
    segment_walk_destroy (&walk);
    return rc;
}

int segment_is_overtaken (int fd, const segment_header_t *header, int before_fd,
                          const segment_header_t *before)
{
    uint64_t start = SEGMENT_HEADER + (uint64_t)header->state_size;
    if (header->version != SEGMENT_VERSION || before->version != SEGMENT_VERSION)
        return 0;
    int durable = segment_was_durable (fd, &header->log, start, header->first);
    if (durable != 0)
        return durable < 0 ? -1 : 0;
    start = SEGMENT_HEADER + (uint64_t)before->state_size;
    segment_walk_t *walk = segment_walk_new (before_fd, &before->log, start, UINT64_MAX);
    segment_walk_expect (walk, before->first, &before->chain);
    batch_t batch;
    segment_step_t step = SEGMENT_BATCH;
    int rc = 0;
    while (rc == 0 && (step = segment_walk_next (walk, &batch)) == SEGMENT_BATCH)
        rc = batch.type == BATCH_TYPE_RECORDS && hole_last (&batch) >= header->first;
    segment_walk_destroy (&walk);
    return step == SEGMENT_FAILED ? -1 : rc;
}

int64_t segment_used (int fd, uint64_t offset)
{
    static const uint8_t zeros[4096];
    uint8_t bytes[4096];
    uint64_t used = offset;
    for (uint64_t at = offset;;) {
        ssize_t rc = segment_pread (fd, bytes, sizeof bytes, at);
        if (rc < 0)
            return -1;
        size_t size = (size_t)rc;
        if (size == 0)
            return (int64_t)used;
        if (memcmp (bytes, zeros, size) != 0) {
            while (bytes[size - 1] == 0)
                size--;
            used = at + size;
        }
        at += (uint64_t)rc;
    }
}

int segment_digest (int fd, uint64_t size, uint8_t digest[BATCH_DIGEST])
{
    uint8_t bytes[65536];
    crypto_generichash_state state;
    crypto_generichash_init (&state, NULL, 0, BATCH_DIGEST);
    for (uint64_t at = 0; at < size;) {
        size_t wanted = size - at < sizeof bytes ? (size_t)(size - at) : sizeof bytes;
        ssize_t rc = segment_pread (fd, bytes, wanted, at);
        if (rc < 0)
            return -1;
        if (rc == 0)
            break;
        crypto_generichash_update (&state, bytes, (size_t)rc);
        at += (uint64_t)rc;
    }
    crypto_generichash_final (&state, digest, BATCH_DIGEST);
    return 0;
}
