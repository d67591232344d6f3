#include "daemons/group/peers.h"

#include "common/hash.h"
#include "daemons/group/tally.h"

#include <czmq.h>

enum {
    LOOK_MS = 20, // between two looks for idle peers
    IDLE_MS = 500 // so long silent, and nothing going on
};

// The presence of one UUID. Which connections it has does not matter, only when it was last heard.
typedef struct {
    guid_t who;
    int64_t heard;
} session_t;

struct peers {
    zhashx_t *table;
    peer_t *last;       // found last: requests come in rows
    zhashx_t *sessions; // by UUID
    tally_t *by_key;    // of those that are limited
    tally_t *by_address;
    size_t max_peers;
    size_t max_sessions;
    size_t max_per_key;
    size_t max_per_address;
    int64_t lease;
    int64_t looked; // for idle ones
    int64_t now;    // of the last request
    int64_t ended;  // when a session was ended by a leave
};

// A key of the table is a peer_t of which only listener and route count.
static size_t s_hash (const void *key)
{
    const peer_t *peer = key;
    return hash_bytes (peer->route.bytes, peer->route.size) ^ peer->listener;
}

static bool s_is_at (const peer_t *self, size_t listener, const route_t *route)
{
    return self->listener == listener && self->route.size == route->size &&
           memcmp (self->route.bytes, route->bytes, route->size) == 0;
}

static int s_compare (const void *a, const void *b)
{
    const peer_t *right = b;
    return s_is_at (a, right->listener, &right->route) ? 0 : 1;
}

static void s_free_session (void **session_p)
{
    free (*session_p);
    *session_p = NULL;
}

static zhashx_t *s_table (size_t (*hasher) (const void *),
                          int (*compare) (const void *, const void *))
{
    zhashx_t *table = zhashx_new ();
    zhashx_set_key_hasher (table, hasher);
    zhashx_set_key_comparator (table, compare);
    zhashx_set_key_duplicator (table, NULL);
    zhashx_set_key_destructor (table, NULL);
    return table;
}

peers_t *peers_new (size_t max_peers, size_t max_sessions, int64_t lease)
{
    peers_t *self = zmalloc (sizeof *self);
    self->table = s_table (s_hash, s_compare);
    self->sessions = s_table (hash_guid, hash_guid_compare);
    zhashx_set_destructor (self->sessions, s_free_session);
    self->by_key = tally_new ();
    self->by_address = tally_new ();
    self->max_per_key = self->max_per_address = SIZE_MAX;
    self->lease = lease;
    self->looked = INT64_MIN / 2;
    self->ended = -1;
    peers_set_limits (self, max_peers, max_sessions);
    return self;
}

void peers_destroy (peers_t **self_p)
{
    peers_t *self = *self_p;
    if (!self)
        return;
    peer_t *peer;
    while ((peer = zhashx_first (self->table)))
        peers_drop (self, peer);
    zhashx_destroy (&self->table);
    zhashx_destroy (&self->sessions);
    tally_destroy (&self->by_key);
    tally_destroy (&self->by_address);
    free (self);
    *self_p = NULL;
}

void peers_set_limits (peers_t *self, size_t max_peers, size_t max_sessions)
{
    self->max_peers = max_peers;
    self->max_sessions = max_sessions;
}

void peers_set_origins (peers_t *self, size_t max_per_key, size_t max_per_address)
{
    self->max_per_key = max_per_key;
    self->max_per_address = max_per_address;
}

peer_t *peer_new (size_t listener, const route_t *route)
{
    peer_t *self = zmalloc (sizeof *self);
    self->listener = listener;
    self->route.size = route->size;
    memcpy (self->route.bytes, route->bytes, route->size);
    self->holds = 1;
    self->granted = WIRE_FIRST_CREDIT;
    return self;
}

void peer_prove (peer_t *self, const uint8_t *key)
{
    self->speaker = speaker_of (key);
}

void peer_limit (peer_t *self, const guid_t *address)
{
    self->address = *address;
    self->limited = true;
}

void peer_hold (peer_t *self)
{
    self->holds++;
}

void peer_release (peer_t **self_p)
{
    peer_t *self = *self_p;
    *self_p = NULL;
    if (!self || --self->holds > 0)
        return;
    frame_mark_destroy (&self->mark);
    free (self->acks.data);
    free (self->errors.data);
    free (self);
}

bool peer_full (const peer_t *self)
{
    return self->unmarked >= PEER_UNREAD && self->mark && frame_mark_pending (self->mark);
}

peer_t *peers_find (peers_t *self, size_t listener, const route_t *route)
{
    if (self->last && s_is_at (self->last, listener, route))
        return self->last;
    peer_t key;
    key.listener = listener;
    key.route = *route;
    self->last = zhashx_lookup (self->table, &key);
    return self->last;
}

static bool s_hear_session (peers_t *self, const guid_t *who, int64_t now)
{
    session_t *session = zhashx_lookup (self->sessions, who->bytes);
    if (!session) {
        if (zhashx_size (self->sessions) >= self->max_sessions)
            return false;
        session = zmalloc (sizeof *session);
        session->who = *who;
        zhashx_insert (self->sessions, session->who.bytes, session);
    }
    session->heard = now;
    return true;
}

