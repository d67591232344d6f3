// fanout: one sends, every reader gets each message. As fast as a window of messages that not all
// readers have allows, or at a rate. The n-th delivery on a connection is the n-th message.

#include "tests/bench/fail.h"
#include "tests/bench/modes.h"

#include <stdlib.h>

#define TIMES (UINT64_C (1) << 20)

static struct {
    link_t sender;
    link_t *readers;
    uint64_t *times; // of the messages, a ring
    uint64_t begin;
    uint64_t base;    // deliveries before the first message
    uint32_t *counts; // readers that have it; the same ring
    histogram_t latency;
    histogram_t last; // until the last one has it
    bool measuring;
} s_fanout;

static void s_delivered (link_t *link, uint64_t count)
{
    for (uint64_t n = link->got; n < link->got + count; n++) {
        uint64_t took = link->run->now - s_fanout.times[n & (TIMES - 1)];
        bool last = ++s_fanout.counts[n & (TIMES - 1)] == link->run->options->readers;
        if (!s_fanout.measuring)
            continue;
        histogram_add (&s_fanout.latency, took);
        if (last)
            histogram_add (&s_fanout.last, took);
    }
}

// What a session may have unanswered.
static bool s_may_send (const link_t *sender)
{
    return sender->run->protocol->silent || sender->sent - sender->acked < 1024;
}

static void s_message (uint64_t when)
{
    s_fanout.times[s_fanout.sender.sent & (TIMES - 1)] = when;
    s_fanout.counts[s_fanout.sender.sent & (TIMES - 1)] = 0;
    run_send (&s_fanout.sender, when);
}

static void s_stepped (run_t *run)
{
    const options_t *options = run->options;
    uint64_t delivered = run->deliveries - s_fanout.base;
    link_t *sender = &s_fanout.sender;
    while ((sender->sent + 1) * options->readers <=
               delivered + options->window * options->readers &&
           s_may_send (sender))
        s_message (run->now);
    link_flush (sender);
}

static void s_ticked (run_t *run)
{
    double rate = run->options->rate;
    link_t *sender = &s_fanout.sender;
    uint64_t target = (uint64_t)((double)(run->now - s_fanout.begin) * rate / 1e9);
    while (sender->sent < target && s_may_send (sender))
        s_message (s_fanout.begin + (uint64_t)((double)(sender->sent + 1) * 1e9 / rate));
    link_flush (sender);
}

static void s_open (run_t *run)
{
    const options_t *options = run->options;
    s_fanout.readers = must_alloc (options->readers, sizeof (*s_fanout.readers));
    s_fanout.times = must_alloc (TIMES, sizeof (*s_fanout.times));
    s_fanout.counts = must_alloc (TIMES, sizeof (*s_fanout.counts));
    run_open (run, &s_fanout.sender, 1, false);
    run_open (run, s_fanout.readers, options->readers, true);
    run_keep (run, s_fanout.readers, options->readers);
    run_settle (run, 0.3);
    for (size_t n = 0; n < options->readers; n++)
        s_fanout.readers[n].got = 0;
    s_fanout.base = run->deliveries;
    s_fanout.begin = run_clock ();
}

void mode_fanout (run_t *run, own_group_t *own, result_t *result)
{
    const options_t *options = run->options;
    (void)own;
    s_open (run);
    run->delivered = s_delivered;
    if (options->rate > 0) {
        double period = 1e9 / options->rate;
        run->ticked = s_ticked;
        run_start_timer (run, (uint64_t)(period < 50000 ? 50000 : period));
    } else
        run->stepped = s_stepped;
    run_for (run, options->warm);
    s_fanout.measuring = true;
    uint64_t sent = s_fanout.sender.sent;
    uint64_t before = run->deliveries;
    cost_t cost = cost_begin (run);
    run_for (run, options->seconds);
    double deliveries = (double)(run->deliveries - before);
    double seconds = cost_seconds (&cost);
    if (deliveries == 0)
        fail ("nothing was delivered");
    result_number (result, "readers", (double)options->readers, "");
    result_number (result, "window", options->rate > 0 ? 0 : (double)options->window, "");
    result_number (result, "size", (double)options->size, "bytes");
    result_number (result, "messages", (double)(s_fanout.sender.sent - sent) / seconds, "/s");
    result_number (result, "rate", deliveries / seconds, "deliveries/s");
    result_latency (result, "", &s_fanout.latency);
    result_latency (result, "last_", &s_fanout.last);
    result_cost (result, &cost, run, deliveries, "server_cpu_s_per_million");
    run_stop_timer (run);
}
