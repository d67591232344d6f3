#include "tests/bench/own_group.h"

#include "tests/bench/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct own_group {
    const options_t *options;
    char folder[PATH_MAX - 64];
    char daemon[PATH_MAX];
    char endpoint[512];
    pid_t pid; // 0: not running
};

static own_group_t *s_only; // what exit must clean up
static double s_bytes;      // of nftw's sum

static int s_remove (const char *path, const struct stat *stat, int type, struct FTW *place)
{
    (void)stat, (void)type, (void)place;
    return remove (path);
}

static int s_add (const char *path, const struct stat *stat, int type, struct FTW *place)
{
    (void)path, (void)place;
    if (type == FTW_F)
        s_bytes += (double)stat->st_blocks * 512;
    return 0;
}

static void s_clean_up (void)
{
    if (!s_only)
        return;
    own_group_stop (s_only, SIGKILL);
    nftw (s_only->folder, s_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void s_find_daemon (own_group_t *self)
{
    if (self->options->daemon) {
        snprintf (self->daemon, sizeof (self->daemon), "%s", self->options->daemon);
        return;
    }
    static const char *const places[] = {"%s/zchat-group", "%s/../zchat-group",
                                         "%s/../sbin/zchat-group", "%s/../../zchat-group",
                                         "/usr/sbin/zchat-group"};
    char own[PATH_MAX - 64];
    ssize_t size = readlink ("/proc/self/exe", own, sizeof (own) - 1);
    own[size > 0 ? size : 0] = 0;
    const char *here = dirname (own);
    for (size_t n = 0; n < sizeof (places) / sizeof (places[0]); n++) {
        int end = snprintf (self->daemon, sizeof (self->daemon), "%.*s%s",
                            strncmp (places[n], "%s", 2) == 0 ? (int)strlen (here) : 0, here,
                            strncmp (places[n], "%s", 2) == 0 ? places[n] + 2 : places[n]);
        if (end > 0 && access (self->daemon, X_OK) == 0)
            return;
    }
    fail ("zchat-group is not beside this program: name it with --daemon");
}

static void s_write_settings (const own_group_t *self)
{
    char path[PATH_MAX];
    snprintf (path, sizeof (path), "%s/etc/group.cfg", self->folder);
    FILE *file = fopen (path, "w");
    if (!file)
        fail ("%s: %s", path, strerror (errno));
    // What bounds members is off, since a bench is faster than any; all other rules are on.
    fprintf (file,
             "listen = ( { endpoint = \"tcp://127.0.0.1:*\"; security = \"%s\"; } );\n"
             "registries = [ ];\nstate_dir = \"%s/state\";\nmax_sessions = 100000;\n"
             "max_message = 60000;\n"
             "rate = { send = 0; group_send = 0; join = 0; group_join = 0; history = 0; "
             "group_history = 0; };\n%s\n",
             self->options->curve ? "curve" : "none", self->folder,
             self->options->settings ? self->options->settings : "");
    if (fclose (file) != 0)
        fail ("%s: %s", path, strerror (errno));
}

static void s_make_folder (own_group_t *self)
{
    const char *base = self->options->folder ? self->options->folder : getenv ("TMPDIR");
    char path[PATH_MAX];
    snprintf (self->folder, sizeof (self->folder), "%s/zchat-bench-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp (self->folder))
        fail ("%s: %s", self->folder, strerror (errno));
    s_only = self;
    snprintf (path, sizeof (path), "%s/etc", self->folder);
    if (mkdir (path, 0700) < 0)
        fail ("%s: %s", path, strerror (errno));
    s_write_settings (self);
}

own_group_t *own_group_new (const options_t *options)
{
    own_group_t *self = must_alloc (1, sizeof (*self));
    self->options = options;
    s_find_daemon (self);
    atexit (s_clean_up);
    s_make_folder (self);
    own_group_launch (self);
    own_group_await (self);
    return self;
}

const char *own_group_endpoint (const own_group_t *self)
{
    return self->endpoint;
}

pid_t own_group_pid (const own_group_t *self)
{
    return self->pid;
}

void own_group_stop (own_group_t *self, int signal)
{
    if (self->pid <= 0)
        return;
    kill (self->pid, signal);
    while (waitpid (self->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    self->pid = 0;
}

static _Noreturn void s_become (const own_group_t *self)
{
    char etc[PATH_MAX];
    char log[PATH_MAX];
    snprintf (etc, sizeof (etc), "%s/etc", self->folder);
    snprintf (log, sizeof (log), "%s/log", self->folder);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    int null = open ("/dev/null", O_RDWR);
    int file = open (log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2 (null, STDIN_FILENO);
    dup2 (null, STDOUT_FILENO);
    dup2 (file, STDERR_FILENO);
    execl (self->daemon, self->daemon, "-c", etc, "-f", "bench", (char *)NULL);
    _exit (127);
}

void own_group_launch (own_group_t *self)
{
    char log[PATH_MAX];
    snprintf (log, sizeof (log), "%s/log", self->folder);
    unlink (log);
    self->pid = fork ();
    if (self->pid < 0)
        fail ("fork: %s", strerror (errno));
    if (self->pid == 0)
        s_become (self);
}

// What the log says so far.
static void s_read_log (const own_group_t *self, char *out, size_t room)
{
    char path[PATH_MAX];
    snprintf (path, sizeof (path), "%s/log", self->folder);
    FILE *file = fopen (path, "r");
    size_t size = file ? fread (out, 1, room - 1, file) : 0;
    out[size] = 0;
    if (file)
        fclose (file);
}

void own_group_await (own_group_t *self)
{
    char log[8192];
    for (unsigned tries = 0; tries < 60000; tries++) {
        const struct timespec pause = {.tv_nsec = 1000000};
        s_read_log (self, log, sizeof (log));
        const char *ready = strstr (log, "ready: ");
        const char *told = ready && self->options->curve ? strstr (log, "encrypted: ") : ready;
        const char *begin = told ? strstr (told, "tcp://") : NULL;
        if (begin && strchr (begin, '\n')) {
            size_t size = strcspn (begin, " ,\n");
            snprintf (self->endpoint, sizeof (self->endpoint), "%.*s", (int)size, begin);
            return;
        }
        if (waitpid (self->pid, NULL, WNOHANG) == self->pid) {
            self->pid = 0;
            fail ("%s ended: %s", self->daemon, log);
        }
        nanosleep (&pause, NULL);
    }
    fail ("%s is not ready after a minute: %s", self->daemon, log);
}

double own_group_disk_bytes (const own_group_t *self)
{
    char path[PATH_MAX];
    snprintf (path, sizeof (path), "%s/state/groups/bench", self->folder);
    s_bytes = 0;
    nftw (path, s_add, 16, FTW_PHYS);
    return s_bytes;
}
