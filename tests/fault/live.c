// The log on a disk that is not simulated: written step by step, and read as it is.

#include "common/exits.h"
#include "tests/fault/rigs.h"
#include "tests/fault/world.h"

#include <czmq.h>

// Tells of a record that is durable, and waits until somebody has noted that.
static void s_on_durable (void *arg, uint64_t seq, uint64_t hash)
{
    (void)arg;
    printf ("ACK %" PRIu64 " %016" PRIx64 "\n", seq, hash);
    fflush (stdout);
    int c;
    while ((c = getchar ()) != '\n' && c != EOF)
        ;
}

// What a crash may leave behind: a torn tail, and a segment that was begun.
static void s_tear (const char *folder, uint64_t last)
{
    char name[SEGMENT_NAME], path[600];
    uint8_t bytes[700];
    memset (bytes, 0x5a, sizeof bytes);
    rigs_newest (folder, name);
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen (path, "r+b");
    fseek (file, rigs_end (folder, name), SEEK_SET);
    fwrite (bytes, 1, sizeof bytes, file);
    fclose (file);
    segment_name (last + 1, name);
    snprintf (path, sizeof path, "%s/%s", folder, name);
    file = fopen (path, "wb");
    fwrite (bytes, 1, 300, file);
    fclose (file);
}

// Works in thirds, each with an opening of its own that finds something to set aside.
int rigs_write (const rigs_options_t *options)
{
    world_t *world = world_new (options->folder, options->seed, false);
    world_on_durable (world, s_on_durable, NULL);
    for (size_t third = 1; third <= 3 && !*world_wrong (world); third++) {
        if (world_open (world) != 0 || world_work (world, world_requests () * third / 3) != 0)
            world_blame (world, "ended: %s", world_trouble (world)->text);
        else {
            world_read (world);
            uint64_t last = log_last (world_log (world));
            world_close (world);
            s_tear (options->folder, last);
        }
    }
    int rc = *world_wrong (world) != 0;
    if (rc)
        fprintf (stderr, "fault_log write: %s\n", world_wrong (world));
    world_destroy (&world);
    return rc;
}

static void s_fold (void *arg, const record_t *record)
{
    (void)arg, (void)record;
}

static void s_state (void *arg, log_state_t *state)
{
    (void)arg, (void)state;
}

static void s_print_page (log_t *log, const segments_page_t *page)
{
    span_t left = page->batches;
    batch_t batch;
    record_t record;
    while (left.size > 0 && batch_open (&batch, left, log_id (log)) == 0) {
        while (batch_next (&batch, &record) == 1)
            printf ("%" PRIu64 " %016" PRIx64 "\n", record.seq, world_hash (&record));
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    }
}

// Opens the log and appends one record, behind the one that says that it was opened.
int rigs_append (const rigs_options_t *options)
{
    log_fold_t fold = {NULL, s_fold, s_state};
    trouble_t trouble;
    log_done_t done = {.result = WRITER_FINAL};
    record_t record = {.kind = RECORD_MESSAGE, .text = span_of ("goes on"), .author = {{1}}};
    log_t *log = log_open (options->folder, 1 << 30, &fold, &trouble);
    if (log && !log_read_only (log)) {
        log_begin (log, log_time (log), 4096, false);
        log_put (log, &record);
        log_commit (log);
        log_finish (log, -1, &done);
        free (done.buffer);
    }
    log_destroy (&log);
    if (done.result != WRITER_DONE)
        printf ("REFUSED nothing can be appended\n");
    return done.result == WRITER_DONE ? rigs_read (options) : 0;
}

// Opens the log and prints each record's sequence and hash, or what there is in its place.
int rigs_read (const rigs_options_t *options)
{
    log_fold_t fold = {NULL, s_fold, s_state};
    trouble_t trouble;
    log_t *log = log_open (options->folder, 1 << 30, &fold, &trouble);
    if (!log) {
        printf ("REFUSED %d %s\n", trouble.exit, trouble.text);
        return 0;
    }
    printf ("%s %" PRIu64 " %" PRIu64 " %s\n", log_read_only (log) ? "READ-ONLY" : "OPEN",
            log_oldest (log), log_last (log), log_notice (log));
    for (uint64_t seq = log_oldest (log); seq <= log_last (log);) {
        segments_page_t page;
        record_why_t why;
        segments_read_t rc = log_read (log, seq, UINT64_MAX, 65536, &page, &why);
        if (rc == SEGMENTS_LATER)
            continue;
        if (rc == SEGMENTS_PAGE) {
            s_print_page (log, &page);
            seq = page.last + 1;
            free (page.buffer);
        } else {
            printf ("GAP %" PRIu64 " %" PRIu64 "\n", seq, rc == SEGMENTS_GAP ? page.to : seq);
            seq = rc == SEGMENTS_GAP ? page.to + 1 : seq + 1;
        }
    }
    log_destroy (&log);
    return 0;
}
