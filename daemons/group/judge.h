// judge: what becomes of a request that may change the group.
//
// Daemon floor 5, pure. The roster says what a request means, the rights who may; both by "next".

#ifndef ZCHAT_JUDGE_H
#define ZCHAT_JUDGE_H

#include "daemons/group/pending.h"
#include "daemons/group/rights.h"

// Judges JOIN, LEAVE, NICK, TOPIC, SEND and MANAGE; one without a peer is the group's own, which
// may all. `now`: wall clock, microseconds. The verdict's spans point into the request.
void judge_request (const rights_t *rights, roster_t *roster, pending_t *request,
                    size_t max_members, int64_t now, verdict_t *verdict);

#endif
