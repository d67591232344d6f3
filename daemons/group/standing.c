#include "daemons/group/standing.h"

#include "common/hash.h"
#include "daemons/group/uses.h"

#include <czmq.h>

enum {
    // What operators said is kept for ever, what a person did itself while there is room.
    SAID = STANDING_BANNED | STANDING_MUTED | STANDING_INVITED,
    ENDED_BY_KICK = STANDING_OPERATOR | STANDING_INVITED | STANDING_ADMITTED
};

// Items of one size, never changed: both faces may share one.
struct stand_list {
    size_t count;
    uint8_t bytes[];
};

typedef struct person person_t;

struct person {
    guid_t who;
    stand_t now;
    stand_t next;
    bool touched;  // is in standing.touched
    bool departed; // is in the list of those that are gone
    person_t *older;
    person_t *newer;
};

struct standing {
    zhashx_t *persons; // by UUID
    person_t **last;   // who was looked up last: a request asks for the same one many times
    uses_t *uses;
    person_t **touched;
    size_t touched_count;
    size_t touched_room;
    person_t *oldest; // of those that are gone
    person_t *newest;
    size_t departed;
    uint64_t version;
};

static const stand_t s_nothing;

static void s_free_lists (const stand_t *stand, const stand_t *but)
{
    if (stand->keys != but->keys)
        free ((void *)stand->keys);
    if (stand->redeemed != but->redeemed)
        free ((void *)stand->redeemed);
}

static void s_person_free (void **person_p)
{
    person_t *person = *person_p;
    s_free_lists (&person->next, &person->now);
    s_free_lists (&person->now, &s_nothing);
    free (person);
    *person_p = NULL;
}

standing_t *standing_new (void)
{
    standing_t *self = zmalloc (sizeof *self);
    self->persons = zhashx_new ();
    zhashx_set_key_hasher (self->persons, hash_guid);
    zhashx_set_key_comparator (self->persons, hash_guid_compare);
    zhashx_set_key_duplicator (self->persons, NULL);
    zhashx_set_key_destructor (self->persons, NULL);
    zhashx_set_destructor (self->persons, s_person_free);
    self->last = zmalloc (sizeof *self->last);
    self->uses = uses_new ();
    return self;
}

void standing_destroy (standing_t **self_p)
{
    standing_t *self = *self_p;
    if (!self)
        return;
    zhashx_destroy (&self->persons);
    uses_destroy (&self->uses);
    free (self->last);
    free (self->touched);
    free (self);
    *self_p = NULL;
}

static person_t *s_person (const standing_t *self, const guid_t *who)
{
    if (*self->last && guid_equal (&(*self->last)->who, who))
        return *self->last;
    if (zhashx_size (self->persons) == 0)
        return NULL; // as a rule where nothing but plain connections is served
    person_t *person = zhashx_lookup (self->persons, who->bytes);
    if (person)
        *self->last = person;
    return person;
}

const stand_t *standing_now (const standing_t *self, const guid_t *who)
{
    const person_t *person = s_person (self, who);
    return person ? &person->now : &s_nothing;
}

const stand_t *standing_next (const standing_t *self, const guid_t *who)
{
    const person_t *person = s_person (self, who);
    return person ? &person->next : &s_nothing;
}

uint64_t standing_uses (const standing_t *self, const guid_t *invitation)
{
    return uses_count (self->uses, invitation);
}

uint64_t standing_version (const standing_t *self)
{
    return self->version;
}

// A look-up moves the table's cursor: so first they are gathered.
void standing_each (const standing_t *self, unsigned flags,
                    void (*put) (void *arg, const guid_t *who), void *arg)
{
    size_t count = 0;
    guid_t *list = malloc ((zhashx_size (self->persons) + 1) * sizeof *list);
    assert (list);
    for (const person_t *person = zhashx_first (self->persons); person;
         person = zhashx_next (self->persons))
        if (person->now.flags & flags)
            list[count++] = person->who;
    for (size_t i = 0; i < count; i++)
        put (arg, &list[i]);
    free (list);
}

// ---- Lists

