#include "tests/bench/options.h"

#include "tests/bench/modes.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { TEXT, FLAG, COUNT, COUNT64, REAL, PID, PROTOCOL } type_t;

typedef struct {
    const char *name;
    const char *value;
    type_t type;
    size_t offset;
    const char *help;
} option_t;

static const option_t s_table[] = {
    {"group", "ENDPOINT", TEXT, offsetof (options_t, group),
     "a running server: tcp://host:port, over CURVE tcp://host:port?key=HEX"},
    {"pid", "PID", PID, offsetof (options_t, pid), "of that server: its CPU and memory are told"},
    {"daemon", "PATH", TEXT, offsetof (options_t, daemon), "the zchat-group that is started"},
    {"folder", "DIR", TEXT, offsetof (options_t, folder),
     "its log lies below it, on the disk to be measured"},
    {"settings", "LINES", TEXT, offsetof (options_t, settings), "added to its group.cfg"},
    {"curve", NULL, FLAG, offsetof (options_t, curve), "it listens with CURVE"},
    {"protocol", "NAME", PROTOCOL, offsetof (options_t, protocol),
     "of a running server; default zchat"},
    {"clients", "N", COUNT, offsetof (options_t, clients), "connections that send; default 16"},
    {"window", "N", COUNT, offsetof (options_t, window),
     "sends that each has under way (1 to 1024); fanout: messages not yet with all readers"},
    {"size", "BYTES", COUNT, offsetof (options_t, size), "of a message; default 100"},
    {"rate", "N", REAL, offsetof (options_t, rate),
     "messages a second in all; default: as fast as answered"},
    {"seconds", "S", REAL, offsetof (options_t, seconds), "to measure; default 3"},
    {"warm", "S", REAL, offsetof (options_t, warm), "before that; default 0.5"},
    {"readers", "N", COUNT, offsetof (options_t, readers),
     "fanout, mixed, reconnect: followers; default 100"},
    {"credit", "BYTES", COUNT64, offsetof (options_t, credit), "that each grants; default 262144"},
    {"members", "N", COUNT, offsetof (options_t, members),
     "idle, reconnect: connections; default 1000"},
    {"groups", "N", COUNT, offsetof (options_t, groups),
     "list: groups that are announced; default 100"},
    {"pagers", "N", COUNT, offsetof (options_t, pagers),
     "mixed: who page through the history; default 0"},
    {"behind", NULL, FLAG, offsetof (options_t, behind),
     "mixed: one reader reads all from the beginning, again and again"},
    {"behind-at", "ENDPOINT", TEXT, offsetof (options_t, behind_at),
     "mixed: … of another group, as a control"},
    {"fill", "N", COUNT64, offsetof (options_t, fill),
     "messages stored before (restart, history; default 100000)"},
    {"queries", "N", COUNT, offsetof (options_t, queries),
     "history: pages asked for; default 2000"},
    {"limit", "N", COUNT, offsetof (options_t, limit), "history: records of a page; default 100"},
    {"from", "TIME", REAL, offsetof (options_t, from),
     "history: earliest time asked for, in microseconds"},
    {"to", "TIME", REAL, offsetof (options_t, to),
     "history: the latest; default: those of what is stored"},
    {"scan", NULL, FLAG, offsetof (options_t, scan), "history: read all, nothing else"},
    {"kill", NULL, FLAG, offsetof (options_t, kill), "restart: SIGKILL in place of SIGTERM"},
    {"json", NULL, FLAG, offsetof (options_t, json), "one JSON object"},
    {"quiet", NULL, FLAG, offsetof (options_t, quiet), "no progress"},
};

enum { OPTIONS = sizeof (s_table) / sizeof (s_table[0]) };

static void s_help (void)
{
    printf ("usage: zchat-bench MODE [OPTION]...\n\n"
            "Measures a zchat group: a running one (--group), or one of its own in a temporary "
            "folder.\n\n");
    for (size_t n = 0; modes_at (n); n++)
        printf ("  %-9s %s\n", modes_at (n)->name, modes_at (n)->help);
    puts ("");
    for (size_t n = 0; n < OPTIONS; n++) {
        char left[64];
        snprintf (left, sizeof (left), "--%s %s", s_table[n].name,
                  s_table[n].value ? s_table[n].value : "");
        printf ("  %-21s %s\n", left, s_table[n].help);
    }
    puts ("  -h, --help            this; -V: the version\n\nProtocols:");
    for (size_t n = 0; protocol_at (n); n++)
        printf ("  %-13s %s\n", protocol_at (n)->name, protocol_at (n)->about);
    puts ("\nExample: zchat-bench send --clients 128 --seconds 5");
}

