#include "common/frame.h"

#include "common/wire.h"
#include "tests/kit.h"
#include "tests/proving.h"

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 }; // for what comes at once

// A listener of its own; its endpoint is in `where`.
static zsock_t *s_listen (char where[64])
{
    zsock_t *router = frame_listen ("tcp://127.0.0.1:*", NULL);
    ck_assert_ptr_nonnull (router);
    snprintf (where, 64, "%s", zsock_endpoint (router));
    return router;
}

static bool s_wait (zsock_t *socket, int ms)
{
    zmq_pollitem_t item = {zsock_resolve (socket), 0, ZMQ_POLLIN, 0};
    return zmq_poll (&item, 1, ms) == 1;
}

static void s_take (zsock_t *router, route_t *route, frame_t *frame)
{
    ck_assert_msg (s_wait (router, PATIENCE_MS), "nothing came");
    ck_assert_int_eq (frame_take (router, route, frame), 1);
}

static void s_receive (zsock_t *dealer, frame_t *frame)
{
    while (frame_receive (dealer, frame) == 0)
        ck_assert_msg (s_wait (dealer, PATIENCE_MS), "nothing came");
}

static void s_body_is (const frame_t *frame, const char *text)
{
    span_t body = frame_body (frame);
    ck_assert_msg (span_equal (body, span_of (text)), "got %.*s", (int)body.size, body.data);
}

// Sends a message of frames; NULL ends them.
static void s_send_frames (zsock_t *socket, const char *const *frames)
{
    zmsg_t *message = zmsg_new ();
    while (*frames)
        zmsg_addstr (message, *frames++);
    ck_assert_int_eq (zmsg_send (&message, socket), 0);
}

