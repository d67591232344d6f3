#include "daemons/group/keep.h"

enum { PARTS = 8 };

#define SECOND INT64_C (1000000)
#define STEP   (60 * SECOND) // a clock that moves more than this against the other one stepped

// A segment is due when all behind it still is as much as is to be kept.
typedef struct {
    const keep_limits_t *limits;
    int64_t horizon; // records before it are too old
    uint64_t total;  // bytes from the segment at hand on
} judge_t;

// Why the segment in front goes, if `next_first` and `next_before` are those of what follows it.
// NONE: it stays.
static record_why_t s_due (const judge_t *self, uint64_t next_first, int64_t next_before,
                           uint64_t last)
{
    if (self->limits->age > 0 && next_before < self->horizon)
        return RECORD_WHY_AGE;
    if (self->limits->size > 0 && self->total > self->limits->size)
        return RECORD_WHY_SIZE;
    uint64_t left = last + 1 - next_first;
    if (self->limits->count > 0 && left >= self->limits->count)
        return RECORD_WHY_COUNT;
    return RECORD_WHY_NONE;
}

// Whether the newest segment holds so much of what is kept that it should end.
static bool s_wants_close (const judge_t *self, const keep_segment_t *newest, uint64_t last,
                           int64_t now)
{
    const keep_limits_t *limits = self->limits;
    if (last < newest->first)
        return false;
    return (limits->age > 0 && now - newest->begin > limits->age / PARTS) ||
           (limits->size > 0 && newest->bytes > limits->size / PARTS) ||
           (limits->count > 0 && last + 1 - newest->first > limits->count / PARTS);
}

keep_verdict_t keep_judge (const keep_limits_t *limits, const keep_segment_t *segments,
                           size_t count, uint64_t last, int64_t last_time, int64_t now)
{
    keep_verdict_t verdict = {0};
    judge_t judge = {limits, now - limits->age, 0};
    for (size_t i = 0; i < count; i++)
        judge.total += segments[i].bytes;
    for (size_t i = 0; i + 1 < count; i++) {
        record_why_t why = s_due (&judge, segments[i + 1].first, segments[i + 1].before, last);
        if (why == RECORD_WHY_NONE)
            break;
        verdict.trim = true;
        verdict.why = why;
        verdict.oldest = segments[i + 1].first;
        judge.total -= segments[i].bytes;
    }
    // All of it is too old. Only age can say so: size and count always leave something.
    if (limits->age > 0 && last > 0 && last_time < judge.horizon) {
        verdict.trim = verdict.all = true;
        verdict.why = RECORD_WHY_AGE;
    }
    verdict.close = verdict.all || s_wants_close (&judge, &segments[count - 1], last, now);
    return verdict;
}

void keep_clock_begin (keep_clock_t *self, int64_t wall, int64_t mono, int64_t last_time)
{
    bool ahead = last_time > 0 && wall - last_time > KEEP_WAIT * SECOND;
    self->offset = wall - mono;
    self->hold = ahead ? mono + KEEP_WAIT * SECOND : 0;
}

bool keep_clock_trusted (keep_clock_t *self, int64_t wall, int64_t mono, int64_t last_time)
{
    int64_t offset = wall - mono;
    int64_t moved = offset > self->offset ? offset - self->offset : self->offset - offset;
    if (moved > STEP)
        self->hold = mono + KEEP_WAIT * SECOND;
    self->offset = offset;
    return wall >= last_time && mono >= self->hold;
}
