// A segment's name, header and bare bytes.

#include "daemons/group/segment.h"

#include "tests/logbook.h"

#include <xxhash.h>

enum { MIB = 1 << 20 };

// ---- Names and header

START_TEST (name_is_the_first_sequence)
{
    char name[SEGMENT_NAME];
    uint64_t first;
    segment_name (152034, name);
    ck_assert_str_eq (name, "00000000000000152034.log");
    ck_assert (segment_name_parse (name, &first));
    ck_assert_uint_eq (first, 152034);
    segment_name (INT64_MAX, name);
    ck_assert_str_eq (name, "09223372036854775807.log");
    ck_assert (segment_name_parse (name, &first));
    ck_assert_uint_eq (first, INT64_MAX);
}
END_TEST

START_TEST (other_names_are_no_segments)
{
    static const char *const names[] = {
        "",
        "key",
        "00000000000000000001",
        "1.log",
        "0000000000000000001.log",
        "000000000000000000001.log",
        "00000000000000000001.LOG",
        "00000000000000000001.log~",
        "0000000000000000000x.log",
        " 0000000000000000001.log",
        "+0000000000000000001.log",
        "-0000000000000000001.log",
        "00000000000000000000.log",
        "09223372036854775808.log",
        "18446744073709551616.log",
        "99999999999999999999.log",
        "torn-01795330800000000-00000000000000000001",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint64_t first;
        ck_assert_msg (!segment_name_parse (names[i], &first), "%s", names[i]);
    }
}
END_TEST

static segment_header_t s_header (void)
{
    segment_header_t header = {.version = SEGMENT_VERSION,
                               .state_size = 0x1234,
                               .first = 152034,
                               .time = INT64_C (1795330800000000)};
    for (uint8_t i = 0; i < GUID_SIZE; i++)
        header.log.bytes[i] = i;
    header.chain = chain_start (&header.log);
    return header;
}

// Computed by another program.
START_TEST (header_has_these_bytes_for_ever)
{
    uint8_t bytes[SEGMENT_HEADER];
    segment_header_t header = s_header ();
    segment_header_encode (&header, bytes);
    kit_same_hex (bytes, sizeof bytes,
                  "7a636861746c6f67 0001 0000 00001234 000102030405060708090a0b0c0d0e0f"
                  "00000000000251e2 000660d806969c00"
                  "c7cb5d1a1a214f1d833a21fe6c7b2420e417c2f220784cbe90072975131bc367"
                  "069c6ca85565f7e2");
}
END_TEST

START_TEST (header_is_read_as_written)
{
    dice_t chance = dice_new ("header_is_read_as_written");
    for (int i = 0; i < 1000; i++) {
        uint8_t bytes[SEGMENT_HEADER];
        segment_header_t header = s_header (), again;
        header.state_size = (uint32_t)dice_wide (&chance);
        header.first = 1 + (dice_wide (&chance) >> 1);
        header.time = (int64_t)(dice_wide (&chance) >> 1);
        dice_fill (&chance, &header.log, sizeof header.log);
        dice_fill (&chance, &header.chain, sizeof header.chain);
        segment_header_encode (&header, bytes);
        ck_assert_int_eq (segment_header_decode (&again, bytes), 0);
        ck_assert_uint_eq (again.version, SEGMENT_VERSION);
        ck_assert_uint_eq (again.state_size, header.state_size);
        ck_assert (guid_equal (&again.log, &header.log));
        ck_assert_uint_eq (again.first, header.first);
        ck_assert_int_eq (again.time, header.time);
        ck_assert (chain_equal (&again.chain, &header.chain));
    }
}
END_TEST

