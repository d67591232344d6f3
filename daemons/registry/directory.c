#include "daemons/registry/directory.h"

#include <stdlib.h>
#include <string.h>

// A held name.
typedef struct slot slot_t;
struct slot {
    entry_t *entry;
    int64_t expires;
    int64_t contested_until; // 0: not contested
    slot_t *earlier;         // in the order of registration
    slot_t *later;
};

struct directory {
    directory_limits_t limits;
    directory_tell_fn *tell;
    void *context;
    slot_t **slots; // by name
    size_t count;
    size_t capacity;
    slot_t *first; // registered longest ago
    slot_t *last;
    size_t memory; // of the entries
    bool full;     // said so
    const char *limit;
};

directory_t *directory_new (const directory_limits_t *limits, directory_tell_fn *tell,
                            void *context)
{
    directory_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->limits = *limits;
    self->tell = tell;
    self->context = context;
    return self;
}

void directory_destroy (directory_t **self_p)
{
    directory_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++) {
        entry_destroy (&self->slots[i]->entry);
        free (self->slots[i]);
    }
    free (self->slots);
    free (self);
    *self_p = NULL;
}

void directory_set_limits (directory_t *self, const directory_limits_t *limits)
{
    self->limits = *limits;
}

static void s_tell (const directory_t *self, directory_event_t event, const entry_t *entry)
{
    if (self->tell)
        self->tell (self->context, event, entry, NULL);
}

static int s_compare (span_t name, const entry_t *entry)
{
    span_t other = span_of (entry_name (entry));
    size_t common = name.size < other.size ? name.size : other.size;
    int order = common > 0 ? memcmp (name.data, other.data, common) : 0;
    return order != 0 ? order : (name.size > other.size) - (name.size < other.size);
}

