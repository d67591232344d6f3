#include "common/wire.h"

#include <assert.h>
#include <string.h>

#define MAGIC_0 0x7a
#define MAGIC_1 0x43

enum { REPLY_BIT = 0x80 };

static const wire_message_t s_table[] = {
    {WIRE_PING,
     "PING",
     WIRE_TO_BOTH,
     false,
     0,
     {WIRE_F_FOLLOWS},
     {WIRE_F_RECEIPT, WIRE_F_INVITATIONS}},
    {WIRE_JOIN,
     "JOIN",
     WIRE_TO_GROUP,
     false,
     0,
     {WIRE_F_NICK},
     {WIRE_F_RECEIPT, WIRE_F_INVITATIONS}},
    {WIRE_LEAVE, "LEAVE", WIRE_TO_GROUP, true, 0, {0}, {WIRE_F_RECEIPT}},
    {WIRE_NICK, "NICK", WIRE_TO_GROUP, true, 0, {WIRE_F_NICK}, {WIRE_F_RECEIPT}},
    {WIRE_TOPIC, "TOPIC", WIRE_TO_GROUP, true, 0, {WIRE_F_TEXT}, {WIRE_F_RECEIPT}},
    {WIRE_WHO, "WHO", WIRE_TO_GROUP, true, 0, {WIRE_F_MEMBER, WIRE_F_LIMIT}, {WIRE_F_RECEIPT}},
    {WIRE_SEND,
     "SEND",
     WIRE_TO_GROUP,
     true,
     0,
     {WIRE_F_DEVICE, WIRE_F_COUNTER, WIRE_F_RANDOM, WIRE_F_TEXT},
     {WIRE_F_RECEIPT}},
    {WIRE_PAGE,
     "PAGE",
     WIRE_TO_GROUP,
     true,
     0,
     {WIRE_F_AFTER_KIND, WIRE_F_AFTER, WIRE_F_BEFORE_KIND, WIRE_F_BEFORE, WIRE_F_LIMIT},
     {WIRE_F_CREDIT, WIRE_F_RECEIPT}},
    {WIRE_FOLLOW,
     "FOLLOW",
     WIRE_TO_GROUP,
     true,
     0,
     {WIRE_F_FROM, WIRE_F_CREDIT},
     {WIRE_F_RECEIPT}},
    {WIRE_CREDIT, "CREDIT", WIRE_TO_GROUP, false, 0, {WIRE_F_CREDIT}, {0}},
    {WIRE_MANAGE,
     "MANAGE",
     WIRE_TO_GROUP,
     true,
     0,
     {WIRE_F_ACTION, WIRE_F_MEMBER},
     {WIRE_F_KEY, WIRE_F_RECEIPT}},
    {WIRE_SENDS,
     "SENDS",
     WIRE_TO_GROUP,
     true,
     WIRE_ROW_SEND,
     {WIRE_F_DEVICE, WIRE_F_ROWS},
     {WIRE_F_RECEIPT}},
    {WIRE_ANNOUNCE,
     "ANNOUNCE",
     WIRE_TO_REGISTRY,
     false,
     0,
     {WIRE_F_NAME, WIRE_F_LOG, WIRE_F_INSTANCE, WIRE_F_GENERATION, WIRE_F_CLAIM, WIRE_F_STATE,
      WIRE_F_MEMBERS, WIRE_F_ONLINE, WIRE_F_SEQ, WIRE_F_TOPIC, WIRE_F_ENDPOINTS},
     {WIRE_F_HIDDEN, WIRE_F_READERS, WIRE_F_INVITATIONS}},
    {WIRE_WITHDRAW,
     "WITHDRAW",
     WIRE_TO_REGISTRY,
     false,
     0,
     {WIRE_F_NAME, WIRE_F_LOG, WIRE_F_INSTANCE},
     {0}},
    {WIRE_LIST,
     "LIST",
     WIRE_TO_REGISTRY,
     false,
     0,
     {WIRE_F_NAME, WIRE_F_LIMIT},
     {WIRE_F_INVITATIONS}},
    {WIRE_ACK, "ACK", WIRE_REPLY, false, WIRE_ROW_ACK, {WIRE_F_RECEIPT, WIRE_F_ROWS}, {0}},
    {WIRE_ERROR, "ERROR", WIRE_REPLY, false, WIRE_ROW_ERROR, {WIRE_F_ROWS}, {0}},
    {WIRE_PONG,
     "PONG",
     WIRE_REPLY,
     false,
     0,
     {WIRE_F_NAME, WIRE_F_LOG, WIRE_F_GENERATION, WIRE_F_STATE, WIRE_F_OLDEST, WIRE_F_WHY,
      WIRE_F_LAST, WIRE_F_TIME, WIRE_F_MAX_MESSAGE},
     {WIRE_F_KEY, WIRE_F_ENDPOINTS}},
    {WIRE_MEMBERS,
     "MEMBERS",
     WIRE_REPLY,
     false,
     WIRE_ROW_MEMBER,
     {WIRE_F_MEMBERS, WIRE_F_ONLINE, WIRE_F_TOPIC, WIRE_F_MORE, WIRE_F_ROWS},
     {0}},
    {WIRE_RECORDS,
     "RECORDS",
     WIRE_REPLY,
     false,
     0,
     {WIRE_F_RECEIPT, WIRE_F_OLDEST, WIRE_F_WHY, WIRE_F_FIRST, WIRE_F_LAST, WIRE_F_BATCHES},
     {0}},
    {WIRE_FOLLOWING,
     "FOLLOWING",
     WIRE_REPLY,
     false,
     0,
     {WIRE_F_FROM, WIRE_F_LAST, WIRE_F_OLDEST, WIRE_F_WHY},
     {0}},
    {WIRE_GAP, "GAP", WIRE_REPLY, false, 0, {WIRE_F_FROM, WIRE_F_TO, WIRE_F_WHY}, {0}},
    {WIRE_LOST, "LOST", WIRE_REPLY, false, 0, {WIRE_F_FROM, WIRE_F_TO}, {0}},
    {WIRE_END, "END", WIRE_REPLY, false, 0, {WIRE_F_WHY, WIRE_F_TEXT}, {0}},
    {WIRE_LEASE, "LEASE", WIRE_REPLY, false, 0, {WIRE_F_LEASE}, {0}},
    {WIRE_GROUPS, "GROUPS", WIRE_REPLY, false, WIRE_ROW_GROUP, {WIRE_F_MORE, WIRE_F_ROWS}, {0}},
    {WIRE_ROW_ACK,
     "row of ACK",
     WIRE_ROW,
     false,
     0,
     {WIRE_F_TAG, WIRE_F_SEQ, WIRE_F_TIME},
     {WIRE_F_NICK}},
    {WIRE_ROW_ERROR,
     "row of ERROR",
     WIRE_ROW,
     false,
     0,
     {WIRE_F_TAG, WIRE_F_NUMBER, WIRE_F_TEXT},
     {WIRE_F_WAIT, WIRE_F_VERSION_LOW, WIRE_F_VERSION_HIGH, WIRE_F_GENERATION, WIRE_F_INSTANCE,
      WIRE_F_CLAIM}},
    {WIRE_ROW_MEMBER,
     "row of MEMBERS",
     WIRE_ROW,
     false,
     0,
     {WIRE_F_MEMBER, WIRE_F_NICK, WIRE_F_PRESENT, WIRE_F_ROLE},
     {0}},
    {WIRE_ROW_GROUP,
     "row of GROUPS",
     WIRE_ROW,
     false,
     0,
     {WIRE_F_NAME, WIRE_F_LOG, WIRE_F_GENERATION, WIRE_F_STATE, WIRE_F_MEMBERS, WIRE_F_ONLINE,
      WIRE_F_SEQ, WIRE_F_TOPIC, WIRE_F_ENDPOINTS},
     {0}},
    {WIRE_ROW_SEND,
     "row of SENDS",
     WIRE_ROW,
     false,
     0,
     {WIRE_F_TAG, WIRE_F_COUNTER, WIRE_F_RANDOM, WIRE_F_TEXT},
     {0}},
};

