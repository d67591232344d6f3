// mqtt: MQTT 3.1.1, QoS 1 both ways, the topic c.

#include "tests/bench/fail.h"
#include "tests/bench/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint16_t id; // of the last packet
} mqtt_t;

static void s_greet (link_t *link)
{
    uint8_t packet[64];
    char name[16];
    size_t size = (size_t)snprintf (name, sizeof (name), "c%u", link->id);
    link->state = must_alloc (1, sizeof (mqtt_t));
    memcpy (packet, "\x10\x00\x00\x04MQTT\x04\x02\x00\x00\x00", 13);
    packet[1] = (uint8_t)(12 + size);
    packet[13] = (uint8_t)size;
    memcpy (packet + 14, name, size);
    link_write_all (link, packet, 14 + size);
    link_read_all (link, packet, 4);
    if (packet[0] != 0x20 || packet[3] != 0)
        fail ("mqtt: refused");
    if (!link->reader)
        return;
    link_write_all (link, "\x82\x06\x00\x01\x00\x01\x63\x01", 8);
    link_read_all (link, packet, 5);
    if (packet[0] != 0x90)
        fail ("mqtt: not subscribed");
}

static size_t s_put_size (uint8_t *out, size_t size)
{
    size_t used = 0;
    do {
        out[used] = (uint8_t)(size & 127);
        size >>= 7;
        out[used++] |= size > 0 ? 128 : 0;
    } while (size > 0);
    return used;
}

static void s_send (link_t *link)
{
    static uint8_t text[65536];
    mqtt_t *self = link->state;
    size_t size = link->run->options->size;
    uint8_t head[16] = {0x32};
    size_t used = 1 + s_put_size (head + 1, 5 + size);
    if (++self->id == 0)
        self->id = 1;
    memcpy (head + used, "\x00\x01\x63", 3);
    put_u16 (head + used + 3, self->id);
    memset (text, 'x', size);
    link_put (link, head, used + 5);
    link_put (link, text, size);
}

static void s_take_packet (link_t *link, uint8_t type, const uint8_t *body, size_t size)
{
    if ((type & 0xf0) == 0x40)
        run_ack (link);
    if ((type & 0xf0) != 0x30)
        return;
    run_deliver (link, 1);
    size_t topic = size >= 2 ? get_u16 (body) : 0;
    if (!(type & 6) || size < topic + 4)
        return;
    uint8_t ack[4] = {0x40, 2, body[2 + topic], body[3 + topic]};
    link_put (link, ack, sizeof (ack));
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    size_t used = 0;
    while (size - used >= 2) {
        size_t length = 0;
        size_t head = 1;
        unsigned shift = 0;
        do {
            length |= (size_t)(data[used + head] & 127) << shift;
            shift += 7;
        } while (data[used + head++] & 128 && head < 5 && used + head < size);
        if (data[used + head - 1] & 128 || size - used < head + length)
            break;
        s_take_packet (link, data[used], data + used + head, length);
        used += head + length;
    }
    return used;
}

const protocol_t protocol_mqtt = {.name = "mqtt",
                                  .about = "MQTT 3.1.1, QoS 1 both ways",
                                  .greet = s_greet,
                                  .send = s_send,
                                  .take = s_take};
