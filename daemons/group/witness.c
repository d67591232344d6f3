#include "daemons/group/witness.h"

#include "daemons/group/folder.h"

#include <czmq.h>

// The first record that is another one, or is gone: all that was written since the log parted.
static uint64_t s_parts (log_t *log, const receipt_t *receipt)
{
    const lineage_t *lineage = log_lineage (log);
    uint64_t from = lineage_parts (lineage, receipt->generation, receipt->seq);
    uint64_t lost = lineage_lost (lineage, receipt->generation, receipt->seq);
    if (lost > 0 && lost < from)
        from = lost;
    if (from < log_oldest (log))
        from = log_oldest (log);
    return from < receipt->seq ? from : receipt->seq;
}

witness_verdict_t witness_judge (log_t *log, const receipt_t *receipt, uint64_t *from, char *why)
{
    uint64_t head = log_last (log);
    if (!receipt_genuine (receipt, log_key (log), log_id (log)))
        return WITNESS_FINE;
    if (lineage_lost (log_lineage (log), receipt->generation, receipt->seq) > 0) {
        *from = s_parts (log, receipt);
        return WITNESS_LOST;
    }
    if (receipt->seq > head) {
        snprintf (why, FOLDER_DOUBT_MAX,
                  "a client has a receipt for record %" PRIu64 LOG_DOUBT_GENERATION "%" PRIu64
                  ", but the log ends with %" PRIu64,
                  receipt->seq, receipt->generation, head);
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
        *from = s_parts (log, receipt);
        return WITNESS_LOST;
    }
    snprintf (why, FOLDER_DOUBT_MAX,
              "a client's receipt for record %" PRIu64 LOG_DOUBT_GENERATION "%" PRIu64
              " shows another history than the log (which ends with %" PRIu64 ")",
              receipt->seq, receipt->generation, head);
    return WITNESS_DOUBT;
}