static const struct {
    const char *name;
    wire_type_t type;
} s_fields[WIRE_F_COUNT] = {
    [WIRE_F_NONE] = {"", WIRE_T_U8},
    [WIRE_F_NICK] = {"nick", WIRE_T_TEXT},
    [WIRE_F_TEXT] = {"text", WIRE_T_TEXT},
    [WIRE_F_DEVICE] = {"device", WIRE_T_DEVICE},
    [WIRE_F_COUNTER] = {"counter", WIRE_T_U64},
    [WIRE_F_RANDOM] = {"random", WIRE_T_U32},
    [WIRE_F_SEQ] = {"seq", WIRE_T_U64},
    [WIRE_F_TIME] = {"time", WIRE_T_U64},
    [WIRE_F_NUMBER] = {"number", WIRE_T_U16},
    [WIRE_F_WAIT] = {"wait", WIRE_T_U32},
    [WIRE_F_VERSION_LOW] = {"version-low", WIRE_T_U8},
    [WIRE_F_VERSION_HIGH] = {"version-high", WIRE_T_U8},
    [WIRE_F_RECEIPT] = {"receipt", WIRE_T_RECEIPT},
    [WIRE_F_OLDEST] = {"oldest", WIRE_T_U64},
    [WIRE_F_WHY] = {"why", WIRE_T_U8},
    [WIRE_F_FIRST] = {"first", WIRE_T_U64},
    [WIRE_F_LAST] = {"last", WIRE_T_U64},
    [WIRE_F_BATCHES] = {"batches", WIRE_T_BYTES},
    [WIRE_F_FROM] = {"from", WIRE_T_U64},
    [WIRE_F_TO] = {"to", WIRE_T_U64},
    [WIRE_F_CREDIT] = {"credit", WIRE_T_U64},
    [WIRE_F_FOLLOWS] = {"follows", WIRE_T_U8},
    [WIRE_F_AFTER_KIND] = {"after-kind", WIRE_T_U8},
    [WIRE_F_AFTER] = {"after", WIRE_T_U64},
    [WIRE_F_BEFORE_KIND] = {"before-kind", WIRE_T_U8},
    [WIRE_F_BEFORE] = {"before", WIRE_T_U64},
    [WIRE_F_LIMIT] = {"limit", WIRE_T_U32},
    [WIRE_F_MEMBER] = {"member", WIRE_T_ID},
    [WIRE_F_PRESENT] = {"present", WIRE_T_U8},
    [WIRE_F_ROLE] = {"role", WIRE_T_U8},
    [WIRE_F_MEMBERS] = {"members", WIRE_T_U32},
    [WIRE_F_ONLINE] = {"online", WIRE_T_U32},
    [WIRE_F_TOPIC] = {"topic", WIRE_T_TEXT},
    [WIRE_F_MORE] = {"more", WIRE_T_U8},
    [WIRE_F_ROWS] = {"rows", WIRE_T_ROWS},
    [WIRE_F_NAME] = {"name", WIRE_T_TEXT},
    [WIRE_F_LOG] = {"log", WIRE_T_ID},
    [WIRE_F_INSTANCE] = {"instance", WIRE_T_ID},
    [WIRE_F_GENERATION] = {"generation", WIRE_T_U64},
    [WIRE_F_CLAIM] = {"claim", WIRE_T_HASH},
    [WIRE_F_ENDPOINTS] = {"endpoints", WIRE_T_TEXT},
    [WIRE_F_STATE] = {"state", WIRE_T_U8},
    [WIRE_F_LEASE] = {"lease", WIRE_T_U32},
    [WIRE_F_TAG] = {"tag", WIRE_T_U32},
    [WIRE_F_MAX_MESSAGE] = {"max-message", WIRE_T_U32},
    [WIRE_F_KEY] = {"key", WIRE_T_HASH},
    [WIRE_F_INVITATIONS] = {"invitations", WIRE_T_BYTES},
    [WIRE_F_ACTION] = {"action", WIRE_T_U8},
    [WIRE_F_HIDDEN] = {"hidden", WIRE_T_U8},
    [WIRE_F_READERS] = {"readers", WIRE_T_BYTES},
};

