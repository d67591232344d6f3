#include "common/outbox.h"

#include "common/exits.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = WIRE_UNANSWERED,
    WINDOW = SLOTS - 8,   // the rest is for PING, FOLLOW and CREDIT
    OWN_SLOT = SLOTS - 1, // of tags that the outbox hands out for those
    REPEAT_MS = 2000,     // without an answer on a living connection
    REPEAT_MAX = 16000,
    WAIT_MS = 10, // when a server says "later" without a time
    WAIT_MAX = 2000,
    DEVICES_MAX = 4 // that one send is tried with
};

struct outbox {
    outbox_device_fn *device_fn;
    void *device_arg;
    bool have_device;
    uint8_t device[RECORD_DEVICE];
    uint64_t counter; // the last one given
    uint64_t floor;   // all up to it are answered, as far as was looked

    requests_t changes; // waiting, in their order
    requests_t reads;   // waiting, in their order
    requests_t ended;   // over their deadline, callbacks to be called
    request_t *slots[SLOTS];
    uint16_t free_slots[WINDOW];
    size_t free_count;
    uint32_t round; // upper bits of the next tag

    uint64_t order;
    size_t count;
    size_t flying_changes;
    size_t flying_sends;
    size_t window;    // of sends: how many a rate limit lets through at once, as it seems
    int64_t progress; // when the last send was answered
    int64_t now;      // of the last call that knew
    uint8_t flying_device[RECORD_DEVICE];
    bool leaving;   // a LEAVE is under way
    size_t repeats; // items with `repeat`
    bool closed;
    int64_t wake;
};

// ---- Under way, and back

static requests_t *s_lane (outbox_t *self, const request_t *item)
{
    return request_is_change (item) ? &self->changes : &self->reads;
}

static void s_wake_at (outbox_t *self, int64_t when)
{
    if (when < self->wake)
        self->wake = when;
}

static uint32_t s_tag (outbox_t *self, uint32_t slot)
{
    do
        self->round += SLOTS;
    while (self->round == 0); // 0 is no tag
    return self->round | slot;
}

uint32_t outbox_tag (outbox_t *self)
{
    return s_tag (self, OWN_SLOT);
}

static void s_launch (outbox_t *self, int64_t now, request_t *item)
{
    requests_remove (s_lane (self, item), item);
    uint16_t slot = self->free_slots[--self->free_count];
    self->slots[slot] = item;
    item->tag = s_tag (self, slot);
    item->repeats = 0;
    item->repeat_at = now + REPEAT_MS;
    s_wake_at (self, item->repeat_at);
    self->flying_changes += request_is_change (item);
    self->leaving = self->leaving || item->kind == WIRE_LEAVE;
    if (item->kind == WIRE_SEND) {
        self->flying_sends++;
        memcpy (self->flying_device, item->send.device, RECORD_DEVICE);
    }
}

// Takes an item that is under way out of its slot.
static void s_land (outbox_t *self, request_t *item)
{
    uint16_t slot = (uint16_t)(item->tag % SLOTS);
    self->slots[slot] = NULL;
    self->free_slots[self->free_count++] = slot;
    item->tag = 0;
    self->repeats -= item->repeat;
    item->repeat = false;
    self->flying_changes -= request_is_change (item);
    self->flying_sends -= item->kind == WIRE_SEND;
    if (item->kind == WIRE_LEAVE)
        self->leaving = false;
}

static void s_put_back (outbox_t *self, request_t *item, int64_t not_before)
{
    s_land (self, item);
    item->not_before = not_before;
    if (not_before > 0)
        s_wake_at (self, not_before);
    requests_insert (s_lane (self, item), item);
}

// ---- The end of a request

// Can the counter of a send that ends so be given to the next one?
static bool s_counter_is_free (const outbox_t *self, const request_t *item, outbox_result_t result)
{
    return request_sent_with (item, self->device) && item->send.counter == self->counter &&
           !item->uncertain &&
           (result == OUTBOX_REFUSED || (result != OUTBOX_ANSWERED && !item->tag));
}

