// A log whose bytes are not what they were: cut, flipped, zeroed, old, moved, doubled, lost. After
// each change the log is verified, opened and read to the end, and held against truth.h.
//
// All states are numbered. They are tried in passes: each takes some of every kind, chosen by the
// seed, so that whatever time there is, it is spent on all kinds alike.

#include "common/text.h"
#include "daemons/group/audit.h"
#include "daemons/group/log.h"
#include "tests/fault/rigs.h"
#include "tests/fault/states.h"

#include <czmq.h>
#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
    WORKERS = 2,
    PASSES = 256,
    KINDS = 3,
    APPEND_EVERY = 16,
    TOLD = 10,
    ASKED = 4,
    STEPS = 1000
};

// What the workers have done, by kind of log.
typedef struct {
    size_t all;
    size_t tried;
    size_t fates[4]; // sound, torn, read only, refused
    size_t wrong;
} tally_t;

typedef struct {
    const rigs_options_t *options;
    const char *kind;
    states_t states;
    truth_t *truth;
    truth_t *other;
    char folder[256];
    size_t worker;
    size_t pass;
    size_t one; // the only state that is tried, SIZE_MAX: all
    int64_t until;
    tally_t *tally;
    volatile size_t *wrong; // of all workers and kinds
    size_t told;            // the state that was described
    // What lies in the folder.
    uint64_t laid[TRUTH_FILES]; // names of files
    bool pristine[TRUTH_FILES]; // they are as they were written
    size_t laid_count;
    bool clean; // nothing else lies there, and nothing was changed since
} rig_t;

// ---- Trying one

// How the state differs from what was written.
static void s_describe (const rig_t *self)
{
    const states_t *states = &self->states;
    printf ("   fault_log bytes --seed %" PRIu64 " --one %s,%zu\n", self->options->seed, self->kind,
            states->at - 1);
    for (size_t i = 0; i < self->truth->segments; i++) {
        const truth_file_t *was = &self->truth->files[i];
        size_t at = 0, differs = 0, first = 0;
        while (at < states->count && states->files[at].first != was->first)
            at++;
        const truth_file_t *is = at < states->count ? &states->files[at] : NULL;
        for (size_t b = 0; is && b < is->size && b < was->size; b++)
            if (is->data[b] != was->data[b] && differs++ == 0)
                first = b;
        printf ("   segment %" PRIu64 ": %zu bytes, were %zu; %zu differ, from byte %zu\n",
                was->first, is ? is->size : 0, was->size, differs, first);
    }
}