static const struct {
    const char *name;
    const char *text;
    int exit;
} s_errors[WIRE_ERR_COUNT] = {
    [WIRE_ERR_NONE] = {"NONE", "no error", 0},
    [WIRE_ERR_BAD_REQUEST] = {"BAD_REQUEST", "the request cannot be read", 1},
    [WIRE_ERR_VERSION] = {"VERSION", "this version of the protocol is not spoken here", 1},
    [WIRE_ERR_UNKNOWN_KIND] = {"UNKNOWN_KIND", "requests of this kind are not answered here", 1},
    [WIRE_ERR_NOT_MEMBER] = {"NOT_MEMBER", "not a member of this group: join it first", 1},
    [WIRE_ERR_BAD_TEXT] = {"BAD_TEXT",
                           "a text must be UTF-8, not empty, without control characters", 1},
    [WIRE_ERR_TOO_LONG] = {"TOO_LONG", "the text is longer than this group takes", 1},
    [WIRE_ERR_BAD_NICK] = {"BAD_NICK", "a nick is 1 to 32 bytes of UTF-8 without blanks", 1},
    [WIRE_ERR_NICK_TAKEN] = {"NICK_TAKEN", "another member has this nick", 1},
    [WIRE_ERR_REUSED] = {"REUSED", "this device's counter was used for another message", 75},
    [WIRE_ERR_UNKNOWN_DEVICE] = {"UNKNOWN_DEVICE",
                                 "this device is not known here: begin a new one with 1", 75},
    [WIRE_ERR_OUT_OF_ORDER] = {"OUT_OF_ORDER", "a device's counters must come in order", 75},
    [WIRE_ERR_BUSY] = {"BUSY", "too much is waiting for the disk: try again", 75},
    [WIRE_ERR_READ_ONLY] = {"READ_ONLY", "the group's log is damaged and can only be read", 75},
    [WIRE_ERR_DISK_FULL] = {"DISK_FULL", "the group's disk is full", 75},
    [WIRE_ERR_DOUBT] = {"DOUBT", "the group's log is in doubt and takes no messages", 75},
    [WIRE_ERR_NO_SESSION] = {"NO_SESSION", "nothing is known of this connection: follow again", 75},
    [WIRE_ERR_STOPPING] = {"STOPPING", "the server is stopping", 75},
    [WIRE_ERR_SYNC_FAILED] = {"SYNC_FAILED",
                              "the disk failed: what was not acknowledged may be lost", 75},
    [WIRE_ERR_LIMIT] = {"LIMIT", "a limit of this server is reached", 75},
    [WIRE_ERR_READ_FAILED] = {"READ_FAILED", "the disk failed while reading the history", 75},
    [WIRE_ERR_NAME_TAKEN] = {"NAME_TAKEN", "another group holds this name", 1},
    [WIRE_ERR_SUPERSEDED] = {"SUPERSEDED", "a later opening of the same log is registered", 78},
    [WIRE_ERR_BAD_NAME] = {"BAD_NAME", "this is no group's name", 1},
    [WIRE_ERR_WRITE_FAILED] = {"WRITE_FAILED", "the group's disk refused the write", 75},
    [WIRE_ERR_NOT_ALLOWED] = {"NOT_ALLOWED", "this is not yours to do in this group", 1},
    [WIRE_ERR_KEY_NEEDED] = {"KEY_NEEDED",
                             "a key must be proved for this: use the group's endpoint with ?key=",
                             1},
    [WIRE_ERR_WRONG_KEY] = {"WRONG_KEY", "this key does not speak for this UUID", 1},
    [WIRE_ERR_NOT_INVITED] = {"NOT_INVITED", "an invitation is needed here", 1},
    [WIRE_ERR_BANNED] = {"BANNED", "banned from this group", 1},
    [WIRE_ERR_MUTED] = {"MUTED", "muted in this group", 1},
    [WIRE_ERR_RATE] = {"RATE", "more at once than this server takes: wait", 75},
    [WIRE_ERR_BAD_INVITATION] = {"BAD_INVITATION",
                                 "the invitation is expired, used up, or not for here", 1},
};

