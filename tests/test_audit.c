#include "daemons/group/audit.h"

#include "tests/faults.h"
#include "tests/logs.h"

#include <sys/file.h>
#include <unistd.h>

enum { SMALL = 700 }; // bytes of a segment

static logs_t s_logs;
static uint64_t s_firsts[64];
static size_t s_segments;

static void s_make (int jobs)
{
    logs_must_open (&s_logs, SMALL);
    for (int i = 0; i < jobs; i++)
        logs_job (&s_logs, "a message", 3);
}

// Without the zeros behind its end, so that audits are quick.
static void s_close (void)
{
    logs_close (&s_logs);
    s_segments = logs_segments (&s_logs, s_firsts, 64);
    size_t size, ends[64];
    const char *path = logs_segment (&s_logs, s_firsts[s_segments - 1]);
    uint8_t *bytes = logs_load (path, &size);
    ck_assert_int_eq (truncate (path, (off_t)ends[logs_ends (bytes, size, ends, 64)]), 0);
    free (bytes);
}

static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
}

static void s_teardown (void)
{
    faults_reset ();
    logs_free (&s_logs);
}

static audit_t s_audit (void)
{
    audit_t audit;
    audit_io_t io = {0};
    audit_run (&audit, s_logs.path, &io);
    return audit;
}

static audit_t s_is (audit_verdict_t verdict)
{
    audit_t audit = s_audit ();
    ck_assert_msg (audit.verdict == verdict, "%d: %s", (int)audit.verdict, audit.place);
    ck_assert_int_eq (*audit.place == 0, verdict == AUDIT_SOUND);
    return audit;
}

// ---- Sound logs

START_TEST (sound_log_is_described)
{
    s_make (21);
    guid_t id = *log_id (s_logs.log);
    chain_t chain = log_receipt (s_logs.log)->chain;
    s_close ();
    ck_assert_uint_ge (s_segments, 4);
    audit_t audit = s_is (AUDIT_SOUND);
    ck_assert (guid_equal (&audit.log, &id) && chain_equal (&audit.chain, &chain));
    ck_assert (audit.first == 1 && audit.last == 64 && audit.records == 64 && !audit.live);
    ck_assert_uint_eq (audit.segments, s_segments);
    ck_assert_uint_eq (audit.generation, 1);
    ck_assert_int_eq (audit.time, LOGS_NOW + 20 * s_logs.tick);
}
END_TEST

typedef struct {
    uint64_t next;
    uint64_t shown;
} told_t;

static void s_on_record (void *arg, const record_t *record)
{
    told_t *told = arg;
    ck_assert_uint_eq (record->seq, ++told->next);
    logs_is_right (&s_logs, record);
}

static void s_on_progress (void *arg, uint64_t bytes, uint64_t of_bytes)
{
    told_t *told = arg;
    ck_assert (bytes > told->shown && bytes <= of_bytes);
    told->shown = bytes;
}

START_TEST (every_record_is_told_in_order)
{
    audit_t audit;
    told_t told = {0, 0};
    audit_io_t io = {.arg = &told, .record = s_on_record, .progress = s_on_progress};
    s_make (21);
    s_close ();
    audit_run (&audit, s_logs.path, &io);
    ck_assert_int_eq (audit.verdict, AUDIT_SOUND);
    ck_assert_uint_eq (told.next, 64);
}
END_TEST

START_TEST (generations_and_openings_are_sound)
{
    for (int i = 0; i < 4; i++) {
        s_make (3);
        s_close ();
    }
    ck_assert_uint_eq (s_is (AUDIT_SOUND).generation, 4);
}
END_TEST

START_TEST (zeros_behind_the_end_are_sound)
{
    s_make (5);
    logs_close (&s_logs);
    ck_assert_uint_eq (s_is (AUDIT_SOUND).last, 16);
}
END_TEST

// ---- Damage

