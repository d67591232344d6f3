// identity: who the user is, kept in a folder of the user's own.
//
// Floor 4. The folder is $ZCHAT_IDENTITY, else $XDG_CONFIG_HOME/zchat, else ~/.config/zchat:
//
//     key                     the CURVE key pair and the nick; mode 0600, else it is refused
//     lock                    held while `key` is made
//     speaks                  the UUID that it speaks as, if not that of the key
//     chat                    the groups of the last conversation, one a line
//     names/NAME              the log that was last met under a group's name
//     logs/LOG/receipt        the last receipt that this log's group gave
//     logs/LOG/UUID/DEVICE    the devices with which UUID sends there, see sender.h
//     servers/NAME            the key that the group of that name has proved
//     invitations/ registries what the user was told to trust, see trusted.h
//
// Everything is text. `key` is made at first use, once, however many processes are first. Where it
// cannot be, the identity lasts for the call and keeps nothing.

#ifndef ZCHAT_IDENTITY_H
#define ZCHAT_IDENTITY_H

#include "common/guid.h"
#include "common/proof.h"
#include "common/text.h"
#include "user/sender.h"

#include <stdbool.h>
#include <stddef.h>

#define IDENTITY_KEY   32   // bytes of a public and of a secret key
#define IDENTITY_ERROR 4400 // bytes of the longest sentence, with a path in it

typedef struct identity identity_t;

// The folder's path as the environment has it, which the caller frees; NULL when there is no home.
char *identity_folder (void);

// A nick made of a login name: without what a nick cannot hold, "user" when nothing is left.
void identity_nick_of (const char *login, char nick[TEXT_NICK_MAX + 1]);

// Opens what is in the folder (NULL: nothing can be kept), or makes it. NULL and a sentence when
// there is an identity that cannot be used.
identity_t *identity_open (const char *folder, char error[IDENTITY_ERROR]);
void identity_destroy (identity_t **self_p);

// Why nothing is kept, as a sentence; NULL when the identity lasts.
const char *identity_passing (const identity_t *self);

// The folder; NULL: nothing is kept.
const char *identity_path (const identity_t *self);

const guid_t *identity_uuid (const identity_t *self); // whom it speaks as
const char *identity_nick (const identity_t *self);
const uint8_t *identity_public (const identity_t *self);
const uint8_t *identity_secret (const identity_t *self);

// Speaks as another UUID from now on, or as its key's own. 0, or -1 with errno.
int identity_speak_as (identity_t *self, const guid_t *uuid);

// The log last met under a group's name. 0, or -1 when none is known.
int identity_log (const identity_t *self, const char *name, guid_t *log);
int identity_put_log (const identity_t *self, const char *name, const guid_t *log);

// The key that the group of that name proved when it was first met. 0, or -1 when none is known.
int identity_server (const identity_t *self, const char *name, uint8_t key[IDENTITY_KEY]);
int identity_put_server (const identity_t *self, const char *name, const uint8_t key[IDENTITY_KEY]);

// Forgets the log and the key that are known under a name.
void identity_forget (const identity_t *self, const char *name);

// The last receipt of a log. 0, or -1 when none is known. When two processes put one, the last
// wins: an older receipt proves less, nothing false.
int identity_receipt (const identity_t *self, const guid_t *log, uint8_t receipt[PROOF_RECEIPT]);
int identity_put_receipt (const identity_t *self, const guid_t *log,
                          const uint8_t receipt[PROOF_RECEIPT]);
// It proved what it could.
void identity_drop_receipt (const identity_t *self, const guid_t *log);

// The groups of the last conversation, with newlines between. NULL when none are known, or memory
// is out; the caller frees them.
char *identity_chat (const identity_t *self);
int identity_put_chat (const identity_t *self, const char *groups);

// A device of `author` for sends to this log. NULL when memory is out.
sender_t *identity_take_sender (const identity_t *self, const guid_t *log, const guid_t *author);

#endif
