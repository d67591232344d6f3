#include "user/context.h"

#include "tests/user_call.h"

#include <signal.h>

static folder_t s_folder;
static command_line_t s_line;

static void s_setup (void)
{
    s_folder = folder_new ();
    memset (&s_line, 0, sizeof s_line);
    s_line.folder = s_folder.path;
}

static void s_teardown (void)
{
    folder_remove (&s_folder);
}

// The registries of a context with this environment, with blanks between.
static const char *s_registries (const context_environment_t *environment)
{
    static char joined[500];
    int code;
    size_t count;
    context_t *context = context_new (&s_line, environment, &code);
    ck_assert_ptr_nonnull (context);
    const char *const *registries = context_registries (context, &count);
    joined[0] = 0;
    for (size_t i = 0; i < count; i++)
        sprintf (joined + strlen (joined), "%s%s", i > 0 ? " " : "", registries[i]);
    context_destroy (&context);
    ck_assert_ptr_null (context);
    return joined;
}

START_TEST (registries_are_those_of_the_nearest_place)
{
    context_environment_t environment = {0};
    ck_assert_str_eq (s_registries (&environment), "tcp://127.0.0.1:2000");
    folder_put (&s_folder, "user.cfg", "registries = [ \"tcp://a:1\", \"tcp://b:2\" ];\n");
    ck_assert_str_eq (s_registries (&environment), "tcp://a:1 tcp://b:2");
    environment.registries = " tcp://c:3  tcp://d:4 ";
    ck_assert_str_eq (s_registries (&environment), "tcp://c:3 tcp://d:4");
    environment.registries = "";
    ck_assert_str_eq (s_registries (&environment), "tcp://a:1 tcp://b:2");
    environment.registries = "tcp://c:3";
    s_line.registries[s_line.registry_count++] = "tcp://e:5";
    ck_assert_str_eq (s_registries (&environment), "tcp://e:5");
}
END_TEST

START_TEST (trusted_registries_come_before_the_configured)
{
    context_environment_t environment = {.identity = s_folder.path};
    folder_put (&s_folder, "registries", "tcp://x:1?bad\ntcp://x:2\n\n");
    ck_assert_str_eq (s_registries (&environment), "tcp://x:2 tcp://127.0.0.1:2000");
    environment.registries = "tcp://c:3";
    ck_assert_str_eq (s_registries (&environment), "tcp://c:3");
}
END_TEST

START_TEST (users_own_file_goes_over_the_folders)
{
    char home[300];
    snprintf (home, sizeof home, "%s/home", s_folder.path);
    ck_assert_int_eq (mkdir (home, 0700), 0);
    ck_assert_int_eq (mkdir (folder_path (&s_folder, "home/zchat"), 0700), 0);
    folder_put (&s_folder, "user.cfg", "registries = [ \"tcp://a:1\" ];\n");
    folder_put (&s_folder, "home/zchat/user.cfg", "registries = [ \"tcp://b:2\" ];\n");
    context_environment_t environment = {.config = home};
    ck_assert_str_eq (s_registries (&environment), "tcp://b:2");
    ck_assert_int_eq (mkdir (folder_path (&s_folder, "home/.config"), 0700), 0);
    ck_assert_int_eq (mkdir (folder_path (&s_folder, "home/.config/zchat"), 0700), 0);
    folder_put (&s_folder, "home/.config/zchat/user.cfg", "registries = [ \"tcp://c:3\" ];\n");
    environment = (context_environment_t){.home = home};
    ck_assert_str_eq (s_registries (&environment), "tcp://c:3");
}
END_TEST

static void s_refuse (const context_environment_t *environment, const char *wanted)
{
    call_t call = {.folder = s_folder};
    int code = 0;
    folder_put (&s_folder, "in", "");
    call_begin (&call);
    context_t *context = context_new (&s_line, environment, &code);
    call_end (&call);
    ck_assert_ptr_null (context);
    ck_assert_int_eq (code, EXIT_CONFIG);
    ck_assert_ptr_nonnull (strstr (call.err, wanted));
}

