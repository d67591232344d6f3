#include "common/program.h"

#include "common/frame.h"
#include "common/report.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <fcntl.h>
#include <getopt.h>
#include <sys/resource.h>

static const conf_key_t s_keys[] = {
    {.path = "lease", .type = CONF_NUMBER, .standard = "1", .min = 1, .max = 9, .reload = true},
    {.path = "fixed", .type = CONF_NUMBER, .standard = "1", .min = 1, .max = 9},
    {.path = "log.level", .type = CONF_CHOICE, .standard = "\"info\"", .choices = REPORT_LEVELS},
};

static folder_t s_folder;
static program_t *s_program;
static program_type_t s_type;
static char s_did[200]; // what the hooks did, a letter each
static int s_more;      // what timers do when they come
static int s_state;

static void s_note (char what)
{
    s_did[strlen (s_did)] = what;
}

static int s_start (program_t *program, void **state_p)
{
    s_program = program;
    *state_p = &s_state;
    s_note ('s');
    program_ready (program, "listening");
    return EXIT_DONE;
}

static void s_destroy (void **state_p)
{
    s_note ('d');
    *state_p = NULL;
}

static bool s_argument_valid (const char *argument)
{
    return strlen (argument) < 10;
}

static void s_set_up (void)
{
    s_folder = folder_new ();
    s_type = (program_type_t){.name = "zchat-test",
                              .summary = "A test.",
                              .keys = s_keys,
                              .key_count = sizeof s_keys / sizeof s_keys[0],
                              .file = "test.cfg",
                              .start = s_start,
                              .destroy = s_destroy};
    folder_put (&s_folder, "test.cfg", "");
}

static void s_tear_down (void)
{
    folder_remove (&s_folder);
}

// What both outputs got in the last s_run.
static char s_output[16384];

// Runs the program with the folder as -c and these further arguments.
static int s_run (const char *a, const char *b)
{
    char *argv[] = {(char *)"zchat-test",
                    (char *)"-c",
                    s_folder.path,
                    (char *)"-f",
                    (char *)a,
                    (char *)b,
                    NULL};
    int argc = 4 + (a != NULL) + (b != NULL);
    const char *path = folder_path (&s_folder, "output");
    fflush (stdout);
    int out = dup (STDOUT_FILENO), err = dup (STDERR_FILENO);
    int file = open (path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2 (file, STDOUT_FILENO);
    dup2 (file, STDERR_FILENO);
    *s_did = 0;
    optind = 0;
    int code = program_main (&s_type, argc, argv);
    fflush (stdout);
    dup2 (out, STDOUT_FILENO);
    dup2 (err, STDERR_FILENO);
    ssize_t size = pread (file, s_output, sizeof s_output - 1, 0);
    s_output[size > 0 ? size : 0] = 0;
    close (file);
    close (out);
    close (err);
    return code;
}

static bool s_said (const char *part)
{
    return strstr (s_output, part) != NULL;
}

// --- Options and configuration -----------------------------------------------------------------

START_TEST (version_and_help_start_nothing)
{
    ck_assert_int_eq (s_run ("-V", NULL), EXIT_DONE);
    ck_assert_str_eq (s_output, "zchat-test " ZCHAT_VERSION "\n");
    ck_assert_int_eq (s_run ("--help", NULL), EXIT_DONE);
    ck_assert (s_said ("usage: zchat-test") && s_said ("--ping") && s_said ("A test."));
    ck_assert_str_eq (s_did, "");
}
END_TEST

START_TEST (wrong_usage_is_2)
{
    ck_assert_int_eq (s_run ("-x", NULL), EXIT_USAGE);
    ck_assert_int_eq (s_run ("--nonsense", NULL), EXIT_USAGE);
    ck_assert_int_eq (s_run ("extra", NULL), EXIT_USAGE);
    ck_assert_int_eq (s_run ("--ping", NULL), EXIT_USAGE); // this program has none
    s_type.argument = "NAME";
    s_type.argument_valid = s_argument_valid;
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_USAGE);
    ck_assert_int_eq (s_run ("a", "b"), EXIT_USAGE);
    ck_assert_int_eq (s_run ("much-too-long", NULL), EXIT_USAGE);
    ck_assert_int_eq (s_run ("../a", NULL), EXIT_USAGE);
    ck_assert_str_eq (s_did, "");
}
END_TEST

