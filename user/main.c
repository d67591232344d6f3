// zchat: the user's program in the terminal.
//
// Floor 15.

#include "user/commands.h"
#include "user/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>

static int64_t s_now (void)
{
    struct timeval now;
    gettimeofday (&now, NULL);
    return (int64_t)now.tv_sec * 1000000 + now.tv_usec;
}

static int s_print (char *text)
{
    int written = text ? fputs (text, stdout) : EOF;
    free (text);
    return written == EOF || fflush (stdout) == EOF ? EXIT_NOT_NOW : EXIT_DONE;
}

static int s_run (const command_line_t *line)
{
    char *identity = identity_folder ();
    const context_environment_t environment = {.registries = getenv ("ZCHAT_REGISTRY"),
                                               .config = getenv ("XDG_CONFIG_HOME"),
                                               .home = getenv ("HOME"),
                                               .identity = identity};
    int code;
    context_t *context = context_new (line, &environment, &code);
    free (identity);
    if (!context)
        return code;
    code = line->command->run (context);
    context_destroy (&context);
    return code;
}

int main (int argc, char **argv)
{
    command_line_t line;
    char error[COMMAND_ERROR];
    size_t count;
    const command_t *table = commands_table (&count);
    prctl (PR_SET_DUMPABLE, 0); // it holds the user's secret key: no core
    if (command_parse (&line, table, count, &table[0], argc, argv, s_now (), error) < 0) {
        const char *usage = strncmp (error, "usage: ", 7) == 0 ? "" : " (see zchat --help)";
        fprintf (stderr, "zchat: %s%s\n", error, usage);
        return EXIT_USAGE;
    }
    if (line.version)
        return s_print (strdup ("zchat " ZCHAT_VERSION "\n"));
    if (line.help)
        return s_print (command_help (table, count, line.command));
    return s_run (&line);
}