START_TEST (wrong_configuration_is_told_with_file_and_line)
{
    context_environment_t environment = {0};
    folder_put (&s_folder, "user.cfg", "\ncolour = 1;\n");
    s_refuse (&environment, "user.cfg:2: ");
    folder_put (&s_folder, "user.cfg", "");
    environment.registries = "tcp://a:1 b";
    s_refuse (&environment, "zchat: $ZCHAT_REGISTRY: 'b': ");
}
END_TEST

START_TEST (named_folder_must_be_there)
{
    context_environment_t environment = {0};
    s_line.folder = "/nonexistent";
    s_refuse (&environment, "zchat: /nonexistent: there is no such folder\n");
    s_line.folder = s_folder.path; // without a file in it
    ck_assert_str_eq (s_registries (&environment), "tcp://127.0.0.1:2000");
}
END_TEST

START_TEST (registry_may_have_a_key)
{
#define KEYED "tcp://a:1?key=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    context_environment_t environment = {.registries = KEYED};
    ck_assert_str_eq (s_registries (&environment), KEYED);
}
END_TEST

static keypair_t s_server; // keys of an encrypted listener

static int s_connect_and_tell_key (context_t *context)
{
    char endpoint[200], key[KEYPAIR_HEX];
    uint8_t proved[KEYPAIR_KEY];
    frame_t frame;
    route_t route;
    const frame_guard_t guard = {.keys = &s_server};
    context_loop (context);
    zsock_t *router = frame_listen ("tcp://127.0.0.1:*", &guard);
    snprintf (endpoint, sizeof endpoint, "%s?key=%s", zsock_endpoint (router),
              keypair_print (s_server.public_key, key));
    ck_assert_ptr_null (context_connect (endpoint, context)); // no identity is open yet
    identity_t *identity = context_identity (context);
    zsock_t *dealer = context_connect (endpoint, context);
    ck_assert_ptr_nonnull (dealer);
    frame_send (dealer, span_of ("hello"));
    zmq_pollitem_t item = {zsock_resolve (router), 0, ZMQ_POLLIN, 0};
    ck_assert_int_eq (zmq_poll (&item, 1, 10000), 1);
    frame_init (&frame);
    ck_assert_int_eq (frame_take (router, &route, &frame), 1);
    ck_assert (frame_key (&frame, proved));
    ck_assert_mem_eq (proved, identity_public (identity), KEYPAIR_KEY);
    frame_close (&frame);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
    return EXIT_DONE;
}

START_TEST (endpoint_with_a_key_is_met_with_the_identitys_own)
{
    ck_assert_int_eq (keypair_make (&s_server), 0);
    call_t *call = call_of (s_connect_and_tell_key, "", NULL, EXIT_DONE);
    call_destroy (&call);
}
END_TEST

static int s_end_twice (context_t *context)
{
    context_loop (context);
    ck_assert (!context_ending (context));
    context_end (context, 7);
    context_end (context, 8);
    ck_assert (context_ending (context));
    return context_run (context);
}

START_TEST (first_end_counts)
{
    call_t *call = call_of (s_end_twice, "", NULL, 7);
    call_destroy (&call);
}
END_TEST

static int s_signal (context_t *context)
{
    raise (SIGTERM);
    int code = context_run (context);
    ck_assert (context_interrupted (context));
    return code;
}

static int s_quiet (context_t *context)
{
    context_end_quietly (context);
    return s_signal (context);
}

static void s_on_signal (void *arg, int code)
{
    context_end (arg, code + 1000);
}

static int s_handled (context_t *context)
{
    context_on_signal (context, s_on_signal, context);
    return s_signal (context);
}

