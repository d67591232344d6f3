#include "user/terminal.h"

#include "tests/kit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int s_master, s_slave;

static void s_setup (void)
{
    s_master = posix_openpt (O_RDWR | O_NOCTTY);
    ck_assert_int_ge (s_master, 0);
    ck_assert_int_eq (grantpt (s_master) | unlockpt (s_master), 0);
    s_slave = open (ptsname (s_master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge (s_slave, 0);
}

static bool s_is_raw (void)
{
    struct termios now;
    ck_assert_int_eq (tcgetattr (s_slave, &now), 0);
    return !(now.c_lflag & (ICANON | ECHO | ISIG));
}

// Starts a process with the terminal as its stdin and stdout. 0 in the process itself.
static pid_t s_start (void)
{
    pid_t child = fork ();
    if (child > 0)
        return child;
    dup2 (s_slave, STDIN_FILENO);
    dup2 (s_slave, STDOUT_FILENO);
    return 0;
}

static int s_code (pid_t child)
{
    int status;
    ck_assert_int_eq (waitpid (child, &status, 0), child);
    return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

// Reads so many bytes that the process wrote: they may come in pieces.
static void s_read (char *out, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t got = read (s_master, out + used, size - used);
        ck_assert_int_gt (got, 0);
        used += (size_t)got;
    }
    out[used] = 0;
}

START_TEST (keys_come_at_once_and_all_is_put_back)
{
    char seen[100];
    pid_t child = s_start ();
    if (child == 0) {
        terminal_t *terminal = terminal_new ();
        bool raw = terminal && s_is_raw ();
        terminal_destroy (&terminal);
        _exit (raw && !terminal && !s_is_raw () ? 0 : 1);
    }
    ck_assert_int_eq (s_code (child), 0);
    const char *wanted = "\x1b[?2004h\x1b[?2004l"; // pasted text is marked, and no longer
    s_read (seen, strlen (wanted));
    ck_assert_str_eq (seen, wanted);
}
END_TEST

START_TEST (exit_puts_it_back)
{
    pid_t child = s_start ();
    if (child == 0)
        exit (terminal_new () && s_is_raw () ? 0 : 1);
    ck_assert_int_eq (s_code (child), 0);
    ck_assert (!s_is_raw ());
}
END_TEST

START_TEST (stopped_process_gives_it_back_for_that_time)
{
    int status;
    pid_t child = s_start ();
    if (child == 0) {
        terminal_t *terminal = terminal_new ();
        terminal_stop (terminal);
        _exit (s_is_raw () ? 0 : 1);
    }
    ck_assert_int_eq (waitpid (child, &status, WUNTRACED), child);
    ck_assert (WIFSTOPPED (status));
    ck_assert (!s_is_raw ());
    kill (child, SIGCONT);
    ck_assert_int_eq (s_code (child), 0);
}
END_TEST

START_TEST (renewing_does_not_take_raw_for_what_was_before)
{
    pid_t child = s_start ();
    if (child == 0) {
        terminal_t *terminal = terminal_new ();
        terminal_renew (terminal);
        terminal_destroy (&terminal);
        _exit (s_is_raw () ? 1 : 0);
    }
    ck_assert_int_eq (s_code (child), 0);
}
END_TEST

START_TEST (width_is_the_terminals)
{
    struct winsize size = {.ws_col = 123, .ws_row = 5};
    ck_assert_int_eq (ioctl (s_master, TIOCSWINSZ, &size), 0);
    pid_t child = s_start ();
    if (child == 0)
        _exit (terminal_is_there () && terminal_width () == 123 ? 0 : 1);
    ck_assert_int_eq (s_code (child), 0);
}
END_TEST

START_TEST (without_a_terminal_there_is_none)
{
    int ends[2];
    ck_assert_int_eq (pipe (ends), 0);
    pid_t child = fork ();
    if (child == 0) {
        dup2 (ends[0], STDIN_FILENO);
        dup2 (ends[1], STDOUT_FILENO);
        _exit (terminal_is_there () || terminal_new () || terminal_width () != 0);
    }
    ck_assert_int_eq (s_code (child), 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("terminal");
    tcase_add_checked_fixture (cases, s_setup, NULL);
    tcase_add_test (cases, keys_come_at_once_and_all_is_put_back);
    tcase_add_test (cases, exit_puts_it_back);
    tcase_add_test (cases, stopped_process_gives_it_back_for_that_time);
    tcase_add_test (cases, renewing_does_not_take_raw_for_what_was_before);
    tcase_add_test (cases, width_is_the_terminals);
    tcase_add_test (cases, without_a_terminal_there_is_none);
    return kit_run (cases, "terminal");
}
