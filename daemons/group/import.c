#include "daemons/group/import.h"

#include "common/exits.h"
#include "daemons/group/draft.h"
#include "daemons/group/jsonl.h"
#include "daemons/group/writer.h"

#include <czmq.h>
#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { LINE_MAX_BYTES = 1 << 20, PROGRESS_BYTES = 1 << 24 };

typedef struct {
    import_t *result;
    trouble_t *trouble;
    FILE *in;
    void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes);
    uint64_t total; // bytes of the input, 0: unknown
    uint64_t done;
    uint64_t shown;
    char *text;    // the line at hand, LINE_MAX_BYTES and what ends it
    uint64_t line; // its number
    jsonl_t *json;
    // where the log is made
    int parent;
    int dir;
    char name[NAME_MAX + 1];
    char fresh[NAME_MAX + 1];
    // what must follow
    uint64_t seq;
    chain_t chain;
    bool ended;
    // the segment at hand
    draft_t *draft;
    segment_header_t header;
    bool opened;  // it has its first batch
    int64_t time; // of the last record
    uint8_t bytes[BATCH_MAX];
} run_t;

// ---- Lines

static int s_wrong (run_t *self, const char *why)
{
    return trouble_set (self->trouble, EXIT_REFUSED, "line %" PRIu64 ": %s", self->line, why);
}

static int s_io (run_t *self, const char *what)
{
    return trouble_set (self->trouble, errno == ENOSPC ? EXIT_NOT_NOW : EXIT_SYNC, "%s: %s", what,
                        strerror (errno));
}

static void s_progress (run_t *self, size_t size)
{
    self->done += size;
    if (!self->progress || self->done - self->shown < PROGRESS_BYTES)
        return;
    self->shown = self->done;
    self->progress (NULL, self->done, self->total);
}

// 1: there is a line; 0: the end.
static int s_next_line (run_t *self)
{
    size_t size = 0;
    int byte = 0;
    while (byte != '\n' && size <= LINE_MAX_BYTES && (byte = getc_unlocked (self->in)) != EOF)
        self->text[size++] = (char)byte;
    self->text[size] = 0;
    if (ferror (self->in))
        return s_io (self, "standard input cannot be read");
    if (size == 0)
        return 0;
    self->line++;
    if (size > LINE_MAX_BYTES)
        return s_wrong (self, "longer than any line of an export");
    s_progress (self, size);
    if (self->json)
        jsonl_set (self->json, self->text, size);
    else
        self->json = jsonl_new (self->text, size);
    return 1;
}

// All of the line was asked for, and right.
static int s_check_line (run_t *self)
{
    const char *wrong = jsonl_wrong (self->json);
    return wrong ? s_wrong (self, wrong) : 0;
}

static int s_read_header (run_t *self)
{
    int rc = s_next_line (self);
    if (rc <= 0)
        return rc < 0 ? -1 : s_wrong (self, "there is no line: not an export");
    bool known = streq (jsonl_text (self->json, "format"), JSONL_FORMAT);
    uint64_t version = jsonl_number (self->json, "version");
    self->result->log = jsonl_guid (self->json, "log");
    self->seq = jsonl_number (self->json, "first");
    jsonl_hex (self->json, "chain", self->chain.bytes, CHAIN_SIZE);
    if (!known || version != JSONL_VERSION)
        return s_wrong (self, "this is no export of this version");
    if (s_check_line (self) < 0)
        return -1;
    chain_t start = chain_start (&self->result->log);
    if (self->seq < 1 || (self->seq == 1 && !chain_equal (&self->chain, &start)))
        return s_wrong (self, "the log does not begin with the chain of its id");
    return 0;
}

// ---- Segments

static int s_end_segment (run_t *self)
{
    if (!self->draft)
        return 0;
    if (!self->opened)
        return s_wrong (self, "a segment without batches came before this line");
    if (draft_keep (self->draft) < 0)
        return s_io (self, "a segment cannot be written");
    draft_destroy (&self->draft);
    self->result->segments++;
    return 0;
}

