#include "common/wire.h"

#include "tests/kit.h"

#define ROOM 4096

static const guid_t s_ann = {{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa,
                              0xab, 0xac, 0xad, 0xae, 0xaf}};

static span_t s_encode (const wire_t *message, uint8_t room[ROOM])
{
    writer_t out = writer (room, ROOM);
    wire_encode (message, &out);
    ck_assert (!out.failed);
    return span (room, writer_used (&out));
}

static wire_error_t s_decode_hex (const char *hex, wire_t *message)
{
    static uint8_t bytes[ROOM];
    return wire_decode (message, span (bytes, kit_hex (hex, bytes, sizeof bytes)));
}

// ---- The format, for ever

START_TEST (table_is_in_the_order_of_kinds)
{
    size_t count;
    const wire_message_t *table = wire_table (&count);
    for (size_t n = 0; n < count; n++) {
        ck_assert (n == 0 || table[n - 1].kind < table[n].kind);
        ck_assert_ptr_eq (wire_message (table[n].kind), &table[n]);
    }
    ck_assert_ptr_null (wire_message (0));
    ck_assert_ptr_null (wire_message (0x7f));
    ck_assert_ptr_null (wire_message (0xff));
}
END_TEST

START_TEST (send_has_these_bytes_for_ever)
{
    uint8_t room[ROOM];
    wire_t send = wire (WIRE_SEND, 7, &s_ann);
    wire_set_bytes (&send, WIRE_F_DEVICE, span ("\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7", 8));
    wire_set (&send, WIRE_F_COUNTER, 1);
    wire_set (&send, WIRE_F_RANDOM, 0xdeadbeef);
    wire_set_bytes (&send, WIRE_F_TEXT, span_of ("hi"));
    span_t bytes = s_encode (&send, room);
    kit_same_hex (bytes.data, bytes.size,
                  "7a43 01 07 00000007 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
                  "d0d1d2d3d4d5d6d7 0000000000000001 deadbeef 0002 6869");
}
END_TEST

START_TEST (ack_with_rows_has_these_bytes_for_ever)
{
    uint8_t room[ROOM], rows[ROOM];
    writer_t out = writer (rows, sizeof rows);
    wire_t row = wire (WIRE_ROW_ACK, 0, NULL);
    wire_set (&row, WIRE_F_TAG, 7);
    wire_set (&row, WIRE_F_SEQ, 3);
    wire_set (&row, WIRE_F_TIME, UINT64_C (1795330801000000));
    wire_put_row (&row, &out);
    wire_set (&row, WIRE_F_TAG, 8);
    wire_set_bytes (&row, WIRE_F_NICK, span_of ("ann-2"));
    wire_put_row (&row, &out);
    wire_t ack = wire (WIRE_ACK, 0, NULL);
    wire_set_bytes (&ack, WIRE_F_ROWS, span (rows, writer_used (&out)));
    span_t bytes = s_encode (&ack, room);
    // no receipt was set: 64 zeros
    kit_same_hex (bytes.data, bytes.size,
                  "7a43 01 81 00000000"
                  "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
                  "000000000000000000000000000000000000000000000000"
                  "00000035"
                  "0014 00000007 0000000000000003 000660d806a5de40"
                  "001d 00000008 0000000000000003 000660d806a5de40 0001 0005 616e6e2d32");
}
END_TEST

START_TEST (page_with_option_has_these_bytes_for_ever)
{
    uint8_t room[ROOM];
    wire_t page = wire (WIRE_PAGE, 0x01020304, &s_ann);
    wire_set (&page, WIRE_F_AFTER_KIND, WIRE_BOUND_SEQ);
    wire_set (&page, WIRE_F_AFTER, 7);
    wire_set (&page, WIRE_F_BEFORE_KIND, WIRE_BOUND_TIME);
    wire_set (&page, WIRE_F_BEFORE, 0x000660d806a5de40);
    wire_set (&page, WIRE_F_LIMIT, 100);
    wire_set (&page, WIRE_F_CREDIT, 0x40000);
    span_t bytes = s_encode (&page, room);
    kit_same_hex (bytes.data, bytes.size,
                  "7a43 01 08 01020304 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
                  "01 0000000000000007 02 000660d806a5de40 00000064 0014 0008 0000000000040000");
}
END_TEST

// ---- Reading the header

