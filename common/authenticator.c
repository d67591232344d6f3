#include "common/authenticator.h"

#include "common/frame.h"

#include <errno.h>

struct authenticator {
    zsock_t *handler; // the thread's, from its start to its end
    zactor_t *actor;
};

// Goes on until its owner sends anything.
static void s_serve (zsock_t *pipe, void *arg)
{
    zsock_t *handler = arg;
    zsock_signal (pipe, 0);
    zmq_pollitem_t items[] = {{.socket = zsock_resolve (pipe), .events = ZMQ_POLLIN},
                              {.socket = zsock_resolve (handler), .events = ZMQ_POLLIN}};
    for (;;) {
        if (zmq_poll (items, 2, -1) < 0 && errno != EINTR)
            break; // the context ended
        if (items[0].revents & ZMQ_POLLIN)
            break;
        if (items[1].revents & ZMQ_POLLIN)
            while (frame_prove (handler) == 1)
                ;
    }
}

authenticator_t *authenticator_new (void)
{
    authenticator_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->handler = frame_prover ();
    if (self->handler)
        self->actor = zactor_new (s_serve, self->handler);
    if (!self->actor) {
        int cause = errno;
        authenticator_destroy (&self);
        errno = cause;
    }
    return self;
}

void authenticator_destroy (authenticator_t **self_p)
{
    authenticator_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    zactor_destroy (&self->actor);
    if (self->handler)
        zsock_unbind (self->handler, "%s", zsock_endpoint (self->handler)); // now, not soon
    zsock_destroy (&self->handler);
    free (self);
}
