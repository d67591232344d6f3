// place: one group of the conversation: what was said there, what comes, what the user asks of it.
//
// Floor 12. Prints through the context, tells failures itself, and says when anything changed.

#ifndef ZCHAT_PLACE_H
#define ZCHAT_PLACE_H

#include "common/session.h"
#include "user/console.h"
#include "user/deed.h"

typedef struct place place_t;

typedef enum {
    PLACE_LOADING, // its recent records are being read
    PLACE_ASKING,  // no member: the user is to be asked
    PLACE_JOINING,
    PLACE_HERE,
    PLACE_GONE // left, refused or never reached
} place_state_t;

// Called after anything that place_state, place_is_up or place_is_settled show. It must not destroy
// the place.
typedef void (place_changed_fn) (void *arg, place_t *place);

// Opens the group and shows its recent records, with `join` after joining it. NULL when `group` is
// none: said.
place_t *place_new (context_t *context, console_t *console, const char *group, bool join,
                    place_changed_fn *changed, void *arg);
void place_destroy (place_t **self_p);

const char *place_group (const place_t *self); // as it was asked for
const char *place_name (const place_t *self);  // as it calls itself, once that is known
place_state_t place_state (const place_t *self);
bool place_is_up (const place_t *self);

// Nothing is under way, and what was sent was printed.
bool place_is_settled (const place_t *self);

// The exit code of the first thing that went wrong.
int place_code (const place_t *self);

// The answer to PLACE_ASKING.
void place_answer (place_t *self, bool join);

void place_send (place_t *self, const char *text);
void place_nick (place_t *self, const char *nick);
void place_topic (place_t *self, const char *text); // "": shows it
void place_who (place_t *self);
void place_history (place_t *self, const session_range_t *range);
void place_leave (place_t *self);

// Does that to whom it is about, a nick or a UUID.
void place_deed (place_t *self, const deed_t *deed, const char *who);

#endif
