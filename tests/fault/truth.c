#include "tests/fault/truth.h"

#include "daemons/group/log.h"

#include <czmq.h>
#include <sys/stat.h>

// ---- Writing

typedef struct {
    truth_t *truth;
    log_t *log;
    uint64_t dice;
    int64_t now;
    const truth_shape_t *shape;
    const char *folder;
} writing_t;

static uint64_t s_dice (writing_t *self)
{
    self->dice ^= self->dice << 13;
    self->dice ^= self->dice >> 7;
    self->dice ^= self->dice << 17;
    return self->dice;
}

static void s_fold (void *arg, const record_t *record)
{
    (void)arg, (void)record;
}

// STATE as a group of some members would have it.
static void s_state (void *arg, log_state_t *state)
{
    (void)arg;
    for (uint8_t i = 0; i < 5; i++) {
        record_t record = {.kind = RECORD_JOIN, .time = 1 + i, .nick = span_of ("somebody")};
        memset (record.author.bytes, 0xa0 + i, GUID_SIZE);
        log_state_put (state, &record);
    }
}

static void s_keep_batches (truth_t *self, span_t batches, size_t segment, size_t offset)
{
    batch_t batch;
    while (batches.size > 0 && batch_peek (&batch, batches) == 0) {
        assert (self->count < TRUTH_BATCHES);
        uint8_t *copy = malloc (batch.bytes.size);
        assert (copy);
        memcpy (copy, batch.bytes.data, batch.bytes.size);
        self->batches[self->count++] = (truth_batch_t){
            batch.first, batch_last (&batch), batch.durable, copy, batch.bytes.size, segment,
            offset};
        record_t record;
        while (batch_next (&batch, &record) == 1)
            self->times[record.seq] = record.time;
        offset += batch.bytes.size;
        batches = span (batches.data + batch.bytes.size, batches.size - batch.bytes.size);
    }
}

static truth_file_t s_load (const char *folder, uint64_t first)
{
    char path[512], name[SEGMENT_NAME];
    struct stat status;
    segment_name (first, name);
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen (path, "rb");
    int rc = file ? fstat (fileno (file), &status) : -1;
    assert (rc == 0);
    truth_file_t loaded = {.first = first, .size = (size_t)status.st_size};
    loaded.data = malloc (loaded.size + 1);
    assert (loaded.data && rc == 0);
    loaded.size = fread (loaded.data, 1, loaded.size, file);
    fclose (file);
    while (loaded.size > 0 && loaded.data[loaded.size - 1] == 0)
        loaded.size--;
    return loaded;
}

// A text; with images, one that holds a batch of before.
static span_t s_text (writing_t *self, uint8_t *room)
{
    truth_t *truth = self->truth;
    size_t size = 1 + s_dice (self) % (2 * self->shape->text);
    for (size_t i = 0; i < size; i++)
        room[i] = (uint8_t)('a' + s_dice (self) % 26);
    if (self->shape->images && truth->count > 0) {
        const truth_batch_t *image = &truth->batches[s_dice (self) % truth->count];
        if (image->size < 700) {
            memcpy (room + size, image->data, image->size);
            size += image->size;
        }
    }
    return span (room, size);
}

// One job of up to three batches. Returns its records.
static size_t s_job (writing_t *self)
{
    static uint8_t text[65536];
    truth_t *truth = self->truth;
    size_t batches = 1 + s_dice (self) % 3, records = 0;
    self->now += (int64_t)(s_dice (self) % 1000000);
    log_begin (self->log, self->now, LOG_JOB_MAX, false);
    for (; batches > 0; batches--) {
        for (size_t i = 1 + s_dice (self) % 3; i > 0; i--) {
            record_t record = {.kind = RECORD_MESSAGE, .nick = span_of ("ann")};
            memset (record.author.bytes, 0xa1, GUID_SIZE);
            memset (record.send.device, 0xd1, RECORD_DEVICE);
            record.send.counter = truth->last + 1;
            record.text = s_text (self, text);
            int rc = log_put (self->log, &record);
            assert (rc == 0);
            (void)rc;
            records++;
        }
        log_break (self->log);
    }
    log_commit (self->log);
    log_done_t done;
    int rc = log_finish (self->log, -1, &done);
    assert (rc == 1 && done.result == WRITER_DONE);
    (void)rc;
    // The file tells where they lie.
    truth_file_t file = s_load (self->folder, truth->files[truth->segments - 1].first);
    uint8_t *at = memmem (file.data, file.size + 1, done.batches.data, done.batches.size);
    if (!at) { // a new segment
        free (file.data);
        truth->files[truth->segments].first = done.first;
        truth->segments++;
        file = s_load (self->folder, done.first);
        at = memmem (file.data, file.size, done.batches.data, done.batches.size);
    }
    assert (at);
    s_keep_batches (truth, done.batches, truth->segments - 1, (size_t)(at - file.data));
    truth->last = done.last;
    free (done.buffer);
    truth->before[truth->jobs++] = file;
    return records;
}

