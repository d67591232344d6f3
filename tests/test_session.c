#include "common/session.h"

#include "tests/fake_server.h"
#include "tests/proving.h"

#include <check.h>
#include <time.h>

static zloop_t *s_loop;
static sample_log_t *s_log;
static fake_t *s_group, *s_registry;
static session_t *s_session;
static guid_t s_uuid = {{7}};

// What the session said.
static struct {
    int ups, downs, troubles, new_logs, followings, flushes, gaps, losses, ends;
    uint64_t next;  // the record that must come, 0: any
    uint64_t until; // stop when this one came
    uint64_t gap_to;
    uint64_t lost_from, lost_to;
    wire_error_t end_why;
    bool over;
    char trouble[600];
    // of a page
    uint64_t paged; // the next one that must come
    int paged_records;
    int pages; // done
    outbox_answer_t page_answer;
    // of requests
    int answers;
    outbox_answer_t answer;
    uint64_t seqs[3000]; // of the sends, by their number
    size_t sent;
    size_t want_sent; // stop when so many were answered, too
    uint64_t last_seq;
} s_told;

// Called in each handler, with its name; may destroy the session.
static void (*s_hook) (const char *handler);

static int s_end_loop (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    (void)arg;
    return -1;
}

// Ends the loop soon, so that what should not come any more has some time to come.
static void s_stop (void)
{
    zloop_timer (s_loop, 20, 1, s_end_loop, NULL);
}

// Ends the loop when all that was wanted came: records and answers to sends.
static void s_stop_when_done (void)
{
    bool wanted = s_told.until > 0 || s_told.want_sent > 0;
    bool records = s_told.until == 0 || s_told.next == s_told.until + 1;
    if (wanted && records && s_told.sent == s_told.want_sent)
        s_stop ();
}

static void s_call_hook (const char *handler)
{
    if (s_hook)
        s_hook (handler);
}

static void s_on_up (void *arg, const session_info_t *info)
{
    (void)arg;
    ck_assert_ptr_nonnull (info->endpoint);
    s_told.ups++;
    s_call_hook ("up");
}

static void s_on_down (void *arg, const char *why)
{
    (void)arg;
    ck_assert_ptr_nonnull (why);
    s_told.downs++;
    s_call_hook ("down");
}

static void s_on_trouble (void *arg, const char *sentence)
{
    (void)arg;
    s_told.troubles++;
    snprintf (s_told.trouble, sizeof s_told.trouble, "%s", sentence);
    s_call_hook ("trouble");
}

static void s_on_new_log (void *arg, const guid_t *before, const guid_t *now)
{
    (void)arg;
    ck_assert (!guid_equal (before, now));
    s_told.new_logs++;
    s_told.next = 1;
    s_call_hook ("new_log");
}

static void s_on_following (void *arg, uint64_t from)
{
    (void)arg;
    ck_assert_uint_gt (from, 0);
    s_told.followings++;
    s_call_hook ("following");
}

static void s_on_record (void *arg, const record_t *record)
{
    (void)arg;
    if (s_told.next == 0)
        s_told.next = record->seq;
    ck_assert_uint_eq (record->seq, s_told.next);
    ck_assert_uint_eq (session_cursor (s_session), record->seq);
    s_told.next++;
    s_stop_when_done ();
    s_call_hook ("record");
}

static void s_on_flush (void *arg)
{
    (void)arg;
    s_told.flushes++;
    s_call_hook ("flush");
}

static void s_on_gap (void *arg, uint64_t from, uint64_t to, record_why_t why)
{
    (void)arg;
    (void)why;
    ck_assert_uint_eq (from, s_told.next);
    s_told.next = to + 1;
    s_told.gaps++;
    s_told.gap_to = to;
    s_call_hook ("gap");
}

static void s_on_lost (void *arg, uint64_t from, uint64_t to)
{
    (void)arg;
    s_told.losses++;
    s_told.lost_from = from;
    s_told.lost_to = to;
    if (s_told.next > from)
        s_told.next = from;
    s_call_hook ("lost");
}

static int s_states;

static void s_on_state (void *arg, wire_state_t state)
{
    (void)arg;
    ck_assert_int_eq (state, WIRE_STATE_DOUBT);
    s_states++;
}

static void s_on_end (void *arg, wire_error_t why, const char *text, bool over)
{
    (void)arg;
    (void)text;
    s_told.ends++;
    s_told.end_why = why;
    s_told.over = over;
    s_call_hook ("end");
}

static const session_handlers_t HANDLERS = {
    .up = s_on_up,
    .down = s_on_down,
    .trouble = s_on_trouble,
    .new_log = s_on_new_log,
    .following = s_on_following,
    .record = s_on_record,
    .flush = s_on_flush,
    .gap = s_on_gap,
    .lost = s_on_lost,
    .end = s_on_end,
    .state = s_on_state,
};

static void s_answered (void *arg, const outbox_answer_t *answer)
{
    (void)arg;
    s_told.answers++;
    s_told.answer = *answer;
    s_told.answer.reply = NULL;
    if (answer->reply && answer->reply->kind == WIRE_ROW_ACK)
        s_told.last_seq = wire_number (answer->reply, WIRE_F_SEQ);
    s_call_hook ("answer");
}

static void s_answered_and_stop (void *arg, const outbox_answer_t *answer)
{
    s_answered (arg, answer);
    s_stop ();
}

static int s_too_long (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    (void)arg;
    ck_abort_msg ("the loop did not end: %s", s_session ? session_trouble (s_session) : "");
    return -1;
}

static void s_setup (void)
{
    memset (&s_told, 0, sizeof s_told);
    zsys_handler_set (NULL);
    s_loop = zloop_new ();
    s_log = sample_log_new (5);
    s_group = fake_new (s_loop, "cats", s_log);
    s_registry = fake_new (s_loop, "registry", NULL);
    fake_list_group (s_registry, "cats", &s_log->log, 1, s_group->endpoint);
    zloop_timer (s_loop, 20000, 1, s_too_long, NULL);
}

