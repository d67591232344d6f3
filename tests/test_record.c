#include "common/record.h"

#include "tests/kit.h"

#define BASE INT64_C (1795330800000000)
#define ANN  "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static guid_t s_ann (void)
{
    guid_t guid;
    kit_hex (ANN, guid.bytes, GUID_SIZE);
    return guid;
}

static record_t s_message (void)
{
    record_t record = {.kind = RECORD_MESSAGE,
                       .flags = RECORD_VERIFIED,
                       .time = BASE + 1000000,
                       .author = s_ann (),
                       .send = {{0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7}, 1, 0xdeadbeef},
                       .nick = span_of ("ann"),
                       .text = span_of ("hi \xf0\x9f\x90\xb1")};
    return record;
}

static void s_bytes_are (const record_t *record, const char *hex)
{
    uint8_t bytes[512];
    writer_t out = writer (bytes, sizeof bytes);
    record_encode (record, BASE, NULL, &out);
    ck_assert (!out.failed);
    kit_same_hex (bytes, writer_used (&out), hex);
    ck_assert_uint_eq (record_size (record, BASE), writer_used (&out));
}

// The bytes were put together by another program.
START_TEST (message_has_these_bytes_for_ever)
{
    record_t record = s_message ();
    s_bytes_are (&record, "2e 01 8f c0843d" ANN "d0d1d2d3d4d5d6d7 01 deadbeef"
                          "03 616e6e 07 686920f09f90b1");
}
END_TEST

START_TEST (join_has_these_bytes_for_ever)
{
    record_t record = {.kind = RECORD_JOIN,
                       .flags = RECORD_VERIFIED,
                       .time = BASE + 300,
                       .author = s_ann (),
                       .nick = span_of ("ann")};
    s_bytes_are (&record, "18 02 85 ac02" ANN "03 616e6e");
}
END_TEST

START_TEST (open_has_these_bytes_for_ever)
{
    uint8_t room[64], instance[16];
    kit_hex ("101112131415161718191a1b1c1d1e1f", instance, sizeof instance);
    writer_t options = writer (room, sizeof room);
    record_put_number (&options, RECORD_OPT_GENERATION, 1);
    record_put_option (&options, RECORD_OPT_INSTANCE, instance, sizeof instance);
    record_t record = {
        .kind = RECORD_OPEN, .time = BASE, .options = span (room, writer_used (&options))};
    s_bytes_are (&record, "18 06 00 00 01 01 01 02 10 101112131415161718191a1b1c1d1e1f");
}
END_TEST

// Reads `hex` as one record that fills it; returns record_decode's result.
static int s_read (const char *hex, int64_t base, record_t *record)
{
    static uint8_t bytes[512];
    reader_t in = reader (bytes, kit_hex (hex, bytes, sizeof bytes));
    int rc = record_decode (record, base, NULL, &in);
    ck_assert_msg (rc == 0 || in.failed, "refused, but the reader goes on: %s", hex);
    return rc == 0 && reader_left (&in) > 0 ? 1 : rc;
}

START_TEST (message_is_read_back)
{
    record_t record, wanted = s_message ();
    ck_assert_int_eq (s_read ("2e018fc0843d" ANN "d0d1d2d3d4d5d6d701deadbeef"
                              "03616e6e07686920f09f90b1",
                              BASE, &record),
                      0);
    ck_assert_uint_eq (record.kind, RECORD_MESSAGE);
    ck_assert_uint_eq (record.flags, RECORD_VERIFIED);
    ck_assert_int_eq (record.time, BASE + 1000000);
    ck_assert (guid_equal (&record.author, &wanted.author));
    ck_assert_mem_eq (record.send.device, wanted.send.device, RECORD_DEVICE);
    ck_assert_uint_eq (record.send.counter, 1);
    ck_assert_uint_eq (record.send.random, 0xdeadbeef);
    ck_assert (span_equal (record.nick, wanted.nick));
    ck_assert (span_equal (record.text, wanted.text));
    ck_assert_uint_eq (record.options.size, 0);
}
END_TEST