START_TEST (request_is_read)
{
    wire_t send;
    ck_assert_int_eq (s_decode_hex ("7a43 01 07 00000007 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
                                    "d0d1d2d3d4d5d6d7 0000000000000001 deadbeef 0002 6869",
                                    &send),
                      WIRE_ERR_NONE);
    ck_assert_uint_eq (send.kind, WIRE_SEND);
    ck_assert_uint_eq (send.tag, 7);
    ck_assert (guid_equal (&send.uuid, &s_ann));
    ck_assert (span_equal (wire_bytes (&send, WIRE_F_DEVICE),
                           span ("\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7", 8)));
    ck_assert_uint_eq (wire_number (&send, WIRE_F_COUNTER), 1);
    ck_assert_uint_eq (wire_number (&send, WIRE_F_RANDOM), 0xdeadbeef);
    ck_assert (span_equal (wire_bytes (&send, WIRE_F_TEXT), span_of ("hi")));
    ck_assert (!wire_has (&send, WIRE_F_RECEIPT));
    ck_assert_uint_eq (wire_number (&send, WIRE_F_SEQ), 0); // not there
}
END_TEST

START_TEST (other_magic_is_bad)
{
    wire_t message;
    ck_assert_int_eq (
        s_decode_hex ("7a44 01 03 00000007 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", &message),
        WIRE_ERR_BAD_REQUEST);
    ck_assert_int_eq (
        s_decode_hex ("7b43 01 03 00000007 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", &message),
        WIRE_ERR_BAD_REQUEST);
    ck_assert_int_eq (wire_decode (&message, span_of ("JOIN REQUEST FROM x")),
                      WIRE_ERR_BAD_REQUEST);
    ck_assert_int_eq (wire_decode (&message, span (NULL, 0)), WIRE_ERR_BAD_REQUEST);
}
END_TEST

START_TEST (other_version_is_told_with_its_tag)
{
    wire_t message;
    ck_assert_int_eq (s_decode_hex ("7a43 02 07 00000009", &message), WIRE_ERR_VERSION);
    ck_assert_uint_eq (message.tag, 9);
    ck_assert_uint_eq (message.kind, 7);
    ck_assert_int_eq (s_decode_hex ("7a43 00 fe 00000009 ffff", &message), WIRE_ERR_VERSION);
}
END_TEST

START_TEST (unknown_kinds_and_rows_are_no_messages)
{
    for (unsigned kind = 0; kind < 256; kind++) {
        const wire_message_t *known = wire_message (kind);
        uint8_t bytes[ROOM] = {0x7a, 0x43, 1, (uint8_t)kind, 0, 0, 0, 5};
        wire_t message;
        wire_error_t error = wire_decode (&message, span (bytes, 400));
        if (known && known->way != WIRE_ROW)
            ck_assert_msg (error != WIRE_ERR_UNKNOWN_KIND, "%#x is known", kind);
        else
            ck_assert_msg (error == WIRE_ERR_UNKNOWN_KIND, "%#x is no message", kind);
        ck_assert_uint_eq (message.tag, 5);
    }
}
END_TEST

START_TEST (nothing_of_a_bad_message_can_be_used)
{
    wire_t send;
    ck_assert_int_eq (s_decode_hex ("7a43 01 07 00000007 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
                                    "d0d1d2d3d4d5d6d7 0000000000000001 deadbeef 0003 6869",
                                    &send),
                      WIRE_ERR_BAD_REQUEST);
    ck_assert_uint_eq (send.have, 0);
    ck_assert_uint_eq (send.tag, 7); // what the answer needs
}
END_TEST

// ---- Options

#define LEAVE "7a43 01 03 00000007 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

START_TEST (unknown_options_are_skipped)
{
    wire_t leave;
    ck_assert_int_eq (
        s_decode_hex (LEAVE "0000 0001 ff  4000 0002 eeee  0006 0008 0000000000000009", &leave),
        WIRE_ERR_NONE);
    ck_assert_uint_eq (leave.have, 1ull << WIRE_F_SEQ);
    ck_assert_uint_eq (wire_number (&leave, WIRE_F_SEQ), 9);
}
END_TEST

START_TEST (first_of_two_options_counts)
{
    wire_t leave;
    ck_assert_int_eq (s_decode_hex (LEAVE "0021 0001 01  0021 0001 00", &leave), WIRE_ERR_NONE);
    ck_assert_uint_eq (wire_number (&leave, WIRE_F_MORE), 1);
}
END_TEST

START_TEST (option_does_not_replace_a_field)
{
    wire_t credit;
    ck_assert_int_eq (s_decode_hex ("7a43 01 0a 00000007 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
                                    "0000000000000005  0014 0008 0000000000000009",
                                    &credit),
                      WIRE_ERR_NONE);
    ck_assert_uint_eq (wire_number (&credit, WIRE_F_CREDIT), 5);
}
END_TEST

