#include "common/follower.h"

#include "tests/sample_log.h"

#include <check.h>

static sample_log_t *s_log;
static follower_t s_self;
static guid_t s_uuid = {{7}};

// What the handlers were told.
static struct {
    uint64_t next; // records must continue here
    int flushes;
    int gaps;
    uint64_t gap_from, gap_to;
    record_why_t gap_why;
    int losses;
    uint64_t lost_from, lost_to;
    int ends;
    wire_error_t end_why;
    char end_text[300];
    bool over;
    int troubles;
    int followings;
    bool stop_in_record;
    bool goes_back; // records may begin again before what came
    uint64_t back_to;
    uint64_t restart_at; // in the record handler
} s_told;

static void s_on_following (void *arg, uint64_t from)
{
    (void)arg;
    (void)from;
    s_told.followings++;
}

static void s_on_record (void *arg, const record_t *record)
{
    (void)arg;
    if (s_told.goes_back && record->seq < s_told.next) {
        ck_assert_uint_eq (s_told.back_to, 0); // once
        ck_assert_int_eq (s_told.losses, 1);   // which was told
        s_told.back_to = s_told.next = record->seq;
    }
    ck_assert_uint_eq (record->seq, s_told.next);
    s_told.next++;
    if (s_told.stop_in_record)
        follower_stop (&s_self);
    if (s_told.restart_at)
        follower_start (&s_self, s_told.restart_at);
}

static void s_on_flush (void *arg)
{
    (void)arg;
    s_told.flushes++;
}

static void s_on_gap (void *arg, uint64_t from, uint64_t to, record_why_t why)
{
    (void)arg;
    s_told.gaps++;
    s_told.gap_from = from;
    s_told.gap_to = to;
    s_told.gap_why = why;
    s_told.next = to + 1;
}

static void s_on_lost (void *arg, uint64_t from, uint64_t to)
{
    (void)arg;
    s_told.losses++;
    s_told.lost_from = from;
    s_told.lost_to = to;
}

static void s_on_end (void *arg, wire_error_t why, const char *text, bool over)
{
    (void)arg;
    s_told.ends++;
    s_told.end_why = why;
    s_told.over = over;
    strcpy (s_told.end_text, text);
}

static void s_on_trouble (void *arg, const char *sentence)
{
    (void)arg;
    ck_assert_ptr_nonnull (sentence);
    s_told.troubles++;
}

// Ten batches of ten records.
static void s_setup (void)
{
    memset (&s_told, 0, sizeof s_told);
    s_log = sample_log_new (5);
    for (int i = 0; i < 10; i++)
        sample_log_append (s_log, 10, 20);
    follower_handlers_t handlers = {s_on_following, s_on_record, s_on_flush,   s_on_gap,
                                    s_on_lost,      s_on_end,    s_on_trouble, NULL};
    s_self = follower (&handlers);
    follower_set_log (&s_self, &s_log->log);
}

static void s_teardown (void)
{
    sample_log_destroy (&s_log);
}

// Sends the FOLLOW that is due; returns from where.
static uint64_t s_ask (int64_t now, uint32_t tag)
{
    ck_assert (follower_wants (&s_self, now));
    wire_t follow = follower_request (&s_self, now, tag, &s_uuid);
    ck_assert_int_eq (follow.kind, WIRE_FOLLOW);
    ck_assert (!follower_wants (&s_self, now));
    return wire_number (&follow, WIRE_F_FROM);
}

static bool s_give (int64_t now, const wire_t *message)
{
    if (!follower_owns (&s_self, message))
        return false;
    follower_take (&s_self, now, message);
    return true;
}

static bool s_following (uint32_t tag, uint64_t from, uint64_t oldest)
{
    wire_t message = wire (WIRE_FOLLOWING, tag, NULL);
    wire_set (&message, WIRE_F_FROM, from);
    wire_set (&message, WIRE_F_LAST, s_log->last);
    wire_set (&message, WIRE_F_OLDEST, oldest);
    wire_set (&message, WIRE_F_WHY, RECORD_WHY_AGE);
    return s_give (0, &message);
}

