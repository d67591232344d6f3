// access: who may ask this registry anything.
//
// Floor 5. Open: everybody. Invited: who proves a key that the configuration names (`members`),
// that was admitted before, or that shows an invitation of one of its `operators`; and whoever
// comes over plain from this machine. Admitted keys are kept in a file, one line each: the key, and
// the id of the invitation that let it in, both as hex.

#ifndef ZCHAT_REGISTRY_ACCESS_H
#define ZCHAT_REGISTRY_ACCESS_H

#include "common/conf.h"
#include "common/wire.h"
#include "daemons/registry/entry.h"

typedef struct access access_t;

#define ACCESS_ADMITTED 100000 // keys kept; more are refused

// Takes access, members and operators from the configuration, and the admitted keys from the file
// (read when first needed). NULL: memory is out.
access_t *access_new (const conf_t *conf, const char *file);
void access_destroy (access_t **self_p);
void access_configure (access_t *self, const conf_t *conf);

// May the caller, who shows these invitations (the field, or nothing)? `now`: microseconds since
// 1970. NONE, or KEY_NEEDED, NOT_INVITED, BAD_INVITATION or LIMIT.
wire_error_t access_judge (access_t *self, const entry_caller_t *caller, span_t shown, int64_t now);

#endif
