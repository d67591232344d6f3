// record: one event of a group's log, and its bytes.
//
// Floor 2, pure. A record has no sequence of its own in its bytes: the batch that holds it says the
// first one's, and the others follow.
//
//     record  = size body                     size: varint, bytes of body
//     body    = kind flags delta              kind, flags: one byte each
//               [author]                      16 bytes, if flags & HAS_AUTHOR
//               [device counter random]       8 bytes, varint, 4 bytes, if flags & HAS_SEND
//               [origin counter random]       varint, varint, 4 bytes, if flags & HAS_ORIGIN
//               [nick]                        varint size and bytes, if flags & HAS_NICK
//               [text]                        varint size and bytes, if flags & HAS_TEXT
//               options                       to the end of the body, see below
//     options = *( type size bytes )          type and size: varint; unknown types are kept
//
// `delta` (varint) is the record's time minus the batch's base time, in microseconds. Varints are
// unsigned LEB128 in the shortest form. `origin` stands for author and device where the batch has
// them already: 1 is the last of its records with both HAS_AUTHOR and HAS_SEND, 2 the one before
// that, to RECORD_ORIGINS. So who sends many at once is named once.

#ifndef ZCHAT_RECORD_H
#define ZCHAT_RECORD_H

#include "common/codec.h"
#include "common/guid.h"

#define RECORD_TEXT_MAX 60000 // bytes of text that always fit into one batch
#define RECORD_DEVICE   8     // bytes of a device's name
#define RECORD_ORIGINS  8     // that are told apart

typedef enum {
    RECORD_MESSAGE = 1,
    RECORD_JOIN = 2,
    RECORD_LEAVE = 3,
    RECORD_NICK = 4,
    RECORD_TOPIC = 5,
    RECORD_OPEN = 6,   // the log was opened for writing: options generation, instance
    RECORD_TRIM = 7,   // retention: options oldest, why
    RECORD_ACCEPT = 8, // the operator accepted a log in doubt: options generation, to
    RECORD_HOLE = 9,   // a damaged span was given up: options from, to, chain
    // Who may what; each has the option subject: whom it is about.
    RECORD_INVITE = 10,
    RECORD_KICK = 11,
    RECORD_BAN = 12,
    RECORD_UNBAN = 13,
    RECORD_MUTE = 14,
    RECORD_UNMUTE = 15,
    RECORD_OP = 16,
    RECORD_DEOP = 17,
    RECORD_ADD_KEY = 18,    // option key: may speak for the subject from now on
    RECORD_REMOVE_KEY = 19, // option key: may not any more
    // Found in STATE batches only, beside the JOIN and TOPIC records that make members and topic.
    RECORD_STATE_LOG = 64,       // options generation, oldest, why
    RECORD_STATE_DEVICE = 65,    // author, device, its last counter; option sends
    RECORD_STATE_PERSON = 66,    // what is known of a UUID beside its membership
    RECORD_STATE_INVITATION = 67 // options invitation, uses, expires
} record_kind_t;

#define RECORD_VERIFIED 0x80 // flag: the author's key was proved over CURVE

// Types of options.
enum {
    RECORD_OPT_GENERATION = 1,  // varint
    RECORD_OPT_INSTANCE = 2,    // 16 bytes, of the process that opened the log
    RECORD_OPT_OLDEST = 3,      // varint, sequence
    RECORD_OPT_WHY = 4,         // varint, see record_why_t
    RECORD_OPT_FROM = 5,        // varint, sequence
    RECORD_OPT_TO = 6,          // varint, sequence
    RECORD_OPT_SENDS = 7,       // what a device may repeat: see roster.h
    RECORD_OPT_CHAIN = 8,       // 32 bytes: goes on behind a hole
    RECORD_OPT_SUBJECT = 9,     // 16 bytes: a UUID
    RECORD_OPT_KEY = 10,        // 32 bytes: a CURVE public key
    RECORD_OPT_INVITATION = 11, // 16 bytes: the id of the one that a JOIN redeemed
    RECORD_OPT_USES = 12,       // varint: how often it may be, or was
    RECORD_OPT_EXPIRES = 13,    // varint: microseconds since 1970
    RECORD_OPT_STANDING = 14    // varint: flags, see daemons/group/standing.h
};

// Why records before the oldest kept one are gone, or records of a span cannot be had.
typedef enum {
    RECORD_WHY_NONE = 0,
    RECORD_WHY_AGE = 1,
    RECORD_WHY_SIZE = 2,
    RECORD_WHY_COUNT = 3,
    RECORD_WHY_DAMAGE = 4
} record_why_t;

// A send's name: what makes a retry the same send. Counter 0: no protection against repeats.
typedef struct {
    uint8_t device[RECORD_DEVICE];
    uint64_t counter;
    uint32_t random;
} record_send_t;

// Spans point into the bytes that were decoded, or to what the caller encodes; never owned.
typedef struct {
    record_kind_t kind;
    uint8_t flags; // RECORD_VERIFIED or 0
    uint64_t seq;  // set by the batch's decoder, not encoded
    int64_t time;  // microseconds since 1970, UTC
    guid_t author; // all zeros: none
    record_send_t send;
    span_t nick; // empty: none
    span_t text; // empty: none
    span_t options;
} record_t;

// The origins that a batch named so far. To be zeroed where it begins.
typedef struct {
    const uint8_t *at[RECORD_ORIGINS]; // author and device, in the batch's bytes; a ring
    size_t count;                      // how many were named in all
} record_origins_t;

// Bytes that the record takes at most with this base time (which must not be above its own time).
size_t record_size (const record_t *self, int64_t base);

// Writes the record; sets out->failed when it does not fit. `origins`: of its batch, goes on with
// it; NULL: the record stands alone.
void record_encode (const record_t *self, int64_t base, record_origins_t *origins, writer_t *out);

// Reads one record; `origins` as above. Returns 0, or -1 (and in->failed) when the bytes are none.
// Does not judge kinds, texts or nicks: an unknown kind is a record. An author and device that could
// have been an origin are taken too.
int record_decode (record_t *self, int64_t base, record_origins_t *origins, reader_t *in);

// The option's bytes, or a span with data NULL. Options were checked to be well formed on decoding.
span_t record_option (const record_t *self, uint64_t type);

// An option that is a varint; `missing` when it is not there or no varint.
uint64_t record_option_number (const record_t *self, uint64_t type, uint64_t missing);

// The log's generation behind this record, if it was `before`; it never goes down: STATE tells of
// earlier openings too.
uint64_t record_generation (const record_t *self, uint64_t before);

// Append an option to what becomes record.options.
void record_put_option (writer_t *out, uint64_t type, const void *data, size_t size);
void record_put_number (writer_t *out, uint64_t type, uint64_t value);

// The kind's name as JSON and texts show it ("message", "join" ...); "record-N" style names are
// not made up: unknown kinds give "unknown".
const char *record_kind_name (record_kind_t kind);

#endif
