// A group against registries that are sockets in the same loop.

#include "daemons/group/announce.h"

#include "common/frame.h"
#include "tests/folder.h"
#include "tests/kit.h"
#include "tests/proving.h"

// What a registry does with an announcement.
typedef enum { GRANTS, SILENT, REFUSES, SUPERSEDES, TALKS_NONSENSE } manner_t;

typedef struct {
    zsock_t *socket;
    char endpoint[300];
    manner_t manner;
    uint32_t lease;
    wire_t row; // SUPERSEDES: generation, instance and claim
    // What it heard.
    size_t announced;
    size_t withdrawn;
    uint8_t bytes[1 << 18]; // of the last announcement
    wire_t message;
    route_t route;
    size_t routes; // that differed from the one before
} registry_t;

static folder_t s_folder;
static zloop_t *s_loop;
static announce_t *s_announce;
static registry_t s_one, s_two;
static announce_facts_t s_facts_now;
static uint8_t s_key[PROOF_KEY];
static uint64_t s_superseded;
static size_t s_superseded_count;

// ---- The group

static void s_facts (void *arg, announce_facts_t *facts)
{
    (void)arg;
    *facts = s_facts_now;
}

static void s_on_superseded (void *arg, uint64_t generation)
{
    (void)arg;
    s_superseded = generation;
    s_superseded_count++;
}

// ---- The registry

static void s_reply (registry_t *self, const route_t *route, const wire_t *message)
{
    uint8_t bytes[2048];
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (message, &out);
    ck_assert (!out.failed);
    frame_reply (self->socket, route, false, span (bytes, writer_used (&out)));
}

static void s_reply_error (registry_t *self, const route_t *route, uint32_t tag, wire_error_t error)
{
    uint8_t rows[1024];
    writer_t out = writer (rows, sizeof rows);
    wire_t row = self->row, message = wire (WIRE_ERROR, 0, NULL);
    row.kind = WIRE_ROW_ERROR;
    wire_set (&row, WIRE_F_TAG, tag);
    wire_set (&row, WIRE_F_NUMBER, error);
    wire_set_bytes (&row, WIRE_F_TEXT, span_of ("no"));
    wire_put_row (&row, &out);
    wire_set_bytes (&message, WIRE_F_ROWS, span (rows, writer_used (&out)));
    s_reply (self, route, &message);
}

static void s_grant (registry_t *self, const route_t *route, uint32_t tag, uint32_t lease)
{
    wire_t message = wire (WIRE_LEASE, tag, NULL);
    wire_set (&message, WIRE_F_LEASE, lease);
    s_reply (self, route, &message);
}

static void s_hear (registry_t *self, const route_t *route, span_t body)
{
    wire_t message;
    ck_assert_int_eq (wire_decode (&message, body), WIRE_ERR_NONE);
    if (message.kind == WIRE_WITHDRAW) {
        self->withdrawn++;
        if (self->manner != SILENT)
            s_grant (self, route, message.tag, 0);
        return;
    }
    ck_assert_int_eq (message.kind, WIRE_ANNOUNCE);
    ck_assert_uint_le (body.size, sizeof self->bytes);
    memcpy (self->bytes, body.data, body.size);
    ck_assert_int_eq (wire_decode (&self->message, span (self->bytes, body.size)), 0);
    self->routes += self->route.size != route->size ||
                    memcmp (self->route.bytes, route->bytes, route->size) != 0;
    self->route = *route;
    self->announced++;
    if (self->manner == GRANTS)
        s_grant (self, route, message.tag, self->lease);
    else if (self->manner == REFUSES)
        s_reply_error (self, route, message.tag, WIRE_ERR_NAME_TAKEN);
    else if (self->manner == SUPERSEDES)
        s_reply_error (self, route, message.tag, WIRE_ERR_SUPERSEDED);
    else if (self->manner == TALKS_NONSENSE) {
        frame_reply (self->socket, route, false, span_of ("nonsense"));
        s_grant (self, route, message.tag + 1, 1);
        s_reply_error (self, route, message.tag + 1, WIRE_ERR_SUPERSEDED);
    }
}

