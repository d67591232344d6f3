// nicks: who has which nick, and which are free.
//
// Daemon floor 1, pure. Two nicks are the same if they are so case-folded and normalized (see
// text_nick_key). A nick given to these functions is a valid one, or "".

#ifndef ZCHAT_NICKS_H
#define ZCHAT_NICKS_H

#include "common/text.h"

typedef struct nicks nicks_t;

nicks_t *nicks_new (void);
void nicks_destroy (nicks_t **self_p);

// Whoever took it, NULL: nobody.
void *nicks_holder (const nicks_t *self, const char *nick, size_t size);

// `holder` has it from now on, whoever had it. "" is had by nobody.
void nicks_take (nicks_t *self, const char *nick, void *holder);
// It is free again, if `holder` has it.
void nicks_release (nicks_t *self, const char *nick, const void *holder);

// The nick itself if it is free; else a free one with a number behind it, "ann-2", its front cut at
// a character where there is no room. Small numbers are given lowest first.
void nicks_find_free (const nicks_t *self, const char *nick, size_t size,
                      char out[TEXT_NICK_MAX + 1]);

#endif
