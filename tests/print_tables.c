// Prints what the code knows of the protocol, a line a fact, for docs_protocol.py to hold
// docs/protocol.md against.

#include "common/batch.h"
#include "common/invitation.h"
#include "common/proof.h"
#include "common/wire.h"

#include <stdio.h>
#include <string.h>

static const char *const s_types[] = {"U8",   "U16",     "U32",  "U64",   "DEVICE", "ID",
                                      "HASH", "RECEIPT", "TEXT", "BYTES", "ROWS"};

static const guid_t s_log = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
static const guid_t s_ann = {{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa,
                              0xab, 0xac, 0xad, 0xae, 0xaf}};
static const uint8_t s_device[] = {0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7};
static const char s_text[] = "hi \xf0\x9f\x90\xb1";
static const int64_t s_base = INT64_C (1795330800000000);
static chain_t s_chain; // after the example's batch

static void s_print_fields (const wire_message_t *row)
{
    for (const wire_field_t *field = row->fields; *field; field++)
        printf ("field %s: %d %s %s\n", row->name, *field, wire_field_name (*field),
                s_types[wire_field_type (*field)]);
    for (const wire_field_t *field = row->options; *field; field++)
        printf ("option %s: %d %s %s\n", row->name, *field, wire_field_name (*field),
                s_types[wire_field_type (*field)]);
}

static void s_print_messages (void)
{
    static const char *const ways[] = {[WIRE_TO_GROUP] = "to a group",
                                       [WIRE_TO_REGISTRY] = "to a registry",
                                       [WIRE_TO_BOTH] = "to a group or a registry",
                                       [WIRE_REPLY] = "a reply"};
    size_t count;
    const wire_message_t *table = wire_table (&count);
    for (size_t i = 0; i < count; i++) {
        const wire_message_t *row = &table[i];
        if (row->way == WIRE_ROW)
            printf ("message %s\n", row->name);
        else
            printf ("message %s: 0x%02x, %s%s\n", row->name, row->kind, ways[row->way],
                    row->way == WIRE_REPLY ? ""
                    : row->members_only    ? ", from members"
                                           : ", from anybody");
        if (row->rows)
            printf ("rows %s: %s\n", row->name, wire_message (row->rows)->name);
        s_print_fields (row);
    }
}

static void s_print_lists (void)
{
    for (wire_field_t field = 1; field < WIRE_F_COUNT; field++)
        printf ("number %d: %s %s\n", field, wire_field_name (field),
                s_types[wire_field_type (field)]);
    for (wire_error_t error = 1; error < WIRE_ERR_COUNT; error++)
        printf ("error %d: %s, %s, exit %d\n", error, wire_error_name (error),
                wire_error_text (error), wire_error_exit (error));
    for (unsigned kind = 0; kind < 256; kind++)
        if (strcmp (record_kind_name (kind), "unknown") != 0)
            printf ("record %u: %s\n", kind, record_kind_name (kind));
}

static void s_print_hex (const char *name, span_t bytes)
{
    printf ("example %s: ", name);
    for (size_t i = 0; i < bytes.size; i++)
        printf ("%02x", bytes.data[i]);
    printf ("\n");
}

static void s_print_message (const char *name, const wire_t *message)
{
    uint8_t bytes[1024];
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (message, &out);
    s_print_hex (name, span (bytes, writer_used (&out)));
}

static record_t s_record (record_kind_t kind, int64_t delta)
{
    record_t record = {.kind = kind, .flags = RECORD_VERIFIED, .time = s_base + delta};
    record.author = s_ann;
    record.nick = span_of ("ann");
    return record;
}

static void s_print_batch (void)
{
    static uint8_t room[BATCH_MAX], options[64], instance[GUID_SIZE];
    static const uint8_t digest[BATCH_DIGEST] = {0x1c, 0xec, 0x77, 0xa4, 0x68, 0x94, 0xfe, 0x5c,
                                                 0xc6, 0x66, 0x8c, 0xf7, 0x13, 0x2c, 0xba, 0xd1,
                                                 0x53, 0xb9, 0x9f, 0x4a, 0xf4, 0x47, 0x2b, 0xe3,
                                                 0x6d, 0x17, 0x41, 0x0f, 0x46, 0x68, 0xc4, 0x88};
    batch_t head = {.type = BATCH_TYPE_RECORDS, .first = 1, .base = s_base, .digest = digest};
    head.chain = chain_start (&s_log);
    batch_writer_t out;
    batch_begin (&out, room, &head);
    for (uint8_t i = 0; i < GUID_SIZE; i++)
        instance[i] = (uint8_t)(16 + i);
    writer_t put = writer (options, sizeof options);
    record_put_number (&put, RECORD_OPT_GENERATION, 1);
    record_put_option (&put, RECORD_OPT_INSTANCE, instance, sizeof instance);
    record_t open = {.kind = RECORD_OPEN, .time = s_base};
    open.options = span (options, writer_used (&put));
    batch_add (&out, &open);
    record_t join = s_record (RECORD_JOIN, 300), message = s_record (RECORD_MESSAGE, 1000000);
    batch_add (&out, &join);
    memcpy (message.send.device, s_device, RECORD_DEVICE);
    message.send.counter = 1;
    message.send.random = 0xdeadbeef;
    message.text = span_of (s_text);
    batch_add (&out, &message);
    span_t bytes = batch_end (&out, &s_log);
    s_chain = chain_next (&head.chain, bytes);
    s_print_hex ("batch", bytes);
}

