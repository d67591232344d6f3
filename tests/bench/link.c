#include "tests/bench/link.h"

#include "tests/bench/fail.h"
#include "tests/bench/run.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_ROOM (4u << 20) // bytes read at once, with what was left over

void link_connect (link_t *self, const char *host, uint16_t port)
{
    char service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    snprintf (service, sizeof (service), "%u", port);
    if (getaddrinfo (host, service, &hints, &found) != 0 || !found)
        fail ("%s: no such host", host);
    self->fd = socket (found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (self->fd < 0)
        fail ("socket: %s (raise the limit with ulimit -n)", strerror (errno));
    const int on = 1;
    const struct timeval patience = {.tv_sec = 20};
    setsockopt (self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof (on));
    setsockopt (self->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof (patience));
    setsockopt (self->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof (patience));
    if (connect (self->fd, found->ai_addr, found->ai_addrlen) < 0)
        fail ("connect to %s:%u: %s", host, port, strerror (errno));
    freeaddrinfo (found);
}

void link_write_all (link_t *self, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t count = send (self->fd, at, size, MSG_NOSIGNAL);
        if (count <= 0)
            fail ("handshake: send: %s", strerror (errno));
        at += count;
        size -= (size_t)count;
    }
}

void link_read_all (link_t *self, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t count = recv (self->fd, at, size, 0);
        if (count <= 0)
            fail ("handshake: %s", count == 0 ? "the server hung up" : strerror (errno));
        at += count;
        size -= (size_t)count;
    }
}

size_t link_read_line (link_t *self, char *out, size_t room)
{
    size_t size = 0;
    do
        link_read_all (self, out + size, 1);
    while (out[size++] != '\n' && size < room - 1);
    out[size] = 0;
    return size;
}

void link_listen (link_t *self)
{
    fcntl (self->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = self};
    if (epoll_ctl (self->run->epoll, EPOLL_CTL_ADD, self->fd, &event) < 0)
        fail ("epoll: %s", strerror (errno));
    link_flush (self);
}

uint8_t *link_room (link_t *self, size_t size)
{
    if (self->out_size + size > self->out_room) {
        self->out_room = (self->out_size + size) * 2;
        self->out = must_grow (self->out, self->out_room);
    }
    uint8_t *room = self->out + self->out_size;
    self->out_size += size;
    return room;
}

void link_put (link_t *self, const void *data, size_t size)
{
    memcpy (link_room (self, size), data, size);
}

void link_flush (link_t *self)
{
    if (self->held_count > 0)
        self->run->protocol->pack (self);
    while (self->out_at < self->out_size) {
        ssize_t count = send (self->fd, self->out + self->out_at, self->out_size - self->out_at,
                              MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN)
            break;
        if (count < 0)
            fail ("send: %s", strerror (errno));
        self->out_at += (size_t)count;
    }
    bool wants = self->out_at < self->out_size;
    if (!wants)
        self->out_at = self->out_size = 0;
    if (wants == self->armed)
        return;
    struct epoll_event event = {.events = EPOLLIN | (wants ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = self};
    epoll_ctl (self->run->epoll, EPOLL_CTL_MOD, self->fd, &event);
    self->armed = wants;
}

static void s_keep (link_t *self, const uint8_t *rest, size_t size)
{
    if (size > self->in_room) {
        self->in_room = size * 2;
        self->in = must_grow (self->in, self->in_room);
    }
    if (size > 0)
        memcpy (self->in, rest, size);
    self->in_size = size;
}

void link_pull (link_t *self)
{
    static uint8_t bytes[READ_ROOM];
    size_t had = self->in_size;
    if (had > 0)
        memcpy (bytes, self->in, had);
    ssize_t count = recv (self->fd, bytes + had, sizeof (bytes) - had, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0)
        fail ("connection %u: %s", self->id, count == 0 ? "the server hung up" : strerror (errno));
    run_tick (self->run);
    size_t size = had + (size_t)count;
    size_t used = self->run->protocol->take (self, bytes, size);
    if (used == 0 && size == sizeof (bytes))
        fail ("connection %u: a message of more than %zu bytes", self->id, size);
    s_keep (self, bytes + used, size - used);
}

void link_set_window (link_t *self, size_t window)
{
    size_t size = 1;
    while (size < window)
        size *= 2;
    self->times = must_alloc (size, sizeof (*self->times));
    self->mask = size - 1;
}

void link_close (link_t *self)
{
    close (self->fd);
    free (self->in);
    free (self->out);
    free (self->held_rows);
    free (self->times);
    free (self->state);
    *self = (link_t){.fd = -1};
}

void link_cut (link_t *self)
{
    close (self->fd);
    self->fd = -1;
    self->in_size = self->out_at = self->out_size = 0;
    self->ready = self->armed = self->hailed = false;
}