static void s_push (int64_t now, size_t from, size_t count)
{
    span_t bytes = sample_log_bytes (s_log, from, count);
    wire_t message = wire (WIRE_RECORDS, 0, NULL);
    wire_set (&message, WIRE_F_LAST, s_log->batches[from + count - 1].last);
    wire_set_bytes (&message, WIRE_F_BATCHES, bytes);
    ck_assert (s_give (now, &message));
    free ((void *)bytes.data);
}

static bool s_span (int64_t now, wire_kind_t kind, uint32_t tag, uint64_t from, uint64_t to)
{
    wire_t message = wire (kind, tag, NULL);
    wire_set (&message, WIRE_F_FROM, from);
    wire_set (&message, WIRE_F_TO, to);
    return s_give (now, &message);
}

static void s_start (uint64_t from)
{
    follower_start (&s_self, from);
    ck_assert_uint_eq (s_ask (0, 9), from);
    ck_assert (s_following (9, from ? from : s_log->last + 1, 1));
    s_told.next = from;
}

START_TEST (records_come_from_where_it_began)
{
    s_start (15);
    s_push (0, 1, 3);
    s_push (0, 4, 6);
    ck_assert_uint_eq (s_told.next, 101);
    ck_assert_int_eq (s_told.flushes, 2);
    ck_assert_int_eq (s_told.followings, 1);
}
END_TEST

START_TEST (next_record_is_where_the_server_says)
{
    s_start (0);
    ck_assert_uint_eq (s_self.cursor.next, 101);
    sample_log_append (s_log, 3, 20);
    s_told.next = 101;
    s_push (0, 10, 1);
    ck_assert_uint_eq (s_told.next, 104);
}
END_TEST

START_TEST (broken_connection_goes_on_at_the_cursor)
{
    s_start (1);
    s_push (0, 0, 3);
    follower_lost (&s_self);
    s_push (0, 3, 1); // of the old following: not wanted
    ck_assert_uint_eq (s_told.next, 31);
    ck_assert_uint_eq (s_ask (0, 10), 31);
    s_push (0, 3, 1);
    ck_assert_uint_eq (s_told.next, 31);
    ck_assert (!s_following (9, 31, 1)); // an answer to another one
    ck_assert (s_following (10, 31, 1));
    s_push (0, 2, 8); // from the batch before
    ck_assert_uint_eq (s_told.next, 101);
}
END_TEST

START_TEST (jump_is_repaired_by_following_again)
{
    s_start (1);
    s_push (0, 0, 2);
    s_push (0, 3, 1);
    ck_assert_int_eq (s_told.troubles, 1);
    ck_assert (!follower_wants (&s_self, 0)); // after a pause
    ck_assert (follower_wants (&s_self, 100));
    ck_assert_uint_eq (s_ask (100, 11), 21);
    ck_assert (s_following (11, 21, 1));
    s_push (0, 2, 8);
    ck_assert_uint_eq (s_told.next, 101);
}
END_TEST

START_TEST (pauses_grow_and_end)
{
    s_start (1);
    int64_t now = 0, longest = 0;
    for (int i = 0; i < 20; i++) {
        s_push (now, 5, 1);
        ck_assert_int_gt (follower_wake (&s_self), now);
        int64_t pause = follower_wake (&s_self) - now;
        ck_assert_int_ge (pause, longest);
        longest = pause;
        now += pause;
        s_ask (now, 20 + (uint32_t)i);
        s_following (20 + (uint32_t)i, 1, 1);
    }
    ck_assert_int_eq (longest, 2000);
    s_push (now, 0, 1);
    s_push (now, 5, 1);
    ck_assert_int_eq (follower_wake (&s_self), now + 100);
}
END_TEST

