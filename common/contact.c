#include "common/contact.h"

#include "common/dial.h"
#include "common/endpoint.h"
#include "common/exits.h"
#include "common/pick.h"
#include "common/proof.h"
#include "common/text.h"
#include "common/ticker.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum {
    SEARCH_MS = 2000,    // of a lookup, and of trying what it found
    SILENT_MS = 4000,    // nothing came, in spite of a PING
    IMPATIENT_MS = 1500, // no answer to a request: then PING at once
    STEADY_MS = 2000,    // a connection that held so long was a good one
    BACK_OFF_MS = 100,
    BACK_OFF_MAX = 2000,
    WHY_MAX = 500
};

struct contact {
    zloop_t *loop;
    char *name; // NULL: `address` says where
    char address[ENDPOINT_TEXT];
    char **registries;
    size_t registry_count;
    guid_t uuid;
    connect_fn *connect;
    void *connect_arg;
    show_fn *show;
    void *show_arg;
    bool has_key; // the group of this name has this one
    uint8_t key[ENDPOINT_KEY];
    bool plain;
    bool again; // those with keys did not answer
    contact_handlers_t handlers;
    bool has_receipt;
    uint8_t receipt[PROOF_RECEIPT];

    lookup_t *lookup; // one of these three, or retry_at
    dial_t *dial;
    dealer_t *dealer;
    int64_t retry_at; // INT64_MAX: not waiting
    unsigned attempts;
    ticker_t *ticker;

    int64_t born; // when it came up
    int64_t heard;
    int64_t pinged;
    bool pinging; // without an answer yet
    bool follows;
    bool waits;
    char endpoint[ENDPOINT_TEXT];
    bool tried; // a search came to an end, so `trouble` says how
    char trouble[WHY_MAX];
};

// In all that follows, a handler is called last: it may destroy us.

static void s_trouble (contact_t *self, const char *sentence)
{
    if (strcmp (sentence, self->trouble) == 0)
        return;
    snprintf (self->trouble, sizeof self->trouble, "%s", sentence);
    self->tried = true;
    self->handlers.trouble (self->handlers.arg, self->trouble);
}

// What is waited for, for those who ask before the first search is over.
static void s_expect (contact_t *self, const char *endpoint)
{
    if (self->tried)
        return;
    if (endpoint)
        snprintf (self->trouble, sizeof self->trouble, "%s has not answered yet", endpoint);
    else
        snprintf (self->trouble, sizeof self->trouble, "no registry has named %s so far",
                  self->name);
}

static void s_retry (contact_t *self)
{
    uint32_t pause = (uint32_t)BACK_OFF_MS << (self->attempts < 5 ? self->attempts : 5);
    if (pause > BACK_OFF_MAX)
        pause = BACK_OFF_MAX;
    self->attempts++;
    self->retry_at = zclock_mono () + pause / 2 + randombytes_uniform (pause / 2 + 1);
    ticker_set (self->ticker, self->retry_at);
}

// ---- The connection

static int64_t s_since (const contact_t *self)
{
    return self->heard > self->pinged ? self->heard : self->pinged;
}

// When to look after the connection again.
static int64_t s_wake (const contact_t *self)
{
    if (!self->dealer)
        return self->retry_at;
    if (self->pinging)
        return s_since (self) + SILENT_MS;
    return self->waits ? s_since (self) + IMPATIENT_MS : self->pinged + WIRE_PING_MS;
}

static void s_ping (contact_t *self, int64_t now)
{
    wire_t ping = wire (WIRE_PING, CONTACT_PING_TAG, &self->uuid);
    wire_set (&ping, WIRE_F_FOLLOWS, self->follows);
    self->pinged = now;
    self->pinging = true;
    dealer_send (self->dealer, &ping); // if it does not go out, no answer comes
}

void contact_drop (contact_t *self, const char *why)
{
    if (!self->dealer)
        return;
    dealer_destroy (&self->dealer);
    if (zclock_mono () - self->born >= STEADY_MS)
        self->attempts = 0;
    s_retry (self);
    snprintf (self->trouble, sizeof self->trouble, "%s", why);
    self->handlers.down (self->handlers.arg, self->trouble);
}

