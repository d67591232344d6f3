// evidence: the receipt that a client keeps of a group, and when a newer one takes its place.
//
// Floor 4, pure. What a client was told once proves what a group must have. A group that was put
// back from a copy gives receipts too, for another past: so none of them takes the place of the one
// that is kept before that was shown and the group has answered, and none at all while the group's
// log is in doubt. When the group says that what it proves is lost, it has done its work, and the
// next one counts. Else the later opening of the log wins, and in it the later record.

#ifndef ZCHAT_EVIDENCE_H
#define ZCHAT_EVIDENCE_H

#include "common/proof.h"

typedef struct {
    bool has;
    uint8_t receipt[PROOF_RECEIPT];
    guid_t log;
    bool shown; // on this connection, and not answered yet
    bool doubt; // the group's log is in doubt
    bool has_next;
    uint8_t next[PROOF_RECEIPT]; // came meanwhile
} evidence_t;

// The one that is kept, PROOF_RECEIPT bytes; NULL: none.
const uint8_t *evidence_receipt (const evidence_t *self, guid_t *log);
void evidence_set (evidence_t *self, const uint8_t receipt[PROOF_RECEIPT], const guid_t *log);

// It is being shown, evidence_answered says when the group has looked at it.
void evidence_show (evidence_t *self);
void evidence_answered (evidence_t *self, bool doubt);

// One came from the group of this log.
void evidence_take (evidence_t *self, const uint8_t receipt[PROOF_RECEIPT], const guid_t *log);

// The group says that records from `from` on are lost.
void evidence_lost (evidence_t *self, uint64_t from);

// The connection is over.
void evidence_down (evidence_t *self);

#endif
