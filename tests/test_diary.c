#include "daemons/group/diary.h"

#include "common/report.h"
#include "tests/kit.h"

#include <unistd.h>

static diary_t s_diary;
static pending_t *s_request;
static char s_lines[8192]; // what was told
static int s_pipe[2];
static int s_stderr;

static void s_setup (void)
{
    s_diary = (diary_t){.refusals = {0}};
    s_request = pending_new ();
    s_request->who = (guid_t){{0xab}};
    report_open ("t", true, REPORT_INFO);
    ck_assert_int_eq (pipe (s_pipe), 0);
    s_stderr = dup (STDERR_FILENO);
    dup2 (s_pipe[1], STDERR_FILENO);
}

static const char *s_told (void)
{
    dup2 (s_stderr, STDERR_FILENO);
    close (s_stderr);
    close (s_pipe[1]);
    ssize_t size = read (s_pipe[0], s_lines, sizeof s_lines - 1);
    s_lines[size > 0 ? size : 0] = 0;
    close (s_pipe[0]);
    pending_destroy (&s_request);
    return s_lines;
}

static void s_answer (wire_kind_t kind, wire_error_t error, bool appended)
{
    s_request->kind = kind;
    s_request->error = error;
    s_request->appended = appended;
    diary_answered (&s_diary, s_request, 1);
}

START_TEST (what_changed_the_group_is_told)
{
    s_answer (WIRE_JOIN, 0, true);
    s_answer (WIRE_JOIN, 0, false); // was a member
    s_answer (WIRE_SEND, 0, true);
    s_answer (WIRE_NICK, WIRE_ERR_NICK_TAKEN, false);
    s_request->action = RECORD_BAN;
    s_request->subject = (guid_t){{0xcd}};
    s_answer (WIRE_MANAGE, 0, true);
    s_answer (WIRE_MANAGE, 0, false);
    ck_assert_str_eq (s_told (), "t: info: JOIN from ab000000-0000-0000-0000-000000000000\n"
                                 "t: notice: ban cd000000-0000-0000-0000-000000000000, by "
                                 "ab000000-0000-0000-0000-000000000000\n");
}
END_TEST

START_TEST (refusals_for_want_of_rights_are_told_with_their_reason)
{
    for (wire_error_t error = WIRE_ERR_NONE; error < WIRE_ERR_COUNT; error++)
        s_answer (WIRE_JOIN, error, false);
    static const char *const wanted[] = {"NOT_ALLOWED", "KEY_NEEDED", "WRONG_KEY",
                                         "NOT_INVITED", "BANNED",     "BAD_INVITATION"};
    const char *at = s_told ();
    for (size_t i = 0; i < 6; i++) {
        char line[200];
        snprintf (line, sizeof line,
                  "t: notice: JOIN, said for ab000000-0000-0000-0000-000000000000 by a stranger, "
                  "is refused: %s\n",
                  wanted[i]);
        ck_assert_msg (strncmp (at, line, strlen (line)) == 0, "%s, not %s", at, line);
        at += strlen (line);
    }
    ck_assert_str_eq (at, "");
}
END_TEST

START_TEST (strangers_fill_no_log)
{
    s_request->kind = WIRE_SEND;
    for (int i = 0; i < 10000; i++) {
        diary_refused (&s_diary, s_request, WIRE_ERR_WRONG_KEY, 1);
        diary_invalid (&s_diary, span_of ("noise\x1b"), 1);
    }
    diary_refused (&s_diary, s_request, WIRE_ERR_WRONG_KEY, REFUSALS_TIME + 1);
    const char *told = s_told ();
    size_t lines = 0;
    for (const char *at = told; *at; at++)
        lines += *at == '\n';
    ck_assert_uint_eq (lines, REFUSALS_SHOWN + 2);
    ck_assert_ptr_nonnull (strstr (told, "19990 more requests were refused"));
    ck_assert_ptr_nonnull (strstr (told, "wire: noise\\x1b"));
}
END_TEST

START_TEST (original_requests_are_told)
{
    original_t join = {.kind = ORIGINAL_JOIN, .who = {{0xab}}};
    diary_original (&join);
    wire_t ping = wire (WIRE_PING, 1, &join.who);
    diary_asked (&ping); // at debug
    ck_assert_str_eq (s_told (),
                      "t: info: JOIN REQUEST FROM ab000000-0000-0000-0000-000000000000\n");
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("diary");
    tcase_add_checked_fixture (cases, s_setup, NULL);
    tcase_add_test (cases, what_changed_the_group_is_told);
    tcase_add_test (cases, refusals_for_want_of_rights_are_told_with_their_reason);
    tcase_add_test (cases, strangers_fill_no_log);
    tcase_add_test (cases, original_requests_are_told);
    return kit_run (cases, "diary");
}
