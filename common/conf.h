// conf: what configuration files say, held against a table of keys.
//
// Floor 2; the only file that touches libconfig (whose prefix is config_, hence this name). A
// program has one table, a row a key. Each row has a default, so no file need exist. Files are
// loaded over each other: a later one replaces single keys (a list as a whole). Everything that is
// wrong becomes a line `file:line: what` (line 0: the file as a whole); loading goes on, so that
// one run shows them all. Nothing is printed and nothing exits here. An `@include "file"` stands on
// a line of its own and is relative to the folder of the file that holds it.

#ifndef ZCHAT_CONF_H
#define ZCHAT_CONF_H

#include "common/endpoint.h"
#include "common/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    CONF_NUMBER,    // an integer within min..max
    CONF_FLAG,      // true or false
    CONF_STRING,    // min..max bytes, no control characters
    CONF_PATH,      // as CONF_STRING, beginning with '/'
    CONF_CHOICE,    // one of `choices`
    CONF_ENDPOINTS, // min..max texts, each an endpoint to connect to
    CONF_KEYS,      // min..max texts, each a public key of 64 hex digits
    CONF_NAMES,     // min..max groups, see conf_name_t
    CONF_LISTENERS  // min..max groups, see listener_t
} conf_type_t;

typedef struct {
    const char *path; // "lease", "keep.age"
    conf_type_t type;
    const char *standard; // the default, as a file would say it: "10", "\"info\""
    int64_t min;
    int64_t max;
    const char *choices; // CONF_CHOICE: words with blanks between; else NULL
    const char *unit;    // "seconds"; NULL where there is none
    const char *help;    // one line
    bool reload;         // read again at SIGHUP; the others need a restart
} conf_key_t;

#define CONF_KEY 32 // bytes of a public key

typedef enum { LISTENER_NONE, LISTENER_CURVE } listener_security_t;

// An endpoint to serve. A plain one (`none`) is on loopback unless `allow_plain`.
typedef struct {
    endpoint_t endpoint;
    listener_security_t security;
    bool advertised;
    endpoint_t advertise; // what is announced instead, if `advertised`
    bool allow_plain;
} listener_t;

// Who owns a group's name: { name = "cats"; key = "<64 hex digits>"; }
typedef struct {
    char name[TEXT_NAME_MAX + 1];
    uint8_t key[CONF_KEY];
} conf_name_t;

typedef struct conf conf_t;

// All defaults. The table must outlive the object. NULL: memory is out.
conf_t *conf_new (const conf_key_t *keys, size_t count);
void conf_destroy (conf_t **self_p);

// Loads one file over what is there. 0; 1: `optional` and not there; -1: errors were added.
int conf_load (conf_t *self, const char *file, bool optional);

// The error lines so far, in the order in which they were met.
size_t conf_error_count (const conf_t *self);
const char *conf_error (const conf_t *self, size_t index);

// Adds an error about a key, at the place that gave it (line 0 of `default` when none did). For
// what a table cannot say.
void conf_complain (conf_t *self, const char *path, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

// Values by the row's path, which must be in the table and of that type. What is returned as a
// pointer is valid until the object ends or the key is loaded or updated.
int64_t conf_number (const conf_t *self, const char *path);
bool conf_flag (const conf_t *self, const char *path);
const char *conf_string (const conf_t *self, const char *path); // CONF_STRING, _PATH, _CHOICE
size_t conf_count (const conf_t *self, const char *path); // of CONF_ENDPOINTS, _LISTENERS, _KEYS
const endpoint_t *conf_endpoint (const conf_t *self, const char *path, size_t index);
const listener_t *conf_listener (const conf_t *self, const char *path, size_t index);
const uint8_t *conf_keys (const conf_t *self, const char *path); // one behind the other
const conf_name_t *conf_names (const conf_t *self, const char *path);

// Did a file give this key?
bool conf_given (const conf_t *self, const char *path);

// Do both say the same for this key? Both have the same table.
bool conf_same (const conf_t *self, const conf_t *other, const char *path);

// Takes the keys with `reload` from `fresh`, of the same table; the others stay.
void conf_update (conf_t *self, conf_t **fresh_p);

#endif
