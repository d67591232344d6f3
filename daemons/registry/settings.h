// settings: the keys of registry.cfg.
//
// Floor 3. etc/registry.cfg shows them all; a test holds the two against each other.

#ifndef ZCHAT_REGISTRY_SETTINGS_H
#define ZCHAT_REGISTRY_SETTINGS_H

#include "common/conf.h"

const conf_key_t *registry_settings (size_t *count);

#endif
