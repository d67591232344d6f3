// devices: what its member's tests do not show; the rest is in test_roster and test_roster_overlay.

#include "daemons/group/devices.h"

#include "tests/kit.h"

static void s_put (devices_t *devices, uint8_t device, uint64_t counter, uint64_t seq)
{
    record_t record = {.kind = RECORD_MESSAGE, .seq = seq, .send = {.counter = counter}};
    record.send.device[0] = device;
    devices_put (devices, &record);
}

static bool s_has (const devices_t *devices, uint8_t device)
{
    uint8_t name[RECORD_DEVICE] = {device};
    return devices_find (devices, name) != NULL;
}

START_TEST (leave_forgets_all_when_it_is_durable)
{
    devices_t devices = {0};
    s_put (&devices, 1, 1, 1);
    devices_commit (&devices);
    devices_leave (&devices);
    s_put (&devices, 2, 1, 3);
    ck_assert (!s_has (&devices, 1) && s_has (&devices, 2));
    devices_discard (&devices);
    ck_assert (s_has (&devices, 1) && !s_has (&devices, 2));
    devices_leave (&devices);
    devices_commit (&devices);
    ck_assert (!s_has (&devices, 1));
    ck_assert_uint_eq (devices.count, 0);
    devices_clear (&devices);
}
END_TEST

START_TEST (one_unused_longest_gives_way)
{
    devices_t devices = {0};
    for (unsigned i = 0; i <= DEVICES_MAX; i++) {
        s_put (&devices, (uint8_t)i, 1, i + 1);
        devices_commit (&devices);
    }
    ck_assert (!s_has (&devices, 0) && s_has (&devices, 1));
    ck_assert_uint_eq (devices.count, DEVICES_MAX);
    s_put (&devices, 99, 0, 50); // unprotected: no device
    ck_assert (!s_has (&devices, 99));
    devices_clear (&devices);
}
END_TEST

static void s_take (void *arg, const record_t *record)
{
    static const guid_t who = {{7}};
    ck_assert (record->kind == RECORD_STATE_DEVICE && guid_equal (&record->author, &who));
    devices_put (arg, record);
    devices_commit (arg);
}

START_TEST (state_makes_the_durable_ones_again)
{
    static const guid_t who = {{7}};
    devices_t devices = {0}, again = {0};
    s_put (&devices, 1, 1, 1);
    s_put (&devices, 1, 2, 2);
    devices_commit (&devices);
    s_put (&devices, 2, 1, 3);
    devices_state (&devices, &who, 5, s_take, &again);
    ck_assert (s_has (&again, 1) && !s_has (&again, 2));
    ck_assert_uint_eq (sends_used (again.list[0]), 2);
    devices_clear (&again);
    devices_clear (&devices);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("devices");
    tcase_add_test (cases, leave_forgets_all_when_it_is_durable);
    tcase_add_test (cases, one_unused_longest_gives_way);
    tcase_add_test (cases, state_makes_the_durable_ones_again);
    return kit_run (cases, "devices");
}
