#include "user/console.h"

#include "common/text.h"
#include "user/edit.h"
#include "user/lines.h"
#include "user/terminal.h"
#include "user/wrap.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ERASE "\r\x1b[J" // the line and what is below

enum { WIDTH = 80, ROOM_MIN = 8, CHUNK = 4096, TELL_INDENT = 2 };

struct console {
    context_t *context;
    console_handlers_t handlers;
    lines_t *lines;       // no terminal
    terminal_t *terminal; // a terminal
    edit_t *edit;
    keys_t keys;
    int signal_fd;
    int width;
    char *prompt;
    bool drawn;   // the prompt stands in the terminal's last line
    bool drawing; // it will be drawn when the loop gets to it
};

bool console_is_terminal (const console_t *self)
{
    return self->terminal != NULL;
}

// Drawing.

// The end of the prompt that leaves room for some of the line.
static const char *s_fitting_prompt (const console_t *self)
{
    const char *prompt = self->prompt;
    while (*prompt && text_width (prompt, strlen (prompt)) > self->width - ROOM_MIN) {
        prompt++;
        while ((*prompt & 0xc0) == 0x80)
            prompt++; // within a character
    }
    return prompt;
}

static void s_draw (console_t *self)
{
    const char *prompt = s_fitting_prompt (self);
    int column = 0, used = text_width (prompt, strlen (prompt));
    int room = self->width - used > 2 ? self->width - used : 2;
    char *line = edit_view (self->edit, room, &column), *out;
    if (asprintf (&out, ERASE "%s%s\r\x1b[%dC", prompt, line ? line : "", used + column) >= 0) {
        // "0 columns to the right" would move by one.
        if (used + column == 0)
            out[strlen (out) - strlen ("\x1b[0C")] = 0;
        terminal_write (out);
        free (out);
    }
    free (line);
    self->drawn = true;
}

static int s_on_draw (zloop_t *loop, int timer, void *arg)
{
    console_t *self = arg;
    (void)loop, (void)timer;
    if (self->drawing && self->terminal)
        s_draw (self);
    self->drawing = false;
    return 0;
}

// Draws once for all that happens in this turn of the loop.
static void s_draw_soon (console_t *self)
{
    if (!self->terminal || self->drawing)
        return;
    self->drawing = true;
    zloop_timer (context_loop (self->context), 0, 1, s_on_draw, self);
}

static void s_erase (console_t *self)
{
    if (self->drawn)
        terminal_write (ERASE);
    self->drawn = false;
}

static void s_show (void *arg, const char *text)
{
    console_t *self = arg;
    s_erase (self);
    terminal_write (text);
    s_draw_soon (self);
}

void console_prompt (console_t *self, const char *prompt)
{
    char *safe = text_for_terminal (prompt, strlen (prompt), false);
    if (!self->terminal || !safe || strcmp (self->prompt, safe) == 0) {
        free (safe);
        return;
    }
    free (self->prompt);
    self->prompt = safe;
    s_draw_soon (self);
}

void console_tell (console_t *self, const char *format, ...)
{
    char *sentence, *line;
    va_list args;
    va_start (args, format);
    int made = vasprintf (&sentence, format, args);
    va_end (args);
    if (made < 0)
        return;
    char *safe = text_for_terminal (sentence, strlen (sentence), true);
    char *lines = safe ? wrap_text (safe, 0, TELL_INDENT, self->terminal ? self->width : 0) : NULL;
    if (lines && asprintf (&line, "%s\n", lines) >= 0) {
        if (self->terminal)
            s_show (self, line);
        else
            fputs (line, stderr);
        free (line);
    }
    free (lines);
    free (safe);
    free (sentence);
}

// Typing.

static void s_finish_line (console_t *self)
{
    char *line = edit_take (self->edit);
    s_erase (self);
    s_draw_soon (self);
    if (line)
        self->handlers.line (self->handlers.arg, line);
    free (line);
}

static void s_stop (console_t *self)
{
    s_erase (self);
    terminal_stop (self->terminal);
    self->drawn = false;
    s_draw_soon (self);
}

static void s_press (console_t *self, const key_press_t *key)
{
    switch (key->kind) {
    case KEY_NONE:
        return;
    case KEY_TAB:
        self->handlers.next (self->handlers.arg);
        return;
    case KEY_SUSPEND:
        s_stop (self);
        return;
    case KEY_REDRAW:
        terminal_write ("\x1b[2J\x1b[H");
        break;
    case KEY_INTERRUPT:
        if (!*edit_text (self->edit))
            self->handlers.interrupt (self->handlers.arg);
        edit_clear (self->edit);
        break;
    default:
        switch (edit_key (self->edit, key)) {
        case EDIT_NOTHING:
            return;
        case EDIT_CHANGED:
            break;
        case EDIT_FULL:
            terminal_write ("\a");
            return;
        case EDIT_LINE:
            s_finish_line (self);
            return;
        case EDIT_EOF:
            self->handlers.end (self->handlers.arg);
            return;
        }
    }
    s_draw_soon (self);
}

