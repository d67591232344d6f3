#include "common/session.h"

#include "common/contact.h"
#include "common/credit.h"
#include "common/evidence.h"
#include "common/follower.h"
#include "common/parcel.h"
#include "common/text.h"
#include "common/ticker.h"

#include <errno.h>
#include <string.h>

enum {
    FULL_MS = 10,  // until a full socket is tried again
    LOST_MS = 100, // until a request is repeated that was answered with a loss
    WHY_MAX = 500
};

struct session {
    char *group;
    guid_t uuid;
    session_handlers_t handlers;
    contact_t *contact;
    ticker_t *ticker;
    outbox_t *outbox;
    parcel_t *parcel; // what of it goes out

    follower_t follower;
    credit_t credit;
    bool credit_due; // to be told
    bool full;       // the socket took no more

    pager_t pager;
    session_page_t page;
    bool paging;
    int page_timeout;

    bool known;
    session_info_t info;
    char info_name[TEXT_NAME_MAX + 1];
    guid_t log; // that the name stands for, zeros: not known
    evidence_t evidence;
    wire_state_t told; // the group's state, last told

    int depth; // of handlers, and holds of others
    bool dead;
};

static int64_t s_wake (const session_t *self);

// ---- Entered from the loop

static void s_free (session_t *self)
{
    contact_destroy (&self->contact);
    ticker_destroy (&self->ticker);
    outbox_destroy (&self->outbox);
    parcel_destroy (&self->parcel);
    free (self->group);
    free (self);
}

void session_hold (session_t *self)
{
    self->depth++;
}

static void s_leave (session_t *self)
{
    if (--self->depth > 0)
        return;
    if (self->dead)
        s_free (self);
    else
        ticker_set (self->ticker, s_wake (self));
}

// ---- What happened, told once

static void s_trouble (void *arg, const char *sentence)
{
    session_t *self = arg;
    session_hold (self);
    if (self->handlers.trouble)
        self->handlers.trouble (self->handlers.arg, sentence);
    s_leave (self);
}

static void s_following (void *arg, uint64_t from)
{
    session_t *self = arg;
    self->credit = credit_begin (); // what came before counts no more
    if (self->handlers.following)
        self->handlers.following (self->handlers.arg, from);
}

static void s_record (void *arg, const record_t *record)
{
    session_t *self = arg;
    if (self->handlers.record)
        self->handlers.record (self->handlers.arg, record);
}

static void s_flush (void *arg)
{
    session_t *self = arg;
    if (self->handlers.flush)
        self->handlers.flush (self->handlers.arg);
}

static void s_gap (void *arg, uint64_t from, uint64_t to, record_why_t why)
{
    session_t *self = arg;
    if (self->handlers.gap)
        self->handlers.gap (self->handlers.arg, from, to, why);
}

static void s_lost (void *arg, uint64_t from, uint64_t to)
{
    session_t *self = arg;
    if (self->handlers.lost)
        self->handlers.lost (self->handlers.arg, from, to);
}

static void s_end (void *arg, wire_error_t why, const char *text, bool over)
{
    session_t *self = arg;
    if (self->handlers.end)
        self->handlers.end (self->handlers.arg, why, text, over);
}

static void s_follow_trouble (void *arg, const char *sentence)
{
    session_t *self = arg;
    char text[WHY_MAX];
    snprintf (text, sizeof text, "%s sent %s: following again", contact_endpoint (self->contact),
              sentence);
    s_trouble (self, text);
}

// ---- Up and down

// What the next connection begins with.
static void s_show (session_t *self)
{
    guid_t log;
    contact_show (self->contact, evidence_receipt (&self->evidence, &log));
}

static void s_down (void *arg, const char *why)
{
    session_t *self = arg;
    session_hold (self);
    outbox_lost (self->outbox);
    follower_lost (&self->follower);
    evidence_down (&self->evidence);
    s_show (self);
    if (self->handlers.down && !self->dead)
        self->handlers.down (self->handlers.arg, why);
    s_leave (self);
}

// What PONG or a refusal say of the log.
static void s_set_state (session_t *self, wire_state_t state)
{
    self->info.state = state;
    evidence_answered (&self->evidence, state == WIRE_STATE_DOUBT);
    if (state != self->told && self->handlers.state)
        self->handlers.state (self->handlers.arg, state);
    self->told = state;
}

