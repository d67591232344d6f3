#include "common/ping.h"

#include "common/exits.h"
#include "common/frame.h"
#include "common/wire.h"

static int s_send_ping (zsock_t *dealer, uint32_t tag)
{
    uint8_t bytes[64];
    writer_t out = writer (bytes, sizeof bytes);
    wire_t ping = wire (WIRE_PING, tag, NULL);
    wire_encode (&ping, &out);
    return out.failed ? -1 : frame_send (dealer, span (bytes, writer_used (&out)));
}

// Is the PONG among what has come?
static bool s_has_pong (zsock_t *dealer, uint32_t tag)
{
    bool found = false;
    frame_t frame;
    frame_init (&frame);
    while (!found && frame_receive (dealer, &frame) == 1) {
        wire_t reply;
        found = wire_decode (&reply, frame_body (&frame)) == WIRE_ERR_NONE &&
                reply.kind == WIRE_PONG && reply.tag == tag;
    }
    frame_close (&frame);
    return found;
}

static bool s_wait_for_pong (zsock_t *dealer, uint32_t tag, int timeout)
{
    int64_t until = zclock_mono () + timeout;
    zmq_pollitem_t item = {.socket = zsock_resolve (dealer), .events = ZMQ_POLLIN};
    for (int64_t left = timeout; left > 0; left = until - zclock_mono ())
        if (zmq_poll (&item, 1, (long)left) > 0 && s_has_pong (dealer, tag))
            return true;
    return false;
}

int ping_listener (const listener_t *listener, int timeout)
{
    endpoint_t endpoint = listener->endpoint;
    if (endpoint_is_any (&endpoint))
        strcpy (endpoint.host, strchr (endpoint.host, ':') ? "::1" : "127.0.0.1");
    char text[ENDPOINT_TEXT];
    zsock_t *dealer =
        endpoint.port > 0 ? frame_connect (endpoint_print (&endpoint, text), NULL) : NULL;
    const uint32_t tag = 1;
    bool answered =
        dealer && s_send_ping (dealer, tag) == 0 && s_wait_for_pong (dealer, tag, timeout);
    zsock_destroy (&dealer);
    return answered ? EXIT_DONE : EXIT_UNREACHABLE;
}
