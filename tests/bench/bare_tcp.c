// zchat-bench-tcp: the limit of any server on sockets: one thread, epoll, frames of 4 bytes of
// length and a body. What each promises is all it does.
//
//     zchat-bench-tcp PORT echo           bytes go back as they came
//     zchat-bench-tcp PORT fan            who says JOIN gets every frame of the others: one write a
//                                         reader for all that was read at once
//     zchat-bench-tcp PORT durable FILE   all that a turn read: one write and one fdatasync into
//     zeroed
//                                         space, then the acks (16 bytes each)

#include "tests/bench/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READERS = 20000, PARTIAL = 65536 + 4, CHUNK = 1 << 18, LOG = 4 << 20, ROOM = 64 << 20 };

typedef enum { ECHO, FAN, DURABLE } mode_kind_t;

typedef struct {
    int fd;
    bool member;
    uint32_t waiting; // frames that are to be acknowledged
    size_t size;      // of what is not whole
    uint8_t bytes[PARTIAL];
} peer_t;

static struct {
    mode_kind_t mode;
    int epoll;
    int listener;
    int file;
    off_t at;
    peer_t *members[READERS];
    size_t count;
    peer_t *waiting[READERS];
    size_t waiting_count;
    uint8_t log[LOG];
    size_t log_size;
} s_server;

static _Noreturn void s_die (const char *what)
{
    fprintf (stderr, "zchat-bench-tcp: %s: %s\n", what, strerror (errno));
    exit (1);
}

static void s_write (peer_t *peer, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t count = send (peer->fd, data, size, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) {
            usleep (50);
            continue;
        }
        if (count < 0)
            return;
        data += count;
        size -= (size_t)count;
    }
}

static void s_accept (void)
{
    const int on = 1;
    int fd;
    while ((fd = accept4 (s_server.listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        peer_t *peer = calloc (1, sizeof (*peer));
        if (!peer)
            s_die ("memory");
        peer->fd = fd;
        setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof (on));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
        epoll_ctl (s_server.epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void s_gone (peer_t *peer)
{
    for (size_t n = 0; n < s_server.count; n++)
        if (s_server.members[n] == peer)
            s_server.members[n--] = s_server.members[--s_server.count];
    close (peer->fd);
    free (peer);
}

// The whole frames at the front. Returns their bytes.
static size_t s_frames (peer_t *peer, const uint8_t *data, size_t size, uint32_t *frames)
{
    size_t used = 0;
    while (size - used >= 4 && size - used - 4 >= get_u32 (data + used)) {
        uint32_t length = get_u32 (data + used);
        used += 4 + length;
        if (s_server.mode == FAN && length == 4 && !peer->member) {
            peer->member = true;
            s_server.members[s_server.count++] = peer;
            continue;
        }
        *frames += 1;
    }
    return used;
}

static void s_keep (peer_t *peer, const uint8_t *data, size_t size, uint32_t frames)
{
    memcpy (s_server.log + s_server.log_size, data, size);
    s_server.log_size += size;
    peer->waiting = frames;
    s_server.waiting[s_server.waiting_count++] = peer;
}

static void s_read (peer_t *peer)
{
    static uint8_t bytes[CHUNK];
    memcpy (bytes, peer->bytes, peer->size);
    ssize_t count = recv (peer->fd, bytes + peer->size, sizeof (bytes) - peer->size, 0);
    if (count < 0 && errno == EAGAIN)
        return;
    if (count <= 0) {
        s_gone (peer);
        return;
    }
    size_t size = peer->size + (size_t)count;
    uint32_t frames = 0;
    size_t used = s_frames (peer, bytes, size, &frames);
    if (frames > 0 && s_server.mode == ECHO)
        s_write (peer, bytes, used);
    for (size_t n = 0; frames > 0 && s_server.mode == FAN && n < s_server.count; n++)
        s_write (s_server.members[n], bytes, used);
    if (frames > 0 && s_server.mode == DURABLE)
        s_keep (peer, bytes, used, frames);
    peer->size = size - used < PARTIAL ? size - used : 0;
    memcpy (peer->bytes, bytes + used, peer->size);
}

static void s_commit (void)
{
    static uint8_t acks[20 * 65536];
    if (s_server.waiting_count == 0)
        return;
    if (s_server.at + (off_t)s_server.log_size > ROOM)
        s_server.at = 0;
    if (pwrite (s_server.file, s_server.log, s_server.log_size, s_server.at) < 0 ||
        fdatasync (s_server.file) < 0)
        s_die ("the log");
    s_server.at += (off_t)s_server.log_size;
    for (size_t n = 0; n < s_server.waiting_count; n++) {
        peer_t *peer = s_server.waiting[n];
        uint32_t count = peer->waiting < 65536 ? peer->waiting : 65536;
        for (uint32_t ack = 0; ack < count; ack++)
            put_u32 (acks + 20 * ack, 16);
        s_write (peer, acks, 20 * count);
    }
    s_server.waiting_count = s_server.log_size = 0;
}

static void s_open_log (const char *path)
{
    s_server.file = open (path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (off_t at = 0; at < ROOM; at += LOG)
        if (pwrite (s_server.file, s_server.log, LOG, at) != LOG)
            s_die (path);
    if (fsync (s_server.file) < 0)
        s_die (path);
}

static void s_listen (uint16_t port)
{
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons (port),
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    s_server.listener = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt (s_server.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof (on));
    if (bind (s_server.listener, (void *)&address, sizeof (address)) < 0 ||
        listen (s_server.listener, 4096) < 0)
        s_die ("listen");
    s_server.epoll = epoll_create1 (0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl (s_server.epoll, EPOLL_CTL_ADD, s_server.listener, &event);
}

static void s_turn (void)
{
    struct epoll_event events[512];
    int count = epoll_wait (s_server.epoll, events, 512, -1);
    for (int n = 0; n < count; n++) {
        if (events[n].data.ptr)
            s_read (events[n].data.ptr);
        else
            s_accept ();
        if (s_server.log_size > LOG - CHUNK)
            s_commit ();
    }
    s_commit ();
}

int main (int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[2] : "";
    bool known = strcmp (mode, "echo") == 0 || strcmp (mode, "fan") == 0;
    if (!known && (strcmp (mode, "durable") != 0 || argc != 4)) {
        fprintf (stderr, "usage: zchat-bench-tcp PORT echo|fan|durable FILE\n");
        return 2;
    }
    s_server.mode = !known ? DURABLE : *mode == 'e' ? ECHO : FAN;
    signal (SIGPIPE, SIG_IGN);
    if (s_server.mode == DURABLE)
        s_open_log (argv[3]);
    s_listen ((uint16_t)atoi (argv[1]));
    for (;;)
        s_turn ();
}
