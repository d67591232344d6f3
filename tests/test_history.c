#include "daemons/group/history.h"

#include "daemons/group/delivery.h"
#include "tests/faults.h"
#include "tests/logs.h"

#include <czmq.h>

enum { SEGMENT = 20000, FRAMES = 64, HUGE_CREDIT = 1 << 30 };

// A reply, as a client sees it.
typedef struct {
    peer_t *peer;
    uint8_t *bytes;
    size_t size;
    wire_t message;
    wire_error_t refused; // not a frame
    uint32_t tag;
} reply_t;

static logs_t s_logs;
static history_t *s_history;
static peer_t *s_peer;
static reply_t s_replies[FRAMES];
static size_t s_count;

static int s_send (void *arg, peer_t *peer, span_t frame)
{
    (void)arg;
    ck_assert_uint_lt (s_count, FRAMES);
    reply_t *reply = &s_replies[s_count++];
    memset (reply, 0, sizeof *reply);
    reply->peer = peer;
    reply->size = frame.size;
    reply->bytes = malloc (frame.size);
    memcpy (reply->bytes, frame.data, frame.size);
    ck_assert_int_eq (wire_decode (&reply->message, span (reply->bytes, reply->size)), 0);
    reply->tag = reply->message.tag;
    return 0;
}

static int s_send_shared (void *arg, peer_t *peer, const frame_shared_t *frame)
{
    zmq_msg_t *body = (zmq_msg_t *)&frame->body;
    return s_send (arg, peer, span (zmq_msg_data (body), zmq_msg_size (body)));
}

static void s_refuse (void *arg, peer_t *peer, uint32_t tag, wire_error_t error)
{
    (void)arg;
    ck_assert_uint_lt (s_count, FRAMES);
    s_replies[s_count++] = (reply_t){.peer = peer, .refused = error, .tag = tag};
}

static void s_forget_replies (void)
{
    while (s_count > 0)
        free (s_replies[--s_count].bytes);
}

static peer_t *s_new_peer (void)
{
    route_t route = {1, {1}};
    peer_t *peer = peer_new (0, &route);
    peer->granted = HUGE_CREDIT;
    return peer;
}

static void s_open (void)
{
    static const history_io_t io = {NULL, s_send, s_send_shared, s_refuse};
    logs_must_open (&s_logs, SEGMENT);
    s_history = history_new (s_logs.log, &io);
    s_peer = s_new_peer ();
}

static void s_close (void)
{
    history_destroy (&s_history);
    ck_assert_uint_eq (s_peer->holds, 1);
    peer_release (&s_peer);
    logs_close (&s_logs);
    s_forget_replies ();
}

// Jobs of one batch each, in several segments.
static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
    s_open ();
    logs_jobs (&s_logs, "a message in one of several segments", 60, 20);
    s_close ();
    s_open ();
}

static void s_teardown (void)
{
    faults_reset ();
    s_close ();
    logs_free (&s_logs);
}

// ---- Asking

typedef struct {
    wire_bound_t after_kind;
    uint64_t after;
    wire_bound_t before_kind;
    uint64_t before;
    uint32_t limit;
} ask_t;

static uint32_t s_tag;

static wire_error_t s_ask_by (peer_t *peer, ask_t ask)
{
    guid_t who = {{1}};
    wire_t page = wire (WIRE_PAGE, ++s_tag, &who);
    wire_set (&page, WIRE_F_AFTER_KIND, ask.after_kind);
    wire_set (&page, WIRE_F_AFTER, ask.after);
    wire_set (&page, WIRE_F_BEFORE_KIND, ask.before_kind);
    wire_set (&page, WIRE_F_BEFORE, ask.before);
    wire_set (&page, WIRE_F_LIMIT, ask.limit);
    return history_ask (s_history, peer, &page);
}

static const reply_t *s_reply (ask_t ask)
{
    s_forget_replies ();
    ck_assert_int_eq (s_ask_by (s_peer, ask), WIRE_ERR_NONE);
    for (int i = 0; i < 1000 && s_count == 0; i++)
        history_turn (s_history);
    ck_assert_uint_eq (s_count, 1);
    ck_assert_uint_eq (s_replies[0].tag, s_tag);
    ck_assert_ptr_eq (s_replies[0].peer, s_peer);
    return &s_replies[0];
}

static uint64_t s_field (const reply_t *reply, wire_field_t field)
{
    ck_assert (wire_has (&reply->message, field));
    return wire_number (&reply->message, field);
}