static size_t s_find (const stand_list_t *list, const uint8_t *item, size_t size)
{
    size_t count = list ? list->count : 0;
    for (size_t i = 0; i < count; i++)
        if (memcmp (list->bytes + i * size, item, size) == 0)
            return i;
    return SIZE_MAX;
}

static stand_list_t *s_list (const uint8_t *items, size_t count, size_t size)
{
    stand_list_t *list = malloc (sizeof *list + (count + 1) * size);
    assert (list);
    list->count = count;
    if (count > 0)
        memcpy (list->bytes, items, count * size);
    return list;
}

// The list with one more behind it; the same one when it has it, or has no room.
static const stand_list_t *s_with (const stand_list_t *list, const uint8_t *item, size_t size,
                                   size_t max)
{
    size_t count = list ? list->count : 0;
    if (count >= max || s_find (list, item, size) != SIZE_MAX)
        return list;
    stand_list_t *more = s_list (list ? list->bytes : NULL, count, size);
    memcpy (more->bytes + count * size, item, size);
    more->count = count + 1;
    return more;
}

// The list without it, NULL for an empty one; the same one when it does not have it.
static const stand_list_t *s_without (const stand_list_t *list, const uint8_t *item, size_t size)
{
    size_t at = s_find (list, item, size);
    if (at == SIZE_MAX)
        return list;
    if (list->count == 1)
        return NULL;
    stand_list_t *less = s_list (list->bytes, list->count - 1, size);
    memcpy (less->bytes + at * size, list->bytes + (at + 1) * size, (list->count - at - 1) * size);
    return less;
}

static void s_set_list (const stand_list_t **next, const stand_list_t *now,
                        const stand_list_t *list)
{
    if (*next != now && *next != list)
        free ((void *)*next);
    *next = list;
}

bool stand_has_key (const stand_t *self, const uint8_t key[STANDING_KEY])
{
    return s_find (self->keys, key, STANDING_KEY) != SIZE_MAX;
}

bool stand_speaks (const stand_t *self, const guid_t *who, const uint8_t key[STANDING_KEY],
                   const guid_t *key_guid)
{
    if (guid_equal (who, key_guid) && !(self->flags & STANDING_KEYLESS))
        return true;
    return stand_has_key (self, key);
}

size_t stand_key_count (const stand_t *self)
{
    return self->keys ? self->keys->count : 0;
}

const uint8_t *stand_key (const stand_t *self, size_t index)
{
    assert (index < stand_key_count (self));
    return self->keys->bytes + index * STANDING_KEY;
}

bool stand_redeemed (const stand_t *self, const guid_t *invitation)
{
    return s_find (self->redeemed, invitation->bytes, GUID_SIZE) != SIZE_MAX;
}

size_t stand_redeemed_count (const stand_t *self)
{
    return self->redeemed ? self->redeemed->count : 0;
}

// ---- The fold

static person_t *s_add (standing_t *self, const guid_t *who)
{
    person_t *person = s_person (self, who);
    if (!person) {
        person = zmalloc (sizeof *person);
        person->who = *who;
        zhashx_insert (self->persons, person->who.bytes, person);
    }
    return person;
}

static void s_touch (standing_t *self, person_t *person)
{
    if (person->touched)
        return;
    person->touched = true;
    if (self->touched_count == self->touched_room) {
        self->touched_room = self->touched_room ? 2 * self->touched_room : 64;
        self->touched = realloc (self->touched, self->touched_room * sizeof (person_t *));
        assert (self->touched);
    }
    self->touched[self->touched_count++] = person;
}

static void s_set (standing_t *self, const guid_t *who, unsigned flags)
{
    person_t *person = s_add (self, who);
    s_touch (self, person);
    person->next.flags |= flags;
}

static void s_clear (standing_t *self, const guid_t *who, unsigned flags)
{
    person_t *person = s_person (self, who);
    if (!person)
        return;
    s_touch (self, person);
    person->next.flags &= ~flags;
}

static void s_depart (standing_t *self, const guid_t *who, unsigned flags)
{
    s_clear (self, who, flags);
    person_t *person = s_person (self, who);
    if (person)
        person->next.joined = false;
}

