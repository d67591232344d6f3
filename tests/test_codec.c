#include "common/codec.h"

#include "tests/kit.h"

START_TEST (numbers_are_in_network_order)
{
    uint8_t bytes[64];
    writer_t out = writer (bytes, sizeof bytes);
    writer_u8 (&out, 0x01);
    writer_u16 (&out, 0x0203);
    writer_u32 (&out, 0x04050607);
    writer_u64 (&out, 0x08090a0b0c0d0e0f);
    ck_assert (!out.failed);
    kit_same_hex (bytes, writer_used (&out), "01 0203 04050607 08090a0b0c0d0e0f");
    reader_t in = reader (bytes, writer_used (&out));
    ck_assert_uint_eq (reader_u8 (&in), 0x01);
    ck_assert_uint_eq (reader_u16 (&in), 0x0203);
    ck_assert_uint_eq (reader_u32 (&in), 0x04050607);
    ck_assert_uint_eq (reader_u64 (&in), 0x08090a0b0c0d0e0f);
    ck_assert (!in.failed);
    ck_assert_uint_eq (reader_left (&in), 0);
}
END_TEST

// LEB128 as Wikipedia and DWARF have it; computed by another program.
static const struct {
    uint64_t value;
    const char *hex;
} s_varints[] = {
    {0, "00"},
    {1, "01"},
    {127, "7f"},
    {128, "8001"},
    {300, "ac02"},
    {16383, "ff7f"},
    {16384, "808001"},
    {624485, "e58e26"},
    {UINT32_MAX, "ffffffff0f"},
    {INT64_MAX, "ffffffffffffffff7f"},
    {UINT64_MAX, "ffffffffffffffffff01"},
};

START_TEST (varints_have_these_bytes_for_ever)
{
    uint8_t bytes[16];
    writer_t out = writer (bytes, sizeof bytes);
    writer_varint (&out, s_varints[_i].value);
    kit_same_hex (bytes, writer_used (&out), s_varints[_i].hex);
    ck_assert_uint_eq (varint_size (s_varints[_i].value), writer_used (&out));
    reader_t in = reader (bytes, writer_used (&out));
    ck_assert_uint_eq (reader_varint (&in), s_varints[_i].value);
    ck_assert (!in.failed && reader_left (&in) == 0);
}
END_TEST

START_TEST (varint_in_a_longer_form_is_refused)
{
    static const char *const bad[] = {
        "8000",                   // 0 in two bytes
        "ff00",                   // 127 in two bytes
        "80808000",               // 0 in four
        "ffffffffffffffffff02",   // 65 bits
        "ffffffffffffffffff8100", // 11 bytes
        "8080808080808080808080", // no end within 10
        "80",                     // cut
        "ffffffff",               // cut
        "",                       // nothing
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t bytes[16];
        size_t size = kit_hex (bad[i], bytes, sizeof bytes);
        reader_t in = reader (bytes, size);
        ck_assert_uint_eq (reader_varint (&in), 0);
        ck_assert_msg (in.failed, "%s was read", bad[i]);
        ck_assert_msg (reader_left (&in) == size, "%s: the position moved", bad[i]);
    }
}
END_TEST

START_TEST (every_varint_comes_back)
{
    dice_t chance = dice_new ("every_varint_comes_back");
    for (int i = 0; i < 100000; i++) {
        uint64_t value = dice_wide (&chance);
        uint8_t bytes[10];
        writer_t out = writer (bytes, sizeof bytes);
        writer_varint (&out, value);
        reader_t in = reader (bytes, writer_used (&out));
        ck_assert_uint_eq (reader_varint (&in), value);
        ck_assert (!in.failed && reader_left (&in) == 0);
    }
}
END_TEST

// What a varint is read from must be what is written for it: one form each.
START_TEST (any_bytes_read_as_varint_are_its_only_form)
{
    dice_t chance = dice_new ("any_bytes_read_as_varint_are_its_only_form");
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[12], again[12];
        dice_fill (&chance, bytes, sizeof bytes);
        for (size_t high = dice (&chance, 12); high > 0; high--)
            bytes[high - 1] |= 0x80;
        reader_t in = reader (bytes, sizeof bytes);
        uint64_t value = reader_varint (&in);
        if (in.failed)
            continue;
        writer_t out = writer (again, sizeof again);
        writer_varint (&out, value);
        ck_assert_uint_eq (writer_used (&out), sizeof bytes - reader_left (&in));
        ck_assert_mem_eq (again, bytes, writer_used (&out));
    }
}
END_TEST

