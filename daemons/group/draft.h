// draft: a file that is there, whole and durable, or not at all.
//
// Daemon floor 2. It is written under another name, NAME.new, synced, and renamed.

#ifndef ZCHAT_DRAFT_H
#define ZCHAT_DRAFT_H

#include "common/codec.h"

typedef struct draft draft_t;

// Begins the file `name` (at most 40 bytes) in the folder `dir`, which is borrowed. What a crash
// left under the other name is removed. NULL with errno.
draft_t *draft_new (int dir, const char *name);

// Ends it; what was not kept is removed.
void draft_destroy (draft_t **self_p);

// All of these: 0, or -1 with errno.

int draft_write (draft_t *self, span_t bytes);                         // at the end
int draft_copy (draft_t *self, int fd, uint64_t offset, uint64_t end); // bytes of another file
int draft_patch (draft_t *self, uint64_t offset, span_t bytes);        // over what was written

// Makes it durable in its place, over what has its name there.
int draft_keep (draft_t *self);

uint64_t draft_size (const draft_t *self);

// A descriptor to read back what was written, or -1 with errno.
int draft_fd (draft_t *self);

#endif
