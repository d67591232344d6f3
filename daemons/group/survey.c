#include "daemons/group/survey.h"

#include <czmq.h>

enum { PROGRESS_BYTES = 1 << 24 };

typedef struct {
    survey_t *self;
    void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes);
    uint64_t total; // bytes of all segments
    uint64_t done;
    uint64_t shown;
    uint64_t seq;  // the next that is expected
    chain_t chain; // before it
    int64_t time;  // of the last record
    // the segment at hand
    survey_segment_t *at;
    int fd;
    bool newest;
    uint64_t limit; // first sequence of the segment behind it
} run_t;

// What stands at a place where batches may begin.
typedef struct {
    bool found;
    uint64_t offset;
    uint64_t first;
    chain_t chain; // before it
    int64_t time;  // its base
} place_t;

static void s_refuse (survey_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static void s_refuse (survey_t *self, const char *format, ...)
{
    va_list args;
    if (*self->refusal)
        return;
    va_start (args, format);
    vsnprintf (self->refusal, sizeof self->refusal, format, args);
    va_end (args);
}

// ---- Pieces

static survey_piece_t *s_add_piece (survey_segment_t *segment)
{
    segment->pieces = realloc (segment->pieces, (segment->count + 1) * sizeof (survey_piece_t));
    assert (segment->pieces);
    survey_piece_t *piece = &segment->pieces[segment->count++];
    memset (piece, 0, sizeof *piece);
    return piece;
}

static uint64_t s_end (const survey_segment_t *segment)
{
    return segment->count > 0 ? segment->pieces[segment->count - 1].end : segment->start;
}

static void s_keep (survey_segment_t *segment, uint64_t offset, uint64_t end)
{
    survey_piece_t *last = segment->count > 0 ? &segment->pieces[segment->count - 1] : NULL;
    if (!last || last->is_hole || last->end != offset) {
        last = s_add_piece (segment);
        last->offset = offset;
    }
    last->end = end;
}

// A hole from the expected sequence up to `to` in place of these bytes.
static void s_add_hole (run_t *run, survey_segment_t *segment, uint64_t offset, uint64_t end,
                        uint64_t to, const chain_t *after, int64_t time)
{
    survey_piece_t *piece = s_add_piece (segment);
    piece->is_hole = true;
    piece->offset = offset;
    piece->end = end;
    piece->hole = (hole_t){run->seq, to, *after};
    piece->before = run->chain;
    piece->time = time > run->time ? time : run->time;
    segment->damaged = run->self->damaged = true;
    run->self->lost += to + 1 - run->seq;
    run->seq = to + 1;
    run->chain = *after;
    run->time = piece->time;
}

static void s_learn (run_t *run, const record_t *record)
{
    survey_t *self = run->self;
    if (record->kind != RECORD_TRIM && record->kind != RECORD_STATE_LOG)
        return;
    self->oldest = record_option_number (record, RECORD_OPT_OLDEST, self->oldest);
    self->why = (record_why_t)record_option_number (record, RECORD_OPT_WHY, self->why);
}

static void s_take (run_t *run, batch_t *batch, uint64_t offset, uint64_t end)
{
    record_t record;
    run->done += end - offset;
    if (run->progress && run->done - run->shown >= PROGRESS_BYTES) {
        run->shown = run->done;
        run->progress (NULL, run->done, run->total);
    }
    while (batch_next (batch, &record) == 1) {
        s_learn (run, &record);
        run->time = record.time;
    }
    s_keep (run->at, offset, end);
    run->seq = hole_last (batch) + 1;
    run->chain = hole_chain_after (batch);
}

// ---- One segment

static place_t s_place (const batch_t *batch, uint64_t end)
{
    return (place_t){true, end - batch->bytes.size, hole_first (batch), batch->chain, batch->base};
}

// The next place from `offset` on where a whole batch goes on that is not before the expected
// sequence nor belongs to the next segment. -1: a read error.
static int s_resync (run_t *run, uint64_t offset, place_t *place)
{
    segment_walk_t *walk = segment_walk_new (run->fd, &run->self->log, offset, UINT64_MAX);
    segment_step_t step = SEGMENT_BATCH;
    segment_walk_limit (walk, run->limit);
    place->found = false;
    while (!place->found && step != SEGMENT_END && step != SEGMENT_FAILED) {
        batch_t batch;
        if (step == SEGMENT_BAD)
            step = segment_walk_search (walk, run->seq);
        segment_walk_expect (walk, 0, NULL); // one that is passed over says nothing of the next
        if (step == SEGMENT_BATCH)
            step = segment_walk_next (walk, &batch);
        if (step != SEGMENT_BATCH || batch.type != BATCH_TYPE_RECORDS ||
            hole_first (&batch) < run->seq || hole_last (&batch) >= run->limit)
            continue;
        uint64_t at = segment_walk_offset (walk) - batch.bytes.size;
        int stray = segment_walk_is_stray (walk, at, run->seq);
        if (stray < 0)
            step = SEGMENT_FAILED;
        else if (!stray)
            *place = s_place (&batch, at + batch.bytes.size);
    }
    segment_walk_destroy (&walk);
    return step == SEGMENT_FAILED ? -1 : 0;
}

// Whether the expected record may never have been durable, so that the log ends before it.
static bool s_may_end (const run_t *run)
{
    const segment_header_t *begun = run->self->begun;
    return run->newest && (!begun || run->seq >= begun->first);
}

// The walk found no batch at `offset` that belongs there. 1: goes on at *place; 0: the segment ends
// here; -1: a read error.
static int s_bad (run_t *run, uint64_t offset, place_t *place)
{
    int durable = 1;
    if (s_may_end (run))
        durable = segment_was_durable (run->fd, &run->self->log, offset, run->seq);
    place->found = false;
    if (durable < 0 || (durable && s_resync (run, offset, place) < 0))
        return -1;
    if (place->found) {
        s_add_hole (run, run->at, offset, place->offset, place->first - 1, &place->chain,
                    place->time);
        return 1;
    }
    int64_t used = segment_used (run->fd, offset);
    if (used < 0)
        return -1;
    run->at->used = (uint64_t)used;
    if (s_may_end (run)) {
        run->at->torn = (uint64_t)used - offset;
        run->self->torn = run->self->torn || run->at->torn > 0;
    }
    return 0;
}

static int s_walk (run_t *run)
{
    place_t place = {.offset = run->at->start};
    segment_walk_t *walk = NULL;
    int rc = 1;
    while (rc == 1) {
        segment_walk_destroy (&walk);
        walk = segment_walk_new (run->fd, &run->self->log, place.offset, UINT64_MAX);
        segment_walk_expect (walk, run->seq, &run->chain);
        batch_t batch;
        segment_step_t step;
        uint64_t offset = place.offset;
        while ((step = segment_walk_next (walk, &batch)) == SEGMENT_BATCH &&
               batch.type == BATCH_TYPE_RECORDS) {
            s_take (run, &batch, offset, segment_walk_offset (walk));
            offset = segment_walk_offset (walk);
        }
        run->at->used = offset;
        rc = step == SEGMENT_FAILED ? -1 : 0;
        if (step == SEGMENT_BAD || step == SEGMENT_BATCH)
            rc = s_bad (run, offset, &place);
    }
    segment_walk_destroy (&walk);
    return rc;
}

// Walks the STATE batches. Sets *end behind the last whole one in a row. Returns the step there, or
// SEGMENT_BAD when RECORDS begin that are not the segment's.
static segment_step_t s_walk_state (run_t *run, uint64_t *end)
{
    bool known = run->at->header_whole;
    segment_walk_t *walk = segment_walk_new (run->fd, &run->self->log, SEGMENT_HEADER,
                                             known ? run->at->start : UINT64_MAX);
    batch_t batch;
    segment_step_t step;
    *end = SEGMENT_HEADER;
    while ((step = segment_walk_next (walk, &batch)) == SEGMENT_BATCH &&
           batch.type == BATCH_TYPE_STATE) {
        record_t record;
        while (batch_next (&batch, &record) == 1)
            s_learn (run, &record);
        *end = segment_walk_offset (walk);
    }
    if (step == SEGMENT_BATCH && (known || hole_first (&batch) != run->at->first))
        step = SEGMENT_BAD;
    segment_walk_destroy (&walk);
    return step;
}

// Learns from what is whole of STATE behind what is damaged, as a repair does. -1: a read error.
static int s_learn_rest (run_t *run)
{
    segment_walk_t *walk =
        segment_walk_new (run->fd, &run->self->log, SEGMENT_HEADER, run->at->start);
    segment_step_t step = SEGMENT_BATCH;
    while (step == SEGMENT_BATCH) {
        batch_t batch;
        record_t record;
        step = segment_walk_try (walk, &batch);
        if (step == SEGMENT_BAD && (step = segment_walk_search_state (walk)) == SEGMENT_BATCH)
            step = segment_walk_try (walk, &batch);
        while (step == SEGMENT_BATCH && batch_next (&batch, &record) == 1)
            s_learn (run, &record);
    }
    segment_walk_destroy (&walk);
    return step == SEGMENT_FAILED ? -1 : 0;
}

// Finds out what of the segment's beginning is whole, and where its batches begin. *place: the
// first batch, if it is whole. -1: a read error.
static int s_begin (run_t *run, place_t *place)
{
    survey_segment_t *at = run->at;
    const segment_header_t *header = &at->segment->header;
    at->header_whole = header->version == SEGMENT_VERSION;
    at->start = SEGMENT_HEADER + (uint64_t)header->state_size;
    uint64_t end;
    segment_step_t step = s_walk_state (run, &end);
    if (step == SEGMENT_FAILED)
        return -1;
    at->state_whole = at->header_whole ? step == SEGMENT_END && end == at->start
                                       : step != SEGMENT_BAD && end > SEGMENT_HEADER;
    if (!at->header_whole)
        at->start = end;
    run->seq = at->first;
    if (s_resync (run, at->start, place) < 0)
        return -1;
    if (!at->header_whole && !at->state_whole)
        at->start = place->found ? place->offset : (uint64_t)segment_used (run->fd, end);
    if (!at->state_whole && s_learn_rest (run) < 0)
        return -1;
    place->found = place->found && place->offset == at->start && place->first == at->first;
    int whole = at->header_whole ? segment_begins_whole (run->fd, header) : 0;
    at->begins_whole = whole == 1;
    return whole < 0 ? -1 : 0;
}

// The chain before the segment, if anything says it.
static bool s_chain_of (const survey_segment_t *at, const place_t *place, chain_t *chain)
{
    if (at->header_whole)
        *chain = at->segment->header.chain;
    else if (place->found)
        *chain = place->chain;
    return at->header_whole || place->found;
}

// What lies between the segment before and this one.
static void s_link (run_t *run, const place_t *place, uint64_t expected)
{
    survey_segment_t *at = run->at, *before = at - 1;
    chain_t chain = run->chain;
    bool known = s_chain_of (at, place, &chain);
    int64_t time = at->header_whole ? at->segment->header.time
                   : place->found   ? place->time
                                    : run->time;
    run->seq = expected;
    if (at->first < expected)
        s_refuse (run->self, "segment %" PRIu64 " begins before the one in front of it ends",
                  at->first);
    else if (at->first > expected || (known && !chain_equal (&chain, &run->chain)))
        s_add_hole (run, before, s_end (before), before->used, at->first - 1, &chain, time);
    else if (before->used > s_end (before))
        before->damaged = run->self->damaged = true;
}

// The first segment that is there begins wherever it begins.
static void s_begin_log (run_t *run, const place_t *place)
{
    survey_segment_t *at = run->at;
    chain_t start = chain_start (&run->self->log);
    memset (&run->chain, 0, sizeof run->chain);
    if (at->first == 1) {
        if (!chain_equal (&at->segment->header.chain, &start))
            at->header_whole = at->begins_whole = false;
        run->chain = start;
    } else {
        s_chain_of (at, place, &run->chain);
        run->time = at->header_whole ? at->segment->header.time : place->time;
    }
    run->seq = at->first;
}

static int s_survey (run_t *run, size_t position)
{
    survey_t *self = run->self;
    run->at = &self->list[position];
    run->fd = segments_fd (self->segments, run->at->segment);
    run->newest = position + 1 == self->count || self->list[position + 1].unfinished;
    run->limit = !run->newest  ? self->list[position + 1].first
                 : self->begun ? self->begun->first
                               : INT64_MAX;
    uint64_t expected = run->seq;
    place_t place = {.found = false};
    if (run->fd < 0 || s_begin (run, &place) < 0)
        return -1;
    if (position > 0)
        s_link (run, &place, expected);
    else
        s_begin_log (run, &place);
    if (*self->refusal)
        return 0;
    run->at->header = run->at->segment->header;
    if (!run->at->header_whole)
        run->at->header =
            (segment_header_t){.version = SEGMENT_VERSION,
                               .state_size = (uint32_t)(run->at->start - SEGMENT_HEADER),
                               .log = self->log,
                               .first = run->at->first,
                               .time = run->time,
                               .chain = run->chain};
    if (s_walk (run) < 0)
        return -1;
    const survey_segment_t *at = run->at;
    bool headless = !at->header_whole || !at->state_whole;
    if (headless || (!at->begins_whole && at->count > 0 && !at->pieces[0].is_hole))
        run->at->damaged = self->damaged = true;
    return 0;
}

// ---- The log

// Whether the log went on without this segment. -1: a read error.
static int s_is_overtaken (survey_t *self, size_t position, int fd)
{
    if (position == 0)
        return 0;
    segment_t *segment = self->list[position].segment, *before = self->list[position - 1].segment;
    int before_fd = segments_fd (self->segments, before);
    return before_fd < 0 ? -1
                         : segment_is_overtaken (fd, &segment->header, before_fd, &before->header);
}

// Sets aside, from the end, what the next opening would set aside. -1: a read error.
static int s_find_newest (survey_t *self)
{
    for (size_t i = self->count; i > 0; i--) {
        survey_segment_t *at = &self->list[i - 1];
        int fd = segments_fd (self->segments, at->segment);
        int whole = fd < 0 ? -1 : segment_begins_whole (fd, &at->segment->header);
        int overtaken = whole == 1 ? s_is_overtaken (self, i - 1, fd) : 0;
        if (whole == 0)
            whole = segment_was_durable (fd, &self->log, 0, at->first);
        if (whole < 0 || overtaken < 0)
            return -1;
        if (whole == 1 && !overtaken)
            return 0;
        at->unfinished = self->torn = true;
        if (at->segment->header.version == SEGMENT_VERSION && !self->begun)
            self->begun = &at->segment->header;
    }
    return 0;
}

static void s_check_known (survey_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        const segment_t *segment = self->list[i].segment;
        if (segment->foreign)
            s_refuse (self, "segment %" PRIu64 " belongs to another log: move it away",
                      segment->header.first);
        else if (segment->header.version > SEGMENT_VERSION)
            s_refuse (self, "segment %" PRIu64 " has format version %u; this program knows %d",
                      segment->header.first, segment->header.version, SEGMENT_VERSION);
    }
}