// Takes the item out of wherever it is, gives its counter back if it can be used again, and calls.
static void s_finish (outbox_t *self, request_t *item, outbox_result_t result, const wire_t *reply)
{
    outbox_answer_t answer = {result, reply, item->error, false};
    answer.may_be_stored = request_may_be_stored (item, result);
    if (result == OUTBOX_ANSWERED)
        answer.error = WIRE_ERR_NONE;
    if (s_counter_is_free (self, item, result))
        self->counter--;
    if (item->tag)
        s_land (self, item);
    self->count--;
    outbox_done_fn *done = item->done;
    void *arg = item->arg;
    request_destroy (&item);
    if (done)
        done (arg, &answer);
}

int outbox_answer_exit (const outbox_answer_t *answer)
{
    if (answer->result == OUTBOX_ANSWERED)
        return EXIT_DONE;
    if (answer->result == OUTBOX_REFUSED)
        return answer->may_be_stored ? EXIT_NOT_NOW : wire_error_exit (answer->error);
    return answer->error ? EXIT_NOT_NOW : EXIT_UNREACHABLE;
}

// ---- Made and destroyed

outbox_t *outbox_new (outbox_device_fn *device, void *arg)
{
    outbox_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->device_fn = device;
    self->device_arg = arg;
    self->wake = INT64_MAX;
    self->window = WINDOW;
    self->round = randombytes_random () & ~(uint32_t)(SLOTS - 1);
    for (uint16_t slot = WINDOW; slot > 0; slot--)
        self->free_slots[self->free_count++] = (uint16_t)(slot - 1);
    return self;
}

static void s_report_ended (outbox_t *self)
{
    request_t *item;
    while ((item = requests_shift (&self->ended)))
        s_finish (self, item, OUTBOX_TIMEOUT, NULL);
}

static void s_close_list (outbox_t *self, requests_t *list)
{
    request_t *item;
    while ((item = requests_shift (list)))
        s_finish (self, item, OUTBOX_CLOSED, NULL);
}

void outbox_close (outbox_t *self)
{
    self->closed = true;
    s_report_ended (self);
    for (size_t slot = 0; slot < WINDOW; slot++)
        if (self->slots[slot])
            s_finish (self, self->slots[slot], OUTBOX_CLOSED, NULL);
    s_close_list (self, &self->changes);
    s_close_list (self, &self->reads);
}

static void s_refuse_list (outbox_t *self, requests_t *list, wire_error_t error, uint64_t last)
{
    request_t *item;
    while ((item = list->head) && item->order <= last) {
        requests_remove (list, item);
        item->error = error;
        s_finish (self, item, OUTBOX_REFUSED, NULL);
    }
}

void outbox_refuse (outbox_t *self, wire_error_t error)
{
    uint64_t last = self->order; // what callbacks put in waits for its own answer
    s_refuse_list (self, &self->changes, error, last);
    s_refuse_list (self, &self->reads, error, last);
}

void outbox_destroy (outbox_t **self_p)
{
    if (!*self_p)
        return;
    outbox_close (*self_p);
    free (*self_p);
    *self_p = NULL;
}

// ---- Putting and sending

int outbox_put (outbox_t *self, const wire_t *request, int64_t deadline, outbox_done_fn *done,
                void *arg)
{
    if (self->closed) {
        errno = ECANCELED;
        return -1;
    }
    request_t *item = request_new (request);
    if (!item)
        return -1;
    item->order = ++self->order;
    item->deadline = deadline;
    item->patience = deadline == OUTBOX_FOR_EVER ? 0 : deadline - self->now;
    item->done = done;
    item->arg = arg;
    requests_insert (s_lane (self, item), item);
    self->count++;
    s_wake_at (self, deadline);
    return 0;
}

