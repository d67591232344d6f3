// jsonline: one JSON object on one line, for programs.
//
// Floor 2, pure. Members appear in the order in which they are put. Texts of others may hold
// anything: what is no UTF-8 is shown as for a terminal, and a line with any character that a
// terminal would obey, or that hides or reorders others, is ASCII alone (\uNNNN).

#ifndef ZCHAT_JSONLINE_H
#define ZCHAT_JSONLINE_H

#include "common/codec.h"
#include "common/guid.h"

typedef struct jsonline jsonline_t;

jsonline_t *jsonline_new (void); // NULL: memory is out; all that follows accepts that
void jsonline_number (jsonline_t *self, const char *key, uint64_t value);
void jsonline_flag (jsonline_t *self, const char *key, bool value);
void jsonline_null (jsonline_t *self, const char *key);
void jsonline_text (jsonline_t *self, const char *key, span_t text);
void jsonline_string (jsonline_t *self, const char *key, const char *text); // NULL: null
void jsonline_strings (jsonline_t *self, const char *key, const char *const *texts, size_t count);
void jsonline_guid (jsonline_t *self, const char *key, const guid_t *guid);
void jsonline_hex (jsonline_t *self, const char *key, span_t bytes);
void jsonline_time (jsonline_t *self, const char *key, int64_t micros); // RFC 3339, UTC

// The line with its newline, which the caller frees; NULL: memory is out. Destroys the object.
char *jsonline_take (jsonline_t **self_p);

#endif
