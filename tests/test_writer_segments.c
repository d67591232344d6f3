// New segments; test_writer.c has everything else.

#include "daemons/group/writer.h"

#include "tests/faults.h"
#include "tests/writer_kit.h"

START_TEST (new_segment_is_synced_with_its_folder_before_it_is_done)
{
    static faults_event_t events[FAULTS_EVENTS];
    writer_job_t job = s_segment ("new", "head", "data");
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    size_t count = faults_events (events);
    size_t open_at = s_next_event (events, count, 0, FAULTS_OPENAT);
    size_t head_at = s_next_event (events, count, open_at, FAULTS_PWRITE);
    size_t data_at = s_next_event (events, count, head_at + 1, FAULTS_PWRITE);
    size_t sync_at = s_next_event (events, count, data_at + 1, FAULTS_FDATASYNC);
    size_t folder_at = s_next_event (events, count, sync_at + 1, FAULTS_FSYNC);
    ck_assert (events[head_at].offset == 0 && events[head_at].size == 4);
    ck_assert (events[data_at].offset == 4 && events[data_at].size == 4);
    ck_assert_int_eq (events[sync_at].fd, job.made_fd);
    ck_assert_int_eq (events[folder_at].fd, s_dir);
    s_holds (job.made_fd, 0, "headdata");
    s_quiet ();
    ck_assert_int_eq (access (folder_path (&s_folder, "new"), F_OK), 0);
    ck_assert_int_eq (write (job.made_fd, "x", 1), 1);
    close (job.made_fd);
}
END_TEST

START_TEST (segment_before_a_new_one_is_trimmed_after_that)
{
    static faults_event_t events[FAULTS_EVENTS];
    writer_job_t old = s_append ("old data", 0), job = s_segment ("new", "head", "data");
    ck_assert_int_eq (s_run (&old), WRITER_DONE);
    faults_wait (FAULTS_FDATASYNC, 1 + AHEAD / STEP);
    ck_assert_uint_gt (s_size (s_file), 8);
    faults_forget ();
    job.trim_fd = s_file;
    job.trim_size = 8;
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    size_t count = faults_events (events);
    size_t folder_at = s_next_event (events, count, 0, FAULTS_FSYNC);
    ck_assert_uint_gt (s_next_event (events, count, 0, FAULTS_FTRUNCATE), folder_at);
    ck_assert_uint_eq (s_size (s_file), 8);
    s_holds (s_file, 0, "old data");
    s_quiet ();
    close (job.made_fd);
}
END_TEST

START_TEST (trim_that_fails_harms_nothing)
{
    writer_job_t job = s_segment ("new", "head", "data");
    job.trim_fd = s_file;
    faults_fail (FAULTS_FTRUNCATE, 0, 1, EIO);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    s_quiet ();
    close (job.made_fd);
}
END_TEST

START_TEST (zeros_go_ahead_in_a_new_segment_too)
{
    writer_job_t job = s_segment ("new", "head", "data");
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    faults_wait (FAULTS_FDATASYNC, 1 + AHEAD / STEP);
    ck_assert_uint_ge (s_size (job.made_fd), 8 + AHEAD);
    writer_job_t next = s_append ("next", 8);
    next.fd = job.made_fd;
    ck_assert_int_eq (s_run (&next), WRITER_DONE);
    s_holds (job.made_fd, 0, "headdatanext");
    s_quiet ();
    close (job.made_fd);
}
END_TEST

static void s_segment_is_undone (faults_call_t call, int skip, int error)
{
    writer_job_t job = s_segment ("new", "head", "data");
    faults_fail (call, skip, 1, error);
    ck_assert_int_eq (s_run (&job), WRITER_UNDONE);
    ck_assert_int_eq (job.error, error);
    ck_assert_int_eq (job.made_fd, -1);
    ck_assert_int_ne (access (folder_path (&s_folder, "new"), F_OK), 0);
    ck_assert_int_eq (s_run (&job), WRITER_DONE); // under the same name
    s_quiet ();
    s_holds (job.made_fd, 0, "headdata");
    close (job.made_fd);
}

START_TEST (segment_that_cannot_be_opened_is_undone)
{
    s_segment_is_undone (FAULTS_OPENAT, 0, ENOSPC);
}
END_TEST