static void s_new_device (outbox_t *self)
{
    self->counter = 0;
    self->have_device = true;
    if (!self->device_fn || self->device_fn (self->device_arg, self->device, &self->counter) < 0) {
        randombytes_buf (self->device, RECORD_DEVICE);
        self->counter = 0;
    }
    self->floor = self->counter;
}

static void s_give_counter (outbox_t *self, request_t *item)
{
    if (!self->have_device)
        s_new_device (self);
    memcpy (item->send.device, self->device, RECORD_DEVICE);
    item->send.counter = ++self->counter;
    item->send.random = randombytes_random ();
}

// A group knows so many of a device's last sends: none whose answer was lost is left behind.
static bool s_is_far_ahead (outbox_t *self, const request_t *item)
{
    if (item->send.counter > 0 || self->counter - self->floor < WINDOW)
        return false;
    self->floor = request_floor (self->slots, WINDOW, self->device, self->counter);
    return self->counter - self->floor >= WINDOW;
}

// The first change that waits, if it may go now.
static request_t *s_next_change (outbox_t *self, int64_t now)
{
    request_t *item = self->changes.head;
    if (!item || item->not_before > now || self->leaving)
        return NULL;
    if (item->kind == WIRE_LEAVE && self->flying_changes > 0)
        return NULL;
    if (item->kind != WIRE_SEND || self->flying_sends == 0)
        return item;
    if (self->flying_sends >= self->window || s_is_far_ahead (self, item))
        return NULL;
    // What is still under way with another device comes first, whatever the answer will be.
    const uint8_t *device = item->send.counter ? item->send.device : self->device;
    return memcmp (device, self->flying_device, RECORD_DEVICE) == 0 ? item : NULL;
}

static request_t *s_next_waiting (outbox_t *self, int64_t now)
{
    if (self->free_count == 0)
        return NULL;
    request_t *change = s_next_change (self, now);
    request_t *read = self->reads.head;
    while (read && read->not_before > now)
        read = read->behind;
    if (!change || !read)
        return change ? change : read;
    return change->order < read->order ? change : read;
}

int outbox_next (outbox_t *self, int64_t now, writer_t *out)
{
    request_t *item = self->repeats > 0 ? request_first_repeat (self->slots, WINDOW) : NULL;
    self->now = now;
    if (item) {
        item->repeat = false;
        item->uncertain = true;
        self->repeats--;
    } else {
        item = s_next_waiting (self, now);
        if (!item)
            return 0;
        if (item->kind == WIRE_SEND && item->send.counter == 0)
            s_give_counter (self, item);
        s_launch (self, now, item);
    }
    request_write (item, out);
    return 1;
}

// ---- Answers

static int64_t s_pause (const request_t *item, wire_error_t error, uint64_t wait)
{
    if (wait == 0)
        wait = (uint64_t)WAIT_MS << (item->delays < 8 ? item->delays : 8);
    bool asked = error == WIRE_ERR_BUSY || error == WIRE_ERR_LIMIT || error == WIRE_ERR_RATE;
    if (wait > WAIT_MAX && !asked)
        wait = WAIT_MAX;
    return wait < INT32_MAX ? (int64_t)wait : INT32_MAX;
}

static void s_put_off (outbox_t *self, int64_t now, request_t *item, wire_error_t error,
                       uint64_t wait)
{
    int64_t when = now + s_pause (item, error, wait);
    item->delays++;
    item->error = error;
    if (request_is_change (item)) {
        s_put_back (self, item, when);
        return;
    }
    // It keeps its tag: when a repeat was refused, the first one may be answered yet.
    self->repeats -= item->repeat;
    item->repeat = false;
    item->repeat_at = when;
    s_wake_at (self, when);
}

// The sends behind a refused one were, or will be, refused as out of order: all go again, in order.
static void s_pull_back (outbox_t *self, const request_t *refused)
{
    for (size_t slot = 0; slot < WINDOW; slot++) {
        request_t *item = self->slots[slot];
        if (!item || item->order < refused->order ||
            !request_sent_with (item, refused->send.device))
            continue;
        item->uncertain = item->uncertain || refused->uncertain;
        item->error = refused->error; // it waits for the same
        s_put_back (self, item, 0);
    }
}

