#include "daemons/registry/directory.h"

#include "tests/kit.h"

enum { LEASE = 10000, KEEP = 86400000 };

static const directory_limits_t s_limits = {LEASE, KEEP, 1000, 1000};

static directory_t *s_directory;
static char s_events[4096]; // "+cats !cats ..."
static char s_seen[65536];  // names visited

static void s_tell (void *context, directory_event_t event, const entry_t *entry,
                    const entry_t *other)
{
    (void)context, (void)other;
    static const char signs[] = "+>-~!=#_";
    size_t size = strlen (s_events);
    snprintf (s_events + size, sizeof s_events - size, "%s%c%s", size ? " " : "", signs[event],
              entry ? entry_name (entry) : "");
}

// What happened since the last call: + registered, > taken over, - withdrawn, ~ expired,
// ! contested, = contest over, # full, _ full over.
static const char *s_happened (void)
{
    static char text[4096];
    strcpy (text, s_events);
    *s_events = 0;
    return text;
}

static bool s_visit (void *context, const entry_t *entry)
{
    size_t *left = context, size = strlen (s_seen);
    snprintf (s_seen + size, sizeof s_seen - size, "%s%s", size ? " " : "", entry_name (entry));
    return --*left > 0;
}

static const char *s_listed (int64_t now)
{
    size_t left = SIZE_MAX;
    *s_seen = 0;
    directory_list (s_directory, now, s_visit, &left);
    return s_seen;
}

static const char *s_paged (const char *after, size_t count, int64_t now)
{
    *s_seen = 0;
    directory_page (s_directory, span_of (after), now, s_visit, &count);
    return s_seen;
}

// Who announces, from now on: an address, and a key (its first byte; 0: none).
static const char *s_peer;
static uint8_t s_key;
static bool s_owner;

static entry_t *s_entry (const char *name, uint8_t log, uint8_t instance, uint64_t generation)
{
    uint8_t id[GUID_SIZE] = {log}, of[GUID_SIZE] = {instance};
    wire_t announce = wire (WIRE_ANNOUNCE, 1, NULL);
    wire_set_bytes (&announce, WIRE_F_NAME, span_of (name));
    wire_set_bytes (&announce, WIRE_F_LOG, span (id, GUID_SIZE));
    wire_set_bytes (&announce, WIRE_F_INSTANCE, span (of, GUID_SIZE));
    wire_set (&announce, WIRE_F_GENERATION, generation);
    wire_set_bytes (&announce, WIRE_F_ENDPOINTS, span_of ("tcp://127.0.0.1:4001"));
    wire_error_t error;
    uint8_t key[ENTRY_KEY] = {s_key};
    const entry_caller_t caller = {s_peer, s_key ? key : NULL};
    entry_t *entry = entry_new (&announce, &caller, &error);
    ck_assert_ptr_nonnull (entry);
    return entry;
}

static wire_error_t s_announce_as (const char *name, uint8_t log, uint8_t instance,
                                   uint64_t generation, int64_t now)
{
    entry_t *entry = s_entry (name, log, instance, generation);
    const entry_t *holder;
    wire_error_t error = directory_announce (s_directory, &entry, s_owner, now, &holder);
    ck_assert_ptr_null (entry);
    if (error != WIRE_ERR_LIMIT)
        ck_assert_str_eq (entry_name (holder), name);
    return error;
}

static wire_error_t s_announce (const char *name, int64_t now)
{
    return s_announce_as (name, 1, 1, 1, now);
}

static int s_register (const char *name, int64_t now)
{
    entry_t *entry = entry_new_legacy (span_of (name), 5001, "127.0.0.1");
    int rc = directory_register (s_directory, &entry, now);
    ck_assert_ptr_null (entry);
    return rc;
}

static void s_withdraw (const char *name, uint8_t log, uint8_t instance, int64_t now)
{
    guid_t id = {{log}}, of = {{instance}};
    uint8_t key[ENTRY_KEY] = {s_key};
    directory_withdraw (s_directory, span_of (name), &id, &of, s_key ? key : NULL, now);
}

static void s_set_up (void)
{
    s_peer = "127.0.0.1";
    s_key = 0;
    s_owner = false;
    s_directory = directory_new (&s_limits, s_tell, NULL);
}

static void s_tear_down (void)
{
    directory_destroy (&s_directory);
}

