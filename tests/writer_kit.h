// writer_kit: what the tests of writer share: a folder with a file, a writer, and jobs.

#ifndef ZCHAT_TESTS_WRITER_KIT_H
#define ZCHAT_TESTS_WRITER_KIT_H

#include "daemons/group/writer.h"
#include "tests/faults.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP = 1 << 18, AHEAD = 1 << 20, RESERVE = 1 << 18 };

static folder_t s_folder;
static int s_dir;
static int s_file;
static writer_thread_t *s_writer;

static inline void s_setup (void)
{
    s_folder = folder_new ();
    s_dir = open (s_folder.path, O_RDONLY | O_DIRECTORY);
    s_file = open (folder_path (&s_folder, "old"), O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge (s_dir, 0);
    ck_assert_int_ge (s_file, 0);
    s_writer = writer_new ();
    ck_assert_ptr_nonnull (s_writer);
}

static inline void s_teardown (void)
{
    faults_reset ();
    writer_destroy (&s_writer);
    close (s_file);
    close (s_dir);
    folder_remove (&s_folder);
}

static inline writer_job_t s_append (const char *text, uint64_t offset)
{
    return (writer_job_t){
        .fd = s_file, .dir = s_dir, .trim_fd = -1, .data = span_of (text), .offset = offset};
}

static inline writer_job_t s_segment (const char *name, const char *head, const char *data)
{
    writer_job_t job = {
        .fd = -1, .dir = s_dir, .trim_fd = -1, .head = span_of (head), .data = span_of (data)};
    strcpy (job.name, name);
    return job;
}

static inline writer_result_t s_run (writer_job_t *job)
{
    writer_submit (s_writer, job);
    ck_assert_ptr_eq (writer_take (s_writer, -1), job);
    return job->result;
}

static inline void s_holds (int fd, uint64_t offset, const char *text)
{
    char bytes[256] = {0};
    ssize_t size = __real_pread (fd, bytes, strlen (text), (off_t)offset);
    ck_assert_int_eq (size, strlen (text));
    ck_assert_str_eq (bytes, text);
}

static inline uint64_t s_size (int fd)
{
    struct stat status;
    ck_assert_int_eq (fstat (fd, &status), 0);
    return (uint64_t)status.st_size;
}

// Ends the thread, so that nothing more is written.
static inline void s_quiet (void)
{
    writer_destroy (&s_writer);
    ck_assert_ptr_null (s_writer);
}

static inline size_t s_next_event (const faults_event_t *events, size_t count, size_t from,
                                   faults_call_t call)
{
    while (from < count && events[from].call != call)
        from++;
    ck_assert_msg (from < count, "call %d was not made", (int)call);
    return from;
}

#endif
