// standing_kit: records about who may what, made in one line; people and keys by number.

#ifndef ZCHAT_TESTS_STANDING_KIT_H
#define ZCHAT_TESTS_STANDING_KIT_H

#include "common/record.h"
#include "tests/kit.h"

// Person n has the key n.
static inline const uint8_t *people_key (unsigned n)
{
    static uint8_t keys[256][32];
    keys[n & 255][0] = 0x50;
    keys[n & 255][31] = (uint8_t)n;
    return keys[n & 255];
}

static inline guid_t people_who (unsigned n)
{
    return guid_of_key (people_key (n));
}

// A record whose options are kept within.
typedef struct {
    record_t record;
    uint8_t options[96];
} deed_t;

// `subject` or `key` 0: without.
static inline void deed_make (deed_t *self, record_kind_t kind, unsigned author, unsigned subject,
                              unsigned key)
{
    memset (self, 0, sizeof *self);
    self->record.kind = kind;
    self->record.flags = RECORD_VERIFIED;
    self->record.time = INT64_C (1795330800000000);
    if (author > 0)
        self->record.author = people_who (author);
    writer_t options = writer (self->options, sizeof self->options);
    guid_t who = people_who (subject);
    if (subject > 0)
        record_put_option (&options, RECORD_OPT_SUBJECT, who.bytes, GUID_SIZE);
    if (key > 0)
        record_put_option (&options, RECORD_OPT_KEY, people_key (key), 32);
    self->record.options = span (self->options, writer_used (&options));
}

#endif
