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

// Keeps the page's batches up to and with the one that holds `seq`, which must be in the page.
void records_cut (segments_page_t *page, uint64_t seq);

#endif