// A page's records that are wanted; checks each batch, and that the receipt is for the last one.
static uint64_t s_records (const reply_t *reply, uint64_t *last_p)
{
    ck_assert_int_eq (reply->message.kind, WIRE_RECORDS);
    uint64_t first = s_field (reply, WIRE_F_FIRST), last = s_field (reply, WIRE_F_LAST);
    receipt_t receipt = receipt_decode (wire_bytes (&reply->message, WIRE_F_RECEIPT).data);
    ck_assert (receipt_genuine (&receipt, log_key (s_logs.log), log_id (s_logs.log)));
    span_t left = wire_bytes (&reply->message, WIRE_F_BATCHES);
    uint64_t wanted = 0;
    batch_t batch;
    chain_t chain = receipt.chain;
    bool begins = true;
    *last_p = log_last (s_logs.log);
    while (left.size > 0) {
        record_t record;
        ck_assert_int_eq (batch_open (&batch, left, log_id (s_logs.log)), 0);
        ck_assert_uint_le (batch.first, last); // nothing behind what is wanted
        ck_assert (!begins || batch.first <= first);
        begins = false;
        while (batch_next (&batch, &record) == 1) {
            logs_is_right (&s_logs, &record);
            wanted += record.seq >= first && record.seq <= last;
        }
        chain = chain_next (&batch.chain, batch.bytes);
        *last_p = batch_last (&batch);
        left = span (left.data + batch.bytes.size, left.size - batch.bytes.size);
    }
    ck_assert_uint_eq (receipt.seq, *last_p);
    ck_assert (chain_equal (&receipt.chain, &chain));
    return wanted;
}

// Asks until it has all, as a client does. Returns the number of records that were wanted.
static uint64_t s_all (ask_t ask, uint64_t *first_p, uint64_t *last_p)
{
    const reply_t *reply = s_reply (ask);
    uint64_t first = s_field (reply, WIRE_F_FIRST), last = s_field (reply, WIRE_F_LAST), at;
    uint64_t count = s_records (reply, &at);
    *first_p = first;
    *last_p = last;
    while (first <= last && at < last) {
        reply = s_reply ((ask_t){WIRE_BOUND_SEQ, at, WIRE_BOUND_SEQ, last + 1, 0});
        ck_assert_uint_eq (s_field (reply, WIRE_F_FIRST), at + 1);
        ck_assert_uint_eq (s_field (reply, WIRE_F_LAST), last);
        count += s_records (reply, &at);
    }
    ck_assert_uint_eq (count, first <= last ? last - first + 1 : 0);
    return count;
}

static void s_wants (ask_t ask, uint64_t first, uint64_t last)
{
    uint64_t got_first, got_last;
    uint64_t count = s_all (ask, &got_first, &got_last);
    if (first > last)
        ck_assert_uint_eq (count, 0);
    else
        ck_assert_msg (got_first == first && got_last == last, "%d to %d, not %d to %d",
                       (int)got_first, (int)got_last, (int)first, (int)last);
}

// ---- Bounds

START_TEST (without_bounds_everything_is_wanted)
{
    uint64_t head = log_last (s_logs.log);
    s_wants ((ask_t){0}, 1, head);
    const reply_t *reply = s_reply ((ask_t){0});
    ck_assert_uint_eq (s_field (reply, WIRE_F_OLDEST), 1);
    ck_assert_uint_eq (s_field (reply, WIRE_F_WHY), RECORD_WHY_NONE);
}
END_TEST

START_TEST (sequences_bound_a_page)
{
    uint64_t head = log_last (s_logs.log);
    s_wants ((ask_t){WIRE_BOUND_SEQ, 0, 0, 0, 0}, 1, head);
    s_wants ((ask_t){WIRE_BOUND_SEQ, 7, 0, 0, 0}, 8, head);
    s_wants ((ask_t){WIRE_BOUND_SEQ, head - 1, 0, 0, 0}, head, head);
    s_wants ((ask_t){WIRE_BOUND_SEQ, head, 0, 0, 0}, 1, 0);
    s_wants ((ask_t){0, 0, WIRE_BOUND_SEQ, 5, 0}, 1, 4);
    s_wants ((ask_t){0, 0, WIRE_BOUND_SEQ, 1, 0}, 1, 0);
    s_wants ((ask_t){0, 0, WIRE_BOUND_SEQ, 0, 0}, 1, 0);
    s_wants ((ask_t){0, 0, WIRE_BOUND_SEQ, UINT64_MAX, 0}, 1, head);
    s_wants ((ask_t){WIRE_BOUND_SEQ, 100, WIRE_BOUND_SEQ, 105, 0}, 101, 104);
    s_wants ((ask_t){WIRE_BOUND_SEQ, 100, WIRE_BOUND_SEQ, 100, 0}, 1, 0);
}
END_TEST

