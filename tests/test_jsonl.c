// jsonl: records as lines, and lines as records.

#include "daemons/group/jsonl.h"

#include "tests/kit.h"

static char *s_line;
static size_t s_size;

static void s_teardown (void)
{
    free (s_line);
    s_line = NULL;
}

static void s_print (const record_t *record, uint64_t seq)
{
    s_teardown ();
    FILE *out = open_memstream (&s_line, &s_size);
    jsonl_put_record (out, record, seq);
    fclose (out);
}

static void s_same (const record_t *a, const record_t *b)
{
    static uint8_t one[BATCH_MAX], two[BATCH_MAX];
    writer_t left = writer (one, sizeof one), right = writer (two, sizeof two);
    record_encode (a, 0, NULL, &left);
    record_encode (b, 0, NULL, &right);
    ck_assert (!left.failed && !right.failed);
    ck_assert (span_equal (span (one, writer_used (&left)), span (two, writer_used (&right))));
}

static void s_round (const record_t *record, uint64_t seq)
{
    uint64_t number;
    record_t read;
    s_print (record, seq);
    ck_assert_int_eq (s_line[s_size - 1], '\n');
    ck_assert_ptr_eq (strchr (s_line, '\n'), s_line + s_size - 1); // one line
    jsonl_t *line = jsonl_new (s_line, s_size);
    jsonl_record (line, &read, &number);
    ck_assert_msg (jsonl_wrong (line) == NULL, "%s: %.300s", jsonl_wrong (line), s_line);
    ck_assert_uint_eq (number, seq);
    s_same (record, &read);
    jsonl_destroy (&line);
}

// What is wrong with a line made of the sample by replacing `part`.
static void s_is_wrong (const char *part, const char *other)
{
    record_t record = {.kind = RECORD_MESSAGE,
                       .time = INT64_C (1795330800123456),
                       .author = {{1}},
                       .send = {{2}, 7, 9},
                       .nick = span_of ("ann"),
                       .text = span_of ("hi")};
    uint64_t seq;
    s_print (&record, 7);
    char *at = strstr (s_line, part), changed[1000];
    ck_assert_msg (at != NULL, "%s is not in %s", part, s_line);
    snprintf (changed, sizeof changed, "%.*s%s%s", (int)(at - s_line), s_line, other,
              at + strlen (part));
    jsonl_t *line = jsonl_new (changed, strlen (changed));
    jsonl_record (line, &record, &seq);
    ck_assert_msg (jsonl_wrong (line) != NULL, "%s", changed);
    jsonl_destroy (&line);
}

START_TEST (record_is_readable)
{
    record_t record = {.kind = RECORD_MESSAGE,
                       .flags = RECORD_VERIFIED,
                       .time = INT64_C (1795330800123456),
                       .author = {{0xab}},
                       .nick = span_of ("ann"),
                       .text = span_of ("say \"hi\"\n\tback\\slash \xc3\xa4")};
    s_round (&record, 7);
    const char *wanted =
        "{\"seq\":7,\"time\":\"2026-11-22T07:00:00.123456Z\",\"kind\":\"message\","
        "\"author\":\"ab000000-0000-0000-0000-000000000000\",\"verified\":true,"
        "\"nick\":\"ann\",\"text\":\"say \\\"hi\\\"\\n\\tback\\\\slash \xc3\xa4\",";
    ck_assert_msg (strncmp (s_line, wanted, strlen (wanted)) == 0, "%s", s_line);
}
END_TEST

