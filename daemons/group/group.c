#include "daemons/group/group.h"

#include "common/report.h"
#include "common/wallclock.h"
#include "daemons/group/announce.h"
#include "daemons/group/caretaker.h"
#include "daemons/group/desk.h"
#include "daemons/group/gather.h"
#include "daemons/group/listeners.h"
#include "daemons/group/readers.h"
#include "daemons/group/records.h"

enum {
    DRAIN_MAX = 2048,   // messages of one listener in one turn
    DRAIN_US = 5000,    // … and the time for them: some are answered at once, at length
    WRITER_WAIT_MS = 2, // that a turn waits for the disk
    HOUSEKEEPING_MS = 1000,
    STOP_POLL_MS = 10,
    STOP_WAIT_MS = 500, // for the registries' answers to a goodbye
    LINGER_MS = 500,    // for last answers to leave
    OLDEST_SYNC_MS = 120000
};

struct group_server {
    program_t *program;
    zloop_t *loop;
    const char *name;
    log_t *log;
    roster_t *roster;
    rights_t *rights;
    readers_t *readers;
    bool hidden;
    bool told_of_readers; // that not all can be told of
    peers_t *peers;
    limits_t *limits;
    intake_t *intake;
    gather_t gather;
    bool more; // messages may be left at a listener
    history_t *history;
    delivery_t *delivery;
    replies_t *replies;
    desk_t *desk;
    listeners_t *listeners; // NULL until the group serves
    announce_t *announce;
    zlistx_t *gone; // peers to be dropped at the end of the turn, held
    zmq_pollitem_t writer_item;
    int wake; // timer of the next turn, 0: none
    size_t wake_in;
    caretaker_t *caretaker;
    size_t max_page;
    bool stopping;
    int64_t stop_by;
    int exit;
};

static void s_turn (void *arg);

// ---- Sending

static void s_gone (void *arg, peer_t *peer)
{
    group_t *self = arg;
    peer_hold (peer);
    zlistx_add_end (self->gone, peer);
}

static int s_send (void *arg, peer_t *peer, span_t frame)
{
    return listeners_send (((group_t *)arg)->listeners, peer, false, frame);
}

static int s_push (void *arg, peer_t *peer, const frame_shared_t *frame)
{
    return listeners_push (((group_t *)arg)->listeners, peer, frame);
}

static int s_note_if_gone (group_t *self, peer_t *peer, int rc)
{
    if (rc < 0 && errno == EHOSTUNREACH && peer->known)
        s_gone (self, peer);
    return rc;
}

static int s_answer_page (void *arg, peer_t *peer, span_t page)
{
    return s_note_if_gone (arg, peer, s_send (arg, peer, page));
}

static int s_answer_page_shared (void *arg, peer_t *peer, const frame_shared_t *frame)
{
    return s_note_if_gone (arg, peer, s_push (arg, peer, frame));
}

static void s_reply (void *arg, peer_t *peer, span_t frame)
{
    s_answer_page (arg, peer, frame);
}

static void s_send_text (void *arg, peer_t *peer, span_t text)
{
    group_t *self = arg;
    listeners_send (self->listeners, peer, true, text);
}

static void s_refuse_page (void *arg, peer_t *peer, uint32_t tag, wire_error_t error)
{
    group_t *self = arg;
    replies_error (self->replies, peer, tag, error, NULL, 0);
}

// ---- The log

static void s_fold (void *arg, const record_t *record)
{
    group_t *self = arg;
    roster_put (self->roster, record);
    roster_commit (self->roster);
}

static void s_put_state (void *arg, const record_t *record)
{
    log_state_put (arg, record);
}

static void s_state (void *arg, log_state_t *state)
{
    group_t *self = arg;
    roster_state (self->roster, s_put_state, state);
}

static segments_read_t s_read (void *arg, uint64_t seq, size_t max, segments_page_t *page,
                               record_why_t *why)
{
    group_t *self = arg;
    return log_read (self->log, seq, UINT64_MAX, max, page, why);
}

static span_t s_page_frame (void *arg, const segments_page_t *page)
{
    group_t *self = arg;
    receipt_t receipt = log_receipt_at (self->log, page->last, &page->chain);
    return records_frame (page->batches, 0, &receipt, log_oldest (self->log), log_why (self->log),
                          page->first, page->last);
}

