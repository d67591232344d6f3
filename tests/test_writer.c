#include "daemons/group/writer.h"

#include "tests/faults.h"
#include "tests/writer_kit.h"

// ---- A job done

START_TEST (job_is_written_and_synced_before_it_is_done)
{
    static faults_event_t events[FAULTS_EVENTS];
    writer_job_t job = s_append ("hello", 3);
    faults_hold_syncs (true);
    writer_submit (s_writer, &job);
    faults_wait (FAULTS_PWRITE, 1);
    ck_assert_ptr_null (writer_take (s_writer, 0));
    faults_hold_syncs (false);
    ck_assert_ptr_eq (writer_take (s_writer, -1), &job);
    ck_assert_int_eq (job.result, WRITER_DONE);
    ck_assert_int_eq (job.error, 0);
    s_holds (s_file, 3, "hello");
    size_t count = faults_events (events);
    size_t at = s_next_event (events, count, 0, FAULTS_PWRITE);
    ck_assert (events[at].offset == 3 && events[at].size == 5);
    ck_assert (events[at + 1].call == FAULTS_FDATASYNC && events[at + 1].fd == s_file);
}
END_TEST

START_TEST (descriptor_is_readable_when_the_job_is_done)
{
    writer_job_t job = s_append ("hello", 0);
    struct pollfd item = {writer_fd (s_writer), POLLIN, 0};
    ck_assert_int_eq (poll (&item, 1, 0), 0);
    writer_submit (s_writer, &job);
    ck_assert_int_eq (poll (&item, 1, 30000), 1);
    ck_assert_ptr_eq (writer_take (s_writer, 0), &job);
    ck_assert_ptr_null (writer_take (s_writer, 0));
    ck_assert_int_eq (poll (&item, 1, 0), 0);
}
END_TEST

START_TEST (short_and_interrupted_writes_go_on)
{
    faults_shorten (FAULTS_PWRITE, 0, 3, 2);
    writer_job_t job = s_append ("hello world", 0);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    s_holds (s_file, 0, "hello world");
    faults_fail (FAULTS_PWRITE, 0, 5, EINTR);
    job = s_append ("again", 11);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    s_holds (s_file, 0, "hello worldagain");
}
END_TEST

START_TEST (write_of_nothing_is_an_error)
{
    faults_shorten (FAULTS_PWRITE, 0, 1, 0);
    writer_job_t job = s_append ("hello", 0);
    ck_assert_int_eq (s_run (&job), WRITER_UNDONE);
    ck_assert_int_eq (job.error, EIO);
}
END_TEST

// ---- A job undone

static void s_is_undone (int error)
{
    writer_job_t first = s_append ("first", 0), second = s_append ("second", 5);
    ck_assert_int_eq (s_run (&first), WRITER_DONE);
    faults_wait (FAULTS_FDATASYNC, 1 + AHEAD / STEP); // the zeros ahead are there: it is quiet
    faults_fail (FAULTS_PWRITE, 0, 1, error);
    ck_assert_int_eq (s_run (&second), WRITER_UNDONE);
    ck_assert_int_eq (second.error, error);
    ck_assert_str_eq (second.call, "pwrite");
    s_holds (s_file, 0, "first");
    ck_assert_int_eq (s_run (&second), WRITER_DONE); // it may be tried again
    s_holds (s_file, 0, "firstsecond");
}

START_TEST (full_disk_leaves_nothing_of_the_job)
{
    s_is_undone (ENOSPC);
}
END_TEST

START_TEST (write_error_leaves_nothing_of_the_job)
{
    s_is_undone (EIO);
}
END_TEST

START_TEST (file_that_may_only_be_read_is_told_so)
{
    char path[64];
    snprintf (path, sizeof path, "/proc/self/fd/%d", s_file);
    writer_job_t job = s_append ("never", 0);
    job.fd = open (path, O_RDONLY);
    ck_assert_int_ge (job.fd, 0);
    ck_assert_int_eq (s_run (&job), WRITER_UNDONE);
    ck_assert_int_eq (job.error, EACCES);
    ck_assert_str_eq (job.call, "open for writing");
    close (job.fd);
}
END_TEST