static void s_message (void *arg, const wire_t *message, size_t size)
{
    contact_t *self = arg;
    self->heard = zclock_mono ();
    bool pong = message->kind == WIRE_PONG && message->tag == CONTACT_PING_TAG;
    if (pong || message->kind == WIRE_ERROR) // or it refuses PING, but it answers
        self->pinging = false;
    self->handlers.message (self->handlers.arg, message, size);
}

static void s_drained (void *arg)
{
    contact_t *self = arg;
    self->handlers.drained (self->handlers.arg);
}

static void s_broken (void *arg)
{
    contact_drop (arg, "the connection broke");
}

static void s_keep_alive (contact_t *self, int64_t now)
{
    int64_t due = self->waits ? s_since (self) + IMPATIENT_MS : self->pinged + WIRE_PING_MS;
    if (self->pinging && now >= s_since (self) + SILENT_MS) {
        contact_drop (self, "the group does not answer any more");
        return;
    }
    if (!self->pinging && (now >= due || now >= self->pinged + WIRE_PING_MS))
        s_ping (self, now);
    ticker_set (self->ticker, s_wake (self));
}

// ---- Searching

// A search that found nobody who lets us in.
static void s_refused (contact_t *self, wire_error_t error, const char *text)
{
    s_retry (self);
    if (wire_error_exit (error) != EXIT_REFUSED) { // none, or one that passes
        s_trouble (self, text);
        return;
    }
    snprintf (self->trouble, sizeof self->trouble, "%s", text);
    self->tried = true;
    self->handlers.refused (self->handlers.arg, error, self->trouble);
}

// Whoever had this key once has it from now on.
static void s_learn_key (contact_t *self, const char *endpoint)
{
    endpoint_t parsed;
    if (!self->name || self->has_key ||
        endpoint_parse (&parsed, endpoint, strlen (endpoint), ENDPOINT_CONNECT) || !parsed.has_key)
        return;
    memcpy (self->key, parsed.key, ENDPOINT_KEY);
    self->has_key = true;
}

static void s_dialled (void *arg, dealer_t **dealer_p, const wire_t *pong, const char *why,
                       wire_error_t error)
{
    contact_t *self = arg;
    char text[WHY_MAX];
    snprintf (text, sizeof text, "%s", why ? why : "");
    dial_destroy (&self->dial);
    if (!pong) {
        self->again = !self->again;
        s_refused (self, error, text);
        return;
    }
    self->again = false;
    s_learn_key (self, dealer_endpoint (*dealer_p));
    dealer_handlers_t handlers = {s_message, s_drained, s_broken, self};
    self->dealer = *dealer_p;
    dealer_hand_over (self->dealer, &handlers);
    self->born = self->heard = self->pinged = zclock_mono ();
    self->pinging = self->follows = self->waits = false;
    self->tried = true;
    self->trouble[0] = 0;
    snprintf (self->endpoint, sizeof self->endpoint, "%s", dealer_endpoint (self->dealer));
    ticker_set (self->ticker, s_wake (self));
    self->handlers.up (self->handlers.arg, pong);
}

static void s_lost (void *arg, const wire_t *lost)
{
    contact_t *self = arg;
    self->has_receipt = false;
    self->handlers.lost (self->handlers.arg, lost);
}

// `log`: what the registries say of the group, or NULL.
static void s_dial (contact_t *self, const char *const *endpoints, size_t count, const guid_t *log)
{
    dial_query_t query = {.loop = self->loop,
                          .endpoints = endpoints,
                          .count = count,
                          .name = self->name,
                          .uuid = self->uuid,
                          .receipt = self->has_receipt ? self->receipt : NULL,
                          .deadline = zclock_mono () + SEARCH_MS,
                          .connect = self->connect,
                          .connect_arg = self->connect_arg,
                          .show = self->show,
                          .show_arg = self->show_arg};
    if (log)
        query.log = *log;
    dial_handlers_t handlers = {s_dialled, s_lost, self};
    self->dial = dial_new (&query, &handlers);
    if (!self->dial)
        s_retry (self);
}

static bool s_any_key (const contact_t *self)
{
    for (size_t i = 0; i < self->registry_count; i++)
        if (strchr (self->registries[i], '?'))
            return true;
    return false;
}