static void s_teardown (void)
{
    session_destroy (&s_session);
    fake_destroy (&s_group);
    fake_destroy (&s_registry);
    sample_log_destroy (&s_log);
    zloop_destroy (&s_loop);
    proving_stop ();
    zsys_shutdown ();
}

static void s_open_as (const char *group, const session_config_t *more)
{
    const char *registries[] = {s_registry->endpoint};
    session_config_t config = more ? *more : (session_config_t){0};
    config.loop = s_loop;
    config.group = group;
    config.registries = registries;
    config.registry_count = 1;
    config.uuid = s_uuid;
    s_session = session_new (&config, &HANDLERS);
    ck_assert_ptr_nonnull (s_session);
}

static void s_open (void)
{
    s_open_as ("cats", NULL);
}

static void s_run (void)
{
    zloop_start (s_loop);
}

static void s_request (wire_kind_t kind, int timeout)
{
    wire_t request = wire (kind, 0, NULL);
    ck_assert_int_eq (session_request (s_session, &request, timeout, s_answered_and_stop, NULL), 0);
}

static void s_fill (int batches)
{
    for (int i = 0; i < batches; i++)
        sample_log_append (s_log, 10, 20);
}

// ---- Connecting

static bool s_refuse_list (fake_t *self, const wire_t *request)
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

// Who asks gets the registries' answer, not a time-out; a following ends.
START_TEST (refusal_of_the_registries_answers_what_waits)
{
    s_registry->meddle = s_refuse_list;
    s_open ();
    s_request (WIRE_JOIN, 10000);
    session_follow (s_session, 0);
    s_run ();
    ck_assert_int_eq (s_told.answers, 1);
    ck_assert_int_eq (s_told.answer.result, OUTBOX_REFUSED);
    ck_assert_int_eq (s_told.answer.error, WIRE_ERR_NOT_INVITED);
    ck_assert (!s_told.answer.may_be_stored);
    ck_assert_int_eq (s_told.ends, 1);
    ck_assert (s_told.over);
    ck_assert_int_eq (s_told.end_why, WIRE_ERR_NOT_INVITED);
    ck_assert_ptr_nonnull (strstr (session_trouble (s_session), ": members only"));
    // It is looked for on: a later request may have more luck.
    s_registry->meddle = NULL;
    s_request (WIRE_JOIN, 10000);
    s_run ();
    ck_assert_int_eq (s_told.answer.result, OUTBOX_ANSWERED);
}
END_TEST

static void s_destroy_in_answer (const char *handler)
{
    if (strcmp (handler, "answer") == 0)
        session_destroy (&s_session);
}

START_TEST (session_may_be_destroyed_when_it_is_refused)
{
    s_registry->meddle = s_refuse_list;
    s_hook = s_destroy_in_answer;
    s_open ();
    session_follow (s_session, 0);
    s_request (WIRE_JOIN, 10000);
    s_run ();
    ck_assert_ptr_null (s_session);
    ck_assert_int_eq (s_told.answers, 1);
}
END_TEST

START_TEST (name_is_found_through_the_registry)
{
    s_open ();
    ck_assert_ptr_null (session_info (s_session));
    ck_assert (!session_is_up (s_session));
    s_request (WIRE_JOIN, 5000);
    s_run ();
    ck_assert_int_eq (s_told.answer.result, OUTBOX_ANSWERED);
    ck_assert_int_eq (s_told.ups, 1);
    ck_assert (session_is_up (s_session));
    const session_info_t *info = session_info (s_session);
    ck_assert_str_eq (info->name, "cats");
    ck_assert_str_eq (info->endpoint, s_group->endpoint);
    ck_assert_uint_eq (info->max_message, 16384);
    ck_assert (guid_equal (&info->log, &s_log->log));
    ck_assert_str_eq (session_trouble (s_session), "");
}
END_TEST

START_TEST (port_and_endpoint_need_no_registry)
{
    s_open_as (strrchr (s_group->endpoint, ':') + 1, NULL);
    s_request (WIRE_WHO, 5000);
    s_run ();
    ck_assert_int_eq (s_told.answer.result, OUTBOX_ANSWERED);
    ck_assert_int_eq (s_registry->requests, 0);
}
END_TEST

START_TEST (what_is_no_group_is_refused)
{
    const char *none[] = {"", "Cats!", "0", "70000", "123456", "tcp://x", "http://a:1", "a b"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        session_config_t config = {.loop = s_loop, .group = none[i]};
        errno = 0;
        ck_assert_ptr_null (session_new (&config, &HANDLERS));
        ck_assert_int_eq (errno, EINVAL);
    }
}
END_TEST

START_TEST (first_endpoint_that_answers_is_taken)
{
    fake_t *deaf = fake_new (s_loop, "cats", s_log);
    zloop_reader_end (s_loop, deaf->router); // takes connections, answers nothing
    char endpoints[200];
    snprintf (endpoints, sizeof endpoints, "tcp://127.0.0.1:1 %s %s", deaf->endpoint,
              s_group->endpoint);
    s_registry->rows_size = 0;
    fake_list_group (s_registry, "cats", &s_log->log, 1, endpoints);
    int64_t begin = zclock_mono ();
    s_open ();
    s_request (WIRE_WHO, 5000);
    s_run ();
    ck_assert_int_eq (s_told.answer.result, OUTBOX_ANSWERED);
    ck_assert_int_lt (zclock_mono () - begin, 1000);
    fake_destroy (&deaf);
}
END_TEST

START_TEST (another_groups_port_is_not_taken)
{
    s_group->name = "dogs";
    s_open ();
    s_request (WIRE_WHO, 300);
    s_run ();
    ck_assert_int_eq (s_told.answer.result, OUTBOX_TIMEOUT);
    ck_assert_int_eq (s_told.ups, 0);
    ck_assert_ptr_nonnull (strstr (s_told.trouble, "dogs"));
    ck_assert_int_eq (s_group->counts[WIRE_WHO], 0);
}
END_TEST

