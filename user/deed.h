// deed: what an operator does to somebody, and how it is told.
//
// Floor 4, pure. One table, a row a deed, for commands and for what is typed in the conversation.

#ifndef ZCHAT_DEED_H
#define ZCHAT_DEED_H

#include "common/record.h"
#include "common/wire.h"

typedef struct {
    const char *name;
    record_kind_t action; // of MANAGE: the kind of the record that says so
    const char *done;     // "kicked"
    const char *where;    // "out of", in front of the group's name
} deed_t;

// The row of that name ("kick"), or NULL.
const deed_t *deed_find (const char *name);

// The request; `uuid` must outlive it, `key` (32 bytes, or NULL) too.
wire_t deed_request (record_kind_t action, const guid_t *uuid, const uint8_t *key);

// "kicked bob out of cats"; `seq` 0: nothing changed. The caller frees it; NULL: no memory.
char *deed_sentence (const deed_t *self, const char *who, const char *group, uint64_t seq);

#endif
