// records: the RECORDS message around batches, without copying them.
//
// Daemon floor 3, pure.

#ifndef ZCHAT_RECORDS_H
#define ZCHAT_RECORDS_H

#include "common/proof.h"
#include "common/record.h"
#include "daemons/group/segments.h"

// Writes the message's bytes up to its batches directly in front of `batches`, where at least
// SEGMENTS_HEADROOM bytes may be overwritten. Returns the whole message.
span_t records_frame (span_t batches, uint32_t tag, const receipt_t *receipt, uint64_t oldest,
                      record_why_t why, uint64_t first, uint64_t last);

// The front of `batches` up to and with the batch that holds `seq`.
span_t records_until (span_t batches, uint64_t seq);

#endif
