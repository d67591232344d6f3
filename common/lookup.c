#include "common/lookup.h"

#include "common/text.h"
#include "common/ticker.h"

#include <string.h>

enum {
    PAGE_ROWS = 1000,
    GRACE_MS = 300,   // for the others, after the first whole answer
    SILENT_MS = 1000, // then a registry is asked over a new connection
    ROUND_MS = 100,   // until a name that is not listed is asked for again; doubles
    ROUND_MAX_MS = 500,
    REFUSAL_MAX = 500
};

// One registry being asked.
typedef struct {
    lookup_t *lookup;
    const char *endpoint; // the lookup's
    dealer_t *dealer;
    uint32_t tag;
    int64_t asked;
    bool waiting;  // for an answer
    bool whole;    // it gave its whole list in this round
    bool dead;     // it refused the connection, or broke it: not waited for
    bool ever;     // or in any round
    bool refused;  // it does not let us ask: not asked again
    int64_t again; // when it may be asked, 0: now
    char after[TEXT_NAME_MAX + 1];
} asker_t;

struct lookup {
    lookup_query_t query;
    char *name;
    char **registries;
    asker_t *askers;
    lookup_done_fn *done;
    void *arg;
    ticker_t *ticker;
    listing_t *listing;
    int64_t grace_over; // INT64_MAX: nobody answered yet
    int64_t next_round; // INT64_MAX: one is under way
    int64_t pause;
    uint32_t tag;
    bool over;
    lookup_row_t row; // by name
    size_t row_count;
    wire_error_t error;
    char refusal[REFUSAL_MAX];
};

static void s_tick (void *arg);

// ---- Made and destroyed

static int s_copy (lookup_t *self, const lookup_query_t *query)
{
    size_t count = query->registry_count;
    self->query = *query;
    self->registries = calloc (count + 1, sizeof *self->registries);
    self->askers = calloc (count + 1, sizeof *self->askers);
    self->listing = listing_new ();
    self->ticker = ticker_new (query->loop, s_tick, self);
    if (query->name)
        self->name = strdup (query->name);
    if (!self->registries || !self->askers || !self->listing || !self->ticker ||
        (query->name && !self->name))
        return -1;
    for (size_t i = 0; i < count; i++) {
        self->registries[i] = strdup (query->registries[i]);
        if (!self->registries[i])
            return -1;
        self->askers[i].lookup = self;
        self->askers[i].endpoint = self->registries[i];
        self->askers[i].asked = INT64_MIN / 2;
    }
    return 0;
}

lookup_t *lookup_new (const lookup_query_t *query, lookup_done_fn *done, void *arg)
{
    lookup_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->done = done;
    self->arg = arg;
    self->grace_over = self->next_round = INT64_MAX;
    self->pause = ROUND_MS;
    if (s_copy (self, query) < 0) {
        lookup_destroy (&self);
        return NULL;
    }
    ticker_set (self->ticker, 0);
    return self;
}

static void s_hang_up (lookup_t *self)
{
    for (size_t i = 0; self->askers && i < self->query.registry_count; i++)
        dealer_destroy (&self->askers[i].dealer);
    ticker_destroy (&self->ticker);
}

void lookup_destroy (lookup_t **self_p)
{
    lookup_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    s_hang_up (self);
    for (size_t i = 0; self->registries && i < self->query.registry_count; i++)
        free (self->registries[i]);
    listing_destroy (&self->listing);
    free (self->registries);
    free (self->askers);
    free (self->name);
    free (self);
}

// ---- The end

static lookup_result_t s_judge (lookup_t *self)
{
    if (lookup_answered (self) == 0)
        return self->error ? LOOKUP_REFUSED : LOOKUP_SILENT;
    if (!self->name)
        return LOOKUP_DONE;
    const lookup_row_t *row = listing_find (self->listing, self->name);
    if (!row)
        return LOOKUP_ABSENT;
    self->row = *row;
    self->row_count = 1;
    return row->conflict ? LOOKUP_CONFLICT : LOOKUP_DONE;
}

static void s_finish (lookup_t *self)
{
    self->over = true;
    s_hang_up (self);
    self->done (self->arg, self, s_judge (self)); // may destroy us
}

