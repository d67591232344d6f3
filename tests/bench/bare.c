// bare: plain texts over ZMTP, for bare_zmq: every frame to a sender is an answer; one to a reader
// begins with the number of messages that it holds, none in the answer to its JOIN.

#include "tests/bench/fail.h"
#include "tests/bench/run.h"
#include "tests/bench/zmtp.h"

#include <sodium.h>
#include <string.h>

static void s_greet (link_t *link)
{
    zmtp_t *self = must_alloc (1, sizeof (*self));
    uint8_t public_key[32];
    uint8_t secret_key[32];
    link->state = self;
    crypto_box_keypair (public_key, secret_key);
    zmtp_greet (self, link, "DEALER", link->run->curve ? link->run->server_key : NULL, public_key,
                secret_key);
    self->peek = link->run->curve && link->reader && link->id % 16 != 1;
    if (link->reader)
        zmtp_send (self, link, "JOIN", 4);
}

static void s_send (link_t *link)
{
    static uint8_t text[65536];
    memset (text, 'x', link->run->options->size);
    zmtp_send (link->state, link, text, link->run->options->size);
}

static void s_take_body (link_t *link, const uint8_t *data, size_t size)
{
    if (!link->reader)
        run_ack (link);
    else if (size >= 4)
        run_deliver (link, get_u32 (data));
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    return zmtp_take (link->state, link, data, size, s_take_body);
}

const protocol_t protocol_bare = {.name = "bare",
                                  .about = "zchat-bench-zmq: libzmq alone",
                                  .greet = s_greet,
                                  .send = s_send,
                                  .take = s_take};
