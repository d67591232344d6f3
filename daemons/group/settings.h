// settings: the keys of group.cfg and group-NAME.cfg.
//
// Floor 3. etc/group.cfg shows them all; a test holds the two against each other.

#ifndef ZCHAT_GROUP_SETTINGS_H
#define ZCHAT_GROUP_SETTINGS_H

#include "common/conf.h"

const conf_key_t *group_settings (size_t *count);

#endif