START_TEST (registry_is_no_group)
{
    s_open_as (s_registry->endpoint, NULL);
    s_request (WIRE_WHO, 300);
    s_run ();
    ck_assert_int_eq (s_told.answer.result, OUTBOX_TIMEOUT);
    ck_assert_ptr_nonnull (strstr (s_told.trouble, "no group, but a registry"));
    ck_assert_int_eq (s_told.troubles, 1); // once a reason
}
END_TEST

START_TEST (unlisted_name_says_so)
{
    s_registry->rows_size = 0;
    s_open ();
    s_request (WIRE_WHO, 2500);
    s_run ();
    ck_assert_int_eq (s_told.answer.result, OUTBOX_TIMEOUT);
    ck_assert (!s_told.answer.may_be_stored);
    ck_assert_str_eq (s_told.trouble, "no group cats is registered");
}
END_TEST

// ---- Requests

static int s_drops;

static bool s_drop_first_sends (fake_t *self, const wire_t *request)
{
    (void)self;
    if (request->kind == WIRE_SEND && s_drops > 0) {
        s_drops--;
        return true;
    }
    return false;
}

START_TEST (lost_request_is_repaired)
{
    s_drops = 1;
    s_group->meddle = s_drop_first_sends;
    s_open ();
    session_send (s_session, span_of ("hi"), 10000, s_answered_and_stop, NULL);
    s_run ();
    ck_assert_int_eq (s_told.answers, 1);
    ck_assert_uint_eq (s_told.last_seq, 1);
    ck_assert_int_eq (s_told.ups, 1); // the connection was good
}
END_TEST

static bool s_lose_first_ack (fake_t *self, const wire_t *request)
{
    if (request->kind == WIRE_SEND && s_drops > 0) {
        s_drops--;
        zsock_t *router = self->router; // stored, but the answer goes nowhere
        route_t route = self->route;
        self->route.bytes[0] ^= 0x55;
        fake_send (self, request);
        self->route = route;
        self->router = router;
        return true;
    }
    return false;
}

START_TEST (lost_answer_is_repaired_and_stored_once)
{
    s_drops = 1;
    s_group->meddle = s_lose_first_ack;
    s_open ();
    session_send (s_session, span_of ("hi"), 10000, s_answered_and_stop, NULL);
    s_run ();
    ck_assert_int_eq (s_told.answers, 1);
    ck_assert_uint_eq (s_told.last_seq, 1);
    ck_assert_uint_eq (s_log->last, 1);
}
END_TEST

static bool s_answer_thrice (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_WHO && request->kind != WIRE_SEND)
        return false;
    fake_answer (self, request);
    fake_answer (self, request);
    fake_answer (self, request);
    return true;
}

START_TEST (repeated_answers_count_once)
{
    s_group->meddle = s_answer_thrice;
    s_open ();
    session_send (s_session, span_of ("hi"), 5000, s_answered, NULL);
    s_request (WIRE_WHO, 5000);
    s_run ();
    ck_assert_int_eq (s_told.answers, 2);
    ck_assert_uint_eq (session_unanswered (s_session), 0);
}
END_TEST

START_TEST (timeout_says_whether_it_may_be_stored)
{
    s_drops = 1000;
    s_group->meddle = s_drop_first_sends;
    s_open ();
    session_send (s_session, span_of ("hi"), 300, s_answered_and_stop, NULL);
    s_run ();
    ck_assert_int_eq (s_told.answer.result, OUTBOX_TIMEOUT);
    ck_assert (s_told.answer.may_be_stored);
}
END_TEST

static void s_count_sent (void *arg, const outbox_answer_t *answer)
{
    ck_assert_int_eq (answer->result, OUTBOX_ANSWERED);
    size_t number = (size_t)(uintptr_t)arg;
    ck_assert_uint_eq (s_told.seqs[number], 0);
    s_told.seqs[number] = wire_number (answer->reply, WIRE_F_SEQ);
    s_told.sent++;
    s_stop_when_done ();
}

static void s_send_many (size_t count)
{
    s_told.want_sent = count;
    for (size_t i = 0; i < count; i++)
        session_send (s_session, span_of ("text"), -1, s_count_sent, (void *)(uintptr_t)i);
}

static bool s_be_busy (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_SEND || rand () % 50)
        return false;
    fake_error (self, request->tag, rand () % 2 ? WIRE_ERR_BUSY : WIRE_ERR_LIMIT,
                1 + (uint64_t)(rand () % 20));
    return true;
}

static void s_check_sent (void)
{
    ck_assert_uint_eq (s_told.sent, s_told.want_sent);
    ck_assert_uint_eq (s_group->send_count, s_told.want_sent); // each one once
    for (size_t i = 1; i < s_told.want_sent; i++)
        ck_assert_uint_gt (s_told.seqs[i], s_told.seqs[i - 1]); // in order
}

START_TEST (sends_stay_in_order_through_busy_and_limits)
{
    s_group->meddle = s_be_busy;
    s_open ();
    s_send_many (500);
    s_run ();
    s_check_sent ();
}
END_TEST

START_TEST (many_sends_leave_in_one_frame)
{
    s_open ();
    s_send_many (500);
    s_run ();
    s_check_sent ();
    ck_assert_int_eq (s_group->counts[WIRE_SENDS], 1);
    ck_assert_int_eq (s_group->counts[WIRE_SEND], 500);
}
END_TEST

static void s_stop_when_up (const char *handler)
{
    if (strcmp (handler, "up") == 0)
        s_stop ();
}

START_TEST (what_is_held_leaves_together_and_a_single_send_alone)
{
    s_open ();
    s_hook = s_stop_when_up;
    s_run ();
    s_send_many (2);
    s_run ();
    ck_assert_int_eq (s_group->counts[WIRE_SEND], 2);
    ck_assert_int_eq (s_group->counts[WIRE_SENDS], 0);
    s_told.sent = 0;
    memset (s_told.seqs, 0, sizeof s_told.seqs);
    session_hold (s_session);
    s_send_many (3);
    session_hold (s_session); // they nest
    session_release (s_session);
    session_release (s_session);
    s_run ();
    ck_assert_int_eq (s_group->counts[WIRE_SEND], 5);
    ck_assert_int_eq (s_group->counts[WIRE_SENDS], 1);
}
END_TEST

