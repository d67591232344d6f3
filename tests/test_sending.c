#include "user/sending.h"

#include "tests/user_call.h"

static const command_t s_row = {.name = "send",
                                .usage = "",
                                .min = 2,
                                .max = COMMAND_MANY,
                                .options = COMMAND_LINES,
                                .text = true,
                                .summary = "",
                                .help = ""};

static char s_texts[2000]; // of all sends, in brackets
static int s_underway, s_most;

static bool s_note (fake_t *self, const wire_t *request)
{
    (void)self;
    span_t text = wire_bytes (request, WIRE_F_TEXT);
    if (request->kind == WIRE_SEND && text.size < 100)
        snprintf (s_texts + strlen (s_texts), sizeof s_texts - strlen (s_texts), "[%.*s]",
                  (int)text.size, (const char *)text.data);
    return false;
}

static call_t *s_send (const char *words, const char *input, fake_meddle_fn *meddle, int code)
{
    call_t *call = call_new (&s_row, words);
    call->group->meddle = meddle;
    call_stdin (call, input);
    s_texts[0] = 0;
    call_run (call, sending);
    ck_assert_msg (call->code == code, "exit %d\n%s%s", call->code, call->out, call->err);
    return call;
}

START_TEST (words_are_one_text)
{
    call_t *call = s_send ("@ hi --json -", "", s_note, EXIT_DONE);
    ck_assert_str_eq (s_texts, "[hi --json -]");
    ck_assert_str_eq (call->out, "#31\n");
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

START_TEST (stdin_is_one_text_without_its_last_newline)
{
    call_t *call = s_send ("@ -", "a\nb\n\n", s_note, EXIT_DONE);
    ck_assert_str_eq (s_texts, "[a\nb\n]");
    call_destroy (&call);
    call = s_send ("@ -", "a", s_note, EXIT_DONE);
    ck_assert_str_eq (s_texts, "[a]");
    call_destroy (&call);
}
END_TEST

START_TEST (each_line_is_a_text)
{
    call_t *call = s_send ("@ --lines", "a\n\nb c\nd", s_note, EXIT_DONE);
    ck_assert_str_eq (s_texts, "[a][b c][d]");
    ck_assert_str_eq (call->out, "#31\n#32\n#33\n");
    call_destroy (&call);
    call = s_send ("@ --lines", "", s_note, EXIT_DONE);
    ck_assert_str_eq (s_texts, "");
    call_destroy (&call);
}
END_TEST

START_TEST (too_long_a_text_is_never_cut)
{
    char *input = calloc (1, 70001);
    memset (input, 'x', 70000);
    call_t *call = s_send ("@ -", input, s_note, EXIT_REFUSED);
    ck_assert_str_eq (call->err, "zchat: stdin: the text is longer than any group takes\n");
    ck_assert_int_eq (call->group->counts[WIRE_SEND], 0);
    call_destroy (&call);
    memcpy (input + 69990, "\nb\nc\n", 6);
    call = s_send ("@ --lines", input, s_note, EXIT_REFUSED);
    // Nobody had answered yet: the group's name is not known.
    ck_assert_ptr_nonnull (
        strstr (call->err, ": line 1: the text is longer than any group takes\n"));
    ck_assert_str_eq (s_texts, "[b][c]");
    call_destroy (&call);
    free (input);
}
END_TEST

static bool s_refuse_b (fake_t *self, const wire_t *request)
{
    span_t text = wire_bytes (request, WIRE_F_TEXT);
    if (request->kind != WIRE_SEND || text.size != 1 || *text.data != 'b')
        return s_note (self, request);
    fake_error (self, request->tag, WIRE_ERR_BAD_TEXT, 0);
    return true;
}

START_TEST (refused_line_is_named_and_the_others_go_on)
{
    call_t *call = s_send ("@ --lines", "a\n\nb\nc\n", s_refuse_b, EXIT_REFUSED);
    ck_assert_uint_eq (call->group->send_count, 2); // c perhaps under another counter, but stored
    ck_assert_str_eq (call->err, "zchat: cats: line 3: a text must be UTF-8, not empty, without "
                                 "control characters\n");
    call_destroy (&call);
}
END_TEST

START_TEST (end_without_an_answer_tells_what_may_be)
{
    call_t *call = s_send ("--timeout 0.2 @ a", "", call_say_nothing, EXIT_UNREACHABLE);
    ck_assert_str_eq (call->err, "zchat: cats: no answer in time; the message may be stored\n");
    call_destroy (&call);
    // Nobody listens at port 1; one that was just freed may be another test's by now.
    call = call_new (&s_row, "--timeout 0.2 tcp://127.0.0.1:1 a");
    call_run (call, sending);
    ck_assert_int_eq (call->code, EXIT_UNREACHABLE);
    ck_assert_ptr_nonnull (strstr (call->err, "; the message is not stored\n"));
    call_destroy (&call);
}
END_TEST

START_TEST (stranger_is_refused)
{
    call_t *call = s_send ("@ a", "", call_refuse_strangers, EXIT_REFUSED);
    ck_assert_str_eq (call->err, "zchat: cats: not a member of this group: join it first\n");
    call_destroy (&call);
}
END_TEST

// Keeps the answers back for a while: the sends under way pile up to the window.
static uint32_t s_tags[4096];

static int s_answer_all (zloop_t *loop, int timer, void *arg)
{
    fake_t *self = arg;
    (void)loop, (void)timer;
    for (int i = 0; i < s_underway; i++)
        fake_ack (self, s_tags[i], self->log->last);
    s_underway = 0;
    return 0;
}

static bool s_hold (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_SEND)
        return false;
    if (s_underway == 0)
        zloop_timer (self->loop, 100, 1, s_answer_all, self);
    s_tags[s_underway++] = request->tag;
    s_most = s_underway > s_most ? s_underway : s_most;
    return true;
}

