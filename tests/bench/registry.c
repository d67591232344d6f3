// registry: zchat-registry's wire over ZMTP. A connection announces one group (send), or lists all
// (page).

#include "common/wire.h"
#include "tests/bench/fail.h"
#include "tests/bench/run.h"
#include "tests/bench/zmtp.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
    HEAD = 8,            // magic, version, kind, tag
    REQUEST = HEAD + 16, // and the UUID
    IDS = 32,            // log and instance
    PAGE_ROWS = HEAD + 1 + 4,
    NAME_MAX_SIZE = 48
};

typedef struct {
    zmtp_t zmtp;
    uint8_t ids[IDS];
    uint64_t rows; // of the list under way
} registry_t;

static void s_greet (link_t *link)
{
    registry_t *self = must_alloc (1, sizeof (*self));
    uint8_t public_key[32];
    uint8_t secret_key[32];
    link->state = self;
    crypto_box_keypair (public_key, secret_key);
    randombytes_buf (self->ids, IDS);
    zmtp_greet (&self->zmtp, link, "DEALER", link->run->curve ? link->run->server_key : NULL,
                public_key, secret_key);
}

static size_t s_request (uint8_t *out, wire_kind_t kind)
{
    memset (out, 0, REQUEST);
    out[0] = 0x7a;
    out[1] = 0x43;
    out[2] = WIRE_VERSION;
    out[3] = (uint8_t)kind;
    put_u32 (out + 4, 1);
    return REQUEST;
}

static size_t s_text (uint8_t *out, const char *text, size_t size)
{
    put_u16 (out, (uint16_t)size);
    memcpy (out + 2, text, size);
    return 2 + size;
}

// ANNOUNCE, as a group with some members and a topic.
static void s_announce (link_t *link)
{
    registry_t *self = link->state;
    uint8_t frame[512] = {0};
    char text[64];
    size_t size = s_request (frame, WIRE_ANNOUNCE);
    int length = snprintf (text, sizeof (text), "group-%08x", get_u32 (self->ids));
    size += s_text (frame + size, text, (size_t)length);
    memcpy (frame + size, self->ids, IDS);
    size += IDS;
    put_u64 (frame + size, 1); // generation; the claim behind it stays zeros
    size += 8 + 32 + 1;
    put_u32 (frame + size, 25);
    put_u32 (frame + size + 4, 5);
    put_u64 (frame + size + 8, 1000);
    size += 16;
    size += s_text (frame + size, "what this group is for", 22);
    length = snprintf (text, sizeof (text), "tcp://127.0.0.1:%u", 1024 + link->id % 60000);
    size += s_text (frame + size, text, (size_t)length);
    zmtp_send (&self->zmtp, link, frame, size);
}

static void s_ask (link_t *link, const char *after, size_t after_size)
{
    registry_t *self = link->state;
    uint8_t frame[REQUEST + 2 + NAME_MAX_SIZE + 4] = {0};
    size_t size = s_request (frame, WIRE_LIST);
    size += s_text (frame + size, after, after_size);
    zmtp_send (&self->zmtp, link, frame, size + 4);
}

static void s_list (link_t *link, int64_t time, unsigned limit)
{
    registry_t *self = link->state;
    (void)time, (void)limit;
    self->rows = 0;
    s_ask (link, "", 0);
}

static void s_take_groups (link_t *link, const uint8_t *data, size_t size)
{
    registry_t *self = link->state;
    const uint8_t *row = NULL;
    size_t at = PAGE_ROWS;
    link->run->batch_bytes += size;
    while (size >= at + 2 + 2 && size - at - 2 >= get_u16 (data + at)) {
        row = data + at + 2;
        at += 2 + (size_t)get_u16 (data + at);
        self->rows++;
    }
    if (at != size)
        fail ("connection %u: GROUPS of %zu bytes ends at %zu", link->id, size, at);
    if (!data[HEAD]) {
        run_answer (link, self->rows);
        return;
    }
    if (!row || get_u16 (row) > NAME_MAX_SIZE)
        fail ("connection %u: a page without a group, and more behind it", link->id);
    s_ask (link, (const char *)row + 2, get_u16 (row));
}

static void s_take_body (link_t *link, const uint8_t *data, size_t size)
{
    if (size < HEAD || data[0] != 0x7a || data[1] != 0x43)
        fail ("connection %u: %zu bytes that are no message", link->id, size);
    if (data[3] == WIRE_LEASE)
        run_ack (link);
    else if (data[3] == WIRE_GROUPS && size >= PAGE_ROWS)
        s_take_groups (link, data, size);
    else if (data[3] == WIRE_ERROR && size >= HEAD + 4 + 2 + 6)
        fail ("connection %u: refused: %s", link->id,
              wire_error_name ((wire_error_t)get_u16 (data + HEAD + 4 + 2 + 4)));
    else
        fail ("connection %u: an answer of kind %u", link->id, data[3]);
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    registry_t *self = link->state;
    return zmtp_take (&self->zmtp, link, data, size, s_take_body);
}

const protocol_t protocol_registry = {.name = "registry",
                                      .about = "zchat-registry: announces and lists",
                                      .greet = s_greet,
                                      .send = s_announce,
                                      .take = s_take,
                                      .page = s_list};