// The queue of this one takes a frame or two, until the I/O thread has taken them.
static zsock_t *s_connect_narrow (const char *endpoint, void *arg)
{
    (void)arg;
    zsock_t *sock = zsock_new (ZMQ_DEALER);
    ck_assert_ptr_nonnull (sock);
    zsock_set_sndhwm (sock, 1);
    zsock_set_sndbuf (sock, 4096);
    zsock_set_linger (sock, 0);
    zsock_set_sndtimeo (sock, 0);
    zsock_set_rcvtimeo (sock, 0);
    ck_assert_int_eq (zsock_connect (sock, "%s", endpoint), 0);
    return sock;
}

static uint64_t s_next_counter;

// A frame that is left out, comes twice or before its time shows here.
static bool s_expect_the_next (fake_t *self, const wire_t *request)
{
    (void)self;
    if (request->kind == WIRE_SEND)
        ck_assert_uint_eq (wire_number (request, WIRE_F_COUNTER), s_next_counter++);
    return false;
}

START_TEST (full_socket_loses_and_repeats_nothing)
{
    static const uint8_t TEXT[2000] = {'x'};
    session_config_t config = {.connect = s_connect_narrow};
    s_next_counter = 1;
    s_group->meddle = s_expect_the_next;
    s_open_as (s_group->endpoint, &config);
    s_told.want_sent = 500;
    for (size_t i = 0; i < 500; i++)
        session_send (s_session, span (TEXT, sizeof TEXT), -1, s_count_sent, (void *)(uintptr_t)i);
    s_run ();
    s_check_sent ();
    ck_assert_int_eq (s_group->counts[WIRE_SEND], 500);
    ck_assert_int_eq (s_group->counts[WIRE_SENDS], (500 + 28) / 29); // 60,000 bytes hold 29
}
END_TEST

// ---- Following

// Dies after so many records, and comes back at another port, which the registry knows then.
static bool s_die_now_and_then (fake_t *self, const wire_t *request)
{
    static uint64_t died_at;
    if (request->kind != WIRE_SEND || self->log->last % 60 != 59 || died_at == self->log->last)
        return false;
    died_at = self->log->last;
    if (rand () % 2)
        fake_send (self, request); // stored; the answer may be lost
    fake_close (self);
    fake_open (self);
    s_registry->rows_size = 0;
    fake_list_group (s_registry, "cats", &s_log->log, ++self->generation, self->endpoint);
    return true;
}

START_TEST (group_that_dies_and_moves_loses_and_repeats_nothing)
{
    s_group->meddle = s_die_now_and_then;
    s_open ();
    session_follow (s_session, 1);
    s_told.next = 1;
    s_told.until = 300;
    s_send_many (300);
    s_run ();
    ck_assert_uint_eq (s_told.next, 301);
    ck_assert_int_gt (s_told.downs, 2);
    ck_assert_int_eq (s_group->counts[WIRE_FOLLOW], s_told.ups); // at once, each time
    ck_assert_int_ge (s_group->counts[WIRE_SENDS], 3); // with rows behind the last one taken
    s_check_sent ();
}
END_TEST

static bool s_forget_the_follower (fake_t *self, const wire_t *request)
{
    if (request->kind == WIRE_PING)
        self->follows = false;
    if (request->kind == WIRE_FOLLOW && self->counts[WIRE_FOLLOW] == 2)
        s_fill (2);
    return request->kind == WIRE_WHO; // no answer: so a PING comes soon
}

START_TEST (no_session_is_followed_again)
{
    s_fill (3);
    s_group->meddle = s_forget_the_follower;
    s_open ();
    session_follow (s_session, 1);
    s_told.next = 1;
    s_told.until = 50;
    wire_t who = wire (WIRE_WHO, 0, NULL);
    session_request (s_session, &who, -1, s_answered, NULL);
    s_run ();
    ck_assert_int_eq (s_told.followings, 2);
    ck_assert_uint_eq (s_told.next, 51);
}
END_TEST

static bool s_fall_silent (fake_t *self, const wire_t *request)
{
    (void)self;
    return request->kind != WIRE_LIST && s_told.ups == 1; // until there is a new connection
}

static void s_on_second_up (const char *handler)
{
    if (strcmp (handler, "up") == 0 && s_told.ups == 2)
        s_group->meddle = NULL;
}

static bool s_fall_silent_once (fake_t *self, const wire_t *request)
{
    if (self->counts[WIRE_PING] > 2) // the new connection's
        return false;
    return s_fall_silent (self, request);
}

START_TEST (silence_is_noticed)
{
    s_hook = s_on_second_up;
    s_group->meddle = s_fall_silent_once;
    s_open ();
    int64_t begin = zclock_mono ();
    s_request (WIRE_WHO, 15000);
    s_run ();
    ck_assert_int_eq (s_told.answer.result, OUTBOX_ANSWERED);
    ck_assert_int_eq (s_told.downs, 1);
    ck_assert_int_lt (zclock_mono () - begin, 10000);
}
END_TEST

static bool s_say_stopping (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_SEND || self->counts[WIRE_SEND] > 1)
        return false;
    fake_error (self, request->tag, WIRE_ERR_STOPPING, 0);
    wire_t end = wire (WIRE_END, 0, NULL);
    wire_set (&end, WIRE_F_WHY, WIRE_ERR_STOPPING);
    fake_reply (self, &end);
    return true;
}

START_TEST (stopping_group_is_waited_for)
{
    s_group->meddle = s_say_stopping;
    s_open ();
    session_follow (s_session, 1);
    s_told.next = s_told.until = 1;
    session_send (s_session, span_of ("hi"), -1, s_answered, NULL);
    s_run ();
    ck_assert_int_eq (s_told.ups, 2);
    ck_assert_int_eq (s_told.answers, 1);
    ck_assert_int_eq (s_told.answer.result, OUTBOX_ANSWERED);
    ck_assert (!s_told.over);
}
END_TEST