START_TEST (any_record_survives)
{
    dice_t chance = dice_new ("any_record_survives");
    static uint8_t text[30000], nick[300], options[30000], value[14000];
    for (int i = 0; i < 2000; i++) {
        writer_t put = writer (options, sizeof options);
        record_t record = {.kind = (record_kind_t)dice (&chance, 256),
                           .flags = dice (&chance, 2) ? RECORD_VERIFIED : 0,
                           .time = (int64_t)(dice_wide (&chance) >> 1)};
        if (dice (&chance, 2))
            dice_fill (&chance, record.author.bytes, GUID_SIZE);
        if (dice (&chance, 2)) {
            dice_fill (&chance, &record.send.device, RECORD_DEVICE);
            record.send.counter = dice_wide (&chance) >> 1;
            record.send.random = record.send.counter ? (uint32_t)dice_u64 (&chance) : 0;
        }
        if (record.send.counter == 0)
            memset (&record.send, 0, sizeof record.send);
        dice_fill (&chance, text, 64);
        dice_fill (&chance, nick, 64);
        if (dice (&chance, 2)) // mostly a text
            memset (text, 'a' + i % 26, sizeof text);
        record.text = span (text, dice (&chance, 4) ? dice (&chance, 64) : dice (&chance, 30000));
        record.nick = span (nick, dice (&chance, 3) ? 0 : dice (&chance, sizeof nick));
        for (size_t n = dice (&chance, 4); n > 0; n--) {
            if (dice (&chance, 2))
                record_put_number (&put, dice (&chance, 10), dice_wide (&chance));
            else
                record_put_option (&put, dice_wide (&chance) >> 1, value, dice (&chance, 5000));
        }
        record.options = span (options, writer_used (&put));
        s_round (&record, dice_wide (&chance) >> 1);
    }
}
END_TEST

START_TEST (bytes_that_are_no_text_are_digits)
{
    record_t record = {
        .kind = RECORD_MESSAGE, .text = span ("a\0b\xff", 4), .nick = span ("\x1b", 1)};
    s_round (&record, 1);
    ck_assert_ptr_nonnull (strstr (s_line, "\"text-hex\":\"610062ff\""));
    ck_assert_ptr_nonnull (strstr (s_line, "\"nick-hex\":\"1b\""));
}
END_TEST

START_TEST (options_have_names_where_they_have_one)
{
    uint8_t bytes[64];
    writer_t put = writer (bytes, sizeof bytes);
    record_put_number (&put, RECORD_OPT_GENERATION, 300);
    record_put_option (&put, RECORD_OPT_INSTANCE, "\1\2", 2);
    record_put_number (&put, 77, 5);
    record_t record = {.kind = 200, .options = span (bytes, writer_used (&put))};
    s_round (&record, 0);
    ck_assert_ptr_nonnull (
        strstr (s_line, "\"kind\":200,\"options\":[[\"generation\",300],[\"instance\",\"0102\"],"
                        "[77,\"05\"]],"));
    ck_assert_ptr_null (strstr (s_line, "seq"));
}
END_TEST

// JSON's numbers end before those of the log do.
START_TEST (option_with_a_huge_number_survives)
{
    static const uint64_t types[] = {INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[64];
        writer_t put = writer (bytes, sizeof bytes);
        record_put_option (&put, types[i], "x", 1);
        record_t record = {.kind = RECORD_MESSAGE, .options = span (bytes, writer_used (&put))};
        s_round (&record, 3);
    }
    ck_assert_ptr_nonnull (strstr (s_line, "[[\"18446744073709551615\",\"78\"]]"));
    static const char *const wrong[] = {"18446744073709551616", "-1", "01", "generatio", " 5", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[300];
        record_t record;
        uint64_t seq;
        snprintf (line, sizeof line,
                  "{\"time\":\"2026-11-22T07:00:00.123456Z\",\"kind\":\"message\","
                  "\"options\":[[\"%s\",\"78\"]],\"sum\":\"00000000\"}",
                  wrong[i]);
        jsonl_t *json = jsonl_new (line, strlen (line));
        jsonl_record (json, &record, &seq);
        ck_assert_str_eq (jsonl_wrong (json), "an option that is not known");
        jsonl_destroy (&json);
    }
}
END_TEST