// The index of the name, or where it would stand; *found says which.
static size_t s_find (const directory_t *self, span_t name, bool *found)
{
    size_t low = 0, high = self->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = s_compare (name, self->slots[middle]->entry);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void s_unlink (directory_t *self, slot_t *slot)
{
    *(slot->earlier ? &slot->earlier->later : &self->first) = slot->later;
    *(slot->later ? &slot->later->earlier : &self->last) = slot->earlier;
}

static void s_remove (directory_t *self, size_t index, directory_event_t event)
{
    slot_t *slot = self->slots[index];
    s_tell (self, event, slot->entry);
    s_unlink (self, slot);
    self->memory -= entry_memory (slot->entry);
    entry_destroy (&slot->entry);
    free (slot);
    self->count--;
    memmove (&self->slots[index], &self->slots[index + 1],
             (self->count - index) * sizeof (slot_t *));
}

// The slot of the name, NULL when nobody live holds it (what was over is removed).
static slot_t *s_holder (directory_t *self, span_t name, int64_t now)
{
    bool found;
    size_t index = s_find (self, name, &found);
    if (!found)
        return NULL;
    slot_t *slot = self->slots[index];
    if (slot->expires > now)
        return slot;
    s_remove (self, index, DIRECTORY_EXPIRED);
    return NULL;
}

static int64_t s_expiry (const directory_t *self, const entry_t *entry, int64_t now)
{
    return now + (entry_legacy (entry) ? self->limits.legacy_keep : self->limits.lease);
}

static bool s_fits (const directory_t *self, size_t more_slots, size_t more_memory)
{
    return self->count + more_slots <= self->limits.max_groups &&
           self->memory + more_memory <= DIRECTORY_MEMORY_MAX;
}

// Makes room by letting the original system's groups go, the one registered longest ago first.
static void s_push_out_legacy (directory_t *self, size_t memory)
{
    slot_t *next;
    for (slot_t *slot = self->first; slot && !s_fits (self, 1, memory); slot = next) {
        next = slot->later;
        bool found;
        if (entry_legacy (slot->entry))
            s_remove (self, s_find (self, span_of (entry_name (slot->entry)), &found),
                      DIRECTORY_EXPIRED);
    }
}

// Has its caller as many entries as it may?
static bool s_caller_full (const directory_t *self, const entry_t *entry)
{
    static const uint8_t none[ENTRY_KEY];
    bool keyed = memcmp (entry_key (entry), none, ENTRY_KEY) != 0;
    bool local = endpoint_host_is_loopback (entry_peer (entry));
    size_t of_key = 0, of_address = 0;
    for (const slot_t *slot = self->first; slot; slot = slot->later) {
        of_key += entry_same_key (slot->entry, entry);
        of_address += strcmp (entry_peer (slot->entry), entry_peer (entry)) == 0;
    }
    return (keyed && of_key >= self->limits.max_per_caller) ||
           (!local && of_address >= self->limits.max_per_caller);
}

static wire_error_t s_refuse_for_limit (directory_t *self, entry_t **entry_p)
{
    self->limit = "max_groups";
    if (!self->full)
        s_tell (self, DIRECTORY_FULL, *entry_p);
    self->full = true;
    entry_destroy (entry_p);
    return WIRE_ERR_LIMIT;
}

static slot_t *s_insert (directory_t *self, entry_t *entry)
{
    if (self->count == self->capacity) {
        size_t capacity = 2 * self->capacity + 16;
        slot_t **bigger = realloc (self->slots, capacity * sizeof *bigger);
        if (!bigger)
            return NULL;
        self->slots = bigger;
        self->capacity = capacity;
    }
    slot_t *slot = calloc (1, sizeof *slot);
    if (!slot)
        return NULL;
    bool found;
    size_t index = s_find (self, span_of (entry_name (entry)), &found);
    memmove (&self->slots[index + 1], &self->slots[index],
             (self->count - index) * sizeof (slot_t *));
    self->slots[index] = slot;
    self->count++;
    slot->entry = entry;
    slot->earlier = self->last;
    *(self->last ? &self->last->later : &self->first) = slot;
    self->last = slot;
    return slot;
}

// A name that nobody holds.
static wire_error_t s_add (directory_t *self, entry_t **entry_p, int64_t now)
{
    entry_t *entry = *entry_p;
    size_t memory = entry_memory (entry);
    if (s_caller_full (self, entry)) {
        self->limit = "max_groups_per_caller";
        entry_destroy (entry_p);
        return WIRE_ERR_LIMIT;
    }
    if (!entry_legacy (entry))
        s_push_out_legacy (self, memory);
    slot_t *slot = s_fits (self, 1, memory) ? s_insert (self, entry) : NULL;
    if (!slot)
        return s_refuse_for_limit (self, entry_p);
    *entry_p = NULL;
    self->memory += memory;
    slot->expires = s_expiry (self, entry, now);
    s_tell (self, DIRECTORY_REGISTERED, entry);
    return WIRE_ERR_NONE;
}

// The name stays where it is in the order.
static wire_error_t s_replace (directory_t *self, slot_t *slot, entry_t **entry_p, int64_t now)
{
    size_t old = entry_memory (slot->entry), fresh = entry_memory (*entry_p);
    if (fresh > old && !s_fits (self, 0, fresh - old))
        return s_refuse_for_limit (self, entry_p);
    self->memory += fresh - old;
    entry_destroy (&slot->entry);
    slot->entry = *entry_p;
    *entry_p = NULL;
    slot->expires = s_expiry (self, slot->entry, now);
    return WIRE_ERR_NONE;
}

static void s_contest (directory_t *self, slot_t *slot, const entry_t *other, int64_t now)
{
    if (slot->contested_until == 0 && self->tell)
        self->tell (self->context, DIRECTORY_CONTESTED, slot->entry, other);
    slot->contested_until = now + 2 * self->limits.lease;
}

// Is the announcement the holder's own renewal?
static bool s_same_instance (const entry_t *a, const entry_t *b)
{
    guid_t left = entry_instance (a), right = entry_instance (b);
    return guid_equal (&left, &right) && entry_generation (a) == entry_generation (b);
}

// Under a name that is held.
static wire_error_t s_challenge (directory_t *self, slot_t *slot, entry_t **entry_p, bool owner,
                                 int64_t now)
{
    entry_t *entry = *entry_p;
    wire_error_t error;
    bool same = entry_same_log (entry, slot->entry) && entry_same_key (entry, slot->entry);
    if (same && s_same_instance (entry, slot->entry))
        return s_replace (self, slot, entry_p, now);
    bool gives_way = entry_legacy (slot->entry) || (owner && !same);
    if (gives_way || (same && entry_later (entry, slot->entry))) {
        error = s_replace (self, slot, entry_p, now);
        if (error == WIRE_ERR_NONE)
            s_tell (self, DIRECTORY_TAKEN_OVER, slot->entry);
        return error;
    }
    error = same ? WIRE_ERR_SUPERSEDED : WIRE_ERR_NAME_TAKEN;
    s_contest (self, slot, entry, now);
    entry_destroy (entry_p);
    return error;
}

wire_error_t directory_announce (directory_t *self, entry_t **entry_p, bool owner, int64_t now,
                                 const entry_t **holder)
{
    span_t name = span_of (entry_name (*entry_p));
    const entry_t *entry = *entry_p;
    slot_t *slot = s_holder (self, name, now);
    wire_error_t error =
        slot ? s_challenge (self, slot, entry_p, owner, now) : s_add (self, entry_p, now);
    if (error == WIRE_ERR_LIMIT)
        *holder = NULL;
    else
        *holder = slot ? slot->entry : entry;
    return error;
}

int directory_register (directory_t *self, entry_t **entry_p, int64_t now)
{
    slot_t *slot = s_holder (self, span_of (entry_name (*entry_p)), now);
    if (!slot)
        return s_add (self, entry_p, now) == WIRE_ERR_NONE ? 0 : -1;
    if (entry_legacy (slot->entry))
        return s_replace (self, slot, entry_p, now) == WIRE_ERR_NONE ? 0 : -1;
    s_contest (self, slot, *entry_p, now);
    entry_destroy (entry_p);
    return -1;
}

const char *directory_limit (const directory_t *self)
{
    return self->limit;
}

void directory_withdraw (directory_t *self, span_t name, const guid_t *log, const guid_t *instance,
                         const uint8_t *key, int64_t now)
{
    static const uint8_t none[ENTRY_KEY];
    slot_t *slot = s_holder (self, name, now);
    if (!slot || entry_legacy (slot->entry))
        return;
    guid_t held_log = entry_log (slot->entry), held_instance = entry_instance (slot->entry);
    bool found;
    if (guid_equal (&held_log, log) && guid_equal (&held_instance, instance) &&
        memcmp (entry_key (slot->entry), key ? key : none, ENTRY_KEY) == 0)
        s_remove (self, s_find (self, name, &found), DIRECTORY_WITHDRAWN);
}

void directory_expire (directory_t *self, int64_t now)
{
    for (size_t i = self->count; i-- > 0;) {
        slot_t *slot = self->slots[i];
        if (slot->expires <= now)
            s_remove (self, i, DIRECTORY_EXPIRED);
        else if (slot->contested_until > 0 && slot->contested_until <= now) {
            slot->contested_until = 0;
            s_tell (self, DIRECTORY_CONTEST_OVER, slot->entry);
        }
    }
    if (self->full && s_fits (self, 1, 0)) {
        self->full = false;
        s_tell (self, DIRECTORY_FULL_OVER, NULL);
    }
}

void directory_list (const directory_t *self, int64_t now, directory_visit_fn *visit, void *context)
{
    for (const slot_t *slot = self->first; slot; slot = slot->later)
        if (slot->expires > now && !visit (context, slot->entry))
            return;
}

void directory_page (const directory_t *self, span_t after, int64_t now, directory_visit_fn *visit,
                     void *context)
{
    bool found;
    size_t index = s_find (self, after, &found);
    for (index += found; index < self->count; index++) {
        const slot_t *slot = self->slots[index];
        if (slot->expires > now && !visit (context, slot->entry))
            return;
    }
}

size_t directory_count (const directory_t *self)
{
    return self->count;
}
