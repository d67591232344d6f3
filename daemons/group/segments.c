#include "daemons/group/segments.h"

#include "daemons/group/seek.h"

#include <czmq.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { STEP_HOLES = 16 }; // that one step comes to: each one is looked around in

struct segments {
    int dir;
    guid_t id;
    shelf_t *shelf; // as it was at the beginning
    segment_t *list;
    size_t count;
    size_t room;
    size_t open;
    uint64_t clock; // counts uses
};

static segment_t *s_add (segments_t *self)
{
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 16;
        self->list = realloc (self->list, self->room * sizeof (segment_t));
        assert (self->list);
    }
    segment_t *segment = &self->list[self->count++];
    memset (segment, 0, sizeof *segment);
    segment->fd = -1;
    segment->end = UINT64_MAX;
    segment->index = index_new ();
    return segment;
}

static void s_close (segments_t *self, segment_t *segment)
{
    if (segment->fd >= 0) {
        close (segment->fd);
        self->open--;
    }
    segment->fd = -1;
}

// Closes the one not read for the longest time if enough are open; the newest, which is written,
// stays.
static void s_make_room (segments_t *self)
{
    if (self->open < SEGMENTS_OPEN)
        return;
    segment_t *oldest = NULL;
    for (size_t i = 0; i + 1 < self->count; i++) {
        segment_t *one = &self->list[i];
        if (one->fd >= 0 && (!oldest || one->used < oldest->used))
            oldest = one;
    }
    if (oldest)
        s_close (self, oldest);
}

static void s_drop (segments_t *self, size_t position)
{
    s_close (self, &self->list[position]);
    index_destroy (&self->list[position].index);
    self->count--;
    memmove (&self->list[position], &self->list[position + 1],
             (self->count - position) * sizeof (segment_t));
}

static void s_set_header (segment_t *segment, const segment_header_t *header)
{
    segment->header = *header;
    segment->start = segment->indexed = SEGMENT_HEADER + (uint64_t)header->state_size;
    segment->indexed_seq = header->first;
}

segments_t *segments_new (int dir, const guid_t *id)
{
    shelf_t *shelf = shelf_new (dir, id);
    if (!shelf)
        return NULL;
    segments_t *self = zmalloc (sizeof *self);
    self->dir = dir;
    self->id = *id;
    self->shelf = shelf;
    for (size_t i = 0; i < shelf->count; i++) {
        const shelf_file_t *file = &shelf->files[i];
        segment_t *segment = s_add (self);
        segment->name = file->name;
        segment->foreign = file->foreign;
        segment->header.first = segment->indexed_seq = file->header.first;
        if (file->whole)
            s_set_header (segment, &file->header);
    }
    for (size_t i = self->count; i > 0; i--) // of whose header nothing is known: at most
        if (self->list[i - 1].header.version == 0)
            self->list[i - 1].header.time = i < self->count ? self->list[i].header.time : INT64_MAX;
    return self;
}

const shelf_t *segments_shelf (const segments_t *self)
{
    return self->shelf;
}

int segments_put_right (segments_t *self, shelf_tell_fn *tell, void *arg)
{
    if (shelf_put_right (self->shelf, tell, arg) < 0)
        return -1;
    for (size_t i = 0; i < self->count; i++)
        self->list[i].name = self->list[i].header.first;
    return 0;
}

void segments_destroy (segments_t **self_p)
{
    segments_t *self = *self_p;
    if (!self)
        return;
    while (self->count > 0)
        s_drop (self, self->count - 1);
    shelf_destroy (&self->shelf);
    free (self->list);
    free (self);
    *self_p = NULL;
}

size_t segments_count (const segments_t *self)
{
    return self->count;
}

segment_t *segments_at (segments_t *self, size_t position)
{
    return &self->list[position];
}

uint64_t segments_size (segments_t *self, size_t position)
{
    segment_t *segment = &self->list[position];
    char name[SEGMENT_NAME];
    struct stat status;
    segment_name (segment->name, name);
    // A segment that is not the newest does not grow any more.
    if (segment->end == UINT64_MAX && fstatat (self->dir, name, &status, 0) == 0)
        segment->end = (uint64_t)status.st_size;
    return segment->end == UINT64_MAX ? 0 : segment->end;
}