// When it is to be asked if it has not answered until then.
static int64_t s_due (const asker_t *self)
{
    return self->again > 0 ? self->again : self->asked + SILENT_MS;
}

// Ends the round, or all, when it is time. Otherwise sets when to look again.
static void s_look (lookup_t *self, int64_t now)
{
    size_t whole = 0, dead = 0, refused = 0, count = self->query.registry_count;
    int64_t wake = self->query.deadline;
    for (size_t i = 0; i < count; i++) {
        const asker_t *asker = &self->askers[i];
        whole += asker->whole;
        dead += asker->dead && !asker->whole;
        refused += asker->refused;
        if (!asker->whole && !asker->refused && s_due (asker) < wake)
            wake = s_due (asker);
    }
    bool round_over = self->next_round == INT64_MAX && whole > 0 &&
                      (whole + dead == count || now >= self->grace_over);
    bool enough = !self->name || listing_find (self->listing, self->name);
    // Who refuses says more than those who cannot be reached.
    bool hopeless = count == 0 || (refused > 0 && whole + dead == count && whole == 0);
    if (now >= self->query.deadline || hopeless || (round_over && enough)) {
        s_finish (self);
        return;
    }
    if (round_over) {
        self->next_round = now + self->pause;
        self->pause = 2 * self->pause < ROUND_MAX_MS ? 2 * self->pause : ROUND_MAX_MS;
    }
    if (self->next_round < wake)
        wake = self->next_round;
    if (self->next_round == INT64_MAX && whole > 0 && self->grace_over < wake)
        wake = self->grace_over;
    ticker_set (self->ticker, wake);
}

// ---- Asking

static void s_ask (asker_t *self, int64_t now)
{
    const lookup_query_t *query = &self->lookup->query;
    wire_t list = wire (WIRE_LIST, ++self->lookup->tag, &query->uuid);
    wire_set_bytes (&list, WIRE_F_NAME, span_of (self->after));
    wire_set (&list, WIRE_F_LIMIT, PAGE_ROWS);
    uint8_t shown[INVITATION_FIELD];
    size_t size = query->show ? query->show (query->show_arg, self->endpoint, NULL, shown) : 0;
    if (size > 0)
        wire_set_bytes (&list, WIRE_F_INVITATIONS, span (shown, size));
    self->tag = list.tag;
    self->asked = now;
    self->again = 0;
    self->waiting = self->dealer && dealer_send (self->dealer, &list) == 0;
}

// A name's page begins behind what is sorted before it.
static void s_begin (asker_t *self)
{
    const char *name = self->lookup->name;
    size_t size = name ? strlen (name) : 0;
    if (size == 0 || size > TEXT_NAME_MAX)
        size = 1;
    if (name)
        memcpy (self->after, name, size - 1);
    self->after[size - 1] = 0;
}

static void s_whole (asker_t *self, int64_t now)
{
    lookup_t *lookup = self->lookup;
    self->whole = self->ever = true;
    if (lookup->grace_over == INT64_MAX)
        lookup->grace_over = now + GRACE_MS;
}

// Takes the rows. Returns whether more are wanted, from behind self->after.
static bool s_take_rows (asker_t *self, const wire_t *groups)
{
    span_t bytes = wire_bytes (groups, WIRE_F_ROWS);
    reader_t in = reader (bytes.data, bytes.size);
    const char *wanted = self->lookup->name;
    bool further = false;
    wire_t row;
    while (wire_next_row (&row, WIRE_ROW_GROUP, &in) == 1) {
        span_t name = wire_bytes (&row, WIRE_F_NAME);
        char text[TEXT_NAME_MAX + 1];
        if (name.size == 0 || name.size > TEXT_NAME_MAX || memchr (name.data, 0, name.size))
            continue;
        memcpy (text, name.data, name.size);
        text[name.size] = 0;
        if (strcmp (text, self->after) > 0) { // else the same pages could come for ever
            strcpy (self->after, text);
            further = true;
        }
        int order = wanted ? strcmp (text, wanted) : 0;
        if (order == 0)
            listing_add (self->lookup->listing, &row);
        if (wanted && order >= 0)
            return false;
    }
    return further && !in.failed && wire_number (groups, WIRE_F_MORE);
}