START_TEST (test_option_checks_and_starts_nothing)
{
    ck_assert_int_eq (s_run ("-t", NULL), EXIT_DONE);
    ck_assert_str_eq (s_output, "");
    folder_put (&s_folder, "test.cfg", "lease = 99;\nlaese = 1;");
    ck_assert_int_eq (s_run ("--test", NULL), EXIT_CONFIG);
    ck_assert (s_said ("test.cfg:1: lease: 99") && s_said ("test.cfg:2: laese: unknown key"));
    ck_assert_str_eq (s_did, "");
}
END_TEST

START_TEST (wrong_configuration_is_78)
{
    folder_put (&s_folder, "test.cfg", "lease = ;");
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_CONFIG);
    unlink (folder_path (&s_folder, "test.cfg"));
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_CONFIG);
    ck_assert (s_said ("test.cfg:0: cannot be read"));
    ck_assert_str_eq (s_did, "");
}
END_TEST

START_TEST (argument_has_a_file_of_its_own)
{
    s_type.argument = "NAME";
    ck_assert_int_eq (s_run ("-t", "cats"), EXIT_DONE);
    folder_put (&s_folder, "test-cats.cfg", "\nlaese = 1;");
    ck_assert_int_eq (s_run ("-t", "cats"), EXIT_CONFIG);
    ck_assert (s_said ("test-cats.cfg:2: laese"));
    ck_assert_int_eq (s_run ("-t", "dogs"), EXIT_DONE);
}
END_TEST

static void s_refuse_odd (conf_t *conf)
{
    if (conf_number (conf, "lease") % 2)
        conf_complain (conf, "lease", "is odd");
}

START_TEST (check_hook_can_refuse)
{
    s_type.check = s_refuse_odd;
    folder_put (&s_folder, "test.cfg", "lease = 3;");
    ck_assert_int_eq (s_run ("-t", NULL), EXIT_CONFIG);
    ck_assert (s_said ("test.cfg:1: lease: is odd"));
    folder_put (&s_folder, "test.cfg", "lease = 3;\nlaese = 1;"); // told together
    ck_assert_int_eq (s_run ("-t", NULL), EXIT_CONFIG);
    ck_assert (s_said ("test.cfg:1: lease: is odd"));
    ck_assert (s_said ("test.cfg:2: laese"));
}
END_TEST

static int s_ping (const conf_t *conf, const char *argument)
{
    (void)argument;
    return conf_number (conf, "lease") == 2 ? EXIT_DONE : EXIT_UNREACHABLE;
}

START_TEST (ping_gives_its_own_code)
{
    s_type.ping = s_ping;
    ck_assert_int_eq (s_run ("--ping", NULL), EXIT_UNREACHABLE);
    folder_put (&s_folder, "test.cfg", "lease = 2;");
    ck_assert_int_eq (s_run ("--ping", NULL), EXIT_DONE);
    ck_assert_str_eq (s_did, "");
}
END_TEST

// --- Running -----------------------------------------------------------------------------------

static int s_start_and_fail (program_t *program, void **state_p)
{
    (void)program;
    *state_p = &s_state;
    s_note ('s');
    return EXIT_NOT_NOW;
}

START_TEST (failed_start_gives_its_code_and_is_cleaned_up)
{
    s_type.start = s_start_and_fail;
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_NOT_NOW);
    ck_assert_str_eq (s_did, "sd");
}
END_TEST

START_TEST (without_an_authenticator_nothing_is_started)
{
    void *taken = zmq_socket (zsys_init (), ZMQ_REP); // not czmq's, which counts its own
    ck_assert_int_eq (zmq_bind (taken, "inproc://zeromq.zap.01"), 0);
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_NOT_NOW);
    ck_assert (s_said ("the authenticator cannot be started"));
    ck_assert_str_eq (s_did, "");
    zmq_close (taken);
}
END_TEST

// Tells the routing id that the first peer of a listener gets.
static int s_start_and_tell_id (program_t *program, void **state_p)
{
    int rc = s_start (program, state_p);
    zsock_t *router = frame_listen ("tcp://127.0.0.1:*", NULL);
    zsock_t *dealer = frame_connect (zsock_endpoint (router), NULL);
    frame_t frame;
    route_t route;
    frame_init (&frame);
    frame_send (dealer, span_of ("hello"));
    zmq_pollitem_t item = {zsock_resolve (router), 0, ZMQ_POLLIN, 0};
    bool came = zmq_poll (&item, 1, 10000) == 1 && frame_take (router, &route, &frame) == 1;
    if (!came || write (s_more, route.bytes, 5) != 5)
        _exit (1);
    frame_close (&frame);
    zsock_destroy (&dealer);
    zsock_destroy (&router);
    program_end (program, EXIT_DONE);
    return rc;
}

