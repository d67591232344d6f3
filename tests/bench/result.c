#include "tests/bench/result.h"

#include "tests/bench/fail.h"
#include "tests/bench/process.h"

#include <stdlib.h>
#include <string.h>

#define DRIVER_LIMIT 0.9 // of one core: then the figures tell of the driver

void result_text (result_t *self, const char *name, const char *text)
{
    if (self->count == RESULT_ROWS)
        fail ("too many figures");
    snprintf (self->rows[self->count].name, sizeof (self->rows[0].name), "%s", name);
    self->rows[self->count].unit = "";
    self->rows[self->count++].text = text;
}

void result_number (result_t *self, const char *name, double value, const char *unit)
{
    result_text (self, name, NULL);
    self->rows[self->count - 1].unit = unit;
    self->rows[self->count - 1].value = value;
}

void result_latency (result_t *self, const char *name, const histogram_t *latency)
{
    static const struct {
        const char *name;
        double share;
    } points[] = {{"p50_us", 0.5}, {"p99_us", 0.99}, {"p999_us", 0.999}};
    char text[32];
    for (size_t n = 0; n < sizeof (points) / sizeof (points[0]); n++) {
        snprintf (text, sizeof (text), "%s%s", name, points[n].name);
        result_number (self, text, histogram_at (latency, points[n].share), "µs");
    }
    snprintf (text, sizeof (text), "%smax_us", name);
    result_number (self, text, (double)latency->highest / 1000, "µs");
}

static void s_print_number (double value, FILE *out)
{
    if (value >= 1000 || value == (double)(long long)value)
        fprintf (out, "%.0f", value);
    else
        fprintf (out, value < 10 ? "%.3f" : "%.1f", value);
}

void result_print (const result_t *self, bool json, FILE *out)
{
    if (json)
        fputc ('{', out);
    for (size_t n = 0; n < self->count; n++) {
        if (json)
            fprintf (out, "%s\"%s\":", n ? "," : "", self->rows[n].name);
        else
            fprintf (out, "%-26s ", self->rows[n].name);
        if (self->rows[n].text)
            fprintf (out, json ? "\"%s\"" : "%s", self->rows[n].text);
        else
            s_print_number (self->rows[n].value, out);
        if (!json)
            fprintf (out, "%s%s\n", *self->rows[n].unit ? " " : "", self->rows[n].unit);
    }
    if (json)
        fputs ("}\n", out);
}

cost_t cost_begin (const run_t *run)
{
    return (cost_t){
        .at = run_clock (), .own = process_own_cpu (), .server = process_cpu (run->pid)};
}

double cost_seconds (const cost_t *self)
{
    return (double)(run_clock () - self->at) / 1e9;
}

void result_cost (result_t *self, const cost_t *cost, const run_t *run, double messages,
                  const char *what)
{
    double seconds = cost_seconds (cost);
    double own = (process_own_cpu () - cost->own) / seconds;
    double server = process_cpu (run->pid) - cost->server;
    result_number (self, "seconds", seconds, "s");
    result_number (self, "driver_cpu", own, "of a core");
    if (run->pid > 0) {
        result_number (self, "server_cpu", server / seconds, "of a core");
        result_number (self, what, messages > 0 ? server / messages * 1e6 : 0, "s");
        result_number (self, "server_rss_kb", process_rss (run->pid), "KiB");
        result_number (self, "server_pss_kb", process_pss (run->pid), "KiB");
    }
    if (own > DRIVER_LIMIT)
        result_text (self, "warning", "the driver was the limit");
}
