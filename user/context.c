#include "user/context.h"

#include "common/conf.h"
#include "common/frame.h"
#include "common/text.h"
#include "user/settings.h"
#include "user/terminal.h"
#include "user/trusted.h"
#include "user/wrap.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

#define FOLDER    "/etc/zchat"
#define FILE_NAME "user.cfg"

enum { SIGNAL_CODE = 128, OUTPUT_BUFFER = 65536, SAY_INDENT = 7 };

struct context {
    const command_line_t *line;
    char *registries[COMMAND_REGISTRIES];
    size_t registry_count;
    identity_t *identity;
    trusted_t *trusted; // read when first asked for
    view_t *view;
    int width; // of the terminal, 0: none
    zloop_t *loop;
    int signal_fd;
    bool ending;
    bool interrupted;
    bool quiet;
    int code;
    context_signal_fn *on_signal;
    void *signal_arg;
    context_show_fn *show;
    void *show_arg;
    bool saying;
};

// Speaking.

// What was printed comes first, and whole, where both go to one terminal.
static void s_put_said (context_t *self, const char *line)
{
    bool inner = self->saying; // the flush that failed says so
    self->saying = true;
    if (self->show)
        self->show (self->show_arg, line);
    else {
        if (!inner)
            context_flush (self);
        fputs (line, stderr);
    }
    self->saying = inner;
}

void context_say (context_t *self, const char *format, ...)
{
    char *sentence, *line;
    va_list args;
    va_start (args, format);
    int made = vasprintf (&sentence, format, args);
    va_end (args);
    if (made < 0)
        return;
    // A sentence may hold what others sent.
    char *safe = text_for_terminal (sentence, strlen (sentence), false);
    int own = self->show ? 0 : terminal_error_width (), width = own > 0 ? own : self->width;
    char *wrapped = safe ? wrap_text (safe, SAY_INDENT, SAY_INDENT, width) : NULL;
    if (wrapped && asprintf (&line, "zchat: %s\n", wrapped) >= 0) {
        s_put_said (self, line);
        free (line);
    }
    free (wrapped);
    free (safe);
    free (sentence);
}

void context_set_width (context_t *self, int width)
{
    self->width = width;
    view_set_width (self->view, width);
}

static void s_output_failed (context_t *self)
{
    if (self->ending)
        return;
    self->interrupted = true;
    if (errno != EPIPE)
        context_say (self, "cannot write: %s", strerror (errno));
    context_end (self, errno == EPIPE ? EXIT_DONE : EXIT_NOT_NOW);
}

void context_print (context_t *self, char *text)
{
    if (text && self->show)
        self->show (self->show_arg, text);
    else if (!text || fputs (text, stdout) == EOF)
        s_output_failed (self);
    free (text);
}

void context_flush (context_t *self)
{
    if (!self->show && fflush (stdout) == EOF)
        s_output_failed (self);
}

void context_show_with (context_t *self, context_show_fn *show, void *arg)
{
    self->show = show;
    self->show_arg = arg;
}

// Registries.

static int s_add_registry (context_t *self, const char *text)
{
    if (self->registry_count == COMMAND_REGISTRIES)
        return -1;
    char *copy = strdup (text);
    if (copy)
        self->registries[self->registry_count++] = copy;
    return copy ? 0 : -1;
}

// Texts with blanks between.
static int s_add_registries (context_t *self, const char *texts)
{
    char *copy = strdup (texts), *rest = copy, *text;
    int result = copy ? 0 : -1;
    while (result == 0 && (text = strsep (&rest, " \t\n"))) {
        endpoint_t endpoint;
        if (!*text)
            continue;
        const char *wrong = endpoint_parse (&endpoint, text, strlen (text), ENDPOINT_CONNECT);
        if (!wrong && s_add_registry (self, text) < 0)
            wrong = "too many registries";
        if (wrong) {
            context_say (self, "$ZCHAT_REGISTRY: '%s': %s", text, wrong);
            result = -1;
        }
    }
    free (copy);
    return result;
}

// Those of the identity, from the newest on.
static int s_trusted_registries (context_t *self, const char *folder)
{
    char *list = trusted_registries (folder), *rest = list, *text;
    int result = 0;
    while (result == 0 && (text = strsep (&rest, "\n"))) {
        endpoint_t endpoint;
        // Room is left for what is configured; a line that was spoilt is left out.
        if (self->registry_count < COMMAND_REGISTRIES / 2 &&
            !endpoint_parse (&endpoint, text, strlen (text), ENDPOINT_CONNECT))
            result = s_add_registry (self, text);
    }
    free (list);
    return result;
}

static int s_configured_registries (context_t *self, const conf_t *conf)
{
    char text[ENDPOINT_TEXT];
    for (size_t i = 0; i < conf_count (conf, "registries"); i++) {
        endpoint_print_with_key (conf_endpoint (conf, "registries", i), text);
        if (s_add_registry (self, text) < 0)
            return -1;
    }
    return 0;
}