START_TEST (limit_takes_the_first_behind_after_and_else_the_last)
{
    uint64_t head = log_last (s_logs.log);
    s_wants ((ask_t){.limit = 10}, head - 9, head);
    s_wants ((ask_t){.limit = UINT32_MAX}, 1, head);
    s_wants ((ask_t){WIRE_BOUND_SEQ, 7, 0, 0, 10}, 8, 17);
    s_wants ((ask_t){0, 0, WIRE_BOUND_SEQ, 300, 10}, 290, 299);
    s_wants ((ask_t){WIRE_BOUND_SEQ, 7, WIRE_BOUND_SEQ, 300, 10}, 8, 17);
    s_wants ((ask_t){WIRE_BOUND_SEQ, 7, WIRE_BOUND_SEQ, 10, 10}, 8, 9);
    s_wants ((ask_t){WIRE_BOUND_TIME, LOGS_NOW + 5000000, 0, 0, 3}, 102, 104);
}
END_TEST

// The k-th job has the time LOGS_NOW + k s, and 20 records; the first one also OPEN.
START_TEST (times_bound_a_page)
{
    uint64_t head = log_last (s_logs.log);
    s_wants ((ask_t){WIRE_BOUND_TIME, 0, 0, 0, 0}, 1, head);
    s_wants ((ask_t){WIRE_BOUND_TIME, LOGS_NOW + 1, 0, 0, 0}, 22, head);
    s_wants ((ask_t){WIRE_BOUND_TIME, LOGS_NOW + 5000000, 0, 0, 0}, 102, head);
    s_wants ((ask_t){WIRE_BOUND_TIME, LOGS_NOW + 59000001, 0, 0, 0}, 1, 0);
    s_wants ((ask_t){WIRE_BOUND_TIME, UINT64_MAX, 0, 0, 0}, 1, 0);
    s_wants ((ask_t){0, 0, WIRE_BOUND_TIME, LOGS_NOW + 5000000, 0}, 1, 101);
    s_wants ((ask_t){0, 0, WIRE_BOUND_TIME, LOGS_NOW, 0}, 1, 0);
    s_wants ((ask_t){0, 0, WIRE_BOUND_TIME, UINT64_MAX, 0}, 1, head);
    s_wants ((ask_t){WIRE_BOUND_TIME, LOGS_NOW + 2000000, WIRE_BOUND_TIME, LOGS_NOW + 4000000, 0},
             42, 81);
    s_wants ((ask_t){WIRE_BOUND_SEQ, 50, WIRE_BOUND_TIME, LOGS_NOW + 4000000, 0}, 51, 81);
}
END_TEST

static ask_t s_random_ask (dice_t *chance, uint64_t head)
{
    ask_t ask = {0};
    ask.after_kind = (wire_bound_t)dice (chance, 3);
    ask.before_kind = (wire_bound_t)dice (chance, 3);
    ask.after = dice (chance, head + 1);
    ask.before = dice (chance, head + 10);
    if (ask.after_kind == WIRE_BOUND_TIME)
        ask.after = LOGS_NOW - 1000000 + dice (chance, 62) * 1000000 + dice (chance, 2);
    if (ask.before_kind == WIRE_BOUND_TIME)
        ask.before = LOGS_NOW - 1000000 + dice (chance, 62) * 1000000 + dice (chance, 2);
    ask.limit = dice (chance, 2) ? (uint32_t)dice (chance, 200) : 0;
    return ask;
}

static int64_t s_time_of (uint64_t seq)
{
    return seq == 1 ? LOGS_NOW : s_logs.times[seq];
}

