// irc: PRIVMSG to the channel #c. There are no acks: it is measured by deliveries only.

#include "tests/bench/fail.h"
#include "tests/bench/run.h"

#include <stdio.h>
#include <string.h>

static void s_register (link_t *link)
{
    char line[1024];
    for (;;) {
        size_t size = link_read_line (link, line, sizeof (line));
        if (strncmp (line, "PING", 4) == 0) {
            line[1] = 'O';
            link_write_all (link, line, size);
        }
        if (strncmp (line, "ERROR", 5) == 0)
            fail ("irc: %s", line);
        const char *code = strchr (line, ' ');
        if (code && (strncmp (code, " 376", 4) == 0 || strncmp (code, " 422", 4) == 0))
            return;
    }
}

static void s_greet (link_t *link)
{
    char line[128];
    int size =
        snprintf (line, sizeof (line), "NICK u%u\r\nUSER u%u 0 * :u\r\n", link->id, link->id);
    link_write_all (link, line, (size_t)size);
    s_register (link);
    link_put (link, "JOIN #c\r\n", 9);
}

static void s_send (link_t *link)
{
    static uint8_t text[65536];
    memset (text, 'x', link->run->options->size);
    link_put (link, "PRIVMSG #c :", 12);
    link_put (link, text, link->run->options->size);
    link_put (link, "\r\n", 2);
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    size_t used = 0;
    uint64_t delivered = 0;
    const uint8_t *end;
    while (used < size && (end = memchr (data + used, '\n', size - used))) {
        const uint8_t *line = data + used;
        size_t length = (size_t)(end - line) + 1;
        used += length;
        if (length >= link->run->options->size &&
            memmem (line, length < 100 ? length : 100, " PRIVMSG ", 9))
            delivered++;
        else if (length > 4 && memcmp (line, "PING", 4) == 0) {
            link_put (link, "PONG", 4);
            link_put (link, line + 4, length - 4);
        } else if (length > 5 && memcmp (line, "ERROR", 5) == 0)
            fail ("irc: %.*s", (int)length, line);
    }
    if (delivered > 0 && link->reader)
        run_deliver (link, delivered);
    return used;
}

const protocol_t protocol_irc = {.name = "irc",
                                 .about = "PRIVMSG to a channel (fanout only)",
                                 .silent = true,
                                 .greet = s_greet,
                                 .send = s_send,
                                 .take = s_take};