START_TEST (unknown_kinds_and_options_are_kept)
{
    record_t record;
    ck_assert_int_eq (s_read ("07 c8 00 00 ac02 01 ff", BASE, &record), 0);
    ck_assert_uint_eq (record.kind, 0xc8);
    ck_assert_str_eq (record_kind_name (record.kind), "unknown");
    ck_assert_uint_eq (record.options.size, 4);
    ck_assert_uint_eq (record_option (&record, 300).size, 1);
    ck_assert_uint_eq (record_option (&record, 300).data[0], 0xff);
    ck_assert_ptr_null (record_option (&record, 1).data);
}
END_TEST

// One record, one form: what the encoder does not write is refused.
START_TEST (second_forms_are_refused)
{
    static const char *const bad[] = {
        "8400 01 00 00",    // size not in its shortest form
        "05 01 00 8000 00", // delta not in its shortest form
        "04 01 20 00 00",   // unknown flags
        "04 01 40 00 00",
        "13 01 01 00 00000000000000000000000000000000", // author of zeros
        "10 01 02 00 d0d1d2d3d4d5d6d7 00 deadbeef",     // counter 0
        "04 01 04 00 00",                               // empty nick
        "04 01 08 00 00",                               // empty text
        "05 01 08 00 8100",                             // size of the text not in its shortest form
    };
    record_t record;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg (s_read (bad[i], BASE, &record) == -1, "read: %s", bad[i]);
}
END_TEST

START_TEST (broken_records_are_refused)
{
    static const char *const bad[] = {
        "",
        "00",                               // empty body
        "02 01 00",                         // no delta
        "04 01 00 00",                      // body cut
        "05 01 08 00 02 61",                // text beyond the body
        "05 01 04 00 02 61",                // nick beyond the body
        "04 01 01 00 a0",                   // author cut
        "04 01 00 00 01",                   // option without a size
        "05 01 00 00 01 01",                // option beyond the body
        "06 01 00 00 8000 00",              // option's type not in its shortest form
        "ffffffffffffffffff01 01 00 00",    // a size near 2^64
        "0d 01 08 00 ffffffffffffffffff01", // a text's size near 2^64
    };
    record_t record;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg (s_read (bad[i], BASE, &record) == -1, "read: %s", bad[i]);
}
END_TEST

START_TEST (times_beyond_63_bits_are_refused)
{
    record_t record;
    ck_assert_int_eq (s_read ("04 01 00 8001", INT64_MAX - 128, &record), 0);
    ck_assert_int_eq (record.time, INT64_MAX);
    ck_assert_int_eq (s_read ("04 01 00 8001", INT64_MAX - 127, &record), -1);
    ck_assert_int_eq (s_read ("0c 01 00 ffffffffffffffffff01", 0, &record), -1);
    ck_assert_int_eq (s_read ("03 01 00 00", -1, &record), -1);
}
END_TEST

START_TEST (option_number_is_one_whole_varint)
{
    record_t record;
    // oldest: 300; why: a varint with a byte behind it; from: no bytes
    ck_assert_int_eq (s_read ("0d 07 00 00 03 02 ac02 04 02 0100 05 00", BASE, &record), 0);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_OLDEST, 7), 300);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_WHY, 7), 7);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_FROM, 7), 7);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_TO, 7), 7);
    ck_assert_ptr_nonnull (record_option (&record, RECORD_OPT_FROM).data); // there, but empty
}
END_TEST

START_TEST (record_that_does_not_fit_sets_failed)
{
    record_t record = s_message ();
    uint8_t bytes[64];
    size_t size = record_size (&record, BASE);
    for (size_t room = 0; room < size; room++) {
        writer_t out = writer (bytes, room);
        record_encode (&record, BASE, NULL, &out);
        ck_assert_msg (out.failed, "fits into %zu", room);
    }
    writer_t out = writer (bytes, size);
    record_encode (&record, BASE, NULL, &out);
    ck_assert (!out.failed);
}
END_TEST

