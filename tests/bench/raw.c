// raw: 4 bytes of length and a text over TCP, for bare_tcp. A reader says JOIN.

#include "tests/bench/run.h"

#include <string.h>

static void s_say (link_t *link, const void *text, size_t size)
{
    uint8_t head[4];
    put_u32 (head, (uint32_t)size);
    link_put (link, head, sizeof (head));
    link_put (link, text, size);
}

static void s_greet (link_t *link)
{
    if (link->reader)
        s_say (link, "JOIN", 4);
}

static void s_send (link_t *link)
{
    static uint8_t text[65536];
    memset (text, 'x', link->run->options->size);
    s_say (link, text, link->run->options->size);
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    size_t used = 0;
    uint64_t count = 0;
    while (size - used >= 4 && size - used - 4 >= get_u32 (data + used)) {
        used += 4 + get_u32 (data + used);
        if (link->reader)
            count++;
        else
            run_ack (link);
    }
    if (count > 0)
        run_deliver (link, count);
    return used;
}

const protocol_t protocol_raw = {.name = "raw",
                                 .about = "zchat-bench-tcp: sockets alone",
                                 .greet = s_greet,
                                 .send = s_send,
                                 .take = s_take};
const protocol_t protocol_raw_fan = {.name = "raw-fan",
                                     .about = "zchat-bench-tcp PORT fan",
                                     .silent = true,
                                     .greet = s_greet,
                                     .send = s_send,
                                     .take = s_take};
