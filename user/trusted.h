// trusted: what the user was told to trust: invitations, and the registries in them.
//
// Floor 3. It lies in the identity's folder, as text:
//
//     invitations/ID     "taken MICROSECONDS", and the invitation's text
//     registries         endpoints with keys, one a line
//
// An invitation lets in whoever shows it, so it is shown to those alone for whom it is: registries
// that it names (by their keys, wherever they are), and groups that have proved their key.

#ifndef ZCHAT_TRUSTED_H
#define ZCHAT_TRUSTED_H

#include "common/invitation.h"

typedef struct trusted trusted_t;

// Reads what there is; what cannot be read is left out. `folder` NULL: nothing. NULL: memory is
// out.
trusted_t *trusted_open (const char *folder);
void trusted_destroy (trusted_t **self_p);

// The invitations, the newest first; NULL behind the last.
const invitation_t *trusted_invitation (const trusted_t *self, size_t index);

// The field `invitations` for a group of that name, or (NULL) a registry, at this endpoint: the
// newest that fit and are not expired. Returns its size, 0: none.
size_t trusted_show (const trusted_t *self, const char *endpoint, const char *group, int64_t now,
                     uint8_t out[INVITATION_FIELD]);

// Are there invitations to that group, all of them expired?
bool trusted_is_expired (const trusted_t *self, const char *group, int64_t now);

// Keeps an invitation, and adds its registries to the list. 1; 0: it was there already; -1 with
// errno.
int trusted_keep (const char *folder, const invitation_t *invitation, int64_t now);

// The list of registries, each with a newline behind it, which the caller frees. NULL: there is
// none.
char *trusted_registries (const char *folder);

#endif
