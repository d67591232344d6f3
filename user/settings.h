// settings: the keys of user.cfg.
//
// Floor 3. etc/user.cfg shows them all; a test holds the two against each other.

#ifndef ZCHAT_USER_SETTINGS_H
#define ZCHAT_USER_SETTINGS_H

#include "common/conf.h"

const conf_key_t *user_settings (size_t *count);

#endif
