#include "daemons/group/limits.h"

#include "daemons/group/settings.h"
#include "tests/kit.h"

static limits_t *s_limits;
static const char *s_name;

static void s_setup (void)
{
    limits_rules_t rules = {.one = {{10, 3}, {1, 1}, {10, 3}}, .all = {{20, 5}, {0, 1}, {0, 1}}};
    s_limits = limits_new ();
    limits_set (s_limits, &rules);
}

static void s_teardown (void)
{
    limits_destroy (&s_limits);
}

static uint32_t s_take (limits_kind_t kind, uint8_t who, int64_t now)
{
    guid_t guid = {{who}};
    s_name = NULL;
    return limits_take (s_limits, kind, &guid, now, &s_name);
}

START_TEST (one_that_is_too_fast_waits_and_the_others_do_not)
{
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq (s_take (LIMITS_SEND, 1, 1000), 0);
    ck_assert_uint_eq (s_take (LIMITS_SEND, 1, 1000), 100);
    ck_assert_str_eq (s_name, "rate.send");
    ck_assert_uint_eq (s_take (LIMITS_SEND, 2, 1000), 0);
    ck_assert_uint_eq (s_take (LIMITS_SEND, 1, 1100), 0);
}
END_TEST

START_TEST (all_together_have_a_limit_too)
{
    for (uint8_t who = 1; who <= 5; who++)
        ck_assert_uint_eq (s_take (LIMITS_SEND, who, 1000), 0);
    ck_assert_uint_eq (s_take (LIMITS_SEND, 6, 1000), 50);
    ck_assert_str_eq (s_name, "rate.group_send");
    ck_assert_uint_eq (s_take (LIMITS_SEND, 6, 1050), 0);
}
END_TEST

START_TEST (who_is_refused_takes_nothing_from_the_others)
{
    for (int i = 0; i < 100; i++)
        s_take (LIMITS_SEND, 1, 1000); // of which 3 are taken
    ck_assert_uint_eq (s_take (LIMITS_SEND, 2, 1000), 0);
    ck_assert_uint_eq (s_take (LIMITS_SEND, 3, 1000), 0);
    ck_assert_uint_eq (s_take (LIMITS_SEND, 4, 1000), 50);
}
END_TEST

START_TEST (kinds_are_counted_apart)
{
    ck_assert_uint_eq (s_take (LIMITS_JOIN, 1, 1000), 0);
    ck_assert_uint_eq (s_take (LIMITS_JOIN, 1, 1000), 1000);
    ck_assert_str_eq (s_name, "rate.join");
    ck_assert_uint_eq (s_take (LIMITS_HISTORY, 1, 1000), 0);
    ck_assert_uint_eq (s_take (LIMITS_SEND, 1, 1000), 0);
}
END_TEST

START_TEST (forgetting_gives_nobody_more)
{
    for (int i = 0; i < 3; i++)
        s_take (LIMITS_SEND, 1, 1000);
    limits_forget (s_limits, 1050);
    ck_assert_uint_gt (s_take (LIMITS_SEND, 1, 1050), 0);
    limits_forget (s_limits, 5000);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq (s_take (LIMITS_SEND, 1, 5000), 0);
    ck_assert_uint_gt (s_take (LIMITS_SEND, 1, 5000), 0);
}
END_TEST

START_TEST (more_askers_than_can_be_known_wait)
{
    limits_rules_t none = {.one = {{0, 1}, {1, 1}, {0, 1}}, .all = {{0, 1}, {0, 1}, {0, 1}}};
    limits_set (s_limits, &none);
    uint32_t wait = 0;
    guid_t who = {{0}};
    for (uint32_t i = 1; i <= 100001; i++) {
        memcpy (who.bytes, &i, sizeof i);
        wait = limits_take (s_limits, LIMITS_JOIN, &who, 1000, &s_name);
        ck_assert_int_eq (wait > 0, i > 100000);
    }
    limits_forget (s_limits, 10000);
    ck_assert_uint_eq (limits_take (s_limits, LIMITS_JOIN, &who, 10000, &s_name), 0);
}
END_TEST

START_TEST (addresses_are_told_apart_and_networks_are_not)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.2", false},
        {"2001:db8::1", "2001:db8::ffff:2", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"fe80::1%eth0", "fe80::2", true},
        {"", "nonsense", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        guid_t a = limits_address (rows[i].a), b = limits_address (rows[i].b);
        ck_assert_msg (guid_equal (&a, &b) == rows[i].same, "%s %s", rows[i].a, rows[i].b);
    }
}
END_TEST

START_TEST (configuration_gives_the_rules)
{
    size_t count;
    const conf_key_t *keys = group_settings (&count);
    conf_t *conf = conf_new (keys, count);
    limits_rules_t rules = limits_rules_of (conf);
    ck_assert_int_eq (rules.one[LIMITS_SEND].rate, 200);
    ck_assert_int_eq (rules.one[LIMITS_SEND].burst, 2000);
    ck_assert_int_eq (rules.all[LIMITS_JOIN].rate, 2000);
    ck_assert_int_eq (rules.all[LIMITS_HISTORY].burst, 100000);
    conf_destroy (&conf);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("limits");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, one_that_is_too_fast_waits_and_the_others_do_not);
    tcase_add_test (cases, all_together_have_a_limit_too);
    tcase_add_test (cases, who_is_refused_takes_nothing_from_the_others);
    tcase_add_test (cases, kinds_are_counted_apart);
    tcase_add_test (cases, forgetting_gives_nobody_more);
    tcase_add_test (cases, more_askers_than_can_be_known_wait);
    tcase_add_test (cases, addresses_are_told_apart_and_networks_are_not);
    tcase_add_test (cases, configuration_gives_the_rules);
    return kit_run (cases, "limits");
}
