// folder: a log's folder on disk: made, locked, and its key.
//
// Daemon floor 4.

#ifndef ZCHAT_FOLDER_H
#define ZCHAT_FOLDER_H

#include "common/guid.h"
#include "common/proof.h"
#include "daemons/group/recovery.h"

// The file `key`: the log's id and then its secret.
typedef struct {
    guid_t id;
    uint8_t secret[PROOF_KEY];
} log_key_t;

// Opens the folder, making it and the folders above (0750) and syncing what was made, and locks it
// until the descriptor is closed: the lock is on the folder itself, so no path leads around it. -1
// with trouble set.
int folder_open (const char *path, trouble_t *trouble);

// Reads the key, or makes one (durable before it is used). A key that others can read is refused.
// -1 with trouble set.
int folder_key (int dir, log_key_t *key, trouble_t *trouble);

// Reads the key without making one: for reading beside a running daemon. -1 with errno.
int folder_read_key (int dir, log_key_t *key);

// Writes the key durably, over what is there. -1 with errno.
int folder_write_key (int dir, const log_key_t *key);

// The log's id: from the key, or else from the first segment whose header can be read. 1; 0 when
// there is none; -1 with errno when the folder cannot be read.
int folder_log_id (int dir, guid_t *id);

#define FOLDER_DOUBT_MAX 300

// What the file `doubt` says, or what was written of one; "" when there is none. -1 with errno when
// it cannot be read.
int folder_doubt (int dir, char text[FOLDER_DOUBT_MAX]);
// Writes it, durably, or removes it (text ""). -1 with errno.
int folder_set_doubt (int dir, const char *text);

#endif