START_TEST (reading_past_the_end_gives_zeros_and_stays)
{
    static const uint8_t bytes[] = {1, 2, 3};
    reader_t in = reader (bytes, sizeof bytes);
    uint8_t copy[4] = {9, 9, 9, 9};
    ck_assert_uint_eq (reader_u32 (&in), 0);
    ck_assert (in.failed);
    ck_assert_uint_eq (reader_left (&in), 3);
    ck_assert_uint_eq (reader_u8 (&in), 0); // would fit, but the reader has failed
    ck_assert_uint_eq (reader_varint (&in), 0);
    ck_assert_ptr_null (reader_bytes (&in, 1).data);
    ck_assert_ptr_null (reader_bytes (&in, 0).data);
    reader_copy (&in, copy, sizeof copy);
    kit_same_hex (copy, sizeof copy, "00000000");
    ck_assert_uint_eq (reader_left (&in), 3);
}
END_TEST

START_TEST (huge_sizes_do_not_wrap)
{
    static const uint8_t bytes[] = {1, 2, 3};
    reader_t in = reader (bytes, sizeof bytes);
    reader_u8 (&in);
    ck_assert_ptr_null (reader_bytes (&in, SIZE_MAX).data);
    ck_assert (in.failed);
    uint8_t room[4] = {0};
    writer_t out = writer (room, sizeof room);
    writer_u8 (&out, 1);
    writer_bytes (&out, bytes, SIZE_MAX);
    ck_assert (out.failed);
    ck_assert_uint_eq (writer_used (&out), 1);
}
END_TEST

START_TEST (writing_past_the_end_writes_nothing)
{
    uint8_t room[8];
    memset (room, 0xee, sizeof room);
    writer_t out = writer (room, 4);
    writer_u16 (&out, 0x0102);
    writer_u32 (&out, 0x03040506);
    ck_assert (out.failed);
    writer_u8 (&out, 7); // would fit, but the writer has failed
    writer_varint (&out, 1);
    ck_assert_uint_eq (writer_used (&out), 2);
    kit_same_hex (room, sizeof room, "0102eeeeeeeeeeee");
}
END_TEST

START_TEST (what_fits_exactly_fits)
{
    uint8_t room[4];
    writer_t out = writer (room, sizeof room);
    writer_u32 (&out, 1);
    ck_assert (!out.failed);
    writer_bytes (&out, NULL, 0);
    ck_assert (!out.failed);
    reader_t in = reader (room, sizeof room);
    ck_assert_uint_eq (reader_bytes (&in, 4).size, 4);
    ck_assert_uint_eq (reader_bytes (&in, 0).size, 0);
    ck_assert (!in.failed);
}
END_TEST

START_TEST (nothing_at_all_can_be_read_and_written)
{
    reader_t in = reader (NULL, 0);
    ck_assert_uint_eq (reader_left (&in), 0);
    reader_bytes (&in, 0);
    ck_assert (!in.failed);
    reader_u8 (&in);
    ck_assert (in.failed);
    writer_t out = writer (NULL, 0);
    writer_bytes (&out, NULL, 0);
    ck_assert (!out.failed);
    writer_u8 (&out, 1);
    ck_assert (out.failed);
    ck_assert_uint_eq (writer_used (&out), 0);
}
END_TEST

START_TEST (nothing_is_copied_from_something)
{
    uint8_t bytes[2] = {7, 8}, out[2] = {1, 2};
    reader_t in = reader (bytes, 2);
    reader_copy (&in, out, 0);
    ck_assert (!in.failed && reader_left (&in) == 2 && out[0] == 1);
}
END_TEST

START_TEST (spans_are_equal_by_their_bytes)
{
    ck_assert (span_equal (span_of ("abc"), span ("abcd", 3)));
    ck_assert (!span_equal (span_of ("abc"), span_of ("abd")));
    ck_assert (!span_equal (span_of ("abc"), span_of ("ab")));
    ck_assert (!span_equal (span_of ("ab"), span_of ("abc")));
    ck_assert (span_equal (span (NULL, 0), span_of ("")));
    ck_assert_uint_eq (span_of (NULL).size, 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("codec");
    tcase_add_test (cases, numbers_are_in_network_order);
    tcase_add_loop_test (cases, varints_have_these_bytes_for_ever, 0,
                         sizeof s_varints / sizeof s_varints[0]);
    tcase_add_test (cases, varint_in_a_longer_form_is_refused);
    tcase_add_test (cases, every_varint_comes_back);
    tcase_add_test (cases, any_bytes_read_as_varint_are_its_only_form);
    tcase_add_test (cases, reading_past_the_end_gives_zeros_and_stays);
    tcase_add_test (cases, huge_sizes_do_not_wrap);
    tcase_add_test (cases, writing_past_the_end_writes_nothing);
    tcase_add_test (cases, what_fits_exactly_fits);
    tcase_add_test (cases, nothing_at_all_can_be_read_and_written);
    tcase_add_test (cases, nothing_is_copied_from_something);
    tcase_add_test (cases, spans_are_equal_by_their_bytes);
    return kit_run (cases, "codec");
}