static void s_fill (writing_t *self)
{
    truth_t *truth = self->truth;
    size_t newest = 0;
    truth->files[0].first = 1;
    truth->segments = 1;
    while (newest < self->shape->records) {
        if (truth->segments == self->shape->older + 1)
            log_set_segment (self->log, 1 << 30);
        size_t before = truth->segments;
        size_t records = s_job (self);
        newest = truth->segments == self->shape->older + 1
                     ? (truth->segments == before ? newest : 0) + records
                     : 0;
    }
}

truth_t *truth_new (const char *folder, const truth_shape_t *shape)
{
    truth_t *self = zmalloc (sizeof *self);
    log_fold_t fold = {self, s_fold, s_state};
    trouble_t trouble;
    writing_t writing = {self,
                         log_open (folder, shape->segment, &fold, &trouble),
                         (shape->seed + 1) * 0x9e3779b97f4a7c15u | 1,
                         INT64_C (1795330800000000),
                         shape,
                         folder};
    assert (writing.log);
    self->id = *log_id (writing.log);
    s_fill (&writing);
    log_destroy (&writing.log);
    for (size_t i = 0; i < self->segments; i++) {
        self->files[i] = s_load (folder, self->files[i].first);
        size_t at = 0;
        while (self->batches[at].segment != i)
            at++;
        self->starts[i] = self->batches[at].offset;
    }
    return self;
}

void truth_destroy (truth_t **self_p)
{
    truth_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        free ((void *)self->batches[i].data);
    for (size_t i = 0; i < self->segments; i++)
        free (self->files[i].data);
    for (size_t i = 0; i < self->jobs; i++)
        free (self->before[i].data);
    free (self);
    *self_p = NULL;
}

// ---- The rules

const truth_batch_t *truth_at (const truth_t *self, const uint8_t *data, size_t size)
{
    if (size < BATCH_HEADER || data[0] != 0 || data[4] != BATCH_TYPE_RECORDS)
        return NULL;
    reader_t in = reader (data + 16, 8);
    uint64_t first = reader_u64 (&in);
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->batches[middle].first < first)
            low = middle + 1;
        else
            high = middle;
    }
    const truth_batch_t *batch = &self->batches[low];
    bool same = low < self->count && batch->first == first && batch->size <= size &&
                memcmp (batch->data, data, batch->size) == 0;
    return same ? batch : NULL;
}

static const truth_batch_t *s_batch_in (const truth_t *self, const truth_file_t *file,
                                        size_t offset)
{
    return offset < file->size ? truth_at (self, file->data + offset, file->size - offset) : NULL;
}

// The next whole batch behind the offset whose first record is not below `seq`; moves the offset.
static const truth_batch_t *s_search (const truth_t *self, const truth_file_t *file, uint64_t seq,
                                      size_t *offset)
{
    while (++*offset < file->size) {
        const truth_batch_t *batch = s_batch_in (self, file, *offset);
        if (batch && batch->first >= seq)
            return batch;
    }
    return NULL;
}

// A whole batch of a file, and the most bytes of batches in order that begin with it.
typedef struct {
    const truth_batch_t *batch;
    size_t offset;
    size_t most;
} place_t;

// All whole batches behind the offset that are below `end`, none within another one.
static size_t s_places (const truth_t *self, const truth_file_t *file, uint64_t end, size_t offset,
                        place_t places[TRUTH_BATCHES])
{
    size_t count = 0;
    const truth_batch_t *batch;
    while ((batch = s_search (self, file, 0, &offset))) {
        assert (count < TRUTH_BATCHES);
        if (batch->first < end)
            places[count++] = (place_t){batch, offset, 0};
        offset += batch->size - 1;
    }
    return count;
}

// Where it goes on behind damage, from `seq` on and below `end`: with the first of those whole
// batches that are in order and are the most, in bytes. The others are stray: a disk wrote their
// page to a wrong place. One case the bytes alone do not decide: a page of later batches lies
// before others, and what lay at its own place is lost too. Either these are served, or those, and
// nobody can say which: the most it is all the same, and of as many those that come first.
static const truth_batch_t *s_go_on (const truth_t *self, const truth_file_t *file, uint64_t seq,
                                     uint64_t end, size_t *offset)
{
    place_t places[TRUTH_BATCHES], best = {NULL, 0, 0};
    size_t count = s_places (self, file, end, *offset, places);
    for (size_t i = count; i-- > 0;) {
        place_t *place = &places[i];
        for (size_t j = i + 1; j < count; j++)
            if (places[j].batch->first > place->batch->last && places[j].most > place->most)
                place->most = places[j].most;
        place->most += place->batch->size;
        if (place->batch->first >= seq && place->most >= best.most)
            best = *place;
    }
    *offset = best.offset;
    return best.batch;
}

