#include "common/dial.h"

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

static dial_t *s_dial;
static int s_calls, s_losses;
static wire_error_t s_error;
static show_fn *s_show;
static char s_why[500], s_taken[64];

static void s_on_done (void *arg, dealer_t **dealer_p, const wire_t *pong, const char *why,
                       wire_error_t error)
{
    s_error = error;
    ck_assert_ptr_eq (arg, &s_dial);
    s_calls++;
    ck_assert ((pong != NULL) == (why == NULL));
    if (why)
        snprintf (s_why, sizeof s_why, "%s", why);
    else {
        snprintf (s_taken, sizeof s_taken, "%s", dealer_endpoint (*dealer_p));
        dealer_destroy (dealer_p);
    }
    dial_destroy (&s_dial);
    s_stop_in (20);
}

static void s_on_lost (void *arg, const wire_t *lost)
{
    (void)arg;
    ck_assert_int_eq (lost->kind, WIRE_LOST);
    s_losses++;
}

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
    dial_destroy (&s_dial);
    fake_destroy (&s_group);
    sample_log_destroy (&s_log);
    zloop_destroy (&s_loop);
    proving_stop ();
    zsys_shutdown ();
}

static guid_t s_wanted; // log that a registry told of, zeros: any

static int64_t s_run (const char *const *endpoints, size_t count, const uint8_t *receipt)
{
    int64_t begin = zclock_mono ();
    dial_query_t query = {.loop = s_loop,
                          .endpoints = endpoints,
                          .count = count,
                          .name = "cats",
                          .log = s_wanted,
                          .receipt = receipt,
                          .show = s_show,
                          .deadline = begin + 1000};
    dial_handlers_t handlers = {s_on_done, s_on_lost, &s_dial};
    s_dial = dial_new (&query, &handlers);
    ck_assert_ptr_nonnull (s_dial);
    ck_assert_int_eq (s_calls, 0);
    zloop_start (s_loop);
    ck_assert_int_eq (s_calls, 1);
    return zclock_mono () - begin;
}

START_TEST (first_that_answers_is_taken)
{
    fake_t *deaf = fake_new (s_loop, "cats", s_log);
    zloop_reader_end (s_loop, deaf->router);
    const char *endpoints[] = {"nonsense", "tcp://127.0.0.1:1", deaf->endpoint, s_group->endpoint};
    ck_assert_int_lt (s_run (endpoints, 4, NULL), 900);
    ck_assert_str_eq (s_taken, s_group->endpoint);
    fake_destroy (&deaf);
}
END_TEST

START_TEST (refused_everywhere_ends_at_once)
{
    const char *endpoints[] = {"tcp://127.0.0.1:1", "tcp://127.0.0.1:2"};
    ck_assert_int_lt (s_run (endpoints, 2, NULL), 900);
    ck_assert_ptr_nonnull (strstr (s_why, "no connection"));
}
END_TEST

START_TEST (silence_ends_at_the_deadline)
{
    zloop_reader_end (s_loop, s_group->router);
    const char *endpoints[] = {s_group->endpoint};
    ck_assert_int_ge (s_run (endpoints, 1, NULL), 1000);
    ck_assert_ptr_nonnull (strstr (s_why, "nothing answers"));
}
END_TEST

START_TEST (nowhere_to_go)
{
    s_run (NULL, 0, NULL);
    ck_assert_ptr_nonnull (strstr (s_why, "no endpoint"));
}
END_TEST

START_TEST (another_log_of_the_same_name_is_not_taken)
{
    sample_log_t *other = sample_log_new (3);
    fake_t *stranger = fake_new (s_loop, "cats", other);
    const char *endpoints[] = {stranger->endpoint, s_group->endpoint};
    s_wanted = s_log->log;
    s_run (endpoints, 2, NULL);
    ck_assert_str_eq (s_taken, s_group->endpoint);
    fake_destroy (&stranger);
    sample_log_destroy (&other);
}
END_TEST

START_TEST (group_of_another_name_is_not_taken)
{
    s_group->name = "dogs";
    const char *endpoints[] = {s_group->endpoint};
    s_run (endpoints, 1, NULL);
    ck_assert_ptr_nonnull (strstr (s_why, "another group: dogs"));
}
END_TEST

START_TEST (registry_is_not_taken)
{
    s_group->log = NULL;
    s_group->name = "registry";
    const char *endpoints[] = {s_group->endpoint};
    s_run (endpoints, 1, NULL);
    ck_assert_ptr_nonnull (strstr (s_why, "no group"));
}
END_TEST

static bool s_lie_about_the_name (fake_t *self, const wire_t *request)
{
    wire_t pong = wire (WIRE_PONG, request->tag, NULL);
    wire_set_bytes (&pong, WIRE_F_NAME, span_of ("\x1b[2J"));
    wire_set_bytes (&pong, WIRE_F_LOG, span (self->log->log.bytes, GUID_SIZE));
    fake_reply (self, &pong);
    return true;
}