static void s_flip (uint64_t first, size_t at, uint8_t mask)
{
    int fd = open (logs_segment (&s_logs, first), O_RDWR);
    uint8_t byte;
    ck_assert_int_eq (__real_pread (fd, &byte, 1, (off_t)at), 1);
    byte ^= mask;
    ck_assert_int_eq (__real_pwrite (fd, &byte, 1, (off_t)at), 1);
    close (fd);
}

// Any byte of any segment. Only the last batch cannot be told from one that was never acknowledged.
START_TEST (every_flipped_byte_is_found)
{
    dice_t chance = dice_new ("every_flipped_byte_is_found");
    s_make (21);
    s_close ();
    for (size_t i = 0; i < s_segments; i++) {
        size_t size, ends[64];
        uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[i]), &size);
        size_t count = logs_ends (bytes, size, ends, 64);
        bool newest = i + 1 == s_segments;
        ck_assert (!newest || count >= 2);
        for (size_t at = 0; at < size; at++) {
            uint8_t mask = (uint8_t)(1u << dice (&chance, 8));
            bool torn = newest && at >= ends[count - 1];
            s_flip (s_firsts[i], at, mask);
            audit_t audit = s_audit ();
            ck_assert_msg (audit.verdict == (torn ? AUDIT_TORN : AUDIT_DAMAGED),
                           "byte %zu of segment %d: %d %s", at, (int)s_firsts[i],
                           (int)audit.verdict, audit.place);
            s_flip (s_firsts[i], at, mask);
        }
        free (bytes);
    }
    s_is (AUDIT_SOUND);
}
END_TEST

START_TEST (bytes_in_the_zeros_behind_the_end_are_a_torn_tail)
{
    s_make (5);
    logs_close (&s_logs);
    uint64_t firsts[64];
    size_t size, count = logs_segments (&s_logs, firsts, 64);
    free (logs_load (logs_segment (&s_logs, firsts[count - 1]), &size));
    s_flip (firsts[count - 1], size - 1, 1);
    ck_assert_uint_eq (s_is (AUDIT_TORN).last, 16);
}
END_TEST

START_TEST (torn_tail_is_told_from_damage)
{
    s_make (21);
    s_close ();
    size_t size, ends[64];
    const char *path = logs_segment (&s_logs, s_firsts[s_segments - 1]);
    uint8_t *bytes = logs_load (path, &size);
    size_t count = logs_ends (bytes, size, ends, 64);
    free (bytes);
    ck_assert_int_eq (truncate (path, (off_t)(size - 1)), 0);
    ck_assert_uint_eq (s_is (AUDIT_TORN).last, 61);
    ck_assert_int_eq (truncate (path, (off_t)ends[count - 1]), 0);
    ck_assert_uint_eq (s_is (AUDIT_SOUND).last, 61); // nothing is left of it
    ck_assert_int_eq (truncate (path, (off_t)ends[0] + 20), 0);
    s_is (AUDIT_TORN); // a segment that never counted
    ck_assert_int_eq (truncate (path, 30), 0);
    s_is (AUDIT_TORN);
    path = logs_segment (&s_logs, s_firsts[1]);
    free (logs_load (path, &size));
    ck_assert_int_eq (truncate (path, (off_t)(size - 1)), 0);
    s_is (AUDIT_DAMAGED); // in an older segment nothing is torn
}
END_TEST

// The next batch alone says that it was durable.
START_TEST (damage_directly_before_the_last_batch_is_damage)
{
    s_make (1);
    logs_job (&s_logs, "damaged", 1);
    logs_job (&s_logs, "says so", 1);
    logs_close (&s_logs);
    size_t size, ends[64];
    uint8_t *bytes = logs_load (logs_segment (&s_logs, 1), &size);
    ck_assert_uint_eq (logs_ends (bytes, size, ends, 64), 3);
    free (bytes);
    s_flip (1, ends[1] + 70, 4);
    s_is (AUDIT_DAMAGED);
    s_flip (1, ends[1] + 70, 4);
    s_flip (1, ends[0] + 110, 4);
    s_is (AUDIT_DAMAGED);
}
END_TEST