static int s_readable (zloop_t *loop, zsock_t *socket, void *arg)
{
    (void)loop;
    route_t route;
    frame_t frame;
    frame_init (&frame);
    while (frame_take (socket, &route, &frame))
        s_hear (arg, &route, frame_body (&frame));
    frame_close (&frame);
    return 0;
}

static void s_open (registry_t *self)
{
    self->socket = frame_listen (self->endpoint, NULL);
    ck_assert_ptr_nonnull (self->socket);
    zloop_reader (s_loop, self->socket, s_readable, self);
    zloop_reader_set_tolerant (s_loop, self->socket);
}

static void s_close (registry_t *self)
{
    if (!self->socket)
        return;
    zloop_reader_end (s_loop, self->socket);
    zsock_destroy (&self->socket);
}

// ---- Waiting

typedef bool (condition_fn) (void);

static int s_on_tick (zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer;
    condition_fn **condition = arg;
    return (*condition) () ? -1 : 0;
}

static int s_on_late (zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer, (void)arg;
    ck_abort_msg ("what was waited for did not come in 20 s");
    return -1;
}

// Runs the loop until it holds.
static void s_until (condition_fn *condition)
{
    int tick = zloop_timer (s_loop, 5, 0, s_on_tick, &condition);
    int late = zloop_timer (s_loop, 20000, 1, s_on_late, NULL);
    zloop_start (s_loop);
    zloop_timer_end (s_loop, tick);
    zloop_timer_end (s_loop, late);
}

static void s_tell (size_t count)
{
    const char *const endpoints[] = {s_one.endpoint, s_two.endpoint};
    announce_set_registries (s_announce, endpoints, count);
}

static void s_setup (void)
{
    static const announce_io_t io = {NULL, s_facts, s_on_superseded};
    zsys_init ();
    zsys_handler_set (NULL);
    memset (&s_one, 0, sizeof s_one);
    memset (&s_two, 0, sizeof s_two);
    s_folder = folder_new (); // a socket in it can be bound again at once
    snprintf (s_one.endpoint, sizeof s_one.endpoint, "ipc://%s/one", s_folder.path);
    snprintf (s_two.endpoint, sizeof s_two.endpoint, "ipc://%s/two", s_folder.path);
    s_one.lease = s_two.lease = 300;
    s_one.row = s_two.row = wire (WIRE_ROW_ERROR, 0, NULL);
    memset (s_key, 7, sizeof s_key);
    s_superseded_count = 0;
    s_facts_now = (announce_facts_t){.name = "cats",
                                     .log = {{1, 2, 3}},
                                     .instance = {{4, 5, 6}},
                                     .generation = 5,
                                     .key = s_key,
                                     .state = WIRE_STATE_OK,
                                     .members = 3,
                                     .online = 2,
                                     .seq = 77,
                                     .topic = "cats only",
                                     .endpoints = "tcp://127.0.0.1:4711"};
    s_loop = zloop_new ();
    zloop_set_nonstop (s_loop, true);
    s_announce = announce_new (s_loop, &io, NULL);
    s_open (&s_one);
    s_open (&s_two);
}

static void s_teardown (void)
{
    announce_destroy (&s_announce);
    s_close (&s_one);
    s_close (&s_two);
    zloop_destroy (&s_loop);
    folder_remove (&s_folder);
    proving_stop ();
    zsys_shutdown ();
}

// ---- Being told

static bool s_both_were_told (void)
{
    return s_one.announced > 0 && s_two.announced > 0;
}

