// original: what the original system's users say to a group, and how they are answered.
//
// Daemon floor 1, pure. One request is one text; the reply is one text. Where a request is none,
// the answer is "Invalid Request".

#ifndef ZCHAT_ORIGINAL_H
#define ZCHAT_ORIGINAL_H

#include "common/record.h"

typedef enum {
    ORIGINAL_INVALID,
    ORIGINAL_JOIN,
    ORIGINAL_LEAVE,
    ORIGINAL_MESSAGES, // MESSAGE REQUEST: history, from a time on
    ORIGINAL_SEND
} original_kind_t;

typedef struct {
    original_kind_t kind;
    guid_t who;
    bool has_time;
    int64_t time; // microseconds since 1970; a time without a date is of the day of `now`
    span_t text;  // SEND: points into the request; may be empty or bad
} original_t;

// Times are of this machine's zone. `now` in microseconds.
original_t original_parse (span_t request, int64_t now);

#define ORIGINAL_SUCCESS "SUCCESS"
#define ORIGINAL_FAIL    "FAIL"
#define ORIGINAL_BAD     "Invalid Request"

// Bytes of a message's line without its newline: "HH:MM:SS - <uuid>: <text>".
size_t original_line_size (const record_t *message);
// Writes the line; newlines and tabs in the text become blanks, so that no text can look like two
// lines.
void original_put_line (const record_t *message, writer_t *out);

#endif