static bool s_end_membership (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_LEAVE)
        return false;
    s_fill (1);
    fake_push (self);
    wire_t end = wire (WIRE_END, 0, NULL);
    wire_set (&end, WIRE_F_WHY, WIRE_ERR_NOT_MEMBER);
    fake_reply (self, &end);
    fake_ack (self, request->tag, s_log->last);
    return true;
}

START_TEST (end_of_membership_comes_behind_its_last_record)
{
    s_fill (1);
    s_group->meddle = s_end_membership;
    s_open ();
    session_follow (s_session, 1);
    s_told.next = 1;
    s_request (WIRE_LEAVE, 5000);
    s_run ();
    ck_assert_uint_eq (s_told.next, 21);
    ck_assert_int_eq (s_told.ends, 1);
    ck_assert (s_told.over);
    ck_assert (session_is_up (s_session));
}
END_TEST

// Pushes everything wrong that can be, before what is right.
static int s_wrongs;

static bool s_push_wrong (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_FOLLOW || s_wrongs >= 5)
        return false;
    uint64_t from = wire_number (request, WIRE_F_FROM);
    wire_t reply = wire (WIRE_FOLLOWING, request->tag, NULL);
    wire_set (&reply, WIRE_F_FROM, from);
    wire_set (&reply, WIRE_F_LAST, self->log->last);
    fake_reply (self, &reply);
    self->follows = true;
    self->follower = self->route;
    size_t batch = sample_log_find (self->log, from);
    uint8_t *byte = &self->log->batches[batch + 1].data[100];
    switch (s_wrongs++) {
    case 0: // a hole
        fake_records (self, 0, 1, 9, batch + 1, 2);
        break;
    case 1: // one good batch, then a flipped bit
        *byte ^= 4;
        fake_records (self, 0, 1, 9, batch, 3);
        *byte ^= 4;
        break;
    case 2: // repeated batches, then a hole
        fake_records (self, 0, 1, 9, batch, 2);
        fake_records (self, 0, 1, 9, batch, 2);
        fake_records (self, 0, 1, 9, batch > 0 ? batch - 1 : 0, 2);
        fake_records (self, 0, 1, 9, batch + 4, 1);
        break;
    case 3: // a gap that is no gap here
        reply = wire (WIRE_GAP, 0, NULL);
        wire_set (&reply, WIRE_F_FROM, from + 5);
        wire_set (&reply, WIRE_F_TO, from + 8);
        fake_reply (self, &reply);
        break;
    default: { // half a batch
        span_t bytes = sample_log_bytes (self->log, batch, 1);
        reply = wire (WIRE_RECORDS, 0, NULL);
        wire_set_bytes (&reply, WIRE_F_BATCHES, span (bytes.data, bytes.size / 2));
        fake_reply (self, &reply);
        free ((void *)bytes.data);
    }
    }
    return true;
}

START_TEST (wrong_pushes_are_repaired)
{
    s_fill (20);
    s_wrongs = 0;
    s_group->meddle = s_push_wrong;
    s_open ();
    session_follow (s_session, 3);
    s_told.next = 3;
    s_told.until = 200;
    s_run ();
    ck_assert_int_eq (s_wrongs, 5);
    ck_assert_uint_eq (s_told.next, 201);
    ck_assert_int_eq (s_told.gaps, 0);
    ck_assert_int_gt (s_told.troubles, 2);
    ck_assert_int_eq (s_told.ups, 1);
}
END_TEST

START_TEST (loss_sets_the_cursor_back)
{
    s_fill (2);
    s_open ();
    session_follow (s_session, 500);
    s_told.until = 30;
    s_told.next = 500;
    for (int i = 0; i < 10; i++)
        session_send (s_session, span_of ("x"), -1, NULL, NULL);
    s_run ();
    ck_assert_int_eq (s_told.losses, 1);
    ck_assert_uint_eq (s_told.lost_to, 499);
    ck_assert_uint_eq (s_told.next, 31);
}
END_TEST

// ---- Credit

static uint64_t s_granted;

static bool s_note_credit (fake_t *self, const wire_t *request)
{
    (void)self;
    if (request->kind == WIRE_FOLLOW || request->kind == WIRE_CREDIT) {
        uint64_t credit = wire_number (request, WIRE_F_CREDIT);
        ck_assert_uint_ge (credit, s_granted);
        s_granted = credit;
    }
    return false;
}

START_TEST (credit_grows_with_what_came)
{
    for (int i = 0; i < 100; i++)
        sample_log_append (s_log, 4, 10000);
    s_granted = 0;
    s_group->meddle = s_note_credit;
    s_open ();
    session_follow (s_session, 1);
    s_told.next = 1;
    s_told.until = 400;
    s_run ();
    ck_assert_uint_eq (s_told.next, 401);
    ck_assert_uint_gt (s_granted, 4000000);
    ck_assert_int_gt (s_group->counts[WIRE_CREDIT], 4);
}
END_TEST

// ---- History

static void s_on_paged (void *arg, const record_t *record)
{
    (void)arg;
    ck_assert_uint_eq (record->seq, s_told.paged);
    s_told.paged++;
    s_told.paged_records++;
    s_call_hook ("paged");
}

static void s_on_page_gap (void *arg, uint64_t from, uint64_t to, record_why_t why)
{
    (void)arg;
    (void)why;
    ck_assert_uint_eq (from, s_told.paged);
    s_told.paged = to + 1;
    s_told.gaps++;
}

static void s_on_page_done (void *arg, const outbox_answer_t *answer)
{
    (void)arg;
    s_told.pages++;
    s_told.page_answer = *answer;
    s_stop ();
    s_call_hook ("page_done");
}

static const session_page_t PAGE = {
    .record = s_on_paged, .gap = s_on_page_gap, .done = s_on_page_done};