static bool s_was_durable (const truth_t *self, const truth_file_t *file, size_t offset,
                           uint64_t seq)
{
    const truth_batch_t *batch = s_batch_in (self, file, offset);
    while (!batch || batch->durable < seq)
        if (!(batch = s_search (self, file, seq, &offset)))
            return false;
    return true;
}

static bool s_is_zero (const truth_file_t *file, size_t offset)
{
    while (offset < file->size && file->data[offset] == 0)
        offset++;
    return offset >= file->size;
}

// The segment that has this name in truth, or none.
static const truth_file_t *s_original (const truth_t *self, uint64_t first, size_t *start)
{
    for (size_t i = 0; i < self->segments; i++)
        if (self->files[i].first == first) {
            *start = self->starts[i];
            return &self->files[i];
        }
    return NULL;
}

static bool s_has_header (const truth_t *self, const truth_file_t *file)
{
    size_t start;
    const truth_file_t *original = s_original (self, file->first, &start);
    return original && file->size >= SEGMENT_HEADER &&
           memcmp (file->data, original->data, SEGMENT_HEADER) == 0;
}

// Header and STATE are as written, and the first batch stands there.
static bool s_is_whole (const truth_t *self, const truth_file_t *file, size_t *start)
{
    const truth_file_t *original = s_original (self, file->first, start);
    if (!original || file->size < *start || memcmp (file->data, original->data, *start) != 0)
        return false;
    const truth_batch_t *batch = s_batch_in (self, file, *start);
    return batch && batch->first == file->first;
}

// Somebody else's: a whole header that says another log.
static bool s_is_foreign (const truth_t *self, const truth_file_t *file)
{
    segment_header_t header;
    return file->size >= SEGMENT_HEADER && segment_header_decode (&header, file->data) == 0 &&
           !guid_equal (&header.log, &self->id);
}

typedef struct {
    bool served[TRUTH_SEQS];
    uint64_t next;    // behind the last batch taken
    uint64_t end;     // the next file begins with it
    uint64_t durable; // by a segment that was begun behind it
    bool torn;        // ends with what is to be cut
    bool damaged;     // something in it was durable and is not whole
} walk_t;

// All batches of the file from the offset on, over its holes. `cut`: ends at a tail that nothing
// says was durable.
static void s_walk (const truth_t *self, const truth_file_t *file, size_t offset, bool cut,
                    walk_t *walk)
{
    for (;;) {
        const truth_batch_t *batch = s_batch_in (self, file, offset);
        if (!batch || batch->first != walk->next) {
            if (s_is_zero (file, offset))
                return;
            walk->torn = cut && walk->next > walk->durable &&
                         !s_was_durable (self, file, offset, walk->next);
            if (walk->torn)
                return;
            walk->damaged = true;
            if (!(batch = s_go_on (self, file, walk->next, walk->end, &offset)))
                return;
        }
        for (uint64_t seq = batch->first; seq <= batch->last; seq++)
            walk->served[seq] = true;
        walk->next = batch->last + 1;
        offset += batch->size;
    }
}

// What can be had of a segment that is read only when it is asked for: of its own sequences.
static void s_serve_older (const truth_t *self, const truth_file_t *file, uint64_t end,
                           truth_fate_t *fate)
{
    walk_t walk = {.next = file->first, .end = end};
    size_t start = 0;
    if (s_has_header (self, file))
        s_original (self, file->first, &start);
    else
        walk.next = 0;
    s_walk (self, file, start, false, &walk);
    for (uint64_t seq = file->first; seq < end && seq < TRUTH_SEQS; seq++)
        fate->served[seq] = walk.served[seq];
}

// The newest segment begins as it should, or was durable.
static void s_judge_newest (const truth_t *self, const truth_file_t *file, uint64_t durable,
                            truth_fate_t *fate)
{
    walk_t walk = {.next = file->first, .end = UINT64_MAX, .durable = durable};
    size_t start = 0;
    bool whole = s_is_whole (self, file, &start);
    if (!whole && !s_has_header (self, file))
        start = 0;
    s_walk (self, file, start, true, &walk);
    for (uint64_t seq = file->first; seq < TRUTH_SEQS; seq++)
        fate->served[seq] = walk.served[seq];
    fate->last = walk.next - 1;
    fate->torn += walk.torn && !walk.damaged && whole; // beside damage nothing is cut
    fate->read_only = walk.damaged || !whole || fate->last < durable;
}

