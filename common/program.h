// program: the frame of a daemon: options, configuration, signals, the loop, systemd, the end.
//
// Floor 6. A daemon's main is `return program_main (&type, argc, argv);`. Everything runs in one
// thread in one zloop; hooks are called from it, never from a signal handler. In order:
//
//     options; configuration (errors: all on stderr, exit 78); signals blocked; zsys set up;
//     start; the loop; stop (at SIGTERM or SIGINT); destroy; the exit code
//
// Options: -c DIR, -t, -f, -v, -V, -h, --ping, and --config DIR, --test, --foreground, --verbose,
// --version, --help. Files in the folder: `file` and, with an argument, `file` with "-ARGUMENT"
// before its last dot over it, if it is there. A missing `file` is an error in a folder that was
// named, and means the defaults (said in a notice) in the default one.

#ifndef ZCHAT_PROGRAM_H
#define ZCHAT_PROGRAM_H

#include "common/conf.h"
#include "common/exits.h"

#include <czmq.h>

typedef struct program program_t;

// Hooks but start and destroy may be NULL.
typedef struct {
    const char *name;     // "zchat-group"; the ident of its log lines
    const char *summary;  // for -h, one sentence
    const char *argument; // "NAME": exactly one is required; NULL: none is taken
    bool (*argument_valid) (const char *argument);
    const conf_key_t *keys; // must hold "log.level"
    size_t key_count;
    const char *file; // "group.cfg"

    // Judges what the table cannot say, with conf_complain. Asked by -t and at a reload too.
    void (*check) (conf_t *conf);
    // Opens and binds everything; adds readers and timers to program_loop. 0, or an exit code, its
    // reason reported. Sets *state_p on both paths (destroy is called if it is not NULL). Calls
    // program_ready when others may come, at once or later from the loop.
    int (*start) (program_t *self, void **state_p);
    // The configuration was read again and is right; `conf` is program_conf.
    void (*reload) (void *state, const conf_t *conf);
    // Come to an end: take nothing new, finish what is under way while the loop goes on, then call
    // program_end. NULL: ends at once.
    void (*stop) (void *state);
    // Is a sync under way? While it is, a stop is not forced; 2 s after that it is. A second signal
    // forces it at once, and then destroy is not called.
    bool (*syncing) (void *state);
    // For the watchdog; `now` is zclock_mono. NULL: a turning loop is enough.
    bool (*healthy) (void *state, int64_t now);
    // Asks the running one. EXIT_DONE or EXIT_UNREACHABLE. NULL: no --ping.
    int (*ping) (const conf_t *conf, const char *argument);
    void (*destroy) (void **state_p);
} program_type_t;

// Runs the program; returns its exit code.
int program_main (const program_type_t *type, int argc, char **argv);

zloop_t *program_loop (program_t *self);
const conf_t *program_conf (const program_t *self);   // valid for life, changes at a reload
const char *program_argument (const program_t *self); // NULL where the type takes none

// READY=1 and a status line, once; also a notice in the log.
void program_ready (program_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
// The status line alone, as `systemctl status` shows it.
void program_status (program_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
// Start or stop takes longer: systemd waits this many more seconds from now. Safe to call often.
void program_extend (program_t *self, int seconds);
// Leaves the loop soon, with this exit code. The first call counts.
void program_end (program_t *self, int code);
bool program_ending (const program_t *self); // a signal or program_end came

#endif