START_TEST (gap_is_told_and_passed)
{
    s_start (1);
    s_push (0, 0, 2);
    ck_assert (s_span (0, WIRE_GAP, 0, 21, 50));
    ck_assert_int_eq (s_told.gaps, 1);
    ck_assert_uint_eq (s_told.gap_from, 21);
    ck_assert_uint_eq (s_told.gap_to, 50);
    s_span (0, WIRE_GAP, 0, 21, 50); // again: known
    ck_assert_int_eq (s_told.gaps, 1);
    s_push (0, 5, 5);
    ck_assert_uint_eq (s_told.next, 101);
    s_span (0, WIRE_GAP, 0, 120, 130); // behind a hole
    ck_assert_int_eq (s_told.gaps, 1);
    ck_assert_int_eq (s_told.troubles, 1);
}
END_TEST

START_TEST (beginning_that_is_not_kept_is_a_gap_told_once)
{
    follower_start (&s_self, 5);
    s_ask (0, 9);
    s_following (9, 31, 31);
    ck_assert_int_eq (s_told.gaps, 1);
    ck_assert_uint_eq (s_told.gap_from, 5);
    ck_assert_uint_eq (s_told.gap_to, 30);
    ck_assert_int_eq (s_told.gap_why, RECORD_WHY_AGE);
    s_span (0, WIRE_GAP, 0, 5, 30);
    ck_assert_int_eq (s_told.gaps, 1);
    s_push (0, 3, 7);
    ck_assert_uint_eq (s_told.next, 101);
}
END_TEST

START_TEST (loss_sets_the_cursor_back_and_is_told_once)
{
    follower_start (&s_self, 200);
    s_ask (0, 9);
    ck_assert (s_span (0, WIRE_LOST, 9, 101, 199));
    ck_assert_int_eq (s_told.losses, 1);
    ck_assert_uint_eq (s_told.lost_from, 101);
    int64_t now = follower_wake (&s_self);
    ck_assert_uint_eq (s_ask (now, 10), 101);
    s_span (now, WIRE_LOST, 0, 101, 199);
    ck_assert_int_eq (s_told.losses, 1);
}
END_TEST

START_TEST (loss_without_following_is_told)
{
    ck_assert (s_span (0, WIRE_LOST, 0, 50, 60));
    ck_assert_int_eq (s_told.losses, 1);
    ck_assert_int_eq (s_self.state, FOLLOWER_OFF);
    s_span (0, WIRE_LOST, 0, 60, 50); // nonsense
    s_span (0, WIRE_LOST, 0, 0, 50);
    ck_assert_int_eq (s_told.losses, 1);
}
END_TEST

START_TEST (end_of_membership_is_the_end)
{
    s_start (1);
    s_push (0, 0, 1);
    wire_t end = wire (WIRE_END, 0, NULL);
    wire_set (&end, WIRE_F_WHY, WIRE_ERR_NOT_MEMBER);
    wire_set_bytes (&end, WIRE_F_TEXT, span ("bye\x1b[2J", 7));
    s_give (0, &end);
    ck_assert_int_eq (s_told.ends, 1);
    ck_assert (s_told.over);
    ck_assert_str_eq (s_told.end_text, "bye?[2J");
    ck_assert_int_eq (follower_wake (&s_self), INT64_MAX);
    s_push (0, 1, 1);
    s_give (0, &end);
    ck_assert_int_eq (s_told.ends, 1);
    ck_assert_uint_eq (s_told.next, 11);
}
END_TEST

START_TEST (end_of_the_server_is_not_the_end)
{
    s_start (1);
    wire_t end = wire (WIRE_END, 0, NULL);
    wire_set (&end, WIRE_F_WHY, WIRE_ERR_STOPPING);
    s_give (0, &end);
    ck_assert_int_eq (s_told.ends, 1);
    ck_assert (!s_told.over);
    ck_assert_uint_eq (s_ask (5000, 12), 1);
}
END_TEST

