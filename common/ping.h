// ping: asks a running daemon whether it answers.
//
// Floor 5. Speaks the native wire: one PING, any PONG.

#ifndef ZCHAT_PING_H
#define ZCHAT_PING_H

#include "common/conf.h"

// Asks the daemon behind the listener, from this machine (a listener on all addresses is asked over
// loopback). Returns EXIT_DONE, or EXIT_UNREACHABLE when nothing answered within `timeout` ms; its
// port must be known: not 0.
int ping_listener (const listener_t *listener, int timeout);

#endif