START_TEST (native_request_is_one_frame)
{
    char where[64];
    zsock_t *router = s_listen (where), *dealer = frame_connect (where, NULL);
    route_t route;
    frame_t frame;
    frame_init (&frame);
    ck_assert_int_eq (frame_take (router, &route, &frame), 0); // without waiting
    ck_assert_int_eq (frame_send (dealer, span_of ("hello")), 0);
    s_take (router, &route, &frame);
    ck_assert (!frame.legacy && frame.complete);
    s_body_is (&frame, "hello");
    ck_assert_uint_eq (route.size, 5);
    ck_assert_str_eq (frame_peer (&frame), "127.0.0.1");
    ck_assert_int_eq (frame_reply (router, &route, false, span_of ("answer")), 0);
    s_receive (dealer, &frame);
    s_body_is (&frame, "answer");
    frame_close (&frame);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

START_TEST (original_request_is_told_apart_and_answered_in_its_shape)
{
    char where[64];
    zsock_t *router = s_listen (where), *req = zsock_new_req (where);
    route_t route;
    frame_t frame;
    frame_init (&frame);
    zstr_send (req, "GROUP LIST REQUEST FROM LOCALHOST:2000");
    s_take (router, &route, &frame);
    ck_assert (frame.legacy && frame.complete);
    s_body_is (&frame, "GROUP LIST REQUEST FROM LOCALHOST:2000");
    ck_assert_str_eq (frame_peer (&frame), "127.0.0.1");
    ck_assert_int_eq (frame_reply (router, &route, true, span (NULL, 0)), 0); // an empty list
    zsock_set_rcvtimeo (req, PATIENCE_MS);
    char *answer = zstr_recv (req);
    ck_assert_ptr_nonnull (answer);
    ck_assert_str_eq (answer, "");
    zstr_free (&answer);
    frame_close (&frame);
    zsock_destroy (&req);
    zsock_destroy (&router);
}
END_TEST

// What a DEALER can send, and what it is taken for. The next message must be whole each time.
static const struct {
    const char *frames[5];
    bool legacy, complete;
    const char *body;
} s_shapes[] = {
    {{"a"}, false, true, "a"},
    {{"a", "b"}, false, false, NULL},
    {{"a", ""}, false, false, NULL},
    {{"a", "b", "c", "d"}, false, false, NULL},
    {{"", "a"}, true, true, "a"},
    {{"", ""}, true, true, ""},
    {{"", "a", "b"}, true, false, NULL},
    {{"", "", "a"}, true, false, NULL},
    {{"", "a", "b", "c"}, true, false, NULL},
    {{""}, true, false, NULL},
};

START_TEST (shape_is_judged_by_its_frames)
{
    char where[64];
    zsock_t *router = s_listen (where), *dealer = frame_connect (where, NULL);
    route_t route;
    frame_t frame;
    frame_init (&frame);
    s_send_frames (dealer, s_shapes[_i].frames);
    ck_assert_int_eq (frame_send (dealer, span_of ("next")), 0);
    s_take (router, &route, &frame);
    ck_assert_int_eq (frame.legacy, s_shapes[_i].legacy);
    ck_assert_int_eq (frame.complete, s_shapes[_i].complete);
    if (s_shapes[_i].body)
        s_body_is (&frame, s_shapes[_i].body);
    s_take (router, &route, &frame);
    ck_assert (!frame.legacy && frame.complete);
    s_body_is (&frame, "next");
    ck_assert_int_eq (frame_take (router, &route, &frame), 0);
    frame_close (&frame);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

START_TEST (replies_find_their_peers)
{
    char where[64];
    zsock_t *router = s_listen (where), *dealers[8];
    frame_t frame;
    frame_init (&frame);
    for (int i = 0; i < 8; i++) {
        dealers[i] = frame_connect (where, NULL);
        frame_send (dealers[i], span (&"01234567"[i], 1));
    }
    for (int i = 0; i < 8; i++) {
        route_t route;
        s_take (router, &route, &frame);
        ck_assert_int_eq (frame_reply (router, &route, false, frame_body (&frame)), 0);
    }
    for (int i = 0; i < 8; i++) {
        s_receive (dealers[i], &frame);
        ck_assert (span_equal (frame_body (&frame), span (&"01234567"[i], 1)));
        zsock_destroy (&dealers[i]);
    }
    frame_close (&frame);
    zsock_destroy (&router);
}
END_TEST

START_TEST (reply_to_nobody_says_so)
{
    char where[64];
    zsock_t *router = s_listen (where);
    route_t stranger = {5, {0, 1, 2, 3, 4}}, nobody = {0, {0}};
    ck_assert_int_eq (frame_reply (router, &stranger, false, span_of ("x")), -1);
    ck_assert_int_eq (errno, EHOSTUNREACH);
    ck_assert_int_eq (frame_reply (router, &stranger, true, span_of ("x")), -1);
    ck_assert_int_eq (errno, EHOSTUNREACH);
    ck_assert_int_eq (frame_reply (router, &nobody, false, span_of ("x")), -1);
    zsock_destroy (&router);
}
END_TEST

static void s_count_release (void *data, void *hint)
{
    (void)data;
    __atomic_add_fetch ((int *)hint, 1, __ATOMIC_SEQ_CST);
}

START_TEST (shared_body_reaches_all_and_is_released_once)
{
    static char bytes[70000]; // too large to be copied into libzmq's message
    static int released;
    char where[64];
    zsock_t *router = s_listen (where), *dealers[3];
    route_t routes[3];
    frame_t frame;
    frame_init (&frame);
    memset (bytes, 'x', sizeof bytes);
    for (int i = 0; i < 3; i++) {
        dealers[i] = frame_connect (where, NULL);
        frame_send (dealers[i], span_of ("here"));
        s_take (router, &routes[i], &frame);
    }
    frame_shared_t shared;
    frame_share (&shared, bytes, sizeof bytes, s_count_release, &released);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq (frame_push (router, &routes[i], &shared), 0);
    route_t stranger = {5, {0, 1, 2, 3, 4}};
    ck_assert_int_eq (frame_push (router, &stranger, &shared), -1);
    ck_assert_int_eq (errno, EHOSTUNREACH);
    ck_assert_int_eq (__atomic_load_n (&released, __ATOMIC_SEQ_CST), 0); // the owner has it
    for (int i = 0; i < 3; i++) {
        s_receive (dealers[i], &frame);
        ck_assert (span_equal (frame_body (&frame), span (bytes, sizeof bytes)));
        zsock_destroy (&dealers[i]);
    }
    frame_unshare (&shared);
    frame_close (&frame);
    zsock_destroy (&router);
    proving_stop ();
    zsys_shutdown (); // waits for libzmq's thread
    ck_assert_int_eq (__atomic_load_n (&released, __ATOMIC_SEQ_CST), 1);
}
END_TEST

// A peer that reads nothing: in the end EAGAIN, and all that was taken arrives, in order.
START_TEST (full_queue_says_so_and_loses_nothing)
{
    char where[64];
    zsock_t *router = s_listen (where), *dealer = frame_connect (where, NULL);
    static uint8_t body[8192];
    route_t route;
    frame_t frame;
    frame_init (&frame);
    frame_send (dealer, span_of ("here"));
    s_take (router, &route, &frame);
    uint32_t taken = 0;
    for (;; taken++) {
        memcpy (body, &taken, sizeof taken);
        if (frame_reply (router, &route, taken % 2, span (body, sizeof body)) < 0)
            break;
        ck_assert_uint_lt (taken, 100000);
    }
    ck_assert_int_eq (errno, EAGAIN);
    // Those in the original's shape have a frame too many for a native client: it skips them.
    for (uint32_t i = 0; i < taken; i += 2) {
        s_receive (dealer, &frame);
        ck_assert_uint_eq (frame_body (&frame).size, sizeof body);
        ck_assert_mem_eq (frame_body (&frame).data, &i, sizeof i);
    }
    ck_assert_int_eq (frame_reply (router, &route, false, span_of ("again")), 0);
    s_receive (dealer, &frame);
    s_body_is (&frame, "again");
    frame_close (&frame);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

// Until it is no more, at most ten seconds.
static bool s_is_pending (const frame_mark_t *mark)
{
    for (int i = 0; i < 1000 && frame_mark_pending (mark); i++)
        zclock_sleep (10);
    return frame_mark_pending (mark);
}

START_TEST (mark_is_pending_until_the_peer_reads)
{
    static uint8_t body[8192];
    int before = 0;
    char where[64];
    zsock_t *router = s_listen (where), *dealer = frame_connect (where, NULL);
    route_t route, stranger = {5, {0, 1, 2, 3, 4}};
    frame_t frame;
    frame_init (&frame);
    frame_send (dealer, span_of ("here"));
    s_take (router, &route, &frame);
    frame_shared_t shared;
    static char text[] = "marked";
    int released = 0;
    frame_share (&shared, text, 6, s_count_release, &released);
    ck_assert_uint_eq (frame_size (&shared), 6);
    frame_mark_t *mark = frame_mark_new ();
    ck_assert (!frame_mark_pending (mark));
    ck_assert_int_eq (frame_push_marked (router, &stranger, false, &shared, mark), -1);
    ck_assert_int_eq (errno, EHOSTUNREACH);
    ck_assert (!frame_mark_pending (mark));
    while (frame_reply (router, &route, false, span (body, sizeof body)) == 0)
        before++; // all queues are full then
    while (frame_push_marked (router, &route, false, &shared, mark) < 0) {
        s_receive (dealer, &frame);
        before--;
    }
    ck_assert (frame_mark_pending (mark));
    for (; before > 0; before--)
        s_receive (dealer, &frame);
    s_receive (dealer, &frame);
    s_body_is (&frame, "marked");
    ck_assert (!s_is_pending (mark));
    // One that the connection's end frees, when its owner has forgotten it.
    ck_assert_int_eq (frame_push_marked (router, &route, true, &shared, mark), 0);
    frame_mark_destroy (&mark);
    ck_assert_ptr_null (mark);
    frame_mark_destroy (&mark);
    frame_unshare (&shared);
    for (int i = 0; i < 1000 && __atomic_load_n (&released, __ATOMIC_SEQ_CST) == 0; i++)
        zclock_sleep (10);
    ck_assert_int_eq (__atomic_load_n (&released, __ATOMIC_SEQ_CST), 1);
    frame_close (&frame);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

START_TEST (client_skips_messages_of_several_frames)
{
    zsock_t *router = zsock_new (ZMQ_ROUTER);
    zsock_bind (router, "tcp://127.0.0.1:*");
    zsock_t *dealer = frame_connect (zsock_endpoint (router), NULL);
    frame_t frame;
    frame_init (&frame);
    ck_assert_int_eq (frame_receive (dealer, &frame), 0); // without waiting
    frame_send (dealer, span_of ("here"));
    zmsg_t *message = zmsg_recv (router);
    zframe_t *from = zmsg_pop (message);
    zmsg_destroy (&message);
    zstr_sendm (router, ""); // to nobody: dropped by ROUTER
    zstr_send (router, "x");
    zframe_send (&from, router, ZFRAME_MORE | ZFRAME_REUSE);
    zstr_sendm (router, "two");
    zstr_send (router, "frames");
    zframe_send (&from, router, ZFRAME_MORE);
    zstr_send (router, "one");
    s_receive (dealer, &frame);
    s_body_is (&frame, "one");
    frame_close (&frame);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

START_TEST (largest_frames_go_and_larger_ones_end_the_connection)
{
    char where[64];
    zsock_t *router = s_listen (where), *dealer = frame_connect (where, NULL),
            *large = frame_connect (where, NULL);
    uint8_t *body = calloc (1, WIRE_TO_CLIENT);
    route_t route;
    frame_t frame;
    frame_init (&frame);
    frame_send (dealer, span (body, WIRE_TO_SERVER));
    s_take (router, &route, &frame);
    ck_assert_uint_eq (frame_body (&frame).size, WIRE_TO_SERVER);
    frame_reply (router, &route, false, span (body, WIRE_TO_CLIENT));
    s_receive (dealer, &frame);
    ck_assert_uint_eq (frame_body (&frame).size, WIRE_TO_CLIENT);
    frame_send (large, span (body, WIRE_TO_SERVER + 1));
    frame_send (dealer, span_of ("others go on"));
    s_take (router, &route, &frame);
    s_body_is (&frame, "others go on");
    ck_assert (!s_wait (router, 300)); // nothing of the large one ever comes
    frame_close (&frame);
    free (body);
    zsock_destroy (&large);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

START_TEST (moved_frame_keeps_its_body)
{
    char where[64];
    zsock_t *router = s_listen (where), *dealer = frame_connect (where, NULL);
    route_t route;
    frame_t frame, other;
    frame_init (&frame);
    frame_send (dealer, span_of ("kept"));
    s_take (router, &route, &frame);
    frame_move (&other, &frame);
    ck_assert (other.complete && !other.legacy);
    s_body_is (&other, "kept");
    ck_assert_str_eq (frame_peer (&other), "127.0.0.1");
    ck_assert_uint_eq (frame_body (&frame).size, 0);
    frame_close (&frame);
    frame_close (&other);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

START_TEST (taken_port_is_told)
{
    char where[64];
    zsock_t *router = s_listen (where);
    errno = 0;
    ck_assert_ptr_null (frame_listen (where, NULL));
    ck_assert_int_eq (errno, EADDRINUSE);
    ck_assert_ptr_null (frame_listen ("tcp://nonsense", NULL));
    ck_assert_ptr_null (frame_connect ("nonsense", NULL));
    zsock_destroy (&router);
}
END_TEST

START_TEST (ipc_has_no_peer_address)
{
    char folder[] = "/tmp/zchat-test-XXXXXX", where[64];
    ck_assert_ptr_nonnull (mkdtemp (folder));
    snprintf (where, sizeof where, "ipc://%s/socket", folder);
    zsock_t *router = frame_listen (where, NULL), *dealer = frame_connect (where, NULL);
    ck_assert_ptr_nonnull (router);
    route_t route;
    frame_t frame;
    frame_init (&frame);
    frame_send (dealer, span_of ("hello"));
    s_take (router, &route, &frame);
    ck_assert_str_eq (frame_peer (&frame), "");
    frame_close (&frame);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
    unlink (where + 6);
    rmdir (folder);
}
END_TEST

// ---- A peer that speaks ZMTP by hand, with a routing id of its own choice

static int s_dial (const char *where)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_port = htons ((uint16_t)atoi (strrchr (where, ':') + 1));
    to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq (connect (fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

// Waits until the other side has said READY: data before that breaks the handshake.
static void s_await_ready (int fd)
{
    uint8_t bytes[256];
    size_t size = 0;
    while (size < 66 || size < 66u + bytes[65]) {
        ssize_t got = read (fd, bytes + size, sizeof bytes - size);
        ck_assert_int_gt (got, 0);
        size += (size_t)got;
    }
}

static void s_speak (int fd, const char *id, size_t id_size, const char *body)
{
    uint8_t bytes[2048] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    writer_t out = writer (bytes + 64, sizeof bytes - 64);
    writer_u8 (&out, 0x06); // a command with a size of 8 bytes
    writer_u64 (&out, 6 + 12 + 4 + 6 + 9 + 4 + id_size);
    writer_bytes (&out, "\5READY\13Socket-Type\0\0\0\6DEALER\10Identity", 6 + 12 + 4 + 6 + 9);
    writer_u32 (&out, (uint32_t)id_size);
    writer_bytes (&out, id, id_size);
    size_t size = 64 + writer_used (&out);
    ck_assert_int_eq (write (fd, bytes, size), (ssize_t)size);
    s_await_ready (fd);
    out = writer (bytes, sizeof bytes);
    writer_u8 (&out, 0); // one frame
    writer_u8 (&out, (uint8_t)strlen (body));
    writer_bytes (&out, body, strlen (body));
    ck_assert_int_eq (write (fd, bytes, writer_used (&out)), (ssize_t)writer_used (&out));
}

START_TEST (route_of_255_bytes_is_taken)
{
    char where[64], id[FRAME_ROUTE_MAX];
    zsock_t *router = s_listen (where);
    route_t route;
    frame_t frame;
    frame_init (&frame);
    memset (id, 'i', sizeof id);
    int fd = s_dial (where);
    s_speak (fd, id, sizeof id, "long");
    s_take (router, &route, &frame);
    s_body_is (&frame, "long");
    ck_assert_uint_eq (route.size, FRAME_ROUTE_MAX);
    ck_assert_int_eq (frame_reply (router, &route, false, span_of ("x")), 0);
    frame_close (&frame);
    close (fd);
    zsock_destroy (&router);
}
END_TEST

// Cut, its route could be that of another peer, for which its requests would count.
START_TEST (route_beyond_255_bytes_is_nobody)
{
    char where[64], id[FRAME_ROUTE_MAX + 1];
    zsock_t *router = s_listen (where), *dealer = frame_connect (where, NULL);
    route_t route;
    frame_t frame;
    frame_init (&frame);
    memset (id, 'i', sizeof id);
    int fd = s_dial (where);
    s_speak (fd, id, sizeof id, "too long");
    s_take (router, &route, &frame);
    ck_assert_uint_eq (route.size, 0);
    ck_assert (!frame.complete);
    ck_assert_int_eq (frame_reply (router, &route, false, span_of ("x")), -1);
    ck_assert_int_eq (errno, EHOSTUNREACH);
    frame_send (dealer, span_of ("others go on"));
    s_take (router, &route, &frame);
    s_body_is (&frame, "others go on");
    frame_close (&frame);
    close (fd);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
}
END_TEST

static void s_add_shapes (TCase *cases)
{
    tcase_add_test (cases, native_request_is_one_frame);
    tcase_add_test (cases, original_request_is_told_apart_and_answered_in_its_shape);
    tcase_add_loop_test (cases, shape_is_judged_by_its_frames, 0,
                         sizeof s_shapes / sizeof s_shapes[0]);
}

int main (void)
{
    TCase *cases = tcase_create ("frame");
    proving_add (cases);
    tcase_set_timeout (cases, 60);
    s_add_shapes (cases);
    tcase_add_test (cases, replies_find_their_peers);
    tcase_add_test (cases, reply_to_nobody_says_so);
    tcase_add_test (cases, shared_body_reaches_all_and_is_released_once);
    tcase_add_test (cases, full_queue_says_so_and_loses_nothing);
    tcase_add_test (cases, mark_is_pending_until_the_peer_reads);
    tcase_add_test (cases, client_skips_messages_of_several_frames);
    tcase_add_test (cases, largest_frames_go_and_larger_ones_end_the_connection);
    tcase_add_test (cases, moved_frame_keeps_its_body);
    tcase_add_test (cases, taken_port_is_told);
    tcase_add_test (cases, ipc_has_no_peer_address);
    tcase_add_test (cases, route_of_255_bytes_is_taken);
    tcase_add_test (cases, route_beyond_255_bytes_is_nobody);
    return kit_run (cases, "frame");
}
