// nats: core NATS, and JetStream with its stream S on the subject s.m.

#include "tests/bench/fail.h"
#include "tests/bench/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef enum { IDLE, CREATING, FETCHING, SCAN_CREATING, SCANNING } state_t;

typedef struct {
    state_t state;
    unsigned wanted;
    unsigned met;
    char consumer[64];
} nats_t;

enum { PIECE = 1000 }; // of a scan that is told at once

static void s_await_pong (link_t *link)
{
    char line[8192];
    do {
        link_read_line (link, line, sizeof (line));
        if (strncmp (line, "PING", 4) == 0)
            link_write_all (link, "PONG\r\n", 6);
        if (line[0] == '-')
            fail ("nats: %s", line);
    } while (strncmp (line, "PONG", 4) != 0);
}

static void s_greet (link_t *link)
{
    static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\","
                                "\"version\":\"0\",\"protocol\":1}\r\nPING\r\n";
    char line[8192];
    link->state = must_alloc (1, sizeof (nats_t));
    link_read_line (link, line, sizeof (line));
    link_write_all (link, hello, sizeof (hello) - 1);
    s_await_pong (link);
    int size = link->reader
                   ? snprintf (line, sizeof (line), "SUB s.m 1\r\nPING\r\n")
                   : snprintf (line, sizeof (line), "SUB _INBOX.%u 1\r\nPING\r\n", link->id);
    link_write_all (link, line, (size_t)size);
    s_await_pong (link);
}

static void s_publish (link_t *link, const char *subject, bool answered, const void *body,
                       size_t size)
{
    char head[256];
    char inbox[32] = "";
    if (answered)
        snprintf (inbox, sizeof (inbox), "_INBOX.%u ", link->id);
    int length = snprintf (head, sizeof (head), "PUB %s %s%zu\r\n", subject, inbox, size);
    link_put (link, head, (size_t)length);
    link_put (link, body, size);
    link_put (link, "\r\n", 2);
}

static void s_say (link_t *link, const char *subject, bool answered, const char *json)
{
    s_publish (link, subject, answered, json, strlen (json));
}

static void s_send (link_t *link)
{
    static uint8_t text[65536];
    memset (text, 'x', link->run->options->size);
    s_publish (link, "s.m", link->run->protocol == &protocol_jetstream, text,
               link->run->options->size);
}

// ---- JetStream's history: an ephemeral consumer for each question

static void s_page (link_t *link, int64_t time, unsigned limit)
{
    nats_t *self = link->state;
    char when[64];
    char json[512];
    time_t seconds = (time_t)(time / 1000000);
    struct tm parts;
    gmtime_r (&seconds, &parts);
    strftime (when, sizeof (when), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf (
        json, sizeof (json),
        "{\"stream_name\":\"S\",\"config\":{\"deliver_policy\":\"by_start_time\","
        "\"opt_start_time\":\"%s.%06dZ\",\"ack_policy\":\"none\",\"replay_policy\":\"instant\","
        "\"inactive_threshold\":5000000000}}",
        when, (int)(time % 1000000));
    self->state = CREATING;
    self->wanted = limit;
    self->met = 0;
    s_say (link, "$JS.API.CONSUMER.CREATE.S", true, json);
}

static void s_scan (link_t *link)
{
    nats_t *self = link->state;
    char json[512];
    if (self->state == SCANNING) { // it comes by itself
        if (self->wanted == 0)
            run_answer (link, 0);
        return;
    }
    snprintf (
        json, sizeof (json),
        "{\"stream_name\":\"S\",\"config\":{\"deliver_policy\":\"all\",\"ack_policy\":\"none\","
        "\"replay_policy\":\"instant\",\"deliver_subject\":\"_INBOX.%u\"}}",
        link->id);
    self->state = SCAN_CREATING;
    s_say (link, "$JS.API.CONSUMER.CREATE.S", true, json);
}

static void s_created (link_t *link, const char *body)
{
    nats_t *self = link->state;
    char subject[160];
    char json[64];
    const char *name = strstr (body, "\"name\":\"");
    const char *pending = strstr (body, "\"num_pending\":");
    if (!name || !pending)
        fail ("jetstream: %s", body);
    name += 8;
    snprintf (self->consumer, sizeof (self->consumer), "%.*s", (int)strcspn (name, "\""), name);
    self->met = 0;
    if (self->state == SCAN_CREATING) {
        self->state = SCANNING;
        self->wanted = (unsigned)atol (pending + 14);
        return;
    }
    self->state = FETCHING;
    snprintf (subject, sizeof (subject), "$JS.API.CONSUMER.MSG.NEXT.S.%s", self->consumer);
    snprintf (json, sizeof (json), "{\"batch\":%u,\"no_wait\":true}", self->wanted);
    s_say (link, subject, true, json);
}

static void s_fetched (link_t *link)
{
    nats_t *self = link->state;
    char subject[160];
    if (++self->met < self->wanted)
        return;
    self->state = IDLE;
    snprintf (subject, sizeof (subject), "$JS.API.CONSUMER.DELETE.S.%s", self->consumer);
    s_say (link, subject, false, "");
    run_answer (link, self->met);
}

static void s_scanned (link_t *link)
{
    nats_t *self = link->state;
    self->wanted--;
    if (++self->met < PIECE && self->wanted > 0)
        return;
    unsigned met = self->met;
    self->met = 0;
    run_answer (link, met);
}

static void s_take_message (link_t *link, const uint8_t *body, size_t size)
{
    nats_t *self = link->state;
    char text[2048];
    if (self->state == FETCHING) {
        s_fetched (link);
        return;
    }
    if (self->state == SCANNING) {
        s_scanned (link);
        return;
    }
    snprintf (text, sizeof (text), "%.*s", (int)size, body);
    if (strstr (text, "\"error\""))
        fail ("jetstream: %s", text);
    if (self->state == IDLE)
        run_ack (link);
    else if (strstr (text, "\"num_pending\""))
        s_created (link, text);
}

static void s_take_line (link_t *link, const uint8_t *line, size_t size)
{
    if (size >= 2 && line[0] == 'P' && line[1] == 'I')
        link_put (link, "PONG\r\n", 6);
    if (line[0] == '-')
        fail ("nats: %.*s", (int)size, line);
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    size_t used = 0;
    uint64_t delivered = 0;
    const uint8_t *end;
    while (used < size && (end = memchr (data + used, '\n', size - used))) {
        const uint8_t *line = data + used;
        size_t length = (size_t)(end - line) + 1;
        if (line[0] != 'M') {
            s_take_line (link, line, length);
            used += length;
            continue;
        }
        const uint8_t *number = end - 1;
        while (number > line && *number != ' ')
            number--;
        size_t body = (size_t)atol ((const char *)number + 1);
        if (size - used < length + body + 2)
            break;
        used += length + body + 2;
        if (link->reader)
            delivered++;
        else
            s_take_message (link, end + 1, body);
    }
    if (delivered > 0)
        run_deliver (link, delivered);
    return used;
}

const protocol_t protocol_nats = {.name = "nats",
                                  .about = "core publish and subscribe: nothing stored, no acks",
                                  .silent = true,
                                  .greet = s_greet,
                                  .send = s_send,
                                  .take = s_take};
const protocol_t protocol_jetstream = {.name = "jetstream",
                                       .about = "publish with the stream's ack; readers subscribe",
                                       .greet = s_greet,
                                       .send = s_send,
                                       .take = s_take,
                                       .page = s_page,
                                       .scan = s_scan};