START_TEST (window_is_filled_and_never_passed)
{
    char *input = calloc (1, 6001);
    for (int i = 0; i < 3000; i++)
        strcpy (input + 2 * i, "x\n");
    call_t *call = s_send ("@ --lines", input, s_hold, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_SEND], 3000);
    ck_assert_int_le (s_most, WIRE_UNANSWERED);
    ck_assert_int_ge (s_most, WIRE_UNANSWERED * 9 / 10);
    call_destroy (&call);
    free (input);
}
END_TEST

static bool s_just_ack (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_SEND)
        return false;
    fake_ack (self, request->tag, self->log->last);
    return true;
}

// Of what is read while others are under way, too: the window is full, and opens, several times.
START_TEST (lines_that_came_together_leave_together)
{
    enum { LINES = 4000, SIZE = 1000 };
    char *input = calloc (1, LINES * SIZE + 1);
    memset (input, 'x', LINES * SIZE);
    for (int i = 1; i <= LINES; i++)
        input[i * SIZE - 1] = '\n';
    call_t *call = s_send ("@ --lines", input, s_just_ack, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_SEND], LINES);
    ck_assert_int_lt (call->group->frames, LINES / 10);
    call_destroy (&call);
    free (input);
}
END_TEST

// What was stored is said to be, though it cannot be said on stdout.
START_TEST (full_output_does_not_hide_that_a_text_is_stored)
{
    static const char *const words[] = {"@ hi", "@ --lines"};
    static const char *const said[] = {"the message is stored", "3 messages are stored"};
    for (int i = 0; i < 2; i++) {
        call_t *call = call_new (&s_row, words[i]);
        call_stdin (call, i ? "a\nb\nc\n" : "");
        ck_assert_int_eq (symlink ("/dev/full", folder_path (&call->folder, "out")), 0);
        call_run (call, sending);
        ck_assert_int_eq (call->code, EXIT_NOT_NOW);
        char wanted[200];
        snprintf (wanted, sizeof wanted,
                  "zchat: cannot write: No space left on device\nzchat: %s\n", said[i]);
        ck_assert_str_eq (call->err, wanted);
        call_destroy (&call);
    }
}
END_TEST

START_TEST (device_goes_on_where_it_was)
{
    call_t *call = s_send ("@ --lines", "a\nb\n", NULL, EXIT_DONE);
    ck_assert_uint_eq (call->group->sends[1].counter, 2);
    guid_t log = call->log->log;
    identity_t *identity = context_identity (call->context);
    sender_t *sender = identity_take_sender (identity, &log, identity_uuid (identity));
    ck_assert_uint_eq (sender_last (sender), 2);
    ck_assert_mem_eq (sender_name (sender), call->group->sends[0].device, RECORD_DEVICE);
    sender_destroy (&sender);
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("sending");
    tcase_add_test (cases, words_are_one_text);
    tcase_add_test (cases, stdin_is_one_text_without_its_last_newline);
    tcase_add_test (cases, each_line_is_a_text);
    tcase_add_test (cases, too_long_a_text_is_never_cut);
    tcase_add_test (cases, refused_line_is_named_and_the_others_go_on);
    tcase_add_test (cases, end_without_an_answer_tells_what_may_be);
    tcase_add_test (cases, stranger_is_refused);
    tcase_add_test (cases, window_is_filled_and_never_passed);
    tcase_add_test (cases, lines_that_came_together_leave_together);
    tcase_add_test (cases, full_output_does_not_hide_that_a_text_is_stored);
    tcase_add_test (cases, device_goes_on_where_it_was);
    return kit_run (cases, "sending");
}
