#include "common/dealer.h"

#include "tests/fake_server.h"
#include "tests/proving.h"

#include <check.h>

static zloop_t *s_loop;
static fake_t *s_group;
static sample_log_t *s_log;

static int s_end_loop (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    (void)arg;
    return -1;
}

static void s_stop_in (size_t ms)
{
    zloop_timer (s_loop, ms, 1, s_end_loop, NULL);
}

static dealer_t *s_dealer;
static int s_messages, s_drains, s_breaks;
static bool s_destroy;
static wire_kind_t s_last;

static void s_on_message (void *arg, const wire_t *message, size_t size)
{
    ck_assert_ptr_eq (arg, &s_dealer);
    ck_assert_uint_ge (size, 8);
    s_messages++;
    s_last = message->kind;
    if (s_destroy)
        dealer_destroy (&s_dealer);
    if (message->tag == 99)
        s_stop_in (10);
}

static void s_on_drained (void *arg)
{
    (void)arg;
    s_drains++;
}

static void s_on_broken (void *arg)
{
    (void)arg;
    s_breaks++;
    s_stop_in (30);
    if (s_destroy)
        dealer_destroy (&s_dealer);
}

static const dealer_handlers_t HANDLERS = {s_on_message, s_on_drained, s_on_broken, &s_dealer};

static void s_setup (void)
{
    zsys_handler_set (NULL);
    s_loop = zloop_new ();
    s_log = sample_log_new (5);
    s_group = fake_new (s_loop, "cats", s_log);
    s_stop_in (10000);
}

static void s_teardown (void)
{
    dealer_destroy (&s_dealer);
    fake_destroy (&s_group);
    sample_log_destroy (&s_log);
    zloop_destroy (&s_loop);
    proving_stop ();
    zsys_shutdown ();
}

static void s_open (const char *endpoint)
{
    s_dealer = dealer_new (s_loop, endpoint, NULL, NULL, &HANDLERS);
    ck_assert_ptr_nonnull (s_dealer);
}

static void s_ask (wire_kind_t kind, uint32_t tag)
{
    guid_t uuid = {{7}};
    wire_t message = wire (kind, tag, &uuid);
    ck_assert_int_eq (dealer_send (s_dealer, &message), 0);
}

START_TEST (asks_and_hears)
{
    s_open (s_group->endpoint);
    ck_assert_str_eq (dealer_endpoint (s_dealer), s_group->endpoint);
    s_ask (WIRE_PING, 1);
    s_ask (WIRE_PING, 99);
    zloop_start (s_loop);
    ck_assert_int_eq (s_messages, 2);
    ck_assert_int_eq (s_last, WIRE_PONG);
    ck_assert_int_ge (s_drains, 1);
    ck_assert_int_eq (s_breaks, 0);
}
END_TEST

static bool s_send_rubbish (fake_t *self, const wire_t *request)
{
    uint8_t bytes[64] = {0x7a, 0x43, 1, 0xff};
    for (size_t size = 0; size < sizeof bytes; size++) {
        frame_reply (self->router, &self->route, false, span (bytes, size));
        frame_reply (self->router, &self->route, true, span (bytes, size));
    }
    fake_reply (self, request); // a request is no reply
    return false;
}

START_TEST (rubbish_is_dropped)
{
    s_group->meddle = s_send_rubbish;
    s_open (s_group->endpoint);
    s_ask (WIRE_PING, 99);
    zloop_start (s_loop);
    ck_assert_int_eq (s_messages, 1);
}
END_TEST

static bool s_die (fake_t *self, const wire_t *request)
{
    (void)request;
    fake_close (self);
    return true;
}

START_TEST (broken_connection_is_told_once)
{
    s_group->meddle = s_die;
    s_open (s_group->endpoint);
    s_ask (WIRE_PING, 1);
    zloop_start (s_loop);
    ck_assert_int_eq (s_breaks, 1);
}
END_TEST

START_TEST (refused_connection_is_told)
{
    char endpoint[64];
    int fd = fake_refusing (endpoint);
    s_open (endpoint);
    zloop_start (s_loop);
    close (fd);
    ck_assert_int_eq (s_breaks, 1);
}
END_TEST

START_TEST (destroyed_in_its_handlers)
{
    s_destroy = true;
    s_open (s_group->endpoint);
    for (uint32_t tag = 0; tag < 100; tag++)
        s_ask (WIRE_PING, 99);
    zloop_start (s_loop);
    ck_assert_int_eq (s_messages, 1);
    ck_assert_int_eq (s_drains, 0);
    s_open ("tcp://127.0.0.1:1");
    dealer_destroy (&s_dealer);
    ck_assert_ptr_null (s_dealer);
}
END_TEST

START_TEST (destroyed_when_it_broke)
{
    s_destroy = true;
    char endpoint[64];
    int fd = fake_refusing (endpoint);
    s_open (endpoint);
    zloop_start (s_loop);
    close (fd);
    ck_assert_int_eq (s_breaks, 1);
    ck_assert_ptr_null (s_dealer);
}
END_TEST

START_TEST (key_is_never_ignored)
{
    char endpoint[200];
    snprintf (endpoint, sizeof endpoint, "%s?key=%064d", s_group->endpoint, 1);
    ck_assert_ptr_null (dealer_new (s_loop, endpoint, NULL, NULL, &HANDLERS));
    ck_assert_int_eq (errno, EACCES);
    ck_assert_ptr_null (dealer_new (s_loop, "nonsense", NULL, NULL, &HANDLERS));
}
END_TEST

static zsock_t *s_connect (const char *endpoint, void *arg)
{
    ck_assert_str_eq (endpoint, "somewhere");
    return dealer_connect_plain (arg, NULL);
}

START_TEST (connects_as_it_is_told)
{
    s_dealer = dealer_new (s_loop, "somewhere", s_connect, s_group->endpoint, &HANDLERS);
    ck_assert_ptr_nonnull (s_dealer);
    s_ask (WIRE_PING, 99);
    zloop_start (s_loop);
    ck_assert_int_eq (s_messages, 1);
}
END_TEST

START_TEST (too_large_a_message_is_refused)
{
    char text[8000] = "";
    wire_t message = wire (WIRE_TOPIC, 1, NULL);
    wire_set_bytes (&message, WIRE_F_TEXT, span (text, sizeof text));
    s_open (s_group->endpoint);
    ck_assert_int_eq (dealer_send (s_dealer, &message), -1);
    ck_assert_int_eq (errno, EMSGSIZE);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("dealer");
    proving_add (cases);
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, asks_and_hears);
    tcase_add_test (cases, rubbish_is_dropped);
    tcase_add_test (cases, broken_connection_is_told_once);
    tcase_add_test (cases, refused_connection_is_told);
    tcase_add_test (cases, destroyed_in_its_handlers);
    tcase_add_test (cases, destroyed_when_it_broke);
    tcase_add_test (cases, key_is_never_ignored);
    tcase_add_test (cases, connects_as_it_is_told);
    tcase_add_test (cases, too_large_a_message_is_refused);
    Suite *suite = suite_create ("dealer");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
