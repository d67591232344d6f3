#include "common/report.h"

#include "tests/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// What stderr gets from here to s_caught.
static int s_pipe[2];
static int s_stderr;

static void s_catch (void)
{
    ck_assert_int_eq (pipe (s_pipe), 0);
    s_stderr = dup (STDERR_FILENO);
    dup2 (s_pipe[1], STDERR_FILENO);
}

static const char *s_caught (void)
{
    static char text[8192];
    dup2 (s_stderr, STDERR_FILENO);
    close (s_stderr);
    close (s_pipe[1]);
    ssize_t size = read (s_pipe[0], text, sizeof text - 1);
    text[size > 0 ? size : 0] = 0;
    close (s_pipe[0]);
    return text;
}

START_TEST (line_has_ident_level_and_text)
{
    s_catch ();
    report_open ("zchat-test", true, REPORT_DEBUG);
    report_error ("no %s", "disk");
    report_warning ("w");
    report_notice ("n");
    report_info ("i");
    report_debug ("%d", 5);
    ck_assert_str_eq (s_caught (), "zchat-test: error: no disk\nzchat-test: warning: w\n"
                                   "zchat-test: notice: n\nzchat-test: info: i\n"
                                   "zchat-test: debug: 5\n");
}
END_TEST

START_TEST (what_is_below_the_level_is_left_out)
{
    s_catch ();
    report_open ("t", true, REPORT_NOTICE);
    report_info ("i");
    report_notice ("n");
    report_set_level (REPORT_ERROR);
    report_warning ("w");
    report_error ("e");
    ck_assert_str_eq (s_caught (), "t: notice: n\nt: error: e\n");
    ck_assert (report_wants (REPORT_ERROR));
    ck_assert (!report_wants (REPORT_WARNING));
}
END_TEST

START_TEST (only_printable_ascii_leaves)
{
    s_catch ();
    report_open ("t", true, REPORT_INFO);
    report_info ("a\nb\x1b[31m\x7f\xc3\xa4\tz");
    ck_assert_str_eq (s_caught (), "t: info: a\\x0ab\\x1b[31m\\x7f\\xc3\\xa4\\x09z\n");
}
END_TEST

START_TEST (endless_line_is_cut_not_broken)
{
    char text[5000];
    memset (text, '\x01', sizeof text);
    text[sizeof text - 1] = 0;
    s_catch ();
    report_open ("t", true, REPORT_INFO);
    report_info ("%s", text);
    const char *line = s_caught ();
    ck_assert_uint_lt (strlen (line), 2200);
    ck_assert_uint_eq (strcspn (line, "\n"), strlen (line) - 1);
    ck_assert_uint_eq (strspn (line, "t: info\\x01\n"), strlen (line));
}
END_TEST

START_TEST (errno_survives)
{
    s_catch ();
    report_open ("t", true, REPORT_INFO);
    close (STDERR_FILENO);
    errno = ENOSPC;
    report_info ("x");
    ck_assert_int_eq (errno, ENOSPC);
    s_caught ();
    report_open ("t", false, REPORT_INFO);
    errno = ENOSPC;
    report_debug ("to syslog, and left out");
    report_info ("a test of zchat wrote this");
    ck_assert_int_eq (errno, ENOSPC);
}
END_TEST

START_TEST (level_names_are_those_of_the_configuration)
{
    ck_assert_int_eq (report_level_of ("debug"), REPORT_DEBUG);
    ck_assert_int_eq (report_level_of ("error"), REPORT_ERROR);
    ck_assert_int_eq (report_level_of ("loud"), REPORT_INFO);
    char names[] = REPORT_LEVELS;
    int level = REPORT_DEBUG;
    for (char *name = strtok (names, " "); name; name = strtok (NULL, " "))
        ck_assert_int_eq (report_level_of (name), level--);
    ck_assert_int_eq (level, -1);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("report");
    tcase_add_test (cases, line_has_ident_level_and_text);
    tcase_add_test (cases, what_is_below_the_level_is_left_out);
    tcase_add_test (cases, only_printable_ascii_leaves);
    tcase_add_test (cases, endless_line_is_cut_not_broken);
    tcase_add_test (cases, errno_survives);
    tcase_add_test (cases, level_names_are_those_of_the_configuration);
    return kit_run (cases, "report");
}
