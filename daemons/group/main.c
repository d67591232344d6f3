// zchat-group: one group: takes messages from its members, makes them durable, and then tells the
// others.

#include "common/program.h"
#include "common/text.h"
#include "daemons/group/group.h"
#include "daemons/group/settings.h"

enum { PING_MS = 2000 };

static bool s_name_valid (const char *name)
{
    return text_name_valid (name, strlen (name));
}

// A group that is not open asks for keys, which nobody can prove without a place for it.
static void s_check (conf_t *conf)
{
    bool open = strcmp (conf_string (conf, "access"), "open") == 0;
    for (size_t i = 0; i < conf_count (conf, "listen") && !open; i++)
        open = conf_listener (conf, "listen", i)->security == LISTENER_CURVE;
    if (!open)
        conf_complain (conf, "access",
                       "nobody could join: this needs a listener with security = \"curve\"");
}

static int s_start (program_t *program, void **state_p)
{
    return group_new ((group_t **)state_p, program);
}

static void s_reload (void *state, const conf_t *conf)
{
    group_reload (state, conf);
}

static void s_stop (void *state)
{
    group_stop (state);
}

static bool s_syncing (void *state)
{
    return group_syncing (state);
}

static bool s_healthy (void *state, int64_t now)
{
    return group_healthy (state, now);
}

static int s_ping (const conf_t *conf, const char *name)
{
    return group_ping (conf, name, PING_MS);
}

static void s_destroy (void **state_p)
{
    group_destroy ((group_t **)state_p);
}

int main (int argc, char **argv)
{
    program_type_t type = {
        .name = "zchat-group",
        .summary = "Serves one group: stores what its members say, then tells the others.",
        .argument = "NAME",
        .argument_valid = s_name_valid,
        .file = "group.cfg",
        .check = s_check,
        .start = s_start,
        .reload = s_reload,
        .stop = s_stop,
        .syncing = s_syncing,
        .healthy = s_healthy,
        .ping = s_ping,
        .destroy = s_destroy,
    };
    type.keys = group_settings (&type.key_count);
    return program_main (&type, argc, argv);
}