START_TEST (refused_follow)
{
    follower_start (&s_self, 1);
    s_ask (0, 9);
    wire_t row = wire (WIRE_ROW_ERROR, 0, NULL);
    wire_set (&row, WIRE_F_TAG, 9);
    wire_set (&row, WIRE_F_NUMBER, WIRE_ERR_BUSY);
    wire_set (&row, WIRE_F_WAIT, 700);
    ck_assert (s_give (0, &row));
    ck_assert_int_eq (follower_wake (&s_self), 700);
    s_ask (700, 10);
    wire_set (&row, WIRE_F_NUMBER, WIRE_ERR_NOT_MEMBER);
    ck_assert (!s_give (700, &row)); // of another tag
    wire_set (&row, WIRE_F_TAG, 10);
    ck_assert (s_give (700, &row));
    ck_assert (s_told.over);
    ck_assert_int_eq (s_self.state, FOLLOWER_OFF);
}
END_TEST

START_TEST (unanswered_follow_is_sent_again)
{
    follower_start (&s_self, 3);
    s_ask (0, 9);
    ck_assert (!follower_wants (&s_self, follower_wake (&s_self) - 1));
    ck_assert_uint_eq (s_ask (follower_wake (&s_self), 10), 3);
}
END_TEST

START_TEST (stuck_following_is_noticed_by_pongs)
{
    s_start (1);
    s_push (0, 0, 2);
    follower_pong (&s_self, 100);
    ck_assert_int_eq (s_self.state, FOLLOWER_ON);
    s_push (0, 2, 1);
    follower_pong (&s_self, 100); // something came since
    ck_assert_int_eq (s_self.state, FOLLOWER_ON);
    follower_pong (&s_self, 100);
    ck_assert_int_eq (s_self.state, FOLLOWER_WANTED);
    ck_assert_uint_eq (s_ask (0, 10), 31);
    s_following (10, 31, 1);
    s_push (0, 3, 7);
    for (int i = 0; i < 3; i++)
        follower_pong (&s_self, 100); // at the head nothing has to come
    ck_assert_int_eq (s_self.state, FOLLOWER_ON);
}
END_TEST

START_TEST (other_log_is_a_fresh_start)
{
    s_start (1);
    s_push (0, 0, 4);
    ck_assert (!follower_set_log (&s_self, &s_log->log));
    sample_log_t *other = sample_log_new (6);
    sample_log_append (other, 10, 20);
    follower_lost (&s_self);
    ck_assert (follower_set_log (&s_self, &other->log));
    ck_assert_uint_eq (s_ask (0, 10), 1);
    s_following (10, 1, 1);
    sample_log_destroy (&s_log);
    s_log = other;
    s_told.next = 1;
    s_push (0, 0, 1);
    ck_assert_uint_eq (s_told.next, 11);
}
END_TEST

// From here on the log is another one behind batch `kept` of it: `batches` of `records` each.
static void s_put_back (size_t kept, int records, int batches)
{
    sample_log_t *other = sample_log_new (5); // the same log, another past
    for (size_t i = 0; i < kept; i++)
        sample_log_append (other, 10, 20);
    for (int i = 0; i < batches; i++)
        sample_log_append (other, records, 30);
    sample_log_destroy (&s_log);
    s_log = other;
}

// Serves what the follower asks for, until it asks for nothing.
static void s_serve (int64_t now, uint32_t tag)
{
    for (int i = 0; i < 90; i++) {
        if (follower_wake (&s_self) > now && follower_wake (&s_self) < INT64_MAX)
            now = follower_wake (&s_self);
        if (!follower_wants (&s_self, now))
            break; // it follows
        uint64_t from = s_ask (now, ++tag);
        if (from > s_log->last + 1) {
            s_span (now, WIRE_LOST, tag, s_log->last + 1, from - 1);
            continue;
        }
        s_following (tag, from, 1);
        size_t batch = sample_log_find (s_log, from);
        if (batch < s_log->count)
            s_push (now, batch, s_log->count - batch);
    }
}