START_TEST (unfinished_first_segment_is_torn)
{
    s_make (1);
    s_close ();
    size_t size, ends[64];
    const char *path = logs_segment (&s_logs, 1);
    uint8_t *bytes = logs_load (path, &size);
    logs_ends (bytes, size, ends, 64);
    free (bytes);
    ck_assert_int_eq (truncate (path, (off_t)ends[0] + 50), 0);
    s_is (AUDIT_TORN);
    ck_assert_int_eq (truncate (path, (off_t)ends[0] - 1), 0);
    s_is (AUDIT_TORN);
}
END_TEST

START_TEST (missing_segment_in_the_middle_is_damage)
{
    s_make (21);
    s_close ();
    unlink (logs_segment (&s_logs, s_firsts[1]));
    audit_t audit = s_is (AUDIT_DAMAGED);
    char missing[60];
    snprintf (missing, sizeof missing, "records %d to %d are missing", (int)s_firsts[1],
              (int)s_firsts[2] - 1);
    ck_assert_msg (strstr (audit.place, missing) != NULL, "%s", audit.place);
}
END_TEST

START_TEST (missing_first_segment_is_damage)
{
    s_make (21);
    s_close ();
    unlink (logs_segment (&s_logs, 1));
    s_is (AUDIT_DAMAGED);
}
END_TEST

START_TEST (damage_outweighs_a_torn_tail)
{
    s_make (21);
    s_close ();
    uint64_t newest = s_firsts[s_segments - 1];
    size_t size, ends[64];
    uint8_t *bytes = logs_load (logs_segment (&s_logs, newest), &size);
    size_t end = ends[logs_ends (bytes, size, ends, 64)];
    ck_assert_int_eq (truncate (logs_segment (&s_logs, newest), (off_t)end - 1), 0);
    s_is (AUDIT_TORN);
    unlink (logs_segment (&s_logs, 1));
    s_is (AUDIT_DAMAGED);
    logs_save (logs_segment (&s_logs, newest), bytes, SEGMENT_HEADER); // was begun behind others
    unlink (logs_segment (&s_logs, s_firsts[s_segments - 2]));
    s_is (AUDIT_DAMAGED);
    free (bytes);
}
END_TEST

// Retention removed it: TRIM says so.
START_TEST (segments_that_retention_removed_are_not_missing)
{
    s_make (21);
    logs_segments (&s_logs, s_firsts, 64);
    uint8_t bytes[64];
    writer_t options = writer (bytes, sizeof bytes);
    record_put_number (&options, RECORD_OPT_OLDEST, s_firsts[2]);
    record_put_number (&options, RECORD_OPT_WHY, RECORD_WHY_COUNT);
    record_t trim = {.kind = RECORD_TRIM, .options = span (bytes, writer_used (&options))};
    log_begin (s_logs.log, s_logs.now, 100, false);
    ck_assert_int_eq (log_put (s_logs.log, &trim), 0);
    log_commit (s_logs.log);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_DONE);
    ck_assert_uint_eq (log_drop_trimmed (s_logs.log), 2);
    ck_assert_uint_eq (s_is (AUDIT_SOUND).first, s_firsts[2]);
    for (int i = 0; i < 20; i++) // and the next segments' STATE says so
        logs_job (&s_logs, "a message", 3);
    s_close ();
    ck_assert_uint_eq (s_is (AUDIT_SOUND).first, s_firsts[0]);
    unlink (logs_segment (&s_logs, s_firsts[0]));
    s_is (AUDIT_DAMAGED);
}
END_TEST

// Two copies of one log went on apart; a segment of one lies in the other.
START_TEST (segment_of_another_history_is_damage)
{
    s_make (10);
    s_close ();
    uint8_t *files[64];
    size_t sizes[64], count = s_segments;
    for (size_t i = 0; i < count; i++)
        files[i] = logs_load (logs_segment (&s_logs, s_firsts[i]), &sizes[i]);
    s_make (21);
    s_close ();
    uint64_t other_first = s_firsts[count];
    size_t other_size;
    uint8_t *other = logs_load (logs_segment (&s_logs, other_first), &other_size);
    for (size_t i = 0; i < s_segments; i++)
        unlink (logs_segment (&s_logs, s_firsts[i]));
    for (size_t i = 0; i < count; i++) {
        uint64_t first = s_firsts[i];
        logs_save (logs_segment (&s_logs, first), files[i], sizes[i]);
        free (files[i]);
    }
    s_logs.now += 5;
    s_make (21);
    s_close ();
    ck_assert_uint_eq (s_firsts[count], other_first);
    s_is (AUDIT_SOUND);
    logs_save (logs_segment (&s_logs, other_first), other, other_size);
    s_is (AUDIT_DAMAGED);
    free (other);
}
END_TEST

