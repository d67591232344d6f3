#include "user/view.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// 2026-11-22T07:00:00.123456Z
static const int64_t TIME = INT64_C (1795330800) * 1000000 + 123456;

static void s_in_utc (void)
{
    setenv ("TZ", "UTC", 1);
    tzset ();
}

static guid_t s_guid (const char *text)
{
    guid_t guid;
    ck_assert_int_eq (guid_parse (&guid, text, strlen (text)), 0);
    return guid;
}

#define ANN "11111111-2222-4333-8444-555555555555"
#define BOB "66666666-7777-4888-8999-aaaaaaaaaaaa"

static record_t s_record (record_kind_t kind, const char *nick, const char *text)
{
    return (record_t){.kind = kind,
                      .seq = 7,
                      .time = TIME,
                      .author = s_guid (ANN),
                      .nick = span_of (nick),
                      .text = span_of (text)};
}

static void s_expect (char *got, const char *wanted)
{
    ck_assert_ptr_nonnull (got);
    ck_assert_str_eq (got, wanted);
    free (got);
}

// One record's text behind its date line.
static void s_expect_text (const record_t *record, const char *wanted)
{
    view_t *view = view_new (false, 0);
    char *got = view_record (view, "cats", false, record);
    ck_assert_ptr_nonnull (got);
    const char *day = "--- 2026-11-22 ---\n";
    ck_assert_int_eq (strncmp (got, day, strlen (day)), 0);
    ck_assert_str_eq (got + strlen (day), wanted);
    free (got);
    view_destroy (&view);
    ck_assert_ptr_null (view);
}

static void s_expect_json (const record_t *record, const char *wanted)
{
    view_t *view = view_new (true, 40);
    s_expect (view_record (view, "cats", false, record), wanted);
    view_destroy (&view);
}

START_TEST (json_message_has_all_fields_in_order)
{
    record_t record = s_record (RECORD_MESSAGE, "ann", "hi");
    s_expect_json (&record,
                   "{\"seq\":7,\"time\":\"2026-11-22T07:00:00.123456Z\",\"group\":\"cats\","
                   "\"kind\":\"message\",\"author\":\"" ANN "\",\"nick\":\"ann\","
                   "\"text\":\"hi\"}\n");
}
END_TEST

START_TEST (json_says_verified_only_where_proved)
{
    record_t record = s_record (RECORD_JOIN, "ann", NULL);
    record.flags = RECORD_VERIFIED;
    s_expect_json (&record,
                   "{\"seq\":7,\"time\":\"2026-11-22T07:00:00.123456Z\",\"group\":\"cats\","
                   "\"kind\":\"join\",\"author\":\"" ANN "\",\"nick\":\"ann\","
                   "\"verified\":true}\n");
}
END_TEST

START_TEST (json_has_null_for_no_nick_and_no_author)
{
    record_t record = s_record (RECORD_OPEN, NULL, NULL);
    memset (&record.author, 0, sizeof record.author);
    record.time = 5;
    s_expect_json (&record,
                   "{\"seq\":7,\"time\":\"1970-01-01T00:00:00.000005Z\",\"group\":\"cats\","
                   "\"kind\":\"open\",\"author\":null,\"nick\":null}\n");
}
END_TEST

START_TEST (json_topic_is_named_topic)
{
    record_t record = s_record (RECORD_TOPIC, "ann", "fur");
    s_expect_json (&record,
                   "{\"seq\":7,\"time\":\"2026-11-22T07:00:00.123456Z\",\"group\":\"cats\","
                   "\"kind\":\"topic\",\"author\":\"" ANN "\",\"nick\":\"ann\","
                   "\"topic\":\"fur\"}\n");
}
END_TEST

// The text that a JSON line carries.
static void s_expect_carried (const char *text, size_t size, const char *wanted)
{
    view_t *view = view_new (true, 0);
    record_t record = s_record (RECORD_MESSAGE, "ann", NULL);
    record.text = span (text, size);
    char *line = view_record (view, "cats", false, &record);
    ck_assert_ptr_nonnull (line);
    ck_assert_ptr_eq (strchr (line, '\n'), line + strlen (line) - 1); // one line
    json_t *object = json_loads (line, 0, NULL);
    ck_assert_ptr_nonnull (object);
    ck_assert_str_eq (json_string_value (json_object_get (object, "text")), wanted);
    json_decref (object);
    free (line);
    view_destroy (&view);
}

