// ping: asks a running daemon whether it answers.
//
// Floor 5. Speaks the native wire: one PING, any answer.

#ifndef ZCHAT_PING_H
#define ZCHAT_PING_H

#include "common/conf.h"
#include "common/keypair.h"

// Asks the daemon behind the listener, from this machine (a listener on all addresses is asked over
// loopback). `key`: the daemon's public one, NULL when it is not known; without it an encrypted
// listener cannot be asked, nor can one whose port is not known (0). Returns EXIT_DONE, or
// EXIT_UNREACHABLE when nothing answered within `timeout` ms.
int ping_listener (const listener_t *listener, const uint8_t *key, int timeout);

#endif