// It is not believed at once: the sender may be wrong. Then it goes back to where the log still is
// what it was.
START_TEST (rewritten_past_is_told_and_read_again)
{
    s_start (1);
    for (size_t i = 0; i < 6; i++)
        s_push (0, i, 1);
    s_put_back (3, 10, 7);
    s_told.goes_back = true;
    s_push (0, 6, 1);
    ck_assert_int_eq (s_told.troubles, 1);
    ck_assert_uint_eq (s_told.next, 61);
    s_serve (0, 50);
    ck_assert_int_eq (s_told.troubles, 3);
    ck_assert_int_eq (s_told.losses, 1);
    ck_assert_uint_eq (s_told.lost_from, 31);
    ck_assert_uint_eq (s_told.lost_to, 60);
    ck_assert_uint_eq (s_told.back_to, 31);
    ck_assert_uint_eq (s_told.next, 101);
    s_span (0, WIRE_LOST, 0, 31, 60); // known, and passed
    ck_assert_int_eq (s_told.losses, 1);
    ck_assert_int_eq (s_self.state, FOLLOWER_ON);
}
END_TEST

// One batch of another past that holds the position; it begins with what seems to be known.
START_TEST (batch_of_another_past_over_the_position_is_noticed)
{
    s_start (1);
    for (size_t i = 0; i < 6; i++)
        s_push (0, i, 1);
    s_put_back (3, 60, 1);
    s_told.goes_back = true;
    s_push (0, 3, 1);
    ck_assert_uint_eq (s_told.next, 61);
    s_serve (0, 50);
    ck_assert_uint_eq (s_told.back_to, 31);
    ck_assert_uint_eq (s_told.next, 91);
}
END_TEST

// What LOST names is where the log parts at the latest; the reader knows better.
START_TEST (told_loss_is_read_again_from_where_the_log_parts)
{
    for (int behind = 0; behind < 3; behind++) { // the log ends before the position, there, later
        s_teardown ();
        s_setup ();
        s_start (1);
        for (size_t i = 0; i < 6; i++)
            s_push (0, i, 1);
        s_put_back (3, 10, 2 + behind);
        s_told.goes_back = true;
        follower_lost (&s_self);
        s_span (0, WIRE_LOST, 0, 45, 60);
        ck_assert_int_eq (s_told.losses, 0); // first it looks
        s_serve (0, 50);
        ck_assert_int_eq (s_told.losses, 1);
        ck_assert_uint_eq (s_told.lost_from, 31);
        ck_assert_uint_eq (s_told.lost_to, 60);
        ck_assert_uint_eq (s_told.next, s_log->last + 1);
        ck_assert_int_eq (s_told.troubles, 0);
    }
}
END_TEST

// Another reader's receipt showed it; what was read here is what the log has.
START_TEST (told_loss_that_is_none_here_repeats_nothing)
{
    s_start (1);
    for (size_t i = 0; i < 6; i++)
        s_push (0, i, 1);
    s_span (0, WIRE_LOST, 0, 45, 60);
    int64_t now = follower_wake (&s_self);
    ck_assert_uint_eq (s_ask (now, 10), 60); // the end of what is known, to look at it
    s_following (10, 60, 1);
    s_push (now, 5, 5);
    ck_assert_uint_eq (s_told.next, 101);
    ck_assert_int_eq (s_told.losses, 1);
    ck_assert_uint_eq (s_told.lost_from, 45);
    ck_assert_uint_eq (s_told.lost_to, 60);
}
END_TEST

START_TEST (where_nothing_of_the_whole_log_is_left_it_begins_with_the_first)
{
    s_start (1);
    s_push (0, 0, 5);
    s_put_back (0, 7, 8);
    s_told.goes_back = true;
    follower_lost (&s_self);
    s_span (0, WIRE_LOST, 0, 45, 50);
    s_serve (0, 50);
    ck_assert_uint_eq (s_told.back_to, 1);
    ck_assert_uint_eq (s_told.next, 57);
}
END_TEST

