#include "user/command.h"

#include "common/endpoint.h"
#include "common/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MAX = 86400 };

typedef enum {
    OPTION_REGISTRY,
    OPTION_FOLDER,
    OPTION_TIMEOUT,
    OPTION_JSON,
    OPTION_UUID,
    OPTION_AFTER,
    OPTION_BEFORE,
    OPTION_LIMIT,
    OPTION_COUNT,
    OPTION_LINES,
    OPTION_ACCEPT,
    OPTION_KEY,
    OPTION_GROUP,
    OPTION_EXPIRES,
    OPTION_USES,
    OPTION_AT,
    OPTION_HELP,
    OPTION_VERSION
} option_id_t;

typedef struct {
    option_id_t id;
    char letter; // 0: none
    const char *name;
    const char *argument; // NULL: none
    unsigned only;        // commands with this in their `options`; 0: all
    const char *help;
} option_t;

static const option_t s_options[] = {
    {OPTION_AFTER, 0, "after", "WHEN", COMMAND_AFTER,
     "what came then or later; behind the record with --after '#7'"},
    {OPTION_BEFORE, 0, "before", "WHEN", COMMAND_BEFORE, "what came before"},
    {OPTION_LIMIT, 0, "limit", "N", COMMAND_LIMIT, "the first N with --after, else the last N"},
    {OPTION_COUNT, 0, "count", "N", COMMAND_COUNT, "end after N records"},
    {OPTION_LINES, 0, "lines", NULL, COMMAND_LINES, "each line of stdin that is not empty"},
    {OPTION_ACCEPT, 0, "accept", NULL, COMMAND_ACCEPT,
     "a group's key has changed, as its operator says: take the one that is there now"},
    {OPTION_KEY, 0, "key", NULL, COMMAND_INVITE,
     "print the line for registry.cfg and group.cfg that says who invites"},
    {OPTION_GROUP, 0, "group", "GROUP", COMMAND_INVITE,
     "to this group alone (repeatable); without it, to all"},
    {OPTION_EXPIRES, 0, "expires", "WHEN", COMMAND_INVITE, "not good any more then, such as +7d"},
    {OPTION_USES, 0, "uses", "N", COMMAND_INVITE, "good for N people"},
    {OPTION_AT, 0, "at", "ENDPOINT", COMMAND_INVITE,
     "a registry's, with ?key= (repeatable); without it, the registries are asked"},
    {OPTION_REGISTRY, 'r', "registry", "ENDPOINT", 0,
     "ask this registry alone (repeatable; else $ZCHAT_REGISTRY)"},
    {OPTION_FOLDER, 'c', "config", "DIR", 0, "the folder of user.cfg (/etc/zchat)"},
    {OPTION_TIMEOUT, 0, "timeout", "S", 0, "wait at most S seconds (5)"},
    {OPTION_JSON, 0, "json", NULL, 0, "print JSON, one object a line"},
    {OPTION_UUID, 0, "uuid", "UUID", 0, "speak as this UUID, over plain listeners only"},
    {OPTION_VERSION, 'V', "version", NULL, 0, "print the version"},
    {OPTION_HELP, 'h', "help", NULL, 0, "print this"},
};

enum { OPTIONS = sizeof s_options / sizeof s_options[0] };

const char *command_option (size_t index)
{
    return index < OPTIONS ? s_options[index].name : NULL;
}

// The parser's place in argv. Arguments are moved together at its front, behind `args`.
typedef struct {
    command_line_t *line;
    const command_t *table;
    size_t count;
    char **argv;
    int argc;
    int at;
    unsigned given; // the `only` of all options that came
    int64_t now;
    char *error;
} parser_t;

