#include "daemons/group/repair.h"

#include "common/exits.h"
#include "common/wallclock.h"
#include "daemons/group/draft.h"
#include "daemons/group/lineage.h"
#include "daemons/group/roster.h"
#include "daemons/group/state.h"
#include "daemons/group/writer.h"

#include <czmq.h>
#include <fcntl.h>
#include <sodium.h>

typedef struct {
    int dir;
    const survey_t *survey;
    const survey_segment_t *at;
    repair_tell_fn *tell;
    void *arg;
    trouble_t *trouble;
} run_t;

// What the records up to some point say, as far as they are there.
typedef struct {
    roster_t *roster;
    lineage_t *lineage;
    uint64_t generation;
    uint64_t oldest; // 0: nothing says it
    record_why_t why;
} fold_t;

// ---- Words

static void s_tell (repair_tell_fn *tell, void *arg, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

static void s_tell (repair_tell_fn *tell, void *arg, const char *format, ...)
{
    char line[300];
    va_list args;
    va_start (args, format);
    vsnprintf (line, sizeof line, format, args);
    va_end (args);
    tell (arg, line);
}

static void s_explain_hole (const survey_segment_t *segment, const survey_piece_t *piece,
                            repair_tell_fn *tell, void *arg)
{
    const hole_t *hole = &piece->hole;
    if (piece->end > piece->offset)
        s_tell (tell, arg, "segment %" PRIu64 ": bytes %" PRIu64 " to %" PRIu64 " hold no batch",
                segment->first, piece->offset, piece->end - 1);
    if (hole->to >= hole->from)
        s_tell (tell, arg,
                "segment %" PRIu64 ": records %" PRIu64 " to %" PRIu64
                " are lost; a hole takes their place",
                segment->first, hole->from, hole->to);
    else
        s_tell (tell, arg,
                "segment %" PRIu64 ": the chain is broken before record %" PRIu64
                "; an empty hole marks it",
                segment->first, hole->from);
}

static void s_explain_segment (const survey_segment_t *segment, repair_tell_fn *tell, void *arg)
{
    if (segment->unfinished) {
        s_tell (tell, arg,
                "segment %" PRIu64 ": unfinished, never acknowledged; it is set aside as torn-…",
                segment->first);
        return;
    }
    if (!segment->segment)
        s_tell (tell, arg, "segment %" PRIu64 ": missing; one with a hole takes its place",
                segment->first);
    else if (!segment->header_whole || !segment->state_whole)
        s_tell (tell, arg, "segment %" PRIu64 ": %s damaged; made again from the rest of the log",
                segment->first,
                segment->state_whole    ? "the header is"
                : segment->header_whole ? "the STATE is"
                                        : "header and STATE are");
    else if (!segment->begins_whole && segment->count > 0 && !segment->pieces[0].is_hole)
        s_tell (tell, arg,
                "segment %" PRIu64 ": its beginning is not what its first batch says it was; made "
                "again from the rest of the log",
                segment->first);
    for (size_t i = 0; i < segment->count; i++)
        if (segment->pieces[i].is_hole)
            s_explain_hole (segment, &segment->pieces[i], tell, arg);
    uint64_t end = segment->count > 0 ? segment->pieces[segment->count - 1].end : segment->start;
    if (segment->torn > 0)
        s_tell (tell, arg,
                "segment %" PRIu64 ": a torn tail of %" PRIu64 " bytes from byte %" PRIu64
                " on, never acknowledged; it is cut off and kept as "
                "torn-…",
                segment->first, segment->torn, end);
    else if (segment->used > end)
        s_tell (tell, arg,
                "segment %" PRIu64 ": bytes %" PRIu64 " to %" PRIu64
                " behind its last batch belong to nothing; they are left out",
                segment->first, end, segment->used - 1);
}

void repair_explain (const survey_t *survey, repair_tell_fn *tell, void *arg)
{
    shelf_astray (segments_shelf (survey->segments), tell, arg);
    for (size_t i = 0; i < survey->count; i++)
        s_explain_segment (&survey->list[i], tell, arg);
    if (survey->damaged)
        s_tell (tell, arg,
                "%" PRIu64 " records are lost; damaged segments stay as damaged-<time>-<segment>",
                survey->lost);
}

// ---- The fold

static void s_fold (fold_t *self, const record_t *record)
{
    self->generation = record_generation (record, self->generation);
    if (record->kind == RECORD_TRIM || record->kind == RECORD_STATE_LOG) {
        self->oldest = record_option_number (record, RECORD_OPT_OLDEST, self->oldest);
        self->why = (record_why_t)record_option_number (record, RECORD_OPT_WHY, self->why);
    }
    lineage_put (self->lineage, record);
    roster_put (self->roster, record);
    roster_commit (self->roster);
}

static int s_read_error (run_t *self, const survey_segment_t *segment)
{
    return trouble_set (self->trouble, EXIT_SYNC, "segment %" PRIu64 " cannot be read: %s",
                        segment->first, strerror (errno));
}

static int s_fd (run_t *self, const survey_segment_t *segment)
{
    return segments_fd (self->survey->segments, segment->segment);
}

// Folds whole batches from `offset` to `end`; of STATE, over what is damaged too.
static int s_fold_bytes (run_t *self, const survey_segment_t *segment, uint64_t offset,
                         uint64_t end, fold_t *fold)
{
    int fd = s_fd (self, segment);
    segment_walk_t *walk = fd < 0 ? NULL : segment_walk_new (fd, &self->survey->log, offset, end);
    segment_step_t step = walk ? SEGMENT_BATCH : SEGMENT_FAILED;
    while (step == SEGMENT_BATCH) {
        batch_t batch;
        record_t record;
        step = segment_walk_next (walk, &batch);
        if (step == SEGMENT_BAD && end <= segment->start &&
            (step = segment_walk_search_state (walk)) == SEGMENT_BATCH)
            step = segment_walk_next (walk, &batch);
        while (step == SEGMENT_BATCH && batch_next (&batch, &record) == 1) {
            record.seq = batch.type == BATCH_TYPE_STATE ? 0 : record.seq;
            s_fold (fold, &record);
        }
    }
    segment_walk_destroy (&walk);
    return step == SEGMENT_FAILED ? s_read_error (self, segment) : 0;
}

static bool s_has_state (const survey_segment_t *segment)
{
    return segment->segment && segment->header_whole && segment->state_whole;
}

static int s_fold_segment (run_t *self, const survey_segment_t *segment, bool state, fold_t *fold)
{
    if (state && s_fold_bytes (self, segment, SEGMENT_HEADER, segment->start, fold) < 0)
        return -1;
    for (size_t i = 0; i < segment->count; i++) {
        const survey_piece_t *piece = &segment->pieces[i];
        if (!piece->is_hole && s_fold_bytes (self, segment, piece->offset, piece->end, fold) < 0)
            return -1;
    }
    return 0;
}

// Folds what was before the segment: from the newest whole STATE before it on, or else what is left
// of its own.
static int s_fold_before (run_t *self, fold_t *fold)
{
    const survey_segment_t *list = self->survey->list;
    size_t at = (size_t)(self->at - list), from = at;
    while (from > 0 && !s_has_state (&list[from - 1]))
        from--;
    if (from == 0)
        return self->at->segment
                   ? s_fold_bytes (self, self->at, SEGMENT_HEADER, self->at->start, fold)
                   : 0;
    int rc = 0;
    for (size_t i = from - 1; i < at && rc == 0; i++)
        rc = s_fold_segment (self, &list[i], i == from - 1, fold);
    return rc;
}

static void s_put_state (void *state, const record_t *record)
{
    state_put (state, record);
}

// ---- A segment's beginning

typedef struct {
    segment_header_t header;
    state_t *made; // header and STATE; NULL: those of the file, `header` over them
    span_t bytes;  // of `made`
    uint8_t digest[BATCH_DIGEST];
    bool exact; // the first batch says that it was so
} head_t;

// The digest that the segment's first batch has seen. 1, 0: it is lost, or opens nothing; -1.
static int s_digest_seen (run_t *self, uint8_t digest[BATCH_DIGEST])
{
    const survey_segment_t *at = self->at;
    if (!at->segment || at->count == 0 || at->pieces[0].is_hole)
        return 0;
    int fd = s_fd (self, at);
    if (fd < 0)
        return s_read_error (self, at);
    segment_walk_t *walk = segment_walk_new (fd, &self->survey->log, at->start, UINT64_MAX);
    batch_t batch;
    segment_step_t step = segment_walk_next (walk, &batch);
    bool seen = step == SEGMENT_BATCH && batch.opens;
    if (seen)
        memcpy (digest, batch.digest, BATCH_DIGEST);
    segment_walk_destroy (&walk);
    return step == SEGMENT_FAILED ? s_read_error (self, at) : seen;
}

// BLAKE2b over this header and the STATE of the file.
static int s_digest_file (run_t *self, const segment_header_t *header, uint8_t *digest)
{
    const survey_segment_t *at = self->at;
    uint8_t bytes[65536];
    crypto_generichash_state hash;
    crypto_generichash_init (&hash, NULL, 0, BATCH_DIGEST);
    segment_header_encode (header, bytes);
    crypto_generichash_update (&hash, bytes, SEGMENT_HEADER);
    int fd = s_fd (self, at);
    for (uint64_t offset = SEGMENT_HEADER; offset < at->start; offset += sizeof bytes) {
        uint64_t left = at->start - offset;
        size_t size = left < sizeof bytes ? (size_t)left : sizeof bytes;
        if (fd < 0 || segment_pread (fd, bytes, size, offset) != (ssize_t)size)
            return s_read_error (self, at);
        crypto_generichash_update (&hash, bytes, size);
    }
    crypto_generichash_final (&hash, digest, BATCH_DIGEST);
    return 0;
}

// Makes STATE from what the records before say.
static int s_make_state (run_t *self, head_t *head)
{
    const survey_t *survey = self->survey;
    fold_t fold = {.roster = roster_new (), .lineage = lineage_new ()};
    int rc = s_fold_before (self, &fold);
    if (rc == 0) {
        if (fold.oldest == 0) { // nothing says it: this is where history begins now
            fold.oldest = self->at->segment ? self->at->first : survey->oldest;
            fold.why = !self->at->segment    ? survey->why
                       : self->at->first > 1 ? RECORD_WHY_DAMAGE
                                             : RECORD_WHY_NONE;
        }
        head->made = state_new (&survey->log, self->at->first);
        head->header = self->at->header;
        state_put_log (head->made, fold.generation, fold.oldest, fold.why, head->header.time);
        lineage_state (fold.lineage, s_put_state, head->made);
        roster_state (fold.roster, s_put_state, head->made);
        head->bytes = state_end (head->made, &head->header, head->digest);
    }
    lineage_destroy (&fold.lineage);
    roster_destroy (&fold.roster);
    return rc;
}

static int s_make_head (run_t *self, head_t *head)
{
    const survey_segment_t *at = self->at;
    uint8_t seen[BATCH_DIGEST];
    int known = s_digest_seen (self, seen);
    if (known < 0)
        return -1;
    if (at->segment && at->state_whole) {
        head->header = at->header;
        if (s_digest_file (self, &head->header, head->digest) < 0)
            return -1;
        head->exact = known && memcmp (seen, head->digest, BATCH_DIGEST) == 0;
        // What passes every check but that of the first batch is nobody's word.
        bool made_up = at->header_whole && known && !head->exact;
        if (!made_up || at == self->survey->list)
            return 0;
    }
    if (s_make_state (self, head) < 0)
        return -1;
    head->exact = known && memcmp (seen, head->digest, BATCH_DIGEST) == 0;
    return 0;
}

// ---- The new segment

static int s_write_hole (run_t *self, draft_t *draft, const survey_piece_t *piece,
                         const uint8_t *digest)
{
    uint8_t bytes[BATCH_MAX];
    return draft_write (draft, hole_write (&piece->hole, &piece->before, piece->time, digest,
                                           &self->survey->log, bytes));
}

// An empty hole in front says that the beginning was made again.
static survey_piece_t s_opening (const survey_segment_t *segment)
{
    const segment_header_t *header = &segment->header;
    return (survey_piece_t){.is_hole = true,
                            .hole = {segment->first, segment->first - 1, header->chain},
                            .before = header->chain,
                            .time = header->time};
}

static int s_write_head (run_t *self, draft_t *draft, const head_t *head)
{
    if (head->made)
        return draft_write (draft, head->bytes);
    uint8_t bytes[SEGMENT_HEADER];
    segment_header_encode (&head->header, bytes);
    if (draft_write (draft, span (bytes, sizeof bytes)) < 0)
        return -1;
    return draft_copy (draft, s_fd (self, self->at), SEGMENT_HEADER, self->at->start);
}

static int s_write (run_t *self, draft_t *draft, const head_t *head)
{
    const survey_segment_t *at = self->at;
    int rc = s_write_head (self, draft, head);
    bool opened = head->exact;
    if (rc == 0 && !opened && (at->count == 0 || !at->pieces[0].is_hole)) {
        survey_piece_t opening = s_opening (at);
        rc = s_write_hole (self, draft, &opening, head->digest);
        opened = true;
    }
    for (size_t i = 0; i < at->count && rc == 0; i++) {
        const survey_piece_t *piece = &at->pieces[i];
        if (piece->is_hole)
            rc = s_write_hole (self, draft, piece, opened ? NULL : head->digest);
        else
            rc = draft_copy (draft, s_fd (self, at), piece->offset, piece->end);
        opened = true;
    }
    if (rc == 0 && at->torn > 0) // for recovery to judge
        rc = draft_copy (draft, s_fd (self, at), at->used - at->torn, at->used);
    return rc;
}

static int s_keep_evidence (run_t *self, const char *name)
{
    char kept[64];
    if (!self->at->segment)
        return 0;
    snprintf (kept, sizeof kept, "damaged-%020" PRId64 "-%020" PRIu64, wallclock_now (),
              self->at->first);
    if (linkat (self->dir, name, self->dir, kept, 0) < 0 || writer_sync (self->dir) < 0)
        return -1;
    s_tell (self->tell, self->arg, "segment %" PRIu64 ": what it was is kept in %s",
            self->at->first, kept);
    return 0;
}

static int s_rewrite (run_t *self)
{
    char name[SEGMENT_NAME];
    head_t head = {.made = NULL};
    segment_name (self->at->first, name);
    if (s_make_head (self, &head) < 0) {
        state_destroy (&head.made);
        return -1;
    }
    draft_t *draft = draft_new (self->dir, name);
    int rc = draft ? s_write (self, draft, &head) : -1;
    if (rc == 0)
        rc = s_keep_evidence (self, name);
    if (rc == 0)
        rc = draft_keep (draft);
    if (rc < 0)
        trouble_set (self->trouble, errno == ENOSPC ? EXIT_NOT_NOW : EXIT_SYNC,
                     "segment %" PRIu64 " cannot be made anew: %s", self->at->first,
                     strerror (errno));
    else
        s_tell (self->tell, self->arg, "segment %" PRIu64 ": made anew", self->at->first);
    draft_destroy (&draft);
    state_destroy (&head.made);
    return rc;
}

static void s_no_fold (void *arg, const record_t *record)
{
    (void)arg, (void)record;
}

// Cuts off and sets aside as an opening does.
static int s_recover (run_t *self)
{
    recovery_t found;
    if (recovery_run (&found, self->dir, &self->survey->log, s_no_fold, NULL, self->trouble) < 0)
        return -1;
    if (*found.notice)
        s_tell (self->tell, self->arg, "%s", found.notice);
    segments_destroy (&found.segments);
    return 0;
}

int repair_run (int dir, const survey_t *survey, repair_tell_fn *tell, void *arg,
                trouble_t *trouble)
{
    run_t run = {dir, survey, NULL, tell, arg, trouble};
    if (*survey->refusal)
        return trouble_set (trouble, EXIT_REFUSED, "%s", survey->refusal);
    if (segments_put_right (survey->segments, tell, arg) < 0)
        return trouble_set (trouble, EXIT_SYNC, "files with wrong names cannot be put right: %s",
                            strerror (errno));
    // From the end: what a segment is made from lies before it.
    for (size_t i = survey->count; i > 0; i--) {
        run.at = &survey->list[i - 1];
        if (run.at->damaged && s_rewrite (&run) < 0)
            return -1;
    }
    return s_recover (&run);
}
