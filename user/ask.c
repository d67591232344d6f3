#include "user/ask.h"

#include <errno.h>
#include <string.h>

typedef struct {
    context_t *context;
    room_t *room;
    ask_fn *answered;
    void *arg;
} ask_t;

static void s_on_answer (void *arg, const outbox_answer_t *answer);

static void s_request (ask_t *self, const wire_t *request)
{
    int timeout = context_line (self->context)->timeout;
    if (session_request (room_session (self->room), request, timeout, s_on_answer, self) == 0)
        return;
    const char *why = errno == EMSGSIZE ? "that is too long" : strerror (errno);
    context_say (self->context, "%s: %s", room_name (self->room), why);
    context_end (self->context, EXIT_REFUSED);
}

static void s_on_answer (void *arg, const outbox_answer_t *answer)
{
    ask_t *self = arg;
    wire_t next;
    if (context_ending (self->context))
        return;
    if (answer->result != OUTBOX_ANSWERED) {
        context_say (self->context, "%s: %s%s", room_name (self->room),
                     room_why (self->room, answer),
                     answer->may_be_stored ? " (it may have been done)" : "");
        context_end (self->context, outbox_answer_exit (answer));
    } else if (self->answered (self->arg, self->room, answer->reply, &next))
        s_request (self, &next);
    else
        context_end (self->context, EXIT_DONE);
}

int ask (context_t *context, const char *group, const wire_t *request, ask_fn *answered, void *arg)
{
    ask_t self = {.context = context, .answered = answered, .arg = arg};
    if (!context_loop (context))
        return EXIT_NOT_NOW;
    self.room = room_new (context, group, &(room_handlers_t){0});
    if (!self.room)
        return EXIT_USAGE;
    s_request (&self, request);
    int code = context_run (context);
    room_destroy (&self.room);
    return code;
}
