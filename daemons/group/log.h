// log: a group's append-only file, behind one header.
//
// Daemon floor 5. Appending is a job: begin, put records, commit; later the job is finished:
// durable, undone or final. One job is under way at a time. Until it is durable nothing of it can
// be read here.
//
// The folder holds segments (segment.h), `key` (the log's id and its secret, 16 and 32 bytes, mode
// 0600) and what recovery set aside. It is locked for life: a second opener fails, whatever path it
// came by.

#ifndef ZCHAT_LOG_H
#define ZCHAT_LOG_H

#include "common/proof.h"
#include "daemons/group/keep.h"
#include "daemons/group/lineage.h"
#include "daemons/group/recovery.h"
#include "daemons/group/segments.h"
#include "daemons/group/writer.h"

#define LOG_JOB_MAX  1048576 // bytes of batches in one job
#define LOG_BATCH    16384   // a batch is ended behind that many bytes: a page is whole batches
#define LOG_HEADROOM SEGMENTS_HEADROOM

typedef struct log log_t;

// Takes the records that rebuild the fold at this point: JOIN, TOPIC and STATE_DEVICE records.
typedef struct log_state log_state_t;
void log_state_put (log_state_t *self, const record_t *record);

typedef struct {
    void *arg;
    recovery_fold_fn *fold;                        // while the log is opened
    void (*state) (void *arg, log_state_t *state); // when a new segment begins
} log_fold_t;

// Opens the folder, making it if there is none, and replays it. `segment`: bytes after which a new
// segment begins. NULL with trouble set. The first job writes an OPEN record of itself.
log_t *log_open (const char *folder, uint64_t segment, const log_fold_t *fold, trouble_t *trouble);

// Waits for a job under way, whose result is lost, and closes.
void log_destroy (log_t **self_p);

void log_set_segment (log_t *self, uint64_t bytes);

const guid_t *log_id (const log_t *self);
const uint8_t *log_key (const log_t *self);       // PROOF_KEY bytes
const guid_t *log_instance (const log_t *self);   // this opening's, random
uint64_t log_generation (const log_t *self);      // durable
bool log_raised (const log_t *self);              // the generation is this opening's own
uint64_t log_last (const log_t *self);            // last durable sequence, 0: none
int64_t log_time (const log_t *self);             // its time
uint64_t log_oldest (const log_t *self);          // first sequence kept
record_why_t log_why (const log_t *self);         // why that is not 1
bool log_read_only (const log_t *self);           // damaged
const char *log_notice (const log_t *self);       // what opening cut or found, "" if nothing
const receipt_t *log_receipt (const log_t *self); // for log_last
receipt_t log_receipt_at (const log_t *self, uint64_t seq, const chain_t *chain);

// ---- Appending

bool log_busy (const log_t *self); // a job is under way

// Begins a job at wall-clock time `now` (microseconds; times never go below log_time). `hint`:
// bytes that its records will take at most, roughly. `reserve`: it may use the space that is kept
// for when the disk is full, and begins no segment. Needs that no job is under way, and that the
// log is neither read-only nor in doubt.
void log_begin (log_t *self, int64_t now, size_t hint, bool reserve);

// Appends a record; sets its seq and time. Returns 0, or -1 when the job is full.
int log_put (log_t *self, record_t *record);

// The next record begins a new batch: who may see only up to here gets no byte behind it.
void log_break (log_t *self);

// The next job begins a new segment.
void log_close_segment (log_t *self);

// Gives up the job that is made.
void log_cancel (log_t *self);

// Hands the job to the disk.
void log_commit (log_t *self);

// Readable when the job is finished.
int log_fd (const log_t *self);

typedef struct {
    writer_result_t result;
    int error; // errno, and the call that failed
    const char *call;
    uint64_t first; // sequences of its records
    uint64_t last;
    uint8_t *buffer; // the batches, with LOG_HEADROOM bytes in front; the caller's to free
    span_t batches;
} log_done_t;

// The job's end, if it came within `timeout` milliseconds (-1: for ever). Returns 1, or 0: not yet.
int log_finish (log_t *self, int timeout, log_done_t *done);

// ---- Retention, and receipts

// The segments for keep_judge; the caller frees the list. `count` is at least 1, or the list is
// NULL: there are none.
keep_segment_t *log_keep_list (log_t *self, size_t *count);

// Removes the segments that hold nothing from log_oldest on. A TRIM record moves that when it is
// durable. Returns how many went.
size_t log_drop_trimmed (log_t *self);

// The chain after record `seq`, if a batch ends there. SEGMENTS_PAGE: *chain is set;
// SEGMENTS_NOTHING: no batch ends there; SEGMENTS_GAP: what is behind it is not to be had, so
// nobody can say.
segments_read_t log_chain_at (log_t *self, uint64_t seq, chain_t *chain);

// Where the log was accepted: see lineage.h.
const lineage_t *log_lineage (const log_t *self);

// Why the log is in doubt, "" if it is not. Kept in the file `doubt` until the operator accepts;
// while it is there the log takes no job.
const char *log_doubt (const log_t *self);
// The receipt's generation, in that sentence: behind these words. 0: it does not say.
#define LOG_DOUBT_GENERATION " of generation "
uint64_t log_doubt_generation (const log_t *self);
// The generation of this opening will be above that one, too. To be said before its first job.
void log_raise (log_t *self, uint64_t generation);
// Notes the doubt, durably. -1 with errno when that failed; it holds for this process all the same,
// and is to be written later.
int log_set_doubt (log_t *self, const char *why);
// Writes a doubt that could not be written before. 1: now it is; 0: there is none; -1 with errno.
int log_write_doubt (log_t *self);

// ---- Reading, up to log_last. See segments.h; a sequence below the oldest kept is a gap with its
// reason.

segments_read_t log_read (log_t *self, uint64_t seq, uint64_t last, size_t max,
                          segments_page_t *page, record_why_t *why);
segments_read_t log_find (log_t *self, int64_t time, uint64_t *may, uint64_t *is);
// A sequence not above `seq` such that from it to `seq` lie about `bytes` bytes or more, or the
// oldest kept.
uint64_t log_back (log_t *self, uint64_t seq, uint64_t bytes);

#endif
