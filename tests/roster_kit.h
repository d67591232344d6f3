// roster_kit: what the tests of roster share: members by number, requests put as they are judged,
// and a roster's whole content as bytes.

#ifndef ZCHAT_TESTS_ROSTER_KIT_H
#define ZCHAT_TESTS_ROSTER_KIT_H

#include "common/batch.h"
#include "daemons/group/roster.h"
#include "daemons/group/sends.h"
#include "tests/kit.h"

static const guid_t kit_log = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

// A log's end: sequence and time of the next record.
typedef struct {
    roster_t *roster;
    uint64_t seq;
    int64_t time;
} book_t;

static inline book_t book_new (void)
{
    return (book_t){roster_new (), 1, INT64_C (1795330800000000)};
}

static inline guid_t kit_who (unsigned n)
{
    guid_t who = {{0x20, 0, (uint8_t)(n >> 8), (uint8_t)n}};
    return who;
}

static inline record_send_t kit_send (unsigned device, uint64_t counter, uint32_t random)
{
    record_send_t send = {.counter = counter, .random = random};
    send.device[0] = (uint8_t)(device >> 8);
    send.device[7] = (uint8_t)device;
    return send;
}

// Appends what the verdict wants appended. Returns its sequence, or 0.
static inline uint64_t book_append (book_t *self, verdict_t *verdict)
{
    if (!verdict->append)
        return 0;
    ck_assert_int_eq (verdict->error, WIRE_ERR_NONE);
    verdict->record.seq = self->seq++;
    verdict->record.time = self->time++;
    roster_put (self->roster, &verdict->record);
    return verdict->record.seq;
}

static inline uint64_t book_join (book_t *self, unsigned n, const char *nick)
{
    verdict_t verdict;
    guid_t who = kit_who (n);
    roster_judge_join (self->roster, &who, span_of (nick), 1000000, &verdict);
    return book_append (self, &verdict);
}

static inline uint64_t book_leave (book_t *self, unsigned n)
{
    verdict_t verdict;
    guid_t who = kit_who (n);
    roster_judge_leave (self->roster, &who, &verdict);
    return book_append (self, &verdict);
}

static inline wire_error_t book_nick (book_t *self, unsigned n, const char *nick)
{
    verdict_t verdict;
    guid_t who = kit_who (n);
    roster_judge_nick (self->roster, &who, span_of (nick), &verdict);
    book_append (self, &verdict);
    return verdict.error;
}

static inline uint64_t book_topic (book_t *self, unsigned n, const char *topic)
{
    verdict_t verdict;
    guid_t who = kit_who (n);
    roster_judge_topic (self->roster, &who, span_of (topic), &verdict);
    return book_append (self, &verdict);
}

// 0, and *error if it was refused; the sequence of the first time if it is a repeat.
static inline uint64_t book_send (book_t *self, unsigned n, record_send_t send, wire_error_t *error)
{
    verdict_t verdict;
    guid_t who = kit_who (n);
    roster_judge_send (self->roster, &who, &send, span_of ("hi"), &verdict);
    *error = verdict.error;
    return verdict.append ? book_append (self, &verdict) : verdict.seq;
}

// ---- All that a roster is: the records of its state, sorted.

typedef struct {
    uint8_t *records[4096];
    size_t sizes[4096];
    size_t count;
} image_t;

static inline void image_put (void *arg, const record_t *record)
{
    image_t *self = arg;
    size_t room = record_size (record, 0);
    self->records[self->count] = malloc (room);
    writer_t out = writer (self->records[self->count], room);
    record_encode (record, 0, NULL, &out);
    ck_assert (!out.failed);
    self->sizes[self->count++] = room;
    ck_assert_uint_lt (self->count, 4096);
}

static inline image_t *image_of (const roster_t *roster)
{
    image_t *self = calloc (1, sizeof *self);
    roster_state (roster, image_put, self);
    return self;
}

static inline void image_free (image_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free (self->records[i]);
    free (self);
}

static inline bool image_takes (image_t *self, const uint8_t *record, size_t size)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->sizes[i] == size && memcmp (self->records[i], record, size) == 0) {
            free (self->records[i]);
            self->records[i] = self->records[--self->count];
            self->sizes[i] = self->sizes[self->count];
            return true;
        }
    return false;
}

static inline bool kit_same_roster (const roster_t *a, const roster_t *b)
{
    image_t *left = image_of (a), *right = image_of (b);
    bool same = left->count == right->count;
    for (size_t i = 0; same && i < left->count; i++)
        same = image_takes (right, left->records[i], left->sizes[i]);
    image_free (left);
    image_free (right);
    return same;
}

// ---- STATE, as a segment has it

typedef struct {
    uint8_t data[64 * BATCH_MAX];
    size_t used;
    bool open;
    batch_writer_t batch;
} state_t;

static inline void state_end (state_t *self)
{
    if (self->open)
        self->used += batch_end (&self->batch, &kit_log).size;
    self->open = false;
}

static inline void state_put (void *arg, const record_t *record)
{
    state_t *self = arg;
    if (self->open && batch_add (&self->batch, record) > 0)
        return;
    state_end (self);
    ck_assert_uint_le (self->used + BATCH_MAX, sizeof self->data);
    batch_t head = {.type = BATCH_TYPE_STATE, .first = 1};
    batch_begin (&self->batch, self->data + self->used, &head);
    self->open = true;
    ck_assert_uint_gt (batch_add (&self->batch, record), 0);
}

// The roster that a start makes of this one's STATE batches.
static inline roster_t *kit_through_state (const roster_t *roster)
{
    state_t *state = calloc (1, sizeof *state);
    roster_state (roster, state_put, state);
    state_end (state);
    roster_t *again = roster_new ();
    batch_t batch;
    record_t record;
    for (size_t at = 0; at < state->used; at += batch.bytes.size) {
        ck_assert_int_eq (batch_open (&batch, span (state->data + at, state->used - at), &kit_log),
                          0);
        while (batch_next (&batch, &record) == 1) {
            record.seq = 0;
            roster_put (again, &record);
            roster_commit (again);
        }
    }
    free (state);
    return again;
}

#endif
