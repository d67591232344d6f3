// directory: which groups exist and where: the registry's whole state.
//
// Floor 5, pure: knows no sockets and no clock; `now` is in milliseconds and never goes back.
//
// A name is held by one log and one key (or by none: a plain group). Under a name that is held by a
// live zchat group
//   - another log or key is refused (NAME_TAKEN), a group of the original system too;
//   - the same log's later opening (entry_later) takes the entry, and the earlier one is refused
//     (SUPERSEDED) with the holder's claim, as long as the holder renews;
//   - whoever the caller says owns the name takes it in any case.
// A group of the original system gives way to a zchat group, and the one registered longest ago
// gives way when the directory is full. It is soft state: all of it comes back within one renewal.

#ifndef ZCHAT_REGISTRY_DIRECTORY_H
#define ZCHAT_REGISTRY_DIRECTORY_H

#include "daemons/registry/entry.h"

typedef struct {
    int64_t lease;       // milliseconds
    int64_t legacy_keep; // milliseconds
    size_t max_groups;
    size_t max_per_caller; // of one key, and of one address that is not loopback
} directory_limits_t;

#define DIRECTORY_MEMORY_MAX ((size_t)64 << 20) // bytes of all entries together

typedef enum {
    DIRECTORY_REGISTERED,
    DIRECTORY_TAKEN_OVER, // a later opening of the log, or a zchat group from an original one
    DIRECTORY_WITHDRAWN,
    DIRECTORY_EXPIRED,
    DIRECTORY_CONTESTED,    // somebody else wants the name; said once
    DIRECTORY_CONTEST_OVER, // nobody else asked for a lease's time
    DIRECTORY_FULL,         // somebody was refused for a limit; said once; the entry is refused
    DIRECTORY_FULL_OVER     // there is room again; the entry is NULL
} directory_event_t;

// Told of what happens, for the log. `other`: who wants the name, at CONTESTED; else NULL.
typedef void (directory_tell_fn) (void *context, directory_event_t event, const entry_t *entry,
                                  const entry_t *other);

typedef struct directory directory_t;

directory_t *directory_new (const directory_limits_t *limits, directory_tell_fn *tell,
                            void *context);
void directory_destroy (directory_t **self_p);
void directory_set_limits (directory_t *self, const directory_limits_t *limits);

// A zchat group announces itself, new or again. `owner`: the name is its own. Returns NONE,
// NAME_TAKEN, SUPERSEDED or LIMIT; *holder is then who holds the name (NULL for LIMIT).
wire_error_t directory_announce (directory_t *self, entry_t **entry_p, bool owner, int64_t now,
                                 const entry_t **holder);

// The limit that was behind the last LIMIT: "max_groups" or "max_groups_per_caller".
const char *directory_limit (const directory_t *self);

// A group of the original system registers, new or again. 0, or -1: refused.
int directory_register (directory_t *self, entry_t **entry_p, int64_t now);

// A zchat group leaves. Only its own instance is removed, by the key (ENTRY_KEY bytes, NULL: none)
// that announced it; any other call does nothing.
void directory_withdraw (directory_t *self, span_t name, const guid_t *log, const guid_t *instance,
                         const uint8_t *key, int64_t now);

// Removes what is over. Nothing relies on how often it is called but the events and memory.
void directory_expire (directory_t *self, int64_t now);

// Visits live entries until `visit` returns false: all in the order in which their names were
// registered, or by name those behind `after` ("": all).
typedef bool (directory_visit_fn) (void *context, const entry_t *entry);
void directory_list (const directory_t *self, int64_t now, directory_visit_fn *visit,
                     void *context);
void directory_page (const directory_t *self, span_t after, int64_t now, directory_visit_fn *visit,
                     void *context);

size_t directory_count (const directory_t *self); // entries, those not yet removed too

#endif