// A key was proved for the author. Nothing is to be done for most records.
static void s_spoke (standing_t *self, const record_t *record)
{
    bool joined = record->kind != RECORD_LEAVE;
    const person_t *known = s_person (self, &record->author);
    if (known && (known->next.flags & STANDING_BOUND) && known->next.joined == joined)
        return;
    s_set (self, &record->author, STANDING_BOUND);
    s_person (self, &record->author)->next.joined = joined;
}

static void s_joined (standing_t *self, const record_t *record)
{
    span_t id = record_option (record, RECORD_OPT_INVITATION);
    if (id.size != GUID_SIZE)
        return;
    s_set (self, &record->author, STANDING_ADMITTED);
    person_t *person = s_person (self, &record->author);
    s_set_list (&person->next.redeemed, person->now.redeemed,
                s_with (person->next.redeemed, id.data, GUID_SIZE, STANDING_INVITATIONS));
}

static void s_set_key (standing_t *self, const guid_t *who, const record_t *record, bool may_speak)
{
    span_t key = record_option (record, RECORD_OPT_KEY);
    if (key.size != STANDING_KEY)
        return;
    guid_t own = guid_of_key (key.data);
    if (guid_equal (&own, who)) {
        if (may_speak)
            s_clear (self, who, STANDING_KEYLESS);
        else
            s_set (self, who, STANDING_KEYLESS);
        return;
    }
    s_set (self, who, 0);
    person_t *person = s_person (self, who);
    const stand_list_t *keys =
        may_speak ? s_with (person->next.keys, key.data, STANDING_KEY, STANDING_KEYS)
                  : s_without (person->next.keys, key.data, STANDING_KEY);
    s_set_list (&person->next.keys, person->now.keys, keys);
}

static void s_acted (standing_t *self, const record_t *record)
{
    guid_t who;
    span_t subject = record_option (record, RECORD_OPT_SUBJECT);
    if (subject.size != GUID_SIZE)
        return;
    memcpy (who.bytes, subject.data, GUID_SIZE);
    switch (record->kind) {
    case RECORD_INVITE:
        s_set (self, &who, STANDING_INVITED);
        break;
    case RECORD_KICK:
        s_depart (self, &who, ENDED_BY_KICK);
        break;
    case RECORD_BAN:
        s_set (self, &who, STANDING_BANNED);
        s_depart (self, &who, ENDED_BY_KICK);
        break;
    case RECORD_UNBAN:
        s_clear (self, &who, STANDING_BANNED);
        break;
    case RECORD_MUTE:
        s_set (self, &who, STANDING_MUTED);
        break;
    case RECORD_UNMUTE:
        s_clear (self, &who, STANDING_MUTED);
        break;
    case RECORD_OP:
        s_set (self, &who, STANDING_OPERATOR);
        break;
    case RECORD_DEOP:
        s_clear (self, &who, STANDING_OPERATOR);
        break;
    default:
        s_set_key (self, &who, record, record->kind == RECORD_ADD_KEY);
    }
}

static const stand_list_t *s_restored (const record_t *record, uint64_t type, size_t size,
                                       size_t max)
{
    span_t items = record_option (record, type);
    if (items.size == 0 || items.size % size != 0 || items.size / size > max)
        return NULL;
    return s_list (items.data, items.size / size, size);
}

static void s_restore (standing_t *self, const record_t *record)
{
    s_set (self, &record->author, 0);
    person_t *person = s_person (self, &record->author);
    person->next.flags =
        (unsigned)record_option_number (record, RECORD_OPT_STANDING, 0) & STANDING_ALL;
    s_set_list (&person->next.keys, person->now.keys,
                s_restored (record, RECORD_OPT_KEY, STANDING_KEY, STANDING_KEYS));
    s_set_list (&person->next.redeemed, person->now.redeemed,
                s_restored (record, RECORD_OPT_INVITATION, GUID_SIZE, STANDING_INVITATIONS));
}

void standing_put (standing_t *self, const record_t *record)
{
    uses_put (self->uses, record);
    if (record->flags & RECORD_VERIFIED && !guid_is_null (&record->author))
        s_spoke (self, record);
    switch (record->kind) {
    case RECORD_JOIN:
        s_joined (self, record);
        break;
    case RECORD_LEAVE:
        s_depart (self, &record->author, STANDING_OPERATOR);
        break;
    case RECORD_STATE_PERSON:
        s_restore (self, record);
        break;
    default:
        if (record->kind >= RECORD_INVITE && record->kind <= RECORD_REMOVE_KEY)
            s_acted (self, record);
    }
}

