// restart: fill, stop, start, ask for a record. And `first`, which asks a server that somebody else
// starts until it answers.

#include "tests/bench/fail.h"
#include "tests/bench/fill.h"
#include "tests/bench/modes.h"
#include "tests/bench/zchat.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// In a process of its own, since a refusal ends it. Does not return.
static _Noreturn void s_try (run_t *parent)
{
    run_t run;
    link_t link;
    int null = open ("/dev/null", O_WRONLY);
    dup2 (null, STDERR_FILENO);
    run_init (&run, parent->options);
    run_aim (&run, parent->options->group);
    run_open (&run, &link, 1, false);
    if (run.protocol->page) {
        page_expect (&run);
        run.protocol->page (&link, (int64_t)run.options->from, 1);
        link_flush (&link);
        _exit (page_wait (&run) > 0 ? 0 : 1);
    }
    run_send (&link, 0);
    link_flush (&link);
    while (run.acks == 0)
        run_step (&run, 100);
    _exit (0);
}

static bool s_answers (run_t *run)
{
    int status = -1;
    fflush (NULL);
    pid_t child = fork ();
    if (child < 0)
        fail ("fork: %s", "no process");
    if (child == 0)
        s_try (run);
    while (waitpid (child, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0;
}

void mode_first (run_t *run, own_group_t *own, result_t *result)
{
    const struct timespec pause = {.tv_nsec = 500000};
    cost_t cost = cost_begin (run);
    if (own)
        fail ("first is for a server that somebody else starts: --group");
    while (!s_answers (run)) {
        nanosleep (&pause, NULL);
        if (cost_seconds (&cost) > 300)
            fail ("no answer in 300 s");
    }
    result_number (result, "first_answer_s", cost_seconds (&cost), "s");
}

static double s_restart (run_t *run, own_group_t *own)
{
    link_t link;
    uint64_t begin = run_clock ();
    own_group_launch (own);
    own_group_await (own);
    run_aim (run, own_group_endpoint (own));
    run->pid = own_group_pid (own);
    run_open (run, &link, 1, false);
    page_expect (run);
    zchat_page (&link, ZCHAT_SEQ, 0, 1);
    link_flush (&link);
    if (page_wait (run) == 0)
        fail ("the group came back without records");
    double seconds = (double)(run_clock () - begin) / 1e9;
    link_close (&link);
    return seconds;
}

void mode_restart (run_t *run, own_group_t *own, result_t *result)
{
    const options_t *options = run->options;
    uint64_t count = options->fill ? options->fill : 100000;
    double scanned;
    if (!own)
        fail ("restart is for an own group, not with --group");
    result_number (result, "messages", (double)count, "");
    result_number (result, "fill_rate", (double)count / fill (run, count), "acks/s");
    uint64_t begin = run_clock ();
    own_group_stop (own, options->kill ? SIGKILL : SIGTERM);
    result_number (result, "stop_s", (double)(run_clock () - begin) / 1e9, "s");
    double bytes = own_group_disk_bytes (own);
    result_text (result, "how", options->kill ? "killed" : "stopped");
    result_number (result, "first_answer_s", s_restart (run, own), "s");
    result_number (result, "disk_bytes_per_message", bytes / (double)count, "bytes");
    cost_t cost = cost_begin (run);
    uint64_t records = scan_all (run, &scanned);
    if (records < count)
        fail ("%llu messages were acknowledged, %llu records came back", (unsigned long long)count,
              (unsigned long long)records);
    result_number (result, "log_bytes_per_message", (double)run->batch_bytes / (double)count,
                   "bytes");
    result_number (result, "scan_rate", (double)records / scanned, "records/s");
    result_cost (result, &cost, run, (double)records, "server_cpu_s_per_million");
}
