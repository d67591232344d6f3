// report: the program's log output, a line a call.
//
// Floor 1; the only file that touches syslog. Lines go to syslog (facility daemon, with the pid) or
// to stderr. Only printable ASCII leaves: every other byte of a finished line is shown as \xNN, so
// no caller can break the log; still, text from others is passed through text_for_log first, which
// also bounds it. errno survives every call.

#ifndef ZCHAT_REPORT_H
#define ZCHAT_REPORT_H

#include <stdbool.h>

typedef enum {
    REPORT_ERROR,
    REPORT_WARNING,
    REPORT_NOTICE,
    REPORT_INFO,
    REPORT_DEBUG
} report_level_t;

#define REPORT_LEVELS "debug info notice warning error" // as `log.level` has them

// Before it, lines from REPORT_INFO on up go to stderr. `ident` is kept, not copied.
void report_open (const char *ident, bool to_stderr, report_level_t level);
void report_set_level (report_level_t level);
bool report_wants (report_level_t level); // to skip the work of a line nobody sees

// The level of that name, or REPORT_INFO when there is none.
report_level_t report_level_of (const char *name);

void report_error (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
void report_warning (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
void report_notice (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
void report_info (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
void report_debug (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

#endif