// Another STATE, whole and with right checksums; only the first batch knows better.
START_TEST (state_that_was_exchanged_is_damage)
{
    static uint8_t room[BATCH_MAX];
    s_make (21);
    s_close ();
    size_t size;
    batch_t state;
    batch_writer_t out;
    record_t record;
    uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[1]), &size);
    ck_assert_int_eq (batch_peek (&state, span (bytes + SEGMENT_HEADER, size - SEGMENT_HEADER)), 0);
    ck_assert_int_eq (state.type, BATCH_TYPE_STATE);
    batch_begin (&out, room, &state);
    while (batch_next (&state, &record) == 1) {
        if (record.kind == RECORD_JOIN)
            record.nick = span_of ("eve");
        batch_add (&out, &record);
    }
    guid_t log = s_audit ().log;
    span_t other = batch_end (&out, &log);
    ck_assert_uint_eq (other.size, state.bytes.size);
    memcpy (bytes + SEGMENT_HEADER, other.data, other.size);
    logs_save (logs_segment (&s_logs, s_firsts[1]), bytes, size);
    free (bytes);
    s_is (AUDIT_DAMAGED);
}
END_TEST

START_TEST (segment_of_another_log_is_damage)
{
    s_make (21);
    s_close ();
    size_t size;
    segment_header_t header;
    uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[1]), &size);
    ck_assert_int_eq (segment_header_decode (&header, bytes), 0);
    header.log.bytes[3] ^= 1;
    segment_header_encode (&header, bytes);
    logs_save (logs_segment (&s_logs, s_firsts[1]), bytes, size);
    free (bytes);
    ck_assert (strstr (s_is (AUDIT_DAMAGED).place, "another log") != NULL);
}
END_TEST

// ---- What cannot be read

START_TEST (folder_without_a_log_cannot_be_audited)
{
    audit_t audit;
    audit_io_t io = {0};
    audit_run (&audit, s_logs.folder.path, &io);
    ck_assert_int_eq (audit.verdict, AUDIT_FAILED);
    audit_run (&audit, folder_path (&s_logs.folder, "none"), &io);
    ck_assert_int_eq (audit.verdict, AUDIT_FAILED);
}
END_TEST

START_TEST (read_error_is_neither_sound_nor_damage)
{
    s_make (21);
    s_close ();
    faults_forget ();
    s_is (AUDIT_SOUND);
    int reads = (int)faults_calls (FAULTS_PREAD), sound = 0;
    for (int skip = 0; skip < reads; skip++) {
        faults_fail (FAULTS_PREAD, skip, 1, EIO);
        audit_t audit = s_audit ();
        ck_assert_msg (audit.verdict == AUDIT_FAILED || audit.verdict == AUDIT_SOUND,
                       "read %d of %d: %d %s", skip, reads, (int)audit.verdict, audit.place);
        sound += audit.verdict == AUDIT_SOUND;
    }
    ck_assert_int_le (sound, 1); // the log's id is taken from another segment
}
END_TEST

START_TEST (read_error_behind_damage_is_a_read_error)
{
    s_make (21);
    s_close ();
    size_t size, ends[64];
    uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[s_segments - 1]), &size);
    logs_ends (bytes, size, ends, 64);
    free (bytes);
    s_flip (s_firsts[s_segments - 1], ends[1] - 1, 4);
    faults_forget ();
    s_audit ();
    faults_fail (FAULTS_PREAD, (int)faults_calls (FAULTS_PREAD) - 1, 1, EIO);
    s_is (AUDIT_FAILED);
}
END_TEST

