#include "user/command.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const command_t s_table[] = {
    {.name = "chat", .usage = "[GROUP...]", .max = COMMAND_MANY, .summary = "Talk", .help = ""},
    {.name = "groups", .usage = "", .summary = "List", .help = ""},
    {.name = "send",
     .usage = "GROUP [TEXT...|-|--lines]",
     .min = 2,
     .max = COMMAND_MANY,
     .options = COMMAND_LINES,
     .text = true,
     .summary = "Send",
     .help = "More of send.\n"},
    {.name = "messages",
     .usage = "GROUP",
     .min = 1,
     .max = 1,
     .options = COMMAND_AFTER | COMMAND_BEFORE | COMMAND_LIMIT,
     .summary = "Read",
     .help = ""},
    {.name = "follow",
     .usage = "GROUP...",
     .min = 1,
     .max = COMMAND_MANY,
     .options = COMMAND_AFTER | COMMAND_COUNT,
     .summary = "Follow",
     .help = ""},
};

enum { ROWS = sizeof s_table / sizeof s_table[0] };

static command_line_t s_line;
static char s_error[COMMAND_ERROR];
static char s_words[500];
static char *s_argv[40];

// Words are apart by '|', so that they may hold blanks.
static int s_parse (const char *words)
{
    int argc = 0;
    char *rest = s_words;
    snprintf (s_words, sizeof s_words, "zchat|%s", words);
    while (rest)
        s_argv[argc++] = strsep (&rest, "|");
    if (!*words)
        argc = 1;
    s_argv[argc] = NULL;
    return command_parse (&s_line, s_table, ROWS, &s_table[0], argc, s_argv, 0, s_error);
}

static void s_expect (const char *words, const char *command, const char *args)
{
    char joined[500] = "";
    ck_assert_msg (s_parse (words) == 0, "%s: %s", words, s_error);
    ck_assert_str_eq (s_line.command->name, command);
    for (size_t i = 0; i < s_line.arg_count; i++) {
        strcat (joined, i > 0 ? "|" : "");
        strcat (joined, s_line.args[i]);
    }
    ck_assert_str_eq (joined, args);
}

static void s_refuse (const char *words, const char *error)
{
    ck_assert_msg (s_parse (words) == -1, "%s is taken", words);
    ck_assert_str_eq (s_error, error);
}

START_TEST (nothing_is_the_standard_command)
{
    s_expect ("", "chat", "");
    ck_assert_int_eq (s_line.timeout, 5000);
    ck_assert (!s_line.json && !s_line.has_uuid && !s_line.has_after && !s_line.lines);
    s_expect ("--json", "chat", "");
    s_expect ("chat|a|b", "chat", "a|b");
}
END_TEST

START_TEST (options_stand_before_or_after_the_command)
{
    s_expect ("--json|messages|cats", "messages", "cats");
    ck_assert (s_line.json);
    s_expect ("messages|--json|cats|--limit|5", "messages", "cats");
    ck_assert (s_line.json);
    ck_assert_uint_eq (s_line.limit, 5);
    s_expect ("--limit=7|messages|cats", "messages", "cats");
    ck_assert_uint_eq (s_line.limit, 7);
    s_expect ("follow|a|--count|3|b", "follow", "a|b");
    ck_assert_uint_eq (s_line.count, 3);
}
END_TEST

START_TEST (registries_and_folder)
{
    s_expect ("-r|tcp://a:1|groups|-rtcp://b:2|--registry=tcp://c:3|-c|/x", "groups", "");
    ck_assert_uint_eq (s_line.registry_count, 3);
    ck_assert_str_eq (s_line.registries[0], "tcp://a:1");
    ck_assert_str_eq (s_line.registries[1], "tcp://b:2");
    ck_assert_str_eq (s_line.registries[2], "tcp://c:3");
    ck_assert_str_eq (s_line.folder, "/x");
    ck_assert_int_eq (s_parse ("-r|nonsense|groups"), -1);
    ck_assert_ptr_nonnull (strstr (s_error, "--registry 'nonsense': "));
    char words[400] = "groups";
    for (int i = 0; i < COMMAND_REGISTRIES; i++)
        strcat (words, "|-r|tcp://a:1");
    ck_assert_int_eq (s_parse (words), 0);
    strcat (words, "|-r|tcp://a:1");
    s_refuse (words, "--registry can be given 16 times");
}
END_TEST

START_TEST (timeout_is_seconds)
{
    s_expect ("groups|--timeout|2.5", "groups", "");
    ck_assert_int_eq (s_line.timeout, 2500);
    const char *const wrong[] = {"0", "-1", "x", "1x", "", "nan", "1e3", "86401", "1.2.3"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char words[60], error[100];
        snprintf (words, sizeof words, "groups|--timeout=%s", wrong[i]);
        snprintf (error, sizeof error, "--timeout '%s': 0.001 to 86400 seconds", wrong[i]);
        s_refuse (words, error);
    }
}
END_TEST

