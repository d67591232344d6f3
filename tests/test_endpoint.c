#include "common/endpoint.h"

#include "tests/kit.h"

#define KEY "0123456789abcdeffedcba98765432100123456789abcdeffedcba98765432ff"

static endpoint_t s_endpoint;

static bool s_right (const char *text, endpoint_use_t use)
{
    return endpoint_parse (&s_endpoint, text, strlen (text), use) == NULL;
}

static void s_same_when_printed (const char *text, endpoint_use_t use)
{
    char out[ENDPOINT_TEXT];
    ck_assert_msg (s_right (text, use), "%s", text);
    ck_assert_str_eq (endpoint_print_with_key (&s_endpoint, out), text);
}

START_TEST (addresses_and_names_are_printed_as_read)
{
    s_same_when_printed ("tcp://127.0.0.1:2000", ENDPOINT_CONNECT);
    s_same_when_printed ("tcp://[::1]:2000", ENDPOINT_CONNECT);
    s_same_when_printed ("tcp://[fe80::1%eth0]:65535", ENDPOINT_CONNECT);
    s_same_when_printed ("tcp://chat.example.org:1", ENDPOINT_CONNECT);
    s_same_when_printed ("tcp://*:2000", ENDPOINT_BIND);
    s_same_when_printed ("tcp://[::]:*", ENDPOINT_BIND);
    s_same_when_printed ("tcp://*:2000?key=" KEY, ENDPOINT_ANNOUNCE);
    s_same_when_printed ("tcp://10.0.0.7:2001?key=" KEY, ENDPOINT_CONNECT);
}
END_TEST

START_TEST (text_for_libzmq_has_no_key)
{
    char out[ENDPOINT_TEXT];
    ck_assert (s_right ("tcp://10.0.0.7:2001?key=" KEY, ENDPOINT_CONNECT));
    ck_assert_str_eq (endpoint_print (&s_endpoint, out), "tcp://10.0.0.7:2001");
    ck_assert_uint_eq (s_endpoint.key[31], 0xff);
}
END_TEST

START_TEST (what_is_no_endpoint_is_refused)
{
    static const char *const wrong[] = {
        "",
        "tcp://",
        "127.0.0.1:2000",
        "ipc:///tmp/x:2000",
        "tcp://:2000",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:02000",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:999999999999",
        "tcp://127.0.0.1:20x0",
        "tcp://127.0.0.1:-1",
        "tcp://127.0.0.256:2000",
        "tcp://1.2.3:2000",
        "tcp://::1:2000",
        "tcp://[::1]",
        "tcp://[::1]2000",
        "tcp://[::g]:2000",
        "tcp://[127.0.0.1]:2000",
        "tcp://[]:2000",
        "tcp://ho st:2000",
        "tcp://host\n:2000",
        "tcp://-host:2000",
        "tcp://host:2000/",
        "tcp://host:2000?key=00",
        "tcp://host:2000?key=" KEY "0",
        "tcp://host:2000?kex=" KEY,
        "tcp://*:*?key=" KEY,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        for (endpoint_use_t use = ENDPOINT_BIND; use <= ENDPOINT_ANNOUNCE; use++)
            ck_assert_msg (!s_right (wrong[i], use), "%s", wrong[i]);
}
END_TEST

START_TEST (stars_and_keys_have_their_places)
{
    ck_assert (!s_right ("tcp://*:2000", ENDPOINT_CONNECT));
    ck_assert (!s_right ("tcp://0.0.0.0:2000", ENDPOINT_CONNECT));
    ck_assert (!s_right ("tcp://127.0.0.1:*", ENDPOINT_CONNECT));
    ck_assert (!s_right ("tcp://127.0.0.1:*", ENDPOINT_ANNOUNCE));
    ck_assert (!s_right ("tcp://127.0.0.1:2000?key=" KEY, ENDPOINT_BIND));
    ck_assert (!s_right ("tcp://localhost:2000", ENDPOINT_BIND)); // libzmq could not
}
END_TEST

START_TEST (longest_host_fits_and_a_longer_one_is_refused)
{
    char text[400];
    snprintf (text, sizeof text, "tcp://%0255d:65535?key=" KEY, 0);
    memset (text + 6, 'h', 255);
    s_same_when_printed (text, ENDPOINT_CONNECT);
    snprintf (text, sizeof text, "tcp://%0256d:65535", 0);
    memset (text + 6, 'h', 256);
    ck_assert (!s_right (text, ENDPOINT_CONNECT));
}
END_TEST

START_TEST (loopback_is_known_in_every_form)
{
    static const char *const yes[] = {"127.0.0.1",        "127.9.9.9", "::1",
                                      "::ffff:127.0.0.1", "localhost", "[::1]"};
    static const char *const no[] = {"",
                                     "10.0.0.1",
                                     "::",
                                     "::2",
                                     "::ffff:10.0.0.1",
                                     "0.0.0.0",
                                     "*",
                                     "localhost.example.org",
                                     "127.example.org"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        ck_assert_msg (endpoint_host_is_loopback (yes[i]), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        ck_assert_msg (!endpoint_host_is_loopback (no[i]), "%s", no[i]);
}
END_TEST

START_TEST (every_address_is_known_in_every_form)
{
    ck_assert (endpoint_host_is_any ("*"));
    ck_assert (endpoint_host_is_any ("0.0.0.0"));
    ck_assert (endpoint_host_is_any ("::"));
    ck_assert (!endpoint_host_is_any ("::1"));
    ck_assert (!endpoint_host_is_any ("any"));
}
END_TEST

START_TEST (mapped_addresses_are_shown_plain)
{
    ck_assert_str_eq (endpoint_host_plain ("::ffff:10.0.0.7"), "10.0.0.7");
    ck_assert_str_eq (endpoint_host_plain ("::1"), "::1");
    ck_assert_str_eq (endpoint_host_plain (""), "");
}
END_TEST

START_TEST (random_text_never_breaks_it)
{
    dice_t chance = dice_new ("endpoint");
    static const char letters[] = "tcp://[]:*?key=0123456789abcdef.%-";
    char out[ENDPOINT_TEXT];
    for (int round = 0; round < 20000; round++) {
        char text[120] = "tcp://";
        size_t size = 6 + dice (&chance, 100);
        for (size_t i = 6; i < size; i++)
            text[i] = letters[dice (&chance, sizeof letters - 1)];
        if (endpoint_parse (&s_endpoint, text, size, ENDPOINT_ANNOUNCE) == NULL)
            ck_assert (s_right (endpoint_print_with_key (&s_endpoint, out), ENDPOINT_ANNOUNCE));
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("endpoint");
    tcase_add_test (cases, addresses_and_names_are_printed_as_read);
    tcase_add_test (cases, text_for_libzmq_has_no_key);
    tcase_add_test (cases, what_is_no_endpoint_is_refused);
    tcase_add_test (cases, stars_and_keys_have_their_places);
    tcase_add_test (cases, longest_host_fits_and_a_longer_one_is_refused);
    tcase_add_test (cases, loopback_is_known_in_every_form);
    tcase_add_test (cases, every_address_is_known_in_every_form);
    tcase_add_test (cases, mapped_addresses_are_shown_plain);
    tcase_add_test (cases, random_text_never_breaks_it);
    return kit_run (cases, "endpoint");
}
