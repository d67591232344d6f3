// Any bytes: refused, or a message that written again reads as the same message; its rows too.

#include "common/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void s_must (bool holds)
{
    if (!holds)
        abort ();
}

static void s_same (const wire_t *a, const wire_t *b)
{
    s_must (a->kind == b->kind && a->tag == b->tag && a->have == b->have);
    s_must (guid_equal (&a->uuid, &b->uuid));
    for (wire_field_t field = 1; field < WIRE_F_COUNT; field++)
        if (wire_field_type (field) <= WIRE_T_U64)
            s_must (wire_number (a, field) == wire_number (b, field));
        else
            s_must (span_equal (wire_bytes (a, field), wire_bytes (b, field)));
}

static void s_try_rows (const wire_t *message, uint8_t *room, size_t size)
{
    const wire_message_t *known = wire_message (message->kind);
    if (!known->rows)
        return;
    span_t rows = wire_bytes (message, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    wire_t row, again;
    while (wire_next_row (&row, known->rows, &in) == 1) {
        writer_t out = writer (room, size);
        wire_put_row (&row, &out);
        s_must (!out.failed);
        reader_t back = reader (room, writer_used (&out));
        s_must (wire_next_row (&again, known->rows, &back) == 1);
        s_same (&row, &again);
        s_must (wire_next_row (&again, known->rows, &back) == 0);
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    wire_t message, again;
    if (wire_decode (&message, span (data, size)) != WIRE_ERR_NONE) {
        s_must (message.have == 0);
        return 0;
    }
    uint8_t *room = malloc (size);
    s_must (room != NULL);
    writer_t out = writer (room, size); // what is written again is never longer
    wire_encode (&message, &out);
    s_must (!out.failed);
    s_must (wire_decode (&again, span (room, writer_used (&out))) == WIRE_ERR_NONE);
    s_same (&message, &again);
    s_try_rows (&message, room, size);
    free (room);
    return 0;
}
