#include "user/identity.h"

#include "user/store.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_FILE_MAX = 1024, HEX = 2 * IDENTITY_KEY };

struct identity {
    char *folder; // NULL: nothing is kept
    char *passing;
    guid_t uuid;
    uint8_t public_key[IDENTITY_KEY];
    uint8_t secret_key[IDENTITY_KEY];
    char nick[TEXT_NICK_MAX + 1];
};

char *identity_folder (void)
{
    const char *named = getenv ("ZCHAT_IDENTITY"), *config = getenv ("XDG_CONFIG_HOME"),
               *home = getenv ("HOME");
    char *folder = NULL;
    if (named && *named)
        return strdup (named);
    // The XDG specification has relative paths ignored.
    if (config && *config == '/')
        return asprintf (&folder, "%s/zchat", config) < 0 ? NULL : folder;
    if (home && *home == '/')
        return asprintf (&folder, "%s/.config/zchat", home) < 0 ? NULL : folder;
    return NULL;
}

void identity_nick_of (const char *login, char nick[TEXT_NICK_MAX + 1])
{
    size_t used = 0, size = strlen (login);
    for (size_t i = 0, step; i < size; i += step) {
        // The next character: the shortest run of bytes that is a nick.
        step = 1;
        while (step < 4 && i + step < size && !text_nick_valid (login + i, step))
            step++;
        if (!text_nick_valid (login + i, step)) {
            step = 1;
            continue;
        }
        if (used + step > TEXT_NICK_MAX)
            break;
        memcpy (nick + used, login + i, step);
        used += step;
    }
    nick[used] = 0;
    if (used == 0)
        strcpy (nick, "user");
}

static const char *s_login (void)
{
    const struct passwd *entry = getpwuid (geteuid ());
    if (entry && *entry->pw_name)
        return entry->pw_name;
    const char *user = getenv ("USER");
    return user ? user : "";
}

