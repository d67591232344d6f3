// witness: what the receipts that clients show prove about the log.
//
// Daemon floor 6. A genuine receipt says which chain this very log had at a sequence. If the log
// is shorter, or has another chain there, then acknowledged records were lost, rolled back or
// edited: the log is in doubt. Forged receipts, and those for records that retention removed, or
// that are damaged or given up, prove nothing.

#ifndef ZCHAT_WITNESS_H
#define ZCHAT_WITNESS_H

#include "daemons/group/log.h"

typedef enum {
    WITNESS_FINE,  // it agrees with the log, or proves nothing
    WITNESS_LOST,  // records from `from` on are others than the receipt's, at the latest, or gone,
                   // and an operator accepted that
    WITNESS_DOUBT, // it contradicts the log
    WITNESS_LATER  // the log has to be looked at longer: ask again
} witness_verdict_t;

// `why`: a sentence for WITNESS_DOUBT, FOLDER_DOUBT_MAX bytes.
witness_verdict_t witness_judge (log_t *log, const receipt_t *receipt, uint64_t *from, char *why);

#endif