segment_t *segments_newest (segments_t *self)
{
    return self->count > 0 ? &self->list[self->count - 1] : NULL;
}

segment_t *segments_append (segments_t *self, const segment_header_t *header, int fd, uint64_t end)
{
    s_make_room (self);
    segment_t *segment = s_add (self);
    s_set_header (segment, header);
    segment->name = header->first;
    segment->fd = fd;
    segment->end = end;
    self->open++;
    return segment;
}

void segments_drop_newest (segments_t *self)
{
    s_drop (self, self->count - 1);
}

int segments_take_oldest (segments_t *self)
{
    int fd = self->list[0].fd;
    self->open -= fd >= 0;
    self->list[0].fd = -1;
    s_drop (self, 0);
    return fd;
}

static int s_open (const segments_t *self, const segment_t *segment, int flags)
{
    char name[SEGMENT_NAME];
    segment_name (segment->name, name);
    return openat (self->dir, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

int segments_fd (segments_t *self, segment_t *segment)
{
    segment->used = ++self->clock;
    if (segment->fd >= 0)
        return segment->fd;
    s_make_room (self);
    segment->fd = s_open (self, segment, O_RDWR);
    segment->read_only = segment->fd < 0 && (errno == EACCES || errno == EROFS);
    if (segment->read_only)
        segment->fd = s_open (self, segment, O_RDONLY);
    if (segment->fd >= 0)
        self->open++;
    return segment->fd;
}

int segments_fd_to_write (segments_t *self, segment_t *segment)
{
    int fd = segments_fd (self, segment);
    if (fd < 0 || !segment->read_only)
        return fd;
    fd = s_open (self, segment, O_RDWR);
    if (fd < 0)
        return -1;
    close (segment->fd);
    segment->fd = fd;
    segment->read_only = false;
    return fd;
}

// Position of the last segment for which `before` holds of the given key; they are ordered by both.
static size_t s_position (const segments_t *self, uint64_t seq, int64_t time, bool by_time)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const segment_header_t *header = &self->list[middle].header;
        if (by_time ? header->time < time : header->first <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

// ---- Indexes

static void s_forget_index (segment_t *segment)
{
    index_destroy (&segment->index);
    segment->index = index_new ();
    segment->indexed = segment->start;
    segment->indexed_seq = segment->header.first;
    segment->lost = segment->complete = false;
}

// A batch at the offset, in its place or behind what is lost.
static void s_index_batch (segment_t *segment, const batch_t *batch, uint64_t offset)
{
    hole_t hole;
    if (batch->type != BATCH_TYPE_RECORDS)
        return;
    if (hole_read (&hole, batch))
        index_add_hole (segment->index);
    else
        index_add (segment->index, batch->first, batch->base, batch_last_time (batch), offset);
    segment->indexed_seq = hole_last (batch) + 1;
}

// One batch more, or over what is none as far as `stop`.
static segment_step_t s_index_next (segment_t *segment, segment_walk_t *walk, uint64_t stop)
{
    batch_t batch;
    segment_step_t step;
    if (segment->lost)
        step = segment_walk_search_to (walk, segment->indexed_seq, stop);
    else if ((step = segment_walk_try (walk, &batch)) == SEGMENT_BATCH)
        s_index_batch (segment, &batch, segment->indexed);
    else if (step == SEGMENT_BAD)
        index_add_lost (segment->index, segment->indexed_seq, segment->indexed);
    segment->lost = step == SEGMENT_BAD;
    segment->indexed = segment_walk_offset (walk);
    return step;
}

// Makes the index for another step. SEGMENTS_PAGE: done with this segment.
static segments_read_t s_index_step (segments_t *self, segment_t *segment)
{
    int fd = segments_fd (self, segment);
    if (fd < 0)
        return SEGMENTS_FAILED;
    segment_walk_t *walk = segment_walk_new (fd, &self->id, segment->indexed, segment->end);
    segment_walk_expect (walk, segment->indexed_seq, NULL);
    if (segment != segments_newest (self))
        segment_walk_limit (walk, segment[1].header.first);
    uint64_t stop = segment->indexed + SEGMENTS_STEP;
    segment_step_t step = SEGMENT_BATCH;
    for (size_t holes = 0; (step == SEGMENT_BATCH || step == SEGMENT_BAD) &&
                           segment->indexed + 1 < stop && holes < STEP_HOLES;
         holes += step == SEGMENT_BAD)
        step = s_index_next (segment, walk, stop);
    segment_walk_destroy (&walk);
    if (step == SEGMENT_FAILED)
        return SEGMENTS_FAILED;
    segment->complete = step == SEGMENT_END;
    return segment->complete ? SEGMENTS_PAGE : SEGMENTS_LATER;
}

// ---- Pages

// Reads up to `size` bytes from `offset` into a new buffer with the headroom in front.
static segments_read_t s_load (segments_t *self, segment_t *segment, uint64_t offset, size_t size,
                               uint8_t **buffer, span_t *bytes)
{
    int fd = segments_fd (self, segment);
    if (fd < 0)
        return SEGMENTS_FAILED;
    if (size > segment->end - offset)
        size = (size_t)(segment->end - offset);
    *buffer = malloc (SEGMENTS_HEADROOM + size);
    assert (*buffer);
    ssize_t rc = segment_pread (fd, *buffer + SEGMENTS_HEADROOM, size, offset);
    if (rc < 0) {
        free (*buffer);
        *buffer = NULL;
        return SEGMENTS_FAILED;
    }
    *bytes = span (*buffer + SEGMENTS_HEADROOM, (size_t)rc);
    return SEGMENTS_PAGE;
}

// Fills the page from bytes that begin with the batch that holds the first sequence wanted.
static void s_fill (segments_t *self, span_t bytes, uint64_t last, size_t max,
                    segments_page_t *page)
{
    batch_t batch;
    hole_t hole;
    const uint8_t *start = bytes.data;
    size_t size = 0;
    bool chained = false; // page->chain is that behind the last batch
    while (batch_open (&batch, bytes, &self->id) == 0 && batch.type == BATCH_TYPE_RECORDS &&
           !hole_read (&hole, &batch)) {
        if (size > 0 && (page->last >= last || size + batch.bytes.size > max ||
                         batch.first != page->last + 1)) {
            // The head of the one that follows has it: no need to hash 64 KiB for a page.
            chained = batch.first == page->last + 1;
            if (chained)
                page->chain = batch.chain;
            break;
        }
        if (size == 0)
            page->first = batch.first;
        page->last = batch_last (&batch);
        page->chain = batch.chain;
        page->batches = batch.bytes;
        size += batch.bytes.size;
        bytes = span (bytes.data + batch.bytes.size, bytes.size - batch.bytes.size);
    }
    if (size > 0) {
        if (!chained)
            page->chain = chain_next (&page->chain, page->batches);
        page->batches = span (start, size);
    }
}

// How much is to be read behind the entry, at most `size`: up to the batch that follows the one
// with `last`, whose head says the chain; not what is lost, which has checksums too, perhaps.
static size_t s_whole (const segment_t *segment, const index_entry_t *entry, uint64_t offset,
                       uint64_t last, size_t size)
{
    size_t behind = 0; // entries that lie behind `last`
    do {
        entry = index_after (segment->index, entry);
        behind += entry && entry->seq > last;
    } while (entry && !entry->lost && behind < 2 && entry->offset - offset < size);
    return entry && entry->offset - offset < size ? (size_t)(entry->offset - offset) : size;
}

// Fills the page with what begins at the batch that holds `seq`, looking for it behind the entry
// from `offset` on by the sizes that batches tell. SEGMENTS_NOTHING: it was missed.
static segments_read_t s_read_at (segments_t *self, segment_t *segment, const index_entry_t *entry,
                                  uint64_t offset, uint64_t seq, uint64_t last, size_t max,
                                  segments_page_t *page)
{
    span_t bytes;
    memset (page, 0, sizeof *page);
    size_t size = s_whole (segment, entry, offset, last, max + INDEX_SPACING + BATCH_MAX);
    segments_read_t rc = s_load (self, segment, offset, size, &page->buffer, &bytes);
    if (rc != SEGMENTS_PAGE)
        return rc;
    batch_t batch;
    while (batch_peek (&batch, bytes) == 0 && hole_last (&batch) < seq)
        bytes = span (bytes.data + batch.bytes.size, bytes.size - batch.bytes.size);
    s_fill (self, bytes, last, max, page);
    if (page->batches.size > 0 && page->first <= seq && seq <= page->last)
        return SEGMENTS_PAGE;
    free (page->buffer);
    memset (page, 0, sizeof *page);
    return SEGMENTS_NOTHING;
}

// Nothing from `seq` on is to be had up to the next entry that is a batch.
static segments_read_t s_gap (const segments_t *self, const segment_t *segment,
                              const index_entry_t *entry, uint64_t seq, uint64_t head,
                              segments_page_t *page)
{
    size_t next = (size_t)(segment - self->list) + 1;
    while (entry && entry->lost)
        entry = index_after (segment->index, entry);
    page->from = seq;
    if (entry)
        page->to = entry->seq - 1;
    else
        page->to = next < self->count ? self->list[next].header.first - 1 : head;
    return SEGMENTS_GAP;
}

// The batch that holds `seq` was missed behind `entry`: there is a hole, or the index is not true
// any more. If it is there after all, *offset is where.
static segments_read_t s_look_behind (segments_t *self, segment_t *segment,
                                      const index_entry_t *entry, uint64_t *offset, uint64_t seq,
                                      uint64_t head, segments_page_t *page)
{
    int fd = segments_fd (self, segment);
    if (fd < 0)
        return SEGMENTS_FAILED;
    const index_entry_t *next = index_after (segment->index, entry);
    uint64_t end = next ? next->offset : segment->complete ? segment->end : segment->indexed;
    segment_walk_t *walk = segment_walk_new (fd, &self->id, *offset, end);
    batch_t batch;
    hole_t hole;
    segment_step_t step;
    do
        step = segment_walk_try (walk, &batch);
    while (step == SEGMENT_BATCH && (hole_last (&batch) < seq || hole_read (&hole, &batch)));
    uint64_t at = segment_walk_offset (walk);
    segment_walk_destroy (&walk);
    if (step == SEGMENT_FAILED)
        return SEGMENTS_FAILED;
    if (step == SEGMENT_BATCH && batch.first <= seq) {
        *offset = at - batch.bytes.size;
        return SEGMENTS_PAGE;
    }
    if (step == SEGMENT_BATCH)
        return s_gap (self, segment, &(index_entry_t){.seq = batch.first}, seq, head, page);
    if (step == SEGMENT_BAD)
        s_forget_index (segment);
    if (step == SEGMENT_BAD || (!next && !segment->complete))
        return s_index_step (self, segment) == SEGMENTS_FAILED ? SEGMENTS_FAILED : SEGMENTS_LATER;
    return s_gap (self, segment, next, seq, head, page);
}

segments_read_t segments_read (segments_t *self, uint64_t seq, uint64_t last, uint64_t head,
                               size_t max, segments_page_t *page)
{
    memset (page, 0, sizeof *page);
    if (seq > head || self->count == 0)
        return SEGMENTS_NOTHING;
    segment_t *segment = &self->list[s_position (self, seq, 0, false)];
    if (!segment->complete && segment->indexed_seq <= seq) {
        segments_read_t step = s_index_step (self, segment);
        if (step != SEGMENTS_PAGE)
            return step;
    }
    const index_entry_t *entry = index_by_seq (segment->index, seq);
    if (entry && entry->lost)
        return s_gap (self, segment, entry, seq, head, page);
    uint64_t offset = entry ? entry->offset : segment->start;
    segments_read_t rc = s_read_at (self, segment, entry, offset, seq, last, max, page);
    if (rc == SEGMENTS_NOTHING)
        rc = s_look_behind (self, segment, entry, &offset, seq, head, page);
    if (rc == SEGMENTS_PAGE && !page->buffer)
        rc = s_read_at (self, segment, entry, offset, seq, last, max, page);
    if (rc != SEGMENTS_NOTHING)
        return rc;
    errno = EIO; // it was there a moment ago
    return SEGMENTS_FAILED;
}

// ---- Times

// s_find_behind where nothing is odd, in one read. SEGMENTS_NOTHING: something is.
static segments_read_t s_find_at_once (segments_t *self, segment_t *segment, uint64_t offset,
                                       uint64_t end, seek_t *find)
{
    uint8_t *buffer;
    span_t bytes;
    if (end < offset || end - offset > INDEX_SPACING + 2 * BATCH_MAX)
        return SEGMENTS_NOTHING;
    segments_read_t rc = s_load (self, segment, offset, (size_t)(end - offset), &buffer, &bytes);
    if (rc != SEGMENTS_PAGE)
        return rc;
    bool found = bytes.size == end - offset && seek_in_batches (find, bytes, &self->id);
    free (buffer);
    return found ? SEGMENTS_PAGE : SEGMENTS_NOTHING;
}

// From one entry of the index (NULL: the beginning) to the next.
static segments_read_t s_find_behind (segments_t *self, segment_t *segment,
                                      const index_entry_t *entry, seek_t *find)
{
    const index_entry_t *next = index_after (segment->index, entry);
    int fd = segments_fd (self, segment);
    if (fd < 0)
        return SEGMENTS_FAILED;
    uint64_t offset = entry ? entry->offset : segment->start;
    uint64_t end = next ? next->offset : segment->end;
    segments_read_t rc = s_find_at_once (self, segment, offset, end, find);
    if (rc != SEGMENTS_NOTHING)
        return rc;
    segment_walk_t *walk = segment_walk_new (fd, &self->id, offset, end);
    segment_step_t step = SEGMENT_BATCH;
    batch_t batch;
    while (!find->is && (step = segment_walk_try (walk, &batch)) == SEGMENT_BATCH)
        seek_in_batch (find, &batch);
    segment_walk_destroy (&walk);
    if (step == SEGMENT_FAILED)
        return SEGMENTS_FAILED;
    if (step == SEGMENT_BAD) {
        s_forget_index (segment);
        return SEGMENTS_LATER;
    }
    return SEGMENTS_PAGE;
}

// In one segment, whose index is complete.
static segments_read_t s_find_in (segments_t *self, segment_t *segment, seek_t *find)
{
    const index_entry_t *entry = index_by_time (segment->index, find->time);
    segments_read_t rc = SEGMENTS_PAGE;
    do {
        if (entry && entry->lost)
            seek_lost (find, entry->seq);
        else if (entry && entry->last < find->time)
            seek_passed (find);
        else if (entry && entry->time >= find->time)
            seek_found (find, entry->seq);
        else
            rc = s_find_behind (self, segment, entry, find);
        if (rc == SEGMENTS_PAGE)
            entry = index_after (segment->index, entry);
    } while (rc == SEGMENTS_PAGE && !find->is && entry);
    return rc;
}

segments_read_t segments_find (segments_t *self, int64_t time, uint64_t head, uint64_t *may,
                               uint64_t *is)
{
    seek_t find = {.time = time};
    size_t first = self->count > 0 ? s_position (self, 0, time, true) : 0;
    if (self->count == 0 || self->list[first].header.time >= time)
        seek_lost (&find, 1); // nothing is known of what was before: the owner may know
    // Only where something is damaged is it not in the first one looked at.
    for (size_t position = first; position < self->count && !find.is; position++) {
        segment_t *segment = &self->list[position];
        if (position > first && segment[-1].indexed_seq < segment->header.first)
            seek_lost (&find, segment[-1].indexed_seq);
        segments_read_t rc = SEGMENTS_PAGE;
        if (!segment->complete)
            rc = s_index_step (self, segment);
        if (rc == SEGMENTS_PAGE)
            rc = s_find_in (self, segment, &find);
        if (rc != SEGMENTS_PAGE)
            return rc;
    }
    *is = find.is ? find.is : head + 1;
    *may = find.is ? find.may : find.lost && find.lost <= head ? find.lost : head + 1;
    return SEGMENTS_PAGE;
}

uint64_t segments_back (const segments_t *self, uint64_t seq, uint64_t bytes, uint64_t oldest)
{
    uint64_t found = oldest;
    for (size_t i = self->count > 0 ? s_position (self, seq, 0, false) + 1 : 0; i > 0; i--) {
        const segment_t *segment = &self->list[i - 1];
        const index_entry_t *at = index_by_seq (segment->index, seq);
        uint64_t offset = at ? at->offset : segment->start;
        if (offset - segment->start >= bytes) {
            at = index_by_offset (segment->index, offset - bytes);
            found = at ? at->seq : segment->header.first;
            break;
        }
        found = segment->header.first;
        if (!at || found <= oldest)
            break; // no index yet: a whole segment is far enough
        bytes -= offset - segment->start;
        seq = found - 1;
    }
    return found > oldest ? found : oldest;
}
