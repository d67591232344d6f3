// Any bytes as a configuration file: loading ends, and an error has a line.

#include "common/conf.h"
#include "common/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
const char *__lsan_default_suppressions (void);

// libconfig loses a little at each syntax error.
const char *__lsan_default_suppressions (void)
{
    return "leak:libconfig";
}

static const conf_key_t s_keys[] = {
    {.path = "listen", .type = CONF_LISTENERS, .standard = "( )", .min = 0, .max = 4},
    {.path = "peers", .type = CONF_ENDPOINTS, .standard = "[ ]", .min = 0, .max = 2},
    {.path = "keep.age", .type = CONF_NUMBER, .standard = "0", .min = -9, .max = INT64_MAX},
    {.path = "loud", .type = CONF_FLAG, .standard = "false"},
    {.path = "folder", .type = CONF_PATH, .standard = "\"/tmp\"", .min = 1, .max = 99},
    {.path = "log.level", .type = CONF_CHOICE, .standard = "\"info\"", .choices = REPORT_LEVELS},
};

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char path[40];
    int fd = memfd_create ("conf", 0);
    if (fd < 0 || write (fd, data, size) != (ssize_t)size)
        abort ();
    snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
    conf_t *conf = conf_new (s_keys, sizeof s_keys / sizeof s_keys[0]);
    int rc = conf_load (conf, path, false);
    if ((rc == 0) != (conf_error_count (conf) == 0))
        abort ();
    for (size_t i = 0; i < conf_error_count (conf) && i < 10; i++)
        if (!strstr (conf_error (conf, i), ": "))
            abort ();
    conf_destroy (&conf);
    close (fd);
    return 0;
}
