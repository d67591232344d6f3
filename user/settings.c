#include "user/settings.h"

static const conf_key_t s_keys[] = {
    {.path = "registries",
     .type = CONF_ENDPOINTS,
     .standard = "[ \"tcp://127.0.0.1:2000\" ]",
     .min = 1,
     .max = 16,
     .help = "the registries that are asked for groups, all at once"},
};

const conf_key_t *user_settings (size_t *count)
{
    *count = sizeof s_keys / sizeof s_keys[0];
    return s_keys;
}
