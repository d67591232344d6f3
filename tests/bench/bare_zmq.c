// zchat-bench-zmq: the limit of a server on libzmq: a ROUTER and nothing of a chat.
//
//     zchat-bench-zmq PORT echo [curve]          each text goes back
//     zchat-bench-zmq PORT store FILE [curve]    what a turn took (1,024 at most): one write and
//     one
//                                                fdatasync into zeroed space, then an ack of 16
//                                                bytes each
//     zchat-bench-zmq PORT full FILE [curve]     and then one frame with all of them to each peer
//     that
//                                                said JOIN, one body shared by all
//
// JOIN is answered, so that a reader costs what one costs who was sent something.
//
// A record is its text and 16 bytes. With `curve` the public key is printed, which is made anew.

#include "tests/bench/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { TURN = 1024, READERS = 20000, TEXT = 65536, ROOM = 64 << 20, RECORD = 16, COUNT = 4 };

static struct {
    void *socket;
    bool echo;
    bool push;
    int file;
    off_t at;
    zmq_msg_t readers[READERS];
    size_t reader_count;
    zmq_msg_t authors[TURN];
    size_t count;
    uint8_t *bytes; // COUNT bytes, then the records
    size_t size;
} s_server;

static _Noreturn void s_die (const char *what)
{
    fprintf (stderr, "zchat-bench-zmq: %s: %s\n", what, zmq_strerror (errno));
    exit (1);
}

static void s_open_log (const char *path)
{
    const size_t piece = 1 << 20;
    void *zeros = calloc (1, piece);
    s_server.file = open (path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (off_t at = 0; at < ROOM; at += (off_t)piece)
        if (pwrite (s_server.file, zeros, piece, at) != (ssize_t)piece)
            s_die (path);
    free (zeros);
    if (fsync (s_server.file) < 0)
        s_die (path);
}

static void s_curve (void)
{
    const int on = 1;
    char public_key[41];
    char secret_key[41];
    uint8_t raw[32];
    if (zmq_curve_keypair (public_key, secret_key) < 0 ||
        zmq_setsockopt (s_server.socket, ZMQ_CURVE_SERVER, &on, sizeof (on)) < 0 ||
        zmq_setsockopt (s_server.socket, ZMQ_CURVE_SECRETKEY, secret_key, 41) < 0)
        s_die ("curve");
    zmq_z85_decode (raw, public_key);
    for (size_t n = 0; n < sizeof (raw); n++)
        printf ("%02x", raw[n]);
    puts ("");
    fflush (stdout);
}

static void s_bind (const char *port, bool curve)
{
    const int queue = 100000;
    const int backlog = 4096;
    char endpoint[64];
    void *context = zmq_ctx_new ();
    zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 4096);
    s_server.socket = zmq_socket (context, ZMQ_ROUTER);
    zmq_setsockopt (s_server.socket, ZMQ_SNDHWM, &queue, sizeof (queue));
    zmq_setsockopt (s_server.socket, ZMQ_RCVHWM, &queue, sizeof (queue));
    zmq_setsockopt (s_server.socket, ZMQ_BACKLOG, &backlog, sizeof (backlog));
    if (curve)
        s_curve ();
    snprintf (endpoint, sizeof (endpoint), "tcp://127.0.0.1:%s", port);
    if (zmq_bind (s_server.socket, endpoint) < 0)
        s_die (endpoint);
}

static void s_answer (zmq_msg_t *author, zmq_msg_t *text)
{
    if (zmq_msg_send (author, s_server.socket, ZMQ_SNDMORE) < 0)
        zmq_msg_close (author);
    if (zmq_msg_send (text, s_server.socket, 0) < 0)
        zmq_msg_close (text);
}

