// legacy: the original system's requests to the registry, and its answers.
//
// Floor 4, pure. A request is one line of text:
//
//     JOIN REQUEST FROM <port> [<name>]                     a group registers
//     GROUP LIST REQUEST FROM LOCALHOST:2000 [<uuid>]       a user asks for the list
//     GROUP LIST REQUEST FROM <uuid>                        the same, as other programs write it
//
// where the brackets are literal. Nothing may stand before or behind; a bad port, name or UUID
// makes it no request.

#ifndef ZCHAT_REGISTRY_LEGACY_H
#define ZCHAT_REGISTRY_LEGACY_H

#include "common/codec.h"
#include "common/guid.h"

#define LEGACY_ROW 64 // bytes that a row of the list takes at most, with its newline

typedef enum { LEGACY_INVALID, LEGACY_REGISTER, LEGACY_LIST } legacy_kind_t;

typedef struct {
    legacy_kind_t kind;
    uint16_t port; // LEGACY_REGISTER
    span_t name;   // LEGACY_REGISTER, borrowed from the text
    guid_t user;   // LEGACY_LIST
} legacy_request_t;

legacy_request_t legacy_parse (span_t text);

// Appends `[<name>] - <port>`, with a newline before it when something is there already. Sets
// out->failed when it does not fit.
void legacy_put_row (writer_t *out, const char *name, uint16_t port);

#endif
