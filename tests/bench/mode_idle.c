// idle: connections that only stay. What each costs the server in memory, and what all cost in CPU.

#include "tests/bench/fail.h"
#include "tests/bench/modes.h"
#include "tests/bench/process.h"

#include <stdlib.h>

void mode_idle (run_t *run, own_group_t *own, result_t *result)
{
    size_t members = run->options->members;
    link_t *links = must_alloc (members, sizeof (*links));
    (void)own;
    if (run->pid <= 0)
        fail ("whose memory? name the server's process with --pid");
    double rss = process_rss (run->pid);
    double pss = process_pss (run->pid);
    cost_t cost = cost_begin (run);
    run_open (run, links, members, true);
    double opened = cost_seconds (&cost);
    run_keep (run, links, members);
    cost_t silent = cost_begin (run);
    run_settle (run, run->options->warm);
    double silent_cpu = process_cpu (run->pid) - silent.server;
    silent_cpu /= cost_seconds (&silent);
    result_number (result, "members", (double)members, "");
    result_number (result, "open_seconds", opened, "s");
    result_number (result, "rss_per_member_kb", (process_rss (run->pid) - rss) / (double)members,
                   "KiB");
    result_number (result, "pss_per_member_kb", (process_pss (run->pid) - pss) / (double)members,
                   "KiB");
    result_number (result, "silent_cpu", silent_cpu, "of a core");
    result_number (result, "server_descriptors", process_descriptors (run->pid), "");
    result_cost (result, &cost, run, (double)members, "server_cpu_s_per_million");
    run_keep (run, NULL, 0);
    for (size_t n = 0; n < members; n++)
        link_close (&links[n]);
    free (links);
}
