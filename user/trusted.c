#include "user/trusted.h"

#include "user/store.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_MAX = INVITATION_TEXT + 64, // bytes of an invitation's file
    LIST_MAX = 16384,                // of the registries
    INVITATIONS_MAX = 256
};

typedef struct {
    int64_t taken;
    uint8_t bytes[INVITATION_MAX];
    invitation_t invitation;
} entry_t;

struct trusted {
    entry_t *entries[INVITATIONS_MAX]; // the newest first
    size_t count;
};

static char *s_path (const char *folder, const char *name, const char *inner)
{
    char *path;
    return asprintf (&path, "%s/%s%s", folder, name, inner) < 0 ? NULL : path;
}

// Reading.

// The file's entry, or NULL when it holds none.
static entry_t *s_read (const char *file)
{
    char text[FILE_MAX];
    int start = 0;
    entry_t *entry = calloc (1, sizeof *entry);
    if (entry && store_read (file, text, sizeof text, false) == 0 &&
        sscanf (text, "taken %" SCNd64 "\n%n", &entry->taken, &start) == 1 && start > 0) {
        size_t size = invitation_scan (text + start, strlen (text + start), entry->bytes);
        if (!invitation_parse (&entry->invitation, span (entry->bytes, size)))
            return entry;
    }
    free (entry);
    return NULL;
}

static void s_insert (trusted_t *self, entry_t *entry)
{
    size_t place = self->count;
    while (place > 0 && self->entries[place - 1]->taken < entry->taken)
        place--;
    if (self->count == INVITATIONS_MAX) // the oldest gives way
        free (self->entries[--self->count]);
    if (place > self->count) {
        free (entry);
        return;
    }
    memmove (&self->entries[place + 1], &self->entries[place],
             (self->count - place) * sizeof self->entries[0]);
    self->entries[place] = entry;
    self->count++;
}

static void s_read_all (trusted_t *self, const char *folder)
{
    char *path = s_path (folder, "invitations", "");
    DIR *list = path ? opendir (path) : NULL;
    struct dirent *item;
    guid_t id;
    while (list && (item = readdir (list))) {
        if (guid_parse (&id, item->d_name, strlen (item->d_name)) < 0)
            continue; // also a file that was being written
        char *file = s_path (path, item->d_name, "");
        entry_t *entry = file ? s_read (file) : NULL;
        if (entry)
            s_insert (self, entry);
        free (file);
    }
    if (list)
        closedir (list);
    free (path);
}

trusted_t *trusted_open (const char *folder)
{
    trusted_t *self = calloc (1, sizeof *self);
    if (self && folder)
        s_read_all (self, folder);
    return self;
}

void trusted_destroy (trusted_t **self_p)
{
    trusted_t *self = *self_p;
    *self_p = NULL;
    for (size_t i = 0; self && i < self->count; i++)
        free (self->entries[i]);
    free (self);
}

const invitation_t *trusted_invitation (const trusted_t *self, size_t index)
{
    return index < self->count ? &self->entries[index]->invitation : NULL;
}

// Showing.

static bool s_names_registry (const invitation_t *self, const endpoint_t *at)
{
    endpoint_t registry;
    for (size_t i = 0; invitation_registry (self, i, &registry) == 0; i++)
        if (memcmp (registry.key, at->key, ENDPOINT_KEY) == 0)
            return true;
    return self->registry_count == 0;
}

size_t trusted_show (const trusted_t *self, const char *endpoint, const char *group, int64_t now,
                     uint8_t field[INVITATION_FIELD])
{
    endpoint_t at;
    writer_t out = writer (field, INVITATION_FIELD);
    unsigned shown = 0;
    if (endpoint_parse (&at, endpoint, strlen (endpoint), ENDPOINT_CONNECT) || !at.has_key)
        return 0;
    for (size_t i = 0; i < self->count && shown < INVITATION_SHOWN; i++) {
        const invitation_t *one = &self->entries[i]->invitation;
        bool fits = group ? invitation_is_for (one, group) : s_names_registry (one, &at);
        if (!fits || invitation_is_expired (one, now))
            continue;
        invitation_put (&out, one->bytes);
        shown++;
    }
    return writer_used (&out);
}

bool trusted_is_expired (const trusted_t *self, const char *group, int64_t now)
{
    bool any = false;
    for (size_t i = 0; i < self->count; i++) {
        const invitation_t *one = &self->entries[i]->invitation;
        if (!invitation_is_for (one, group))
            continue;
        if (!invitation_is_expired (one, now))
            return false;
        any = true;
    }
    return any;
}

// Keeping.

static bool s_has_line (const char *list, const char *line)
{
    size_t size = strlen (line);
    for (const char *at = list; (at = strstr (at, line)); at++)
        if ((at == list || at[-1] == '\n') && at[size] == '\n')
            return true;
    return false;
}

// Adds the invitation's registries; the newest come first, since the list has an end.
static int s_add_registries (const char *folder, const invitation_t *invitation)
{
    char *file = s_path (folder, "registries", ""), *before = trusted_registries (folder);
    char list[LIST_MAX] = "", line[ENDPOINT_TEXT];
    endpoint_t endpoint;
    size_t used = 0;
    bool any = false;
    for (size_t i = 0; invitation_registry (invitation, i, &endpoint) == 0; i++) {
        endpoint_print_with_key (&endpoint, line);
        if (before && s_has_line (before, line))
            continue;
        used += (size_t)snprintf (list + used, sizeof list - used, "%s\n", line);
        any = true;
    }
    if (before && used + strlen (before) < sizeof list)
        strcpy (list + used, before);
    int result = file && (!any || store_write (file, list, true) == 0) ? 0 : -1;
    free (before);
    free (file);
    return result;
}

static int s_put (const char *file, const invitation_t *invitation, int64_t now)
{
    char text[INVITATION_TEXT], all[FILE_MAX];
    if (access (file, F_OK) == 0)
        return 0;
    snprintf (all, sizeof all, "taken %" PRId64 "\n%s\n", now,
              invitation_print (invitation->bytes, text));
    return store_write (file, all, true) < 0 ? -1 : 1;
}

int trusted_keep (const char *folder, const invitation_t *invitation, int64_t now)
{
    char id[GUID_TEXT];
    char *path = s_path (folder, "invitations", ""), *lock = s_path (folder, "lock", "");
    char *file = path ? s_path (path, guid_print (&invitation->id, id), "") : NULL;
    int result = -1, locked = -1;
    if (file && lock && store_make_folder (path) == 0)
        locked = store_lock (lock);
    if (locked >= 0 && s_add_registries (folder, invitation) == 0)
        result = s_put (file, invitation, now);
    int cause = errno;
    if (locked >= 0)
        close (locked);
    free (path);
    free (lock);
    free (file);
    errno = cause;
    return result;
}

char *trusted_registries (const char *folder)
{
    char text[LIST_MAX];
    char *file = folder ? s_path (folder, "registries", "") : NULL;
    bool known = file && store_read (file, text, sizeof text, false) == 0;
    free (file);
    return known ? strdup (text) : NULL;
}
