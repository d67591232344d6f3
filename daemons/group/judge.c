#include "daemons/group/judge.h"

#include <czmq.h>

// A request at hand.
typedef struct {
    const rights_t *rights;
    roster_t *roster;
    pending_t *request;
    const guid_t *who;
    rights_voice_t voice;
    verdict_t *verdict;
} trial_t;

static void s_refuse (verdict_t *verdict, wire_error_t error)
{
    verdict->error = error;
    verdict->append = false;
}

static unsigned s_flags (const trial_t *trial)
{
    return standing_next (roster_standing (trial->roster), trial->who)->flags;
}

// The record is the last that these may see who cannot speak for `whose` any more because of it.
static void s_end (verdict_t *verdict, const guid_t *whose, wire_error_t why)
{
    verdict->ends = why;
    verdict->whose = *whose;
}

// ---- JOIN

static void s_put_redeemed (pending_t *request, const invitation_t *invitation, verdict_t *verdict)
{
    writer_t options = writer (request->options, sizeof request->options);
    record_put_option (&options, RECORD_OPT_INVITATION, invitation->id.bytes, GUID_SIZE);
    if (invitation->uses > 0)
        record_put_number (&options, RECORD_OPT_USES, invitation->uses);
    if (invitation->expires > 0)
        record_put_number (&options, RECORD_OPT_EXPIRES, (uint64_t)invitation->expires);
    assert (!options.failed);
    verdict->record.options = span (request->options, writer_used (&options));
}

static void s_judge_join (trial_t *trial, size_t max_members, int64_t now)
{
    verdict_t *verdict = trial->verdict;
    bool member = roster_is_next (trial->roster, trial->who);
    if (member && trial->voice == RIGHTS_PROVED && !(s_flags (trial) & STANDING_BOUND)) {
        roster_judge_rejoin (trial->roster, trial->who, verdict);
        return;
    }
    roster_judge_join (trial->roster, trial->who, trial->request->nick, max_members, verdict);
    if (verdict->error == WIRE_ERR_LIMIT)
        verdict->why = "the group has as many members as max_members allows";
    if (!verdict->append || !trial->request->peer)
        return;
    invitation_t redeems;
    wire_error_t error = rights_join (trial->rights, trial->who, trial->request->invitations, now,
                                      &redeems, &verdict->why);
    if (error)
        s_refuse (verdict, error);
    else if (!guid_is_null (&redeems.id))
        s_put_redeemed (trial->request, &redeems, verdict);
}

// ---- MANAGE

static void s_put_action (pending_t *request, const rights_action_t *action, verdict_t *verdict)
{
    writer_t options = writer (request->options, sizeof request->options);
    record_put_option (&options, RECORD_OPT_SUBJECT, action->subject.bytes, GUID_SIZE);
    if (action->kind == RECORD_ADD_KEY || action->kind == RECORD_REMOVE_KEY)
        record_put_option (&options, RECORD_OPT_KEY, action->key, SPEAKER_KEY);
    assert (!options.failed);
    verdict->record.options = span (request->options, writer_used (&options));
    if (action->kind == RECORD_KICK)
        s_end (verdict, &action->subject, WIRE_ERR_NOT_MEMBER);
    else if (action->kind == RECORD_BAN)
        s_end (verdict, &action->subject, WIRE_ERR_BANNED);
    else if (action->kind == RECORD_REMOVE_KEY)
        s_end (verdict, &action->subject, WIRE_ERR_WRONG_KEY);
}

static void s_judge_manage (trial_t *trial)
{
    verdict_t *verdict = trial->verdict;
    const pending_t *request = trial->request;
    rights_action_t action = {request->action, request->subject, request->key.data};
    roster_judge_act (trial->roster, trial->who, request->action, verdict);
    if (!verdict->append)
        return;
    bool done;
    wire_error_t error = trial->voice == RIGHTS_PROVED ? WIRE_ERR_NONE : WIRE_ERR_KEY_NEEDED;
    if (!error)
        error = rights_act (trial->rights, trial->who, &action, &done, &verdict->why);
    if (error)
        s_refuse (verdict, error);
    else if (done)
        verdict->append = false;
    else
        s_put_action (trial->request, &action, verdict);
}

// ---- All

static wire_error_t s_begin (trial_t *trial)
{
    wire_error_t error = rights_speak (trial->rights, true, &trial->request->peer->speaker,
                                       trial->who, &trial->voice);
    if (error)
        return error;
    return s_flags (trial) & STANDING_BANNED ? WIRE_ERR_BANNED : WIRE_ERR_NONE;
}

static void s_judge (trial_t *trial, size_t max_members, int64_t now)
{
    pending_t *request = trial->request;
    switch (request->kind) {
    case WIRE_JOIN:
        s_judge_join (trial, max_members, now);
        break;
    case WIRE_LEAVE:
        roster_judge_leave (trial->roster, trial->who, trial->verdict);
        break;
    case WIRE_NICK:
        roster_judge_nick (trial->roster, trial->who, request->nick, trial->verdict);
        break;
    case WIRE_TOPIC:
        roster_judge_topic (trial->roster, trial->who, request->text, trial->verdict);
        break;
    case WIRE_MANAGE:
        s_judge_manage (trial);
        break;
    default:
        roster_judge_send (trial->roster, trial->who, &request->send, request->text,
                           trial->verdict);
    }
}

// What is to be appended: may it be, and what does it end?
static void s_conclude (trial_t *trial)
{
    verdict_t *verdict = trial->verdict;
    record_t *record = &verdict->record;
    bool says = record->kind == RECORD_MESSAGE || record->kind == RECORD_NICK ||
                record->kind == RECORD_TOPIC;
    wire_error_t error = WIRE_ERR_NONE;
    if (says && trial->request->peer)
        error = rights_say (trial->rights, record->kind, trial->who, trial->voice);
    if (error) {
        s_refuse (verdict, error);
        return;
    }
    if (record->kind == RECORD_LEAVE)
        s_end (verdict, trial->who, WIRE_ERR_NOT_MEMBER);
    if (trial->voice != RIGHTS_PROVED)
        return;
    record->flags = RECORD_VERIFIED;
    bool binds = !(s_flags (trial) & STANDING_BOUND) && roster_is_next (trial->roster, trial->who);
    if (binds && !verdict->ends) // what was said for it without a key
        s_end (verdict, trial->who, WIRE_ERR_KEY_NEEDED);
}

void judge_request (const rights_t *rights, roster_t *roster, pending_t *request,
                    size_t max_members, int64_t now, verdict_t *verdict)
{
    trial_t trial = {rights, roster, request, &request->who, RIGHTS_PLAIN, verdict};
    memset (verdict, 0, sizeof *verdict);
    wire_error_t error = request->peer ? s_begin (&trial) : WIRE_ERR_NONE;
    if (error) {
        s_refuse (verdict, error);
        return;
    }
    s_judge (&trial, max_members, now);
    if (verdict->append)
        s_conclude (&trial);
}
