#include "daemons/group/tally.h"

#include "common/hash.h"

#include <czmq.h>

typedef struct {
    guid_t what;
    size_t count;
} row_t;

struct tally {
    zhashx_t *rows;
};

static void s_free (void **row_p)
{
    free (*row_p);
    *row_p = NULL;
}

tally_t *tally_new (void)
{
    tally_t *self = zmalloc (sizeof *self);
    self->rows = zhashx_new ();
    zhashx_set_key_hasher (self->rows, hash_guid);
    zhashx_set_key_comparator (self->rows, hash_guid_compare);
    zhashx_set_key_duplicator (self->rows, NULL);
    zhashx_set_key_destructor (self->rows, NULL);
    zhashx_set_destructor (self->rows, s_free);
    return self;
}

void tally_destroy (tally_t **self_p)
{
    tally_t *self = *self_p;
    if (!self)
        return;
    zhashx_destroy (&self->rows);
    free (self);
    *self_p = NULL;
}

size_t tally_count (const tally_t *self, const guid_t *what)
{
    const row_t *row = zhashx_lookup (self->rows, what->bytes);
    return row ? row->count : 0;
}

void tally_add (tally_t *self, const guid_t *what)
{
    row_t *row = zhashx_lookup (self->rows, what->bytes);
    if (!row) {
        row = zmalloc (sizeof *row);
        row->what = *what;
        zhashx_insert (self->rows, row->what.bytes, row);
    }
    row->count++;
}

void tally_remove (tally_t *self, const guid_t *what)
{
    row_t *row = zhashx_lookup (self->rows, what->bytes);
    assert (row);
    if (--row->count == 0)
        zhashx_delete (self->rows, row->what.bytes);
}
