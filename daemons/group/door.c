#include "daemons/group/door.h"

#include "common/endpoint.h"

// The peer as known, if it is still the same: another key in its place is another peer.
static peer_t *s_find (const door_t *self, size_t listener, const route_t *route,
                       const uint8_t *key)
{
    peer_t *peer = peers_find (self->peers, listener, route);
    if (!peer || speaker_is (&peer->speaker, key))
        return peer;
    delivery_unfollow (self->delivery, peer);
    history_drop (self->history, peer);
    peers_replace (self->peers, peer);
    return NULL;
}

static peer_t *s_new (const pending_t *request, size_t listener, const route_t *route)
{
    peer_t *peer = peer_new (listener, route);
    const char *address = frame_peer (&request->frame);
    bool local = !*address || endpoint_host_is_loopback (address);
    peer_prove (peer, request->proved ? request->speaker : NULL);
    if (request->proved || !local) {
        guid_t place = limits_address (address);
        peer_limit (peer, &place);
    }
    return peer;
}

wire_error_t door_speak (const door_t *self, const peer_t *peer, const guid_t *who)
{
    rights_voice_t voice;
    if (guid_is_null (who))
        return WIRE_ERR_NONE; // PING, for nobody
    return rights_speak (self->rights, false, &peer->speaker, who, &voice);
}

static const char *s_hear (const door_t *self, peer_t *peer, const guid_t *who, int64_t now,
                           int64_t mono)
{
    static const guid_t nobody;
    bool member = roster_is_member (self->roster, who);
    if (!member && !peer->known)
        return NULL; // strangers take no room
    const char *limit = peers_know (self->peers, peer, member ? who : &nobody, mono);
    if (member)
        roster_set_seen (self->roster, who, now);
    return limit;
}

visitor_t door_meet (const door_t *self, const pending_t *request, size_t listener,
                     const route_t *route, const guid_t *who, wire_error_t error, int64_t now,
                     int64_t mono)
{
    visitor_t visitor = {
        .peer = s_find (self, listener, route, request->proved ? request->speaker : NULL)};
    if (visitor.peer)
        peer_hold (visitor.peer);
    else
        visitor.peer = s_new (request, listener, route);
    visitor.refusal = error ? error : door_speak (self, visitor.peer, who);
    if (!visitor.refusal)
        visitor.limit = s_hear (self, visitor.peer, who, now, mono);
    return visitor;
}

void door_joined (const door_t *self, peer_t *peer, const guid_t *who, int64_t mono)
{
    const peer_t *there = peers_find (self->peers, peer->listener, &peer->route);
    if (!peer->replaced && (!there || there == peer))
        peers_know (self->peers, peer, who, mono);
}

visitor_t door_meet_original (const door_t *self, const pending_t *request, size_t listener,
                              const route_t *route, const guid_t *who)
{
    visitor_t visitor = {.peer = s_new (request, listener, route)};
    visitor.refusal = door_speak (self, visitor.peer, who);
    return visitor;
}

uint32_t door_wait (const door_t *self, const peer_t *peer, wire_kind_t kind, const guid_t *who,
                    int64_t mono, const char **name)
{
    bool by_address = kind == WIRE_JOIN || !roster_is_member (self->roster, who);
    limits_kind_t what = LIMITS_SEND; // or anything else that makes a record
    if (!peer->limited || kind == WIRE_PING || kind == WIRE_CREDIT)
        return 0;
    if (kind == WIRE_JOIN)
        what = LIMITS_JOIN;
    else if (kind == WIRE_WHO || kind == WIRE_PAGE || kind == WIRE_FOLLOW)
        what = LIMITS_HISTORY;
    return limits_take (self->limits, what, by_address ? &peer->address : who, mono, name);
}
