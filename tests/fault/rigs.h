// rigs: the fault rigs that are written in C, one program, `fault_log`.

#ifndef ZCHAT_TESTS_RIGS_H
#define ZCHAT_TESTS_RIGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t seed;
    size_t seconds;     // after which no other run is begun, 0: when all there are were made
    size_t enough;      // wrong ones after which it ends
    const char *folder; // where to work: best a tmpfs
    const char *one;    // a single run, as the rig itself told it
} rigs_options_t;

int rigs_calls (const rigs_options_t *options); // see calls.c
int rigs_bytes (const rigs_options_t *options); // see bytes.c
int rigs_write (const rigs_options_t *options); // see live.c
int rigs_read (const rigs_options_t *options);
int rigs_append (const rigs_options_t *options);

// Removes the folder with what it holds.
void rigs_remove (const char *folder);
// The name of the newest segment there, "" if there is none.
void rigs_newest (const char *folder, char name[]);
// The byte behind what was written to a segment: its last batch may end with zeros, as what was
// made ahead does.
long rigs_end (const char *folder, const char *name);

#endif
