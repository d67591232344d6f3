#include "common/ticker.h"

#include "common/tether.h"

enum { LONGEST_MS = 3600000 };

struct ticker {
    zloop_t *loop;
    ticker_fn *fn;
    void *arg;
    void *token;
    int timer; // -1: none
    int64_t when;
    bool calling; // `fn`, in which times are only noted
};

static int s_call (zloop_t *loop, int timer, void *token);

ticker_t *ticker_new (zloop_t *loop, ticker_fn *fn, void *arg)
{
    ticker_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    *self = (ticker_t){loop, fn, arg, tether_new (self), -1, INT64_MAX, false};
    if (!self->token)
        ticker_destroy (&self);
    return self;
}

static void s_end (ticker_t *self)
{
    if (self->timer != -1)
        zloop_timer_end (self->loop, self->timer);
    self->timer = -1;
    self->when = INT64_MAX;
}

void ticker_destroy (ticker_t **self_p)
{
    ticker_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    s_end (self);
    tether_cut (&self->token);
    free (self);
}

static void s_arm (ticker_t *self)
{
    int64_t delay = self->when - zclock_mono ();
    if (delay < 1)
        delay = 1;
    if (delay > LONGEST_MS)
        delay = LONGEST_MS;
    self->timer = zloop_timer (self->loop, (size_t)delay, 1, s_call, self->token);
    if (self->timer == -1)
        self->when = INT64_MAX;
}

static int s_call (zloop_t *loop, int timer, void *token)
{
    (void)loop;
    ticker_t *self = tether_owner (token);
    if (!self || self->timer != timer)
        return 0;
    self->timer = -1; // it was for one time
    self->when = INT64_MAX;
    self->calling = true;
    self->fn (self->arg);
    self = tether_owner (token);
    if (!self)
        return 0;
    // Armed only now: the loop calls timers that are due until there are none, and one that was set
    // for soon by a slow function would be due at once, again and again, before any socket is read.
    self->calling = false;
    if (self->when < INT64_MAX)
        s_arm (self);
    return 0;
}

void ticker_set (ticker_t *self, int64_t when)
{
    if (when >= self->when)
        return;
    s_end (self);
    self->when = when;
    if (!self->calling)
        s_arm (self);
}