static int s_segment (run_t *self)
{
    char name[SEGMENT_NAME];
    uint8_t room[SEGMENT_HEADER] = {0};
    if (s_end_segment (self) < 0)
        return -1;
    self->header = (segment_header_t){.version = SEGMENT_VERSION,
                                      .log = self->result->log,
                                      .first = jsonl_number (self->json, "segment"),
                                      .time = jsonl_time (self->json, "time")};
    jsonl_hex (self->json, "chain", self->header.chain.bytes, CHAIN_SIZE);
    if (s_check_line (self) < 0)
        return -1;
    if (self->header.first != self->seq || !chain_equal (&self->header.chain, &self->chain))
        return s_wrong (self, "the segment does not go on behind what is before it");
    segment_name (self->seq, name);
    self->opened = false;
    self->draft = draft_new (self->dir, name);
    if (!self->draft || draft_write (self->draft, span (room, sizeof room)) < 0)
        return s_io (self, "a segment cannot be written");
    return 0;
}

// ---- Batches

typedef struct {
    batch_t head;
    uint16_t count;
    uint8_t digest[BATCH_DIGEST];
    uint8_t sum[8];
    uint64_t line; // where it begins
} batch_line_t;

static int s_read_head (run_t *self, batch_line_t *line)
{
    jsonl_t *json = self->json;
    const char *type = jsonl_text (json, "type");
    bool state = streq (type, "state");
    uint64_t count = jsonl_number (json, "count");
    memset (line, 0, sizeof *line);
    line->line = self->line;
    line->head.type = state ? BATCH_TYPE_STATE : BATCH_TYPE_RECORDS;
    line->head.first = jsonl_number (json, "batch");
    line->head.base = jsonl_time (json, "base");
    line->head.durable = jsonl_number (json, "durable");
    jsonl_hex (json, "chain", line->head.chain.bytes, CHAIN_SIZE);
    jsonl_hex (json, "sum", line->sum, sizeof line->sum);
    if (jsonl_has (json, "opens")) {
        jsonl_hex (json, "opens", line->digest, BATCH_DIGEST);
        line->head.digest = line->digest;
    }
    if (s_check_line (self) < 0)
        return -1;
    if ((!state && !streq (type, "records")) || count < 1 || count > BATCH_RECORDS ||
        line->head.first < 1 || line->head.durable >= line->head.first ||
        line->head.first - line->head.durable > UINT32_MAX || (state && line->head.digest))
        return s_wrong (self, "this is no batch");
    line->count = (uint16_t)count;
    return 0;
}

// Reads the batch's records into self->bytes.
static int s_read_records (run_t *self, const batch_line_t *line, span_t *bytes)
{
    batch_writer_t out;
    int64_t time = line->head.base;
    batch_begin (&out, self->bytes, &line->head);
    for (unsigned i = 0; i < line->count; i++) {
        record_t record;
        uint64_t seq;
        int rc = s_next_line (self);
        if (rc <= 0)
            return rc < 0 ? -1 : s_wrong (self, "the export ends in the middle of a batch");
        jsonl_record (self->json, &record, &seq);
        if (s_check_line (self) < 0)
            return -1;
        if (seq != (line->head.type == BATCH_TYPE_STATE ? 0 : line->head.first + i))
            return s_wrong (self, "the record has another number than its place");
        if (record.time < time)
            return s_wrong (self, "the record is before the one in front of it");
        if (line->head.type == BATCH_TYPE_RECORDS)
            time = record.time;
        if (batch_add (&out, &record) == 0)
            return s_wrong (self, "the records do not fit into one batch");
    }
    *bytes = batch_end (&out, &self->result->log);
    return 0;
}

// The segment's header gets the size of its STATE; its first batch must say what they are.
static int s_open_segment (run_t *self, const batch_t *batch)
{
    uint8_t header[SEGMENT_HEADER], digest[BATCH_DIGEST];
    uint64_t start = draft_size (self->draft);
    if (start - SEGMENT_HEADER > UINT32_MAX)
        return s_wrong (self, "the segment has too much STATE");
    self->header.state_size = (uint32_t)(start - SEGMENT_HEADER);
    segment_header_encode (&self->header, header);
    int fd = -1;
    if (draft_patch (self->draft, 0, span (header, sizeof header)) == 0)
        fd = draft_fd (self->draft);
    if (fd < 0 || segment_digest (fd, start, digest) < 0)
        return s_io (self, "a segment cannot be written");
    if (!batch->opens || memcmp (batch->digest, digest, BATCH_DIGEST) != 0)
        return s_wrong (self, "the segment's beginning is not what its first batch says it was");
    self->opened = true;
    return 0;
}

