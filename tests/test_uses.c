#include "daemons/group/uses.h"

#include "tests/kit.h"

#define NOW INT64_C (1795330800000000)

static guid_t s_id (unsigned n)
{
    return (guid_t){{0x30, (uint8_t)n}};
}

static void s_redeem_at (uses_t *uses, unsigned n, uint64_t may, int64_t expires, int64_t time)
{
    uint8_t bytes[64];
    guid_t id = s_id (n);
    writer_t options = writer (bytes, sizeof bytes);
    record_put_option (&options, RECORD_OPT_INVITATION, id.bytes, GUID_SIZE);
    if (may > 0)
        record_put_number (&options, RECORD_OPT_USES, may);
    if (expires > 0)
        record_put_number (&options, RECORD_OPT_EXPIRES, (uint64_t)expires);
    record_t record = {
        .kind = RECORD_JOIN, .time = time, .options = span (bytes, writer_used (&options))};
    uses_put (uses, &record);
}

static void s_redeem (uses_t *uses, unsigned n, uint64_t may)
{
    s_redeem_at (uses, n, may, 0, NOW);
}

static uint64_t s_count (const uses_t *uses, unsigned n)
{
    guid_t id = s_id (n);
    return uses_count (uses, &id);
}

static void s_put_into (void *arg, const record_t *record)
{
    ck_assert_int_eq (record->kind, RECORD_STATE_INVITATION);
    uses_put (arg, record);
    uses_commit (arg);
}

static uses_t *s_through_state (const uses_t *uses)
{
    uses_t *again = uses_new ();
    uses_state (uses, s_put_into, again);
    return again;
}

START_TEST (redeemed_invitations_are_counted_each)
{
    uses_t *uses = uses_new ();
    for (int i = 0; i < 3; i++)
        s_redeem (uses, 1, 5);
    s_redeem (uses, 2, 1);
    ck_assert_uint_eq (s_count (uses, 1), 3); // before it is durable: next
    uses_commit (uses);
    ck_assert_uint_eq (s_count (uses, 1), 3);
    ck_assert_uint_eq (s_count (uses, 2), 1);
    ck_assert_uint_eq (s_count (uses, 3), 0);
    uses_destroy (&uses);
    ck_assert_ptr_null (uses);
    uses_destroy (&uses);
}
END_TEST

START_TEST (those_for_any_number_and_other_records_are_not_counted)
{
    uses_t *uses = uses_new ();
    s_redeem (uses, 1, 0);
    record_t join = {.kind = RECORD_JOIN, .time = NOW};
    uses_put (uses, &join);
    uint8_t bytes[64];
    writer_t options = writer (bytes, sizeof bytes);
    record_put_option (&options, RECORD_OPT_INVITATION, s_id (1).bytes, GUID_SIZE - 1);
    record_put_number (&options, RECORD_OPT_USES, 4);
    join.options = span (bytes, writer_used (&options));
    uses_put (uses, &join);
    uses_commit (uses);
    ck_assert_uint_eq (s_count (uses, 1), 0);
    uses_destroy (&uses);
}
END_TEST

START_TEST (job_that_failed_counts_nothing)
{
    uses_t *uses = uses_new ();
    s_redeem (uses, 1, 5);
    uses_commit (uses);
    s_redeem (uses, 1, 5);
    s_redeem (uses, 2, 5);
    uses_discard (uses);
    ck_assert_uint_eq (s_count (uses, 1), 1);
    ck_assert_uint_eq (s_count (uses, 2), 0);
    s_redeem (uses, 1, 5);
    uses_commit (uses);
    ck_assert_uint_eq (s_count (uses, 1), 2);
    uses_destroy (&uses);
}
END_TEST

START_TEST (state_keeps_the_counts_and_forgets_what_expired)
{
    uses_t *uses = uses_new ();
    for (int i = 0; i < 300; i++)
        s_redeem_at (uses, 1, 500, NOW + 1, NOW);
    s_redeem_at (uses, 2, 500, NOW + 2 * USES_EXPIRED, NOW);
    s_redeem (uses, 3, 2);
    uses_commit (uses);
    s_redeem (uses, 3, 2); // under way: no part of what is now
    uses_t *again = s_through_state (uses);
    ck_assert_uint_eq (s_count (again, 1), 300);
    ck_assert_uint_eq (s_count (again, 2), 1);
    ck_assert_uint_eq (s_count (again, 3), 1);
    s_redeem_at (again, 3, 2, 0, NOW + USES_EXPIRED + 2);
    uses_commit (again);
    uses_t *later = s_through_state (again);
    ck_assert_uint_eq (s_count (later, 1), 0);
    ck_assert_uint_eq (s_count (later, 2), 1);
    ck_assert_uint_eq (s_count (later, 3), 2);
    uses_destroy (&later);
    uses_destroy (&again);
    uses_destroy (&uses);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("uses");
    tcase_add_test (cases, redeemed_invitations_are_counted_each);
    tcase_add_test (cases, those_for_any_number_and_other_records_are_not_counted);
    tcase_add_test (cases, job_that_failed_counts_nothing);
    tcase_add_test (cases, state_keeps_the_counts_and_forgets_what_expired);
    return kit_run (cases, "uses");
}
