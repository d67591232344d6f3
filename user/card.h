// card: what an invitation says, for people or as JSON.
//
// Floor 3, pure.

#ifndef ZCHAT_CARD_H
#define ZCHAT_CARD_H

#include "common/invitation.h"

// "the invitation to cats and dogs, until 2026-11-22 07:00:00, for 5 people", without a newline.
// The caller frees it; NULL: no memory.
char *card_sentence (const invitation_t *invitation);

// A line of JSON: invitation (its id), operator, groups (empty: all), registries, expires (null:
// never), uses (null: any number), and `text` if not NULL.
char *card_json (const invitation_t *invitation, const char *text);

#endif
