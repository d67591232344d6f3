// intake_kit: what the tests of intake share: a group's log, roster and intake on a disk that can
// fail, and what became of each request.

#ifndef ZCHAT_TESTS_INTAKE_KIT_H
#define ZCHAT_TESTS_INTAKE_KIT_H

#include "daemons/group/intake.h"

#include "tests/faults.h"
#include "tests/folder.h"
#include "tests/kit.h"

#include <czmq.h>
#include <poll.h>

enum { TAGS = 4096, LARGE = 1 << 26 };

#define NOW INT64_C (1795330800000000)

// What became of a request.
typedef struct {
    wire_kind_t kind;
    unsigned who;
    record_send_t send;
    char text[32];
    int answers;
    wire_error_t error;
    uint64_t seq;
    int64_t time;
    bool appended;
    char given[TEXT_NICK_MAX + 1];
    size_t order; // of its answer
} fate_t;

static folder_t s_folder;
static log_t *s_log;
static roster_t *s_roster;
static rights_t *s_rights;
static intake_t *s_intake;
static fate_t s_fates[TAGS];
static uint32_t s_tags;
static size_t s_answered;
static int64_t s_now;
static int64_t s_mono;
// Events but answers.
static uint64_t s_durable_last;
static int s_troubles;
static int s_trouble_error; // of the last one
static int s_finals;
static int s_final_error;
static int s_lefts;
static uint64_t s_left_seq;
static wire_error_t s_left_why;
static int s_trims;
static uint64_t s_trim_seq;

static inline guid_t s_who (unsigned n)
{
    guid_t who = {{0x20, (uint8_t)n}};
    return who;
}

// ---- Events

static inline void s_answer (void *arg, pending_t *request)
{
    (void)arg;
    if (request->tag == 0)
        return; // the group's own
    fate_t *fate = &s_fates[request->tag];
    fate->answers++;
    fate->error = request->error;
    fate->seq = request->seq;
    fate->time = request->time;
    fate->appended = !request->error && request->appended;
    fate->order = ++s_answered;
    strcpy (fate->given, request->given);
    ck_assert_msg (fate->answers == 1, "request %u was answered twice", request->tag);
    ck_assert (request->error || request->seq <= log_last (s_log)); // durable
}

static inline void s_left (void *arg, const guid_t *who, uint64_t seq, wire_error_t why)
{
    (void)arg, (void)who;
    s_left_why = why;                        // who may be back by the same job
    ck_assert_uint_gt (seq, s_durable_last); // before `durable`
    ck_assert_uint_le (seq, log_last (s_log));
    s_lefts++;
    s_left_seq = seq;
}

static inline void s_trimmed (void *arg, uint64_t seq)
{
    (void)arg;
    s_trims++;
    s_trim_seq = seq;
}

static inline void s_durable (void *arg, log_done_t *done)
{
    (void)arg;
    ck_assert_uint_eq (done->first, s_durable_last + 1);
    ck_assert_uint_eq (done->last, log_last (s_log));
    s_durable_last = done->last;
    free (done->buffer);
}

static inline void s_trouble (void *arg, int error, const char *call)
{
    (void)arg;
    ck_assert (!error == !s_trouble_error || s_troubles == 0 || error != s_trouble_error);
    ck_assert_int_eq (error != 0, call != NULL);
    s_troubles++;
    s_trouble_error = error;
}

static inline void s_final (void *arg, int error, const char *call)
{
    (void)arg;
    ck_assert_ptr_nonnull (call);
    s_finals++;
    s_final_error = error;
}

// ---- The group

static inline void s_fold (void *arg, const record_t *record)
{
    roster_put (arg, record);
    roster_commit (arg);
}

static inline void s_put_state (void *arg, const record_t *record)
{
    log_state_put (arg, record);
}

static inline void s_state (void *arg, log_state_t *state)
{
    roster_state (arg, s_put_state, state);
}

