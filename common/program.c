#include "common/program.h"

#include "common/authenticator.h"
#include "common/notify.h"
#include "common/report.h"
#include "common/text.h"

#include <getopt.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#define DEFAULT_FOLDER "/etc/zchat"

enum {
    STOP_MS = 2000,     // how long an end may take when no sync is under way
    STOP_TICK_MS = 100, // how often that is looked at
    STOP_EXTEND = 30,   // seconds that systemd is asked to wait on while a sync is under way
    LINGER_MS = 500     // how long last replies may take to leave
};

struct program {
    const program_type_t *type;
    const char *folder; // NULL: the default one
    const char *argument;
    bool test;
    bool foreground;
    bool ping;
    int verbose;

    conf_t *conf;
    zloop_t *loop;
    authenticator_t *authenticator;
    int signal_fd;
    void *state;
    bool ready;
    bool unhealthy;
    bool stopping; // a signal came
    int64_t stop_by;
    bool ended; // program_end was called
    int code;
};

static const struct option s_long_options[] = {
    {"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'},
    {"foreground", no_argument, NULL, 'f'},   {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, 'V'},      {"help", no_argument, NULL, 'h'},
    {"ping", no_argument, NULL, 'p'},         {NULL, 0, NULL, 0}};

static void s_print_help (const program_type_t *type)
{
    printf ("usage: %s [-c DIR] [-t] [-f] [-v] [-V] [-h] [--ping]%s%s\n\n%s\n\n", type->name,
            type->argument ? " " : "", type->argument ? type->argument : "", type->summary);
    printf ("  -c, --config DIR   configuration folder (" DEFAULT_FOLDER ")\n"
            "  -t, --test         check the configuration and exit\n"
            "  -f, --foreground   log to stderr, not to syslog\n"
            "  -v, --verbose      log one level more; repeatable\n"
            "  -V, --version      print the version and exit\n"
            "  -h, --help         print this and exit\n"
            "      --ping         ask the running one: exit 0, or 69 when it does not answer\n");
}

// Fills in the options. -1: go on; else the exit code.
static int s_take_options (program_t *self, int argc, char **argv)
{
    int option;
    while ((option = getopt_long (argc, argv, "c:tfvVh", s_long_options, NULL)) != -1)
        switch (option) {
        case 'c':
            self->folder = optarg;
            break;
        case 't':
            self->test = true;
            break;
        case 'f':
            self->foreground = true;
            break;
        case 'v':
            self->verbose++;
            break;
        case 'p':
            self->ping = true;
            break;
        case 'V':
            printf ("%s %s\n", self->type->name, ZCHAT_VERSION);
            return EXIT_DONE;
        case 'h':
            s_print_help (self->type);
            return EXIT_DONE;
        default: // getopt_long has said what is wrong
            return EXIT_USAGE;
        }
    return -1;
}

static int s_usage (const program_t *self, const char *what, const char *about)
{
    char *shown = text_for_log (about, strlen (about), 100);
    fprintf (stderr, "%s: %s%s%s\ntry: %s --help\n", self->type->name, what, *about ? ": " : "",
             shown ? shown : "", self->type->name);
    free (shown);
    return EXIT_USAGE;
}

// Takes what is left after the options. -1: go on; else the exit code.
static int s_take_argument (program_t *self, int argc, char **argv)
{
    const program_type_t *type = self->type;
    int expected = type->argument ? 1 : 0;
    if (argc - optind > expected)
        return s_usage (self, "one argument too many", argv[optind + expected]);
    if (argc - optind < expected)
        return s_usage (self, "an argument is missing", type->argument);
    if (expected == 1) {
        self->argument = argv[optind];
        bool valid = !type->argument_valid || type->argument_valid (self->argument);
        if (!valid || strchr (self->argument, '/'))
            return s_usage (self, "this cannot be used as its argument", self->argument);
    }
    if (self->ping && !type->ping)
        return s_usage (self, "there is no --ping", "");
    return -1;
}

// FOLDER/group.cfg, or with a suffix FOLDER/group-SUFFIX.cfg. The caller frees it.
static char *s_path (const program_t *self, const char *suffix)
{
    const char *file = self->type->file;
    const char *dot = strrchr (file, '.');
    int stem = dot ? (int)(dot - file) : (int)strlen (file);
    return zsys_sprintf ("%s/%.*s%s%s%s", self->folder ? self->folder : DEFAULT_FOLDER, stem, file,
                         suffix ? "-" : "", suffix ? suffix : "", dot ? dot : "");
}

// The configuration as the files have it now, with its errors. *defaults: the main file is not
// there and need not be.
static conf_t *s_load (const program_t *self, bool *defaults)
{
    const program_type_t *type = self->type;
    conf_t *conf = conf_new (type->keys, type->key_count);
    char *path = s_path (self, NULL);
    *defaults = conf_load (conf, path, self->folder == NULL) == 1;
    free (path);
    if (self->argument) {
        path = s_path (self, self->argument);
        conf_load (conf, path, true);
        free (path);
    }
    if (type->check)
        type->check (conf); // with defaults for what was wrong, so that one run tells all
    return conf;
}

// Prints what is wrong with the first configuration. Returns 0 or EXIT_CONFIG.
static int s_print_errors (const program_t *self)
{
    size_t count = conf_error_count (self->conf);
    for (size_t i = 0; i < count; i++) {
        const char *line = conf_error (self->conf, i);
        char *shown = text_for_log (line, strlen (line), 2000);
        fprintf (stderr, "%s\n", shown ? shown : "memory is out");
        free (shown);
    }
    return count > 0 ? EXIT_CONFIG : 0;
}

static void s_set_level (const program_t *self)
{
    int level = (int)report_level_of (conf_string (self->conf, "log.level")) + self->verbose;
    report_set_level (level < REPORT_DEBUG ? (report_level_t)level : REPORT_DEBUG);
}

// Lets no variable of the environment change how czmq works.
static void s_clear_environment (void)
{
    for (char **at = environ; *at;) {
        char name[128];
        size_t size = strcspn (*at, "=");
        bool ours = strncmp (*at, "ZSYS_", 5) == 0 && size < sizeof name;
        if (ours) {
            memcpy (name, *at, size);
            name[size] = 0;
        }
        if (!ours || unsetenv (name) < 0)
            at++; // unsetenv moves the next one here
    }
}

// Signals are blocked by now. The order counts: see each line.
static void s_set_up_zsys (void)
{
    s_clear_environment ();
    zsys_init ();
    zsys_handler_set (NULL); // its handler would end every zloop
    unsigned seed = 0;
    if (getrandom (&seed, sizeof seed, 0) == (ssize_t)sizeof seed)
        srandom (seed); // czmq took the time: routing ids, made from rand (), could be guessed
    zsys_set_io_threads (1);
    zsys_set_max_sockets (1023);
    zsys_set_ipv6 (1);
    zsys_set_linger (LINGER_MS);
    zsys_set_sndhwm (1000);
    zsys_set_rcvhwm (1000);
    zsys_set_logsystem (false);
    zsys_set_logstream (NULL);
}

static void s_raise_descriptor_limit (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
    }
}