// Dials what may be called of what the registries say. -1: nothing may, for this reason.
static int s_dial_row (contact_t *self, const lookup_row_t *row, char text[WHY_MAX])
{
    pick_t found;
    char was[2 * ENDPOINT_KEY + 1], now[2 * ENDPOINT_KEY + 1];
    const uint8_t *pin = self->has_key ? self->key : NULL;
    pick_verdict_t verdict =
        pick (&found, row->endpoints, row->endpoint_count, pin, self->again, self->plain);
    if (verdict == PICK_FOUND) {
        s_expect (self, found.count > 0 ? found.list[0] : "no endpoint");
        s_dial (self, found.list, found.count, &row->log);
        return 0;
    }
    sodium_bin2hex (was, sizeof was, self->key, ENDPOINT_KEY);
    sodium_bin2hex (now, sizeof now, found.key, ENDPOINT_KEY);
    if (verdict == PICK_OTHER_KEY)
        snprintf (text, WHY_MAX,
                  "the key of %s changed: it was %s and is %s, so somebody may pretend to be it. "
                  "Nothing is sent. If its operator says that this is right: zchat trust "
                  "--accept %s",
                  self->name, was, now, self->name);
    else
        snprintf (text, WHY_MAX,
                  "%s had the key %s and is offered without one, so somebody may pretend to be "
                  "it. Nothing is sent. If its operator says that this is right: zchat trust "
                  "--accept %s",
                  self->name, was, self->name);
    return -1;
}

static void s_say_why (const contact_t *self, const lookup_t *lookup, lookup_result_t result,
                       char text[WHY_MAX])
{
    const char *refusal = lookup_refusal (lookup);
    switch (result) {
    case LOOKUP_DONE:
        snprintf (text, WHY_MAX, "%s is a group of the original system: it speaks another protocol",
                  self->name);
        break;
    case LOOKUP_CONFLICT:
        snprintf (text, WHY_MAX, "two groups have the name %s: say which one by its endpoint",
                  self->name);
        break;
    case LOOKUP_ABSENT:
        snprintf (text, WHY_MAX, "no group %s is registered%s%s", self->name, *refusal ? "; " : "",
                  refusal);
        break;
    case LOOKUP_REFUSED:
        snprintf (text, WHY_MAX, "%s", refusal);
        break;
    case LOOKUP_SILENT:
        snprintf (text, WHY_MAX, "no registry answers%s (%s%s)",
                  s_any_key (self) ? ", or it has another key" : "",
                  self->registry_count > 0 ? self->registries[0] : "none is known",
                  self->registry_count > 1 ? " and others" : "");
        break;
    }
}

static void s_looked_up (void *arg, lookup_t *lookup, lookup_result_t result)
{
    contact_t *self = arg;
    const lookup_row_t *row = lookup_row (lookup, 0);
    char text[WHY_MAX] = "";
    wire_error_t error = result == LOOKUP_REFUSED ? lookup_error (lookup) : WIRE_ERR_NONE;
    bool known = result == LOOKUP_DONE && !guid_is_null (&row->log);
    bool dialled = known && s_dial_row (self, row, text) == 0;
    if (known && !dialled)
        error = WIRE_ERR_NAME_TAKEN; // by somebody else
    else if (!known)
        s_say_why (self, lookup, result, text);
    lookup_destroy (&self->lookup);
    if (!dialled)
        s_refused (self, error, text);
}

static void s_search (contact_t *self)
{
    self->retry_at = INT64_MAX;
    s_expect (self, self->name ? NULL : self->address);
    if (!self->name) {
        const char *endpoint = self->address;
        s_dial (self, &endpoint, 1, NULL);
        return;
    }
    lookup_query_t query = {.loop = self->loop,
                            .registries = (const char *const *)self->registries,
                            .registry_count = self->registry_count,
                            .name = self->name,
                            .uuid = self->uuid,
                            .deadline = zclock_mono () + SEARCH_MS,
                            .connect = self->connect,
                            .connect_arg = self->connect_arg,
                            .show = self->show,
                            .show_arg = self->show_arg};
    self->lookup = lookup_new (&query, s_looked_up, self);
    if (!self->lookup)
        s_retry (self);
}