static record_t s_random_record (dice_t *chance, uint8_t *room)
{
    record_t record = {.kind = 1 + dice (chance, 255), .time = BASE};
    record.time += (int64_t)(dice_wide (chance) >> 2);
    if (dice (chance, 2))
        record.flags = RECORD_VERIFIED;
    if (dice (chance, 2))
        dice_fill (chance, record.author.bytes, GUID_SIZE);
    if (dice (chance, 2)) {
        dice_fill (chance, record.send.device, RECORD_DEVICE);
        record.send.counter = 1 + (dice_wide (chance) >> 1);
        record.send.random = (uint32_t)dice_u64 (chance);
    }
    dice_fill (chance, room, 600);
    if (dice (chance, 2))
        record.nick = span (room, dice (chance, 33));
    if (dice (chance, 2))
        record.text = span (room + 33, dice (chance, 300));
    writer_t options = writer (room + 333, 600 - 333);
    for (size_t n = dice (chance, 4); n > 0; n--)
        record_put_option (&options, dice_wide (chance), room + 100, dice (chance, 40));
    record.options = span (room + 333, writer_used (&options));
    return record;
}

static bool s_same_record (const record_t *a, const record_t *b)
{
    return a->kind == b->kind && a->flags == b->flags && a->time == b->time &&
           guid_equal (&a->author, &b->author) && a->send.counter == b->send.counter &&
           a->send.random == b->send.random &&
           memcmp (a->send.device, b->send.device, RECORD_DEVICE) == 0 &&
           span_equal (a->nick, b->nick) && span_equal (a->text, b->text) &&
           span_equal (a->options, b->options);
}

START_TEST (random_records_come_back)
{
    dice_t chance = dice_new ("random_records_come_back");
    for (int i = 0; i < 20000; i++) {
        uint8_t room[600], bytes[1024];
        record_t again, record = s_random_record (&chance, room);
        writer_t out = writer (bytes, sizeof bytes);
        record_encode (&record, BASE, NULL, &out);
        ck_assert (!out.failed);
        ck_assert_uint_eq (writer_used (&out), record_size (&record, BASE));
        reader_t in = reader (bytes, writer_used (&out));
        ck_assert_int_eq (record_decode (&again, BASE, NULL, &in), 0);
        ck_assert_uint_eq (reader_left (&in), 0);
        ck_assert (s_same_record (&record, &again));
    }
}
END_TEST

// Flips, cuts and changed bytes: refused, or a record whose bytes are exactly those read.
START_TEST (whatever_is_read_is_written_the_same)
{
    dice_t chance = dice_new ("whatever_is_read_is_written_the_same");
    int read = 0;
    for (int i = 0; i < 50000; i++) {
        uint8_t room[600], bytes[1024], again[1024];
        record_t record = s_random_record (&chance, room);
        writer_t out = writer (bytes, sizeof bytes);
        record_encode (&record, BASE, NULL, &out);
        size_t size = writer_used (&out);
        for (size_t n = 1 + dice (&chance, 3); n > 0; n--)
            bytes[dice (&chance, size < 40 ? size : 40)] ^= (uint8_t)(1u << dice (&chance, 8));
        reader_t in = reader (bytes, dice (&chance, 8) ? size : dice (&chance, size));
        if (record_decode (&record, BASE, NULL, &in) < 0)
            continue;
        read++;
        out = writer (again, sizeof again);
        record_encode (&record, BASE, NULL, &out);
        ck_assert_uint_eq (writer_used (&out), (size_t)(in.at - bytes));
        ck_assert_mem_eq (again, bytes, writer_used (&out));
    }
    ck_assert_int_gt (read, 1000); // else the case shows nothing
}
END_TEST

START_TEST (every_truncation_is_refused)
{
    record_t record = s_message ();
    uint8_t bytes[64];
    writer_t out = writer (bytes, sizeof bytes);
    record_encode (&record, BASE, NULL, &out);
    for (size_t size = 0; size < writer_used (&out); size++) {
        reader_t in = reader (bytes, size);
        ck_assert_int_eq (record_decode (&record, BASE, NULL, &in), -1);
    }
}
END_TEST

// ---- Origins

