// context: what every command works with: options, configuration, identity, loop, output.
//
// Floor 7. Results go to stdout through context_print, everything else to stderr through
// context_say. SIGTERM, SIGINT and SIGHUP come through the loop and end it.

#ifndef ZCHAT_CONTEXT_H
#define ZCHAT_CONTEXT_H

#include "common/exits.h"
#include "common/lookup.h"
#include "user/command.h"
#include "user/identity.h"
#include "user/view.h"

#include <czmq.h>

typedef struct context context_t;

// The environment that counts, looked up by the caller; NULL: not set.
typedef struct {
    const char *registries; // $ZCHAT_REGISTRY
    const char *config;     // $XDG_CONFIG_HOME
    const char *home;       // $HOME
    const char *identity;   // see identity_folder
} context_environment_t;

// Reads the configuration. The command line must outlive the object. NULL when it is wrong: all of
// it was said, the program ends with *code.
context_t *context_new (const command_line_t *line, const context_environment_t *environment,
                        int *code);
void context_destroy (context_t **self_p);

const command_line_t *context_line (const context_t *self);
view_t *context_view (context_t *self);

// The registries to ask: of the options, else of the environment, else those that the user was
// told to trust and those of the configuration.
const char *const *context_registries (const context_t *self, size_t *count);

// A query that asks them for all groups, until the time-out. The identity is
// opened if one of them has a key.
lookup_query_t context_query (context_t *self);

// The invitations to show there, as show_fn; `arg` is the context.
size_t context_show (void *arg, const char *endpoint, const char *group,
                     uint8_t field[INVITATION_FIELD]);

// Are all invitations to that group expired that the identity has, and are there any?
bool context_is_expired (context_t *self, const char *group);

// Connects, as connect_fn; `arg` is the context. An endpoint with its server's key over CURVE with
// the identity's own key, which must have been opened; any other one plain.
zsock_t *context_connect (const char *endpoint, void *arg);

// The identity, opened at the first call. NULL when it cannot be used: that was said.
identity_t *context_identity (context_t *self);

// The same for what would be lost without an identity that lasts; with --uuid, none is needed.
identity_t *context_lasting_identity (context_t *self);

// Whom the command speaks for: --uuid, else the identity's. The identity must have been opened.
const guid_t *context_uuid (const context_t *self);

// The loop, made at the first call, with the signals in it. NULL (said) when it cannot be made.
zloop_t *context_loop (context_t *self);

// Runs the loop until context_end, a signal, or the end of the output. Returns the code.
int context_run (context_t *self);

// Ends the loop with this code; the first call counts. Handlers must still return 0.
void context_end (context_t *self, int code);
bool context_ending (const context_t *self);

// A signal ended the loop, or the output was closed by its reader.
bool context_interrupted (const context_t *self);

// What happens at a signal instead of the loop's end; `code` is what it would end with.
typedef void (context_signal_fn) (void *arg, int code);
void context_on_signal (context_t *self, context_signal_fn *handler, void *arg);

// Ends quietly with EXIT_DONE at a signal, and as soon as the output's reader is gone.
void context_end_quietly (context_t *self);

// Writes a result and frees it. What cannot be written ends the loop.
void context_print (context_t *self, char *text);
void context_flush (context_t *self);

// A line on stderr, `zchat: sentence`.
void context_say (context_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

// Columns of the terminal that is shown on, 0: none; at first that of stdout.
void context_set_width (context_t *self, int width);

// Where lines go instead of stdout and stderr (a screen that must not be broken); NULL: back there.
typedef void (context_show_fn) (void *arg, const char *text);
void context_show_with (context_t *self, context_show_fn *show, void *arg);

#endif
