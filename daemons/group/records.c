#include "daemons/group/records.h"

#include "common/wire.h"

#include <assert.h>
#include <string.h>

span_t records_frame (span_t batches, uint32_t tag, const receipt_t *receipt, uint64_t oldest,
                      record_why_t why, uint64_t first, uint64_t last)
{
    uint8_t proof[PROOF_RECEIPT], head[SEGMENTS_HEADROOM];
    receipt_encode (receipt, proof);
    wire_t message = wire (WIRE_RECORDS, tag, NULL);
    wire_set_bytes (&message, WIRE_F_RECEIPT, span (proof, sizeof proof));
    wire_set (&message, WIRE_F_OLDEST, oldest);
    wire_set (&message, WIRE_F_WHY, why);
    wire_set (&message, WIRE_F_FIRST, first);
    wire_set (&message, WIRE_F_LAST, last);
    writer_t out = writer (head, sizeof head);
    wire_encode (&message, &out);
    assert (!out.failed);
    // The batches are the last field: its size is what was written last, as 0.
    writer_t size = writer (out.at - 4, 4);
    writer_u32 (&size, (uint32_t)batches.size);
    uint8_t *start = (uint8_t *)batches.data - writer_used (&out);
    memcpy (start, head, writer_used (&out));
    return span (start, writer_used (&out) + batches.size);
}

void records_cut (segments_page_t *page, uint64_t seq)
{
    span_t all = page->batches;
    size_t size = 0;
    batch_t batch;
    while (batch_peek (&batch, span (all.data + size, all.size - size)) == 0 && batch.first <= seq)
        size += batch.bytes.size;
    if (size == all.size)
        return;
    // `batch` is the next one: the chain after those kept is the one that it says was before it.
    page->batches = span (all.data, size);
    page->last = batch.first - 1;
    page->chain = batch.chain;
}
