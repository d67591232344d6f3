// zchat-registry: knows which groups exist and where.

#include "common/ping.h"
#include "common/program.h"
#include "daemons/registry/server.h"
#include "daemons/registry/settings.h"

enum { PING_MS = 2000 };

static void s_check (conf_t *conf)
{
    for (size_t i = 0; i < conf_count (conf, "listen"); i++)
        if (conf_listener (conf, "listen", i)->security == LISTENER_CURVE)
            conf_complain (conf, "listen", "security = \"curve\" is not served by this version");
}

static int s_start (program_t *program, void **state_p)
{
    server_t *server = server_new (program_loop (program), program_conf (program));
    *state_p = server;
    if (!server)
        return EXIT_NOT_NOW;
    program_ready (program, "listening on %s", server_endpoints (server));
    return EXIT_DONE;
}

static void s_reload (void *state, const conf_t *conf)
{
    server_configure (state, conf);
}

static int s_ping (const conf_t *conf, const char *argument)
{
    (void)argument;
    for (size_t i = 0; i < conf_count (conf, "listen"); i++)
        if (ping_listener (conf_listener (conf, "listen", i), PING_MS) == EXIT_DONE)
            return EXIT_DONE;
    return EXIT_UNREACHABLE;
}

static void s_destroy (void **state_p)
{
    server_t *server = *state_p;
    server_destroy (&server);
    *state_p = NULL;
}

int main (int argc, char **argv)
{
    program_type_t type = {
        .name = "zchat-registry",
        .summary = "Knows which groups exist and where.",
        .file = "registry.cfg",
        .check = s_check,
        .start = s_start,
        .reload = s_reload,
        .ping = s_ping,
        .destroy = s_destroy,
    };
    type.keys = registry_settings (&type.key_count);
    return program_main (&type, argc, argv);
}
