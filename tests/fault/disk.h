// disk: the system calls of the log, over a real folder, as a disk would keep or lose what they
// did.
//
// The linker sends the calls here (-Wl,--wrap, see CMakeLists.txt). Files lie on a tmpfs; beside
// them this knows what a disk would have: what was written counts only when it was synced, a name
// only when its folder was. A cut of the power takes the rest away, by sectors, as chance wants it.
// A sync that was made to fail loses what it should have written, while the page cache goes on
// showing it until it is dropped, and the next sync says all is well: as Linux does it.

#ifndef ZCHAT_TESTS_DISK_H
#define ZCHAT_TESTS_DISK_H

#include "common/codec.h"

#include <sys/types.h>

typedef enum {
    DISK_OPEN, // open and openat
    DISK_PREAD,
    DISK_PWRITE,
    DISK_WRITE,
    DISK_FDATASYNC,
    DISK_FSYNC,
    DISK_FTRUNCATE,
    DISK_FALLOCATE,
    DISK_UNLINK,
    DISK_RENAME,
    DISK_FLOCK,
    DISK_MKDIR,
    DISK_FSTAT, // and fstatat
    DISK_READDIR,
    DISK_CALLS
} disk_call_t;

const char *disk_call_name (disk_call_t call);

typedef enum {
    DISK_ERROR, // the call fails with `error`
    DISK_SHORT, // PREAD, PWRITE, WRITE: does a part of the work, then the next ones fail with
                // `error`
    DISK_POWER, // the power goes before the call: nothing works any more until disk_cut
    DISK_KILL   // the process is killed before the call: nothing works any more until disk_revive
} disk_fault_t;

typedef struct {
    disk_call_t call;
    int at;     // which one, from 1 on; 0: none
    bool stays; // all the later ones too
    disk_fault_t fault;
    int error; // errno
} disk_plan_t;

// Begins with the folder `path`, which is not there yet, and an empty disk. Only one at a time.
void disk_begin (const char *path);
void disk_end (void); // forgets all; the files stay

// The fault to come; counts calls from here on.
void disk_arm (const disk_plan_t *plan);
void disk_disarm (void);
int disk_fired (void);             // how often the fault struck since disk_arm
int disk_calls (disk_call_t call); // since disk_arm
bool disk_is_off (void);           // the power is gone, or the process
bool disk_is_killed (void);        // it is the process
bool disk_sync_failed (void);      // a sync was made to fail since the last disk_forget_failure
void disk_forget_failure (void);

// Syncs wait until they are let go.
void disk_hold_syncs (bool hold);
// Waits until a thread stands in a sync that is held, or waits for work. Returns whether one
// stands.
bool disk_wait_held (void);
// Waits until every other thread waits for work: then the same calls come in each run.
void disk_settle (void);

// Cuts the power and gives it back: of what was not synced, each sector, and each step that is no
// sector, is there with the given chance in percent. Nobody may have a file open.
void disk_cut (uint64_t seed, unsigned percent);

// A killed process is started again: what it wrote is still in the page cache, synced or not.
void disk_revive (void);

// Whether these bytes are on the disk, in a file whose name is.
bool disk_holds (span_t bytes);

// Puts bytes into a file, on disk and all: what something else did to it. Name from the folder.
void disk_put (const char *name, off_t offset, span_t bytes);

#endif