static void s_take_lines (console_t *self)
{
    const char *line;
    size_t size;
    for (;;) {
        lines_result_t result = lines_next (self->lines, &line, &size);
        if (result == LINES_NONE)
            return;
        if (result == LINES_TOO_LONG) {
            context_say (self->context, "a line is longer than any group takes: not sent");
            continue;
        }
        char *copy = strndup (line, size);
        if (copy)
            self->handlers.line (self->handlers.arg, copy);
        free (copy);
    }
}

static void s_end_input (console_t *self, zloop_t *loop, zmq_pollitem_t *item)
{
    zloop_poller_end (loop, item);
    if (self->lines) {
        lines_end (self->lines);
        s_take_lines (self);
    }
    self->handlers.end (self->handlers.arg);
}

static int s_on_input (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    console_t *self = arg;
    char bytes[CHUNK], *out = bytes;
    size_t size = sizeof bytes;
    if (self->lines)
        out = lines_room (self->lines, &size);
    ssize_t got = read (STDIN_FILENO, out, size);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
        s_end_input (self, loop, item); // also when the terminal is gone
        return 0;
    }
    if (self->lines && got > 0) {
        lines_came (self->lines, (size_t)got);
        s_take_lines (self);
        return 0;
    }
    for (ssize_t i = 0; i < got; i++) {
        key_press_t key = keys_feed (&self->keys, (uint8_t)bytes[i]);
        s_press (self, &key);
    }
    return 0;
}

// Signals of the terminal.

static int s_take_signals (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    console_t *self = arg;
    struct signalfd_siginfo info;
    (void)loop, (void)item;
    while (read (self->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGTSTP)
            s_stop (self);
        else if (info.ssi_signo == SIGCONT)
            terminal_renew (self->terminal);
        self->width = terminal_width () > 0 ? terminal_width () : WIDTH;
        context_set_width (self->context, self->width);
        s_draw_soon (self);
    }
    return 0;
}

static int s_block_signals (void)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTSTP);
    sigaddset (&set, SIGCONT);
    sigaddset (&set, SIGWINCH);
    if (sigprocmask (SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd (-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int s_add_poller (console_t *self, int fd, zloop_fn *handler)
{
    zmq_pollitem_t item = {.fd = fd, .events = ZMQ_POLLIN};
    zloop_t *loop = context_loop (self->context);
    if (!loop || zloop_poller (loop, &item, handler, self) < 0)
        return -1;
    zloop_poller_set_tolerant (loop, &item);
    return 0;
}

static int s_open_terminal (console_t *self, size_t max)
{
    self->signal_fd = s_block_signals ();
    self->edit = edit_new (max);
    if (self->signal_fd < 0 || !self->edit ||
        s_add_poller (self, self->signal_fd, s_take_signals) < 0)
        return -1;
    self->terminal = terminal_new ();
    return self->terminal ? 0 : -1;
}

console_t *console_new (context_t *context, size_t max, const console_handlers_t *handlers)
{
    console_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->context = context;
    self->handlers = *handlers;
    self->signal_fd = -1;
    self->width = terminal_width () > 0 ? terminal_width () : WIDTH;
    self->prompt = strdup ("");
    bool plain = !terminal_is_there () || context_line (context)->json;
    if (plain)
        self->lines = lines_new (max);
    bool ready = self->prompt && (plain ? self->lines != NULL : s_open_terminal (self, max) == 0);
    if (!ready || s_add_poller (self, STDIN_FILENO, s_on_input) < 0) {
        context_say (context, "cannot set up the terminal: %s", strerror (errno));
        console_destroy (&self);
        return NULL;
    }
    if (self->terminal)
        context_show_with (context, s_show, self);
    s_draw_soon (self);
    return self;
}

void console_destroy (console_t **self_p)
{
    console_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    context_show_with (self->context, NULL, NULL);
    s_erase (self);
    terminal_destroy (&self->terminal);
    edit_destroy (&self->edit);
    lines_destroy (&self->lines);
    if (self->signal_fd >= 0)
        close (self->signal_fd);
    free (self->prompt);
    free (self);
}
