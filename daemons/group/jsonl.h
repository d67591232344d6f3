// jsonl: the lines of an exported log: JSON objects, one a line, without loss.
//
// Daemon floor 1, pure but for the FILE that is written to. A record:
//
//     {"seq":7,"time":"2026-11-22T07:00:00.123456Z","kind":"message","author":"<uuid>",
//      "verified":true,"device":"<hex>","counter":3,"random":77,"nick":"ann","text":"hi",
//      "options":[["generation",3],[77,"<hex>"]],"sum":"<8 hex digits>"}
//
// What is not there has no key. Kinds and options that have no name are numbers (above 2^63 - 1 as
// texts); a nick or text
// that is no clean UTF-8 is "nick-hex", "text-hex". `sum` is the lower half of XXH3-64 over the
// record's encoding with base time 0, so that a changed line is found.

#ifndef ZCHAT_JSONL_H
#define ZCHAT_JSONL_H

#include "common/batch.h"

#include <stdio.h>

// What an export's first line says it is.
#define JSONL_FORMAT  "zchat-log"
#define JSONL_VERSION 1

// ---- Writing: pieces of a line, and the line of a record

void jsonl_put_hex (FILE *out, const void *data, size_t size); // with quotes
void jsonl_put_time (FILE *out, int64_t time);                 // with quotes
void jsonl_put_guid (FILE *out, const guid_t *guid);           // with quotes
// `seq` 0: none is shown.
void jsonl_put_record (FILE *out, const record_t *record, uint64_t seq);

// ---- Reading. The first thing that is wrong is kept, and what is read after it is zeros.

typedef struct jsonl jsonl_t;

jsonl_t *jsonl_new (const char *line, size_t size);
void jsonl_destroy (jsonl_t **self_p);

// Another line in its place; what was read of the one before is gone.
void jsonl_set (jsonl_t *self, const char *line, size_t size);

bool jsonl_has (const jsonl_t *self, const char *key);
uint64_t jsonl_number (jsonl_t *self, const char *key); // at most INT64_MAX
int64_t jsonl_time (jsonl_t *self, const char *key);
guid_t jsonl_guid (jsonl_t *self, const char *key);
void jsonl_hex (jsonl_t *self, const char *key, void *out, size_t size); // exactly so many bytes
const char *jsonl_text (jsonl_t *self, const char *key);                 // never NULL

// A record's line; its spans point into self. *seq: 0 when the line has none.
void jsonl_record (jsonl_t *self, record_t *record, uint64_t *seq);

// What is wrong with the line, keys that nobody asked for included; NULL: nothing.
const char *jsonl_wrong (jsonl_t *self);

#endif