START_TEST (first_job_that_fails_leaves_what_was_there)
{
    ck_assert_int_eq (__real_pwrite (s_file, "before", 6, 0), 6);
    writer_job_t job = s_append ("never", 6);
    faults_fail (FAULTS_PWRITE, 0, 1, ENOSPC);
    ck_assert_int_eq (s_run (&job), WRITER_UNDONE);
    faults_wait (FAULTS_FDATASYNC, AHEAD / STEP); // of zeros, behind it
    s_holds (s_file, 0, "before");
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    s_holds (s_file, 0, "beforenever");
}
END_TEST

START_TEST (half_a_job_is_taken_back)
{
    writer_job_t first = s_append ("first", 0), second = s_append ("second", 5);
    ck_assert_int_eq (s_run (&first), WRITER_DONE);
    faults_wait (FAULTS_FDATASYNC, 1 + AHEAD / STEP);
    faults_set_space (4);
    ck_assert_int_eq (s_run (&second), WRITER_UNDONE);
    ck_assert_int_eq (second.error, ENOSPC);
    s_quiet ();
    ck_assert_uint_eq (s_size (s_file), 5);
}
END_TEST

// The first write takes a part, the second fails, and the third may write zeros.
START_TEST (what_was_written_of_a_job_becomes_zeros_again)
{
    char bytes[6] = "xxxxx";
    writer_job_t first = s_append ("first", 0), second = s_append ("second", 5);
    ck_assert_int_eq (s_run (&first), WRITER_DONE);
    faults_wait (FAULTS_FDATASYNC, 1 + AHEAD / STEP);
    uint64_t size = s_size (s_file);
    faults_set_space (4);
    faults_grow_space_after_failure (1000);
    ck_assert_int_eq (s_run (&second), WRITER_UNDONE);
    ck_assert_int_eq (second.error, ENOSPC);
    s_quiet ();
    ck_assert_uint_eq (s_size (s_file), size);
    ck_assert_int_eq (__real_pread (s_file, bytes, sizeof bytes, 5), 6);
    ck_assert_int_eq (memcmp (bytes, "\0\0\0\0\0", sizeof bytes), 0);
    s_holds (s_file, 0, "first");
}
END_TEST

START_TEST (undo_that_fails_is_final)
{
    writer_job_t job = s_append ("hello", 0);
    faults_set_space (2);
    faults_fail (FAULTS_FTRUNCATE, 0, 1, EIO);
    ck_assert_int_eq (s_run (&job), WRITER_FINAL);
    ck_assert_int_eq (job.error, EIO);
    faults_reset ();
    ck_assert_int_eq (s_run (&job), WRITER_FINAL); // for every later one too
    s_quiet ();
    ck_assert_uint_eq (faults_calls (FAULTS_PWRITE) + faults_calls (FAULTS_ZEROS), 0);
    s_holds (s_file, 0, "he");
}
END_TEST

START_TEST (undo_goes_on_when_interrupted)
{
    writer_job_t job = s_append ("hello", 0);
    faults_set_space (2);
    faults_fail (FAULTS_FTRUNCATE, 0, 2, EINTR);
    ck_assert_int_eq (s_run (&job), WRITER_UNDONE);
    s_quiet ();
    ck_assert_uint_eq (s_size (s_file), 0);
}
END_TEST

// A crash must not bring back what the log goes on without.
START_TEST (undo_is_synced)
{
    writer_job_t first = s_append ("first", 0), second = s_append ("second", 5);
    ck_assert_int_eq (s_run (&first), WRITER_DONE);
    faults_wait (FAULTS_FDATASYNC, 1 + AHEAD / STEP); // the zeros ahead are there: it is quiet
    faults_forget ();
    faults_fail (FAULTS_PWRITE, 0, 1, ENOSPC);
    ck_assert_int_eq (s_run (&second), WRITER_UNDONE);
    ck_assert_uint_eq (faults_calls (FAULTS_FDATASYNC), 1);
    faults_fail (FAULTS_PWRITE, 0, 1, ENOSPC);
    faults_fail (FAULTS_FDATASYNC, 0, 1, EIO);
    ck_assert_int_eq (s_run (&second), WRITER_FINAL);
    ck_assert_int_eq (second.error, EIO);
    ck_assert_int_eq (s_run (&second), WRITER_FINAL);
}
END_TEST