START_TEST (option_of_a_wrong_size_is_bad)
{
    static const char *const bad[] = {
        LEAVE "0006 0007 00000000000009",     // seq in 7 bytes
        LEAVE "0006 0009 000000000000000009", // in 9
        LEAVE "0021 0000",                    // more, without its byte
        LEAVE "000c 0003 aabbcc",             // receipt
        LEAVE "0001 0004 616e6e",             // nick, cut
        LEAVE "0001 00",                      // size, cut
        LEAVE "00",                           // number, cut
    };
    wire_t leave;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg (s_decode_hex (bad[i], &leave) == WIRE_ERR_BAD_REQUEST, "read: %s", bad[i]);
}
END_TEST

// ---- Rows

START_TEST (rows_are_read_one_by_one)
{
    uint8_t room[ROOM];
    writer_t out = writer (room, sizeof room);
    wire_t row = wire (WIRE_ROW_MEMBER, 0, NULL);
    wire_set_bytes (&row, WIRE_F_MEMBER, span (s_ann.bytes, GUID_SIZE));
    wire_set_bytes (&row, WIRE_F_NICK, span_of ("ann"));
    wire_put_row (&row, &out);
    wire_set_bytes (&row, WIRE_F_NICK, span_of ("bob"));
    wire_set (&row, WIRE_F_PRESENT, 1);
    wire_put_row (&row, &out);
    reader_t in = reader (room, writer_used (&out));
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_MEMBER, &in), 1);
    guid_t member = wire_guid (&row, WIRE_F_MEMBER);
    ck_assert (guid_equal (&member, &s_ann));
    ck_assert (span_equal (wire_bytes (&row, WIRE_F_NICK), span_of ("ann")));
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_MEMBER, &in), 1);
    ck_assert (span_equal (wire_bytes (&row, WIRE_F_NICK), span_of ("bob")));
    ck_assert_uint_eq (wire_number (&row, WIRE_F_PRESENT), 1);
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_MEMBER, &in), 0);
}
END_TEST

START_TEST (broken_rows_are_refused)
{
    static const char *const bad[] = {
        "00",                                                 // size cut
        "0014 00000007",                                      // row cut
        "0004 00000007",                                      // no seq
        "0015 00000007 0000000000000003 0000000000000001 00", // half an option
        "0000",                                               // empty
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t bytes[64];
        wire_t row;
        reader_t in = reader (bytes, kit_hex (bad[i], bytes, sizeof bytes));
        ck_assert_msg (wire_next_row (&row, WIRE_ROW_ACK, &in) == -1, "read: %s", bad[i]);
        ck_assert_uint_eq (row.have, 0);
    }
}
END_TEST

START_TEST (row_that_does_not_fit_leaves_the_rows_before)
{
    uint8_t room[50];
    writer_t out = writer (room, sizeof room);
    wire_t row = wire (WIRE_ROW_ACK, 0, NULL);
    wire_put_row (&row, &out);
    wire_put_row (&row, &out);
    ck_assert_uint_eq (writer_used (&out), 44);
    wire_put_row (&row, &out);
    ck_assert (out.failed);
    ck_assert_uint_eq (writer_used (&out), 44);
    reader_t in = reader (room, writer_used (&out));
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ACK, &in), 1);
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ACK, &in), 1);
    ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_ACK, &in), 0);
}
END_TEST

START_TEST (row_beyond_64_kib_is_not_written)
{
    static uint8_t room[200000], text[65535];
    writer_t out = writer (room, sizeof room);
    wire_t row = wire (WIRE_ROW_ERROR, 0, NULL);
    wire_set_bytes (&row, WIRE_F_TEXT, span (text, sizeof text)); // with the rest: more than 65535
    wire_put_row (&row, &out);
    ck_assert (out.failed);
    ck_assert_uint_eq (writer_used (&out), 0);
}
END_TEST

START_TEST (text_beyond_64_kib_is_not_written)
{
    static uint8_t room[200000], text[65536];
    writer_t out = writer (room, sizeof room);
    wire_t topic = wire (WIRE_TOPIC, 1, &s_ann);
    wire_set_bytes (&topic, WIRE_F_TEXT, span (text, sizeof text));
    wire_encode (&topic, &out);
    ck_assert (out.failed);
}
END_TEST

