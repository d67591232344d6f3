#include "common/authenticator.h"

#include "common/frame.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>

enum { DRAIN = 100 }; // questions between two looks at the end

struct authenticator {
    zsock_t *prover; // the thread's, from its start to its end
    int end_fd;      // readable: the thread is to end
    pthread_t thread;
    bool running;
};

static void *s_serve (void *arg)
{
    authenticator_t *self = arg;
    zmq_pollitem_t items[] = {{.fd = self->end_fd, .events = ZMQ_POLLIN},
                              {.socket = zsock_resolve (self->prover), .events = ZMQ_POLLIN}};
    while (zmq_poll (items, 2, -1) >= 0 || errno == EINTR) {
        if (items[0].revents & ZMQ_POLLIN)
            break;
        for (int i = 0; i < DRAIN && frame_prove (self->prover) == 1; i++)
            ;
    }
    return NULL;
}

// A thread of its own; not a zactor, whose thread may outlive its end by a moment.
static int s_start (authenticator_t *self)
{
    self->end_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->end_fd < 0)
        return -1;
    self->prover = frame_prover ();
    if (!self->prover)
        return -1;
    errno = pthread_create (&self->thread, NULL, s_serve, self);
    self->running = errno == 0;
    return self->running ? 0 : -1;
}

authenticator_t *authenticator_new (void)
{
    authenticator_t *self = calloc (1, sizeof *self);
    if (self && s_start (self) < 0) {
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
    if (self->running && eventfd_write (self->end_fd, 1) == 0)
        pthread_join (self->thread, NULL);
    if (self->prover)
        zsock_unbind (self->prover, "%s", zsock_endpoint (self->prover)); // now, not soon
    zsock_destroy (&self->prover);
    if (self->end_fd >= 0)
        close (self->end_fd);
    free (self);
}
