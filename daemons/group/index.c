#include "daemons/group/index.h"

#include <czmq.h>

struct index {
    index_entry_t *entries;
    size_t count;
    size_t room;
};

index_t *index_new (void)
{
    return zmalloc (sizeof (index_t));
}

void index_destroy (index_t **self_p)
{
    if (!*self_p)
        return;
    free ((*self_p)->entries);
    free (*self_p);
    *self_p = NULL;
}

static void s_append (index_t *self, const index_entry_t *entry)
{
    if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : 16;
        self->entries = realloc (self->entries, self->room * sizeof *entry);
        assert (self->entries);
    }
    self->entries[self->count++] = *entry;
}

static index_entry_t *s_newest (const index_t *self)
{
    return self->count > 0 ? &self->entries[self->count - 1] : NULL;
}

void index_add (index_t *self, uint64_t seq, int64_t time, int64_t last, uint64_t offset)
{
    index_entry_t *newest = s_newest (self);
    if (!newest || newest->lost || offset - newest->offset >= INDEX_SPACING)
        s_append (self, &(index_entry_t){seq, time, offset, false, last});
    else if (last > newest->last)
        newest->last = last;
}

void index_add_hole (index_t *self)
{
    index_entry_t *newest = s_newest (self);
    if (newest)
        newest->last = INT64_MAX;
}

void index_add_lost (index_t *self, uint64_t seq, uint64_t offset)
{
    const index_entry_t *last = s_newest (self);
    if (!last || !last->lost) // its time keeps the order, and tells nothing
        s_append (self, &(index_entry_t){seq, last ? last->time : 0, offset, true, INT64_MAX});
}

typedef enum { BY_SEQ, BY_TIME, BY_OFFSET } index_key_t;

static bool s_at_or_before (const index_entry_t *entry, index_key_t key, uint64_t value)
{
    switch (key) {
    case BY_SEQ:
        return entry->seq <= value;
    case BY_TIME:
        return (uint64_t)entry->time < value;
    default:
        return entry->offset <= value;
    }
}

static const index_entry_t *s_last (const index_t *self, index_key_t key, uint64_t value)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s_at_or_before (&self->entries[middle], key, value))
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &self->entries[low - 1] : NULL;
}

const index_entry_t *index_by_seq (const index_t *self, uint64_t seq)
{
    return s_last (self, BY_SEQ, seq);
}

const index_entry_t *index_by_time (const index_t *self, int64_t time)
{
    const index_entry_t *found = time < 0 ? NULL : s_last (self, BY_TIME, (uint64_t)time);
    while (found && found->lost)
        found = found > self->entries ? found - 1 : NULL;
    return found;
}

const index_entry_t *index_by_offset (const index_t *self, uint64_t offset)
{
    return s_last (self, BY_OFFSET, offset);
}

const index_entry_t *index_after (const index_t *self, const index_entry_t *entry)
{
    size_t next = entry ? (size_t)(entry - self->entries) + 1 : 0;
    return next < self->count ? &self->entries[next] : NULL;
}