// Is there a send before this one, with the same device, that has no answer?
static bool s_has_before (const outbox_t *self, const request_t *item)
{
    for (size_t slot = 0; slot < WINDOW; slot++) {
        const request_t *other = self->slots[slot];
        if (other && other->order < item->order && request_sent_with (other, item->send.device))
            return true;
    }
    for (const request_t *other = self->changes.head; other && other->order < item->order;
         other = other->behind)
        if (request_sent_with (other, item->send.device))
            return true;
    return false;
}

// The send goes out again, as another one.
static void s_rename (outbox_t *self, request_t *item)
{
    memset (&item->send, 0, sizeof item->send);
    item->uncertain = false;
    item->devices++;
    s_put_back (self, item, 0);
}

static void s_refused_send (outbox_t *self, int64_t now, request_t *item, const wire_t *reply)
{
    wire_error_t error = item->error;
    if (error == WIRE_ERR_OUT_OF_ORDER && s_has_before (self, item)) {
        s_put_off (self, now, item, error, 0);
        s_pull_back (self, item);
        return;
    }
    if (request_sent_with (item, self->device))
        s_new_device (self);
    bool stored = error == WIRE_ERR_UNKNOWN_DEVICE && item->uncertain;
    if (stored || item->devices == DEVICES_MAX)
        s_finish (self, item, OUTBOX_REFUSED, reply);
    else
        s_rename (self, item);
}

static void s_refused (outbox_t *self, int64_t now, request_t *item, const wire_t *reply)
{
    uint64_t wait = wire_number (reply, WIRE_F_WAIT);
    item->error = (wire_error_t)wire_number (reply, WIRE_F_NUMBER);
    switch (item->error) {
    case WIRE_ERR_STOPPING:
    case WIRE_ERR_SYNC_FAILED:
        item->uncertain = true; // its batch may have been on its way to the disk
        s_put_off (self, now, item, item->error, wait);
        return;
    case WIRE_ERR_RATE:
        self->window = item->kind == WIRE_SEND ? (self->window + 1) / 2 : self->window;
        break;
    case WIRE_ERR_BUSY:
    case WIRE_ERR_NO_SESSION:
        break;
    case WIRE_ERR_OUT_OF_ORDER:
    case WIRE_ERR_REUSED:
    case WIRE_ERR_UNKNOWN_DEVICE:
        if (item->kind == WIRE_SEND) {
            s_refused_send (self, now, item, reply);
            return;
        }
        s_finish (self, item, OUTBOX_REFUSED, reply);
        return;
    default:
        if (wait == 0) {
            s_finish (self, item, OUTBOX_REFUSED, reply);
            return;
        }
    }
    s_put_off (self, now, item, item->error, wait);
    if (item->kind == WIRE_SEND)
        s_pull_back (self, item);
}

static request_t *s_find (outbox_t *self, uint32_t tag)
{
    uint32_t slot = tag % SLOTS;
    request_t *item = slot < WINDOW ? self->slots[slot] : NULL;
    return item && item->tag == tag ? item : NULL;
}

void outbox_unsent (outbox_t *self, uint32_t tag)
{
    request_t *item = s_find (self, tag);
    if (item && item->repeats == 0)
        s_put_back (self, item, 0);
    else if (item) { // the answer to an earlier one counts yet
        self->repeats += !item->repeat;
        item->repeat = true;
    }
}

