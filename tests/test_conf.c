#include "common/conf.h"

#include "tests/folder.h"
#include "tests/kit.h"

#include <stdarg.h>

static const conf_key_t s_keys[] = {
    {.path = "listen",
     .type = CONF_LISTENERS,
     .standard = "( { endpoint = \"tcp://127.0.0.1:*\"; } )",
     .min = 1,
     .max = 4},
    {.path = "peers", .type = CONF_ENDPOINTS, .standard = "[ ]", .min = 0, .max = 2},
    {.path = "owners", .type = CONF_KEYS, .standard = "[ ]", .min = 0, .max = 2},
    {.path = "lease", .type = CONF_NUMBER, .standard = "10", .min = 1, .max = 3600, .reload = true},
    {.path = "keep.age", .type = CONF_NUMBER, .standard = "0", .min = 0, .max = INT64_MAX},
    {.path = "keep.size", .type = CONF_NUMBER, .standard = "7", .min = -5, .max = INT64_MAX},
    {.path = "loud", .type = CONF_FLAG, .standard = "false"},
    {.path = "title", .type = CONF_STRING, .standard = "\"none\"", .min = 1, .max = 8},
    {.path = "folder", .type = CONF_PATH, .standard = "\"/tmp\"", .min = 1, .max = 99},
    {.path = "log.level", .type = CONF_CHOICE, .standard = "\"info\"", .choices = "debug info"},
};

// For the leak sanitizer: libconfig loses a little at each syntax error.
const char *__lsan_default_suppressions (void);
const char *__lsan_default_suppressions (void)
{
    return "leak:libconfig";
}

static folder_t s_folder;
static conf_t *s_conf;

static conf_t *s_new (void)
{
    return conf_new (s_keys, sizeof s_keys / sizeof s_keys[0]);
}

static void s_set_up (void)
{
    s_folder = folder_new ();
    s_conf = s_new ();
}

static void s_tear_down (void)
{
    conf_destroy (&s_conf);
    folder_remove (&s_folder);
}

static int s_load (const char *text)
{
    return conf_load (s_conf, folder_put (&s_folder, "a.cfg", text), false);
}

// The text gives exactly these error lines, without the folder's path.
static void s_gives_errors (const char *text, size_t count, ...)
{
    conf_destroy (&s_conf);
    s_conf = s_new ();
    ck_assert_int_eq (s_load (text), -1);
    va_list args;
    va_start (args, count);
    for (size_t i = 0; i < count; i++) {
        const char *line = conf_error (s_conf, i);
        ck_assert_msg (line != NULL, "only %zu errors: %s", i, text);
        ck_assert_str_eq (line + strlen (s_folder.path) + 1, va_arg (args, const char *));
    }
    va_end (args);
    ck_assert_uint_eq (conf_error_count (s_conf), count);
}

START_TEST (empty_file_means_the_defaults)
{
    ck_assert_int_eq (s_load (""), 0);
    ck_assert_int_eq (conf_number (s_conf, "lease"), 10);
    ck_assert_int_eq (conf_number (s_conf, "keep.size"), 7);
    ck_assert (!conf_flag (s_conf, "loud"));
    ck_assert_str_eq (conf_string (s_conf, "log.level"), "info");
    ck_assert_uint_eq (conf_count (s_conf, "peers"), 0);
    ck_assert_uint_eq (conf_count (s_conf, "listen"), 1);
    ck_assert_str_eq (conf_listener (s_conf, "listen", 0)->endpoint.host, "127.0.0.1");
    ck_assert (!conf_given (s_conf, "lease"));
}
END_TEST