START_TEST (entry_lives_for_its_lease)
{
    ck_assert_int_eq (s_announce ("cats", 0), WIRE_ERR_NONE);
    ck_assert_str_eq (s_listed (LEASE - 1), "cats");
    ck_assert_str_eq (s_listed (LEASE), "");
    directory_expire (s_directory, LEASE);
    ck_assert_str_eq (s_happened (), "+cats ~cats");
    ck_assert_uint_eq (directory_count (s_directory), 0);
}
END_TEST

START_TEST (renewal_is_silent_and_lengthens_the_lease)
{
    s_announce ("cats", 0);
    ck_assert_int_eq (s_announce ("cats", LEASE - 1), WIRE_ERR_NONE);
    directory_expire (s_directory, 2 * LEASE - 2);
    ck_assert_str_eq (s_listed (2 * LEASE - 2), "cats");
    ck_assert_str_eq (s_happened (), "+cats");
}
END_TEST

START_TEST (another_log_is_refused_the_name)
{
    s_announce_as ("cats", 1, 1, 1, 0);
    ck_assert_int_eq (s_announce_as ("cats", 2, 2, 99, 1), WIRE_ERR_NAME_TAKEN);
    ck_assert_int_eq (s_announce_as ("cats", 2, 2, 99, 2), WIRE_ERR_NAME_TAKEN);
    ck_assert_str_eq (s_happened (), "+cats !cats"); // told once
    ck_assert_int_eq (s_announce_as ("cats", 2, 2, 99, LEASE), WIRE_ERR_NONE);
    ck_assert_str_eq (s_happened (), "~cats +cats");
}
END_TEST

START_TEST (end_of_a_contest_is_told)
{
    s_announce_as ("cats", 1, 1, 1, 0);
    s_announce_as ("cats", 2, 2, 1, 0);
    s_announce_as ("cats", 1, 1, 1, LEASE - 1);
    directory_expire (s_directory, LEASE);
    ck_assert_str_eq (s_happened (), "+cats !cats");
    s_announce_as ("cats", 1, 1, 1, 2 * LEASE - 2);
    directory_expire (s_directory, 2 * LEASE);
    ck_assert_str_eq (s_happened (), "=cats");
}
END_TEST

START_TEST (higher_generation_takes_the_entry)
{
    s_announce_as ("cats", 1, 1, 3, 0);
    ck_assert_int_eq (s_announce_as ("cats", 1, 2, 4, 1), WIRE_ERR_NONE);
    ck_assert_int_eq (s_announce_as ("cats", 1, 1, 3, 2), WIRE_ERR_SUPERSEDED);
    ck_assert_int_eq (s_announce_as ("cats", 1, 2, 4, 3), WIRE_ERR_NONE);
    ck_assert_str_eq (s_happened (), "+cats >cats !cats");
}
END_TEST

START_TEST (lower_one_learns_who_holds_it)
{
    s_announce_as ("cats", 1, 2, 4, 0);
    entry_t *entry = s_entry ("cats", 1, 1, 3);
    const entry_t *holder = NULL;
    ck_assert_int_eq (directory_announce (s_directory, &entry, false, 1, &holder),
                      WIRE_ERR_SUPERSEDED);
    guid_t instance = entry_instance (holder);
    ck_assert_uint_eq (instance.bytes[0], 2);
    ck_assert_uint_eq (entry_generation (holder), 4);
}
END_TEST

START_TEST (same_generation_is_decided_alike_in_any_order)
{
    s_announce_as ("cats", 1, 1, 3, 0);
    ck_assert_int_eq (s_announce_as ("cats", 1, 2, 3, 1), WIRE_ERR_NONE);
    ck_assert_int_eq (s_announce_as ("cats", 1, 1, 3, 2), WIRE_ERR_SUPERSEDED);
    s_announce_as ("dogs", 1, 2, 3, 0);
    ck_assert_int_eq (s_announce_as ("dogs", 1, 1, 3, 1), WIRE_ERR_SUPERSEDED);
}
END_TEST

START_TEST (withdrawing_takes_only_its_own_instance)
{
    s_announce_as ("cats", 1, 1, 1, 0);
    s_withdraw ("cats", 1, 2, 1);
    s_withdraw ("cats", 2, 1, 1);
    s_withdraw ("dogs", 1, 1, 1);
    ck_assert_str_eq (s_listed (1), "cats");
    s_withdraw ("cats", 1, 1, 1);
    ck_assert_str_eq (s_listed (1), "");
    ck_assert_str_eq (s_happened (), "+cats -cats");
}
END_TEST