START_TEST (remote_text_is_made_harmless)
{
    s_group->meddle = s_lie_about_the_name;
    const char *endpoints[] = {s_group->endpoint};
    s_run (endpoints, 1, NULL);
    ck_assert_ptr_null (strchr (s_why, '\x1b'));
    ck_assert_ptr_nonnull (strstr (s_why, "\\x1b"));
}
END_TEST

static bool s_refuse (fake_t *self, const wire_t *request)
{
    fake_error (self, request->tag, WIRE_ERR_VERSION, 0);
    return true;
}

START_TEST (refusal_is_told)
{
    s_group->meddle = s_refuse;
    const char *endpoints[] = {s_group->endpoint};
    s_run (endpoints, 1, NULL);
    ck_assert_ptr_nonnull (strstr (s_why, wire_error_text (WIRE_ERR_VERSION)));
    ck_assert_int_eq (s_error, WIRE_ERR_VERSION);
}
END_TEST

static bool s_want_a_key (fake_t *self, const wire_t *request)
{
    fake_error (self, request->tag, WIRE_ERR_KEY_NEEDED, 0);
    return true;
}

// A group says in its own words, over its plain and its encrypted endpoint, why one is not let in.
START_TEST (what_counts_is_the_reason_that_helps)
{
    fake_t *plain = fake_new (s_loop, "cats", s_log);
    plain->meddle = s_want_a_key;
    s_group->meddle = s_refuse;
    const char *orders[][2] = {{plain->endpoint, s_group->endpoint},
                               {s_group->endpoint, plain->endpoint}};
    for (int i = 0; i < 2; i++) {
        s_calls = 0;
        s_run (orders[i], 2, NULL);
        ck_assert_int_eq (s_error, WIRE_ERR_VERSION);
        ck_assert_ptr_nonnull (strstr (s_why, s_group->endpoint));
    }
    const char *broken[] = {plain->endpoint, "tcp://127.0.0.1:1"};
    s_calls = 0;
    s_run (broken, 2, NULL);
    ck_assert_int_eq (s_error, WIRE_ERR_NONE); // it may come up
    ck_assert_ptr_nonnull (strstr (s_why, "no connection"));
    s_calls = 0;
    s_run (broken, 1, NULL);
    ck_assert_int_eq (s_error, WIRE_ERR_KEY_NEEDED);
    fake_destroy (&plain);
}
END_TEST

static size_t s_show_two (void *arg, const char *endpoint, const char *group,
                          uint8_t out[INVITATION_FIELD])
{
    (void)arg;
    ck_assert_str_eq (endpoint, s_group->endpoint);
    ck_assert_str_eq (group, "cats");
    memcpy (out, "xy", 2);
    return 2;
}

static bool s_want_two (fake_t *self, const wire_t *request)
{
    if (span_equal (wire_bytes (request, WIRE_F_INVITATIONS), span_of ("xy")))
        return false;
    fake_error (self, request->tag, WIRE_ERR_NOT_INVITED, 0);
    return true;
}

START_TEST (invitations_are_shown)
{
    s_group->meddle = s_want_two;
    const char *endpoints[] = {s_group->endpoint};
    s_run (endpoints, 1, NULL);
    ck_assert_int_eq (s_error, WIRE_ERR_NOT_INVITED);
    s_calls = 0;
    s_show = s_show_two;
    s_run (endpoints, 1, NULL);
    ck_assert_str_eq (s_taken, s_group->endpoint);
    s_show = NULL;
}
END_TEST

static bool s_tell_loss (fake_t *self, const wire_t *request)
{
    if (wire_bytes (request, WIRE_F_RECEIPT).size == 0)
        return false;
    wire_t lost = wire (WIRE_LOST, request->tag, NULL);
    wire_set (&lost, WIRE_F_FROM, 1);
    wire_set (&lost, WIRE_F_TO, 1);
    fake_reply (self, &lost);
    return true;
}

START_TEST (receipt_is_shown_and_its_loss_told)
{
    uint8_t receipt[PROOF_RECEIPT] = {1};
    s_group->meddle = s_tell_loss;
    const char *endpoints[] = {s_group->endpoint};
    s_run (endpoints, 1, receipt);
    ck_assert_int_eq (s_losses, 1);
    ck_assert_str_eq (s_taken, s_group->endpoint);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("dial");
    proving_add (cases);
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, first_that_answers_is_taken);
    tcase_add_test (cases, refused_everywhere_ends_at_once);
    tcase_add_test (cases, silence_ends_at_the_deadline);
    tcase_add_test (cases, nowhere_to_go);
    tcase_add_test (cases, another_log_of_the_same_name_is_not_taken);
    tcase_add_test (cases, group_of_another_name_is_not_taken);
    tcase_add_test (cases, registry_is_not_taken);
    tcase_add_test (cases, remote_text_is_made_harmless);
    tcase_add_test (cases, refusal_is_told);
    tcase_add_test (cases, what_counts_is_the_reason_that_helps);
    tcase_add_test (cases, invitations_are_shown);
    tcase_add_test (cases, receipt_is_shown_and_its_loss_told);
    Suite *suite = suite_create ("dial");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
