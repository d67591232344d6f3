#include "daemons/group/transcript.h"

#include "daemons/group/original.h"

#include <czmq.h>

enum {
    STEP = 1 << 20,
    BACK = 4, // go back by so many times the reply's size, and then twice as far each time
    BACK_LEAST = 1 << 16 // the log's index is no finer
};

// Text that keeps its newest bytes: lines are added behind, and whole ones fall off the front.
typedef struct {
    uint8_t *data;
    size_t start;
    size_t end;
    size_t room;
    bool full; // lines fell off the front
} tail_t;

struct transcript {
    int64_t since;
    size_t max;
    bool begun;
    uint64_t begin; // first sequence that may count
    uint64_t from;  // where this pass began
    uint64_t next;  // where it is
    uint64_t end;   // behind its last
    uint64_t back;  // bytes that the next pass goes back
    tail_t pass;    // lines of this pass
    tail_t done;    // lines of passes before, which are newer
};

transcript_t *transcript_new (int64_t since, size_t max)
{
    transcript_t *self = zmalloc (sizeof *self);
    self->since = since;
    self->max = max;
    self->back = BACK * (uint64_t)max;
    if (self->back < BACK_LEAST)
        self->back = BACK_LEAST;
    return self;
}

void transcript_destroy (transcript_t **self_p)
{
    transcript_t *self = *self_p;
    if (!self)
        return;
    free (self->pass.data);
    free (self->done.data);
    free (self);
    *self_p = NULL;
}

static void s_reserve (tail_t *tail, size_t size)
{
    if (tail->room - tail->end >= size)
        return;
    size_t used = tail->end - tail->start;
    if (tail->start >= used && tail->room - used >= size) {
        memcpy (tail->data, tail->data + tail->start, used);
    } else {
        tail->room = 2 * (used + size) + 4096;
        uint8_t *data = malloc (tail->room);
        assert (data);
        if (used > 0)
            memcpy (data, tail->data + tail->start, used);
        free (tail->data);
        tail->data = data;
    }
    tail->start = 0;
    tail->end = used;
}

static size_t s_used (const tail_t *tail)
{
    return tail->end - tail->start;
}

// Adds the line with a newline behind it.
static void s_add_line (tail_t *tail, const record_t *message, size_t max)
{
    size_t size = original_line_size (message) + 1;
    s_reserve (tail, size);
    writer_t out = writer (tail->data + tail->end, size);
    original_put_line (message, &out);
    writer_u8 (&out, '\n');
    tail->end += size;
    while (s_used (tail) > max + 1) { // the last newline does not count
        tail->full = true;
        const uint8_t *front = tail->data + tail->start;
        const uint8_t *newline = memchr (front, '\n', s_used (tail));
        tail->start += (size_t)(newline - front) + 1;
    }
}

static void s_add_batches (transcript_t *self, span_t batches, size_t max)
{
    batch_t batch;
    record_t record;
    while (batch_peek (&batch, batches) == 0) {
        while (batch_next (&batch, &record) == 1)
            if (record.kind == RECORD_MESSAGE && record.seq >= self->next &&
                record.seq < self->end && record.time >= self->since)
                s_add_line (&self->pass, &record, max);
        batches = span (batches.data + batch.bytes.size, batches.size - batch.bytes.size);
    }
}

// The lines of the pass before come behind those of this one.
static void s_end_pass (transcript_t *self)
{
    size_t size = s_used (&self->done);
    if (size > 0) {
        s_reserve (&self->pass, size);
        memcpy (self->pass.data + self->pass.end, self->done.data + self->done.start, size);
        self->pass.end += size;
        free (self->done.data);
    }
    self->done = self->pass;
    memset (&self->pass, 0, sizeof self->pass);
}

static void s_begin_pass (transcript_t *self, log_t *log, uint64_t end)
{
    self->end = end;
    self->from = log_back (log, end - 1, self->back);
    self->back *= 2;
    if (self->from < self->begin)
        self->from = self->begin;
    self->next = self->from;
}

// Where what counts begins. An index need not be made for all of it.
static segments_read_t s_find_begin (transcript_t *self, log_t *log)
{
    uint64_t is;
    if (self->since > 0)
        return log_find (log, self->since, &self->begin, &is);
    self->begin = log_oldest (log);
    return SEGMENTS_PAGE;
}

transcript_step_t transcript_step (transcript_t *self, log_t *log)
{
    if (!self->begun) {
        segments_read_t rc = s_find_begin (self, log);
        if (rc != SEGMENTS_PAGE)
            return rc == SEGMENTS_LATER ? TRANSCRIPT_MORE : TRANSCRIPT_FAILED;
        self->begun = true;
        if (self->begin > log_last (log))
            return TRANSCRIPT_DONE;
        s_begin_pass (self, log, log_last (log) + 1);
    }
    size_t left = self->max - (s_used (&self->done) < self->max ? s_used (&self->done) : self->max);
    segments_page_t page;
    record_why_t why;
    switch (log_read (log, self->next, UINT64_MAX, STEP, &page, &why)) {
    case SEGMENTS_PAGE:
        s_add_batches (self, page.batches, left);
        free (page.buffer);
        self->next = page.last + 1;
        break;
    case SEGMENTS_GAP:
        self->next = page.to + 1;
        break;
    case SEGMENTS_LATER:
        return TRANSCRIPT_MORE;
    default:
        return TRANSCRIPT_FAILED;
    }
    if (self->next < self->end)
        return TRANSCRIPT_MORE;
    bool full = self->pass.full;
    s_end_pass (self);
    if (full || self->from <= self->begin)
        return TRANSCRIPT_DONE;
    s_begin_pass (self, log, self->from);
    return TRANSCRIPT_MORE;
}

span_t transcript_text (const transcript_t *self)
{
    size_t used = s_used (&self->done);
    return used == 0 ? span (NULL, 0) : span (self->done.data + self->done.start, used - 1);
}