static record_t s_sent (unsigned who, uint64_t counter)
{
    record_t record = s_message ();
    record.author.bytes[0] = (uint8_t)who;
    record.send.counter = counter;
    record.nick = span (NULL, 0);
    return record;
}

START_TEST (who_sends_again_is_named_once)
{
    uint8_t bytes[256];
    writer_t out = writer (bytes, sizeof bytes);
    record_origins_t origins = {0};
    record_t first = s_sent (0xa0, 1), second = s_sent (0xa0, 2), third = s_sent (0xb0, 7);
    first.flags = second.flags = 0;
    record_encode (&first, BASE, &origins, &out);
    size_t named = writer_used (&out);
    record_encode (&second, BASE, &origins, &out);
    kit_same_hex (bytes + named, writer_used (&out) - named,
                  "13 01 18 c0843d 01 02 deadbeef 07686920f09f90b1");
    record_encode (&third, BASE, &origins, &out);
    size_t before = writer_used (&out);
    record_encode (&second, BASE, &origins, &out);
    kit_same_hex (bytes + before, writer_used (&out) - before,
                  "13 01 18 c0843d 02 02 deadbeef 07686920f09f90b1");
}
END_TEST

// The one named last is 1; of more than RECORD_ORIGINS those named first are named again.
START_TEST (some_origins_are_told_apart)
{
    uint8_t bytes[4096];
    writer_t out = writer (bytes, sizeof bytes);
    record_origins_t origins = {0}, read = {0};
    size_t named = 0;
    for (unsigned i = 0; i < 2 * RECORD_ORIGINS + 2; i++) {
        record_t record = s_sent (i % (RECORD_ORIGINS + 1), i + 1);
        const uint8_t *at = out.at;
        record_encode (&record, BASE, &origins, &out);
        named += (at[2] & 0x10) == 0;
    }
    ck_assert_uint_eq (named, 2 * RECORD_ORIGINS + 2); // by turns, so that none is there any more
    for (unsigned i = 2; i < RECORD_ORIGINS + 1; i++) {
        record_t record = s_sent (i, 100);
        const uint8_t *at = out.at;
        record_encode (&record, BASE, &origins, &out);
        ck_assert_uint_eq (at[2], 0x98);
    }
    reader_t in = reader (bytes, writer_used (&out));
    record_t record;
    for (unsigned i = 0; i < 2 * RECORD_ORIGINS + 2; i++) {
        ck_assert_int_eq (record_decode (&record, BASE, &read, &in), 0);
        ck_assert_uint_eq (record.author.bytes[0], i % (RECORD_ORIGINS + 1));
        ck_assert_uint_eq (record.send.counter, i + 1);
    }
    for (unsigned i = 2; i < RECORD_ORIGINS + 1; i++) {
        record_t wanted = s_sent (i, 100);
        ck_assert_int_eq (record_decode (&record, BASE, &read, &in), 0);
        ck_assert (s_same_record (&record, &wanted));
    }
}
END_TEST

// Another device of the same author is another origin, and who says no device is none.
START_TEST (an_origin_is_author_and_device)
{
    uint8_t bytes[256];
    writer_t out = writer (bytes, sizeof bytes);
    record_origins_t origins = {0};
    record_t record = s_sent (1, 1);
    record_encode (&record, BASE, &origins, &out);
    record.send.device[0] ^= 1;
    const uint8_t *at = out.at;
    record_encode (&record, BASE, &origins, &out);
    ck_assert_uint_eq (at[2], 0x8b);
    record.send.counter = 0;
    at = out.at;
    record_encode (&record, BASE, &origins, &out);
    ck_assert_uint_eq (at[2], 0x89);
    ck_assert_uint_eq (origins.count, 2);
}
END_TEST

