// exits: how zchat's programs end.
//
// Floor 1. The numbers are those of sysexits.h where it has one.

#ifndef ZCHAT_EXITS_H
#define ZCHAT_EXITS_H

enum {
    EXIT_DONE = 0,         // for a send: durable
    EXIT_REFUSED = 1,      // by the server
    EXIT_USAGE = 2,        // wrong usage
    EXIT_UNREACHABLE = 69, // nobody answered in time, or no such group
    EXIT_SYNC = 74,        // a sync failed
    EXIT_NOT_NOW = 75,     // disk full, read-only, in doubt, busy, rate; the log is held
    EXIT_CONFIG = 78       // wrong configuration, or superseded
};

#endif