START_TEST (option_beyond_64_kib_is_not_written)
{
    static uint8_t bytes[80000], text[70000];
    wire_t message = wire (WIRE_LEAVE, 1, NULL);
    memset (text, 'x', sizeof text);
    wire_set_bytes (&message, WIRE_F_TEXT, span (text, sizeof text));
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (&message, &out);
    ck_assert (out.failed);
}
END_TEST

START_TEST (id_that_is_not_there_is_zeros)
{
    wire_t message = wire (WIRE_LEAVE, 1, NULL);
    guid_t none = wire_guid (&message, WIRE_F_INSTANCE);
    ck_assert (guid_is_null (&none));
}
END_TEST

START_TEST (message_that_does_not_fit_sets_failed)
{
    uint8_t room[ROOM];
    wire_t join = wire (WIRE_JOIN, 1, &s_ann);
    wire_set_bytes (&join, WIRE_F_NICK, span_of ("ann"));
    size_t size = s_encode (&join, room).size;
    for (size_t less = 0; less < size; less++) {
        writer_t out = writer (room, less);
        wire_encode (&join, &out);
        ck_assert (out.failed);
    }
}
END_TEST

// ---- Every message of the table, with any content

static void s_fill_field (wire_t *message, wire_field_t field, dice_t *chance, writer_t *heap)
{
    static const uint8_t sizes[] = {1, 2, 4, 8, 8, 16, 32, 64, 0, 0, 0};
    wire_type_t type = wire_field_type (field);
    if (type <= WIRE_T_U64) {
        uint64_t value = dice_wide (chance);
        wire_set (message, field,
                  type == WIRE_T_U64 ? value : value & ((1ull << 8 * sizes[type]) - 1));
        return;
    }
    uint8_t bytes[80];
    size_t size = sizes[type] ? sizes[type] : dice (chance, 40);
    dice_fill (chance, bytes, size);
    wire_set_bytes (message, field, span (heap->at, size));
    writer_bytes (heap, bytes, size);
}

static wire_t s_random_message (const wire_message_t *row, dice_t *chance, uint8_t heap[ROOM])
{
    guid_t uuid = {{0}};
    if (row->way & WIRE_TO_BOTH)
        dice_fill (chance, uuid.bytes, GUID_SIZE);
    wire_t message = wire (row->kind, (uint32_t)dice_u64 (chance), &uuid);
    writer_t out = writer (heap, ROOM);
    for (const wire_field_t *field = row->fields; *field; field++)
        s_fill_field (&message, *field, chance, &out);
    for (const wire_field_t *field = row->options; *field; field++)
        if (dice (chance, 2))
            s_fill_field (&message, *field, chance, &out);
    if (dice (chance, 4) == 0) // one that has no meaning there
        s_fill_field (&message, 1 + dice (chance, WIRE_F_COUNT - 1), chance, &out);
    return message;
}

static void s_same_message (const wire_t *a, const wire_t *b)
{
    ck_assert_uint_eq (a->kind, b->kind);
    ck_assert_uint_eq (a->tag, b->tag);
    ck_assert (guid_equal (&a->uuid, &b->uuid));
    ck_assert_uint_eq (a->have, b->have);
    for (wire_field_t field = 1; field < WIRE_F_COUNT; field++)
        if (wire_field_type (field) <= WIRE_T_U64)
            ck_assert_uint_eq (wire_number (a, field), wire_number (b, field));
        else
            ck_assert (span_equal (wire_bytes (a, field), wire_bytes (b, field)));
}

START_TEST (every_message_comes_back)
{
    dice_t chance = dice_new ("every_message_comes_back");
    size_t count;
    const wire_message_t *table = wire_table (&count);
    for (size_t i = 0; i < count * 200; i++) {
        const wire_message_t *row = &table[i % count];
        uint8_t heap[ROOM], room[ROOM];
        wire_t again, message = s_random_message (row, &chance, heap);
        if (row->way == WIRE_ROW)
            continue;
        ck_assert_int_eq (wire_decode (&again, s_encode (&message, room)), WIRE_ERR_NONE);
        s_same_message (&message, &again);
    }
}
END_TEST

START_TEST (every_row_comes_back)
{
    dice_t chance = dice_new ("every_row_comes_back");
    for (size_t i = 0; i < 2000; i++) {
        uint8_t heap[ROOM], room[ROOM];
        wire_kind_t kind = WIRE_ROW_ACK + dice (&chance, 4);
        wire_t again, row = s_random_message (wire_message (kind), &chance, heap);
        row.tag = 0;
        writer_t out = writer (room, sizeof room);
        wire_put_row (&row, &out);
        reader_t in = reader (room, writer_used (&out));
        ck_assert_int_eq (wire_next_row (&again, kind, &in), 1);
        s_same_message (&row, &again);
        ck_assert_int_eq (wire_next_row (&again, kind, &in), 0);
    }
}
END_TEST

