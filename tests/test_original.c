#include "daemons/group/original.h"

#include "tests/kit.h"

#include <time.h>

#define WHO    "20000000-0000-4000-8000-00000000000a"
#define SECOND INT64_C (1000000)

// 2026-11-22 11:30:00.25 UTC.
static const int64_t NOW = INT64_C (1795347000) * SECOND + 250000;

static void s_in (const char *zone)
{
    setenv ("TZ", zone, 1);
    tzset ();
}

static int64_t s_utc (const char *text)
{
    struct tm tm = {0};
    ck_assert_ptr_nonnull (strptime (text, "%Y-%m-%d %H:%M:%S", &tm));
    return timegm (&tm);
}

// Parses a copy that ends where the request does, so that a byte read behind it is noticed.
static original_t s_parse_bytes (const char *text, size_t size, int64_t now)
{
    static char *copy;
    free (copy);
    copy = malloc (size + !size);
    memcpy (copy, text, size);
    return original_parse (span (copy, size), now);
}

static original_t s_parse (const char *text)
{
    return s_parse_bytes (text, strlen (text), NOW);
}

static void s_is (const char *text, original_kind_t kind)
{
    original_t request = s_parse (text);
    ck_assert_msg (request.kind == kind, "%s: %d", text, request.kind);
    char who[GUID_TEXT];
    if (kind != ORIGINAL_INVALID)
        ck_assert_str_eq (guid_print (&request.who, who), WHO);
}