static void s_wrong (rig_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

static void s_wrong (rig_t *self, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    const states_t *states = &self->states;
    if (self->tally->wrong < TOLD) {
        printf ("WRONG: %s %zu: ", states->what, states->number);
        vprintf (format, args);
        printf ("\n");
        if (self->told != states->at)
            s_describe (self);
        self->told = states->at;
    }
    va_end (args);
    self->tally->wrong++;
    ++*self->wrong;
}

static void s_path (const rig_t *self, const char *name, char path[600])
{
    snprintf (path, 600, "%s/%s", self->folder, name);
}

// Removes all but the key.
static void s_empty_folder (const rig_t *self)
{
    DIR *dir = opendir (self->folder);
    struct dirent *entry;
    while (dir && (entry = readdir (dir)))
        if (entry->d_name[0] != '.' && strcmp (entry->d_name, "key") != 0)
            unlinkat (dirfd (dir), entry->d_name, 0);
    if (dir)
        closedir (dir);
}

static size_t s_torn_files (const rig_t *self)
{
    size_t count = 0;
    DIR *dir = opendir (self->folder);
    struct dirent *entry;
    while (dir && (entry = readdir (dir)))
        count += strncmp (entry->d_name, "torn-", 5) == 0;
    if (dir)
        closedir (dir);
    return count;
}

static void s_write_file (const rig_t *self, const truth_file_t *is)
{
    char path[600], name[SEGMENT_NAME];
    segment_name (is->first, name);
    s_path (self, name, path);
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    ssize_t wrote = fd < 0 ? -1 : write (fd, is->data, is->size);
    assert (wrote == (ssize_t)is->size);
    (void)wrote;
    close (fd);
}

// Whether the file is as it was written.
static bool s_is_pristine (const rig_t *self, const truth_file_t *is)
{
    const truth_t *truth = self->truth;
    size_t i = 0;
    while (i < truth->segments && truth->files[i].first != is->first)
        i++;
    const truth_file_t *was = i < truth->segments ? &truth->files[i] : NULL;
    return was && was->size == is->size && memcmp (was->data, is->data, is->size) == 0;
}

// Lays out the state. What lies there already, for it differs in nothing from what was written, is
// left: most states change one file only.
static void s_lay_out (rig_t *self)
{
    const states_t *states = &self->states;
    size_t kept = 0;
    for (size_t i = 0; self->clean && i < states->count; i++)
        kept += self->laid[i] == states->files[i].first;
    bool same = self->clean && kept == states->count && self->laid_count == kept;
    if (!same)
        s_empty_folder (self);
    for (size_t i = 0; i < states->count; i++) {
        bool pristine = s_is_pristine (self, &states->files[i]);
        if (!same || !pristine || !self->pristine[i])
            s_write_file (self, &states->files[i]);
        self->laid[i] = states->files[i].first;
        self->pristine[i] = pristine;
    }
    self->laid_count = states->count;
}

// Whether the files are as they were laid out.
static bool s_untouched (const rig_t *self)
{
    static uint8_t bytes[1 << 20];
    char path[600], name[SEGMENT_NAME];
    for (size_t i = 0; i < self->states.count; i++) {
        const truth_file_t *is = &self->states.files[i];
        segment_name (is->first, name);
        s_path (self, name, path);
        int fd = open (path, O_RDONLY);
        ssize_t size = fd < 0 ? -1 : read (fd, bytes, sizeof bytes);
        close (fd);
        if (size != (ssize_t)is->size || memcmp (bytes, is->data, is->size) != 0)
            return false;
    }
    return s_torn_files (self) == 0;
}

static void s_fold (void *arg, const record_t *record)
{
    (void)arg, (void)record;
}

static void s_state (void *arg, log_state_t *state)
{
    (void)arg, (void)state;
}

static log_t *s_open (const rig_t *self, trouble_t *trouble)
{
    log_fold_t fold = {NULL, s_fold, s_state};
    *trouble = (trouble_t){.exit = 0};
    return log_open (self->folder, 1 << 30, &fold, trouble);
}

// Each batch of the page is one that was written.
static void s_check_page (rig_t *self, uint64_t seq, const segments_page_t *page)
{
    span_t left = page->batches;
    uint64_t next = page->first;
    while (left.size > 0) {
        const truth_batch_t *batch = truth_at (self->truth, left.data, left.size);
        if (!batch || batch->first != next) {
            s_wrong (self, "what is served at record %" PRIu64 " was never written", next);
            return;
        }
        next = batch->last + 1;
        left = span (left.data + batch->size, left.size - batch->size);
    }
    if (seq < page->first || seq > page->last || next != page->last + 1)
        s_wrong (self, "the page for record %" PRIu64 " holds %" PRIu64 " to %" PRIu64, seq,
                 page->first, page->last);
}

static void s_check_gap (rig_t *self, uint64_t seq, const segments_page_t *page,
                         const truth_fate_t *fate)
{
    if (page->from > seq || page->to < seq || page->to > fate->last)
        s_wrong (self, "the gap for record %" PRIu64 " goes from %" PRIu64 " to %" PRIu64, seq,
                 page->from, page->to);
    for (uint64_t at = page->from; at <= page->to && at < TRUTH_SEQS; at++)
        if (fate->served[at]) {
            s_wrong (self, "record %" PRIu64 " is whole, and told to be a gap", at);
            return;
        }
}

// Asks for the record; returns the sequence behind what came.
static uint64_t s_check_record (rig_t *self, log_t *log, uint64_t seq, const truth_fate_t *fate)
{
    segments_page_t page;
    record_why_t why;
    segments_read_t rc;
    size_t steps = 0;
    while ((rc = log_read (log, seq, UINT64_MAX, 2000, &page, &why)) == SEGMENTS_LATER &&
           steps++ < STEPS)
        ;
    if (rc == SEGMENTS_PAGE) {
        if (!self->states.lenient && !fate->served[seq])
            s_wrong (self, "record %" PRIu64 " is served, and lies where it does not belong", seq);
        s_check_page (self, seq, &page);
        free (page.buffer);
        return page.last + 1;
    }
    if (rc == SEGMENTS_GAP && !self->states.lenient)
        s_check_gap (self, seq, &page, fate);
    if (rc == SEGMENTS_GAP)
        return page.to + 1;
    s_wrong (self, "record %" PRIu64 " gives %d", seq, (int)rc);
    return seq + 1;
}

// All of them in a row, and some for themselves, as the first that is asked for and later.
static void s_check_records (rig_t *self, log_t *log, const truth_fate_t *fate)
{
    if (fate->last == 0)
        return;
    for (size_t i = 0; i < ASKED; i++)
        s_check_record (self, log, 1 + states_dice (&self->states) % fate->last, fate);
    for (uint64_t seq = 1, next; seq <= fate->last; seq = next) {
        next = s_check_record (self, log, seq, fate);
        if (next <= seq) {
            s_wrong (self, "from record %" PRIu64 " reading does not go on", seq);
            return;
        }
    }
    for (size_t i = 0; i < ASKED; i++)
        s_check_record (self, log, 1 + states_dice (&self->states) % fate->last, fate);
}

// Whoever asks for a time misses nothing that can be had, and is told of what cannot.
static void s_check_time (rig_t *self, log_t *log, const truth_fate_t *fate)
{
    if (fate->last == 0)
        return;
    int64_t time = self->truth->times[1 + states_dice (&self->states) % fate->last];
    uint64_t may, found;
    segments_read_t rc;
    size_t steps = 0;
    while ((rc = log_find (log, time, &may, &found)) == SEGMENTS_LATER && steps++ < STEPS)
        ;
    if (rc != SEGMENTS_PAGE) {
        s_wrong (self, "a time gives %d", (int)rc);
        return;
    }
    for (uint64_t seq = 1; seq < found && seq <= fate->last; seq++)
        if ((fate->served[seq] || seq < may) && self->truth->times[seq] >= time) {
            s_wrong (self, "a time gives record %" PRIu64 ", and %" PRIu64 " is not before it",
                     found, seq);
            return;
        }
}

static void s_append (rig_t *self, log_t *log, uint64_t last)
{
    record_t record = {.kind = RECORD_MESSAGE, .text = span_of ("goes on"), .author = {{1}}};
    log_done_t done;
    log_begin (log, INT64_C (1795330900000000), 4096, false);
    int rc = log_put (log, &record);
    log_commit (log);
    if (rc < 0 || log_finish (log, -1, &done) != 1 || done.result != WRITER_DONE) {
        s_wrong (self, "nothing can be appended");
        return;
    }
    free (done.buffer);
    if (log_last (log) != last + 2)
        s_wrong (self, "appended records end with %" PRIu64 " behind %" PRIu64, log_last (log),
                 last);
}

// What was appended behind the state is there at the next opening.
static void s_check_appending (rig_t *self, const truth_fate_t *fate)
{
    trouble_t trouble;
    log_t *log = s_open (self, &trouble);
    if (!log || log_read_only (log) || log_last (log) != fate->last + 2 || *log_notice (log))
        s_wrong (self, "appended, and then: %s", log ? log_notice (log) : trouble.text);
    log_destroy (&log);
}

// What the opened log says of itself, and what became of the files.
static void s_check_fate (rig_t *self, log_t *log, const truth_fate_t *fate)
{
    if (log_last (log) != fate->last)
        s_wrong (self, "the last record is %" PRIu64 ", not %" PRIu64 " (%s)", log_last (log),
                 fate->last, log_notice (log));
    if (log_read_only (log) != fate->read_only)
        s_wrong (self, "read only: %d (%s)", log_read_only (log), log_notice (log));
    if (s_torn_files (self) != fate->torn)
        s_wrong (self, "%zu set aside, not %zu (%s)", s_torn_files (self), fate->torn,
                 log_notice (log));
    if ((fate->read_only || fate->torn > 0 || fate->astray) != (*log_notice (log) != 0))
        s_wrong (self, "the notice is '%s'", log_notice (log));
    if (fate->read_only && fate->torn == 0 && !s_untouched (self))
        s_wrong (self, "read only, and changed all the same");
}

static void s_check_opening (rig_t *self, const truth_fate_t *fate)
{
    trouble_t trouble;
    log_t *log = s_open (self, &trouble);
    self->tally->fates[!log ? 3 : log_read_only (log) ? 2 : fate->torn > 0]++;
    if ((log != NULL) != fate->opens)
        s_wrong (self, "%s: %s", log ? "opened, and should not" : "not opened", trouble.text);
    if (!log && !s_untouched (self))
        s_wrong (self, "refused, and changed all the same");
    bool appends = log && !log_read_only (log) && self->tally->tried % APPEND_EVERY == 0;
    self->clean = !log || (fate->torn == 0 && !fate->astray && !appends);
    if (log && !self->states.lenient)
        s_check_fate (self, log, fate);
    if (log && (self->states.lenient || log_last (log) == fate->last)) {
        s_check_records (self, log, fate);
        if (!self->states.lenient)
            s_check_time (self, log, fate);
        if (appends)
            s_append (self, log, log_last (log));
    }
    log_destroy (&log);
    if (appends && !self->states.lenient)
        s_check_appending (self, fate);
}

static void s_check_audit (rig_t *self, const truth_fate_t *fate)
{
    static const char *const names[] = {"sound", "torn", "damaged", "failed"};
    audit_t audit;
    audit_io_t io = {.arg = NULL};
    audit_run (&audit, self->folder, &io);
    if ((int)audit.verdict != (int)fate->verdict && !self->states.lenient)
        s_wrong (self, "verify says %s (%s), not %s", names[audit.verdict], audit.place,
                 names[fate->verdict]);
}

// ---- Running

static void s_try (void *arg)
{
    rig_t *self = arg;
    const states_t *states = &self->states;
    truth_fate_t fate;
    self->tally->tried++;
    s_lay_out (self);
    truth_judge (self->truth, states->files, states->count, &fate);
    if (states->count > 0)
        s_check_audit (self, &fate);
    if (self->tally->tried % APPEND_EVERY == 0 && !s_untouched (self))
        s_wrong (self, "verify changed something");
    s_check_opening (self, &fate);
}

// Whether the next state is of this pass, and this worker's, while there is time.
static bool s_wanted (void *arg)
{
    rig_t *self = arg;
    if (self->one != SIZE_MAX)
        return self->states.at == self->one;
    uint64_t mix = (self->states.at + self->options->seed) * 0x9e3779b97f4a7c15u;
    mix = (mix ^ mix >> 32) * 0xd6e8feb86659fd93u;
    if (mix % PASSES != self->pass || (mix >> 32) % WORKERS != self->worker)
        return false;
    return *self->wrong < self->options->enough && zclock_mono () < self->until;
}

// An image with a right checksum would be taken for a batch: no text that a group takes can be one.
static void s_check_images (rig_t *self)
{
    self->states.what = "image in a text";
    for (size_t i = 0; i < self->truth->count; i++) {
        const truth_batch_t *batch = &self->truth->batches[self->states.number = i];
        if (text_valid ((const char *)batch->data, batch->size))
            s_wrong (self, "a batch is a text that a group takes");
    }
}

// No group takes texts that hold whole batches. What they look like must not matter to a tail, and
// must not make anything be served that was not written.
static const struct {
    const char *name;
    truth_shape_t shape;
    states_fn *states[6];
    states_fn *lenient;
} s_kinds[KINDS] = {
    {"plain",
     {0, 2000, 3, 64, 40, false},
     {states_of_bits, states_of_cuts, states_of_junk, states_of_sectors, states_of_files,
      states_of_two},
     NULL},
    {"images", {0, 2500, 1, 12, 40, true}, {states_of_cuts, states_of_junk}, states_of_bits},
    {"large",
     {0, 20000, 2, 64, 600, false},
     {states_of_pages, states_of_cuts, states_of_sectors, states_of_two},
     NULL},
};

static void s_pass (rig_t *self, size_t kind, size_t pass)
{
    self->pass = pass;
    self->states.at = 0;
    self->states.lenient = false;
    for (size_t i = 0; i < 6 && s_kinds[kind].states[i]; i++)
        s_kinds[kind].states[i](&self->states);
    self->states.lenient = true;
    if (s_kinds[kind].lenient)
        s_kinds[kind].lenient (&self->states);
    self->tally->all = self->states.at;
}

static void s_set_up (rig_t *self, const rigs_options_t *options, size_t kind, size_t worker)
{
    char folder[256];
    truth_shape_t shape = s_kinds[kind].shape, strange = s_kinds[0].shape;
    shape.seed = options->seed;
    strange.seed = options->seed + 1;
    snprintf (folder, sizeof folder, "%s/other-%zu-%zu", options->folder, worker, kind);
    snprintf (self->folder, sizeof self->folder, "%s/%zu-%zu", options->folder, worker, kind);
    self->options = options;
    self->kind = s_kinds[kind].name;
    self->worker = worker;
    self->one = SIZE_MAX;
    self->truth = truth_new (self->folder, &shape);
    self->other = truth_new (folder, &strange);
    self->states = (states_t){.truth = self->truth,
                              .other = self->other,
                              .seed = options->seed,
                              .wanted = s_wanted,
                              .made = s_try,
                              .arg = self};
    if (shape.images)
        s_check_images (self);
}

// Only the state that was named, of the kind that was named.
static void s_take_one (rig_t *self)
{
    const char *one = self->options->one, *at = one ? strchr (one, ',') : NULL;
    if (!at)
        return;
    size_t size = strlen (self->kind);
    bool mine = size == (size_t)(at - one) && strncmp (one, self->kind, size) == 0;
    self->one = mine ? strtoull (at + 1, NULL, 10) : SIZE_MAX - 1;
}

static void s_worker (const rigs_options_t *options, size_t worker, tally_t tallies[KINDS],
                      size_t *wrong)
{
    rig_t rigs[KINDS];
    memset (rigs, 0, sizeof rigs);
    int64_t until =
        options->seconds ? zclock_mono () + (int64_t)options->seconds * 1000 : INT64_MAX;
    for (size_t kind = 0; kind < KINDS; kind++) {
        rigs[kind].tally = &tallies[kind];
        rigs[kind].until = until;
        rigs[kind].wrong = wrong;
        s_set_up (&rigs[kind], options, kind, worker);
        s_take_one (&rigs[kind]);
    }
    size_t passes = options->one ? 1 : PASSES;
    for (size_t pass = 0; pass < passes && zclock_mono () < until; pass++) {
        for (size_t kind = 0; kind < KINDS; kind++)
            s_pass (&rigs[kind], kind, pass);
        if (worker == 0 && options->seconds == 0 && pass % 16 == 15) {
            printf ("%zu of %zu passes\n", pass + 1, passes);
            fflush (stdout);
        }
    }
    for (size_t kind = 0; kind < KINDS; kind++) {
        states_clear (&rigs[kind].states);
        truth_destroy (&rigs[kind].truth);
        truth_destroy (&rigs[kind].other);
    }
}

// Sums up all workers; returns what is wrong.
static size_t s_tell (tally_t (*tallies)[KINDS])
{
    size_t wrong = 0;
    for (size_t kind = 0; kind < KINDS; kind++) {
        tally_t sum = {.all = tallies[0][kind].all};
        for (size_t worker = 0; worker < WORKERS; worker++) {
            const tally_t *one = &tallies[worker][kind];
            sum.tried += one->tried;
            sum.wrong += one->wrong;
            for (size_t i = 0; i < 4; i++)
                sum.fates[i] += one->fates[i];
        }
        printf (
            "%s: %zu of %zu states: %zu sound, %zu torn, %zu read only, %zu refused, %zu wrong\n",
            s_kinds[kind].name, sum.tried, sum.all, sum.fates[0], sum.fates[1], sum.fates[2],
            sum.fates[3], sum.wrong);
        wrong += sum.wrong;
    }
    return wrong;
}

int rigs_bytes (const rigs_options_t *options)
{
    size_t size = WORKERS * KINDS * sizeof (tally_t) + sizeof (size_t);
    void *shared = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert (shared != MAP_FAILED);
    tally_t (*tallies)[KINDS] = shared;
    for (size_t i = 0; i < (options->one ? 1 : WORKERS); i++)
        if (fork () == 0) {
            s_worker (options, i, tallies[i], (size_t *)(tallies + WORKERS));
            exit (0);
        }
    int status;
    bool bad = false;
    while (wait (&status) > 0)
        if (status != 0) {
            printf ("WRONG: a worker died\n");
            bad = true;
        }
    bad = s_tell (tallies) > 0 || bad;
    munmap (shared, size);
    return bad;
}
