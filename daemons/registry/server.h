// server: the registry's sockets: the native wire and the original system's on each listener.
//
// Floor 6. Every message gets an answer, whatever it is; an answer that cannot be sent is dropped
// (the asker asks again).
//
//     ANNOUNCE -> LEASE (milliseconds), or ERROR: NAME_TAKEN, SUPERSEDED with the holder's
//                 generation, instance and claim, LIMIT with a wait, BAD_NAME, BAD_TEXT, TOO_LONG,
//                 BAD_REQUEST
//     WITHDRAW -> LEASE of 0
//     LIST     -> GROUPS: those behind `name` (empty: from the first), by name in byte order, at
//                 most `limit` (0: as many as fit); `more` when there are others behind them. A
//                 group of the original system is a row with a log of zeros.
//     PING     -> PONG, in which only the time counts, and with an encrypted listener its key and
//     the
//                 endpoints at which others reach those

#ifndef ZCHAT_REGISTRY_SERVER_H
#define ZCHAT_REGISTRY_SERVER_H

#include "common/conf.h"

#include <czmq.h>

typedef struct server server_t;

// Binds all listeners and adds itself to the loop. With an encrypted listener its own keys are
// opened, or made. NULL with *code when something cannot be:
// reported.
server_t *server_new (zloop_t *loop, const conf_t *conf, int *code);
void server_destroy (server_t **self_p);

// Takes lease, limits, names and access from the configuration.
void server_configure (server_t *self, const conf_t *conf);

// The endpoints it listens on, with their real ports, one blank between two.
const char *server_endpoints (const server_t *self);

#endif
