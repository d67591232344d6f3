// A log whose bytes are not what they were: cut, flipped, zeroed, old, moved, doubled, lost. After
// each change the log is verified, opened and read to the end, and held against truth.h.

#include "common/text.h"
#include "daemons/group/audit.h"
#include "daemons/group/log.h"
#include "tests/fault/rigs.h"
#include "tests/fault/truth.h"

#include <czmq.h>
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { WORKERS = 2, APPEND_EVERY = 16, TOLD = 10, PAGE = 4096, SECTOR = 512 };

typedef struct {
    truth_t *truth;
    char folder[256];
    truth_file_t files[TRUTH_SEGMENTS + 4]; // the state to be tried
    size_t count;
    const char *what; // and its name, with a number
    size_t number;
    uint64_t dice;
    // of all states
    size_t every; // one of so many is tried
    bool lenient; // only what is served is looked at
    size_t worker;
    size_t seen;
    size_t tried;
    size_t fates[4]; // sound, torn, read only, refused
    size_t wrong;
    size_t told; // the state that was described
} rig_t;

static uint64_t s_dice (rig_t *self)
{
    self->dice ^= self->dice << 13;
    self->dice ^= self->dice >> 7;
    self->dice ^= self->dice << 17;
    return self->dice;
}

// ---- States

static truth_file_t s_copy (const truth_file_t *file, size_t room)
{
    truth_file_t copy = {.first = file->first, .size = file->size};
    copy.data = calloc (1, file->size + room + 1);
    assert (copy.data);
    memcpy (copy.data, file->data, file->size);
    return copy;
}

static void s_clear (rig_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free (self->files[i].data);
    self->count = 0;
}

// The log as it was written; the newest file has room behind its end.
static void s_pristine (rig_t *self)
{
    s_clear (self);
    self->count = self->truth->segments;
    for (size_t i = 0; i < self->count; i++)
        self->files[i] = s_copy (&self->truth->files[i], 8 * PAGE);
}

static truth_file_t *s_newest (rig_t *self)
{
    return &self->files[self->count - 1];
}

static void s_remove_file (rig_t *self, size_t at)
{
    free (self->files[at].data);
    self->count--;
    memmove (&self->files[at], &self->files[at + 1], (self->count - at) * sizeof self->files[0]);
}

// A file of this name in its place in the order; it takes the place of one that has it.
static void s_add_file (rig_t *self, const truth_file_t *file, uint64_t first)
{
    size_t at = 0;
    while (at < self->count && self->files[at].first < first)
        at++;
    if (at < self->count && self->files[at].first == first)
        s_remove_file (self, at);
    memmove (&self->files[at + 1], &self->files[at], (self->count - at) * sizeof self->files[0]);
    self->files[at] = s_copy (file, 0);
    self->files[at].first = first;
    self->count++;
}

// ---- Trying one

