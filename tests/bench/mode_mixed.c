// mixed: senders at a rate, readers who follow, members who page through the history, and a reader
// who reads everything from the beginning again and again (of this group, or as a control of
// another). Each text says when it was sent, so a reader knows how long it took.

#include "tests/bench/fail.h"
#include "tests/bench/fill.h"
#include "tests/bench/modes.h"
#include "tests/bench/zchat.h"

#include <stdlib.h>
#include <string.h>

static struct {
    link_t *senders;
    link_t *readers;
    link_t *pagers;
    link_t behind;
    run_t other; // of the control
    histogram_t acks;
    histogram_t deliveries;
    histogram_t pages;
    bool measuring;
    uint64_t begin;
    uint64_t due;
    uint64_t behind_end; // the sequence at which the reader who lags begins anew
    uint64_t behind_read;
    double from;
    double to;
} s_mixed;

static void s_acked (link_t *link, uint64_t index)
{
    if (s_mixed.measuring)
        histogram_add (&s_mixed.acks, link->run->now - link->times[index & link->mask]);
    if (link->run->options->rate == 0)
        run_send (link, link->run->now);
}

static void s_stamped (link_t *link, uint64_t sent)
{
    if (s_mixed.measuring && link->run->now > sent && link != &s_mixed.behind)
        histogram_add (&s_mixed.deliveries, link->run->now - sent);
}

static void s_ask (link_t *link)
{
    int64_t time = (int64_t)(s_mixed.from + (s_mixed.to - s_mixed.from) * 0.9 * drand48 ());
    link->asked_at = run_clock ();
    zchat_page (link, ZCHAT_TIME, (uint64_t)time, (unsigned)link->run->options->limit);
    link_flush (link);
}

static void s_answered (link_t *link, uint64_t records)
{
    (void)records;
    if (s_mixed.measuring)
        histogram_add (&s_mixed.pages, link->run->now - link->asked_at);
    s_ask (link);
}

static void s_ticked (run_t *run)
{
    double rate = run->options->rate;
    uint64_t target = (uint64_t)((double)(run->now - s_mixed.begin) * rate / 1e9);
    while (s_mixed.due < target) {
        link_t *link = &s_mixed.senders[s_mixed.due % run->options->clients];
        if (link->sent - link->acked >= 1024)
            return;
        run_send (link, s_mixed.begin + (uint64_t)((double)(s_mixed.due + 1) * 1e9 / rate));
        link_flush (link);
        s_mixed.due++;
    }
}

// The reader who lags: at the end it begins anew.
static void s_lag (link_t *link, uint64_t count)
{
    zchat_t *reader = link->state;
    if (link != &s_mixed.behind)
        return;
    s_mixed.behind_read += s_mixed.measuring ? count : 0;
    if (reader->cursor > s_mixed.behind_end)
        zchat_follow_from (link, 1);
}

static void s_step_other (run_t *run)
{
    (void)run;
    run_step (&s_mixed.other, 0);
}

static void s_open_behind (run_t *run)
{
    const options_t *options = run->options;
    run_t *from = run;
    if (options->behind_at) {
        run_init (&s_mixed.other, options);
        run_aim (&s_mixed.other, options->behind_at);
        s_mixed.other.delivered = s_lag;
        run->stepped = s_step_other;
        from = &s_mixed.other;
    }
    run_open (from, &s_mixed.behind, 1, true);
    s_mixed.behind_end = ((zchat_t *)s_mixed.behind.state)->first_seq - 1;
    zchat_follow_from (&s_mixed.behind, 1);
    link_flush (&s_mixed.behind);
}

static void s_open (run_t *run)
{
    const options_t *options = run->options;
    s_mixed.senders = must_alloc (options->clients, sizeof (link_t));
    s_mixed.readers = must_alloc (options->readers, sizeof (link_t));
    s_mixed.pagers = must_alloc (options->pagers, sizeof (link_t));
    run_open (run, s_mixed.senders, options->clients, false);
    run_open (run, s_mixed.pagers, options->pagers, false);
    for (size_t n = 0; n < options->clients; n++)
        link_set_window (&s_mixed.senders[n], 1024);
    if (options->pagers > 0)
        stored_between (run, &s_mixed.pagers[0], &s_mixed.from, &s_mixed.to);
    run_open (run, s_mixed.readers, options->readers, true);
    run_settle (run, 0.2);
    run->stamped = s_stamped;
    run->acked = s_acked;
    run->delivered = s_lag;
    run->answered = s_answered;
    run_keep (run, s_mixed.readers, options->readers);
}

static void s_start (run_t *run)
{
    const options_t *options = run->options;
    for (size_t n = 0; n < options->pagers; n++)
        s_ask (&s_mixed.pagers[n]);
    s_mixed.begin = run_clock ();
    if (options->rate > 0) {
        double period = 1e9 / options->rate;
        run->ticked = s_ticked;
        run_start_timer (run, (uint64_t)(period < 50000 ? 50000 : period > 1e6 ? 1e6 : period));
        return;
    }
    for (size_t n = 0; n < options->clients; n++) {
        for (size_t sent = 0; sent < options->window; sent++)
            run_send (&s_mixed.senders[n], run_clock ());
        link_flush (&s_mixed.senders[n]);
    }
}

static void s_tell (run_t *run, result_t *result, const cost_t *cost, double deliveries)
{
    const options_t *options = run->options;
    double seconds = cost_seconds (cost);
    result_number (result, "clients", (double)options->clients, "");
    result_number (result, "readers", (double)options->readers, "");
    result_number (result, "pagers", (double)options->pagers, "");
    result_number (result, "acks", (double)s_mixed.acks.count / seconds, "/s");
    if (!options->behind_at)
        deliveries -= (double)s_mixed.behind_read;
    result_number (result, "rate", deliveries / seconds, "deliveries/s");
    result_latency (result, "ack_", &s_mixed.acks);
    result_latency (result, "", &s_mixed.deliveries);
    if (options->pagers > 0) {
        result_number (result, "pages", (double)s_mixed.pages.count / seconds, "/s");
        result_latency (result, "page_", &s_mixed.pages);
    }
    if (options->behind || options->behind_at)
        result_number (result, "behind_rate", (double)s_mixed.behind_read / seconds, "records/s");
    result_cost (result, cost, run, deliveries, "server_cpu_s_per_million");
}

void mode_mixed (run_t *run, own_group_t *own, result_t *result)
{
    const options_t *options = run->options;
    (void)own;
    if (run->protocol != &protocol_zchat || options->size < 16)
        fail ("mixed is for zchat, with --size 16 or more");
    if (options->fill > 0)
        result_number (result, "fill_rate", (double)options->fill / fill (run, options->fill),
                       "acks/s");
    s_open (run);
    if (options->behind || options->behind_at)
        s_open_behind (run);
    s_start (run);
    run_for (run, options->warm);
    s_mixed.measuring = true;
    uint64_t before = run->deliveries;
    cost_t cost = cost_begin (run);
    run_for (run, options->seconds);
    s_tell (run, result, &cost, (double)(run->deliveries - before));
    run_stop_timer (run);
}