static void s_judge_opening (const truth_t *self, const truth_file_t *files, size_t count,
                             truth_fate_t *fate)
{
    size_t start, aside = 0;
    uint64_t durable = 0;
    for (size_t i = 0; i < count; i++)
        if (s_is_foreign (self, &files[i]))
            return;
    while (count > 0 && !s_is_whole (self, &files[count - 1], &start) &&
           !s_was_durable (self, &files[count - 1], 0, files[count - 1].first)) {
        count--;
        aside++;
        if (s_has_header (self, &files[count]) && durable == 0)
            durable = files[count].first - 1;
    }
    fate->opens = true;
    fate->read_only = count == 0 && durable > 0;
    fate->torn = count == 0 && !fate->read_only ? aside : 0;
    if (count == 0)
        return;
    s_judge_newest (self, &files[count - 1], durable, fate);
    for (size_t i = 0; i + 1 < count; i++) {
        s_serve_older (self, &files[i], files[i + 1].first, fate);
        fate->read_only = fate->read_only || !s_has_header (self, &files[i]);
    }
    fate->read_only = fate->read_only || files[0].first > 1;
    if (!fate->read_only) // what proves damage stays where it is
        fate->torn += aside;
}

static truth_verdict_t s_audit (const truth_t *self, const truth_file_t *files, size_t count)
{
    uint64_t next = 1;
    for (size_t i = 0; i < count; i++) {
        const truth_file_t *file = &files[i];
        bool newest = i + 1 == count;
        size_t start;
        walk_t walk = {.next = file->first, .end = UINT64_MAX};
        if (s_is_foreign (self, file))
            return TRUTH_DAMAGED;
        if (!s_is_whole (self, file, &start)) {
            bool counted = s_has_header (self, file) && file->first != next;
            bool torn = newest && !counted && !s_was_durable (self, file, 0, file->first);
            return torn ? TRUTH_TORN : TRUTH_DAMAGED;
        }
        s_walk (self, file, start, newest, &walk);
        if (file->first != next || walk.damaged)
            return TRUTH_DAMAGED;
        if (walk.torn)
            return TRUTH_TORN;
        next = walk.next;
    }
    return TRUTH_SOUND;
}

// ---- Which file is what

static bool s_same (const truth_file_t *one, const truth_file_t *other)
{
    size_t size = one->size < other->size ? one->size : other->size;
    return memcmp (one->data, other->data, size) == 0 && s_is_zero (one, size) &&
           s_is_zero (other, size);
}

// What a whole beginning says that the file is, else what its name says.
static uint64_t s_claim (const truth_t *self, const truth_file_t *file)
{
    segment_header_t header;
    size_t start;
    if (file->size < SEGMENT_HEADER || segment_header_decode (&header, file->data) < 0)
        return file->first;
    truth_file_t claimed = {header.first, file->data, file->size};
    return s_is_whole (self, &claimed, &start) ? header.first : file->first;
}

// Sets what the file is: what it claims to be, unless another one is that already, and has the name
// of it too. Then it is a copy, which counts for nothing, or its beginning is not its own. False:
// it is a copy.
static bool s_identify (const truth_t *self, const truth_file_t *files, size_t count,
                        const truth_file_t *file, truth_file_t *is)
{
    uint64_t claim = s_claim (self, file);
    const truth_file_t *rival = NULL;
    for (size_t i = 0; i < count && claim != file->first; i++)
        if (files[i].first == claim && s_claim (self, &files[i]) == claim)
            rival = &files[i];
    *is = *file;
    is->first = rival ? file->first : claim;
    return !rival || !s_same (file, rival);
}

static int s_by_first (const void *a, const void *b)
{
    uint64_t left = ((const truth_file_t *)a)->first, right = ((const truth_file_t *)b)->first;
    return left < right ? -1 : left > right;
}

// The files in the order of what they are, without copies. Returns their count.
static size_t s_sort (const truth_t *self, const truth_file_t *files, size_t count,
                      truth_file_t *sorted, bool *astray)
{
    size_t sorted_count = 0;
    *astray = false;
    for (size_t i = 0; i < count; i++) {
        bool counts = s_identify (self, files, count, &files[i], &sorted[sorted_count]);
        *astray = *astray || !counts || sorted[sorted_count].first != files[i].first;
        sorted_count += counts;
    }
    qsort (sorted, sorted_count, sizeof *sorted, s_by_first);
    return sorted_count;
}

void truth_judge (const truth_t *self, const truth_file_t *files, size_t count, truth_fate_t *fate)
{
    truth_file_t sorted[TRUTH_FILES];
    memset (fate, 0, sizeof *fate);
    count = s_sort (self, files, count, sorted, &fate->astray);
    s_judge_opening (self, sorted, count, fate);
    fate->verdict = s_audit (self, sorted, count);
    if (fate->verdict == TRUTH_SOUND && fate->astray)
        fate->verdict = TRUTH_TORN; // the next opening puts it right
}