START_TEST (all_registries_are_told_everything)
{
    s_tell (2);
    s_until (s_both_were_told);
    const wire_t *told = &s_two.message;
    guid_t log = wire_guid (told, WIRE_F_LOG), instance = wire_guid (told, WIRE_F_INSTANCE);
    ck_assert (span_equal (wire_bytes (told, WIRE_F_NAME), span_of ("cats")));
    ck_assert (guid_equal (&log, &s_facts_now.log));
    ck_assert (guid_equal (&instance, &s_facts_now.instance));
    ck_assert_uint_eq (wire_number (told, WIRE_F_GENERATION), 5);
    ck_assert_uint_eq (wire_number (told, WIRE_F_STATE), WIRE_STATE_OK);
    ck_assert_uint_eq (wire_number (told, WIRE_F_MEMBERS), 3);
    ck_assert_uint_eq (wire_number (told, WIRE_F_ONLINE), 2);
    ck_assert_uint_eq (wire_number (told, WIRE_F_SEQ), 77);
    ck_assert (span_equal (wire_bytes (told, WIRE_F_TOPIC), span_of ("cats only")));
    ck_assert (span_equal (wire_bytes (told, WIRE_F_ENDPOINTS), span_of ("tcp://127.0.0.1:4711")));
    ck_assert (claim_genuine (wire_bytes (told, WIRE_F_CLAIM).data, s_key, &log, 5, &instance));
}
END_TEST

static bool s_one_was_told_twice (void)
{
    return s_one.announced >= 2;
}

START_TEST (hidden_group_is_told_of_with_its_readers)
{
    static uint8_t readers[8191 * 8];
    static char topic[60001];
    memset (topic, 't', sizeof topic - 1); // the longest of all, with the most readers
    memset (readers, 7, sizeof readers);
    s_facts_now.topic = topic;
    s_facts_now.readers = span (readers, sizeof readers);
    s_tell (1);
    s_until (s_one_was_told_twice);
    ck_assert (!wire_has (&s_one.message, WIRE_F_HIDDEN)); // it is not
    ck_assert (!wire_has (&s_one.message, WIRE_F_READERS));
    s_facts_now.hidden = true;
    s_one.announced = 0;
    s_until (s_one_was_told_twice);
    ck_assert_uint_eq (wire_number (&s_one.message, WIRE_F_HIDDEN), 1);
    ck_assert (
        span_equal (wire_bytes (&s_one.message, WIRE_F_READERS), span (readers, sizeof readers)));
}
END_TEST

static bool s_one_was_told_5_times (void)
{
    return s_one.announced >= 5;
}

START_TEST (lease_is_renewed_with_what_is_new)
{
    s_tell (1);
    int64_t begin = zclock_mono ();
    s_facts_now.seq = 78;
    s_until (s_one_was_told_5_times);
    ck_assert_int_le (zclock_mono () - begin, 4 * 1000); // a third of the lease, not a second
    ck_assert_uint_eq (wire_number (&s_one.message, WIRE_F_SEQ), 78);
    ck_assert_uint_eq (s_one.routes, 1); // over one connection
    ck_assert_uint_eq (s_two.announced, 0);
}
END_TEST

START_TEST (long_lease_is_not_renewed_early)
{
    s_one.lease = 60000;
    s_two.lease = 300;
    s_tell (2);
    s_two.announced = 0;
    for (int i = 0; i < 3; i++) {
        s_two.announced = 0;
        s_until (s_both_were_told);
    }
    ck_assert_uint_eq (s_one.announced, 1);
}
END_TEST

// A registry that forgot everything is the same as one that was started again.
START_TEST (registry_that_was_started_again_is_told_again)
{
    s_tell (1);
    s_until (s_one_was_told_5_times);
    s_close (&s_one);
    s_tell (2);
    s_until (s_both_were_told); // goes on without it
    s_one.announced = 0;
    s_open (&s_one);
    s_until (s_both_were_told);
}
END_TEST

