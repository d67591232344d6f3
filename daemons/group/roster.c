#include "daemons/group/roster.h"

#include "common/hash.h"
#include "daemons/group/devices.h"
#include "daemons/group/nicks.h"

#include <czmq.h>

// What a member is at one of the two faces.
typedef struct {
    bool joined;
    int64_t seen;
    char nick[TEXT_NICK_MAX + 1];
} face_t;

typedef struct {
    guid_t who;
    face_t now;
    face_t next;
    bool touched; // is in roster.touched
    devices_t devices;
    size_t pending; // requests that wait for an answer
} member_t;

typedef struct {
    guid_t author;
    char nick[TEXT_NICK_MAX + 1];
    int64_t time;
    char *text; // NULL: none
} topic_t;

struct roster {
    zhashx_t *members; // by UUID; all that are members at either face
    member_t **last;   // who was looked up last: a request asks for the same one many times
    nicks_t *nicks;    // which member has which nick next
    standing_t *standing;
    size_t count; // members now
    size_t next_count;
    uint64_t version; // of who is a member now
    topic_t topic;
    topic_t next_topic;
    bool topic_touched;
    member_t **touched;
    size_t touched_count;
    size_t touched_room;
    member_t **sorted; // members by UUID, NULL: to be made again
    size_t sorted_count;
};

static void s_member_free (void **member_p)
{
    member_t *member = *member_p;
    devices_clear (&member->devices);
    free (member);
    *member_p = NULL;
}

roster_t *roster_new (void)
{
    roster_t *self = zmalloc (sizeof *self);
    self->members = zhashx_new ();
    zhashx_set_key_hasher (self->members, hash_guid);
    zhashx_set_key_comparator (self->members, hash_guid_compare);
    zhashx_set_key_duplicator (self->members, NULL);
    zhashx_set_key_destructor (self->members, NULL);
    zhashx_set_destructor (self->members, s_member_free);
    self->last = zmalloc (sizeof *self->last);
    self->nicks = nicks_new ();
    self->standing = standing_new ();
    return self;
}

void roster_destroy (roster_t **self_p)
{
    roster_t *self = *self_p;
    if (!self)
        return;
    zhashx_destroy (&self->members);
    free (self->last);
    nicks_destroy (&self->nicks);
    standing_destroy (&self->standing);
    if (self->next_topic.text != self->topic.text)
        free (self->next_topic.text);
    free (self->topic.text);
    free (self->touched);
    free (self->sorted);
    free (self);
    *self_p = NULL;
}

static member_t *s_member (const roster_t *self, const guid_t *who)
{
    if (!*self->last || !guid_equal (&(*self->last)->who, who))
        *self->last = zhashx_lookup (self->members, who->bytes);
    return *self->last;
}

// ---- Judging

static member_t *s_begin (roster_t *self, const guid_t *who, record_kind_t kind, verdict_t *verdict)
{
    memset (verdict, 0, sizeof *verdict);
    verdict->record.kind = kind;
    verdict->record.author = *who;
    member_t *member = s_member (self, who);
    if (!member || !member->next.joined) {
        verdict->error = WIRE_ERR_NOT_MEMBER;
        return NULL;
    }
    verdict->record.nick = span_of (member->next.nick);
    return member;
}

void roster_judge_join (roster_t *self, const guid_t *who, span_t nick, size_t max_members,
                        verdict_t *verdict)
{
    member_t *member = s_begin (self, who, RECORD_JOIN, verdict);
    if (member) {
        strcpy (verdict->nick, member->next.nick);
        return;
    }
    verdict->error = WIRE_ERR_NONE;
    if (nick.size > 0 && !text_nick_valid ((const char *)nick.data, nick.size))
        verdict->error = WIRE_ERR_BAD_NICK;
    else if (guid_is_null (who))
        verdict->error = WIRE_ERR_BAD_REQUEST;
    else if (self->next_count >= max_members)
        verdict->error = WIRE_ERR_LIMIT;
    if (verdict->error)
        return;
    if (nick.size > 0)
        nicks_find_free (self->nicks, (const char *)nick.data, nick.size, verdict->nick);
    verdict->record.nick = span_of (verdict->nick);
    verdict->append = true;
}

