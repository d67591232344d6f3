// A log's folder whose bytes were changed in any way: it is opened or refused; opened again it is
// the same; every record is served or told to be missing; what a survey calls repairable is sound
// when it was repaired, and serves no less (unless somebody made checksums or names right, or
// copied batches, which rot does not).
//
// Input: changes of eight bytes each (what, file, where:2, size:2, value:2) to a log of three
// segments that is made at the start.

#include "daemons/group/audit.h"
#include "daemons/group/repair.h"
#include "daemons/group/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

enum { FILES = 4, ROOM = 8192, CHANGES = 16, RECORDS = 200 };

typedef struct {
    uint64_t first; // 0: there is none
    size_t size;
    uint8_t bytes[ROOM];
} file_t;

static const guid_t s_log = {{7, 1, 2, 3}};
static file_t s_made[FILES]; // the last one is never there at first
static file_t s_files[FILES];
static uint64_t s_last;
static char s_path[64];
static int s_dir = -1;
static bool s_forged;

static void s_must (bool holds)
{
    if (!holds)
        abort ();
}

// ---- The log

static void s_put (file_t *file, span_t bytes)
{
    s_must (file->size + bytes.size <= ROOM);
    memcpy (file->bytes + file->size, bytes.data, bytes.size);
    file->size += bytes.size;
}

static void s_put_batch (file_t *file, chain_t *chain, const uint8_t *digest, int count)
{
    static uint8_t room[BATCH_MAX];
    batch_writer_t batch;
    batch_t head = {.type = BATCH_TYPE_RECORDS,
                    .first = s_last + 1,
                    .base = 1000 + (int64_t)s_last,
                    .durable = s_last,
                    .chain = *chain,
                    .digest = digest};
    batch_begin (&batch, room, &head);
    for (; count > 0; count--) {
        record_t record = {.kind = RECORD_MESSAGE,
                           .time = 1000 + (int64_t)s_last,
                           .author = {{1}},
                           .text = span_of ("hello")};
        if (s_last == 1)
            record = (record_t){.kind = RECORD_JOIN, .time = 1001, .author = {{1}}};
        s_last++;
        s_must (batch_add (&batch, &record) == s_last);
    }
    span_t bytes = batch_end (&batch, &s_log);
    *chain = chain_next (chain, bytes);
    s_put (file, bytes);
}

static void s_make (file_t *file, chain_t *chain)
{
    uint8_t digest[BATCH_DIGEST];
    segment_header_t header = {.time = s_last > 0 ? 999 + (int64_t)s_last : 0, .chain = *chain};
    state_t *state = state_new (&s_log, s_last + 1);
    record_t member = {.kind = RECORD_JOIN, .time = 1001, .author = {{1}}};
    state_put_log (state, 1, 1, RECORD_WHY_NONE, header.time);
    if (s_last > 0)
        state_put (state, &member);
    file->first = s_last + 1;
    s_put (file, state_end (state, &header, digest));
    for (int i = 0; i < 4; i++)
        s_put_batch (file, chain, i == 0 ? digest : NULL, 1 + i % 3);
    state_destroy (&state);
}

static void s_remove_all (void)
{
    DIR *folder = opendir (s_path);
    struct dirent *entry;
    s_must (folder != NULL);
    while ((entry = readdir (folder)))
        unlinkat (s_dir, entry->d_name, 0);
    closedir (folder);
}

static void s_at_exit (void)
{
    s_remove_all ();
    rmdir (s_path);
}

int LLVMFuzzerInitialize (int *argc, char ***argv)
{
    (void)argc, (void)argv;
    strcpy (s_path, access ("/dev/shm", W_OK) == 0 ? "/dev/shm/zchat-fuzz-XXXXXX"
                                                   : "/tmp/zchat-fuzz-XXXXXX");
    s_must (mkdtemp (s_path) != NULL);
    s_dir = open (s_path, O_RDONLY | O_DIRECTORY);
    s_must (s_dir >= 0);
    atexit (s_at_exit);
    chain_t chain = chain_start (&s_log);
    for (int i = 0; i < FILES - 1; i++)
        s_make (&s_made[i], &chain);
    return 0;
}

// ---- Changes