START_TEST (original_group_is_kept_until_overwritten_or_over)
{
    ck_assert_int_eq (s_register ("cats", 0), 0);
    ck_assert_int_eq (s_register ("cats", 1000), 0);
    s_withdraw ("cats", 0, 0, 1000);
    ck_assert_str_eq (s_listed (KEEP + 999), "cats");
    ck_assert_str_eq (s_listed (KEEP + 1000), "");
}
END_TEST

START_TEST (original_group_gives_way_and_gets_no_name_back)
{
    s_register ("cats", 0);
    s_register ("dogs", 0);
    ck_assert_int_eq (s_announce ("cats", 1), WIRE_ERR_NONE);
    ck_assert_int_eq (s_register ("cats", 2), -1);
    ck_assert_str_eq (s_listed (2), "cats dogs"); // its place stays
    ck_assert_str_eq (s_happened (), "+cats +dogs >cats !cats");
    ck_assert_int_eq (s_register ("cats", 1 + LEASE), 0);
}
END_TEST

START_TEST (list_is_in_the_order_of_registration)
{
    s_register ("m", 0);
    s_announce ("z", 0);
    s_register ("a", 0);
    s_announce ("k", 0);
    s_register ("m", 1);
    s_announce ("z", 1);
    ck_assert_str_eq (s_listed (1), "m z a k");
    s_withdraw ("z", 1, 1, 1);
    s_announce ("z", 2);
    ck_assert_str_eq (s_listed (2), "m a k z");
}
END_TEST

START_TEST (pages_are_by_name)
{
    for (const char *name = "mzakb"; *name; name++)
        s_announce ((char[]){*name, 0}, 0);
    ck_assert_str_eq (s_paged ("", 99, 0), "a b k m z");
    ck_assert_str_eq (s_paged ("", 2, 0), "a b");
    ck_assert_str_eq (s_paged ("b", 2, 0), "k m");
    ck_assert_str_eq (s_paged ("c", 99, 0), "k m z"); // the cursor need not be there
    ck_assert_str_eq (s_paged ("z", 99, 0), "");
    s_announce ("bb", 0);
    ck_assert_str_eq (s_paged ("b", 1, 0), "bb");
}
END_TEST

START_TEST (full_directory_refuses_and_says_so_once)
{
    directory_limits_t limits = {LEASE, KEEP, 2, 1000};
    directory_set_limits (s_directory, &limits);
    s_announce ("a", 0);
    s_announce ("b", 0);
    ck_assert_int_eq (s_announce ("c", 0), WIRE_ERR_LIMIT);
    ck_assert_int_eq (s_announce ("c", 0), WIRE_ERR_LIMIT);
    ck_assert_int_eq (s_register ("d", 0), -1);
    ck_assert_int_eq (s_announce ("a", 1), WIRE_ERR_NONE); // who is in stays in
    ck_assert_str_eq (s_happened (), "+a +b #c");
    s_withdraw ("b", 1, 1, 2);
    directory_expire (s_directory, 2);
    ck_assert_str_eq (s_happened (), "-b _");
    ck_assert_int_eq (s_announce ("c", 3), WIRE_ERR_NONE);
}
END_TEST

START_TEST (original_groups_give_way_in_a_full_directory)
{
    directory_limits_t limits = {LEASE, KEEP, 2, 1000};
    directory_set_limits (s_directory, &limits);
    s_register ("old", 0);
    s_register ("new", 0);
    ck_assert_int_eq (s_register ("third", 0), -1);
    ck_assert_int_eq (s_announce ("a", 0), WIRE_ERR_NONE);
    ck_assert_str_eq (s_listed (0), "new a");
}
END_TEST

START_TEST (memory_is_bounded)
{
    static uint8_t topic[ENTRY_TOPIC_MAX];
    memset (topic, 't', sizeof topic);
    size_t taken = 0;
    for (int i = 0; i < 5000; i++) {
        char name[20];
        snprintf (name, sizeof name, "g%d", i);
        uint8_t id[GUID_SIZE] = {1};
        wire_t announce = wire (WIRE_ANNOUNCE, 1, NULL);
        wire_set_bytes (&announce, WIRE_F_NAME, span_of (name));
        wire_set_bytes (&announce, WIRE_F_LOG, span (id, GUID_SIZE));
        wire_set_bytes (&announce, WIRE_F_INSTANCE, span (id, GUID_SIZE));
        wire_set_bytes (&announce, WIRE_F_TOPIC, span (topic, sizeof topic));
        wire_set_bytes (&announce, WIRE_F_ENDPOINTS, span_of ("tcp://127.0.0.1:4001"));
        wire_error_t error;
        const entry_t *holder;
        directory_limits_t limits = {LEASE, KEEP, 10000, 1000};
        directory_set_limits (s_directory, &limits);
        const entry_caller_t caller = {s_peer, NULL};
        entry_t *entry = entry_new (&announce, &caller, &error);
        *s_events = 0;
        taken += directory_announce (s_directory, &entry, false, 0, &holder) == WIRE_ERR_NONE;
    }
    ck_assert_uint_lt (taken * sizeof topic, DIRECTORY_MEMORY_MAX);
    ck_assert_uint_gt (taken, 1000);
}
END_TEST

