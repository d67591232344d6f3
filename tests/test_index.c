#include "daemons/group/index.h"

#include "tests/kit.h"

static void s_is (const index_entry_t *entry, uint64_t seq)
{
    ck_assert_ptr_nonnull (entry);
    ck_assert_uint_eq (entry->seq, seq);
}

START_TEST (empty_index_finds_nothing)
{
    index_t *index = index_new ();
    ck_assert_ptr_null (index_by_seq (index, UINT64_MAX));
    ck_assert_ptr_null (index_by_time (index, INT64_MAX));
    ck_assert_ptr_null (index_by_offset (index, UINT64_MAX));
    index_destroy (&index);
    ck_assert_ptr_null (index);
    index_destroy (&index);
}
END_TEST

START_TEST (first_batch_becomes_an_entry_wherever_it_is)
{
    index_t *index = index_new ();
    index_add (index, 7, 100, 100, 88);
    s_is (index_by_seq (index, 7), 7);
    ck_assert_int_eq (index_by_seq (index, 7)->time, 100);
    ck_assert_uint_eq (index_by_seq (index, 7)->offset, 88);
    index_destroy (&index);
}
END_TEST

START_TEST (batches_nearer_than_64_kib_are_left_out)
{
    index_t *index = index_new ();
    index_add (index, 1, 1, 1, 88);
    index_add (index, 2, 2, 2, 88 + INDEX_SPACING - 1);
    index_add (index, 3, 3, 3, 88 + INDEX_SPACING);
    index_add (index, 4, 4, 4, 88 + INDEX_SPACING + 1);
    s_is (index_by_seq (index, 2), 1);
    s_is (index_by_seq (index, 3), 3);
    s_is (index_by_seq (index, 4), 3);
    index_destroy (&index);
}
END_TEST

// Entries with sequences 10, 20 ... at times 1000, 2000, 2000, 3000 and offsets of so many
// spacings.
static index_t *s_four (void)
{
    static const int64_t times[] = {1000, 2000, 2000, 3000};
    index_t *index = index_new ();
    for (uint64_t i = 0; i < 4; i++)
        index_add (index, 10 * (i + 1), times[i], times[i], (i + 1) * INDEX_SPACING);
    return index;
}

START_TEST (by_sequence_the_last_at_or_before)
{
    index_t *index = s_four ();
    ck_assert_ptr_null (index_by_seq (index, 0));
    ck_assert_ptr_null (index_by_seq (index, 9));
    s_is (index_by_seq (index, 10), 10);
    s_is (index_by_seq (index, 19), 10);
    s_is (index_by_seq (index, 20), 20);
    s_is (index_by_seq (index, 40), 40);
    s_is (index_by_seq (index, UINT64_MAX), 40);
    index_destroy (&index);
}
END_TEST

// A record of that very time may stand before the entry.
START_TEST (by_time_the_last_that_is_earlier)
{
    index_t *index = s_four ();
    ck_assert_ptr_null (index_by_time (index, INT64_MIN));
    ck_assert_ptr_null (index_by_time (index, -1));
    ck_assert_ptr_null (index_by_time (index, 0));
    ck_assert_ptr_null (index_by_time (index, 1000));
    s_is (index_by_time (index, 1001), 10);
    s_is (index_by_time (index, 2000), 10);
    s_is (index_by_time (index, 2001), 30);
    s_is (index_by_time (index, 3000), 30);
    s_is (index_by_time (index, INT64_MAX), 40);
    index_destroy (&index);
}
END_TEST

START_TEST (by_offset_the_last_at_or_before)
{
    index_t *index = s_four ();
    ck_assert_ptr_null (index_by_offset (index, INDEX_SPACING - 1));
    s_is (index_by_offset (index, INDEX_SPACING), 10);
    s_is (index_by_offset (index, 2 * INDEX_SPACING - 1), 10);
    s_is (index_by_offset (index, 4 * INDEX_SPACING), 40);
    s_is (index_by_offset (index, UINT64_MAX), 40);
    index_destroy (&index);
}
END_TEST

START_TEST (lost_span_is_an_entry_and_so_is_what_lies_behind_it)
{
    index_t *index = index_new ();
    index_add (index, 1, 1000, 1000, 88);
    index_add_lost (index, 5, 300);
    index_add_lost (index, 5, 700); // it is one
    index_add (index, 9, 3000, 3000, 900);
    index_add (index, 10, 3000, 3000, 1000); // too near
    s_is (index_by_seq (index, 4), 1);
    s_is (index_by_seq (index, 5), 5);
    ck_assert (index_by_seq (index, 8)->lost && index_by_seq (index, 8)->offset == 300);
    ck_assert (!index_by_seq (index, 9)->lost);
    s_is (index_by_seq (index, 11), 9);
    // Nobody knows the time of what is lost.
    s_is (index_by_time (index, 2000), 1);
    s_is (index_by_time (index, 3001), 9);
    index_destroy (&index);
}
END_TEST