START_TEST (pages_by_chance_hold_what_is_wanted)
{
    dice_t chance = dice_new ("pages_by_chance_hold_what_is_wanted");
    uint64_t head = log_last (s_logs.log);
    for (int i = 0; i < 300; i++) {
        ask_t ask = s_random_ask (&chance, head);
        uint64_t first = 1, last = head;
        while (first <= head &&
               ((ask.after_kind == WIRE_BOUND_SEQ && first <= ask.after) ||
                (ask.after_kind == WIRE_BOUND_TIME && s_time_of (first) < (int64_t)ask.after)))
            first++;
        while (last > 0 &&
               ((ask.before_kind == WIRE_BOUND_SEQ && last >= ask.before) ||
                (ask.before_kind == WIRE_BOUND_TIME && s_time_of (last) >= (int64_t)ask.before)))
            last--;
        if (ask.limit > 0 && last >= first && last - first + 1 > ask.limit) {
            if (ask.after_kind)
                last = first + ask.limit - 1;
            else
                first = last + 1 - ask.limit;
        }
        history_set_max_reply (s_history, 1 + dice (&chance, 30000));
        s_wants (ask, first, last);
    }
}
END_TEST

START_TEST (bounds_are_those_of_when_it_was_asked)
{
    uint64_t head = log_last (s_logs.log);
    s_peer->granted = 0;
    ck_assert_int_eq (s_ask_by (s_peer, (ask_t){.limit = 5}), WIRE_ERR_NONE);
    history_turn (s_history);
    logs_job (&s_logs, "later", 3);
    s_peer->granted = HUGE_CREDIT;
    history_turn (s_history);
    ck_assert_uint_eq (s_count, 1);
    ck_assert_uint_eq (s_field (&s_replies[0], WIRE_F_LAST), head);
    ck_assert_uint_eq (s_field (&s_replies[0], WIRE_F_FIRST), head - 4);
}
END_TEST

START_TEST (empty_log_has_nothing)
{
    s_teardown ();
    faults_skip_syncs (true);
    logs_init (&s_logs);
    s_open ();
    s_wants ((ask_t){0}, 1, 0);
    s_wants ((ask_t){WIRE_BOUND_TIME, 5, WIRE_BOUND_TIME, 7, 3}, 1, 0);
}
END_TEST

// ---- Size and credit

START_TEST (page_is_as_long_as_max_reply_allows)
{
    uint64_t last;
    for (size_t max = 1; max < 40000; max = max * 3 + 700) {
        history_set_max_reply (s_history, max);
        const reply_t *reply = s_reply ((ask_t){0});
        size_t size = wire_bytes (&reply->message, WIRE_F_BATCHES).size;
        s_records (reply, &last);
        ck_assert (size <= max || last <= 21); // but one batch at least
    }
}
END_TEST

START_TEST (page_waits_for_credit)
{
    s_peer->granted = s_peer->sent = 1000;
    ck_assert_int_eq (s_ask_by (s_peer, (ask_t){0}), WIRE_ERR_NONE);
    for (int i = 0; i < 100 && history_turn (s_history); i++)
        ;
    ck_assert_uint_eq (s_count, 0);
    ck_assert (!history_turn (s_history)); // it is not asked to spin
    delivery_credit (s_peer, 1001);
    history_turn (s_history);
    ck_assert_uint_eq (s_count, 1);
    ck_assert_uint_eq (s_peer->sent, 1000 + s_replies[0].size);
    uint64_t last;
    s_records (&s_replies[0], &last);
    ck_assert_uint_eq (last, 21); // one batch overshoots, not more
}
END_TEST

START_TEST (page_of_nothing_waits_for_credit_too)
{
    s_peer->granted = 0;
    ck_assert_int_eq (s_ask_by (s_peer, (ask_t){0, 0, WIRE_BOUND_SEQ, 1, 0}), WIRE_ERR_NONE);
    history_turn (s_history);
    ck_assert_uint_eq (s_count, 0);
    delivery_credit (s_peer, 1);
    history_turn (s_history);
    ck_assert_uint_eq (s_count, 1);
    ck_assert_uint_eq (s_peer->sent, s_replies[0].size);
}
END_TEST

START_TEST (credit_that_comes_with_the_page_counts)
{
    guid_t who = {{1}};
    wire_t page = wire (WIRE_PAGE, 7, &who);
    wire_set (&page, WIRE_F_CREDIT, 5000);
    s_peer->granted = 0;
    ck_assert_int_eq (history_ask (s_history, s_peer, &page), WIRE_ERR_NONE);
    for (int i = 0; i < 100 && s_count == 0; i++)
        history_turn (s_history);
    ck_assert_uint_eq (s_count, 1);
    ck_assert_uint_eq (s_peer->granted, 5000);
}
END_TEST

// ---- One at a time

