// A whole group in its program and loop, against a registry and clients that are real sockets, in a
// thread of their own.

#include "daemons/group/group.h"

#include "common/frame.h"
#include "common/proof.h"
#include "common/wire.h"
#include "daemons/group/settings.h"
#include "tests/faults.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { WAIT_MS = 20000, ENDPOINT_SIZE = 300 };

static folder_t s_folder;
static unsigned s_registry_port;
static zsock_t *s_registry;
static char *s_endpoint; // of the group, as the registry was told; shared with its processes
static wire_t s_told;    // the last announcement
static uint8_t s_told_bytes[2048];
static route_t s_told_route;
static uint32_t s_tag;

// ---- Frames, with waiting

static void s_await (zsock_t *socket, const char *what)
{
    zmq_pollitem_t item = {zsock_resolve (socket), 0, ZMQ_POLLIN, 0};
    ck_assert_msg (zmq_poll (&item, 1, WAIT_MS) == 1, "%s did not come", what);
}

typedef struct {
    zsock_t *socket;
    guid_t who;
    wire_t reply;
} client_t;

static client_t s_client (unsigned n)
{
    client_t self = {.socket = frame_connect (s_endpoint, NULL), .who = {{0x20, (uint8_t)n}}};
    ck_assert_ptr_nonnull (self.socket);
    return self;
}

static void s_client_end (client_t *self)
{
    zsock_destroy (&self->socket);
}

static uint32_t s_send (client_t *self, wire_t *message)
{
    uint8_t bytes[2048];
    writer_t out = writer (bytes, sizeof bytes);
    message->tag = ++s_tag;
    message->uuid = self->who;
    wire_encode (message, &out);
    ck_assert (!out.failed);
    ck_assert_int_eq (frame_send (self->socket, span (bytes, writer_used (&out))), 0);
    return s_tag;
}

static const wire_t *s_next (client_t *self, wire_kind_t kind)
{
    static frame_t frame;
    static bool begun;
    if (begun)
        frame_close (&frame);
    begun = true;
    frame_init (&frame);
    s_await (self->socket, "a reply");
    ck_assert_int_eq (frame_receive (self->socket, &frame), 1);
    ck_assert_int_eq (wire_decode (&self->reply, frame_body (&frame)), WIRE_ERR_NONE);
    ck_assert_msg (self->reply.kind == kind, "kind 0x%x came, not 0x%x", (unsigned)self->reply.kind,
                   (unsigned)kind);
    return &self->reply;
}

