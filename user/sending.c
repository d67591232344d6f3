#include "user/sending.h"

#include "user/lines.h"
#include "user/room.h"
#include "user/writing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TEXT_MAX = 65535,         // bytes; a group's own limit is lower
    WINDOW = WIRE_UNANSWERED, // texts under way at most
    RESUME = WIRE_UNANSWERED / 2
};

typedef struct {
    context_t *context;
    room_t *room;
    lines_t *lines;
    bool reading; // stdin is in the loop
    bool at_end;  // nothing more comes from it
    bool ended;   // nothing more is to be sent
    uint64_t number;
    uint64_t stored; // texts that are
    uint64_t unsure; // texts that may be stored though nobody said so
    int code;
} sending_t;

typedef struct {
    sending_t *all;
    uint64_t number; // of the line, 0: the one text
} text_t;

static void s_stop_reading (sending_t *self)
{
    zmq_pollitem_t input = {.fd = STDIN_FILENO, .events = ZMQ_POLLIN};
    if (self->reading)
        zloop_poller_end (context_loop (self->context), &input);
    self->reading = false;
}

// The end, when nothing more comes and everything was answered.
static void s_end_when_done (sending_t *self)
{
    if (!self->ended || room_sending (self->room) > 0 || context_ending (self->context))
        return;
    context_end (self->context, self->code);
}

// Says why a text was not sent. The first failure is the exit code.
static void s_fail (sending_t *self, uint64_t number, int code, const char *why, bool unsure)
{
    const char *fate = unsure ? "; the message may be stored" : "; the message is not stored";
    char line[40] = "";
    if (number > 0)
        snprintf (line, sizeof line, "line %" PRIu64 ": ", number);
    context_say (self->context, "%s: %s%s%s", room_name (self->room), line, why,
                 code == EXIT_REFUSED ? "" : fate);
    if (self->code == EXIT_DONE)
        self->code = code;
    if (code != EXIT_REFUSED) {
        // The others would fail the same way.
        s_stop_reading (self);
        self->ended = true;
    }
}

static int s_on_input (zloop_t *loop, zmq_pollitem_t *item, void *arg);
static void s_go_on (sending_t *self);

static void s_start_reading (sending_t *self)
{
    zmq_pollitem_t input = {.fd = STDIN_FILENO, .events = ZMQ_POLLIN};
    if (zloop_poller (context_loop (self->context), &input, s_on_input, self) < 0) {
        self->ended = true;
        self->code = EXIT_NOT_NOW;
        return;
    }
    zloop_poller_set_tolerant (context_loop (self->context), &input);
    self->reading = true;
}

static void s_on_sent (void *arg, const outbox_answer_t *answer)
{
    text_t *text = arg;
    sending_t *self = text->all;
    context_t *context = self->context;
    uint64_t number = text->number;
    free (text);
    self->stored += answer->result == OUTBOX_ANSWERED;
    if (context_ending (context)) {
        self->unsure += answer->may_be_stored;
        return;
    }
    if (answer->result == OUTBOX_ANSWERED)
        context_print (context, view_sent (context_view (context), room_name (self->room),
                                           wire_number (answer->reply, WIRE_F_SEQ),
                                           (int64_t)wire_number (answer->reply, WIRE_F_TIME)));
    else
        s_fail (self, number, outbox_answer_exit (answer), room_why (self->room, answer),
                answer->may_be_stored);
    if (room_sending (self->room) == 0)
        context_flush (context);
    if (self->lines && !self->ended && !self->reading && room_sending (self->room) <= RESUME)
        s_go_on (self);
    s_end_when_done (self);
}

static void s_send (sending_t *self, const char *bytes, size_t size, uint64_t number)
{
    text_t *text = malloc (sizeof *text);
    int timeout = context_line (self->context)->timeout;
    if (text)
        *text = (text_t){self, number};
    if (text && room_send (self->room, bytes, size, timeout, s_on_sent, text) == 0)
        return;
    bool too_long = text && errno == EMSGSIZE;
    s_fail (self, number, too_long ? EXIT_REFUSED : EXIT_NOT_NOW,
            too_long ? "the text is longer than any group takes" : strerror (errno), false);
    free (text);
}

// Sends lines that came, as long as the window allows; true when more bytes are wanted.
static bool s_send_lines (sending_t *self)
{
    const char *line;
    size_t size;
    while (!self->ended && room_sending (self->room) < WINDOW) {
        switch (lines_next (self->lines, &line, &size)) {
        case LINES_NONE:
            return true;
        case LINES_TOO_LONG:
            s_fail (self, ++self->number, EXIT_REFUSED, "the text is longer than any group takes",
                    false);
            break;
        case LINES_LINE:
            self->number++;
            if (size > 0)
                s_send (self, line, size, self->number);
            break;
        }
    }
    return false;
}