// However much came at once.
START_TEST (places_are_kept_batch_by_batch)
{
    s_start (1);
    s_push (0, 0, 6);
    s_put_back (4, 10, 7);
    s_told.goes_back = true;
    follower_lost (&s_self);
    s_span (0, WIRE_LOST, 0, 45, 60);
    s_serve (0, 50);
    ck_assert_uint_eq (s_told.back_to, 41);
    ck_assert_uint_eq (s_told.next, 111);
}
END_TEST

START_TEST (where_nothing_of_it_is_left_it_begins_again)
{
    s_start (21);
    s_push (0, 2, 3);
    s_put_back (0, 10, 7);
    s_told.goes_back = true;
    follower_lost (&s_self);
    s_span (0, WIRE_LOST, 0, 45, 50);
    s_serve (0, 50);
    ck_assert_uint_eq (s_told.back_to, 21);
    ck_assert_uint_eq (s_told.next, 71);
    ck_assert_uint_eq (s_told.lost_from, 21);
    ck_assert_uint_eq (s_told.lost_to, 50);
}
END_TEST

START_TEST (stopped_in_a_handler_gives_no_more)
{
    s_start (1);
    s_told.stop_in_record = true;
    s_push (0, 0, 3);
    ck_assert_uint_eq (s_told.next, 2);
    ck_assert_int_eq (s_told.flushes, 0);
    s_push (0, 0, 3);
    ck_assert_uint_eq (s_told.next, 2);
}
END_TEST

START_TEST (restarted_in_a_handler_begins_there)
{
    s_start (1);
    s_told.restart_at = 42;
    s_push (0, 0, 3);
    ck_assert_uint_eq (s_told.next, 2);
    s_told.restart_at = 0;
    ck_assert_uint_eq (s_ask (0, 10), 42);
    s_following (10, 42, 1);
    s_told.next = 42;
    s_push (0, 4, 6);
    ck_assert_uint_eq (s_told.next, 101);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("follower");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, records_come_from_where_it_began);
    tcase_add_test (cases, next_record_is_where_the_server_says);
    tcase_add_test (cases, broken_connection_goes_on_at_the_cursor);
    tcase_add_test (cases, jump_is_repaired_by_following_again);
    tcase_add_test (cases, pauses_grow_and_end);
    tcase_add_test (cases, gap_is_told_and_passed);
    tcase_add_test (cases, beginning_that_is_not_kept_is_a_gap_told_once);
    tcase_add_test (cases, loss_sets_the_cursor_back_and_is_told_once);
    tcase_add_test (cases, loss_without_following_is_told);
    tcase_add_test (cases, end_of_membership_is_the_end);
    tcase_add_test (cases, end_of_the_server_is_not_the_end);
    tcase_add_test (cases, refused_follow);
    tcase_add_test (cases, unanswered_follow_is_sent_again);
    tcase_add_test (cases, stuck_following_is_noticed_by_pongs);
    tcase_add_test (cases, other_log_is_a_fresh_start);
    tcase_add_test (cases, rewritten_past_is_told_and_read_again);
    tcase_add_test (cases, batch_of_another_past_over_the_position_is_noticed);
    tcase_add_test (cases, told_loss_is_read_again_from_where_the_log_parts);
    tcase_add_test (cases, told_loss_that_is_none_here_repeats_nothing);
    tcase_add_test (cases, where_nothing_of_it_is_left_it_begins_again);
    tcase_add_test (cases, where_nothing_of_the_whole_log_is_left_it_begins_with_the_first);
    tcase_add_test (cases, places_are_kept_batch_by_batch);
    tcase_add_test (cases, stopped_in_a_handler_gives_no_more);
    tcase_add_test (cases, restarted_in_a_handler_begins_there);
    Suite *suite = suite_create ("follower");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