// The same things done to a directory and to a plain array of names.
START_TEST (random_calls_agree_with_a_simple_model)
{
    dice_t chance = dice_new ("directory");
    struct {
        uint64_t generation; // 0: nobody
        uint8_t log;
        int64_t expires;
    } model[8] = {{0, 0, 0}};
    int64_t now = 0;
    for (int round = 0; round < 20000; round++) {
        size_t which = dice (&chance, 8);
        char name[] = {(char)('a' + which), 0};
        uint8_t log = (uint8_t)(1 + dice (&chance, 2));
        uint64_t generation = 1 + dice (&chance, 4);
        uint8_t instance = (uint8_t)generation; // a generation is reached once
        now += (int64_t)dice (&chance, 3000);
        *s_events = 0;
        bool live = model[which].generation > 0 && model[which].expires > now;
        if (dice (&chance, 4) == 0) {
            s_withdraw (name, log, instance, now);
            if (live && model[which].log == log && model[which].generation == generation)
                model[which].generation = 0;
        } else {
            wire_error_t error = s_announce_as (name, log, instance, generation, now);
            bool taken =
                !live || (model[which].log == log && model[which].generation <= generation);
            wire_error_t refused =
                model[which].log == log ? WIRE_ERR_SUPERSEDED : WIRE_ERR_NAME_TAKEN;
            ck_assert_int_eq (error, taken ? WIRE_ERR_NONE : refused);
            if (taken) {
                model[which].generation = generation;
                model[which].log = log;
                model[which].expires = now + LEASE;
            }
        }
        char wanted[64] = "";
        for (size_t i = 0; i < 8; i++)
            if (model[i].generation > 0 && model[i].expires > now)
                snprintf (wanted + strlen (wanted), 4, "%s%c", *wanted ? " " : "", (int)('a' + i));
        ck_assert_str_eq (s_paged ("", 99, now), wanted);
        ck_assert_uint_eq (strlen (s_listed (now)), strlen (wanted));
        if (dice (&chance, 10) == 0)
            directory_expire (s_directory, now);
    }
}
END_TEST

// ---- Keys

START_TEST (another_key_is_refused_the_name)
{
    static const uint8_t keys[][2] = {{1, 2}, {1, 0}, {0, 1}}; // of the holder, of the stranger
    s_key = keys[_i][0];
    s_announce_as ("cats", 1, 1, 5, 0);
    s_key = keys[_i][1];
    ck_assert_int_eq (s_announce_as ("cats", 1, 1, 5, 1), WIRE_ERR_NAME_TAKEN); // as if renewing
    ck_assert_int_eq (s_announce_as ("cats", 1, 2, 99, 1), WIRE_ERR_NAME_TAKEN);
    ck_assert_int_eq (s_announce_as ("cats", 1, 2, 3, 1), WIRE_ERR_NAME_TAKEN);
    ck_assert_int_eq (s_announce_as ("cats", 2, 2, 99, 1), WIRE_ERR_NAME_TAKEN);
    s_withdraw ("cats", 1, 1, 2);
    ck_assert_str_eq (s_listed (3), "cats");
    s_key = keys[_i][0];
    ck_assert_int_eq (s_announce_as ("cats", 1, 1, 5, 4), WIRE_ERR_NONE);
    ck_assert_int_eq (s_announce_as ("cats", 1, 2, 6, 5), WIRE_ERR_NONE); // a later opening
    ck_assert_int_eq (s_announce_as ("cats", 1, 1, 5, 6), WIRE_ERR_SUPERSEDED);
    s_withdraw ("cats", 1, 2, 7);
    ck_assert_str_eq (s_listed (8), "");
}
END_TEST