START_TEST (join_and_leave_are_a_uuid_and_nothing_else)
{
    s_is ("JOIN REQUEST FROM " WHO, ORIGINAL_JOIN);
    s_is ("LEAVE REQUEST FROM " WHO, ORIGINAL_LEAVE);
    s_is ("JOIN REQUEST FROM 20000000-0000-4000-8000-00000000000A", ORIGINAL_JOIN);
    static const char *const bad[] = {
        "JOIN REQUEST FROM " WHO " ",
        "JOIN REQUEST FROM " WHO "x",
        "JOIN REQUEST FROM " WHO "\n",
        "JOIN REQUEST FROM  " WHO,
        "JOIN REQUEST FROM",
        "JOIN REQUEST FROM ",
        "JOIN REQUEST FROM 20000000-0000-4000-8000-00000000000",
        "JOIN REQUEST FROM 20000000-0000-4000-8000-00000000000g",
        "JOIN REQUEST FROM 20000000000040008000000000000000000a",
        "JOIN REQUEST FROM 127.0.0.1:2000",
        "JOIN REQUEST FROM 2001 [cats]",
        "join request from " WHO,
        " JOIN REQUEST FROM " WHO,
        "LEAVE REQUEST FROM " WHO " bye",
        "LEAVE REQUEST FROM nobody",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        s_is (bad[i], ORIGINAL_INVALID);
}
END_TEST

START_TEST (anything_else_is_invalid)
{
    static const char *const bad[] = {
        "",
        " ",
        "hello",
        "GROUP LIST REQUEST FROM " WHO,
        "MESSAGE",
        "MESSAGE REQUEST FROM",
        "MESSAGE SEND FROM",
        "MESSAGE SEND FROM ",
        "MESSAGE SEND TO " WHO " hi",
        WHO,
        "\xff\xfe",
        "x JOIN REQUEST FROM " WHO,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        s_is (bad[i], ORIGINAL_INVALID);
}
END_TEST

static void s_text_is (const char *request, size_t size, const char *text, size_t text_size)
{
    original_t parsed = s_parse_bytes (request, size, NOW);
    ck_assert_int_eq (parsed.kind, ORIGINAL_SEND);
    ck_assert (span_equal (parsed.text, span (text, text_size)));
}

START_TEST (text_is_all_behind_the_one_blank)
{
    static const char *const texts[] = {
        "hi",
        "several words  and blanks ",
        " begins with a blank",
        ("JOIN REQUEST FROM " WHO),
        "a\nb\tc",
        "k\xc3\xa4se \xf0\x9f\x90\xb1",
        "\xff bad",
        "\x01",
        "",
    };
    char request[300];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf (request, sizeof request, "MESSAGE SEND FROM " WHO " %s", texts[i]);
        s_text_is (request, strlen (request), texts[i], strlen (texts[i]));
    }
    s_text_is ("MESSAGE SEND FROM " WHO, 54, "", 0);
    s_text_is ("MESSAGE SEND FROM " WHO " a\0b", 58, "a\0b", 3);
    s_is ("MESSAGE SEND FROM " WHO "hi", ORIGINAL_INVALID);
    s_is ("MESSAGE SEND FROM " WHO "\thi", ORIGINAL_INVALID);
    s_is ("MESSAGE SEND FROM nobody hi", ORIGINAL_INVALID);
}
END_TEST

START_TEST (longest_text_is_passed_on)
{
    size_t size = 1048576;
    char *request = malloc (size);
    memset (request, 'x', size);
    memcpy (request, "MESSAGE SEND FROM " WHO " ", 55);
    original_t parsed = s_parse_bytes (request, size, NOW);
    ck_assert_int_eq (parsed.kind, ORIGINAL_SEND);
    ck_assert_uint_eq (parsed.text.size, size - 55);
    free (request);
}
END_TEST

// ---- Times

START_TEST (no_time_is_all_messages)
{
    static const char *const texts[] = {"MESSAGE REQUEST FROM " WHO,
                                        "MESSAGE REQUEST FROM " WHO " "};
    for (size_t i = 0; i < 2; i++) {
        s_is (texts[i], ORIGINAL_MESSAGES);
        ck_assert (!s_parse (texts[i]).has_time);
    }
    s_is ("MESSAGE REQUEST FROM " WHO "  ", ORIGINAL_INVALID);
    s_is ("MESSAGE REQUEST FROM " WHO "\t", ORIGINAL_INVALID);
    s_is ("MESSAGE REQUEST FROM " WHO "x", ORIGINAL_INVALID);
}
END_TEST

// The moment that a MESSAGE REQUEST names, in seconds.
static int64_t s_time_at (const char *text, int64_t now)
{
    char request[200];
    snprintf (request, sizeof request, "MESSAGE REQUEST FROM " WHO " %s", text);
    original_t parsed = s_parse_bytes (request, strlen (request), now);
    ck_assert_msg (parsed.kind == ORIGINAL_MESSAGES, "%s is no time", text);
    ck_assert (parsed.has_time);
    ck_assert_int_eq (parsed.time % SECOND, 0);
    return parsed.time / SECOND;
}

static void s_time_is (const char *text, const char *utc)
{
    ck_assert_int_eq (s_time_at (text, NOW), s_utc (utc));
}

START_TEST (time_is_of_today_in_this_zone)
{
    s_in ("UTC");
    s_time_is ("00:00:00", "2026-11-22 00:00:00");
    s_time_is ("11:30:01", "2026-11-22 11:30:01");
    s_time_is ("23:59:59", "2026-11-22 23:59:59");
    s_in ("CET-1CEST,M3.5.0,M10.5.0/3");
    s_time_is ("07:00:00", "2026-11-22 06:00:00");
    s_in ("XXX-14"); // where it is tomorrow already
    s_time_is ("00:00:00", "2026-11-22 10:00:00");
    s_in ("XXX12"); // and where it is yesterday still
    s_time_is ("23:00:00", "2026-11-22 11:00:00");
}
END_TEST

START_TEST (date_and_time_are_of_this_zone)
{
    s_in ("CET-1CEST,M3.5.0,M10.5.0/3");
    s_time_is ("2026-07-01 12:00:00", "2026-07-01 10:00:00");
    s_time_is ("2026-01-01 00:30:00", "2025-12-31 23:30:00");
    s_time_is ("2028-02-29 12:00:00", "2028-02-29 11:00:00");
    s_time_is ("9999-12-31 23:59:59", "9999-12-31 22:59:59");
}
END_TEST

START_TEST (time_before_1970_is_the_beginning)
{
    s_in ("CET-1CEST,M3.5.0,M10.5.0/3");
    ck_assert_int_eq (s_time_at ("1970-01-01 00:30:00", NOW), 0);
    ck_assert_int_eq (s_time_at ("1969-12-31 23:59:59", NOW), 0);
    ck_assert_int_eq (s_time_at ("0000-01-01 00:00:00", NOW), 0);
}
END_TEST

START_TEST (skipped_and_repeated_hours_lose_no_message)
{
    s_in ("CET-1CEST,M3.5.0,M10.5.0/3");
    s_time_is ("2026-03-29 02:30:00", "2026-03-29 01:00:00"); // there is no 02:30
    s_time_is ("2026-10-25 02:30:00", "2026-10-25 00:30:00"); // there are two
    s_in ("CLT4CLST,M9.1.0/0,M4.1.0/0");                      // the day begins at 01:00
    int64_t noon = s_utc ("2026-09-06 16:00:00") * SECOND;
    ck_assert_int_eq (s_time_at ("00:00:00", noon), s_utc ("2026-09-06 04:00:00"));
    ck_assert_int_eq (s_time_at ("00:59:59", noon), s_utc ("2026-09-06 04:00:00"));
    ck_assert_int_eq (s_time_at ("12:00:00", noon), s_utc ("2026-09-06 15:00:00"));
}
END_TEST

START_TEST (what_is_no_time_is_invalid)
{
    static const char *const bad[] = {
        "24:00:00",
        "12:60:00",
        "12:00:60",
        "1:00:00",
        "12:00",
        "12:00:0",
        "12:00:00 ",
        " 12:00:00",
        "12:00:000",
        "12-00-00",
        "-1:00:00",
        "+1:00:00",
        "1a:00:00",
        "12.00.00",
        "2026-02-30 12:00:00",
        "2026-02-29 12:00:00",
        "2026-04-31 12:00:00",
        "2026-13-01 12:00:00",
        "2026-00-01 12:00:00",
        "2026-01-00 12:00:00",
        "2026-01-32 12:00:00",
        "2026-01-01T12:00:00",
        "2026-1-1 12:00:00",
        "2026-01-01",
        "2026-01-01 24:00:00",
        "22026-01-01 12:00:00",
        "@1795347000",
        "now",
    };
    char request[200];
    s_in ("UTC");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf (request, sizeof request, "MESSAGE REQUEST FROM " WHO " %s", bad[i]);
        s_is (request, ORIGINAL_INVALID);
    }
}
END_TEST