// So a time between an entry's last record and the next entry needs no look at the file.
START_TEST (entry_knows_the_last_time_behind_it)
{
    index_t *index = index_new ();
    index_add_hole (index);
    index_add (index, 1, 1000, 1500, 88);
    ck_assert_int_eq (index_by_seq (index, 1)->last, 1500);
    index_add (index, 5, 1500, 1700, 300);
    ck_assert_int_eq (index_by_seq (index, 1)->last, 1700);
    index_add (index, 9, 2000, 2000, 88 + INDEX_SPACING);
    ck_assert_int_eq (index_by_seq (index, 1)->last, 1700);
    ck_assert_int_eq (index_by_seq (index, 9)->last, 2000);
    index_add_hole (index);
    index_add (index, 12, 2100, 2200, 200 + INDEX_SPACING);
    ck_assert_int_eq (index_by_seq (index, 9)->last, INT64_MAX);
    index_add_lost (index, 14, 300 + INDEX_SPACING);
    ck_assert_int_eq (index_by_seq (index, 14)->last, INT64_MAX);
    index_destroy (&index);
}
END_TEST

START_TEST (lost_front_has_no_time)
{
    index_t *index = index_new ();
    index_add_lost (index, 1, 88);
    ck_assert_ptr_null (index_by_time (index, 1000));
    index_add (index, 9, 3000, 3000, 900);
    ck_assert_ptr_null (index_by_time (index, 3000));
    s_is (index_by_time (index, 3001), 9);
    index_destroy (&index);
}
END_TEST

START_TEST (entries_follow_each_other)
{
    index_t *index = s_four ();
    const index_entry_t *entry = NULL;
    for (uint64_t i = 0; i < 4; i++) {
        entry = index_after (index, entry);
        s_is (entry, 10 * (i + 1));
    }
    ck_assert_ptr_null (index_after (index, entry));
    index_destroy (&index);
    index = index_new ();
    ck_assert_ptr_null (index_after (index, NULL));
    index_destroy (&index);
}
END_TEST

START_TEST (random_indexes_agree_with_a_plain_search)
{
    dice_t chance = dice_new ("random_indexes_agree_with_a_plain_search");
    static index_entry_t kept[2000];
    for (int round = 0; round < 20; round++) {
        index_t *index = index_new ();
        size_t count = 0;
        index_entry_t entry = {1, 5, 88, false, 5};
        for (size_t i = 0; i < 1 + dice (&chance, 2000); i++) {
            index_add (index, entry.seq, entry.time, entry.time, entry.offset);
            if (count == 0 || entry.offset >= kept[count - 1].offset + INDEX_SPACING)
                kept[count++] = entry;
            entry.seq += 1 + dice (&chance, 1000);
            entry.time += (int64_t)dice (&chance, 3);
            entry.offset += 100 + dice (&chance, 65000);
        }
        for (int i = 0; i < 300; i++) {
            uint64_t seq = dice (&chance, entry.seq + 5), offset = dice (&chance, entry.offset + 5);
            int64_t time = (int64_t)dice (&chance, (size_t)entry.time + 5);
            const index_entry_t *wanted[3] = {NULL, NULL, NULL};
            for (size_t j = 0; j < count; j++) {
                wanted[0] = kept[j].seq <= seq ? &kept[j] : wanted[0];
                wanted[1] = kept[j].time < time ? &kept[j] : wanted[1];
                wanted[2] = kept[j].offset <= offset ? &kept[j] : wanted[2];
            }
            const index_entry_t *got[3] = {index_by_seq (index, seq), index_by_time (index, time),
                                           index_by_offset (index, offset)};
            for (int j = 0; j < 3; j++)
                ck_assert (got[j] ? wanted[j] && got[j]->seq == wanted[j]->seq : !wanted[j]);
        }
        index_destroy (&index);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("index");
    tcase_add_test (cases, empty_index_finds_nothing);
    tcase_add_test (cases, first_batch_becomes_an_entry_wherever_it_is);
    tcase_add_test (cases, batches_nearer_than_64_kib_are_left_out);
    tcase_add_test (cases, by_sequence_the_last_at_or_before);
    tcase_add_test (cases, by_time_the_last_that_is_earlier);
    tcase_add_test (cases, by_offset_the_last_at_or_before);
    tcase_add_test (cases, lost_span_is_an_entry_and_so_is_what_lies_behind_it);
    tcase_add_test (cases, entry_knows_the_last_time_behind_it);
    tcase_add_test (cases, lost_front_has_no_time);
    tcase_add_test (cases, entries_follow_each_other);
    tcase_add_test (cases, random_indexes_agree_with_a_plain_search);
    return kit_run (cases, "index");
}