static void s_learn (session_t *self, const wire_t *pong)
{
    span_t name = wire_bytes (pong, WIRE_F_NAME);
    snprintf (self->info_name, sizeof self->info_name, "%.*s",
              name.size <= TEXT_NAME_MAX ? (int)name.size : 0, (const char *)name.data);
    self->info = (session_info_t){.name = self->info_name,
                                  .endpoint = contact_endpoint (self->contact),
                                  .log = wire_guid (pong, WIRE_F_LOG),
                                  .generation = wire_number (pong, WIRE_F_GENERATION),
                                  .state = (wire_state_t)wire_number (pong, WIRE_F_STATE),
                                  .oldest = wire_number (pong, WIRE_F_OLDEST),
                                  .why = (record_why_t)wire_number (pong, WIRE_F_WHY),
                                  .last = wire_number (pong, WIRE_F_LAST),
                                  .time = (int64_t)wire_number (pong, WIRE_F_TIME),
                                  .max_message = wire_number (pong, WIRE_F_MAX_MESSAGE),
                                  .proves = wire_has (pong, WIRE_F_KEY)};
    self->known = true;
    s_set_state (self, self->info.state);
    follower_pong (&self->follower, self->info.last);
}

static void s_set_log (session_t *self, const guid_t *log)
{
    guid_t before = self->log;
    self->log = *log;
    follower_set_log (&self->follower, log);
    if (!guid_is_null (&before) && !guid_equal (&before, log) && self->handlers.new_log)
        self->handlers.new_log (self->handlers.arg, &before, log);
}

static void s_up (void *arg, const wire_t *pong)
{
    session_t *self = arg;
    session_hold (self);
    self->credit_due = false;
    self->credit = credit_begin ();
    s_learn (self, pong);
    s_set_log (self, &self->info.log);
    if (self->handlers.up && !self->dead)
        self->handlers.up (self->handlers.arg, &self->info);
    session_release (self);
}

// A loss that is told outside of the following's own messages.
static void s_lost_message (void *arg, const wire_t *message)
{
    session_t *self = arg;
    wire_t lost = *message;
    lost.tag = 0;
    session_hold (self);
    evidence_lost (&self->evidence, wire_number (message, WIRE_F_FROM));
    follower_take (&self->follower, zclock_mono (), &lost);
    s_leave (self);
}

// Nobody says where the group is: what waits is answered with that.
static void s_refused (void *arg, wire_error_t error, const char *sentence)
{
    session_t *self = arg;
    session_hold (self);
    bool followed = self->follower.state != FOLLOWER_OFF;
    follower_stop (&self->follower);
    if (self->handlers.refused)
        self->handlers.refused (self->handlers.arg, error, sentence);
    if (!self->dead)
        outbox_refuse (self->outbox, error);
    if (!self->dead && followed)
        s_end (self, error, sentence, true);
    s_leave (self);
}

// ---- Messages

static bool s_is_farewell (wire_error_t error)
{
    return error == WIRE_ERR_STOPPING || error == WIRE_ERR_SYNC_FAILED;
}

// Each row of an ACK or ERROR. Returns whether the server says that it ends.
static bool s_rows (session_t *self, const wire_t *message, int64_t now)
{
    wire_kind_t kind = message->kind == WIRE_ACK ? WIRE_ROW_ACK : WIRE_ROW_ERROR;
    span_t bytes = wire_bytes (message, WIRE_F_ROWS);
    reader_t in = reader (bytes.data, bytes.size);
    bool farewell = false;
    wire_t row;
    while (!self->dead && wire_next_row (&row, kind, &in) == 1) {
        bool error = kind == WIRE_ROW_ERROR;
        wire_error_t number = error ? (wire_error_t)wire_number (&row, WIRE_F_NUMBER) : 0;
        farewell |= s_is_farewell (number);
        if (number == WIRE_ERR_DOUBT)
            s_set_state (self, WIRE_STATE_DOUBT);
        if (error && wire_number (&row, WIRE_F_TAG) == CONTACT_PING_TAG)
            follower_lost (&self->follower); // NO_SESSION
        else if (error && follower_owns (&self->follower, &row))
            follower_take (&self->follower, now, &row);
        else
            outbox_answer (self->outbox, now, &row);
    }
    return farewell;
}

static void s_loss (session_t *self, const wire_t *message, int64_t now)
{
    wire_kind_t kind = outbox_kind (self->outbox, message->tag);
    if (kind != WIRE_PAGE)
        s_lost_message (self, message); // what a receipt proved
    if (!self->dead && !outbox_answer (self->outbox, now, message))
        outbox_again (self->outbox, now, message->tag, LOST_MS);
}

static void s_take (session_t *self, const wire_t *message, size_t size, int64_t now)
{
    if (message->kind == WIRE_RECORDS) {
        bool behind = follower_behind (&self->follower); // pages have what credit_ask grants
        self->credit_due |= credit_received (&self->credit, size, behind);
    }
    if (message->kind == WIRE_LOST && message->tag == 0)
        s_lost_message (self, message);
    else if (follower_owns (&self->follower, message))
        follower_take (&self->follower, now, message);
    else if (message->kind == WIRE_LOST)
        s_loss (self, message, now);
    else
        outbox_answer (self->outbox, now, message);
}

