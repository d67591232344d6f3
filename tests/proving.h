// proving: a fixture for tests with listeners: the authenticator, without which they let nobody in.

#ifndef ZCHAT_TESTS_PROVING_H
#define ZCHAT_TESTS_PROVING_H

#include "common/authenticator.h"

#include <check.h>

static authenticator_t *proving;

static inline void proving_start (void)
{
    proving = authenticator_new ();
    ck_assert_ptr_nonnull (proving);
}

// To be called before zsys_shutdown by a case that ends with it; else the fixture does it.
static inline void proving_stop (void)
{
    authenticator_destroy (&proving);
}

// The first fixture: it begins before the others and ends after them.
static inline void proving_add (TCase *cases)
{
    tcase_add_checked_fixture (cases, proving_start, proving_stop);
}

#endif
