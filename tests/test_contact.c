#include "common/contact.h"

#include "common/proof.h"
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

static contact_t *s_contact;
static int s_ups, s_downs, s_troubles, s_messages, s_losses;
static char s_why[600];
static size_t s_stop_after_ups;
static bool s_drop_when_up;
static int64_t s_down_at, s_up_after; // ms from down to up

static void s_on_up (void *arg, const wire_t *pong)
{
    ck_assert_ptr_eq (arg, &s_contact);
    ck_assert_int_eq (pong->kind, WIRE_PONG);
    ck_assert (contact_is_up (s_contact));
    ck_assert_str_eq (contact_trouble (s_contact), "");
    if (s_ups++ > 0)
        s_up_after = zclock_mono () - s_down_at;
    if ((size_t)s_ups == s_stop_after_ups)
        s_stop_in (10);
    else if (s_drop_when_up)
        contact_drop (s_contact, "enough");
}

static void s_on_message (void *arg, const wire_t *message, size_t size)
{
    (void)arg;
    (void)message;
    (void)size;
    s_messages++;
}

static void s_on_drained (void *arg)
{
    (void)arg;
}

static void s_on_down (void *arg, const char *why)
{
    (void)arg;
    ck_assert (!contact_is_up (s_contact));
    s_downs++;
    s_down_at = zclock_mono ();
    snprintf (s_why, sizeof s_why, "%s", why);
}

static void s_on_trouble (void *arg, const char *sentence)
{
    (void)arg;
    s_troubles++;
    snprintf (s_why, sizeof s_why, "%s", sentence);
}

static void s_on_lost (void *arg, const wire_t *lost)
{
    (void)arg;
    (void)lost;
    s_losses++;
}

static wire_error_t s_refusal;

static void s_on_refused (void *arg, wire_error_t error, const char *sentence)
{
    s_refusal = error;
    s_on_trouble (arg, sentence);
    s_stop_in (1);
}

static const contact_handlers_t HANDLERS = {s_on_up,      s_on_message, s_on_drained, s_on_down,
                                            s_on_trouble, s_on_lost,    s_on_refused, &s_contact};

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
    contact_destroy (&s_contact);
    fake_destroy (&s_group);
    sample_log_destroy (&s_log);
    zloop_destroy (&s_loop);
    proving_stop ();
    zsys_shutdown ();
}

static void s_open (const char *group)
{
    contact_config_t config = {.loop = s_loop, .group = group};
    s_contact = contact_new (&config, &HANDLERS);
    ck_assert_ptr_nonnull (s_contact);
}

START_TEST (comes_up_again_after_each_drop_but_not_at_once)
{
    s_drop_when_up = true;
    s_stop_after_ups = 4;
    s_open (s_group->endpoint);
    zloop_start (s_loop);
    ck_assert_int_eq (s_ups, 4);
    ck_assert_int_eq (s_downs, 3);
    ck_assert_str_eq (s_why, "enough");
    ck_assert_int_ge (s_up_after, 200); // the third pause is 400 ms, half of it by chance
    ck_assert_str_eq (contact_endpoint (s_contact), s_group->endpoint);
}
END_TEST

START_TEST (unix_sockets_are_endpoints_too)
{
    s_open ("ipc:///nowhere/at/all");
    s_stop_in (1000);
    zloop_start (s_loop);
    ck_assert_int_eq (s_ups, 0);
    ck_assert_int_eq (s_troubles, 1);
}
END_TEST

START_TEST (trouble_is_told_once_a_reason)
{
    char endpoint[64];
    int fd = fake_refusing (endpoint);
    s_open (endpoint);
    s_stop_in (1000);
    zloop_start (s_loop);
    close (fd);
    ck_assert_int_eq (s_troubles, 1);
    ck_assert_str_eq (contact_trouble (s_contact), s_why);
}
END_TEST

START_TEST (name_without_a_registry_says_so)
{
    s_open ("cats");
    s_stop_in (200);
    zloop_start (s_loop);
    ck_assert_str_eq (s_why, "no registry answers (none is known)");
    ck_assert_str_eq (contact_trouble (s_contact), s_why);
}
END_TEST

START_TEST (what_is_waited_for_is_said_before_the_first_search_is_over)
{
    zloop_reader_end (s_loop, s_group->router); // takes connections, answers nothing
    s_open (s_group->endpoint);
    s_stop_in (50);
    zloop_start (s_loop);
    ck_assert_int_eq (s_troubles, 0);
    ck_assert_ptr_nonnull (strstr (contact_trouble (s_contact), "has not answered yet"));
}
END_TEST

static bool s_expect_receipt (fake_t *self, const wire_t *request)
{
    (void)self;
    span_t receipt = wire_bytes (request, WIRE_F_RECEIPT);
    ck_assert_uint_eq (receipt.size, PROOF_RECEIPT);
    ck_assert_uint_eq (receipt.data[0], 77);
    return false;
}

START_TEST (receipt_is_shown_first)
{
    uint8_t receipt[PROOF_RECEIPT] = {77};
    s_group->meddle = s_expect_receipt;
    s_stop_after_ups = 1;
    s_open (s_group->endpoint);
    contact_show (s_contact, receipt);
    zloop_start (s_loop);
    ck_assert_int_eq (s_group->requests, 1);
}
END_TEST

static bool s_answer_first_ping_only (fake_t *self, const wire_t *request)
{
    (void)request;
    return self->requests > 1 && s_downs == 0;
}

