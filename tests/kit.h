// kit: what the class tests share: bytes written as hex, chance with a seed, running a suite.
//
// Random cases print their seed; ZCHAT_SEED=<number> in the environment repeats them.

#ifndef ZCHAT_TESTS_KIT_H
#define ZCHAT_TESTS_KIT_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

// Reads hex digits (blanks between are skipped) into `out`; returns the number of bytes.
static inline size_t kit_hex (const char *hex, uint8_t *out, size_t room)
{
    size_t size = 0;
    while (*hex) {
        unsigned byte;
        if (*hex == ' ' || *hex == '\n') {
            hex++;
            continue;
        }
        ck_assert (size < room && sscanf (hex, "%2x", &byte) == 1);
        out[size++] = (uint8_t)byte;
        hex += 2;
    }
    return size;
}

static inline void kit_same_hex (const void *data, size_t size, const char *wanted)
{
    const uint8_t *bytes = data;
    uint8_t other[4096];
    size_t other_size = kit_hex (wanted, other, sizeof other);
    if (size == other_size && memcmp (bytes, other, size) == 0)
        return;
    char *text = calloc (1, 2 * size + 1);
    for (size_t i = 0; text && i < size; i++)
        sprintf (text + 2 * i, "%02x", bytes[i]);
    ck_abort_msg ("got    %s\nwanted %s", text, wanted);
}

// A generator of its own, so that a seed gives the same case on every machine (splitmix64).
typedef struct {
    uint64_t state;
} dice_t;

static inline dice_t dice_new (const char *what)
{
    const char *given = getenv ("ZCHAT_SEED");
    dice_t self;
    if (given)
        self.state = strtoull (given, NULL, 0);
    else if (getrandom (&self.state, sizeof self.state, 0) != sizeof self.state)
        ck_abort_msg ("getrandom");
    printf ("%s: ZCHAT_SEED=%llu\n", what, (unsigned long long)self.state);
    fflush (stdout);
    return self;
}

static inline uint64_t dice_u64 (dice_t *self)
{
    uint64_t z = self->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// 0 to n - 1
static inline size_t dice (dice_t *self, size_t n)
{
    return (size_t)(dice_u64 (self) % n);
}

// A number of random size: small ones as likely as large ones.
static inline uint64_t dice_wide (dice_t *self)
{
    return dice_u64 (self) >> dice (self, 64);
}

static inline void dice_fill (dice_t *self, void *out, size_t size)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)dice_u64 (self);
}

// ZCHAT_CASE=<name> in the environment runs that case alone.
static inline void kit_add (TCase *cases, const TTest *test)
{
    const char *only = getenv ("ZCHAT_CASE");
    if (!only || strcmp (only, test->name) == 0)
        _tcase_add_test (cases, test, 0, 0, 0, 1);
}

#undef tcase_add_test
#define tcase_add_test kit_add

// Runs the cases; the exit code of main.
static inline int kit_run (TCase *cases, const char *name)
{
    Suite *suite = suite_create (name);
    tcase_set_timeout (cases, 60); // for sanitizers on a busy machine
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_run_all (runner, CK_ENV);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed > 0;
}

#endif