static int s_fail (parser_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

static int s_fail (parser_t *self, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (self->error, COMMAND_ERROR, format, args);
    va_end (args);
    return -1;
}

const command_t *command_find (const command_t *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp (table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static int s_registry (parser_t *self, const char *value)
{
    command_line_t *line = self->line;
    endpoint_t endpoint;
    const char *wrong = endpoint_parse (&endpoint, value, strlen (value), ENDPOINT_CONNECT);
    if (wrong)
        return s_fail (self, "--registry '%.200s': %s", value, wrong);
    if (line->registry_count == COMMAND_REGISTRIES)
        return s_fail (self, "--registry can be given %d times", COMMAND_REGISTRIES);
    line->registries[line->registry_count++] = value;
    return 0;
}

static int s_timeout (parser_t *self, const char *value)
{
    char *end;
    double seconds = strtod (value, &end);
    bool number = strspn (value, "0123456789.") == strlen (value) && *value && !*end;
    if (!number || seconds < 0.001 || seconds > TIMEOUT_MAX)
        return s_fail (self, "--timeout '%.40s': 0.001 to %d seconds", value, TIMEOUT_MAX);
    self->line->timeout = (int)(seconds * 1000);
    return 0;
}

static int s_number (parser_t *self, const char *name, const char *value, uint64_t max,
                     uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull (value, &end, 10);
    if (*value < '0' || *value > '9' || *end || errno || *number == 0 || *number > max)
        return s_fail (self, "--%s '%.40s': a number from 1 to %llu", name, value,
                       (unsigned long long)max);
    return 0;
}

static int s_moment (parser_t *self, const option_t *option, const char *value, bool *has,
                     moment_t *moment)
{
    char wrong[MOMENT_ERROR];
    *has = true;
    if (moment_parse (moment, value, self->now, wrong) == 0)
        return 0;
    return s_fail (self, "--%s %s", option->name, wrong);
}

static int s_group (parser_t *self, const char *value)
{
    command_line_t *line = self->line;
    if (!text_name_valid (value, strlen (value)))
        return s_fail (self, "--group '%.60s': no group's name", value);
    if (line->group_count == COMMAND_NAMES)
        return s_fail (self, "--group can be given %d times", COMMAND_NAMES);
    line->groups[line->group_count++] = value;
    return 0;
}

static int s_place (parser_t *self, const char *value)
{
    command_line_t *line = self->line;
    endpoint_t endpoint;
    const char *wrong = endpoint_parse (&endpoint, value, strlen (value), ENDPOINT_CONNECT);
    if (!wrong && !endpoint.has_key)
        wrong = "its key is missing: ?key= and 64 hex digits";
    if (wrong)
        return s_fail (self, "--at '%.200s': %s", value, wrong);
    if (line->place_count == COMMAND_NAMES)
        return s_fail (self, "--at can be given %d times", COMMAND_NAMES);
    line->places[line->place_count++] = value;
    return 0;
}

static int s_expires (parser_t *self, const option_t *option, const char *value)
{
    moment_t moment;
    bool given;
    if (s_moment (self, option, value, &given, &moment) < 0)
        return -1;
    if (moment.is_seq || moment.time <= self->now)
        return s_fail (self, "--expires '%.60s': no time that is still to come, such as +7d",
                       value);
    self->line->expires = moment.time;
    return 0;
}

// What goes into an invitation.
static int s_set_invitation (parser_t *self, const option_t *option, const char *value)
{
    uint64_t number = 0;
    switch (option->id) {
    case OPTION_KEY:
        self->line->key = true;
        return 0;
    case OPTION_GROUP:
        return s_group (self, value);
    case OPTION_EXPIRES:
        return s_expires (self, option, value);
    case OPTION_USES:
        if (s_number (self, "uses", value, UINT32_MAX, &number) < 0)
            return -1;
        self->line->uses = (uint32_t)number;
        return 0;
    default:
        return s_place (self, value);
    }
}

static int s_set (parser_t *self, const option_t *option, const char *value)
{
    command_line_t *line = self->line;
    uint64_t number = 0;
    self->given |= option->only;
    switch (option->id) {
    case OPTION_REGISTRY:
        return s_registry (self, value);
    case OPTION_FOLDER:
        line->folder = value;
        return 0;
    case OPTION_TIMEOUT:
        return s_timeout (self, value);
    case OPTION_JSON:
        line->json = true;
        return 0;
    case OPTION_UUID:
        line->has_uuid = true;
        if (guid_parse (&line->uuid, value, strlen (value)) < 0 || guid_is_null (&line->uuid))
            return s_fail (self, "--uuid '%.60s': no UUID", value);
        return 0;
    case OPTION_AFTER:
        return s_moment (self, option, value, &line->has_after, &line->after);
    case OPTION_BEFORE:
        return s_moment (self, option, value, &line->has_before, &line->before);
    case OPTION_LIMIT:
        if (s_number (self, "limit", value, UINT32_MAX, &number) < 0)
            return -1;
        line->limit = (uint32_t)number;
        return 0;
    case OPTION_COUNT:
        return s_number (self, "count", value, INT64_MAX, &line->count);
    case OPTION_LINES:
        line->lines = true;
        return 0;
    case OPTION_ACCEPT:
        line->accept = true;
        return 0;
    case OPTION_KEY:
    case OPTION_GROUP:
    case OPTION_EXPIRES:
    case OPTION_USES:
    case OPTION_AT:
        return s_set_invitation (self, option, value);
    case OPTION_HELP:
        line->help = true;
        return 0;
    case OPTION_VERSION:
        line->version = true;
        return 0;
    }
    return 0;
}

// `-r VALUE`, `-rVALUE`, `--name VALUE`, `--name=VALUE`. The value may begin with a dash.
static int s_option (parser_t *self)
{
    const char *word = self->argv[self->at++], *value = NULL;
    size_t size = strcspn (word, "=");
    for (size_t i = 0; i < OPTIONS; i++) {
        const option_t *option = &s_options[i];
        if (word[1] == '-') {
            if (strlen (option->name) != size - 2 || memcmp (word + 2, option->name, size - 2) != 0)
                continue;
            value = word[size] ? word + size + 1 : NULL;
        } else {
            if (option->letter == 0 || word[1] != option->letter)
                continue;
            value = word[2] ? word + 2 : NULL;
        }
        if (!option->argument && value)
            return s_fail (self, "option '%.60s' takes no value", word);
        if (option->argument && !value && self->at == self->argc)
            return s_fail (self, "option '%.60s' needs a value: %s", word, option->argument);
        if (option->argument && !value)
            value = self->argv[self->at++];
        return s_set (self, option, value);
    }
    return s_fail (self, "there is no option '%.60s'", word);
}

// Behind `send GROUP`: a leading option, then text only.
static void s_text (parser_t *self)
{
    command_line_t *line = self->line;
    if (self->at == self->argc)
        return;
    const char *word = self->argv[self->at];
    line->from_stdin = strcmp (word, "-") == 0;
    bool lines = strcmp (word, "--lines") == 0;
    line->lines = line->lines || lines;
    if (line->from_stdin || lines || strcmp (word, "--") == 0)
        self->at++;
    while (self->at < self->argc)
        line->args[line->arg_count++] = self->argv[self->at++];
}

// A word that is no option: the command, or an argument of it.
static int s_word (parser_t *self, char *word)
{
    command_line_t *line = self->line;
    if (!line->command) {
        line->command = command_find (self->table, self->count, word);
        return line->command ? 0 : s_fail (self, "there is no command '%.60s'", word);
    }
    line->args[line->arg_count++] = word;
    if (line->command->text && line->arg_count == 1)
        s_text (self);
    return 0;
}

static int s_words (parser_t *self)
{
    bool options = true;
    while (self->at < self->argc) {
        char *word = self->argv[self->at];
        if (options && strcmp (word, "--") == 0) {
            options = false;
            self->at++;
            continue;
        }
        if (options && word[0] == '-' && word[1]) {
            if (s_option (self) < 0)
                return -1;
            continue;
        }
        self->at++;
        if (s_word (self, word) < 0)
            return -1;
    }
    return 0;
}

static int s_check (parser_t *self)
{
    const command_line_t *line = self->line;
    const command_t *command = line->command;
    for (size_t i = 0; i < OPTIONS; i++)
        if (self->given & s_options[i].only & ~command->options)
            return s_fail (self, "'%s' takes no --%s", command->name, s_options[i].name);
    bool stdin_only = line->from_stdin || line->lines;
    if (line->from_stdin && line->lines)
        return s_fail (self, "'-' and --lines exclude each other");
    if (stdin_only && line->arg_count > 1)
        return s_fail (self, "'%s' takes either a text or stdin", command->name);
    size_t min = stdin_only ? 1 : command->min;
    if (line->arg_count < min || line->arg_count > command->max)
        return s_fail (self, "usage: zchat %s%s%s", command->name, *command->usage ? " " : "",
                       command->usage);
    return 0;
}

int command_parse (command_line_t *self, const command_t *table, size_t count,
                   const command_t *standard, int argc, char **argv, int64_t now,
                   char error[COMMAND_ERROR])
{
    memset (self, 0, sizeof *self);
    self->timeout = COMMAND_TIMEOUT;
    self->args = argv + (argc > 0 ? 1 : 0);
    parser_t parser = {.line = self,
                       .table = table,
                       .count = count,
                       .argv = argv,
                       .argc = argc,
                       .at = 1,
                       .now = now,
                       .error = error};
    if (s_words (&parser) < 0)
        return -1;
    if (self->help || self->version)
        return 0;
    if (!self->command)
        self->command = standard;
    return s_check (&parser);
}

static void s_put_option (FILE *out, const option_t *option)
{
    char letter[] = {'-', option->letter, ',', ' ', 0};
    int used = fprintf (out, "  %s--%s%s%s", option->letter ? letter : "    ", option->name,
                        option->argument ? " " : "", option->argument ? option->argument : "");
    fprintf (out, "%*s%s\n", used < 28 ? 28 - used : 1, "", option->help);
}

static void s_put_options (FILE *out, unsigned only)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (s_options[i].only & only)
            s_put_option (out, &s_options[i]);
    for (size_t i = 0; i < OPTIONS; i++)
        if (s_options[i].only == 0)
            s_put_option (out, &s_options[i]);
}

static bool s_is_taken (const option_t *option, const command_t *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].options & option->only)
            return true;
    return false;
}

