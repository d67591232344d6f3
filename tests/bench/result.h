// result: the figures of one run, for people or as one JSON object; and what a span of time cost.

#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include "tests/bench/run.h"

#include <stdio.h>

#define RESULT_ROWS 48

typedef struct {
    struct {
        char name[32];
        const char *unit;
        const char *text; // NULL: a number
        double value;
    } rows[RESULT_ROWS];
    size_t count;
} result_t;

void result_text (result_t *self, const char *name, const char *text);
void result_number (result_t *self, const char *name, double value, const char *unit);
// <name>_p50_us, p99, p999 and max; `name` as in "" or "page_".
void result_latency (result_t *self, const char *name, const histogram_t *latency);

void result_print (const result_t *self, bool json, FILE *out);

typedef struct {
    uint64_t at;
    double own;
    double server;
} cost_t;

// From here to result_cost: CPU of both sides. `messages`: what the server's is divided by.
cost_t cost_begin (const run_t *run);
double cost_seconds (const cost_t *self); // so far
void result_cost (result_t *self, const cost_t *cost, const run_t *run, double messages,
                  const char *what);

#endif
