#include "daemons/group/tellings.h"

#include "daemons/group/original.h"
#include "daemons/group/transcript.h"

#include <czmq.h>

typedef struct {
    pending_t *request;
    transcript_t *transcript;
} telling_t;

struct tellings {
    log_t *log;
    tellings_send_fn *send;
    void *arg;
    zlistx_t *list;
};

static void s_telling_destroy (void **telling_p)
{
    telling_t *telling = *telling_p;
    pending_destroy (&telling->request);
    transcript_destroy (&telling->transcript);
    free (telling);
    *telling_p = NULL;
}

tellings_t *tellings_new (log_t *log, tellings_send_fn *send, void *arg)
{
    tellings_t *self = zmalloc (sizeof *self);
    self->log = log;
    self->send = send;
    self->arg = arg;
    self->list = zlistx_new ();
    zlistx_set_destructor (self->list, s_telling_destroy);
    return self;
}

void tellings_destroy (tellings_t **self_p)
{
    tellings_t *self = *self_p;
    if (!self)
        return;
    zlistx_destroy (&self->list);
    free (self);
    *self_p = NULL;
}

bool tellings_add (tellings_t *self, pending_t **request_p, int64_t since, size_t max)
{
    if (zlistx_size (self->list) >= TELLINGS_MAX)
        return false;
    telling_t *telling = zmalloc (sizeof *telling);
    telling->request = *request_p;
    telling->transcript = transcript_new (since, max);
    zlistx_add_end (self->list, telling);
    *request_p = NULL;
    return true;
}

bool tellings_turn (tellings_t *self)
{
    telling_t *telling = zlistx_first (self->list);
    if (!telling)
        return false;
    transcript_step_t step = transcript_step (telling->transcript, self->log);
    if (step == TRANSCRIPT_MORE) {
        zlistx_move_end (self->list, zlistx_cursor (self->list));
        return true;
    }
    span_t text =
        step == TRANSCRIPT_DONE ? transcript_text (telling->transcript) : span_of (ORIGINAL_FAIL);
    self->send (self->arg, telling->request->peer, text);
    zlistx_delete (self->list, zlistx_cursor (self->list));
    return zlistx_size (self->list) > 0;
}
