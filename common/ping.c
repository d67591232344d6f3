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

// Is there an answer among what has come? An ERROR is one: it is alive, and lets in those it knows.
static bool s_has_answer (zsock_t *dealer, uint32_t tag)
{
    bool found = false;
    frame_t frame;
    frame_init (&frame);
    while (!found && frame_receive (dealer, &frame) == 1) {
        wire_t reply;
        found = wire_decode (&reply, frame_body (&frame)) == WIRE_ERR_NONE &&
                (reply.kind == WIRE_ERROR || (reply.kind == WIRE_PONG && reply.tag == tag));
    }
    frame_close (&frame);
    return found;
}

static bool s_wait_for_answer (zsock_t *dealer, uint32_t tag, int timeout)
{
    int64_t until = zclock_mono () + timeout;
    zmq_pollitem_t item = {.socket = zsock_resolve (dealer), .events = ZMQ_POLLIN};
    for (int64_t left = timeout; left > 0; left = until - zclock_mono ())
        if (zmq_poll (&item, 1, (long)left) > 0 && s_has_answer (dealer, tag))
            return true;
    return false;
}

static zsock_t *s_connect (const listener_t *listener, const uint8_t *key)
{
    endpoint_t endpoint = listener->endpoint;
    if (endpoint_is_any (&endpoint))
        strcpy (endpoint.host, strchr (endpoint.host, ':') ? "::1" : "127.0.0.1");
    char text[ENDPOINT_TEXT];
    endpoint_print (&endpoint, text);
    if (endpoint.port == 0)
        return NULL;
    if (listener->security == LISTENER_NONE)
        return frame_connect (text, NULL);
    keypair_t passing; // who asks does not matter
    if (!key || keypair_make (&passing) < 0)
        return NULL;
    frame_tunnel_t tunnel = {key, &passing};
    zsock_t *dealer = frame_connect (text, &tunnel);
    keypair_wipe (&passing);
    return dealer;
}

int ping_listener (const listener_t *listener, const uint8_t *key, int timeout)
{
    zsock_t *dealer = s_connect (listener, key);
    const uint32_t tag = 1;
    bool answered =
        dealer && s_send_ping (dealer, tag) == 0 && s_wait_for_answer (dealer, tag, timeout);
    zsock_destroy (&dealer);
    return answered ? EXIT_DONE : EXIT_UNREACHABLE;
}