START_TEST (second_page_of_a_peer_is_busy)
{
    peer_t *other = s_new_peer ();
    s_peer->granted = 0;
    ck_assert_int_eq (s_ask_by (s_peer, (ask_t){0}), WIRE_ERR_NONE);
    ck_assert_int_eq (s_ask_by (s_peer, (ask_t){0}), WIRE_ERR_BUSY);
    ck_assert_int_eq (s_ask_by (other, (ask_t){0}), WIRE_ERR_NONE); // another's is none of its
    for (int i = 0; i < 100 && s_count == 0; i++)
        history_turn (s_history);
    ck_assert_uint_eq (s_count, 1);
    ck_assert_ptr_eq (s_replies[0].peer, other);
    s_peer->granted = HUGE_CREDIT;
    history_turn (s_history);
    ck_assert_uint_eq (s_count, 2);
    ck_assert_ptr_eq (s_replies[1].peer, s_peer);
    ck_assert_int_eq (s_ask_by (s_peer, (ask_t){0}), WIRE_ERR_NONE); // the next one
    history_drop (s_history, s_peer);
    peer_release (&other);
}
END_TEST

START_TEST (dropped_page_is_not_answered)
{
    ck_assert_int_eq (s_ask_by (s_peer, (ask_t){0}), WIRE_ERR_NONE);
    ck_assert_uint_eq (s_peer->holds, 2);
    history_drop (s_history, s_peer);
    history_drop (s_history, s_peer);
    ck_assert_uint_eq (s_peer->holds, 1);
    ck_assert (!history_turn (s_history));
    ck_assert_uint_eq (s_count, 0);
}
END_TEST

START_TEST (unknown_kinds_of_bounds_are_bad)
{
    ck_assert_int_eq (s_ask_by (s_peer, (ask_t){3, 0, 0, 0, 0}), WIRE_ERR_BAD_REQUEST);
    ck_assert_int_eq (s_ask_by (s_peer, (ask_t){0, 0, 255, 0, 0}), WIRE_ERR_BAD_REQUEST);
    ck_assert (!history_turn (s_history));
}
END_TEST

START_TEST (all_peers_are_served)
{
    peer_t *peers[8];
    for (int i = 0; i < 8; i++) {
        peers[i] = s_new_peer ();
        ck_assert_int_eq (s_ask_by (peers[i], (ask_t){WIRE_BOUND_TIME, LOGS_NOW + 9, 0, 0, 0}), 0);
    }
    int turns = 0;
    while (history_turn (s_history) && turns < 1000)
        turns++;
    ck_assert_uint_eq (s_count, 8);
    for (int i = 0; i < 8; i++)
        peer_release (&peers[i]);
}
END_TEST

// ---- What is not to be had

START_TEST (after_beyond_the_head_is_lost)
{
    uint64_t head = log_last (s_logs.log);
    const reply_t *reply = s_reply ((ask_t){WIRE_BOUND_SEQ, head + 5, 0, 0, 0});
    ck_assert_int_eq (reply->message.kind, WIRE_LOST);
    ck_assert_uint_eq (s_field (reply, WIRE_F_FROM), head + 1);
    ck_assert_uint_eq (s_field (reply, WIRE_F_TO), head + 5);
    reply = s_reply ((ask_t){WIRE_BOUND_SEQ, UINT64_MAX, 0, 0, 0});
    ck_assert_int_eq (reply->message.kind, WIRE_LOST);
}
END_TEST

static void s_trim (uint64_t oldest)
{
    uint8_t bytes[64];
    writer_t options = writer (bytes, sizeof bytes);
    record_put_number (&options, RECORD_OPT_OLDEST, oldest);
    record_put_number (&options, RECORD_OPT_WHY, RECORD_WHY_AGE);
    record_t trim = {.kind = RECORD_TRIM, .options = span (bytes, writer_used (&options))};
    log_begin (s_logs.log, s_logs.now, 100, false);
    ck_assert_int_eq (log_put (s_logs.log, &trim), 0);
    log_commit (s_logs.log);
    ck_assert_int_eq (logs_finish (&s_logs).result, WRITER_DONE);
    log_drop_trimmed (s_logs.log);
}

