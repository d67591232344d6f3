// import: makes a log again from the lines that export wrote.
//
// Daemon floor 5. The same log: its id, its segments, its STATE and batches, byte by byte. Every
// batch is held against its sum and the chain while it is read. It is made in a folder beside the
// wanted one, `.NAME.import`, and renamed when all of it is durable: all or nothing. The secret is
// in no export: a new one is made, and receipts given under the old one prove nothing any more,
// unless the old key is given.

#ifndef ZCHAT_IMPORT_H
#define ZCHAT_IMPORT_H

#include "daemons/group/folder.h"

#include <stdio.h>

typedef struct {
    guid_t log;
    uint64_t segments;
    uint64_t records;
    uint64_t last; // sequence
} import_t;

// Reads `in` to its end and makes the log in `folder`, which must be empty or not there. `key`: a
// file as `key` in a log's folder, NULL: a new secret. Returns 0, or -1 with trouble set:
// EXIT_REFUSED and the line's number for what is wrong in the lines. `progress`: called now and
// then, may be NULL; of_bytes is 0 when nobody knows how much comes.
int import_run (import_t *self, FILE *in, const char *folder, const char *key,
                void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes),
                trouble_t *trouble);

#endif
