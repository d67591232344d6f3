// wire: zchat's messages and their bytes.
//
// Floor 3, pure. A message is one frame:
//
//     request = magic version kind tag uuid fields options        magic: 2 bytes, 7A 43 ("zC")
//     reply   = magic version kind tag fields options             version: 1 byte, 1
//     tag     = 4 bytes, chosen by the client, repeated in the     kind: 1 byte, bit 7 set in replies
//               reply; 0 in what is pushed
//     uuid    = 16 bytes, for whom the request speaks
//     options = *( type:2 size:2 bytes )                           type: the field's number
//
// Numbers are in network order. Which fields a kind has, in which order, says the table in wire.c,
// which the decoder, the encoder, the daemons' dispatchers and the check on docs/protocol.md all
// use. A field in the body is its bytes alone, but TEXT begins with a size of 2 bytes, BYTES and
// ROWS with one of 4. ROWS hold *( size:2 row ), a row is fields and options again. An option that
// is not known, or comes twice, is skipped; one of a wrong size makes the message bad.

#ifndef ZCHAT_WIRE_H
#define ZCHAT_WIRE_H

#include "common/codec.h"
#include "common/guid.h"

#define WIRE_VERSION     1
#define WIRE_KIND_AT     3       // offset of the kind in a frame
#define WIRE_TO_SERVER   1048576 // bytes of the largest frame a listener takes
#define WIRE_TO_CLIENT   2097152 // bytes of the largest frame a client takes
#define WIRE_FIRST_CREDIT 262144 // bytes a connection may be sent before its first CREDIT
#define WIRE_LEASE_MS    30000   // a session without a request for so long is over
#define WIRE_PING_MS     10000   // how often a client says PING
#define WIRE_UNANSWERED  1024    // requests of one session under way at most
#define WIRE_PORT        2000    // the registry's

typedef enum {
    // to a group
    WIRE_PING = 0x01, // also to a registry
    WIRE_JOIN = 0x02,
    WIRE_LEAVE = 0x03,
    WIRE_NICK = 0x04,
    WIRE_TOPIC = 0x05,
    WIRE_WHO = 0x06,
    WIRE_SEND = 0x07,
    WIRE_PAGE = 0x08,
    WIRE_FOLLOW = 0x09,
    WIRE_CREDIT = 0x0a,
    WIRE_MANAGE = 0x0b,
    WIRE_SENDS = 0x0c,
    // to a registry
    WIRE_ANNOUNCE = 0x20,
    WIRE_WITHDRAW = 0x21,
    WIRE_LIST = 0x22,
    // replies
    WIRE_ACK = 0x81,
    WIRE_ERROR = 0x82,
    WIRE_PONG = 0x83,
    WIRE_MEMBERS = 0x84,
    WIRE_RECORDS = 0x85,
    WIRE_FOLLOWING = 0x86,
    WIRE_GAP = 0x87,
    WIRE_LOST = 0x88,
    WIRE_END = 0x89,
    WIRE_LEASE = 0xa0,
    WIRE_GROUPS = 0xa1,
    // rows: no messages, but described by the same table
    WIRE_ROW_ACK = 0xf0,
    WIRE_ROW_ERROR = 0xf1,
    WIRE_ROW_MEMBER = 0xf2,
    WIRE_ROW_GROUP = 0xf3,
    WIRE_ROW_SEND = 0xf4
} wire_kind_t;

