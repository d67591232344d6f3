#include "common/batch.h"

#include "tests/kit.h"

#define BASE INT64_C (1795330800000000)

static const guid_t s_log = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

static record_t s_message (int64_t time, const char *text)
{
    record_t record = {.kind = RECORD_MESSAGE, .time = time, .text = span_of (text)};
    kit_hex ("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf", record.author.bytes, GUID_SIZE);
    return record;
}

static batch_t s_head (uint64_t first, int64_t base)
{
    batch_t head = {.type = BATCH_TYPE_RECORDS, .first = first, .base = base, .durable = first - 1};
    head.chain = chain_start (&s_log);
    return head;
}

// The first batch of a log: opened, ann joined and spoke. Its bytes were made by another program.
#define FIRST_BATCH                                                                                \
    "000000c5 01 01 0003 42ca2614a93faee8 0000000000000001 000660d806969c00 00000000"              \
    "c7cb5d1a1a214f1d833a21fe6c7b2420e417c2f220784cbe90072975131bc367"                             \
    "1cec77a46894fe5cc6668cf7132cbad153b99f4af4472be36d17410f4668c488"                             \
    "180600000101010210101112131415161718191a1b1c1d1e1f"                                           \
    "180285ac02a0a1a2a3a4a5a6a7a8a9aaabacadaeaf03616e6e"                                           \
    "2e018fc0843da0a1a2a3a4a5a6a7a8a9aaabacadaeafd0d1d2d3d4d5d6d701deadbeef03616e6e"               \
    "07686920f09f90b1"
// The next one, written while the first was under way.
#define SECOND_BATCH                                                                               \
    "0000005e 01 00 0001 3441bc7581885c7a 0000000000000004 000660d806b52080 00000003"              \
    "df186fda94891013240e7c2d8f7911a6283fbcbcf98379b9dfda7591bd2da5a1"                             \
    "19010900a0a1a2a3a4a5a6a7a8a9aaabacadaeaf05616761696e"

START_TEST (first_batch_is_read)
{
    uint8_t bytes[256];
    size_t size = kit_hex (FIRST_BATCH, bytes, sizeof bytes);
    batch_t batch;
    record_t record;
    ck_assert_int_eq (batch_open (&batch, span (bytes, size), &s_log), 0);
    ck_assert_uint_eq (batch.type, BATCH_TYPE_RECORDS);
    ck_assert (batch.opens);
    ck_assert_uint_eq (batch.count, 3);
    ck_assert_uint_eq (batch.first, 1);
    ck_assert_uint_eq (batch_last (&batch), 3);
    ck_assert_int_eq (batch.base, BASE);
    ck_assert_uint_eq (batch.durable, 0);
    kit_same_hex (batch.digest, BATCH_DIGEST,
                  "1cec77a46894fe5cc6668cf7132cbad153b99f4af4472be36d17410f4668c488");
    ck_assert (batch_sound (&batch));
    ck_assert_int_eq (batch_next (&batch, &record), 1);
    ck_assert_uint_eq (record.kind, RECORD_OPEN);
    ck_assert_uint_eq (record.seq, 1);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_GENERATION, 0), 1);
    ck_assert_int_eq (batch_next (&batch, &record), 1);
    ck_assert_uint_eq (record.kind, RECORD_JOIN);
    ck_assert_int_eq (record.time, BASE + 300);
    ck_assert_int_eq (batch_next (&batch, &record), 1);
    ck_assert_uint_eq (record.seq, 3);
    ck_assert (span_equal (record.text, span_of ("hi \xf0\x9f\x90\xb1")));
    ck_assert_int_eq (batch_next (&batch, &record), 0);
    ck_assert_int_eq (batch_next (&batch, &record), 0);
}
END_TEST

START_TEST (first_batch_has_these_bytes_for_ever)
{
    uint8_t bytes[256], room[BATCH_MAX];
    size_t size = kit_hex (FIRST_BATCH, bytes, sizeof bytes);
    batch_t batch;
    batch_writer_t out;
    record_t record;
    ck_assert_int_eq (batch_open (&batch, span (bytes, size), &s_log), 0);
    batch_begin (&out, room, &batch);
    for (uint64_t seq = 1; batch_next (&batch, &record) == 1; seq++)
        ck_assert_uint_eq (batch_add (&out, &record), seq);
    ck_assert (span_equal (batch_end (&out, &s_log), span (bytes, size)));
}
END_TEST