static int s_wait (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    (void)arg;
    contact_set (s_contact, false, true);
    return 0;
}

START_TEST (silence_is_noticed_sooner_when_an_answer_is_waited_for)
{
    s_group->meddle = s_answer_first_ping_only;
    s_stop_after_ups = 2;
    s_open (s_group->endpoint);
    zloop_timer (s_loop, 100, 1, s_wait, NULL);
    int64_t begin = zclock_mono ();
    zloop_start (s_loop);
    ck_assert_int_eq (s_downs, 1);
    ck_assert_int_lt (zclock_mono () - begin, 8000);
    ck_assert_ptr_nonnull (strstr (s_why, "does not answer"));
}
END_TEST

static bool s_refuse (fake_t *self, const wire_t *request)
{
    uint8_t rows[200];
    writer_t out = writer (rows, sizeof rows);
    wire_t row = wire (WIRE_ROW_ERROR, 0, NULL), message = wire (WIRE_ERROR, request->tag, NULL);
    wire_set (&row, WIRE_F_TAG, request->tag);
    wire_set (&row, WIRE_F_NUMBER, WIRE_ERR_NOT_INVITED);
    wire_set_bytes (&row, WIRE_F_TEXT, span_of ("members only"));
    wire_put_row (&row, &out);
    wire_set_bytes (&message, WIRE_F_ROWS, span (rows, writer_used (&out)));
    fake_reply (self, &message);
    return true;
}

START_TEST (refusal_of_the_registries_is_told_as_such)
{
    fake_t *registry = fake_new (s_loop, "registry", NULL);
    const char *registries[] = {registry->endpoint};
    contact_config_t config = {
        .loop = s_loop, .group = "cats", .registries = registries, .registry_count = 1};
    registry->meddle = s_refuse;
    s_contact = contact_new (&config, &HANDLERS);
    zloop_start (s_loop);
    ck_assert_int_eq (s_refusal, WIRE_ERR_NOT_INVITED);
    ck_assert_ptr_nonnull (strstr (s_why, ": members only"));
    ck_assert_str_eq (contact_trouble (s_contact), s_why);
    fake_destroy (&registry);
}
END_TEST

// A registry that lists cats at these endpoints; "@" stands for that of the plain group.
static fake_t *s_search (const char *endpoints, const uint8_t *key)
{
    static const char *registries[1];
    char text[600];
    const char *at = strchr (endpoints, '@');
    snprintf (text, sizeof text, "%.*s%s%s", (int)strcspn (endpoints, "@"), endpoints,
              at ? s_group->endpoint : "", at ? at + 1 : "");
    fake_t *registry = fake_new (s_loop, "registry", NULL);
    fake_list_group (registry, "cats", &s_log->log, 1, text);
    registries[0] = registry->endpoint;
    contact_config_t config = {
        .loop = s_loop, .group = "cats", .registries = registries, .registry_count = 1, .key = key};
    s_contact = contact_new (&config, &HANDLERS);
    return registry;
}

#define OTHER                                                                                      \
    "tcp://127.0.0.1:1?key=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const uint8_t s_known[ENDPOINT_KEY] = {0xaa};

START_TEST (nothing_is_sent_to_who_has_another_key_or_none)
{
    static const char *const offers[] = {OTHER, "@", OTHER " @"};
    static const char *const said[] = {"the key of cats changed", "offered without one",
                                       "the key of cats changed"};
    fake_t *registry = s_search (offers[_i], s_known);
    zloop_start (s_loop);
    ck_assert_int_eq (s_refusal, WIRE_ERR_NAME_TAKEN);
    ck_assert_msg (strstr (s_why, said[_i]), "said: %s", s_why);
    ck_assert_ptr_nonnull (strstr (s_why, "zchat trust --accept cats"));
    ck_assert_ptr_nonnull (strstr (s_why, "aa00000000")); // both keys are shown
    ck_assert (_i == 1 || strstr (s_why, "bbbbbbbbbb"));
    ck_assert_int_eq (s_ups, 0);
    ck_assert_int_eq (s_group->requests, 0);
    fake_destroy (&registry);
}
END_TEST

START_TEST (this_machines_plain_endpoint_is_tried_behind_those_with_keys)
{
    fake_t *registry = s_search (OTHER " @", NULL); // which this connect_fn refuses
    s_stop_after_ups = 1;
    zloop_start (s_loop);
    ck_assert_int_eq (s_ups, 1);
    ck_assert_str_eq (contact_endpoint (s_contact), s_group->endpoint);
    ck_assert_int_ge (registry->counts[WIRE_LIST], 2);
    fake_destroy (&registry);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("contact");
    proving_add (cases);
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, comes_up_again_after_each_drop_but_not_at_once);
    tcase_add_test (cases, unix_sockets_are_endpoints_too);
    tcase_add_test (cases, trouble_is_told_once_a_reason);
    tcase_add_test (cases, name_without_a_registry_says_so);
    tcase_add_test (cases, what_is_waited_for_is_said_before_the_first_search_is_over);
    tcase_add_test (cases, receipt_is_shown_first);
    tcase_add_test (cases, silence_is_noticed_sooner_when_an_answer_is_waited_for);
    tcase_add_test (cases, refusal_of_the_registries_is_told_as_such);
    tcase_add_loop_test (cases, nothing_is_sent_to_who_has_another_key_or_none, 0, 3);
    tcase_add_test (cases, this_machines_plain_endpoint_is_tried_behind_those_with_keys);
    Suite *suite = suite_create ("contact");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
