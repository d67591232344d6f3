// tellings: many at once; what each tells is in test_transcript.

#include "daemons/group/tellings.h"

#include "tests/logs.h"

#include <czmq.h>

static logs_t s_logs;
static tellings_t *s_tellings;
static char s_told[TELLINGS_MAX][64];
static size_t s_count;

static void s_send (void *arg, peer_t *peer, span_t text)
{
    (void)arg, (void)peer;
    snprintf (s_told[s_count++ % TELLINGS_MAX], 64, "%.*s", (int)text.size,
              (const char *)text.data);
}

static void s_setup (void)
{
    setenv ("TZ", "UTC", 1);
    tzset ();
    logs_init (&s_logs);
    logs_must_open (&s_logs, 1 << 26);
    logs_job (&s_logs, "hi", 1);
    s_tellings = tellings_new (s_logs.log, s_send, NULL);
    s_count = 0;
}

static void s_teardown (void)
{
    tellings_destroy (&s_tellings);
    logs_free (&s_logs);
}

static pending_t *s_ask (void)
{
    static const route_t route = {1, {1}};
    pending_t *request = pending_new ();
    request->peer = peer_new (0, &route);
    return request;
}

START_TEST (each_is_answered_once)
{
    ck_assert (!tellings_turn (s_tellings));
    for (int i = 0; i < 20; i++) {
        pending_t *request = s_ask ();
        ck_assert (tellings_add (s_tellings, &request, 0, 1000));
        ck_assert_ptr_null (request);
    }
    for (int i = 0; i < 1000 && tellings_turn (s_tellings); i++)
        ;
    ck_assert_uint_eq (s_count, 20);
    for (int i = 0; i < 20; i++)
        ck_assert_ptr_nonnull (strstr (s_told[i], ": hi"));
}
END_TEST

START_TEST (one_too_many_stays_its_callers)
{
    pending_t *request;
    for (int i = 0; i < TELLINGS_MAX; i++) {
        request = s_ask ();
        ck_assert (tellings_add (s_tellings, &request, 0, 1000));
    }
    request = s_ask ();
    ck_assert (!tellings_add (s_tellings, &request, 0, 1000));
    ck_assert_ptr_nonnull (request);
    pending_destroy (&request);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("tellings");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, each_is_answered_once);
    tcase_add_test (cases, one_too_many_stays_its_callers);
    return kit_run (cases, "tellings");
}