START_TEST (routing_ids_cannot_be_foretold)
{
    enum { TIMES = 5 }; // of which some begin in the same second
    char ids[TIMES][5];
    int out[2];
    ck_assert_int_eq (pipe (out), 0);
    s_more = out[1];
    s_type.start = s_start_and_tell_id;
    for (int i = 0; i < TIMES; i++)
        if (fork () == 0)
            _exit (s_run (NULL, NULL));
    for (int i = 0; i < TIMES; i++) {
        ck_assert_int_eq (read (out[0], ids[i], 5), 5);
        for (int j = 0; j < i; j++)
            ck_assert_int_ne (memcmp (ids[i], ids[j], 5), 0);
    }
}
END_TEST

static int s_start_and_end (program_t *program, void **state_p)
{
    s_start (program, state_p);
    program_end (program, EXIT_SYNC);
    program_end (program, EXIT_DONE);
    return EXIT_DONE;
}

START_TEST (first_end_decides_the_code)
{
    s_type.start = s_start_and_end;
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_SYNC);
    ck_assert_str_eq (s_did, "sd");
}
END_TEST

static int s_start_and_raise (program_t *program, void **state_p)
{
    s_start (program, state_p);
    raise (s_more);
    return EXIT_DONE;
}

START_TEST (either_signal_ends_it_with_0)
{
    s_type.start = s_start_and_raise;
    s_more = SIGTERM;
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_DONE);
    ck_assert (s_said ("ready: listening") && s_said ("SIGTERM: stopping") && s_said ("ended"));
    s_more = SIGINT;
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_DONE);
    ck_assert (s_said ("SIGINT: stopping"));
}
END_TEST

static int s_finish (zloop_t *loop, int timer, void *argument)
{
    (void)loop, (void)timer, (void)argument;
    s_note ('f');
    program_end (s_program, EXIT_DONE);
    return 0;
}

static void s_stop_later (void *state)
{
    ck_assert_ptr_eq (state, &s_state);
    ck_assert (program_ending (s_program));
    s_note ('t');
    zloop_timer (program_loop (s_program), 10, 1, s_finish, NULL);
}

START_TEST (stop_hook_may_let_the_loop_go_on)
{
    s_type.start = s_start_and_raise;
    s_type.stop = s_stop_later;
    s_more = SIGTERM;
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_DONE);
    ck_assert_str_eq (s_did, "stfd");
}
END_TEST

static int s_syncs; // how often a sync is still under way

static void s_stop_never (void *state)
{
    (void)state;
    s_note ('t');
}

static bool s_syncing (void *state)
{
    (void)state;
    return s_syncs-- > 0;
}

START_TEST (end_that_takes_too_long_is_forced_after_the_sync)
{
    s_type.start = s_start_and_raise;
    s_type.stop = s_stop_never;
    s_type.syncing = s_syncing;
    s_more = SIGTERM;
    s_syncs = 5;
    int64_t before = zclock_mono ();
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_DONE);
    int64_t took = zclock_mono () - before;
    ck_assert_str_eq (s_did, "std");
    ck_assert (s_said ("is forced"));
    ck_assert_int_ge (took, 2400); // five ticks of a sync, then two seconds
    ck_assert_int_lt (took, 10000);
}
END_TEST

static int s_raise_again (zloop_t *loop, int timer, void *argument)
{
    (void)loop, (void)timer, (void)argument;
    raise (SIGTERM);
    return 0;
}

static void s_stop_and_raise (void *state)
{
    (void)state;
    zloop_timer (program_loop (s_program), 10, 1, s_raise_again, NULL);
}

START_TEST (second_signal_ends_it_at_once)
{
    s_type.start = s_start_and_raise;
    s_type.stop = s_stop_and_raise;
    s_more = SIGTERM;
    s_run (NULL, NULL);
    ck_abort_msg ("came back"); // the process ends inside, with 0
}
END_TEST

static void s_reload (void *state, const conf_t *conf)
{
    (void)state;
    s_note ((char)('0' + conf_number (conf, "lease")));
    ck_assert_int_eq (conf_number (conf, "fixed"), 1);
    ck_assert_ptr_eq (conf, program_conf (s_program));
}

// Each turn writes the next file and asks for it to be read.
static int s_next_file (zloop_t *loop, int timer, void *argument)
{
    (void)loop, (void)timer, (void)argument;
    static const char *const files[] = {"lease = 3;", "lease = 99;", "lease = 4; fixed = 5;"};
    if (s_more == 3) {
        program_end (s_program, EXIT_DONE);
        return 0;
    }
    folder_put (&s_folder, "test.cfg", files[s_more++]);
    raise (SIGHUP);
    return 0;
}

