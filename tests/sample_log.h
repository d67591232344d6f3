// sample_log: a log in memory, as a group would have it, for tests of what reads one.

#ifndef ZCHAT_TESTS_SAMPLE_LOG_H
#define ZCHAT_TESTS_SAMPLE_LOG_H

#include "common/batch.h"
#include "common/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_BATCHES = 512 };

typedef struct {
    guid_t log;
    chain_t chain;
    uint64_t last;
    int64_t time;
    size_t count;
    struct {
        uint64_t first;
        uint64_t last;
        uint8_t *data;
        size_t size;
    } batches[SAMPLE_BATCHES];
} sample_log_t;

static inline sample_log_t *sample_log_new (uint8_t id)
{
    sample_log_t *self = calloc (1, sizeof *self);
    memset (self->log.bytes, id, GUID_SIZE);
    self->chain = chain_start (&self->log);
    self->time = 1000000;
    return self;
}

static inline void sample_log_destroy (sample_log_t **self_p)
{
    for (size_t i = 0; *self_p && i < (*self_p)->count; i++)
        free ((*self_p)->batches[i].data);
    free (*self_p);
    *self_p = NULL;
}

// Appends one batch of messages; each one's text is its sequence, filled up to `size` bytes.
static inline void sample_log_append (sample_log_t *self, int records, size_t size)
{
    static uint8_t data[BATCH_MAX];
    char *text = calloc (1, size + 32);
    batch_writer_t batch;
    batch_t head = {.type = BATCH_TYPE_RECORDS,
                    .first = self->last + 1,
                    .base = self->time,
                    .durable = self->last,
                    .chain = self->chain};
    batch_begin (&batch, data, &head);
    for (int i = 0; i < records; i++) {
        memset (text, '.', size);
        int digits = sprintf (text, "%llu", (unsigned long long)self->last + 1);
        if ((size_t)digits < size)
            text[digits] = ' ';
        record_t record = {.kind = RECORD_MESSAGE, .time = ++self->time};
        record.author.bytes[0] = 1;
        record.text = span (text, (size_t)digits > size ? (size_t)digits : size);
        if (batch_add (&batch, &record) == 0)
            abort ();
        self->last++;
    }
    span_t bytes = batch_end (&batch, &self->log);
    size_t at = self->count++;
    self->batches[at].first = head.first;
    self->batches[at].last = self->last;
    self->batches[at].data = malloc (bytes.size);
    self->batches[at].size = bytes.size;
    memcpy (self->batches[at].data, bytes.data, bytes.size);
    self->chain = chain_next (&self->chain, bytes);
    free (text);
}

// The bytes of batch `from` and those behind it, `count` of them at most; the caller frees them.
static inline span_t sample_log_bytes (const sample_log_t *self, size_t from, size_t count)
{
    size_t size = 0;
    for (size_t i = from; i < from + count && i < self->count; i++)
        size += self->batches[i].size;
    uint8_t *data = calloc (1, size + 1), *at = data;
    for (size_t i = from; i < from + count && i < self->count; i++) {
        memcpy (at, self->batches[i].data, self->batches[i].size);
        at += self->batches[i].size;
    }
    return span (data, size);
}

// The batch that holds the sequence.
static inline size_t sample_log_find (const sample_log_t *self, uint64_t seq)
{
    size_t i = 0;
    while (i < self->count && self->batches[i].last < seq)
        i++;
    return i;
}

#endif
