// process: what a server costs, from /proc: its own figures and those of its children.

#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <sys/types.h>

// Seconds of CPU so far, user and system; 0 for no process.
double process_cpu (pid_t pid);
double process_own_cpu (void);

// Kilobytes in memory, and the share of them that is its own (PSS); 0 for no process.
double process_rss (pid_t pid);
double process_pss (pid_t pid);

// Descriptors that it has open.
unsigned process_descriptors (pid_t pid);

#endif
