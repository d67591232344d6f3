#include "daemons/group/roster.h"

#include "common/hash.h"
#include "daemons/group/nicks.h"
#include "daemons/group/sends.h"

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
    sends_t **devices;
    size_t count;
    size_t left;    // so many, the first ones, are gone next: a leave forgets all devices
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
    nicks_t *nicks;    // which member has which nick next
    size_t count;      // members now
    size_t next_count;
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
    for (size_t i = 0; i < member->count; i++)
        sends_destroy (&member->devices[i]);
    free (member->devices);
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
    self->nicks = nicks_new ();
    return self;
}

void roster_destroy (roster_t **self_p)
{
    roster_t *self = *self_p;
    if (!self)
        return;
    zhashx_destroy (&self->members);
    nicks_destroy (&self->nicks);
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
    return zhashx_lookup (self->members, who->bytes);
}

static sends_t *s_device (const member_t *member, const uint8_t name[RECORD_DEVICE])
{
    for (size_t i = member->left; i < member->count; i++)
        if (memcmp (sends_device (member->devices[i]), name, RECORD_DEVICE) == 0)
            return member->devices[i];
    return NULL;
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

void roster_judge_send (roster_t *self, const guid_t *who, const record_send_t *send, span_t text,
                        verdict_t *verdict)
{
    member_t *member = s_begin (self, who, RECORD_MESSAGE, verdict);
    if (!member)
        return;
    sends_t *device = send->counter > 0 ? s_device (member, send->device) : NULL;
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
        member->left = member->count;
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

static bool s_less_used (const sends_t *a, const sends_t *b)
{
    return sends_used (a) < sends_used (b);
}

// One job can bring more devices than a member may have. Of those that are not durable the one
// unused longest gives way at once: it would at the job's end.
static void s_bound_new_devices (member_t *member)
{
    size_t count = 0, oldest = member->count;
    for (size_t i = member->left; i < member->count; i++) {
        if (!sends_are_new (member->devices[i]))
            continue;
        count++;
        if (oldest == member->count || s_less_used (member->devices[i], member->devices[oldest]))
            oldest = i;
    }
    if (count < ROSTER_DEVICES)
        return;
    sends_destroy (&member->devices[oldest]);
    member->devices[oldest] = member->devices[--member->count];
}

static void s_put_send (member_t *member, const record_t *record)
{
    if (record->send.counter == 0)
        return;
    sends_t *device = s_device (member, record->send.device);
    if (!device) {
        s_bound_new_devices (member);
        device = sends_new (record->send.device);
        member->devices = realloc (member->devices, (member->count + 1) * sizeof (sends_t *));
        assert (member->devices);
        member->devices[member->count++] = device;
    }
    if (record->kind == RECORD_STATE_DEVICE)
        sends_restore (device, record->send.counter, record_option (record, RECORD_OPT_SENDS));
    else
        sends_put (device, &record->send, record->seq);
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

void roster_put (roster_t *self, const record_t *record)
{
    member_t *member = record->kind == RECORD_JOIN ? s_add (self, &record->author)
                                                   : s_member (self, &record->author);
    if (member) {
        s_touch (self, member);
        if (record->time > member->next.seen)
            member->next.seen = record->time;
    }
    if (record->kind == RECORD_TOPIC)
        s_put_topic (self, record);
    if (!member)
        return;
    switch (record->kind) {
    case RECORD_JOIN:
        s_set_joined (self, member, true);
        s_set_nick (self, member, record->nick);
        break;
    case RECORD_LEAVE:
        s_set_joined (self, member, false);
        s_set_nick (self, member, span (NULL, 0));
        break;
    case RECORD_NICK:
        s_set_nick (self, member, record->nick);
        break;
    case RECORD_MESSAGE:
    case RECORD_STATE_DEVICE:
        s_put_send (member, record);
        break;
    default:
        break;
    }
}

// Forgets the devices up to `to` that are not durable; with `all`, the others too.
static void s_forget_devices (member_t *member, size_t to, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < member->count; i++) {
        if (i < to && (all || sends_are_new (member->devices[i])))
            sends_destroy (&member->devices[i]);
        else
            member->devices[kept++] = member->devices[i];
    }
    member->count = kept;
    member->left = 0;
}

// The device unused longest gives way while there are too many.
static void s_bound_devices (member_t *member)
{
    while (member->count > ROSTER_DEVICES) {
        size_t oldest = 0;
        for (size_t i = 1; i < member->count; i++)
            if (s_less_used (member->devices[i], member->devices[oldest]))
                oldest = i;
        sends_destroy (&member->devices[oldest]);
        member->devices[oldest] = member->devices[--member->count];
    }
}

// A member that has left, or never came to be, is forgotten.
static void s_drop_if_gone (roster_t *self, member_t *member)
{
    member->touched = false;
    if (!member->now.joined)
        zhashx_delete (self->members, member->who.bytes);
}

void roster_commit (roster_t *self)
{
    for (size_t i = 0; i < self->touched_count; i++) {
        member_t *member = self->touched[i];
        if (member->now.joined != member->next.joined) {
            free (self->sorted);
            self->sorted = NULL;
        }
        member->now = member->next;
        s_forget_devices (member, member->left, true);
        for (size_t j = 0; j < member->count; j++)
            sends_commit (member->devices[j]);
        s_bound_devices (member);
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
    for (size_t i = 0; i < self->touched_count; i++)
        nicks_release (self->nicks, self->touched[i]->next.nick, self->touched[i]);
    for (size_t i = 0; i < self->touched_count; i++) {
        member_t *member = self->touched[i];
        member->next = member->now;
        nicks_take (self->nicks, member->now.nick, member);
        s_forget_devices (member, member->count, false);
        for (size_t j = 0; j < member->count; j++)
            sends_discard (member->devices[j]);
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

static void s_state_devices (const member_t *member, void (*put) (void *, const record_t *),
                             void *arg)
{
    uint8_t *sends = malloc (SENDS_STATE_MAX);
    uint8_t *options = malloc (SENDS_STATE_MAX + 16);
    assert (sends && options);
    for (size_t i = 0; i < member->count; i++) {
        if (sends_are_new (member->devices[i]))
            continue;
        writer_t out = writer (sends, SENDS_STATE_MAX);
        record_t record = {
            .kind = RECORD_STATE_DEVICE, .time = member->now.seen, .author = member->who};
        memcpy (record.send.device, sends_device (member->devices[i]), RECORD_DEVICE);
        record.send.counter = sends_state (member->devices[i], &out);
        writer_t option = writer (options, SENDS_STATE_MAX + 16);
        record_put_option (&option, RECORD_OPT_SENDS, sends, writer_used (&out));
        record.options = span (options, writer_used (&option));
        put (arg, &record);
    }
    free (sends);
    free (options);
}

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
        record_t record = {.kind = RECORD_JOIN,
                           .time = member->now.seen,
                           .author = member->who,
                           .nick = span_of (member->now.nick)};
        put (arg, &record);
        s_state_devices (member, put, arg);
    }
}

// ---- Now

bool roster_is_member (roster_t *self, const guid_t *who)
{
    member_t *member = s_member (self, who);
    return member && member->now.joined;
}

size_t roster_count (const roster_t *self)
{
    return self->count;
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