START_TEST (numbers_are_positive_and_bounded)
{
    s_expect ("messages|a|--limit|4294967295", "messages", "a");
    ck_assert_uint_eq (s_line.limit, UINT32_MAX);
    s_refuse ("messages|a|--limit|4294967296",
              "--limit '4294967296': a number from 1 to 4294967295");
    s_refuse ("messages|a|--limit|0", "--limit '0': a number from 1 to 4294967295");
    s_refuse ("messages|a|--limit|-1", "--limit '-1': a number from 1 to 4294967295");
    s_refuse ("messages|a|--limit|1x", "--limit '1x': a number from 1 to 4294967295");
    s_refuse ("messages|a|--limit| 1", "--limit ' 1': a number from 1 to 4294967295");
    s_refuse ("follow|a|--count|99999999999999999999",
              "--count '99999999999999999999': a number from 1 to 9223372036854775807");
}
END_TEST

START_TEST (moments_may_begin_with_a_dash)
{
    s_expect ("messages|a|--after|-15m|--before|#7", "messages", "a");
    ck_assert (s_line.has_after && s_line.has_before && s_line.before.is_seq);
    ck_assert_uint_eq (s_line.before.seq, 7);
    s_refuse ("messages|a|--after|25:00:00", "--after '25:00:00': there is no such time of day");
}
END_TEST

START_TEST (uuid_is_read)
{
    s_expect ("groups|--uuid|11111111-2222-4333-8444-555555555555", "groups", "");
    ck_assert (s_line.has_uuid);
    ck_assert_uint_eq (s_line.uuid.bytes[0], 0x11);
    s_refuse ("groups|--uuid|x", "--uuid 'x': no UUID");
    s_refuse ("groups|--uuid|00000000-0000-0000-0000-000000000000",
              "--uuid '00000000-0000-0000-0000-000000000000': no UUID");
}
END_TEST

START_TEST (what_follows_a_group_is_text)
{
    s_expect ("send|cats|hi|--json|-r|--|-", "send", "cats|hi|--json|-r|--|-");
    ck_assert (!s_line.json && !s_line.lines && !s_line.from_stdin);
    s_expect ("send|--json|cats|--help", "send", "cats|--help");
    ck_assert (s_line.json && !s_line.help);
    s_expect ("send|cats|--|--lines", "send", "cats|--lines");
    ck_assert (!s_line.lines);
    s_expect ("send|cats|--|-", "send", "cats|-");
    ck_assert (!s_line.from_stdin);
    s_expect ("send|cats|-x", "send", "cats|-x");
    s_expect ("send|--|-cats|--lines", "send", "-cats");
    ck_assert (s_line.lines);
}
END_TEST

START_TEST (stdin_stands_in_for_the_text)
{
    s_expect ("send|cats|-", "send", "cats");
    ck_assert (s_line.from_stdin);
    s_expect ("send|cats|--lines", "send", "cats");
    ck_assert (s_line.lines);
    s_expect ("send|--lines|cats", "send", "cats");
    ck_assert (s_line.lines);
    s_refuse ("send|cats|-|hi", "'send' takes either a text or stdin");
    s_refuse ("send|cats|--lines|--json", "'send' takes either a text or stdin");
    s_refuse ("send|--lines|cats|-", "'-' and --lines exclude each other");
}
END_TEST

START_TEST (double_dash_ends_the_options)
{
    s_expect ("follow|--|-a|--count", "follow", "-a|--count");
    s_expect ("follow|-", "follow", "-");
}
END_TEST

START_TEST (wrong_words_are_told)
{
    s_refuse ("dance", "there is no command 'dance'");
    s_refuse ("groups|--loud", "there is no option '--loud'");
    s_refuse ("groups|-x", "there is no option '-x'");
    s_refuse ("groups|--jso", "there is no option '--jso'");
    s_refuse ("groups|--=x", "there is no option '--=x'");
    s_refuse ("groups|--json=1", "option '--json=1' takes no value");
    s_refuse ("groups|-r", "option '-r' needs a value: ENDPOINT");
    s_refuse ("groups|--limit|5", "'groups' takes no --limit");
    s_refuse ("messages|a|--count|5", "'messages' takes no --count");
    s_refuse ("groups|--lines", "'groups' takes no --lines");
}
END_TEST

START_TEST (wrong_number_of_arguments_shows_the_usage)
{
    s_refuse ("messages", "usage: zchat messages GROUP");
    s_refuse ("messages|a|b", "usage: zchat messages GROUP");
    s_refuse ("groups|a", "usage: zchat groups");
    s_refuse ("send|cats", "usage: zchat send GROUP [TEXT...|-|--lines]");
    s_refuse ("send|cats|--", "usage: zchat send GROUP [TEXT...|-|--lines]");
}
END_TEST