bool outbox_answer (outbox_t *self, int64_t now, const wire_t *reply)
{
    bool row = reply->kind == WIRE_ROW_ACK || reply->kind == WIRE_ROW_ERROR;
    request_t *item = s_find (self, row ? (uint32_t)wire_number (reply, WIRE_F_TAG) : reply->tag);
    if (!item || !request_fits (item, reply->kind))
        return false;
    if (reply->kind == WIRE_ROW_ERROR)
        s_refused (self, now, item, reply);
    else {
        self->progress = item->kind == WIRE_SEND ? now : self->progress;
        self->window += item->kind == WIRE_SEND && self->window < WINDOW;
        s_finish (self, item, OUTBOX_ANSWERED, reply);
    }
    return true;
}

wire_kind_t outbox_kind (outbox_t *self, uint32_t tag)
{
    const request_t *item = s_find (self, tag);
    return item ? item->kind : 0;
}

bool outbox_again (outbox_t *self, int64_t now, uint32_t tag, uint64_t wait)
{
    request_t *item = s_find (self, tag);
    if (item)
        s_put_back (self, item, now + (int64_t)wait);
    return item != NULL;
}

// ---- Time and trouble

void outbox_lost (outbox_t *self)
{
    for (size_t slot = 0; slot < WINDOW; slot++) {
        request_t *item = self->slots[slot];
        if (!item)
            continue;
        item->uncertain = true;
        s_put_back (self, item, 0);
    }
    // A wait that a server asked for ended with its connection.
    for (request_t *item = self->changes.head; item; item = item->behind)
        item->not_before = 0;
    for (request_t *item = self->reads.head; item; item = item->behind)
        item->not_before = 0;
}

// Of sends that a rate limit lets through one by one, each has its time from the one before on.
static int64_t s_deadline (const outbox_t *self, const request_t *item)
{
    int64_t later = self->progress + item->patience;
    bool flows = item->kind == WIRE_SEND && self->window < WINDOW && item->patience > 0;
    return flows && later > item->deadline ? later : item->deadline;
}

static void s_expire_list (outbox_t *self, int64_t now, requests_t *list)
{
    request_t *behind;
    for (request_t *item = list->head; item; item = behind) {
        behind = item->behind;
        if (s_deadline (self, item) <= now) {
            if (item->kind == WIRE_SEND && self->window < WINDOW)
                item->error = WIRE_ERR_RATE; // or what is before it waits for that
            requests_remove (list, item);
            requests_insert (&self->ended, item);
            continue;
        }
        s_wake_at (self, s_deadline (self, item));
        if (item->not_before > now)
            s_wake_at (self, item->not_before);
    }
}

static void s_expire_slot (outbox_t *self, int64_t now, request_t *item)
{
    if (s_deadline (self, item) <= now) {
        item->uncertain = true;
        s_land (self, item);
        requests_insert (&self->ended, item);
        return;
    }
    s_wake_at (self, s_deadline (self, item));
    if (item->repeat_at <= now) {
        self->repeats += !item->repeat;
        item->repeat = true;
        int64_t pause = (int64_t)REPEAT_MS << (item->repeats < 3 ? ++item->repeats : 3);
        item->repeat_at = now + (pause < REPEAT_MAX ? pause : REPEAT_MAX);
    }
    s_wake_at (self, item->repeat_at);
}

void outbox_expire (outbox_t *self, int64_t now)
{
    self->now = now;
    if (now < self->wake)
        return;
    self->wake = INT64_MAX;
    for (size_t slot = 0; slot < WINDOW; slot++)
        if (self->slots[slot])
            s_expire_slot (self, now, self->slots[slot]);
    s_expire_list (self, now, &self->changes);
    s_expire_list (self, now, &self->reads);
    s_report_ended (self);
}

int64_t outbox_wake (const outbox_t *self)
{
    return self->wake;
}

size_t outbox_count (const outbox_t *self)
{
    return self->count;
}

size_t outbox_underway (const outbox_t *self)
{
    return WINDOW - self->free_count;
}

bool outbox_device (const outbox_t *self, uint8_t device[RECORD_DEVICE], uint64_t *last)
{
    if (!self->have_device)
        return false;
    memcpy (device, self->device, RECORD_DEVICE);
    *last = self->counter;
    return true;
}
