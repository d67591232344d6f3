// batch: the unit of the log, of a push and of a page. The same bytes in all three.
//
// Floor 3, pure. Numbers in network order.
//
//     offset size
//          0    4  size of the whole batch in bytes, this header included; at most BATCH_MAX
//          4    1  type: 1 RECORDS, 2 STATE
//          5    1  flags: 1 OPENS (the first RECORDS batch of a segment)
//          6    2  count of records, 1 to BATCH_RECORDS
//          8    8  checksum: XXH3-64 over bytes 16 to the end, with this seed: XXH3-64 (seed
//                  0) over the log's id, the first sequence and bytes 0-7 (16 + 8 + 8 bytes)
//         16    8  first: sequence of the first record (STATE: of the segment)
//         24    8  base: time to which the records' deltas are added; in a RECORDS batch times
//                  never decrease
//         32    4  lag: first - 1 - lag is the last sequence that was durable when this was written
//         36   32  chain before this batch (STATE: zeros)
//         68  (32) if OPENS: BLAKE2b-256 over the segment's header and STATE batches
//                  then the records, see record.h; they fill the batch exactly

#ifndef ZCHAT_BATCH_H
#define ZCHAT_BATCH_H

#include "common/chain.h"
#include "common/record.h"

#define BATCH_MAX     65536 // bytes
#define BATCH_RECORDS 1000
#define BATCH_HEADER  68
#define BATCH_DIGEST  32

typedef enum { BATCH_TYPE_RECORDS = 1, BATCH_TYPE_STATE = 2 } batch_type_t;

// ---- Reading

typedef struct {
    span_t bytes; // the whole batch
    batch_type_t type;
    bool opens;
    uint16_t count;
    uint64_t first;
    int64_t base;
    uint64_t durable;      // first - 1 - lag
    chain_t chain;         // before this batch
    const uint8_t *digest; // BATCH_DIGEST bytes, NULL unless `opens`
    // where batch_next is
    reader_t records;
    uint16_t left;
    int64_t last_time;
    record_origins_t origins;
} batch_t;

// Reads the header at the front of `in`, which may hold more than this batch. Returns 0, or -1 when
// the bytes are no header of a batch that fits into `in`. Does not look at the checksum.
int batch_peek (batch_t *self, span_t in);

// batch_peek, and the checksum under this log's id. The records are not read yet.
int batch_open (batch_t *self, span_t in, const guid_t *log);

// The next record, with its sequence. Returns 1, 0 after the last, or -1 when the bytes are no
// record, a time decreases, or bytes are left over.
int batch_next (batch_t *self, record_t *record);

// The same, but of the record only its sequence and time are read: a tenth of the work. A batch is
// read with the one or the other.
int batch_skip (batch_t *self, uint64_t *seq, int64_t *time);

// The time of its last record; INT64_MAX where they cannot be read.
int64_t batch_last_time (const batch_t *self);

// Whether all records can be read. Rewinds the batch.
bool batch_sound (batch_t *self);

uint64_t batch_last (const batch_t *self); // sequence of its last record

// ---- Writing

typedef struct {
    uint8_t *data;
    size_t limit;
    size_t used;
    batch_t head; // what the header will say, and the origins
    int64_t last_time;
} batch_writer_t;

// Begins a batch in `data`, which has room for BATCH_MAX bytes. head: type, first, base, durable,
// chain, digest (NULL, or the segment's digest: sets OPENS).
void batch_begin (batch_writer_t *self, uint8_t *data, const batch_t *head);

// Adds the record, whose time must not be below that of the one before. Returns its sequence, or 0
// when it does not fit.
uint64_t batch_add (batch_writer_t *self, const record_t *record);

// Writes the header. Returns the batch's bytes.
span_t batch_end (batch_writer_t *self, const guid_t *log);

#endif