START_TEST (one_line_says_nothing_about_the_next)
{
    record_t record = {.kind = RECORD_MESSAGE, .text = span_of ("hi")}, read;
    uint64_t seq;
    jsonl_t *line = jsonl_new ("nonsense", 8);
    ck_assert_str_eq (jsonl_wrong (line), "not a JSON object");
    s_print (&record, 7);
    jsonl_set (line, s_line, s_size);
    jsonl_record (line, &read, &seq);
    ck_assert_ptr_null (jsonl_wrong (line));
    s_same (&record, &read);
    jsonl_set (line, "{}", 2);
    ck_assert (!jsonl_has (line, "seq"));
    ck_assert_ptr_null (jsonl_wrong (line));
    jsonl_destroy (&line);
}
END_TEST

#define TIME "\"time\":\"2026-11-22T07:00:00.123456Z\""
#define SUM  "\"sum\":\"00000000\""

static void s_says (const char *line, const char *wrong)
{
    record_t record;
    uint64_t seq;
    jsonl_t *self = jsonl_new (line, strlen (line));
    jsonl_record (self, &record, &seq);
    const char *said = jsonl_wrong (self);
    ck_assert_msg (said && strcmp (said, wrong) == 0, "%.100s: %s", line, said ? said : "fine");
    jsonl_destroy (&self);
    ck_assert_ptr_null (self);
    jsonl_destroy (&self);
}

START_TEST (what_is_wrong_is_said)
{
    s_says ("[1]", "not a JSON object");
    s_says ("7", "not a JSON object");
    s_says ("{\"time\":7}", "a text is missing or wrong");
    s_says ("{\"time\":\"1969-12-31T23:59:59.000000Z\"}", "a time is wrong");
    s_says ("{\"time\":\"2026-11-22T07:00:00.-12345Z\"}", "a time is wrong");
    s_says ("{\"time\":\"999999999-01-01T00:00:00.000000Z\"}", "a time is wrong");
    s_says ("{" TIME ",\"kind\":1,\"options\":[[\"why\",\"0\"]]}", "hexadecimal digits are wrong");
    s_says ("{" TIME ",\"kind\":1,\"options\":7," SUM "}", "options are wrong");
    s_says ("{" TIME ",\"kind\":1,\"verified\":false," SUM "}",
            "the line was changed: it is not what its sum says");
}
END_TEST

// A record is never so large: it would not fit into a batch.
START_TEST (more_than_a_batch_holds_is_wrong)
{
    static char line[400000], digits[2 * BATCH_MAX + 1];
    memset (digits, 'a', 2 * BATCH_MAX);
    snprintf (line, sizeof line, "{" TIME ",\"kind\":1,\"text-hex\":\"%s\"," SUM "}", digits);
    s_says (line, "too long a record");
    snprintf (line, sizeof line,
              "{" TIME ",\"kind\":1,\"options\":[[77,\"%s\"],[78,\"%s\"]]," SUM "}", digits,
              digits);
    s_says (line, "options are wrong");
}
END_TEST

// The reader of a log has no such records; nothing may hang on one all the same.
START_TEST (options_that_are_none_end)
{
    record_t record = {.kind = RECORD_TRIM, .options = span ("\xff", 1)};
    s_print (&record, 1);
    ck_assert_ptr_nonnull (strstr (s_line, "\"options\":[[0,\"\"]]"));
}
END_TEST

START_TEST (number_that_is_none_is_digits)
{
    uint8_t bytes[16];
    writer_t put = writer (bytes, sizeof bytes);
    record_put_option (&put, RECORD_OPT_WHY, "\xff", 1);
    record_t record = {.kind = RECORD_TRIM, .options = span (bytes, writer_used (&put))};
    s_round (&record, 1);
    ck_assert_ptr_nonnull (strstr (s_line, "[\"why\",\"ff\"]"));
}
END_TEST