START_TEST (segment_that_has_no_room_is_undone)
{
    s_segment_is_undone (FAULTS_FALLOCATE, 0, ENOSPC);
}
END_TEST

START_TEST (segment_whose_head_does_not_fit_is_undone)
{
    s_segment_is_undone (FAULTS_PWRITE, 0, ENOSPC);
}
END_TEST

START_TEST (segment_whose_data_does_not_fit_is_undone)
{
    s_segment_is_undone (FAULTS_PWRITE, 1, EIO);
}
END_TEST

START_TEST (unfinished_segment_that_cannot_be_removed_is_final)
{
    writer_job_t job = s_segment ("new", "head", "data");
    faults_fail (FAULTS_PWRITE, 1, 1, ENOSPC);
    faults_fail (FAULTS_UNLINKAT, 0, 1, EIO);
    ck_assert_int_eq (s_run (&job), WRITER_FINAL);
    ck_assert_int_eq (job.made_fd, -1);
    writer_job_t next = s_append ("hello", 0);
    ck_assert_int_eq (s_run (&next), WRITER_FINAL);
    ck_assert_uint_eq (s_size (s_file), 0);
}
END_TEST

// Else a crash brings it back, over what the log went on with.
START_TEST (removal_of_an_unfinished_segment_is_synced)
{
    static faults_event_t events[FAULTS_EVENTS];
    writer_job_t job = s_segment ("new", "head", "data");
    faults_fail (FAULTS_PWRITE, 1, 1, ENOSPC);
    ck_assert_int_eq (s_run (&job), WRITER_UNDONE);
    s_quiet ();
    size_t count = faults_events (events);
    size_t removed = s_next_event (events, count, 0, FAULTS_UNLINKAT);
    ck_assert_int_eq (events[s_next_event (events, count, removed, FAULTS_FSYNC)].fd, s_dir);
}
END_TEST

START_TEST (removal_that_cannot_be_synced_is_final)
{
    writer_job_t job = s_segment ("new", "head", "data"), next = s_append ("hello", 0);
    faults_fail (FAULTS_PWRITE, 1, 1, ENOSPC);
    faults_fail (FAULTS_FSYNC, 0, 1, EIO);
    ck_assert_int_eq (s_run (&job), WRITER_FINAL);
    ck_assert_int_eq (job.error, EIO);
    ck_assert_int_eq (s_run (&next), WRITER_FINAL);
    ck_assert_uint_eq (s_size (s_file), 0);
}
END_TEST

static void s_segment_is_final (faults_call_t call)
{
    writer_job_t job = s_segment ("new", "head", "data");
    faults_fail (call, 0, 1, EIO);
    ck_assert_int_eq (s_run (&job), WRITER_FINAL);
    ck_assert_int_eq (job.error, EIO);
    writer_job_t next = s_append ("hello", 0);
    ck_assert_int_eq (s_run (&next), WRITER_FINAL);
    ck_assert_uint_eq (s_size (s_file), 0);
    if (job.made_fd >= 0)
        close (job.made_fd);
}

START_TEST (failed_sync_of_a_new_segment_is_final)
{
    s_segment_is_final (FAULTS_FDATASYNC);
}
END_TEST

START_TEST (failed_sync_of_the_folder_is_final)
{
    s_segment_is_final (FAULTS_FSYNC);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("writer_segments");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, new_segment_is_synced_with_its_folder_before_it_is_done);
    tcase_add_test (cases, segment_before_a_new_one_is_trimmed_after_that);
    tcase_add_test (cases, trim_that_fails_harms_nothing);
    tcase_add_test (cases, zeros_go_ahead_in_a_new_segment_too);
    tcase_add_test (cases, segment_that_cannot_be_opened_is_undone);
    tcase_add_test (cases, segment_that_has_no_room_is_undone);
    tcase_add_test (cases, segment_whose_head_does_not_fit_is_undone);
    tcase_add_test (cases, segment_whose_data_does_not_fit_is_undone);
    tcase_add_test (cases, unfinished_segment_that_cannot_be_removed_is_final);
    tcase_add_test (cases, failed_sync_of_a_new_segment_is_final);
    tcase_add_test (cases, failed_sync_of_the_folder_is_final);
    tcase_add_test (cases, removal_of_an_unfinished_segment_is_synced);
    tcase_add_test (cases, removal_that_cannot_be_synced_is_final);
    return kit_run (cases, "writer_segments");
}