static void s_repair_sums (file_t *file, size_t at)
{
    s_forged = true;
    writer_t out = writer (file->bytes + 80, 8);
    writer_u64 (&out, XXH3_64bits (file->bytes, 80));
    size_t size = (size_t)file->bytes[at] << 24 | (size_t)file->bytes[at + 1] << 16 |
                  (size_t)file->bytes[at + 2] << 8 | file->bytes[at + 3];
    if (size < BATCH_HEADER || at + size > file->size)
        return;
    uint8_t seed[32];
    memcpy (seed, s_log.bytes, 16);
    memcpy (seed + 16, file->bytes + at + 16, 8);
    memcpy (seed + 24, file->bytes + at, 8);
    out = writer (file->bytes + at + 8, 8);
    writer_u64 (&out, XXH3_64bits_withSeed (file->bytes + at + 16, size - 16,
                                            XXH3_64bits (seed, sizeof seed)));
}

// Where the so-many-th batch begins, STATE's first.
static size_t s_batch_at (const file_t *file, size_t number)
{
    size_t at = SEGMENT_HEADER;
    while (number-- > 0 && at + 4 < file->size)
        at += (size_t)file->bytes[at + 2] << 8 | file->bytes[at + 3];
    return at < file->size ? at : 0;
}

static void s_change (const uint8_t *change)
{
    file_t *file = &s_files[change[1] % FILES], *other = &s_files[change[1] / FILES % FILES];
    size_t at = (size_t)(change[2] << 8 | change[3]), size = (size_t)(change[4] << 8 | change[5]);
    size_t value = (size_t)(change[6] << 8 | change[7]);
    at = file->size > 0 ? at % file->size : 0;
    size = size % 512 < ROOM - at ? size % 512 : ROOM - at;
    switch (change[0] % 9) {
    case 0:
        file->bytes[at] ^= (uint8_t)(1u << value % 8);
        break;
    case 1:
        memset (file->bytes + at, (int)value % 256,
                at + size < file->size ? size : file->size - at);
        break;
    case 2: // shorter, or longer by zeros
        memset (file->bytes + at, 0, ROOM - at);
        file->size = at + size;
        break;
    case 3:
        s_forged = true;
        file->first = value % 64;
        break;
    case 4: // a write that went to the wrong place
        s_forged = true;
        memmove (file->bytes + at, other->bytes + value % (ROOM - size), size);
        break;
    case 5:
        *file = *other;
        break;
    case 6: // one byte of a batch or header, with a right sum
        at = s_batch_at (file, value % 8);
        file->bytes[value & 0x8000 ? size % SEGMENT_HEADER : (at + size) % ROOM] = change[2];
        s_repair_sums (file, at);
        break;
    case 7: // a batch less
        at = s_batch_at (file, value % 8);
        size = s_batch_at (file, value % 8 + 1);
        if (at < size) {
            memmove (file->bytes + at, file->bytes + size, file->size - size);
            file->size -= size - at;
        }
        break;
    default:
        file->first = 0;
    }
}