// The row of ACK or ERROR that answers the tag.
static wire_t s_row (client_t *self, wire_kind_t frame, wire_kind_t kind, uint32_t tag)
{
    const wire_t *reply = s_next (self, frame);
    span_t rows = wire_bytes (reply, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    wire_t row;
    while (wire_next_row (&row, kind, &in) == 1)
        if (wire_number (&row, WIRE_F_TAG) == tag)
            return row;
    ck_abort_msg ("the request is not answered");
    return row;
}

static uint64_t s_acked (client_t *self, wire_t message)
{
    uint32_t tag = s_send (self, &message);
    wire_t row = s_row (self, WIRE_ACK, WIRE_ROW_ACK, tag);
    return wire_number (&row, WIRE_F_SEQ);
}

static wire_error_t s_refused (client_t *self, wire_t message)
{
    uint32_t tag = s_send (self, &message);
    wire_t row = s_row (self, WIRE_ERROR, WIRE_ROW_ERROR, tag);
    return (wire_error_t)wire_number (&row, WIRE_F_NUMBER);
}

static wire_t s_message (const char *text)
{
    wire_t message = wire (WIRE_SEND, 0, NULL);
    wire_set_bytes (&message, WIRE_F_TEXT, span_of (text));
    return message;
}

static wire_t s_follow_from (uint64_t from)
{
    wire_t follow = wire (WIRE_FOLLOW, 0, NULL);
    wire_set (&follow, WIRE_F_FROM, from);
    wire_set (&follow, WIRE_F_CREDIT, 1 << 20);
    return follow;
}

static const wire_t *s_ping (client_t *self)
{
    wire_t ping = wire (WIRE_PING, 0, NULL);
    s_send (self, &ping);
    return s_next (self, WIRE_PONG);
}

// ---- The registry

static wire_kind_t s_registry_hears (void)
{
    frame_t frame;
    frame_init (&frame);
    s_await (s_registry, "an announcement");
    ck_assert_int_eq (frame_take (s_registry, &s_told_route, &frame), 1);
    span_t body = frame_body (&frame);
    ck_assert_uint_le (body.size, sizeof s_told_bytes);
    memcpy (s_told_bytes, body.data, body.size);
    ck_assert_int_eq (wire_decode (&s_told, span (s_told_bytes, body.size)), WIRE_ERR_NONE);
    frame_close (&frame);
    return s_told.kind;
}

static void s_registry_says (const wire_t *message)
{
    uint8_t bytes[1024];
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (message, &out);
    frame_reply (s_registry, &s_told_route, false, span (bytes, writer_used (&out)));
}

static void s_registry_grants (uint32_t lease)
{
    wire_t message = wire (WIRE_LEASE, s_told.tag, NULL);
    wire_set (&message, WIRE_F_LEASE, lease);
    s_registry_says (&message);
}

// Waits until the group has announced itself; then its endpoint is known.
static void s_meet_group (void)
{
    char endpoint[100];
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", s_registry_port);
    s_registry = frame_listen (endpoint, NULL);
    ck_assert_ptr_nonnull (s_registry);
    ck_assert_int_eq (s_registry_hears (), WIRE_ANNOUNCE);
    span_t told = wire_bytes (&s_told, WIRE_F_ENDPOINTS);
    snprintf (s_endpoint, ENDPOINT_SIZE, "%.*s", (int)told.size, (const char *)told.data);
    s_registry_grants (60000);
}

// ---- Running the program

typedef void (script_fn) (void);

static script_fn *s_script;
static pthread_t s_thread;
static bool s_threaded;

static void *s_play (void *arg)
{
    (void)arg;
    s_script ();
    zsock_destroy (&s_registry);
    kill (getpid (), SIGTERM);
    return NULL;
}

static int s_start (program_t *program, void **state_p)
{
    int rc = group_new ((group_t **)state_p, program);
    s_threaded = rc == EXIT_DONE;
    if (s_threaded)
        ck_assert_int_eq (pthread_create (&s_thread, NULL, s_play, NULL), 0);
    return rc;
}

static void s_reload (void *state, const conf_t *conf)
{
    group_reload (state, conf);
}

static void s_stop (void *state)
{
    group_stop (state);
    faults_hold_syncs (false);
}

static bool s_syncing (void *state)
{
    return group_syncing (state);
}

static bool s_healthy (void *state, int64_t now)
{
    return group_healthy (state, now);
}

static void s_destroy (void **state_p)
{
    group_destroy ((group_t **)state_p);
}

static void s_configure (const char *more)
{
    char text[2000];
    snprintf (text, sizeof text, "state_dir = \"%s\"; registries = [ \"tcp://127.0.0.1:%u\" ]; %s",
              s_folder.path, s_registry_port, more);
    folder_put (&s_folder, "group.cfg", text);
}

static int s_live (void)
{
    program_type_t type = {.name = "zchat-group",
                           .argument = "NAME",
                           .file = "group.cfg",
                           .start = s_start,
                           .reload = s_reload,
                           .stop = s_stop,
                           .syncing = s_syncing,
                           .healthy = s_healthy,
                           .destroy = s_destroy};
    char *argv[] = {"zchat-group", "-c", s_folder.path, "-f", "cats", NULL};
    type.keys = group_settings (&type.key_count);
    int code = program_main (&type, 5, argv);
    if (s_threaded)
        pthread_join (s_thread, NULL);
    return code;
}

// Runs the group in a process of its own while the script plays; returns its exit code. The
// script's end is a SIGTERM.
static int s_run (script_fn *script)
{
    int status;
    s_script = script;
    pid_t child = fork ();
    ck_assert_int_ge (child, 0);
    if (child == 0)
        exit (s_live ());
    ck_assert_int_eq (waitpid (child, &status, 0), child);
    ck_assert (WIFEXITED (status));
    return WEXITSTATUS (status);
}

// A port below those that the system gives to anybody.
static unsigned s_free_port (void)
{
    unsigned port = 21000 + (unsigned)(getpid () % 10000);
    for (;; port++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons ((uint16_t)port)};
        address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
        int fd = socket (AF_INET, SOCK_STREAM, 0);
        int rc = bind (fd, (struct sockaddr *)&address, sizeof address);
        close (fd);
        if (rc == 0)
            return port;
    }
}