// Whether the batch belongs where it stands.
static int s_check_place (run_t *self, batch_t *batch)
{
    if (batch->type == BATCH_TYPE_STATE)
        return self->opened || batch->first != self->header.first
                   ? s_wrong (self, "a STATE batch that does not belong there")
                   : 0;
    if (hole_first (batch) != self->seq || !chain_equal (&batch->chain, &self->chain))
        return s_wrong (self, "the batch that ends here does not go on behind what is before it");
    if (!self->opened && s_open_segment (self, batch) < 0)
        return -1;
    hole_t hole;
    self->result->records += hole_read (&hole, batch) ? 0 : batch->count;
    self->seq = hole_last (batch) + 1;
    self->chain = hole_chain_after (batch);
    return 0;
}

static int s_batch (run_t *self)
{
    batch_line_t line;
    batch_t batch;
    span_t bytes;
    if (!self->draft)
        return s_wrong (self, "a batch without a segment");
    if (s_read_head (self, &line) < 0 || s_read_records (self, &line, &bytes) < 0)
        return -1;
    if (batch_open (&batch, bytes, &self->result->log) < 0 || !batch_sound (&batch) ||
        memcmp (bytes.data + 8, line.sum, sizeof line.sum) != 0)
        return trouble_set (self->trouble, EXIT_REFUSED,
                            "lines %" PRIu64 " to %" PRIu64
                            ": the batch was changed: it is not what its sum says",
                            line.line, self->line);
    if (s_check_place (self, &batch) < 0)
        return -1;
    return draft_write (self->draft, bytes) < 0 ? s_io (self, "a segment cannot be written") : 0;
}

static int s_end (run_t *self)
{
    chain_t chain;
    uint64_t last = jsonl_number (self->json, "end");
    uint64_t records = jsonl_number (self->json, "records");
    jsonl_hex (self->json, "chain", chain.bytes, CHAIN_SIZE);
    if (s_check_line (self) < 0 || s_end_segment (self) < 0)
        return -1;
    if (last + 1 != self->seq || records != self->result->records ||
        !chain_equal (&chain, &self->chain))
        return s_wrong (self, "the end is not where what came before it ends");
    self->result->last = last;
    self->ended = true;
    return 0;
}

static int s_read_all (run_t *self)
{
    if (s_read_header (self) < 0)
        return -1;
    int rc;
    while ((rc = s_next_line (self)) == 1) {
        if (self->ended)
            rc = s_wrong (self, "something follows the end");
        else if (jsonl_has (self->json, "segment"))
            rc = s_segment (self);
        else if (jsonl_has (self->json, "batch"))
            rc = s_batch (self);
        else if (jsonl_has (self->json, "end"))
            rc = s_end (self);
        else
            rc = s_check_line (self) < 0 ? -1 : s_wrong (self, "a line that does not belong there");
        if (rc < 0)
            return -1;
    }
    if (rc == 0 && !self->ended)
        return trouble_set (self->trouble, EXIT_REFUSED,
                            "behind line %" PRIu64 ": the export is not complete", self->line);
    return rc;
}

// ---- The folder