static void s_tick (void *arg)
{
    contact_t *self = arg;
    int64_t now = zclock_mono ();
    if (self->dealer)
        s_keep_alive (self, now);
    else if (now >= self->retry_at)
        s_search (self);
    else
        ticker_set (self->ticker, self->retry_at);
}

// ---- For those who use it

// Says in self->name or self->address where the group is. Returns 0, or -1 with errno.
static int s_address (contact_t *self, const char *group)
{
    size_t size = strlen (group);
    char text[ENDPOINT_TEXT];
    endpoint_t endpoint;
    if (text_name_valid (group, size)) {
        self->name = strdup (group);
        errno = ENOMEM;
        return self->name ? 0 : -1;
    }
    errno = EINVAL;
    if (strncmp (group, "ipc://", 6) == 0 && size < sizeof self->address) {
        strcpy (self->address, group);
        return 0;
    }
    if (size > 0 && size <= 5 && strspn (group, "0123456789") == size) {
        snprintf (text, sizeof text, "tcp://127.0.0.1:%s", group);
        group = text;
    }
    if (endpoint_parse (&endpoint, group, strlen (group), ENDPOINT_CONNECT) != NULL)
        return -1;
    endpoint_print_with_key (&endpoint, self->address);
    return 0;
}

static int s_copy (contact_t *self, const contact_config_t *config)
{
    errno = ENOMEM;
    self->ticker = ticker_new (config->loop, s_tick, self);
    self->registries = calloc (config->registry_count + 1, sizeof *self->registries);
    if (!self->ticker || !self->registries)
        return -1;
    for (; self->registry_count < config->registry_count; self->registry_count++) {
        char *registry = strdup (config->registries[self->registry_count]);
        self->registries[self->registry_count] = registry;
        if (!registry)
            return -1;
    }
    return s_address (self, config->group);
}

contact_t *contact_new (const contact_config_t *config, const contact_handlers_t *handlers)
{
    contact_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->loop = config->loop;
    self->uuid = config->uuid;
    self->connect = config->connect;
    self->plain = config->plain;
    self->has_key = config->key != NULL;
    if (config->key)
        memcpy (self->key, config->key, ENDPOINT_KEY);
    self->connect_arg = config->connect_arg;
    self->show = config->show;
    self->show_arg = config->show_arg;
    self->handlers = *handlers;
    if (s_copy (self, config) < 0) {
        int cause = errno;
        contact_destroy (&self);
        errno = cause;
        return NULL;
    }
    ticker_set (self->ticker, 0);
    return self;
}

void contact_destroy (contact_t **self_p)
{
    contact_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    lookup_destroy (&self->lookup);
    dial_destroy (&self->dial);
    dealer_destroy (&self->dealer);
    ticker_destroy (&self->ticker);
    for (size_t i = 0; self->registries && i < self->registry_count; i++)
        free (self->registries[i]);
    free (self->registries);
    free (self->name);
    free (self);
}

bool contact_is_up (const contact_t *self)
{
    return self->dealer != NULL;
}

const char *contact_endpoint (const contact_t *self)
{
    return self->endpoint;
}

const char *contact_trouble (const contact_t *self)
{
    return self->trouble;
}

int contact_send (contact_t *self, const wire_t *message)
{
    return dealer_send (self->dealer, message);
}

int contact_send_frame (contact_t *self, span_t frame)
{
    return dealer_send_frame (self->dealer, frame);
}

void contact_set (contact_t *self, bool follows, bool waits)
{
    self->follows = follows;
    self->waits = waits;
    if (self->dealer)
        ticker_set (self->ticker, s_wake (self));
}

void contact_show (contact_t *self, const uint8_t *receipt)
{
    self->has_receipt = receipt != NULL;
    if (receipt)
        memcpy (self->receipt, receipt, PROOF_RECEIPT);
}

void contact_invite (const contact_t *self, const char *group, writer_t *join)
{
    uint8_t shown[INVITATION_FIELD];
    if (!self->show || !strchr (self->endpoint, '?'))
        return;
    size_t size = self->show (self->show_arg, self->endpoint, group, shown);
    if (size == 0)
        return;
    // An option, which stand at a message's end.
    writer_u16 (join, WIRE_F_INVITATIONS);
    writer_u16 (join, (uint16_t)size);
    writer_bytes (join, shown, size);
}
