// history: one client asks for the first records after a random time, one page after the other;
// then everything is read once.

#include "tests/bench/fail.h"
#include "tests/bench/fill.h"
#include "tests/bench/modes.h"

#include <stdlib.h>
#include <string.h>

// A time before which nine tenths of what is stored lies at most: so a page is always full.
static int64_t s_random_time (double from, double to)
{
    return (int64_t)(from + (to - from) * 0.9 * drand48 ());
}

static void s_pages (run_t *run, result_t *result, link_t *link, double from, double to)
{
    static histogram_t latency;
    const options_t *options = run->options;
    uint64_t records = 0;
    srand48 (1);
    page_expect (run);
    cost_t cost = cost_begin (run);
    for (size_t n = 0; n < options->queries; n++) {
        uint64_t begin = run_clock ();
        run->protocol->page (link, s_random_time (from, to), (unsigned)options->limit);
        link_flush (link);
        records += page_wait (run);
        histogram_add (&latency, run_clock () - begin);
    }
    result_number (result, "pages", (double)options->queries, "");
    result_number (result, "page_records", (double)records / (double)options->queries, "");
    result_number (result, "page_rate", (double)options->queries / cost_seconds (&cost), "pages/s");
    result_latency (result, "page_", &latency);
}

static void s_scan (run_t *run, result_t *result)
{
    double seconds;
    cost_t cost = cost_begin (run);
    uint64_t records = scan_all (run, &seconds);
    result_number (result, "scan_records", (double)records, "");
    result_number (result, "rate", (double)records / seconds, "records/s");
    if (run->batch_bytes > 0)
        result_number (result, "batch_bytes_per_record", (double)run->batch_bytes / (double)records,
                       "bytes");
    result_cost (result, &cost, run, (double)records, "server_cpu_s_per_million");
}

void mode_history (run_t *run, own_group_t *own, result_t *result)
{
    const options_t *options = run->options;
    double from = options->from;
    double to = options->to;
    uint64_t count = options->fill || !own ? options->fill : 100000;
    link_t link;
    if (!run->protocol->page)
        fail ("%s has no pages", run->protocol->name);
    if (count > 0) {
        from = (double)run_wall ();
        result_number (result, "fill_rate", (double)count / fill (run, count), "acks/s");
        to = (double)run_wall ();
    }
    run_open (run, &link, 1, false);
    if (to == 0 && run->protocol == &protocol_zchat)
        stored_between (run, &link, &from, &to);
    result_number (result, "from", from, "µs");
    result_number (result, "to", to, "µs");
    if (!options->scan)
        s_pages (run, result, &link, from, to);
    link_close (&link);
    run->batch_bytes = 0;
    s_scan (run, result);
}