START_TEST (owner_takes_its_name_back)
{
    s_key = 2;
    s_announce_as ("cats", 2, 2, 99, 0);
    s_key = 1;
    s_owner = true;
    ck_assert_int_eq (s_announce_as ("cats", 1, 1, 1, 1), WIRE_ERR_NONE);
    ck_assert_str_eq (s_happened (), "+cats >cats");
    ck_assert_int_eq (s_announce_as ("cats", 1, 1, 1, 2), WIRE_ERR_NONE);
    // but two copies of its own log are told apart
    ck_assert_int_eq (s_announce_as ("cats", 1, 2, 2, 3), WIRE_ERR_NONE);
    ck_assert_int_eq (s_announce_as ("cats", 1, 1, 1, 4), WIRE_ERR_SUPERSEDED);
    s_register ("dogs", 5);
    ck_assert_int_eq (s_announce_as ("dogs", 3, 3, 1, 6), WIRE_ERR_NONE);
}
END_TEST

START_TEST (callers_have_their_share)
{
    static const struct {
        const char *peer;
        uint8_t key;
        bool limited;
    } callers[] = {{"127.0.0.1", 0, false}, {"::1", 0, false},     {"127.0.0.1", 3, true},
                   {"10.0.0.7", 0, true},   {"10.0.0.7", 3, true}, {"fe80::1%eth0", 0, true}};
    const directory_limits_t limits = {LEASE, KEEP, 1000, 3};
    directory_set_limits (s_directory, &limits);
    s_peer = callers[_i].peer;
    s_key = callers[_i].key;
    s_announce ("a", 0);
    s_announce ("b", 0);
    s_announce ("c", 0);
    wire_error_t fourth = callers[_i].limited ? WIRE_ERR_LIMIT : WIRE_ERR_NONE;
    ck_assert_int_eq (s_announce ("d", 0), fourth);
    if (callers[_i].limited)
        ck_assert_str_eq (directory_limit (s_directory), "max_groups_per_caller");
    ck_assert_int_eq (s_announce ("a", 1), WIRE_ERR_NONE); // what it has it keeps
    s_peer = "10.0.0.99";
    s_key = 9;
    ck_assert_int_eq (s_announce ("e", 1), WIRE_ERR_NONE);
}
END_TEST

START_TEST (key_is_counted_wherever_it_comes_from)
{
    const directory_limits_t limits = {LEASE, KEEP, 1000, 2};
    directory_set_limits (s_directory, &limits);
    s_key = 3;
    s_peer = "10.0.0.1";
    s_announce ("a", 0);
    s_peer = "10.0.0.2";
    s_announce ("b", 0);
    s_peer = "10.0.0.3";
    ck_assert_int_eq (s_announce ("c", 0), WIRE_ERR_LIMIT);
    ck_assert_int_eq (s_announce ("c", LEASE), WIRE_ERR_LIMIT); // until those that are over
    directory_expire (s_directory, LEASE);                      // are gone
    ck_assert_int_eq (s_announce ("c", LEASE), WIRE_ERR_NONE);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("directory");
    tcase_add_checked_fixture (cases, s_set_up, s_tear_down);
    tcase_add_test (cases, entry_lives_for_its_lease);
    tcase_add_test (cases, renewal_is_silent_and_lengthens_the_lease);
    tcase_add_test (cases, another_log_is_refused_the_name);
    tcase_add_test (cases, end_of_a_contest_is_told);
    tcase_add_test (cases, higher_generation_takes_the_entry);
    tcase_add_test (cases, lower_one_learns_who_holds_it);
    tcase_add_test (cases, same_generation_is_decided_alike_in_any_order);
    tcase_add_test (cases, withdrawing_takes_only_its_own_instance);
    tcase_add_test (cases, original_group_is_kept_until_overwritten_or_over);
    tcase_add_test (cases, original_group_gives_way_and_gets_no_name_back);
    tcase_add_test (cases, list_is_in_the_order_of_registration);
    tcase_add_test (cases, pages_are_by_name);
    tcase_add_test (cases, full_directory_refuses_and_says_so_once);
    tcase_add_test (cases, original_groups_give_way_in_a_full_directory);
    tcase_add_test (cases, memory_is_bounded);
    tcase_add_test (cases, random_calls_agree_with_a_simple_model);
    tcase_add_loop_test (cases, another_key_is_refused_the_name, 0, 3);
    tcase_add_test (cases, owner_takes_its_name_back);
    tcase_add_loop_test (cases, callers_have_their_share, 0, 6);
    tcase_add_test (cases, key_is_counted_wherever_it_comes_from);
    return kit_run (cases, "directory");
}
