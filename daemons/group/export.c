#include "daemons/group/export.h"

#include "daemons/group/jsonl.h"

#include <czmq.h>

typedef struct {
    FILE *out;
    uint64_t next; // the sequence that must follow, 0: nothing was written
    bool overtaken;
    int error; // errno of `out`
} run_t;

// Nonzero when `out` takes no more.
static int s_check (run_t *self)
{
    if (!self->error && ferror (self->out))
        self->error = errno ? errno : EIO;
    return self->error;
}

static void s_put_chain (FILE *out, const chain_t *chain)
{
    fputs (",\"chain\":", out);
    jsonl_put_hex (out, chain->bytes, CHAIN_SIZE);
}

static int s_segment (void *arg, const segment_header_t *header)
{
    run_t *self = arg;
    if (self->next > 0 && header->first != self->next) {
        self->overtaken = true; // retention removed what was between
        return -1;
    }
    if (self->next == 0) {
        fprintf (self->out,
                 "{\"format\":\"" JSONL_FORMAT "\",\"version\":%d,\"log\":", JSONL_VERSION);
        jsonl_put_guid (self->out, &header->log);
        fprintf (self->out, ",\"first\":%" PRIu64, header->first);
        s_put_chain (self->out, &header->chain);
        fputs ("}\n", self->out);
    }
    fprintf (self->out, "{\"segment\":%" PRIu64 ",\"time\":", header->first);
    jsonl_put_time (self->out, header->time);
    s_put_chain (self->out, &header->chain);
    fputs ("}\n", self->out);
    self->next = header->first;
    return s_check (self);
}

static void s_put_head (FILE *out, const batch_t *batch)
{
    bool state = batch->type == BATCH_TYPE_STATE;
    fprintf (out, "{\"batch\":%" PRIu64 ",\"type\":\"%s\",\"count\":%u,\"base\":", batch->first,
             state ? "state" : "records", batch->count);
    jsonl_put_time (out, batch->base);
    fprintf (out, ",\"durable\":%" PRIu64, batch->durable);
    if (batch->opens) {
        fputs (",\"opens\":", out);
        jsonl_put_hex (out, batch->digest, BATCH_DIGEST);
    }
    s_put_chain (out, &batch->chain);
    fputs (",\"sum\":", out);
    jsonl_put_hex (out, batch->bytes.data + 8, 8);
    fputs ("}\n", out);
}

static int s_batch (void *arg, batch_t *batch)
{
    run_t *self = arg;
    record_t record;
    s_put_head (self->out, batch);
    while (batch_next (batch, &record) == 1)
        jsonl_put_record (self->out, &record, batch->type == BATCH_TYPE_STATE ? 0 : record.seq);
    if (batch->type == BATCH_TYPE_RECORDS)
        self->next = hole_last (batch) + 1;
    return s_check (self);
}

int export_run (const char *folder, FILE *out, audit_t *audit,
                void (*progress) (void *arg, uint64_t bytes, uint64_t of_bytes))
{
    run_t run = {.out = out};
    audit_io_t io = {.arg = &run, .progress = progress, .segment = s_segment, .batch = s_batch};
    audit_run (audit, folder, &io);
    if (run.overtaken) {
        audit->verdict = AUDIT_FAILED;
        snprintf (audit->place, sizeof audit->place,
                  "retention removed what was being read: begin again");
    }
    // A torn tail was never acknowledged: all that counts is there.
    bool complete = audit->verdict == AUDIT_SOUND || audit->verdict == AUDIT_TORN;
    if (complete && run.next > 0) {
        fprintf (out, "{\"end\":%" PRIu64 ",\"records\":%" PRIu64, audit->last, audit->records);
        s_put_chain (out, &audit->chain);
        fputs ("}\n", out);
    }
    fflush (out);
    s_check (&run);
    errno = run.error;
    return run.error ? -1 : 0;
}
