#include "daemons/registry/settings.h"

#include "common/report.h"

static const conf_key_t s_keys[] = {
    {.path = "listen",
     .type = CONF_LISTENERS,
     .standard = "( { endpoint = \"tcp://127.0.0.1:2000\"; security = \"none\"; } )",
     .min = 1,
     .max = 16,
     .help = "where groups and users connect"},
    {.path = "handshake",
     .type = CONF_NUMBER,
     .standard = "5000",
     .min = 100,
     .max = 30000,
     .unit = "milliseconds",
     .help = "a connection that is not set up by then is dropped"},
    {.path = "lease",
     .type = CONF_NUMBER,
     .standard = "10",
     .min = 1,
     .max = 3600,
     .unit = "seconds",
     .help = "a group that is silent for so long is no longer listed",
     .reload = true},
    {.path = "legacy_keep",
     .type = CONF_NUMBER,
     .standard = "86400",
     .min = 1,
     .max = 31536000,
     .unit = "seconds",
     .help = "a group of the original system is listed for so long",
     .reload = true},
    {.path = "max_groups",
     .type = CONF_NUMBER,
     .standard = "10000",
     .min = 1,
     .max = 1000000,
     .unit = "groups",
     .help = "more are refused",
     .reload = true},
    {.path = "state_dir",
     .type = CONF_PATH,
     .standard = "\"/var/lib/zchat\"",
     .min = 1,
     .max = 1024,
     .help = "the registry's own folder is registry/ there"},
    {.path = "log.level",
     .type = CONF_CHOICE,
     .standard = "\"info\"",
     .choices = REPORT_LEVELS,
     .help = "what is logged: that and all that is graver",
     .reload = true},
};

const conf_key_t *registry_settings (size_t *count)
{
    *count = sizeof s_keys / sizeof s_keys[0];
    return s_keys;
}
