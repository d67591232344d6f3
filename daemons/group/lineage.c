#include "daemons/group/lineage.h"

#include <czmq.h>

typedef struct {
    uint64_t generation; // from which on the log goes on behind `head`
    uint64_t head;
} accept_t;

typedef struct {
    uint64_t generation;
    uint64_t seq; // of the OPEN record
} open_t;

struct lineage {
    open_t opens[LINEAGE_OPENS]; // in the order of both
    size_t open_count;
    accept_t *list; // in the order of generations
    size_t count;
};

lineage_t *lineage_new (void)
{
    return zmalloc (sizeof (lineage_t));
}

void lineage_destroy (lineage_t **self_p)
{
    if (!*self_p)
        return;
    free ((*self_p)->list);
    free (*self_p);
    *self_p = NULL;
}

void lineage_opened (lineage_t *self, uint64_t generation, uint64_t seq)
{
    if (self->open_count == LINEAGE_OPENS)
        memmove (&self->opens[0], &self->opens[1], --self->open_count * sizeof (open_t));
    self->opens[self->open_count++] = (open_t){generation, seq};
}

void lineage_put (lineage_t *self, const record_t *record)
{
    if (record->kind == RECORD_OPEN)
        lineage_opened (self, record_option_number (record, RECORD_OPT_GENERATION, 0),
                        record_option_number (record, RECORD_OPT_FROM, record->seq)); // in STATE
    if (record->kind != RECORD_ACCEPT)
        return;
    self->list = realloc (self->list, (self->count + 1) * sizeof (accept_t));
    assert (self->list);
    self->list[self->count++] = (accept_t){record_option_number (record, RECORD_OPT_GENERATION, 0),
                                           record_option_number (record, RECORD_OPT_TO, 0)};
}

uint64_t lineage_lost (const lineage_t *self, uint64_t generation, uint64_t seq)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < self->count; i++) {
        const accept_t *accept = &self->list[i];
        bool named = generation < accept->generation && seq > accept->head;
        if (named && (lost == 0 || accept->head + 1 < lost))
            lost = accept->head + 1;
    }
    return lost;
}

bool lineage_accepted (const lineage_t *self, uint64_t generation)
{
    for (size_t i = 0; i < self->count; i++)
        if (generation < self->list[i].generation)
            return true;
    return false;
}

uint64_t lineage_parts (const lineage_t *self, uint64_t generation, uint64_t seq)
{
    uint64_t in = 1; // where the opening that `seq` lies in begins
    if (self->open_count == 0 || self->opens[0].generation > generation + 1)
        return in; // there were others between
    for (size_t i = 0; i < self->open_count; i++) {
        const open_t *opening = &self->opens[i];
        if (opening->seq > seq)
            break;
        in = opening->seq;
        if (opening->generation > generation)
            break;
    }
    return in;
}

void lineage_options (writer_t *out, uint64_t head, uint64_t generation)
{
    record_put_number (out, RECORD_OPT_GENERATION, generation);
    record_put_number (out, RECORD_OPT_TO, head);
}

void lineage_state (const lineage_t *self, void (*put) (void *arg, const record_t *record),
                    void *arg)
{
    for (size_t i = 0; i < self->open_count; i++) {
        uint8_t bytes[32];
        writer_t options = writer (bytes, sizeof bytes);
        record_put_number (&options, RECORD_OPT_GENERATION, self->opens[i].generation);
        record_put_number (&options, RECORD_OPT_FROM, self->opens[i].seq);
        record_t record = {.kind = RECORD_OPEN, .options = span (bytes, writer_used (&options))};
        put (arg, &record);
    }
    for (size_t i = 0; i < self->count; i++) {
        uint8_t bytes[32];
        writer_t options = writer (bytes, sizeof bytes);
        lineage_options (&options, self->list[i].head, self->list[i].generation);
        record_t record = {.kind = RECORD_ACCEPT, .options = span (bytes, writer_used (&options))};
        put (arg, &record);
    }
}
