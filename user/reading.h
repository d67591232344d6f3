// reading: the commands that change nothing.
//
// Floor 11. Each is the function of a row of the table of commands; returns the exit code.

#ifndef ZCHAT_READING_H
#define ZCHAT_READING_H

#include "common/lookup.h"
#include "user/context.h"

int reading_groups (context_t *context);
int reading_messages (context_t *context);
int reading_who (context_t *context);
int reading_topic (context_t *context);
int reading_whoami (context_t *context);

// What the conversation shares with them.

// Prints all groups that were found. Returns the exit code.
int reading_print_groups (context_t *context, const lookup_t *lookup, lookup_result_t result);

// The request for the members behind `last` (zeros: from the first), which must outlive it.
wire_t reading_who_request (const guid_t *last);

// Prints a page of members and sets `last`; whether there are more.
bool reading_print_members (context_t *context, const wire_t *reply, guid_t *last);

// The topic in MEMBERS, which the caller frees; NULL when memory is out.
char *reading_topic_of (const wire_t *reply);

#endif