// An error, or a message that written again reads as the same message.
static bool s_is_read_soundly (span_t frame)
{
    static uint8_t room[2 * ROOM];
    wire_t message, again;
    if (wire_decode (&message, frame) != WIRE_ERR_NONE) {
        ck_assert_uint_eq (message.have, 0);
        return false;
    }
    writer_t out = writer (room, sizeof room);
    wire_encode (&message, &out);
    ck_assert (!out.failed);
    ck_assert_int_eq (wire_decode (&again, span (room, writer_used (&out))), WIRE_ERR_NONE);
    s_same_message (&message, &again);
    return true;
}

// The bytes end where the memory ends, so that a sanitizer sees one read too many.
static bool s_cut_is_read_soundly (span_t frame, size_t size)
{
    uint8_t *copy = malloc (size ? size : 1);
    ck_assert_ptr_nonnull (copy);
    memcpy (copy, frame.data, size);
    bool read = s_is_read_soundly (span (copy, size));
    free (copy);
    return read;
}

START_TEST (every_truncation_of_every_message_is_an_error_or_a_message)
{
    dice_t chance = dice_new ("every_truncation_of_every_message_is_an_error_or_a_message");
    size_t count;
    const wire_message_t *table = wire_table (&count);
    for (size_t i = 0; i < count * 10; i++) {
        uint8_t heap[ROOM], room[ROOM];
        if (table[i % count].way == WIRE_ROW)
            continue;
        wire_t message = s_random_message (&table[i % count], &chance, heap);
        span_t frame = s_encode (&message, room);
        for (size_t size = 0; size < frame.size; size++)
            s_cut_is_read_soundly (frame, size);
        ck_assert (s_cut_is_read_soundly (frame, frame.size));
    }
}
END_TEST