static void s_message (void *arg, const wire_t *message, size_t size)
{
    session_t *self = arg;
    int64_t now = zclock_mono ();
    bool farewell = false;
    session_hold (self);
    if (message->kind == WIRE_ACK || message->kind == WIRE_RECORDS)
        evidence_take (&self->evidence, wire_bytes (message, WIRE_F_RECEIPT).data, &self->info.log);
    if (message->kind == WIRE_ACK || message->kind == WIRE_ERROR)
        farewell = s_rows (self, message, now);
    else if (message->kind == WIRE_PONG && message->tag == CONTACT_PING_TAG)
        s_learn (self, message);
    else {
        farewell = message->kind == WIRE_END &&
                   s_is_farewell ((wire_error_t)wire_number (message, WIRE_F_WHY));
        s_take (self, message, size, now);
    }
    if (!self->dead && !guid_equal (&self->info.log, &self->log))
        contact_drop (self->contact, "another group answers now");
    else if (!self->dead && farewell)
        contact_drop (self->contact, "the group is stopping");
    s_leave (self);
}

static void s_drained (void *arg)
{
    session_hold (arg);
    session_release (arg);
}

// ---- Sending

static bool s_send (session_t *self, const wire_t *message)
{
    self->full = contact_send (self->contact, message) < 0;
    return !self->full;
}

static void s_send_follow (session_t *self, int64_t now)
{
    wire_t follow = follower_request (&self->follower, now, outbox_tag (self->outbox), &self->uuid);
    wire_set (&follow, WIRE_F_CREDIT, CREDIT_AT_HEAD);
    if (!s_send (self, &follow))
        follower_lost (&self->follower);
}

static void s_send_credit (session_t *self)
{
    wire_t credit = wire (WIRE_CREDIT, outbox_tag (self->outbox), &self->uuid);
    wire_set (&credit, WIRE_F_CREDIT, self->credit.granted);
    self->credit_due = !s_send (self, &credit);
}

// When there is something to do again though nothing comes.
static int64_t s_wake (const session_t *self)
{
    int64_t wake = outbox_wake (self->outbox);
    if (!contact_is_up (self->contact))
        return wake;
    if (self->full)
        return zclock_mono () + FULL_MS;
    int64_t follow = follower_wake (&self->follower);
    return follow < wake ? follow : wake;
}

static void s_send_requests (session_t *self, int64_t now)
{
    while (!self->full && parcel_fill (self->parcel, self->outbox, now) > 0) {
        writer_t *out = parcel_frame (self->parcel);
        if (out->start[WIRE_KIND_AT] == WIRE_JOIN)
            contact_invite (self->contact, self->info.name, out);
        self->full = contact_send_frame (self->contact, span (out->start, writer_used (out))) < 0;
        if (self->full)
            parcel_unsent (self->parcel, self->outbox);
    }
}

// Sends what is to be sent.
static void s_pump (session_t *self)
{
    int64_t now = zclock_mono ();
    self->full = false;
    if (contact_is_up (self->contact)) {
        if (follower_wants (&self->follower, now))
            s_send_follow (self, now);
        if (self->credit_due)
            s_send_credit (self);
        s_send_requests (self, now);
        contact_set (self->contact, self->follower.state == FOLLOWER_ON,
                     outbox_underway (self->outbox) > 0);
    }
}

void session_release (session_t *self)
{
    if (self->depth == 1 && !self->dead)
        s_pump (self);
    s_leave (self);
}

static void s_tick (void *arg)
{
    session_t *self = arg;
    session_hold (self);
    outbox_expire (self->outbox, zclock_mono ());
    session_release (self);
}

// ---- For those who use it

static int s_make (session_t *self, const session_config_t *config)
{
    contact_config_t contact = {
        config->loop,     config->group,   config->registries,  config->registry_count,
        config->uuid,     config->connect, config->connect_arg, config->show,
        config->show_arg, config->key,     config->plain};
    contact_handlers_t handlers = {s_up,      s_message,      s_drained, s_down,
                                   s_trouble, s_lost_message, s_refused, self};
    errno = ENOMEM;
    self->group = strdup (config->group);
    self->outbox = outbox_new (self->handlers.device, self->handlers.arg);
    self->parcel = parcel_new ();
    self->ticker = ticker_new (config->loop, s_tick, self);
    if (self->group && self->outbox && self->parcel && self->ticker)
        self->contact = contact_new (&contact, &handlers);
    return self->contact ? 0 : -1;
}

session_t *session_new (const session_config_t *config, const session_handlers_t *handlers)
{
    session_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    follower_handlers_t follow = {s_following, s_record, s_flush,          s_gap,
                                  s_lost,      s_end,    s_follow_trouble, self};
    self->uuid = config->uuid;
    self->handlers = *handlers;
    self->follower = follower (&follow);
    self->log = config->log;
    follower_set_log (&self->follower, &config->log);
    if (s_make (self, config) < 0) {
        int cause = errno;
        s_free (self);
        errno = cause;
        return NULL;
    }
    if (config->receipt)
        session_set_receipt (self, config->receipt, &config->log);
    return self;
}

