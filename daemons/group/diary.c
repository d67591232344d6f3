#include "daemons/group/diary.h"

#include "common/report.h"
#include "common/text.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SHOWN = 80 }; // bytes of a remote text in a line

void diary_asked (const wire_t *request)
{
    char who[GUID_TEXT];
    if (report_wants (REPORT_DEBUG))
        report_debug ("%s from %s", wire_message (request->kind)->name,
                      guid_print (&request->uuid, who));
}

void diary_original (const original_t *request)
{
    static const char *const names[] = {[ORIGINAL_INVALID] = "",
                                        [ORIGINAL_JOIN] = "JOIN REQUEST",
                                        [ORIGINAL_LEAVE] = "LEAVE REQUEST",
                                        [ORIGINAL_MESSAGES] = "MESSAGE REQUEST",
                                        [ORIGINAL_SEND] = "MESSAGE SEND"};
    char who[GUID_TEXT];
    report_info ("%s FROM %s", names[request->kind], guid_print (&request->who, who));
}

// Whether one more line may be told of what strangers have refused.
static bool s_may_tell (diary_t *self, int64_t mono)
{
    uint64_t hidden;
    bool may = refusals_add (&self->refusals, mono, &hidden);
    if (hidden > 0)
        report_notice ("%" PRIu64 " more requests were refused", hidden);
    return may;
}

void diary_invalid (diary_t *self, span_t text, int64_t mono)
{
    if (!s_may_tell (self, mono))
        return;
    char *shown = text_for_log ((const char *)text.data, text.size, SHOWN);
    report_info ("invalid request of the original wire: %s", shown ? shown : "");
    free (shown);
}

void diary_refused (diary_t *self, const pending_t *request, wire_error_t error, int64_t mono)
{
    char who[GUID_TEXT];
    if (!s_may_tell (self, mono))
        return;
    const char *from = frame_peer (pending_frame (request));
    report_notice ("%s, said for %s by %s, is refused: %s", wire_message (request->kind)->name,
                   guid_print (&request->who, who), *from ? from : "a stranger",
                   wire_error_name (error));
}

static bool s_is_about_rights (wire_error_t error)
{
    return (error >= WIRE_ERR_NOT_ALLOWED && error <= WIRE_ERR_BANNED) ||
           error == WIRE_ERR_BAD_INVITATION;
}

void diary_answered (diary_t *self, const pending_t *request, int64_t mono)
{
    char who[GUID_TEXT], subject[GUID_TEXT];
    if (s_is_about_rights (request->error))
        diary_refused (self, request, request->error, mono);
    if (request->error || !request->appended || request->legacy)
        return;
    if (request->kind == WIRE_JOIN || request->kind == WIRE_LEAVE || request->kind == WIRE_NICK ||
        request->kind == WIRE_TOPIC)
        report_info ("%s from %s", wire_message (request->kind)->name,
                     guid_print (&request->who, who));
    else if (request->kind == WIRE_MANAGE)
        report_notice ("%s %s, by %s", record_kind_name (request->action),
                       guid_print (&request->subject, subject), guid_print (&request->who, who));
}
