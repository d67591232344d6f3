// command: what the words on the command line ask for.
//
// Floor 3, pure. A command is a row of a table; options are rows of another one, in command.c, and
// stand before or after the command. Usage and help are made from both. `--` ends the options; of a
// row with `text`, everything behind the first argument is text but a leading `-`, `--lines` or
// `--`.

#ifndef ZCHAT_COMMAND_H
#define ZCHAT_COMMAND_H

#include "common/guid.h"
#include "user/moment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_REGISTRIES 16
#define COMMAND_NAMES      64 // of --group and of --at
#define COMMAND_MANY       SIZE_MAX
#define COMMAND_ERROR      400 // bytes of the longest sentence, with the final zero
#define COMMAND_TIMEOUT    5000

struct context; // what a command works with, see context.h

// Options that not every command takes.
enum {
    COMMAND_AFTER = 0x01,
    COMMAND_BEFORE = 0x02,
    COMMAND_LIMIT = 0x04,
    COMMAND_COUNT = 0x08,
    COMMAND_LINES = 0x10,
    COMMAND_ACCEPT = 0x20,
    COMMAND_INVITE = 0x40 // --key --group --expires --uses --at
};

typedef struct {
    const char *name;
    const char *usage; // of the arguments: "GROUP [TEXT...]"
    size_t min;        // arguments
    size_t max;        // COMMAND_MANY: no limit
    unsigned options;
    bool text;
    const char *summary; // one line
    const char *help;    // more lines; "" when there is nothing to add
    int (*run) (struct context *context);
} command_t;

typedef struct {
    const command_t *command;
    bool help;
    bool version;
    const char *registries[COMMAND_REGISTRIES];
    size_t registry_count;
    const char *folder; // NULL: not given
    int timeout;        // milliseconds
    bool json;
    bool has_uuid;
    guid_t uuid;
    bool has_after;
    moment_t after;
    bool has_before;
    moment_t before;
    uint32_t limit; // 0: none
    uint64_t count; // 0: none
    bool lines;
    bool from_stdin; // `-`
    bool accept;
    bool key;
    const char *groups[COMMAND_NAMES];
    size_t group_count;
    const char *places[COMMAND_NAMES]; // --at
    size_t place_count;
    int64_t expires; // microseconds since 1970, 0: never
    uint32_t uses;   // 0: any number
    char **args;     // inside argv
    size_t arg_count;
} command_line_t;

// Reads the command line; the order of argv is changed. Without a command it is `standard`. `now`:
// microseconds since 1970. Returns 0, or -1 and a sentence in `error`.
int command_parse (command_line_t *self, const command_t *table, size_t count,
                   const command_t *standard, int argc, char **argv, int64_t now,
                   char error[COMMAND_ERROR]);

// The row of that name, or NULL.
const command_t *command_find (const command_t *table, size_t count, const char *name);

// The name of an option without its dashes ("after"), by index; NULL behind the last.
const char *command_option (size_t index);

// What --help prints: of one command, or (NULL) of the whole program. The caller frees it; NULL
// when memory is out.
char *command_help (const command_t *table, size_t count, const command_t *one);

#endif