static int s_start_and_reload (program_t *program, void **state_p)
{
    s_start (program, state_p);
    s_more = 0;
    zloop_timer (program_loop (program), 20, 0, s_next_file, NULL);
    return EXIT_DONE;
}

START_TEST (reload_takes_what_is_right_and_keeps_what_runs)
{
    s_type.start = s_start_and_reload;
    s_type.reload = s_reload;
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_DONE);
    ck_assert_str_eq (s_did, "s34d");
    ck_assert (s_said ("test.cfg:1: lease: 99 is not within 1 to 9"));
    ck_assert (s_said ("the running one stays"));
    ck_assert (s_said ("fixed was changed: that needs a restart"));
}
END_TEST

static int s_start_and_look (program_t *program, void **state_p)
{
    s_start (program, state_p);
    struct rlimit limit;
    getrlimit (RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur == limit.rlim_max)
        s_note ('l');
    if (!getenv ("ZSYS_LINGER") && getenv ("HOME"))
        s_note ('e');
    zsock_t *sock = zsock_new (ZMQ_PUSH);
    if (zsock_sndhwm (sock) == 1000 && zsock_ipv6 (sock) == 1)
        s_note ('z');
    zsock_destroy (&sock);
    program_end (program, EXIT_DONE);
    return EXIT_DONE;
}

START_TEST (environment_does_not_change_it)
{
    setenv ("ZSYS_LINGER", "-1", 1);
    setenv ("ZSYS_SNDHWM", "1", 1);
    setenv ("ZSYS_IPV6", "0", 1);
    setenv ("HOME", "/", 1);
    struct rlimit limit;
    getrlimit (RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    setrlimit (RLIMIT_NOFILE, &limit);
    s_type.start = s_start_and_look;
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_DONE);
    ck_assert_str_eq (s_did, "slezd");
}
END_TEST

static int s_health_asked;

static bool s_healthy (void *state, int64_t now)
{
    (void)state, (void)now;
    if (++s_health_asked == 4)
        program_end (s_program, EXIT_DONE);
    return s_health_asked != 2;
}

START_TEST (watchdog_is_told_only_while_healthy)
{
    char pid[20];
    setenv ("WATCHDOG_USEC", "40000", 1);
    snprintf (pid, sizeof pid, "%d", (int)getpid ());
    setenv ("WATCHDOG_PID", pid, 1);
    s_type.healthy = s_healthy;
    ck_assert_int_eq (s_run (NULL, NULL), EXIT_DONE);
    ck_assert (s_said ("error: not healthy") && s_said ("healthy again"));
}
END_TEST

START_TEST (verbose_adds_a_level)
{
    s_type.start = s_start_and_end;
    folder_put (&s_folder, "test.cfg", "log = { level = \"warning\"; };");
    s_run (NULL, NULL);
    ck_assert (!s_said ("ready"));
    s_run ("-v", NULL);
    ck_assert (s_said ("ready"));
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("program");
    tcase_add_checked_fixture (cases, s_set_up, s_tear_down);
    tcase_set_timeout (cases, 20);
    tcase_add_test (cases, version_and_help_start_nothing);
    tcase_add_test (cases, wrong_usage_is_2);
    tcase_add_test (cases, test_option_checks_and_starts_nothing);
    tcase_add_test (cases, wrong_configuration_is_78);
    tcase_add_test (cases, argument_has_a_file_of_its_own);
    tcase_add_test (cases, check_hook_can_refuse);
    tcase_add_test (cases, ping_gives_its_own_code);
    tcase_add_test (cases, failed_start_gives_its_code_and_is_cleaned_up);
    tcase_add_test (cases, without_an_authenticator_nothing_is_started);
    tcase_add_test (cases, routing_ids_cannot_be_foretold);
    tcase_add_test (cases, first_end_decides_the_code);
    tcase_add_test (cases, either_signal_ends_it_with_0);
    tcase_add_test (cases, stop_hook_may_let_the_loop_go_on);
    tcase_add_test (cases, end_that_takes_too_long_is_forced_after_the_sync);
    tcase_add_exit_test (cases, second_signal_ends_it_at_once, EXIT_DONE);
    tcase_add_test (cases, reload_takes_what_is_right_and_keeps_what_runs);
    tcase_add_test (cases, environment_does_not_change_it);
    tcase_add_test (cases, watchdog_is_told_only_while_healthy);
    tcase_add_test (cases, verbose_adds_a_level);
    return kit_run (cases, "program");
}