START_TEST (history_is_paged_to_the_end)
{
    s_fill (30);
    s_open ();
    session_range_t range = {WIRE_BOUND_SEQ, 14, WIRE_BOUND_SEQ, 277, 0};
    s_told.paged = 15;
    ck_assert_int_eq (session_page (s_session, &range, 5000, &PAGE), 0);
    ck_assert_int_eq (session_page (s_session, &range, 5000, &PAGE), -1);
    ck_assert_int_eq (errno, EBUSY);
    s_run ();
    ck_assert_int_eq (s_told.pages, 1);
    ck_assert_int_eq (s_told.page_answer.result, OUTBOX_ANSWERED);
    ck_assert_uint_eq (s_told.paged, 277);
    ck_assert_int_gt (s_group->counts[WIRE_PAGE], 8);
}
END_TEST

static bool s_page_badly (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_PAGE)
        return false;
    uint64_t after = wire_number (request, WIRE_F_AFTER);
    wire_t gap = wire (WIRE_GAP, request->tag, NULL);
    switch (self->counts[WIRE_PAGE]) {
    case 2:
        fake_close (self); // the connection breaks
        fake_open (self);
        s_registry->rows_size = 0;
        fake_list_group (s_registry, "cats", &s_log->log, 2, self->endpoint);
        return true;
    case 4:
        fake_records (self, request->tag, after + 1, 300, sample_log_find (s_log, after) + 2, 2);
        return true;
    case 5:
        fake_error (self, request->tag, WIRE_ERR_BUSY, 20);
        return true;
    case 7:
        wire_set (&gap, WIRE_F_FROM, after + 1);
        wire_set (&gap, WIRE_F_TO, after + 20);
        fake_reply (self, &gap);
        return true;
    default:
        return false;
    }
}

START_TEST (history_comes_through_trouble)
{
    s_fill (30);
    s_group->meddle = s_page_badly;
    s_open ();
    session_range_t range = {0};
    s_told.paged = 1;
    session_page (s_session, &range, 10000, &PAGE);
    s_run ();
    ck_assert_int_eq (s_told.page_answer.result, OUTBOX_ANSWERED);
    ck_assert_uint_eq (s_told.paged, 301);
    ck_assert_int_eq (s_told.gaps, 1);
    ck_assert_int_eq (s_told.paged_records, 280);
}
END_TEST

static bool s_damage_pages (fake_t *self, const wire_t *request)
{
    if (request->kind == WIRE_PAGE)
        self->log->batches[1].data[90] = 0x55;
    return false;
}

START_TEST (damaged_history_ends)
{
    s_fill (5);
    s_group->meddle = s_damage_pages;
    s_open ();
    session_range_t range = {0};
    s_told.paged = 1;
    session_page (s_session, &range, 5000, &PAGE);
    s_run ();
    ck_assert_int_eq (s_told.page_answer.result, OUTBOX_REFUSED);
    ck_assert_int_eq (s_told.page_answer.error, WIRE_ERR_READ_FAILED);
    ck_assert_uint_eq (s_told.paged, 11);
}
END_TEST

// ---- Receipts and other logs

static bool s_look_for_receipt (fake_t *self, const wire_t *request)
{
    span_t receipt = wire_bytes (request, WIRE_F_RECEIPT);
    if (request->kind == WIRE_SEND && self->counts[WIRE_SEND] == 2) {
        fake_close (self);
        fake_open (self);
        s_registry->rows_size = 0;
        fake_list_group (s_registry, "cats", &s_log->log, 2, self->endpoint);
        return true;
    }
    if (request->kind == WIRE_PING && receipt.size > 0) {
        receipt_t shown = receipt_decode (receipt.data);
        ck_assert_uint_eq (shown.seq, 1);
        s_told.answers += 100;
        wire_t lost = wire (WIRE_LOST, request->tag, NULL);
        wire_set (&lost, WIRE_F_FROM, 1);
        wire_set (&lost, WIRE_F_TO, 6);
        fake_reply (self, &lost);
        return true;
    }
    return false;
}

static void s_send_another (const char *handler)
{
    guid_t log;
    static bool sent;
    if (strcmp (handler, "lost") == 0)
        ck_assert_ptr_null (session_receipt (s_session, &log)); // it was of what is lost
    if (strcmp (handler, "answer") != 0 || sent)
        return;
    sent = true;
    session_send (s_session, span_of ("two"), -1, s_answered_and_stop, NULL);
}

START_TEST (receipt_is_shown_first_and_a_loss_is_told_once)
{
    s_group->meddle = s_look_for_receipt;
    s_open ();
    guid_t log;
    ck_assert_ptr_null (session_receipt (s_session, &log));
    session_send (s_session, span_of ("one"), -1, s_answered, NULL);
    s_hook = s_send_another;
    s_run ();
    ck_assert_int_eq (s_told.answers, 102); // two answers, one receipt shown
    ck_assert_int_eq (s_told.losses, 1);
    ck_assert_uint_eq (s_told.lost_from, 1);
    ck_assert_uint_eq (s_told.lost_to, 6);
    const uint8_t *receipt = session_receipt (s_session, &log);
    ck_assert_ptr_nonnull (receipt);
    ck_assert (guid_equal (&log, &s_log->log));
    ck_assert_uint_eq (receipt_decode (receipt).seq, 2);
}
END_TEST

static bool s_answer_with_losses (fake_t *self, const wire_t *request)
{
    if (wire_bytes (request, WIRE_F_RECEIPT).size == 0 && request->kind != WIRE_WHO)
        return false;
    if (request->kind == WIRE_WHO && self->counts[WIRE_WHO] > 2)
        return false;
    wire_t lost = wire (WIRE_LOST, request->tag, NULL);
    wire_set (&lost, WIRE_F_FROM, 2);
    wire_set (&lost, WIRE_F_TO, 6);
    fake_reply (self, &lost);
    return true;
}