// Not now: asked again when it says so. Else not at all; the first one that says why is told of.
static void s_refused (asker_t *self, const wire_t *message, int64_t now)
{
    lookup_t *lookup = self->lookup;
    span_t bytes = wire_bytes (message, WIRE_F_ROWS);
    reader_t in = reader (bytes.data, bytes.size);
    wire_t row;
    if (wire_next_row (&row, WIRE_ROW_ERROR, &in) != 1)
        return;
    wire_error_t error = (wire_error_t)wire_number (&row, WIRE_F_NUMBER);
    uint64_t wait = wire_number (&row, WIRE_F_WAIT);
    span_t text = wire_bytes (&row, WIRE_F_TEXT);
    self->again = wait > 0 ? now + (int64_t)wait : 0;
    self->refused = self->dead = wait == 0;
    if (lookup->error || error == WIRE_ERR_NONE)
        return;
    bool shown = text_valid ((const char *)text.data, text.size) && text.size < REFUSAL_MAX / 2 &&
                 !memchr (text.data, '\n', text.size);
    if (!shown)
        text = span_of (wire_error_text (error));
    lookup->error = error;
    snprintf (lookup->refusal, REFUSAL_MAX, "registry %.*s: %.*s",
              (int)strcspn (self->endpoint, "?"), self->endpoint, (int)text.size,
              (const char *)text.data);
}

static void s_message (void *arg, const wire_t *message, size_t size)
{
    (void)size;
    asker_t *self = arg;
    lookup_t *lookup = self->lookup;
    bool refusal = message->kind == WIRE_ERROR;
    if ((message->kind != WIRE_GROUPS && !refusal) || message->tag != self->tag || !self->waiting)
        return;
    int64_t now = zclock_mono ();
    self->waiting = false;
    if (refusal)
        s_refused (self, message, now);
    else if (s_take_rows (self, message))
        s_ask (self, now);
    else
        s_whole (self, now);
    s_look (lookup, now);
}

static void s_broken (void *arg)
{
    asker_t *self = arg;
    dealer_destroy (&self->dealer); // a new one when its time is over
    self->dead = true;
    s_look (self->lookup, zclock_mono ());
}

static void s_call (asker_t *self, int64_t now)
{
    lookup_t *lookup = self->lookup;
    dealer_handlers_t handlers = {s_message, NULL, s_broken, self};
    self->dead = false;
    dealer_destroy (&self->dealer);
    self->dealer = dealer_new (lookup->query.loop, self->endpoint, lookup->query.connect,
                               lookup->query.connect_arg, &handlers);
    s_begin (self);
    s_ask (self, now);
}

static void s_begin_round (lookup_t *self, int64_t now)
{
    self->next_round = self->grace_over = INT64_MAX;
    listing_clear (self->listing);
    for (size_t i = 0; i < self->query.registry_count; i++) {
        asker_t *asker = &self->askers[i];
        if (!asker->whole)
            continue; // being asked still
        asker->whole = false;
        s_begin (asker);
        s_ask (asker, now);
    }
}

static void s_tick (void *arg)
{
    lookup_t *self = arg;
    int64_t now = zclock_mono ();
    if (now >= self->next_round)
        s_begin_round (self, now);
    for (size_t i = 0; i < self->query.registry_count; i++) {
        asker_t *asker = &self->askers[i];
        if (asker->whole || asker->refused || now < s_due (asker))
            continue;
        if (asker->again > 0 && asker->dealer)
            s_ask (asker, now);
        else
            s_call (asker, now);
    }
    s_look (self, now);
}

size_t lookup_count (const lookup_t *self)
{
    if (!self->over)
        return 0;
    return self->name ? self->row_count : listing_count (self->listing);
}

const lookup_row_t *lookup_row (const lookup_t *self, size_t index)
{
    if (index >= lookup_count (self))
        return NULL;
    return self->name ? &self->row : listing_row (self->listing, index);
}

const char *lookup_refusal (const lookup_t *self)
{
    return self->refusal;
}

wire_error_t lookup_error (const lookup_t *self)
{
    return self->error;
}

size_t lookup_answered (const lookup_t *self)
{
    size_t answered = 0;
    for (size_t i = 0; i < self->query.registry_count; i++)
        answered += self->askers[i].ever;
    return answered;
}
