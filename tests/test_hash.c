#include "common/hash.h"

#include "common/guid.h"
#include "tests/kit.h"

#include <sys/wait.h>
#include <unistd.h>

START_TEST (equal_bytes_hash_alike)
{
    dice_t chance = dice_new ("equal_bytes_hash_alike");
    uint8_t a[300], b[300];
    for (size_t size = 0; size <= sizeof a; size++) {
        dice_fill (&chance, a, size);
        memcpy (b, a, size);
        ck_assert_uint_eq (hash_bytes (a, size), hash_bytes (b, size));
    }
}
END_TEST

START_TEST (every_bit_and_the_size_count)
{
    uint8_t bytes[40] = {0};
    size_t before = hash_bytes (bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_ne (hash_bytes (bytes, sizeof bytes), before);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t size = 0; size < sizeof bytes; size++)
        ck_assert_uint_ne (hash_bytes (bytes, size), before);
}
END_TEST

START_TEST (guids_are_hashed_and_compared_by_their_bytes)
{
    guid_t a = guid_random (), b = a, c = a;
    c.bytes[GUID_SIZE - 1] ^= 1;
    ck_assert_uint_eq (hash_guid (&a), hash_guid (&b));
    ck_assert_uint_eq (hash_guid (&a), hash_bytes (a.bytes, GUID_SIZE));
    ck_assert_uint_ne (hash_guid (&a), hash_guid (&c));
    ck_assert_int_eq (hash_guid_compare (&a, &b), 0);
    ck_assert_int_ne (hash_guid_compare (&a, &c), 0);
    ck_assert ((hash_guid_compare (&a, &c) < 0) == (hash_guid_compare (&c, &a) > 0));
}
END_TEST

START_TEST (texts_are_hashed_up_to_their_zero)
{
    ck_assert_uint_eq (hash_text ("ann"), hash_bytes ("ann", 3));
    ck_assert_uint_eq (hash_text ("ann\0bob"), hash_text ("ann"));
    ck_assert_uint_ne (hash_text ("ann"), hash_text ("anna"));
    ck_assert_uint_eq (hash_text (""), hash_bytes (NULL, 0));
}
END_TEST

// Nobody can prepare keys that collide: another process hashes differently.
START_TEST (seed_is_another_in_each_process)
{
    size_t hashes[2];
    for (int i = 0; i < 2; i++) {
        int ends[2];
        ck_assert_int_eq (pipe (ends), 0);
        pid_t child = fork ();
        ck_assert_int_ge (child, 0);
        if (child == 0) {
            size_t hash = hash_bytes ("key", 3);
            _exit (write (ends[1], &hash, sizeof hash) != sizeof hash);
        }
        ck_assert_int_eq (read (ends[0], &hashes[i], sizeof hashes[i]), sizeof hashes[i]);
        close (ends[0]);
        close (ends[1]);
        ck_assert_int_eq (waitpid (child, NULL, 0), child);
    }
    ck_assert_uint_ne (hashes[0], hashes[1]);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("hash");
    tcase_add_test (cases, equal_bytes_hash_alike);
    tcase_add_test (cases, every_bit_and_the_size_count);
    tcase_add_test (cases, guids_are_hashed_and_compared_by_their_bytes);
    tcase_add_test (cases, texts_are_hashed_up_to_their_zero);
    tcase_add_test (cases, seed_is_another_in_each_process);
    return kit_run (cases, "hash");
}
