// user_call: runs a part of zchat in the test's own process against a fake group in the same loop,
// with stdin, stdout and stderr in files.

#ifndef ZCHAT_TESTS_USER_CALL_H
#define ZCHAT_TESTS_USER_CALL_H

#include "tests/fake_server.h"
#include "tests/folder.h"
#include "tests/kit.h"
#include "tests/proving.h"
#include "user/context.h"

#include <fcntl.h>
#include <unistd.h>

typedef struct {
    folder_t folder;
    command_line_t line;
    char words[500];
    char *argv[40];
    context_t *context;
    sample_log_t *log; // 30 records in 10 batches
    fake_t *group;     // "cats"
    int code;
    char out[65536];
    char err[65536];
    int kept[3]; // the test's own stdin, stdout, stderr
} call_t;

static const command_t call_row = {
    .name = "x", .usage = "", .max = COMMAND_MANY, .options = 0xff, .summary = "", .help = ""};

static inline void call_redirect (call_t *self, int fd, const char *name)
{
    char path[512];
    snprintf (path, sizeof path, "%s/%s", self->folder.path, name);
    int file = open (path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge (file, 0);
    self->kept[fd] = dup (fd);
    dup2 (file, fd);
    close (file);
}

// What the caller types after the command's name, words apart by blanks; "@" is the fake group.
// `row`: NULL for one that takes everything.
static inline call_t *call_new (const command_t *row, const char *words)
{
    call_t *self = calloc (1, sizeof *self);
    char error[COMMAND_ERROR] = "";
    int argc = 0;
    char *rest = self->words;
    const command_t *standard = row ? row : &call_row;
    self->folder = folder_new ();
    setenv ("ZCHAT_IDENTITY", folder_path (&self->folder, "me"), 1);
    setenv ("TZ", "UTC", 1);
    folder_put (&self->folder, "in", "");
    snprintf (self->words, sizeof self->words, "zchat %s -c %s %s", standard->name,
              self->folder.path, words);
    while (rest)
        self->argv[argc++] = strsep (&rest, " ");
    if (!*self->argv[argc - 1])
        argc--;
    ck_assert_msg (command_parse (&self->line, standard, 1, standard, argc, self->argv, 0, error) ==
                       0,
                   "%s", error);
    const context_environment_t none = {0};
    self->context = context_new (&self->line, &none, &self->code);
    ck_assert_ptr_nonnull (self->context);
    proving_start ();
    self->log = sample_log_new (7);
    for (int i = 0; i < 10; i++)
        sample_log_append (self->log, 3, 0);
    self->group = fake_new (context_loop (self->context), "cats", self->log);
    for (size_t i = 0; i < self->line.arg_count; i++)
        if (strcmp (self->line.args[i], "@") == 0)
            self->line.args[i] = self->group->endpoint;
    return self;
}

static inline void call_stdin (call_t *self, const char *text)
{
    folder_put (&self->folder, "in", text);
}

static inline void call_begin (call_t *self)
{
    fflush (stdout);
    call_redirect (self, STDIN_FILENO, "in");
    call_redirect (self, STDOUT_FILENO, "out");
    call_redirect (self, STDERR_FILENO, "err");
}

static inline void call_read (const call_t *self, const char *name, char *out, size_t size)
{
    FILE *file = fopen (folder_path (&self->folder, name), "rb");
    ck_assert_ptr_nonnull (file);
    out[fread (out, 1, size - 1, file)] = 0;
    fclose (file);
}

// Puts the test's own files back and reads what was written.
static inline void call_end (call_t *self)
{
    fflush (stdout);
    for (int fd = 0; fd < 3; fd++) {
        dup2 (self->kept[fd], fd);
        close (self->kept[fd]);
    }
    call_read (self, "out", self->out, sizeof self->out);
    call_read (self, "err", self->err, sizeof self->err);
}

// Runs the command's function.
static inline void call_run (call_t *self, int (*run) (context_t *context))
{
    call_begin (self);
    self->code = run (self->context);
    call_end (self);
}

static inline void call_destroy (call_t **self_p)
{
    call_t *self = *self_p;
    fake_destroy (&self->group);
    proving_stop ();
    context_destroy (&self->context);
    sample_log_destroy (&self->log);
    folder_remove (&self->folder);
    free (self);
    *self_p = NULL;
}

// Runs `function` with `words` and expects this code; the caller looks at out and err.
static inline call_t *call_of (int (*run) (context_t *context), const char *words,
                               fake_meddle_fn *meddle, int code)
{
    call_t *self = call_new (NULL, words);
    self->group->meddle = meddle;
    call_run (self, run);
    ck_assert_msg (self->code == code, "exit %d, not %d\n%s%s", self->code, code, self->out,
                   self->err);
    return self;
}

// Meddles: what a fake group may do.
static inline bool call_refuse_strangers (fake_t *self, const wire_t *request)
{
    if (request->kind == WIRE_PING || request->kind == WIRE_JOIN)
        return false;
    fake_error (self, request->tag, WIRE_ERR_NOT_MEMBER, 0);
    return true;
}

static inline bool call_say_nothing (fake_t *self, const wire_t *request)
{
    (void)self;
    return request->kind != WIRE_PING;
}

#endif
