#include "daemons/registry/entry.h"

#include "common/guid.h"
#include "tests/kit.h"

#include <sodium.h>

#define KEY "?key=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const uint8_t s_id[GUID_SIZE] = {1};
static const uint8_t s_claim[ENTRY_CLAIM] = {7};
static const entry_caller_t s_local = {"127.0.0.1", NULL}, s_far = {"10.0.0.7", NULL};

static wire_t s_announce (const char *name, const char *endpoints)
{
    wire_t self = wire (WIRE_ANNOUNCE, 1, NULL);
    wire_set_bytes (&self, WIRE_F_NAME, span_of (name));
    wire_set_bytes (&self, WIRE_F_LOG, span (s_id, GUID_SIZE));
    wire_set_bytes (&self, WIRE_F_INSTANCE, span (s_id, GUID_SIZE));
    wire_set (&self, WIRE_F_GENERATION, 5);
    wire_set_bytes (&self, WIRE_F_CLAIM, span (s_claim, ENTRY_CLAIM));
    wire_set_bytes (&self, WIRE_F_TOPIC, span_of ("about cats"));
    wire_set_bytes (&self, WIRE_F_ENDPOINTS, span_of (endpoints));
    wire_set (&self, WIRE_F_MEMBERS, 3);
    wire_set (&self, WIRE_F_SEQ, 99);
    return self;
}

// What a caller is told of endpoints that a teller announced.
static void s_told (const char *teller, const char *endpoints, const char *caller,
                    const char *wanted)
{
    wire_error_t error;
    wire_t announce = s_announce ("cats", endpoints);
    const entry_caller_t from = {teller, NULL};
    entry_t *entry = entry_new (&announce, &from, &error);
    ck_assert_msg (entry != NULL, "%s", endpoints);
    ck_assert_str_eq (entry_endpoints (entry, caller), wanted);
    entry_destroy (&entry);
}

static wire_error_t s_refused (const wire_t *announce)
{
    wire_error_t error;
    entry_t *entry = entry_new (announce, &s_local, &error);
    ck_assert_ptr_null (entry);
    return error;
}

START_TEST (announcement_becomes_a_row)
{
    wire_error_t error;
    wire_t row, announce = s_announce ("cats", "tcp://10.0.0.7:4001");
    entry_t *entry = entry_new (&announce, &s_far, &error);
    ck_assert_int_eq (error, WIRE_ERR_NONE);
    ck_assert_str_eq (entry_name (entry), "cats");
    ck_assert_int_eq (memcmp (entry_claim (entry), s_claim, ENTRY_CLAIM), 0);
    entry_describe (entry, "tcp://10.0.0.7:4001", &row);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_GENERATION), 5);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_MEMBERS), 3);
    ck_assert_uint_eq (wire_number (&row, WIRE_F_SEQ), 99);
    ck_assert (span_equal (wire_bytes (&row, WIRE_F_TOPIC), span_of ("about cats")));
    ck_assert (span_equal (wire_bytes (&row, WIRE_F_LOG), span (s_id, GUID_SIZE)));
    entry_destroy (&entry);
}
END_TEST

START_TEST (loopback_endpoints_are_for_loopback_callers)
{
    static const char both[] = "tcp://10.0.0.7:4001" KEY " tcp://127.0.0.1:4001";
    s_told ("127.0.0.1", both, "127.0.0.1", both);
    s_told ("127.0.0.1", both, "::1", both);
    s_told ("127.0.0.1", both, "10.0.0.9", "tcp://10.0.0.7:4001" KEY);
    s_told ("127.0.0.1", "tcp://[::1]:4001", "10.0.0.9", "");
}
END_TEST

START_TEST (loopback_of_another_machine_is_left_out)
{
    s_told ("10.0.0.7", "tcp://127.0.0.1:4001 tcp://10.0.0.7:4001", "127.0.0.1",
            "tcp://10.0.0.7:4001");
    s_told ("10.0.0.7", "tcp://127.0.0.1:4001", "127.0.0.1", "");
}
END_TEST

START_TEST (star_host_is_the_tellers_address)
{
    s_told ("10.0.0.7", "tcp://*:4001", "10.0.0.9", "tcp://10.0.0.7:4001");
    s_told ("10.0.0.7", "tcp://0.0.0.0:4001" KEY, "10.0.0.9", "tcp://10.0.0.7:4001" KEY);
    s_told ("fd00::7", "tcp://[::]:4001", "10.0.0.9", "tcp://[fd00::7]:4001");
    s_told ("::ffff:10.0.0.7", "tcp://*:4001", "10.0.0.9", "tcp://10.0.0.7:4001");
    s_told ("127.0.0.1", "tcp://*:4001", "10.0.0.9", "");
    wire_error_t error;
    wire_t announce = s_announce ("cats", "tcp://*:4001");
    const entry_caller_t from = {"", NULL};
    ck_assert_ptr_null (entry_new (&announce, &from, &error)); // nobody knows from where
}
END_TEST