// ---- Intake's events

static void s_answer (void *arg, pending_t *pending)
{
    group_t *self = arg;
    desk_answer (self->desk, pending);
}

static void s_left (void *arg, const guid_t *who, uint64_t seq, wire_error_t why)
{
    group_t *self = arg;
    desk_left (self->desk, who, seq, why);
}

static void s_trimmed (void *arg, uint64_t seq)
{
    group_t *self = arg;
    caretaker_trimmed (self->caretaker, seq);
    size_t dropped = log_drop_trimmed (self->log);
    report_info ("retention: history begins with record %" PRIu64 " now, %zu segments removed",
                 log_oldest (self->log), dropped);
}

static int s_serve (group_t *self);

// Acks first, then one push.
static void s_durable (void *arg, log_done_t *done)
{
    group_t *self = arg;
    replies_flush (self->replies, log_receipt (self->log));
    int64_t told = zclock_usecs ();
    span_t bytes = records_frame (done->batches, 0, log_receipt (self->log), log_oldest (self->log),
                                  log_why (self->log), done->first, done->last);
    frame_shared_t frame;
    frame_share (&frame, (void *)bytes.data, bytes.size, frame_free_hint, done->buffer);
    delivery_durable (self->delivery, &frame, bytes.size, done->first, done->last, zclock_mono ());
    frame_unshare (&frame);
    gather_ended (&self->gather, (size_t)(done->last - done->first + 1),
                  intake_waiting (self->intake), told, zclock_usecs ());
}

static void s_trouble (void *arg, int error, const char *call)
{
    group_t *self = arg;
    if (error)
        report_error ("the log cannot be written (%s: %s); messages are refused until it can", call,
                      strerror (error));
    else
        report_notice ("the log is written again");
    program_status (self->program, "%s: %s", self->name,
                    error ? "the disk takes no writes, messages are refused" : "serving");
}

static void s_final (void *arg, int error, const char *call)
{
    group_t *self = arg;
    report_error ("%s failed: %s; what was not acknowledged may be lost; ending", call,
                  strerror (error));
    self->exit = EXIT_SYNC;
    if (self->listeners) {
        replies_flush (self->replies, log_receipt (self->log));
        delivery_end (self->delivery, WIRE_ERR_SYNC_FAILED);
        listeners_set_linger (self->listeners, LINGER_MS);
    }
    program_end (self->program, EXIT_SYNC);
}

// ---- Turns

static int s_on_wake (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    group_t *self = arg;
    if (timer == self->wake) { // else it was ended in this very pass of the loop
        self->wake = 0;
        s_turn (self);
    }
    return 0;
}

// A turn within so many ms, or sooner.
static void s_wake (group_t *self, size_t delay)
{
    if (self->wake > 0 && self->wake_in <= delay)
        return;
    if (self->wake > 0)
        zloop_timer_end (self->loop, self->wake);
    self->wake_in = delay;
    self->wake = zloop_timer (self->loop, delay, 1, s_on_wake, self);
}

static void s_drop_gone (group_t *self)
{
    peer_t *peer;
    while ((peer = zlistx_detach (self->gone, NULL))) {
        delivery_unfollow (self->delivery, peer);
        history_drop (self->history, peer);
        peers_drop (self->peers, peer);
        peer_release (&peer);
    }
}

static void s_gather (group_t *self)
{
    int64_t wait = 0;
    do {
        if (wait > 0)
            listeners_await (self->listeners, wait);
        size_t waiting = intake_waiting (self->intake);
        bool next = self->listeners && waiting > 0 && !self->more && !log_busy (self->log);
        wait = next ? gather_wait (&self->gather, waiting, zclock_usecs ()) : 0;
    } while (wait > 0);
}