START_TEST (signal_ends_the_loop)
{
    call_t *call = call_of (s_signal, "", NULL, 128 + SIGTERM);
    call_destroy (&call);
    call = call_of (s_quiet, "", NULL, EXIT_DONE);
    call_destroy (&call);
    call = call_of (s_handled, "", NULL, 1000 + 128 + SIGTERM);
    call_destroy (&call);
}
END_TEST

// Prints until the output says that it is closed or full.
static int s_print (context_t *context)
{
    for (int i = 0; i < 100000 && !context_ending (context); i++) {
        context_print (context, strdup ("0123456789012345678901234567890123456789\n"));
        context_flush (context);
    }
    return context_run (context);
}

START_TEST (closed_output_ends_quietly)
{
    int ends[2];
    call_t *call = call_new (NULL, "");
    ck_assert_int_eq (pipe (ends), 0);
    call_begin (call);
    dup2 (ends[1], STDOUT_FILENO);
    close (ends[0]);
    close (ends[1]);
    call->code = s_print (call->context);
    call_end (call);
    ck_assert_int_eq (call->code, EXIT_DONE);
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

START_TEST (full_disk_is_told)
{
    call_t *call = call_new (NULL, "");
    call_begin (call);
    int full = open ("/dev/full", O_WRONLY);
    dup2 (full, STDOUT_FILENO);
    close (full);
    call->code = s_print (call->context);
    call_end (call);
    ck_assert_int_eq (call->code, EXIT_NOT_NOW);
    ck_assert_str_eq (call->err, "zchat: cannot write: No space left on device\n");
    call_destroy (&call);
}
END_TEST

static int s_say (context_t *context)
{
    context_say (context, "%s", "a\x1b[2J\nzchat: forged");
    context_set_width (context, 20);
    context_say (context, "%s", "one two three four");
    return EXIT_DONE;
}

START_TEST (said_lines_are_harmless_and_fit)
{
    call_t *call = call_of (s_say, "", NULL, EXIT_DONE);
    ck_assert_str_eq (call->err, "zchat: a\\u{1b}[2J\\u{0a}zchat: forged\n"
                                 "zchat: one two three\n       four\n");
    ck_assert_str_eq (call->out, "");
    call_destroy (&call);
}
END_TEST

static char s_shown[200];

static void s_show (void *arg, const char *text)
{
    ck_assert_ptr_eq (arg, s_shown);
    strcat (s_shown, text);
}

static int s_elsewhere (context_t *context)
{
    context_show_with (context, s_show, s_shown);
    context_print (context, strdup ("printed\n"));
    context_say (context, "said");
    context_show_with (context, NULL, NULL);
    context_print (context, strdup ("back\n"));
    return EXIT_DONE;
}

START_TEST (lines_can_be_shown_elsewhere)
{
    call_t *call = call_of (s_elsewhere, "", NULL, EXIT_DONE);
    ck_assert_str_eq (s_shown, "printed\nzchat: said\n");
    ck_assert_str_eq (call->out, "back\n");
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("context");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, registries_are_those_of_the_nearest_place);
    tcase_add_test (cases, trusted_registries_come_before_the_configured);
    tcase_add_test (cases, users_own_file_goes_over_the_folders);
    tcase_add_test (cases, wrong_configuration_is_told_with_file_and_line);
    tcase_add_test (cases, named_folder_must_be_there);
    tcase_add_test (cases, registry_may_have_a_key);
    tcase_add_test (cases, endpoint_with_a_key_is_met_with_the_identitys_own);
    tcase_add_test (cases, first_end_counts);
    tcase_add_test (cases, signal_ends_the_loop);
    tcase_add_test (cases, closed_output_ends_quietly);
    tcase_add_test (cases, full_disk_is_told);
    tcase_add_test (cases, said_lines_are_harmless_and_fit);
    tcase_add_test (cases, lines_can_be_shown_elsewhere);
    return kit_run (cases, "context");
}
