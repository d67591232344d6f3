// zchat-group: one group: takes messages from its members, makes them durable, and then tells the
// others.

#include "common/ping.h"
#include "common/program.h"
#include "common/text.h"
#include "daemons/group/group.h"
#include "daemons/group/settings.h"

enum { PING_MS = 2000 };

static bool s_name_valid (const char *name)
{
    return text_name_valid (name, strlen (name));
}

static void s_check (conf_t *conf)
{
    for (size_t i = 0; i < conf_count (conf, "listen"); i++)
        if (conf_listener (conf, "listen", i)->security == LISTENER_CURVE)
            conf_complain (conf, "listen", "security = \"curve\" is not served by this version");
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
    listener_t listener = *conf_listener (conf, "listen", 0);
    if (listener.endpoint.port == 0)
        listener.endpoint.port = group_last_port (conf, name);
    return listener.endpoint.port ? ping_listener (&listener, PING_MS) : EXIT_UNREACHABLE;
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