void roster_judge_rejoin (roster_t *self, const guid_t *who, verdict_t *verdict)
{
    member_t *member = s_begin (self, who, RECORD_JOIN, verdict);
    if (!member)
        return;
    strcpy (verdict->nick, member->next.nick);
    verdict->append = true;
}

void roster_judge_leave (roster_t *self, const guid_t *who, verdict_t *verdict)
{
    if (s_begin (self, who, RECORD_LEAVE, verdict))
        verdict->append = true;
}

void roster_judge_nick (roster_t *self, const guid_t *who, span_t nick, verdict_t *verdict)
{
    member_t *member = s_begin (self, who, RECORD_NICK, verdict);
    if (!member)
        return;
    if (!text_nick_valid ((const char *)nick.data, nick.size)) {
        verdict->error = WIRE_ERR_BAD_NICK;
        return;
    }
    if (span_equal (nick, span_of (member->next.nick)))
        return;
    member_t *holder = nicks_holder (self->nicks, (const char *)nick.data, nick.size);
    if (holder && holder != member) {
        verdict->error = WIRE_ERR_NICK_TAKEN;
        return;
    }
    verdict->record.nick = nick;
    verdict->append = true;
}

void roster_judge_topic (roster_t *self, const guid_t *who, span_t topic, verdict_t *verdict)
{
    if (!s_begin (self, who, RECORD_TOPIC, verdict))
        return;
    if (span_equal (topic, span_of (self->next_topic.text)))
        return;
    verdict->record.text = topic;
    verdict->append = true;
}

void roster_judge_act (roster_t *self, const guid_t *who, record_kind_t kind, verdict_t *verdict)
{
    if (s_begin (self, who, kind, verdict))
        verdict->append = true;
}

void roster_judge_send (roster_t *self, const guid_t *who, const record_send_t *send, span_t text,
                        verdict_t *verdict)
{
    member_t *member = s_begin (self, who, RECORD_MESSAGE, verdict);
    if (!member)
        return;
    sends_t *device = send->counter > 0 ? devices_find (&member->devices, send->device) : NULL;
    if (device)
        verdict->error = sends_judge (device, send, &verdict->seq);
    else if (send->counter > 1)
        verdict->error = WIRE_ERR_UNKNOWN_DEVICE;
    if (verdict->error || verdict->seq > 0)
        return;
    verdict->record.send = *send;
    verdict->record.text = text;
    verdict->append = true;
}

// ---- The fold

static void s_touch (roster_t *self, member_t *member)
{
    if (member->touched)
        return;
    member->touched = true;
    if (self->touched_count == self->touched_room) {
        self->touched_room = self->touched_room ? 2 * self->touched_room : 64;
        self->touched = realloc (self->touched, self->touched_room * sizeof (member_t *));
        assert (self->touched);
    }
    self->touched[self->touched_count++] = member;
}

static void s_set_nick (roster_t *self, member_t *member, span_t nick)
{
    nicks_release (self->nicks, member->next.nick, member);
    if (nick.size > TEXT_NICK_MAX)
        nick.size = 0; // no record of ours has one
    if (nick.size > 0)
        memcpy (member->next.nick, nick.data, nick.size);
    member->next.nick[nick.size] = 0;
    nicks_take (self->nicks, member->next.nick, member);
}

static void s_set_joined (roster_t *self, member_t *member, bool joined)
{
    if (member->next.joined != joined)
        self->next_count += joined ? 1 : (size_t)-1;
    member->next.joined = joined;
    if (!joined)
        devices_leave (&member->devices);
}