START_TEST (silent_registry_is_asked_again)
{
    s_one.manner = SILENT;
    s_tell (1);
    int64_t begin = zclock_mono ();
    s_until (s_one_was_told_twice);
    ck_assert_int_ge (zclock_mono () - begin, 700); // about once a second
    ck_assert_uint_eq (s_one.routes, 2);            // over a new connection
    s_one.manner = GRANTS;
    s_until (s_one_was_told_5_times);
}
END_TEST

START_TEST (refusal_is_no_end)
{
    s_one.manner = REFUSES;
    s_tell (1);
    s_until (s_one_was_told_twice);
    ck_assert_uint_eq (s_superseded_count, 0);
    ck_assert_uint_eq (s_one.routes, 1);
    s_one.manner = GRANTS;
    s_until (s_one_was_told_5_times);
}
END_TEST

START_TEST (nonsense_is_no_answer)
{
    s_one.manner = TALKS_NONSENSE;
    s_tell (1);
    s_until (s_one_was_told_twice);
    ck_assert_uint_eq (s_superseded_count, 0);
    ck_assert_uint_eq (s_one.routes, 2); // over a new connection, as if it were silent
}
END_TEST

// ---- Superseded

typedef struct {
    const char *what;
    uint64_t generation;
    uint8_t instance; // 4 is ours
    bool forged;
    bool other_log;
    bool believed;
    bool not_raised; // ours is that of an earlier opening
} claim_case_t;

static bool s_answered_once_more (void)
{
    return s_one.announced >= 2 || s_superseded_count > 0;
}

static void s_check_claim (const claim_case_t *one)
{
    uint8_t claim[PROOF_CLAIM];
    guid_t log = s_facts_now.log, instance = {{one->instance, 5, 6}};
    if (one->other_log)
        log.bytes[0] ^= 1;
    claim_make (claim, s_key, &log, one->generation, &instance);
    claim[3] ^= one->forged;
    s_one.manner = SUPERSEDES;
    s_facts_now.raised = !one->not_raised;
    wire_set (&s_one.row, WIRE_F_GENERATION, one->generation);
    wire_set_bytes (&s_one.row, WIRE_F_INSTANCE, span (instance.bytes, GUID_SIZE));
    wire_set_bytes (&s_one.row, WIRE_F_CLAIM, span (claim, sizeof claim));
    s_tell (1);
    s_until (s_answered_once_more);
    ck_assert_msg ((s_superseded_count > 0) == one->believed, "%s", one->what);
    if (one->believed)
        ck_assert_uint_eq (s_superseded, one->generation);
}

START_TEST (claim_is_believed_only_if_it_is_genuine)
{
    static const claim_case_t cases[] = {
        {"later generation", 6, 9, false, false, true, false},
        {"much later generation", UINT64_MAX, 9, false, false, true, false},
        {"same generation of another instance", 5, 9, false, false, true, false},
        {"forged", 6, 9, true, false, false, false},
        {"of another log", 6, 9, false, true, false, false},
        {"earlier generation", 4, 9, false, false, false, false},
        {"our own", 5, 4, false, false, false, false},
        {"of the opening before, by one that cannot write", 5, 9, false, false, false, true},
        {"later generation, than of one that cannot write", 6, 9, false, false, true, true},
    };
    s_check_claim (&cases[_i]);
}
END_TEST

START_TEST (superseded_without_a_claim_is_not_believed)
{
    s_one.manner = SUPERSEDES;
    s_tell (1);
    s_until (s_answered_once_more);
    ck_assert_uint_eq (s_superseded_count, 0);
}
END_TEST

// ---- Goodbye

static bool s_nobody_is_waited_for (void)
{
    return announce_waiting (s_announce) == 0;
}

static bool s_one_renewed (void)
{
    return s_one.announced >= 2;
}

START_TEST (goodbye_is_said_to_who_knows_the_group)
{
    s_two.manner = SILENT;
    s_tell (2);
    s_until (s_one_renewed);
    announce_withdraw (s_announce);
    ck_assert_uint_eq (announce_waiting (s_announce), 1);
    s_until (s_nobody_is_waited_for);
    ck_assert_uint_eq (s_one.withdrawn, 1);
    size_t announced = s_one.announced;
    s_until (s_nobody_is_waited_for);
    ck_assert_uint_eq (s_one.announced, announced); // and nothing behind it
}
END_TEST

