#include "common/evidence.h"

#include <string.h>

const uint8_t *evidence_receipt (const evidence_t *self, guid_t *log)
{
    if (!self->has)
        return NULL;
    *log = self->log;
    return self->receipt;
}

void evidence_set (evidence_t *self, const uint8_t receipt[PROOF_RECEIPT], const guid_t *log)
{
    self->has = true;
    self->log = *log;
    memmove (self->receipt, receipt, PROOF_RECEIPT);
}

static bool s_newer (const uint8_t receipt[PROOF_RECEIPT], const uint8_t than[PROOF_RECEIPT])
{
    receipt_t a = receipt_decode (receipt), b = receipt_decode (than);
    return a.generation > b.generation || (a.generation == b.generation && a.seq > b.seq);
}

// The one that came meanwhile counts from now on, if there is one.
static void s_next (evidence_t *self)
{
    if (self->has_next)
        evidence_set (self, self->next, &self->log);
    self->has_next = false;
}

void evidence_show (evidence_t *self)
{
    self->shown = self->has;
}

void evidence_answered (evidence_t *self, bool doubt)
{
    self->shown = false;
    self->doubt = doubt;
    if (doubt || !s_newer (self->next, self->receipt))
        self->has_next = false;
    s_next (self);
}

void evidence_take (evidence_t *self, const uint8_t receipt[PROOF_RECEIPT], const guid_t *log)
{
    bool same = self->has && guid_equal (&self->log, log);
    if (self->doubt || receipt_decode (receipt).generation == 0)
        return;
    if (same && self->shown) {
        if (!self->has_next || s_newer (receipt, self->next))
            memcpy (self->next, receipt, PROOF_RECEIPT);
        self->has_next = true;
    } else if (!same || s_newer (receipt, self->receipt))
        evidence_set (self, receipt, log);
}

void evidence_lost (evidence_t *self, uint64_t from)
{
    if (!self->has || receipt_decode (self->receipt).seq < from)
        return;
    self->has = false;
    self->shown = false;
    s_next (self);
}

void evidence_down (evidence_t *self)
{
    self->shown = self->doubt = self->has_next = false;
}