static void s_turn (void *arg)
{
    group_t *self = arg;
    s_gather (self);
    int64_t mono = zclock_mono ();
    intake_turn (self->intake, wallclock_now (), mono, WRITER_WAIT_MS);
    if (!self->listeners) {
        bool opened = !log_busy (self->log) && !program_ending (self->program);
        if (opened && s_serve (self) < 0)
            program_end (self->program, self->exit);
        return;
    }
    replies_flush (self->replies, log_receipt (self->log));
    bool more = history_turn (self->history);
    more = desk_turn (self->desk) || more;
    more = delivery_turn (self->delivery, self->max_page, mono) || more;
    replies_flush (self->replies, log_receipt (self->log));
    s_drop_gone (self);
    more = more || (!log_busy (self->log) && !intake_idle (self->intake));
    if (more || delivery_retries (self->delivery) || history_retries (self->history))
        s_wake (self, more ? 0 : DELIVERY_RETRY);
}

static int s_on_writer (zloop_t *loop, zmq_pollitem_t *item, void *arg)
{
    (void)loop;
    (void)item;
    s_turn (arg);
    return 0;
}

static void s_take (void *arg, size_t listener, zsock_t *socket)
{
    group_t *self = arg;
    int64_t now = wallclock_now (), mono = zclock_mono ();
    self->more = true;
    int64_t until = zclock_usecs () + DRAIN_US;
    for (int i = 0; i < DRAIN_MAX && self->more && (i % 4 || zclock_usecs () < until); i++) {
        route_t route;
        pending_t *pending = pending_new ();
        self->more = frame_take (socket, &route, &pending->frame);
        if (self->more) {
            pending->proved = frame_key (&pending->frame, pending->speaker);
            desk_take (self->desk, &pending, listener, &route, now, mono);
        }
        pending_destroy (&pending); // unless somebody took it
    }
}

// ---- Registries

// Those who may know of a hidden group.
static span_t s_readers (group_t *self)
{
    size_t left_out = 0;
    span_t list = self->hidden ? readers_list (self->readers, &left_out) : span (NULL, 0);
    if (left_out > 0 && !self->told_of_readers)
        report_warning ("a registry can be told of %d keys that may see a hidden group; %zu are "
                        "left out",
                        READERS_MAX, left_out);
    self->told_of_readers = left_out > 0;
    return list;
}

static void s_facts (void *arg, announce_facts_t *facts)
{
    group_t *self = arg;
    *facts = (announce_facts_t){
        .name = self->name,
        .log = *log_id (self->log),
        .instance = *log_instance (self->log),
        .generation = log_generation (self->log),
        .raised = log_raised (self->log),
        .key = log_key (self->log),
        .state = desk_state (self->desk),
        .members = (uint32_t)roster_count (self->roster),
        .online = (uint32_t)peers_online (self->peers),
        .seq = log_last (self->log),
        .topic = roster_topic (self->roster),
        .endpoints = listeners_announced (self->listeners),
        .hidden = self->hidden,
        .readers = s_readers (self),
    };
}

static void s_superseded (void *arg, uint64_t generation)
{
    group_t *self = arg;
    report_error ("generation %" PRIu64 " of this log is served elsewhere, this is %" PRIu64
                  ": two copies must not both live; ending",
                  generation, log_generation (self->log));
    program_end (self->program, EXIT_CONFIG);
}

static void s_set_registries (group_t *self, const conf_t *conf)
{
    size_t count = conf_count (conf, "registries");
    char (*texts)[ENDPOINT_TEXT] = zmalloc ((count + 1) * ENDPOINT_TEXT);
    const char **list = zmalloc ((count + 1) * sizeof (char *));
    for (size_t i = 0; i < count; i++)
        list[i] = endpoint_print_with_key (conf_endpoint (conf, "registries", i), texts[i]);
    announce_set_registries (self->announce, list, count);
    free (list);
    free (texts);
}

// ---- Housekeeping

static void s_expired (void *arg, peer_t *peer)
{
    group_t *self = arg;
    delivery_unfollow (self->delivery, peer);
    history_drop (self->history, peer);
}

static int s_housekeeping (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    group_t *self = arg;
    int64_t mono = zclock_mono ();
    peers_expire (self->peers, mono, s_expired, self);
    limits_forget (self->limits, mono);
    if (self->stopping || !self->listeners)
        return 0;
    caretaker_turn (self->caretaker, wallclock_now (), zclock_usecs (), mono);
    s_turn (self);
    if (!log_read_only (self->log) && !*log_doubt (self->log))
        program_status (self->program,
                        "%s: %zu members, %zu present, %zu follow, last record %" PRIu64,
                        self->name, roster_count (self->roster), peers_online (self->peers),
                        delivery_count (self->delivery), log_last (self->log));
    return 0;
}

