#include "user/console.h"

#include "tests/user_call.h"

#include <sys/ioctl.h>
#include <termios.h>

static char s_seen[500]; // what the handlers were told
static context_t *s_context;
static console_t *s_console;
static int s_ends_at; // the loop ends after so many events

static int s_end (zloop_t *loop, int timer, void *arg)
{
    (void)loop, (void)timer, (void)arg;
    context_end (s_context, EXIT_DONE);
    return 0;
}

// Ends the loop a little later, when all that follows from the last event is drawn.
static void s_note (const char *what)
{
    strcat (s_seen, what);
    if (--s_ends_at == 0)
        zloop_timer (context_loop (s_context), 20, 1, s_end, NULL);
}

static void s_on_line (void *arg, const char *line)
{
    char noted[400];
    ck_assert_ptr_eq (arg, s_seen);
    snprintf (noted, sizeof noted, "[%s]", line);
    s_note (noted);
}

static void s_on_next (void *arg)
{
    (void)arg;
    s_note ("<next>");
}

static void s_on_end (void *arg)
{
    (void)arg;
    s_note ("<end>");
}

static void s_on_interrupt (void *arg)
{
    (void)arg;
    s_note ("<interrupt>");
}

static const console_handlers_t s_handlers = {.line = s_on_line,
                                              .next = s_on_next,
                                              .end = s_on_end,
                                              .interrupt = s_on_interrupt,
                                              .arg = s_seen};

static int s_run_plain (context_t *context)
{
    s_context = context;
    s_console = console_new (context, 10, &s_handlers);
    ck_assert_ptr_nonnull (s_console);
    ck_assert (!console_is_terminal (s_console));
    console_prompt (s_console, "cats> ");
    console_tell (s_console, "told %s", "a\x1b");
    context_print (context, strdup ("printed\n"));
    int code = context_run (context);
    console_destroy (&s_console);
    ck_assert_ptr_null (s_console);
    return code;
}

START_TEST (plain_lines_are_read_up_to_the_end)
{
    call_t *call = call_new (NULL, "");
    call_stdin (call, "one\n\n12345678901\n\ttwo\x07");
    s_ends_at = 4;
    call_run (call, s_run_plain);
    ck_assert_str_eq (s_seen, "[one][][\ttwo\x07]<end>");
    ck_assert_str_eq (call->out, "printed\n");
    ck_assert_str_eq (call->err, "told a\\u{1b}\n"
                                 "zchat: a line is longer than any group takes: not sent\n");
    call_destroy (&call);
}
END_TEST

// On a terminal: what is typed, all at once, and what is shown.

static const char *s_prompt = "cats> ";

static int s_run_typing (context_t *context)
{
    s_context = context;
    s_console = console_new (context, 100, &s_handlers);
    ck_assert_ptr_nonnull (s_console);
    ck_assert (console_is_terminal (s_console));
    console_prompt (s_console, s_prompt);
    int code = context_run (context);
    console_tell (s_console, "told a\x1b and more");
    context_print (context, strdup ("printed\n"));
    console_destroy (&s_console);
    return code;
}

// Returns what the terminal showed.
static const char *s_type (const char *keys, int events)
{
    static char shown[4000];
    struct winsize size = {.ws_col = 20, .ws_row = 5};
    call_t *call = call_new (NULL, "");
    int master = posix_openpt (O_RDWR | O_NOCTTY);
    ck_assert_int_eq (grantpt (master) | unlockpt (master), 0);
    int slave = open (ptsname (master), O_RDWR | O_NOCTTY);
    ck_assert_int_eq (ioctl (master, TIOCSWINSZ, &size), 0);
    // Whatever comes before the terminal is raw would be echoed and edited by the kernel.
    call_begin (call);
    dup2 (slave, STDIN_FILENO);
    dup2 (slave, STDOUT_FILENO);
    struct termios raw;
    tcgetattr (slave, &raw);
    cfmakeraw (&raw);
    tcsetattr (slave, TCSANOW, &raw);
    ssize_t put = write (master, keys, strlen (keys));
    s_ends_at = events;
    call->code = s_run_typing (call->context);
    call_end (call);
    ck_assert_int_eq (put, (ssize_t)strlen (keys));
    ck_assert_int_eq (call->code, EXIT_DONE);
    size_t used = 0;
    shown[0] = 0;
    while (!strstr (shown, "\x1b[?2004l")) { // the last that is written
        ssize_t got = read (master, shown + used, sizeof shown - 1 - used);
        ck_assert_int_gt (got, 0);
        shown[used += (size_t)got] = 0;
    }
    close (slave);
    close (master);
    call_destroy (&call);
    return shown;
}

START_TEST (typed_lines_and_keys_are_told)
{
    s_type ("hi \xe7\x8c\xab\r\t//x\r\x03\x04", 5);
    ck_assert_str_eq (s_seen, "[hi \xe7\x8c\xab]<next>[//x]<interrupt><end>");
}
END_TEST

START_TEST (interrupt_first_clears_the_line)
{
    s_type ("half\x03rest\r", 1);
    ck_assert_str_eq (s_seen, "[rest]");
}
END_TEST

START_TEST (end_is_only_told_on_an_empty_line)
{
    s_type ("x\x04\r\x04", 2);
    ck_assert_str_eq (s_seen, "[x]<end>");
}
END_TEST

START_TEST (prompt_is_drawn_and_what_is_shown_stands_above)
{
    const char *shown = s_type ("a\rxy\t", 2);
    // The prompt with the line and the cursor behind it; then, in its place, what was told.
    ck_assert_ptr_nonnull (strstr (shown, "\r\x1b[Jcats> xy\r\x1b[8C"));
    ck_assert_ptr_nonnull (strstr (shown, "\r\x1b[Jtold a\\u{1b} and \n  more\n"));
    ck_assert_ptr_nonnull (strstr (shown, "printed\n"));
}
END_TEST

#define CAT "\xe7\x8c\xab" // two columns

START_TEST (long_prompt_shows_its_end_and_harmless)
{
    s_prompt = "a prompt that is \x1b far too long \xe7\x8c\xab\xe7\x8c\xab> ";
    const char *shown = s_type ("x\t", 1);
    ck_assert_ptr_nonnull (strstr (shown, "\x1b[J long \xe7\x8c\xab\xe7\x8c\xab> x\r"));
    s_prompt = CAT CAT CAT CAT CAT CAT CAT CAT "> ";
    ck_assert_ptr_nonnull (strstr (s_type ("x\t", 1), "\x1b[J" CAT CAT CAT CAT CAT "> x\r"));
    s_prompt = "\x1b[2J> ";
    ck_assert_ptr_nonnull (strstr (s_type ("x\t", 1), "\x1b[J\\u{1b}[2J> x\r"));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("console");
    tcase_add_test (cases, plain_lines_are_read_up_to_the_end);
    tcase_add_test (cases, typed_lines_and_keys_are_told);
    tcase_add_test (cases, interrupt_first_clears_the_line);
    tcase_add_test (cases, end_is_only_told_on_an_empty_line);
    tcase_add_test (cases, prompt_is_drawn_and_what_is_shown_stands_above);
    tcase_add_test (cases, long_prompt_shows_its_end_and_harmless);
    return kit_run (cases, "console");
}