static inline void s_open (uint64_t segment)
{
    static const intake_io_t io = {NULL,      s_answer,  s_left, s_trimmed,
                                   s_durable, s_trouble, s_final};
    trouble_t trouble;
    s_roster = roster_new ();
    s_rights = rights_new ("cats", s_roster);
    log_fold_t fold = {s_roster, s_fold, s_state};
    s_log = log_open (folder_path (&s_folder, "log"), segment, &fold, &trouble);
    ck_assert_msg (s_log != NULL, "%s", trouble.text);
    s_intake = intake_new (s_log, s_roster, s_rights, &io);
    s_durable_last = log_last (s_log);
}

static inline void s_close (void)
{
    intake_destroy (&s_intake);
    log_destroy (&s_log);
    rights_destroy (&s_rights);
    roster_destroy (&s_roster);
}

static inline void s_setup (void)
{
    faults_skip_syncs (true);
    s_folder = folder_new ();
    s_now = NOW;
    s_mono = 1000;
    s_open (LARGE);
}

static inline void s_teardown (void)
{
    faults_reset ();
    s_close ();
    folder_remove (&s_folder);
}

static inline pending_t *s_make (wire_kind_t kind, unsigned who, const char *text)
{
    pending_t *request = pending_new ();
    ck_assert_uint_lt (++s_tags, TAGS);
    fate_t *fate = &s_fates[s_tags];
    memset (fate, 0, sizeof *fate);
    fate->kind = request->kind = kind;
    fate->who = who;
    snprintf (fate->text, sizeof fate->text, "%s", text);
    request->tag = s_tags;
    request->who = s_who (who);
    request->text = request->nick = span_of (fate->text);
    return request;
}

static inline wire_error_t s_add (pending_t *request)
{
    wire_error_t error = intake_add (s_intake, request);
    if (error) { // it stays ours
        s_fates[request->tag].answers++;
        s_fates[request->tag].error = error;
        pending_destroy (&request);
    }
    return error;
}

static inline fate_t *s_ask (wire_kind_t kind, unsigned who, const char *text)
{
    ck_assert_int_eq (s_add (s_make (kind, who, text)), WIRE_ERR_NONE);
    return &s_fates[s_tags];
}

static inline fate_t *s_send (unsigned who, uint64_t counter, uint32_t random)
{
    pending_t *request = s_make (WIRE_SEND, who, "text");
    request->send.device[0] = (uint8_t)who;
    request->send.counter = counter;
    request->send.random = random;
    s_fates[s_tags].send = request->send;
    ck_assert_int_eq (s_add (request), WIRE_ERR_NONE);
    return &s_fates[s_tags];
}

static inline bool s_turn (int wait)
{
    return intake_turn (s_intake, s_now++, s_mono, wait);
}

static inline void s_until_idle (void)
{
    for (int i = 0; i < 1000 && !intake_idle (s_intake); i++) {
        struct pollfd job = {log_fd (s_log), POLLIN, 0};
        if (log_busy (s_log))
            ck_assert_int_eq (poll (&job, 1, 30000), 1);
        s_turn (-1);
    }
    ck_assert (intake_idle (s_intake));
}

static inline void s_is_stored (const fate_t *fate, uint64_t seq)
{
    ck_assert_int_eq (fate->answers, 1);
    ck_assert_int_eq (fate->error, WIRE_ERR_NONE);
    ck_assert_uint_eq (fate->seq, seq);
    ck_assert (fate->appended && fate->time > 0);
}

static inline void s_is_refused (const fate_t *fate, wire_error_t error)
{
    ck_assert_int_eq (fate->answers, 1);
    ck_assert_msg (fate->error == error, "%s, not %s", wire_error_name (fate->error),
                   wire_error_name (error));
}

// Members 1 and 2, in records 1 (OPEN) to 3.
static inline void s_join_two (void)
{
    intake_open (s_intake, s_now);
    s_ask (WIRE_JOIN, 1, "ann");
    s_ask (WIRE_JOIN, 2, "bob");
    s_until_idle ();
    ck_assert_uint_eq (log_last (s_log), 3);
    s_answered = 0;
}

#endif