static member_t *s_add (roster_t *self, const guid_t *who)
{
    member_t *member = s_member (self, who);
    if (!member) {
        member = zmalloc (sizeof *member);
        member->who = *who;
        zhashx_insert (self->members, member->who.bytes, member);
    }
    return member;
}

static void s_put_topic (roster_t *self, const record_t *record)
{
    topic_t *next = &self->next_topic;
    if (next->text != self->topic.text)
        free (next->text);
    next->author = record->author;
    next->time = record->time;
    size_t nick = record->nick.size > TEXT_NICK_MAX ? 0 : record->nick.size;
    snprintf (next->nick, sizeof next->nick, "%.*s", (int)nick, (const char *)record->nick.data);
    next->text =
        record->text.size ? strndup ((const char *)record->text.data, record->text.size) : NULL;
    self->topic_touched = true;
}

static void s_join (roster_t *self, member_t *member, span_t nick)
{
    s_set_joined (self, member, true);
    s_set_nick (self, member, nick);
}

static void s_leave (roster_t *self, member_t *member)
{
    s_set_joined (self, member, false);
    s_set_nick (self, member, span (NULL, 0));
}

// What the author does to itself.
static void s_put_own (roster_t *self, member_t *member, const record_t *record)
{
    s_touch (self, member);
    if (record->time > member->next.seen)
        member->next.seen = record->time;
    switch (record->kind) {
    case RECORD_JOIN:
        s_join (self, member, record->nick);
        break;
    case RECORD_LEAVE:
        s_leave (self, member);
        break;
    case RECORD_NICK:
        s_set_nick (self, member, record->nick);
        break;
    case RECORD_MESSAGE:
    case RECORD_STATE_DEVICE:
        devices_put (&member->devices, record);
        break;
    default:
        break;
    }
}

// Somebody is put out of the group.
static void s_put_removal (roster_t *self, const record_t *record)
{
    span_t subject = record_option (record, RECORD_OPT_SUBJECT);
    member_t *member =
        subject.size == GUID_SIZE ? zhashx_lookup (self->members, subject.data) : NULL;
    if (!member)
        return;
    s_touch (self, member);
    s_leave (self, member);
}

void roster_put (roster_t *self, const record_t *record)
{
    standing_put (self->standing, record);
    member_t *member = record->kind == RECORD_JOIN ? s_add (self, &record->author)
                                                   : s_member (self, &record->author);
    if (member)
        s_put_own (self, member, record);
    if (record->kind == RECORD_TOPIC)
        s_put_topic (self, record);
    if (record->kind == RECORD_KICK || record->kind == RECORD_BAN)
        s_put_removal (self, record);
}

// A member that has left, or never came to be, is forgotten.
static void s_drop_if_gone (roster_t *self, member_t *member)
{
    member->touched = false;
    if (member->now.joined)
        return;
    if (*self->last == member)
        *self->last = NULL;
    zhashx_delete (self->members, member->who.bytes);
}

void roster_commit (roster_t *self)
{
    standing_commit (self->standing);
    for (size_t i = 0; i < self->touched_count; i++) {
        member_t *member = self->touched[i];
        if (member->now.joined != member->next.joined) {
            free (self->sorted);
            self->sorted = NULL;
            self->version++;
        }
        member->now = member->next;
        devices_commit (&member->devices);
        s_drop_if_gone (self, member);
    }
    self->touched_count = 0;
    self->count = self->next_count;
    if (self->topic_touched) {
        if (self->topic.text != self->next_topic.text)
            free (self->topic.text);
        self->topic = self->next_topic;
        self->topic_touched = false;
    }
}

void roster_discard (roster_t *self)
{
    standing_discard (self->standing);
    for (size_t i = 0; i < self->touched_count; i++)
        nicks_release (self->nicks, self->touched[i]->next.nick, self->touched[i]);
    for (size_t i = 0; i < self->touched_count; i++) {
        member_t *member = self->touched[i];
        member->next = member->now;
        nicks_take (self->nicks, member->now.nick, member);
        devices_discard (&member->devices);
        s_drop_if_gone (self, member);
    }
    self->touched_count = 0;
    self->next_count = self->count;
    if (self->topic_touched) {
        if (self->next_topic.text != self->topic.text)
            free (self->next_topic.text);
        self->next_topic = self->topic;
        self->topic_touched = false;
    }
}

