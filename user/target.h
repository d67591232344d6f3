// target: whom a command is about: a UUID, or the nick of a member, who is looked for with WHO.
//
// Floor 4, pure. Nicks are compared as the group does: without regard to case or form.

#ifndef ZCHAT_TARGET_H
#define ZCHAT_TARGET_H

#include "common/wire.h"

typedef struct {
    bool found;
    guid_t uuid; // when found
    guid_t last; // the rows asked for begin behind it
    char *key;   // of the nick that is looked for
} target_t;

typedef enum { TARGET_MORE, TARGET_FOUND, TARGET_NONE } target_step_t;

// `who` as typed. Found already when it is a UUID. Returns 0, or -1 when it is no nick either.
int target_begin (target_t *self, const char *who);
void target_end (target_t *self);

// The WHO to ask with while it is not found. It must not outlive the object.
wire_t target_request (const target_t *self);

// Takes MEMBERS. MORE: ask again.
target_step_t target_take (target_t *self, const wire_t *members);

#endif