// ---- A sync that failed

START_TEST (failed_sync_is_final_for_everything_later)
{
    writer_job_t job = s_append ("hello", 0), other = s_segment ("new", "head", "data");
    faults_fail (FAULTS_FDATASYNC, 0, 1, EIO);
    ck_assert_int_eq (s_run (&job), WRITER_FINAL);
    ck_assert_int_eq (job.error, EIO);
    ck_assert_str_eq (job.call, "fdatasync");
    faults_forget ();
    ck_assert_int_eq (s_run (&job), WRITER_FINAL);
    ck_assert_int_eq (job.error, EIO);
    ck_assert_int_eq (s_run (&other), WRITER_FINAL);
    ck_assert_int_eq (other.made_fd, -1);
    s_quiet ();
    ck_assert_uint_eq (faults_calls (FAULTS_PWRITE) + faults_calls (FAULTS_OPENAT), 0);
    ck_assert_int_ne (access (folder_path (&s_folder, "new"), F_OK), 0);
}
END_TEST

START_TEST (failed_sync_of_zeros_ahead_is_final_too)
{
    writer_job_t job = s_append ("hello", 0);
    faults_fail (FAULTS_FDATASYNC, 1, 1, EIO);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    faults_wait (FAULTS_FDATASYNC, 2);
    job = s_append ("again", 5);
    ck_assert_int_eq (s_run (&job), WRITER_FINAL);
    ck_assert_int_eq (job.error, EIO);
    s_quiet ();
    ck_assert_uint_eq (faults_calls (FAULTS_FDATASYNC), 2);
}
END_TEST

// ---- Zeros ahead

START_TEST (zeros_go_ahead_in_steps)
{
    static faults_event_t events[FAULTS_EVENTS];
    static uint8_t bytes[AHEAD], zeros[AHEAD];
    writer_job_t job = s_append ("hello", 7);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    faults_wait (FAULTS_FDATASYNC, 1 + AHEAD / STEP);
    size_t count = faults_events (events);
    uint64_t at = 12;
    for (size_t i = s_next_event (events, count, 0, FAULTS_FDATASYNC) + 1; i < count; i += 2) {
        ck_assert_int_eq (events[i].call, FAULTS_ZEROS);
        ck_assert_uint_eq (events[i].offset, at);
        ck_assert_uint_eq (events[i].size, STEP);
        ck_assert_int_eq (events[i + 1].call, FAULTS_FDATASYNC);
        at += STEP;
    }
    ck_assert_uint_eq (at, 12 + AHEAD);
    ck_assert_int_eq (__real_pread (s_file, bytes, AHEAD, 12), AHEAD);
    ck_assert (memcmp (bytes, zeros, AHEAD) == 0);
    s_holds (s_file, 7, "hello");
}
END_TEST

START_TEST (zeros_never_lie_over_data)
{
    static uint8_t data[3 * STEP], read_back[3 * STEP];
    dice_t chance = dice_new ("zeros_never_lie_over_data");
    uint64_t offset = 0;
    faults_skip_syncs (true);
    FILE *model = tmpfile ();
    for (int i = 0; i < 40; i++) {
        size_t size = 1 + dice (&chance, dice (&chance, 4) ? 5000 : sizeof data);
        memset (data, 1 + i, size);
        writer_job_t job = {
            .fd = s_file, .trim_fd = -1, .data = span (data, size), .offset = offset};
        ck_assert_int_eq (s_run (&job), WRITER_DONE);
        ck_assert_uint_eq (fwrite (data, 1, size, model), size);
        offset += size;
    }
    s_quiet ();
    rewind (model);
    for (uint64_t at = 0; at < offset;) {
        size_t size = fread (data, 1, sizeof data, model);
        ck_assert_int_eq (__real_pread (s_file, read_back, size, (off_t)at), size);
        ck_assert (memcmp (data, read_back, size) == 0);
        at += size;
    }
    fclose (model);
}
END_TEST

