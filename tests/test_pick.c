#include "common/pick.h"

#include "tests/kit.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static uint8_t s_a[ENDPOINT_KEY], s_b[ENDPOINT_KEY];

static void s_setup (void)
{
    memset (s_a, 0xaa, sizeof s_a);
    memset (s_b, 0xbb, sizeof s_b);
}

// `with` and `wanted`: endpoints with blanks between.
static const struct {
    const char *with;
    char pin; // 'a', 'b' or 0
    bool again, plain;
    pick_verdict_t verdict;
    const char *wanted;
} s_cases[] = {
    // nothing is known of the group
    {"tcp://10.0.0.1:1", 0, false, false, PICK_FOUND, "tcp://10.0.0.1:1"},
    {"tcp://10.0.0.1:1 tcp://127.0.0.1:2", 0, false, false, PICK_FOUND,
     "tcp://10.0.0.1:1 tcp://127.0.0.1:2"},
    {"tcp://127.0.0.1:2 tcp://10.0.0.1:1?key=" A, 0, false, false, PICK_FOUND,
     "tcp://10.0.0.1:1?key=" A},
    // those with keys did not answer
    {"tcp://127.0.0.1:2 tcp://10.0.0.1:1?key=" A, 0, true, false, PICK_FOUND, "tcp://127.0.0.1:2"},
    {"tcp://10.0.0.1:2 tcp://10.0.0.1:1?key=" A, 0, true, false, PICK_FOUND,
     "tcp://10.0.0.1:1?key=" A},
    {"tcp://10.0.0.1:2", 0, true, false, PICK_FOUND, "tcp://10.0.0.1:2"},
    // its key is known
    {"tcp://10.0.0.1:1?key=" A " tcp://127.0.0.1:2", 'a', false, false, PICK_FOUND,
     "tcp://10.0.0.1:1?key=" A},
    {"tcp://10.0.0.1:1?key=" A " tcp://127.0.0.1:2", 'a', true, false, PICK_FOUND,
     "tcp://10.0.0.1:1?key=" A},
    {"tcp://10.0.0.1:1?key=" B " tcp://10.0.0.1:2?key=" A, 'a', false, false, PICK_FOUND,
     "tcp://10.0.0.1:2?key=" A},
    {"tcp://10.0.0.1:1?key=" A " tcp://127.0.0.1:2", 'b', false, false, PICK_OTHER_KEY, ""},
    {"tcp://10.0.0.1:1?key=" A " tcp://127.0.0.1:2", 'b', true, false, PICK_OTHER_KEY, ""},
    {"tcp://10.0.0.1:1 tcp://127.0.0.1:2", 'a', false, false, PICK_NO_KEY, ""},
    {"tcp://10.0.0.1:1 tcp://127.0.0.1:2", 'a', true, false, PICK_NO_KEY, ""},
    // speaking for another UUID
    {"tcp://10.0.0.1:1?key=" A " tcp://127.0.0.1:2", 'a', false, true, PICK_FOUND,
     "tcp://127.0.0.1:2"},
    {"tcp://10.0.0.1:1?key=" A " tcp://10.0.0.1:2", 'a', false, true, PICK_FOUND,
     "tcp://10.0.0.1:1?key=" A},
    {"tcp://10.0.0.1:2", 'a', false, true, PICK_NO_KEY, ""},
    {"tcp://10.0.0.1:2", 0, false, true, PICK_FOUND, "tcp://10.0.0.1:2"},
    // what is no tcp endpoint has no key
    {"ipc:///tmp/x", 0, false, false, PICK_FOUND, "ipc:///tmp/x"},
    {"ipc:///tmp/x", 'a', false, false, PICK_NO_KEY, ""},
};

START_TEST (never_weaker_than_what_is_known)
{
    char text[1000], got[1000] = "";
    const char *list[8];
    size_t count = 0;
    pick_t self;
    snprintf (text, sizeof text, "%s", s_cases[_i].with);
    for (char *rest = text, *word; (word = strsep (&rest, " "));)
        list[count++] = word;
    const uint8_t *pin = s_cases[_i].pin == 'a' ? s_a : s_cases[_i].pin == 'b' ? s_b : NULL;
    pick_verdict_t verdict = pick (&self, list, count, pin, s_cases[_i].again, s_cases[_i].plain);
    for (size_t i = 0; i < self.count; i++)
        sprintf (got + strlen (got), "%s%s", i ? " " : "", self.list[i]);
    ck_assert_int_eq (verdict, s_cases[_i].verdict);
    ck_assert_str_eq (got, s_cases[_i].wanted);
    if (verdict == PICK_OTHER_KEY)
        ck_assert_mem_eq (self.key, s_a, ENDPOINT_KEY);
}
END_TEST

START_TEST (too_many_are_not_looked_at)
{
    const char *list[PICK_MAX + 5];
    pick_t self;
    for (size_t i = 0; i < PICK_MAX + 5; i++)
        list[i] = "tcp://10.0.0.1:1";
    ck_assert_int_eq (pick (&self, list, PICK_MAX + 5, NULL, false, false), PICK_FOUND);
    ck_assert_uint_eq (self.count, PICK_MAX);
    ck_assert_int_eq (pick (&self, list, 0, NULL, false, false), PICK_FOUND);
    ck_assert_uint_eq (self.count, 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("pick");
    tcase_add_checked_fixture (cases, s_setup, NULL);
    tcase_add_loop_test (cases, never_weaker_than_what_is_known, 0,
                         sizeof s_cases / sizeof s_cases[0]);
    tcase_add_test (cases, too_many_are_not_looked_at);
    return kit_run (cases, "pick");
}