static void s_setup (void)
{
    s_folder = folder_new ();
    s_endpoint =
        mmap (NULL, ENDPOINT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne (s_endpoint, MAP_FAILED);
    s_registry_port = s_free_port ();
    s_configure ("");
}

static void s_teardown (void)
{
    faults_reset ();
    munmap (s_endpoint, ENDPOINT_SIZE);
    folder_remove (&s_folder);
}

// ---- Serving

static void s_conversation (void)
{
    s_meet_group ();
    ck_assert (span_equal (wire_bytes (&s_told, WIRE_F_NAME), span_of ("cats")));
    ck_assert_uint_eq (wire_number (&s_told, WIRE_F_GENERATION), 1);
    ck_assert_uint_eq (wire_number (&s_told, WIRE_F_SEQ), 1); // its opening is on disk
    client_t ann = s_client (1), bob = s_client (2);
    ck_assert_int_eq (s_refused (&ann, s_message ("too early")), WIRE_ERR_NOT_MEMBER);
    ck_assert_uint_eq (s_acked (&ann, wire (WIRE_JOIN, 0, NULL)), 2);
    ck_assert_uint_eq (s_acked (&bob, wire (WIRE_JOIN, 0, NULL)), 3);
    wire_t follow = s_follow_from (0), page = wire (WIRE_PAGE, 0, NULL);
    s_send (&bob, &follow);
    s_next (&bob, WIRE_FOLLOWING);
    ck_assert_uint_eq (s_acked (&ann, s_message ("hello bob")), 4);
    const wire_t *pushed = s_next (&bob, WIRE_RECORDS);
    ck_assert_uint_eq (wire_number (pushed, WIRE_F_LAST), 4);
    span_t batches = wire_bytes (pushed, WIRE_F_BATCHES);
    ck_assert_ptr_nonnull (memmem (batches.data, batches.size, "hello bob", 9));
    s_send (&ann, &page);
    const wire_t *records = s_next (&ann, WIRE_RECORDS);
    ck_assert_uint_eq (wire_number (records, WIRE_F_LAST), 4);
    ck_assert_uint_eq (wire_number (s_ping (&ann), WIRE_F_LAST), 4);
    s_client_end (&ann);
    s_client_end (&bob);
}

START_TEST (members_talk)
{
    ck_assert_int_eq (s_run (s_conversation), EXIT_DONE);
}
END_TEST

static void s_second_life (void)
{
    s_meet_group ();
    ck_assert_uint_eq (wire_number (&s_told, WIRE_F_GENERATION), 2);
    ck_assert_uint_eq (wire_number (&s_told, WIRE_F_MEMBERS), 2);
    client_t ann = s_client (1);
    ck_assert_uint_eq (s_acked (&ann, s_message ("still a member")), 6);
    s_client_end (&ann);
}

START_TEST (group_is_the_same_after_a_restart)
{
    ck_assert_int_eq (s_run (s_conversation), EXIT_DONE);
    char before[ENDPOINT_SIZE];
    strcpy (before, s_endpoint);
    s_registry_port = s_free_port ();
    s_configure ("");
    ck_assert_int_eq (s_run (s_second_life), EXIT_DONE);
    ck_assert_str_eq (s_endpoint, before); // its last port
}
END_TEST

static void s_original_user (void)
{
    s_meet_group ();
    zsock_t *user = zsock_new_req (s_endpoint);
    zstr_send (user, "JOIN REQUEST FROM 20000000-0000-0000-0000-000000000009");
    s_await (user, "the original's answer");
    char *text = zstr_recv (user);
    ck_assert_str_eq (text, "SUCCESS");
    freen (text);
    zsock_destroy (&user);
}

START_TEST (original_users_are_served)
{
    ck_assert_int_eq (s_run (s_original_user), EXIT_DONE);
}
END_TEST

static void s_reload_it (void)
{
    s_meet_group ();
    client_t ann = s_client (1);
    ck_assert_uint_eq (wire_number (s_ping (&ann), WIRE_F_MAX_MESSAGE), 16384);
    s_configure ("max_message = 100;");
    kill (getpid (), SIGHUP);
    int64_t end = zclock_mono () + WAIT_MS;
    while (wire_number (s_ping (&ann), WIRE_F_MAX_MESSAGE) != 100)
        ck_assert_int_lt (zclock_mono (), end);
    s_client_end (&ann);
}

START_TEST (limits_are_reloaded)
{
    ck_assert_int_eq (s_run (s_reload_it), EXIT_DONE);
}
END_TEST

// ---- Ends

static client_t s_follower;

static void s_follow_and_stop (void)
{
    s_meet_group ();
    s_follower = s_client (1);
    s_acked (&s_follower, wire (WIRE_JOIN, 0, NULL));
    wire_t follow = s_follow_from (0);
    s_send (&s_follower, &follow);
    s_next (&s_follower, WIRE_FOLLOWING);
    kill (getpid (), SIGTERM);
    const wire_t *end = s_next (&s_follower, WIRE_END);
    ck_assert_uint_eq (wire_number (end, WIRE_F_WHY), WIRE_ERR_STOPPING);
    while (s_registry_hears () == WIRE_ANNOUNCE)
        ;
    ck_assert_int_eq (s_told.kind, WIRE_WITHDRAW);
    s_registry_grants (0);
    s_client_end (&s_follower);
    zsock_destroy (&s_registry);
    pthread_exit (NULL); // a second SIGTERM would force it
}

START_TEST (stop_is_told_to_followers_and_registries)
{
    ck_assert_int_eq (s_run (s_follow_and_stop), EXIT_DONE);
}
END_TEST

static void s_be_superseded (void)
{
    s_meet_group ();
    uint8_t key[GUID_SIZE + PROOF_KEY], claim[PROOF_CLAIM], rows[256];
    FILE *file = fopen (folder_path (&s_folder, "groups/cats/key"), "rb");
    ck_assert_uint_eq (fread (key, 1, sizeof key, file), sizeof key);
    fclose (file);
    guid_t log = wire_guid (&s_told, WIRE_F_LOG), other = {{9}};
    claim_make (claim, key + GUID_SIZE, &log, 2, &other);
    wire_t row = wire (WIRE_ROW_ERROR, 0, NULL), message = wire (WIRE_ERROR, 0, NULL);
    writer_t out = writer (rows, sizeof rows);
    wire_set (&row, WIRE_F_NUMBER, WIRE_ERR_SUPERSEDED);
    wire_set (&row, WIRE_F_GENERATION, 2);
    wire_set_bytes (&row, WIRE_F_INSTANCE, span (other.bytes, GUID_SIZE));
    wire_set_bytes (&row, WIRE_F_CLAIM, span (claim, sizeof claim));
    wire_set (&row, WIRE_F_TAG, s_told.tag);
    wire_put_row (&row, &out);
    wire_set_bytes (&message, WIRE_F_ROWS, span (rows, writer_used (&out)));
    s_registry_says (&message);
    zsock_set_linger (s_registry, WAIT_MS);
    zsock_destroy (&s_registry);
    pthread_exit (NULL);
}

START_TEST (superseded_group_ends)
{
    ck_assert_int_eq (s_run (s_be_superseded), EXIT_CONFIG);
}
END_TEST

static void s_break_the_disk (void)
{
    s_meet_group ();
    client_t ann = s_client (1), bob = s_client (2);
    s_acked (&ann, wire (WIRE_JOIN, 0, NULL));
    s_acked (&bob, wire (WIRE_JOIN, 0, NULL));
    wire_t follow = s_follow_from (0);
    s_send (&bob, &follow);
    s_next (&bob, WIRE_FOLLOWING);
    faults_fail (FAULTS_FDATASYNC, 0, -1, EIO);
    ck_assert_int_eq (s_refused (&ann, s_message ("lost")), WIRE_ERR_SYNC_FAILED);
    const wire_t *end = s_next (&bob, WIRE_END);
    ck_assert_uint_eq (wire_number (end, WIRE_F_WHY), WIRE_ERR_SYNC_FAILED);
    s_client_end (&ann);
    s_client_end (&bob);
    zsock_destroy (&s_registry);
    pthread_exit (NULL);
}

START_TEST (failed_sync_ends_the_group_and_everybody_is_told)
{
    ck_assert_int_eq (s_run (s_break_the_disk), EXIT_SYNC);
}
END_TEST

static void s_do_nothing (void)
{
    pthread_exit (NULL);
}

START_TEST (group_whose_opening_cannot_be_synced_never_serves)
{
    faults_fail (FAULTS_FDATASYNC, 0, -1, EIO);
    ck_assert_int_eq (s_run (s_do_nothing), EXIT_SYNC);
    ck_assert_int_ne (access (folder_path (&s_folder, "groups/cats/ports"), F_OK), 0);
}
END_TEST

static void s_stop_at_once (void)
{
    kill (getpid (), SIGTERM);
    pthread_exit (NULL);
}

START_TEST (group_that_is_stopped_while_it_opens_never_serves)
{
    faults_hold_syncs (true); // until it was stopped
    ck_assert_int_eq (s_run (s_stop_at_once), EXIT_DONE);
    ck_assert_int_ne (access (folder_path (&s_folder, "groups/cats/ports"), F_OK), 0);
}
END_TEST

// ---- Logs that cannot be served, or not written

START_TEST (log_in_use_is_refused)
{
    ck_assert_int_eq (s_run (s_original_user), EXIT_DONE);
    int dir = open (folder_path (&s_folder, "groups/cats"), O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq (flock (dir, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq (s_run (s_original_user), EXIT_NOT_NOW);
    close (dir);
}
END_TEST

static void s_read_only (void)
{
    s_meet_group ();
    ck_assert_uint_eq (wire_number (&s_told, WIRE_F_STATE), WIRE_STATE_READ_ONLY);
    client_t ann = s_client (1);
    ck_assert_uint_eq (wire_number (s_ping (&ann), WIRE_F_STATE), WIRE_STATE_READ_ONLY);
    ck_assert_int_eq (s_refused (&ann, s_message ("x")), WIRE_ERR_READ_ONLY);
    wire_t page = wire (WIRE_PAGE, 0, NULL);
    s_send (&ann, &page);
    s_next (&ann, WIRE_RECORDS);
    s_client_end (&ann);
}

START_TEST (damaged_log_is_served_read_only)
{
    ck_assert_int_eq (s_run (s_conversation), EXIT_DONE);
    s_registry_port = s_free_port ();
    s_configure ("");
    FILE *file = fopen (folder_path (&s_folder, "groups/cats/00000000000000000001.log"), "r+b");
    uint8_t bytes[4096];
    size_t size = fread (bytes, 1, sizeof bytes, file);
    uint8_t *text = memmem (bytes, size, "hello bob", 9);
    ck_assert_ptr_nonnull (text);
    fclose (file);
    ck_assert_int_eq (s_run (s_second_life), EXIT_DONE); // says that the text was durable
    file = fopen (folder_path (&s_folder, "groups/cats/00000000000000000001.log"), "r+b");
    fseek (file, text - bytes, SEEK_SET);
    fputc ('H', file);
    fclose (file);
    s_registry_port = s_free_port ();
    s_configure ("");
    ck_assert_int_eq (s_run (s_read_only), EXIT_DONE);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("group");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 60);
    tcase_add_test (cases, members_talk);
    tcase_add_test (cases, group_is_the_same_after_a_restart);
    tcase_add_test (cases, original_users_are_served);
    tcase_add_test (cases, limits_are_reloaded);
    tcase_add_test (cases, stop_is_told_to_followers_and_registries);
    tcase_add_test (cases, superseded_group_ends);
    tcase_add_test (cases, failed_sync_ends_the_group_and_everybody_is_told);
    tcase_add_test (cases, group_whose_opening_cannot_be_synced_never_serves);
    tcase_add_test (cases, group_that_is_stopped_while_it_opens_never_serves);
    tcase_add_test (cases, log_in_use_is_refused);
    tcase_add_test (cases, damaged_log_is_served_read_only);
    return kit_run (cases, "group");
}