// How the state differs from what was written.
static void s_describe (const rig_t *self)
{
    for (size_t i = 0; i < self->truth->segments; i++) {
        const truth_file_t *was = &self->truth->files[i];
        size_t at = 0, differs = 0, first = 0;
        while (at < self->count && self->files[at].first != was->first)
            at++;
        const truth_file_t *is = at < self->count ? &self->files[at] : NULL;
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
    if (self->wrong < TOLD) {
        printf ("WRONG: %s %zu: ", self->what, self->number);
        vprintf (format, args);
        printf ("\n");
        if (self->told != self->seen)
            s_describe (self);
        self->told = self->seen;
    }
    va_end (args);
    self->wrong++;
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

static void s_lay_out (const rig_t *self)
{
    char path[600], name[SEGMENT_NAME];
    s_empty_folder (self);
    for (size_t i = 0; i < self->count; i++) {
        segment_name (self->files[i].first, name);
        s_path (self, name, path);
        FILE *file = fopen (path, "wb");
        assert (file);
        fwrite (self->files[i].data, 1, self->files[i].size, file);
        fclose (file);
    }
}

// Whether the files are as they were laid out.
static bool s_untouched (const rig_t *self)
{
    static uint8_t bytes[1 << 20];
    char path[600], name[SEGMENT_NAME];
    for (size_t i = 0; i < self->count; i++) {
        segment_name (self->files[i].first, name);
        s_path (self, name, path);
        FILE *file = fopen (path, "rb");
        size_t size = file ? fread (bytes, 1, sizeof bytes, file) : 0;
        if (file)
            fclose (file);
        if (!file || size != self->files[i].size || memcmp (bytes, self->files[i].data, size) != 0)
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

static void s_check_records (rig_t *self, log_t *log, const truth_fate_t *fate)
{
    for (uint64_t seq = 1; seq <= fate->last;) {
        segments_page_t page;
        record_why_t why;
        segments_read_t rc = log_read (log, seq, 2000, &page, &why);
        if (rc == SEGMENTS_LATER)
            continue;
        if (rc == SEGMENTS_PAGE) {
            s_check_page (self, seq, &page);
            free (page.buffer);
        } else if (rc == SEGMENTS_GAP && !self->lenient)
            s_check_gap (self, seq, &page, fate);
        else if (rc != SEGMENTS_GAP)
            s_wrong (self, "record %" PRIu64 " gives %d", seq, (int)rc);
        seq++;
    }
}

// Whoever asks for a time misses nothing that can be had.
static void s_check_time (rig_t *self, log_t *log, const truth_fate_t *fate)
{
    if (fate->last == 0)
        return;
    int64_t time = self->truth->times[1 + s_dice (self) % fate->last];
    uint64_t found;
    segments_read_t rc;
    while ((rc = log_find (log, time, &found)) == SEGMENTS_LATER)
        ;
    if (rc != SEGMENTS_PAGE) {
        s_wrong (self, "a time gives %d", (int)rc);
        return;
    }
    for (uint64_t seq = 1; seq < found && seq <= fate->last; seq++)
        if (fate->served[seq] && self->truth->times[seq] >= time) {
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
    if ((fate->read_only || fate->torn > 0) != (*log_notice (log) != 0))
        s_wrong (self, "the notice is '%s'", log_notice (log));
    if (fate->read_only && fate->torn == 0 && !s_untouched (self))
        s_wrong (self, "read only, and changed all the same");
}

static void s_check_opening (rig_t *self, const truth_fate_t *fate)
{
    trouble_t trouble;
    log_t *log = s_open (self, &trouble);
    self->fates[!log ? 3 : log_read_only (log) ? 2 : fate->torn > 0]++;
    if ((log != NULL) != fate->opens)
        s_wrong (self, "%s: %s", log ? "opened, and should not" : "not opened", trouble.text);
    if (!log && !s_untouched (self))
        s_wrong (self, "refused, and changed all the same");
    bool appends = log && !log_read_only (log) && self->tried % APPEND_EVERY == 0;
    if (log && !self->lenient)
        s_check_fate (self, log, fate);
    if (log && (self->lenient || log_last (log) == fate->last)) {
        s_check_records (self, log, fate);
        if (!self->lenient)
            s_check_time (self, log, fate);
        if (appends)
            s_append (self, log, log_last (log));
    }
    log_destroy (&log);
    if (appends && !self->lenient)
        s_check_appending (self, fate);
}

static void s_check_audit (rig_t *self, const truth_fate_t *fate)
{
    static const char *const names[] = {"sound", "torn", "damaged", "failed"};
    audit_t audit;
    audit_io_t io = {.arg = NULL};
    audit_run (&audit, self->folder, &io);
    if ((int)audit.verdict != (int)fate->verdict && !self->lenient)
        s_wrong (self, "verify says %s (%s), not %s", names[audit.verdict], audit.place,
                 names[fate->verdict]);
}

// Tries the state, if it is this worker's and chosen.
static void s_try (rig_t *self, const char *what, size_t number)
{
    size_t at = self->seen++;
    if (self->wrong >= TOLD || at % self->every != 0)
        return; // enough to look at, or not chosen
    if (at / self->every % WORKERS != self->worker)
        return;
    truth_fate_t fate;
    self->what = what;
    self->number = number;
    self->tried++;
    s_lay_out (self);
    truth_judge (self->truth, self->files, self->count, &fate);
    if (self->count > 0)
        s_check_audit (self, &fate);
    if (!s_untouched (self))
        s_wrong (self, "verify changed something");
    s_check_opening (self, &fate);
}

// ---- All the states

// Every length within the last three batches, alone, with zeros and with garbage behind it.
static void s_truncate (rig_t *self)
{
    const truth_t *truth = self->truth;
    for (size_t size = truth->batches[truth->count - 3].offset;
         size < truth->files[truth->segments - 1].size; size++) {
        s_pristine (self);
        s_newest (self)->size = size;
        s_try (self, "truncated to", size);
        truth_file_t *newest = s_newest (self);
        memset (newest->data + size, 0, truth->files[truth->segments - 1].size - size);
        newest->size = truth->files[truth->segments - 1].size + SECTOR;
        s_try (self, "truncated, zeros behind, to", size);
        for (size_t i = size; i < newest->size; i++)
            newest->data[i] = (uint8_t)s_dice (self);
        s_try (self, "truncated, garbage behind, to", size);
    }
}

static void s_flip (rig_t *self, size_t file)
{
    s_pristine (self);
    for (size_t bit = 0; bit < self->files[file].size * 8; bit++) {
        self->files[file].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        s_try (self, file + 1 == self->count ? "bit of the newest" : "bit of an older one", bit);
        self->files[file].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void s_zero_sectors (rig_t *self)
{
    for (size_t file = 0; file < self->truth->segments; file++)
        for (size_t at = 0; at < self->truth->files[file].size; at += SECTOR) {
            s_pristine (self);
            size_t left = self->files[file].size - at;
            memset (self->files[file].data + at, 0, left < SECTOR ? left : SECTOR);
            s_try (self, "zeroed sector at", file * 10000000 + at);
        }
}

// Puts `bytes` in the place of the newest segment's page.
static void s_put_page (rig_t *self, size_t page, const uint8_t *data, size_t size)
{
    truth_file_t *newest = s_newest (self);
    size_t at = page * PAGE, room = newest->size - at < PAGE ? newest->size - at : PAGE;
    memset (newest->data + at, 0, room);
    memcpy (newest->data + at, data, size < room ? size : room);
}

static void s_pages (rig_t *self)
{
    const truth_t *truth = self->truth;
    const truth_file_t *file = &truth->files[truth->segments - 1];
    size_t pages = (file->size + PAGE - 1) / PAGE;
    for (size_t page = 0; page < pages; page++) {
        for (size_t job = 0; job < truth->jobs; job++) {
            const truth_file_t *before = &truth->before[job];
            if (truth->before[job].first != file->first)
                continue;
            s_pristine (self);
            size_t at = page * PAGE;
            s_put_page (self, page, before->data + at, before->size > at ? before->size - at : 0);
            s_try (self, "page as it was", page * 1000 + job);
        }
        for (size_t other = 0; other < pages; other++) {
            s_pristine (self);
            size_t at = other * PAGE;
            s_put_page (self, page, file->data + at, file->size - at);
            s_try (self, "page of another place", page * 1000 + other);
        }
    }
}

static void s_append_junk (rig_t *self)
{
    for (size_t size = 1; size < 6 * PAGE; size += size < 300 ? 1 : 997) {
        s_pristine (self);
        s_newest (self)->size += size;
        s_try (self, "appended zeros", size);
        uint8_t *end = s_newest (self)->data + s_newest (self)->size - size;
        for (size_t i = 0; i < size; i++)
            end[i] = (uint8_t)s_dice (self);
        s_try (self, "appended garbage", size);
        memset (end, 0, size / 2);
        s_try (self, "appended zeros and garbage", size);
    }
}

// Segments that are missing, empty, short, of another log, doubled, too many.
static void s_files (rig_t *self, const truth_t *other)
{
    const truth_t *truth = self->truth;
    static const size_t sizes[] = {
        0, 1, 40, SEGMENT_HEADER - 1, SEGMENT_HEADER, SEGMENT_HEADER + 1, 300, 1000};
    for (size_t i = 0; i < truth->segments; i++) {
        s_pristine (self);
        s_remove_file (self, i);
        s_try (self, "missing segment", i);
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            s_pristine (self);
            self->files[i].size = sizes[s];
            s_try (self, "short segment", i * 10000 + sizes[s]);
        }
        s_pristine (self);
        s_add_file (self, &other->files[0], truth->files[i].first);
        s_try (self, "segment of another log for", i);
        for (size_t j = 0; j < truth->segments; j++) {
            s_pristine (self);
            s_add_file (self, &truth->files[j], truth->files[i].first);
            s_try (self, "segment under another's name", i * 100 + j);
            s_pristine (self);
            s_add_file (self, &truth->files[j], truth->files[i].first + 1);
            s_try (self, "doubled segment between", i * 100 + j);
        }
        truth_file_t empty = {.data = (uint8_t *)"", .size = 0};
        s_pristine (self);
        s_add_file (self, &empty, truth->files[i].first + 1);
        s_try (self, "empty segment between", i);
    }
    for (size_t j = 0; j < truth->segments; j++) {
        s_pristine (self);
        s_add_file (self, &truth->files[j], truth->last + 1);
        s_try (self, "doubled segment behind", j);
        s_pristine (self);
        s_add_file (self, &truth->files[j], truth->last + 1);
        s_newest (self)->size = 60;
        s_try (self, "begun segment behind", j);
    }
}

// One change by chance.
static void s_hurt (rig_t *self)
{
    truth_file_t *file = &self->files[s_dice (self) % self->count];
    if (file->size == 0)
        return;
    size_t at = s_dice (self) % file->size, left = file->size - at;
    switch (s_dice (self) % 5) {
    case 0:
        file->data[at] ^= (uint8_t)(1u << s_dice (self) % 8);
        break;
    case 1:
        memset (file->data + at, 0, left < SECTOR ? left : SECTOR);
        break;
    case 2:
        file->size = at;
        break;
    case 3: {
        size_t from = s_dice (self) % file->size, size = 1 + s_dice (self) % 2000;
        size_t most = left < file->size - from ? left : file->size - from;
        memmove (file->data + at, file->data + from, size < most ? size : most);
        break;
    }
    default:
        if (self->count > 1)
            s_remove_file (self, s_dice (self) % self->count);
    }
}

static void s_hurt_twice (rig_t *self, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        s_pristine (self);
        s_hurt (self);
        s_hurt (self);
        s_try (self, "two changes by chance", i);
    }
}

// ---- Running

// An image with a right checksum would be taken for a batch: no text that a group takes can be one.
static void s_check_images (rig_t *self)
{
    self->what = "image in a text";
    for (size_t i = 0; i < self->truth->count; i++) {
        const truth_batch_t *batch = &self->truth->batches[self->number = i];
        if (text_valid ((const char *)batch->data, batch->size))
            s_wrong (self, "a batch is a text that a group takes");
    }
}

static size_t s_part (size_t every, size_t share)
{
    return every > share ? every / share : 1;
}

static void s_plain (rig_t *self, const truth_t *other, size_t every)
{
    self->every = every;
    s_flip (self, self->truth->segments - 1);
    s_flip (self, 0);
    self->every = s_part (every, 8);
    s_truncate (self);
    s_append_junk (self);
    self->every = 1;
    s_zero_sectors (self);
    s_files (self, other);
    self->every = s_part (every, 4);
    s_hurt_twice (self, 20000);
}

// No group takes such texts; what they look like must not matter to a tail, and must not make
// anything be served that was not written.
static void s_images (rig_t *self, const truth_t *other, size_t every)
{
    (void)other;
    s_check_images (self);
    self->every = every;
    s_truncate (self);
    self->every = s_part (every, 8);
    s_append_junk (self);
    self->lenient = true;
    self->every = every * 4;
    s_flip (self, self->truth->segments - 1);
}

static void s_large (rig_t *self, const truth_t *other, size_t every)
{
    (void)other;
    self->every = s_part (every, 8);
    s_pages (self);
    s_truncate (self);
    s_zero_sectors (self);
    s_hurt_twice (self, 10000);
}

static int s_worker (size_t number, const rigs_options_t *options, size_t every)
{
    static const struct {
        const char *name;
        void (*run) (rig_t *self, const truth_t *other, size_t every);
    } kinds[] = {{"plain", s_plain}, {"images", s_images}, {"large", s_large}};
    const truth_shape_t shapes[] = {{options->seed, 2000, 3, 64, 40, false},
                                    {options->seed, 4000, 2, 40, 40, true},
                                    {options->seed, 20000, 2, 64, 600, false}};
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        char folder[256];
        rig_t self = {.dice = options->seed * 2 + 1, .worker = number};
        snprintf (folder, sizeof folder, "%s/other-%zu-%zu", options->folder, number, i);
        truth_t *other = truth_new (folder, &shapes[0]);
        snprintf (self.folder, sizeof self.folder, "%s/%zu-%zu", options->folder, number, i);
        self.truth = truth_new (self.folder, &shapes[i]);
        kinds[i].run (&self, other, every);
        printf (
            "%s: %zu of %zu states: %zu sound, %zu torn, %zu read only, %zu refused, %zu wrong\n",
            kinds[i].name, self.tried, self.seen, self.fates[0], self.fates[1], self.fates[2],
            self.fates[3], self.wrong);
        fflush (stdout);
        wrong += self.wrong;
        s_clear (&self);
        truth_destroy (&self.truth);
        truth_destroy (&other);
    }
    return wrong > 0;
}

int rigs_bytes (const rigs_options_t *options)
{
    size_t every = options->budget ? options->budget : 1;
    int bad = 0;
    for (size_t i = 0; i < WORKERS; i++)
        if (fork () == 0)
            exit (s_worker (i, options, every));
    for (size_t i = 0; i < WORKERS; i++) {
        int status;
        if (wait (&status) < 0 || status != 0)
            bad++;
    }
    return bad > 0;
}
