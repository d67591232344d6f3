// zchat-bench: measures a zchat group, or a server that it is compared with.

#include "tests/bench/fail.h"
#include "tests/bench/modes.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const mode_row_t s_modes[] = {
    {"send", "clients send and wait for their acks: rate and latency", mode_send, false},
    {"fanout", "one sends, all readers follow: deliveries, each checked for its sequence",
     mode_fanout, false},
    {"history", "pages after a random time, and a scan of all", mode_history, false},
    {"idle", "memory of members who are connected and silent", mode_idle, false},
    {"restart", "fill, stop, start: time to the first answer; bytes of a message (own group)",
     mode_restart, false},
    {"mixed", "senders, readers and pagers at once; one reader far behind", mode_mixed, false},
    {"first", "waits for the first answer of a server that starts (--group)", mode_first, false},
    {"reconnect", "members lose their connections at once and come back, while one sends",
     mode_reconnect, false},
    {"list", "groups announce themselves at a registry, clients list them at once (--group)",
     mode_list, false},
    {"disk", "the limit: write and fdatasync of --size bytes into zeroed space", mode_disk, true},
};

const mode_row_t *modes_at (size_t index)
{
    return index < sizeof (s_modes) / sizeof (s_modes[0]) ? &s_modes[index] : NULL;
}

const mode_row_t *modes_named (const char *name)
{
    for (size_t n = 0; modes_at (n); n++)
        if (strcmp (modes_at (n)->name, name) == 0)
            return modes_at (n);
    return NULL;
}

static void s_allow_connections (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
}

int main (int argc, char **argv)
{
    options_t options;
    result_t result = {.count = 0};
    run_t run;
    options_parse (&options, argc, argv);
    if (sodium_init () < 0)
        fail ("libsodium cannot begin");
    signal (SIGPIPE, SIG_IGN);
    run_catch_signals ();
    s_allow_connections ();
    const mode_row_t *mode = modes_named (options.mode);
    run_init (&run, &options);
    result_text (&result, "mode", mode->name);
    own_group_t *own = NULL;
    if (!mode->serverless) {
        result_text (&result, "protocol", options.protocol->name);
        own = options.group ? NULL : own_group_new (&options);
        if (own)
            result_text (&result, "rate_limits", "off");
        run_aim (&run, own ? own_group_endpoint (own) : options.group);
        run.pid = own ? own_group_pid (own) : options.pid;
    }
    mode->measure (&run, own, &result);
    result_print (&result, options.json, stdout);
    return 0;
}