// ---- Life

static void s_configure (group_t *self, const conf_t *conf)
{
    keep_limits_t keep = {conf_number (conf, "keep.age") * 1000000,
                          (uint64_t)conf_number (conf, "keep.size"),
                          (uint64_t)conf_number (conf, "keep.count")};
    caretaker_set (self->caretaker, conf_number (conf, "forget") * 1000000, &keep);
    self->max_page = (size_t)conf_number (conf, "max_reply");
    rights_rules_t rules = rights_rules_of (conf);
    rights_set (self->rights, &rules);
    readers_forget (self->readers);
    self->hidden = conf_flag (conf, "hidden");
    size_t sessions = (size_t)conf_number (conf, "max_sessions");
    // Twice the connections: who comes back has a new one, and nobody tells that the old one went.
    peers_set_limits (self->peers, 2 * sessions, sessions);
    peers_set_origins (self->peers, (size_t)conf_number (conf, "max_sessions_per_key"),
                       (size_t)conf_number (conf, "max_sessions_per_address"));
    limits_rules_t limits = limits_rules_of (conf);
    limits_set (self->limits, &limits);
    intake_set_limits (self->intake, (size_t)conf_number (conf, "max_pending"),
                       (size_t)conf_number (conf, "max_members"));
    history_set_max_reply (self->history, self->max_page);
    desk_set_limits (self->desk, (size_t)conf_number (conf, "max_message"), self->max_page);
}

static void s_make_parts (group_t *self)
{
    intake_io_t intake = {self, s_answer, s_left, s_trimmed, s_durable, s_trouble, s_final};
    delivery_io_t delivery = {self, s_send, s_push, s_read, s_page_frame, s_gone};
    history_io_t history = {self, s_answer_page, s_answer_page_shared, s_refuse_page};
    self->peers = peers_new (1, 1, WIRE_LEASE_MS);
    self->limits = limits_new ();
    self->intake = intake_new (self->log, self->roster, self->rights, &intake);
    self->caretaker = caretaker_new (self->log, self->roster, self->intake, self->peers,
                                     wallclock_now (), zclock_usecs ());
    self->history = history_new (self->log, &history);
    self->delivery = delivery_new (&delivery, log_last (self->log));
    self->replies = replies_new (s_reply, self);
    desk_parts_t desk = {.name = self->name,
                         .log = self->log,
                         .door = {self->roster, self->rights, self->peers, self->limits,
                                  self->history, self->delivery},
                         .intake = self->intake,
                         .replies = self->replies,
                         .send_text = s_send_text,
                         .arg = self};
    self->desk = desk_new (&desk);
}

static char *s_folder (const conf_t *conf, const char *name)
{
    return zsys_sprintf ("%s/groups/%s", conf_string (conf, "state_dir"), name);
}

// This opening is on disk (or the log can only be read): others may come.
static int s_serve (group_t *self)
{
    const conf_t *conf = program_conf (self->program);
    char *folder = s_folder (conf, self->name);
    listeners_io_t io = {self, s_take, s_turn};
    self->listeners = listeners_new (self->loop, conf, folder, &io, &self->exit);
    free (folder);
    if (!self->listeners)
        return -1;
    self->exit = EXIT_DONE;
    desk_set_key (self->desk, listeners_key (self->listeners));
    announce_io_t announce = {self, s_facts, s_superseded};
    self->announce = announce_new (self->loop, &announce, listeners_keys (self->listeners));
    s_set_registries (self, conf);
    program_ready (self->program, "%s: %s on %s, last record %" PRIu64, self->name,
                   log_read_only (self->log) ? "READ ONLY"
                   : *log_doubt (self->log)  ? "IN DOUBT"
                                             : "serving",
                   listeners_bound (self->listeners), log_last (self->log));
    return 0;
}