static char *s_path (const identity_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static char *s_path (const identity_t *self, const char *format, ...)
{
    char *rest, *path;
    va_list args;
    if (!self->folder)
        return NULL;
    va_start (args, format);
    int made = vasprintf (&rest, format, args);
    va_end (args);
    if (made < 0)
        return NULL;
    made = asprintf (&path, "%s/%s", self->folder, rest);
    free (rest);
    return made < 0 ? NULL : path;
}

// The key file.

static bool s_read_hex (const char *text, uint8_t *out, size_t size)
{
    size_t used;
    return sodium_hex2bin (out, size, text, 2 * size, NULL, &used, NULL) == 0 && used == size;
}

// Returns NULL, or what is wrong with the text.
static const char *s_parse (identity_t *self, const char *text)
{
    char public_hex[HEX + 1], secret_hex[HEX + 1], nick[TEXT_NICK_MAX + 1];
    uint8_t derived[IDENTITY_KEY];
    int end = 0;
    if (sscanf (text, "zchat-identity 1\npublic %64s\nsecret %64s\nnick %32s\n%n", public_hex,
                secret_hex, nick, &end) != 3 ||
        end == 0 || text[end])
        return "is no identity of this version";
    bool read = s_read_hex (public_hex, self->public_key, IDENTITY_KEY) &&
                s_read_hex (secret_hex, self->secret_key, IDENTITY_KEY);
    sodium_memzero (secret_hex, sizeof secret_hex);
    if (!read || crypto_scalarmult_base (derived, self->secret_key) != 0 ||
        memcmp (derived, self->public_key, sizeof derived) != 0)
        return "holds no pair of keys";
    if (!text_nick_valid (nick, strlen (nick)))
        return "holds no valid nick";
    strcpy (self->nick, nick);
    self->uuid = guid_of_key (self->public_key);
    return NULL;
}

// 0; 1 when there is none; -1 and a sentence when it cannot be used.
static int s_load (identity_t *self, const char *file, char error[IDENTITY_ERROR])
{
    char text[KEY_FILE_MAX];
    const char *what = NULL;
    if (store_read (file, text, sizeof text, true) == 0)
        what = s_parse (self, text);
    else if (errno == EPERM)
        what = "can be read by others: it is the user's alone (chmod 600)";
    // Not there, though another process may have made it since; or in a folder not to be looked
    // into.
    else if (errno == ENOENT || access (file, F_OK) < 0)
        return 1;
    else
        what = strerror (errno);
    sodium_memzero (text, sizeof text);
    if (!what)
        return 0;
    snprintf (error, IDENTITY_ERROR, "%.*s: %s", PATH_MAX, file, what);
    return -1;
}

static void s_generate (identity_t *self)
{
    crypto_box_keypair (self->public_key, self->secret_key);
    self->uuid = guid_of_key (self->public_key);
    identity_nick_of (s_login (), self->nick);
}

static int s_save (const identity_t *self, const char *file)
{
    char public_hex[HEX + 1], secret_hex[HEX + 1], text[KEY_FILE_MAX];
    sodium_bin2hex (public_hex, sizeof public_hex, self->public_key, IDENTITY_KEY);
    sodium_bin2hex (secret_hex, sizeof secret_hex, self->secret_key, IDENTITY_KEY);
    snprintf (text, sizeof text, "zchat-identity 1\npublic %s\nsecret %s\nnick %s\n", public_hex,
              secret_hex, self->nick);
    int result = store_write (file, text, true);
    sodium_memzero (text, sizeof text);
    sodium_memzero (secret_hex, sizeof secret_hex);
    return result;
}

// Makes the key file unless another process was first. As s_load; errno tells of 1.
static int s_make (identity_t *self, const char *file, char error[IDENTITY_ERROR])
{
    char *lock = s_path (self, "lock");
    int result = 1, locked = -1;
    if (lock && store_make_folder (self->folder) == 0)
        locked = store_lock (lock);
    if (locked >= 0) {
        result = s_load (self, file, error);
        if (result == 1) {
            s_generate (self);
            result = s_save (self, file) == 0 ? 0 : 1;
        }
        int cause = errno;
        close (locked);
        errno = cause;
    }
    free (lock);
    return result;
}

static void s_load_speaks (identity_t *self);

static void s_pass (identity_t *self, const char *why)
{
    if (!self->folder || asprintf (&self->passing, "%s: %s", self->folder, why) < 0)
        self->passing = strdup (why);
    free (self->folder);
    self->folder = NULL;
    s_generate (self);
}

identity_t *identity_open (const char *folder, char error[IDENTITY_ERROR])
{
    identity_t *self = calloc (1, sizeof *self);
    error[0] = 0;
    if (!self || sodium_init () < 0 || (folder && !(self->folder = strdup (folder)))) {
        snprintf (error, IDENTITY_ERROR, "no memory or no random numbers");
        free (self);
        return NULL;
    }
    if (!folder) {
        s_pass (self, "there is no home folder");
        return self;
    }
    char *file = s_path (self, "key");
    int result = file ? s_load (self, file, error) : 1;
    if (file && result == 1)
        result = s_make (self, file, error);
    if (result == 1)
        s_pass (self, strerror (errno));
    free (file);
    if (result < 0)
        identity_destroy (&self);
    else
        s_load_speaks (self);
    return self;
}

void identity_destroy (identity_t **self_p)
{
    identity_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    free (self->folder);
    free (self->passing);
    sodium_memzero (self, sizeof *self);
    free (self);
}

const char *identity_passing (const identity_t *self)
{
    return self->folder ? NULL : self->passing ? self->passing : "no memory";
}

const char *identity_path (const identity_t *self)
{
    return self->folder;
}

const guid_t *identity_uuid (const identity_t *self)
{
    return &self->uuid;
}

const char *identity_nick (const identity_t *self)
{
    return self->nick;
}

const uint8_t *identity_public (const identity_t *self)
{
    return self->public_key;
}

const uint8_t *identity_secret (const identity_t *self)
{
    return self->secret_key;
}

// What is known of groups. These take the path and free it.

static int s_get (char *file, const char *prefix, char *out, size_t size)
{
    char text[KEY_FILE_MAX];
    int result = -1;
    if (file && store_read (file, text, sizeof text, false) == 0) {
        size_t begin = strlen (prefix);
        if (strncmp (text, prefix, begin) == 0 && strlen (text) == begin + size + 1 &&
            text[begin + size] == '\n') {
            memcpy (out, text + begin, size);
            out[size] = 0;
            result = 0;
        }
    }
    free (file);
    return result;
}

static int s_put (char *file, const char *prefix, const char *value)
{
    char text[KEY_FILE_MAX];
    int result = -1;
    char *slash = file ? strrchr (file, '/') : NULL;
    if (slash) {
        *slash = 0;
        result = store_make_folder (file);
        *slash = '/';
    }
    snprintf (text, sizeof text, "%s%s\n", prefix, value);
    if (result == 0)
        result = store_write (file, text, false);
    free (file);
    return result;
}

static char *s_name_path (const identity_t *self, const char *name)
{
    // Such a name is a file's name as well; endpoints and ports are kept nowhere.
    return text_legacy_name_valid (name, strlen (name)) ? s_path (self, "names/%s", name) : NULL;
}

int identity_log (const identity_t *self, const char *name, guid_t *log)
{
    char text[GUID_TEXT];
    if (s_get (s_name_path (self, name), "log ", text, GUID_TEXT - 1) < 0)
        return -1;
    return guid_parse (log, text, GUID_TEXT - 1);
}

int identity_put_log (const identity_t *self, const char *name, const guid_t *log)
{
    char text[GUID_TEXT];
    return s_put (s_name_path (self, name), "log ", guid_print (log, text));
}

static char *s_server_path (const identity_t *self, const char *name)
{
    return text_legacy_name_valid (name, strlen (name)) ? s_path (self, "servers/%s", name) : NULL;
}

int identity_server (const identity_t *self, const char *name, uint8_t key[IDENTITY_KEY])
{
    char hex[HEX + 1];
    if (s_get (s_server_path (self, name), "key ", hex, HEX) < 0)
        return -1;
    return s_read_hex (hex, key, IDENTITY_KEY) ? 0 : -1;
}

int identity_put_server (const identity_t *self, const char *name, const uint8_t key[IDENTITY_KEY])
{
    char hex[HEX + 1];
    sodium_bin2hex (hex, sizeof hex, key, IDENTITY_KEY);
    return s_put (s_server_path (self, name), "key ", hex);
}

void identity_forget (const identity_t *self, const char *name)
{
    char *files[] = {s_name_path (self, name), s_server_path (self, name)};
    for (size_t i = 0; i < 2; i++) {
        if (files[i])
            unlink (files[i]);
        free (files[i]);
    }
}

static char *s_receipt_path (const identity_t *self, const guid_t *log)
{
    char text[GUID_TEXT];
    return s_path (self, "logs/%s/receipt", guid_print (log, text));
}

int identity_receipt (const identity_t *self, const guid_t *log, uint8_t receipt[PROOF_RECEIPT])
{
    char hex[2 * PROOF_RECEIPT + 1];
    if (s_get (s_receipt_path (self, log), "receipt ", hex, sizeof hex - 1) < 0)
        return -1;
    return s_read_hex (hex, receipt, PROOF_RECEIPT) ? 0 : -1;
}

int identity_put_receipt (const identity_t *self, const guid_t *log,
                          const uint8_t receipt[PROOF_RECEIPT])
{
    char hex[2 * PROOF_RECEIPT + 1];
    sodium_bin2hex (hex, sizeof hex, receipt, PROOF_RECEIPT);
    return s_put (s_receipt_path (self, log), "receipt ", hex);
}

void identity_drop_receipt (const identity_t *self, const guid_t *log)
{
    char *file = s_receipt_path (self, log);
    if (file)
        unlink (file);
    free (file);
}

static void s_load_speaks (identity_t *self)
{
    char text[GUID_TEXT];
    guid_t uuid;
    if (s_get (s_path (self, "speaks"), "as ", text, GUID_TEXT - 1) == 0 &&
        guid_parse (&uuid, text, GUID_TEXT - 1) == 0)
        self->uuid = uuid;
}

int identity_speak_as (identity_t *self, const guid_t *uuid)
{
    char text[GUID_TEXT];
    if (s_put (s_path (self, "speaks"), "as ", guid_print (uuid, text)) < 0)
        return -1;
    self->uuid = *uuid;
    return 0;
}

char *identity_chat (const identity_t *self)
{
    char text[KEY_FILE_MAX];
    char *file = s_path (self, "chat");
    bool known = file && store_read (file, text, sizeof text, false) == 0;
    free (file);
    return known ? strdup (text) : NULL;
}

int identity_put_chat (const identity_t *self, const char *groups)
{
    char *file = s_path (self, "chat");
    int result = file ? store_write (file, groups, false) : -1;
    free (file);
    return result;
}

sender_t *identity_take_sender (const identity_t *self, const guid_t *log, const guid_t *author)
{
    char log_text[GUID_TEXT], author_text[GUID_TEXT];
    char *pool =
        s_path (self, "logs/%s/%s", guid_print (log, log_text), guid_print (author, author_text));
    sender_t *device = sender_take (pool && store_make_folder (pool) == 0 ? pool : NULL);
    free (pool);
    return device;
}