// ---- Beside a daemon

static void *s_audit_often (void *arg)
{
    bool *stop = arg;
    uint64_t last = 0;
    for (int i = 0; i < 10000 && !__atomic_load_n (stop, __ATOMIC_RELAXED); i++) {
        audit_t audit = s_audit ();
        ck_assert_msg (audit.verdict == AUDIT_SOUND, "%d %s", (int)audit.verdict, audit.place);
        ck_assert_uint_ge (audit.last, last);
        last = audit.last;
    }
    return NULL;
}

START_TEST (log_of_a_running_daemon_is_sound_at_any_time)
{
    pthread_t thread;
    bool stop = false;
    logs_must_open (&s_logs, 20000);
    logs_job (&s_logs, "a message", 1);
    ck_assert_int_eq (pthread_create (&thread, NULL, s_audit_often, &stop), 0);
    for (int i = 0; i < 300; i++)
        logs_job (&s_logs, "a message of a running daemon", 50);
    __atomic_store_n (&stop, true, __ATOMIC_RELAXED);
    pthread_join (thread, NULL);
}
END_TEST

START_TEST (batch_that_is_being_written_is_left_out)
{
    s_make (5);
    s_close ();
    uint64_t newest = s_firsts[s_segments - 1];
    FILE *file = fopen (logs_segment (&s_logs, newest), "ab");
    fwrite ("\0\0\0\x50\1", 1, 5, file); // a size and a type
    fclose (file);
    int daemon = open (s_logs.path, O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq (flock (daemon, LOCK_EX | LOCK_NB), 0);
    audit_t audit = s_is (AUDIT_SOUND);
    ck_assert (audit.live && audit.last == 16);
    close (daemon);
    s_is (AUDIT_TORN);
}
END_TEST

START_TEST (segment_that_is_being_made_is_left_out)
{
    s_make (5);
    logs_save (logs_segment (&s_logs, 17), "zchatlog", 8);
    audit_t audit = s_is (AUDIT_SOUND);
    ck_assert (audit.live && audit.last == 16);
    logs_close (&s_logs);
    s_is (AUDIT_TORN);
}
END_TEST

static void s_add_damage (TCase *cases)
{
    tcase_add_test (cases, every_flipped_byte_is_found);
    tcase_add_test (cases, bytes_in_the_zeros_behind_the_end_are_a_torn_tail);
    tcase_add_test (cases, torn_tail_is_told_from_damage);
    tcase_add_test (cases, damage_directly_before_the_last_batch_is_damage);
    tcase_add_test (cases, unfinished_first_segment_is_torn);
    tcase_add_test (cases, missing_segment_in_the_middle_is_damage);
    tcase_add_test (cases, missing_first_segment_is_damage);
    tcase_add_test (cases, segments_that_retention_removed_are_not_missing);
    tcase_add_test (cases, damage_outweighs_a_torn_tail);
    tcase_add_test (cases, segment_of_another_history_is_damage);
    tcase_add_test (cases, state_that_was_exchanged_is_damage);
    tcase_add_test (cases, segment_of_another_log_is_damage);
}

int main (void)
{
    TCase *cases = tcase_create ("audit");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, sound_log_is_described);
    tcase_add_test (cases, every_record_is_told_in_order);
    tcase_add_test (cases, generations_and_openings_are_sound);
    tcase_add_test (cases, zeros_behind_the_end_are_sound);
    tcase_add_test (cases, folder_without_a_log_cannot_be_audited);
    tcase_add_test (cases, read_error_is_neither_sound_nor_damage);
    tcase_add_test (cases, read_error_behind_damage_is_a_read_error);
    tcase_add_test (cases, log_of_a_running_daemon_is_sound_at_any_time);
    tcase_add_test (cases, batch_that_is_being_written_is_left_out);
    tcase_add_test (cases, segment_that_is_being_made_is_left_out);
    s_add_damage (cases);
    return kit_run (cases, "audit");
}