static int s_open_log (group_t *self, const conf_t *conf)
{
    char *folder = s_folder (conf, self->name);
    log_fold_t fold = {self, s_fold, s_state};
    trouble_t trouble;
    self->log = log_open (folder, (uint64_t)conf_number (conf, "segment"), &fold, &trouble);
    if (!self->log)
        report_error ("%s: %s", folder, trouble.text);
    else if (log_read_only (self->log))
        report_error ("%s: READ ONLY: %s", folder, log_notice (self->log));
    else if (*log_doubt (self->log))
        report_error (
            "%s: IN DOUBT: %s; messages are refused until an operator runs zchat-log accept",
            folder, log_doubt (self->log));
    if (self->log && !log_read_only (self->log) && *log_notice (self->log))
        report_warning ("%s: %s", folder, log_notice (self->log));
    free (folder);
    return self->log ? EXIT_DONE : trouble.exit;
}

int group_new (group_t **self_p, program_t *program)
{
    group_t *self = zmalloc (sizeof *self);
    *self_p = self;
    self->program = program;
    self->loop = program_loop (program);
    self->name = program_argument (program);
    self->roster = roster_new ();
    self->rights = rights_new (self->name, self->roster);
    self->readers = readers_new (self->roster, self->rights);
    self->gone = zlistx_new ();
    int rc = s_open_log (self, program_conf (program));
    if (rc != EXIT_DONE)
        return rc;
    s_make_parts (self);
    s_configure (self, program_conf (program));
    self->writer_item = (zmq_pollitem_t){NULL, log_fd (self->log), ZMQ_POLLIN, 0};
    zloop_poller (self->loop, &self->writer_item, s_on_writer, self);
    zloop_poller_set_tolerant (self->loop, &self->writer_item);
    zloop_timer (self->loop, HOUSEKEEPING_MS, 0, s_housekeeping, self);
    intake_open (self->intake, wallclock_now ());
    s_wake (self, 0);
    return EXIT_DONE;
}

void group_destroy (group_t **self_p)
{
    group_t *self = *self_p;
    if (!self)
        return;
    if (self->gone && self->peers)
        s_drop_gone (self);
    zlistx_destroy (&self->gone);
    announce_destroy (&self->announce);
    listeners_destroy (&self->listeners);
    desk_destroy (&self->desk);
    replies_destroy (&self->replies);
    delivery_destroy (&self->delivery);
    history_destroy (&self->history);
    caretaker_destroy (&self->caretaker);
    intake_destroy (&self->intake);
    peers_destroy (&self->peers);
    limits_destroy (&self->limits);
    log_destroy (&self->log);
    readers_destroy (&self->readers);
    rights_destroy (&self->rights);
    roster_destroy (&self->roster);
    free (self);
    *self_p = NULL;
}

void group_reload (group_t *self, const conf_t *conf)
{
    s_configure (self, conf);
    desk_review (self->desk);
    if (self->announce)
        s_set_registries (self, conf);
}

static int s_on_stop (zloop_t *loop, int timer, void *arg)
{
    (void)loop;
    (void)timer;
    group_t *self = arg;
    bool waits = !intake_idle (self->intake);
    if (!waits && self->announce && announce_waiting (self->announce) > 0)
        waits = zclock_mono () < self->stop_by;
    if (!waits) {
        if (self->listeners)
            listeners_set_linger (self->listeners, LINGER_MS);
        program_end (self->program, self->exit);
    }
    return 0;
}

void group_stop (group_t *self)
{
    if (self->stopping)
        return;
    self->stopping = true;
    self->stop_by = zclock_mono () + STOP_WAIT_MS;
    intake_stop (self->intake);
    if (self->listeners)
        replies_flush (self->replies, log_receipt (self->log));
    delivery_end (self->delivery, WIRE_ERR_STOPPING);
    if (self->announce)
        announce_withdraw (self->announce);
    zloop_timer (self->loop, STOP_POLL_MS, 0, s_on_stop, self);
}

bool group_syncing (group_t *self)
{
    return log_busy (self->log);
}

bool group_healthy (group_t *self, int64_t now)
{
    int64_t since = intake_busy_since (self->intake);
    return since == 0 || now - since < OLDEST_SYNC_MS;
}

int group_ping (const conf_t *conf, const char *name, int timeout)
{
    char *folder = s_folder (conf, name);
    int code = listeners_ping (conf, folder, timeout);
    free (folder);
    return code;
}