static int s_gather_registries (context_t *self, const context_environment_t *environment,
                                const conf_t *conf)
{
    const command_line_t *line = self->line;
    for (size_t i = 0; i < line->registry_count; i++)
        if (s_add_registry (self, line->registries[i]) < 0)
            return -1;
    if (self->registry_count == 0 && environment->registries &&
        s_add_registries (self, environment->registries) < 0)
        return -1;
    if (self->registry_count > 0)
        return 0;
    return s_trusted_registries (self, environment->identity) < 0
               ? -1
               : s_configured_registries (self, conf);
}

zsock_t *context_connect (const char *endpoint, void *arg)
{
    context_t *self = arg;
    endpoint_t to;
    char text[ENDPOINT_TEXT];
    if (endpoint_parse (&to, endpoint, strlen (endpoint), ENDPOINT_CONNECT) || !to.has_key)
        return frame_connect (endpoint, NULL);
    if (!self->identity) {
        errno = EACCES; // it was said why there is none
        return NULL;
    }
    keypair_t keys;
    memcpy (keys.public_key, identity_public (self->identity), KEYPAIR_KEY);
    memcpy (keys.secret_key, identity_secret (self->identity), KEYPAIR_KEY);
    frame_tunnel_t tunnel = {to.key, &keys};
    zsock_t *sock = frame_connect (endpoint_print (&to, text), &tunnel);
    keypair_wipe (&keys);
    return sock;
}

const char *const *context_registries (const context_t *self, size_t *count)
{
    *count = self->registry_count;
    return (const char *const *)self->registries;
}

static int64_t s_now (void)
{
    struct timeval now;
    gettimeofday (&now, NULL);
    return (int64_t)now.tv_sec * 1000000 + now.tv_usec;
}

// What the identity was told to trust; NULL: nothing, or no memory.
static const trusted_t *s_trusted (context_t *self)
{
    if (self->identity && !self->trusted)
        self->trusted = trusted_open (identity_path (self->identity));
    return self->trusted;
}

size_t context_show (void *arg, const char *endpoint, const char *group,
                     uint8_t field[INVITATION_FIELD])
{
    const trusted_t *trusted = s_trusted (arg);
    return trusted ? trusted_show (trusted, endpoint, group, s_now (), field) : 0;
}

bool context_is_expired (context_t *self, const char *group)
{
    const trusted_t *trusted = s_trusted (self);
    return trusted && trusted_is_expired (trusted, group, s_now ());
}

lookup_query_t context_query (context_t *self)
{
    for (size_t i = 0; i < self->registry_count; i++)
        if (strchr (self->registries[i], '?'))
            context_identity (self); // what proves who asks
    lookup_query_t query = {.loop = context_loop (self),
                            .deadline = zclock_mono () + self->line->timeout,
                            .connect = context_connect,
                            .connect_arg = self,
                            .show = context_show,
                            .show_arg = self};
    query.registries = context_registries (self, &query.registry_count);
    return query;
}

// Configuration.

static void s_load (conf_t *conf, const char *folder, const char *inner)
{
    char *file;
    if (asprintf (&file, "%s%s/" FILE_NAME, folder, inner) < 0)
        return;
    conf_load (conf, file, true);
    free (file);
}

// All files; NULL when one of them is wrong, which was said.
static conf_t *s_load_all (context_t *self, const context_environment_t *environment)
{
    size_t count;
    const conf_key_t *keys = user_settings (&count);
    conf_t *conf = conf_new (keys, count);
    if (!conf)
        return NULL;
    bool missing = self->line->folder && access (self->line->folder, F_OK) < 0;
    if (missing)
        context_say (self, "%s: there is no such folder", self->line->folder);
    s_load (conf, self->line->folder ? self->line->folder : FOLDER, "");
    if (environment->config && *environment->config == '/')
        s_load (conf, environment->config, "/zchat");
    else if (environment->home && *environment->home)
        s_load (conf, environment->home, "/.config/zchat");
    size_t errors = conf_error_count (conf);
    for (size_t i = 0; i < errors; i++)
        context_say (self, "%s", conf_error (conf, i));
    if (errors > 0 || missing)
        conf_destroy (&conf);
    return conf;
}

context_t *context_new (const command_line_t *line, const context_environment_t *environment,
                        int *code)
{
    context_t *self = calloc (1, sizeof *self);
    *code = EXIT_CONFIG;
    if (!self)
        return NULL;
    self->line = line;
    self->signal_fd = -1;
    self->width = isatty (STDOUT_FILENO) ? terminal_width () : 0;
    self->view = view_new (line->json, self->width);
    conf_t *conf = s_load_all (self, environment);
    if (!self->view || !conf || s_gather_registries (self, environment, conf) < 0)
        context_destroy (&self);
    conf_destroy (&conf);
    return self;
}