START_TEST (values_of_every_type_are_read)
{
    ck_assert_int_eq (
        s_load ("lease = 0x20; keep = { age = 10000000000; size = -5; }; loud = true;\n"
                "title = \"t\"; folder = \"/a\"; log : { level = \"debug\" };\n"
                "peers = ( \"tcp://[::1]:2000\", \"tcp://h:1\" );\n"
                "listen = ( { endpoint = \"tcp://*:2001\"; security = \"curve\";\n"
                "             advertise = \"tcp://chat.example.org:2001\"; },\n"
                "           { endpoint = \"tcp://*:2000\"; allow_plain = true; } );"),
        0);
    ck_assert_int_eq (conf_number (s_conf, "lease"), 32);
    ck_assert_int_eq (conf_number (s_conf, "keep.age"), INT64_C (10000000000));
    ck_assert_int_eq (conf_number (s_conf, "keep.size"), -5);
    ck_assert (conf_flag (s_conf, "loud"));
    ck_assert_str_eq (conf_string (s_conf, "folder"), "/a");
    ck_assert_str_eq (conf_string (s_conf, "log.level"), "debug");
    ck_assert_str_eq (conf_endpoint (s_conf, "peers", 1)->host, "h");
    const listener_t *listener = conf_listener (s_conf, "listen", 0);
    ck_assert (listener->security == LISTENER_CURVE && listener->advertised);
    ck_assert_str_eq (listener->advertise.host, "chat.example.org");
    ck_assert (conf_listener (s_conf, "listen", 1)->allow_plain);
    ck_assert (conf_given (s_conf, "lease"));
}
END_TEST

START_TEST (later_file_replaces_single_keys)
{
    ck_assert_int_eq (
        s_load ("lease = 20; keep = { age = 1; size = 2; }; peers = [\"tcp://a:1\"];"), 0);
    const char *path = folder_put (&s_folder, "b.cfg", "keep = { size = 3; }; peers = [];");
    ck_assert_int_eq (conf_load (s_conf, path, true), 0);
    ck_assert_int_eq (conf_number (s_conf, "lease"), 20);
    ck_assert_int_eq (conf_number (s_conf, "keep.age"), 1);
    ck_assert_int_eq (conf_number (s_conf, "keep.size"), 3);
    ck_assert_uint_eq (conf_count (s_conf, "peers"), 0);
}
END_TEST

START_TEST (optional_file_may_be_missing)
{
    ck_assert_int_eq (conf_load (s_conf, folder_path (&s_folder, "none"), true), 1);
    ck_assert_uint_eq (conf_error_count (s_conf), 0);
    ck_assert_int_eq (conf_load (s_conf, folder_path (&s_folder, "none"), false), -1);
    ck_assert_uint_eq (conf_error_count (s_conf), 1);
    ck_assert_int_eq (conf_load (s_conf, s_folder.path, true), -1); // there, but no file
}
END_TEST

START_TEST (unknown_keys_are_named_with_their_line)
{
    s_gives_errors ("lease = 3;\nlaese = 3;\nkeep = {\n  age = 1;\n  ago = 1; };\nlog.level = 1;\n",
                    1, "a.cfg:6: syntax error");
    s_gives_errors (
        "lease = 3;\nlaese = 3;\nkeep = {\n  age = 1;\n  ago = 1; };\ngroup = { a = 1; };", 3,
        "a.cfg:2: laese: unknown key", "a.cfg:5: keep.ago: unknown key",
        "a.cfg:6: group: unknown key");
}
END_TEST

START_TEST (wrong_types_are_refused)
{
    s_gives_errors ("lease = 2.0;\nloud = 1;\ntitle = 5;\nkeep = 5;\nlease2 = 1;", 5,
                    "a.cfg:1: lease: an integer is expected here, not a number with a fraction",
                    "a.cfg:2: loud: true or false is expected here, not an integer",
                    "a.cfg:3: title: a text is expected here, not an integer",
                    "a.cfg:4: keep: a group { } is expected here, not an integer",
                    "a.cfg:5: lease2: unknown key");
    s_gives_errors ("lease = \"5\";", 1, "a.cfg:1: lease: an integer is expected here, not a text");
    s_gives_errors ("peers = \"tcp://a:1\";", 1,
                    "a.cfg:1: peers: a list of endpoints [ \"tcp://host:port\" ] is expected here, "
                    "not a text");
    s_gives_errors ("listen = [ 1 ];", 1,
                    "a.cfg:1: listen: a listener { endpoint = \"tcp://host:port\"; } is expected "
                    "here, not an integer");
    s_gives_errors ("lease = { a = 1; };", 1,
                    "a.cfg:1: lease: an integer is expected here, not a group { }");
}
END_TEST

