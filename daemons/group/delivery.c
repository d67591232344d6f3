#include "daemons/group/delivery.h"

#include "daemons/group/records.h"

#include <czmq.h>

typedef struct {
    peer_t **peers;
    size_t count;
    size_t room;
} list_t;

struct delivery {
    delivery_io_t io;
    uint64_t head;  // last durable sequence
    list_t at_head; // cursor is head + 1, no bound
    list_t lagging;
    size_t turn; // where the next turn begins in `lagging`
    // The page read last, as a frame that several lagging readers at the same place share.
    frame_shared_t shared;
    bool has_shared;
    uint64_t shared_from;
    uint64_t shared_last;
    size_t shared_size;
    bool retries; // see delivery_retries
};

delivery_t *delivery_new (const delivery_io_t *io, uint64_t head)
{
    delivery_t *self = zmalloc (sizeof *self);
    self->io = *io;
    self->head = head;
    return self;
}

static void s_forget_shared (delivery_t *self)
{
    if (self->has_shared)
        frame_unshare (&self->shared);
    self->has_shared = false;
}

void delivery_destroy (delivery_t **self_p)
{
    delivery_t *self = *self_p;
    if (!self)
        return;
    s_forget_shared (self);
    free (self->at_head.peers);
    free (self->lagging.peers);
    free (self);
    *self_p = NULL;
}

// ---- The two lists

static bool s_is_at_head (const delivery_t *self, const peer_t *peer)
{
    return peer->position < self->at_head.count && self->at_head.peers[peer->position] == peer;
}

static void s_add (list_t *list, peer_t *peer)
{
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 16;
        list->peers = realloc (list->peers, list->room * sizeof (peer_t *));
        assert (list->peers);
    }
    peer->position = list->count;
    list->peers[list->count++] = peer;
}

static void s_remove (list_t *list, peer_t *peer)
{
    peer_t *last = list->peers[--list->count];
    last->position = peer->position;
    list->peers[peer->position] = last;
}

static void s_lag (delivery_t *self, peer_t *peer)
{
    s_remove (&self->at_head, peer);
    s_add (&self->lagging, peer);
}

void delivery_follow (delivery_t *self, peer_t *peer, const guid_t *who, uint64_t from,
                      uint64_t granted)
{
    delivery_unfollow (self, peer);
    peer->follows = true;
    peer->who = *who;
    peer->cursor = from > 0 ? from : self->head + 1;
    peer->until = 0;
    peer->retry = 0;
    peer->sent = 0;
    peer->granted = 0;
    delivery_credit (peer, granted);
    s_add (peer->cursor > self->head ? &self->at_head : &self->lagging, peer);
}

void delivery_unfollow (delivery_t *self, peer_t *peer)
{
    if (!peer->follows)
        return;
    peer->follows = false;
    s_remove (s_is_at_head (self, peer) ? &self->at_head : &self->lagging, peer);
}

void delivery_credit (peer_t *peer, uint64_t granted)
{
    if (granted > peer->sent + DELIVERY_WINDOW)
        granted = peer->sent + DELIVERY_WINDOW;
    if (granted > peer->granted)
        peer->granted = granted;
}

bool delivery_has_credit (const peer_t *peer)
{
    return peer->sent < peer->granted;
}

// It gets no more than up to `seq`, unless it is bounded already.
static void s_bound (delivery_t *self, peer_t *peer, uint64_t seq, wire_error_t why)
{
    if (peer->until)
        return;
    peer->until = seq;
    peer->why = why;
    if (s_is_at_head (self, peer))
        s_lag (self, peer);
}

void delivery_left (delivery_t *self, const guid_t *who, uint64_t seq, wire_error_t why,
                    bool (*ends) (void *arg, const peer_t *peer), void *arg)
{
    list_t *lists[] = {&self->lagging, &self->at_head};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = lists[l]->count; i > 0; i--) {
            peer_t *peer = lists[l]->peers[i - 1];
            if (guid_equal (&peer->who, who) && (!ends || ends (arg, peer)))
                s_bound (self, peer, seq, why);
        }
}

void delivery_review (delivery_t *self, wire_error_t (*why) (void *arg, const peer_t *peer),
                      void *arg)
{
    list_t *lists[] = {&self->lagging, &self->at_head};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = lists[l]->count; i > 0; i--) {
            wire_error_t reason = why (arg, lists[l]->peers[i - 1]);
            if (reason)
                s_bound (self, lists[l]->peers[i - 1], self->head, reason);
        }
}

// ---- Sending

// A send's end. True: it went out.
static bool s_sent (delivery_t *self, peer_t *peer, int rc, int64_t now)
{
    if (rc == 0)
        return true;
    if (errno == EAGAIN)
        peer->retry = now + DELIVERY_RETRY;
    else {
        delivery_unfollow (self, peer);
        self->io.gone (self->io.arg, peer);
    }
    return false;
}

static bool s_send (delivery_t *self, peer_t *peer, const wire_t *message, int64_t now)
{
    uint8_t bytes[512];
    writer_t out = writer (bytes, sizeof bytes);
    wire_encode (message, &out);
    assert (!out.failed);
    span_t frame = span (bytes, writer_used (&out));
    return s_sent (self, peer, self->io.send (self->io.arg, peer, frame), now);
}