START_TEST (large_jobs_get_no_zeros_ahead)
{
    static faults_event_t events[FAULTS_EVENTS];
    static uint8_t data[32768];
    memset (data, 'x', sizeof data);
    for (uint64_t i = 0; i < 3; i++) {
        writer_job_t job = {.fd = s_file, .trim_fd = -1, .data = span (data, sizeof data)};
        job.offset = i * sizeof data;
        ck_assert_int_eq (s_run (&job), WRITER_DONE);
    }
    writer_destroy (&s_writer); // it does nothing more
    size_t count = faults_events (events);
    ck_assert_uint_gt (count, 0);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_ne (events[i].call, FAULTS_ZEROS);
    ck_assert_uint_eq (faults_calls (FAULTS_FDATASYNC), 3);
}
END_TEST

// Where a step is quick at once, else when it is looked again whether it is.
START_TEST (zeros_are_kept_ahead_of_larger_jobs)
{
    static uint8_t data[100000];
    memset (data, 'x', sizeof data);
    writer_job_t job = s_append ("hello", 0);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    faults_wait (FAULTS_ZEROS, AHEAD / STEP);
    for (uint64_t i = 0; i < 100; i++) {
        job = (writer_job_t){.fd = s_file, .trim_fd = -1, .data = span (data, sizeof data)};
        job.offset = 5 + i * sizeof data;
        ck_assert_int_eq (s_run (&job), WRITER_DONE);
    }
    faults_wait (FAULTS_ZEROS, AHEAD / STEP + 1);
}
END_TEST

START_TEST (full_disk_while_zeroing_is_no_trouble)
{
    writer_job_t job = s_append ("hello", 0);
    faults_set_space (5 + STEP + 100);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    faults_wait (FAULTS_ZEROS, 3);
    faults_set_space (UINT64_MAX);
    job = s_append ("again", 5);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    s_holds (s_file, 0, "helloagain");
}
END_TEST

// ---- A full disk

// Jobs of 100,000 bytes until one is not done; returns where the log ends then.
static uint64_t s_fill (uint64_t offset, bool reserve)
{
    static uint8_t data[100000];
    memset (data, 'x', sizeof data);
    for (;; offset += sizeof data) {
        writer_job_t job = {.fd = s_file,
                            .trim_fd = -1,
                            .data = span (data, sizeof data),
                            .offset = offset,
                            .reserve = reserve};
        if (s_run (&job) == WRITER_DONE)
            continue;
        ck_assert_int_eq (job.result, WRITER_UNDONE);
        ck_assert_int_eq (job.error, ENOSPC);
        return offset;
    }
}

START_TEST (full_disk_is_met_before_anything_is_written)
{
    writer_job_t job = s_append ("hello", 0);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    faults_set_limit (2000000);
    uint64_t end = s_fill (5, false);
    ck_assert_uint_ge (end, 1500000);
    faults_fail (FAULTS_PWRITE, 0, -1, EIO); // it is not even tried
    ck_assert_uint_eq (s_fill (end, false), end);
}
END_TEST

START_TEST (reserve_lasts_when_the_disk_is_full)
{
    uint64_t limit = 3000000;
    writer_job_t job = s_append ("hello", 0);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    faults_set_limit (limit);
    uint64_t end = s_fill (5, false);
    ck_assert_uint_ge (limit - end, RESERVE);
    ck_assert_uint_lt (limit - end, RESERVE + 100000);
    uint64_t used = s_fill (end, true);
    ck_assert_uint_lt (limit - used, 100000);
    faults_set_limit (UINT64_MAX);
    job = s_append ("again", used);
    ck_assert_int_eq (s_run (&job), WRITER_DONE); // there is space again
    s_holds (s_file, used, "again");
}
END_TEST

START_TEST (file_system_that_cannot_allocate_gets_zeros)
{
    faults_fail (FAULTS_FALLOCATE, 0, -1, EOPNOTSUPP);
    writer_job_t job = s_append ("hello", 0);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    ck_assert_uint_ge (s_size (s_file), 5 + RESERVE);
    job = s_segment ("new", "head", "data");
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
    ck_assert_uint_ge (s_size (job.made_fd), 8 + RESERVE);
    s_quiet ();
    close (job.made_fd);
}
END_TEST

START_TEST (interrupted_allocation_goes_on)
{
    faults_fail (FAULTS_FALLOCATE, 0, 3, EINTR);
    writer_job_t job = s_append ("hello", 0);
    ck_assert_int_eq (s_run (&job), WRITER_DONE);
}
END_TEST