// Those that not every command takes, with the commands that do.
static void s_put_special (FILE *out, const command_t *table, size_t count)
{
    for (size_t i = 0; i < OPTIONS; i++) {
        const char *before = " (";
        if (!s_is_taken (&s_options[i], table, count))
            continue;
        int used =
            fprintf (out, "      --%s%s%s", s_options[i].name, s_options[i].argument ? " " : "",
                     s_options[i].argument ? s_options[i].argument : "");
        fprintf (out, "%*s", used < 27 ? 27 - used : 0, "");
        for (size_t at = 0; at < count; at++)
            if (table[at].options & s_options[i].only) {
                fprintf (out, "%s%s", before, table[at].name);
                before = ", ";
            }
        fprintf (out, ") %s\n", s_options[i].help);
    }
}

static void s_put_moments (FILE *out)
{
    fputs ("\nWHEN is HH:MM:SS (today), YYYY-MM-DD, 'YYYY-MM-DD HH:MM:SS', RFC 3339, @SECONDS,\n"
           "-15m or +7d (s, m, h, d), or a record: '#7' or seq:7.\n",
           out);
}

static void s_put_program (FILE *out, const command_t *table, size_t count)
{
    fputs ("usage: zchat [OPTION...] [COMMAND [ARGUMENT...]]\n\nTalk in groups. Commands:\n", out);
    for (size_t i = 0; i < count; i++) {
        const char *blank = *table[i].usage ? " " : "";
        int used = fprintf (out, "  %s%s%s", table[i].name, blank, table[i].usage);
        fprintf (out, "%*s%s\n", used < 36 ? 36 - used : 1, "", table[i].summary);
    }
    fputs ("\nOptions, before or after the command:\n", out);
    s_put_options (out, 0);
    fputs ("\nOptions of some commands:\n", out);
    s_put_special (out, table, count);
    s_put_moments (out);
    fputs ("\nGROUP is a name, a port on 127.0.0.1, or an endpoint such as tcp://host:2010.\n"
           "WHO is a member's nick or a UUID. More of a command: zchat COMMAND --help\n",
           out);
}

static void s_put_command (FILE *out, const command_t *command)
{
    fprintf (out, "usage: zchat %s%s%s\n\n%s.\n%s\nOptions:\n", command->name,
             *command->usage ? " " : "", command->usage, command->summary, command->help);
    s_put_options (out, command->options);
    if (command->options & (COMMAND_AFTER | COMMAND_BEFORE | COMMAND_INVITE))
        s_put_moments (out);
}

char *command_help (const command_t *table, size_t count, const command_t *one)
{
    char *result = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&result, &size);
    if (!out)
        return NULL;
    if (one)
        s_put_command (out, one);
    else
        s_put_program (out, table, count);
    if (fclose (out) == 0)
        return result;
    free (result);
    return NULL;
}