START_TEST (changed_lines_are_wrong)
{
    s_is_wrong ("\"hi\"", "\"ha\"");
    s_is_wrong ("\"hi\"", "\"h\\u0000i\"");
    s_is_wrong ("07:00:00.123456", "07:00:00.123457");
    s_is_wrong ("123456Z", "123456Zx");
    s_is_wrong ("2026-11-22", "2026-11-31");
    s_is_wrong ("2026-11-22", "2026-13-22");
    s_is_wrong ("\"counter\":7", "\"counter\":8");
    s_is_wrong ("\"counter\":7", "\"counter\":-7");
    s_is_wrong ("\"counter\":7", "\"counter\":7.5");
    s_is_wrong ("\"counter\":7,", "");
    s_is_wrong ("\"random\":9", "\"random\":10");
    s_is_wrong ("\"author\":\"01", "\"author\":\"0g");
    s_is_wrong ("\"author\":\"01", "\"author\":\"02");
    s_is_wrong ("\"device\":\"02", "\"device\":\"0");
    s_is_wrong ("\"device\":\"02", "\"device\":\"0202");
    s_is_wrong ("\"message\"", "\"join\"");
    s_is_wrong ("\"message\"", "\"nothing\"");
    s_is_wrong ("\"message\"", "\"unknown\"");
    s_is_wrong ("\"nick\":", "\"nick-hex\":");
    s_is_wrong ("\"nick\":\"ann\",", "");
    s_is_wrong ("\"nick\":\"ann\"", "\"nick\":\"ann\",\"verified\":true");
    s_is_wrong ("\"nick\":\"ann\"", "\"nick\":\"ann\",\"nick\":\"ann\"");
    s_is_wrong ("\"nick\":\"ann\"", "\"nick\":\"ann\",\"other\":1");
    s_is_wrong ("\"nick\":\"ann\"", "\"nick\":\"ann\",\"options\":[[]]");
    s_is_wrong ("\"nick\":\"ann\"", "\"nick\":\"ann\",\"options\":{}");
    s_is_wrong ("\"sum\":\"", "\"sum\":\"0");
    s_is_wrong ("\"sum\":", "\"sam\":");
    s_is_wrong ("{", "[");
    s_is_wrong ("}", "} x");
}
END_TEST

START_TEST (garbage_is_wrong_and_harmless)
{
    dice_t chance = dice_new ("garbage_is_wrong_and_harmless");
    record_t record = {.kind = RECORD_MESSAGE, .text = span_of ("hi"), .author = {{1}}};
    uint64_t seq;
    for (int i = 0; i < 20000; i++) {
        s_print (&record, 1);
        s_line[dice (&chance, s_size - 1)] = (char)dice_u64 (&chance);
        jsonl_t *line = jsonl_new (s_line, dice (&chance, 5) ? s_size : dice (&chance, s_size));
        record_t read;
        jsonl_record (line, &read, &seq);
        (void)jsonl_wrong (line);
        jsonl_destroy (&line);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("jsonl");
    tcase_add_checked_fixture (cases, NULL, s_teardown);
    tcase_add_test (cases, record_is_readable);
    tcase_add_test (cases, any_record_survives);
    tcase_add_test (cases, bytes_that_are_no_text_are_digits);
    tcase_add_test (cases, options_have_names_where_they_have_one);
    tcase_add_test (cases, option_with_a_huge_number_survives);
    tcase_add_test (cases, one_line_says_nothing_about_the_next);
    tcase_add_test (cases, what_is_wrong_is_said);
    tcase_add_test (cases, more_than_a_batch_holds_is_wrong);
    tcase_add_test (cases, options_that_are_none_end);
    tcase_add_test (cases, number_that_is_none_is_digits);
    tcase_add_test (cases, changed_lines_are_wrong);
    tcase_add_test (cases, garbage_is_wrong_and_harmless);
    return kit_run (cases, "jsonl");
}