// ---- Life

START_TEST (end_waits_for_the_job_under_way)
{
    static uint8_t data[1 << 20];
    memset (data, 'x', sizeof data);
    writer_job_t job = {.fd = s_file, .trim_fd = -1, .data = span (data, sizeof data)};
    writer_submit (s_writer, &job);
    writer_destroy (&s_writer);
    ck_assert_int_eq (job.result, WRITER_DONE);
    ck_assert_uint_ge (faults_calls (FAULTS_FDATASYNC), 1);
    ck_assert_uint_ge (s_size (s_file), sizeof data);
    writer_destroy (&s_writer);
}
END_TEST

START_TEST (syncs_outside_of_jobs_say_their_errors)
{
    ck_assert_int_eq (writer_sync (s_dir), 0);
    ck_assert_int_eq (writer_sync_and_forget (s_file), 0);
    faults_fail (FAULTS_FSYNC, 0, 2, EIO);
    ck_assert_int_eq (writer_sync (s_dir), -1);
    ck_assert_int_eq (errno, EIO);
    ck_assert_int_eq (writer_sync_and_forget (s_file), -1);
    ck_assert_int_eq (errno, EIO);
}
END_TEST

// What is read next has to come from the disk.
START_TEST (file_is_dropped_from_the_page_cache_when_it_is_synced)
{
    static faults_event_t events[FAULTS_EVENTS];
    ck_assert_int_eq (writer_sync_and_forget (s_file), 0);
    size_t count = faults_events (events);
    size_t synced = s_next_event (events, count, 0, FAULTS_FSYNC);
    size_t dropped = s_next_event (events, count, synced, FAULTS_FADVISE);
    ck_assert (events[synced].fd == s_file && events[dropped].fd == s_file);
    ck_assert (events[dropped].offset == 0 && events[dropped].size == 0); // all of it
}
END_TEST

static void s_add_failures (TCase *cases)
{
    tcase_add_test (cases, full_disk_leaves_nothing_of_the_job);
    tcase_add_test (cases, write_error_leaves_nothing_of_the_job);
    tcase_add_test (cases, file_that_may_only_be_read_is_told_so);
    tcase_add_test (cases, first_job_that_fails_leaves_what_was_there);
    tcase_add_test (cases, half_a_job_is_taken_back);
    tcase_add_test (cases, what_was_written_of_a_job_becomes_zeros_again);
    tcase_add_test (cases, undo_that_fails_is_final);
    tcase_add_test (cases, undo_is_synced);
    tcase_add_test (cases, full_disk_is_met_before_anything_is_written);
    tcase_add_test (cases, reserve_lasts_when_the_disk_is_full);
    tcase_add_test (cases, file_system_that_cannot_allocate_gets_zeros);
    tcase_add_test (cases, interrupted_allocation_goes_on);
    tcase_add_test (cases, undo_goes_on_when_interrupted);
    tcase_add_test (cases, failed_sync_is_final_for_everything_later);
    tcase_add_test (cases, failed_sync_of_zeros_ahead_is_final_too);
}

int main (void)
{
    TCase *cases = tcase_create ("writer");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, job_is_written_and_synced_before_it_is_done);
    tcase_add_test (cases, descriptor_is_readable_when_the_job_is_done);
    tcase_add_test (cases, short_and_interrupted_writes_go_on);
    tcase_add_test (cases, write_of_nothing_is_an_error);
    tcase_add_test (cases, zeros_go_ahead_in_steps);
    tcase_add_test (cases, zeros_never_lie_over_data);
    tcase_add_test (cases, large_jobs_get_no_zeros_ahead);
    tcase_add_test (cases, zeros_are_kept_ahead_of_larger_jobs);
    tcase_add_test (cases, full_disk_while_zeroing_is_no_trouble);
    tcase_add_test (cases, end_waits_for_the_job_under_way);
    tcase_add_test (cases, syncs_outside_of_jobs_say_their_errors);
    tcase_add_test (cases, file_is_dropped_from_the_page_cache_when_it_is_synced);
    s_add_failures (cases);
    return kit_run (cases, "writer");
}