START_TEST (request_that_showed_a_receipt_is_answered_by_the_loss)
{
    uint8_t receipt[PROOF_RECEIPT] = {1};
    wire_t ping = wire (WIRE_PING, 0, NULL);
    wire_set_bytes (&ping, WIRE_F_RECEIPT, span (receipt, sizeof receipt));
    s_group->meddle = s_answer_with_losses;
    s_open ();
    session_request (s_session, &ping, 5000, s_answered, NULL);
    s_request (WIRE_WHO, 5000); // and what showed none is sent again
    s_run ();
    ck_assert_int_eq (s_told.answers, 2);
    ck_assert_int_eq (s_told.losses, 1);
    ck_assert_int_eq (s_group->counts[WIRE_WHO], 3);
    ck_assert_int_eq (s_group->counts[WIRE_PING], 2);
}
END_TEST

// What the group gives then is of the disputed log, and would take the place of what disputes it.
START_TEST (in_doubt_the_receipt_is_kept)
{
    uint8_t receipt[PROOF_RECEIPT] = {0};
    receipt[15] = 90; // the record
    s_fill (2);
    s_group->state = WIRE_STATE_DOUBT;
    s_group->generation = 9;
    session_config_t config = {.log = s_log->log, .receipt = receipt};
    s_states = 0;
    s_open_as ("cats", &config);
    session_range_t range = {0};
    s_told.paged = 1;
    ck_assert_int_eq (session_page (s_session, &range, -1, &PAGE), 0);
    s_run ();
    guid_t log;
    const uint8_t *kept = session_receipt (s_session, &log);
    ck_assert_ptr_nonnull (kept);
    ck_assert_uint_eq (receipt_decode (kept).seq, 90);
    ck_assert_int_eq (s_states, 1);
}
END_TEST

START_TEST (other_log_under_a_known_name_is_told)
{
    s_fill (2);
    session_config_t config = {.log = {{9, 9}}};
    s_open_as ("cats", &config);
    session_follow (s_session, 77);
    s_told.until = 20;
    s_run ();
    ck_assert_int_eq (s_told.new_logs, 1);
    ck_assert_uint_eq (s_told.next, 21); // from its first record on
    ck_assert_int_eq (s_told.losses, 0);
}
END_TEST

// ---- Hostile servers