START_TEST (bad_announcements_are_refused)
{
    wire_t bad = s_announce ("Cats", "tcp://10.0.0.7:4001");
    ck_assert_int_eq (s_refused (&bad), WIRE_ERR_BAD_NAME);
    static const char *const wrong[] = {"",
                                        " ",
                                        "tcp://10.0.0.7:4001 ",
                                        " tcp://10.0.0.7:4001",
                                        "tcp://10.0.0.7:*",
                                        "x",
                                        "tcp://10.0.0.7:4001  tcp://10.0.0.7:4002",
                                        "tcp://10.0.0.7:4001,tcp://10.0.0.7:4002"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bad = s_announce ("cats", wrong[i]);
        ck_assert_int_eq (s_refused (&bad), WIRE_ERR_BAD_REQUEST);
    }
    bad = s_announce ("cats", "tcp://10.0.0.7:4001");
    wire_set_bytes (&bad, WIRE_F_TOPIC, span_of ("\x1b[31m"));
    ck_assert_int_eq (s_refused (&bad), WIRE_ERR_BAD_TEXT);
    bad = s_announce ("cats", "tcp://10.0.0.7:4001");
    static const uint8_t zeros[GUID_SIZE];
    wire_set_bytes (&bad, WIRE_F_LOG, span (zeros, GUID_SIZE));
    ck_assert_int_eq (s_refused (&bad), WIRE_ERR_BAD_REQUEST);
}
END_TEST

START_TEST (too_many_endpoints_are_refused)
{
    char text[17 * 24 + 1] = "";
    for (int i = 0; i < 16; i++)
        sprintf (text + strlen (text), "%stcp://10.0.0.7:%d", i ? " " : "", 4000 + i);
    s_told ("10.0.0.7", text, "10.0.0.7", text);
    strcat (text, " tcp://10.0.0.7:5000");
    wire_t bad = s_announce ("cats", text);
    ck_assert_int_eq (s_refused (&bad), WIRE_ERR_BAD_REQUEST);
}
END_TEST

START_TEST (original_group_has_a_port_alone)
{
    entry_t *entry = entry_new_legacy (span_of ("Cats"), 5001, "::ffff:127.0.0.1");
    ck_assert (entry_legacy (entry));
    ck_assert_uint_eq (entry_plain_port (entry, "10.0.0.9"), 5001);
    ck_assert_str_eq (entry_endpoints (entry, "127.0.0.1"), "tcp://127.0.0.1:5001");
    entry_destroy (&entry);
    ck_assert_ptr_null (entry_new_legacy (span_of ("C ts"), 5001, "127.0.0.1"));
    ck_assert_ptr_null (entry_new_legacy (span_of ("Cats"), 0, "127.0.0.1"));
    ck_assert_ptr_null (entry_new_legacy (span_of ("Cats"), 5001, ""));
}
END_TEST

