// modes: what can be measured. Each opens its connections, measures, and says its figures.

#ifndef BENCH_MODES_H
#define BENCH_MODES_H

#include "tests/bench/own_group.h"
#include "tests/bench/result.h"
#include "tests/bench/run.h"

typedef struct {
    const char *name;
    const char *help;
    void (*measure) (run_t *run, own_group_t *own, result_t *result); // own: NULL with --group
    bool serverless;
} mode_row_t;

const mode_row_t *modes_at (size_t index); // NULL behind the last
const mode_row_t *modes_named (const char *name);

void mode_send (run_t *run, own_group_t *own, result_t *result);
void mode_fanout (run_t *run, own_group_t *own, result_t *result);
void mode_history (run_t *run, own_group_t *own, result_t *result);
void mode_idle (run_t *run, own_group_t *own, result_t *result);
void mode_restart (run_t *run, own_group_t *own, result_t *result);
void mode_mixed (run_t *run, own_group_t *own, result_t *result);
void mode_first (run_t *run, own_group_t *own, result_t *result);
void mode_reconnect (run_t *run, own_group_t *own, result_t *result);
void mode_list (run_t *run, own_group_t *own, result_t *result);
void mode_disk (run_t *run, own_group_t *own, result_t *result);

#endif