typedef enum {
    WIRE_F_NONE = 0,
    WIRE_F_NICK = 1,
    WIRE_F_TEXT = 2,
    WIRE_F_DEVICE = 3,
    WIRE_F_COUNTER = 4,
    WIRE_F_RANDOM = 5,
    WIRE_F_SEQ = 6,
    WIRE_F_TIME = 7, // microseconds since 1970, UTC
    WIRE_F_NUMBER = 8,
    WIRE_F_WAIT = 9, // milliseconds
    WIRE_F_VERSION_LOW = 10,
    WIRE_F_VERSION_HIGH = 11,
    WIRE_F_RECEIPT = 12, // see proof.h
    WIRE_F_OLDEST = 13,
    WIRE_F_WHY = 14, // record_why_t, in END an error's number
    WIRE_F_FIRST = 15,
    WIRE_F_LAST = 16,
    WIRE_F_BATCHES = 17, // whole batches, see batch.h
    WIRE_F_FROM = 18,
    WIRE_F_TO = 19,
    WIRE_F_CREDIT = 20, // running total, bytes
    WIRE_F_FOLLOWS = 21,
    WIRE_F_AFTER_KIND = 22, // wire_bound_t
    WIRE_F_AFTER = 23,
    WIRE_F_BEFORE_KIND = 24, // wire_bound_t
    WIRE_F_BEFORE = 25,
    WIRE_F_LIMIT = 26,
    WIRE_F_MEMBER = 27,
    WIRE_F_PRESENT = 28,
    WIRE_F_ROLE = 29, // wire_role_t
    WIRE_F_MEMBERS = 30,
    WIRE_F_ONLINE = 31,
    WIRE_F_TOPIC = 32,
    WIRE_F_MORE = 33,
    WIRE_F_ROWS = 34,
    WIRE_F_NAME = 35,
    WIRE_F_LOG = 36,
    WIRE_F_INSTANCE = 37,
    WIRE_F_GENERATION = 38,
    WIRE_F_CLAIM = 39, // see proof.h
    WIRE_F_ENDPOINTS = 40, // with one blank between two
    WIRE_F_STATE = 41, // wire_state_t
    WIRE_F_LEASE = 42, // milliseconds
    WIRE_F_TAG = 43,
    WIRE_F_MAX_MESSAGE = 44, // bytes
    WIRE_F_KEY = 45, // a CURVE public key
    WIRE_F_INVITATIONS = 46,
    WIRE_F_ACTION = 47, // of MANAGE: the kind of the record that it makes, see record.h
    WIRE_F_HIDDEN = 48,
    WIRE_F_READERS = 49, // of a hidden group
    WIRE_F_COUNT
} wire_field_t;

typedef enum {
    WIRE_T_U8,
    WIRE_T_U16,
    WIRE_T_U32,
    WIRE_T_U64,
    WIRE_T_DEVICE,  // 8 bytes
    WIRE_T_ID,      // 16 bytes
    WIRE_T_HASH,    // 32 bytes
    WIRE_T_RECEIPT, // 64 bytes
    WIRE_T_TEXT,    // size:2 and UTF-8
    WIRE_T_BYTES,   // size:4 and bytes
    WIRE_T_ROWS     // size:4 and rows
} wire_type_t;

// What a bound in PAGE is given as.
typedef enum { WIRE_BOUND_NONE = 0, WIRE_BOUND_SEQ = 1, WIRE_BOUND_TIME = 2 } wire_bound_t;

typedef enum { WIRE_STATE_OK = 0, WIRE_STATE_READ_ONLY = 1, WIRE_STATE_DOUBT = 2 } wire_state_t;

typedef enum {
    WIRE_ROLE_MEMBER = 0,
    WIRE_ROLE_MUTED = 1,
    WIRE_ROLE_OPERATOR = 2,
    WIRE_ROLE_OWNER = 3
} wire_role_t;

typedef enum {
    WIRE_ERR_NONE = 0,
    WIRE_ERR_BAD_REQUEST = 1,
    WIRE_ERR_VERSION = 2,
    WIRE_ERR_UNKNOWN_KIND = 3,
    WIRE_ERR_NOT_MEMBER = 4,
    WIRE_ERR_BAD_TEXT = 5,
    WIRE_ERR_TOO_LONG = 6,
    WIRE_ERR_BAD_NICK = 7,
    WIRE_ERR_NICK_TAKEN = 8,
    WIRE_ERR_REUSED = 9,
    WIRE_ERR_UNKNOWN_DEVICE = 10,
    WIRE_ERR_OUT_OF_ORDER = 11,
    WIRE_ERR_BUSY = 12,
    WIRE_ERR_READ_ONLY = 13,
    WIRE_ERR_DISK_FULL = 14,
    WIRE_ERR_DOUBT = 15,
    WIRE_ERR_NO_SESSION = 16,
    WIRE_ERR_STOPPING = 17,
    WIRE_ERR_SYNC_FAILED = 18,
    WIRE_ERR_LIMIT = 19,
    WIRE_ERR_READ_FAILED = 20,
    WIRE_ERR_NAME_TAKEN = 21,
    WIRE_ERR_SUPERSEDED = 22,
    WIRE_ERR_BAD_NAME = 23,
    WIRE_ERR_WRITE_FAILED = 24,
    WIRE_ERR_NOT_ALLOWED = 25,
    WIRE_ERR_KEY_NEEDED = 26,
    WIRE_ERR_WRONG_KEY = 27,
    WIRE_ERR_NOT_INVITED = 28,
    WIRE_ERR_BANNED = 29,
    WIRE_ERR_MUTED = 30,
    WIRE_ERR_RATE = 31,
    WIRE_ERR_BAD_INVITATION = 32,
    WIRE_ERR_COUNT
} wire_error_t;

