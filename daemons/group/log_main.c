// zchat-log: looks after a group's log from outside.

#include "common/exits.h"
#include "common/text.h"
#include "daemons/group/audit.h"

#include <czmq.h>

typedef struct {
    const char *name;
    int (*run) (const char *folder);
    const char *help;
} command_t;

static bool s_on_terminal;

static void s_progress (void *arg, uint64_t bytes, uint64_t of_bytes)
{
    (void)arg;
    if (s_on_terminal && of_bytes > 0)
        fprintf (stderr, "\r%3" PRIu64 " %%", bytes < of_bytes ? bytes * 100 / of_bytes : 100);
}

static void s_end_progress (void)
{
    if (s_on_terminal)
        fprintf (stderr, "\r      \r");
}

static void s_print_time (int64_t time)
{
    time_t seconds = (time_t)(time / 1000000);
    struct tm when;
    char text[32];
    gmtime_r (&seconds, &when);
    strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &when);
    printf ("%s.%06dZ", text, (int)(time % 1000000));
}

// The verdict for people, and its exit code.
static int s_conclude (const audit_t *audit)
{
    s_end_progress ();
    if (audit->verdict == AUDIT_SOUND)
        return EXIT_DONE;
    fprintf (stderr, "zchat-log: %s\n", audit->place);
    return audit->verdict == AUDIT_FAILED ? EXIT_SYNC : EXIT_REFUSED;
}

static void s_print_head (const audit_t *audit)
{
    char log_text[GUID_TEXT];
    printf ("log         %s\n", guid_print (&audit->log, log_text));
    printf ("segments    %" PRIu64 ", %" PRIu64 " bytes\n", audit->segments, audit->bytes);
    printf ("records     %" PRIu64 " (%" PRIu64 " to %" PRIu64 ")\n", audit->records, audit->first,
            audit->last);
    printf ("generation  %" PRIu64 "\n", audit->generation);
    if (audit->records > 0) {
        printf ("last        ");
        s_print_time (audit->time);
        printf ("\nchain       ");
        for (size_t i = 0; i < CHAIN_SIZE; i++)
            printf ("%02x", audit->chain.bytes[i]);
        printf ("\n");
    }
}

static int s_verify (const char *folder)
{
    audit_t audit;
    audit_io_t io = {.progress = s_progress};
    audit_run (&audit, folder, &io);
    int rc = s_conclude (&audit);
    if (audit.segments > 0)
        s_print_head (&audit);
    if (rc == EXIT_DONE)
        printf ("sound%s\n", audit.live ? " (a batch being written was left out)" : "");
    return rc;
}

static void s_show_record (void *arg, const record_t *record)
{
    (void)arg;
    char who[GUID_TEXT];
    char *nick = text_for_terminal ((const char *)record->nick.data, record->nick.size, false);
    char *text = text_for_terminal ((const char *)record->text.data, record->text.size, false);
    printf ("%" PRIu64 " ", record->seq);
    s_print_time (record->time);
    printf (" %s %s %s%s%s%s\n", record_kind_name (record->kind),
            guid_is_null (&record->author) ? "-" : guid_print (&record->author, who),
            nick && *nick ? nick : "-", record->flags & RECORD_VERIFIED ? " verified" : "",
            record->text.size ? " " : "", text ? text : "");
    free (nick);
    free (text);
}

static int s_show (const char *folder)
{
    audit_t audit;
    audit_io_t io = {.record = s_show_record};
    audit_run (&audit, folder, &io);
    return s_conclude (&audit);
}

static const command_t s_commands[] = {
    {"verify", s_verify, "check every byte; print what the log holds and its last chain value"},
    {"show", s_show, "print every record, one a line"},
};

static void s_help (FILE *out)
{
    fprintf (out, "usage: zchat-log COMMAND FOLDER\n\n"
                  "Looks after a group's log; FOLDER is STATE_DIR/groups/NAME.\n\ncommands:\n");
    for (size_t i = 0; i < sizeof s_commands / sizeof s_commands[0]; i++)
        fprintf (out, "  %-8s %s\n", s_commands[i].name, s_commands[i].help);
    fprintf (out, "\noptions:\n  -h, --help     this\n  -V, --version  the version\n"
                  "\nexit: 0 sound, 1 damage or a torn tail, 2 wrong usage, 74 cannot be read\n");
}

int main (int argc, char **argv)
{
    s_on_terminal = isatty (STDERR_FILENO) == 1;
    if (argc == 2 && (streq (argv[1], "-h") || streq (argv[1], "--help"))) {
        s_help (stdout);
        return EXIT_DONE;
    }
    if (argc == 2 && (streq (argv[1], "-V") || streq (argv[1], "--version"))) {
        puts ("zchat-log " ZCHAT_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; argc == 3 && i < sizeof s_commands / sizeof s_commands[0]; i++) {
        if (!streq (argv[1], s_commands[i].name))
            continue;
        int rc = s_commands[i].run (argv[2]);
        if (fflush (stdout) == 0 && !ferror (stdout))
            return rc;
        fprintf (stderr, "zchat-log: standard output: %s\n", strerror (errno));
        return EXIT_SYNC;
    }
    s_help (stderr);
    return EXIT_USAGE;
}
