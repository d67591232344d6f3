#include "daemons/group/accept.h"

#include "common/exits.h"
#include "common/wallclock.h"
#include "daemons/group/roster.h"

#include <czmq.h>

static void s_fold (void *roster, const record_t *record)
{
    roster_put (roster, record);
    roster_commit (roster);
}

static void s_put_state (void *state, const record_t *record)
{
    log_state_put (state, record);
}

static void s_state (void *roster, log_state_t *state)
{
    roster_state (roster, s_put_state, state);
}

static int s_append (accept_t *self, log_t *log, trouble_t *trouble)
{
    uint8_t bytes[64];
    log_done_t done;
    writer_t options = writer (bytes, sizeof bytes);
    log_raise (log, log_doubt_generation (log)); // the log that is lost was opened more often
    self->head = log_last (log);
    self->generation = log_generation (log) + 1; // that of the OPEN record in front
    lineage_options (&options, self->head, self->generation);
    record_t record = {.kind = RECORD_ACCEPT, .options = span (bytes, writer_used (&options))};
    log_begin (log, wallclock_now (), 4096, false);
    int rc = log_put (log, &record);
    assert (rc == 0);
    log_commit (log);
    log_finish (log, -1, &done);
    free (done.buffer);
    if (done.result == WRITER_DONE)
        return 0;
    return trouble_set (trouble, done.result == WRITER_UNDONE ? EXIT_NOT_NOW : EXIT_SYNC,
                        "the log cannot be written (%s: %s)", done.call, strerror (done.error));
}

int accept_run (accept_t *self, const char *folder, trouble_t *trouble)
{
    memset (self, 0, sizeof *self);
    roster_t *roster = roster_new ();
    log_fold_t fold = {roster, s_fold, s_state};
    log_t *log = log_open (folder, INT64_MAX, &fold, trouble);
    int rc = log ? 0 : -1;
    if (log && log_read_only (log))
        rc = trouble_set (trouble, EXIT_REFUSED, "%s; see zchat-log repair", log_notice (log));
    if (rc == 0) {
        memcpy (self->notice, log_notice (log), sizeof self->notice);
        rc = s_append (self, log, trouble);
    }
    if (rc == 0 && log_set_doubt (log, "") < 0)
        rc = trouble_set (trouble, EXIT_SYNC, "the file 'doubt' cannot be removed: %s",
                          strerror (errno));
    log_destroy (&log);
    roster_destroy (&roster);
    return rc;
}
