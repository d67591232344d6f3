#include "common/dial.h"

#include "common/endpoint.h"
#include "common/proof.h"
#include "common/text.h"
#include "common/ticker.h"

#include <stdarg.h>
#include <string.h>

enum { SIDE_BY_SIDE = 8, WHY_MAX = 400 };

// One endpoint being tried.
typedef struct {
    dial_t *dial;
    dealer_t *dealer; // NULL: given up
} try_t;

struct dial {
    dial_query_t query;
    dial_handlers_t handlers;
    char *name;
    uint8_t receipt[PROOF_RECEIPT];
    try_t tries[SIDE_BY_SIDE];
    size_t count;
    ticker_t *ticker;
    char first[ENDPOINT_TEXT]; // the first one that is tried
    char why[WHY_MAX];         // "": nothing happened
    wire_error_t error;        // that `why` comes from
};

enum { PING_TAG = 1, PING_AGAIN_TAG = 2 };

static void s_say (dial_t *self, wire_error_t error, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

// What counts more as the reason: that a group lets us not in, rather than that nothing answered;
// and that rather than that a plain endpoint is none for us, beside one with a key.
static int s_weight (wire_error_t error)
{
    if (error == WIRE_ERR_KEY_NEEDED)
        return 0;
    return error ? 2 : 1;
}

static void s_say (dial_t *self, wire_error_t error, const char *format, ...)
{
    if (*self->why && s_weight (error) < s_weight (self->error))
        return;
    self->error = error;
    va_list args;
    va_start (args, format);
    vsnprintf (self->why, sizeof self->why, format, args);
    va_end (args);
}

static void s_hang_up (dial_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        dealer_destroy (&self->tries[i].dealer);
    ticker_destroy (&self->ticker);
}

static void s_fail (dial_t *self)
{
    s_hang_up (self);
    if (!*self->why)
        s_say (self, WIRE_ERR_NONE, "nothing answers at %s", self->first);
    self->handlers.done (self->handlers.arg, NULL, NULL, self->why, self->error);
}

static void s_give_up (try_t *try)
{
    dealer_destroy (&try->dealer);
    dial_t *self = try->dial;
    for (size_t i = 0; i < self->count; i++)
        if (self->tries[i].dealer)
            return;
    s_fail (self);
}

static void s_ping (const dial_t *self, dealer_t *dealer, bool again)
{
    wire_t ping = wire (WIRE_PING, again ? PING_AGAIN_TAG : PING_TAG, &self->query.uuid);
    if (self->query.receipt && !again)
        wire_set_bytes (&ping, WIRE_F_RECEIPT, span (self->receipt, PROOF_RECEIPT));
    uint8_t shown[INVITATION_FIELD];
    size_t size = self->query.show
                      ? self->query.show (self->query.show_arg, dealer_endpoint (dealer),
                                          self->name ? self->name : "", shown)
                      : 0;
    if (size > 0)
        wire_set_bytes (&ping, WIRE_F_INVITATIONS, span (shown, size));
    dealer_send (dealer, &ping); // if it does not go out, no answer comes
}

static void s_pong (try_t *try, const wire_t *pong)
{
    dial_t *self = try->dial;
    span_t name = wire_bytes (pong, WIRE_F_NAME);
    guid_t log = wire_guid (pong, WIRE_F_LOG);
    const char *endpoint = dealer_endpoint (try->dealer);
    bool wanted = !self->name || span_equal (name, span_of (self->name));
    if (!guid_is_null (&self->query.log) && !guid_equal (&self->query.log, &log))
        wanted = false;
    if (guid_is_null (&log) || !wanted || !text_name_valid ((const char *)name.data, name.size)) {
        char *shown = text_for_log ((const char *)name.data, name.size, TEXT_NAME_MAX);
        if (guid_is_null (&log))
            s_say (self, WIRE_ERR_NONE, "%s is no group, but a registry", endpoint);
        else
            s_say (self, WIRE_ERR_NONE, "%s is another group: %s", endpoint, shown ? shown : "");
        free (shown);
        s_give_up (try);
        return;
    }
    dealer_t *dealer = try->dealer;
    try->dealer = NULL;
    s_hang_up (self);
    self->handlers.done (self->handlers.arg, &dealer, pong, NULL, WIRE_ERR_NONE);
}

static void s_refused (try_t *try, const wire_t *error)
{
    const char *endpoint = dealer_endpoint (try->dealer);
    span_t rows = wire_bytes (error, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    wire_t row;
    if (wire_next_row (&row, WIRE_ROW_ERROR, &in) != 1)
        return;
    wire_error_t number = (wire_error_t)wire_number (&row, WIRE_F_NUMBER);
    span_t text = wire_bytes (&row, WIRE_F_TEXT);
    bool shown = text_valid ((const char *)text.data, text.size) && text.size < WHY_MAX / 2 &&
                 !memchr (text.data, '\n', text.size);
    if (!shown)
        text = span_of (wire_error_text (number));
    s_say (try->dial, number, "%.*s: %.*s", (int)strcspn (endpoint, "?"), endpoint, (int)text.size,
           (const char *)text.data);
    s_give_up (try);
}

static void s_message (void *arg, const wire_t *message, size_t size)
{
    (void)size;
    try_t *try = arg;
    dial_t *self = try->dial;
    bool ours = message->tag == PING_TAG || message->tag == PING_AGAIN_TAG;
    if (message->kind == WIRE_PONG && ours)
        s_pong (try, message);
    else if (message->kind == WIRE_ERROR)
        s_refused (try, message);
    else if (message->kind == WIRE_LOST) {
        if (message->tag == PING_TAG)
            s_ping (self, try->dealer, true);
        self->handlers.lost (self->handlers.arg, message);
    }
}

static void s_broken (void *arg)
{
    try_t *try = arg;
    const char *endpoint = dealer_endpoint (try->dealer);
    s_say (try->dial, WIRE_ERR_NONE, "there is no connection to %s%s", endpoint,
           strchr (endpoint, '?') ? ", or it has another key" : "");
    s_give_up (try);
}

static void s_tick (void *arg)
{
    dial_t *self = arg;
    bool any = false;
    for (size_t i = 0; i < self->count; i++)
        any = any || self->tries[i].dealer;
    if (!any || zclock_mono () >= self->query.deadline)
        s_fail (self);
    else
        ticker_set (self->ticker, self->query.deadline);
}

static void s_try (dial_t *self, const char *endpoint)
{
    try_t *try = &self->tries[self->count++];
    dealer_handlers_t handlers = {s_message, NULL, s_broken, try};
    try->dial = self;
    try->dealer = dealer_new (self->query.loop, endpoint, self->query.connect,
                              self->query.connect_arg, &handlers);
    if (try->dealer)
        s_ping (self, try->dealer, false);
    else
        s_say (self, WIRE_ERR_NONE, "cannot connect to %s: %s", endpoint, zmq_strerror (errno));
}

dial_t *dial_new (const dial_query_t *query, const dial_handlers_t *handlers)
{
    dial_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->query = *query;
    self->handlers = *handlers;
    self->ticker = ticker_new (query->loop, s_tick, self);
    self->name = query->name ? strdup (query->name) : NULL;
    if (!self->ticker || (query->name && !self->name)) {
        dial_destroy (&self);
        return NULL;
    }
    if (query->receipt)
        memcpy (self->receipt, query->receipt, PROOF_RECEIPT);
    snprintf (self->first, sizeof self->first, "%s",
              query->count > 0 ? query->endpoints[0] : "no endpoint");
    for (size_t i = 0; i < query->count && i < SIDE_BY_SIDE; i++)
        s_try (self, query->endpoints[i]);
    ticker_set (self->ticker, 0);
    return self;
}

void dial_destroy (dial_t **self_p)
{
    dial_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    s_hang_up (self);
    free (self->name);
    free (self);
}