// ---- Those that are gone

static void s_unlist (standing_t *self, person_t *person)
{
    if (!person->departed)
        return;
    *(person->older ? &person->older->newer : &self->oldest) = person->newer;
    *(person->newer ? &person->newer->older : &self->newest) = person->older;
    person->older = person->newer = NULL;
    person->departed = false;
    self->departed--;
}

// It is the last that went.
static void s_list_departed (standing_t *self, person_t *person)
{
    s_unlist (self, person);
    person->older = self->newest;
    *(self->newest ? &self->newest->newer : &self->oldest) = person;
    self->newest = person;
    person->departed = true;
    self->departed++;
}

static void s_forget (standing_t *self, person_t *person)
{
    s_unlist (self, person);
    *self->last = NULL;
    zhashx_delete (self->persons, person->who.bytes);
}

static bool s_is_nothing (const stand_t *stand)
{
    return !stand->flags && !stand->keys && !stand->redeemed;
}

static void s_settle (standing_t *self, person_t *person)
{
    person->touched = false;
    bool member = (person->now.joined && (person->now.flags & STANDING_BOUND)) ||
                  (person->now.flags & STANDING_OPERATOR);
    if (s_is_nothing (&person->now))
        s_forget (self, person);
    else if (member || (person->now.flags & SAID))
        s_unlist (self, person);
    else
        s_list_departed (self, person);
}

void standing_commit (standing_t *self)
{
    uses_commit (self->uses);
    if (self->touched_count > 0)
        self->version++;
    for (size_t i = 0; i < self->touched_count; i++) {
        person_t *person = self->touched[i];
        s_free_lists (&person->now, &person->next);
        person->now = person->next;
        s_settle (self, person);
    }
    self->touched_count = 0;
    while (self->departed > STANDING_DEPARTED)
        s_forget (self, self->oldest);
}

void standing_discard (standing_t *self)
{
    uses_discard (self->uses);
    for (size_t i = 0; i < self->touched_count; i++) {
        person_t *person = self->touched[i];
        s_free_lists (&person->next, &person->now);
        person->next = person->now;
        person->touched = false;
        if (s_is_nothing (&person->now))
            s_forget (self, person);
    }
    self->touched_count = 0;
}

// ---- STATE

static void s_put_person (const person_t *person, void (*put) (void *, const record_t *), void *arg)
{
    uint8_t bytes[STANDING_KEYS * STANDING_KEY + STANDING_INVITATIONS * GUID_SIZE + 32];
    writer_t options = writer (bytes, sizeof bytes);
    const stand_t *stand = &person->now;
    record_put_number (&options, RECORD_OPT_STANDING, stand->flags);
    if (stand->keys)
        record_put_option (&options, RECORD_OPT_KEY, stand->keys->bytes,
                           stand->keys->count * STANDING_KEY);
    if (stand->redeemed)
        record_put_option (&options, RECORD_OPT_INVITATION, stand->redeemed->bytes,
                           stand->redeemed->count * GUID_SIZE);
    assert (!options.failed);
    record_t record = {.kind = RECORD_STATE_PERSON,
                       .author = person->who,
                       .options = span (bytes, writer_used (&options))};
    put (arg, &record);
}

void standing_state (const standing_t *self, void (*put) (void *arg, const record_t *record),
                     void *arg)
{
    uses_state (self->uses, put, arg);
    for (const person_t *person = zhashx_first (self->persons); person;
         person = zhashx_next (self->persons)) {
        const stand_t *stand = &person->now;
        bool bound_member = stand->flags == STANDING_BOUND && stand->joined;
        bool told = bound_member && !stand->keys && !stand->redeemed; // by the JOIN
        if (!person->departed && !told && !s_is_nothing (stand))
            s_put_person (person, put, arg);
    }
    for (const person_t *person = self->oldest; person; person = person->newer)
        s_put_person (person, put, arg);
}