static int s_block_signals (void)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    sigaddset (&set, SIGHUP);
    signal (SIGPIPE, SIG_IGN);
    if (sigprocmask (SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd (-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int s_leave (zloop_t *loop, int timer, void *argument)
{
    (void)loop, (void)timer, (void)argument;
    return -1; // the one handler that ends the loop
}

void program_end (program_t *self, int code)
{
    if (self->ended)
        return;
    self->ended = true;
    self->code = code;
    zloop_timer (self->loop, 0, 1, s_leave, NULL);
}

bool program_ending (const program_t *self)
{
    return self->stopping || self->ended;
}

// Looks whether the end takes too long.
static int s_stop_tick (zloop_t *loop, int timer, void *argument)
{
    (void)loop, (void)timer;
    program_t *self = argument;
    if (self->type->syncing && self->type->syncing (self->state)) {
        self->stop_by = zclock_mono () + STOP_MS;
        program_extend (self, STOP_EXTEND);
    } else if (zclock_mono () >= self->stop_by && !self->ended) {
        report_warning ("the end took too long and is forced");
        program_end (self, EXIT_DONE);
    }
    return 0;
}

static void s_stop (program_t *self, const char *signal_name)
{
    if (self->stopping) {
        report_warning ("%s again: ended at once", signal_name);
        _exit (EXIT_DONE); // destroy could wait for the disk
    }
    self->stopping = true;
    self->stop_by = zclock_mono () + STOP_MS;
    report_notice ("%s: stopping", signal_name);
    notify_stopping ("stopping");
    zloop_timer (self->loop, STOP_TICK_MS, 0, s_stop_tick, self);
    if (self->type->stop)
        self->type->stop (self->state);
    else
        program_end (self, EXIT_DONE);
}

static void s_report_errors (const conf_t *conf)
{
    for (size_t i = 0; i < conf_error_count (conf); i++)
        report_error ("%s", conf_error (conf, i));
}

static void s_reload (program_t *self)
{
    const program_type_t *type = self->type;
    bool defaults;
    conf_t *fresh = s_load (self, &defaults);
    if (conf_error_count (fresh) > 0) {
        s_report_errors (fresh);
        report_error ("SIGHUP: the configuration is wrong; the running one stays");
        conf_destroy (&fresh);
        return;
    }
    for (size_t i = 0; i < type->key_count; i++)
        if (!type->keys[i].reload && !conf_same (self->conf, fresh, type->keys[i].path))
            report_notice ("%s was changed: that needs a restart", type->keys[i].path);
    conf_update (self->conf, &fresh);
    s_set_level (self);
    if (type->reload)
        type->reload (self->state, self->conf);
    report_notice ("SIGHUP: the configuration was read again");
}

static int s_take_signals (zloop_t *loop, zmq_pollitem_t *item, void *argument)
{
    (void)loop, (void)item;
    program_t *self = argument;
    struct signalfd_siginfo info;
    while (read (self->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGHUP)
            s_stop (self, info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
        else if (!program_ending (self))
            s_reload (self);
    }
    return 0;
}

static int s_watchdog_tick (zloop_t *loop, int timer, void *argument)
{
    (void)loop, (void)timer;
    program_t *self = argument;
    bool healthy = !self->type->healthy || self->type->healthy (self->state, zclock_mono ());
    if (healthy)
        notify_alive ();
    if (healthy == self->unhealthy) {
        self->unhealthy = !healthy;
        if (healthy)
            report_notice ("healthy again");
        else
            report_error ("not healthy: the watchdog is no longer told otherwise");
    }
    return 0;
}

static int s_set_up_loop (program_t *self)
{
    self->loop = zloop_new ();
    zloop_set_nonstop (self->loop, true);
    zmq_pollitem_t signals = {.fd = self->signal_fd, .events = ZMQ_POLLIN};
    zmq_pollitem_t *item = &signals;
    if (zloop_poller (self->loop, item, s_take_signals, self) < 0)
        return -1;
    zloop_poller_set_tolerant (self->loop, item);
    uint64_t usec = notify_watchdog ();
    if (usec > 0)
        zloop_timer (self->loop, usec < 4000 ? 1 : (size_t)usec / 2000, 0, s_watchdog_tick, self);
    return 0;
}

static void s_run_loop (program_t *self)
{
    zloop_start (self->loop);
    if (!self->ended) {
        report_error ("the loop ended by itself");
        self->code = EXIT_REFUSED;
    }
}

static int s_run (program_t *self)
{
    const program_type_t *type = self->type;
    prctl (PR_SET_DUMPABLE, 0); // it holds keys: no core, and nobody else of its user may look
    self->signal_fd = s_block_signals ();
    s_set_up_zsys ();
    s_raise_descriptor_limit ();
    if (self->signal_fd < 0 || s_set_up_loop (self) < 0) {
        report_error ("cannot set up signals: %s", strerror (errno));
        return EXIT_NOT_NOW;
    }
    self->authenticator = authenticator_new ();
    if (!self->authenticator) {
        report_error ("the authenticator cannot be started: %s", zmq_strerror (errno));
        zloop_destroy (&self->loop);
        return EXIT_NOT_NOW;
    }
    int code = type->start (self, &self->state);
    if (code == EXIT_DONE)
        s_run_loop (self);
    else
        self->code = code;
    if (self->state)
        type->destroy (&self->state);
    zloop_destroy (&self->loop);
    authenticator_destroy (&self->authenticator);
    close (self->signal_fd);
    if (self->code == EXIT_DONE)
        report_notice ("ended");
    return self->code;
}

static int s_load_first (program_t *self)
{
    bool defaults;
    self->conf = s_load (self, &defaults);
    report_open (self->type->name, self->foreground || self->test || self->ping, REPORT_NOTICE);
    int code = s_print_errors (self);
    if (code != 0 && !self->test && !self->ping && !self->foreground)
        report_error ("not started: the configuration is wrong, see stderr or use -t");
    s_set_level (self);
    if (defaults && !self->ping)
        report_notice ("there is no " DEFAULT_FOLDER "/%s: the defaults are used",
                       self->type->file);
    return code;
}

int program_main (const program_type_t *type, int argc, char **argv)
{
    program_t self = {.type = type, .signal_fd = -1};
    int code = s_take_options (&self, argc, argv);
    if (code < 0)
        code = s_take_argument (&self, argc, argv);
    if (code >= 0)
        return code;
    code = s_load_first (&self);
    if (code == 0 && self.ping) {
        s_set_up_zsys ();
        code = type->ping (self.conf, self.argument);
    } else if (code == 0 && !self.test)
        code = s_run (&self);
    conf_destroy (&self.conf);
    return code;
}

zloop_t *program_loop (program_t *self)
{
    return self->loop;
}

const conf_t *program_conf (const program_t *self)
{
    return self->conf;
}

const char *program_argument (const program_t *self)
{
    return self->argument;
}

// One printable line, as a status must be.
static void s_status_line (char *out, size_t size, const char *format, va_list args)
    __attribute__ ((format (printf, 3, 0)));

static void s_status_line (char *out, size_t size, const char *format, va_list args)
{
    vsnprintf (out, size, format, args);
    for (char *at = out; *at; at++)
        if (*at < 0x20 || *at > 0x7e)
            *at = '?';
}

void program_ready (program_t *self, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start (args, format);
    s_status_line (line, sizeof line, format, args);
    va_end (args);
    if (self->ready)
        return;
    self->ready = true;
    report_notice ("ready: %s", line);
    notify_ready (line);
}

void program_status (program_t *self, const char *format, ...)
{
    (void)self;
    char line[256];
    va_list args;
    va_start (args, format);
    s_status_line (line, sizeof line, format, args);
    va_end (args);
    notify_status (line);
}

void program_extend (program_t *self, int seconds)
{
    (void)self;
    notify_extend (seconds);
}
