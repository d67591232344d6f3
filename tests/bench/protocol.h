// protocol: how a server is spoken to. One row a protocol; what a server cannot do is NULL.

#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

#include "tests/bench/link.h"

typedef struct {
    const char *name;
    const char *about;
    bool silent; // sends are not answered
    // The handshake, waiting. A peer's connection is ready behind it (readers subscribed); one that
    // has `enter` is not.
    void (*greet) (link_t *link);
    void (*enter) (link_t *link);  // becomes a member: ready when answered
    void (*follow) (link_t *link); // becomes a reader: ready again when answered
    // Appends one message; where several may go in one piece, `pack` ends it before it leaves.
    void (*send) (link_t *link);
    void (*pack) (link_t *link);
    // Takes what came, and says how many bytes are done with.
    size_t (*take) (link_t *link, const uint8_t *data, size_t size);
    // Asks for the first `limit` records at or after a time (microseconds; the protocol's own for
    // peers), and for the next piece of all of them. Answered by run_answer; 0 records end a scan.
    void (*page) (link_t *link, int64_t time, unsigned limit);
    void (*scan) (link_t *link);
    // Renews a session.
    void (*renew) (link_t *link);
} protocol_t;

// NULL: there is none of that name.
const protocol_t *protocol_named (const char *name);
const protocol_t *protocol_at (size_t index); // NULL behind the last

extern const protocol_t protocol_zchat; // zchat.c
extern const protocol_t protocol_bare;  // bare.c: over ZMTP, for bare_zmq
extern const protocol_t protocol_raw;   // raw.c: for bare_tcp
extern const protocol_t protocol_raw_fan;
extern const protocol_t protocol_resp;         // resp.c: redis, XADD
extern const protocol_t protocol_resp_publish; // the same, and PUBLISH of each
extern const protocol_t protocol_publish;      // PUBLISH alone
extern const protocol_t protocol_nats;         // nats.c
extern const protocol_t protocol_jetstream;
extern const protocol_t protocol_mqtt; // mqtt.c
extern const protocol_t protocol_pg;   // pg.c: prepared
extern const protocol_t protocol_pg_simple;
extern const protocol_t protocol_irc;      // irc.c
extern const protocol_t protocol_original; // original.c: the older system's wire (REQ)
extern const protocol_t protocol_registry; // registry.c: zchat-registry

#endif
