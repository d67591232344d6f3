#include "common/keypair.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char s_credential[] = "curve"; // its name, and `public 64\nsecret 64\n`

enum { FILE_TEXT = 512 }; // more than the two lines take

static int s_fail (char error[KEYPAIR_ERROR], const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static int s_fail (char error[KEYPAIR_ERROR], const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (error, KEYPAIR_ERROR, format, args);
    va_end (args);
    return -1;
}

int keypair_make (keypair_t *self)
{
    return sodium_init () < 0 ? -1 : crypto_box_keypair (self->public_key, self->secret_key);
}

void keypair_wipe (keypair_t *self)
{
    sodium_memzero (self, sizeof *self);
}

char *keypair_print (const uint8_t key[KEYPAIR_KEY], char out[KEYPAIR_HEX])
{
    return sodium_bin2hex (out, KEYPAIR_HEX, key, KEYPAIR_KEY);
}

bool keypair_parse (const char *text, uint8_t key[KEYPAIR_KEY])
{
    size_t size;
    return strlen (text) == 2 * KEYPAIR_KEY &&
           sodium_hex2bin (key, KEYPAIR_KEY, text, 2 * KEYPAIR_KEY, NULL, &size, NULL) == 0 &&
           size == KEYPAIR_KEY;
}

// ---- Reading

// The pair in the text, if it is one: the public key is made again from the secret one.
static int s_decode (keypair_t *self, const char *text)
{
    char public_text[KEYPAIR_HEX], secret_text[KEYPAIR_HEX];
    uint8_t again[KEYPAIR_KEY];
    bool right = sscanf (text, "public %64[0-9a-fA-F] secret %64[0-9a-fA-F]", public_text,
                         secret_text) == 2 &&
                 keypair_parse (public_text, self->public_key) &&
                 keypair_parse (secret_text, self->secret_key) && sodium_init () >= 0 &&
                 crypto_scalarmult_base (again, self->secret_key) == 0 &&
                 memcmp (again, self->public_key, sizeof again) == 0;
    sodium_memzero (secret_text, sizeof secret_text);
    return right ? 0 : -1;
}

static int s_read_text (int fd, char text[FILE_TEXT])
{
    size_t used = 0;
    ssize_t got;
    while (used < FILE_TEXT - 1 && (got = read (fd, text + used, FILE_TEXT - 1 - used)) != 0) {
        if (got < 0 && errno != EINTR)
            return -1;
        used += got > 0 ? (size_t)got : 0;
    }
    text[used] = 0;
    return 0;
}

// Reads an open file. `guarded`: somebody else sees to it that nobody can read it.
static int s_read (keypair_t *self, int fd, const char *file, bool guarded,
                   char error[KEYPAIR_ERROR])
{
    struct stat status;
    char text[FILE_TEXT];
    if (fstat (fd, &status) < 0)
        return s_fail (error, "%s cannot be read: %s", file, strerror (errno));
    if (!S_ISREG (status.st_mode))
        return s_fail (error, "%s is no plain file", file);
    if (!guarded && status.st_uid != geteuid ())
        return s_fail (error, "%s belongs to another user (uid %u): a key must be one's own", file,
                       (unsigned)status.st_uid);
    if (!guarded && (status.st_mode & 077))
        return s_fail (error,
                       "%s can be read by others, so it is no secret: chmod 600 it, or remove it "
                       "to have a new key made",
                       file);
    if (s_read_text (fd, text) < 0)
        return s_fail (error, "%s cannot be read: %s", file, strerror (errno));
    int rc = s_decode (self, text);
    sodium_memzero (text, sizeof text);
    if (rc < 0)
        return s_fail (
            error,
            "%s holds no key pair: put it back from a backup, or remove it to have a new key made",
            file);
    return 0;
}

// 1: read; 0: there is none; -1.
static int s_read_file (keypair_t *self, const char *file, bool guarded, char error[KEYPAIR_ERROR])
{
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (guarded ? 0 : O_NOFOLLOW);
    int fd = open (file, flags);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return s_fail (error, "%s cannot be read: %s", file, strerror (errno));
    int rc = s_read (self, fd, file, guarded, error);
    close (fd);
    return rc < 0 ? -1 : 1;
}

static int s_read_credential (keypair_t *self, char error[KEYPAIR_ERROR])
{
    const char *folder = getenv ("CREDENTIALS_DIRECTORY");
    char file[PATH_MAX];
    if (!folder || *folder != '/' ||
        snprintf (file, sizeof file, "%s/%s", folder, s_credential) >= (int)sizeof file)
        return 0;
    return s_read_file (self, file, true, error);
}

// ---- Making

static int s_write (int fd, const keypair_t *self)
{
    char public_text[KEYPAIR_HEX], secret_text[KEYPAIR_HEX], text[FILE_TEXT];
    int size = snprintf (text, sizeof text, "public %s\nsecret %s\n",
                         keypair_print (self->public_key, public_text),
                         keypair_print (self->secret_key, secret_text));
    ssize_t put = write (fd, text, (size_t)size);
    if (put >= 0 && put != size)
        errno = ENOSPC;
    sodium_memzero (text, sizeof text);
    sodium_memzero (secret_text, sizeof secret_text);
    return put == size ? 0 : -1;
}

// Makes the file with a fresh pair in it. A name is linked to the finished file, so nobody ever
// reads half of it, and of two that make one at once the second finds the first's: EEXIST.
static int s_make_file (const char *file)
{
    char fresh[PATH_MAX];
    keypair_t pair;
    if (snprintf (fresh, sizeof fresh, "%s.XXXXXX", file) >= (int)sizeof fresh) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = keypair_make (&pair) < 0 ? -1 : mkostemp (fresh, O_CLOEXEC | O_DSYNC); // 0600
    if (fd < 0)
        return -1;
    int rc = s_write (fd, &pair);
    keypair_wipe (&pair);
    if (close (fd) < 0 || rc < 0 || link (fresh, file) < 0)
        rc = -1;
    int cause = errno;
    unlink (fresh);
    errno = cause;
    if (rc == 0)
        sync (); // the name too; everything there is, since this is once in a server's life
    return rc;
}

int keypair_open (keypair_t *self, const char *file, char error[KEYPAIR_ERROR])
{
    int rc = s_read_credential (self, error);
    if (rc == 0)
        rc = s_read_file (self, file, false, error);
    if (rc == 0) {
        if (s_make_file (file) < 0 && errno != EEXIST)
            return s_fail (error, "%s cannot be made: %s", file, strerror (errno));
        rc = s_read_file (self, file, false, error);
        if (rc == 0)
            s_fail (error, "%s was made and is gone again", file);
    }
    return rc == 1 ? 0 : -1;
}

// ---- The public key

static bool s_public_file (const char *file, const char *suffix, char out[PATH_MAX])
{
    return snprintf (out, PATH_MAX, "%s.pub%s", file, suffix) < PATH_MAX;
}

int keypair_publish (const keypair_t *self, const char *file)
{
    char name[PATH_MAX], fresh[PATH_MAX], text[KEYPAIR_HEX];
    if (!s_public_file (file, "", name) || !s_public_file (file, ".new", fresh)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    FILE *out = fopen (fresh, "we");
    if (!out)
        return -1;
    fprintf (out, "%s\n", keypair_print (self->public_key, text));
    fchmod (fileno (out), 0644);
    if (fclose (out) == 0 && rename (fresh, name) == 0)
        return 0;
    int cause = errno;
    unlink (fresh);
    errno = cause;
    return -1;
}

bool keypair_published (const char *file, uint8_t key[KEYPAIR_KEY])
{
    char name[PATH_MAX], text[KEYPAIR_HEX + 1] = "";
    FILE *in = s_public_file (file, "", name) ? fopen (name, "re") : NULL;
    if (!in)
        return false;
    bool right = fgets (text, sizeof text, in) != NULL;
    fclose (in);
    text[strcspn (text, "\n")] = 0;
    return right && keypair_parse (text, key);
}