static _Noreturn void s_usage (const char *what, const char *about)
{
    fprintf (stderr, "zchat-bench: %s%s (see zchat-bench -h)\n", what, about);
    exit (2);
}

static double s_number (const char *name, const char *text)
{
    char *end;
    double value = strtod (text, &end);
    if (end == text || *end || !(value >= 0) || isinf (value))
        s_usage ("not a number: --", name);
    return value;
}

static void s_set (options_t *self, const option_t *option, const char *text)
{
    void *place = (char *)self + option->offset;
    switch (option->type) {
    case TEXT:
        *(const char **)place = text;
        break;
    case FLAG:
        *(bool *)place = true;
        break;
    case COUNT:
        *(size_t *)place = (size_t)s_number (option->name, text);
        break;
    case COUNT64:
        *(uint64_t *)place = (uint64_t)s_number (option->name, text);
        break;
    case REAL:
        *(double *)place = s_number (option->name, text);
        break;
    case PID:
        *(pid_t *)place = (pid_t)s_number (option->name, text);
        break;
    case PROTOCOL:
        *(const protocol_t **)place = protocol_named (text);
        if (!protocol_named (text))
            s_usage ("no such protocol: ", text);
        break;
    }
}

static const option_t *s_find (const char *name, size_t size)
{
    for (size_t n = 0; n < OPTIONS; n++)
        if (strlen (s_table[n].name) == size && strncmp (s_table[n].name, name, size) == 0)
            return &s_table[n];
    return NULL;
}

// An option at argv[at]. Returns how many words it took.
static int s_option (options_t *self, int argc, char **argv, int at)
{
    const char *word = argv[at];
    if (strcmp (word, "-h") == 0 || strcmp (word, "--help") == 0) {
        s_help ();
        exit (0);
    }
    if (strcmp (word, "-V") == 0 || strcmp (word, "--version") == 0) {
        puts ("zchat-bench " ZCHAT_VERSION);
        exit (0);
    }
    const char *equals = strchr (word, '=');
    size_t size = equals ? (size_t)(equals - word) : strlen (word);
    const option_t *option =
        size > 2 && strncmp (word, "--", 2) == 0 ? s_find (word + 2, size - 2) : NULL;
    if (!option)
        s_usage ("no such option: ", word);
    if (option->type == FLAG || equals) {
        s_set (self, option, equals ? equals + 1 : NULL);
        return 1;
    }
    if (at + 1 >= argc)
        s_usage ("a value is missing behind ", word);
    s_set (self, option, argv[at + 1]);
    return 2;
}

static void s_judge (const options_t *self)
{
    if (!self->mode || !modes_named (self->mode))
        s_usage (self->mode ? "no such mode: " : "which mode? one of send, fanout, history …",
                 self->mode ? self->mode : "");
    if (self->clients < 1 || self->window < 1 || self->window > 1024)
        s_usage ("--clients must be 1 or more, --window 1 to 1024", "");
    if (self->size < 1 || self->size > 60000)
        s_usage ("--size must be 1 to 60000 bytes", "");
    if (!self->group && strcmp (self->protocol->name, "zchat") != 0 &&
        strcmp (self->protocol->name, "original") != 0)
        s_usage ("--protocol needs --group", "");
    if (self->seconds <= 0)
        s_usage ("--seconds must be more than 0", "");
}

void options_parse (options_t *self, int argc, char **argv)
{
    *self = (options_t){.protocol = &protocol_zchat,
                        .clients = 16,
                        .window = 0,
                        .size = 100,
                        .readers = 100,
                        .members = 1000,
                        .groups = 100,
                        .queries = 2000,
                        .limit = 100,
                        .credit = 262144,
                        .seconds = 3,
                        .warm = 0.5};
    int at = 1;
    while (at < argc) {
        if (argv[at][0] == '-') {
            at += s_option (self, argc, argv, at);
            continue;
        }
        if (self->mode)
            s_usage ("one mode, not also ", argv[at]);
        self->mode = argv[at++];
    }
    if (self->window == 0) // what fanout is measured with; a sender alone waits for each answer
        self->window = self->mode && strcmp (self->mode, "fanout") == 0 ? 64 : 1;
    s_judge (self);
}