START_TEST (every_flipped_bit_in_the_header_is_refused)
{
    uint8_t bytes[SEGMENT_HEADER], zeros[SEGMENT_HEADER] = {0};
    segment_header_t header = s_header ();
    segment_header_encode (&header, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq (segment_header_decode (&header, bytes), -1);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq (segment_header_decode (&header, bytes), 0);
    ck_assert_int_eq (segment_header_decode (&header, zeros), -1);
}
END_TEST

// Decodes a header with one byte changed and a right checksum.
static int s_decode_changed (size_t at, uint8_t value, segment_header_t *header)
{
    uint8_t bytes[SEGMENT_HEADER];
    *header = s_header ();
    segment_header_encode (header, bytes);
    bytes[at] = value;
    writer_t sum = writer (bytes + 80, 8);
    writer_u64 (&sum, XXH3_64bits (bytes, 80));
    return segment_header_decode (header, bytes);
}

START_TEST (impossible_headers_are_refused_another_version_is_told)
{
    segment_header_t header;
    ck_assert_int_eq (s_decode_changed (0, 'z', &header), 0);
    ck_assert_int_eq (s_decode_changed (0, 'Z', &header), -1);
    ck_assert_int_eq (s_decode_changed (11, 1, &header), -1);    // zeros
    ck_assert_int_eq (s_decode_changed (40, 0x80, &header), -1); // time
    ck_assert_int_eq (s_decode_changed (9, 2, &header), 0);
    ck_assert_uint_eq (header.version, 2);
    ck_assert_int_eq (s_decode_changed (8, 1, &header), 0);
    ck_assert_uint_eq (header.version, 257);
    header = s_header ();
    header.first = 0;
    uint8_t bytes[SEGMENT_HEADER];
    segment_header_encode (&header, bytes);
    ck_assert_int_eq (segment_header_decode (&header, bytes), -1);
}
END_TEST

// ---- Bytes of files

static logbook_t *s_segment (void)
{
    logbook_t *book = logbook_new ();
    logbook_segment (book);
    logbook_batch (book, 2, 10);
    return book;
}

START_TEST (pread_gives_what_there_is)
{
    logbook_t *book = s_segment ();
    uint8_t bytes[64];
    ck_assert_int_eq (segment_pread (book->fd, bytes, 64, 0), 64);
    ck_assert_mem_eq (bytes, "zchatlog", 8);
    ck_assert_int_eq (segment_pread (book->fd, bytes, 64, book->at - 10), 10);
    ck_assert_int_eq (segment_pread (book->fd, bytes, 64, book->at), 0);
    ck_assert_int_eq (segment_pread (book->fd, bytes, 64, book->at + 1000), 0);
    logbook_destroy (book);
}
END_TEST

START_TEST (used_ends_behind_the_last_byte_that_is_not_zero)
{
    logbook_t *book = s_segment ();
    int64_t end = (int64_t)book->at;
    ck_assert_int_eq (segment_used (book->fd, 0), end);
    ck_assert_int_eq (segment_used (book->fd, book->at), end);
    ck_assert_int_eq (segment_used (book->fd, book->at + 5), end + 5);
    ck_assert_int_eq (ftruncate (book->fd, end + 3 * MIB), 0);
    ck_assert_int_eq (segment_used (book->fd, 0), end);
    static const uint64_t places[] = {4095, 4096, 8191, 2 * MIB};
    for (size_t i = 0; i < 4; i++) {
        logbook_spoil (book, 0, book->at + places[i], "\1", 1);
        ck_assert_int_eq (segment_used (book->fd, book->at), end + (int64_t)places[i] + 1);
    }
    logbook_destroy (book);
}
END_TEST

// Computed by another program: byte i is 7 * i.
START_TEST (digest_is_blake2b_of_the_front)
{
    static uint8_t bytes[100000];
    static const struct {
        uint64_t size;
        const char *digest;
    } rows[] = {
        {0, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
        {88, "facc0ecf631f18b18b6a227de949f33fac81d819392e61c748a523ce1a2ecae4"},
        {65536, "a609c7bab30fe235dd465369bc46a7d7fa248c56eafe86d0e43ba4cb07cbbd2a"},
        {65537, "adefe1478884563db5fc479704beae2405a9e748960574ee430d61acde3f6f08"},
        {100000, "29cdf18d610753cd9a798386cf5e40c239d40bdc940b669d93ad6a0d6ac30a85"},
        {900000, "29cdf18d610753cd9a798386cf5e40c239d40bdc940b669d93ad6a0d6ac30a85"},
    };
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    folder_t folder = folder_new ();
    int fd = open (folder_write (&folder, "bytes", bytes, sizeof bytes), O_RDONLY);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t digest[BATCH_DIGEST];
        ck_assert_int_eq (segment_digest (fd, rows[i].size, digest), 0);
        kit_same_hex (digest, BATCH_DIGEST, rows[i].digest);
    }
    close (fd);
    folder_remove (&folder);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("segment_header");
    tcase_add_test (cases, name_is_the_first_sequence);
    tcase_add_test (cases, other_names_are_no_segments);
    tcase_add_test (cases, header_has_these_bytes_for_ever);
    tcase_add_test (cases, header_is_read_as_written);
    tcase_add_test (cases, every_flipped_bit_in_the_header_is_refused);
    tcase_add_test (cases, impossible_headers_are_refused_another_version_is_told);
    tcase_add_test (cases, pread_gives_what_there_is);
    tcase_add_test (cases, used_ends_behind_the_last_byte_that_is_not_zero);
    tcase_add_test (cases, digest_is_blake2b_of_the_front);
    return kit_run (cases, "segment_header");
}