START_TEST (plain_port_is_that_of_a_listener_the_caller_may_use)
{
    static const struct {
        const char *endpoints;
        const char *caller;
        uint16_t port;
    } rows[] = {
        {"tcp://127.0.0.1:4001", "127.0.0.1", 4001},
        {"tcp://127.0.0.1:4001", "10.0.0.9", 0},
        {"tcp://127.0.0.1:4001" KEY, "127.0.0.1", 0},
        {"tcp://10.0.0.7:4000 tcp://127.0.0.1:4001", "127.0.0.1", 4001},
        {"tcp://10.0.0.7:4000 tcp://127.0.0.1:4001", "10.0.0.9", 4000},
        {"tcp://10.0.0.7:3999" KEY " tcp://10.0.0.7:4000", "10.0.0.9", 4000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wire_error_t error;
        wire_t announce = s_announce ("cats", rows[i].endpoints);
        entry_t *entry = entry_new (&announce, &s_local, &error);
        ck_assert_uint_eq (entry_plain_port (entry, rows[i].caller), rows[i].port);
        entry_destroy (&entry);
    }
}
END_TEST

START_TEST (largest_entry_fits_into_a_row)
{
    static uint8_t topic[ENTRY_TOPIC_MAX], out[70000];
    memset (topic, 't', sizeof topic);
    char text[ENTRY_ENDPOINTS_MAX + ENTRY_ENDPOINT_COUNT * 45 + 1]; // each star an IPv6 address
    memset (text, 'e', sizeof text);
    text[sizeof text - 1] = 0;
    wire_error_t error;
    wire_t announce = s_announce ("cats", "tcp://10.0.0.7:4001"), row;
    wire_set_bytes (&announce, WIRE_F_TOPIC, span (topic, sizeof topic));
    entry_t *entry = entry_new (&announce, &s_local, &error);
    ck_assert_ptr_nonnull (entry);
    entry_describe (entry, text, &row);
    writer_t rows = writer (out, sizeof out);
    wire_put_row (&row, &rows);
    ck_assert (!rows.failed);
    entry_destroy (&entry);
}
END_TEST

static const uint8_t s_own[ENTRY_KEY] = {
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

START_TEST (proven_key_announces_no_other)
{
    static const uint8_t other[ENTRY_KEY] = {1};
    wire_error_t error;
    wire_t announce = s_announce ("cats", "tcp://127.0.0.1:4000 tcp://10.0.0.7:4001" KEY);
    const entry_caller_t right = {"10.0.0.7", s_own}, wrong = {"10.0.0.7", other};
    entry_t *entry = entry_new (&announce, &right, &error);
    ck_assert_ptr_nonnull (entry);
    ck_assert_int_eq (error, WIRE_ERR_NONE);
    ck_assert_mem_eq (entry_key (entry), s_own, ENTRY_KEY);
    ck_assert_str_eq (entry_peer (entry), "10.0.0.7");
    entry_t *plain = entry_new (&announce, &s_far, &error); // over plain nothing is proved
    ck_assert_ptr_nonnull (plain);
    ck_assert (!entry_same_key (entry, plain) && entry_same_key (entry, entry));
    entry_destroy (&plain);
    entry_destroy (&entry);
    ck_assert_ptr_null (entry_new (&announce, &wrong, &error));
    ck_assert_int_eq (error, WIRE_ERR_WRONG_KEY);
}
END_TEST

START_TEST (endpoints_with_keys_come_first)
{
    s_told ("127.0.0.1", "tcp://127.0.0.1:1 tcp://10.0.0.7:2" KEY " tcp://10.0.0.7:3", "127.0.0.1",
            "tcp://10.0.0.7:2" KEY " tcp://127.0.0.1:1 tcp://10.0.0.7:3");
}
END_TEST

START_TEST (hidden_group_is_shown_to_its_readers)
{
    static const uint8_t other[ENTRY_KEY] = {1};
    uint8_t readers[24] = {0}, digest[32];
    wire_error_t error;
    guid_t uuid = guid_of_key (s_own);
    crypto_generichash (digest, 32, uuid.bytes, GUID_SIZE, NULL, 0);
    memcpy (readers + 8, digest, 8);
    wire_t announce = s_announce ("cats", "tcp://127.0.0.1:4001 tcp://10.0.0.7:4001");
    wire_set (&announce, WIRE_F_HIDDEN, 1);
    wire_set_bytes (&announce, WIRE_F_READERS, span (readers, sizeof readers));
    entry_t *entry = entry_new (&announce, &s_local, &error);
    ck_assert_ptr_nonnull (entry);
    const entry_caller_t reader = {"10.0.0.9", s_own}, stranger = {"127.0.0.1", other};
    ck_assert (entry_shown (entry, &reader));
    ck_assert (!entry_shown (entry, &stranger));
    ck_assert (!entry_shown (entry, &s_local) && !entry_shown (entry, &s_far));
    ck_assert_uint_eq (entry_plain_port (entry, "127.0.0.1"), 0);
    entry_destroy (&entry);
    wire_set (&announce, WIRE_F_HIDDEN, 0);
    entry = entry_new (&announce, &s_local, &error);
    ck_assert (entry_shown (entry, &stranger) && entry_shown (entry, &s_far));
    entry_destroy (&entry);
    wire_set_bytes (&announce, WIRE_F_READERS, span (readers, 23));
    ck_assert_int_eq (s_refused (&announce), WIRE_ERR_BAD_REQUEST);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("entry");
    tcase_add_test (cases, announcement_becomes_a_row);
    tcase_add_test (cases, loopback_endpoints_are_for_loopback_callers);
    tcase_add_test (cases, loopback_of_another_machine_is_left_out);
    tcase_add_test (cases, star_host_is_the_tellers_address);
    tcase_add_test (cases, bad_announcements_are_refused);
    tcase_add_test (cases, too_many_endpoints_are_refused);
    tcase_add_test (cases, original_group_has_a_port_alone);
    tcase_add_test (cases, plain_port_is_that_of_a_listener_the_caller_may_use);
    tcase_add_test (cases, largest_entry_fits_into_a_row);
    tcase_add_test (cases, proven_key_announces_no_other);
    tcase_add_test (cases, endpoints_with_keys_come_first);
    tcase_add_test (cases, hidden_group_is_shown_to_its_readers);
    return kit_run (cases, "entry");
}
