#include "daemons/group/transcript.h"

#include "daemons/group/original.h"
#include "tests/faults.h"
#include "tests/logs.h"

#include <czmq.h>

enum { SEGMENT = 200000, LONG = 60000 };

static logs_t s_logs;
static uint64_t s_max_steps;

static void s_setup (void)
{
    setenv ("TZ", "UTC", 1);
    tzset ();
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, SEGMENT);
    s_max_steps = 0;
}

static void s_teardown (void)
{
    faults_reset ();
    logs_free (&s_logs);
}

static void s_put (record_kind_t kind, const char *text, size_t size)
{
    record_t record = {.kind = kind, .author = {{1}}, .text = span (text, size)};
    ck_assert_int_eq (log_put (s_logs.log, &record), 0);
    if (kind == RECORD_MESSAGE)
        logs_note (&s_logs, &record);
}

static void s_begin (void)
{
    log_begin (s_logs.log, s_logs.now, LOG_JOB_MAX, false);
    s_logs.now += s_logs.tick;
}

static void s_end (void)
{
    log_commit (s_logs.log);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_DONE);
}

static void s_say (const char *text)
{
    s_begin ();
    s_put (RECORD_MESSAGE, text, strlen (text));
    s_end ();
}

// Records that are no messages, about so many bytes of them.
static void s_joins (size_t bytes)
{
    while (bytes > 0) {
        s_begin ();
        size_t left = bytes < 500000 ? bytes : 500000;
        for (size_t done = 0; done < left; done += 25)
            s_put (RECORD_JOIN, "", 0);
        s_end ();
        bytes -= left;
    }
}

static transcript_t *s_run (int64_t since, size_t max)
{
    transcript_t *self = transcript_new (since, max);
    transcript_step_t step;
    uint64_t steps = 0;
    while ((step = transcript_step (self, s_logs.log)) == TRANSCRIPT_MORE)
        ck_assert_uint_lt (++steps, 100000);
    ck_assert_int_eq (step, TRANSCRIPT_DONE);
    s_max_steps = steps > s_max_steps ? steps : s_max_steps;
    return self;
}

// What the newest lines that fit are, by the model.
static char *s_wanted (int64_t since, size_t max)
{
    char *text = calloc (1, max + 2), *at = text + max + 1;
    for (uint64_t seq = s_logs.noted; seq > 0; seq--) {
        if (!s_logs.texts[seq] || s_logs.times[seq] < since)
            continue;
        record_t record = {.kind = RECORD_MESSAGE,
                           .author = {{1}},
                           .time = s_logs.times[seq],
                           .text = span_of (s_logs.texts[seq])};
        size_t size = original_line_size (&record);
        size_t room = (size_t)(at - text);
        if (size + 1 > room)
            break;
        writer_t out = writer (at - size - 1, size + 1);
        original_put_line (&record, &out);
        writer_u8 (&out, '\n');
        at -= size + 1;
    }
    size_t used = (size_t)(text + max + 1 - at);
    memmove (text, at, used);
    text[used > 0 ? used - 1 : 0] = 0;
    return text;
}

static void s_is_right (int64_t since, size_t max)
{
    transcript_t *self = s_run (since, max);
    char *wanted = s_wanted (since, max);
    span_t text = transcript_text (self);
    ck_assert_uint_le (text.size, max);
    if (!span_equal (text, span_of (wanted)))
        ck_abort_msg ("max %zu: got %zu bytes, wanted %zu\n%.*s\n--\n%s", max, text.size,
                      strlen (wanted), (int)(text.size < 300 ? text.size : 300),
                      text.size ? (const char *)text.data : "",
                      strlen (wanted) < 300 ? wanted : "");
    free (wanted);
    transcript_destroy (&self);
}

START_TEST (lines_are_those_of_the_original)
{
    s_say ("hello");
    s_say ("two words");
    transcript_t *self = s_run (0, 4096);
    static const char wanted[] = "07:00:00 - 01000000-0000-0000-0000-000000000000: hello\n"
                                 "07:00:01 - 01000000-0000-0000-0000-000000000000: two words";
    ck_assert (span_equal (transcript_text (self), span_of (wanted)));
    transcript_destroy (&self);
}
END_TEST

START_TEST (log_without_messages_is_an_empty_text)
{
    s_is_right (0, 4096);
    s_joins (1000);
    transcript_t *self = s_run (0, 4096);
    ck_assert_uint_eq (transcript_text (self).size, 0);
    transcript_destroy (&self);
}
END_TEST

START_TEST (lines_of_a_text_are_one_line)
{
    s_say ("one\ntwo\tthree\n");
    transcript_t *self = s_run (0, 4096);
    span_t text = transcript_text (self);
    ck_assert_ptr_null (memchr (text.data, '\n', text.size));
    ck_assert (memcmp (text.data + text.size - 14, "one two three ", 14) == 0);
    transcript_destroy (&self);
}
END_TEST

START_TEST (newest_lines_that_fit_are_told)
{
    logs_jobs (&s_logs, "message", 20, 5);
    for (size_t max = 0; max < 7000; max += 13)
        s_is_right (0, max);
    s_is_right (0, 1 << 20);
}
END_TEST

START_TEST (older_lines_do_not_jump_over_one_that_does_not_fit)
{
    static char large[3000];
    memset (large, 'x', sizeof large - 1);
    s_say ("old and short");
    s_joins (400000); // another pass
    s_say (large);
    s_say ("new");
    s_is_right (0, 1000);
    s_is_right (0, 4096);
}
END_TEST