START_TEST (later_batch_has_these_bytes_for_ever)
{
    uint8_t first[256], room[BATCH_MAX];
    size_t size = kit_hex (FIRST_BATCH, first, sizeof first);
    batch_t head = s_head (4, BASE + 2000000);
    head.durable = 0;
    head.chain = chain_next (&head.chain, span (first, size));
    record_t record = s_message (head.base, "again");
    batch_writer_t out;
    batch_begin (&out, room, &head);
    ck_assert_uint_eq (batch_add (&out, &record), 4);
    span_t bytes = batch_end (&out, &s_log);
    kit_same_hex (bytes.data, bytes.size, SECOND_BATCH);
    chain_t chain = chain_next (&head.chain, bytes);
    kit_same_hex (chain.bytes, CHAIN_SIZE,
                  "cc3f6a704880819734e07d92ddd15ff67f22e093109379147f464288f0f1489e");
}
END_TEST

START_TEST (state_batch_has_these_bytes_for_ever)
{
    uint8_t room[BATCH_MAX];
    batch_t head = s_head (4, BASE);
    head.type = BATCH_TYPE_STATE;
    head.durable = 3;
    memset (&head.chain, 0, sizeof head.chain);
    record_t record = s_message (BASE, "");
    record.kind = RECORD_JOIN;
    record.nick = span_of ("ann");
    batch_writer_t out;
    batch_begin (&out, room, &head);
    ck_assert_uint_eq (batch_add (&out, &record), 4);
    span_t bytes = batch_end (&out, &s_log);
    kit_same_hex (bytes.data, bytes.size,
                  "0000005c 02 00 0001 d6e6e970eed0b8c9 0000000000000004 000660d806969c00 00000000"
                  "0000000000000000000000000000000000000000000000000000000000000000"
                  "17020500a0a1a2a3a4a5a6a7a8a9aaabacadaeaf03616e6e");
}
END_TEST