static void s_page_over (session_t *self, const outbox_answer_t *answer)
{
    if (!self->paging)
        return;
    self->paging = false;
    if (self->page.done)
        self->page.done (self->page.arg, answer);
}

void session_destroy (session_t **self_p)
{
    session_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    session_hold (self);
    self->dead = true;
    follower_stop (&self->follower);
    pager_stop (&self->pager);
    outbox_close (self->outbox);
    outbox_answer_t closed = {OUTBOX_CLOSED, NULL, WIRE_ERR_NONE, false};
    s_page_over (self, &closed);
    s_leave (self);
}

const char *session_group (const session_t *self)
{
    return self->group;
}

const session_info_t *session_info (const session_t *self)
{
    return self->known ? &self->info : NULL;
}

bool session_is_up (const session_t *self)
{
    return contact_is_up (self->contact);
}

const char *session_trouble (const session_t *self)
{
    return contact_trouble (self->contact);
}

int session_request (session_t *self, const wire_t *request, int timeout, outbox_done_fn *done,
                     void *arg)
{
    wire_t message = *request;
    message.tag = 0;
    message.uuid = self->uuid;
    int64_t deadline = timeout < 0 ? OUTBOX_FOR_EVER : zclock_mono () + timeout;
    if (outbox_put (self->outbox, &message, deadline, done, arg) < 0)
        return -1;
    session_hold (self);
    session_release (self);
    return 0;
}

int session_send (session_t *self, span_t text, int timeout, outbox_done_fn *done, void *arg)
{
    wire_t request = wire (WIRE_SEND, 0, &self->uuid);
    wire_set_bytes (&request, WIRE_F_TEXT, text);
    return session_request (self, &request, timeout, done, arg);
}

size_t session_unanswered (const session_t *self)
{
    return outbox_count (self->outbox);
}

bool session_device (const session_t *self, uint8_t device[RECORD_DEVICE], uint64_t *last)
{
    return outbox_device (self->outbox, device, last);
}

void session_follow (session_t *self, uint64_t from)
{
    follower_start (&self->follower, from);
    session_hold (self);
    session_release (self);
}

uint64_t session_cursor (const session_t *self)
{
    return self->follower.cursor.next;
}

static int s_ask_page (session_t *self);

static void s_page_answer (void *arg, const outbox_answer_t *answer)
{
    session_t *self = arg;
    outbox_answer_t last = {OUTBOX_ANSWERED, NULL, WIRE_ERR_NONE, false};
    if (answer->result != OUTBOX_ANSWERED || self->dead) {
        s_page_over (self, answer);
        return;
    }
    pager_set_log (&self->pager, &self->info.log);
    pager_step_t step = pager_take (&self->pager, answer->reply);
    if (!self->paging || (step == PAGER_MORE && s_ask_page (self) == 0))
        return;
    if (step != PAGER_DONE) {
        last.result = OUTBOX_REFUSED;
        last.error = WIRE_ERR_READ_FAILED;
    }
    s_page_over (self, &last);
}

static int s_ask_page (session_t *self)
{
    wire_t request = pager_request (&self->pager, &self->uuid);
    wire_set (&request, WIRE_F_CREDIT, credit_ask (&self->credit, zclock_mono ()));
    return session_request (self, &request, self->page_timeout, s_page_answer, self);
}

int session_page (session_t *self, const session_range_t *range, int timeout,
                  const session_page_t *page)
{
    if (self->paging) {
        errno = EBUSY;
        return -1;
    }
    pager_handlers_t handlers = {page->record, page->flush, page->gap, page->lost, page->arg};
    self->pager = pager (range, &handlers);
    self->page = *page;
    self->page_timeout = timeout;
    self->paging = s_ask_page (self) == 0;
    return self->paging ? 0 : -1;
}

const uint8_t *session_receipt (const session_t *self, guid_t *log)
{
    return evidence_receipt (&self->evidence, log);
}

void session_set_receipt (session_t *self, const uint8_t receipt[PROOF_RECEIPT], const guid_t *log)
{
    evidence_set (&self->evidence, receipt, log);
    s_show (self);
    if (!contact_is_up (self->contact))
        return;
    wire_t ping = wire (WIRE_PING, CONTACT_PING_TAG, &self->uuid);
    wire_set (&ping, WIRE_F_FOLLOWS, self->follower.state == FOLLOWER_ON);
    wire_set_bytes (&ping, WIRE_F_RECEIPT, span (receipt, PROOF_RECEIPT));
    if (contact_send (self->contact, &ping) == 0)
        evidence_show (&self->evidence);
}