peer_t *peers_hear (peers_t *self, size_t listener, const route_t *route, const guid_t *who,
                    int64_t now)
{
    peer_t *known = peers_find (self, listener, route);
    peer_t *peer = known ? known : peer_new (listener, route);
    bool refused = peers_know (self, peer, who, now) != NULL;
    peer_t *found = refused ? NULL : peer;
    if (!known)
        peer_release (&peer); // the table holds it, or nobody
    return found;
}

static bool s_same_key (const peer_t *a, const peer_t *b)
{
    return a->speaker.proved && b->speaker.proved &&
           guid_equal (&a->speaker.guid, &b->speaker.guid);
}

// Nothing tells when a connection is closed, so a script that opens one after the other would soon
// have as many as it may. Those like `peer` (of its key, or of its address) for which nothing goes
// on are forgotten; one that lives is known again with its next request.
static void s_make_room (peers_t *self, const peer_t *peer, int64_t now)
{
    if (now < self->looked + LOOK_MS)
        return; // it costs a look at all of them
    self->looked = now;
    zlistx_t *idle = zlistx_new ();
    for (peer_t *one = zhashx_first (self->table); one; one = zhashx_next (self->table))
        if (one->limited && !one->follows && !one->page && now - one->heard >= IDLE_MS &&
            (s_same_key (one, peer) || guid_equal (&one->address, &peer->address)))
            zlistx_add_end (idle, one);
    for (peer_t *one = zlistx_first (idle); one; one = zlistx_next (idle))
        peers_drop (self, one);
    zlistx_destroy (&idle);
}

static const char *s_origin_limit (const peers_t *self, const peer_t *peer)
{
    if (!peer->limited)
        return NULL;
    if (peer->speaker.proved &&
        tally_count (self->by_key, &peer->speaker.guid) >= self->max_per_key)
        return "max_sessions_per_key";
    if (tally_count (self->by_address, &peer->address) >= self->max_per_address)
        return "max_sessions_per_address";
    return NULL;
}

// Why a new peer cannot be taken into the table.
static const char *s_limit (peers_t *self, const peer_t *peer, int64_t now)
{
    if (s_origin_limit (self, peer))
        s_make_room (self, peer, now);
    if (zhashx_size (self->table) >= self->max_peers)
        return "max_sessions";
    return s_origin_limit (self, peer);
}

static void s_insert (peers_t *self, peer_t *peer)
{
    peer->known = true;
    peer_hold (peer);
    zhashx_insert (self->table, peer, peer);
    if (peer->limited && peer->speaker.proved)
        tally_add (self->by_key, &peer->speaker.guid);
    if (peer->limited)
        tally_add (self->by_address, &peer->address);
}

const char *peers_know (peers_t *self, peer_t *peer, const guid_t *who, int64_t now)
{
    self->now = now;
    if (peer->known && peer->heard == now && self->ended != now &&
        guid_equal (&peer->last_who, who))
        return NULL; // many requests come in one millisecond
    const char *limit = peer->known ? NULL : s_limit (self, peer, now);
    if (limit)
        return limit;
    if (!guid_is_null (who) && !s_hear_session (self, who, now))
        return "max_sessions";
    if (!peer->known)
        s_insert (self, peer);
    peer->heard = now;
    peer->last_who = *who;
    return NULL;
}

void peers_drop (peers_t *self, peer_t *peer)
{
    if (!peer->known)
        return;
    peer->known = false;
    if (self->last == peer)
        self->last = NULL;
    zhashx_delete (self->table, peer);
    if (peer->limited && peer->speaker.proved)
        tally_remove (self->by_key, &peer->speaker.guid);
    if (peer->limited)
        tally_remove (self->by_address, &peer->address);
    peer_release (&peer);
}

void peers_replace (peers_t *self, peer_t *peer)
{
    peer->replaced = true;
    if (!guid_is_null (&peer->last_who))
        peers_end_sessions (self, &peer->last_who);
    peers_drop (self, peer);
}

void peers_expire (peers_t *self, int64_t now, void (*gone) (void *arg, peer_t *peer), void *arg)
{
    zlistx_t *old = zlistx_new ();
    for (peer_t *peer = zhashx_first (self->table); peer; peer = zhashx_next (self->table))
        if (now - peer->heard > self->lease)
            zlistx_add_end (old, peer);
    for (peer_t *peer = zlistx_first (old); peer; peer = zlistx_next (old)) {
        gone (arg, peer);
        peers_drop (self, peer);
    }
    zlistx_purge (old);
    for (session_t *one = zhashx_first (self->sessions); one; one = zhashx_next (self->sessions))
        if (now - one->heard > self->lease)
            zlistx_add_end (old, one);
    for (session_t *one = zlistx_first (old); one; one = zlistx_next (old))
        zhashx_delete (self->sessions, one->who.bytes);
    zlistx_destroy (&old);
}

bool peers_present (const peers_t *self, const guid_t *who)
{
    return zhashx_lookup (self->sessions, who->bytes) != NULL;
}

size_t peers_online (const peers_t *self)
{
    return zhashx_size (self->sessions);
}

size_t peers_count (const peers_t *self)
{
    return zhashx_size (self->table);
}

peer_t *peers_first (peers_t *self)
{
    return zhashx_first (self->table);
}

peer_t *peers_next (peers_t *self)
{
    return zhashx_next (self->table);
}

void peers_end_sessions (peers_t *self, const guid_t *who)
{
    zhashx_delete (self->sessions, who->bytes);
    self->ended = self->now;
}