static void s_print_sends (void)
{
    static const char *const texts[] = {"one", "three"};
    uint8_t rows[256];
    writer_t out = writer (rows, sizeof rows);
    for (uint32_t n = 0; n < 2; n++) {
        wire_t row = wire (WIRE_ROW_SEND, 0, NULL);
        wire_set (&row, WIRE_F_TAG, 9 + n);
        wire_set (&row, WIRE_F_COUNTER, 2 + n);
        wire_set (&row, WIRE_F_RANDOM, 0xdeadbef0 + n);
        wire_set_bytes (&row, WIRE_F_TEXT, span_of (texts[n]));
        wire_put_row (&row, &out);
    }
    wire_t sends = wire (WIRE_SENDS, 11, &s_ann);
    wire_set_bytes (&sends, WIRE_F_DEVICE, span (s_device, sizeof s_device));
    wire_set_bytes (&sends, WIRE_F_ROWS, span (rows, writer_used (&out)));
    s_print_message ("sends", &sends);
}

static void s_print_requests (void)
{
    wire_t send = wire (WIRE_SEND, 7, &s_ann), page = wire (WIRE_PAGE, 8, &s_ann);
    wire_set_bytes (&send, WIRE_F_DEVICE, span (s_device, sizeof s_device));
    wire_set (&send, WIRE_F_COUNTER, 1);
    wire_set (&send, WIRE_F_RANDOM, 0xdeadbeef);
    wire_set_bytes (&send, WIRE_F_TEXT, span_of (s_text));
    s_print_message ("send", &send);
    s_print_sends ();
    wire_set (&page, WIRE_F_AFTER_KIND, WIRE_BOUND_SEQ);
    wire_set (&page, WIRE_F_AFTER, 2);
    wire_set (&page, WIRE_F_LIMIT, 10);
    wire_set (&page, WIRE_F_CREDIT, WIRE_FIRST_CREDIT);
    s_print_message ("page", &page);
}

static void s_print_replies (void)
{
    uint8_t key[PROOF_KEY], receipt_bytes[PROOF_RECEIPT], rows[256];
    for (uint8_t i = 0; i < PROOF_KEY; i++)
        key[i] = i;
    receipt_t receipt = receipt_make (key, &s_log, 1, 3, &s_chain);
    receipt_encode (&receipt, receipt_bytes);
    wire_t ack = wire (WIRE_ACK, 0, NULL), row = wire (WIRE_ROW_ACK, 0, NULL);
    writer_t out = writer (rows, sizeof rows);
    wire_set (&row, WIRE_F_TAG, 7);
    wire_set (&row, WIRE_F_SEQ, 3);
    wire_set (&row, WIRE_F_TIME, (uint64_t)s_base + 1000000);
    wire_put_row (&row, &out);
    wire_set_bytes (&ack, WIRE_F_RECEIPT, span (receipt_bytes, sizeof receipt_bytes));
    wire_set_bytes (&ack, WIRE_F_ROWS, span (rows, writer_used (&out)));
    s_print_message ("ack", &ack);
    wire_t error = wire (WIRE_ERROR, 0, NULL);
    row = wire (WIRE_ROW_ERROR, 0, NULL);
    out = writer (rows, sizeof rows);
    wire_set (&row, WIRE_F_TAG, 8);
    wire_set (&row, WIRE_F_NUMBER, WIRE_ERR_NOT_MEMBER);
    wire_set_bytes (&row, WIRE_F_TEXT, span_of (wire_error_text (WIRE_ERR_NOT_MEMBER)));
    wire_put_row (&row, &out);
    wire_set_bytes (&error, WIRE_F_ROWS, span (rows, writer_used (&out)));
    s_print_message ("error", &error);
}

static void s_print_invitation (void)
{
    static const char *const groups[] = {"cats"};
    static const char *const registries[] = {
        "tcp://chat.example.org:2001?key="
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
    uint8_t secret[32], public_key[INVITATION_KEY], signing[INVITATION_SIGNING];
    uint8_t bytes[INVITATION_MAX];
    invitation_draft_t draft = {.expires = s_base,
                                .uses = 5,
                                .groups = groups,
                                .group_count = 1,
                                .registries = registries,
                                .registry_count = 1};
    for (uint8_t i = 0; i < sizeof secret; i++)
        secret[i] = i;
    for (uint8_t i = 0; i < GUID_SIZE; i++)
        draft.id.bytes[i] = (uint8_t)(16 + i);
    invitation_operator (secret, public_key, signing);
    s_print_hex ("invitation", span (bytes, invitation_make (&draft, signing, bytes)));
}

int main (void)
{
    s_print_messages ();
    s_print_lists ();
    s_print_batch ();
    s_print_requests ();
    s_print_replies ();
    s_print_invitation ();
    return 0;
}