void context_destroy (context_t **self_p)
{
    context_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    zloop_destroy (&self->loop);
    if (self->signal_fd >= 0)
        close (self->signal_fd);
    for (size_t i = 0; i < self->registry_count; i++)
        free (self->registries[i]);
    identity_destroy (&self->identity);
    trusted_destroy (&self->trusted);
    view_destroy (&self->view);
    free (self);
}

const command_line_t *context_line (const context_t *self)
{
    return self->line;
}

view_t *context_view (context_t *self)
{
    return self->view;
}

// Identity.

identity_t *context_identity (context_t *self)
{
    char error[IDENTITY_ERROR];
    if (self->identity)
        return self->identity;
    char *folder = identity_folder ();
    self->identity = identity_open (folder, error);
    free (folder);
    if (!self->identity)
        context_say (self, "%s", error);
    return self->identity;
}

identity_t *context_lasting_identity (context_t *self)
{
    identity_t *identity = context_identity (self);
    if (!identity || self->line->has_uuid || !identity_passing (identity))
        return identity;
    context_say (self, "no identity can be kept (%s): name a folder in $ZCHAT_IDENTITY",
                 identity_passing (identity));
    return NULL;
}

const guid_t *context_uuid (const context_t *self)
{
    return self->line->has_uuid ? &self->line->uuid : identity_uuid (self->identity);
}

// The loop.

static int s_leave (zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer, (void)arg;
    return -1; // the one handler that ends the loop
}

void context_end (context_t *self, int code)
{
    if (self->ending)
        return;
    self->ending = true;
    self->code = code;
    if (self->loop)
        zloop_timer (self->loop, 0, 1, s_leave, NULL);
}

bool context_ending (const context_t *self)
{
    return self->ending;
}

bool context_interrupted (const context_t *self)
{
    return self->interrupted;
}

void context_on_signal (context_t *self, context_signal_fn *handler, void *arg)
{
    self->on_signal = handler;
    self->signal_arg = arg;
}

static int s_take_signals (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    context_t *self = arg;
    struct signalfd_siginfo info;
    (void)loop, (void)item;
    while (read (self->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        int code = self->quiet ? EXIT_DONE : SIGNAL_CODE + (int)info.ssi_signo;
        self->interrupted = true;
        if (self->on_signal)
            self->on_signal (self->signal_arg, code);
        else
            context_end (self, code);
    }
    return 0;
}

// As a daemon's, see common/program.c; a client needs less of it.
static void s_set_up_zsys (void)
{
    unsigned seed = 0;
    zsys_init ();
    zsys_handler_set (NULL); // its handler would end every zloop
    if (getrandom (&seed, sizeof seed, 0) == (ssize_t)sizeof seed)
        srandom (seed); // czmq took the time
    zsys_set_ipv6 (1);
    zsys_set_linger (0);
    zsys_set_logsystem (false);
    zsys_set_logstream (NULL);
}

static int s_block_signals (void)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    sigaddset (&set, SIGHUP);
    if (sigprocmask (SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd (-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

zloop_t *context_loop (context_t *self)
{
    if (self->loop)
        return self->loop;
    signal (SIGPIPE, SIG_IGN);
    setvbuf (stdout, NULL, _IOFBF, OUTPUT_BUFFER);
    self->signal_fd = s_block_signals (); // before any thread is made
    s_set_up_zsys ();
    self->loop = zloop_new ();
    zmq_pollitem_t signals = {.fd = self->signal_fd, .events = ZMQ_POLLIN};
    if (self->signal_fd < 0 || !self->loop ||
        zloop_poller (self->loop, &signals, s_take_signals, self) < 0) {
        context_say (self, "cannot set up: %s", strerror (errno));
        zloop_destroy (&self->loop);
        return NULL;
    }
    zloop_poller_set_tolerant (self->loop, &signals);
    zloop_set_nonstop (self->loop, true);
    return self->loop;
}

static int s_output_closed (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    context_t *self = arg;
    zloop_poller_end (loop, item);
    self->interrupted = true;
    context_end (self, EXIT_DONE);
    return 0;
}

void context_end_quietly (context_t *self)
{
    self->quiet = true;
    // A pipe whose reader is gone is in error, without anything being written.
    zmq_pollitem_t output = {.fd = STDOUT_FILENO, .events = ZMQ_POLLERR};
    if (zloop_poller (self->loop, &output, s_output_closed, self) == 0)
        zloop_poller_set_tolerant (self->loop, &output);
}

int context_run (context_t *self)
{
    if (!self->ending)
        zloop_start (self->loop);
    context_flush (self);
    return self->code;
}