START_TEST (every_flipped_bit_is_refused)
{
    uint8_t bytes[256];
    size_t size = kit_hex (FIRST_BATCH, bytes, sizeof bytes);
    batch_t batch;
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg (batch_open (&batch, span (bytes, size), &s_log) == -1, "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq (batch_open (&batch, span (bytes, size), &s_log), 0);
}
END_TEST

START_TEST (every_flipped_bit_is_refused_even_with_bytes_behind)
{
    uint8_t bytes[1024] = {0};
    size_t size = kit_hex (FIRST_BATCH, bytes, sizeof bytes);
    batch_t batch;
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg (batch_open (&batch, span (bytes, sizeof bytes), &s_log) == -1, "bit %zu",
                       bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq (batch_open (&batch, span (bytes, sizeof bytes), &s_log), 0);
    ck_assert_uint_eq (batch.bytes.size, size);
}
END_TEST

START_TEST (every_truncation_is_refused)
{
    uint8_t bytes[256];
    size_t size = kit_hex (FIRST_BATCH, bytes, sizeof bytes);
    batch_t batch;
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_eq (batch_peek (&batch, span (bytes, cut)), -1);
        ck_assert_int_eq (batch_open (&batch, span (bytes, cut), &s_log), -1);
    }
}
END_TEST

START_TEST (batch_of_another_log_or_place_is_refused)
{
    uint8_t bytes[256];
    size_t size = kit_hex (SECOND_BATCH, bytes, sizeof bytes);
    guid_t other = s_log;
    other.bytes[7] ^= 1;
    batch_t batch;
    ck_assert_int_eq (batch_open (&batch, span (bytes, size), &s_log), 0);
    ck_assert_int_eq (batch_open (&batch, span (bytes, size), &other), -1);
    bytes[23]++; // the first sequence
    ck_assert_int_eq (batch_peek (&batch, span (bytes, size)), 0);
    ck_assert_int_eq (batch_open (&batch, span (bytes, size), &s_log), -1);
}
END_TEST

START_TEST (zeros_are_no_batch)
{
    static const uint8_t zeros[4096];
    batch_t batch;
    ck_assert_int_eq (batch_peek (&batch, span (zeros, sizeof zeros)), -1);
    ck_assert_int_eq (batch_peek (&batch, span (NULL, 0)), -1);
}
END_TEST

// Headers that no writer makes, although each would have a right checksum: bytes at an offset.
START_TEST (impossible_headers_are_refused)
{
    static const struct {
        const char *what;
        size_t at;
        const char *hex;
    } bad[] = {
        {"no room for its own header", 0, "00000043"},
        {"smaller than with its digest", 0, "00000063"},
        {"larger than the bytes", 0, "000000c6"},
        {"size near 2^32", 0, "ffffffff"},
        {"type 0", 4, "00"},
        {"type 3", 4, "03"},
        {"a STATE batch that opens", 4, "02"},
        {"unknown flag", 5, "02"},
        {"unknown flag with OPENS", 5, "03"},
        {"no records", 6, "0000"},
        {"1001 records", 6, "03e9"},
        {"first 0", 16, "0000000000000000"},
        {"first beyond 63 bits", 16, "8000000000000000"},
        {"base beyond 63 bits", 24, "8000000000000000"},
        {"durable below 0", 32, "00000001"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t bytes[256];
        size_t size = kit_hex (FIRST_BATCH, bytes, sizeof bytes);
        batch_t batch;
        ck_assert_int_eq (batch_peek (&batch, span (bytes, size)), 0);
        kit_hex (bad[i].hex, bytes + bad[i].at, 8);
        ck_assert_msg (batch_peek (&batch, span (bytes, size)) == -1, "read: %s", bad[i].what);
    }
}
END_TEST

START_TEST (batch_larger_than_64_kib_is_refused)
{
    static uint8_t bytes[BATCH_MAX + 16];
    batch_t batch;
    kit_hex (FIRST_BATCH, bytes, sizeof bytes);
    kit_hex ("00010000", bytes, 4);
    ck_assert_int_eq (batch_peek (&batch, span (bytes, sizeof bytes)), 0);
    kit_hex ("00010001", bytes, 4);
    ck_assert_int_eq (batch_peek (&batch, span (bytes, sizeof bytes)), -1);
}
END_TEST

// A batch with `count` in its header whatever it holds; its checksum does not matter to batch_peek.
static batch_t s_counted (uint8_t *bytes, size_t size, uint8_t count)
{
    batch_t batch;
    bytes[7] = count;
    ck_assert_int_eq (batch_peek (&batch, span (bytes, size)), 0);
    return batch;
}

START_TEST (wrong_count_of_records_is_noticed)
{
    uint8_t bytes[256];
    size_t size = kit_hex (FIRST_BATCH, bytes, sizeof bytes);
    batch_t fewer = s_counted (bytes, size, 2);
    ck_assert (!batch_sound (&fewer));
    batch_t more = s_counted (bytes, size, 4);
    ck_assert (!batch_sound (&more));
    batch_t right = s_counted (bytes, size, 3);
    ck_assert (batch_sound (&right));
}
END_TEST

START_TEST (decreasing_times_are_noticed)
{
    uint8_t room[BATCH_MAX];
    batch_t head = s_head (1, BASE), batch;
    batch_writer_t out;
    record_t early = s_message (BASE + 1, "a"), late = s_message (BASE + 2, "b");
    batch_begin (&out, room, &head);
    batch_add (&out, &early);
    batch_add (&out, &late);
    span_t bytes = batch_end (&out, &s_log);
    size_t delta_at = BATCH_HEADER + 3;
    ck_assert_int_eq (batch_peek (&batch, bytes), 0);
    ck_assert_uint_eq (room[delta_at], 1);
    room[delta_at] = 2;
    ck_assert (batch_sound (&batch));
    room[delta_at] = 3;
    ck_assert (!batch_sound (&batch));
}
END_TEST

START_TEST (sound_leaves_the_batch_at_its_beginning)
{
    uint8_t bytes[256];
    batch_t batch;
    record_t record;
    ck_assert_int_eq (
        batch_open (&batch, span (bytes, kit_hex (FIRST_BATCH, bytes, sizeof bytes)), &s_log), 0);
    ck_assert_int_eq (batch_next (&batch, &record), 1);
    ck_assert (batch_sound (&batch));
    ck_assert_int_eq (batch_next (&batch, &record), 1);
    ck_assert_uint_eq (record.seq, 1);
}
END_TEST

START_TEST (batch_takes_at_most_1000_records)
{
    uint8_t room[BATCH_MAX];
    batch_t head = s_head (7, BASE), batch;
    batch_writer_t out;
    record_t record = s_message (BASE, "x");
    batch_begin (&out, room, &head);
    for (uint64_t i = 0; i < BATCH_RECORDS; i++)
        ck_assert_uint_eq (batch_add (&out, &record), 7 + i);
    ck_assert_uint_eq (batch_add (&out, &record), 0);
    span_t bytes = batch_end (&out, &s_log);
    ck_assert_int_eq (batch_open (&batch, bytes, &s_log), 0);
    ck_assert_uint_eq (batch.count, BATCH_RECORDS);
    ck_assert_uint_eq (batch_last (&batch), 1006);
    ck_assert (batch_sound (&batch));
}
END_TEST

START_TEST (longest_text_fits_even_into_a_batch_that_opens)
{
    static uint8_t room[BATCH_MAX], text[RECORD_TEXT_MAX], nick[32], digest[BATCH_DIGEST];
    memset (text, 'x', sizeof text);
    memset (nick, 'n', sizeof nick);
    batch_t head = s_head (1, BASE), batch;
    head.digest = digest;
    record_t record = s_message (BASE + INT64_C (0xffffffff), "");
    record.text = span (text, sizeof text);
    record.nick = span (nick, sizeof nick);
    record.send.counter = UINT64_MAX;
    batch_writer_t out;
    batch_begin (&out, room, &head);
    ck_assert_uint_eq (batch_add (&out, &record), 1);
    ck_assert_uint_eq (batch_add (&out, &record), 0); // a second one does not
    ck_assert_int_eq (batch_open (&batch, batch_end (&out, &s_log), &s_log), 0);
    ck_assert_uint_eq (batch.count, 1);
    ck_assert (batch_sound (&batch));
}
END_TEST

START_TEST (record_that_did_not_fit_leaves_no_trace)
{
    static uint8_t room[BATCH_MAX], large[BATCH_MAX];
    batch_t head = s_head (1, BASE);
    batch_writer_t out;
    record_t small = s_message (BASE, "small"), big = s_message (BASE + 9, "");
    memset (large, 'x', sizeof large);
    big.text = span (large, sizeof large);
    batch_begin (&out, room, &head);
    batch_add (&out, &small);
    ck_assert_uint_eq (batch_add (&out, &big), 0);
    ck_assert_uint_eq (batch_add (&out, &small), 2); // its time is not below that of `small`
    batch_t batch;
    ck_assert_int_eq (batch_open (&batch, batch_end (&out, &s_log), &s_log), 0);
    ck_assert (batch_sound (&batch));
}
END_TEST

static span_t s_random_batch (dice_t *chance, uint8_t *room, uint8_t *texts)
{
    static uint8_t digest[BATCH_DIGEST];
    batch_t head = s_head (1 + (dice_wide (chance) >> 1), BASE);
    if (dice (chance, 2))
        head.digest = digest;
    uint64_t lag = dice_wide (chance) >> 32;
    head.durable = lag < head.first ? head.first - 1 - lag : 0;
    if (head.first - 1 - head.durable > UINT32_MAX)
        head.durable = head.first - 1;
    dice_fill (chance, head.chain.bytes, CHAIN_SIZE);
    dice_fill (chance, texts, 256);
    batch_writer_t out;
    batch_begin (&out, room, &head);
    int64_t time = BASE;
    for (size_t n = 1 + dice (chance, 20); n > 0; n--) {
        record_t record = s_message (time += (int64_t)dice (chance, 100000), "");
        record.text = span (texts, dice (chance, 256));
        record.send.counter = dice (chance, 3);
        ck_assert_uint_ne (batch_add (&out, &record), 0);
    }
    return batch_end (&out, &s_log);
}

START_TEST (random_batches_are_written_as_they_were_read)
{
    dice_t chance = dice_new ("random_batches_are_written_as_they_were_read");
    for (int i = 0; i < 2000; i++) {
        static uint8_t room[BATCH_MAX], again[BATCH_MAX], texts[256];
        span_t bytes = s_random_batch (&chance, room, texts);
        batch_t batch;
        batch_writer_t out;
        record_t record;
        ck_assert_int_eq (batch_open (&batch, bytes, &s_log), 0);
        ck_assert (batch_sound (&batch));
        batch_begin (&out, again, &batch);
        while (batch_next (&batch, &record) == 1)
            ck_assert_uint_eq (batch_add (&out, &record), record.seq);
        ck_assert (span_equal (batch_end (&out, &s_log), bytes));
    }
}
END_TEST

START_TEST (skipping_tells_the_same_times)
{
    dice_t chance = dice_new ("skipping_tells_the_same_times");
    for (int i = 0; i < 500; i++) {
        static uint8_t room[BATCH_MAX], texts[256];
        span_t bytes = s_random_batch (&chance, room, texts);
        batch_t batch, skipped;
        record_t record;
        uint64_t seq;
        int64_t time;
        ck_assert_int_eq (batch_open (&batch, bytes, &s_log), 0);
        skipped = batch;
        while (batch_next (&batch, &record) == 1) {
            ck_assert_int_eq (batch_skip (&skipped, &seq, &time), 1);
            ck_assert_uint_eq (seq, record.seq);
            ck_assert_int_eq (time, record.time);
        }
        ck_assert_int_eq (batch_skip (&skipped, &seq, &time), 0);
    }
}
END_TEST

START_TEST (skipping_notices_what_cannot_be)
{
    uint8_t bytes[256];
    uint64_t seq;
    int64_t time;
    int rc;
    size_t size = kit_hex (FIRST_BATCH, bytes, sizeof bytes);
    batch_t fewer = s_counted (bytes, size, 2);
    while ((rc = batch_skip (&fewer, &seq, &time)) == 1)
        ;
    ck_assert_int_eq (rc, -1);
    batch_t more = s_counted (bytes, size, 4);
    while ((rc = batch_skip (&more, &seq, &time)) == 1)
        ;
    ck_assert_int_eq (rc, -1);
    batch_t right = s_counted (bytes, size, 3);
    right.last_time = INT64_MAX; // times never decrease
    ck_assert_int_eq (batch_skip (&right, &seq, &time), -1);
    right = s_counted (bytes, size, 3);
    right.base = -1;
    ck_assert_int_eq (batch_skip (&right, &seq, &time), -1);
}
END_TEST

// Only what a RECORDS batch holds is in the order of its times.
START_TEST (state_is_read_in_any_order_of_times)
{
    uint8_t room[BATCH_MAX];
    batch_t head = s_head (7, BASE), batch;
    batch_writer_t out;
    head.type = BATCH_TYPE_STATE;
    record_t late = s_message (BASE + 900, ""), early = s_message (BASE + 3, "");
    late.kind = early.kind = RECORD_JOIN;
    late.nick = early.nick = span_of ("ann");
    batch_begin (&out, room, &head);
    ck_assert_uint_eq (batch_add (&out, &late), 7);
    ck_assert_uint_eq (batch_add (&out, &early), 8);
    ck_assert_int_eq (batch_open (&batch, batch_end (&out, &s_log), &s_log), 0);
    ck_assert (batch_sound (&batch));
    uint64_t seq;
    int64_t time;
    ck_assert_int_eq (batch_skip (&batch, &seq, &time), 1);
    ck_assert (seq == 7 && time == BASE + 900);
    ck_assert_int_eq (batch_skip (&batch, &seq, &time), 1);
    ck_assert (seq == 8 && time == BASE + 3);
    ck_assert_int_eq (batch_skip (&batch, &seq, &time), 0);
}
END_TEST

// One record whose bytes, its size included, are these.
static batch_t s_raw (batch_type_t type, const char *hex, uint8_t *room)
{
    batch_t head = s_head (1, BASE), batch;
    head.type = type;
    batch_writer_t out;
    record_t record = s_message (BASE, "x");
    batch_begin (&out, room, &head);
    batch_add (&out, &record);
    out.used = BATCH_HEADER + kit_hex (hex, room + BATCH_HEADER, 64);
    ck_assert_int_eq (batch_open (&batch, batch_end (&out, &s_log), &s_log), 0);
    return batch;
}

START_TEST (skipping_refuses_records_that_end_too_soon)
{
    static const char *const bad[] = {"00", "01 01", "02 0100", "03 010080", "05 010005"};
    uint8_t room[BATCH_MAX];
    uint64_t seq = 99;
    int64_t time = 99;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        batch_t batch = s_raw (BATCH_TYPE_RECORDS, bad[i], room), same = batch;
        record_t record;
        ck_assert_msg (batch_skip (&batch, &seq, &time) == -1, "skipped: %s", bad[i]);
        ck_assert_msg (batch_next (&same, &record) == -1, "read: %s", bad[i]);
        ck_assert (seq == 99 && time == 99);
    }
}
END_TEST

START_TEST (skipping_refuses_times_beyond_63_bits)
{
    uint8_t room[BATCH_MAX];
    for (uint64_t beyond = 0; beyond < 2; beyond++) {
        uint8_t varint[16];
        char record[64] = "";
        writer_t out = writer (varint, sizeof varint);
        writer_varint (&out, (uint64_t)(INT64_MAX - BASE) + beyond);
        size_t size = writer_used (&out);
        int at = sprintf (record, "%02x 0100 ", (unsigned)size + 2);
        for (size_t i = 0; i < size; i++)
            at += sprintf (record + at, "%02x", varint[i]);
        for (batch_type_t type = BATCH_TYPE_RECORDS; type <= BATCH_TYPE_STATE; type++) {
            uint64_t seq;
            int64_t time;
            batch_t batch = s_raw (type, record, room);
            ck_assert_int_eq (batch_skip (&batch, &seq, &time), beyond ? -1 : 1);
            ck_assert (beyond || time == INT64_MAX);
        }
    }
}
END_TEST

START_TEST (random_damage_is_refused)
{
    dice_t chance = dice_new ("random_damage_is_refused");
    for (int i = 0; i < 5000; i++) {
        static uint8_t room[BATCH_MAX], texts[256];
        span_t bytes = s_random_batch (&chance, room, texts);
        batch_t batch;
        size_t from = dice (&chance, bytes.size), to = from + 1 + dice (&chance, bytes.size - from);
        uint8_t *was = malloc (to - from);
        ck_assert_ptr_nonnull (was);
        memcpy (was, room + from, to - from);
        if (dice (&chance, 2))
            memset (room + from, 0, to - from); // a sector that was never written
        else
            dice_fill (&chance, room + from, to - from);
        bool changed = memcmp (was, room + from, to - from) != 0;
        free (was);
        ck_assert_int_eq (batch_open (&batch, bytes, &s_log), changed ? -1 : 0);
    }
}
END_TEST

static void s_add_format_cases (TCase *cases)
{
    tcase_add_test (cases, first_batch_is_read);
    tcase_add_test (cases, first_batch_has_these_bytes_for_ever);
    tcase_add_test (cases, later_batch_has_these_bytes_for_ever);
    tcase_add_test (cases, state_batch_has_these_bytes_for_ever);
}

int main (void)
{
    TCase *cases = tcase_create ("batch");
    s_add_format_cases (cases);
    tcase_add_test (cases, every_flipped_bit_is_refused);
    tcase_add_test (cases, every_flipped_bit_is_refused_even_with_bytes_behind);
    tcase_add_test (cases, every_truncation_is_refused);
    tcase_add_test (cases, batch_of_another_log_or_place_is_refused);
    tcase_add_test (cases, zeros_are_no_batch);
    tcase_add_test (cases, impossible_headers_are_refused);
    tcase_add_test (cases, batch_larger_than_64_kib_is_refused);
    tcase_add_test (cases, wrong_count_of_records_is_noticed);
    tcase_add_test (cases, decreasing_times_are_noticed);
    tcase_add_test (cases, sound_leaves_the_batch_at_its_beginning);
    tcase_add_test (cases, batch_takes_at_most_1000_records);
    tcase_add_test (cases, longest_text_fits_even_into_a_batch_that_opens);
    tcase_add_test (cases, record_that_did_not_fit_leaves_no_trace);
    tcase_add_test (cases, skipping_tells_the_same_times);
    tcase_add_test (cases, skipping_notices_what_cannot_be);
    tcase_add_test (cases, state_is_read_in_any_order_of_times);
    tcase_add_test (cases, skipping_refuses_records_that_end_too_soon);
    tcase_add_test (cases, skipping_refuses_times_beyond_63_bits);
    tcase_add_test (cases, random_batches_are_written_as_they_were_read);
    tcase_add_test (cases, random_damage_is_refused);
    return kit_run (cases, "batch");
}
