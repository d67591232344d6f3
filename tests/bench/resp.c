// resp: redis. A send is XADD to the stream s, or PUBLISH to the channel c, or both.

#include "tests/bench/fail.h"
#include "tests/bench/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char last_id[64]; // of the scan
    unsigned limit;   // of the page under way
    int64_t time;     // of the page under way
    bool scanning;
} resp_t;

enum { SCAN = 1000 };

static void s_greet (link_t *link)
{
    char line[256];
    link->state = must_alloc (1, sizeof (resp_t));
    snprintf (((resp_t *)link->state)->last_id, 64, "-");
    if (!link->reader)
        return;
    static const char subscribe[] = "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n";
    link_write_all (link, subscribe, sizeof (subscribe) - 1);
    for (int n = 0; n < 6; n++) // *3 $9 subscribe $1 c :1
        link_read_line (link, line, sizeof (line));
}

static void s_put_text (link_t *link)
{
    static uint8_t text[65536];
    char head[32];
    size_t size = link->run->options->size;
    memset (text, 'x', size);
    link_put (link, head, (size_t)snprintf (head, sizeof (head), "$%zu\r\n", size));
    link_put (link, text, size);
    link_put (link, "\r\n", 2);
}

static void s_add (link_t *link)
{
    static const char command[] = "*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nb\r\n";
    link_put (link, command, sizeof (command) - 1);
    s_put_text (link);
}

static void s_publish (link_t *link)
{
    static const char command[] = "*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n";
    link_put (link, command, sizeof (command) - 1);
    s_put_text (link);
}

static void s_add_and_publish (link_t *link)
{
    s_add (link);
    s_publish (link);
}

static void s_ask (link_t *link, const char *from, unsigned limit)
{
    resp_t *self = link->state;
    char command[160];
    int size = snprintf (command, sizeof (command), "XRANGE s %s + COUNT %u\r\n", from, limit);
    self->limit = limit;
    link_put (link, command, (size_t)size);
}

static void s_page (link_t *link, int64_t time, unsigned limit)
{
    resp_t *self = link->state;
    char from[32];
    self->time = time;
    self->scanning = false;
    snprintf (from, sizeof (from), "%lld", (long long)(time / 1000)); // ids are milliseconds
    s_ask (link, from, limit);
}

static void s_scan (link_t *link)
{
    resp_t *self = link->state;
    self->scanning = true;
    s_ask (link, self->last_id, SCAN);
}

// The size of the value at the front, 0 when it is not whole; `first` text of it if asked for.
static size_t s_value (const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr (data, '\n', size);
    if (!end)
        return 0;
    size_t line = (size_t)(end - data) + 1;
    long number = data[0] == '$' || data[0] == '*' ? atol ((const char *)data + 1) : 0;
    if (data[0] == '$')
        return number < 0 ? line : size < line + (size_t)number + 2 ? 0 : line + (size_t)number + 2;
    if (data[0] != '*')
        return line;
    size_t used = line;
    for (long n = 0; n < number; n++) {
        size_t part = used < size ? s_value (data + used, size - used) : 0;
        if (part == 0)
            return 0;
        used += part;
    }
    return used;
}

// An XRANGE answer: *N of *2 of ($ id) (*2 ..). Keeps the last id.
static void s_take_range (link_t *link, const uint8_t *data, size_t size)
{
    resp_t *self = link->state;
    long count = atol ((const char *)data + 1);
    size_t at = (size_t)((const uint8_t *)memchr (data, '\n', size) - data) + 1;
    for (long n = 0; n < count; n++) {
        const char *id = (const char *)memchr (data + at, '$', size - at);
        id = strchr (id, '\n') + 1;
        if (n == count - 1)
            snprintf (self->last_id, sizeof (self->last_id), "(%.*s", (int)strcspn (id, "\r"), id);
        at += s_value (data + at, size - at);
    }
    run_answer (link, (uint64_t)count);
}

static void s_refused (link_t *link, const uint8_t *data, size_t size)
{
    resp_t *self = link->state;
    if (strncmp ((const char *)data, "-LOADING", 8) == 0 && !self->scanning)
        s_page (link, self->time, self->limit);
    else
        fail ("redis: %.*s", (int)size, data);
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    size_t used = 0;
    uint64_t delivered = 0;
    while (used < size) {
        const uint8_t *at = data + used;
        size_t part = s_value (at, size - used);
        if (part == 0)
            break;
        used += part;
        if (link->reader)
            delivered++;
        else if (*at == '*')
            s_take_range (link, at, part);
        else if (*at == '-')
            s_refused (link, at, part);
        else if (*at == '$' || link->run->protocol == &protocol_publish)
            run_ack (link); // with both, XADD's answer counts
    }
    if (delivered > 0)
        run_deliver (link, delivered);
    return used;
}

const protocol_t protocol_resp = {.name = "redis",
                                  .about = "XADD; readers SUBSCRIBE",
                                  .greet = s_greet,
                                  .send = s_add,
                                  .take = s_take,
                                  .page = s_page,
                                  .scan = s_scan};
const protocol_t protocol_resp_publish = {.name = "redis-both",
                                          .about = "XADD and PUBLISH",
                                          .greet = s_greet,
                                          .send = s_add_and_publish,
                                          .take = s_take};
const protocol_t protocol_publish = {.name = "redis-publish",
                                     .about = "PUBLISH alone: nothing stored",
                                     .greet = s_greet,
                                     .send = s_publish,
                                     .take = s_take};
