#include "common/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 }; // syslog's own limit is about that

static struct {
    const char *ident;
    bool to_syslog;
    report_level_t level;
} s_report = {NULL, false, REPORT_INFO};

static const char *const s_names[] = {"error", "warning", "notice", "info", "debug"};
static const int s_priorities[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};

void report_open (const char *ident, bool to_stderr, report_level_t level)
{
    s_report.ident = ident;
    s_report.to_syslog = !to_stderr;
    s_report.level = level;
    if (!to_stderr)
        openlog (ident, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void report_set_level (report_level_t level)
{
    s_report.level = level;
}

bool report_wants (report_level_t level)
{
    return level <= s_report.level;
}

report_level_t report_level_of (const char *name)
{
    for (size_t i = 0; i < sizeof s_names / sizeof s_names[0]; i++)
        if (strcmp (s_names[i], name) == 0)
            return (report_level_t)i;
    return REPORT_INFO;
}

// Copies the line, all but printable ASCII as \xNN; what does not fit is left out.
static void s_clean (const char *line, char *out, size_t size)
{
    char *end = out + size - 5; // room for one escape and the zero
    for (; *line && out < end; line++) {
        unsigned char byte = (unsigned char)*line;
        if (byte >= 0x20 && byte < 0x7f)
            *out++ = *line;
        else
            out += snprintf (out, 5, "\\x%02x", byte);
    }
    *out = 0;
}

// One write, so that lines of several programs on one stderr do not mix.
static void s_write_stderr (report_level_t level, const char *line)
{
    char whole[LINE_MAX_BYTES + 128];
    int size = snprintf (whole, sizeof whole, "%s%s%s: %s\n", s_report.ident ? s_report.ident : "",
                         s_report.ident ? ": " : "", s_names[level], line);
    if (size < 0 || write (STDERR_FILENO, whole, (size_t)size) < 0)
        return; // nowhere to say it
}

static void s_report_line (report_level_t level, const char *format, va_list args)
    __attribute__ ((format (printf, 2, 0)));

static void s_report_line (report_level_t level, const char *format, va_list args)
{
    if (!report_wants (level))
        return;
    int kept = errno;
    char line[LINE_MAX_BYTES], clean[LINE_MAX_BYTES];
    if (vsnprintf (line, sizeof line, format, args) >= 0) {
        s_clean (line, clean, sizeof clean);
        if (s_report.to_syslog)
            syslog (s_priorities[level], "%s", clean);
        else
            s_write_stderr (level, clean);
    }
    errno = kept;
}

void report_error (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_report_line (REPORT_ERROR, format, args);
    va_end (args);
}

void report_warning (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_report_line (REPORT_WARNING, format, args);
    va_end (args);
}

void report_notice (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_report_line (REPORT_NOTICE, format, args);
    va_end (args);
}

void report_info (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_report_line (REPORT_INFO, format, args);
    va_end (args);
}

void report_debug (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_report_line (REPORT_DEBUG, format, args);
    va_end (args);
}