const wire_message_t *wire_table (size_t *count)
{
    *count = sizeof s_table / sizeof s_table[0];
    return s_table;
}

const wire_message_t *wire_message (wire_kind_t kind)
{
    size_t low = 0;
    size_t high = sizeof s_table / sizeof s_table[0];
    while (low < high) { // it is in the order of kinds
        size_t middle = (low + high) / 2;
        if (s_table[middle].kind == kind)
            return &s_table[middle];
        if (s_table[middle].kind < kind)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

wire_type_t wire_field_type (wire_field_t field)
{
    assert (field < WIRE_F_COUNT);
    return s_fields[field].type;
}

const char *wire_field_name (wire_field_t field)
{
    assert (field < WIRE_F_COUNT);
    return s_fields[field].name;
}

const char *wire_error_name (wire_error_t error)
{
    return error < WIRE_ERR_COUNT ? s_errors[error].name : "UNKNOWN";
}

const char *wire_error_text (wire_error_t error)
{
    return error < WIRE_ERR_COUNT ? s_errors[error].text : "an error this program does not know";
}

int wire_error_exit (wire_error_t error)
{
    return error < WIRE_ERR_COUNT ? s_errors[error].exit : 1;
}

void wire_begin (wire_t *self, wire_kind_t kind, uint32_t tag)
{
    self->kind = kind;
    self->tag = tag;
    self->have = 0;
    self->uuid = (guid_t){{0}};
}

wire_t wire (wire_kind_t kind, uint32_t tag, const guid_t *uuid)
{
    wire_t self;
    wire_begin (&self, kind, tag);
    if (uuid)
        self.uuid = *uuid;
    return self;
}

bool wire_has (const wire_t *self, wire_field_t field)
{
    return self->have >> field & 1;
}

static bool s_is_number (wire_field_t field)
{
    return s_fields[field].type <= WIRE_T_U64;
}

uint64_t wire_number (const wire_t *self, wire_field_t field)
{
    assert (s_is_number (field));
    return wire_has (self, field) ? self->slots[field].number : 0;
}

span_t wire_bytes (const wire_t *self, wire_field_t field)
{
    assert (!s_is_number (field));
    return wire_has (self, field) ? self->slots[field].bytes : span (NULL, 0);
}

guid_t wire_guid (const wire_t *self, wire_field_t field)
{
    assert (s_fields[field].type == WIRE_T_ID);
    guid_t guid = {{0}};
    if (wire_has (self, field))
        memcpy (guid.bytes, self->slots[field].bytes.data, GUID_SIZE);
    return guid;
}

void wire_set (wire_t *self, wire_field_t field, uint64_t value)
{
    assert (s_is_number (field));
    self->slots[field].number = value;
    self->have |= 1ull << field;
}

void wire_set_bytes (wire_t *self, wire_field_t field, span_t bytes)
{
    assert (!s_is_number (field));
    self->slots[field].bytes = bytes;
    self->have |= 1ull << field;
}

// Bytes of a field whose size its type says; 0 for those that carry a size.
static size_t s_fixed_size (wire_type_t type)
{
    static const uint8_t sizes[] = {1, 2, 4, 8, 8, 16, 32, 64, 0, 0, 0};
    return sizes[type];
}

static void s_get (wire_t *self, wire_field_t field, reader_t *in, size_t size)
{
    switch (wire_field_type (field)) {
    case WIRE_T_U8:
        wire_set (self, field, reader_u8 (in));
        break;
    case WIRE_T_U16:
        wire_set (self, field, reader_u16 (in));
        break;
    case WIRE_T_U32:
        wire_set (self, field, reader_u32 (in));
        break;
    case WIRE_T_U64:
        wire_set (self, field, reader_u64 (in));
        break;
    default:
        wire_set_bytes (self, field, reader_bytes (in, size));
    }
}

static void s_get_field (wire_t *self, wire_field_t field, reader_t *in)
{
    wire_type_t type = wire_field_type (field);
    size_t size = s_fixed_size (type);
    if (type == WIRE_T_TEXT)
        size = reader_u16 (in);
    else if (type > WIRE_T_TEXT)
        size = reader_u32 (in);
    s_get (self, field, in, size);
}

static void s_get_options (wire_t *self, reader_t *in)
{
    while (!in->failed && reader_left (in) > 0) {
        uint16_t field = reader_u16 (in);
        span_t value = reader_bytes (in, reader_u16 (in));
        if (in->failed || field == 0 || field >= WIRE_F_COUNT || wire_has (self, field))
            continue;
        size_t fixed = s_fixed_size (wire_field_type (field));
        if (fixed > 0 && fixed != value.size) {
            in->failed = true;
            return;
        }
        reader_t option = reader (value.data, value.size);
        s_get (self, field, &option, value.size);
    }
}

static bool s_get_body (wire_t *self, const wire_message_t *message, reader_t *in)
{
    self->have = 0;
    for (const wire_field_t *field = message->fields; *field; field++)
        s_get_field (self, *field, in);
    s_get_options (self, in);
    if (in->failed)
        self->have = 0; // nothing of a bad message may be used
    return !in->failed;
}

wire_error_t wire_decode (wire_t *self, span_t frame)
{
    wire_begin (self, 0, 0);
    reader_t in = reader (frame.data, frame.size);
    uint8_t magic[2];
    reader_copy (&in, magic, 2);
    uint8_t version = reader_u8 (&in);
    self->kind = reader_u8 (&in);
    self->tag = reader_u32 (&in);
    if (in.failed || magic[0] != MAGIC_0 || magic[1] != MAGIC_1)
        return WIRE_ERR_BAD_REQUEST;
    if (version != WIRE_VERSION)
        return WIRE_ERR_VERSION;
    const wire_message_t *message = wire_message (self->kind);
    if (!message || message->way == WIRE_ROW)
        return WIRE_ERR_UNKNOWN_KIND;
    if (!(self->kind & REPLY_BIT))
        reader_copy (&in, self->uuid.bytes, GUID_SIZE);
    return s_get_body (self, message, &in) ? WIRE_ERR_NONE : WIRE_ERR_BAD_REQUEST;
}

static void s_put (const wire_t *self, wire_field_t field, writer_t *out)
{
    static const uint8_t zeros[64];
    wire_type_t type = wire_field_type (field);
    span_t bytes = {NULL, 0};
    switch (type) {
    case WIRE_T_U8:
        writer_u8 (out, (uint8_t) wire_number (self, field));
        return;
    case WIRE_T_U16:
        writer_u16 (out, (uint16_t) wire_number (self, field));
        return;
    case WIRE_T_U32:
        writer_u32 (out, (uint32_t) wire_number (self, field));
        return;
    case WIRE_T_U64:
        writer_u64 (out, wire_number (self, field));
        return;
    default:
        bytes = wire_bytes (self, field);
    }
    size_t fixed = s_fixed_size (type);
    if (fixed > 0 && !bytes.data)
        bytes = span (zeros, fixed);
    assert (fixed == 0 || bytes.size == fixed);
    writer_bytes (out, bytes.data, bytes.size);
}

static void s_put_body (const wire_t *self, const wire_message_t *message, writer_t *out)
{
    uint64_t rest = self->have;
    for (const wire_field_t *field = message->fields; *field; field++) {
        wire_type_t type = wire_field_type (*field);
        if (type == WIRE_T_TEXT) {
            size_t size = wire_bytes (self, *field).size;
            if (size > UINT16_MAX)
                out->failed = true;
            writer_u16 (out, (uint16_t) size);
        } else if (type > WIRE_T_TEXT)
            writer_u32 (out, (uint32_t) wire_bytes (self, *field).size);
        s_put (self, *field, out);
        rest &= ~(1ull << *field);
    }
    for (wire_field_t field = 1; rest && field < WIRE_F_COUNT; field++) {
        if (!(rest >> field & 1))
            continue;
        size_t fixed = s_fixed_size (wire_field_type (field));
        size_t size = fixed ? fixed : wire_bytes (self, field).size;
        if (size > UINT16_MAX)
            out->failed = true;
        writer_u16 (out, (uint16_t) field);
        writer_u16 (out, (uint16_t) size);
        s_put (self, field, out);
    }
}

void wire_encode (const wire_t *self, writer_t *out)
{
    const wire_message_t *message = wire_message (self->kind);
    assert (message && message->way != WIRE_ROW);
    writer_u8 (out, MAGIC_0);
    writer_u8 (out, MAGIC_1);
    writer_u8 (out, WIRE_VERSION);
    writer_u8 (out, (uint8_t) self->kind);
    writer_u32 (out, self->tag);
    if (!(self->kind & REPLY_BIT))
        writer_bytes (out, self->uuid.bytes, GUID_SIZE);
    s_put_body (self, message, out);
}

void wire_put_row (const wire_t *row, writer_t *out)
{
    const wire_message_t *message = wire_message (row->kind);
    assert (message && message->way == WIRE_ROW);
    uint8_t *size_at = out->at;
    writer_u16 (out, 0);
    s_put_body (row, message, out);
    size_t size = (size_t) (out->at - size_at) - 2;
    if (!out->failed && size <= UINT16_MAX) {
        writer_t patch = writer (size_at, 2);
        writer_u16 (&patch, (uint16_t) size);
    } else {
        out->failed = true;
        out->at = size_at;
    }
}

int wire_next_row (wire_t *row, wire_kind_t kind, reader_t *in)
{
    wire_begin (row, kind, 0);
    if (reader_left (in) == 0)
        return 0;
    span_t bytes = reader_bytes (in, reader_u16 (in));
    reader_t body = reader (bytes.data, bytes.size);
    if (in->failed || !s_get_body (row, wire_message (kind), &body))
        return -1;
    return 1;
}