static int s_invite (const char *words)
{
    static const command_t row = {
        .name = "invitation", .usage = "", .options = COMMAND_INVITE | COMMAND_ACCEPT};
    int argc = 0;
    char *rest = s_words;
    snprintf (s_words, sizeof s_words, "zchat|invitation%s%s", *words ? "|" : "", words);
    while (rest)
        s_argv[argc++] = strsep (&rest, "|");
    return command_parse (&s_line, &row, 1, &row, argc, s_argv, 1000000, s_error);
}

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST (invitations_options_are_read)
{
    ck_assert_int_eq (s_invite ("--group|cats|--group=dogs|--expires|+1s|--uses|3|--at|"
                                "tcp://h:1?key=" KEY),
                      0);
    ck_assert_uint_eq (s_line.group_count, 2);
    ck_assert_str_eq (s_line.groups[1], "dogs");
    ck_assert_int_eq (s_line.expires, 2000000);
    ck_assert_uint_eq (s_line.uses, 3);
    ck_assert_str_eq (s_line.places[0], "tcp://h:1?key=" KEY);
    ck_assert (!s_line.key && !s_line.accept);
    ck_assert_int_eq (s_invite ("--key|--accept"), 0);
    ck_assert (s_line.key && s_line.accept);
    ck_assert_int_eq (s_line.expires, 0);
    static const char *const wrong[] = {"--group|../x",   "--at|tcp://h:1", "--at|x",
                                        "--expires|-15m", "--expires|#7",   "--expires|@1",
                                        "--uses|0",       "--uses|x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg (s_invite (wrong[i]) < 0, "%s", wrong[i]);
    ck_assert_int_lt (s_parse ("groups|--uses|3"), 0);
}
END_TEST

START_TEST (help_and_version_need_nothing_else)
{
    ck_assert_int_eq (s_parse ("-h"), 0);
    ck_assert (s_line.help);
    ck_assert_ptr_null (s_line.command);
    ck_assert_int_eq (s_parse ("messages|--help"), 0);
    ck_assert_str_eq (s_line.command->name, "messages");
    ck_assert_int_eq (s_parse ("-V"), 0);
    ck_assert (s_line.version);
}
END_TEST

START_TEST (help_is_made_of_the_tables)
{
    char *help = command_help (s_table, ROWS, NULL);
    for (size_t i = 0; i < ROWS; i++) {
        char row[100];
        snprintf (row, sizeof row, "\n  %s%s%s", s_table[i].name, *s_table[i].usage ? " " : "",
                  s_table[i].usage);
        ck_assert_ptr_nonnull (strstr (help, row));
    }
    ck_assert_ptr_nonnull (strstr (help, "\n  -r, --registry ENDPOINT   ask this registry"));
    ck_assert_ptr_nonnull (strstr (help, "\n      --limit N             (messages) the first N"));
    ck_assert_ptr_nonnull (strstr (help, "\n      --after WHEN          (messages, follow) what"));
    ck_assert_ptr_null (strstr (help, "--uses"));
    ck_assert_ptr_null (strstr (help, " \n"));
    free (help);
    help = command_help (s_table, ROWS, &s_table[2]);
    ck_assert_ptr_eq (strstr (help, "usage: zchat send GROUP [TEXT...|-|--lines]\n\nSend.\n"),
                      help);
    ck_assert_ptr_nonnull (strstr (help, "More of send.\n"));
    ck_assert_ptr_nonnull (strstr (help, "--lines"));
    ck_assert_ptr_nonnull (strstr (help, "--json"));
    ck_assert_ptr_null (strstr (help, "--limit"));
    ck_assert_ptr_null (strstr (help, "WHEN is"));
    free (help);
    help = command_help (s_table, ROWS, &s_table[3]);
    ck_assert_ptr_nonnull (strstr (help, "--after WHEN"));
    ck_assert_ptr_nonnull (strstr (help, "WHEN is"));
    free (help);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("command");
    tcase_add_test (cases, nothing_is_the_standard_command);
    tcase_add_test (cases, options_stand_before_or_after_the_command);
    tcase_add_test (cases, registries_and_folder);
    tcase_add_test (cases, timeout_is_seconds);
    tcase_add_test (cases, numbers_are_positive_and_bounded);
    tcase_add_test (cases, moments_may_begin_with_a_dash);
    tcase_add_test (cases, uuid_is_read);
    tcase_add_test (cases, what_follows_a_group_is_text);
    tcase_add_test (cases, stdin_stands_in_for_the_text);
    tcase_add_test (cases, double_dash_ends_the_options);
    tcase_add_test (cases, wrong_words_are_told);
    tcase_add_test (cases, wrong_number_of_arguments_shows_the_usage);
    tcase_add_test (cases, invitations_options_are_read);
    tcase_add_test (cases, help_and_version_need_nothing_else);
    tcase_add_test (cases, help_is_made_of_the_tables);
    Suite *suite = suite_create ("command");
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}