// A segment is begun when all before it is durable.
static void s_check_end (run_t *run)
{
    const segment_header_t *begun = run->self->begun;
    survey_segment_t *at = run->at;
    if (!begun || begun->first == 1)
        return;
    if (!at)
        s_refuse (run->self, "nothing is left but a segment that was just begun");
    else if (run->seq < begun->first)
        s_add_hole (run, at, s_end (at), at->used, begun->first - 1, &begun->chain, begun->time);
}

// Segments are missing in front that retention did not remove: one is made that holds a hole.
static void s_check_front (survey_t *self)
{
    uint64_t first = self->list[0].first;
    if (self->oldest == 0)
        self->oldest = first;
    if (first <= self->oldest)
        return;
    self->list = realloc (self->list, (self->count + 1) * sizeof *self->list);
    assert (self->list);
    memmove (self->list + 1, self->list, self->count * sizeof *self->list);
    self->count++;
    survey_segment_t *made = &self->list[0];
    memset (made, 0, sizeof *made);
    made->first = self->oldest;
    made->damaged = self->damaged = true;
    made->header = (segment_header_t){.log = self->log, .first = made->first};
    if (made->first == 1)
        made->header.chain = chain_start (&self->log);
    survey_piece_t *piece = s_add_piece (made);
    piece->is_hole = true;
    piece->hole = (hole_t){made->first, first - 1, self->list[1].header.chain};
    piece->before = made->header.chain;
    piece->time = self->list[1].header.time;
    self->lost += first - made->first;
}