static void s_lay_out (void)
{
    char name[SEGMENT_NAME];
    s_remove_all ();
    for (size_t i = 0; i < FILES; i++) {
        if (s_files[i].first == 0)
            continue;
        segment_name (s_files[i].first, name);
        int fd = openat (s_dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        s_must (fd >= 0 &&
                write (fd, s_files[i].bytes, s_files[i].size) == (ssize_t)s_files[i].size);
        close (fd);
    }
}

// ---- What is seen

typedef struct {
    int rc;
    int exit;
    bool damaged;
    uint64_t last;
    uint64_t folded; // hash of the records
    size_t files;
    size_t served;
    bool seen[RECORDS];
} sight_t;

static void s_fold (void *arg, const record_t *record)
{
    sight_t *sight = arg;
    uint8_t room[BATCH_MAX + 16];
    writer_t out = writer (room, sizeof room);
    record_encode (record, 0, NULL, &out);
    sight->folded = XXH3_64bits_withSeed (room, writer_used (&out), sight->folded + record->seq);
}

static size_t s_count_files (void)
{
    size_t count = 0;
    DIR *folder = opendir (s_path);
    s_must (folder != NULL);
    while (readdir (folder))
        count++;
    closedir (folder);
    return count;
}

static void s_take_page (sight_t *sight, const segments_page_t *page, uint64_t seq)
{
    batch_t batch;
    span_t left = page->batches;
    s_must (page->first <= seq && seq <= page->last);
    uint64_t next = page->first;
    while (left.size > 0) {
        s_must (batch_open (&batch, left, &s_log) == 0 && batch.first == next);
        next = batch_last (&batch) + 1;
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    }
    s_must (next == page->last + 1);
    for (uint64_t at = page->first; at <= page->last && at < RECORDS; at++) {
        sight->served += !sight->seen[at];
        sight->seen[at] = true;
    }
}

// Reads from the first record to the last: each is in a page or in a gap.
static void s_read (sight_t *sight, segments_t *segments, size_t max)
{
    for (uint64_t seq = 1, steps = 0; seq <= sight->last; steps++) {
        segments_page_t page;
        s_must (steps < 10000);
        switch (segments_read (segments, seq, UINT64_MAX, sight->last, max, &page)) {
        case SEGMENTS_PAGE:
            s_take_page (sight, &page, seq);
            free (page.buffer);
            seq = page.last + 1;
            break;
        case SEGMENTS_GAP:
            s_must (page.from == seq && page.to >= seq);
            seq = page.to + 1;
            break;
        default:
            s_must (false);
        case SEGMENTS_LATER:
            break;
        }
    }
}

static void s_find (const sight_t *sight, segments_t *segments, int64_t time)
{
    uint64_t may, is;
    segments_read_t rc;
    while ((rc = segments_find (segments, time, sight->last, &may, &is)) == SEGMENTS_LATER)
        ;
    s_must (rc == SEGMENTS_PAGE && may <= is);
}

static void s_open (sight_t *sight)
{
    recovery_t found;
    trouble_t trouble = {0};
    memset (sight, 0, sizeof *sight);
    sight->rc = recovery_run (&found, s_dir, &s_log, s_fold, sight, &trouble);
    sight->exit = trouble.exit;
    sight->files = s_count_files ();
    if (sight->rc < 0) {
        s_must (trouble.exit != 0 && *trouble.text);
        return;
    }
    sight->damaged = found.damaged;
    sight->last = found.last;
    s_must (!sight->damaged || *found.notice);
    s_read (sight, found.segments, 1);
    s_read (sight, found.segments, 700);
    s_find (sight, found.segments, 1000 + (int64_t)sight->last / 2);
    segments_destroy (&found.segments);
}

static void s_tell (void *arg, const char *line)
{
    (void)arg;
    s_must (*line);
}

// Repaired, it is sound, and all that was served before is.
static void s_repair (const sight_t *before)
{
    trouble_t trouble;
    audit_t audit;
    audit_io_t io = {.arg = NULL};
    survey_t *survey = survey_new (s_dir, &s_log, NULL);
    s_must (survey != NULL);
    repair_explain (survey, s_tell, NULL);
    bool refused = *survey->refusal;
    s_must (refused == (repair_run (s_dir, survey, s_tell, NULL, &trouble) < 0));
    survey_destroy (&survey);
    if (refused || s_count_files () == 2)
        return;
    audit_run (&audit, s_path, &io);
    if (audit.segments == 0)
        return;
    s_must (audit.verdict == AUDIT_SOUND);
    sight_t after;
    s_open (&after);
    s_must (after.rc == 0 && !after.damaged);
    s_must (s_forged || after.last >= before->last);
    for (size_t seq = 1; seq < RECORDS && !s_forged; seq++)
        s_must (after.seen[seq] || !before->seen[seq]);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    sight_t first, again;
    memcpy (s_files, s_made, sizeof s_files);
    s_forged = false;
    for (size_t i = 0; i + 8 <= size && i < 8 * CHANGES; i += 8)
        s_change (data + i);
    s_lay_out ();
    size_t files = s_count_files ();
    s_open (&first);
    s_must (first.rc == 0 || first.files == files);
    s_open (&again);
    s_must (again.rc == first.rc && again.exit == first.exit && again.files == first.files);
    s_must (again.last == first.last && again.folded == first.folded);
    s_must (again.damaged == first.damaged && again.served == first.served);
    s_repair (&first);
    return 0;
}
