// ask: one group, one request or a few after each other, then the end.
//
// Floor 10.

#ifndef ZCHAT_ASK_H
#define ZCHAT_ASK_H

#include "user/room.h"

// Takes an answer: a row of ACK, or a frame. Returns whether to go on with `next`, which it made.
typedef bool (ask_fn) (void *arg, room_t *room, const wire_t *reply, wire_t *next);

// Opens the group and asks; runs the loop. What is refused or unanswered is said. Returns the exit
// code. The context's identity must have been opened.
int ask (context_t *context, const char *group, const wire_t *request, ask_fn *answered, void *arg);

#endif