START_TEST (json_carries_every_text_in_one_line)
{
    s_expect_carried ("a\nb\t\"c\"\\", 8, "a\nb\t\"c\"\\");
    s_expect_carried ("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
    s_expect_carried ("a\xff", 2, "a\\xff"); // no UTF-8: no JSON string can hold it
}
END_TEST

START_TEST (json_never_holds_a_raw_control)
{
    view_t *view = view_new (true, 0);
    record_t record = s_record (RECORD_MESSAGE, "ann",
                                "\xc2\x9b"
                                "2J\x7f");
    char *line = view_record (view, "cats", false, &record);
    ck_assert_ptr_null (strstr (line, "\xc2\x9b"));
    ck_assert_ptr_nonnull (strstr (line, "\"\\u009B2J\\u007F\""));
    free (line);
    view_destroy (&view);
}
END_TEST

START_TEST (message_is_time_nick_text)
{
    record_t record = s_record (RECORD_MESSAGE, "ann", "hi");
    s_expect_text (&record, "07:00:00 ann: hi\n");
    record.nick = span_of (NULL);
    s_expect_text (&record, "07:00:00 11111111: hi\n");
}
END_TEST

START_TEST (further_lines_are_indented)
{
    record_t record = s_record (RECORD_MESSAGE, "ann", "hi\n07:00:00 bob: I am bob\n");
    s_expect_text (&record, "07:00:00 ann: hi\n         07:00:00 bob: I am bob\n         \n");
}
END_TEST

START_TEST (remote_text_cannot_steer_the_terminal)
{
    record_t record = s_record (RECORD_MESSAGE, "a\rb\x1b[1m", "x\r07:00:00 bob: y\x1b[2J");
    s_expect_text (&record, "07:00:00 a\\u{0d}b\\u{1b}[1m: x\\u{0d}07:00:00 bob: y\\u{1b}[2J\n");
    record = s_record (RECORD_TOPIC, "ann", "a\nb");
    s_expect_text (&record, "07:00:00 * ann set the topic: a\\u{0a}b\n");
    record = s_record (RECORD_JOIN, "ann\n", NULL);
    s_expect_text (&record, "07:00:00 * ann\\u{0a} joined\n");
}
END_TEST

START_TEST (date_line_stands_at_each_new_day)
{
    view_t *view = view_new (false, 0);
    record_t record = s_record (RECORD_MESSAGE, "ann", "hi");
    s_expect (view_record (view, "cats", false, &record), "--- 2026-11-22 ---\n07:00:00 ann: hi\n");
    s_expect (view_record (view, "cats", false, &record), "07:00:00 ann: hi\n");
    record.time += INT64_C (17 * 3600) * 1000000;
    s_expect (view_record (view, "cats", false, &record), "--- 2026-11-23 ---\n00:00:00 ann: hi\n");
    view_destroy (&view);
}
END_TEST

START_TEST (days_and_times_are_local)
{
    setenv ("TZ", "XXX-14", 1);
    tzset ();
    view_t *view = view_new (false, 0);
    record_t record = s_record (RECORD_MESSAGE, "ann", "hi");
    record.time += INT64_C (3 * 3600) * 1000000;
    s_expect (view_record (view, "cats", false, &record), "--- 2026-11-23 ---\n00:00:00 ann: hi\n");
    view_destroy (&view);
    view = view_new (true, 0);
    char *line = view_record (view, "cats", false, &record);
    ck_assert_ptr_nonnull (strstr (line, "\"time\":\"2026-11-22T10:00:00.123456Z\""));
    free (line);
    view_destroy (&view);
}
END_TEST

START_TEST (groups_are_named_when_there_are_several)
{
    view_t *view = view_new (false, 0);
    view_name_groups (view, true);
    record_t record = s_record (RECORD_MESSAGE, "ann", "hi");
    s_expect (view_record (view, "cats", false, &record),
              "--- 2026-11-22 ---\n07:00:00 [cats] ann: hi\n");
    record = s_record (RECORD_JOIN, "bob", NULL);
    s_expect (view_record (view, "dogs", false, &record), "07:00:00 [dogs] * bob joined\n");
    view_destroy (&view);
}
END_TEST

START_TEST (long_message_is_broken_and_indented_on_a_terminal)
{
    view_t *view = view_new (false, 24);
    record_t record = s_record (RECORD_MESSAGE, "ann", "one two three          07:00:00 bob: no");
    s_expect (view_record (view, "cats", false, &record),
              "--- 2026-11-22 ---\n07:00:00 ann: one two \n         three          \n"
              "         07:00:00 bob: \n         no\n");
    record = s_record (RECORD_TOPIC, "ann", "x              07:00:00 bob: no");
    s_expect (view_record (view, "cats", false, &record),
              "07:00:00 * ann set the \n         topic: x       \n               07:00:00 \n"
              "         bob: no\n");
    view_group_t group = {.name = "cats", .log = ANN, .trouble = "", .topic = "07:00:00 bob: no"};
    s_expect (view_group (view, &group),
              "cats              0 \n                  members,\n                  0 online\n"
              "                   #0  \n                  07:00:00\n                  bob: no\n");
    view_destroy (&view);
}
END_TEST

START_TEST (rename_names_the_old_nick_when_it_was_seen)
{
    view_t *view = view_new (false, 0);
    record_t record = s_record (RECORD_NICK, "anna", NULL);
    s_expect (view_record (view, "cats", false, &record),
              "--- 2026-11-22 ---\n07:00:00 * 11111111 is now anna\n");
    record.nick = span_of ("annie");
    record.seq = 8;
    s_expect (view_record (view, "cats", false, &record), "07:00:00 * anna is now annie\n");
    record.author = s_guid (BOB);
    s_expect (view_record (view, "cats", false, &record), "07:00:00 * 66666666 is now annie\n");
    view_destroy (&view);
}
END_TEST

// What one record shows, behind the first one's date line.
static void s_step (view_t *view, const char *group, record_kind_t kind, const char *who,
                    uint64_t seq, const char *nick, const char *wanted)
{
    record_t record = s_record (kind, nick, kind == RECORD_MESSAGE ? "hi" : NULL);
    record.author = s_guid (who);
    record.seq = seq;
    char *got = view_record (view, group, false, &record);
    ck_assert_ptr_nonnull (strstr (got, wanted));
    free (got);
}

START_TEST (nicks_are_remembered_whoever_else_speaks)
{
    view_t *view = view_new (false, 0);
    s_step (view, "cats", RECORD_JOIN, ANN, 1, "ann", "* ann joined");
    // Of all UUIDs that others have, some look like hers.
    for (int i = 0; i < 200; i++) {
        char bob[GUID_TEXT] = ANN;
        sprintf (bob, "%08x", i);
        bob[8] = '-';
        s_step (view, "cats", RECORD_JOIN, bob, 2, "bob", "* bob joined");
    }
    s_step (view, "cats", RECORD_NICK, ANN, 3, "anna", "* ann is now anna");
    view_destroy (&view);
}
END_TEST

START_TEST (page_of_history_changes_no_nick_of_today)
{
    view_t *view = view_new (false, 0);
    s_step (view, "cats", RECORD_NICK, ANN, 9, "ann", "is now ann");
    s_step (view, "cats", RECORD_JOIN, ANN, 2, "first", "first joined");
    s_step (view, "cats", RECORD_NICK, ANN, 5, "second", "* first is now second");
    s_step (view, "cats", RECORD_NICK, ANN, 9, "ann", "* second is now ann");
    s_step (view, "cats", RECORD_JOIN, ANN, 2, "first", "first joined");
    s_step (view, "cats", RECORD_NICK, ANN, 10, "anna", "* ann is now anna");
    view_destroy (&view);
}
END_TEST

START_TEST (nicks_are_a_groups_own)
{
    view_t *view = view_new (false, 0);
    s_step (view, "cats", RECORD_JOIN, ANN, 1, "ann", "ann joined");
    s_step (view, "dogs", RECORD_JOIN, ANN, 1, "ann-2", "ann-2 joined");
    s_step (view, "cats", RECORD_NICK, ANN, 5, "x", "* ann is now x");
    s_step (view, "dogs", RECORD_NICK, ANN, 5, "x", "* ann-2 is now x");
    view_destroy (&view);
}
END_TEST

START_TEST (more_authors_than_are_remembered_push_out_the_oldest)
{
    view_t *view = view_new (false, 0);
    s_step (view, "cats", RECORD_JOIN, BOB, 1, "bob", "bob joined");
    s_step (view, "cats", RECORD_JOIN, ANN, 2, "ann", "ann joined");
    for (int i = 0; i < 255; i++) {
        char other[GUID_TEXT];
        sprintf (other, "%08x-2222-4333-8444-555555555555", i);
        s_step (view, "cats", RECORD_MESSAGE, other, 3, "o", "o: hi");
    }
    s_step (view, "cats", RECORD_NICK, ANN, 4, "anna", "* ann is now anna");
    s_step (view, "cats", RECORD_NICK, BOB, 5, "bobby", "* 66666666 is now bobby");
    view_destroy (&view);
}
END_TEST

// A record of a deed to BOB, who was seen before, in both forms.
static void s_expect_deed (record_kind_t kind, const char *text, const char *json)
{
    uint8_t bytes[80], key[32];
    writer_t out = writer (bytes, sizeof bytes);
    guid_t bob = s_guid (BOB);
    memset (key, 0xab, sizeof key);
    record_put_option (&out, RECORD_OPT_SUBJECT, bob.bytes, GUID_SIZE);
    if (kind == RECORD_ADD_KEY || kind == RECORD_REMOVE_KEY)
        record_put_option (&out, RECORD_OPT_KEY, key, sizeof key);
    record_t deed = s_record (kind, "ann", NULL);
    deed.options = span (bytes, writer_used (&out));
    view_t *view = view_new (false, 0);
    s_step (view, "cats", RECORD_JOIN, BOB, 1, "bob\x1b", "joined");
    char *got = view_record (view, "cats", false, &deed);
    ck_assert_str_eq (got, text);
    free (got);
    view_destroy (&view);
    view = view_new (true, 0);
    got = view_record (view, "cats", false, &deed);
    ck_assert_ptr_nonnull (strstr (got, json));
    ck_assert_ptr_nonnull (strstr (got, "\"subject\":\"" BOB "\""));
    free (got);
    view_destroy (&view);
}

START_TEST (deeds_name_whom_they_are_about)
{
    s_expect_deed (RECORD_INVITE, "07:00:00 * ann invited bob\\u{1b}\n", "\"kind\":\"invite\"");
    s_expect_deed (RECORD_KICK, "07:00:00 * ann removed bob\\u{1b} from the group\n",
                   "\"kind\":\"kick\"");
    s_expect_deed (RECORD_BAN, "07:00:00 * ann banned bob\\u{1b}\n", "\"kind\":\"ban\"");
    s_expect_deed (RECORD_UNBAN, "07:00:00 * ann lifted the ban on bob\\u{1b}\n",
                   "\"kind\":\"unban\"");
    s_expect_deed (RECORD_MUTE, "07:00:00 * ann muted bob\\u{1b}\n", "\"kind\":\"mute\"");
    s_expect_deed (RECORD_UNMUTE, "07:00:00 * ann unmuted bob\\u{1b}\n", "\"kind\":\"unmute\"");
    s_expect_deed (RECORD_OP, "07:00:00 * ann made bob\\u{1b} an operator\n", "\"kind\":\"op\"");
    s_expect_deed (RECORD_DEOP, "07:00:00 * ann made bob\\u{1b} a plain member\n",
                   "\"kind\":\"deop\"");
    s_expect_deed (RECORD_ADD_KEY, "07:00:00 * ann added a key for bob\\u{1b} (abababab...)\n",
                   "\"key\":\"abababababababababababababababababababababababababababababababab\"");
    s_expect_deed (RECORD_REMOVE_KEY, "07:00:00 * ann removed a key of bob\\u{1b} (abababab...)\n",
                   "\"kind\":\"remove-key\"");
}
END_TEST

START_TEST (deed_without_a_subject_is_shown_too)
{
    record_t deed = s_record (RECORD_KICK, "ann", NULL);
    s_expect_text (&deed, "07:00:00 * ann removed ? from the group\n");
    view_t *view = view_new (true, 0);
    char *got = view_record (view, "cats", false, &deed);
    ck_assert_ptr_nonnull (strstr (got, "\"subject\":null"));
    free (got);
    view_destroy (&view);
}
END_TEST

START_TEST (unproved_messages_are_marked_where_proof_is_possible)
{
    view_t *view = view_new (false, 0);
    record_t record = s_record (RECORD_MESSAGE, "ann", "hi");
    s_expect (view_record (view, "cats", true, &record),
              "--- 2026-11-22 ---\n07:00:00 ann (unverified): hi\n");
    s_expect (view_record (view, "cats", false, &record), "07:00:00 ann: hi\n");
    record.flags = RECORD_VERIFIED;
    s_expect (view_record (view, "cats", true, &record), "07:00:00 ann: hi\n");
    view_destroy (&view);
}
END_TEST

START_TEST (every_kind_has_a_sentence)
{
    uint8_t bytes[32];
    writer_t out = writer (bytes, sizeof bytes);
    record_put_number (&out, RECORD_OPT_OLDEST, 9);
    record_put_number (&out, RECORD_OPT_WHY, RECORD_WHY_AGE);
    record_t record = {.kind = RECORD_TRIM, .time = TIME, .options = {bytes, writer_used (&out)}};
    s_expect_text (&record, "07:00:00 * what was before #9 is gone: too old\n");
    out = writer (bytes, sizeof bytes);
    record_put_number (&out, RECORD_OPT_FROM, 3);
    record_put_number (&out, RECORD_OPT_TO, 4);
    record = (record_t){.kind = RECORD_HOLE, .time = TIME, .options = {bytes, writer_used (&out)}};
    s_expect_text (&record, "07:00:00 * #3 to #4 are damaged and gone\n");
    record = (record_t){.kind = RECORD_OPEN, .time = TIME};
    s_expect_text (&record, "07:00:00 * the group was started\n");
    record.kind = RECORD_ACCEPT;
    s_expect_text (&record, "07:00:00 * the operator accepted the log as it is\n");
    record.kind = 77;
    s_expect_text (&record, "07:00:00 * something this program does not know (kind 77)\n");
    record = s_record (RECORD_LEAVE, "ann", NULL);
    s_expect_text (&record, "07:00:00 * ann left\n");
    record = s_record (RECORD_TOPIC, "ann", NULL);
    s_expect_text (&record, "07:00:00 * ann removed the topic\n");
}
END_TEST

static const char *const s_endpoints[] = {"tcp://127.0.0.1:2001", "tcp://[::1]:2001"};

START_TEST (group_in_both_forms)
{
    view_t *json = view_new (true, 0), *text = view_new (false, 0);
    view_group_t group = {.name = "cats",
                          .endpoints = s_endpoints,
                          .endpoint_count = 2,
                          .log = ANN,
                          .state = "in doubt",
                          .trouble = "in doubt: so",
                          .conflict = true,
                          .members = 3,
                          .online = 1,
                          .seq = 42,
                          .topic = "fur\x1b"};
    s_expect (view_group (json, &group),
              "{\"name\":\"cats\",\"endpoints\":[\"tcp://127.0.0.1:2001\",\"tcp://[::1]:2001\"],"
              "\"log\":\"" ANN "\",\"members\":3,\"online\":1,\"seq\":42,\"topic\":\"fur\\u001B\","
              "\"state\":\"in doubt\",\"conflict\":true}\n");
    s_expect (view_group (text, &group), "cats              3 members, 1 online  #42  "
                                         "tcp://127.0.0.1:2001 tcp://[::1]:2001  (in doubt: so)  "
                                         "fur\\u{1b}\n");
    view_destroy (&json);
    view_destroy (&text);
}
END_TEST

START_TEST (group_of_the_original_system_has_only_its_address)
{
    view_t *json = view_new (true, 0), *text = view_new (false, 0);
    view_group_t group = {
        .name = "Old", .endpoints = s_endpoints, .endpoint_count = 1, .trouble = "", .topic = ""};
    s_expect (view_group (json, &group),
              "{\"name\":\"Old\",\"endpoints\":[\"tcp://127.0.0.1:2001\"],\"log\":null,"
              "\"members\":null,\"online\":null,\"seq\":null,\"topic\":null,"
              "\"state\":null,\"conflict\":false}\n");
    s_expect (view_group (text, &group), "Old               tcp://127.0.0.1:2001\n");
    view_destroy (&json);
    view_destroy (&text);
}
END_TEST

START_TEST (member_in_both_forms)
{
    view_t *json = view_new (true, 0), *text = view_new (false, 0);
    view_member_t member = {s_guid (ANN), "\xe7\x8c\xab", true, "member"};
    s_expect (view_member (json, &member),
              "{\"uuid\":\"" ANN "\",\"nick\":\"\xe7\x8c\xab\",\"online\":true,"
              "\"role\":\"member\"}\n");
    s_expect (view_member (text, &member),
              "\xe7\x8c\xab                online   " ANN "  member\n");
    member.nick = NULL;
    member.online = false;
    s_expect (view_member (json, &member),
              "{\"uuid\":\"" ANN "\",\"nick\":null,\"online\":false,\"role\":\"member\"}\n");
    s_expect (view_member (text, &member), "-                 away     " ANN "  member\n");
    view_destroy (&json);
    view_destroy (&text);
}
END_TEST

START_TEST (identity_in_both_forms)
{
    view_t *json = view_new (true, 0), *text = view_new (false, 0);
    guid_t uuid = s_guid (ANN);
    uint8_t key[32] = {0xab, 0xcd};
#define ZEROS "000000000000000000000000000000000000000000000000000000000000"
    s_expect (view_identity (json, &uuid, "ann", key),
              "{\"uuid\":\"" ANN "\",\"nick\":\"ann\",\"key\":\"abcd" ZEROS "\"}\n");
    s_expect (view_identity (text, &uuid, "ann", key),
              "uuid  " ANN "\nnick  ann\nkey   abcd" ZEROS "\n");
    view_destroy (&json);
    view_destroy (&text);
}
END_TEST

START_TEST (sent_in_both_forms)
{
    view_t *json = view_new (true, 0), *text = view_new (false, 0);
    s_expect (view_sent (json, "cats", 7, TIME),
              "{\"group\":\"cats\",\"seq\":7,\"time\":\"2026-11-22T07:00:00.123456Z\"}\n");
    s_expect (view_sent (text, "cats", 7, TIME), "#7\n");
    view_destroy (&json);
    view_destroy (&text);
}
END_TEST

START_TEST (change_in_both_forms)
{
    view_t *json = view_new (true, 0), *text = view_new (false, 0);
    s_expect (view_done (json, "cats", "ann", 7, TIME, "joined"),
              "{\"group\":\"cats\",\"nick\":\"ann\",\"seq\":7,"
              "\"time\":\"2026-11-22T07:00:00.123456Z\"}\n");
    s_expect (view_done (json, "cats", NULL, 7, TIME, "left"),
              "{\"group\":\"cats\",\"seq\":7,\"time\":\"2026-11-22T07:00:00.123456Z\"}\n");
    s_expect (view_done (text, "cats", "ann", 7, TIME, "joined as a\x1b"), "joined as a\\u{1b}\n");
    view_destroy (&json);
    view_destroy (&text);
}
END_TEST

START_TEST (topic_in_both_forms)
{
    view_t *json = view_new (true, 0), *text = view_new (false, 0);
    s_expect (view_topic (json, "cats", ""), "{\"group\":\"cats\",\"topic\":\"\"}\n");
    s_expect (view_topic (text, "cats", ""), "");
    s_expect (view_topic (text, "cats", "a\nb"), "a\\u{0a}b\n");
    view_destroy (&json);
    view_destroy (&text);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("view");
    tcase_add_checked_fixture (cases, s_in_utc, NULL);
    tcase_add_test (cases, json_message_has_all_fields_in_order);
    tcase_add_test (cases, json_says_verified_only_where_proved);
    tcase_add_test (cases, json_has_null_for_no_nick_and_no_author);
    tcase_add_test (cases, json_topic_is_named_topic);
    tcase_add_test (cases, json_carries_every_text_in_one_line);
    tcase_add_test (cases, json_never_holds_a_raw_control);
    tcase_add_test (cases, message_is_time_nick_text);
    tcase_add_test (cases, further_lines_are_indented);
    tcase_add_test (cases, remote_text_cannot_steer_the_terminal);
    tcase_add_test (cases, date_line_stands_at_each_new_day);
    tcase_add_test (cases, days_and_times_are_local);
    tcase_add_test (cases, groups_are_named_when_there_are_several);
    tcase_add_test (cases, long_message_is_broken_and_indented_on_a_terminal);
    tcase_add_test (cases, rename_names_the_old_nick_when_it_was_seen);
    tcase_add_test (cases, nicks_are_remembered_whoever_else_speaks);
    tcase_add_test (cases, page_of_history_changes_no_nick_of_today);
    tcase_add_test (cases, nicks_are_a_groups_own);
    tcase_add_test (cases, more_authors_than_are_remembered_push_out_the_oldest);
    tcase_add_test (cases, deeds_name_whom_they_are_about);
    tcase_add_test (cases, deed_without_a_subject_is_shown_too);
    tcase_add_test (cases, unproved_messages_are_marked_where_proof_is_possible);
    tcase_add_test (cases, every_kind_has_a_sentence);
    tcase_add_test (cases, group_in_both_forms);
    tcase_add_test (cases, group_of_the_original_system_has_only_its_address);
    tcase_add_test (cases, member_in_both_forms);
    tcase_add_test (cases, identity_in_both_forms);
    tcase_add_test (cases, sent_in_both_forms);
    tcase_add_test (cases, change_in_both_forms);
    tcase_add_test (cases, topic_in_both_forms);
    Suite *suite = suite_create ("view");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
