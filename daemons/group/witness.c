#include "daemons/group/witness.h"

#include "daemons/group/folder.h"

#include <czmq.h>

witness_verdict_t witness_judge (log_t *log, const receipt_t *receipt, uint64_t *from, char *why)
{
    uint64_t head = log_last (log);
    if (!receipt_genuine (receipt, log_key (log), log_id (log)))
        return WITNESS_FINE;
    *from = lineage_lost (log_lineage (log), receipt->generation, receipt->seq);
    if (*from > 0)
        return WITNESS_LOST;
    if (receipt->seq > head) {
        snprintf (why, FOLDER_DOUBT_MAX,
                  "a client has a receipt for record %" PRIu64 ", but the log ends with %" PRIu64,
                  receipt->seq, head);
        return WITNESS_DOUBT;
    }
    // The record before the oldest kept one still has its chain in the log; below that nothing can
    // be said.
    if (receipt->seq + 1 < log_oldest (log) || log_read_only (log))
        return WITNESS_FINE;
    chain_t chain;
    switch (log_chain_at (log, receipt->seq, &chain)) {
    case SEGMENTS_PAGE:
        if (chain_equal (&chain, &receipt->chain))
            return WITNESS_FINE;
        break;
    case SEGMENTS_LATER:
        return WITNESS_LATER;
    case SEGMENTS_FAILED:
    case SEGMENTS_GAP:
        return WITNESS_FINE; // what cannot be read, or was given up, proves nothing
    default:
        break; // no batch ends there, but one did
    }
    // Of a history that was accepted as gone, but that this one has overtaken meanwhile.
    if (lineage_accepted (log_lineage (log), receipt->generation)) {
        *from = receipt->seq;
        return WITNESS_LOST;
    }
    snprintf (why, FOLDER_DOUBT_MAX,
              "a client's receipt for record %" PRIu64
              " shows another history than the log (which ends with %" PRIu64 ")",
              receipt->seq, head);
    return WITNESS_DOUBT;
}
