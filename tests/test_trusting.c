#include "user/trusting.h"

#include "tests/user_call.h"

#include "common/invitation.h"

#include <sodium.h>
#include <sys/time.h>

#define PLACE "tcp://h:1?key=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char s_text[INVITATION_TEXT];

// An invitation's text; `altered`: the byte of it that is changed, from the end; 0: none.
static const char *s_make (int64_t expires, size_t altered)
{
    static const char *const groups[] = {"cats"}, *const places[] = {PLACE};
    static const uint8_t secret[32] = {1};
    uint8_t public_key[INVITATION_KEY], signing[INVITATION_SIGNING], bytes[INVITATION_MAX];
    invitation_draft_t draft = {.id = {{7}},
                                .expires = expires,
                                .groups = groups,
                                .group_count = 1,
                                .registries = places,
                                .registry_count = 1};
    ck_assert_int_ge (sodium_init (), 0);
    invitation_operator (secret, public_key, signing);
    size_t size = invitation_make (&draft, signing, bytes);
    if (altered > 0)
        bytes[size - altered] ^= 1;
    return invitation_print (span (bytes, size), s_text);
}

static call_t *s_trust (const char *text, int code)
{
    call_t *call = call_new (NULL, "-");
    call_stdin (call, text);
    call_run (call, trusting);
    ck_assert_msg (call->code == code, "exit %d\n%s%s", call->code, call->out, call->err);
    return call;
}

START_TEST (invitation_is_kept_and_told)
{
    call_t *call = s_trust (s_make (0, 0), EXIT_DONE);
    ck_assert_str_eq (call->out, "trusted the invitation to cats\nregistry tcp://h:1\n");
    ck_assert_str_eq (call->err, "");
    char text[ENDPOINT_TEXT + 1];
    call_read (call, "me/registries", text, sizeof text);
    ck_assert_str_eq (text, PLACE "\n");
    call_run (call, trusting); // reads on behind the end: nothing
    call_destroy (&call);
}
END_TEST

START_TEST (words_of_a_command_line_are_one)
{
    call_t *call = call_new (NULL, "x");
    char *words[3], copy[INVITATION_TEXT];
    s_make (0, 0);
    strcpy (copy, s_text);
    words[0] = copy;
    words[1] = s_text + 50;
    copy[50] = 0;
    call->line.args = words;
    call->line.arg_count = 2;
    call_run (call, trusting);
    ck_assert_int_eq (call->code, EXIT_DONE);
    call_run (call, trusting);
    ck_assert_ptr_nonnull (strstr (call->out, "known already: the invitation to cats\n"));
    call_destroy (&call);
}
END_TEST

static void s_refuse (const char *text, const char *wanted)
{
    call_t *call = s_trust (text, EXIT_REFUSED);
    ck_assert_msg (strstr (call->err, wanted) != NULL, "%s", call->err);
    ck_assert_str_eq (call->out, "");
    ck_assert_int_lt (access (folder_path (&call->folder, "me/registries"), F_OK), 0);
    call_destroy (&call);
}

START_TEST (what_is_none_or_altered_or_expired_is_refused)
{
    struct timeval now;
    s_refuse ("", "this is no invitation");
    s_refuse ("hello", "this is no invitation");
    s_refuse ("zchat1.AAAA", "another version");
    s_refuse ("zchat1.AQAA", "no whole invitation");
    s_refuse (s_make (0, 1), "was altered");
    s_refuse (s_make (0, 64), "was altered");
    gettimeofday (&now, NULL);
    s_refuse (s_make ((int64_t)now.tv_sec * 1000000, 0), "the invitation is expired");
}
END_TEST

START_TEST (without_a_folder_nothing_can_be_kept)
{
    setenv ("ZCHAT_IDENTITY", "/proc/none", 1);
    call_t *call = call_new (NULL, "-");
    setenv ("ZCHAT_IDENTITY", "/proc/none", 1);
    call_stdin (call, s_make (0, 0));
    call_run (call, trusting);
    ck_assert_int_eq (call->code, EXIT_CONFIG);
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("trusting");
    tcase_add_test (cases, invitation_is_kept_and_told);
    tcase_add_test (cases, words_of_a_command_line_are_one);
    tcase_add_test (cases, what_is_none_or_altered_or_expired_is_refused);
    tcase_add_test (cases, without_a_folder_nothing_can_be_kept);
    return kit_run (cases, "trusting");
}