START_TEST (random_bytes_are_read_to_their_end_at_most)
{
    static const char *const fronts[] = {"JOIN REQUEST FROM ", "LEAVE REQUEST FROM ",
                                         "MESSAGE REQUEST FROM ", "MESSAGE SEND FROM "};
    dice_t chance = dice_new ("random_bytes_are_read_to_their_end_at_most");
    char request[100];
    for (int i = 0; i < 20000; i++) {
        dice_fill (&chance, request, sizeof request);
        size_t size = (size_t)snprintf (request, sizeof request, "%s" WHO " 2026-11-22 07:00:00",
                                        fronts[dice (&chance, 4)]);
        if (dice (&chance, 2))
            size = dice (&chance, size + 1);
        for (size_t n = dice (&chance, 3); n > 0 && size > 0; n--)
            request[dice (&chance, size)] = (char)dice (&chance, 256);
        original_t parsed = s_parse_bytes (request, size, NOW);
        if (parsed.kind == ORIGINAL_SEND)
            ck_assert_uint_le (parsed.text.size, size);
    }
}
END_TEST

// ---- Lines

static void s_line_is (span_t text, const char *wanted)
{
    record_t record = {.kind = RECORD_MESSAGE, .time = NOW, .text = text, .nick = span_of ("ann")};
    ck_assert_int_eq (guid_parse (&record.author, WHO, 36), 0);
    size_t size = original_line_size (&record);
    ck_assert_uint_eq (size, strlen (wanted));
    uint8_t *line = malloc (size);
    writer_t out = writer (line, size);
    original_put_line (&record, &out);
    ck_assert (!out.failed);
    ck_assert (span_equal (span (line, writer_used (&out)), span_of (wanted)));
    free (line);
}

START_TEST (line_is_time_uuid_and_text)
{
    s_in ("UTC");
    s_line_is (span_of ("hi there"), "11:30:00 - " WHO ": hi there");
    s_line_is (span_of ("k\xc3\xa4se"), "11:30:00 - " WHO ": k\xc3\xa4se");
    s_line_is (span_of (""), "11:30:00 - " WHO ": ");
    s_in ("CET-1CEST,M3.5.0,M10.5.0/3");
    s_line_is (span_of ("%s %n"), "12:30:00 - " WHO ": %s %n");
}
END_TEST

START_TEST (text_cannot_look_like_two_lines)
{
    s_in ("UTC");
    s_line_is (span_of ("a\n11:30:01 - " WHO ": forged\tb\n"),
               "11:30:00 - " WHO ": a 11:30:01 - " WHO ": forged b ");
}
END_TEST

START_TEST (line_that_does_not_fit_is_noticed)
{
    record_t record = {.time = NOW, .text = span_of ("hello")};
    uint8_t line[200];
    for (size_t size = 0; size < original_line_size (&record); size++) {
        writer_t out = writer (line, size);
        original_put_line (&record, &out);
        ck_assert (out.failed);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("original");
    tcase_add_test (cases, join_and_leave_are_a_uuid_and_nothing_else);
    tcase_add_test (cases, anything_else_is_invalid);
    tcase_add_test (cases, text_is_all_behind_the_one_blank);
    tcase_add_test (cases, longest_text_is_passed_on);
    tcase_add_test (cases, no_time_is_all_messages);
    tcase_add_test (cases, time_is_of_today_in_this_zone);
    tcase_add_test (cases, date_and_time_are_of_this_zone);
    tcase_add_test (cases, time_before_1970_is_the_beginning);
    tcase_add_test (cases, skipped_and_repeated_hours_lose_no_message);
    tcase_add_test (cases, what_is_no_time_is_invalid);
    tcase_add_test (cases, random_bytes_are_read_to_their_end_at_most);
    tcase_add_test (cases, line_is_time_uuid_and_text);
    tcase_add_test (cases, text_cannot_look_like_two_lines);
    tcase_add_test (cases, line_that_does_not_fit_is_noticed);
    return kit_run (cases, "original");
}
