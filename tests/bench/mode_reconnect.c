// reconnect: members lose their connections all at once and come back, again and again, while one
// sends and others stay. Over when each follows again and has every message that was sent
// meanwhile.

#include "tests/bench/fail.h"
#include "tests/bench/modes.h"
#include "tests/bench/zchat.h"

#include <stdlib.h>

#define TIMES     (UINT64_C (1) << 16)
#define LATEST_NS UINT64_C (60000000000)

enum { RATE = 100 }; // messages a second

static struct {
    link_t sender;
    link_t *links;         // those who come back, and behind them those who stay
    uint64_t times[TIMES]; // ns, when each message was due
    uint64_t begin;        // of the schedule, ns
    uint64_t due;          // messages of it that went out
    histogram_t follow;    // until all follow again
    histogram_t whole;     // until all have everything
    histogram_t stayed;    // a message's way to those who stayed
    bool storm;
} s_reconnect;

static void s_delivered (link_t *link, uint64_t count)
{
    bool stays = link->id > 1 + link->run->options->members; // see s_begin
    if (!s_reconnect.storm || !stays)
        return;
    for (uint64_t n = link->got; n < link->got + count; n++)
        histogram_add (&s_reconnect.stayed, link->run->now - s_reconnect.times[n & (TIMES - 1)]);
}

static void s_message (uint64_t due)
{
    link_t *sender = &s_reconnect.sender;
    s_reconnect.times[sender->sent & (TIMES - 1)] = due;
    run_send (sender, due);
    link_flush (sender);
}

static void s_ticked (run_t *run)
{
    const link_t *sender = &s_reconnect.sender;
    double rate = run->options->rate > 0 ? run->options->rate : RATE;
    uint64_t target = (uint64_t)((double)(run->now - s_reconnect.begin) * rate / 1e9);
    while (s_reconnect.due < target && sender->sent - sender->acked < 1024)
        s_message (s_reconnect.begin + (uint64_t)((double)++s_reconnect.due * 1e9 / rate));
}

// Until each has so many messages.
static void s_await (run_t *run, const link_t *links, size_t count, uint64_t messages)
{
    uint64_t since = run_clock ();
    for (size_t n = 0; n < count; n++)
        while (links[n].got < messages) {
            run_step (run, 10);
            if (run->now - since > LATEST_NS)
                fail ("connection %u has %llu of %llu messages", links[n].id,
                      (unsigned long long)links[n].got, (unsigned long long)messages);
        }
}

static void s_storm (run_t *run)
{
    size_t count = run->options->members;
    link_t *members = s_reconnect.links;
    uint64_t begin = run_clock ();
    uint64_t target = run->ready + count;
    for (size_t n = 0; n < count; n++)
        link_cut (&members[n]);
    s_message (run_clock ()); // what all of them miss for now
    uint64_t missed = s_reconnect.sender.sent;
    for (size_t n = 0; n < count; n++) {
        link_connect (&members[n], run->host, run->port);
        zmtp_hail (&members[n], run->curve);
    }
    for (size_t n = 0; n < count; n++) {
        zchat_resume (&members[n]);
        if (n % 16 == 15)
            run_step (run, 0);
    }
    run_await_ready (run, target);
    histogram_add (&s_reconnect.follow, run_clock () - begin);
    s_await (run, members, count, s_reconnect.sender.acked);
    histogram_add (&s_reconnect.whole, run_clock () - begin);
    // It is over when those who stayed have it too: so each round tells of at least one.
    s_await (run, members + count, run->options->readers, missed);
}

static void s_begin (run_t *run)
{
    const options_t *options = run->options;
    size_t count = options->members + options->readers;
    s_reconnect.links = must_alloc (count, sizeof (link_t));
    run_open (run, &s_reconnect.sender, 1, false);
    run_open (run, s_reconnect.links, count, true);
    run_settle (run, 0.3);
    for (size_t n = 0; n < count; n++)
        s_reconnect.links[n].got = 0;
    run_keep (run, s_reconnect.links + options->members, options->readers);
    s_reconnect.begin = run_clock ();
    run->delivered = s_delivered;
    run->ticked = s_ticked;
    run_start_timer (run, 1000000);
}

// Nobody missed one, nobody has one twice.
static void s_end (run_t *run)
{
    size_t count = run->options->members + run->options->readers;
    link_t *sender = &s_reconnect.sender;
    run_stop_timer (run);
    uint64_t since = run_clock ();
    while (sender->acked < sender->sent && run_clock () - since < LATEST_NS)
        run_step (run, 10);
    s_await (run, s_reconnect.links, count, sender->sent);
    for (size_t n = 0; n < count; n++)
        if (s_reconnect.links[n].got != sender->sent)
            fail ("connection %u has more messages than were sent", s_reconnect.links[n].id);
}

void mode_reconnect (run_t *run, own_group_t *own, result_t *result)
{
    const options_t *options = run->options;
    (void)own;
    if (run->protocol != &protocol_zchat || options->members < 1)
        fail ("reconnect is for a group on its own wire, and --members");
    s_begin (run);
    run_for (run, options->warm);
    size_t rounds = 0;
    cost_t cost = cost_begin (run);
    do {
        s_reconnect.storm = true;
        s_storm (run);
        s_reconnect.storm = false;
        run_for (run, 0.2);
        rounds++;
    } while (cost_seconds (&cost) < options->seconds);
    s_end (run);
    result_number (result, "members", (double)options->members, "");
    result_number (result, "readers", (double)options->readers, "");
    result_number (result, "rounds", (double)rounds, "");
    result_latency (result, "follow_", &s_reconnect.follow);
    result_latency (result, "whole_", &s_reconnect.whole);
    result_latency (result, "stayed_", &s_reconnect.stayed);
    result_cost (result, &cost, run, (double)(rounds * options->members),
                 "server_cpu_s_per_million");
}
