// original: the older system's wire, one text a request over REQ. It answers SUCCESS or FAIL.

#include "common/guid.h"
#include "tests/bench/fail.h"
#include "tests/bench/run.h"
#include "tests/bench/zmtp.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    zmtp_t zmtp;
    char uuid[GUID_TEXT];
} original_t;

static void s_say (link_t *link, const char *text, size_t size)
{
    original_t *self = link->state;
    zmtp_send_delimiter (link);
    zmtp_send (&self->zmtp, link, text, size);
}

static void s_greet (link_t *link)
{
    original_t *self = must_alloc (1, sizeof (*self));
    guid_t uuid = guid_random ();
    link->state = self;
    guid_print (&uuid, self->uuid);
    zmtp_greet (&self->zmtp, link, "REQ", NULL, NULL, NULL);
}

static void s_enter (link_t *link)
{
    original_t *self = link->state;
    char text[64];
    int size = snprintf (text, sizeof (text), "JOIN REQUEST FROM %s", self->uuid);
    s_say (link, text, (size_t)size);
}

static void s_send (link_t *link)
{
    static char text[65536];
    original_t *self = link->state;
    int head = snprintf (text, 128, "MESSAGE SEND FROM %s ", self->uuid);
    memset (text + head, 'x', link->run->options->size);
    s_say (link, text, (size_t)head + link->run->options->size);
}

static void s_take_body (link_t *link, const uint8_t *data, size_t size)
{
    if (size != 7 || memcmp (data, "SUCCESS", 7) != 0)
        fail ("connection %u: %.*s", link->id, (int)size, data);
    if (link->ready)
        run_ack (link);
    run_is_ready (link);
}

static size_t s_take (link_t *link, const uint8_t *data, size_t size)
{
    original_t *self = link->state;
    return zmtp_take (&self->zmtp, link, data, size, s_take_body);
}

const protocol_t protocol_original = {.name = "original",
                                      .about = "the older system's wire (window 1)",
                                      .greet = s_greet,
                                      .enter = s_enter,
                                      .send = s_send,
                                      .take = s_take};