START_TEST (wrong_origins_are_refused)
{
    static const char *const bad[] = {
        "09 01 10 00 00 02 deadbeef",      // none
        "09 01 10 00 02 02 deadbeef",      // two back, where there was one
        "09 01 10 00 09 02 deadbeef",      // farther than any
        "0a 01 10 00 8100 02 deadbeef",    // not in its shortest form
        "09 01 10 00 01 00 deadbeef",      // counter 0
        "08 01 10 00 01 02 deadbe",        // cut
        "19 01 11 00 01" ANN "02deadbeef", // and an author
        "11 01 12 00 01 d0d1d2d3d4d5d6d7 02 deadbeef",
    };
    uint8_t first[64], bytes[64];
    writer_t out = writer (first, sizeof first);
    record_origins_t origins = {0};
    record_t record = s_sent (1, 1);
    record_encode (&record, BASE, &origins, &out);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        record_origins_t copy = origins;
        reader_t in = reader (bytes, kit_hex (bad[i], bytes, sizeof bytes));
        ck_assert_msg (record_decode (&record, BASE, &copy, &in) == -1, "read: %s", bad[i]);
    }
    static const char right[] = "09 01 10 00 01 02 deadbeef";
    reader_t in = reader (bytes, kit_hex (right, bytes, sizeof bytes)), alone = in, early = in;
    ck_assert_int_eq (record_decode (&record, BASE, &origins, &in), 0);
    ck_assert_int_eq (record_decode (&record, BASE, NULL, &alone), -1); // it stands in no batch
    for (size_t i = 1; i < RECORD_ORIGINS; i++)
        origins.at[i] = origins.at[0];
    origins.count = 0; // a batch begins: what was named before it does not count
    ck_assert_int_eq (record_decode (&record, BASE, &origins, &early), -1);
}
END_TEST

// Logs that were written before origins were, and who does not bother.
START_TEST (who_is_named_each_time_is_read_too)
{
    uint8_t bytes[256];
    writer_t out = writer (bytes, sizeof bytes);
    record_t record, first = s_sent (1, 1), second = s_sent (1, 2);
    record_encode (&first, BASE, NULL, &out);
    record_encode (&second, BASE, NULL, &out);
    reader_t in = reader (bytes, writer_used (&out));
    record_origins_t origins = {0};
    ck_assert_int_eq (record_decode (&record, BASE, &origins, &in), 0);
    ck_assert_int_eq (record_decode (&record, BASE, &origins, &in), 0);
    ck_assert (s_same_record (&record, &second));
}
END_TEST

START_TEST (kinds_have_names)
{
    ck_assert_str_eq (record_kind_name (RECORD_MESSAGE), "message");
    ck_assert_str_eq (record_kind_name (RECORD_JOIN), "join");
    ck_assert_str_eq (record_kind_name (RECORD_LEAVE), "leave");
    ck_assert_str_eq (record_kind_name (RECORD_NICK), "nick");
    ck_assert_str_eq (record_kind_name (RECORD_TOPIC), "topic");
    ck_assert_str_eq (record_kind_name (0), "unknown");
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = a + 1; b < 256; b++)
            ck_assert (strcmp (record_kind_name (a), "unknown") == 0 ||
                       strcmp (record_kind_name (a), record_kind_name (b)) != 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("record");
    tcase_add_test (cases, message_has_these_bytes_for_ever);
    tcase_add_test (cases, join_has_these_bytes_for_ever);
    tcase_add_test (cases, open_has_these_bytes_for_ever);
    tcase_add_test (cases, message_is_read_back);
    tcase_add_test (cases, unknown_kinds_and_options_are_kept);
    tcase_add_test (cases, second_forms_are_refused);
    tcase_add_test (cases, broken_records_are_refused);
    tcase_add_test (cases, times_beyond_63_bits_are_refused);
    tcase_add_test (cases, option_number_is_one_whole_varint);
    tcase_add_test (cases, record_that_does_not_fit_sets_failed);
    tcase_add_test (cases, random_records_come_back);
    tcase_add_test (cases, whatever_is_read_is_written_the_same);
    tcase_add_test (cases, every_truncation_is_refused);
    tcase_add_test (cases, who_sends_again_is_named_once);
    tcase_add_test (cases, some_origins_are_told_apart);
    tcase_add_test (cases, an_origin_is_author_and_device);
    tcase_add_test (cases, wrong_origins_are_refused);
    tcase_add_test (cases, who_is_named_each_time_is_read_too);
    tcase_add_test (cases, kinds_have_names);
    return kit_run (cases, "record");
}
