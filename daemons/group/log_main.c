// zchat-log: looks after a group's log from outside.

#include "common/exits.h"
#include "common/text.h"
#include "daemons/group/accept.h"
#include "daemons/group/export.h"
#include "daemons/group/folder.h"
#include "daemons/group/import.h"
#include "daemons/group/repair.h"

#include <czmq.h>
#include <fcntl.h>
#include <sys/file.h>

enum { DAMAGE_LINES = 20 }; // that verify prints

typedef struct {
    const char *folder;
    bool yes;
    const char *key;
} call_t;

typedef struct {
    const char *name;
    int (*run) (const call_t *call);
    bool takes_yes;
    bool takes_key;
    const char *usage;
    const char *summary;
    const char *help;
} command_t;

static bool s_on_terminal;

static void s_progress (void *arg, uint64_t bytes, uint64_t of_bytes)
{
    (void)arg;
    if (s_on_terminal && of_bytes > 0)
        fprintf (stderr, "\r%3" PRIu64 " %%", bytes < of_bytes ? bytes * 100 / of_bytes : 100);
    else if (s_on_terminal)
        fprintf (stderr, "\r%" PRIu64 " MiB", bytes >> 20);
}

static void s_end_progress (void)
{
    if (s_on_terminal)
        fprintf (stderr, "\r              \r");
}

static int s_fail (int code, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

static int s_fail (int code, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_end_progress ();
    fprintf (stderr, "zchat-log: ");
    vfprintf (stderr, format, args);
    fprintf (stderr, "\n");
    va_end (args);
    return code;
}

static void s_print_line (void *arg, const char *line)
{
    (void)arg;
    puts (line);
}

// ---- verify

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
    return s_fail (audit->verdict == AUDIT_FAILED ? EXIT_SYNC : EXIT_REFUSED, "%s", audit->place);
}

static const char *s_why (record_why_t why)
{
    static const char *const names[] = {"", "age", "size", "count", "damage"};
    return why <= RECORD_WHY_DAMAGE ? names[why] : "?";
}

