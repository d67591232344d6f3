// closer: closes descriptors in a thread of its own.

#include "daemons/group/closer.h"

#include "tests/kit.h"

#include <fcntl.h>
#include <unistd.h>

enum { MANY = 100 }; // more than its first list has room for

START_TEST (all_are_closed_at_the_end)
{
    int ends[MANY][2];
    closer_t *closer = closer_new ();
    closer_take (closer, -1);
    for (int n = 0; n < MANY; n++) {
        ck_assert_int_eq (pipe (ends[n]), 0);
        closer_take (closer, ends[n][1]);
    }
    closer_destroy (&closer);
    ck_assert_ptr_null (closer);
    for (int n = 0; n < MANY; n++) {
        char none;
        ck_assert_int_eq (read (ends[n][0], &none, 1), 0); // nobody has the other end any more
        close (ends[n][0]);
    }
}
END_TEST

START_TEST (one_is_closed_without_waiting_for_the_end)
{
    closer_t *closer = closer_new ();
    for (int n = 0; n < 3; n++) { // the thread ends between two
        int ends[2];
        char none;
        ck_assert_int_eq (pipe (ends), 0);
        closer_take (closer, ends[1]);
        ck_assert_int_eq (read (ends[0], &none, 1), 0);
        close (ends[0]);
    }
    closer_destroy (&closer);
    closer_destroy (&closer); // NULL
}
END_TEST

int main (void)
{
    TCase *rules = tcase_create ("closer");
    tcase_add_test (rules, all_are_closed_at_the_end);
    tcase_add_test (rules, one_is_closed_without_waiting_for_the_end);
    return kit_run (rules, "closer");
}