static void s_store (zmq_msg_t *author, zmq_msg_t *text)
{
    struct timespec now;
    size_t size = zmq_msg_size (text);
    uint8_t *at = s_server.bytes + s_server.size;
    clock_gettime (CLOCK_REALTIME, &now);
    memcpy (at, &now, 8);
    memcpy (at + 8, &size, 8);
    memcpy (at + RECORD, zmq_msg_data (text), size);
    s_server.size += RECORD + size;
    zmq_msg_init (&s_server.authors[s_server.count]);
    zmq_msg_move (&s_server.authors[s_server.count++], author);
    zmq_msg_close (author);
    zmq_msg_close (text);
}

// Takes one message. False: there is none, or no room for more.
static bool s_take (void)
{
    zmq_msg_t author;
    zmq_msg_t text;
    if (s_server.count == TURN || s_server.size > TURN * 1024 - TEXT)
        return false;
    zmq_msg_init (&author);
    if (zmq_msg_recv (&author, s_server.socket, ZMQ_DONTWAIT) < 0)
        return false;
    zmq_msg_init (&text);
    zmq_msg_recv (&text, s_server.socket, 0);
    if (zmq_msg_size (&text) == 4) { // JOIN
        zmq_msg_init (&s_server.readers[s_server.reader_count]);
        zmq_msg_copy (&s_server.readers[s_server.reader_count++], &author);
        memset (zmq_msg_data (&text), 0, 4); // no messages yet
        s_answer (&author, &text);
    } else if (s_server.echo)
        s_answer (&author, &text);
    else
        s_store (&author, &text);
    return true;
}

static void s_push (void)
{
    zmq_msg_t body;
    zmq_msg_init_size (&body, s_server.size);
    put_u32 (s_server.bytes, (uint32_t)s_server.count);
    memcpy (zmq_msg_data (&body), s_server.bytes, s_server.size);
    for (size_t n = 0; n < s_server.reader_count; n++) {
        zmq_msg_t route;
        zmq_msg_t shared;
        zmq_msg_init (&route);
        zmq_msg_init (&shared);
        zmq_msg_copy (&route, &s_server.readers[n]);
        zmq_msg_copy (&shared, &body);
        s_answer (&route, &shared);
    }
    zmq_msg_close (&body);
}

static void s_commit (void)
{
    if (s_server.count == 0)
        return;
    if (s_server.at + (off_t)s_server.size > ROOM)
        s_server.at = 0;
    size_t size = s_server.size - COUNT;
    if (pwrite (s_server.file, s_server.bytes + COUNT, size, s_server.at) < 0 ||
        fdatasync (s_server.file) < 0)
        s_die ("the log");
    s_server.at += (off_t)size;
    for (size_t n = 0; n < s_server.count; n++) {
        zmq_msg_t ack;
        zmq_msg_init_size (&ack, 16);
        memset (zmq_msg_data (&ack), 0, 16);
        s_answer (&s_server.authors[n], &ack);
    }
    if (s_server.push)
        s_push ();
    s_server.count = 0;
    s_server.size = COUNT;
}

int main (int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[2] : "";
    bool echo = strcmp (mode, "echo") == 0;
    int words = echo ? 3 : 4;
    bool known = echo || strcmp (mode, "store") == 0 || strcmp (mode, "full") == 0;
    bool curve = argc == words + 1 && strcmp (argv[words], "curve") == 0;
    if (!known || argc < words || (argc > words && !curve)) {
        fprintf (stderr, "usage: zchat-bench-zmq PORT echo|store FILE|full FILE [curve]\n");
        return 2;
    }
    s_server.echo = echo;
    s_server.push = *mode == 'f';
    s_server.bytes = malloc (TURN * 1024 + TEXT);
    s_server.size = COUNT;
    if (!s_server.bytes)
        s_die ("memory");
    if (!echo)
        s_open_log (argv[3]);
    s_bind (argv[1], curve);
    zmq_pollitem_t item = {.socket = s_server.socket, .events = ZMQ_POLLIN};
    for (;;) {
        zmq_poll (&item, 1, -1);
        while (s_take ())
            ;
        s_commit ();
    }
}
