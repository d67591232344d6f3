#include "daemons/group/closer.h"

#include <czmq.h>
#include <pthread.h>

struct closer {
    pthread_mutex_t lock;
    int *fds;
    size_t count;
    size_t room;
    bool has_thread; // to be joined
    bool working;    // it will look at the list once more
    pthread_t thread;
};

closer_t *closer_new (void)
{
    closer_t *self = zmalloc (sizeof *self);
    pthread_mutex_init (&self->lock, NULL);
    return self;
}

// The next descriptor, or -1: then the thread ends.
static int s_next (closer_t *self)
{
    pthread_mutex_lock (&self->lock);
    self->working = self->count > 0;
    int fd = self->working ? self->fds[--self->count] : -1;
    pthread_mutex_unlock (&self->lock);
    return fd;
}

static void *s_thread (void *arg)
{
    int fd;
    while ((fd = s_next (arg)) >= 0)
        close (fd);
    return NULL;
}

static void s_join (closer_t *self)
{
    if (self->has_thread)
        pthread_join (self->thread, NULL);
    self->has_thread = false;
}

void closer_destroy (closer_t **self_p)
{
    closer_t *self = *self_p;
    if (!self)
        return;
    s_join (self);
    pthread_mutex_destroy (&self->lock);
    free (self->fds);
    free (self);
    *self_p = NULL;
}

static void s_add (closer_t *self, int fd)
{
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 16;
        self->fds = realloc (self->fds, self->room * sizeof (int));
        assert (self->fds);
    }
    self->fds[self->count++] = fd;
}

void closer_take (closer_t *self, int fd)
{
    if (fd < 0)
        return;
    pthread_mutex_lock (&self->lock);
    s_add (self, fd);
    bool working = self->working;
    self->working = true;
    pthread_mutex_unlock (&self->lock);
    if (working)
        return;
    s_join (self); // it has ended, or is about to
    self->has_thread = pthread_create (&self->thread, NULL, s_thread, self) == 0;
    if (!self->has_thread)
        s_thread (self); // then here
}