static void s_print_head (const audit_t *audit)
{
    char log_text[GUID_TEXT];
    printf ("log         %s\n", guid_print (&audit->log, log_text));
    printf ("segments    %" PRIu64 ", %" PRIu64 " bytes\n", audit->segments, audit->bytes);
    printf ("records     %" PRIu64 " (%" PRIu64 " to %" PRIu64 ")\n", audit->records, audit->first,
            audit->last);
    if (audit->oldest > 1)
        printf ("kept        from record %" PRIu64 " on (%s)\n", audit->oldest, s_why (audit->why));
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

static void s_print_lost (void *arg, uint64_t from, uint64_t to)
{
    (void)arg;
    s_end_progress ();
    if (to >= from)
        printf ("hole        records %" PRIu64 " to %" PRIu64 " were given up by a repair\n", from,
                to);
    else
        printf ("hole        before record %" PRIu64
                ": the chain was broken, or what the group knew "
                "was made again by a repair\n",
                from);
}

// What is wrong, without what a repair would do about it.
static void s_print_damage (void *arg, const char *line)
{
    size_t *printed = arg;
    const char *remedy = strchr (line, ';');
    if ((*printed)++ < DAMAGE_LINES)
        printf ("damage      %.*s\n", (int)(remedy ? remedy - line : INT_MAX), line);
}

// The audit stops at the first damage: a survey goes on behind it.
static int s_tell_damage (const call_t *call, const audit_t *audit)
{
    size_t printed = 0;
    int dir = open (call->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    survey_t *survey = dir < 0 ? NULL : survey_new (dir, &audit->log, s_progress);
    s_end_progress ();
    int rc = EXIT_REFUSED;
    if (!survey)
        rc = s_fail (EXIT_SYNC, "%s cannot be read: %s", call->folder, strerror (errno));
    else if (!*survey->refusal)
        repair_explain (survey, s_print_damage, &printed);
    if (printed > DAMAGE_LINES)
        printf ("damage      and %zu more: see zchat-log repair %s\n", printed - DAMAGE_LINES,
                call->folder);
    survey_destroy (&survey);
    if (dir >= 0)
        close (dir);
    return rc;
}

static int s_verify (const call_t *call)
{
    audit_t audit;
    audit_io_t io = {.progress = s_progress, .lost = s_print_lost};
    audit_run (&audit, call->folder, &io);
    int rc = s_conclude (&audit);
    if (audit.segments > 0)
        s_print_head (&audit);
    if (audit.verdict == AUDIT_DAMAGED && !guid_is_null (&audit.log))
        rc = s_tell_damage (call, &audit);
    if (rc == EXIT_DONE)
        printf ("sound%s\n", audit.live ? " (a batch being written was left out)" : "");
    return rc;
}

// ---- show

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

// Nobody reads any more, or the disk is full: enough.
static int s_go_on (void *error, batch_t *batch)
{
    (void)batch;
    if (ferror (stdout))
        *(int *)error = errno ? errno : EIO;
    return *(int *)error;
}

static int s_show (const call_t *call)
{
    audit_t audit;
    int error = 0;
    audit_io_t io = {.arg = &error, .record = s_show_record, .batch = s_go_on};
    audit_run (&audit, call->folder, &io);
    if (error)
        return s_fail (EXIT_SYNC, "standard output: %s", strerror (error));
    return s_conclude (&audit);
}

// ---- export and import

static int s_export (const call_t *call)
{
    audit_t audit;
    if (export_run (call->folder, stdout, &audit, s_progress) < 0)
        return s_fail (EXIT_SYNC, "standard output: %s", strerror (errno));
    return s_conclude (&audit);
}

static int s_import (const call_t *call)
{
    import_t import;
    trouble_t trouble;
    char log[GUID_TEXT];
    if (import_run (&import, stdin, call->folder, call->key, s_progress, &trouble) < 0)
        return s_fail (trouble.exit, "%s", trouble.text);
    s_end_progress ();
    printf ("log         %s\nsegments    %" PRIu64 "\nrecords     %" PRIu64 ", the last is %" PRIu64
            "\n",
            guid_print (&import.log, log), import.segments, import.records, import.last);
    if (!call->key)
        printf ("a new key was made: receipts that clients hold prove nothing any more\n");
    return EXIT_DONE;
}

// ---- repair

// Whether a daemon has the folder locked.
static bool s_is_held (int dir)
{
    if (flock (dir, LOCK_SH | LOCK_NB) < 0)
        return errno == EWOULDBLOCK;
    flock (dir, LOCK_UN);
    return false;
}

// Lists and, with --yes, does.
static int s_repair_survey (const call_t *call, int dir, const survey_t *survey)
{
    bool held = !call->yes && s_is_held (dir);
    trouble_t trouble;
    if (!survey->damaged && !*survey->refusal && (!survey->torn || held)) {
        puts ("nothing to repair");
        return EXIT_DONE;
    }
    if (*survey->refusal)
        return s_fail (EXIT_REFUSED, "this cannot be repaired: %s", survey->refusal);
    repair_explain (survey, s_print_line, NULL);
    if (!call->yes) {
        printf ("nothing was changed; %szchat-log repair --yes %s does this\n",
                held ? "stop the group first, then " : "", call->folder);
        return EXIT_REFUSED;
    }
    fflush (stdout);
    if (repair_run (dir, survey, s_print_line, NULL, &trouble) < 0)
        return s_fail (trouble.exit, "%s", trouble.text);
    return s_verify (call);
}

static int s_repair_in (const call_t *call, int dir)
{
    guid_t log;
    int known = folder_log_id (dir, &log);
    if (known < 0)
        return s_fail (EXIT_SYNC, "%s cannot be read: %s", call->folder, strerror (errno));
    if (!known)
        return s_fail (EXIT_REFUSED,
                       "this cannot be repaired: no segment has a header, and there is "
                       "no key that names the log");
    survey_t *survey = survey_new (dir, &log, s_progress);
    if (!survey)
        return s_fail (EXIT_SYNC,
                       "%s cannot be read: %s (a read error is no damage: copy the disk first)",
                       call->folder, strerror (errno));
    s_end_progress ();
    int rc = s_repair_survey (call, dir, survey);
    survey_destroy (&survey);
    return rc;
}

static int s_repair (const call_t *call)
{
    trouble_t trouble;
    int dir = open (call->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && call->yes) {
        close (dir);
        dir = folder_open (call->folder, &trouble); // locked
        if (dir < 0)
            return s_fail (trouble.exit, "%s", trouble.text);
    }
    if (dir < 0)
        return s_fail (EXIT_SYNC, "%s cannot be read: %s", call->folder, strerror (errno));
    int rc = s_repair_in (call, dir);
    close (dir);
    return rc;
}

// ---- accept

static int s_accept_yes (const call_t *call)
{
    accept_t accept;
    trouble_t trouble;
    if (accept_run (&accept, call->folder, &trouble) < 0)
        return s_fail (trouble.exit, "%s", trouble.text);
    if (*accept.notice)
        puts (accept.notice);
    printf ("accepted: the log goes on behind record %" PRIu64 " in generation %" PRIu64 "\n",
            accept.head, accept.generation);
    return EXIT_DONE;
}

static int s_accept (const call_t *call)
{
    char doubt[FOLDER_DOUBT_MAX];
    int dir = open (call->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = dir < 0 ? -1 : folder_doubt (dir, doubt);
    if (rc < 0)
        rc = s_fail (EXIT_SYNC, "%s cannot be read: %s", call->folder, strerror (errno));
    else if ((*doubt || call->yes) && s_is_held (dir))
        rc = s_fail (EXIT_NOT_NOW, "%s is in use by another process: stop the group first",
                     call->folder);
    else if (!*doubt) {
        puts ("nothing to accept: the log is not in doubt");
        rc = EXIT_DONE;
    } else if (!call->yes) {
        printf (
            "in doubt: %s\n"
            "acknowledged records were lost, rolled back or edited; a backup that holds them may "
            "be put back instead.\nzchat-log accept --yes %s makes the log go on from where it "
            "ends; clients that hold a receipt for more are told that it is lost\n",
            doubt, call->folder);
        rc = EXIT_REFUSED;
    }
    if (dir >= 0)
        close (dir);
    return rc == 0 && *doubt ? s_accept_yes (call) : rc;
}

// ---- The program

static const command_t s_commands[] = {
    {"verify", s_verify, false, false, "verify FOLDER",
     "check every byte; print what the log holds and its last chain value",
     "The group may run meanwhile. Names every damaged place, the first 20.\n"
     "Exit: 0 sound, 1 damage or a torn tail, 74 cannot be read."},
    {"show", s_show, false, false, "show FOLDER", "print every record, one a line",
     "Number, time (UTC), kind, author, nick, `verified`, text. Exit: as verify."},
    {"export", s_export, false, false, "export FOLDER >FILE",
     "print the whole log as lines of JSON, without loss",
     "The group may run meanwhile. Checks what it reads as verify does; where something is wrong "
     "it\n"
     "stops, and the file cannot be imported. Exit: as verify."},
    {"import", s_import, false, true, "import [--key FILE] FOLDER <FILE",
     "make the same log again from an export",
     "FOLDER must be empty or not there. All or nothing. A new secret is made, unless --key names "
     "the\n"
     "file `key` of the log that was exported. Exit: 0 done, 1 refused, 74, 75 disk, 78 key."},
    {"repair", s_repair, true, false, "repair [--yes] FOLDER",
     "make a damaged log whole around what is lost",
     "Says what is damaged and what would be done; with --yes does it: whole batches stay as they "
     "are,\n"
     "a hole stands for what is lost, damaged files are kept. Exit: 0 nothing to repair, or "
     "repaired\n"
     "and sound, 1 something to repair, 74 cannot be read or written, 75 in use, disk full."},
    {"accept", s_accept, true, false, "accept [--yes] FOLDER",
     "let a log in doubt go on from where it ends",
     "Says what the doubt is; with --yes ends it. Exit: 0 no doubt, or accepted, 1 in doubt, 74, "
     "75 in\n"
     "use, disk full."},
};
enum { COMMANDS = sizeof s_commands / sizeof s_commands[0] };

static void s_help (FILE *out)
{
    fprintf (out, "usage: zchat-log COMMAND FOLDER\n\n"
                  "Looks after a group's log; FOLDER is STATE_DIR/groups/NAME.\n\ncommands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf (out, "  %-8s %s\n", s_commands[i].name, s_commands[i].summary);
    fprintf (out, "\noptions:\n  -h, --help     this; behind a command, what it does\n"
                  "  -V, --version  the version\n"
                  "\nexit: 0 done, sound, 1 damage, refused, 2 wrong usage, 74 cannot be read or "
                  "written,\n75 cannot be done now, 78 wrong key\n");
}

static int s_help_command (const command_t *command)
{
    printf ("usage: zchat-log %s\n\n%s.\n%s\n", command->usage, command->summary, command->help);
    return EXIT_DONE;
}

static int s_wrong_usage (const command_t *command)
{
    if (command)
        fprintf (stderr, "usage: zchat-log %s\n", command->usage);
    else
        s_help (stderr);
    return EXIT_USAGE;
}

static const command_t *s_find (const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (streq (s_commands[i].name, name))
            return &s_commands[i];
    return NULL;
}

static int s_run (const command_t *command, int argc, char **argv)
{
    call_t call = {.folder = NULL};
    for (int i = 0; i < argc; i++) {
        if (streq (argv[i], "-h") || streq (argv[i], "--help"))
            return s_help_command (command);
        if (command->takes_yes && streq (argv[i], "--yes"))
            call.yes = true;
        else if (command->takes_key && streq (argv[i], "--key") && i + 1 < argc)
            call.key = argv[++i];
        else if (argv[i][0] == '-' || call.folder || !*argv[i])
            return s_wrong_usage (command);
        else
            call.folder = argv[i];
    }
    if (!call.folder)
        return s_wrong_usage (command);
    int rc = command->run (&call);
    if (fflush (stdout) == 0 && !ferror (stdout))
        return rc;
    return rc == EXIT_SYNC ? rc : s_fail (EXIT_SYNC, "standard output: %s", strerror (errno));
}

int main (int argc, char **argv)
{
    s_on_terminal = isatty (STDERR_FILENO) == 1;
    if (argc < 2)
        return s_wrong_usage (NULL);
    bool alone = argc == 2;
    const command_t *command = s_find (argv[1]);
    if (command)
        return s_run (command, argc - 2, argv + 2);
    if (alone && (streq (argv[1], "-h") || streq (argv[1], "--help")))
        s_help (stdout);
    else if (alone && (streq (argv[1], "-V") || streq (argv[1], "--version")))
        puts ("zchat-log " ZCHAT_VERSION);
    else
        return s_wrong_usage (NULL);
    return EXIT_DONE;
}