// ---- STATE

void roster_state (const roster_t *self, void (*put) (void *arg, const record_t *record), void *arg)
{
    if (self->topic.text) {
        record_t record = {.kind = RECORD_TOPIC,
                           .time = self->topic.time,
                           .author = self->topic.author,
                           .nick = span_of (self->topic.nick),
                           .text = span_of (self->topic.text)};
        put (arg, &record);
    }
    for (member_t *member = zhashx_first (self->members); member;
         member = zhashx_next (self->members)) {
        if (!member->now.joined)
            continue;
        unsigned stands = standing_now (self->standing, &member->who)->flags;
        record_t record = {.kind = RECORD_JOIN,
                           .flags = (uint8_t)(stands & STANDING_BOUND ? RECORD_VERIFIED : 0),
                           .time = member->now.seen,
                           .author = member->who,
                           .nick = span_of (member->now.nick)};
        put (arg, &record);
        devices_state (&member->devices, &member->who, member->now.seen, put, arg);
    }
    standing_state (self->standing, put, arg);
}

// ---- Now

const standing_t *roster_standing (const roster_t *self)
{
    return self->standing;
}

bool roster_is_member (roster_t *self, const guid_t *who)
{
    member_t *member = s_member (self, who);
    return member && member->now.joined;
}

size_t roster_count (const roster_t *self)
{
    return self->count;
}

uint64_t roster_version (const roster_t *self)
{
    return self->version;
}

const char *roster_topic (const roster_t *self)
{
    return self->topic.text ? self->topic.text : "";
}

const char *roster_nick (roster_t *self, const guid_t *who)
{
    member_t *member = s_member (self, who);
    return member && member->now.joined ? member->now.nick : NULL;
}

bool roster_is_next (const roster_t *self, const guid_t *who)
{
    const member_t *member = s_member (self, who);
    return member && member->next.joined;
}

static int s_by_who (const void *a, const void *b)
{
    return hash_guid_compare ((*(member_t *const *)a)->who.bytes,
                              (*(member_t *const *)b)->who.bytes);
}

static void s_sort (roster_t *self)
{
    self->sorted = malloc ((self->count + 1) * sizeof (member_t *));
    assert (self->sorted);
    self->sorted_count = 0;
    for (member_t *member = zhashx_first (self->members); member;
         member = zhashx_next (self->members))
        if (member->now.joined)
            self->sorted[self->sorted_count++] = member;
    qsort (self->sorted, self->sorted_count, sizeof (member_t *), s_by_who);
}

bool roster_next (roster_t *self, const guid_t *after, guid_t *who)
{
    if (!self->sorted)
        s_sort (self);
    size_t low = 0, high = self->sorted_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (hash_guid_compare (self->sorted[middle]->who.bytes, after->bytes) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == self->sorted_count)
        return false;
    *who = self->sorted[low]->who;
    return true;
}

int64_t roster_seen (roster_t *self, const guid_t *who)
{
    member_t *member = s_member (self, who);
    return member && member->now.joined ? member->now.seen : 0;
}

void roster_set_seen (roster_t *self, const guid_t *who, int64_t time)
{
    member_t *member = s_member (self, who);
    if (!member)
        return;
    if (time > member->now.seen)
        member->now.seen = time;
    if (time > member->next.seen)
        member->next.seen = time;
}

size_t roster_count_pending (roster_t *self, const guid_t *who, int change)
{
    member_t *member = s_member (self, who);
    if (!member)
        return 0;
    // Who left and came back between may have fewer than are answered.
    if (change > 0 || member->pending > 0)
        member->pending += (size_t)change;
    return member->pending;
}
