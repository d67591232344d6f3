// pg: PostgreSQL's protocol 3, trust. The table is m (id, ts bigint, body text); a send is one
// INSERT, prepared (extended protocol) or as text (simple), committed by itself.

#include "tests/bench/fail.h"
#include "tests/bench/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { SENDING, PAGING, SCANNING, SCANNED } state_t;

typedef struct {
    state_t state;
    uint64_t rows;
} pg_t;

static const char s_insert[] = "INSERT INTO m (ts, body) VALUES ((extract (epoch from "
                               "clock_timestamp ()) * 1000000)::bigint, ";

// A message: type, size and body.
static void s_put (link_t *link, char type, const void *body, size_t size)
{
    uint8_t head[5] = {(uint8_t)type};
    put_u32 (head + 1, (uint32_t)size + 4);
    link_put (link, head, sizeof (head));
    link_put (link, body, size);
}

static void s_await_ready (link_t *link)
{
    static uint8_t body[65536];
    uint8_t head[5];
    do {
        link_read_all (link, head, sizeof (head));
        size_t size = get_u32 (head + 1) - 4;
        if (size > sizeof (body))
            fail ("pg: an answer of %zu bytes", size);
        link_read_all (link, body, size);
        if (head[0] == 'E')
            fail ("pg: %.*s", (int)size, body);
    } while (head[0] != 'Z');
}

static void s_flush_now (link_t *link)
{
    link_write_all (link, link->out, link->out_size);
    link->out_size = 0;
    s_await_ready (link);
}

static void s_prepare (link_t *link, const char *name, const char *sql)
{
    char body[512];
    int size = snprintf (body, sizeof (body), "%s%c%s", name, 0, sql);
    body[size + 1] = body[size + 2] = body[size + 3] = 0; // the end of the text, no types
    s_put (link, 'P', body, (size_t)size + 3);
}

static void s_greet (link_t *link)
{
    static const char who[] = "user\0bench\0database\0bench\0";
    uint8_t hello[8 + sizeof (who)];
    char sql[256];
    link->state = must_alloc (1, sizeof (pg_t));
    put_u32 (hello, sizeof (hello));
    put_u32 (hello + 4, 196608);
    memcpy (hello + 8, who, sizeof (who));
    link_put (link, hello, sizeof (hello));
    s_flush_now (link);
    snprintf (sql, sizeof (sql), "%s$1)", s_insert);
    s_prepare (link, "i", sql);
    s_prepare (link, "q", "SELECT ts, body FROM m WHERE ts >= $1 ORDER BY ts LIMIT $2");
    s_put (link, 'S', "", 0);
    s_flush_now (link);
}

// Bind with text parameters, Execute, Sync.
static void s_execute (link_t *link, char statement, const char *const *texts, const size_t *sizes,
                       uint16_t count)
{
    static uint8_t body[65536 + 64];
    size_t at = 0;
    body[at++] = 0;
    body[at++] = (uint8_t)statement;
    body[at++] = 0;
    put_u16 (body + at, 0);
    put_u16 (body + at + 2, count);
    at += 4;
    for (uint16_t n = 0; n < count; n++) {
        put_u32 (body + at, (uint32_t)sizes[n]);
        memcpy (body + at + 4, texts[n], sizes[n]);
        at += 4 + sizes[n];
    }
    put_u16 (body + at, 0);
    s_put (link, 'B', body, at + 2);
    s_put (link, 'E', "\0\0\0\0", 5);
    s_put (link, 'S', "", 0);
}

static const char *s_text (const link_t *link)
{
    static char text[65536];
    memset (text, 'x', link->run->options->size);
    return text;
}

static void s_send (link_t *link)
{
    const char *text = s_text (link);
    s_execute (link, 'i', &text, &link->run->options->size, 1);
}

static void s_send_simple (link_t *link)
{
    static char sql[65536 + 256];
    int size = snprintf (sql, sizeof (sql), "%s'%.*s')", s_insert, (int)link->run->options->size,
                         s_text (link));
    s_put (link, 'Q', sql, (size_t)size + 1);
}

static void s_page (link_t *link, int64_t time, unsigned limit)
{
    pg_t *self = link->state;
    char numbers[2][24];
    const char *texts[2] = {numbers[0], numbers[1]};
    size_t sizes[2];
    sizes[0] = (size_t)snprintf (numbers[0], sizeof (numbers[0]), "%lld", (long long)time);
    sizes[1] = (size_t)snprintf (numbers[1], sizeof (numbers[1]), "%u", limit);
    self->state = PAGING;
    self->rows = 0;
    s_execute (link, 'q', texts, sizes, 2);
}

static void s_scan (link_t *link)
{
    static const char copy[] = "COPY (SELECT ts, body FROM m WHERE ts >= 0 ORDER BY ts) TO STDOUT";
    pg_t *self = link->state;
    if (self->state == SCANNED) {
        run_answer (link, 0);
        return;
    }
    self->state = SCANNING;
    self->rows = 0;
    s_put (link, 'Q', copy, sizeof (copy));
}

static void s_is_ready (link_t *link)
{
    pg_t *self = link->state;
    state_t state = self->state;
    self->state = state == SCANNING ? SCANNED : SENDING;
    if (state == SENDING)
        run_ack (link);
    else
        run_answer (link, self->rows);
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    pg_t *self = link->state;
    size_t used = 0;
    while (size - used >= 5) {
        const uint8_t *at = data + used;
        size_t length = get_u32 (at + 1) + 1;
        if (size - used < length)
            break;
        used += length;
        if (*at == 'E')
            fail ("pg: %.*s", (int)length - 5, at + 5);
        if (*at == 'D' || *at == 'd')
            self->rows++;
        if (*at == 'Z')
            s_is_ready (link);
    }
    return used;
}

const protocol_t protocol_pg = {.name = "postgres",
                                .about = "INSERT, prepared",
                                .greet = s_greet,
                                .send = s_send,
                                .take = s_take,
                                .page = s_page,
                                .scan = s_scan};
const protocol_t protocol_pg_simple = {.name = "postgres-simple",
                                       .about = "INSERT as a text",
                                       .greet = s_greet,
                                       .send = s_send_simple,
                                       .take = s_take};
