// export: a whole log as lines of JSON, from which import makes the same log again.
//
// Daemon floor 6. The lines, in the order in which the log has it all:
//
//     {"format":"zchat-log","version":1,"log":"<uuid>","first":1,"chain":"<hex>"}
//     {"segment":1,"time":"<time>","chain":"<hex>"}             a segment's header
//     {"batch":1,"type":"state","count":2,...}                  its STATE batches
//     {"batch":1,"type":"records","count":3,"base":"<time>","durable":0,"opens":"<hex>",
//      "chain":"<hex>","sum":"<hex>"}                           and its others, each followed by
//     {"seq":1, ...}                                            `count` records: see jsonl.h
//     {"end":3,"records":3,"chain":"<hex>"}                     nothing is missing
//
// `opens` is the digest of header and STATE, `chain` the chain before, at the end the one behind
// all, `sum` the batch's checksum.

#ifndef ZCHAT_EXPORT_H
#define ZCHAT_EXPORT_H

#include "daemons/group/audit.h"

#include <stdio.h>

// Writes the log in `folder` to `out`, checking all of it as an audit does; *audit is that. Where
// something is wrong it stops, and there is no last line. `progress` may be NULL. Returns 0, or -1
// with errno when `out` takes no more.
int export_run (const char *folder, FILE *out, audit_t *audit,
                void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes));

#endif
