// zchat-registry: knows which groups exist and where.

#include "common/ping.h"
#include "common/program.h"
#include "daemons/registry/gates.h"
#include "daemons/registry/server.h"
#include "daemons/registry/settings.h"

enum { PING_MS = 2000 };

static int s_start (program_t *program, void **state_p)
{
    int code;
    server_t *server = server_new (program_loop (program), program_conf (program), &code);
    *state_p = server;
    if (!server)
        return code;
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
    uint8_t key[KEYPAIR_KEY];
    char *file = gates_file (conf, "curve");
    bool has_key = keypair_published (file, key);
    int code = EXIT_UNREACHABLE;
    for (size_t i = 0; i < conf_count (conf, "listen") && code != EXIT_DONE; i++)
        code = ping_listener (conf_listener (conf, "listen", i), has_key ? key : NULL, PING_MS);
    free (file);
    return code;
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
        .start = s_start,
        .reload = s_reload,
        .ping = s_ping,
        .destroy = s_destroy,
    };
    type.keys = registry_settings (&type.key_count);
    return program_main (&type, argc, argv);
}