static int s_clear (run_t *self)
{
    int copy = openat (self->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir (copy);
    struct dirent *entry;
    int rc = folder ? 0 : -1;
    while (folder && (entry = readdir (folder)))
        if (entry->d_name[0] != '.' && unlinkat (self->dir, entry->d_name, 0) < 0)
            rc = -1;
    if (folder)
        closedir (folder);
    return rc;
}

static bool s_is_empty (int parent, const char *name)
{
    int fd = openat (parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir (fd);
    struct dirent *entry;
    bool empty = folder != NULL;
    while (empty && (entry = readdir (folder)))
        empty = streq (entry->d_name, ".") || streq (entry->d_name, "..");
    if (folder)
        closedir (folder);
    return empty;
}

static int s_name (run_t *self, const char *path)
{
    char *copy = strdup (path), *other = strdup (path);
    assert (copy && other);
    snprintf (self->name, sizeof self->name, "%s", basename (copy));
    self->parent = open (dirname (other), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free (copy);
    free (other);
    if (self->parent < 0)
        return trouble_set (self->trouble, EXIT_SYNC, "the folder above %s cannot be opened: %s",
                            path, strerror (errno));
    if (strlen (self->name) > NAME_MAX - 8 || self->name[0] == '.' || self->name[0] == '/')
        return trouble_set (self->trouble, EXIT_USAGE, "%s cannot be a log's folder", path);
    snprintf (self->fresh, sizeof self->fresh, ".%.240s.import", self->name);
    if (faccessat (self->parent, self->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
        !s_is_empty (self->parent, self->name))
        return trouble_set (self->trouble, EXIT_REFUSED, "%s is not empty", path);
    return 0;
}

// Makes the folder beside the wanted one, empty and locked.
static int s_begin (run_t *self, const char *path)
{
    if (s_name (self, path) < 0)
        return -1;
    bool made = mkdirat (self->parent, self->fresh, 0750) == 0;
    if (!made && errno != EEXIST)
        return s_io (self, path);
    self->dir = openat (self->parent, self->fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (self->dir < 0) {
        s_io (self, path);
        if (made)
            unlinkat (self->parent, self->fresh, AT_REMOVEDIR);
        return -1;
    }
    if (flock (self->dir, LOCK_EX | LOCK_NB) < 0) {
        close (self->dir); // another one's, not to be removed
        self->dir = -1;
        return trouble_set (self->trouble, EXIT_NOT_NOW, "another import into %s is under way",
                            path);
    }
    return s_clear (self) < 0 ? s_io (self, path) : 0;
}

static int s_read_key (run_t *self, const char *path, log_key_t *key)
{
    char *other = strdup (path), *copy = strdup (path);
    assert (other && copy);
    int dir = open (dirname (other), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool named = streq (basename (copy), "key");
    int rc = dir < 0 || !named ? -1 : folder_read_key (dir, key);
    int cause = errno;
    if (dir >= 0)
        close (dir);
    free (other);
    free (copy);
    if (rc == 0)
        return 0;
    return trouble_set (self->trouble, EXIT_CONFIG, "%s: %s", path,
                        !named             ? "a key lies in a file named `key`"
                        : cause == EPERM   ? "can be read by others: chmod 600 it"
                        : cause == EBADMSG ? "is no key"
                                           : strerror (cause));
}

static int s_finish (run_t *self, const char *folder, const log_key_t *given)
{
    log_key_t key = {.id = self->result->log};
    if (given)
        memcpy (key.secret, given->secret, PROOF_KEY);
    else
        randombytes_buf (key.secret, PROOF_KEY);
    int rc = folder_write_key (self->dir, &key);
    sodium_memzero (&key, sizeof key);
    if (rc == 0)
        rc = renameat (self->parent, self->fresh, self->parent, self->name);
    if (rc == 0)
        rc = writer_sync (self->parent);
    return rc < 0 ? s_io (self, folder) : 0;
}

// What was made goes, unless it was renamed.
static void s_close (run_t *self, bool failed)
{
    draft_destroy (&self->draft);
    jsonl_destroy (&self->json);
    free (self->text);
    if (self->dir >= 0 && failed && s_clear (self) == 0)
        unlinkat (self->parent, self->fresh, AT_REMOVEDIR);
    if (self->dir >= 0)
        close (self->dir);
    if (self->parent >= 0)
        close (self->parent);
}

// How much comes, if it is a file.
static uint64_t s_size (FILE *in)
{
    struct stat status;
    off_t at = ftello (in);
    bool known = at >= 0 && fstat (fileno (in), &status) == 0 && S_ISREG (status.st_mode) &&
                 status.st_size > at;
    return known ? (uint64_t)(status.st_size - at) : 0;
}

int import_run (import_t *self, FILE *in, const char *folder, const char *key_file,
                void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes), trouble_t *trouble)
{
    log_key_t key;
    memset (self, 0, sizeof *self);
    run_t *run = zmalloc (sizeof *run);
    *run = (run_t){.result = self,
                   .trouble = trouble,
                   .in = in,
                   .progress = progress,
                   .total = s_size (in),
                   .text = malloc (LINE_MAX_BYTES + 2),
                   .parent = -1,
                   .dir = -1};
    assert (run->text);
    int rc = key_file ? s_read_key (run, key_file, &key) : 0;
    if (rc == 0)
        rc = s_begin (run, folder);
    if (rc == 0)
        rc = s_read_all (run);
    if (rc == 0 && key_file && !guid_equal (&key.id, &self->log))
        rc = trouble_set (trouble, EXIT_CONFIG, "%s is the key of another log", key_file);
    if (rc == 0)
        rc = s_finish (run, folder, key_file ? &key : NULL);
    sodium_memzero (&key, sizeof key);
    s_close (run, rc < 0);
    free (run);
    return rc;
}
