// options: zchat-bench's command line. One table makes the parser and the help.

#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "tests/bench/protocol.h"

#include <sys/types.h>

typedef struct {
    const char *mode;
    const char *group;     // endpoint of a running server, NULL: an own group
    const char *daemon;    // path of zchat-group, NULL: beside this program
    const char *folder;    // where own things lie, NULL: $TMPDIR or /tmp
    const char *settings;  // lines added to the own group's configuration
    const char *behind_at; // endpoint of the group that the reader who lags reads from
    const protocol_t *protocol;
    pid_t pid;
    size_t clients;
    size_t window;
    size_t size;
    size_t readers;
    size_t groups;
    size_t members;
    size_t pagers;
    size_t queries;
    size_t limit;
    uint64_t fill;
    uint64_t credit;
    double rate; // a second, 0: as fast as the window allows
    double seconds;
    double warm;
    double from; // a time before the first record, and one behind the last
    double to;
    bool curve;
    bool behind;
    bool kill;
    bool scan;
    bool json;
    bool quiet;
} options_t;

// Parses; ends the program with the usage on a mistake, with the help on -h, the version on -V.
void options_parse (options_t *self, int argc, char **argv);

#endif
