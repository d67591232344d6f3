#include "daemons/group/showings.h"

#include "common/report.h"
#include "daemons/group/folder.h"
#include "daemons/group/witness.h"

#include <czmq.h>

enum {
    SHOWINGS_MAX = 4096,
    AT_ONCE = 64 // in one turn
};

typedef struct {
    peer_t *peer; // held
    receipt_t receipt;
} showing_t;

struct showings {
    log_t *log;
    replies_t *replies;
    zlistx_t *list;
    unsigned judged; // at once, in this turn
};

static void s_showing_destroy (void **showing_p)
{
    showing_t *showing = *showing_p;
    peer_release (&showing->peer);
    free (showing);
    *showing_p = NULL;
}

showings_t *showings_new (log_t *log, replies_t *replies)
{
    showings_t *self = zmalloc (sizeof *self);
    self->log = log;
    self->replies = replies;
    self->list = zlistx_new ();
    zlistx_set_destructor (self->list, s_showing_destroy);
    return self;
}

void showings_destroy (showings_t **self_p)
{
    showings_t *self = *self_p;
    if (!self)
        return;
    zlistx_destroy (&self->list);
    free (self);
    *self_p = NULL;
}

static void s_tell_lost (showings_t *self, peer_t *peer, uint64_t from, uint64_t to)
{
    uint8_t bytes[64];
    writer_t out = writer (bytes, sizeof bytes);
    wire_t lost = wire (WIRE_LOST, 0, NULL);
    wire_set (&lost, WIRE_F_FROM, from);
    wire_set (&lost, WIRE_F_TO, to);
    wire_encode (&lost, &out);
    assert (!out.failed);
    replies_send (self->replies, peer, span (bytes, writer_used (&out)));
}

static void s_doubt (showings_t *self, const char *why)
{
    if (*log_doubt (self->log))
        return;
    report_error ("THE LOG IS IN DOUBT: %s. Acknowledged records were lost, rolled back or "
                  "changed. Messages are refused "
                  "until an operator runs zchat-log accept",
                  why);
    if (log_set_doubt (self->log, why) < 0)
        report_error ("the file 'doubt' cannot be written: %s; it is tried again each second",
                      strerror (errno));
}

// False: the log has to be looked at longer.
static bool s_judge (showings_t *self, const showing_t *showing)
{
    char why[FOLDER_DOUBT_MAX];
    uint64_t from;
    witness_verdict_t verdict = witness_judge (self->log, &showing->receipt, &from, why);
    if (verdict == WITNESS_LOST)
        s_tell_lost (self, showing->peer, from, showing->receipt.seq);
    else if (verdict == WITNESS_DOUBT)
        s_doubt (self, why);
    return verdict != WITNESS_LATER;
}

void showings_take (showings_t *self, peer_t *peer, const wire_t *request)
{
    span_t bytes = wire_bytes (request, WIRE_F_RECEIPT);
    if (!bytes.data || zlistx_size (self->list) >= SHOWINGS_MAX)
        return;
    showing_t *showing = zmalloc (sizeof *showing);
    showing->peer = peer;
    peer_hold (peer);
    showing->receipt = receipt_decode (bytes.data);
    if (self->judged < AT_ONCE && s_judge (self, showing)) {
        self->judged++;
        s_showing_destroy ((void **)&showing);
    } else
        zlistx_add_end (self->list, showing);
}

bool showings_turn (showings_t *self)
{
    self->judged = 0;
    showing_t *showing = zlistx_first (self->list);
    if (showing && s_judge (self, showing))
        zlistx_delete (self->list, zlistx_cursor (self->list));
    return zlistx_size (self->list) > 0;
}
