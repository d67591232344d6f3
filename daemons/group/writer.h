// writer: the one thread that writes a log, and the only file that calls fdatasync and fsync.
//
// Floor 8. One job at a time: its bytes are written and synced, and only then the job is
// done. Between jobs the thread writes zeros ahead of the log and syncs them, in small steps: a
// file that does not grow needs one disk write a sync less.
//
// After a failed sync the kernel may show data that the disk does not have, and the next sync
// answers as if nothing had happened; so a failed sync is final: the job and every later one fail.

#ifndef ZCHAT_WRITER_H
#define ZCHAT_WRITER_H

#include "common/codec.h"

#include <sys/types.h>

typedef struct writer_thread writer_thread_t;

typedef enum {
    WRITER_DONE,   // on disk
    WRITER_UNDONE, // not written, and nothing of it is left: may be tried again
    WRITER_FINAL   // nothing may be written by this process any more
} writer_result_t;

// Spans are borrowed until the job is done.
typedef struct {
    int fd;  // the file; -1: make the new segment `name` in the folder `dir`
    int dir; // of the new segment, which is synced too
    char name[32];
    span_t head;     // a new segment's header and STATE
    span_t data;     // batches
    uint64_t offset; // of `head` or, if there is none, of `data`
    int trim_fd; // the segment before a new one: cut to trim_size when the job is done, -1: none
    uint64_t trim_size;
    bool reserve; // may use the reserve
    // set when done
    writer_result_t result;
    int error;        // errno of what failed
    const char *call; // the call that failed
    int made_fd;      // the new segment, open for reading and writing
} writer_job_t;

// Starts the thread. NULL with errno when it cannot be started.
writer_thread_t *writer_new (void);

// Waits for the job under way and ends the thread.
void writer_destroy (writer_thread_t **self_p);

// Hands over a job, which must stay where it is until it is done. One at a time.
void writer_submit (writer_thread_t *self, writer_job_t *job);

// Readable when the job is done.
int writer_fd (const writer_thread_t *self);

// Takes the job back if it is done within `timeout` milliseconds (-1: for ever). NULL: not yet.
writer_job_t *writer_take (writer_thread_t *self, int timeout);

// ---- Syncs outside of jobs, while a log is opened. 0, or -1 with errno.

// Syncs the file and drops it from the page cache, so that what is read next comes from the disk.
int writer_sync_and_forget (int fd);
// Syncs a file or a folder.
int writer_sync (int fd);

#endif