static bool s_one_was_left (void)
{
    return s_one.withdrawn > 0;
}

START_TEST (registry_that_is_configured_no_more_is_left)
{
    s_tell (1);
    s_until (s_one_was_told_twice);
    const char *const other[] = {s_two.endpoint};
    announce_set_registries (s_announce, other, 1);
    s_until (s_one_was_left);
    s_one.announced = 1;
    s_until (s_both_were_told);
    ck_assert_uint_eq (s_one.announced, 1);
}
END_TEST

START_TEST (registry_that_stays_keeps_its_connection)
{
    s_tell (1);
    s_until (s_one_was_told_twice);
    s_tell (2);
    s_until (s_both_were_told);
    s_tell (1);
    s_until (s_one_was_told_5_times);
    ck_assert_uint_eq (s_one.routes, 1);
    ck_assert_uint_eq (s_one.withdrawn, 0);
}
END_TEST

// ---- Encrypted registries

START_TEST (registry_with_a_key_is_called_with_the_groups_own)
{
    keypair_t its, own;
    char endpoint[300], hex[KEYPAIR_HEX];
    uint8_t proved[KEYPAIR_KEY];
    route_t route;
    frame_t frame;
    const announce_io_t io = {NULL, s_facts, s_on_superseded};
    ck_assert_int_eq (keypair_make (&its), 0);
    ck_assert_int_eq (keypair_make (&own), 0);
    const frame_guard_t guard = {.keys = &its};
    zsock_t *registry = frame_listen ("tcp://127.0.0.1:*", &guard);
    snprintf (endpoint, sizeof endpoint, "%s?key=%s", zsock_endpoint (registry),
              keypair_print (its.public_key, hex));
    const char *list[] = {endpoint};
    zmq_pollitem_t item = {zsock_resolve (registry), 0, ZMQ_POLLIN, 0};
    announce_set_registries (s_announce, list, 1); // without keys of its own: not told
    ck_assert_int_eq (zmq_poll (&item, 1, 300), 0);
    announce_destroy (&s_announce);
    s_announce = announce_new (s_loop, &io, &own);
    announce_set_registries (s_announce, list, 1);
    ck_assert_int_eq (zmq_poll (&item, 1, 10000), 1);
    frame_init (&frame);
    ck_assert_int_eq (frame_take (registry, &route, &frame), 1);
    ck_assert (frame_key (&frame, proved));
    ck_assert_mem_eq (proved, own.public_key, KEYPAIR_KEY);
    frame_close (&frame);
    zsock_destroy (&registry);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("announce");
    proving_add (cases);
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, all_registries_are_told_everything);
    tcase_add_test (cases, hidden_group_is_told_of_with_its_readers);
    tcase_add_test (cases, lease_is_renewed_with_what_is_new);
    tcase_add_test (cases, long_lease_is_not_renewed_early);
    tcase_add_test (cases, registry_that_was_started_again_is_told_again);
    tcase_add_test (cases, silent_registry_is_asked_again);
    tcase_add_test (cases, refusal_is_no_end);
    tcase_add_test (cases, nonsense_is_no_answer);
    tcase_add_loop_test (cases, claim_is_believed_only_if_it_is_genuine, 0, 9);
    tcase_add_test (cases, superseded_without_a_claim_is_not_believed);
    tcase_add_test (cases, goodbye_is_said_to_who_knows_the_group);
    tcase_add_test (cases, registry_that_is_configured_no_more_is_left);
    tcase_add_test (cases, registry_that_stays_keeps_its_connection);
    tcase_add_test (cases, registry_with_a_key_is_called_with_the_groups_own);
    return kit_run (cases, "announce");
}