static int s_run (survey_t *self, void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes))
{
    run_t run = {.self = self, .progress = progress};
    for (size_t i = 0; i < self->count; i++)
        run.total += segments_size (self->segments, i);
    s_check_known (self);
    if (*self->refusal)
        return 0;
    if (s_find_newest (self) < 0)
        return -1;
    for (size_t i = 0; i < self->count && !self->list[i].unfinished && !*self->refusal; i++)
        if (s_survey (&run, i) < 0)
            return -1;
    if (!*self->refusal)
        s_check_end (&run);
    if (run.at && !*self->refusal)
        s_check_front (self);
    self->last = run.at ? run.seq - 1 : 0;
    return 0;
}

survey_t *survey_new (int dir, const guid_t *log,
                      void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes))
{
    survey_t *self = zmalloc (sizeof *self);
    self->log = *log;
    self->segments = segments_new (dir, log);
    if (self->segments) {
        self->torn = shelf_astray (segments_shelf (self->segments), NULL, NULL);
        self->count = segments_count (self->segments);
        self->list = zmalloc ((self->count + 1) * sizeof *self->list);
        for (size_t i = 0; i < self->count; i++) {
            self->list[i].segment = segments_at (self->segments, i);
            self->list[i].first = self->list[i].segment->header.first;
        }
    }
    if (!self->segments || s_run (self, progress) < 0) {
        int cause = errno;
        survey_destroy (&self);
        errno = cause;
    }
    return self;
}

void survey_destroy (survey_t **self_p)
{
    survey_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count && self->list; i++)
        free (self->list[i].pieces);
    free (self->list);
    segments_destroy (&self->segments);
    free (self);
    *self_p = NULL;
}
