#include "daemons/group/devices.h"

#include <czmq.h>

void devices_clear (devices_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        sends_destroy (&self->list[i]);
    free (self->list);
    memset (self, 0, sizeof *self);
}

sends_t *devices_find (const devices_t *self, const uint8_t name[RECORD_DEVICE])
{
    for (size_t i = self->left; i < self->count; i++)
        if (memcmp (sends_device (self->list[i]), name, RECORD_DEVICE) == 0)
            return self->list[i];
    return NULL;
}

static bool s_less_used (const sends_t *a, const sends_t *b)
{
    return sends_used (a) < sends_used (b);
}

static void s_remove (devices_t *self, size_t at)
{
    sends_destroy (&self->list[at]);
    self->list[at] = self->list[--self->count];
}

// One job can bring more devices than a member may have. Of those that are not durable the one
// unused longest gives way at once: it would at the job's end.
static void s_bound_new (devices_t *self)
{
    size_t count = 0, oldest = self->count;
    for (size_t i = self->left; i < self->count; i++) {
        if (!sends_are_new (self->list[i]))
            continue;
        count++;
        if (oldest == self->count || s_less_used (self->list[i], self->list[oldest]))
            oldest = i;
    }
    if (count >= DEVICES_MAX)
        s_remove (self, oldest);
}

void devices_put (devices_t *self, const record_t *record)
{
    if (record->send.counter == 0)
        return;
    sends_t *device = devices_find (self, record->send.device);
    if (!device) {
        s_bound_new (self);
        device = sends_new (record->send.device);
        self->list = realloc (self->list, (self->count + 1) * sizeof (sends_t *));
        assert (self->list);
        self->list[self->count++] = device;
    }
    if (record->kind == RECORD_STATE_DEVICE)
        sends_restore (device, record->send.counter, record_option (record, RECORD_OPT_SENDS));
    else
        sends_put (device, &record->send, record->seq);
}

void devices_leave (devices_t *self)
{
    self->left = self->count;
}

// Forgets the devices up to `to` that are not durable; with `all`, the others too.
static void s_forget (devices_t *self, size_t to, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (i < to && (all || sends_are_new (self->list[i])))
            sends_destroy (&self->list[i]);
        else
            self->list[kept++] = self->list[i];
    }
    self->count = kept;
    self->left = 0;
}

// The device unused longest gives way while there are too many.
static void s_bound (devices_t *self)
{
    while (self->count > DEVICES_MAX) {
        size_t oldest = 0;
        for (size_t i = 1; i < self->count; i++)
            if (s_less_used (self->list[i], self->list[oldest]))
                oldest = i;
        s_remove (self, oldest);
    }
}

void devices_commit (devices_t *self)
{
    s_forget (self, self->left, true);
    for (size_t i = 0; i < self->count; i++)
        sends_commit (self->list[i]);
    s_bound (self);
}

void devices_discard (devices_t *self)
{
    s_forget (self, self->count, false);
    for (size_t i = 0; i < self->count; i++)
        sends_discard (self->list[i]);
}

void devices_state (const devices_t *self, const guid_t *who, int64_t time,
                    void (*put) (void *arg, const record_t *record), void *arg)
{
    uint8_t *sends = malloc (SENDS_STATE_MAX);
    uint8_t *options = malloc (SENDS_STATE_MAX + 16);
    assert (sends && options);
    for (size_t i = 0; i < self->count; i++) {
        if (sends_are_new (self->list[i]))
            continue;
        writer_t out = writer (sends, SENDS_STATE_MAX);
        record_t record = {.kind = RECORD_STATE_DEVICE, .time = time, .author = *who};
        memcpy (record.send.device, sends_device (self->list[i]), RECORD_DEVICE);
        record.send.counter = sends_state (self->list[i], &out);
        writer_t option = writer (options, SENDS_STATE_MAX + 16);
        record_put_option (&option, RECORD_OPT_SENDS, sends, writer_used (&out));
        record.options = span (options, writer_used (&option));
        put (arg, &record);
    }
    free (sends);
    free (options);
}