// Public keys, as zchat shows them.
#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddee0a"
#define KEY_B "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEE0B"

START_TEST (keys_are_64_hex_digits_in_either_case)
{
    ck_assert_uint_eq (conf_count (s_conf, "owners"), 0);
    ck_assert_int_eq (s_load ("owners = [ \"" KEY_A "\", \"" KEY_B "\" ];"), 0);
    ck_assert_uint_eq (conf_count (s_conf, "owners"), 2);
    const uint8_t *keys = conf_keys (s_conf, "owners");
    ck_assert_uint_eq (keys[1], 0x11);
    ck_assert_uint_eq (keys[31], 0x0a);
    ck_assert_uint_eq (keys[32 + 31], 0x0b);
    conf_t *other = s_new ();
    ck_assert (!conf_same (s_conf, other, "owners"));
    ck_assert_int_eq (
        conf_load (other,
                   folder_put (&s_folder, "b.cfg", "owners = ( \"" KEY_A "\", \"" KEY_A "\" );"),
                   false),
        0);
    ck_assert (!conf_same (s_conf, other, "owners"));
    conf_destroy (&other);
    s_gives_errors ("owners = \"" KEY_A "\";", 1,
                    "a.cfg:1: owners: a list of keys [ \"<64 hex digits>\" ] is expected here, "
                    "not a text");
    s_gives_errors ("owners = [ \"ab\" ];", 1,
                    "a.cfg:1: owners: \"ab\" is not a key of 64 hex digits");
    s_gives_errors ("owners = [ \"" KEY_A "0\" ];", 1,
                    "a.cfg:1: owners: \"" KEY_A "0\" is not a key of 64 hex digits");
    s_gives_errors ("owners = [ 7 ];", 1,
                    "a.cfg:1: owners: a key of 64 hex digits is expected here, not an integer");
}
END_TEST

START_TEST (ranges_hold_without_overflow)
{
    s_gives_errors ("lease = 0;", 1, "a.cfg:1: lease: 0 is not within 1 to 3600");
    s_gives_errors ("lease = 3000000000;", 1, "a.cfg:1: lease: 3000000000 is not within 1 to 3600");
    s_gives_errors ("lease = 4294967306;", 1, "a.cfg:1: lease: 4294967306 is not within 1 to 3600");
    s_gives_errors ("title = \"123456789\"; folder = \"tmp\"; log = { level = \"inf\"; };", 3,
                    "a.cfg:1: title: \"123456789\" is too short or too long",
                    "a.cfg:1: folder: \"tmp\" does not begin with /",
                    "a.cfg:1: log.level: \"inf\" is none of: debug info");
    s_gives_errors ("peers = [\"tcp://a:1\", \"tcp://a:2\", \"tcp://a:3\"]; listen = ();", 2,
                    "a.cfg:1: peers: 3 entries, where 0 to 2 are allowed",
                    "a.cfg:1: listen: 0 entries, where 1 to 4 are allowed");
}
END_TEST

START_TEST (value_that_is_wrong_leaves_the_old_one)
{
    ck_assert_int_eq (s_load ("lease = 20; title = \"old\";"), 0);
    ck_assert_int_eq (s_load ("lease = 0; title = \"\"; listen = ( { } );"), -1);
    ck_assert_int_eq (conf_number (s_conf, "lease"), 20);
    ck_assert_str_eq (conf_string (s_conf, "title"), "old");
    ck_assert_uint_eq (conf_count (s_conf, "listen"), 1);
}
END_TEST

