#include "common/notify.h"

#include "tests/folder.h"
#include "tests/kit.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// What a service manager would hear.
static folder_t s_folder;
static int s_manager;

static void s_set_up (void)
{
    s_folder = folder_new ();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = folder_path (&s_folder, "notify");
    ck_assert_uint_lt (strlen (path), sizeof address.sun_path);
    memcpy (address.sun_path, path, strlen (path));
    s_manager = socket (AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq (bind (s_manager, (struct sockaddr *)&address, sizeof address), 0);
    setenv ("NOTIFY_SOCKET", address.sun_path, 1);
}

static void s_tear_down (void)
{
    close (s_manager);
    folder_remove (&s_folder);
}

static const char *s_heard (void)
{
    static char text[512];
    ssize_t size = recv (s_manager, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = 0;
    return text;
}

START_TEST (each_call_is_one_message)
{
    notify_ready ("listening");
    ck_assert_str_eq (s_heard (), "READY=1\nSTATUS=listening");
    notify_status ("busy");
    ck_assert_str_eq (s_heard (), "STATUS=busy");
    notify_extend (30);
    ck_assert_str_eq (s_heard (), "EXTEND_TIMEOUT_USEC=30000000");
    notify_alive ();
    ck_assert_str_eq (s_heard (), "WATCHDOG=1");
    notify_stopping ("stopping");
    ck_assert_str_eq (s_heard (), "STOPPING=1\nSTATUS=stopping");
}
END_TEST

START_TEST (without_a_manager_nothing_happens)
{
    unsetenv ("NOTIFY_SOCKET");
    notify_ready ("listening");
    ck_assert_str_eq (s_heard (), "");
}
END_TEST

START_TEST (watchdog_is_that_of_this_process)
{
    char pid[20];
    setenv ("WATCHDOG_USEC", "120000000", 1);
    snprintf (pid, sizeof pid, "%d", (int)getpid ());
    setenv ("WATCHDOG_PID", pid, 1);
    ck_assert_uint_eq (notify_watchdog (), 120000000);
    setenv ("WATCHDOG_PID", "1", 1);
    ck_assert_uint_eq (notify_watchdog (), 0);
    unsetenv ("WATCHDOG_USEC");
    ck_assert_uint_eq (notify_watchdog (), 0);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("notify");
    tcase_add_checked_fixture (cases, s_set_up, s_tear_down);
    tcase_add_test (cases, each_call_is_one_message);
    tcase_add_test (cases, without_a_manager_nothing_happens);
    tcase_add_test (cases, watchdog_is_that_of_this_process);
    return kit_run (cases, "notify");
}
