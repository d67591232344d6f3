// fill: stores messages, four clients with 256 under way each; and reads them.

#ifndef BENCH_FILL_H
#define BENCH_FILL_H

#include "tests/bench/run.h"

// Returns the seconds that it took.
double fill (run_t *run, uint64_t count);

// Opens a connection and scans all records. Returns how many, and the seconds in `*seconds`.
uint64_t scan_all (run_t *run, double *seconds);

// When the oldest and the newest record kept were stored, microseconds (zchat only).
void stored_between (run_t *run, link_t *link, double *from, double *to);

// Pages are awaited from here on; some protocols answer while they are asked.
void page_expect (run_t *run);
// Waits for the page that was asked for. Returns its records.
uint64_t page_wait (run_t *run);

#endif
