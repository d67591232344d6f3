// view: what is printed, as JSON for programs or as text for people.
//
// Floor 3, pure: one thing in, its lines out (each with its newline), which the caller frees; NULL
// when memory is out. In text, everything that came from others is made harmless for a terminal,
// and no text of theirs begins a line: further lines are indented.
//
//     --- 2026-11-22 ---                 before the first record of each day (local time)
//     08:00:00 ann: hi                   a message; its further lines are indented
//     08:00:00 * bob joined              what happened otherwise
//     08:00:00 eve (unverified): hi      not proved, where it could have been
//     08:00:00 [cats] ann: hi            with the groups' names, when there are several

#ifndef ZCHAT_VIEW_H
#define ZCHAT_VIEW_H

#include "common/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct view view_t;

typedef struct {
    const char *name;
    const char *const *endpoints;
    size_t endpoint_count;
    const char *log;     // the log id; NULL: a group of the original system, where only name and
                         // endpoints are known
    const char *state;   // for programs: "sound", "read-only", "in doubt"
    const char *trouble; // for people: "" or what is wrong with it
    bool conflict;       // another group has the name too
    uint64_t members;
    uint64_t online;
    uint64_t seq;
    const char *topic; // "" when there is none
} view_group_t;

typedef struct {
    guid_t uuid;
    const char *nick; // NULL: none
    bool online;
    const char *role;
} view_member_t;

// `width`: columns of the terminal, 0 when the output is none. Ignored for JSON.
view_t *view_new (bool json, int width);
void view_destroy (view_t **self_p);

void view_set_width (view_t *self, int width);

// Name the group in each line of text (JSON always does).
void view_name_groups (view_t *self, bool on);

// `proves`: people can prove there who they are, so a message of one who has not is marked.
char *view_record (view_t *self, const char *group, bool proves, const record_t *record);
char *view_group (const view_t *self, const view_group_t *group);
char *view_member (const view_t *self, const view_member_t *member);
char *view_identity (const view_t *self, const guid_t *uuid, const char *nick,
                     const uint8_t key[32]);
// What a change did: for people the sentence; for programs as view_sent, with the nick if not NULL.
char *view_done (const view_t *self, const char *group, const char *nick, uint64_t seq,
                 int64_t time, const char *sentence);
// The same for what was done to somebody.
char *view_deed (const view_t *self, const char *group, const guid_t *subject, uint64_t seq,
                 int64_t time, const char *sentence);
char *view_topic (const view_t *self, const char *group, const char *topic);
char *view_sent (const view_t *self, const char *group, uint64_t seq, int64_t time);

#endif