// Sends what came, together; reads more when all of it is under way.
static void s_go_on (sending_t *self)
{
    session_hold (room_session (self->room));
    bool hungry = s_send_lines (self);
    session_release (room_session (self->room));
    if (hungry && self->at_end)
        self->ended = true;
    else if (hungry && !self->reading)
        s_start_reading (self);
    if (self->ended || !hungry)
        s_stop_reading (self);
    s_end_when_done (self);
}

static int s_on_input (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    sending_t *self = arg;
    size_t size;
    (void)loop, (void)item;
    if (!self->reading)
        return 0;
    char *out = lines_room (self->lines, &size);
    ssize_t got = read (STDIN_FILENO, out, size);
    if (got > 0)
        lines_came (self->lines, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        lines_end (self->lines);
        self->at_end = true;
    }
    s_go_on (self);
    return 0;
}

static void s_on_signal (void *arg, int code)
{
    sending_t *self = arg;
    size_t waiting = room_sending (self->room);
    bool connected = session_info (room_session (self->room)) != NULL; // ever
    if (waiting > 0)
        context_say (self->context, "%s: interrupted: %zu not %s", room_name (self->room), waiting,
                     connected ? "acknowledged, may be stored" : "sent, so not stored");
    context_end (self->context, waiting > 0 && connected ? EXIT_NOT_NOW : code);
}

// All of stdin without one final newline; NULL when there is too much of it (said) or no memory.
static char *s_read_all (context_t *context, size_t *size)
{
    char *text = malloc (TEXT_MAX + 2);
    ssize_t got = 1;
    *size = 0;
    while (text && got > 0 && *size < TEXT_MAX + 2) {
        got = read (STDIN_FILENO, text + *size, TEXT_MAX + 2 - *size);
        *size += got > 0 ? (size_t)got : 0;
        got = got < 0 && errno == EINTR ? 1 : got;
    }
    if (text && *size > 0 && text[*size - 1] == '\n')
        --*size;
    if (!text || got < 0 || *size > TEXT_MAX) {
        context_say (context, "stdin: %s",
                     got < 0 ? strerror (errno) : "the text is longer than any group takes");
        free (text);
        return NULL;
    }
    return text;
}

// The one text of this call: words or stdin.
static char *s_text (context_t *context, size_t *size)
{
    const command_line_t *line = context_line (context);
    if (line->from_stdin)
        return s_read_all (context, size);
    char *words = writing_words (line->args + 1, line->arg_count - 1);
    *size = words ? strlen (words) : 0;
    return words;
}

// What became of the texts when the loop ended before all was done: by a signal, or since the
// output cannot be written. Its end is quiet only where nothing is left to be sent.
static int s_conclude (sending_t *self, int code, bool all)
{
    context_t *context = self->context;
    if (code == EXIT_DONE && !all)
        code = EXIT_NOT_NOW;
    if (code == EXIT_DONE)
        return code;
    if (self->unsure > 0)
        context_say (context, "%" PRIu64 " more messages may be stored", self->unsure);
    if (self->code == EXIT_DONE && !self->lines && self->stored > 0)
        context_say (context, "the message is stored");
    else if (self->code == EXIT_DONE && self->lines)
        context_say (context, "%" PRIu64 " messages are stored", self->stored);
    return code;
}

static int s_run (sending_t *self, const char *text, size_t size)
{
    context_t *context = self->context;
    self->room = room_new (context, context_line (context)->args[0], &(room_handlers_t){0});
    if (!self->room)
        return EXIT_USAGE;
    context_on_signal (context, s_on_signal, self);
    if (self->lines)
        s_start_reading (self);
    else {
        s_send (self, text, size, 0);
        self->ended = true;
    }
    s_end_when_done (self);
    int code = context_run (context);
    bool all = self->ended && room_sending (self->room) == 0;
    room_destroy (&self->room);
    return s_conclude (self, code, all);
}

int sending (context_t *context)
{
    const command_line_t *line = context_line (context);
    sending_t self = {.context = context};
    char *text = NULL;
    size_t size = 0;
    if (!context_lasting_identity (context))
        return EXIT_CONFIG;
    if (!line->lines && !(text = s_text (context, &size)))
        return EXIT_REFUSED;
    if (line->lines && !(self.lines = lines_new (TEXT_MAX)))
        return EXIT_NOT_NOW;
    int code = context_loop (context) ? s_run (&self, text, size) : EXIT_NOT_NOW;
    lines_destroy (&self.lines);
    free (text);
    return code;
}
