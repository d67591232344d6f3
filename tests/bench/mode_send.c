// send: clients with a window each, as fast as they are answered or at a rate. At a rate a send's
// time is when it was due, so a server that stalls is not flattered by senders that wait for it.

#include "tests/bench/fail.h"
#include "tests/bench/fill.h"
#include "tests/bench/modes.h"

#include <stdlib.h>

static struct {
    link_t *links;
    histogram_t latency;
    bool measuring;
    uint64_t begin; // of the schedule, ns
    uint64_t due;   // sends whose time has come, and went out
} s_send;

static void s_acked (link_t *link, uint64_t index)
{
    if (s_send.measuring)
        histogram_add (&s_send.latency, link->run->now - link->times[index & link->mask]);
    if (link->run->options->rate == 0)
        run_send (link, link->run->now);
}

// At a rate: all whose time has come, round the clients that have room.
static void s_ticked (run_t *run)
{
    double rate = run->options->rate;
    size_t clients = run->options->clients;
    uint64_t target = (uint64_t)((double)(run->now - s_send.begin) * rate / 1e9);
    while (s_send.due < target) {
        link_t *link = &s_send.links[s_send.due % clients];
        if (link->sent - link->acked >= run->options->window)
            return; // it is late, and its time counts
        run_send (link, s_send.begin + (uint64_t)((double)s_send.due * 1e9 / rate));
        link_flush (link);
        s_send.due++;
    }
}

static void s_start (run_t *run)
{
    const options_t *options = run->options;
    s_send.begin = run_clock ();
    if (options->rate > 0) {
        double period = 1e9 / options->rate;
        run->ticked = s_ticked;
        run_start_timer (run, (uint64_t)(period < 50000 ? 50000 : period > 1e6 ? 1e6 : period));
        return;
    }
    for (size_t n = 0; n < options->clients; n++) {
        for (size_t sent = 0; sent < options->window; sent++)
            run_send (&s_send.links[n], run_clock ());
        link_flush (&s_send.links[n]);
    }
}

// What a message takes in the log, its share of the batch's head included.
static void s_bytes (run_t *run, result_t *result)
{
    double seconds;
    run->acked = NULL; // the last ones under way
    uint64_t records = scan_all (run, &seconds);
    result_number (result, "log_bytes_per_message", (double)run->batch_bytes / (double)records,
                   "bytes");
}

void mode_send (run_t *run, own_group_t *own, result_t *result)
{
    const options_t *options = run->options;
    s_send.links = must_alloc (options->clients, sizeof (*s_send.links));
    run_open (run, s_send.links, options->clients, false);
    for (size_t n = 0; n < options->clients; n++)
        link_set_window (&s_send.links[n], options->window);
    run_keep (run, s_send.links, options->clients);
    run->acked = s_acked;
    s_start (run);
    run_for (run, options->warm);
    s_send.measuring = true;
    uint64_t before = run->acks;
    cost_t cost = cost_begin (run);
    run_for (run, options->seconds);
    double acks = (double)(run->acks - before);
    double seconds = cost_seconds (&cost);
    if (acks == 0)
        fail ("nothing was answered");
    result_number (result, "clients", (double)options->clients, "");
    result_number (result, "window", (double)options->window, "");
    result_number (result, "size", (double)options->size, "bytes");
    result_number (result, "acks", acks, "");
    result_number (result, "rate", acks / seconds, "acks/s");
    result_latency (result, "", &s_send.latency);
    result_cost (result, &cost, run, acks, "server_cpu_s_per_million");
    run_stop_timer (run);
    if (own && run->protocol == &protocol_zchat)
        s_bytes (run, result);
}
