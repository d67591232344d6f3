// tether: what a loop's handler gets in place of a pointer to an object that may be gone.
//
// Floor 1. zloop may call a timer once more after it was ended, and a socket's reader once more
// after a timer's handler ended that. So a handler gets a token, and asks for its owner. Tokens are
// never used twice. For the loop's thread alone.

#ifndef ZCHAT_TETHER_H
#define ZCHAT_TETHER_H

// A token for this owner, or NULL when memory is out.
void *tether_new (void *owner);

// The owner, or NULL when the token was cut.
void *tether_owner (const void *token);

void tether_cut (void **token_p);

#endif
