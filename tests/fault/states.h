// states: all the ways in which the bytes of a log are not what they were.
//
// They are counted through, and only those that are wanted are made: so a few of them, chosen by
// chance, cost little. A state is the same each time, whatever came before it.

#ifndef ZCHAT_TESTS_STATES_H
#define ZCHAT_TESTS_STATES_H

#include "tests/fault/truth.h"

typedef struct {
    const truth_t *truth;
    const truth_t *other; // a log that has nothing to do with it
    uint64_t seed;        // of garbage, and of what is changed by chance
    // The state: files in order of their names.
    truth_file_t files[TRUTH_FILES];
    size_t count;
    size_t at;        // its number among all
    const char *what; // what was done
    size_t number;    // and where
    bool lenient;     // a text holds whole batches, so only what is served is sure
    uint64_t dice;
    // Whether the next state is wanted, and what is done with it when it is made.
    bool (*wanted) (void *arg);
    void (*made) (void *arg);
    void *arg;
} states_t;

typedef void (states_fn) (states_t *self);

// Each goes through states of one kind. self->at counts on.
states_fn states_of_bits;    // of the newest segment and the first one
states_fn states_of_cuts;    // each length within the last three batches
states_fn states_of_junk;    // zeros and garbage behind the end
states_fn states_of_sectors; // one zeroed
states_fn states_of_pages;   // older ones, and those of other places
states_fn states_of_files;   // segments missing, short, of another log, doubled
states_fn states_of_two;     // two changes by chance

void states_clear (states_t *self);
uint64_t states_dice (states_t *self);

#endif
