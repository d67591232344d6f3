#include "common/ticker.h"

#include <check.h>

static zloop_t *s_loop;
static ticker_t *s_one, *s_two;
static int s_calls;

static int s_stop (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    (void)arg;
    return -1;
}

static void s_count (void *arg)
{
    (void)arg;
    s_calls++;
}

static void s_destroy_both (void *arg)
{
    (void)arg;
    s_calls++;
    ticker_destroy (&s_one);
    ticker_destroy (&s_two);
}

static void s_set_again (void *arg)
{
    (void)arg;
    if (++s_calls < 5)
        ticker_set (s_one, zclock_mono () + 1);
}

static void s_setup (void)
{
    zsys_handler_set (NULL);
    s_loop = zloop_new ();
    zloop_timer (s_loop, 100, 1, s_stop, NULL);
}

static void s_teardown (void)
{
    ticker_destroy (&s_one);
    ticker_destroy (&s_two);
    zloop_destroy (&s_loop);
}

START_TEST (calls_once_at_its_time)
{
    s_one = ticker_new (s_loop, s_count, NULL);
    ticker_set (s_one, zclock_mono () + 10);
    zloop_start (s_loop);
    ck_assert_int_eq (s_calls, 1);
}
END_TEST

START_TEST (nothing_is_called_that_was_not_set)
{
    s_one = ticker_new (s_loop, s_count, NULL);
    ticker_set (s_one, INT64_MAX);
    zloop_start (s_loop);
    ck_assert_int_eq (s_calls, 0);
}
END_TEST

START_TEST (earlier_time_replaces_a_later_one)
{
    s_one = ticker_new (s_loop, s_count, NULL);
    ticker_set (s_one, zclock_mono () + 3600000);
    ticker_set (s_one, zclock_mono () + 10);
    ticker_set (s_one, zclock_mono () + 3600000);
    zloop_start (s_loop);
    ck_assert_int_eq (s_calls, 1);
}
END_TEST

START_TEST (time_that_is_over_is_soon)
{
    s_one = ticker_new (s_loop, s_count, NULL);
    ticker_set (s_one, 0);
    zloop_start (s_loop);
    ck_assert_int_eq (s_calls, 1);
}
END_TEST

START_TEST (set_again_in_its_own_call)
{
    s_one = ticker_new (s_loop, s_set_again, NULL);
    ticker_set (s_one, 0);
    zloop_start (s_loop);
    ck_assert_int_eq (s_calls, 5);
}
END_TEST

static int s_pipe[2];
static int s_read_at; // after so many calls

static void s_be_slow (void *arg)
{
    (void)arg;
    if (++s_calls == 1)
        ck_assert_int_eq (write (s_pipe[1], "x", 1), 1);
    if (s_calls < 10)
        ticker_set (s_one, 0);
    int64_t until = zclock_mono () + 3;
    while (zclock_mono () < until)
        ;
}

static int s_read (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)arg;
    if (!s_read_at)
        s_read_at = s_calls;
    zloop_poller_end (loop, item);
    return 0;
}

START_TEST (slow_one_that_is_always_due_leaves_room_for_sockets)
{
    ck_assert_int_eq (pipe (s_pipe), 0);
    zmq_pollitem_t item = {.fd = s_pipe[0], .events = ZMQ_POLLIN};
    s_one = ticker_new (s_loop, s_be_slow, NULL);
    ticker_set (s_one, 0);
    zloop_poller (s_loop, &item, s_read, NULL);
    zloop_start (s_loop);
    ck_assert_int_ge (s_read_at, 1);
    ck_assert_int_le (s_read_at, 3);
    close (s_pipe[0]);
    close (s_pipe[1]);
}
END_TEST

START_TEST (destroyed_ones_never_call_not_even_in_the_same_turn)
{
    s_one = ticker_new (s_loop, s_destroy_both, NULL);
    s_two = ticker_new (s_loop, s_destroy_both, NULL);
    int64_t when = zclock_mono () + 5;
    ticker_set (s_one, when);
    ticker_set (s_two, when);
    zloop_start (s_loop);
    ck_assert_int_eq (s_calls, 1);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("ticker");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, calls_once_at_its_time);
    tcase_add_test (cases, nothing_is_called_that_was_not_set);
    tcase_add_test (cases, earlier_time_replaces_a_later_one);
    tcase_add_test (cases, time_that_is_over_is_soon);
    tcase_add_test (cases, set_again_in_its_own_call);
    tcase_add_test (cases, slow_one_that_is_always_due_leaves_room_for_sockets);
    tcase_add_test (cases, destroyed_ones_never_call_not_even_in_the_same_turn);
    Suite *suite = suite_create ("ticker");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