START_TEST (plain_listener_on_the_network_needs_a_word)
{
    static const char error[] =
        "a.cfg:2: listen: \"tcp://%s:1\" is open to the network without protection: use security "
        "= \"curve\", or write allow_plain = true";
    static const char *const open[] = {"*", "0.0.0.0", "[::]", "10.0.0.1", "eth0"};
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        char text[200], wanted[200];
        snprintf (text, sizeof text, "listen = ( {\n endpoint = \"tcp://%s:1\"; } );", open[i]);
        snprintf (wanted, sizeof wanted, error, open[i]);
        s_gives_errors (text, 1, wanted);
    }
    ck_assert_int_eq (s_load ("listen = ( { endpoint = \"tcp://[::1]:1\"; },"
                              " { endpoint = \"tcp://127.0.0.2:1\"; security = \"none\"; },"
                              " { endpoint = \"tcp://*:1\"; allow_plain = true; },"
                              " { endpoint = \"tcp://*:2\"; security = \"curve\"; } );"),
                      0);
}
END_TEST

START_TEST (listeners_are_checked_member_by_member)
{
    s_gives_errors ("listen = (\n{ },\n{ endpoint = 5; },\n{ endpoint = \"x\"; securty = 1; },\n"
                    "{ endpoint = \"tcp://[::1]:1\"; security = \"tls\"; allow_plain = 1; } );",
                    6, "a.cfg:2: listen: a listener needs an endpoint",
                    "a.cfg:3: listen.endpoint: an endpoint is expected here, not an integer",
                    "a.cfg:4: listen.endpoint: \"x\": it does not begin with tcp://",
                    "a.cfg:4: listen.securty: unknown key",
                    "a.cfg:5: listen.security: \"tls\" is none of: none curve",
                    "a.cfg:5: listen.allow_plain: true or false is expected here, not an integer");
    s_gives_errors ("listen = ( { endpoint = \"tcp://[::1]:1\"; },\n"
                    "           { endpoint = \"tcp://[::1]:1\"; } );",
                    1, "a.cfg:2: listen: the same endpoint as in an earlier listener");
    s_gives_errors ("listen = ( { endpoint = \"tcp://[::1]:1\"; advertise = \"tcp://*:1\"; } );", 1,
                    "a.cfg:1: listen.advertise: \"tcp://*:1\": the host is no single machine");
}
END_TEST