typedef enum { WIRE_TO_GROUP = 1, WIRE_TO_REGISTRY = 2, WIRE_TO_BOTH = 3, WIRE_REPLY = 4, WIRE_ROW = 8 } wire_way_t;

// One row of the table of messages. The lists end with WIRE_F_NONE.
typedef struct {
    wire_kind_t kind;
    const char *name;
    wire_way_t way;
    bool members_only;
    wire_kind_t rows; // what WIRE_F_ROWS holds, 0: no rows
    wire_field_t fields[12];
    wire_field_t options[8]; // those that have a meaning there
} wire_message_t;

// A message, decoded or to be encoded. Memory fields are borrowed: they point into the frame that was
// decoded, or to what the caller encodes. Use the functions; a slot counts only if its bit is set.
typedef struct {
    wire_kind_t kind;
    uint32_t tag;
    guid_t uuid; // requests only
    uint64_t have; // bit n: field n is there
    union {
        uint64_t number;
        span_t bytes;
    } slots[WIRE_F_COUNT];
} wire_t;

wire_t wire (wire_kind_t kind, uint32_t tag, const guid_t *uuid); // uuid may be NULL

// The same for an empty message, in its place: the slots, 800 bytes that count only where `have`
// says so, are neither set nor copied.
void wire_begin (wire_t *self, wire_kind_t kind, uint32_t tag);

bool wire_has (const wire_t *self, wire_field_t field);
uint64_t wire_number (const wire_t *self, wire_field_t field); // 0 when it is not there
span_t wire_bytes (const wire_t *self, wire_field_t field);    // empty when it is not there
guid_t wire_guid (const wire_t *self, wire_field_t field);     // zeros when it is not there
void wire_set (wire_t *self, wire_field_t field, uint64_t value);
void wire_set_bytes (wire_t *self, wire_field_t field, span_t bytes);

// Reads a frame. Returns WIRE_ERR_NONE, or BAD_REQUEST, VERSION or UNKNOWN_KIND; then kind and tag
// are set as far as they could be read.
wire_error_t wire_decode (wire_t *self, span_t frame);

// Writes the message: the kind's fields in order (missing ones as 0 or empty), then every other field that
// is set, as an option. Sets out->failed when it does not fit.
void wire_encode (const wire_t *self, writer_t *out);

// Appends a row (a wire_t of a WIRE_ROW_* kind) to what becomes WIRE_F_ROWS.
void wire_put_row (const wire_t *row, writer_t *out);

// The next row of `in`, which was made by reader () over WIRE_F_ROWS. Returns 1, 0 at the end, -1 when the bytes
// are no row of that kind.
int wire_next_row (wire_t *row, wire_kind_t kind, reader_t *in);

// The table's row of a kind, or NULL. wire_table gives all of them, and their number.
const wire_message_t *wire_message (wire_kind_t kind);
const wire_message_t *wire_table (size_t *count);
wire_type_t wire_field_type (wire_field_t field);
const char *wire_field_name (wire_field_t field);

// An error's name ("NOT_MEMBER") and the sentence that is sent with it when none better is known.
const char *wire_error_name (wire_error_t error);
const char *wire_error_text (wire_error_t error);

// The exit code that `zchat` ends with on this error: 1 refused, 75 cannot be done now, ...
int wire_error_exit (wire_error_t error);

#endif