START_TEST (every_flipped_bit_of_every_message_is_an_error_or_a_message)
{
    dice_t chance = dice_new ("every_flipped_bit_of_every_message_is_an_error_or_a_message");
    size_t count;
    const wire_message_t *table = wire_table (&count);
    for (size_t i = 0; i < count * 4; i++) {
        uint8_t heap[ROOM], room[ROOM];
        if (table[i % count].way == WIRE_ROW)
            continue;
        wire_t message = s_random_message (&table[i % count], &chance, heap);
        span_t frame = s_encode (&message, room);
        for (size_t bit = 0; bit < 8 * frame.size; bit++) {
            room[bit / 8] ^= (uint8_t)(1u << bit % 8);
            s_cut_is_read_soundly (frame, frame.size);
            room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}
END_TEST

START_TEST (random_bytes_behind_any_header_are_an_error_or_a_message)
{
    dice_t chance = dice_new ("random_bytes_behind_any_header_are_an_error_or_a_message");
    size_t count;
    const wire_message_t *table = wire_table (&count);
    int read = 0;
    for (int i = 0; i < 50000; i++) {
        uint8_t bytes[300] = {0};
        for (size_t n = 8; n < sizeof bytes; n++) // small numbers are sizes that may fit
            bytes[n] = (uint8_t)(dice (&chance, 8) ? 0 : dice_wide (&chance));
        memcpy (bytes, "\x7a\x43\x01", 3);
        bytes[3] = (uint8_t)table[dice (&chance, count)].kind;
        read += s_cut_is_read_soundly (span (bytes, sizeof bytes), dice (&chance, sizeof bytes));
    }
    ck_assert_int_gt (read, 100); // else the case shows nothing
}
END_TEST

// ---- The tables

START_TEST (table_of_messages_is_consistent)
{
    size_t count;
    const wire_message_t *table = wire_table (&count);
    for (size_t i = 0; i < count; i++) {
        const wire_message_t *row = &table[i];
        uint64_t seen = 0;
        bool rows = false, is_request = (row->way & WIRE_TO_BOTH) != 0;
        ck_assert_ptr_eq (wire_message (row->kind), row); // once only
        ck_assert_msg (is_request == (row->kind < 0x80), "%s: bit 7", row->name);
        ck_assert_msg (!row->members_only || is_request, "%s: who may send it", row->name);
        for (size_t n = 0; n < 12 + 8; n++) {
            wire_field_t field = n < 12 ? row->fields[n] : row->options[n - 12];
            if (!field)
                continue;
            ck_assert_msg (!(seen >> field & 1), "%s: %s twice", row->name,
                           wire_field_name (field));
            seen |= 1ull << field;
            rows = rows || field == WIRE_F_ROWS;
        }
        ck_assert_msg (row->fields[11] == 0 && row->options[7] == 0, "%s: no end", row->name);
        ck_assert_msg (rows == (row->rows != 0), "%s: rows of what?", row->name);
        ck_assert (!rows || wire_message (row->rows)->way == WIRE_ROW);
    }
    ck_assert_ptr_null (wire_message (0x7f));
}
END_TEST

START_TEST (fields_have_names_of_their_own)
{
    ck_assert_int_le (WIRE_F_COUNT, 64); // wire_t.have
    for (wire_field_t a = 1; a < WIRE_F_COUNT; a++) {
        ck_assert_msg (wire_field_name (a) && *wire_field_name (a), "field %u", a);
        for (wire_field_t b = a + 1; b < WIRE_F_COUNT; b++)
            ck_assert_str_ne (wire_field_name (a), wire_field_name (b));
    }
}
END_TEST

START_TEST (errors_have_names_sentences_and_exit_codes)
{
    for (wire_error_t a = 1; a < WIRE_ERR_COUNT; a++) {
        ck_assert_msg (wire_error_name (a) && *wire_error_name (a), "error %u", a);
        ck_assert_msg (wire_error_text (a) && *wire_error_text (a), "error %u", a);
        int code = wire_error_exit (a);
        ck_assert_msg (code == 1 || code == 75 || code == 78, "error %u: exit %d", a, code);
        for (wire_error_t b = a + 1; b < WIRE_ERR_COUNT; b++)
            ck_assert_str_ne (wire_error_name (a), wire_error_name (b));
    }
    ck_assert_str_eq (wire_error_name (60000), "UNKNOWN"); // of a later version
    ck_assert_ptr_nonnull (wire_error_text (60000));
    ck_assert_int_eq (wire_error_exit (60000), 1);
}
END_TEST

static void s_add_options_and_rows (TCase *cases)
{
    tcase_add_test (cases, table_is_in_the_order_of_kinds);
    tcase_add_test (cases, unknown_options_are_skipped);
    tcase_add_test (cases, first_of_two_options_counts);
    tcase_add_test (cases, option_does_not_replace_a_field);
    tcase_add_test (cases, option_of_a_wrong_size_is_bad);
    tcase_add_test (cases, rows_are_read_one_by_one);
    tcase_add_test (cases, broken_rows_are_refused);
    tcase_add_test (cases, row_that_does_not_fit_leaves_the_rows_before);
    tcase_add_test (cases, row_beyond_64_kib_is_not_written);
    tcase_add_test (cases, text_beyond_64_kib_is_not_written);
    tcase_add_test (cases, option_beyond_64_kib_is_not_written);
    tcase_add_test (cases, id_that_is_not_there_is_zeros);
    tcase_add_test (cases, message_that_does_not_fit_sets_failed);
}

int main (void)
{
    TCase *cases = tcase_create ("wire");
    tcase_add_test (cases, send_has_these_bytes_for_ever);
    tcase_add_test (cases, ack_with_rows_has_these_bytes_for_ever);
    tcase_add_test (cases, page_with_option_has_these_bytes_for_ever);
    tcase_add_test (cases, request_is_read);
    tcase_add_test (cases, other_magic_is_bad);
    tcase_add_test (cases, other_version_is_told_with_its_tag);
    tcase_add_test (cases, unknown_kinds_and_rows_are_no_messages);
    tcase_add_test (cases, nothing_of_a_bad_message_can_be_used);
    s_add_options_and_rows (cases);
    tcase_add_test (cases, every_message_comes_back);
    tcase_add_test (cases, every_row_comes_back);
    tcase_add_test (cases, every_truncation_of_every_message_is_an_error_or_a_message);
    tcase_add_test (cases, every_flipped_bit_of_every_message_is_an_error_or_a_message);
    tcase_add_test (cases, random_bytes_behind_any_header_are_an_error_or_a_message);
    tcase_add_test (cases, table_of_messages_is_consistent);
    tcase_add_test (cases, fields_have_names_of_their_own);
    tcase_add_test (cases, errors_have_names_sentences_and_exit_codes);
    return kit_run (cases, "wire");
}
