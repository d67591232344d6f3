#include "tests/bench/run.h"

#include "common/endpoint.h"
#include "tests/bench/fail.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS      512
#define PROGRESS_NS UINT64_C (300000000)
#define RENEW_NS    UINT64_C (8000000000) // sessions last 30 s
#define STUCK_NS    UINT64_C (30000000000)

static volatile sig_atomic_t s_stopped;

static void s_on_signal (int number)
{
    s_stopped = number;
}

void run_catch_signals (void)
{
    struct sigaction action = {.sa_handler = s_on_signal};
    sigaction (SIGINT, &action, NULL);
    sigaction (SIGTERM, &action, NULL);
}

void run_init (run_t *self, const options_t *options)
{
    *self = (run_t){.options = options, .timer = -1};
    self->protocol = options->protocol;
    self->pid = options->pid;
    self->epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (self->epoll < 0)
        fail ("epoll: %s", strerror (errno));
    run_tick (self);
    self->pinged = self->now;
}

void run_aim (run_t *self, const char *text)
{
    endpoint_t endpoint;
    const char *wrong = endpoint_parse (&endpoint, text, strlen (text), ENDPOINT_CONNECT);
    if (wrong)
        fail ("%s: %s", text, wrong);
    snprintf (self->host, sizeof (self->host), "%s", endpoint.host);
    self->port = endpoint.port;
    self->curve = endpoint.has_key;
    memcpy (self->server_key, endpoint.key, sizeof (self->server_key));
}

uint64_t run_clock (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int64_t run_wall (void)
{
    struct timespec time;
    clock_gettime (CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

void run_tick (run_t *self)
{
    self->now = run_clock ();
}

static void s_tick_timer (run_t *self)
{
    uint64_t expirations;
    if (read (self->timer, &expirations, sizeof (expirations)) != sizeof (expirations))
        return;
    run_tick (self);
    if (self->ticked)
        self->ticked (self);
}

static void s_renew (run_t *self)
{
    if (!self->protocol->renew || self->now - self->pinged < RENEW_NS)
        return;
    self->pinged = self->now;
    for (size_t n = 0; n < self->all_count; n++) {
        self->protocol->renew (&self->all[n]);
        link_flush (&self->all[n]);
    }
}

void run_step (run_t *self, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait (self->epoll, events, EVENTS, timeout_ms);
    for (int n = 0; n < count; n++) {
        link_t *link = events[n].data.ptr;
        if (!link) {
            s_tick_timer (self);
            continue;
        }
        if (events[n].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            link_pull (link);
        if (link->held_count > 0 || link->out_size > link->out_at)
            link_flush (link);
    }
    run_tick (self);
    s_renew (self);
    if (self->stepped)
        self->stepped (self);
    if (s_stopped)
        fail ("stopped");
}

static void s_progress (const run_t *self, uint64_t *shown)
{
    const options_t *options = self->options;
    if (options->quiet || options->json || self->now - *shown < PROGRESS_NS ||
        !isatty (STDERR_FILENO))
        return;
    *shown = self->now;
    fprintf (stderr, "\r%llu acknowledged, %llu delivered ", (unsigned long long)self->acks,
             (unsigned long long)self->deliveries);
}

void run_for (run_t *self, double seconds)
{
    uint64_t end = run_clock () + (uint64_t)(seconds * 1e9);
    uint64_t shown = 0;
    while (self->now < end) {
        uint64_t left = (end - self->now) / 1000000 + 1;
        run_step (self, left < 100 ? (int)left : 100);
        s_progress (self, &shown);
    }
    if (shown)
        fputs ("\r\033[K", stderr);
}

void run_settle (run_t *self, double quiet)
{
    uint64_t seen;
    do {
        uint64_t end = run_clock () + (uint64_t)(quiet * 1e9);
        seen = self->deliveries;
        while (run_clock () < end)
            run_step (self, 10);
    } while (self->deliveries != seen);
}

void run_await_ready (run_t *self, uint64_t target)
{
    uint64_t seen = self->ready;
    uint64_t since = run_clock ();
    while (self->ready < target) {
        run_step (self, 100);
        if (self->ready != seen) {
            seen = self->ready;
            since = self->now;
        } else if (self->now - since > STUCK_NS)
            fail ("only %llu of %llu connections were answered", (unsigned long long)seen,
                  (unsigned long long)target);
    }
}

void run_open (run_t *self, link_t *links, size_t count, bool readers)
{
    uint64_t target = self->ready + count;
    for (size_t n = 0; n < count; n++) {
        link_t *link = &links[n];
        *link = (link_t){.run = self, .id = ++self->links, .reader = readers};
        link_connect (link, self->host, self->port);
        self->protocol->greet (link);
        link_listen (link);
        if (self->protocol->enter) {
            self->protocol->enter (link);
            link_flush (link);
        } else
            run_is_ready (link);
        if (n % 64 == 63)
            run_step (self, 0);
    }
    run_await_ready (self, target);
    if (readers)
        run_follow (self, links, count);
}

void run_follow (run_t *self, link_t *links, size_t count)
{
    if (!self->protocol->follow)
        return;
    uint64_t target = self->ready + count;
    for (size_t n = 0; n < count; n++) {
        links[n].ready = false;
        self->protocol->follow (&links[n]);
        link_flush (&links[n]);
        if (n % 64 == 63)
            run_step (self, 0);
    }
    run_await_ready (self, target);
}

void run_is_ready (link_t *link)
{
    if (link->ready)
        return;
    link->ready = true;
    link->run->ready++;
}

void run_start_timer (run_t *self, uint64_t period)
{
    struct itimerspec times = {.it_interval = {.tv_sec = (time_t)(period / 1000000000),
                                               .tv_nsec = (long)(period % 1000000000)}};
    times.it_value = times.it_interval;
    self->timer = timerfd_create (CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (self->timer < 0 || timerfd_settime (self->timer, 0, &times, NULL) < 0 ||
        epoll_ctl (self->epoll, EPOLL_CTL_ADD, self->timer, &event) < 0)
        fail ("timer: %s", strerror (errno));
}

void run_stop_timer (run_t *self)
{
    if (self->timer >= 0)
        close (self->timer);
    self->timer = -1;
}

void run_send (link_t *link, uint64_t when)
{
    if (link->times)
        link->times[link->sent & link->mask] = when;
    link->run->protocol->send (link);
    link->sent++;
}

void run_ack_index (link_t *link, uint64_t index)
{
    link->acked++;
    link->run->acks++;
    if (link->run->acked)
        link->run->acked (link, index);
}

void run_ack (link_t *link)
{
    run_ack_index (link, link->acked);
}

void run_deliver (link_t *link, uint64_t count)
{
    run_t *self = link->run;
    self->deliveries += count;
    if (self->delivered)
        self->delivered (link, count);
    link->got += count;
}

void run_answer (link_t *link, uint64_t records)
{
    if (link->run->answered)
        link->run->answered (link, records);
}

void run_keep (run_t *self, link_t *links, size_t count)
{
    self->all = links;
    self->all_count = count;
}