// A frame that begins well and goes on at random.
static void s_send_hostile (fake_t *self, uint32_t tag)
{
    static const uint8_t kinds[] = {
        WIRE_ACK,       WIRE_ERROR, WIRE_PONG,  WIRE_MEMBERS, WIRE_RECORDS, WIRE_GAP, WIRE_LOST,
        WIRE_FOLLOWING, WIRE_END,   WIRE_LEASE, WIRE_GROUPS,  WIRE_SEND,    0xf0,     0xff};
    uint8_t bytes[400];
    size_t size = (size_t)(rand () % (int)sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = rand () % 3 ? 0 : (uint8_t)rand ();
    if (size >= 8) {
        writer_t head = writer (bytes, 8);
        writer_u16 (&head, 0x7a43);
        writer_u8 (&head, rand () % 20 ? 1 : 9);
        writer_u8 (&head, kinds[rand () % (int)sizeof kinds]);
        writer_u32 (&head, rand () % 2 ? tag : (uint32_t)rand ());
    }
    frame_reply (self->router, &self->route, rand () % 30 == 0, span (bytes, size));
}

static bool s_be_hostile (fake_t *self, const wire_t *request)
{
    if (request->kind == WIRE_LIST || self->counts[WIRE_SEND] >= 200)
        return false;
    for (int i = rand () % 3; i > 0; i--)
        s_send_hostile (self, request->tag);
    if (rand () % 10 == 0 && self->log->count > 2) // a page or a push that nobody asked for
        fake_records (self, rand () % 2 ? request->tag : (uint32_t)rand (), (uint64_t)rand () % 50,
                      (uint64_t)rand () % 90, (size_t)rand () % self->log->count, 2);
    return false;
}

static void s_ignore (void *arg, const outbox_answer_t *answer)
{
    (void)answer;
    ++*(int *)arg;
}

static void s_hostile_record (void *arg, const record_t *record)
{
    (void)arg;
    (void)record;
}

static int s_look_at_count (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    return *(int *)arg == 250 ? -1 : 0;
}

START_TEST (hostile_server_ends_nothing)
{
    unsigned seed = (unsigned)time (NULL) + (unsigned)_i;
    const char *given = getenv ("TEST_SEED");
    if (given)
        seed = (unsigned)strtoul (given, NULL, 10);
    printf ("seed %u\n", seed);
    srand (seed);
    s_fill (5);
    s_group->meddle = s_be_hostile;
    const char *registries[] = {s_registry->endpoint};
    session_config_t config = {.loop = s_loop,
                               .group = "cats",
                               .registries = registries,
                               .registry_count = 1,
                               .uuid = s_uuid};
    session_handlers_t quiet = {0}; // what a liar says need not be right
    s_session = session_new (&config, &quiet);
    session_follow (s_session, 1);
    int calls = 0;
    session_range_t range = {0};
    session_page_t page = {.record = s_hostile_record};
    session_page (s_session, &range, 3000, &page);
    wire_t who = wire (WIRE_WHO, 0, NULL);
    for (int i = 0; i < 250; i++)
        if (i % 5 == 0)
            session_request (s_session, &who, 8000, s_ignore, &calls);
        else
            session_send (s_session, span_of ("text"), 8000, s_ignore, &calls);
    zloop_timer (s_loop, 20, 0, s_look_at_count, &calls);
    s_run ();
    ck_assert_int_eq (calls, 250); // each one once
}
END_TEST

// ---- The end

static const char *s_destroy_in;

static void s_destroy_there (const char *handler)
{
    if (strcmp (handler, s_destroy_in) == 0 && s_session) {
        session_destroy (&s_session);
        s_stop ();
    }
}

static bool s_make_everything_happen (fake_t *self, const wire_t *request)
{
    if (request->kind == WIRE_WHO && self->counts[WIRE_WHO] == 1)
        s_say_stopping (self, request);
    if (request->kind == WIRE_FOLLOW && self->counts[WIRE_FOLLOW] == 1) {
        fake_answer (self, request);
        wire_t gap = wire (WIRE_GAP, 0, NULL), end = wire (WIRE_END, 0, NULL);
        wire_set (&gap, WIRE_F_FROM, self->log->last + 1);
        wire_set (&gap, WIRE_F_TO, self->log->last + 5);
        fake_reply (self, &gap);
        gap.kind = WIRE_LOST; // behind the position, so there is nothing to look at first
        wire_set (&gap, WIRE_F_FROM, self->log->last + 6);
        wire_set (&gap, WIRE_F_TO, self->log->last + 9);
        if (strcmp (s_destroy_in, "lost") == 0)
            fake_reply (self, &gap);
        wire_set (&end, WIRE_F_WHY, WIRE_ERR_STOPPING);
        fake_reply (self, &end);
        return true;
    }
    if (request->kind == WIRE_FOLLOW)
        return true;
    return false;
}

START_TEST (destroyed_in_any_handler)
{
    static const char *const handlers[] = {"up",      "down",    "record",   "flush",  "following",
                                           "gap",     "lost",    "end",      "answer", "paged",
                                           "trouble", "new_log", "page_done"};
    s_destroy_in = handlers[_i];
    s_hook = s_destroy_there;
    s_fill (5);
    s_group->meddle = s_make_everything_happen;
    session_config_t config = {.log = {{9, 9}}};
    s_open_as ("cats", &config);
    session_follow (s_session, 1);
    session_range_t range = {0};
    s_told.paged = 1;
    if (strncmp (s_destroy_in, "page", 4) == 0)
        session_page (s_session, &range, -1, &PAGE);
    session_send (s_session, span_of ("text"), -1, s_answered, NULL);
    session_send (s_session, span_of ("text"), -1, s_answered, NULL);
    if (strcmp (s_destroy_in, "trouble") == 0)
        s_group->name = "dogs";
    s_run ();
    ck_assert_ptr_null (s_session);
    ck_assert_int_eq (s_told.answers, 2); // answered or closed, each once
    ck_assert_int_eq (s_told.pages, strncmp (s_destroy_in, "page", 4) == 0);
    if (strcmp (s_destroy_in, "paged") == 0)
        ck_assert_int_eq (s_told.page_answer.result, OUTBOX_CLOSED);
}
END_TEST

START_TEST (destroyed_session_calls_what_is_unanswered)
{
    s_open ();
    session_range_t range = {0};
    session_page (s_session, &range, -1, &PAGE);
    session_send (s_session, span_of ("text"), -1, s_answered, NULL);
    session_destroy (&s_session);
    ck_assert_int_eq (s_told.answers, 1);
    ck_assert_int_eq (s_told.answer.result, OUTBOX_CLOSED);
    ck_assert (!s_told.answer.may_be_stored);
    ck_assert_int_eq (s_told.pages, 1);
    ck_assert_int_eq (s_told.page_answer.result, OUTBOX_CLOSED);
}
END_TEST

static int s_destroy_in_timer (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    (void)arg;
    session_destroy (&s_session);
    s_stop ();
    return 0;
}

START_TEST (destroyed_in_a_timer_with_messages_waiting)
{
    s_fill (100);
    s_open ();
    session_follow (s_session, 1);
    s_told.next = 1;
    zloop_timer (s_loop, (size_t)_i, 1, s_destroy_in_timer, NULL);
    s_run ();
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("session");
    proving_add (cases);
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 60);
    tcase_add_test (cases, refusal_of_the_registries_answers_what_waits);
    tcase_add_test (cases, session_may_be_destroyed_when_it_is_refused);
    tcase_add_test (cases, name_is_found_through_the_registry);
    tcase_add_test (cases, port_and_endpoint_need_no_registry);
    tcase_add_test (cases, what_is_no_group_is_refused);
    tcase_add_test (cases, first_endpoint_that_answers_is_taken);
    tcase_add_test (cases, another_groups_port_is_not_taken);
    tcase_add_test (cases, registry_is_no_group);
    tcase_add_test (cases, unlisted_name_says_so);
    tcase_add_test (cases, lost_request_is_repaired);
    tcase_add_test (cases, lost_answer_is_repaired_and_stored_once);
    tcase_add_test (cases, repeated_answers_count_once);
    tcase_add_test (cases, timeout_says_whether_it_may_be_stored);
    tcase_add_test (cases, sends_stay_in_order_through_busy_and_limits);
    tcase_add_test (cases, many_sends_leave_in_one_frame);
    tcase_add_test (cases, what_is_held_leaves_together_and_a_single_send_alone);
    tcase_add_test (cases, full_socket_loses_and_repeats_nothing);
    tcase_add_test (cases, group_that_dies_and_moves_loses_and_repeats_nothing);
    tcase_add_test (cases, no_session_is_followed_again);
    tcase_add_test (cases, silence_is_noticed);
    tcase_add_test (cases, stopping_group_is_waited_for);
    tcase_add_test (cases, end_of_membership_comes_behind_its_last_record);
    tcase_add_test (cases, wrong_pushes_are_repaired);
    tcase_add_test (cases, loss_sets_the_cursor_back);
    tcase_add_test (cases, credit_grows_with_what_came);
    tcase_add_test (cases, history_is_paged_to_the_end);
    tcase_add_test (cases, history_comes_through_trouble);
    tcase_add_test (cases, damaged_history_ends);
    tcase_add_test (cases, receipt_is_shown_first_and_a_loss_is_told_once);
    tcase_add_test (cases, request_that_showed_a_receipt_is_answered_by_the_loss);
    tcase_add_test (cases, in_doubt_the_receipt_is_kept);
    tcase_add_test (cases, other_log_under_a_known_name_is_told);
    tcase_add_loop_test (cases, hostile_server_ends_nothing, 0, 5);
    tcase_add_loop_test (cases, destroyed_in_any_handler, 0, 13);
    tcase_add_test (cases, destroyed_session_calls_what_is_unanswered);
    tcase_add_loop_test (cases, destroyed_in_a_timer_with_messages_waiting, 1, 30);
    Suite *suite = suite_create ("session");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