START_TEST (what_retention_removed_is_a_gap)
{
    uint64_t firsts[64];
    ck_assert_uint_ge (logs_segments (&s_logs, firsts, 64), 3);
    s_trim (firsts[1]);
    uint64_t head = log_last (s_logs.log);
    const reply_t *reply = s_reply ((ask_t){WIRE_BOUND_SEQ, 3, 0, 0, 0});
    ck_assert_int_eq (reply->message.kind, WIRE_GAP);
    ck_assert_uint_eq (s_field (reply, WIRE_F_FROM), 4);
    ck_assert_uint_eq (s_field (reply, WIRE_F_TO), firsts[1] - 1);
    ck_assert_uint_eq (s_field (reply, WIRE_F_WHY), RECORD_WHY_AGE);
    s_wants ((ask_t){0}, firsts[1], head); // all there is
    s_wants ((ask_t){WIRE_BOUND_TIME, 0, 0, 0, 5}, firsts[1], firsts[1] + 4);
    reply = s_reply ((ask_t){0});
    ck_assert_uint_eq (s_field (reply, WIRE_F_OLDEST), firsts[1]);
    ck_assert_uint_eq (s_field (reply, WIRE_F_WHY), RECORD_WHY_AGE);
}
END_TEST

START_TEST (damage_is_a_gap_and_the_rest_follows)
{
    uint64_t firsts[64], head = log_last (s_logs.log), last;
    size_t size, ends[64];
    logs_segments (&s_logs, firsts, 64);
    const char *path = logs_segment (&s_logs, firsts[1]);
    uint8_t *bytes = logs_load (path, &size);
    logs_ends (bytes, size, ends, 64);
    bytes[ends[2] + 80] ^= 1;
    s_close ();
    logs_save (path, bytes, size);
    free (bytes);
    s_open ();
    uint64_t hole = firsts[1] + 40;
    const reply_t *reply = s_reply ((ask_t){WIRE_BOUND_SEQ, firsts[1] + 20, 0, 0, 0});
    ck_assert_uint_eq (s_records (reply, &last), 19);
    reply = s_reply ((ask_t){WIRE_BOUND_SEQ, last, WIRE_BOUND_SEQ, head + 1, 0});
    ck_assert_int_eq (reply->message.kind, WIRE_GAP);
    ck_assert_uint_eq (s_field (reply, WIRE_F_FROM), hole);
    ck_assert_uint_eq (s_field (reply, WIRE_F_TO), hole + 19);
    ck_assert_uint_eq (s_field (reply, WIRE_F_WHY), RECORD_WHY_DAMAGE);
    s_wants ((ask_t){WIRE_BOUND_SEQ, hole + 19, 0, 0, 0}, hole + 20, head);
}
END_TEST

START_TEST (disk_that_cannot_be_read_is_said)
{
    faults_fail (FAULTS_PREAD, 0, -1, EIO);
    ck_assert_int_eq (s_reply ((ask_t){0})->refused, WIRE_ERR_READ_FAILED);
    ck_assert_int_eq (s_reply ((ask_t){WIRE_BOUND_TIME, LOGS_NOW + 9, 0, 0, 0})->refused,
                      WIRE_ERR_READ_FAILED);
    faults_fail (FAULTS_PREAD, 0, 0, 0);
    s_wants ((ask_t){0}, 1, log_last (s_logs.log));
}
END_TEST

static void s_add_rest (TCase *cases)
{
    tcase_add_test (cases, second_page_of_a_peer_is_busy);
    tcase_add_test (cases, dropped_page_is_not_answered);
    tcase_add_test (cases, unknown_kinds_of_bounds_are_bad);
    tcase_add_test (cases, all_peers_are_served);
    tcase_add_test (cases, after_beyond_the_head_is_lost);
    tcase_add_test (cases, what_retention_removed_is_a_gap);
    tcase_add_test (cases, damage_is_a_gap_and_the_rest_follows);
    tcase_add_test (cases, disk_that_cannot_be_read_is_said);
}

int main (void)
{
    TCase *cases = tcase_create ("history");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, without_bounds_everything_is_wanted);
    tcase_add_test (cases, sequences_bound_a_page);
    tcase_add_test (cases, limit_takes_the_first_behind_after_and_else_the_last);
    tcase_add_test (cases, times_bound_a_page);
    tcase_add_test (cases, pages_by_chance_hold_what_is_wanted);
    tcase_add_test (cases, bounds_are_those_of_when_it_was_asked);
    tcase_add_test (cases, empty_log_has_nothing);
    tcase_add_test (cases, page_is_as_long_as_max_reply_allows);
    tcase_add_test (cases, page_waits_for_credit);
    tcase_add_test (cases, page_of_nothing_waits_for_credit_too);
    tcase_add_test (cases, credit_that_comes_with_the_page_counts);
    s_add_rest (cases);
    return kit_run (cases, "history");
}
