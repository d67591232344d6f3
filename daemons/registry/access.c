#include "daemons/registry/access.h"

#include "common/hash.h"
#include "common/invitation.h"
#include "common/keypair.h"
#include "common/report.h"

#include <czmq.h>
#include <fcntl.h>

enum { LINE = 2 * KEYPAIR_KEY + 1 + 2 * GUID_SIZE + 1 };

struct access {
    char *file;
    bool invited;
    uint8_t *members; // CONF_KEY bytes each
    size_t member_count;
    uint8_t *operators;
    size_t operator_count;
    zhashx_t *admitted; // key as hex -> id as hex
    zhashx_t *uses;     // id as hex -> number, as a pointer
    bool deaf;          // said that the file cannot be written
};

static uint8_t *s_copy_keys (const conf_t *conf, const char *path, size_t *count)
{
    *count = conf_count (conf, path);
    uint8_t *copy = zmalloc (*count * CONF_KEY + 1);
    if (*count > 0)
        memcpy (copy, conf_keys (conf, path), *count * CONF_KEY);
    return copy;
}

// ---- The admitted

static void s_free_text (void **text_p)
{
    free (*text_p);
    *text_p = NULL;
}

static void *s_copy_text (const void *text)
{
    return strdup (text);
}

static void s_note (access_t *self, const char *key, const char *id)
{
    zhashx_insert (self->admitted, key, strdup (id));
    uintptr_t uses = (uintptr_t)zhashx_lookup (self->uses, id);
    zhashx_update (self->uses, id, (void *)(uses + 1));
}

static bool s_is_hex (const char *text, size_t size)
{
    return strlen (text) == size && strspn (text, "0123456789abcdef") == size;
}

// What is no such line is left out.
static void s_read (access_t *self)
{
    char line[LINE + 20], key[LINE], id[LINE];
    FILE *file = fopen (self->file, "re");
    while (file && fgets (line, sizeof line, file) &&
           zhashx_size (self->admitted) < ACCESS_ADMITTED)
        if (sscanf (line, "%64s %32s", key, id) == 2 && s_is_hex (key, 2 * KEYPAIR_KEY) &&
            s_is_hex (id, 2 * GUID_SIZE) && !zhashx_lookup (self->admitted, key))
            s_note (self, key, id);
    if (file)
        fclose (file);
}

static void s_write (access_t *self, const char *key, const char *id)
{
    int fd = open (self->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    bool wrote = fd >= 0 && dprintf (fd, "%s %s\n", key, id) > 0;
    if (!wrote && !self->deaf)
        report_error ("%s cannot be written, so admitted keys are known until the end only: %s",
                      self->file, strerror (errno));
    self->deaf = !wrote;
    if (fd >= 0)
        close (fd);
}

static zhashx_t *s_texts (void)
{
    zhashx_t *self = zhashx_new ();
    zhashx_set_key_hasher (self, hash_text);
    zhashx_set_key_duplicator (self, s_copy_text);
    zhashx_set_key_destructor (self, s_free_text);
    return self;
}

static void s_open (access_t *self)
{
    if (self->admitted)
        return;
    self->admitted = s_texts ();
    zhashx_set_destructor (self->admitted, s_free_text);
    self->uses = s_texts ();
    s_read (self);
}

// ---- For those who use it

void access_configure (access_t *self, const conf_t *conf)
{
    free (self->members);
    free (self->operators);
    self->invited = streq (conf_string (conf, "access"), "invited");
    self->members = s_copy_keys (conf, "members", &self->member_count);
    self->operators = s_copy_keys (conf, "operators", &self->operator_count);
}

access_t *access_new (const conf_t *conf, const char *file)
{
    access_t *self = zmalloc (sizeof *self);
    self->file = strdup (file);
    assert (self->file);
    access_configure (self, conf);
    return self;
}

void access_destroy (access_t **self_p)
{
    access_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    zhashx_destroy (&self->admitted);
    zhashx_destroy (&self->uses);
    free (self->members);
    free (self->operators);
    free (self->file);
    free (self);
}

static bool s_is_member (const access_t *self, const uint8_t *key)
{
    for (size_t i = 0; i < self->member_count; i++)
        if (memcmp (self->members + i * CONF_KEY, key, CONF_KEY) == 0)
            return true;
    return false;
}

static wire_error_t s_admit (access_t *self, const char *key, const invitation_t *invitation)
{
    char id[2 * GUID_SIZE + 1] = "";
    for (size_t i = 0; i < GUID_SIZE; i++)
        snprintf (id + 2 * i, 3, "%02x", (unsigned)invitation->id.bytes[i]);
    uintptr_t uses = (uintptr_t)zhashx_lookup (self->uses, id);
    if (invitation->uses > 0 && uses >= invitation->uses)
        return WIRE_ERR_BAD_INVITATION;
    if (zhashx_size (self->admitted) >= ACCESS_ADMITTED)
        return WIRE_ERR_LIMIT;
    s_note (self, key, id);
    s_write (self, key, id);
    report_notice ("key %s admitted with the invitation %s", key, id);
    return WIRE_ERR_NONE;
}

static wire_error_t s_redeem (access_t *self, const char *key, span_t shown, int64_t now)
{
    invitation_t invitation;
    wire_error_t error = WIRE_ERR_NOT_INVITED;
    invitation_walk_t walk = invitation_walk (shown);
    while (invitation_next (&walk, &invitation)) {
        bool good = invitation_verify (&invitation, self->operators, self->operator_count, now,
                                       NULL) == INVITATION_GOOD;
        error = good ? s_admit (self, key, &invitation) : WIRE_ERR_BAD_INVITATION;
        if (error == WIRE_ERR_NONE)
            break;
    }
    return error;
}

wire_error_t access_judge (access_t *self, const entry_caller_t *caller, span_t shown, int64_t now)
{
    char key[KEYPAIR_HEX];
    if (!self->invited)
        return WIRE_ERR_NONE;
    if (!caller->key)
        return endpoint_host_is_loopback (caller->peer) ? WIRE_ERR_NONE : WIRE_ERR_KEY_NEEDED;
    if (s_is_member (self, caller->key))
        return WIRE_ERR_NONE;
    s_open (self);
    keypair_print (caller->key, key);
    if (zhashx_lookup (self->admitted, key))
        return WIRE_ERR_NONE;
    return shown.size > 0 ? s_redeem (self, key, shown, now) : WIRE_ERR_NOT_INVITED;
}