static void s_end (delivery_t *self, peer_t *peer, wire_error_t why, int64_t now)
{
    wire_t message = wire (WIRE_END, 0, NULL);
    wire_set (&message, WIRE_F_WHY, why);
    wire_set_bytes (&message, WIRE_F_TEXT, span_of (wire_error_text (why)));
    if (s_send (self, peer, &message, now))
        delivery_unfollow (self, peer);
}

void delivery_durable (delivery_t *self, const frame_shared_t *frame, size_t size, uint64_t first,
                       uint64_t last, int64_t now)
{
    self->head = last;
    for (size_t i = self->at_head.count; i > 0; i--) {
        peer_t *peer = self->at_head.peers[i - 1];
        bool took = peer->cursor == first && delivery_has_credit (peer) &&
                    s_sent (self, peer, self->io.push (self->io.arg, peer, frame), now);
        if (took) {
            peer->cursor = last + 1;
            peer->sent += size;
        } else if (peer->follows && peer->cursor <= last)
            s_lag (self, peer);
    }
}

// ---- Those that lag

// Reads the page at the peer's cursor as the shared frame. Returns what became of it.
static segments_read_t s_read (delivery_t *self, peer_t *peer, size_t max, int64_t now)
{
    s_forget_shared (self);
    segments_page_t page;
    record_why_t why;
    segments_read_t rc = self->io.read (self->io.arg, peer->cursor, max, &page, &why);
    if (rc == SEGMENTS_PAGE) {
        if (peer->until > 0)
            records_cut (&page, peer->until);
        span_t frame = self->io.frame (self->io.arg, &page);
        frame_share (&self->shared, (void *)frame.data, frame.size, frame_free_hint, page.buffer);
        self->has_shared = true;
        self->shared_from = peer->cursor;
        self->shared_last = page.last;
        self->shared_size = frame.size;
    } else if (rc == SEGMENTS_GAP) {
        wire_t message = wire (WIRE_GAP, 0, NULL);
        wire_set (&message, WIRE_F_FROM, page.from);
        wire_set (&message, WIRE_F_TO, page.to);
        wire_set (&message, WIRE_F_WHY, why);
        if (s_send (self, peer, &message, now))
            peer->cursor = page.to + 1;
    } else if (rc == SEGMENTS_FAILED)
        s_end (self, peer, WIRE_ERR_READ_FAILED, now);
    return rc;
}

// Serves one reader once. Returns the bytes read or sent for it; 0: it has to wait.
static size_t s_serve (delivery_t *self, peer_t *peer, size_t max_page, int64_t now)
{
    if (peer->until > 0 && peer->cursor > peer->until) {
        s_end (self, peer, peer->why, now);
        return 0;
    }
    if (!delivery_has_credit (peer))
        return 0;
    if (peer_full (peer)) { // nothing is read for it before it has read
        peer->retry = now + DELIVERY_RETRY;
        return 0;
    }
    uint64_t credit = peer->granted - peer->sent;
    size_t max = credit < max_page ? (size_t)credit : max_page;
    bool fits = self->has_shared && self->shared_from == peer->cursor && !peer->until &&
                self->shared_size <= max + BATCH_MAX;
    if (!fits) {
        segments_read_t rc = s_read (self, peer, max, now);
        if (rc == SEGMENTS_LATER)
            return SEGMENTS_STEP;
        if (rc != SEGMENTS_PAGE)
            return peer->follows ? 1 : 0;
    }
    if (!s_sent (self, peer, self->io.push (self->io.arg, peer, &self->shared), now))
        return 0;
    peer->cursor = self->shared_last + 1;
    peer->sent += self->shared_size;
    size_t size = self->shared_size;
    if (peer->until > 0)
        s_forget_shared (self); // was cut for this reader
    return size;
}

bool delivery_turn (delivery_t *self, size_t max_page, int64_t now)
{
    size_t budget = DELIVERY_STEP;
    bool more = false;
    self->retries = false;
    for (size_t left = self->lagging.count; left > 0 && self->lagging.count > 0; left--) {
        if (budget == 0)
            return true;
        if (self->turn >= self->lagging.count)
            self->turn = 0;
        peer_t *peer = self->lagging.peers[self->turn];
        size_t used = peer->retry > now ? 0 : s_serve (self, peer, max_page, now);
        budget -= used < budget ? used : budget;
        self->retries = self->retries || peer->retry > now;
        bool still = self->turn < self->lagging.count && self->lagging.peers[self->turn] == peer;
        if (still && peer->cursor > self->head && !peer->until) {
            s_remove (&self->lagging, peer);
            s_add (&self->at_head, peer);
            still = false;
        }
        if (still) {
            more = more || used > 0;
            self->turn++;
        }
    }
    return more;
}

void delivery_end (delivery_t *self, wire_error_t why)
{
    list_t *lists[] = {&self->at_head, &self->lagging};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = lists[l]->count; i > 0; i--)
            s_end (self, lists[l]->peers[i - 1], why, 0);
}

bool delivery_retries (const delivery_t *self)
{
    return self->retries;
}

size_t delivery_count (const delivery_t *self)
{
    return self->at_head.count + self->lagging.count;
}

size_t delivery_lagging (const delivery_t *self)
{
    return self->lagging.count;
}