START_TEST (errors_of_all_files_are_gathered)
{
    s_load ("lease = 0;\nlaese = 1;");
    conf_load (s_conf, folder_put (&s_folder, "b.cfg", "lease = ;"), true);
    conf_load (s_conf, folder_put (&s_folder, "c.cfg", "\n@include \"none\"\nfoo = 1;"), true);
    static const char *const wanted[] = {"a.cfg:1: lease: 0 is not within 1 to 3600",
                                         "a.cfg:2: laese: unknown key", "b.cfg:1: syntax error",
                                         "c.cfg:2: @include \"none\": No such file or directory",
                                         "c.cfg:3: foo: unknown key"};
    ck_assert_uint_eq (conf_error_count (s_conf), 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq (conf_error (s_conf, i) + strlen (s_folder.path) + 1, wanted[i]);
    ck_assert_ptr_null (conf_error (s_conf, 5));
}
END_TEST

START_TEST (errors_in_included_files_name_them)
{
    folder_put (&s_folder, "b.cfg", "\nlaese = 1;\n");
    s_gives_errors ("lease = 2;\n@include \"b.cfg\"\nfoo = 1;\n", 2, "b.cfg:2: laese: unknown key",
                    "a.cfg:3: foo: unknown key");
    folder_put (&s_folder, "b.cfg", "\n\nlease = = 1;\n");
    s_gives_errors ("\n@include \"b.cfg\"\n", 1, "b.cfg:3: syntax error");
}
END_TEST

START_TEST (same_key_twice_is_an_error)
{
    s_gives_errors ("lease = 2;\nlease = 3;\n", 1, "a.cfg:2: duplicate setting name");
}
END_TEST

START_TEST (complaint_names_the_place_of_the_key)
{
    s_load ("\nlease = 7;");
    conf_complain (s_conf, "lease", "%d is odd", 7);
    conf_complain (s_conf, "keep.age", "is missing");
    ck_assert_str_eq (conf_error (s_conf, 0) + strlen (s_folder.path) + 1,
                      "a.cfg:2: lease: 7 is odd");
    ck_assert_str_eq (conf_error (s_conf, 1), "default:0: keep.age: is missing");
}
END_TEST

START_TEST (update_takes_what_may_be_read_again)
{
    conf_t *fresh = s_new ();
    const char *path = folder_put (&s_folder, "b.cfg", "lease = 99; keep = { age = 9; };");
    ck_assert_int_eq (conf_load (fresh, path, false), 0);
    ck_assert (!conf_same (s_conf, fresh, "keep.age"));
    ck_assert (conf_same (s_conf, fresh, "listen"));
    conf_update (s_conf, &fresh);
    ck_assert_ptr_null (fresh);
    ck_assert_int_eq (conf_number (s_conf, "lease"), 99);
    ck_assert_int_eq (conf_number (s_conf, "keep.age"), 0);
}
END_TEST

START_TEST (random_files_never_break_it)
{
    dice_t chance = dice_new ("conf");
    static const char *const words[] = {"lease",
                                        "keep",
                                        "listen",
                                        "peers",
                                        " = ",
                                        "{",
                                        "}",
                                        "(",
                                        ")",
                                        "[",
                                        "]",
                                        ";",
                                        ",",
                                        "\n",
                                        "\"",
                                        "\\",
                                        "@include \"a.cfg\"",
                                        "#",
                                        "/*",
                                        "*/",
                                        "//",
                                        "1",
                                        "-",
                                        "3000000000",
                                        "1e5",
                                        "0x",
                                        "true",
                                        "endpoint",
                                        "\"tcp://[::1]:1\"",
                                        "\xff",
                                        "\x01",
                                        ".",
                                        "L"};
    for (int round = 0; round < 500; round++) {
        char text[2000] = "";
        for (size_t i = dice (&chance, 60); i > 0; i--)
            strcat (text, words[dice (&chance, sizeof words / sizeof words[0])]);
        s_load (text);
        ck_assert_int_ge (conf_number (s_conf, "lease"), 1);
    }
}
END_TEST

START_TEST (deep_nesting_is_an_error)
{
    size_t size = 100000;
    char *text = malloc (size + 10);
    strcpy (text, "peers = ");
    memset (text + 8, '(', size);
    text[8 + size] = 0;
    ck_assert_int_eq (s_load (text), -1);
    free (text);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("conf");
    tcase_add_checked_fixture (cases, s_set_up, s_tear_down);
    tcase_add_test (cases, empty_file_means_the_defaults);
    tcase_add_test (cases, values_of_every_type_are_read);
    tcase_add_test (cases, later_file_replaces_single_keys);
    tcase_add_test (cases, optional_file_may_be_missing);
    tcase_add_test (cases, unknown_keys_are_named_with_their_line);
    tcase_add_test (cases, wrong_types_are_refused);
    tcase_add_test (cases, keys_are_64_hex_digits_in_either_case);
    tcase_add_test (cases, ranges_hold_without_overflow);
    tcase_add_test (cases, value_that_is_wrong_leaves_the_old_one);
    tcase_add_test (cases, plain_listener_on_the_network_needs_a_word);
    tcase_add_test (cases, listeners_are_checked_member_by_member);
    tcase_add_test (cases, errors_of_all_files_are_gathered);
    tcase_add_test (cases, errors_in_included_files_name_them);
    tcase_add_test (cases, same_key_twice_is_an_error);
    tcase_add_test (cases, complaint_names_the_place_of_the_key);
    tcase_add_test (cases, update_takes_what_may_be_read_again);
    tcase_add_test (cases, random_files_never_break_it);
    tcase_add_test (cases, deep_nesting_is_an_error);
    return kit_run (cases, "conf");
}
