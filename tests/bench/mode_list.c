// list: groups announce themselves at a registry and renew that as groups do; then clients ask for
// the whole list, all at once, again and again.

#include "tests/bench/fail.h"
#include "tests/bench/modes.h"

#include <stdlib.h>

#define LEASE_NS UINT64_C (10000000000) // the registry's default

static struct {
    link_t *groups;
    link_t *clients;
    size_t next;     // group to renew
    uint64_t begin;  // of the round, ns
    size_t answered; // in it
    histogram_t latency;
    uint64_t lists;
} s_list;

// One group's turn: each comes three times in a lease.
static void s_ticked (run_t *run)
{
    link_t *link = &s_list.groups[s_list.next++ % run->options->groups];
    run_send (link, 0);
    link_flush (link);
}

static void s_announce (run_t *run)
{
    size_t count = run->options->groups;
    s_list.groups = must_alloc (count, sizeof (*s_list.groups));
    run_open (run, s_list.groups, count, false);
    for (size_t n = 0; n < count; n++) {
        run_send (&s_list.groups[n], 0);
        link_flush (&s_list.groups[n]);
    }
    for (uint64_t since = run_clock (); run->acks < count; run_step (run, 100))
        if (run_clock () - since > UINT64_C (60000000000))
            fail ("only %llu of %zu groups were registered in 60 s", (unsigned long long)run->acks,
                  count);
    run->ticked = s_ticked;
    run_start_timer (run, LEASE_NS / 3 / count);
}

static void s_answered (link_t *link, uint64_t records)
{
    const options_t *options = link->run->options;
    if (records < options->groups)
        fail ("%llu groups are listed of %zu", (unsigned long long)records, options->groups);
    histogram_add (&s_list.latency, link->run->now - s_list.begin);
    s_list.answered++;
    s_list.lists++;
}

// All ask at once; over when all have the whole list.
static void s_round (run_t *run)
{
    size_t count = run->options->clients;
    s_list.answered = 0;
    s_list.begin = run_clock ();
    for (size_t n = 0; n < count; n++) {
        run->protocol->page (&s_list.clients[n], 0, 0);
        link_flush (&s_list.clients[n]);
    }
    while (s_list.answered < count) {
        run_step (run, 100);
        if (run_clock () - s_list.begin > UINT64_C (60000000000))
            fail ("only %zu of %zu lists came in 60 s", s_list.answered, count);
    }
}

static void s_rounds (run_t *run, result_t *result)
{
    const options_t *options = run->options;
    size_t rounds = 0;
    cost_t cost = cost_begin (run);
    run->batch_bytes = 0;
    do {
        s_round (run);
        rounds++;
    } while (cost_seconds (&cost) < options->seconds);
    result_number (result, "rounds", (double)rounds, "");
    result_number (result, "list_bytes", (double)run->batch_bytes / (double)s_list.lists, "bytes");
    result_number (result, "rate", (double)s_list.lists / cost_seconds (&cost), "lists/s");
    result_latency (result, "", &s_list.latency);
    result_cost (result, &cost, run, (double)s_list.lists, "server_cpu_s_per_million");
}

void mode_list (run_t *run, own_group_t *own, result_t *result)
{
    const options_t *options = run->options;
    if (own || run->protocol != &protocol_registry || options->groups < 1)
        fail ("list is for a running registry: --group ENDPOINT --protocol registry");
    uint64_t begin = run_clock ();
    s_announce (run);
    result_number (result, "groups", (double)options->groups, "");
    result_number (result, "clients", (double)options->clients, "");
    result_number (result, "announce_s", (double)(run_clock () - begin) / 1e9, "s");
    s_list.clients = must_alloc (options->clients, sizeof (*s_list.clients));
    run_open (run, s_list.clients, options->clients, false);
    run->answered = s_answered;
    cost_t renewals = cost_begin (run);
    run_for (run, options->warm);
    cost_t now = cost_begin (run);
    result_number (result, "renewals_cpu",
                   (now.server - renewals.server) / cost_seconds (&renewals), "of a core");
    s_rounds (run, result);
    run_stop_timer (run);
}