START_TEST (line_longer_than_the_reply_leaves_it_empty)
{
    static char large[LONG];
    memset (large, 'x', sizeof large - 1);
    s_say ("before");
    s_say (large);
    s_is_right (0, 4096);
    s_is_right (0, LONG + 100);
}
END_TEST

START_TEST (only_messages_since_the_time_are_told)
{
    logs_jobs (&s_logs, "message", 30, 3);
    for (int second = -1; second <= 31; second++) {
        s_is_right (LOGS_NOW + second * s_logs.tick, 1 << 20);
        s_is_right (LOGS_NOW + second * s_logs.tick + 1, 1000);
    }
}
END_TEST

START_TEST (few_messages_among_many_joins_are_found)
{
    for (int i = 0; i < 12; i++) {
        s_say ("one of few");
        s_joins (400000);
    }
    logs_close (&s_logs);
    logs_must_open (&s_logs, SEGMENT);
    s_is_right (0, 4096);
    s_is_right (0, 300);
    s_is_right (LOGS_NOW, 4096);
}
END_TEST

// A step reads about 1 MiB; so many bytes of log must not take many more.
START_TEST (long_log_is_not_read_over_and_over)
{
    logs_close (&s_logs);
    logs_must_open (&s_logs, 1 << 26);
    s_say ("the only one");
    s_joins (12000000);
    s_is_right (0, 4096);
    ck_assert_uint_le (s_max_steps, 30);
}
END_TEST

START_TEST (reply_that_is_full_needs_no_older_log)
{
    s_joins (6000000);
    logs_jobs (&s_logs, "message", 10, 100);
    logs_close (&s_logs);
    logs_must_open (&s_logs, SEGMENT);
    s_is_right (0, 4096);
    ck_assert_uint_le (s_max_steps, 3);
}
END_TEST

START_TEST (logs_by_chance_give_what_fits)
{
    dice_t chance = dice_new ("logs_by_chance_give_what_fits");
    static char text[2000];
    memset (text, 'y', sizeof text);
    for (int i = 0; i < 60; i++) {
        if (dice (&chance, 3) == 0)
            s_joins (dice (&chance, 100000));
        s_begin ();
        for (size_t n = dice (&chance, 30); n > 0; n--)
            s_put (RECORD_MESSAGE, text, 1 + dice (&chance, dice (&chance, 20) ? 60 : 2000));
        s_put (RECORD_NICK, "", 0);
        s_end ();
    }
    for (int i = 0; i < 60; i++) {
        int64_t since =
            dice (&chance, 2) ? 0 : LOGS_NOW + (int64_t)dice (&chance, 61) * s_logs.tick;
        s_is_right (since, dice (&chance, dice (&chance, 2) ? 3000 : 200000));
    }
}
END_TEST

START_TEST (records_that_are_new_meanwhile_do_not_disturb)
{
    s_say ("one");
    s_joins (1000000);
    transcript_t *self = transcript_new (0, 4096);
    ck_assert_int_eq (transcript_step (self, s_logs.log), TRANSCRIPT_MORE);
    s_say ("two");
    while (transcript_step (self, s_logs.log) == TRANSCRIPT_MORE)
        ;
    span_t text = transcript_text (self);
    ck_assert_uint_ge (text.size, 40);
    ck_assert (memcmp (text.data + text.size - 3, "one", 3) == 0);
    transcript_destroy (&self);
}
END_TEST

START_TEST (damage_is_passed_over)
{
    s_say ("before");
    s_joins (300000);
    s_say ("behind");
    uint64_t firsts[64];
    ck_assert_uint_ge (logs_segments (&s_logs, firsts, 64), 2);
    logs_close (&s_logs);
    size_t size;
    const char *path = logs_segment (&s_logs, 1);
    uint8_t *bytes = logs_load (path, &size);
    bytes[size / 2] ^= 1;
    logs_save (path, bytes, size);
    free (bytes);
    logs_must_open (&s_logs, SEGMENT);
    s_is_right (0, 4096);
}
END_TEST

START_TEST (disk_that_cannot_be_read_fails)
{
    s_say ("one");
    transcript_t *self = transcript_new (0, 4096);
    faults_fail (FAULTS_PREAD, 0, -1, EIO);
    ck_assert_int_eq (transcript_step (self, s_logs.log), TRANSCRIPT_FAILED);
    transcript_destroy (&self);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("transcript");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, lines_are_those_of_the_original);
    tcase_add_test (cases, log_without_messages_is_an_empty_text);
    tcase_add_test (cases, lines_of_a_text_are_one_line);
    tcase_add_test (cases, newest_lines_that_fit_are_told);
    tcase_add_test (cases, older_lines_do_not_jump_over_one_that_does_not_fit);
    tcase_add_test (cases, line_longer_than_the_reply_leaves_it_empty);
    tcase_add_test (cases, only_messages_since_the_time_are_told);
    tcase_add_test (cases, few_messages_among_many_joins_are_found);
    tcase_add_test (cases, long_log_is_not_read_over_and_over);
    tcase_add_test (cases, reply_that_is_full_needs_no_older_log);
    tcase_add_test (cases, logs_by_chance_give_what_fits);
    tcase_add_test (cases, records_that_are_new_meanwhile_do_not_disturb);
    tcase_add_test (cases, damage_is_passed_over);
    tcase_add_test (cases, disk_that_cannot_be_read_fails);
    return kit_run (cases, "transcript");
}
